"""The real PostgreSQL of a Cluster, set up as CloudNativePG sets up its primary."""

from __future__ import annotations

import contextlib
from typing import Any

from repoint.adapters import servers
from repoint.adapters.lab.account import base_folder, servers_account
from repoint.adapters.lab.bouncer import service_names
from repoint.adapters.lab.certificates import Authority
from repoint.adapters.lab.contents import fill
from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.ports import LOOPBACK
from repoint.adapters.lab.postgres import Postgres
from repoint.adapters.pgclient import connect
from repoint.errors import ServersMissing
from repoint.model.sensitive import Sensitive
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cluster_conf import BOOTSTRAP, SUPERUSER
from repoint.rehearsal.ini import AUTH_USER
from repoint.rehearsal.lab import DatabaseSpec, LabSpec, PostgresSpec, RoleSpec
from repoint.wire.login import Login, Tls
from repoint.wire.scram import scram_verifier
from tests.cluster.world.network import Network, Target

_PATIENCE_S = 60.0


class Instance:
    """A Cluster's primary in the network of its pod; `close` leaves nothing of it."""

    def __init__(self, cluster: Any, owner: str, password: Sensitive, network: Network) -> None:
        name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
        self._spec = cluster["spec"]
        self.owner = owner
        self.database = str(_initdb(self._spec).get("database", "app"))
        major = _major(self._spec)
        programs = servers.find_postgres(major)
        if programs is None:
            raise ServersMissing(f"there is no PostgreSQL {major} here")
        self.major = programs.version[0]
        host = f"{name}-rw.{namespace}.svc.cluster.local"
        names = [f"{name}-{end}.{namespace}.svc.cluster.local" for end in ("rw", "r", "ro")]
        account = servers_account()
        self.sandbox = network.new(frozenset())
        with network.inside(self.sandbox):
            # So is everything that it starts.
            self._guard = Guard(account, base_folder(account))
        self.authority = Authority(name)
        spec = PostgresSpec(
            major=self.major,
            host=host,
            names=tuple(form for full in names for form in service_names(full)),
            roles=(RoleSpec(owner, password), *_managed(self._spec)),
            databases=(DatabaseSpec(self.database, owner, _scripts(self._spec)),),
            parameters=tuple(self._spec.get("postgresql", {}).get("parameters", {}).items()),
            pg_hba=tuple(self._spec.get("postgresql", {}).get("pg_hba", ())),
        )
        self._postgres = Postgres(self._guard, programs, self.authority)
        try:
            self._postgres.create(LabSpec(name, spec, ()))
            self._postgres.start()
            fill(spec, self.major, self)
        except BaseException:
            self.close()
            raise

    @property
    def target(self) -> Target:
        """Where it is."""
        return Target(self.sandbox, (LOOPBACK, self._postgres.port))

    def close(self) -> None:
        """Stop it and remove its folder."""
        self._guard.close()

    def stop(self) -> None:
        """Take it away, as a crash does."""
        self._postgres.stop()

    def start(self) -> None:
        """Bring it back at its port."""
        self._postgres.start(again=True)

    def superuser(self, database: str = "postgres") -> Conversation:
        """A connection as the server's superuser."""
        return self._locally(BOOTSTRAP, database)

    def administrator(self, database: str = "postgres") -> Conversation:
        """A connection as the Cluster's `postgres`."""
        return self._locally(SUPERUSER, database)

    def set_password(self, password: Sensitive) -> None:
        """Give the owner a new password, as the operator does when its Secret changes."""
        verifier = scram_verifier(password)
        with contextlib.closing(self.superuser()) as session:
            session.query(f"ALTER ROLE \"{self.owner}\" PASSWORD '{verifier}'")

    def certificates(self, host: str) -> dict[str, bytes]:
        """The files of a Pooler's pod that are certificates; `host` is the Pooler's Service."""
        login = self.authority.client(AUTH_USER)
        folder = self._guard.folder / "certificates"
        return {
            "configs/server-tls/ca.crt": self.authority.certificate,
            "configs/client-ca/ca.crt": self.authority.certificate,
            "configs/authUser/tls.crt": login.certificate,
            "configs/authUser/tls.key": login.key,
            # Without a certificate of its own a Pooler shows the Cluster's.
            "configs/client-tls/tls.crt": (folder / "server.crt").read_bytes(),
            "configs/client-tls/tls.key": (folder / "server.key").read_bytes(),
        }

    def _locally(self, user: str, database: str) -> Conversation:
        login = Login("repoint", user, Sensitive(""), database, tls=Tls("never"))
        return connect(self._postgres.socket, "", login, timeout_s=_PATIENCE_S)


def _initdb(spec: Any) -> Any:
    return spec.get("bootstrap", {}).get("initdb", {})


def _major(spec: Any) -> int:
    tag = str(spec.get("imageName", ":18")).rpartition(":")[2]
    return int(tag.partition(".")[0].partition("-")[0])


def _managed(spec: Any) -> tuple[RoleSpec, ...]:
    """Roles of `managed.roles`: without a password until their Secrets are read."""
    roles = spec.get("managed", {}).get("roles", [])
    return tuple(
        RoleSpec(
            role["name"],
            Sensitive(""),
            superuser=role.get("superuser", False),
            createdb=role.get("createdb", False),
            connection_limit=role.get("connectionLimit", -1),
        )
        for role in roles
        if role.get("ensure", "present") == "present"
    )


def _scripts(spec: Any) -> tuple[tuple[str, str], ...]:
    """The bootstrap's SQL, which runs in the application's database."""
    listed = _initdb(spec).get("postInitApplicationSQL", [])
    return tuple((f"postInitApplicationSQL[{at}]", sql) for at, sql in enumerate(listed))
