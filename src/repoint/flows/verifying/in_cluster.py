"""The same questions, asked by a short-lived Job in the consumer's own namespace.

repoint reads no Secret in this way: the kubelet gives the consumer's own variables to the probe.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from repoint import __version__
from repoint.dsn.hosts import fqdn, parse_host
from repoint.flows.verifying.answered import asked_checks, health_of, route_control
from repoint.flows.verifying.flow import (
    Scenery,
    consumer_of,
    environment_checks,
    reaching,
    unseen,
)
from repoint.flows.verifying.live import containers_of, pod_spec_of, template_labels
from repoint.flows.verifying.passwords import password_variable
from repoint.flows.verifying.probing import new_run, outcome, running
from repoint.flows.verifying.reaching import Reach
from repoint.flows.verifying.subjects import Subject
from repoint.flows.verifying.surroundings import addresses_of, server_of_service
from repoint.flows.verifying.well import endpoint_for, health_check
from repoint.flows.workspace import Workspace
from repoint.model.cluster import Document, ref_of
from repoint.model.consumer import Style
from repoint.model.rehearsal import Check, Control, Verdict, worst
from repoint.model.verification import VERIFICATION_FORMAT, Verification, VerifiedConsumer
from repoint.planning.config import seconds_of
from repoint.ports.cluster import ClusterApi
from repoint.ports.connecting import Dial, HttpGet
from repoint.verification.activity import source_is_left
from repoint.verification.probe_job import Answers, Asked, probe_job

_LIMITS = (
    "no Secret was read, so it is not told whether a password differs from the repository's, or "
    "whether a pod is older than its Secret",
    "the client's TLS version is not told: psql says no more than that `sslmode` was kept",
    "psql sends `search_path` within `options`, whatever the consumer's driver does",
)
_PER_QUESTION = 10


@dataclass(slots=True, eq=False)
class Probe:
    """One consumer's probe: the Job, else why there can be none, and what it found."""

    subject: Subject
    job: Document | None
    run: str
    problem: str = ""
    found: Answers | str = ""


def verify_inside(
    workspace: Workspace, api: ClusterApi, scene: Scenery, *, dial: Dial, get: HttpGet
) -> Verification:
    """Ask everything from inside; the Jobs are deleted, also after an error or Ctrl-C.

    `scene` was read without Secrets. A health endpoint that the probe cannot ask is asked
    through a port-forward.
    """
    began = time.monotonic()
    probes = [_probe(scene, subject) for subject in scene.subjects]
    jobs = [(one.run, one.job) for one in probes if one.job is not None]
    workspace.progress.step("asking from inside the cluster", len(jobs))
    patience = 60 + _PER_QUESTION * seconds_of(scene.config.verify.timeout)
    with running(api, jobs) as made:
        by_run = {one.run: one for one in made}
        for probe in probes:
            if probe.job is not None:
                probe.found = outcome(api, by_run[probe.run], time.monotonic() + patience)
                workspace.progress.advance()
    with reaching(scene, api, dial) as reach:
        consumers = [_consumer(scene, one, reach, get) for one in probes]
    sessions, shown = _sessions(scene, probes)
    return Verification(
        format=VERIFICATION_FORMAT,
        tool_version=__version__,
        environment=scene.environment,
        context=api.context,
        way="job",
        consumers=(*consumers, *unseen(scene)),
        checks=(*environment_checks(scene), sessions),
        controls=tuple(
            replace(one, environment=scene.environment) for one in (*_controls(probes), *shown)
        ),
        limits=(*_LIMITS, *_not_sent(probes)),
        took_s=round(time.monotonic() - began, 2),
    )


