"""What each real driver puts on the wire, measured; `python -m tests.servers.drivers.measure`
writes measured.json anew, which the tests compare with what they measure themselves.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.lab.certificates import Authority, KeyPair
from tests.servers.drivers.programs import TOOLCHAIN, Driver, DriverError, start
from tests.servers.drivers.sniffer import Heard, Sniffer, sniffing
from tests.servers.drivers.strings import Place, pairs, url

TABLE = Path(__file__).with_name("measured.json")
TAKES_PAIRS = ("psycopg", "psycopg2", "pgx", "pgx-stdlib", "pgxpool", "lib/pq")
EXECUTIONS = 7

PARAMETERS: tuple[tuple[str, str], ...] = (
    ("search_path", "repoint"),
    ("statement_timeout", "5000"),
    ("lock_timeout", "5000"),
    ("idle_in_transaction_session_timeout", "5000"),
    ("idle_session_timeout", "5000"),
    ("TimeZone", "Europe/Paris"),
    ("timezone", "Europe/Paris"),
    ("role", "other"),
    ("work_mem", "4MB"),
    ("default_transaction_read_only", "off"),
    ("default_transaction_isolation", "serializable"),
    ("options", "-c search_path=repoint"),
    ("options", "-csearch_path=repoint -c lock_timeout=5000"),
    ("options", "--search_path=repoint"),
    ("currentSchema", "repoint"),
    ("schema", "repoint"),
    ("target_session_attrs", "any"),
    ("target_session_attrs", "read-write"),
    ("targetServerType", "primary"),
    ("channel_binding", "prefer"),
    ("channelBinding", "prefer"),
    ("sslnegotiation", "postgres"),
    ("sslNegotiation", "postgres"),
    ("gssencmode", "disable"),
    ("application_name", "checker"),
    ("fallback_application_name", "checker"),
    ("ApplicationName", "checker"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO"),
    ("IntervalStyle", "iso_8601"),
    ("standard_conforming_strings", "on"),
    ("extra_float_digits", "3"),
    ("connect_timeout", "5"),
    ("connectTimeout", "5"),
    ("loginTimeout", "5"),
    ("socketTimeout", "5"),
    ("keepalives", "1"),
    ("tcpKeepAlive", "true"),
    ("krbsrvname", "postgres"),
    ("load_balance_hosts", "disable"),
    ("pool_max_conns", "7"),
    ("pool_timeout", "7"),
    ("max_conns", "9"),
    ("connection_limit", "5"),
    ("pgbouncer", "true"),
    ("binary_parameters", "yes"),
    ("default_query_exec_mode", "exec"),
    ("statement_cache_capacity", "0"),
    ("statement_cache_size", "0"),
    ("prepared_statement_cache_size", "0"),
    ("prepareThreshold", "0"),
    ("preferQueryMode", "simple"),
    ("prepare", "false"),
    ("stringtype", "unspecified"),
    ("readOnly", "true"),
    ("uselibpqcompat", "true"),
    ("sslsni", "1"),
    ("require_auth", "none"),
    ("nosuchkey", "1"),
)
"""What connection strings ask, each spelling for itself; values that every driver can read."""

ENVIRONMENT = (
    ("PGOPTIONS", "-c search_path=repoint"),
    ("PGAPPNAME", "checker"),
    ("PGTZ", "Europe/Paris"),
    ("PGCLIENTENCODING", "UTF8"),
    ("PGTARGETSESSIONATTRS", "read-write"),
)

_NAMED = {"style": "named"}
MANNERS: dict[str, tuple[tuple[str, dict[str, object]], ...]] = {
    "psycopg": (
        ("", {}),
        ("prepare_threshold=0", {"settings": {"prepare_threshold": 0}}),
        ("prepare_threshold=None", {"settings": {"prepare_threshold": None}}),
    ),
    "psycopg2": (("", {}),),
    "asyncpg": (
        ("", {}),
        ("statement_cache_size=0", {"settings": {"statement_cache_size": 0}}),
    ),
    "pg8000": (("", {}), ("autocommit=True", {"settings": {"autocommit": True}})),
    "node-postgres": (("", {}), ("name:", _NAMED)),
    "postgres.js": (("", {}), ("prepare: false", {"settings": {"prepare": False}})),
    "lib/pq": (("", {}), ("Prepare", {"style": "prepared"})),
    "pgx-stdlib": (("Prepare", {"style": "prepared"}),),
}
"""Ways to send a query that a driver's user chooses in code, beside those of the string."""

