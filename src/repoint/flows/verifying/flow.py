"""Verify: every consumer's live connection, and that nobody is left at the source."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from repoint import __version__
from repoint.dsn.hosts import parse_host
from repoint.errors import RepointError
from repoint.flows.desired import desired_state
from repoint.flows.evidence import Evidence, gather
from repoint.flows.planning import require_config
from repoint.flows.scanning import Survey, survey
from repoint.flows.verifying.live import LiveState, opened, read_live, state_of
from repoint.flows.verifying.questions import Interview, connection_check
from repoint.flows.verifying.reaching import Reach
from repoint.flows.verifying.reading import Cast, cast_of
from repoint.flows.verifying.subjects import Subject, subjects_of
from repoint.flows.verifying.surroundings import Source, named_check, sessions_check, source_of
from repoint.flows.verifying.well import health_check
from repoint.flows.workspace import Workspace
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.model.rehearsal import Check, Control, Verdict
from repoint.model.verification import VERIFICATION_FORMAT, Verification, VerifiedConsumer
from repoint.planning.config import Config, seconds_of
from repoint.ports.cluster import ClusterApi
from repoint.ports.connecting import Dial, HttpGet
from repoint.verification.standing import change_of, stands, started_late_enough

_FORWARDED = (
    "a port-forward goes round NetworkPolicies and the cluster's DNS: `--in-cluster` asks them too",
)


@dataclass(frozen=True, slots=True, eq=False)
class Scenery:
    """An environment as the repository has it and as the cluster has it.

    `missing` says why the repository's side is not known, empty when it is.
    """

    environment: str
    config: Config
    evidence: Evidence
    desired: LiveState
    planned: Cast | None
    live: LiveState
    actual: Cast
    missing: str = ""

    @property
    def source(self) -> Source:
        """The source as it stands."""
        hosts = self.actual.survey.source
        assert hosts is not None
        return source_of(hosts, self.live)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Every connection to verify."""
        return subjects_of(self.planned, self.actual, self.live, self.desired)


def read_scenery(
    workspace: Workspace, api: ClusterApi, environment: str, *, secrets: bool = True
) -> Scenery:
    """Read both sides of an environment; without `secrets` no live Secret is asked for.

    Raises:
        ConfigError: there is no repoint.yaml.
        UsageError: no such environment.
        ClusterLost: the API server does not answer.
    """
    config = require_config(workspace)
    workspace.progress.step("reading the repository")
    found = survey(workspace)
    evidence = gather(workspace, found).of(found, environment)
    documents: tuple[Document, ...] = ()
    missing, namespaces = "", [config.environments[environment].namespace]
    planned: Cast | None = None
    try:
        desired = desired_state(workspace, environment)
        documents = tuple(opened(one) for one in desired.documents)
        namespaces = [*desired.namespaces]
        planned = cast_of(workspace, config, environment, documents, evidence)
    except RepointError as error:
        missing = error.message
    workspace.progress.step("reading the cluster")
    names = [name for name in namespaces if name]
    others = _of_others(found, environment)
    live = read_live(api, names, documents, others, secrets=secrets)
    live.services += _shared_source(api, config, live)
    written = () if secrets else [one for one in documents if one.get("kind") == "Secret"]
    actual = cast_of(workspace, config, environment, (*live.documents(), *written), evidence)
    known = state_of(documents)
    return Scenery(environment, config, evidence, known, planned, live, actual, missing)


def _of_others(found: Survey, environment: str) -> frozenset[tuple[str, str, str]]:
    """Kind, namespace and name of what belongs to other environments, in whatever namespace."""
    mine: set[tuple[str, str, str]] = set()
    others: set[tuple[str, str, str]] = set()
    for build in found.resolution.environments:
        known = mine if build.name == environment else others
        known |= {(one.kind, one.namespace, one.name) for one in build.objects}
    return frozenset(others - mine)


def _shared_source(api: ClusterApi, config: Config, live: LiveState) -> tuple[Document, ...]:
    """The source's Service in a namespace of none of the environment's, where one may look."""
    found = []
    for host in config.source.hosts:
        read = parse_host(host)
        if read is None or read.namespace is None or read.namespace in live.namespaces:
            continue
        if any(ref_of(service).name == read.service for service in live.services):
            continue  # The environment has one of its own.
        ref = ObjectRef("v1", "Service", read.namespace, read.service)
        document = api.get(ref) if api.allowed("get", ref) else None
        if document is not None:
            found.append({"apiVersion": "v1", "kind": "Service", **document})
    return tuple(found)


