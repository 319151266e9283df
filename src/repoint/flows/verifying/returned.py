"""The way back, verified: every consumer is at the source again, and well; nobody at the target."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from repoint import __version__
from repoint.errors import ClusterLost, ClusterRefused
from repoint.flows.rehearsing.stage import Refused, told
from repoint.flows.services import Services
from repoint.flows.verifying.at_source import SourceInterview, at_source, named_checks
from repoint.flows.verifying.flow import Scenery, reaching, standing_checks
from repoint.flows.verifying.live import LiveState
from repoint.flows.verifying.questions import anywhere
from repoint.flows.verifying.reaching import Reach, Server
from repoint.flows.verifying.subjects import Subject
from repoint.flows.verifying.surroundings import addresses_of
from repoint.flows.verifying.well import health_check
from repoint.flows.workspace import Workspace
from repoint.model.cluster import Document, ref_of
from repoint.model.rehearsal import Check, Control, Verdict
from repoint.model.verification import VERIFICATION_FORMAT, Verification, VerifiedConsumer
from repoint.ports.cluster import ClusterApi
from repoint.ports.connecting import Dial, HttpGet
from repoint.rollout.gitops_hosts import naming
from repoint.verification.activity import SESSIONS_SQL, session_of, source_is_left
from repoint.verification.identity import Who, kind_of
from repoint.wire.login import Login

_NO_WAY = (ClusterRefused, ClusterLost)
_UNASKED = (*Refused, *_NO_WAY)
_LIMITS = (
    "a Pooler keeps idle connections to PostgreSQL for a while after its clients have left: "
    "they are not counted",
)


def verify_return(
    workspace: Workspace,
    api: ClusterApi,
    scene: Scenery,
    services: Services,
    *,
    dial: Dial,
    get: HttpGet,
) -> Verification:
    """Ask every connection to the source, and the target who is left; nothing is written.

    A target that does not answer is no failure: it may be the reason to go back.
    """
    began = time.monotonic()
    subjects = at_source(scene)
    named = named_checks(scene, subjects)
    with reaching(scene, api, dial) as reach:
        logins = _logins(subjects)
        primaries = dict(_primaries(scene, reach, logins))
        interview = SourceInterview(reach, _systems(scene), primaries)
        workspace.progress.step("asking the consumers' servers", len(subjects))
        consumers = []
        for subject in subjects:
            asked = (
                *standing_checks(scene.live, subject),
                *named.pop(subject.id, ()),
                *interview.checks(subject),
                health_check(subject, scene.live, reach, scene.config, get),
            )
            consumers.append(_row(subject, asked))
            workspace.progress.advance()
        consumers += [
            VerifiedConsumer(name, "direct", "", "", "", checks) for name, checks in named.items()
        ]
        checks = (_target_named(scene, services), _target_sessions(scene, reach, logins, subjects))
    return Verification(
        format=VERIFICATION_FORMAT,
        tool_version=__version__,
        environment=scene.environment,
        context=api.context,
        way="port-forward",
        consumers=tuple(consumers),
        checks=checks,
        controls=tuple(_controls(scene, primaries, subjects)),
        limits=_LIMITS,
        took_s=round(time.monotonic() - began, 2),
    )


def _row(subject: Subject, asked: Sequence[Check]) -> VerifiedConsumer:
    client = subject.client
    return VerifiedConsumer(
        subject.id, client.route, client.server, client.driver, subject.read_from, tuple(asked)
    )


def _systems(scene: Scenery) -> dict[str, str]:
    return {
        ref_of(one).name: str((one.get("status") or {}).get("systemID", ""))
        for one in scene.live.clusters
    }


def _logins(subjects: Sequence[Subject]) -> tuple[Login, ...]:
    """Each role's login once, without what its string asks of a certificate: the move keeps the
    roles' passwords, so the target takes them, too."""
    found = {
        (one.client.login.user, one.client.login.database): anywhere(one.client)
        for one in subjects
        if one.client.login is not None and not one.unread
    }
    return tuple(found.values())


def _read_write(cluster: Document) -> Server:
    ref = ref_of(cluster)
    service = f"{ref.name}-rw"
    return Server(ref.namespace, service, 5432, f"{service}.{ref.namespace}.svc")


