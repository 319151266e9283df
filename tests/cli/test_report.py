"""`--format html` on real repositories: what goes in, where it goes, and what never does."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from repoint.adapters.filetree import FileTree
from repoint.cli import extras, main
from repoint.errors import ExitCode
from repoint.flows import bench_records
from repoint.model.benchmark import Pair
from tests.acceptance.example import EXAMPLE, VARIANTS, Checkout, checkout
from tests.unit.views.report.dossiers import dossier
from tests.unit.views.report.reading import Document


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The example with a repoint.yaml, and a record of a measurement."""
    folder = tmp_path_factory.mktemp("report")
    keys = folder / "keys.txt"
    keys.write_text("".join(one.read_text() for one in sorted(EXAMPLE.glob("keys/*.txt"))))
    made = checkout(EXAMPLE, folder / "naytife", keys)
    made.run("init")
    made.commit("repoint init")
    bench_records.record(dossier().benchmarks[0], FileTree(made.root))
    return made


def parts(html: str) -> set[str]:
    """The ids of the document's sections."""
    return {
        one.attributes["id"]
        for one in Document(html).all("section")
        if "id" in one.attributes and one.parents[-1] == "main"
    }


def test_a_plan_brings_everything_that_is_known(begun: Checkout) -> None:
    html = begun.run("plan", "--format", "html").stdout
    found = Document(html)
    assert not found.problems
    assert parts(html) == {
        *("summary", "topology", "changes", "findings", "proof", "benchmark"),
        *("state", "ledger", "codes", "about"),
    }
    for name in ("backend-secret", "naytife-postgres-pooler-rw", "DATABASE_URL_DIRECT", "RP102"):
        assert name in found.text
    assert "Ready to apply" in found.text
    assert html == begun.run("plan", "--format", "html").stdout


def test_a_file_called_html_gets_the_report_and_any_other_the_plan(
    begun: Checkout, tmp_path: Path
) -> None:
    page, plan = tmp_path / "report.HTML", tmp_path / "plan.json"
    done = begun.run("plan", "--env", "local", "--format", "html", "--output", str(page))
    assert (done.stdout, done.stderr) == ("", f"wrote {page}\n")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    done = begun.run("plan", "--env", "local", "--format", "html", "--output", str(plan))
    assert done.stdout == page.read_text(encoding="utf-8")
    assert plan.read_text(encoding="utf-8").startswith("{")
    lost = begun.run("plan", "--format", "html", "-o", "/nowhere/x.html", status=1)
    assert "is no folder" in lost.stderr


def test_scan_and_status_have_their_parts(begun: Checkout) -> None:
    scan = begun.run("scan", "--format", "html").stdout
    assert parts(scan) >= {"summary", "topology", "findings", "about"}
    assert not parts(scan) & {"changes", "proof", "ledger"}
    status = begun.run("status", "--format", "html").stdout
    assert parts(status) == {"summary", "benchmark", "state", "ledger", "about"}
    planned = begun.run("status", "--plan", "--env", "local", "--format", "html").stdout
    assert parts(planned) >= {"changes", "proof", "topology", "state"}
    assert "staging-backend" not in planned


@pytest.mark.parametrize("name", ["x02-shell-password", "anchors", "x13-cleartext"])
def test_no_password_of_a_repository_is_in_its_report(name: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("")
    here = checkout(VARIANTS / name, tmp_path / name, keys)
    text = "".join(p.read_text() for p in here.root.rglob("*.yaml"))
    secrets = set(re.findall(r"canary[\w-]*", text))
    assert secrets
    here.run("init", status=None)
    for verb in ("plan", "scan"):
        html = here.run(verb, "--format", "html", status=None).stdout
        assert html.startswith("<!DOCTYPE html>")
        assert not [one for one in secrets if one in html]


def test_without_the_extra_the_command_to_get_it_is_named(
    begun: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "fast_sugiyama"
    monkeypatch.setattr(extras, "find_spec", lambda one: None if one == gone else find_spec(one))
    for verb in ("scan", "plan", "rehearse", "status", "bench"):
        done = CliRunner().invoke(main, ["-C", str(begun.root), verb, "--format", "html"])
        assert done.exit_code == ExitCode.REFUSED, verb
        assert "the HTML report needs the Python package `fast_sugiyama`" in done.output
        assert "pip install 'repoint[report]'" in done.output


def test_a_measurement_is_kept_once_for_each_pooler(tmp_path: Path) -> None:
    (tmp_path / "repoint.yaml").write_text("{}")
    tree = FileTree(tmp_path)
    (value,) = dossier().benchmarks
    assert bench_records.record(value, tree) == bench_records.record(value, tree)
    assert bench_records.records(tree) == (value,)
    (tmp_path / ".repoint" / "benchmarks" / "other.json").write_text('{"environment": 1}')
    (tmp_path / ".repoint" / "benchmarks" / "none.json").write_bytes(b"\xff")
    zero = replace(value.measured[0], pairs=(Pair(0.0, 1.0, "direct"),))
    bench_records.record(replace(value, pooler="other", measured=(zero,)), tree)
    assert bench_records.records(tree) == (value,)
