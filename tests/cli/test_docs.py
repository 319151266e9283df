"""The documentation: links lead somewhere, and every command, key and status has its place.

That the commands shown run is held by tests/docs.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from repoint.cli import main
from repoint.errors import ExitCode

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_command_is_shown_in_the_readme_or_a_how_to() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES if page.name != "cli.md"]
    for name in main.commands:
        assert any(f"repoint {name}" in text for text in texts), name


def test_every_exit_status_has_its_row() -> None:
    page = (ROOT / "docs" / "reference" / "exit-status.md").read_text(encoding="utf-8")
    rows = {int(row) for row in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert rows == {int(code) for code in ExitCode}


def test_the_configuration_page_names_every_key() -> None:
    from repoint.planning import config, knowledge

    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    sections = (
        *(config.Config, config.Source, config.Target, config.Environment, config.ConsumerChoice),
        *(config.Acceptance, config.Migration, config.Gates, config.Verify, config.Soak),
        *(config.Data, config.Render, *knowledge.SECTIONS),
    )
    for section in sections:
        for name in section.__struct_fields__:
            assert name in page, name


def test_the_group_has_no_command_without_a_page() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert isinstance(main, click.Group)
    for name in main.commands:
        assert f"## repoint {name}\n" in page


def test_what_a_rehearsal_asks_is_on_its_page() -> None:
    from repoint.flows.rehearsing import checks_login, run

    page = (ROOT / "docs" / "explanation" / "rehearsal.md").read_text(encoding="utf-8")
    asked = [one.id for one in (*run._QUESTIONS, checks_login.LOGIN)]
    assert len(asked) > 15
    for name in (*asked, "answers", run._RESTART, run._MIGRATIONS):
        assert f"`{name}`" in page.partition("## What keeps it honest")[0], name


def test_the_page_of_formats_names_the_commands_of_each() -> None:
    page = (ROOT / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.MULTILINE))
    assert told.pop("human") == "all of them"
    offered: dict[str, set[str]] = {}
    for name, command in main.commands.items():
        each = command.commands.values() if isinstance(command, click.Group) else [command]
        for form in (one for part in each for one in part.params if one.name == "form"):
            assert isinstance(form.type, click.Choice)
            for choice in form.type.choices:
                offered.setdefault(str(choice), set()).add(name)
    del offered["human"]
    assert {form: set(names.split(", ")) for form, names in told.items()} == offered
