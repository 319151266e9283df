"""Consumers that have moved already, and shall go another way now.

A second plan moves them where repoint.yaml names another route, purpose or pool than the one they
were moved by, where it names no route or purpose any more (the receipt tells what it named), and
where a migration goes through a pool. Every other consumer of the target stays as
it stands: what a person placed by hand is not evidence against him.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from repoint.dsn.hosts import Service, same_service
from repoint.model.consumer import Certainty, Purpose, Route, Use, Workload
from repoint.planning.config import Config, ConsumerChoice
from repoint.planning.environment_facts import Targets, pooler_facts
from repoint.planning.inventory import SiteReport
from repoint.planning.judging import choice_for, route_of, use_route, word_on

Routes = Mapping[tuple[str, Workload], Route]


@dataclass(frozen=True, slots=True)
class Rerouted:
    """The sites of one environment that go another way, and who of their readers does.

    `stay` gives the routes of the readers that keep the way they have.
    """

    reports: tuple[SiteReport, ...]
    turns: tuple[Turn, ...]
    stay: Routes

    @property
    def sites(self) -> frozenset[str]:
        """The ids of the sites."""
        return frozenset(report.site.id for report in self.reports)


@dataclass(frozen=True, slots=True)
class Turn:
    """One use that goes another way.

    `unsaid` tells that it goes as repoint.yaml said when it was applied, and says no more. `pool`
    is the pool mode that one asks for which stays pooled, `session` or `transaction`.
    """

    report: SiteReport
    use: Use
    now: Route
    wanted: Route
    unsaid: bool = False
    pool: str = ""


def standing_route(host: str, namespace: str, targets: Targets, domain: str) -> Route:
    """The way to the target that a host is, asked from `namespace`; unknown for any other host."""
    ways = [(pool, Route.POOLED) for pool in targets.pools] + [(targets.direct, Route.DIRECT)]
    return next(
        (route for name, route in ways if _is(host, name, namespace, domain)), Route.UNKNOWN
    )


def is_pool(host: str, namespace: str, targets: Iterable[Targets], domain: str) -> bool:
    """Whether a host is a Pooler of any of these targets, asked from `namespace`."""
    return any(
        _is(host, pool, namespace or one.namespace, domain) for one in targets for pool in one.pools
    )


def _is(host: str, target: str, namespace: str, domain: str) -> bool:
    name, _, rest = target.partition(".")
    home = rest.partition(".")[0]
    service = Service(name, home or namespace)
    return same_service(host, service, from_namespace=namespace or home, domain=domain)


def rerouted(
    reports: Iterable[SiteReport],
    environment: str,
    targets: Targets,
    config: Config,
    routes: Routes,
    applied: Mapping[str, ConsumerChoice] = MappingProxyType({}),
) -> Rerouted:
    """What of the target's own sites goes another way in an environment.

    Args:
        reports: The sites that this environment may move and that do not name the source.
        environment: Its name.
        targets: Where its consumers go.
        config: repoint.yaml.
        routes: The way that each container would go, as `judging.routes` gives it.
        applied: What repoint.yaml said of consumers when they were moved.
    """
    judge = _Judge(environment, targets, config, routes, applied)
    mine = [one for one in reports if not one.is_source and judge.is_target(one)]
    judge.learn(mine)
    turns = [turn for report in mine for turn in judge.turns(report)]
    gone = {turn.use.workload for turn in turns}
    stay: dict[tuple[str, Workload], Route] = {}
    able: dict[str, SiteReport] = {}
    for report in dict.fromkeys(turn.report for turn in turns):
        others = [use for use in judge.uses(report) if use.workload not in gone]
        ways = [(use, judge.standing(report, use)) for use in others]
        if all(use_route(use, way, config) is way for use, way in ways):
            able[report.site.id] = report
            stay.update({(environment, use.workload): way for use, way in ways})
    made = tuple(turn for turn in turns if turn.report.site.id in able)
    return Rerouted(tuple(able.values()), made, stay)


class _Judge:
    """Which uses of one environment shall go another way than they do."""

    def __init__(
        self,
        environment: str,
        targets: Targets,
        config: Config,
        routes: Routes,
        applied: Mapping[str, ConsumerChoice],
    ) -> None:
        self._environment = environment
        self._targets = targets
        self._config = config
        self._routes = routes
        self._applied = applied
        self._pods: set[Workload] = set()

    def uses(self, report: SiteReport) -> Iterator[Use]:
        """The uses of a site here: those of workloads, else the file's own."""
        mine = [use for use in report.uses if use.environment == self._environment]
        read = [use for use in mine if use.workload.kind != "File"]
        yield from read or (use for use in report.uses if use.workload.kind == "File")

    def standing(self, report: SiteReport, use: Use) -> Route:
        """The way that a use goes now."""
        domain = self._config.target.domain
        return standing_route(report.site.host.text, use.workload.namespace, self._targets, domain)

    def is_target(self, report: SiteReport) -> bool:
        """Whether somebody here reaches the target by a site that can be moved."""
        return any(self.standing(report, use) is not Route.UNKNOWN for use in self.uses(report))

    def learn(self, reports: Iterable[SiteReport]) -> None:
        """Note the pods of which a container goes another way: their wait loops follow it."""
        for report in reports:
            for turn in self.turns(report):
                if turn.use.purpose is not Purpose.PROBE:
                    self._pods.add(replace(turn.use.workload, container=""))

    def turns(self, report: SiteReport) -> Iterator[Turn]:
        """The uses that go one way, and of which somebody says that they shall go the other."""
        both = (Route.POOLED, Route.DIRECT)
        for use in self.uses(report):
            now, wanted = self.standing(report, use), self._wanted(use)
            pool = self._pool_asked(report, use) if now is wanted is Route.POOLED else ""
            if pool:
                yield Turn(report, use, now, wanted, pool=pool)
            if now not in both or wanted not in both or now is wanted:
                continue
            unsaid = self._is_unsaid(use, now)
            if unsaid or self._is_asked(use, wanted):
                yield Turn(report, use, now, wanted, unsaid)

    def _pool_asked(self, report: SiteReport, use: Use) -> str:
        """The pool mode that repoint.yaml asks for and that its Pooler has not; empty for none.

        No plan makes the named Pooler pool transactions: then nothing is turned.
        """
        chosen, targets, domain = self._choice(use), self._targets, self._config.target.domain
        if chosen is None or not chosen.pool or targets.pooler is None:
            return ""
        host, mode = report.site.host.text, pooler_facts(targets.pooler, self._config).mode
        named = _is(host, targets.pooled, use.workload.namespace, domain)
        turns = mode == "transaction" and named is (chosen.pool == "session")
        return chosen.pool if turns else ""

    def _wanted(self, use: Use) -> Route:
        if use.workload.kind == "File":
            chosen = self._choice(use)
            named = Route(chosen.route) if chosen is not None and chosen.route else None
            return named or route_of(use.purpose)
        decided = self._routes.get((self._environment, use.workload), Route.UNKNOWN)
        return use_route(use, decided, self._config)

    def _is_asked(self, use: Use, wanted: Route) -> bool:
        chosen = self._choice(use)
        if chosen is not None and (chosen.route or chosen.purpose):
            return True
        if use.purpose is Purpose.PROBE:
            return replace(use.workload, container="") in self._pods
        sure = use.certainty is not Certainty.GUESS and use.workload.kind != "File"
        return sure and use.purpose.must_go_direct and wanted is Route.DIRECT

    def _is_unsaid(self, use: Use, now: Route) -> bool:
        """Whether a use goes as repoint.yaml said once, which says nothing of it now."""
        chosen, file = self._choice(use), use.workload.kind == "File"
        if chosen is not None and (chosen.route or chosen.purpose):
            return False
        name = use.workload.name
        said = self._applied.get(name) if file else word_on(use.workload, self._applied)
        if said is None or not (said.route or said.purpose):
            return False
        return now is (Route(said.route) if said.route else route_of(Purpose(said.purpose)))

    def _choice(self, use: Use) -> ConsumerChoice | None:
        if use.workload.kind == "File":
            return self._config.consumers.get(use.workload.name)
        return choice_for(self._config, use.workload)
