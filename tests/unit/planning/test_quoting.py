"""Quotes that a value gets with an edit: the file reads back as wanted, and goes back as it was."""

from __future__ import annotations

import configparser
import json
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repoint.formats.read import read_file
from repoint.formats.yaml_plain import outgrows_plain, quote_for
from repoint.model.consumer import Site
from repoint.model.plan import Edit, Op, PartEdit
from repoint.model.receipt import ReceiptFile
from repoint.planning.ground import Ground, edit_of
from repoint.planning.site_edits import Goal, part_edits
from repoint.planning.splice import apply_edits, repeat_entry
from repoint.planning.takeback import take_back
from repoint.planning.undo import describe
from repoint.planning.wishes import Reason
from repoint.sites.detect import detect
from tests.unit.flows.hand_plans import sha
from tests.unit.planning.small_repository import CONFIG, Trial, repository, workload

NEW = "pg-pooler.shop.svc.cluster.local"
GOAL = Goal(NEW, sslmode="require")
URL = "postgres://u:canary-x@postgres:5432/db"
MOVED = f"postgres://u:canary-x@{NEW}:5432/db?sslmode=require"


def site_in(path: str, text: str) -> Site:
    return next(
        one for one in detect(read_file(path, text.encode())) if one.host.text == "postgres"
    )


