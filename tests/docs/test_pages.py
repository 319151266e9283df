"""Every command of the documentation: run in a sandbox, or parsed and listed as not run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import msgspec
import pytest
import yaml

from repoint.planning.config import Config, load_config
from scripts.doc_pages import kinds
from scripts.doc_pages.blocks import ROOT, pages, read_blocks
from scripts.doc_pages.listing import LISTING, counted, listing
from scripts.doc_pages.parsing import complaint
from scripts.doc_pages.running import (
    brief,
    commands_of,
    kind_of,
    load,
    needs_servers,
    run_page,
)
from scripts.doc_pages.sandbox import EXAMPLE, sandbox

PAGES = pages()
RUN = [p for p in PAGES if kinds.RUN in {kind_of(one) for one in commands_of(p)}]
LANGUAGES = {
    *("sh", "console", "yaml", "sql", "text", "json", "ini", "hcl", "makefile", "toml", "diff"),
    *("python", "dockerfile", "groovy", "html", "gitattributes", "prisma"),
}
_LINE = re.compile(r"^\s*(?:- |run: |- run: )?(repoint [a-z-]+(?: .*)?)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"^(?:\.\.\.?|…|[A-Z]{2,}|<.*>)$")


BLOCKS = [block for page in PAGES for block in read_blocks(page, load(page))]
COMMANDS = [command for page in PAGES for command in commands_of(page)]


def test_every_block_says_what_it_is() -> None:
    unknown = [block.where for block in BLOCKS if block.language not in LANGUAGES]
    assert not unknown, "give these blocks a language"


def test_every_command_has_arguments_that_repoint_takes() -> None:
    faults = [
        f"{command.where}: {why}"
        for command in COMMANDS
        for words in kinds.simple_commands(command.text)
        if words[0] == "repoint" and (why := complaint(words[1:]))
    ]
    assert not faults, "\n".join(faults)


def test_a_command_within_a_sentence_or_a_sample_is_one_that_repoint_takes() -> None:
    shown = [
        (page, found)
        for page in PAGES
        for found in re.findall(r"(?<!`)`(repoint [^`\n]+)`(?!`)", load(page))
    ]
    shown += [
        (block.where, found)
        for block in BLOCKS
        if block.language not in ("sh", "console")
        for found in _LINE.findall(block.text)
    ]
    faults = [
        f"{where}: `{text}`: {why}"
        for where, text in shown
        for words in kinds.simple_commands(text)
        if words[0] == "repoint" and (why := _complaint_of_a_mention(words[1:]))
    ]
    assert not faults, "\n".join(faults)


def _complaint_of_a_mention(words: list[str]) -> str:
    """As of a command, but a sentence may leave values out."""
    if words and PLACEHOLDER.match(words[0]):
        return ""
    why = complaint([word for word in words if word not in ("..", "...", "…")])
    return "" if "Missing" in why or "requires an argument" in why else why


def test_every_make_target_is_there() -> None:
    lines = {words for command in COMMANDS for words in _makes(command.text)}
    for page in PAGES:
        lines |= {("make", target) for target in re.findall(r"`make ([a-z0-9-]+)", load(page))}
    faults = []
    for words in sorted(lines):
        argv = [*words, "--dry-run", "--no-print-directory", f"--directory={ROOT}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            faults.append(f"{' '.join(words)}: {done.stderr}")
    assert not faults, "\n".join(faults)


def _makes(line: str) -> set[tuple[str, ...]]:
    return {tuple(words) for words in kinds.simple_commands(line) if words[0] == "make"}


@pytest.mark.parametrize("page", RUN)
def test_every_command_that_can_run_ends_and_prints_as_the_page_says(
    page: str, tmp_path: Path
) -> None:
    faults = [ran.fault for ran in run_page(page, tmp_path, servers=False) if ran.fault]
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in PAGES if needs_servers(page)])
def test_with_servers_a_page_runs_to_its_end(page: str, tmp_path: Path) -> None:
    # README's measurement takes as long as a user's; of the others it is seen that they are made.
    briefly = page != "README.md"
    faults = [ran.fault for ran in run_page(page, tmp_path, briefly=briefly) if ran.fault]
    assert not faults, "\n".join(faults)


def test_a_measurement_is_made_brief_and_nothing_else() -> None:
    assert brief("repoint bench --env a --rounds 9 --seconds 5 --svg x") == (
        "repoint bench --rounds 2 --seconds 1 --env a --svg x"
    )
    assert brief("repoint bench") == "repoint bench --rounds 2 --seconds 1"
    assert brief("repoint verify --soak --seconds 5") == "repoint verify --soak --seconds 5"


def test_what_cannot_run_here_is_listed() -> None:
    assert LISTING.read_text(encoding="utf-8") == listing(), "run `make docs`, and look at the diff"


def test_more_is_run_than_is_not(record_property: pytest.RecordProperty) -> None:
    found = counted()
    for kind, count in sorted(found.items()):
        record_property(kind, count)
    not_run = sum(found[kind] for kind in kinds.NOT_RUN)
    assert found[kinds.RUN] + found[kinds.SERVERS] >= not_run, dict(found)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The repoint.yaml that `repoint init` writes for the example."""
    made = sandbox(tmp_path_factory.mktemp("yaml"), EXAMPLE, configured=True)
    return (made.root / "repoint.yaml").read_text(encoding="utf-8")


def test_yaml_is_yaml_and_what_looks_like_configuration_is_taken(example: str) -> None:
    known = set(Config.__struct_fields__)
    for block in BLOCKS:
        if block.language != "yaml":
            continue
        for document in yaml.safe_load_all(block.text):
            if isinstance(document, dict) and {*document} <= known:
                whole = _laid_over(yaml.safe_load(example), document)
                load_config(yaml.safe_dump(whole), block.where)


def _laid_over(base: object, top: object) -> object:
    """The snippet over a whole file: maps are merged, everything else is replaced."""
    if isinstance(base, dict) and isinstance(top, dict):
        return {**base, **{key: _laid_over(base.get(key), value) for key, value in top.items()}}
    return top


def test_json_is_json() -> None:
    for block in BLOCKS:
        if block.language == "json":
            msgspec.json.decode(block.text)
