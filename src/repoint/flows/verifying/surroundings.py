"""What is asked of the environment as a whole: that nobody names the source or works on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from repoint.dsn.parse import find
from repoint.errors import ClusterLost, ClusterRefused
from repoint.flows.rehearsing.stage import Refused, told
from repoint.flows.verifying.live import LiveState, template_labels
from repoint.flows.verifying.questions import anywhere
from repoint.flows.verifying.reaching import Reach, Server
from repoint.flows.verifying.reading import Cast
from repoint.flows.verifying.subjects import Subject
from repoint.model.cluster import Document, ref_of
from repoint.model.consumer import Purpose
from repoint.model.rehearsal import Check, Control, Verdict, worst
from repoint.planning.sources import SourceHosts
from repoint.verification.activity import SESSIONS_SQL, session_of, source_is_left
from repoint.verification.standing import is_over

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_COMMENT = re.compile(r"^\s*(?:#|//|--|;)")
_NO_WAY = (ClusterRefused, ClusterLost)
_ONE = "nobody names the source any more"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The source as it stands in the cluster: how it is named, and its Services."""

    hosts: SourceHosts
    services: tuple[Document, ...]

    def is_own(self, workload: Document) -> bool:
        """Whether a workload is the source itself."""
        namespace, labels = ref_of(workload).namespace, template_labels(workload)
        for service in self.services:
            selector = (service.get("spec") or {}).get("selector") or {}
            if ref_of(service).namespace == namespace and selector.items() <= labels.items():
                return bool(selector)
        return False


def source_of(hosts: SourceHosts, live: LiveState) -> Source:
    """The source's Services among the live ones."""
    found = (s for s in live.services if hosts.matches(_full(s), ref_of(s).namespace))
    return Source(hosts, tuple(found))


def named_check(cast: Cast, live: LiveState, source: Source) -> Check:
    """No live workload names the source: in variables, arguments, Secrets, ConfigMaps, files."""
    name = "source-named"
    own = {ref_of(one).name for one in live.workloads.values() if source.is_own(one)}
    uses = [
        f"{use.workload.id}: {use.via.partition(' <- ')[2] or use.via or report.site.key}"
        for report in cast.survey.inventory.sites
        if report.is_source
        for use in report.uses
        if use.workload.name not in own
        and use.workload.kind != "File"
        and use.purpose is not Purpose.COMMENT
    ]
    if uses:
        return Check(name, Verdict.FAIL, _ONE, _some(uses))
    texts = [where for where, at, text in _texts(live, source) if _names_source(text, source, at)]
    if texts:
        why = f"{_some(texts)}: in a text that is no connection as repoint reads them"
        return Check(name, Verdict.UNKNOWN, _ONE, why)
    if live.unread:
        return Check(name, Verdict.UNKNOWN, _ONE, f"not read: {_some(live.unread)}")
    count = len(live.workloads)
    return Check(name, Verdict.PASS, _ONE, f"{count} workloads and what they read")


def sessions_check(
    reach: Reach, source: Source, live: LiveState, subjects: Sequence[Subject]
) -> tuple[Check, tuple[Control, ...]]:
    """`pg_stat_activity` of the source holds no session of a consumer.

    Each role logs in to the source with the password that it has for the target, which the
    move leaves as it was. The control: a second session of ours has to be seen.
    """
    name, expected = "source-sessions", "no consumer is connected to the source"
    if not source.services:
        return Check(name, Verdict.SKIPPED, expected, "the source has no Service here"), ()
    logins = {
        (one.client.login.user, one.client.login.database): one
        for one in subjects
        if one.live is not None and one.client.login is not None and not one.unread
    }
    if not logins:
        why = "no consumer's login is known, so nobody can ask"
        return Check(name, Verdict.UNKNOWN, expected, why), ()
    roles = sorted({user for user, _ in logins})
    found: list[tuple[Verdict, str]] = []
    controls: list[Control] = []
    for service in source.services:
        if not _has_pods(service, live):
            found.append((Verdict.PASS, "the source has no pod"))
            continue
        server = server_of_service(service)
        for subject in logins.values():
            answer, control = _asked(reach, server, subject, roles, addresses_of(live, subjects))
            found.append(answer)
            controls += control
    verdict = worst(verdict for verdict, _ in found)
    observed = "; ".join(dict.fromkeys(text for one, text in found if one is verdict))
    return Check(name, verdict, expected, observed), tuple(controls)


