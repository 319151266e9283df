"""`repoint data` from end to end on two servers, reached by URLs in variables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.documents import validated
from tests.prepared import run
from tests.servers.comparing.conftest import Half, Pair, Twins

pytestmark = pytest.mark.servers

CONFIG = """\
source:
  hosts: [postgres]
target:
  cluster: pg
  pooler: pg-pooler
environments:
  local:
    namespace: shop
data:
  source: OLD_URL
  target: NEW_URL
  parallel: {parallel}
  chunk_rows: {chunk}
"""


class Shop:
    """A repository whose databases are a pair of the twins'."""

    def __init__(self, folder: Path, pair: Pair, *, parallel: int = 2, chunk: int = 50_000) -> None:
        self.root = folder / "shop"
        self.root.mkdir()
        self.pair = pair
        self.state = folder / "state"
        self.configure(parallel=parallel, chunk=chunk)

    def configure(self, *, parallel: int = 2, chunk: int = 50_000, more: str = "") -> None:
        text = CONFIG.format(parallel=parallel, chunk=chunk) + more
        (self.root / "repoint.yaml").write_text(text)

    def environment(self, **variables: str) -> dict[str, str]:
        urls = {"OLD_URL": self.pair.source.url, "NEW_URL": self.pair.target.url}
        return {**os.environ, **urls, "XDG_STATE_HOME": str(self.state), **variables}

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "repoint", "-C", str(self.root), "data", *arguments]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = self.environment(**variables)
        return run("-C", str(self.root), "data", *arguments, env=env)

    def compared(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = self.run("compare", "--format", "json", *arguments)
        assert done.stdout, done.stderr
        return done.returncode, validated("data-compare", done.stdout)["databases"][0]

    def ledger(self) -> list[dict[str, Any]]:
        path = self.root / ".repoint/ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


@pytest.fixture
def shop(tmp_path: Path, twins: Twins) -> Shop:
    return Shop(tmp_path, twins.pair())


def test_a_whole_target_passes_and_is_recorded(shop: Shop) -> None:
    done = shop.run("compare", "--env", "local")

    assert done.returncode == 0
    assert "ok 17 tables" in done.stdout
    assert "revision golang-migrate (public.schema_migrations)" in done.stdout
    (entry,) = shop.ledger()
    assert (entry["phase"], entry["verdict"], entry["environment"]) == ("compared", "pass", "local")
    assert len(entry["content"]) == 64


def test_what_differs_is_told_and_recorded_as_a_failure(shop: Shop) -> None:
    shop.pair.target.sql("DELETE FROM shop.big WHERE id = 5", "DROP INDEX shop.kinds_tv")

    human = shop.run("compare")
    page = shop.run("compare", "--format", "markdown", "--no-record")

    assert human.returncode == page.returncode == 1
    assert "error indexes: shop.kinds_tv is not on the target" in human.stdout
    assert "rows 1 to 125: 125 there, 124 on the target" in human.stdout
    assert "| error | indexes: shop.kinds_tv is not on the target | there |  |" in page.stdout
    assert [entry["verdict"] for entry in shop.ledger()] == ["fail"]


def test_no_value_of_a_row_and_no_password_is_printed_or_kept(shop: Shop) -> None:
    canary = "canary-0815-of-a-row"
    shop.pair.target.sql(
        f"UPDATE shop.texts SET slug = '{canary}' WHERE slug LIKE 'slug 7%' AND body = '7'"
    )
    shop.pair.source.sql(f"INSERT INTO shop.heap VALUES ('{canary}', 1)")

    done = [shop.run("compare", "--format", form) for form in ("human", "json", "markdown")]
    taken = shop.run("baseline")

    told = "".join(one.stdout + one.stderr for one in (*done, taken))
    assert "throwaway" not in told and canary not in told
    kept = [path for path in shop.root.parent.rglob("*") if path.is_file()]
    assert len(kept) > 3
    for path in kept:
        assert b"throwaway" not in path.read_bytes() and canary.encode() not in path.read_bytes()


def test_a_part_proves_nothing_and_is_not_recorded(shop: Shop) -> None:
    schema = shop.run("compare", "--schema-only")
    status, found = shop.compared("--tables", "shop.p*")
    missing = shop.run("compare", "--tables", "shop.nothing")

    assert schema.returncode == 0 and "not recorded, since rows were not compared" in schema.stderr
    assert status == 0 and [one["name"] for one in found["tables"]] == ["shop.pairs", "shop.parent"]
    assert missing.returncode == 2 and "no table is called `shop.nothing`" in missing.stderr
    assert not (shop.root / ".repoint").exists()


def test_tables_that_are_left_out_may_differ(shop: Shop) -> None:
    shop.pair.target.sql("CREATE TABLE shop.audit (id integer)", "TRUNCATE shop.cache")
    shop.configure(more="  exclude: [shop.audit, 'shop.ca*']\n")

    status, found = shop.compared()

    assert status == 0
    assert "shop.cache" not in [one["name"] for one in found["tables"]]


def test_what_the_role_may_not_see_is_unknown(shop: Shop) -> None:
    url = shop.pair.target.url.replace("rich_admin", "rich_reader")
    done = shop.run("compare", "--format", "json", NEW_URL=url)
    found = json.loads(done.stdout)["databases"][0]

    assert done.returncode == 1
    assert found["verdict"] == "unknown"
    blind = {one["name"]: one["why"] for one in found["tables"] if one["verdict"] == "unknown"}
    assert blind["public.schema_migrations"] == "on the target: no SELECT for `rich_reader`"
    assert "row-level security" in blind["shop.heap"]
    assert {one["what"] for one in found["unseen"]} >= {"sequence shop.tickets"}


def test_an_empty_side_and_one_and_the_same_database_are_told(shop: Shop, twins: Twins) -> None:
    same = shop.run("compare", NEW_URL=shop.pair.source.url)
    empty = shop.run(
        "compare", NEW_URL=shop.pair.target.url.replace(shop.pair.target.name, "postgres")
    )
    source = shop.run(
        "compare", OLD_URL=shop.pair.source.url.replace(shop.pair.source.name, "postgres")
    )

    same.stdout = " ".join(same.stdout.split())
    assert "source and target are one and the same database" in same.stdout
    assert same.returncode == 1
    assert empty.returncode == 1 and "the target is empty: database `postgres`" in empty.stdout
    assert source.returncode == 1 and "the source is empty: database `postgres`" in source.stdout


def test_writers_and_sessions_at_the_source_are_told(shop: Shop) -> None:
    shop.configure(parallel=1, chunk=50)
    stop = Event()
    writing = Event()

    def write() -> None:
        with closing(shop.pair.source.connect()) as session:
            number = 10_000
            while not stop.is_set():
                number += 1
                session.query(f"INSERT INTO shop.big VALUES ({number}, 'x', now())")
                # Statistics of a session are told once a second, and when it ends.
                session.query("SELECT pg_stat_force_next_flush()")
                writing.set()
                time.sleep(0.001)

    thread = Thread(target=write)
    thread.start()
    try:
        writing.wait(10)
        status, found = shop.compared()
    finally:
        stop.set()
        thread.join()

    assert status == 1
    (big,) = [one for one in found["tables"] if one["name"] == "shop.big"]
    assert big["verdict"] == "fail" and big["changes"] > 0
    assert any("1 other sessions are at the source" in note for note in found["notes"])


def test_a_killed_run_goes_on_where_it_was(shop: Shop) -> None:
    shop.configure(parallel=2, chunk=1)  # two statements for each row of the big table
    running = subprocess.Popen(
        shop.argv("compare"), env=shop.environment(), stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while len(remembered(shop)) < 8 and time.monotonic() < until:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = scans(shop.pair.target)

    shop.configure(parallel=2, chunk=500)
    status, found = shop.compared("--resume")

    assert status == 0
    resumed = {one["name"] for one in found["tables"] if one["resumed"]}
    resumed -= {"pg_catalog.pg_largeobject"}  # the catalog's own scans are not listed
    assert len(resumed) >= 7 and "shop.big" not in resumed
    after = scans(shop.pair.target)
    read = {name for name in resumed if after[plain(name)] != before[plain(name)]}
    assert read <= {"public.schema_migrations"}  # which is asked for its newest revision
    assert after["shop.big"] > before["shop.big"]
    shop.pair.target.sql("DELETE FROM shop.cache")
    _, again = shop.compared("--resume")
    assert [one["name"] for one in again["tables"] if one["verdict"] == "fail"] == ["shop.cache"]


def plain(name: str) -> str:
    return name.replace('"', "")


def remembered(shop: Shop) -> dict[str, Any]:
    try:
        return dict(json.loads(next(shop.state.rglob("compare-local.json")).read_text()))
    except (StopIteration, ValueError):
        return {}


def scans(half: Half) -> dict[str, int]:
    # Whoever was killed is gone from the server when its connection is.
    gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'repoint data'"
    until = time.monotonic() + 20
    while half.sql(gone)[0][0] != "0" and time.monotonic() < until:
        time.sleep(0.05)
    rows = half.sql(
        "SELECT schemaname || '.' || relname, seq_scan + coalesce(idx_scan, 0) "
        "FROM pg_stat_user_tables"
    )
    return {str(name): int(count or 0) for name, count in rows}


@pytest.mark.parametrize("parallel", [1, 3])
def test_connections_and_locks_are_bounded(shop: Shop, parallel: int) -> None:
    shop.configure(parallel=parallel, chunk=5)
    running = subprocess.Popen(
        shop.argv("compare", "--no-record"), env=shop.environment(), stdout=subprocess.DEVNULL
    )
    most = {"source": 0, "target": 0}
    locks: set[str] = set()
    sessions = {"source": shop.pair.source, "target": shop.pair.target}
    watching = {name: half.lab.superuser(half.name) for name, half in sessions.items()}
    while running.poll() is None:
        for name, watch in watching.items():
            (row,) = watch.query(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'repoint data' "
                f"AND datname = '{sessions[name].name}'"
            )
            most[name] = max(most[name], int(row[0]))
            locks |= {
                str(mode)
                for (mode,) in watch.query(
                    "SELECT DISTINCT l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE a.application_name = 'repoint data' AND l.locktype = 'relation'"
                )
            }
        time.sleep(0.005)
    for watch in watching.values():
        watch.close()

    assert running.returncode == 0
    assert most == {"source": parallel, "target": parallel}
    assert locks == {"AccessShareLock"}


def test_replication_that_is_behind_is_told(shop: Shop) -> None:
    shop.pair.source.sql(
        "SELECT pg_create_logical_replication_slot('moving', 'pgoutput')",
        "UPDATE shop.big SET body = body WHERE id < 50",
    )
    try:
        shop.pair.target.sql(
            "CREATE SUBSCRIPTION moving CONNECTION 'host=/nowhere dbname=x' PUBLICATION everything "
            "WITH (connect = false, slot_name = NONE)"
        )
        _, found = shop.compared("--schema-only")
    finally:
        shop.pair.source.sql("SELECT pg_drop_replication_slot('moving')")
        shop.pair.target.sql("DROP SUBSCRIPTION IF EXISTS moving")

    notes = " ".join(found["notes"])
    assert "replication slot `moving` of the source is " in notes
    assert "bytes behind, and nobody reads it" in notes
    assert "subscription `moving` of the target is disabled" in notes


def test_baseline_and_what_was_written_since(shop: Shop) -> None:
    none = shop.run("written")
    assert none.returncode == 1 and "no baseline of `local` was taken" in none.stderr

    taken = shop.run("baseline")
    same = shop.run("written")
    shop.pair.target.sql("DELETE FROM shop.big WHERE id < 4")
    other = shop.run("written")
    program = shop.run("written", "--format", "json")

    assert taken.stdout.startswith(".repoint/baselines/local.json: 17 tables")
    assert same.returncode == 0 and "ok 0 tables written" in same.stdout
    assert other.returncode == 1 and "2000 -> 1997" in other.stdout
    found = validated("data-written", program.stdout)["databases"][0]
    (big,) = [one for one in found["tables"] if one["change"] == "changed"]
    assert (big["name"], big["deleted"]) == ("shop.big", 3)


@pytest.mark.parametrize(
    ("variables", "status", "told"),
    [
        ({"NEW_URL": ""}, 2, "names `NEW_URL`, and that variable is not set"),
        ({"NEW_URL": "mysql://x"}, 2, "variable `NEW_URL` holds no PostgreSQL URL"),
        (
            {"NEW_URL": "postgres://me:hunter2@127.0.0.1:1/x"},
            1,
            "is not reached: connection failed",
        ),
    ],
)
def test_a_side_that_cannot_be_reached_is_said_in_a_line(
    shop: Shop, variables: dict[str, str], status: int, told: str
) -> None:
    done = shop.run("compare", **variables)

    assert done.returncode == status
    assert told in done.stderr
    assert "hunter2" not in done.stderr and "Traceback" not in done.stderr


def test_a_wrong_password_is_not_printed(shop: Shop) -> None:
    url = shop.pair.target.url.replace("throwaway", "hunter2")

    done = shop.run("compare", NEW_URL=url)

    assert done.returncode == 1
    assert "refuses the login" in done.stderr and "hunter2" not in done.stderr
