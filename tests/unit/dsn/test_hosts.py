"""Service names in every spelling are the same Service."""

from __future__ import annotations

import pytest

from repoint.dsn.hosts import HostName, Service, fqdn, parse_host, same_service

POSTGRES = Service("postgres", "naytife")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("postgres", HostName("postgres", None, None)),
        ("postgres.naytife", HostName("postgres", "naytife", None)),
        ("Postgres.Naytife.SVC", HostName("postgres", "naytife", None)),
        ("postgres.naytife.svc.cluster.local", HostName("postgres", "naytife", "cluster.local")),
        ("postgres.naytife.svc.cluster.local.", HostName("postgres", "naytife", "cluster.local")),
        ("pg-0.pg.shop.svc.cluster.local", HostName("pg", "shop", "cluster.local")),
        ("pg-0.pg-headless.shop", HostName("pg-headless", "shop", None)),
        ("pg-1.pg", HostName("pg", None, None)),
        ("pg-1.pg-prod", HostName("pg-1", "pg-prod", None)),
        ("pg-1.pg.svc", HostName("pg-1", "pg", None)),
        ("pg-0.db.shop", None),
        ("db.example.com", None),
        ("10.0.0.1", None),
        ("/var/run/postgresql", None),
        ("${PGHOST}", None),
        ("[::1]", None),
        ("", None),
        ("my_db", None),
    ],
)
def test_reads_a_service_name(host: str, expected: HostName | None) -> None:
    assert parse_host(host) == expected


SAME = [
    "postgres",
    "postgres.naytife",
    "POSTGRES.naytife.svc",
    "postgres.naytife.svc.cluster.local.",
]
OTHER = [
    "postgres2",
    "postgres.other",
    "postgres.naytife.svc.other.domain",
    "postgres.naytife.example.com",
    "10.0.0.1",
]


@pytest.mark.parametrize("host", SAME)
def test_every_spelling_is_the_service(host: str) -> None:
    assert same_service(host, POSTGRES, from_namespace="naytife")


@pytest.mark.parametrize("host", OTHER)
def test_another_server_is_not(host: str) -> None:
    assert not same_service(host, POSTGRES, from_namespace="naytife")


def test_a_bare_name_belongs_to_the_asking_namespace() -> None:
    assert not same_service("postgres", POSTGRES, from_namespace="naytife-auth")


def test_prefixes_and_suffixes_of_kustomize_count_beside_the_plain_name() -> None:
    hosts = ["stage-postgres-v2", "stage-postgres", "postgres-v2", "postgres"]
    assert all(
        same_service(h, POSTGRES, from_namespace="naytife", prefixes=["stage-"], suffixes=["-v2"])
        for h in hosts
    )
    assert not same_service(
        "prod-postgres", POSTGRES, from_namespace="naytife", prefixes=["stage-"]
    )


def test_names_are_spelled_in_full() -> None:
    assert fqdn("a", "b") == "a.b.svc.cluster.local"
