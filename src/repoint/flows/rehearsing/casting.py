"""From the planned repository to who takes part in its rehearsal, by environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from repoint.dsn.hosts import Service, fqdn, same_service
from repoint.flows.evidence import Evidence
from repoint.flows.rehearsing.passwords import Passwords, shape_of
from repoint.flows.rehearsing.planned import PlannedState
from repoint.flows.scanning import Survey
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.resource import Resource
from repoint.kube.workloads import containers
from repoint.model.consumer import Purpose, Route, Site, Use, Workload
from repoint.model.plan import Plan
from repoint.planning.config import Config
from repoint.planning.consumer_facts import connection, consumer_facts
from repoint.planning.environment_facts import cluster_facts, pooler_facts, targets_of
from repoint.planning.judging import choice_for
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import Statement, initdb, post_init, role_defaults, schemas, schemas_in
from repoint.rehearsal.spec import Ground, role_names
from repoint.rules.driver_shapes import driver_of, is_measured, login_for, packet
from repoint.rules.facts import ClusterFacts, Connection, ConsumerFacts, PoolerFacts
from repoint.rules.known_drivers import UNKNOWN_DRIVER, driver_of_container
from repoint.wire.refusals import DriverRefusal

_NEVER = frozenset({Purpose.COMMENT, Purpose.LOCAL_DEVELOPMENT})


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One Cluster of one environment with everybody who asks it.

    `letters` are the connections as they are before the plan, by client id, and `original` the
    Poolers as they are before it, by name. `statements` set PostgreSQL up; `notes` tell where
    the rehearsal is not like production.
    """

    ground: Ground
    clients: tuple[Client, ...]
    letters: Mapping[str, Connection]
    original: Mapping[str, PoolerFacts]
    statements: tuple[Statement, ...]
    passwords: Passwords
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Stranger:
    """A consumer that cannot be rehearsed, and why."""

    id: str
    environment: str
    route: str
    server: str
    reason: str


@dataclass(slots=True, eq=False)
class _Address:
    """What a host names: a Cluster's Service, or a Pooler's."""

    server: str
    cluster: ClusterFacts
    pooler: PoolerFacts | None = None
    unlike: str = ""


