"""What was written since a baseline: real writes of every kind, and statistics that got lost."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.local_state import UserState
from repoint.comparison.baseline import Change, Written
from repoint.comparison.selection import Selection
from repoint.errors import FileRefused
from repoint.flows.comparing.baselines import (
    baseline_path,
    load_baseline,
    measure_written,
    take_baseline,
)
from repoint.model.rehearsal import Verdict
from tests.servers.comparing.conftest import ADMIN, Half, Pair, Twins

pytestmark = pytest.mark.servers


def now() -> datetime:
    return datetime.now(UTC)


class Scene:
    """A repository, this machine, and a pair of databases with a baseline of the target."""

    def __init__(self, folder: Path, pair: Pair) -> None:
        self.root = folder / "repository"
        self.root.mkdir()
        self.tree = FileTree(self.root)
        self.local = UserState(self.root)
        self.pair = pair
        self.target: Half = pair.target
        self.taken = take_baseline(
            pair.target.database(), "production", self.tree, self.local, now=now
        )

    def written(
        self, *, local: UserState | None = None, source: bool = False, user: str = ADMIN
    ) -> Written:
        baseline = load_baseline(self.tree, "production")
        assert baseline is not None
        return measure_written(
            baseline,
            self.target.database(user),
            local or self.local,
            now=now,
            source=self.pair.source.database() if source else None,
            chunk_rows=300,
        )


@pytest.fixture
def scene(tmp_path: Path, twins: Twins, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Scene(tmp_path, twins.pair())


def changes(found: Written) -> dict[str, Change]:
    return {one.name: one.change for one in found.tables if one.change is not Change.UNCHANGED}


WRITES = [
    ("INSERT INTO shop.big VALUES (-1, 'x', now())", "shop.big", (1, 0, 0), 1),
    ("UPDATE shop.big SET body = 'z' WHERE id < 4", "shop.big", (0, 3, 0), 0),
    ("DELETE FROM shop.big WHERE id < 4", "shop.big", (0, 0, 3), -3),
    (
        "DELETE FROM shop.big WHERE id = 9; INSERT INTO shop.big VALUES (9, 'x', now())",
        "shop.big",
        (1, 0, 1),
        0,
    ),
    ("INSERT INTO shop.heap VALUES ('new', 1)", "shop.heap", (1, 0, 0), 1),
    ("INSERT INTO shop.empty VALUES (1)", "shop.empty", (1, 0, 0), 1),
    ("INSERT INTO shop.texts VALUES ('s', 'b') ON CONFLICT DO NOTHING", "shop.texts", (1, 0, 0), 1),
    (
        "MERGE INTO shop.cache c USING (VALUES (1)) v(i) ON c.id = v.i "
        "WHEN MATCHED THEN UPDATE SET v = 'cold'",
        "shop.cache",
        (0, 1, 0),
        0,
    ),
    ("TRUNCATE shop.heap", "shop.heap", None, -90),
    (
        "BEGIN; CREATE TEMPORARY TABLE x AS SELECT * FROM shop.heap; TRUNCATE shop.heap; "
        "INSERT INTO shop.heap SELECT line || '!', n FROM x; COMMIT",
        "shop.heap",
        None,
        0,
    ),
    ("CREATE TABLE shop.later AS SELECT 1 AS a", "shop.later", (1, 0, 0), 1),
    ("DROP TABLE shop.cache", "shop.cache", None, -1),
    ("SELECT lo_put(4711, 0, 'x')", "pg_catalog.pg_largeobject", None, 1),
]


@pytest.mark.parametrize(
    ("write", "table", "counts", "more"), WRITES, ids=[one for one, *_ in WRITES]
)
def test_every_kind_of_write_is_measured(
    scene: Scene, write: str, table: str, counts: tuple[int, ...] | None, more: int
) -> None:
    scene.target.sql(write)

    found = scene.written()

    assert changes(found) == {table: Change.CHANGED}
    assert found.verdict is Verdict.FAIL
    (one,) = found.changed
    assert (one.rows_after or 0) - (one.rows_before or 0) == more
    if counts is not None:
        assert (one.inserted, one.updated, one.deleted) == counts


def test_copied_rows_are_measured(scene: Scene) -> None:
    # COPY FROM a program's output needs no file and no COPY protocol.
    scene.target.sql("COPY shop.empty FROM PROGRAM 'seq 1 500'")

    (one,) = scene.written().changed

    assert (one.name, one.rows_after, one.inserted) == ("shop.empty", 500, 500)


@pytest.mark.parametrize(
    "nothing",
    [
        "SELECT count(*) FROM shop.big",
        "BEGIN; DELETE FROM shop.big; ROLLBACK",
        "UPDATE shop.big SET body = body",
        "DELETE FROM shop.cache; INSERT INTO shop.cache VALUES (1, 'warm')",
        "VACUUM FULL shop.big",
        "CREATE TABLE shop.void (a integer)",
        "CREATE TEMPORARY TABLE mine AS SELECT 1 AS a",
        "SELECT nextval('shop.tickets')",
    ],
)
def test_what_leaves_every_row_as_it_was_is_no_write(scene: Scene, nothing: str) -> None:
    scene.target.sql(nothing)

    found = scene.written()

    assert changes(found) == {}
    assert found.verdict is Verdict.PASS
    assert found.sequences == (("shop.tickets",) if "nextval" in nothing else ())


@pytest.mark.parametrize(
    "reset",
    [
        "SELECT pg_stat_reset()",
        "SELECT pg_stat_reset_single_table_counters('shop.big'::regclass)",
        "SELECT pg_stat_reset_shared('bgwriter')",
    ],
)
def test_writes_are_seen_though_statistics_were_reset_in_between(scene: Scene, reset: str) -> None:
    scene.target.sql("UPDATE shop.big SET body = 'z' WHERE id = 7", reset)

    found = scene.written()

    assert changes(found) == {"shop.big": Change.CHANGED}
    (one,) = found.changed
    assert (one.inserted, one.updated, one.deleted) == (None, None, None)
    assert "lost or reset its statistics" in found.notes[0]


def test_writes_are_seen_though_a_crash_or_a_failover_threw_the_statistics_away(
    scene: Scene, twins: Twins
) -> None:
    scene.target.sql("UPDATE shop.big SET body = 'z' WHERE id = 7")
    scene.target.lab.stop_postgres()
    scene.target.lab.start_postgres()
    twins.refill()

    found = scene.written()

    # An unlogged table does not outlive a crash, and a standby never had its rows.
    assert changes(found) == {"shop.big": Change.CHANGED, "shop.cache": Change.CHANGED}
    assert found.changed[0].updated is None
    assert found.changed[1].rows_after == 0
    assert "lost or reset its statistics" in found.notes[0]


def test_without_its_key_a_baseline_proves_nothing_but_rows_and_counts(
    scene: Scene, tmp_path: Path
) -> None:
    scene.target.sql("INSERT INTO shop.empty VALUES (1)")
    elsewhere = UserState(tmp_path / "another machine")

    found = scene.written(local=elsewhere)

    assert changes(found)["shop.empty"] is Change.CHANGED
    assert changes(found)["shop.big"] is Change.UNKNOWN
    assert "key of the baseline is not on this machine" in found.notes[0]


def test_without_its_key_the_source_still_tells(scene: Scene, tmp_path: Path) -> None:
    scene.target.sql("INSERT INTO shop.empty VALUES (1); SELECT pg_stat_reset()")
    elsewhere = UserState(tmp_path / "another machine")

    assert changes(scene.written(local=elsewhere, source=True)) == {"shop.empty": Change.CHANGED}


def test_another_server_is_told(scene: Scene) -> None:
    scene.target = scene.pair.source

    found = scene.written()

    assert "this is another server" in found.notes[0]
    # Its rows are the baseline's nevertheless, since the target is a copy of it. What was
    # written on the target meanwhile, nobody has looked at.
    assert not found.changed and found.verdict is Verdict.UNKNOWN


def test_a_table_that_may_not_be_read_is_unknown(scene: Scene) -> None:
    found = scene.written(user="rich_reader")

    assert changes(found)["public.schema_migrations"] is Change.UNKNOWN
    assert changes(found)['"Odd Names".select'] is Change.UNKNOWN
    assert "shop.big" not in changes(found)


def test_the_committed_file_holds_no_row_and_no_key(scene: Scene, tmp_path: Path) -> None:
    path = scene.root / baseline_path("production")
    text = path.read_text()
    (key,) = (tmp_path / "state").rglob("*.key")

    assert "happy" not in text and "slug" not in text
    assert key.read_bytes().hex() not in text
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(text)["tables"]["shop.big"]["rows"] == 2000
    assert len(json.loads(text)["tables"]["shop.empty"]["digest"]) == 32


def test_two_baselines_of_the_same_rows_have_nothing_in_common(scene: Scene) -> None:
    again = take_baseline(
        scene.target.database(),
        "production",
        scene.tree,
        scene.local,
        now=now,
        selection=Selection(only=("shop.*",)),
    )

    assert again.tables["shop.big"].rows == scene.taken.tables["shop.big"].rows
    assert again.tables["shop.big"].digest != scene.taken.tables["shop.big"].digest
    assert "public.schema_migrations" not in again.tables


def test_a_damaged_baseline_is_refused(scene: Scene) -> None:
    (scene.root / baseline_path("production")).write_text("{}")

    with pytest.raises(FileRefused, match="is no baseline"):
        load_baseline(scene.tree, "production")
    assert load_baseline(scene.tree, "staging") is None


def test_reading_takes_no_lock_that_a_writer_minds(scene: Scene) -> None:
    with closing(scene.target.connect()) as writer:
        writer.query("BEGIN; DELETE FROM shop.cache")
        assert changes(scene.written()) == {}
        writer.query("COMMIT")
    assert changes(scene.written()) == {"shop.cache": Change.CHANGED}
