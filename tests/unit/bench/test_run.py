"""What a whole run ends with, and the repositories that its rounds run on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import goals, others, run, scanning
from bench.generate import Truth
from bench.goals import Goal, Row
from bench.measure import Ratio, Sample, Series
from bench.others import Answer, Program
from bench.run import Report
from bench.scanning import Scans
from bench.score import Score
from bench.trees import CHANGED, Tree, prepare

FINE = Row(Goal("one", "fine", 1, 2), "10k", Ratio(0.5, 0.5, 7))
SLOW = Row(Goal("two", "slow", 1, 2), "10k", Ratio(5.0, 5.0, 7))


def _tree(size: str, files: int, folder: Path = Path()) -> Tree:
    return Tree(size, folder, Truth(files, [], []))


def _scans(size: str, files: int, wall: float) -> Scans:
    names = ("cold", "warm", "unchanged", "fresh", "rg", "git status")
    series = {name: Series(name, {0: Sample(wall, wall, 40.0, 0)}) for name in names}
    return Scans(_tree(size, files), series, [Score(1, 1)])


@pytest.mark.parametrize(
    ("report", "gate", "status"),
    [
        pytest.param(Report([FINE]), True, 0, id="all is met"),
        pytest.param(Report([FINE, SLOW]), False, 0, id="slow without the gate"),
        pytest.param(Report([FINE, SLOW]), True, 1, id="slow with the gate"),
        pytest.param(Report([FINE], ["a site was lost"]), False, 1, id="wrong without the gate"),
    ],
)
def test_status(report: Report, gate: bool, status: int) -> None:
    assert run._status(report, gate=gate) == status


def test_a_known_miss_is_loud_and_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(goals.KNOWN, "two", "waits for the cache")
    assert run._status(Report([SLOW]), gate=True) == 0
    assert capsys.readouterr().err == "missed, known: slow: waits for the cache\n"


def test_wrong_scans_and_unequal_output_are_counted_in() -> None:
    lost, unequal = _scans("10k", 10_000, 1.0), _scans("100k", 100_000, 1.0)
    lost.scores.append(Score(2, 1, missed=["a.yaml:3 KEY"]))
    unequal.unequal.append("100k, round 0: warm is not as cold")
    report = Report()
    report.add_scans([lost, unequal])
    assert len(report.wrong) == 2
    assert any("missed a.yaml:3 KEY" in line for line in report.wrong)
    assert "100k, round 0: warm is not as cold" in report.wrong


def test_growth_is_told_between_neighbours_and_the_rest_from_10k_on() -> None:
    found = [_scans("1k", 1_000, 1.0), _scans("10k", 10_000, 7.0), _scans("100k", 100_000, 77.0)]
    rows = scanning.rows(found)
    growth = {row.size: row.measured.wall for row in rows if row.goal.name == "growth"}
    assert growth == {"1k to 10k": 7.0, "10k to 100k": 11.0}
    assert {row.size for row in rows if row.goal.name == "cold"} == {"10k", "100k"}
    assert [row.measured.wall for row in rows if row.goal.name == "memory"] == [40.0, 40.0]


def test_the_scan_after_a_change_comes_before_the_one_without() -> None:
    order = ["unchanged", "rg", "warm"]
    scanning._first(order, "warm", "unchanged")
    assert order == ["warm", "rg", "unchanged"]
    scanning._first(order, "warm", "unchanged")
    assert order == ["warm", "rg", "unchanged"]
    scanning._first(order, "not here", "rg")
    assert order == ["warm", "rg", "unchanged"]


def _answering(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> list[tuple[str, ...]]:
    """Programs that answer in turn, and what they were asked."""
    asked: list[tuple[str, ...]] = []
    left = iter(answers)

    def ask(*words: str) -> Answer:
        asked.append(words)
        return next(left)

    monkeypatch.setattr(others, "ask", ask)
    return asked


def test_a_program_that_counts_rounds_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _answering(monkeypatch, Answer({"ratio": 0.5, "ratio_cpu": 0.7, "renders_repeat": 0}))
    program = Program(
        "proving", "1k", {"verification": "ratio", "renders-repeat": "renders_repeat"}
    )
    rows, wrong = others.measure(program, Path("/tree"), 7)
    assert asked == [("proving", "/tree", "--rounds=7")]
    assert [(row.measured.wall, row.measured.cpu, row.measured.rounds) for row in rows] == [
        (0.5, 0.7, 7),
        (0, None, 1),
    ]
    assert not wrong


def test_a_program_that_does_not_is_asked_for_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Answer({"ratio": 0.1}), Answer({"ratio": 0.9}), Answer({"ratio": 0.2}, "differs")]
    asked = _answering(monkeypatch, *found)
    program = Program("consumers", "10k", {"consumers": "ratio"}, counts_rounds=False)
    rows, wrong = others.measure(program, Path("/tree"), 3)
    assert asked == [("consumers", "/tree")] * 3
    assert (rows[0].measured.wall, rows[0].size, wrong) == (0.2, "10k", ["differs"])


def test_an_answer_without_a_figure_makes_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    _answering(monkeypatch, Answer({"seconds": 1}))
    assert others.measure(Program("sealed", "", {"sealed": "ratio"}), None, 7) == ([], [])


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        pytest.param('print(\'{"ratio": 1, "differences": 0}\')', "", id="fine"),
        pytest.param(
            "print('{\"differences\": 2}')", "bench.planted found 2 differences", id="differences"
        ),
        pytest.param(
            "print('{}'); raise SystemExit(1)",
            "ended with status 1: it did not say why",
            id="failed",
        ),
        pytest.param("raise SystemExit('no tool')", "ended with status 1: no tool", id="why"),
        pytest.param("", "ended with status 0: it did not say why", id="silent"),
    ],
)
def test_what_a_program_ends_with(
    code: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "planted.py").write_text(code)
    monkeypatch.setattr(others, "HERE", tmp_path / "bench")
    answer = others.ask("planted")
    assert answer.problem.endswith(problem) and bool(answer.problem) == bool(problem)


def test_every_program_is_there_and_every_row_of_it_a_goal() -> None:
    for program in others.PROGRAMS:
        assert (others.HERE / f"{program.name}.py").is_file()
        assert program.goals.keys() <= goals.GOALS.keys()


def test_a_prepared_repository_is_cloned_changed_and_its_cache_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.trees.SIZES", {"tiny": 400})
    tree = prepare("tiny", tmp_path)
    before = {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()}
    clean = {path.relative_to(tree.root): raw for path, raw in before.items() if _ours(path)}
    assert clean == {
        path.relative_to(tree.clone): path.read_bytes()
        for path in tree.clone.rglob("*")
        if path.is_file() and _ours(path)
    }
    tree.change()
    tree.change()
    grown = [path for path, raw in before.items() if _ours(path) and path.read_bytes() != raw]
    assert len(grown) == CHANGED
    assert all(path.read_bytes() == before[path] + b"\n\n" for path in grown)

    (tree.empty_cache("saved") / "kept").write_bytes(b"1")
    assert (tree.restore_cache("fresh", "saved") / "kept").read_bytes() == b"1"
    assert tree.cache("saved").stat().st_mode & 0o077 == 0
    assert not list(tree.empty_cache("saved").iterdir())


def _ours(path: Path) -> bool:
    return ".git" not in path.parts


@pytest.mark.slow
def test_a_run_holds_scans_against_the_truth() -> None:
    argv = [sys.executable, "-m", "bench.run", "--only", "scan", "--rounds", "1", "1k"]
    here = Path(run.__file__).parents[1]
    done = subprocess.run(argv, cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1k: recall 174/174, 0 described wrongly, 0 that are no sites" in done.stdout