def verify(
    workspace: Workspace, api: ClusterApi, scene: Scenery, *, dial: Dial, get: HttpGet
) -> Verification:
    """Ask everything from this machine, through port-forwards; nothing is written."""
    began = time.monotonic()
    subjects = scene.subjects
    with reaching(scene, api, dial) as reach:
        interview = _interview(scene, reach)
        workspace.progress.step("asking the consumers' servers", len(subjects))
        consumers = []
        for subject in subjects:
            asked = (*interview.checks(subject), _health(scene, reach, subject, get))
            consumers.append(consumer_of(scene, subject, asked))
            workspace.progress.advance()
        workspace.progress.step("asking the source")
        sessions, controls = sessions_check(reach, scene.source, scene.live, subjects)
        controls = (*_route_controls(interview, subjects), *controls)
    return Verification(
        format=VERIFICATION_FORMAT,
        tool_version=__version__,
        environment=scene.environment,
        context=api.context,
        way="port-forward",
        consumers=(*consumers, *unseen(scene)),
        checks=(*environment_checks(scene), sessions),
        controls=tuple(replace(one, environment=scene.environment) for one in controls),
        limits=_FORWARDED,
        took_s=round(time.monotonic() - began, 2),
    )


@contextmanager
def reaching(scene: Scenery, api: ClusterApi, dial: Dial) -> Iterator[Reach]:
    """Ways to the environment's servers, open while the block runs."""
    timeout = seconds_of(scene.config.verify.timeout)
    with tempfile.TemporaryDirectory(prefix="repoint-") as folder, ExitStack() as stack:
        yield Reach(api, dial, scene.live, Path(folder), stack, timeout)


def consumer_of(scene: Scenery, subject: Subject, asked: Sequence[Check]) -> VerifiedConsumer:
    """A row of the report: how the workload stands, what it names, and what was asked."""
    client = subject.client
    first = (
        *standing_checks(scene.live, subject),
        connection_check(subject, cleared=_is_cleared(scene, subject), known=not scene.missing),
    )
    return VerifiedConsumer(
        id=subject.id,
        route=client.route,
        server=(subject.planned or client).server,
        driver=client.driver,
        read_from=subject.read_from,
        checks=(*first, *asked),
    )


def environment_checks(scene: Scenery) -> tuple[Check, ...]:
    """What is asked of the environment without a login."""
    found = [named_check(scene.actual, scene.live, scene.source)]
    if scene.missing:
        expected = "the repository tells what the environment should have"
        found.append(Check("repository", Verdict.UNKNOWN, expected, scene.missing))
    return tuple(found)


def unseen(scene: Scenery) -> tuple[VerifiedConsumer, ...]:
    """Containers whose connection cannot be read; nothing can be said of them."""
    seen = {subject.id for subject in scene.subjects}
    strangers = (*scene.actual.strangers, *(scene.planned.strangers if scene.planned else ()))
    found: dict[str, VerifiedConsumer] = {}
    for one in strangers:
        if one.id not in seen:
            check = Check("login", Verdict.UNKNOWN, "the login is taken", one.reason)
            row = VerifiedConsumer(one.id, one.route, one.server, "", "", (check,))
            found.setdefault(one.id, row)
    return tuple(found.values())


def _interview(scene: Scenery, reach: Reach) -> Interview:
    domain = scene.config.target.domain
    systems = {
        ref_of(one).name: str((one.get("status") or {}).get("systemID", ""))
        for one in scene.live.clusters
    }
    poolers: dict[str, str] = {}
    for one in scene.live.poolers:
        ref, spec = ref_of(one), one.get("spec") or {}
        name = str((spec.get("cluster") or {}).get("name", ""))
        poolers.setdefault(name, f"{ref.name}.{ref.namespace}.svc.{domain}")
    return Interview(reach, systems, poolers, scene.evidence.role_defaults, domain)


def _health(scene: Scenery, reach: Reach, subject: Subject, get: HttpGet) -> Check:
    return health_check(subject, scene.live, reach, scene.config, get)


def _route_controls(interview: Interview, subjects: Sequence[Subject]) -> Iterator[Control]:
    """Of each route and Cluster one consumer's: the other route has to be told from its own."""
    seen: set[tuple[str, str]] = set()
    for one in subjects:
        if one.live is None or one.client.login is None or one.unread or one.cluster is None:
            continue
        key = (one.client.route, one.cluster.name)
        if key not in seen:
            seen.add(key)
            yield interview.control(one)


def standing_checks(live: LiveState, subject: Subject) -> Iterator[Check]:
    """How the workload stands, and whether its pods began after what they read was changed."""
    workload = subject.workload
    if workload is None:
        return
    pods = live.pods_of(workload)
    expected = "rolled out, and no pod of before"
    yield Check("workload", *_turned(expected, stands(workload, pods)))
    use = subject.use
    if use is None or not use.source_name:
        return
    kind = "ConfigMap" if "configmap" in use.source else "Secret"
    held = live.held.get((kind, subject.container.namespace, use.source_name))
    change = change_of(held, use.source_key or use.variable) if held is not None else None
    if use.source == "volume" or workload.get("kind") in ("Job", "CronJob"):
        return
    expected = "every pod began after its connection was changed"
    answer = started_late_enough(pods, [change] if change is not None else [])
    yield Check("restarted", *_turned(expected, answer))


def _turned(expected: str, answer: tuple[Verdict, str]) -> tuple[Verdict, str, str]:
    return answer[0], expected, answer[1]


def _is_cleared(scene: Scenery, subject: Subject) -> bool:
    one = subject.container
    return (one.kind, one.namespace, one.name) in scene.live.cleared
