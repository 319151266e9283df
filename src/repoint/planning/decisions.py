"""Which way every consumer of one environment goes, decided before anything is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from repoint.kube.builds import EnvironmentBuild
from repoint.kube.resource import Resource
from repoint.model.consumer import Route, Site, Use, Workload
from repoint.model.plan import Finding
from repoint.planning.app_secret import AppSecretRead
from repoint.planning.config import Config
from repoint.planning.consumer_facts import consumer_facts
from repoint.planning.deliver import Delivery
from repoint.planning.environment_facts import Targets, environment_facts, pooler_facts
from repoint.planning.inventory import SiteReport
from repoint.planning.judging import choice_for, use_route, wait_poolers, wait_routes
from repoint.planning.role_defaults import by_hand, prechecks
from repoint.planning.session_pooler import beside
from repoint.planning.site_edits import takes_parameters
from repoint.rules import pool_mode, remedies
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, Hazard, PoolerFacts, RoleDefault
from repoint.rules.rule import Remedy
from repoint.rules.targets import given_up


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What an environment's plan is made from.

    `reports` are the sites of this environment that name the source. `views` gives the
    built object of each workload. `all_targets` are those of every environment, for files
    that name several. `reads` are those of CloudNativePG's own Secret; what stands for them is
    among `reports`. `turned` are the ids of the sites that name the target already, and go another
    way; `former` those that an earlier apply sent to another target.
    """

    config: Config
    environment: EnvironmentBuild
    targets: Targets
    reports: tuple[SiteReport, ...]
    routes: Mapping[tuple[str, Workload], Route]
    views: Mapping[Workload, Resource]
    hazards: tuple[Hazard, ...]
    role_defaults: tuple[RoleDefault, ...]
    all_targets: tuple[Targets, ...]
    keys_of: Callable[[Site], frozenset[str]]
    reads: tuple[AppSecretRead, ...] = ()
    turned: frozenset[str] = frozenset()
    former: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Way:
    """Where one use goes; `pooler` is the session Pooler's name, empty for the named one."""

    route: Route
    pooler: str = ""