def _probe(scene: Scenery, subject: Subject) -> Probe:
    run = new_run()
    client = subject.client
    if subject.live is None or client.login is None:
        return Probe(subject, None, run)
    if subject.workload is None or subject.cluster is None:
        return Probe(subject, None, run, "the workload is not there")
    image = scene.config.verify.image or _image(scene, subject)
    if not image:
        return Probe(subject, None, run, "the Cluster names no image: set `verify.image`")
    container = next(
        (
            one
            for one in containers_of(subject.workload)
            if one["name"] == subject.container.container
        ),
        None,
    )
    connection = _connection(scene, subject)
    if container is None or connection is None:
        return Probe(subject, None, run, "a probe cannot be given this connection by reference")
    cluster, domain = subject.cluster, scene.config.target.domain
    poolers = [one for one in scene.live.poolers if _cluster_of(one) == cluster.name]
    others = [f"{ref_of(p).name}.{ref_of(p).namespace}.svc.{domain}:5432" for p in poolers]
    direct = f"{cluster.name}-rw.{cluster.namespace}.svc.{domain}:5432"
    asked = Asked(
        name=f"repoint-probe-{run}",
        namespace=subject.container.namespace,
        image=image,
        run=run,
        timeout_s=max(1, round(seconds_of(scene.config.verify.timeout))),
        connection=connection,
        primary=direct,
        other=direct if client.pooler else next(iter(others), ""),
        source=_source(scene),
        health=_health(scene, subject),
    )
    job = probe_job(asked, pod_spec_of(subject.workload), container, _labels(scene, subject))
    return Probe(subject, job, run)


def _connection(scene: Scenery, subject: Subject) -> dict[str, str] | None:
    """`PG..` variables by reference; None where the string cannot be handed over so."""
    site, use, client = subject.site, subject.use, subject.client
    if site is None or use is None or client.login is None:
        return None
    one = subject.container
    container = scene.desired.container(one.kind, one.namespace, one.name, one.container)
    names = scene.desired.variables(one.namespace, container) if container is not None else {}
    held = password_variable(scene.actual, site, use, names)
    found = {"PGUSER": client.login.user, "PGDATABASE": client.login.database}
    if held:
        found["PGPASSWORD"] = f"$({held})"
    if use.variable and site.style in (Style.URL, Style.JDBC):
        return {**found, "REPOINT_URL": f"$({use.variable})"}
    if site.style is not Style.SPLIT_ENV and use.source != "command":
        return None
    host = f"$({use.variable})" if use.variable else site.host.text
    port = site.port.text if site.port is not None else ""
    mode = {"PGSSLMODE": client.sslmode} if client.sslmode else {}
    return {**found, **mode, "PGHOST": host, **({"PGPORT": port} if port.isdigit() else {})}


def _consumer(scene: Scenery, probe: Probe, reach: Reach, get: HttpGet) -> VerifiedConsumer:
    subject = probe.subject
    if probe.job is None:
        gone = subject.live is None
        why = probe.problem or (subject.hidden if gone else "")
        verdict = Verdict.UNKNOWN if why else Verdict.SKIPPED
        why = why or ("the workload does not have it" if gone else "it waits, and logs nobody in")
        asked: tuple[Check, ...] = (Check("login", verdict, "the login is taken", why),)
        return consumer_of(scene, subject, asked)
    if isinstance(probe.found, str):
        missed = Check("login", Verdict.UNKNOWN, "the login is taken", probe.found)
        return consumer_of(scene, subject, (missed,))
    poolers = {f.name: f for s in scene.actual.scenes for f, _ in s.ground.poolers}
    asked = asked_checks(
        subject, probe.found, poolers.get(subject.client.pooler), scene.evidence.role_defaults
    )
    endpoint, _ = endpoint_for(subject, scene.live, scene.config)
    if probe.found.health and endpoint is not None:
        health = health_of(probe.found.health, endpoint.url)
    else:
        health = health_check(subject, scene.live, reach, scene.config, get)
    return consumer_of(scene, subject, (*asked, health))


