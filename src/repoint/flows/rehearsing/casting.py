"""From the planned repository to who takes part in its rehearsal, by environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from repoint.flows.evidence import Evidence
from repoint.flows.rehearsing.addresses import (
    Addresses,
    Asking,
    build_of,
    cnpg_objects,
    main_ones,
    rendered_poolers,
    whole_ones,
)
from repoint.flows.rehearsing.making import ClientMaker, with_password
from repoint.flows.rehearsing.passwords import Passwords
from repoint.flows.rehearsing.planned import PlannedState
from repoint.flows.scanning import Survey
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.resource import Resource
from repoint.kube.workloads import containers
from repoint.model.consumer import Purpose, Route, Site, Use, Workload
from repoint.model.plan import PlannedConsumer
from repoint.planning.config import Config
from repoint.planning.consumer_facts import connection, consumer_facts
from repoint.planning.environment_facts import cluster_facts, targets_of
from repoint.planning.judging import choice_for
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import (
    Statement,
    first_schema,
    initdb,
    post_init,
    role_defaults,
    schemas,
    schemas_in,
)
from repoint.rehearsal.spec import Ground, owners, role_names
from repoint.rules.facts import (
    ClusterFacts,
    Connection,
    ConsumerFacts,
    PoolerFacts,
)
from repoint.rules.role_defaults import default_path
from repoint.rules.sent import path_asked


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One Cluster of one environment with everybody who asks it.

    `letters` are the connections as they are before the plan, by client id and key, and
    `original` the Poolers as they are before it, by name. `statements` set PostgreSQL up;
    `notes` tell where the rehearsal is not like production.
    """

    ground: Ground
    clients: tuple[Client, ...]
    letters: Mapping[tuple[str, str], Connection]
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
class Casting:
    """Finds the clients of one environment; `rows` are the plan's consumers, if there is one."""

    state: PlannedState
    config: Config
    rows: Sequence[PlannedConsumer]
    name: str
    evidence: Evidence
    strangers: list[Stranger] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def scenes(self) -> tuple[Scene, ...]:
        """One scene for each Cluster that somebody asks."""
        build = build_of(self.state.after, self.name)
        poolers = rendered_poolers(build, self.config)
        clusters = [(cluster_facts(r, self.config), r) for r in cnpg_objects(build, "Cluster")]
        addresses = Addresses(poolers, [c for c, _ in clusters], self.config.target.domain)
        grouped = self._grouped(addresses)
        self._unmet(grouped)
        facts = self._facts(build, grouped)
        return tuple(
            scene
            for cluster, resource in clusters
            if (scene := self._scene(build, cluster, resource, poolers, grouped, facts)) is not None
        )

    def _grouped(self, addresses: Addresses) -> dict[Workload, list[Asking]]:
        """The uses of each container whose host is one of this environment's servers."""
        sites = {report.site.id: report.site for report in self.state.after.inventory.sites}
        found: dict[Workload, list[Asking]] = {}
        for use in self._uses():
            site = sites.get(use.site)
            if site is None:
                continue
            address = addresses.of(site.host.text, use.workload.namespace)
            if address is not None:
                found.setdefault(use.workload, []).append((use, site, address))
            elif not site.host.text:
                self._stranger(use.workload, self._why_unseen(site))
        unseen = {one.id for one in self.strangers}
        grouped = {
            # A bare host says little of a container whose connection string nobody can read.
            workload: whole_ones(uses) if workload.id in unseen else main_ones(uses)
            for workload, uses in found.items()
        }
        return {workload: uses for workload, uses in grouped.items() if uses}

    def _uses(self) -> Iterator[Use]:
        for uses in self.state.after.uses.values():
            for use in uses:
                outside = use.workload.kind in ("File", "ComposeService")
                here = use.environment == self.name and not outside
                if here and use.purpose is not Purpose.COMMENT:
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
        for row in self.rows:
            moved = row.route in (Route.POOLED.value, Route.DIRECT.value)
            if row.environment == self.name and moved and row.id not in met:
                workload = Workload(row.kind, row.namespace, row.name, row.container)
                named = self._named_after(row.id)
                reason = (
                    f"after the plan it still names `{named}`: the plan leaves that to a person"
                    if named and named != row.new
                    else f"no Pooler or Cluster of the planned render answers to `{row.new}`"
                )
                self._stranger(workload, reason, row.route, row.new)

    def _named_after(self, consumer: str) -> str:
        """A host that a consumer names after the plan, empty when none can be seen."""
        sites = {report.site.id: report.site for report in self.state.after.inventory.sites}
        hosts = (
            sites[use.site].host.text
            for use in self._uses()
            if use.workload.id == consumer and use.site in sites
        )
        return next((host for host in hosts if host), "")

    def _facts(
        self, build: EnvironmentBuild, grouped: Mapping[Workload, list[Asking]]
    ) -> dict[str, ConsumerFacts]:
        ways: dict[tuple[Workload, Route], tuple[Use, ...]] = {}
        for workload, uses in grouped.items():
            route = Route.POOLED if uses[0][2].pooler is not None else Route.DIRECT
            ways[workload, route] = tuple(use for use, _, _ in uses)
        sites = {site.id: site for uses in grouped.values() for _, site, _ in uses}
        found = consumer_facts(
            self.config,
            build,
            ways,
            sites,
            self.evidence.hazards,
        )
        return {one.id: one for one in found}

    def _with_schema(self, client: Client, letters: Mapping[tuple[str, str], Connection]) -> Client:
        """A client with what repoint.yaml, the string before the plan or its role's default tells.

        The last one alone is left where an earlier plan took the key out of the string (SP9);
        repoint.yaml names a schema, and says nothing of those after it.
        """
        if client.schema:
            return client
        facts, login = client.facts, client.login
        letter = letters.get((client.id, client.key))
        path = path_asked(letter, client.driver) if letter is not None else ""
        if not path and login is not None:
            path = default_path(self.evidence.role_defaults, login.user, login.database)
        workload = Workload(facts.kind, facts.namespace, facts.name)
        chosen = choice_for(self.config, workload)
        if chosen is None or not chosen.schema or (path and first_schema(path) == chosen.schema):
            return replace(client, schema=path)
        return replace(client, schema=chosen.schema, schema_alone="," not in chosen.schema)

    def _scene(
        self,
        build: EnvironmentBuild,
        cluster: ClusterFacts,
        resource: Resource,
        poolers: list[tuple[PoolerFacts, Resource]],
        grouped: Mapping[Workload, list[Asking]],
        facts: Mapping[str, ConsumerFacts],
    ) -> Scene | None:
        ground = Ground(self.name, cluster, resource, (), self.config.target.domain)
        passwords = Passwords()
        maker = ClientMaker(
            self.state, self.config, build, ground, passwords, self._stranger, self.notes
        )
        clients = [*_clients(maker, cluster, grouped, facts)]
        if not clients:
            return None
        letters = {
            (client.id, client.key): letter
            for client in clients
            if (letter := self._letter(client)) is not None
        }
        clients = [self._with_schema(one, letters) for one in clients]
        ground = replace(ground, poolers=self._poolers(build, cluster, poolers, clients))
        users = [client.login.user for client in clients if client.login is not None]
        passwords.settle(role_names(ground, users))
        clients = [with_password(client, passwords) for client in clients]
        self._note_owners(ground, clients)
        return Scene(
            ground=ground,
            clients=tuple(clients),
            letters=letters,
            original=_original(self.state.before, self.name, self.config),
            statements=self._statements(build, ground, clients),
            passwords=passwords,
            notes=tuple(self.notes),
        )

    def _note_owners(self, ground: Ground, clients: Sequence[Client]) -> None:
        """Tell whom a database is taken to belong to that initdb does not make."""
        made, _ = initdb(ground.object)
        for database, role in owners(ground, clients).items():
            if database != made:
                self.notes[
                    f"the owner of database `{database}` was not looked up: `{role}` was taken"
                ] = None

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

    def _letter(self, client: Client) -> Connection | None:
        """The client's connection as it is before the plan; a second key comes from the first."""
        sites = {report.site.id: report.site for report in self.state.before.inventory.sites}
        old = [
            connection(sites[use.site])
            for uses in self.state.before.uses.values()
            for use in uses
            if (use.workload.id, use.environment) == (client.id, self.name) and use.site in sites
        ]
        found = [one for one in old if one.key == client.key]
        found = found or [one for one in old if one.key and client.key.startswith(one.key)]
        whole = [one for one in old if one.user and one.database]
        return found[0] if found else whole[0] if len(whole) == 1 else None

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


def _clients(
    maker: ClientMaker,
    cluster: ClusterFacts,
    grouped: Mapping[Workload, list[Asking]],
    facts: Mapping[str, ConsumerFacts],
) -> Iterator[Client]:
    """The connections of those that ask this Cluster."""
    for workload, uses in grouped.items():
        mine = [one for one in uses if one[2].cluster.name == cluster.name]
        yield from maker.clients(workload, mine, facts[workload.id])


def _original(before: Survey, name: str, config: Config) -> dict[str, PoolerFacts]:
    """The Poolers before the plan by name."""
    return {facts.name: facts for facts, _ in rendered_poolers(build_of(before, name), config)}
