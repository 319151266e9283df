"""From raw links to uses with a purpose, and from uses to consumers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from repoint.kube.trace import RawUse
from repoint.kube.workloads import ContainerView
from repoint.model.consumer import (
    Certainty,
    Consumer,
    Purpose,
    Route,
    Site,
    Use,
    Workload,
)
from repoint.planning.config import Config, ConsumerChoice
from repoint.rules.purpose import ContainerFacts, PurposeVerdict, judge, judge_file
from repoint.rules.purpose_files import surroundings


def container_facts(view: ContainerView) -> ContainerFacts:
    """What the purpose rules look at, from a container as it is built."""
    return ContainerFacts(
        kind=_kind(view),
        name=view.workload.name,
        container=view.workload.container,
        init=view.init,
        image=view.image,
        command=view.command,
        args=view.args,
        env_names=view.env_names,
        annotations=view.annotations,
        labels=view.labels,
        schedule=view.schedule,
        restart_policy=view.restart_policy,
        path=view.path,
    )


def _kind(view: ContainerView) -> str:
    """The kind as the rules call it: Knative's Service runs containers, the core one does not."""
    knative = view.resource is not None and view.resource.group == "serving.knative.dev"
    return "KnativeService" if knative else view.workload.kind


def choice_for(config: Config | None, workload: Workload) -> ConsumerChoice | None:
    """The user's word on a consumer: by `Kind/name`, by `name`, or with the container."""
    return word_on(workload, config.consumers) if config is not None else None


def word_on(workload: Workload, consumers: Mapping[str, ConsumerChoice]) -> ConsumerChoice | None:
    """The one of several choices that is about a consumer, the nearest name first."""
    for key in (
        f"{workload.kind}/{workload.name}/{workload.container}",
        f"{workload.name}/{workload.container}",
        f"{workload.kind}/{workload.name}",
        workload.name,
    ):
        if key in consumers:
            return consumers[key]
    return None


def judged(raw: RawUse, config: Config | None) -> Use:
    """A use with its purpose, the evidence for it and how sure it is."""
    view = raw.container
    verdict = judge(
        container_facts(view),
        variable=raw.variable,
        key=raw.site.key,
        source_key=raw.source_key,
        user=raw.site.user or "",
    )
    chosen = choice_for(config, view.workload)
    if chosen is not None and chosen.purpose:
        verdict = PurposeVerdict(
            Purpose(chosen.purpose), ("named in repoint.yaml",), Certainty.CERTAIN
        )
    return Use(
        site=raw.site.id,
        workload=view.workload,
        environment=raw.environment,
        purpose=verdict.purpose,
        evidence=verdict.evidence,
        certainty=_lesser(verdict.certainty, raw.certainty),
        via=raw.via,
        variable=raw.variable,
        source=raw.source,
        source_name=raw.source_name,
        source_key=raw.source_key,
        through=raw.through,
        host=raw.host,
        around=raw.around,
    )


_ORDER = (Certainty.CERTAIN, Certainty.LIKELY, Certainty.GUESS)


def _lesser(one: Certainty, other: Certainty) -> Certainty:
    return max(one, other, key=_ORDER.index)


def judged_file(site: Site, text: str, config: Config | None) -> PurposeVerdict:
    """The purpose of a site that no workload reads: by its file, key and command."""
    path = site.location.path
    chosen = config.consumers.get(path) if config is not None else None
    if chosen is not None and chosen.purpose:
        return PurposeVerdict(
            Purpose(chosen.purpose), ("named in repoint.yaml",), Certainty.CERTAIN
        )
    near = surroundings(path, text, site.location.line)
    return judge_file(path, site.key, site.key, site.user or "", near)


def main_purpose(uses: Iterable[Use]) -> Purpose:
    """The purpose that decides the route: whatever must go direct wins, unknown comes next."""
    found = {use.purpose for use in uses}
    for purpose in (
        Purpose.MIGRATION,
        Purpose.ADMIN,
        Purpose.BACKUP,
        Purpose.REPLICATION,
        Purpose.UNKNOWN,
        Purpose.RUNTIME,
        Purpose.MONITORING,
        Purpose.LOCAL_DEVELOPMENT,
        Purpose.PROBE,
    ):
        if purpose in found:
            return purpose
    return Purpose.UNKNOWN


def route_of(purpose: Purpose) -> Route:
    """The route that a purpose alone asks for; a probe follows what it waits for."""
    if purpose is Purpose.RUNTIME:
        return Route.POOLED
    if purpose.must_go_direct or purpose in (Purpose.MONITORING, Purpose.LOCAL_DEVELOPMENT):
        return Route.DIRECT
    return Route.UNKNOWN


def use_route(use: Use, decided: Route, config: Config | None) -> Route:
    """Where one use goes: with its container, unless its own purpose must go direct.

    A container often has one key for its runtime and one for migrations (Prisma's `DIRECT_URL`,
    `SPRING_FLYWAY_URL`), and so have a chart and an operator's object under a single name.

    Args:
        use: A use.
        decided: The route of its workload, as `routes` gives it.
        config: repoint.yaml; a route that it names holds for every key.
    """
    named = choice_for(config, use.workload)
    if named is not None and named.route:
        return Route(named.route)
    if use.purpose is Purpose.PROBE:
        return decided
    own = route_of(use.purpose)
    if not use.workload.container:
        return own
    return own if decided is Route.POOLED and own is Route.DIRECT else decided


