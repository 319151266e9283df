"""No password is where another user, or a log that is kept, could show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.model.sensitive import Sensitive
from repoint.rehearsal.cluster_conf import role_sql
from repoint.rehearsal.lab import RoleSpec
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import GroundFactory, major_of

pytestmark = pytest.mark.servers

SECRET = "canary-5d1f0c0e-of-a-role"
WRONG = "canary-77aa01bc-that-is-wrong"


def test_a_password_is_in_no_file_log_argument_or_environment(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(mode="transaction")
    here.sql(*role_sql(RoleSpec("canary", Sensitive(SECRET)), major_of(here.lab)))
    try:
        sessions = [
            one.connect(user="canary", password=Sensitive(SECRET)) for one in (pool, here.direct)
        ]
        for one in (pool, here.direct):
            with pytest.raises(ServerRefusal):
                one.connect(user="canary", password=Sensitive(WRONG))
        for session in sessions:
            assert session.query("SELECT current_user") == (("canary",),)
        here.sql("CHECKPOINT")

        found = places_of(here.lab.folder, SECRET.encode(), WRONG.encode())
        known = places_of(here.lab.folder, b"user_search")
    finally:
        here.sql("DROP ROLE canary")

    assert found == []
    assert known != []  # The search itself finds what is there.


def places_of(folder: Path, *needles: bytes) -> list[str]:
    """Where one of `needles` stands: files of the servers, and what /proc shows of processes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    processes = Path("/proc").glob("[0-9]*")
    shown = [entry / name for entry in processes for name in ("cmdline", "environ")]
    return [str(path) for path in (*files, *shown) if any(one in read(path) for one in needles)]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