def _controls(probes: list[Probe]) -> Iterator[Control]:
    seen: set[str] = set()
    for one in probes:
        if isinstance(one.found, Answers) and one.subject.client.route not in seen:
            seen.add(one.subject.client.route)
            yield route_control(one.subject, one.found)


def _sessions(scene: Scenery, probes: list[Probe]) -> tuple[Check, tuple[Control, ...]]:
    name, expected = "source-sessions", "no consumer is connected to the source"
    if not scene.source.services:
        return Check(name, Verdict.SKIPPED, expected, "the source has no Service here"), ()
    roles = {p.subject.client.login.user for p in probes if p.subject.client.login is not None}
    pods = addresses_of(scene.live, scene.subjects)
    runs = {f"repoint-{one.run}" for one in probes}
    found: list[tuple[Verdict, str]] = []
    controls: dict[str, Control] = {}
    for one in probes:
        answers, login = one.found, one.subject.client.login
        if not isinstance(answers, Answers) or login is None:
            continue
        if not isinstance(answers.source, tuple):
            found.append((Verdict.UNKNOWN, f"the source was not asked: {answers.source or ''}"))
            continue
        others = [session for session in answers.source if session.application not in runs]
        found.append(source_is_left(others, roles, pods))
        shown = Verdict.PASS if answers.shows else Verdict.UNKNOWN
        told = "seen" if answers.shows else "not seen"
        wanted = "the probe's own session is seen among the source's, with its address"
        control = Control("source-shows-sessions", "", one.subject.id, shown, wanted, told)
        controls.setdefault(login.user, control)
    if not found:
        return Check(name, Verdict.UNKNOWN, expected, "no probe could ask"), ()
    verdict = worst(one for one, _ in found)
    observed = "; ".join(dict.fromkeys(text for one, text in found if one is verdict))
    return Check(name, verdict, expected, observed), tuple(controls.values())


def _not_sent(probes: list[Probe]) -> Iterator[str]:
    names = sorted({n for p in probes if isinstance(p.found, Answers) for n in p.found.left})
    if names:
        yield f"psql did not send: {', '.join(f'`{name}`' for name in names)}"


def _source(scene: Scenery) -> str:
    """Host and port of the source, empty where it has no Service."""
    for service in scene.source.services:
        server = server_of_service(service)
        host = fqdn(server.service, server.namespace, scene.config.target.domain)
        return f"{host}:{server.port}"
    return ""


def _health(scene: Scenery, subject: Subject) -> tuple[str, int, str] | None:
    endpoint, _ = endpoint_for(subject, scene.live, scene.config)
    if endpoint is None or endpoint.tls or not endpoint.target.startswith("service/"):
        return None
    read = parse_host(endpoint.host)
    name = read.service if read is not None else endpoint.host
    host = fqdn(name, endpoint.namespace, scene.config.target.domain)
    return host, endpoint.port, endpoint.path


def _labels(scene: Scenery, subject: Subject) -> Mapping[str, str]:
    """The labels of the consumer's pods, unless a Service takes pods that are not ready."""
    assert subject.workload is not None
    labels = template_labels(subject.workload)
    for service in scene.live.services:
        spec = service.get("spec") or {}
        selected = (spec.get("selector") or {"": ""}).items() <= labels.items()
        here = ref_of(service).namespace == subject.container.namespace
        if here and selected and spec.get("publishNotReadyAddresses"):
            return {}
    return labels


def _image(scene: Scenery, subject: Subject) -> str:
    """The Cluster's own image, which has `psql` and `sh`."""
    assert subject.cluster is not None
    for one in scene.live.clusters:
        if ref_of(one).name == subject.cluster.name:
            told = (one.get("status") or {}).get("image") or (one.get("spec") or {}).get(
                "imageName"
            )
            return str(told or "")
    return ""


def _cluster_of(pooler: Document) -> str:
    return str(((pooler.get("spec") or {}).get("cluster") or {}).get("name", ""))
