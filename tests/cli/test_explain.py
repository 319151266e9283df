"""`repoint explain`: several codes, the pager of a terminal, and a pipe that stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from repoint.cli import main
from repoint.errors import UsageError
from repoint.rules import catalog
from repoint.views import pages
from tests.cli.terminals import started

ARGV = [sys.executable, "-m", "repoint", "explain"]


def shown(*arguments: str, pager: str | None, rows: int = 10, **env: str) -> str:
    """What a person sees of `repoint explain` on a terminal."""
    given = {**env, **({} if pager is None else {"PAGER": pager})}
    unset = ["env", *([] if pager is not None else ["-u", "PAGER"])]
    with started([*unset, *ARGV, *arguments], env=given, rows=rows) as (screen, process):
        said = screen.rest()
        assert process.wait() == 0
        return said.replace("\r\n", "\n")


def piped(*arguments: str) -> str:
    done = subprocess.run([*ARGV, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_a_pipe_gets_markdown_as_it_is() -> None:
    assert piped("rp211") == catalog.explain("RP211")
    assert piped("RP211", "--format", "markdown") == catalog.explain("RP211")
    assert piped("RP211", "RP401", "RP211") == "\n".join(map(catalog.explain, ("RP211", "RP401")))
    assert piped().splitlines()[0] == catalog.explain("RP101").partition("\n")[0].removeprefix("# ")


def test_as_json_every_code_has_its_title_and_page() -> None:
    listed = json.loads(piped("--format", "json"))
    assert [one["code"] for one in listed["codes"]] == list(catalog.pages())
    (one,) = json.loads(piped("RP401", "--format", "json"))["codes"]
    assert one["title"] == "a file changed after the plan was made"
    assert one["page"] == catalog.explain("RP401")


def test_what_does_not_fit_goes_through_the_pager_of_the_user() -> None:
    said = shown("RP211", pager="sed 's/^/paged: /'", NO_COLOR="1")
    assert said.startswith("paged: RP211: PgBouncer refuses")
    assert all(line.startswith("paged: ") for line in said.splitlines())
    assert said.replace("paged: ", "") == pages.page(catalog.explain("RP211"))


@pytest.mark.parametrize(
    ("arguments", "pager", "rows", "env"),
    [
        (["RP211", "--no-pager"], "sed s/^/paged:/", 10, {}),
        (["RP211"], "", 10, {}),
        (["RP211"], "cat", 10, {}),
        (["RP211"], "sed s/^/paged:/", 60, {}),
        (["RP211"], "sed s/^/paged:/", 10, {"TERM": "dumb"}),
        (["RP211"], "no-such-pager-is-here 2>/dev/null", 10, {}),
    ],
    ids=["asked not to", "empty", "cat", "it fits", "dumb", "not there"],
)
def test_no_pager(arguments: Sequence[str], pager: str, rows: int, env: dict[str, str]) -> None:
    said = shown(*arguments, pager=pager, rows=rows, **{"NO_COLOR": "1", **env})
    assert said == pages.page(catalog.explain("RP211"))


def test_a_pager_that_is_left_early_is_no_error() -> None:
    assert "RP101" in shown(pager="head -n 1")


def test_without_a_code_every_title_is_listed_with_what_to_do_next() -> None:
    said = shown(pager="cat", NO_COLOR="1")
    assert said.count("RP") >= len(catalog.pages())
    assert said.splitlines()[-1].startswith("next: `repoint explain CODE`")
    assert all(len(line) <= 80 for line in said.splitlines())


def test_colors_come_through() -> None:
    assert "\x1b[1mRemedy\x1b[0m" in shown("RP211", pager="cat")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("RP21", "did you mean `RP"),
        ("search_path", "RP273: search_path is emptied"),
        ("nonsense", "`repoint explain` lists every code"),
        ("x", "`repoint explain` lists every code"),
    ],
)
def test_a_code_that_is_none_has_near_ones(code: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        catalog.explain(code)
    assert f"has the code `{code.upper()}`" in caught.value.message
    assert hint in caught.value.hints[0]


def test_nothing_is_printed_when_one_code_of_several_is_none() -> None:
    done = CliRunner().invoke(main, ["explain", "RP211", "RP999"])
    assert (done.exit_code, done.stdout) == (2, "")


def test_every_page_keeps_its_words_and_fits() -> None:
    for text in catalog.pages().values():
        said = pages.page(text, width=60)
        assert said.split() == [word for word in text.split() if word not in ("#", "##")]
        assert all(len(line) <= 60 or " " not in line.strip() for line in said.splitlines())