@dataclass(slots=True, eq=False)
class Casting:
    """Finds the clients of one environment."""

    state: PlannedState
    config: Config
    plan: Plan
    name: str
    evidence: Evidence
    strangers: list[Stranger] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def scenes(self) -> tuple[Scene, ...]:
        """One scene for each Cluster that somebody asks."""
        build = _build(self.state.after, self.name)
        poolers = _poolers(build, self.config)
        clusters = [(cluster_facts(r, self.config), r) for r in _cnpg(build, "Cluster")]
        addresses = _Addresses(poolers, [c for c, _ in clusters], self.config.target.domain)
        grouped = self._grouped(addresses)
        self._unmet(grouped)
        facts = self._facts(build, grouped)
        return tuple(
            scene
            for cluster, resource in clusters
            if (scene := self._scene(build, cluster, resource, poolers, grouped, facts)) is not None
        )

    def _grouped(self, addresses: _Addresses) -> dict[Workload, list[tuple[Use, Site, _Address]]]:
        """The uses of each container whose host is one of this environment's servers."""
        sites = {report.site.id: report.site for report in self.state.after.inventory.sites}
        found: dict[Workload, list[tuple[Use, Site, _Address]]] = {}
        for use in self._uses():
            site = sites.get(use.site)
            if site is None:
                continue
            address = addresses.of(site.host.text, use.workload.namespace)
            if address is not None:
                found.setdefault(use.workload, []).append((use, site, address))
            elif not site.host.text:
                self._stranger(use.workload, self._why_unseen(site))
        return {workload: _main(uses) for workload, uses in found.items()}

    def _uses(self) -> Iterator[Use]:
        for uses in self.state.after.uses.values():
            for use in uses:
                outside = use.workload.kind in ("File", "ComposeService")
                if use.environment == self.name and not outside and use.purpose not in _NEVER:
                    yield use

    def _why_unseen(self, site: Site) -> str:
        path = site.location.path
        if path in self.state.after.locked or path in self.state.locked:
            return f"`{path}` is sealed, and no key at hand opens it"
        return f"the value of `{site.key}` is not in the repository"

    def _stranger(self, workload: Workload, reason: str, route: str = "", server: str = "") -> None:
        if any(one.id == workload.id for one in self.strangers):
            return
        self.strangers.append(Stranger(workload.id, self.name, route, server, reason))

    def _unmet(self, grouped: Mapping[Workload, object]) -> None:
        """Consumers of the plan that ask no server of the planned render."""
        met = {workload.id for workload in grouped} | {one.id for one in self.strangers}
        for row in self.plan.consumers:
            moved = row.route in (Route.POOLED.value, Route.DIRECT.value)
            if row.environment == self.name and moved and row.id not in met:
                workload = Workload(row.kind, row.namespace, row.name, row.container)
                reason = f"no Pooler or Cluster of the planned render answers to `{row.new}`"
                self._stranger(workload, reason, row.route, row.new)

    def _facts(
        self, build: EnvironmentBuild, grouped: Mapping[Workload, list[tuple[Use, Site, _Address]]]
    ) -> dict[str, ConsumerFacts]:
        routes = {
            workload: Route.POOLED if uses[0][2].pooler is not None else Route.DIRECT
            for workload, uses in grouped.items()
        }
        sites = {site.id: site for uses in grouped.values() for _, site, _ in uses}
        found = consumer_facts(
            self.config,
            build,
            {workload: tuple(use for use, _, _ in uses) for workload, uses in grouped.items()},
            sites,
            routes,
            self.evidence.hazards,
        )
        return {one.id: one for one in found}

    def _scene(
        self,
        build: EnvironmentBuild,
        cluster: ClusterFacts,
        resource: Resource,
        poolers: list[tuple[PoolerFacts, Resource]],
        grouped: Mapping[Workload, list[tuple[Use, Site, _Address]]],
        facts: Mapping[str, ConsumerFacts],
    ) -> Scene | None:
        ground = Ground(self.name, cluster, resource, (), self.config.target.domain)
        passwords = Passwords()
        letters: dict[str, Connection] = {}
        clients: list[Client] = []
        for workload, uses in grouped.items():
            mine = [one for one in uses if one[2].cluster.name == cluster.name]
            made = self._clients(build, ground, workload, mine, facts[workload.id], passwords)
            clients += made
            letter = self._letter(workload, mine)
            if letter is not None:
                letters[workload.id] = letter
        clients = [
            replace(one, schema=one.schema or _schema(self.config, one, letters)) for one in clients
        ]
        if not clients:
            return None
        ground = replace(ground, poolers=self._poolers(build, cluster, poolers, clients))
        users = [client.login.user for client in clients if client.login is not None]
        passwords.settle(role_names(ground, users))
        clients = [_with_password(client, passwords) for client in clients]
        return Scene(
            ground=ground,
            clients=tuple(clients),
            letters=letters,
            original=_original(self.state.before, self.name, self.config),
            statements=self._statements(build, ground, clients),
            passwords=passwords,
            notes=tuple(self.notes),
        )

    def _poolers(
        self,
        build: EnvironmentBuild,
        cluster: ClusterFacts,
        poolers: list[tuple[PoolerFacts, Resource]],
        clients: list[Client],
    ) -> tuple[tuple[PoolerFacts, Resource], ...]:
        """The Poolers that somebody asks, and the target's, which the controls ask."""
        asked = {client.pooler for client in clients}
        target = targets_of(self.config, build).pooler
        if target is not None:
            asked.add(target.name)
        return tuple(
            one
            for one in poolers
            if one[0].name in asked
            and (one[0].cluster, one[0].namespace) == (cluster.name, cluster.namespace)
        )

    def _clients(
        self,
        build: EnvironmentBuild,
        ground: Ground,
        workload: Workload,
        uses: list[tuple[Use, Site, _Address]],
        facts: ConsumerFacts,
        passwords: Passwords,
    ) -> list[Client]:
        """The connections of one container, each kind once."""
        found: dict[object, Client] = {}
        for use, site, address in _full_ones(uses):
            if address.unlike:
                self._stranger(workload, address.unlike, "direct", address.server)
                continue
            client = self._bare(workload, use, site, address, facts)
            if use.purpose is Purpose.PROBE and not facts.logs_in:
                found.setdefault((address.server, "wait"), client)
                continue
            whole = self._completed(connection(site), ground)
            if not whole.user or not whole.database:
                reason = f"nothing tells the role or the database of `{site.key}`"
                self._stranger(workload, reason, client.route, client.server)
                continue
            for one in self._asked(build, client, use, site, whole, passwords):
                found.setdefault((address.server, whole.user, whole.params, one.driver), one)
        return list(found.values())

    def _asked(
        self,
        build: EnvironmentBuild,
        client: Client,
        use: Use,
        site: Site,
        whole: Connection,
        passwords: Passwords,
    ) -> Iterator[Client]:
        """The connection as each driver of the consumer makes it."""
        shape = shape_of(self.state, site)
        passwords.note(whole.user, shape)
        own = _own_driver(build, use, site)
        drivers = (own,) if own else client.facts.drivers
        if not drivers:
            self.notes[
                f"nothing tells the driver of {client.id}: it was asked as {UNKNOWN_DRIVER} would"
            ] = None
        for driver in drivers or (UNKNOWN_DRIVER,):
            name = driver_of(whole, driver)
            made = replace(
                client,
                driver_known=bool(drivers),
                reader=name,
                schema=whole.schema,
                sslmode=whole.param("sslmode"),
                variable=shape.variable if _stays(use, shape.variable, build) else "",
            )
            if not is_measured(name):
                self.notes[f"what {name} sends was read, not measured"] = None
            for key in packet(whole, name).left_out:
                self.notes[
                    f"`{key}` of `{site.key}` was not sent: PostgreSQL refuses it, so something "
                    "takes it out today"
                ] = None
            try:
                yield replace(made, login=login_for(whole, name, passwords.of(whole.user)))
            except DriverRefusal as refusal:
                yield replace(made, refused=refusal.reason)

    def _bare(
        self, workload: Workload, use: Use, site: Site, address: _Address, facts: ConsumerFacts
    ) -> Client:
        return Client(
            id=workload.id,
            environment=self.name,
            purpose=use.purpose.value,
            server=address.server,
            pooler=address.pooler.name if address.pooler else "",
            pool_mode=address.pooler.mode if address.pooler else "",
            facts=facts,
            key=site.key,
        )

    def _completed(self, one: Connection, ground: Ground) -> Connection:
        """The connection with the role and database that its string leaves out."""
        database, owner = initdb(ground.object)
        user = one.user if _plain(one.user) else self.config.target.user or owner
        name = one.database if _plain(one.database) else self.config.target.database or database
        for told, given, what in ((one.user, user, "role"), (one.database, name, "database")):
            if told != given and given:
                self.notes[f"`{one.key}` does not tell its {what}: `{given}` was taken"] = None
        return replace(one, user=user, database=name)

    def _letter(
        self, workload: Workload, uses: list[tuple[Use, Site, _Address]]
    ) -> Connection | None:
        """The consumer's connection as it is before the plan."""
        keys = [site.key for _, site, _ in _full_ones(uses)]
        sites = {report.site.id: report.site for report in self.state.before.inventory.sites}
        old = [
            connection(sites[use.site])
            for uses_of in self.state.before.uses.values()
            for use in uses_of
            if use.workload == workload and use.environment == self.name and use.site in sites
        ]
        best = [one for one in old if one.key in keys] or old
        return max(best, key=lambda one: (bool(one.schema), len(one.params)), default=None)

    def _statements(
        self, build: EnvironmentBuild, ground: Ground, clients: list[Client]
    ) -> tuple[Statement, ...]:
        logins = [client.login for client in clients if client.login is not None]
        databases = tuple(dict.fromkeys(login.database for login in logins))
        return (
            *post_init(ground.object, databases),
            *schemas(clients, self._pre_checks(build, ground, clients)),
            *role_defaults(self.evidence.role_defaults, {login.user for login in logins}),
        )

    def _pre_checks(
        self, build: EnvironmentBuild, ground: Ground, clients: list[Client]
    ) -> list[tuple[str, str, str]]:
        """`(database, role, schema)` of what the commands of the clients' workloads make."""
        logins = {client.id: client.login for client in clients if client.login is not None}
        found = []
        for resource in build.objects:
            for view in containers(resource):
                login = logins.get(view.workload.id)
                if login is not None:
                    made = schemas_in((*view.command, *view.args))
                    found += [(login.database, login.user, schema) for schema in made]
        return found