def moved(path: str, text: str, goal: Goal = GOAL) -> tuple[str, list[Edit]] | None:
    """The file with its first site at the goal, and the edits; None: left to a person."""
    raw = text.encode()
    parsed = read_file(path, raw)
    site = site_in(path, text)
    ground = Ground("dev", {path: parsed}, lambda _: raw, lambda _: True)
    _, holder, text_map = ground.holder(site)
    pieces = ground.pieces(site, part_edits(site, goal), holder, text_map)
    if pieces is None:
        return None
    edits = [
        edit_of(
            Reason("RP110", "pooled"),
            pointer=site.location.pointer,
            line=site.location.line,
            key=site.key,
            start=span.start,
            end=span.end,
            before=before,
            after=after,
        )
        for span, before, after in pieces
    ]
    after = apply_edits(path, raw, edits)
    entry = ReceiptFile(path, "f", sha(raw), sha(after), undos=describe(path, raw, after, edits))
    assert take_back(after, entry).content == raw
    assert not any("canary" in f"{edit.before}{edit.after}" for edit in edits)
    return after.decode(), edits


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(
            f"env: [{{name: DATABASE_URL, value: {URL}}}]\n",
            f'env: [{{name: DATABASE_URL, value: "{MOVED}"}}]\n',
            id="a pair between braces",
        ),
        pytest.param(
            f"args: [serve, --db={URL}, -v]\n",
            f'args: [serve, "--db={MOVED}", -v]\n',
            id="an item between brackets",
        ),
        pytest.param(
            f"env: {{ DATABASE_URL : {URL} , B: x}} # why\r\n",
            f'env: {{ DATABASE_URL : "{MOVED}" , B: x}} # why\r\n',
            id="blanks, a comment and CRLF",
        ),
        pytest.param(
            f"env:\n  DATABASE_URL: {URL}\n",
            f"env:\n  DATABASE_URL: {MOVED}\n",
            id="a block needs none",
        ),
        pytest.param(
            f"env: {{DATABASE_URL: '{URL}'}}\n",
            f"env: {{DATABASE_URL: '{MOVED}'}}\n",
            id="quotes stay what they are",
        ),
        pytest.param(
            f"env: {{DATABASE_URL: {URL}?a=b}}\n",
            f"env: {{DATABASE_URL: {MOVED.replace('sslmode', 'a=b&sslmode')}}}\n",
            id="what holds the mark already is read by somebody",
        ),
        pytest.param(
            f"data:\n  app.yaml: |\n    # é\n    db: {{DATABASE_URL: {URL}, pool: 5}}\n",
            f'data:\n  app.yaml: |\n    # é\n    db: {{DATABASE_URL: "{MOVED}", pool: 5}}\n',
            id="in a file that a block holds",
        ),
        pytest.param(
            f"data:\n  app.yaml: |\n    db:\n      url: {URL}\n",
            f"data:\n  app.yaml: |\n    db:\n      url: {MOVED}\n",
            id="in a file that a block holds, and no braces",
        ),
    ],
)
def test_a_plain_value_gets_quotes_where_it_needs_them(text: str, wanted: str) -> None:
    found = moved("a.yaml", text)

    assert found is not None
    assert found[0] == wanted


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        pytest.param(
            "run.sh",
            "psql postgres://$U@postgres/db?a=b -c 'select 1'\n",
            f"psql \"postgres://$U@{NEW}/db?a=b&sslmode=require\" -c 'select 1'\n",
            id="a word of a script",
        ),
        pytest.param(
            "run.sh",
            "export DATABASE_URL=postgres://u@postgres/db?a=b\n",
            f'export DATABASE_URL="postgres://u@{NEW}/db?a=b&sslmode=require"\n',
            id="an assignment",
        ),
        pytest.param(
            "run.sh",
            "psql 'postgres://u@postgres/db?a=b'\n",
            f"psql 'postgres://u@{NEW}/db?a=b&sslmode=require'\n",
            id="quotes that are there",
        ),
        pytest.param(
            "run.sh",
            "psql postgres://u@postgres/db\n",
            f"psql postgres://u@{NEW}/db?sslmode=require\n",
            id="a question mark cuts no word",
        ),
        pytest.param(
            "run.sh",
            "bash -c \"psql postgres://u@postgres/db?a=b -c 'select 1'\"\n",
            f"bash -c \"psql 'postgres://u@{NEW}/db?a=b&sslmode=require' -c 'select 1'\"\n",
            id="a script in a script",
        ),
        pytest.param(
            "Makefile",
            "migrate:\n\t@psql postgres://u@postgres/db?a=b -f x.sql\n",
            f'migrate:\n\t@psql "postgres://u@{NEW}/db?a=b&sslmode=require" -f x.sql\n',
            id="a recipe",
        ),
        pytest.param(
            "a.yaml",
            'command: ["sh", "-c", "psql postgres://u@postgres/db?a=b -f x.sql"]\n',
            'command: ["sh", "-c", "psql '
            f"'postgres://u@{NEW}/db?a=b&sslmode=require' -f x.sql\"]\n",
            id="a script in quotes",
        ),
        pytest.param(
            "a.yaml",
            "command: [sh, -c, 'psql postgres://u@postgres/db?a=b -f x.sql']\n",
            f"command: [sh, -c, 'psql \"postgres://u@{NEW}/db?a=b&sslmode=require\" -f x.sql']\n",
            id="a script in single quotes",
        ),
        pytest.param(
            "a.yaml",
            "args: [sh, -c]\nscript: |\n  set -e\n  psql postgres://u@postgres/db?a=b\n",
            "args: [sh, -c]\nscript: |\n  set -e\n"
            f'  psql "postgres://u@{NEW}/db?a=b&sslmode=require"\n',
            id="a script in a block",
        ),
    ],
)
def test_a_word_of_a_script_gets_quotes_where_it_needs_them(
    path: str, text: str, wanted: str
) -> None:
    found = moved(path, text)

    assert found is not None
    assert found[0] == wanted


def test_a_script_that_no_quotes_fit_is_left_to_a_person() -> None:
    text = 'command: ["sh", "-c", "psql postgres://$U@postgres/db?a=b -f x.sql"]\n'

    assert moved("a.yaml", text) is None


def test_an_ampersand_is_spelled_as_xml_spells_it() -> None:
    text = '<a><property name="url" value="jdbc:postgresql://postgres:5432/db?a=b"/></a>\n'

    found = moved("persistence.xml", text)

    assert found is not None
    assert f'//{NEW}:5432/db?a=b&amp;sslmode=require"' in found[0]