def _asked(
    reach: Reach,
    server: Server,
    subject: Subject,
    roles: Iterable[str],
    pods: dict[str, str],
) -> tuple[tuple[Verdict, str], list[Control]]:
    login = anywhere(subject.client)
    expected = "a second session of ours is seen among the source's"
    try:
        with reach.talk(server, login, None) as asking:
            address = reach.address(server.namespace, f"service/{server.service}", server.port)
            second = reach.dial(
                address, server.name, login, ca_file=None, timeout_s=reach.timeout_s
            )
            with closing(second):
                rows = asking.query(f"{SESSIONS_SQL} AND pid = {second.backend_pid}")
                others = asking.query(f"{SESSIONS_SQL} AND pid <> {second.backend_pid}")
    except Refused as error:
        return (Verdict.UNKNOWN, f"`{login.user}` cannot ask the source: {told(error)}"), []
    except _NO_WAY as error:
        if isinstance(error, ClusterRefused) and error.reason in ("NotFound", "NotRunning"):
            return (Verdict.PASS, "the source does not run"), []
        return (Verdict.UNKNOWN, error.message), []
    seen = len(rows) == 1
    control = Control(
        "source-shows-sessions",
        "",
        subject.id,
        Verdict.PASS if seen else Verdict.UNKNOWN,
        expected,
        "seen" if seen else "not seen",
    )
    answer = source_is_left(map(session_of, others), roles, pods)
    return (answer if seen else (Verdict.UNKNOWN, "the source shows no sessions")), [control]


def addresses_of(live: LiveState, subjects: Iterable[Subject]) -> dict[str, str]:
    """The consumers' pods by their addresses."""
    found: dict[str, str] = {}
    for subject in subjects:
        for pod in live.pods_of(subject.workload) if subject.workload is not None else ():
            status = pod.get("status") or {}
            for one in (*(status.get("podIPs") or ()), {"ip": status.get("podIP", "")}):
                if one.get("ip"):
                    found[str(one["ip"])] = ref_of(pod).name
    return found


def _has_pods(service: Document, live: LiveState) -> bool:
    """Whether anything may answer at a Service; true where its pods were not looked at."""
    namespace = ref_of(service).namespace
    selector: dict[str, str] = (service.get("spec") or {}).get("selector") or {}
    if not selector or namespace not in live.namespaces:
        return True
    return any(
        ref_of(pod).namespace == namespace
        and selector.items() <= template_labels({**pod, "kind": "Pod"}).items()
        and not is_over(pod)
        for pod in live.pods
    )


def server_of_service(service: Document) -> Server:
    """The Service as something to ask, at its PostgreSQL port."""
    ref = ref_of(service)
    ports = [int(one.get("port", 0)) for one in (service.get("spec") or {}).get("ports") or ()]
    port = 5432 if 5432 in ports or not ports else ports[0]
    return Server(ref.namespace, ref.name, port, _full(service))


def _full(service: Document) -> str:
    ref = ref_of(service)
    return f"{ref.name}.{ref.namespace}.svc"


def _texts(live: LiveState, source: Source) -> Iterator[tuple[str, str, str]]:
    """Every text that a workload or pod other than the source itself has or reads.

    With each comes its place, in words, and its namespace.
    """
    for one in (*live.workloads.values(), *live.running_pods):
        if not source.is_own(one):
            ref = ref_of(one)
            for text in _strings(one.get("spec") or {}):
                yield f"{ref.kind}/{ref.name}", ref.namespace, text
    for kind, namespace, name in live.held:
        for key, value in (live.keys(kind, namespace, name) or {}).items():
            yield f"{kind}/{name} key {key}", namespace, value.reveal()


def _strings(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from _strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value)


def _names_source(text: str, source: Source, namespace: str) -> bool:
    """Whether a line that is no comment spells a full name of the source, or connects to it."""
    lines = [line for line in text.splitlines() if not _COMMENT.match(line)]
    if any(
        "." in found[0] and source.hosts.matches(found[0])
        for line in lines
        for found in _HOST.finditer(line)
    ):
        return True
    hosts = (host.text for dsn in find("\n".join(lines)) for host in dsn.hosts)
    return any(source.hosts.matches(host, namespace) for host in hosts)


def _some(found: Sequence[str]) -> str:
    several = list(dict.fromkeys(found))
    more = f" and {len(several) - 3} more" if len(several) > 3 else ""
    return ", ".join(several[:3]) + more
