"""What each consumer of one environment needs: decisions first, then their delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from repoint.dsn.hosts import parse_host
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.resource import Resource
from repoint.model.consumer import Certainty, Purpose, Route, Site, Use, Workload
from repoint.model.plan import Applicability, Finding, PlannedConsumer, Severity, Task
from repoint.planning.config import Config
from repoint.planning.consumer_facts import consumer_facts
from repoint.planning.deliver import Delivery, weaker
from repoint.planning.environment_facts import Targets, environment_facts
from repoint.planning.ground import Errand
from repoint.planning.inventory import SiteReport
from repoint.planning.judging import route_of, update_required, use_route, wait_routes
from repoint.planning.overlay_edits import Reason
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.role_defaults import add_defaults, by_hand, prechecks
from repoint.planning.site_edits import Goal
from repoint.planning.splitting import Branch, split_off
from repoint.planning.targets import (
    add_policies,
    decided,
    fix_targets,
    repairs,
    with_planned,
)
from repoint.rules import remedies, routing, session_state
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, Hazard, RoleDefault
from repoint.rules.rule import Remedy


@dataclass(frozen=True, slots=True)
class Moves:
    """One environment's part of a plan."""

    environment: str
    edits: tuple[PlannedEdit, ...]
    tasks: tuple[Task, ...]
    findings: tuple[Finding, ...]
    consumers: tuple[PlannedConsumer, ...]
    facts: EnvironmentFacts


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What an environment's plan is made from.

    `reports` are the sites of this environment that name the source. `views` gives the
    built object of each workload. `goals_by_namespace` are the targets of every
    environment, for files that name several.
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


