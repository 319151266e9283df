"""CloudNativePG's files, letter for letter, and what a rehearsal changes in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.rehearsal.ini import (
    Places,
    pgbouncer_hba,
    pgbouncer_ini,
    private_hba,
    private_ini,
)
from repoint.rehearsal.lab import BouncerSpec, OwnLogin

HOST = "pooler.shop.svc.cluster.local"
CLUSTER = "pg-rw.shop.svc.cluster.local"

DEFAULTS = """
[databases]
* = host=pg-rw

[pgbouncer]
pool_mode = session
auth_user = cnpg_pooler_pgbouncer
auth_query = SELECT usename, passwd FROM public.user_search($1)
auth_dbname = postgres

admin_users = pgbouncer
auth_hba_file = /controller/configs/pg_hba.conf
auth_type = hba
client_tls_ca_file = /controller/configs/client-ca/ca.crt
client_tls_cert_file = /controller/configs/client-tls/tls.crt
client_tls_key_file = /controller/configs/client-tls/tls.key
client_tls_sslmode = prefer
ignore_startup_parameters = extra_float_digits,options
listen_addr = *
listen_port = 5432
log_stats = 0
server_tls_ca_file = /controller/configs/server-tls/ca.crt
server_tls_cert_file = /controller/configs/authUser/tls.crt
server_tls_key_file = /controller/configs/authUser/tls.key
server_tls_sslmode = verify-ca
unix_socket_dir = /controller/run
"""

PRIVATE = """
[databases]
* = host=127.0.0.1 port=15432

[pgbouncer]
pool_mode = transaction
auth_user = cnpg_pooler_pgbouncer
auth_query = SELECT usename, passwd FROM public.user_search($1)
auth_dbname = postgres

admin_users = pgbouncer
auth_hba_file = /lab/b0/pg_hba.conf
auth_type = hba
client_tls_ca_file = /lab/b0/client-ca/ca.crt
client_tls_cert_file = /lab/b0/client-tls/tls.crt
client_tls_key_file = /lab/b0/client-tls/tls.key
client_tls_sslmode = prefer
default_pool_size = 1
ignore_startup_parameters = extra_float_digits,options
listen_addr = 127.0.0.1
listen_port = 16432
log_stats = 0
server_tls_ca_file = /lab/b0/server-tls/ca.crt
server_tls_cert_file = /lab/b0/authUser/tls.crt
server_tls_key_file = /lab/b0/authUser/tls.key
server_tls_sslmode = verify-ca
unix_socket_dir = /lab/b0
"""


def spec(
    mode: str = "session", parameters: dict[str, str] | None = None, **more: object
) -> BouncerSpec:
    given = tuple((parameters or {}).items())
    return BouncerSpec("pooler", HOST, CLUSTER, mode, given, **more)  # type: ignore[arg-type]


def changed(parameters: dict[str, str], **more: object) -> set[str]:
    """The lines that a spec has and a bare one has not."""
    bare = set(pgbouncer_ini(spec()).splitlines())
    return set(pgbouncer_ini(spec(parameters=parameters, **more)).splitlines()) - bare


def test_a_bare_pooler_has_cloudnativepgs_defaults() -> None:
    assert pgbouncer_ini(spec()) == DEFAULTS


@pytest.mark.parametrize(
    ("parameters", "lines"),
    [
        pytest.param({"max_client_conn": "1000"}, {"max_client_conn = 1000"}, id="added"),
        pytest.param({"log_stats": "1"}, {"log_stats = 1"}, id="replaces a default"),
        pytest.param(
            {"ignore_startup_parameters": "search_path"},
            {"ignore_startup_parameters = extra_float_digits,options,search_path"},
            id="ignored parameters are appended",
        ),
        pytest.param({"listen_port": "6432", "auth_hba_file": "/x"}, set(), id="forced ones stay"),
        pytest.param(
            {"server_check_query": "select 1\n;\r\nselect\u20282"},
            {"server_check_query = select 1;select2"},
            id="line breaks go",
        ),
        pytest.param({"client_tls_sslmode": "require"}, {"client_tls_sslmode = require"}, id="tls"),
    ],
)
def test_a_poolers_parameters(parameters: dict[str, str], lines: set[str]) -> None:
    assert changed(parameters) == lines


def test_parameters_stand_in_the_order_of_their_names() -> None:
    text = pgbouncer_ini(spec(parameters={"verbose": "1", "autodb_idle_timeout": "5"}))

    names = [line.partition(" = ")[0] for line in text.partition("postgres\n\n")[2].splitlines()]

    assert names == sorted(names)
    assert {"verbose", "autodb_idle_timeout"} < set(names)


def test_the_clients_tls_mode_of_the_spec_is_a_default_only() -> None:
    assert changed({}, client_tls_sslmode="require") == {"client_tls_sslmode = require"}
    given = changed({"client_tls_sslmode": "disable"}, client_tls_sslmode="require")
    assert given == {"client_tls_sslmode = disable"}


def test_a_private_pgbouncer_differs_in_places_and_overrides_only() -> None:
    places = Places("host=127.0.0.1 port=15432", "/lab/b0", "/lab/b0", "127.0.0.1", 16432)
    own = spec("transaction", overrides=(("default_pool_size", "1"),))

    assert private_ini(own, places) == PRIVATE
    assert "default_pool_size" not in pgbouncer_ini(own)


def test_a_login_of_the_pooler_s_own_is_shown_and_never_run() -> None:
    password = OwnLogin("SELECT u, p FROM lookup($1)", "asker")
    places = Places("host=127.0.0.1 port=15432", "/lab/b0", "/lab/b0", "127.0.0.1", 16432)

    shown = changed({}, login=password)
    certificate = changed({}, login=replace(password, certificate=True))

    asks = {"auth_user = <the user of Secret `asker`>", f"auth_query = {password.query}"}
    assert shown == {*asks, "auth_file = /controller/configs/userlist.txt"}
    assert certificate == {
        *asks,
        "server_tls_cert_file = /controller/configs/server-tls/tls.crt",
        "server_tls_key_file = /controller/configs/server-tls/tls.key",
    }
    assert "server_tls_cert_file" not in pgbouncer_ini(spec(login=password))
    assert private_ini(spec(login=password), places) == private_ini(spec(), places)


def test_hba_lines_of_the_pooler_come_before_the_default() -> None:
    own = ("host app app 10.0.0.0/8 md5", "host all all all reject\n")

    assert pgbouncer_hba(spec()) == (
        "\nlocal pgbouncer pgbouncer peer\n\n\n\n"
        "host all all 0.0.0.0/0 md5\nhost all all ::/0 md5\n"
    )
    assert pgbouncer_hba(spec(pg_hba=own)) == (
        "\nlocal pgbouncer pgbouncer peer\n\n"
        "\nhost app app 10.0.0.0/8 md5\nhost all all all reject\n\n\n"
        "host all all 0.0.0.0/0 md5\nhost all all ::/0 md5\n"
    )


def test_a_private_hba_opens_the_console_only() -> None:
    given, private = pgbouncer_hba(spec()).splitlines(), private_hba(spec()).splitlines()

    assert set(private) - set(given) == {"local pgbouncer pgbouncer trust"}
    assert set(given) - set(private) == {"local pgbouncer pgbouncer peer"}