@pytest.mark.parametrize(
    ("entry", "copy"),
    [
        pytest.param(
            "DATABASE_URL: postgres://u@postgres/db, ",
            'DIRECT_URL: "postgres://u@{h}/db?sslmode=require", ',
            id="before a neighbour",
        ),
        pytest.param(
            ", DATABASE_URL: postgres://u@postgres/db",
            ', DIRECT_URL: "postgres://u@{h}/db?sslmode=require"',
            id="behind one",
        ),
        pytest.param(
            "  DATABASE_URL: 'postgres://u@postgres/db'\n",
            "  DIRECT_URL: 'postgres://u@{h}/db?sslmode=require'\n",
            id="in quotes",
        ),
        pytest.param(
            "DATABASE_URL=postgres://u@postgres/db\n",
            "DIRECT_URL=postgres://u@{h}/db?sslmode=require\n",
            id="no YAML",
        ),
    ],
)
def test_a_second_key_gets_quotes_where_it_needs_them(entry: str, copy: str) -> None:
    parts = (
        PartEdit("key", "DATABASE_URL", "DIRECT_URL"),
        PartEdit("host", "postgres", NEW),
        PartEdit("param", "", "require", "sslmode"),
    )

    assert repeat_entry("a.yaml", 1, entry, parts, encoded=False) == copy.format(h=NEW)


@pytest.mark.parametrize(
    ("before", "after", "flow", "needs"),
    [
        ("a", "a?b", True, True),
        ("a", "a?b", False, False),
        ("a", "a,b", True, True),
        ("a?b", "c?b", True, False),
        ("a", "a: b", False, True),
        ("a", "a #b", False, True),
        ("a", "a:b#c", False, False),
        ("db", "yes", False, True),
        ("db", "1e3", False, True),
        ("db", "0x1f", False, True),
        ("db", "2001-01-01", False, True),
        ("5432", "6432", False, False),
        ("db", "db-1.shop", False, False),
        ("db", "10.0.0.1", False, True),
    ],
)
def test_what_outgrows_a_plain_value(before: str, after: str, flow: bool, needs: bool) -> None:
    assert outgrows_plain(before, after, flow=flow) is needs


def test_quotes_are_those_that_need_no_escape() -> None:
    assert [quote_for(text) for text in ("a", 'a"', "a\\", "a'", "a'\"", "a\nb")] == [
        *('"', "'", "'", '"', "", ""),
    ]


@settings(max_examples=60, deadline=None)
@given(st.text("ab01yes:?,#&{}[] '\"\\~.-é", min_size=1, max_size=8), st.booleans())
@example("a?b", True)
def test_what_needs_no_quotes_reads_back_without_them(text: str, flow: bool) -> None:
    if (
        outgrows_plain("z", text, flow=flow)
        or text[0] in ":?,#&{}[] '\"~.-"
        or text != text.strip()
    ):
        return
    whole = f"[{text}]" if flow else f"- {text}"

    assert yaml.load(whole, yaml.SafeLoader) == [text]


def _ini(text: str) -> str:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return parser["db"]["url"]


def _words(text: str) -> str:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)[1]


def _property(text: str) -> str:
    return text.partition("=")[2].rstrip("\n")


