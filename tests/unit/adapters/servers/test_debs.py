"""Which Debian packages are taken."""

from __future__ import annotations

import pytest

from repoint.adapters.servers.apt import offered_in
from repoint.adapters.servers.debs import clients_job, libraries, pgbouncer_job
from repoint.errors import ToolMissing
from repoint.model.version import VersionWish

MADISON = """\
 pgbouncer |   1.26.1-1 | http://m.example/debian sid/main amd64 Packages
 pgbouncer | 1.24.1-1+deb13u2 | http://m.example/debian trixie/main amd64 Packages
 pgbouncer | 1.24.1-1+deb13u2 | http://m.example/debian trixie/main Sources
postgresql-client-18 |     18.6-3 | http://m.example/debian sid/main amd64 Packages
postgresql-client-17 | 17.10-0+deb13u1 | http://m.example/debian trixie/main amd64 Packages
N: a note
"""
OFFERED = {
    "sid": {"pgbouncer": "1.26.1-1", "postgresql-client-18": "18.6-3"},
    "trixie": {"pgbouncer": "1.24.1-1+deb13u2", "postgresql-client-17": "17.10-0+deb13u1"},
}
RECORDS = """\
Package: pgbouncer
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: postgresql-common (>= 26), libc6 (>= 2.38), libssl3t64 (>= 3.0.0) | libssl4
Section: database

Package: postgresql-common
Depends: perl:any, libjson-perl
Section: database

Package: libjson-perl
Depends: libperl5.40
Section: perl

Package: perl
Depends: libperl5.40
Section: perl

Package: libperl5.40
Section: libs

Package: libc6
Depends: libgcc-s1
Section: libs

Package: libgcc-s1
Depends: gcc-14-base (= 14.2.0-19)
Section: universe/libs

Package: gcc-14-base
Section: libs

Package: libssl3t64
Depends: openssl-provider-legacy
Section: libs

Package: openssl-provider-legacy
Section: utils
"""


def test_what_the_archive_offers_is_read_by_suite() -> None:
    assert offered_in(MADISON) == OFFERED


@pytest.mark.parametrize(
    ("wish", "suite", "place"),
    [
        ("1.24", "trixie", "pgbouncer/1.24.1"),
        ("1.24+", "trixie", "pgbouncer/1.24.1"),
        ("1.25+", "sid", "pgbouncer/1.26.1"),
        ("1.26", "sid", "pgbouncer/1.26.1"),
    ],
)
def test_the_oldest_pgbouncer_that_meets_the_wish_is_taken(
    wish: str, suite: str, place: str
) -> None:
    job = pgbouncer_job(OFFERED, VersionWish.parse(wish))
    assert (job.suite, job.place) == (suite, place)
    assert job.version == OFFERED[suite]["pgbouncer"]


@pytest.mark.parametrize("wish", ["1.18", "1.25", "1.27+"])
def test_a_pgbouncer_that_is_not_offered_or_too_old_is_refused_with_what_there_is(
    wish: str,
) -> None:
    offered = {**OFFERED, "bookworm": {"pgbouncer": "1.18.0-1+deb12u1"}}
    with pytest.raises(ToolMissing) as caught:
        pgbouncer_job(offered, VersionWish.parse(wish))
    assert f"no PgBouncer {wish}," in caught.value.message
    assert "1.18.0 in bookworm" in caught.value.message


def test_the_newest_clients_are_taken_with_pgbench_out_of_the_servers_package() -> None:
    job = clients_job(OFFERED)
    assert (job.suite, job.package, job.place) == ("sid", "postgresql-client-18", "clients/18.6")
    assert job.extra == ("postgresql-18=18.6-3",)
    assert "usr/lib/postgresql/18/bin/pgbench" in job.programs
    assert clients_job({"trixie": OFFERED["trixie"]}).package == "postgresql-client-17"
    with pytest.raises(ToolMissing):
        clients_job({"bookworm": {"pgbouncer": "1.18.0-1"}})


def test_only_libraries_are_followed_not_interpreters() -> None:
    names = RECORDS.replace("Package: ", "\0").split("\0")[1:]
    universe = {name.split("\n")[0]: "1" for name in names}
    assert set(libraries(RECORDS, universe, "pgbouncer")) == {
        "pgbouncer",
        "libc6",
        "libgcc-s1",
        "gcc-14-base",
        "libssl3t64",
    }
