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
from scripts.doc_pages.running import commands_of, kind_of, load, needs_servers, run_page
from scripts.doc_pages.sandbox import EXAMPLE, sandbox

PAGES = pages()
RUN = [p for p in PAGES if kinds.RUN in {kind_of(one) for one in commands_of(p)}]
LANGUAGES = {
    *("sh", "console", "yaml", "sql", "text", "json", "ini", "hcl", "makefile", "toml", "diff"),
    *("python", "dockerfile", "groovy", "html", "gitattributes"),
}
PLACEHOLDER = re.compile(r"^(?:\.\.\.?|…|[A-Z]{2,}|<.*>)$")


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page: str) -> None:
    for block in read_blocks(page, load(page)):
        assert block.language in LANGUAGES, f"{block.where}: give the block a language"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_has_arguments_that_repoint_takes(page: str) -> None:
    for command in commands_of(page):
        for words in kinds.simple_commands(command.text):
            if words[0] == "repoint":
                assert not complaint(words[1:]), f"{command.where}: {complaint(words[1:])}"


@pytest.mark.parametrize("page", PAGES)
def test_a_command_within_a_sentence_or_a_sample_is_one_that_repoint_takes(page: str) -> None:
    text = load(page)
    inline = re.findall(r"(?<!`)`(repoint [^`\n]+)`(?!`)", text)
    for block in read_blocks(page, text):
        if block.language not in ("sh", "console"):
            pattern = r"^\s*(?:- |run: |- run: )?(repoint [a-z-]+(?: .*)?)$"
            inline += re.findall(pattern, block.text, re.M)
    for shown in inline:
        for words in kinds.simple_commands(shown):
            if words[0] == "repoint" and not any(map(PLACEHOLDER.match, words[1:2])):
                known = [word for word in words[1:] if word not in ("..", "...", "…")]
                why = complaint(known)
                named = "Missing" in why or "requires an argument" in why
                assert not why or named, f"{page}: `{shown}`: {why}"


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_is_there(page: str) -> None:
    for command in commands_of(page):
        if kind_of(command) == kinds.MAKE:
            for words in kinds.simple_commands(command.text):
                if words[0] == "make":
                    _tried(words, command.where)
    for target in re.findall(r"`make ([a-z-]+)[^`]*`", load(page)):
        _tried(["make", target], page)


def _tried(words: list[str], where: str) -> None:
    argv = [*words, "--dry-run", "--no-print-directory", f"--directory={ROOT}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{where}: {done.stderr}"


@pytest.mark.parametrize("page", RUN)
def test_every_command_that_can_run_ends_and_prints_as_the_page_says(
    page: str, tmp_path: Path
) -> None:
    faults = [ran.fault for ran in run_page(page, tmp_path, servers=False) if ran.fault]
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.parametrize("page", [page for page in PAGES if needs_servers(page)])
def test_with_servers_a_page_runs_to_its_end(page: str, tmp_path: Path) -> None:
    faults = [ran.fault for ran in run_page(page, tmp_path) if ran.fault]
    assert not faults, "\n".join(faults)


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


@pytest.mark.parametrize("page", PAGES)
def test_yaml_is_yaml_and_what_looks_like_configuration_is_taken(page: str, example: str) -> None:
    known = set(Config.__struct_fields__)
    for block in read_blocks(page, load(page)):
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


@pytest.mark.parametrize("page", PAGES)
def test_json_is_json(page: str) -> None:
    for block in read_blocks(page, load(page)):
        if block.language == "json":
            msgspec.json.decode(block.text)