class Mover:
    """Plans one environment."""

    def __init__(self, scene: Scene, delivery: Delivery) -> None:
        self._scene = scene
        self._delivery = delivery
        self._name = scene.environment.name
        self._sites = {report.site.id: report.site for report in scene.reports}
        self._uses = self._grouped()
        self._workloads = {workload.id: workload for workload in self._uses}
        self._reasons: dict[Workload, list[str]] = {}
        self._split: set[Workload] = set()
        self._forced: set[Workload] = set()
        self._dropped: dict[Workload, tuple[str, ...]] = {}
        self._prechecks = prechecks(scene.environment, delivery.ground.owned)
        self._findings: list[Finding] = []
        self._routes = {w: scene.routes.get((self._name, w), Route.UNKNOWN) for w in self._uses}

    def run(self) -> Moves:
        """Decide, deliver, and tell what was decided."""
        facts = self._decide()
        for report in self._scene.reports:
            self._move(report)
        fix_targets(self._scene.config, self._scene.targets, facts, self._delivery)
        add_defaults(facts, self._scene.targets, decided(facts), self._delivery)
        self._findings += repairs(facts)
        facts = with_planned(facts, self._scene.targets, self._scene.config)
        facts = add_policies(facts, self._delivery)
        return Moves(
            environment=self._name,
            edits=self._delivery.finish(),
            tasks=tuple(self._delivery.tasks),
            findings=tuple(self._findings),
            consumers=self._rows(),
            facts=facts,
        )

    def _grouped(self) -> dict[Workload, tuple[Use, ...]]:
        grouped: dict[Workload, tuple[Use, ...]] = {}
        for report in self._scene.reports:
            for use in report.uses:
                if use.environment == self._name and use.workload.kind != "File":
                    grouped[use.workload] = (*grouped.get(use.workload, ()), use)
        return grouped

    def _facts(self) -> EnvironmentFacts:
        scene = self._scene
        consumers = consumer_facts(
            scene.config, scene.environment, self._uses, self._sites, self._routes, scene.hazards
        )
        return environment_facts(
            scene.config,
            scene.environment,
            scene.targets,
            consumers,
            scene.role_defaults,
            self._prechecks,
        )

    def _decide(self) -> EnvironmentFacts:
        """Send to the direct Service what cannot live behind this pool, and say why."""
        facts = self._facts()
        postgres = facts.cluster.postgres if facts.cluster else 0
        for consumer, remedy in decided(facts):
            if consumer.purpose == Purpose.PROBE.value:
                continue
            if self._is_chosen(consumer):
                # Somebody fixed the route; a default that lets it live there is still planned.
                if remedy.kind == "role-default":
                    self._apply(facts, consumer, remedy)
                continue
            self._apply(facts, consumer, remedy)
            session = session_state.session_remedy(consumer, facts.pooler, postgres)
            if session.kind == "direct":
                self._apply(facts, consumer, session)
        self._routes.update(wait_routes(self._all_uses(), self._routes))
        return self._facts()

    def _is_chosen(self, consumer: ConsumerFacts) -> bool:
        """Whether repoint.yaml fixes the route; then findings tell, and nothing moves it."""
        found = self._scene.config.consumers
        keys = (consumer.name, f"{consumer.kind}/{consumer.name}")
        return any(key in found and found[key].route for key in keys)

    def _apply(self, facts: EnvironmentFacts, consumer: ConsumerFacts, remedy: Remedy) -> None:
        workload = self._workloads[consumer.id]
        if remedy.kind == "none":
            return
        self._reasons.setdefault(workload, []).append(remedy.reason)
        self._dropped[workload] = remedy.drop
        if remedy.kind == "direct" and remedy.settings:
            self._delivery.tasks.append(by_hand(consumer, remedy, self._name))
        if remedy.kind == "direct":
            self._routes[workload] = Route.DIRECT
            self._forced.add(workload)
        if remedy.rules and remedy.rules[0].startswith("RP"):
            for finding in (
                session_state.consumer_findings(facts.name, consumer, facts.pooler, 0)
                if facts.pooler
                else ()
            ):
                if finding.severity is Severity.ERROR:
                    self._findings.append(replace(finding, severity=Severity.WARNING))
            return
        self._findings += remedies.remedy_findings(facts, consumer, remedy)

    def _all_uses(self) -> Iterable[Use]:
        return (use for uses in self._uses.values() for use in uses)

    def _move(self, report: SiteReport) -> None:
        mine = [u for u in report.uses if u.environment == self._name and u.workload in self._uses]
        if not mine:
            self._move_file(report)
            return
        wanted = [(use, self._route(use)) for use in mine]
        routes = {route for _, route in wanted}
        if Route.UNKNOWN in routes:
            self._unsettled(report, mine)
            return
        if Route.UNCHANGED in routes:
            # A value that somebody keeps cannot move for the others.
            moving = [use for use, route in wanted if route is not Route.UNCHANGED]
            if moving:
                self._unsettled(report, moving)
            return
        main = Route.POOLED if Route.POOLED in routes else Route.DIRECT
        stay = [use for use, route in wanted if route is main]
        apart = [use for use, route in wanted if route is not main]
        if apart and not self._split_off(report.site, apart):
            return
        goal = self._goal(report.site, main)
        if main is Route.POOLED:
            goal = replace(goal, params=self._without(stay))
        self._delivery.move(Errand(report.site, goal, self._why(stay, main)))

    def _without(self, uses: Iterable[Use]) -> tuple[tuple[str, str], ...]:
        """The parameters that roles' defaults answer, to be taken out (SP9)."""
        names = (name for use in uses for name in self._dropped.get(use.workload, ()))
        return tuple((name, "") for name in dict.fromkeys(names))

    def _route(self, use: Use) -> Route:
        if use.workload in self._forced:
            return Route.DIRECT
        return use_route(use, self._routes, self._scene.config)

    def _goal(self, site: Site, route: Route) -> Goal:
        targets = self._targets_for(site)
        full = targets.pooled if route is Route.POOLED else targets.direct
        dot = "." if site.host.text.endswith(".") else ""
        return Goal(host=full + dot, sslmode=self._scene.config.target.sslmode)

    def _targets_for(self, site: Site) -> Targets:
        """The environment's own targets; in a file of several, those of the host's namespace."""
        if self._scene.environment.files and site.location.path in self._scene.environment.files:
            return self._scene.targets
        read = parse_host(site.host.text)
        for targets in self._scene.all_targets:
            if read is not None and read.namespace == targets.namespace:
                return targets
        return self._scene.targets

    def _why(self, uses: list[Use], route: Route) -> Reason:
        told = []
        for use in uses[:4]:
            evidence = f": {use.evidence[0]}" if use.evidence else ""
            told.append(f"{use.workload.id} ({use.purpose.value}{evidence})")
        more = f" and {len(uses) - 4} more" if len(uses) > 4 else ""
        sure = [
            Applicability.REVIEW if use.certainty is Certainty.GUESS else Applicability.SAFE
            for use in uses
        ]
        consumers = tuple(dict.fromkeys(use.workload.id for use in uses))
        text = f"{route.value} for {', '.join(told)}{more}"
        return Reason(routing.NAMES_SOURCE.code, text, consumers, weaker(*sure))

    def _move_file(self, report: SiteReport) -> None:
        """A site that no workload reads: the file's own purpose decides."""
        use = next((u for u in report.uses if u.workload.kind == "File"), None)
        if use is None or use.purpose is Purpose.COMMENT:
            return
        chosen = self._scene.config.consumers.get(report.site.location.path)
        route = (
            Route(chosen.route) if chosen is not None and chosen.route else route_of(use.purpose)
        )
        if use.purpose is Purpose.PROBE and route is Route.UNKNOWN:
            route = Route.DIRECT
        if route is Route.UNCHANGED:
            return
        if route is Route.UNKNOWN or (route is Route.POOLED and use.certainty is Certainty.GUESS):
            self._unsettled(report, [use])
            self._findings.append(
                routing.NO_CONSUMER.finding(
                    f"`{report.site.key}` of {use.workload.name} names the source, and no workload "
                    "reads it",
                    location=report.site.location,
                    environment=self._name,
                )
            )
            return
        why = self._why([use], route)
        reason = replace(why, applicability=Applicability.REVIEW)
        self._delivery.move(Errand(report.site, self._goal(report.site, route), reason))

    def _unsettled(self, report: SiteReport, uses: list[Use]) -> None:
        site = report.site
        who = ", ".join(dict.fromkeys(_who(use) for use in uses))
        self._delivery.tasks.append(
            Task(
                path=site.location.path,
                line=site.location.line,
                key=site.key,
                environment=self._name,
                consumer=who,
                reason="nothing tells the purpose; name it under `consumers:` in repoint.yaml",
                put=f"host {self._scene.targets.pooled} (runtime) or "
                f"{self._scene.targets.direct} (anything else)",
            )
        )

    def _split_off(self, site: Site, apart: list[Use]) -> bool:
        """Give the consumers that go elsewhere a value of their own (X7)."""
        goal = self._goal(site, Route.DIRECT)
        reason = replace(self._why(apart, Route.DIRECT), rule=routing.SHARED_VALUE.code)
        branches = [Branch(use, self._scene.views.get(use.workload)) for use in apart]
        told = len(self._delivery.tasks)
        stuck = split_off(self._delivery, site, goal, branches, self._scene.keys_of(site), reason)
        if stuck is None:
            self._split.update(use.workload for use in apart)
        elif len(self._delivery.tasks) == told:
            self._cannot_split(site, stuck)
        return stuck is None

    def _cannot_split(self, site: Site, use: Use) -> None:
        self._delivery.tasks.append(
            Task(
                path=site.location.path,
                line=site.location.line,
                key=site.key,
                environment=self._name,
                consumer=use.workload.id,
                reason="this value also feeds a runtime; "
                f"give {use.workload.id} a value of its own",
                put=f"host {self._goal(site, Route.DIRECT).host}",
            )
        )
        self._findings.append(
            routing.SHARED_VALUE.finding(
                f"`{site.key}` feeds a runtime and {use.workload.id}, and cannot be split here",
                hint=f"give {use.workload.id} a value of its own, or its `route` in repoint.yaml",
                location=site.location,
                environment=self._name,
                consumer=use.workload.id,
                severity=Severity.ERROR,
            )
        )

    def _rows(self) -> tuple[PlannedConsumer, ...]:
        rows = []
        for workload, uses in self._uses.items():
            sites = [self._sites[use.site] for use in uses]
            ways = [self._route(use) for use in uses]
            current = tuple(dict.fromkeys(site.host.text for site in sites))
            new = tuple(
                dict.fromkeys(
                    self._goal(site, way).host
                    for site, way in zip(sites, ways, strict=True)
                    if way in (Route.POOLED, Route.DIRECT)
                )
            )
            purposes = tuple(dict.fromkeys(use.purpose.value for use in uses))
            evidence = tuple(dict.fromkeys(line for use in uses for line in use.evidence))
            reasons = list(self._reasons.get(workload, ()))
            if workload in self._split:
                reasons.append("reads a second key, since a runtime reads the first")
            rows.append(
                PlannedConsumer(
                    id=workload.id,
                    kind=workload.kind,
                    namespace=workload.namespace,
                    name=workload.name,
                    container=workload.container,
                    environment=self._name,
                    purpose=", ".join(purposes),
                    route=", ".join(dict.fromkeys(way.value for way in ways)),
                    current=", ".join(current),
                    new=", ".join(new) or "unchanged",
                    update_required=update_required(uses),
                    evidence=evidence,
                    reasons=tuple(reasons),
                )
            )
        return tuple(rows)


def _who(use: Use) -> str:
    return use.workload.name if use.workload.kind == "File" else use.workload.id
