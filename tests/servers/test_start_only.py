"""What PgBouncer itself says of the parameters for which repoint replaces a Pooler's pods."""

from __future__ import annotations

import pytest

from repoint.rollout.starting import START_ONLY
from tests.servers.fix_lab import PoolerFactory

pytestmark = pytest.mark.servers
# CloudNativePG sets these itself, or nobody may (pooler_webhook.go, 1.28).
_NOBODYS = {
    *("job_name", "listen_addr", "listen_port", "pidfile", "resolv_conf", "so_reuseport", "user"),
    *("unix_socket_dir", "unix_socket_group", "unix_socket_mode"),
}


@pytest.mark.parametrize("version", ["1.24", "1.26"])
def test_exactly_these_are_not_taken_by_a_reload(pooler: PoolerFactory, version: str) -> None:
    rows = pooler(mode="transaction", pgbouncer=version).console("SHOW CONFIG")
    assert {row[0] for row in rows if row[-1] == "no"} - _NOBODYS == START_ONLY
