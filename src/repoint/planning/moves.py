"""What each consumer of one environment needs: decisions first, then their delivery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from repoint.dsn.hosts import parse_host
from repoint.model.consumer import Certainty, Purpose, Route, Site, Use, Workload
from repoint.model.plan import Applicability, Finding, PlannedConsumer, Severity, Task
from repoint.planning.app_secret import past_the_pooler
from repoint.planning.app_secret_edits import give_host
from repoint.planning.decisions import Decisions, Scene, Way
from repoint.planning.deliver import Delivery, weaker
from repoint.planning.environment_facts import Targets
from repoint.planning.ground import Errand
from repoint.planning.inventory import SiteReport
from repoint.planning.judging import choice_for, route_of, update_required
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.own_fields import each_its_own
from repoint.planning.role_defaults import add_defaults
from repoint.planning.session_pooler import add_session_pooler
from repoint.planning.site_edits import Goal
from repoint.planning.splitting import Branch, split_off
from repoint.planning.targets import (
    add_policies,
    decided,
    fix_targets,
    repairs,
    unraised,
    with_planned,
)
from repoint.planning.wishes import Reason
from repoint.rules import app_secret, budget, routing
from repoint.rules.facts import EnvironmentFacts
from repoint.rules.rule import Rule

_NOTHING_TELLS = "nothing tells the purpose; name it under `consumers:` in repoint.yaml"


@dataclass(frozen=True, slots=True)
class Moves:
    """One environment's part of a plan."""

    environment: str
    edits: tuple[PlannedEdit, ...]
    tasks: tuple[Task, ...]
    findings: tuple[Finding, ...]
    consumers: tuple[PlannedConsumer, ...]
    facts: EnvironmentFacts


