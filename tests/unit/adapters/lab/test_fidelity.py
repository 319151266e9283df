"""What a rehearsal admits to: where its PgBouncer is not the Pooler's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from repoint.adapters.lab.fidelity import bouncer_gaps
from repoint.rehearsal.lab import BouncerSpec, OwnLogin

PLAIN = BouncerSpec("pooler", "pooler.shop.svc", "pg-rw.shop.svc", "transaction", version=(1, 25))


@dataclass(frozen=True)
class Program:
    """A PgBouncer that is only asked for its version."""

    version: tuple[int, ...] = (1, 25, 1)
    path: Path = Path("pgbouncer")


def test_the_same_pooler_has_no_gaps() -> None:
    assert list(bouncer_gaps(PLAIN, Program())) == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (replace(PLAIN, version=(1, 24)), ("1.25.1 ran", "has 1.24")),
        (replace(PLAIN, cluster_host="pg-ro.shop.svc"), ("asks `pg-ro`", "the one server")),
        (replace(PLAIN, login=OwnLogin("SELECT 1", "asker")), ("a login of its own",)),
        (replace(PLAIN, parameters=(("listen_port", "1"),)), ("'listen_port'", "was not set")),
        (replace(PLAIN, pg_hba=("host all all all ldap",)), ("`pg_hba`", "left out")),
        (replace(PLAIN, overrides=(("default_pool_size", "1"),)), ("`default_pool_size = 1`",)),
    ],
)
def test_each_gap_is_told(spec: BouncerSpec, words: tuple[str, ...]) -> None:
    [told] = bouncer_gaps(spec, Program())

    assert all(word in told for word in words), told
