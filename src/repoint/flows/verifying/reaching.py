"""The way to a server of the cluster from this machine, with the consumer's own login."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from repoint.dsn.hosts import parse_host
from repoint.flows.verifying.live import LiveState, texts_of
from repoint.model.cluster import ObjectRef
from repoint.model.sensitive import Sensitive
from repoint.ports.cluster import ClusterApi
from repoint.ports.connecting import Conversation, Dial
from repoint.rehearsal.cast import Client
from repoint.verification.identity import MARK_OPTIONS, WHO_SQL, WHO_SQL_PLAIN, Who, who_of
from repoint.wire.login import Login
from repoint.wire.refusals import ServerRefusal

_PORT = 5432
_DENIED = "42501"


@dataclass(frozen=True, slots=True)
class Server:
    """A Service to ask; `name` is the host as the consumer writes it."""

    namespace: str
    service: str
    port: int
    name: str


@dataclass(slots=True, eq=False)
class Reach:
    """Opens port-forwards and logs in through them; each Service is forwarded once.

    `folder` is private, and takes the certificates of CAs, which are no secret.
    """

    api: ClusterApi
    dial: Dial
    live: LiveState
    folder: Path
    stack: ExitStack
    timeout_s: float = 10.0
    _ways: dict[tuple[str, str, int], tuple[str, int]] = field(default_factory=dict)

    def address(self, namespace: str, target: str, port: int) -> tuple[str, int]:
        """Where `service/NAME` or `pod/NAME` is reached on this machine."""
        key = (namespace, target, port)
        if key not in self._ways:
            self._ways[key] = self.stack.enter_context(self.api.forward(*key))
        return self._ways[key]

    @contextmanager
    def talk(self, server: Server, login: Login, ca_file: Path | None) -> Iterator[Conversation]:
        """A conversation with `login`, closed at the end; the host's name stays for TLS.

        Raises:
            ServerRefusal, ConnectionLost, DriverRefusal: as for `ports.Dial`.
            ClusterRefused, ClusterLost: there is no way to the Service.
        """
        address = self.address(server.namespace, f"service/{server.service}", server.port)
        with closing(
            self.dial(address, server.name, login, ca_file=ca_file, timeout_s=self.timeout_s)
        ) as conversation:
            yield conversation

    def who(self, server: Server, login: Login, ca_file: Path | None) -> Who:
        """What answers there says of itself; errors as for `talk`."""
        marked = replace(login, startup=(("options", MARK_OPTIONS),))
        with self.talk(server, marked, ca_file) as conversation:
            given = str(conversation.backend_pid)
            try:
                row = conversation.query(WHO_SQL)[0]
            except ServerRefusal as refusal:
                if refusal.sqlstate != _DENIED:
                    raise
                row = conversation.query(WHO_SQL_PLAIN)[0]
        return who_of(row, given)

    def ca_file(self, client: Client, namespace: str, cluster: str) -> Path | None:
        """The CA that the consumer believes; None where it checks no certificate.

        It is the one that its `sslrootcert` names in a mounted Secret or ConfigMap, else the
        Cluster's own.
        """
        tls = client.login.tls if client.login is not None else None
        if tls is None or not (tls.check_chain or tls.check_name):
            return None
        mounted = self._mounted_ca(client)
        if mounted is not None:
            return self._written(f"{client.id}", mounted)
        document = self.api.get(ObjectRef("v1", "Secret", namespace, f"{cluster}-ca"))
        text = texts_of({"kind": "Secret", **document}).get("ca.crt") if document else None
        return self._written(f"{namespace}-{cluster}", text) if text is not None else None

    def _mounted_ca(self, client: Client) -> Sensitive | None:
        path = client.connection.param("sslrootcert") if client.connection is not None else ""
        for kind, name, mounted in client.facts.mounts:
            keys = self.live.keys(kind, client.facts.namespace, name) or {}
            inside = path.removeprefix(f"{mounted.rstrip('/')}/")
            if path and inside != path and inside in keys:
                return keys[inside]
        return None

    def _written(self, name: str, text: Sensitive) -> Path:
        file = self.folder / f"{name.replace('/', '-')}.crt"
        file.write_text(text.reveal(), encoding="utf-8")
        return file


def server_of(host: str, namespace: str, port: int = 0) -> Server | None:
    """The Service that the first host of a list names, asked from `namespace`."""
    first = host.split(",")[0]
    read = parse_host(first)
    if read is None:
        return None
    return Server(read.namespace or namespace, read.service, port or _PORT, first)
