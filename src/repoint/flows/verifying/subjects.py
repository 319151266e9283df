"""Who is verified: the repository's consumers and the cluster's, held side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from repoint.flows.verifying.live import LiveState, read_by
from repoint.flows.verifying.passwords import password_of
from repoint.flows.verifying.reading import Cast
from repoint.model.cluster import Document
from repoint.model.consumer import Site, Use, Workload
from repoint.model.sensitive import Sensitive
from repoint.rehearsal.cast import Client
from repoint.rules.facts import ClusterFacts, RoleDefault
from repoint.rules.role_defaults import default_path


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A connection to verify.

    `planned` is it as the repository has it, `live` as the cluster has it: its login holds the
    consumer's real password, which `unread` says why it does not. Either may be None.
    `workload` is the live object, `read_from` names the object and key of the live connection.
    `use` and `site` are the live ones. `hidden` says what of it in the cluster nobody here may
    read: what is missing then is unknown, not gone.
    """

    container: Workload
    planned: Client | None
    live: Client | None
    workload: Document | None
    cluster: ClusterFacts | None
    read_from: str = ""
    unread: str = ""
    use: Use | None = None
    site: Site | None = None
    planned_site: Site | None = None
    same_password: bool | None = None
    hidden: str = ""

    @property
    def id(self) -> str:
        """As `Client.id`."""
        return self.container.id

    @property
    def client(self) -> Client:
        """The live connection, else the planned one."""
        found = self.live or self.planned
        assert found is not None
        return found


def subjects_of(
    planned: Cast | None, live: Cast, state: LiveState, desired: LiveState
) -> tuple[Subject, ...]:
    """Every connection that the repository or the cluster has to a server of the target.

    `desired` are the repository's objects, as `state` are the cluster's.
    """
    mine = _by_key(planned) if planned is not None else {}
    theirs = _by_key(live)
    found = []
    for key in dict.fromkeys((*mine, *theirs)):
        one, cluster = mine.get(key, (None, None))
        other, live_cluster = theirs.get(key, (None, None))
        found.append(_subject(planned, live, state, desired, one, other, live_cluster or cluster))
    return tuple(found)


def _by_key(cast: Cast) -> dict[tuple[str, str, int], tuple[Client, ClusterFacts]]:
    """The connections by container, variable and login; a moved one keeps its key."""
    found: dict[tuple[str, str, int], tuple[Client, ClusterFacts]] = {}
    for scene in cast.scenes:
        for client in scene.clients:
            _, use = _read(cast, client)
            name = use.variable if use is not None else client.key
            number = sum(1 for key in found if key[:2] == (client.id, name))
            found[client.id, name, number] = (client, scene.ground.cluster)
    return found


def _subject(
    planned: Cast | None,
    cast: Cast,
    state: LiveState,
    desired: LiveState,
    one: Client | None,
    other: Client | None,
    cluster: ClusterFacts | None,
) -> Subject:
    client = other or one
    assert client is not None
    container = _container(client)
    workload = state.workload(container.kind, container.namespace, container.name)
    hidden = why_hidden(state, container)
    made = Subject(container, one, other, workload, cluster, hidden=hidden)
    if one is not None and planned is not None:
        made = replace(made, planned_site=_read(planned, one)[0])
    if other is None:
        return made
    site, use = _read(cast, other)
    if other.login is None or site is None or use is None:
        return replace(made, site=site, use=use)
    return _with_password(made, planned, cast, state, desired, site, use)


def why_hidden(state: LiveState, container: Workload) -> str:
    """What of a workload, or of what it reads, was refused and why; empty where all was read."""
    namespace = container.namespace
    workload = state.workload(container.kind, namespace, container.name)
    if workload is None:
        return state.refused.get((container.kind, namespace, ""), "")
    for kind, name in sorted(read_by(workload)):
        why = state.refused.get((kind, namespace, name))
        if why is not None:
            return f"{kind}/{name} was not read: {why}"
    return ""