def routes(uses: Iterable[Use], config: Config | None) -> dict[tuple[str, Workload], Route]:
    """The route of every container, by environment; `use_route` tells that of each key.

    A container with a key that can be pooled and one that cannot is pooled. A wait loop asks what
    its workload's other containers use: the direct Service before a migration, the pooler before
    a runtime. Without them it follows the workload's kind: a Job waits for the direct Service.
    """
    everything = list(uses)
    result: dict[tuple[str, Workload], Route] = {}
    for use in everything:
        chosen = choice_for(config, use.workload)
        key = (use.environment, use.workload)
        if chosen is not None and chosen.route:
            result[key] = Route(chosen.route)
        elif use.purpose is not Purpose.PROBE:
            known = result.get(key)
            result[key] = _joined(known, route_of(use.purpose))
    waiting = {
        (use.environment, use.workload): use
        for use in everything
        if (use.environment, use.workload) not in result
    }
    siblings = _by_workload(result)
    return {**result, **{key: _waits_for(use, siblings) for key, use in waiting.items()}}


def wait_routes(uses: Iterable[Use], known: Mapping[Workload, Route]) -> dict[Workload, Route]:
    """The wait loops' routes once more, after their workloads' routes were decided anew."""
    everything = list(uses)
    settled = {
        (use.environment, use.workload): known[use.workload]
        for use in everything
        if use.purpose is not Purpose.PROBE
    }
    siblings = _by_workload(settled)
    return {
        use.workload: _waits_for(use, siblings)
        for use in everything
        if use.purpose is Purpose.PROBE and (use.environment, use.workload) not in settled
    }


def wait_poolers(
    uses: Iterable[Use], routes: Mapping[Workload, Route], poolers: Mapping[Workload, str]
) -> dict[Workload, str]:
    """The Poolers of pooled wait loops: the one that their workload's other containers ask.

    Args:
        uses: All uses of one environment.
        routes: Every container's route, the wait loops' own included.
        poolers: The containers that go through another Pooler than the named one, by its name.
    """
    everything = list(uses)
    asked: dict[Workload, set[str]] = {}
    for use in everything:
        if use.purpose is not Purpose.PROBE and routes.get(use.workload) is Route.POOLED:
            whole = replace(use.workload, container="")
            asked.setdefault(whole, set()).add(poolers.get(use.workload, ""))
    found = {
        use.workload: min(asked.get(replace(use.workload, container=""), {""}))
        for use in everything
        if use.purpose is Purpose.PROBE and routes.get(use.workload) is Route.POOLED
    }
    return {workload: name for workload, name in found.items() if name}


def _joined(known: Route | None, new: Route) -> Route:
    """The route of a container with keys of both: unknown before pooled, and direct last."""
    if known is None or known is new:
        return new
    both = (known, new)
    if Route.UNKNOWN in both:
        return Route.DIRECT if Route.DIRECT in both else Route.UNKNOWN
    return Route.POOLED


def _by_workload(
    known: Mapping[tuple[str, Workload], Route],
) -> dict[tuple[str, Workload], list[Route]]:
    """The routes of each workload's containers, by environment."""
    found: dict[tuple[str, Workload], list[Route]] = {}
    for (environment, workload), route in known.items():
        found.setdefault((environment, replace(workload, container="")), []).append(route)
    return found


def _waits_for(use: Use, known: Mapping[tuple[str, Workload], list[Route]]) -> Route:
    siblings = known.get((use.environment, replace(use.workload, container="")), [])
    if Route.POOLED in siblings:
        return Route.POOLED
    if Route.DIRECT in siblings or use.workload.kind in ("Job", "CronJob"):
        return Route.DIRECT
    if siblings:
        return siblings[0]
    return (
        Route.POOLED
        if use.workload.kind in ("Deployment", "StatefulSet", "DaemonSet")
        else Route.UNKNOWN
    )


def consumers_of(
    uses: Iterable[Use],
    chosen: Mapping[tuple[str, Workload], Route],
    moving: frozenset[str],
    config: Config | None,
) -> tuple[Consumer, ...]:
    """One consumer per environment, container and route, in the order of their first use.

    `moving` are the ids of sites that name the source: they decide what must be updated.
    """
    grouped: dict[tuple[str, Workload, Route], list[Use]] = {}
    for use in uses:
        decided = chosen.get((use.environment, use.workload), Route.UNKNOWN)
        route = use_route(use, decided, config)
        grouped.setdefault((use.environment, use.workload, route), []).append(use)
    return tuple(
        Consumer(
            id=workload.id,
            workload=workload,
            environment=environment,
            purpose=main_purpose(group),
            route=route,
            evidence=tuple(dict.fromkeys(line for use in group for line in use.evidence)),
            sites=tuple(dict.fromkeys(use.site for use in group)),
            update_required=update_required([use for use in group if use.site in moving]),
        )
        for (environment, workload, route), group in grouped.items()
    )


def update_required(uses: Iterable[Use]) -> str:
    """What has to change, in the words of the plan's consumer table."""
    uses = list(uses)
    if not uses:
        return "none"
    if any(use.workload.kind in ("Job", "CronJob") for use in uses):
        return "Job config only"
    sources = {use.source for use in uses}
    if sources <= {"secret", "envfrom-secret"}:
        return "Secret only"
    if sources <= {"configmap", "envfrom-configmap", "volume"}:
        return "ConfigMap only"
    if sources <= {"command"}:
        return "command only"
    return "manifest" if len(sources) == 1 else " and ".join(sorted(_WORDS[s] for s in sources))


_WORDS = {
    "secret": "Secret",
    "envfrom-secret": "Secret",
    "configmap": "ConfigMap",
    "envfrom-configmap": "ConfigMap",
    "volume": "configuration file",
    "command": "command",
    "literal": "manifest",
    "file": "file",
    "": "file",
}
