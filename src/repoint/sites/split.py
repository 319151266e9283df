"""Connections in parts: a key that names the host, and the keys of its family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from repoint.sites.frame import Draft, Form, Piece, Role, Value, whole
from repoint.sites.hosts import (
    OTHER_PORTS,
    PG_PORTS,
    Address,
    Slice,
    address,
    is_reference,
    is_template,
    is_variable,
    port_number,
)
from repoint.sites.keys import (
    GENERIC,
    STRONG,
    Evidence,
    HostName,
    ancestor_evidence,
    engine_value,
    host_key,
    is_link,
    looks_like_env,
    names_engine,
    other_engine,
    words,
)
from repoint.sites.kin import LONGEST_PREFIX, Kin, same_words
from repoint.sites.lexicon import lexicon


class Entry(Struct, frozen=True, eq=False):
    """A key and its value in a container of settings."""

    name: str
    value: Value


class Container(Struct, frozen=True, eq=False):
    """Keys that stand together: a mapping, a list of env entries, a section, a script.

    `trail` holds the keys above it that tell what it is about, the nearest last.
    `nested` holds entries of small mappings beside the keys (`auth`, `jsonData`): they
    can complete a family but not begin one. `hint` is what else is known: the image
    and the name of the container that reads the settings. `bare` lets a mere `host`
    begin a family. `engine` is what the keys one level up say of the engine.
    """

    entries: Sequence[Entry]
    role: Role
    trail: tuple[str, ...] = ()
    nested: Sequence[Entry] = ()
    hint: str = ""
    key_prefix: str = ""
    env: bool = False
    templates: bool = False
    form: Form | None = None
    command: str = ""
    bare: bool = True
    engine: bool | None = None
    _kin: list[Kin] = field(default_factory=list)

    @property
    def kin(self) -> Kin:
        """Its keys, looked up by their words; made when it is first asked for."""
        if not self._kin:
            self._kin.append(Kin(self.entries, self.nested))
        return self._kin[0]


_MYSQL_ONLY = lexicon(
    "wordpress ghost bookstack matomo phpmyadmin joomla mariadb mysql prestashop magento monica "
    "invoiceninja librenms kimai piwigo snipe-it snipeit espocrm percona moodle-mysql"
)


def split_drafts(container: Container) -> Iterator[Draft]:
    """A draft for every PostgreSQL host that the container names by a key."""
    for entry in container.entries:
        name = host_key(entry.name)
        if name is None or (name.evidence is Evidence.BARE and not container.bare):
            continue
        found = address(entry.value.text)
        if found is None or not _readable(found, entry, container):
            continue
        family = _Family(container, entry, name)
        if family.is_postgres(found):
            yield family.draft(found)


def engine_of(settings: Iterable[tuple[str, str]], inherited: bool | None) -> bool | None:
    """What bare keys such as `type` or `client` say of the engine; else what was inherited."""
    for name, text in settings:
        if names_engine(name):
            verdict = engine_value(text)
            if verdict is not None:
                return verdict
    return inherited


def _readable(found: Address, entry: Entry, container: Container) -> bool:
    host = found.host.text
    if is_template(host):
        return container.templates and not _holds_strings(entry)
    if is_variable(host) or (container.role is Role.HCL and is_reference(host)):
        return False
    return host not in {"0.0.0.0", "*"}


def _holds_strings(entry: Entry) -> bool:
    """Whether the key usually holds a whole connection string, so that a template may too."""
    return words(entry.name)[-1] in {"url", "uri", "dsn"}


class _Family:
    """A host key with the keys that complete it."""

    def __init__(self, container: Container, entry: Entry, name: HostName) -> None:
        self.container = container
        self.entry = entry
        self.name = name
        self.fields: dict[str, Entry] = {}
        kin, role = container.kin, name.role
        for prefix in prefixes(name):
            self._keep(kin.own(prefix, role, entry))
        self._keep(kin.beside(role, entry))
        wanted = same_words(name.prefix)
        if wanted and not kin.has_host_beside(entry):
            # The same family in another word for database (`DATABASE_HOST`, `DB_NAME`).
            self._keep(kin.alike(wanted, role, entry))
        if "name" in self.fields:
            self.fields.setdefault("database", self.fields["name"])

    def _keep(self, found: Iterable[tuple[str, Entry]]) -> None:
        for kind, other in found:
            self.fields.setdefault(kind, other)

    def _text(self, kind: str) -> str | None:
        entry = self.fields.get(kind)
        return entry.value.text.strip() if entry else None

    def is_postgres(self, found: Address) -> bool:
        """Judge by the name, the family, the container and the host itself."""
        engine = self._engine()
        port = port_number(found.port.text if found.port else self._text("port"))
        if engine is False:
            return False
        if self.name.evidence is Evidence.STRONG:
            return port not in {"80", "443"} and not found.host.text.startswith("http")
        if port in OTHER_PORTS or other_engine(found.host.text):
            return engine is True and port not in OTHER_PORTS
        if self._elsewhere():
            return engine is True or (self._is_loose() and self._says_postgres(found, port))
        positive = engine is True or port in PG_PORTS or self._has_shape()
        if self.name.evidence is Evidence.FOREIGN:
            return engine is True or port in PG_PORTS
        if self.name.evidence is Evidence.BARE:
            return self._bare(found, positive)
        if self.name.role == ("alone",):
            return _is_server_name(found)
        return self.name.role != ("url",) or _is_plainly_host(found)

    def _engine(self) -> bool | None:
        """What the family says of its engine; else, below `connection` and the like, its parent."""
        own = engine_value(self._text("engine") or "")
        if own is not None or self.container.engine is None:
            return own
        linked = is_link(self.container.trail[-1]) if self.container.trail else False
        return self.container.engine if linked or not self.container.engine else None

    def _is_loose(self) -> bool:
        return self.name.evidence in (Evidence.LOOSE, Evidence.GENERIC)

    def _says_postgres(self, found: Address, port: str | None) -> bool:
        """Whether the port or the host's own name is PostgreSQL's, whatever stands beside."""
        return port in PG_PORTS or bool(set(words(found.host.text)) & STRONG)

    def _has_shape(self) -> bool:
        return "database" in self.fields and "user" in self.fields

    def _bare(self, found: Address, positive: bool) -> bool:
        above = ancestor_evidence(self.container.trail)
        parts = words(self.entry.name)
        loose = parts[0] not in {"host", "hostname", "hosts"}
        if above is Evidence.STRONG:
            return True
        if above is Evidence.GENERIC:
            return positive or not loose
        if self._engine() is True:
            return True
        port = port_number(found.port.text if found.port else self._text("port"))
        return port in PG_PORTS and not loose

    def _elsewhere(self) -> bool:
        """Whether what surrounds the key speaks of another database."""
        for key in self.container.trail:
            if other_engine(key):
                return True
        hint = set(self.container.hint.lower().replace("/", " ").replace(":", " ").split())
        if hint & _MYSQL_ONLY:
            return True
        names = self.container.kin.names
        if names & STRONG:
            return False
        return bool(names & {"mysql", "mariadb", "mssql", "oracle"})

    def draft(self, found: Address) -> Draft:
        """The draft of the family's one site."""
        value = self.entry.value
        port = Piece(value, found.port) if found.port else None
        if port is None and (entry := self.fields.get("port")) is not None:
            port = whole(entry.value)
        params = [
            (other, whole(self.fields[kind].value))
            for kind, other in (("sslmode", "sslmode"), ("schema", "search_path"))
            if kind in self.fields
        ]
        params += _query(value, found)
        return Draft(
            form=self._form(),
            role=self.container.role,
            key=self._key(),
            host=Piece(value, found.host),
            port=port,
            database=found.database or self._text("database"),
            user=self._text("user"),
            schema=self._text("schema"),
            params=tuple(params),
            start=found.host.start,
        )

    def _form(self) -> Form:
        if self.container.form is not None:
            return self.container.form
        env = self.container.env or looks_like_env(self.entry.name)
        return Form.VARIABLE if env else Form.SETTING

    def _key(self) -> str:
        if self.container.command:
            return self.container.command
        name = self.entry.name
        if looks_like_env(name) or "." in name or not self.container.key_prefix:
            return self.entry.name
        return f"{self.container.key_prefix}.{self.entry.name}"