class Decisions:
    """The ways of one environment's consumers, with reasons and findings.

    `session` is the session Pooler that the plan has to write, None when there is none.
    """

    def __init__(self, scene: Scene, delivery: Delivery) -> None:
        self._scene = scene
        self._delivery = delivery
        self._name = scene.environment.name
        self.sites = {report.site.id: report.site for report in scene.reports}
        self.uses = self._grouped()
        self.reasons: dict[Workload, list[str]] = {}
        self.findings: list[Finding] = []
        self.session: PoolerFacts | None = None
        self._workloads = {workload.id: workload for workload in self.uses}
        self._routes = {w: scene.routes.get((self._name, w), Route.UNKNOWN) for w in self.uses}
        self._poolers: dict[Workload, str] = {}
        self._forced: set[Workload] = set()
        self._params: dict[Workload, tuple[tuple[str, str], ...]] = {}
        self._prechecks = prechecks(scene.environment, delivery.ground.owned)

    def decide(self) -> EnvironmentFacts:
        """Send each consumer where it can live, and say why; the facts as they then are."""
        facts = self._facts()
        wishes = {consumer.id: self._wish(consumer) for consumer in facts.pooled}
        decision = pool_mode.decide(facts, self._beside(facts), wishes, self._takes_parameters)
        by_id = {consumer.id: consumer for consumer in facts.pooled}
        for name, remedy in decision.remedies:
            self._apply(facts, by_id[name], remedy)
        self.findings += pool_mode.unmet(facts, wishes, decision)
        everything = [use for uses in self.uses.values() for use in uses]
        self._routes.update(wait_routes(everything, self._routes))
        self._poolers.update(wait_poolers(everything, self._routes, self._poolers))
        if decision.session is not None and self._scene.targets.session is None:
            self.session = decision.session
        decided = self._facts()
        self.findings += given_up(facts, decided)
        return decided

    def way(self, use: Use) -> Way:
        """Where one use goes."""
        if use.workload in self._forced:
            return Way(Route.DIRECT)
        decided = self._routes.get(use.workload, Route.UNKNOWN)
        route = use_route(use, decided, self._scene.config)
        pooler = self._poolers.get(use.workload, "")
        return Way(route, pooler if route is Route.POOLED else "")

    def parameters(self, uses: Iterable[Use]) -> tuple[tuple[str, str], ...]:
        """What pooled uses get set in their connection string; an empty value is taken out."""
        pairs = (pair for use in uses for pair in self._params.get(use.workload, ()))
        return tuple(dict.fromkeys(pairs))

    def _grouped(self) -> dict[Workload, tuple[Use, ...]]:
        grouped: dict[Workload, tuple[Use, ...]] = {}
        for report in self._scene.reports:
            for use in report.uses:
                if use.environment == self._name and use.workload.kind != "File":
                    grouped[use.workload] = (*grouped.get(use.workload, ()), use)
        return grouped

    def _by_way(self) -> dict[tuple[Workload, Route], tuple[Use, ...]]:
        grouped: dict[tuple[Workload, Route], tuple[Use, ...]] = {}
        for workload, uses in self.uses.items():
            for use in uses:
                key = workload, self.way(use).route
                grouped[key] = (*grouped.get(key, ()), use)
        return grouped

    def _facts(self) -> EnvironmentFacts:
        scene = self._scene
        consumers = consumer_facts(
            scene.config, scene.environment, self._by_way(), self.sites, scene.hazards
        )
        facts = environment_facts(
            scene.config,
            scene.environment,
            scene.targets,
            tuple(self._decided(consumer) for consumer in consumers),
            scene.role_defaults,
            self._prechecks,
        )
        return facts if self.session is None else facts.with_pooler(self.session)

    def _decided(self, consumer: ConsumerFacts) -> ConsumerFacts:
        """A consumer with its Pooler and the parameters that its connection strings get."""
        if consumer.route != Route.POOLED:
            return consumer
        workload = self._workloads[consumer.id]
        added = tuple(pair for pair in self._params.get(workload, ()) if pair[1])
        names = {name for name, _ in added}
        connections = tuple(
            replace(one, params=(*(p for p in one.params if p[0] not in names), *added))
            for one in consumer.connections
        )
        pooler = self._poolers.get(workload, "")
        return replace(consumer, pooler=pooler, connections=connections)

    def _wish(self, consumer: ConsumerFacts) -> str:
        """What repoint.yaml fixes: then findings tell, and nothing else moves the consumer."""
        chosen = choice_for(self._scene.config, self._workloads[consumer.id])
        if chosen is None:
            return ""
        return chosen.pool or ("route" if chosen.route else "")

    def _beside(self, facts: EnvironmentFacts) -> pool_mode.Beside:
        targets = self._scene.targets
        if targets.session is not None:
            return pool_mode.Beside(pooler_facts(targets.session, self._scene.config))
        name = targets.session_pooled.partition(".")[0]
        return beside(facts, targets.pooler, name, self._delivery.overlay)

    def _takes_parameters(self, consumer: ConsumerFacts) -> bool:
        """Whether every string of a consumer can get a parameter that only it reads.

        What goes direct reads a second key. A driver that does not know the parameter sends
        it to the server, which refuses it.
        """
        pooled = [
            use
            for use in self.uses[self._workloads[consumer.id]]
            if self.way(use).route is Route.POOLED
        ]
        mine = {use.site for use in pooled}
        everybody = (use for uses in self.uses.values() for use in uses)
        others = [use for use in everybody if use.site in mine and use not in pooled]
        return all(takes_parameters(self.sites[site]) for site in mine) and all(
            self.way(use).route is Route.DIRECT for use in others
        )

    def _apply(self, facts: EnvironmentFacts, consumer: ConsumerFacts, remedy: Remedy) -> None:
        workload = self._workloads[consumer.id]
        self.reasons.setdefault(workload, []).append(remedy.reason)
        gone = tuple((name, "") for name in remedy.drop)
        added = remedy.parameters if remedy.kind == "dsn" else ()
        self._params[workload] = (*self._params.get(workload, ()), *gone, *added)
        if remedy.kind == "direct":
            self._routes[workload] = Route.DIRECT
            self._forced.add(workload)
            if remedy.settings:
                self._delivery.tasks.append(by_hand(consumer, remedy, self._name))
        elif remedy.kind == "session":
            self._poolers[workload] = remedy.by
        if any(code.startswith("RP") for code in remedy.rules):
            self.findings += pool_mode.remedied(facts, consumer, remedy)
        elif remedy.rules:
            self.findings += remedies.remedy_findings(facts, consumer, remedy)