_PGX = tuple(
    ("default_query_exec_mode", mode)
    for mode in ("cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol")
)
MANNER_PARAMETERS: dict[str, tuple[tuple[str, str], ...]] = {
    "asyncpg": (("statement_cache_size", "0"),),
    "postgres.js": (("prepare", "false"),),
    "pgx": (*_PGX, ("statement_cache_capacity", "0")),
    "pgx-stdlib": (("", ""), *_PGX),
    "pgxpool": (("", ""), *_PGX),
    "lib/pq": (("binary_parameters", "yes"),),
    "pgjdbc": (
        ("", ""),
        ("prepareThreshold", "0"),
        ("prepareThreshold", "1"),
        ("prepareThreshold", "-1"),
        ("preferQueryMode", "simple"),
        ("preferQueryMode", "extended"),
        ("preferQueryMode", "extendedForPrepared"),
    ),
}
MANNER_PARAMETERS["pgx"] = (("", ""), *MANNER_PARAMETERS["pgx"])

TLS_ASKED: tuple[dict[str, str], ...] = (
    {},
    *(
        {"sslmode": m}
        for m in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
    ),
    {"sslmode": "no-verify"},
    {"sslmode": "require", "uselibpqcompat": "true"},
    {"sslmode": "prefer", "uselibpqcompat": "true"},
    {"sslmode": "verify-ca", "uselibpqcompat": "true"},
    {"ssl": "true"},
    {"ssl": "require"},
)
_CA_IN_CODE = ("postgres.js",)


@dataclass(frozen=True, slots=True)
class TlsServers:
    """Four sniffers: a good certificate, one for another name, another CA's, and no TLS."""

    good: Sniffer
    other_name: Sniffer
    other_ca: Sniffer
    no_tls: Sniffer
    ca_file: Path


@contextlib.contextmanager
def tls_servers(folder: Path) -> Iterator[TlsServers]:
    """The four sniffers, for clients that ask for `localhost` and trust `ca_file`."""
    ours, theirs = Authority("measured"), Authority("somebody else")
    ca_file = folder / "ca.crt"
    ca_file.write_bytes(ours.certificate)
    cards = (ours.server(["localhost"]), ours.server(["elsewhere"]), theirs.server(["localhost"]))
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(sniffing(_context(card, folder))) for card in cards]
        yield TlsServers(*made, stack.enter_context(sniffing()), ca_file)