def _is_server_name(found: Address) -> bool:
    """Whether a value under a mere `PG` is a server: an address or a name with a domain."""
    host = found.host.text
    dotted = host.count(".") >= 2 and not found.database and not host.startswith(".")
    return dotted and (found.port is None or found.port.text in PG_PORTS)


def _is_plainly_host(found: Address) -> bool:
    """Whether a value under a key for connection strings is a host, and no placeholder."""
    host = found.host.text
    return found.port is not None or "." in host or bool(set(words(host)) & (STRONG | GENERIC))


def prefixes(name: HostName) -> Iterator[tuple[str, ...]]:
    """The family's prefixes, the most exact first."""
    prefix = name.prefix
    yield (*prefix, *name.role) if name.role else prefix
    if name.role:
        yield prefix
    if name.evidence is Evidence.FOREIGN:
        return
    while 1 < len(prefix) <= LONGEST_PREFIX and prefix[-1] not in STRONG | GENERIC:
        prefix = prefix[:-1]
        yield prefix
    if len(prefix) > 1 and prefix[-2] in STRONG | GENERIC:
        yield prefix[:-1]


def _query(value: Value, found: Address) -> list[tuple[str, Piece]]:
    """The parameters behind `?` of an address such as the exporter's DATA_SOURCE_URI."""
    pieces: list[tuple[str, Piece]] = []
    if not found.query:
        return pieces
    position = value.text.find("?" + found.query) + 1
    for pair in found.query.split("&"):
        name, _, text = pair.partition("=")
        if name and text:
            pieces.append((name, Piece(value, Slice(text, position + len(name) + 1))))
        position += len(pair) + 1
    return pieces


def with_companions(draft: Draft, key: str, container: Container) -> Draft:
    """Complete a connection string that names no user by the user key beside it."""
    if draft.user is not None:
        return draft
    parts = words(key)
    endings = {"url", "uri", "dsn", "string", "jdbc", "r2dbc", "connection", "spec", "jdbcurl"}
    stems = []
    while parts and parts[-1] in endings:
        parts = parts[:-1]
        stems.append(parts)
    for stem in stems:
        user = container.kin.user(stem)
        if user is not None:
            return replace(draft, user=user.value.text.strip())
    return draft