def _with_password(
    made: Subject,
    planned: Cast | None,
    cast: Cast,
    state: LiveState,
    desired: LiveState,
    site: Site,
    use: Use,
) -> Subject:
    live = made.live
    assert live is not None and live.login is not None
    password = live_password(cast, state, made.container, site, use)
    origin = origin_of(state, made.container, use)
    if password is None:
        return replace(
            made, site=site, use=use, read_from=origin, unread=f"no password is told by {origin}"
        )
    same: bool | None = None
    if made.planned is not None and planned is not None:
        before, used = _read(planned, made.planned)
        if before is not None and used is not None:
            written = live_password(planned, desired, made.container, before, used)
            same = None if written is None else written == password
    login = replace(live.login, password=password)
    return replace(
        made,
        live=replace(live, login=login, variable=""),
        site=site,
        use=use,
        read_from=origin,
        same_password=same,
    )


def live_password(
    cast: Cast, state: LiveState, container: Workload, site: Site, use: Use
) -> Sensitive | None:
    """The password that goes with a site in a container of the cluster; None where none is told."""
    found = state.container(
        container.kind, container.namespace, container.name, container.container
    )
    known = state.variables(container.namespace, found) if found is not None else {}
    return password_of(cast, site, use, known)


def _read(cast: Cast, client: Client) -> tuple[Site | None, Use | None]:
    """The site of a client, and its container's use of it."""
    wanted = client.connection.site if client.connection is not None else ""
    sites = {report.site.id: report.site for report in cast.survey.inventory.sites}
    for name, uses in cast.survey.uses.items():
        for use in uses:
            mine = use.workload.id == client.id and name in sites
            if mine and (name == wanted or (not wanted and sites[name].key == client.key)):
                return sites[name], use
    return None, None


def origin_of(state: LiveState, container: Workload, use: Use) -> str:
    """The object and key that a connection comes from, for a person."""
    where = f"{container.kind}/{container.name}"
    if use.source == "command":
        return f"the command of {where}"
    found = state.container(
        container.kind, container.namespace, container.name, container.container
    )
    known = state.variables(container.namespace, found) if found is not None else {}
    one = known.get(use.variable)
    if one is not None and one.origin:
        return one.origin
    if use.source_name:
        kind = "ConfigMap" if "configmap" in use.source else "Secret"
        return f"{kind}/{use.source_name} key {use.source_key or use.variable}"
    return f"`{use.variable}` of {where}" if use.variable else where


def _container(client: Client) -> Workload:
    facts = client.facts
    inside = client.id.split("/")[3:]
    return Workload(facts.kind, facts.namespace, facts.name, inside[0] if inside else "")


def differences(subject: Subject) -> list[str]:
    """What of the live connection is not as the repository writes it; names of parts alone."""
    one, other = subject.planned_site, subject.site
    if one is None or other is None:
        return []
    found = [
        name
        for name, mine, theirs in (
            ("database", one.database, other.database),
            ("role", one.user, other.user),
        )
        if (mine or "") != (theirs or "")
    ]
    mine, theirs = ({k: v.text for k, v in site.params} for site in (one, other))
    found += [f"`{k}`" for k in sorted({*mine, *theirs}) if mine.get(k) != theirs.get(k)]
    return [*found, "password"] if subject.same_password is False else found


def wanted_path(subject: Subject, defaults: Iterable[RoleDefault]) -> str:
    """The search_path that a consumer must have: what its string or repoint.yaml asks for, else
    what the repository gives to its role (SP9); empty where nothing tells."""
    one, login = _telling(subject), subject.client.login
    if one is not None:
        return one.schema
    return default_path(defaults, login.user, login.database) if login is not None else ""


def is_schema_alone(subject: Subject) -> bool:
    """Whether `wanted_path` is its first schema, and nothing tells the others."""
    one = _telling(subject)
    return one is not None and one.schema_alone


def _telling(subject: Subject) -> Client | None:
    """The live connection, else the planned one, where it tells a schema."""
    both = (subject.client, subject.planned)
    return next((one for one in both if one is not None and one.schema), None)
