"""The two databases of an environment, for those who look after them and for tests."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass

from repoint.adapters.lab.ports import LOOPBACK
from repoint.adapters.pgclient import connect
from repoint.model.sensitive import Sensitive
from repoint.ports.connecting import Conversation
from repoint.wire.login import Login, Tls
from tests.cluster.world import cnpg_objects as cnpg
from tests.cluster.world.example import SOURCE_URL, TARGET_URL
from tests.cluster.world.instance import Instance
from tests.cluster.world.routes import ENVIRONMENTS, Environment
from tests.cluster.world.world import World

USER, DATABASE = "naytife", "naytifedb"
SUPERUSER = "postgres"
AUDITOR = "auditor"
CLUSTER, POOLER = "naytife-postgres", "naytife-postgres-pooler-rw"
_PATIENCE_S = 60.0
_CLIENTS = (
    "SELECT coalesce(host(client_addr), '') FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND datname = current_database()"
    " AND pid <> pg_backend_pid()"
)

Rows = tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class Databases:
    """The source and the target of one environment."""

    world: World
    name: str

    @property
    def environment(self) -> Environment:
        return ENVIRONMENTS[self.name]

    @property
    def password(self) -> str:
        """The consumers' password, as it is in the cluster."""
        return self.world.secret(self.environment.namespace, "backend-secret")["POSTGRES_PASSWORD"]

    @property
    def instance(self) -> Instance:
        """The Cluster's PostgreSQL."""
        return self.world.operator.instances[(self.environment.namespace, CLUSTER)]

    @property
    def source_port(self) -> int:
        """A port of 127.0.0.1 that leads to the source."""
        return self.world.way_to(*self.environment.source, 5432)

    @property
    def target_port(self) -> int:
        """A port of 127.0.0.1 that leads to the target."""
        return self.world.network.way_in(self.instance.target)

    def source(self, *statements: str) -> Rows:
        """Run SQL on the source as its superuser, from its pod; the rows of the last statement."""
        login = Login("libpq", SUPERUSER, Sensitive(""), DATABASE, tls=Tls("never"))
        port = self.source_port
        return _run(connect((LOOPBACK, port), "source", login, timeout_s=_PATIENCE_S), statements)

    def target(self, *statements: str) -> Rows:
        """Run SQL on the target as its superuser; the rows of the last statement."""
        return _run(self.instance.superuser(DATABASE), statements)

    def clients_of_source(self) -> Counter[str]:
        """Who is connected to the source: how many connections for each `app` label."""
        return self._apps(self.source(_CLIENTS))

    def clients_of_target(self) -> Counter[str]:
        """The same for the target, where a Pooler's pods stand for its clients."""
        return self._apps(self.target(_CLIENTS))

    def _apps(self, rows: Rows) -> Counter[str]:
        apps = {}
        for playing in tuple(self.world.kubelet.pods.values()):
            labels = playing.pod["metadata"].get("labels", {})
            apps[playing.sandbox.address] = labels.get("app") or labels.get(cnpg.POOLER, "")
        return Counter(apps.get(str(address), "") for (address,) in rows)

    def appoint_auditor(self, password: str) -> dict[str, str]:
        """A role on both sides that sees every row, for comparisons and the copy.

        Gives the variables that repoint.yaml names for it: URLs of port-forwards, as a person
        has them open. The source's ends with its pod.
        """
        rights = "LOGIN REPLICATION BYPASSRLS IN ROLE pg_read_all_data"
        role = f"CREATE ROLE {AUDITOR} {rights} PASSWORD '{password}'"
        self.source(role)
        self.target(role)
        login = f"postgresql://{AUDITOR}:{password}@{LOOPBACK}"
        target = f"{self.target_port}/{DATABASE}?sslmode=require"
        return {
            SOURCE_URL: f"{login}:{self.source_port}/{DATABASE}?sslmode=disable",
            TARGET_URL: f"{login}:{target}",
        }

    def seed(self) -> None:
        """Put three shops with their goods into the source."""
        self.source(
            "SET search_path = naytife_schema",
            "INSERT INTO tenants (id, slug, display_name) SELECT"
            " ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'shop-' || n, 'Shop ' || n"
            " FROM generate_series(1, 3) n",
            "INSERT INTO products (tenant_id, title, price_cents)"
            " SELECT id, slug || ' thing ' || n, n * 100 FROM tenants, generate_series(1, 20) n",
            "INSERT INTO orders (tenant_id, customer_email, total_cents)"
            " SELECT id, 'c' || n || '@example.org', n FROM tenants, generate_series(1, 50) n",
            "INSERT INTO coupons (tenant_id, code, percent_off) SELECT id, 'ten', 10 FROM tenants",
            "INSERT INTO hydra.hydra_client (id, client_name) VALUES ('shop', 'the shop')",
        )


def _run(session: Conversation, statements: tuple[str, ...]) -> Rows:
    rows: Rows = ()
    with contextlib.closing(session):
        for statement in statements:
            rows = session.query(statement)
    return rows