class _Addresses:
    """Which server a host names, asked from a namespace."""

    def __init__(
        self,
        poolers: list[tuple[PoolerFacts, Resource]],
        clusters: list[ClusterFacts],
        domain: str,
    ) -> None:
        self._domain = domain
        self._known: list[tuple[Service, _Address]] = []
        by_name = {(one.name, one.namespace): one for one in clusters}
        for pooler, _ in poolers:
            cluster = by_name.get((pooler.cluster, pooler.namespace))
            if cluster is not None:
                service = Service(pooler.name, pooler.namespace)
                self._known.append((service, _Address(self._full(service), cluster, pooler)))
        for cluster in clusters:
            for suffix in ("rw", "ro", "r"):
                service = Service(f"{cluster.name}-{suffix}", cluster.namespace)
                unlike = "" if suffix == "rw" else "read-only Services are not rehearsed"
                address = _Address(self._full(service), cluster, unlike=unlike)
                self._known.append((service, address))

    def of(self, host: str, namespace: str) -> _Address | None:
        """The server of the first host in a list; None when it is none of them."""
        first = host.split(",")[0]
        for service, address in self._known:
            asking = namespace or service.namespace
            if first and same_service(first, service, from_namespace=asking, domain=self._domain):
                return address
        return None

    def _full(self, service: Service) -> str:
        return fqdn(service.name, service.namespace, self._domain)


