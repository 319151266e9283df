"""What programs say of themselves, and which of them will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.adapters.servers.binaries import (
    ClientTool,
    PgbouncerBinary,
    PostgresBinaries,
    complaint,
    nearest,
    package_version,
    version_in,
)

HERE = Path("/somewhere")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("postgres (PostgreSQL) 18.4", (18, 4)),
        ("psql (PostgreSQL) 18.6 (Debian 18.6-3)", (18, 6)),
        ("PgBouncer 1.24.1\nlibevent 2.1.12-stable\n", (1, 24, 1)),
        ("Client Version: v1.37.1\nKustomize Version: v5.8.1", (1, 37, 1)),
        ("git version 2.39.5", (2, 39, 5)),
        ("18.4/bin", (18, 4)),
        ("usr/pgsql-17/bin", (17,)),
        ("command not found", ()),
        ("x86 only", ()),
    ],
)
def test_a_version_is_read_from_what_a_program_prints(text: str, version: tuple[int, ...]) -> None:
    assert version_in(text) == version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1:1.24.1-1+deb13u2", (1, 24, 1)),
        ("1.26.1-1", (1, 26, 1)),
        ("18.4.0-beta.17", (18, 4, 0)),
        ("18.6-3.pgdg13+1", (18, 6)),
    ],
)
def test_a_package_version_is_read_without_epoch_and_revision(
    text: str, version: tuple[int, ...]
) -> None:
    assert package_version(text) == version


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ((1, 24), (1, 24, 1)),
        ((1, 24, 0), (1, 24, 1)),
        ((1, 25, 1), (1, 24, 1)),
        ((1, 26, 1), (1, 26, 1)),
        ((1, 26), (1, 26, 1)),
        ((2,), (1, 26, 1)),
        ((), (1, 26, 1)),
    ],
)
def test_the_pgbouncer_taken_promises_no_more_than_the_wanted_one(
    wanted: tuple[int, ...], taken: tuple[int, ...]
) -> None:
    here = tuple(PgbouncerBinary(HERE, version, True) for version in [(1, 26, 1), (1, 24, 1)])
    found = nearest(here, wanted)
    assert found is not None and found.version == taken


def test_nothing_is_nearest_where_nothing_is() -> None:
    assert nearest((), (1, 25)) is None


@pytest.mark.parametrize(
    ("binary", "flaw"),
    [
        (PostgresBinaries(HERE, (18, 4), True), ""),
        (PostgresBinaries(HERE, (18, 4), False), "has no TLS"),
        (PostgresBinaries(HERE, (18, 4), True, unprivileged=False), "only root can run it"),
        (PgbouncerBinary(HERE, (1, 24), True), ""),
        (PgbouncerBinary(HERE, (1, 23, 1), True), "is older than 1.24"),
        (PgbouncerBinary(HERE, (1, 26), False), "has no TLS"),
        (ClientTool(HERE, (17, 1)), ""),
        (ClientTool(HERE, (16, 14)), "is older than 17"),
    ],
)
def test_a_flaw_is_named(
    binary: PostgresBinaries | PgbouncerBinary | ClientTool, flaw: str
) -> None:
    assert binary.flaw == flaw


@pytest.mark.parametrize(
    ("stderr", "line"),
    [
        (b"W: a warning\nE: The repository has no Release file.\n", "E: The repository has no"),
        (b"W: Failed to fetch it\nW: Some index files failed\n", "W: Failed to fetch it"),
        (b"npm error code E404\nnpm error 404 Not Found\n", "npm error 404 Not Found"),
        (b"WARNING: Retrying\nERROR: No matching distribution\n", "ERROR: No matching"),
        (b"one\n\n two \n\n", "two"),
        (b"", "it said nothing"),
    ],
)
def test_the_telling_line_of_a_failure_is_kept(stderr: bytes, line: str) -> None:
    assert complaint(stderr).startswith(line)
    assert not complaint(stderr).endswith(".")


def test_a_complaint_is_short_and_holds_no_password() -> None:
    said = complaint(b"E: https://me:canary-1@mirror/debian is gone " + b"x" * 900)
    assert "canary" not in said
    assert len(said) <= 300