def _context(card: KeyPair, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    both = folder / "server.pem"
    both.write_bytes(card.key + card.certificate)
    context.load_cert_chain(both)
    context.set_alpn_protocols(["postgresql"])
    both.unlink()
    return context


def startup(driver: Driver, server: Sniffer) -> dict[str, object]:
    """What `driver` puts into the startup packet for each parameter, in each form it takes."""
    usual = _heard(driver, server, _dsn(driver, server, {}))
    assert isinstance(usual, Heard), usual
    found: dict[str, object] = {"nothing asked": dict(sorted(usual.startup.items()))}

    def difference(dsn: str, env: Mapping[str, str] | None = None) -> str:
        heard = _heard(driver, server, dsn, env)
        if isinstance(heard, str):
            return heard
        return ", ".join(
            f"{key}={value}"
            for key, value in sorted(heard.startup.items())
            if usual.startup.get(key) != value
        )

    asked = [(f"{key}={value}", {key: value}) for key, value in PARAMETERS]
    found["url"] = {text: difference(_dsn(driver, server, params)) for text, params in asked}
    if driver.name in TAKES_PAIRS:
        place = Place(server.port)
        both = [(text, {"sslmode": "disable", **params}) for text, params in asked]
        found["pairs"] = {text: difference(pairs(place, params)) for text, params in both}
    plain = _dsn(driver, server, {})
    found["environment"] = {
        f"{key}={value}": difference(plain, {key: value}) for key, value in ENVIRONMENT
    }
    return found


def statements(driver: Driver, server: Sniffer) -> dict[str, list[str]]:
    """The messages of the first executions of one query with an argument, by way to ask."""
    found = {}
    for text, how in MANNERS.get(driver.name, ()):
        found[text] = _executions(driver, server, {}, how)
    for key, value in MANNER_PARAMETERS.get(driver.name, ()):
        text, params = (f"{key}={value}", {key: value}) if key else ("", {})
        found[f"?{text}" if text in found else text] = _executions(driver, server, params, {})
    return found


def tls(driver: Driver, servers: TlsServers) -> dict[str, dict[str, str]]:
    """How a login ends at each of the four servers: `tls`, `plain` or `refused`."""
    found = {}
    for params in TLS_ASKED:
        for trusted in (False, True):
            text = "&".join(f"{key}={value}" for key, value in params.items()) or "nothing"
            ends = {
                name: _ended(driver, server, params, servers.ca_file if trusted else None)
                for name, server in (
                    ("good", servers.good),
                    ("other name", servers.other_name),
                    ("other CA", servers.other_ca),
                    ("no TLS", servers.no_tls),
                )
            }
            found[text + (", with the CA" if trusted else "")] = ends
    return found


def _ended(driver: Driver, server: Sniffer, params: Mapping[str, str], ca: Path | None) -> str:
    server.forget()
    settings: dict[str, object] = {}
    if driver.name == "postgres.js":
        # Told that there is no TLS, it tries again until its time is out.
        settings["connect_timeout"] = 0.4
    asked = dict(params)
    if ca is not None and driver.name in _CA_IN_CODE:
        settings["ca"] = str(ca)
    elif ca is not None:
        asked["sslrootcert"] = str(ca)
    dsn = url(driver.name, Place(server.port, host="localhost"), asked)
    try:
        driver.open(dsn, settings=settings).close()
    except DriverError:
        return "refused"
    return "tls" if server.last().tls else "plain"


def _executions(
    driver: Driver, server: Sniffer, params: Mapping[str, str], how: Mapping[str, object]
) -> list[str]:
    server.forget()
    more = dict(how)
    seen = []
    try:
        session = driver.open(_dsn(driver, server, params), **more)  # type: ignore[arg-type]
        heard = server.heard[-1]
        for _ in range(EXECUTIONS):
            before = len(heard.trips)
            session.run("select $1::int4", 1)
            seen.append(" | ".join(heard.trips[before:]))
        session.close()
    except DriverError as error:
        seen.append(f"refused: {error.text}")
    return seen


def _heard(
    driver: Driver, server: Sniffer, dsn: str, env: Mapping[str, str] | None = None
) -> Heard | str:
    """What the server heard, or why the driver did not even send a startup packet."""
    server.forget()
    try:
        driver.open(dsn, env=env).close()
        said = ""
    except DriverError as error:
        said = error.text.replace(str(server.port), "PORT")
    heard = server.last()
    return heard if heard.logged_in else f"refused: {said}"


def _dsn(driver: Driver, server: Sniffer, params: Mapping[str, str]) -> str:
    return url(driver.name, Place(server.port), {"sslmode": "disable", **params})


def measure(driver: Driver) -> dict[str, object]:
    """All that is measured of one driver."""
    with sniffing() as server, tempfile.TemporaryDirectory() as folder:
        found: dict[str, object] = {
            "version": driver.version,
            "startup": startup(driver, server),
            "statements": statements(driver, server),
        }
        with tls_servers(Path(folder)) as servers:
            found["tls"] = tls(driver, servers)
    return found


def main() -> None:
    """Measure every driver, and write the table."""
    running = {name: start(name) for name in sorted(set(TOOLCHAIN.values()))}
    table = {name: measure(Driver(name, running[tool])) for name, tool in TOOLCHAIN.items()}
    TABLE.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for program in running.values():
        program.stop()


if __name__ == "__main__":
    main()
