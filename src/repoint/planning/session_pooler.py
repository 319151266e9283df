"""A session Pooler beside the named one: found in the render, or written by the plan.

What is written is the named Pooler with `poolMode: session`, a name and sizes of its own.
Everything else that CloudNativePG reads of it (image, pod template, `pg_hba`, secrets) is
copied, so that consumers meet the same PgBouncer there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from repoint.dsn.mask import mask
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.effective import Effective, Value, items, mapping, text
from repoint.kube.resource import Resource
from repoint.model.plan import Applicability, Edit, Op
from repoint.planning.overlay_edits import OverlayEditor
from repoint.planning.overlay_folder import Folder
from repoint.planning.wishes import Reason
from repoint.planning.yaml_emit import Token, Tree
from repoint.planning.yaml_trees import block_or_text
from repoint.rules.facts import EnvironmentFacts, PoolerFacts
from repoint.rules.pool_mode import Beside

_NAME_LIMIT = 63
"""Of a Service's name, which is the Pooler's (DNS label, RFC 1035)."""
_OWN_SIZES = frozenset(
    [
        "default_pool_size",
        "max_db_connections",
        "max_prepared_statements",
        "max_user_connections",
        "min_pool_size",
        "reserve_pool_size",
        "reserve_pool_timeout",
    ]
)
"""Parameters that fit a transaction pool; a pool of sessions is sized by its clients (CA1)."""
_NOT_COPIED = frozenset(["cluster", "type", "pgbouncer", "serviceTemplate", "monitoring"])
"""Of `spec`: written anew, or names in the outside world that two Services cannot share."""


def rendered_session(
    objects: Iterable[Resource], pooler: Resource, cluster: Resource | None, wanted: str = ""
) -> Resource | None:
    """The read-write session Pooler of the same Cluster that the environment renders.

    `wanted` is `target.session_pooler` of repoint.yaml: then only the Pooler of that name.
    """
    clusters = {text(pooler.body, "spec", "cluster", "name")}
    if cluster is not None:
        # kustomize does not rewrite the reference, so either name may stand there (X3).
        clusters |= {cluster.name, cluster.original.name}
    found = [
        one
        for one in objects
        if one.kind == "Pooler"
        and one.group == pooler.group
        and one is not pooler
        and one.namespace == pooler.namespace
        and (text(one.body, "spec", "type") or "rw") == "rw"
        and pool_mode(one) == "session"
        and text(one.body, "spec", "cluster", "name") in clusters
        and (not wanted or wanted in (one.name, one.original.name))
    ]
    found.sort(key=lambda one: (not one.name.startswith(pooler.name), one.name))
    return found[0] if found else None


def pool_mode(pooler: Resource) -> str:
    """The mode of a rendered Pooler; CNPG's default is `session`."""
    return text(pooler.body, "spec", "pgbouncer", "poolMode") or "session"


def session_name(
    environment: EnvironmentBuild, pooler: Resource, clusters: Iterable[Resource], wanted: str = ""
) -> str:
    """The rendered name that a new session Pooler gets: `<pooler>-session`, if that is free.

    What kustomize puts around the named Pooler's name stays around. Empty where `wanted` is
    the name of something that is there already.
    """
    own = pooler.original.name
    head, _, tail = pooler.name.partition(own)
    taken = set(_taken(environment.objects, clusters, pooler.namespace))
    for name in (wanted,) if wanted else _candidates(own, _NAME_LIMIT - len(head) - len(tail)):
        if f"{head}{name}{tail}" not in taken:
            return f"{head}{name}{tail}"
    return ""


def _candidates(own: str, room: int) -> Iterator[str]:
    for number in range(1, 10):
        tail = "-session" if number == 1 else f"-session-{number}"
        yield own[: room - len(tail)].rstrip("-.") + tail


def _taken(
    objects: Iterable[Resource], clusters: Iterable[Resource], namespace: str
) -> Iterator[str]:
    """Names that a Service or Deployment of the namespace has, or gets from the operator."""
    for one in objects:
        if one.namespace == namespace and one.kind in ("Service", "Deployment", "Pooler"):
            yield one.name
    for cluster in clusters:
        yield from (f"{cluster.name}-{kind}" for kind in ("rw", "ro", "r"))
        for extra in items(cluster.body, "spec", "managed", "services", "additional"):
            yield text(extra, "serviceTemplate", "metadata", "name")