class Mover:
    """Plans one environment."""

    def __init__(self, scene: Scene, delivery: Delivery) -> None:
        self._scene = scene
        self._delivery = delivery
        self._name = scene.environment.name
        self._decisions = Decisions(scene, delivery)
        self._split: set[Workload] = set()
        self._mended: set[str] = set()
        self._reads = {one.report.site.id: one for one in scene.reads if one.report is not None}
        self._findings: list[Finding] = []
        self._unraised: frozenset[str] = frozenset()

    def run(self) -> Moves:
        """Decide, deliver, and tell what was decided."""
        facts = self._decisions.decide()
        self._unraised = unraised(facts)
        for report in self._scene.reports:
            if report.site.id in self._reads:
                self._give_host(report)
            else:
                self._move(report)
        self._findings += past_the_pooler(self._scene.reads, self._mended)
        fix_targets(self._scene.config, self._scene.targets, facts, self._delivery)
        add_defaults(facts, self._scene.targets, decided(facts), self._delivery)
        self._findings += (*self._decisions.findings, *repairs(facts))
        facts = with_planned(facts, self._scene.targets, self._scene.config)
        self._add_session_pooler(facts)
        facts = add_policies(facts, self._delivery)
        return Moves(
            environment=self._name,
            edits=self._delivery.finish(),
            tasks=tuple(self._delivery.tasks),
            findings=tuple(self._findings),
            consumers=self._rows(facts),
            facts=facts,
        )

    def _add_session_pooler(self, facts: EnvironmentFacts) -> None:
        """Write the session Pooler that somebody goes through and nothing renders."""
        new, named = self._decisions.session, self._scene.targets.pooler
        for pooler, consumers in facts.pools:
            if new is None or named is None or pooler.name != new.name:
                continue
            names = ", ".join(one.name for one in consumers if one.purpose != "probe")
            size = pooler.parameter("default_pool_size")
            told = f"pools sessions for {names}, {size} connections a pod and pool (CA1)"
            reason = Reason(budget.SESSION_POOL.code, told, tuple(c.id for c in consumers))
            missing = add_session_pooler(pooler, named, self._delivery.overlay, reason)
            if missing:
                self._delivery.tasks.append(
                    Task(
                        path=pooler.location.path if pooler.location else named.path,
                        line=pooler.location.line if pooler.location else 1,
                        key="Pooler",
                        environment=self._name,
                        consumer=names,
                        reason=missing,
                        put=f"Pooler {pooler.name}, poolMode session, beside {named.name}",
                    )
                )

    def _move(self, report: SiteReport) -> None:
        known = self._decisions.uses
        mine = [u for u in report.uses if u.environment == self._name and u.workload in known]
        if not mine:
            self._move_file(report)
            return
        wanted = [(use, self._decisions.way(use)) for use in mine]
        routes = {way.route for _, way in wanted}
        if Route.UNKNOWN in routes:
            self._unsettled(report, mine)
            return
        if Route.UNCHANGED in routes:
            # A value that somebody keeps cannot move for the others.
            moving = [use for use, way in wanted if way.route is not Route.UNCHANGED]
            if moving:
                kept = next(use for use, way in wanted if way.route is Route.UNCHANGED)
                why = f"{_who(kept)} reads it, too, and stays there; give who moves its own value"
                self._unsettled(report, moving, why)
            return
        if any(use.around for use in mine):
            self._left_in_pieces(report.site, wanted)
            return
        # The named Pooler's consumers keep the value's name, else those of one beside it.
        ways = sorted({way for _, way in wanted}, key=_first_pooled)
        objects = self._delivery.objects_of(report.site) if len(ways) > 1 else frozenset[str]()
        alone = each_its_own(objects, wanted, self._scene.views) if objects else {}
        for way in ways[1:]:
            apart = [use for use, other in wanted if other == way]
            if alone:
                self._send(report, way, apart, alone[way])
            elif not self._split_off(report.site, apart, way):
                return
        stay = [use for use, way in wanted if way == ways[0]]
        self._send(report, ways[0], stay, alone.get(ways[0], frozenset()))

    def _left_in_pieces(self, site: Site, wanted: list[tuple[Use, Way]]) -> None:
        """Leave to a person what a template makes a longer host of: only its first name fits."""
        hosts = (self._goal(site, way, []).host.partition(".")[0] for _, way in wanted)
        made = next(use.around for use, _ in wanted if use.around)
        why = f"the template makes `{made}` of it; put the Service's name alone, or the whole host "
        told = " or ".join(f"host {one}" for one in dict.fromkeys(hosts))
        self._leave(site, wanted[0][0].workload.id, f"{why}there", told)

    def _send(
        self, report: SiteReport, way: Way, uses: list[Use], only: frozenset[str] = frozenset()
    ) -> None:
        """Move a site for some of its uses; `only` are the objects to change, empty for all."""
        goal = self._goal(report.site, way, uses)
        reason = self._why(uses, way, report.site)
        added = ", ".join(f"`{name}={value}`" for name, value in goal.params if value)
        if added:
            reason = replace(reason, text=f"{reason.text}; sets {added} (PS1)")
        self._delivery.move(Errand(report.site, goal, reason, only))

    def _give_host(self, report: SiteReport) -> None:
        """Send a variable to the Pooler that CloudNativePG's own Secret fills (CN12)."""
        (use,) = report.uses
        way = self._decisions.way(use)
        if way.route is not Route.POOLED:
            return
        why = self._why([use], way, report.site)
        reason = replace(
            why, rule=app_secret.PAST_THE_POOLER.code, applicability=Applicability.REVIEW
        )
        goal = self._goal(report.site, way, [])
        if give_host(self._delivery, self._reads[report.site.id], use, goal, reason):
            self._mended.add(report.site.id)

    def _goal(self, site: Site, way: Way, uses: list[Use]) -> Goal:
        targets = self._targets_for(site)
        pooled = targets.session_pooled if way.pooler else targets.pooled
        full = pooled if way.route is Route.POOLED else targets.direct
        dot = "." if site.host.text.endswith(".") else ""
        params = self._decisions.parameters(uses) if way.route is Route.POOLED else ()
        sslmode = "" if site.id in self._unraised else self._scene.config.target.sslmode
        return Goal(host=full + dot, sslmode=sslmode, params=params)

    def _targets_for(self, site: Site) -> Targets:
        """The environment's own targets; in a file of several, those of the host's namespace."""
        if self._scene.environment.files and site.location.path in self._scene.environment.files:
            return self._scene.targets
        read = parse_host(site.host.text)
        for targets in self._scene.all_targets:
            if read is not None and read.namespace == targets.namespace:
                return targets
        return self._scene.targets

    def _why(self, uses: list[Use], way: Way, site: Site) -> Reason:
        told: dict[str, None] = {}
        for use in uses:
            evidence = f": {use.evidence[0]}" if use.evidence else ""
            told[f"{use.workload.id} ({use.purpose.value}{evidence})"] = None
        names, more = list(told)[:4], f" and {len(told) - 4} more" if len(told) > 4 else ""
        sure = [
            Applicability.REVIEW if use.certainty is Certainty.GUESS else Applicability.SAFE
            for use in uses
        ]
        consumers = tuple(dict.fromkeys(use.workload.id for use in uses))
        through = f" through `{way.pooler}`" if way.pooler else ""
        text = f"{way.route.value}{through} for {', '.join(names)}{more}"
        return Reason(self._rule(site).code, text, consumers, weaker(*sure))

    def _rule(self, site: Site) -> Rule:
        """Why a site's host is changed: mostly because it is the source's."""
        if site.id in self._scene.former:
            return routing.FORMER_TARGET
        return routing.TURNED if site.id in self._scene.turned else routing.NAMES_SOURCE

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
        why = self._why([use], Way(route), report.site)
        reason = replace(why, applicability=Applicability.REVIEW)
        self._delivery.move(Errand(report.site, self._goal(report.site, Way(route), []), reason))

    def _unsettled(self, report: SiteReport, uses: list[Use], why: str = _NOTHING_TELLS) -> None:
        targets = self._scene.targets
        self._leave(
            report.site,
            ", ".join(dict.fromkeys(_who(use) for use in uses)),
            why,
            f"host {targets.pooled} (runtime) or {targets.direct} (anything else)",
        )

    def _leave(self, site: Site, consumer: str, reason: str, put: str) -> None:
        """Leave a value to a person, with what to put there."""
        self._delivery.tasks.append(
            Task(
                path=site.location.path,
                line=site.location.line,
                key=site.key,
                environment=self._name,
                consumer=consumer,
                reason=reason,
                put=put,
            )
        )

    def _split_off(self, site: Site, apart: list[Use], way: Way) -> bool:
        """Give the consumers that go elsewhere a value of their own (X7)."""
        goal = self._goal(site, way, apart)
        reason = replace(self._why(apart, way, site), rule=routing.SHARED_VALUE.code)
        branches = [Branch(use, self._scene.views.get(use.workload)) for use in apart]
        told = len(self._delivery.tasks)
        stuck = split_off(
            self._delivery,
            site,
            goal,
            branches,
            self._scene.keys_of(site),
            reason,
            "session" if way.pooler else "direct",
        )
        if stuck is None:
            self._split.update(use.workload for use in apart)
        else:
            self._cannot_split(site, stuck, goal, is_told=len(self._delivery.tasks) > told)
        return stuck is None

    def _cannot_split(self, site: Site, use: Use, goal: Goal, *, is_told: bool) -> None:
        """Block the plan: one that moves the rest would leave this value at the old server."""
        named = use.source_key if not use.workload.container else ""
        who = f"`{named}` of {use.workload.id}" if named else use.workload.id
        own = f"give {who} a value of its own"
        if use.source == "volume":
            own = f"give {who} a copy of `{use.source_name}` to mount, its `{use.source_key}`"
        if not is_told:
            why = f"this value also feeds a runtime; {own}"
            self._leave(site, use.workload.id, why, f"host {goal.host}")
        self._findings.append(
            routing.SHARED_VALUE.finding(
                f"`{site.key}` feeds a runtime and {who}, and cannot be split here",
                hint=f"{own} with host `{goal.host}`{self._instead(use)}",
                location=site.location,
                environment=self._name,
                consumer=use.workload.id,
                severity=Severity.ERROR,
            )
        )

    def _instead(self, use: Use) -> str:
        """What spares a consumer a value of its own: a pooled route, where a pool can take it."""
        chosen = choice_for(self._scene.config, use.workload)
        named = chosen is not None and chosen.route == Route.DIRECT.value
        if use.purpose.must_go_direct or not named:
            return ""
        return ", or take its `route: direct` out of repoint.yaml"

    def _rows(self, facts: EnvironmentFacts) -> tuple[PlannedConsumer, ...]:
        behind = {one.id: pooler.mode for pooler, members in facts.pools for one in members}
        rows = (
            self._row(workload, uses, behind.get(workload.id, ""))
            for workload, uses in self._decisions.uses.items()
        )
        return tuple(row for row in rows if row is not None)

    def _row(
        self, workload: Workload, several: Iterable[Use], pool_mode: str
    ) -> PlannedConsumer | None:
        """None for one that reads a value that another one leaves, or nothing that moves."""
        uses = [u for u in several if u.site not in self._reads or u.site in self._mended]
        sites = [self._decisions.sites[use.site] for use in uses]
        ways = [self._decisions.way(use) for use in uses]
        current = tuple(dict.fromkeys(site.host.text for site in sites))
        new = tuple(
            dict.fromkeys(
                self._goal(site, way, []).host
                for site, way in zip(sites, ways, strict=True)
                if way.route in (Route.POOLED, Route.DIRECT)
            )
        )
        if new == current and all(site.id in self._scene.turned for site in sites):
            return None
        reasons = list(self._decisions.reasons.get(workload, ()))
        if workload in self._split:
            mounts = any(use.source == "volume" for use in uses)
            own = "mounts a copy of the ConfigMap" if mounts else "reads a second key"
            reasons.append(f"{own}, since a runtime reads the first")
        return PlannedConsumer(
            id=workload.id,
            kind=workload.kind,
            namespace=workload.namespace,
            name=workload.name,
            container=workload.container,
            environment=self._name,
            purpose=", ".join(dict.fromkeys(use.purpose.value for use in uses)),
            route=", ".join(dict.fromkeys(way.route.value for way in ways)),
            current=", ".join(current),
            new=", ".join(new) or "unchanged",
            update_required=update_required(uses),
            evidence=tuple(dict.fromkeys(line for use in uses for line in use.evidence)),
            reasons=tuple(reasons),
            pool_mode=pool_mode,
        )


def _first_pooled(way: Way) -> tuple[bool, str]:
    return way.route is not Route.POOLED, way.pooler


def _who(use: Use) -> str:
    return use.workload.name if use.workload.kind == "File" else use.workload.id