READERS: dict[str, tuple[str, str, Callable[[str], str]]] = {
    "braces": ("a.yaml", "env: {{DATABASE_URL: {0}, b: x}}\n", lambda t: _env(t)),
    "brackets": (
        "a.yaml",
        "env: [DATABASE_URL={0}]\n",
        lambda t: _env(t).removeprefix("DATABASE_URL="),
    ),
    "block": ("a.yaml", "env:\n  DATABASE_URL: {0}\n", lambda t: _env(t)),
    "double": ("a.yaml", 'env: {{DATABASE_URL: "{0}"}}\n', lambda t: _env(t)),
    "inner": (
        "a.yaml",
        "data:\n  c.yaml: |\n    env: {{DATABASE_URL: {0}}}\n",
        lambda t: _env(yaml.safe_load(t)["data"]["c.yaml"]),
    ),
    "json": ("a.json", '{{"url": "{0}"}}\n', lambda t: str(json.loads(t)["url"])),
    "toml": ("a.toml", '[db]\nurl = "{0}"\n', lambda t: str(tomllib.loads(t)["db"]["url"])),
    "toml literal": ("a.toml", "[db]\nurl = '{0}'\n", lambda t: str(tomllib.loads(t)["db"]["url"])),
    "ini": ("a.ini", "[db]\nurl = {0}\n", _ini),
    "properties": ("a.properties", "url={0}\n", _property),
    "dotenv": ("a.env", "DATABASE_URL={0}\n", _property),
    "hcl": ("a.tfvars", 'url = "{0}"\n', lambda t: str(json.loads(_property(t).strip()))),
    "shell": ("a.sh", "psql {0} -c 'select 1'\n", _words),
}


def _reads(read: Callable[[str], str], text: str, value: str) -> bool:
    """Whether the value can stand there as it is in the first place."""
    try:
        return read(text) == value
    except yaml.YAMLError:
        return False


def _env(text: str) -> str:
    # The reader in Python, which ends a plain value where go-yaml does.
    found = yaml.load(text, yaml.SafeLoader)["env"]
    return str(found["DATABASE_URL"] if isinstance(found, dict) else found[0])


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None)
@given(
    query=st.sampled_from(["", "?a=b", "?sslmode=disable", "?a=b&sslmode=prefer", "?"]),
    params=st.sampled_from(
        [(), (("application_name", "x"),), (("options", "-c search_path=a,b"),), (("a_b", "é#;"),)]
    ),
    port=st.sampled_from(["", ":5432"]),
)
def test_a_moved_value_reads_as_the_wanted_text(
    name: str, query: str, params: tuple[tuple[str, str], ...], port: str
) -> None:
    path, shape, read = READERS[name]
    value = f"postgres://u@postgres{port}/db{query}"
    text = shape.format(value)
    if not _reads(read, text, value):
        return
    found = moved(path, text, Goal(NEW, sslmode="require", params=params))

    assert found is not None
    after = read(found[0])
    assert after.startswith(f"postgres://u@{NEW}{port}/db?")
    assert "sslmode=require" in after
    (site,) = detect(read_file(path, found[0].encode()))
    assert part_edits(site, Goal(NEW, sslmode="require")) == ()


def test_plan_and_apply_write_the_quotes_of_a_shared_script(tmp_path: Path) -> None:
    job = workload(
        "Job",
        "load",
        """
        containers:
          - name: load
            image: acme/web
            command: ["sh", "-c", "psql postgres://u@postgres/db?a=b -f x.sql"]
        """,
    )
    trial = Trial(
        tmp_path,
        repository({"job.yaml": job}, {}),
        config=CONFIG.replace("pooler: pg-pooler", "pooler: pg-pooler, sslmode: require"),
    )

    written = trial.apply("dev")

    (patch,) = (text for path, text in written.items() if path.endswith("load-dev-patch.yaml"))
    assert "'postgres://u@pg-rw.shop-dev.svc.cluster.local/db?a=b&sslmode=require' -f x" in patch


def test_edits_of_quotes_are_splices_that_tell_no_more_than_the_scheme() -> None:
    found = moved("a.yaml", f"env: {{DATABASE_URL: {URL}}}\n")

    assert found is not None
    assert {edit.op for edit in found[1]} == {Op.SPLICE}
    assert [(edit.before, edit.after) for edit in found[1]] == [
        ("postgres://", '"postgres://'),
        ("postgres", NEW),
        ("", '?sslmode=require"'),
    ]