def beside(
    facts: EnvironmentFacts, resource: Resource | None, name: str, overlay: OverlayEditor
) -> Beside:
    """What a plan can write beside the named Pooler.

    Args:
        facts: The environment, with the named Pooler as the rules see it.
        resource: The same as it is rendered.
        name: The new one's rendered name, empty where it is taken.
        overlay: Takes the new file.
    """
    named = facts.pooler
    if named is None or resource is None or named.mode != "transaction":
        return Beside(None)
    if not name:
        return Beside(None, why_not="its name in repoint.yaml belongs to another object")
    home = _home(overlay, named.namespace, name)
    why_not = home if isinstance(home, str) else ""
    if not why_not and _tells_password(resource.body):
        why_not = f"`{named.name}` spells a password, which a plan does not copy"
    if why_not:
        return Beside(None, why_not=why_not)
    new = replace(
        named,
        name=name,
        mode="session",
        type="rw",
        cluster=facts.cluster.name if facts.cluster is not None else named.cluster,
        parameters=tuple(pair for pair in named.parameters if pair[0] not in _OWN_SIZES),
        location=None,
    )
    return Beside(new, planned=True)


def _home(overlay: OverlayEditor, namespace: str, name: str) -> Folder | str:
    """The overlay that takes a Pooler of a rendered name, or what is missing for it."""
    if not overlay.can_add:
        return "no overlay of this environment can carry a new Pooler, and none is rendered"
    home = overlay.home(namespace, name)
    if home is None:
        return "the overlay would give a new Pooler another name or namespace"
    if home.patches_any("Pooler", name):
        return "a patch of the overlay changes every Pooler, a new one too"
    return home


def _tells_password(tree: Effective) -> bool:
    """Whether a text, or a variable with its name, holds what looks like a password."""
    if isinstance(tree, Value):
        return mask(tree.text) != tree.text
    if isinstance(tree, list):
        return any(_tells_password(item) for item in tree)
    pair = f"{text(tree, 'name')}={text(tree, 'value')}"
    return mask(pair) != pair or any(_tells_password(inner) for inner in tree.values())


def add_session_pooler(
    session: PoolerFacts,
    named: Resource,
    overlay: OverlayEditor,
    reason: Reason,
) -> str:
    """Write the manifest of a session Pooler into the overlay of its namespace.

    Args:
        session: The Pooler to write; `cluster` is the Cluster's rendered name (X3).
        named: The Pooler that it stands beside.
        overlay: Takes the file.
        reason: Why, and who goes there.

    Returns:
        What is missing where nothing was written; else nothing.
    """
    home = _home(overlay, session.namespace, session.name)
    if isinstance(home, str):
        return home
    written = home.spelled(session.name, session.namespace) or session.name
    overlay.add_file(
        home,
        f"{written}.yaml",
        [_document(session, named, written)],
        f"Pools sessions beside {named.name},\n"
        "for consumers that a transaction pool would break.\n"
        "The Cluster's name stands as it is rendered: kustomize does not rewrite it here.",
        _edit(session, reason),
    )
    return ""


def _edit(session: PoolerFacts, reason: Reason) -> Edit:
    return Edit(
        op=Op.SPLICE,
        pointer="",
        line=1,
        key="Pooler",
        rule=reason.rule,
        reason=reason.text,
        applicability=Applicability.REVIEW,
        consumers=reason.consumers,
        expects=("/".join(p for p in ("Pooler", session.namespace, session.name) if p),),
    )


def _document(session: PoolerFacts, named: Resource, written: str) -> dict[str, Tree]:
    renamed = {named.name: session.name, named.original.name: session.name}
    spec = mapping(named.body, "spec")
    bouncer: dict[str, Tree] = {"poolMode": "session"}
    bouncer |= {
        key: _tree(value, renamed)
        for key, value in mapping(spec, "pgbouncer").items()
        if key not in ("poolMode", "parameters", "paused")
    }
    parameters: dict[str, Tree] = dict(session.parameters)
    metadata: dict[str, Tree] = {"name": written}
    if session.namespace:
        metadata["namespace"] = session.namespace
    return {
        "apiVersion": named.api_version,
        "kind": "Pooler",
        "metadata": metadata,
        "spec": {
            "cluster": {"name": session.cluster},
            "type": "rw",
            **{k: _tree(v, renamed) for k, v in spec.items() if k not in _NOT_COPIED},
            "pgbouncer": {**bouncer, "parameters": parameters},
        },
    }


def _tree(value: Effective, renamed: dict[str, str]) -> Tree:
    """A rendered tree to be written again; a plain scalar keeps its type."""
    if isinstance(value, dict):
        return {key: _tree(inner, renamed) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tree(inner, renamed) for inner in value]
    return _leaf(value, renamed)


def _leaf(value: Value, renamed: dict[str, str]) -> Tree:
    if value.is_null:
        return Token("null")
    if value.text in renamed:
        return renamed[value.text]
    plain = value.scalar is not None and value.scalar.style == "plain"
    if plain and re.fullmatch(r"[\w./:-]+", value.text):
        return Token(value.text)
    return block_or_text(value.text)