def _primaries(scene: Scenery, reach: Reach, logins: Sequence[Login]) -> Iterator[tuple[str, Who]]:
    """What the Clusters say of themselves, where one of the logins may ask them."""
    for cluster in scene.live.clusters:
        for login in logins:
            try:
                yield ref_of(cluster).name, reach.who(_read_write(cluster), login, None)
            except _UNASKED:
                continue
            break


def _target_named(scene: Scenery, services: Services) -> Check:
    """No workload of the repository names the target where the repository does not."""
    expected, live = "nobody names the target but where the repository does", scene.live
    found: list[str] = []
    for key, workload in scene.desired.workloads.items():
        there = live.workloads.get(key)
        if there is None:
            continue
        wanted = naming(workload, scene.desired.held, services.target)
        more = sorted(set(naming(there, live.held, services.target)) - set(wanted))
        found += [f"{key[0]}/{key[2]}: {where}" for where in more]
    if found:
        several = f" and {len(found) - 3} more" if len(found) > 3 else ""
        return Check("target-named", Verdict.FAIL, expected, ", ".join(found[:3]) + several)
    if live.unread:
        return Check("target-named", Verdict.UNKNOWN, expected, f"not read: {live.unread[0]}")
    observed = f"{len(scene.desired.workloads)} workloads and what they read"
    return Check("target-named", Verdict.PASS, expected, observed)


def _target_sessions(
    scene: Scenery, reach: Reach, logins: Sequence[Login], subjects: Sequence[Subject]
) -> Check:
    """`pg_stat_activity` of the target holds no session of a consumer."""
    expected = "no consumer is connected to the target"
    pods, poolers = addresses_of(scene.live, subjects), _pooler_addresses(scene.live)
    idle = " AND ".join(
        ("state = 'idle'", f"host(client_addr) IN ({', '.join(map(_quoted, poolers))})")
        if poolers
        else ("false",)
    )
    answers: list[tuple[Verdict, str]] = []
    for cluster in scene.live.clusters:
        for login in logins:
            try:
                with reach.talk(_read_write(cluster), login, None) as asking:
                    rows = asking.query(f"{SESSIONS_SQL} AND NOT coalesce({idle}, false)")
            except Refused as error:
                answers.append((Verdict.SKIPPED, f"the target was not asked: {told(error)}"))
                continue
            except _NO_WAY as error:
                answers.append((Verdict.SKIPPED, f"the target was not asked: {error.message}"))
                continue
            answers.append(source_is_left(map(session_of, rows), _users(logins), pods))
    if not answers:
        return Check("target-sessions", Verdict.SKIPPED, expected, "there is nobody to ask as")
    order = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.SKIPPED)
    verdict, observed = min(answers, key=lambda one: order.index(one[0]))
    return Check("target-sessions", verdict, expected, observed)


def _users(logins: Sequence[Login]) -> tuple[str, ...]:
    return tuple(sorted({one.user for one in logins}))


def _pooler_addresses(live: LiveState) -> tuple[str, ...]:
    found = []
    for pod in live.pods:
        if "cnpg.io/poolerName" in ((pod.get("metadata") or {}).get("labels") or {}):
            found.append(str((pod.get("status") or {}).get("podIP", "")))
    return tuple(sorted({one for one in found if one}))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _controls(
    scene: Scenery, primaries: Mapping[str, Who], subjects: Sequence[Subject]
) -> Iterator[Control]:
    """Each Cluster has to be told from other servers, else nothing is said about the source."""
    systems = _systems(scene)
    consumer = subjects[0].id if subjects else ""
    about = ("target-told-apart", scene.environment, consumer)
    if not systems:
        yield Control(*about, Verdict.PASS, "no Cluster is taken for the source", "none is here")
    for name, system in systems.items():
        expected = f"Cluster `{name}` can be told from the source"
        who = primaries.get(name)
        if who is not None:
            seen = f"it answers: {kind_of(who) or 'of no certain kind'}"
        else:
            seen = f"its system identifier is {system}" if system else "it tells nothing"
        verdict = Verdict.PASS if who is not None or system else Verdict.UNKNOWN
        yield Control(*about, verdict, expected, seen, ("TL8",))
