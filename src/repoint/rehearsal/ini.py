"""The files that CloudNativePG writes for PgBouncer, and what a rehearsal has to change in them.

`pgbouncer_ini` and `pgbouncer_hba` give CloudNativePG's text, byte for byte, but for the name of
a Pooler's own user, which stands in a Secret; `private_ini` and
`private_hba` give the same files for a PgBouncer on this machine. `DEVIATIONS` says how they
differ.

Source: CloudNativePG, pkg/management/pgbouncer/config/config.go and strings.go
(BuildConfigurationFiles, buildPgBouncerParameters), facts section 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from repoint.rehearsal.harmless import harmless_lines, may_be_set
from repoint.rehearsal.lab import BouncerSpec, OwnLogin

AUTH_USER = "cnpg_pooler_pgbouncer"
AUTH_QUERY = "SELECT usename, passwd FROM public.user_search($1)"
AUTH_DATABASE = "postgres"
CONSOLE = "pgbouncer"
"""The database and the user of PgBouncer's own console."""

DEVIATIONS = (
    "PgBouncer listens on a free port of 127.0.0.1, and reaches PostgreSQL at one, by address:"
    " no Service, no DNS, no network policy",
    "one PgBouncer for each Pooler, whatever its `instances`",
    "PgBouncer's console is open on a private socket without `peer`",
)
"""How every PgBouncer of a rehearsal differs from a Pooler's pod."""

_CONFIGS = "/controller/configs"
_ALWAYS_IGNORED = "extra_float_digits,options"
_IGNORED = "ignore_startup_parameters"
# PgBouncer's parser knows no line breaks; CloudNativePG takes these out of every value.
_BREAKS = re.compile("\r\n|[\r\n\v\f\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are; the defaults are a pod's, as CloudNativePG lays it out.

    `configs` holds the files and certificates, `sockets` the Unix socket. `upstream` is what
    stands after `* =` in `[databases]`.
    """

    upstream: str
    configs: str = _CONFIGS
    sockets: str = "/controller/run"
    address: str = "*"
    port: int = 5432


def pgbouncer_ini(bouncer: BouncerSpec) -> str:
    """The `pgbouncer.ini` that CloudNativePG writes into the Pooler's pods."""
    return _ini(bouncer, Places(f"host={bouncer.cluster_host.partition('.')[0]}"), {})


def private_ini(bouncer: BouncerSpec, places: Places) -> str:
    """The same file for a PgBouncer at `places`, with the overrides of `bouncer` on top.

    Parameters that CloudNativePG does not let be set are left out: no such Pooler exists. Who
    looks passwords up is always the operator's own user: nobody else has a certificate here.
    """
    taken = tuple(pair for pair in bouncer.parameters if may_be_set(pair[0]))
    return _ini(replace(bouncer, parameters=taken, login=None), places, dict(bouncer.overrides))


def pgbouncer_hba(bouncer: BouncerSpec) -> str:
    """The `pg_hba.conf` that CloudNativePG writes: the Pooler's own lines come first."""
    return _hba(bouncer, "peer")


def private_hba(bouncer: BouncerSpec) -> str:
    """The same file for this machine, where nobody is called `pgbouncer`.

    Lines that name a file or ask somebody elsewhere are left out.
    """
    return _hba(replace(bouncer, pg_hba=harmless_lines(bouncer.pg_hba)), "trust")


def parameters(bouncer: BouncerSpec) -> dict[str, str]:
    """The Pooler's parameters with CloudNativePG's defaults, without paths and addresses."""
    given = {name: _BREAKS.sub("", value) for name, value in bouncer.parameters}
    found = {
        "log_stats": "0",
        "auth_type": "hba",
        "client_tls_sslmode": bouncer.client_tls_sslmode,
        "server_tls_sslmode": "verify-ca",
        _IGNORED: _ALWAYS_IGNORED,
        **given,
    }
    if _IGNORED in given:
        found[_IGNORED] = f"{_ALWAYS_IGNORED},{given[_IGNORED]}"
    return found


def _ini(bouncer: BouncerSpec, places: Places, overrides: Mapping[str, str]) -> str:
    login = bouncer.login
    lines = {**parameters(bouncer), **_forced(places), **_login(login, places), **overrides}
    mode = _BREAKS.sub("", bouncer.mode)
    user = f"<the user of Secret `{login.secret}`>" if login else AUTH_USER
    query = login.query if login else AUTH_QUERY
    return (
        f"\n[databases]\n* = {places.upstream}\n\n[pgbouncer]\npool_mode = {mode}\n"
        f"auth_user = {user}\nauth_query = {query}\nauth_dbname = {AUTH_DATABASE}\n\n"
    ) + "".join(f"{name} = {lines[name]}\n" for name in sorted(lines))


def _forced(places: Places) -> dict[str, str]:
    """What a Pooler cannot set: CloudNativePG puts it over any parameter of that name."""
    configs = places.configs
    return {
        "unix_socket_dir": places.sockets,
        "listen_port": str(places.port),
        "listen_addr": places.address,
        "admin_users": CONSOLE,
        "auth_hba_file": f"{configs}/pg_hba.conf",
        "server_tls_ca_file": f"{configs}/server-tls/ca.crt",
        "client_tls_cert_file": f"{configs}/client-tls/tls.crt",
        "client_tls_key_file": f"{configs}/client-tls/tls.key",
        "client_tls_ca_file": f"{configs}/client-ca/ca.crt",
    }


def _login(own: OwnLogin | None, places: Places) -> dict[str, str]:
    """What the user who looks passwords up proves itself with."""
    if own is not None and not own.certificate:
        return {"auth_file": f"{places.configs}/userlist.txt"}
    folder = f"{places.configs}/{'server-tls' if own else 'authUser'}"
    return {"server_tls_cert_file": f"{folder}/tls.crt", "server_tls_key_file": f"{folder}/tls.key"}


def _hba(bouncer: BouncerSpec, console: str) -> str:
    own = "".join(f"\n{line}" for line in bouncer.pg_hba)
    return (
        f"\nlocal {CONSOLE} {CONSOLE} {console}\n\n{own}\n\n"
        "host all all 0.0.0.0/0 md5\nhost all all ::/0 md5\n"
    )
