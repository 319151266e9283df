#!/usr/bin/env python3
"""Gets the PostgreSQL and PgBouncer that the tests or the demo need, and says which are here.

A second run finds everything there. Ends with 1 when something could not be had.
"""

from __future__ import annotations

import sys

from repoint.adapters.servers import Wanted, all_pgbouncers, all_postgres, fetch
from repoint.errors import RepointError
from repoint.model.version import VersionWish, dotted

# On both sides of the PgBouncer that CloudNativePG runs (1.25.1), which no Debian suite has. What
# is newest there moves on.
WANTED = {
    "test": Wanted(
        postgres=(18, 17, 16, 15),
        pgbouncer=(VersionWish((1, 24)), VersionWish((1, 26), or_newer=True)),
    ),
    "demo": Wanted(clients=False),
}


def main(purpose: str) -> int:
    """Fetch what is missing for `purpose`: test or demo."""
    status = 0
    try:
        fetch(WANTED[purpose], tell)
    except RepointError as error:
        tell(f"error: {error.message}")
        for hint in error.hints:
            tell(f"hint: {hint}")
        status = 1
    servers = {("PostgreSQL", one.version) for one in all_postgres() if not one.flaw}
    poolers = {("PgBouncer", one.version) for one in all_pgbouncers() if not one.flaw}
    names = [f"{name} {dotted(version)}" for name, version in sorted(servers | poolers)]
    tell(f"servers: {', '.join(names) or 'none'}")
    return status


def tell(text: str) -> None:
    """One line for a person."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "test"))
