"""Which variable completes the connection whose host another one names."""

from __future__ import annotations

import pytest

from repoint.sites.companions import companion, is_login_part


@pytest.mark.parametrize(
    ("host", "other", "expected"),
    [
        pytest.param("DB_HOST", "DB_USERNAME", "user", id="Laravel's user"),
        pytest.param("DB_HOST", "DB_DATABASE", "database", id="Laravel's database"),
        pytest.param("DB_HOST", "DB_NAME", "database", id="a name is the database's"),
        pytest.param("DATABASE_HOST", "DB_USER", "user", id="another word for database"),
        pytest.param("PGHOST", "PGDATABASE", "database", id="libpq"),
        pytest.param("DB_HOST_RW", "DB_USER", "user", id="behind a role"),
        pytest.param("DB_HOST", "DB_PASSWORD", "", id="never a password"),
        pytest.param("DB_HOST", "REDIS_USERNAME", "", id="another server's"),
        pytest.param("DB_HOST", "DB_HOST_RO", "", id="another host"),
        pytest.param("ORDERS_DB_HOST", "BILLING_DB_USER", "", id="another family"),
        pytest.param("SPRING_FLYWAY_URL", "SPRING_FLYWAY_USER", "user", id="a migration tool's"),
        pytest.param("SPRING_FLYWAY_URL", "SPRING_DATASOURCE_USERNAME", "", id="not the tool's"),
        pytest.param("SMTP_SERVER", "DB_USER", "", id="no database's host"),
        pytest.param("REDIS_URL", "REDIS_USER", "", id="another engine's URL"),
        pytest.param("URL", "SITE_USER", "", id="a URL of nothing"),
        pytest.param("DB_HOST", "", "", id="nothing"),
    ],
)
def test_what_completes_a_connection(host: str, other: str, expected: str) -> None:
    assert companion(host, other) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("username", True),
        ("DB_USER", True),
        ("dbname", True),
        ("password", False),
        ("DB_PASSWORD", False),
        ("APP_KEY", False),
        ("DATABASE_URL", False),
        ("connection", False),
    ],
)
def test_which_values_of_a_secret_are_looked_at(name: str, expected: bool) -> None:
    assert is_login_part(name) is expected