def _build(found: Survey, name: str) -> EnvironmentBuild:
    return next(one for one in found.resolution.environments if one.name == name)


def _cnpg(build: EnvironmentBuild, kind: str) -> list[Resource]:
    group = "postgresql.cnpg.io"
    return [one for one in build.objects if one.kind == kind and one.group == group]


def _poolers(build: EnvironmentBuild, config: Config) -> list[tuple[PoolerFacts, Resource]]:
    return [(pooler_facts(one, config), one) for one in _cnpg(build, "Pooler")]


def _original(before: Survey, name: str, config: Config) -> dict[str, PoolerFacts]:
    """The Poolers before the plan by name."""
    return {facts.name: facts for facts, _ in _poolers(_build(before, name), config)}


def _main(uses: list[tuple[Use, Site, _Address]]) -> list[tuple[Use, Site, _Address]]:
    """Without the keys that `envFrom` hands to a runtime beside its own."""
    if not any(use.purpose is Purpose.RUNTIME for use, _, _ in uses):
        return uses
    return [
        one
        for one in uses
        if not (one[0].source.startswith("envfrom") and one[0].purpose.must_go_direct)
    ]


def _full_ones(uses: list[tuple[Use, Site, _Address]]) -> list[tuple[Use, Site, _Address]]:
    """Without bare hosts that a whole connection string of the same container names too."""
    whole = [one for one in uses if one[1].user and one[1].database]
    named = {one[2].server for one in whole}
    return [one for one in uses if one in whole or one[2].server not in named]


def _plain(text: str) -> bool:
    return bool(text) and not set(text) & set("${}")


def _own_driver(build: EnvironmentBuild, use: Use, site: Site) -> str:
    """The driver of the program that a container runs; empty where that tells nothing."""
    if use.source == "command":
        found = driver_of_container("", (site.key,))
        if found:
            return found
    for resource in build.objects:
        for view in containers(resource):
            if view.workload == use.workload:
                return driver_of_container(view.image, (*view.command, *view.args))
    return ""


def _stays(use: Use, variable: str, build: EnvironmentBuild) -> bool:
    """Whether nothing expands a variable that stands where a password should (X2)."""
    if not variable or use.source == "command":
        return False
    if variable.startswith("$("):
        return use.source != "literal"
    return variable.strip("${}") not in build.variables


def _schema(config: Config, client: Client, letters: Mapping[str, Connection]) -> str:
    """The schema that repoint.yaml or the string before the plan gives."""
    facts = client.facts
    workload = Workload(facts.kind, facts.namespace, facts.name)
    chosen = choice_for(config, workload)
    if chosen is not None and chosen.schema:
        return chosen.schema
    letter = letters.get(client.id)
    return letter.schema if letter is not None else ""


def _with_password(client: Client, passwords: Passwords) -> Client:
    if client.login is None:
        return client
    password = passwords.of(client.login.user)
    if client.variable:
        password = passwords.literally(client.variable)
    return replace(client, login=replace(client.login, password=password))


def evidence_paths(found: Evidence) -> Iterable[str]:
    """The files that told something."""
    yield from (hazard.path for hazard in found.hazards)
    yield from (default.location.path for default in found.role_defaults)
