"""Who reads the Secret that CloudNativePG makes, and what a plan gives them instead (CN12).

Its values are in no file, so that no site tells of them: what is found here is the reference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from repoint.kube.builds import EnvironmentBuild
from repoint.kube.effective import Value, text
from repoint.kube.resource import Resource
from repoint.kube.workloads import ContainerView, containers, leaves
from repoint.model.consumer import Certainty, Part, Purpose, Route, Site, Style, Use, Workload
from repoint.model.plan import Finding
from repoint.model.source import Location
from repoint.planning.config import Config
from repoint.planning.environment_facts import Targets, place_of
from repoint.planning.inventory import SiteReport
from repoint.planning.judging import choice_for, container_facts
from repoint.planning.places import at_steps, container_steps
from repoint.rules.app_secret import NAMES_HOST, SCHEMES, PastThePooler, findings
from repoint.rules.purpose import judge

_BROUGHT = ("Secret", "ExternalSecret", "SealedSecret")


@dataclass(frozen=True, slots=True, eq=False)
class AppSecretRead:
    """A container that gets its server out of the operator's Secret.

    `report` stands for the variable that it gets it by, None where it gets every key.
    """

    view: ContainerView
    told: PastThePooler
    report: SiteReport | None

    @property
    def resource(self) -> Resource | None:
        """The built object."""
        return self.view.resource


def app_secret_reads(
    config: Config, build: EnvironmentBuild, targets: Targets, linked: Collection[Workload]
) -> tuple[AppSecretRead, ...]:
    """The runtimes of an environment that read a server's name out of the operator's Secret.

    Those that repoint.yaml sends direct, or leaves as they are, are meant to. `linked` are the
    containers with a site of their own: where such a one gets every key of the Secret, its server
    is told elsewhere.
    """
    secret = _secret_of(config, build, targets)
    if not secret:
        return ()
    return tuple(
        read
        for one in build.objects
        for view in containers(one)
        if not _is_meant(config, view.workload)
        for read in (
            *_keyed(config, build, targets, view, secret),
            *(() if view.workload in linked else _whole(config, build, targets, view, secret)),
        )
    )


def _secret_of(config: Config, build: EnvironmentBuild, targets: Targets) -> str:
    """The name of the operator's Secret; empty where somebody brings one of his own."""
    cluster = targets.cluster
    for way in ("initdb", "recovery", "pg_basebackup") if cluster is not None else ():
        if text(cluster.body if cluster else None, "spec", "bootstrap", way, "secret", "name"):
            return ""
    name = f"{cluster.name if cluster is not None else config.target.cluster}-app"
    brought = any(one.kind in _BROUGHT and one.name == name for one in build.objects)
    return "" if brought else name


def _is_meant(config: Config, workload: Workload) -> bool:
    chosen = choice_for(config, workload)
    return chosen is not None and chosen.route in (Route.DIRECT.value, Route.UNCHANGED.value)


def _keyed(
    config: Config, build: EnvironmentBuild, targets: Targets, view: ContainerView, secret: str
) -> Iterator[AppSecretRead]:
    """The variables that take one key of the Secret."""
    for entry in view.env:
        if (entry.kind, entry.source) != ("Secret", secret) or entry.key not in NAMES_HOST:
            continue
        use = _use(config, build.name, view, entry.name, entry.key, secret)
        if use.purpose is Purpose.RUNTIME:
            told = PastThePooler(
                view.workload.id, build.name, secret, entry.key, entry.name, "", targets.pooled,
                _place(view, entry.name),
            )  # fmt: skip
            able = entry.key == "host" or entry.key in SCHEMES
            yield AppSecretRead(view, told, _report(use, told, targets) if able else None)


def _whole(
    config: Config, build: EnvironmentBuild, targets: Targets, view: ContainerView, secret: str
) -> Iterator[AppSecretRead]:
    """`envFrom` and volumes, which give every key of the Secret."""
    if any((one.source, one.key in NAMES_HOST) == (secret, True) for one in view.env):
        return
    for way, key in _ways(view, secret):
        use = _use(config, build.name, view, "", key, secret)
        if use.purpose is Purpose.RUNTIME:
            told = PastThePooler(
                view.workload.id, build.name, secret, key, "", way, targets.pooled,
                _named(view, secret),
            )  # fmt: skip
            yield AppSecretRead(view, told, None)


def _ways(view: ContainerView, secret: str) -> Iterator[tuple[str, str]]:
    """How a container gets the Secret whole, and a key of it that names the server."""
    if any(one.kind == "Secret" and one.source == secret for one in view.env_from):
        yield "`envFrom`", "uri"
    for mount in view.mounts:
        named = sorted(NAMES_HOST.intersection(mount.keys)) if mount.keys else ["uri"]
        if mount.kind == "Secret" and mount.source == secret and named:
            yield f"the volume at `{mount.path}`", named[0]
            return


def _use(
    config: Config, environment: str, view: ContainerView, variable: str, key: str, secret: str
) -> Use:
    verdict = judge(container_facts(view), variable=variable, key=variable, source_key=key)
    chosen = choice_for(config, view.workload)
    named = Purpose(chosen.purpose) if chosen is not None and chosen.purpose else None
    return Use(
        site="",
        workload=view.workload,
        environment=environment,
        purpose=named or verdict.purpose,
        evidence=("named in repoint.yaml",) if named else verdict.evidence,
        certainty=Certainty.CERTAIN if named else verdict.certainty,
        via=f"env {variable} <- secret {secret}/{key}",
        variable=variable,
        source="literal",
        source_name=secret,
        source_key=key,
    )


def _report(use: Use, told: PastThePooler, targets: Targets) -> SiteReport:
    """The variable as a site whose text the operator writes."""
    whole = told.key in SCHEMES
    site = Site(
        location=told.location or Location("", 1, 1, ""),
        style=Style.URL if whole else Style.SPLIT_ENV,
        key=told.variable,
        host=Part(targets.direct, None),
        port=None,
        database=None,
        user=None,
        schema=None,
        sealed=False,
        display_only="the operator writes this Secret",
        scheme=SCHEMES.get(told.key, ""),
    )
    own = replace(use, site=site.id)
    return SiteReport(
        site, use.workload.id, use.purpose.value, (use.environment,), (own,), is_source=False
    )


def _place(view: ContainerView, variable: str) -> Location | None:
    """Where the reference to the key stands."""
    resource = view.resource
    if resource is None:
        return None
    steps = container_steps(resource, view.workload.container)
    spot = (*(steps or ()), "env", (variable,), "valueFrom", "secretKeyRef", "key")
    key = at_steps(resource.body, spot) if steps is not None else None
    return _location(key) or place_of(resource)


def _named(view: ContainerView, secret: str) -> Location | None:
    """Where an object names the Secret first."""
    resource = view.resource
    if resource is None:
        return None
    found = (leaf for _, leaf in leaves(resource.body) if leaf.text == secret)
    return _location(next(found, None)) or place_of(resource)


def _location(value: object) -> Location | None:
    if not isinstance(value, Value) or value.scalar is None or not value.origin.path:
        return None
    scalar = value.scalar
    return Location(value.origin.path, scalar.line, scalar.column, value.origin.pointer)


def past_the_pooler(
    reads: Collection[AppSecretRead], mended: Collection[str] = ()
) -> tuple[Finding, ...]:
    """RP219 for each read; `mended` are the sites that the plan sends to the Pooler."""
    return tuple(
        findings(
            replace(one.told, planned=one.report is not None and one.report.site.id in mended)
            for one in reads
        )
    )
