"""Packages that bring knowledge: found by their entry point, named when they fail."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from repoint.adapters.plugins import any_installed, installed, told_of
from repoint.errors import KnowledgeFailed
from repoint.model.consumer import Purpose

_NUMBER = itertools.count()
DATA = {"tools": [{"name": "acme-move", "purpose": "migration", "commands": ["acme-move up"]}]}


class Place:
    """A folder with installed packages, which Python can import from."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = str(root)

    def add(self, code: str, *, name: str = "acme", version: str = "1.2", value: str = "") -> str:
        """Install a package whose module holds `code`; its module's name comes back."""
        module = f"acme_knowledge_{next(_NUMBER)}"
        package = self.root / module
        package.mkdir()
        (package / "__init__.py").write_text(code)
        info = self.root / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        entry = f"[repoint.knowledge]\nit = {value.format(module) or module + ':known'}\n"
        (info / "entry_points.txt").write_text(entry)
        return module


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return Place(folder)


def test_without_one(place: Place) -> None:
    (place.root / "other-1.dist-info").mkdir()
    (place.root / "other-1.dist-info" / "entry_points.txt").write_text("[console_scripts]\na = b:c")
    assert not any_installed([place.path, str(place.root / "gone")])
    assert installed([place.path]).is_empty


FORMS = {
    "a mapping": f"known = {DATA}",
    "a function": f"def known():\n    return {DATA}",
    "values": (
        "from repoint import Knowledge, Purpose, Tool\n"
        "known = Knowledge(tools=(Tool('acme-move', Purpose.MIGRATION,"
        " commands=('acme-move up',)),))"
    ),
    "a function of values": (
        "from repoint import Knowledge, Purpose, Tool\n"
        "def known():\n"
        "    tool = Tool('acme-move', Purpose.MIGRATION, commands=('acme-move up',))\n"
        "    return Knowledge(tools=(tool,))"
    ),
}


@pytest.mark.parametrize("code", FORMS.values(), ids=FORMS)
def test_what_an_entry_point_may_name(place: Place, code: str) -> None:
    place.add(code)
    assert any_installed([place.path])
    (tool,) = installed([place.path]).tools
    assert (tool.name, tool.purpose, tool.origin) == ("acme-move", Purpose.MIGRATION, "acme 1.2")


def test_a_package_with_a_data_file(place: Place) -> None:
    module = place.add("", value="{0}")
    text = "tools: [{name: acme-move, purpose: migration, commands: [acme-move up]}]\n"
    (place.root / module / "knowledge.yaml").write_text(text)
    assert installed([place.path]).tools[0].origin == "acme 1.2"


def test_packages_come_in_the_order_of_their_names(place: Place) -> None:
    place.add(f"known = {DATA}", name="zebra")
    place.add(f"known = {DATA}", name="aardvark", version="3")
    assert [one.origin for one in installed([place.path]).tools] == ["aardvark 3", "zebra 1.2"]


BROKEN = {
    "no module": ("known = {}", "{0}_gone:known", "ended with ModuleNotFoundError"),
    "no name": ("", "", "ended with AttributeError"),
    "an error": ("def known():\n    raise ValueError('canary-secret')", "", "with ValueError"),
    "an exit": ("raise SystemExit(0)", "", "ended with SystemExit"),
    "a wrong key": ("known = {'tolls': []}", "", "unknown key `tolls`"),
    "a wrong type": ("known = 3", "", "`acme 1.2`: must be a mapping"),
    "no data file": ("", "{0}", "ended with FileNotFoundError"),
}


@pytest.mark.parametrize(("code", "value", "said"), BROKEN.values(), ids=BROKEN)
def test_one_that_fails_is_named(place: Place, code: str, value: str, said: str) -> None:
    place.add(code, value=value)
    with pytest.raises(KnowledgeFailed) as caught:
        installed([place.path])
    assert caught.value.message.startswith("knowledge of acme 1.2: ")
    assert said in caught.value.message
    assert "canary" not in caught.value.message
    assert caught.value.hints


def test_each_package_is_told_of(place: Place) -> None:
    place.add(f"known = {DATA}", name="good")
    place.add("known = {'tolls': []}", name="bad", version="2")
    bad, good = told_of([place.path])
    assert good == ("good", "1.2", "")
    assert bad[:2] == ("bad", "2") and "unknown key `tolls`" in bad[2]


def test_only_installed_packages_count(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that a run was started in may hold what looks like an installed package."""
    place.add(f"known = {DATA}")
    repository = place.root.rename(place.root.parent / "repository")
    monkeypatch.setattr(sys, "path", ["", str(repository)])
    monkeypatch.chdir(repository)
    assert not any_installed()
    assert installed().is_empty
