"""Roles and bindings made of the rights that commands need."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from repoint.model.cluster import ClusterVerb
from repoint.rollout.rights import RBAC, Ground, Place, needs_of

_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "bind", "escalate")
_Key: TypeAlias = tuple[str, str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a role, in the words of RBAC, and what it is for; `names` empty is any."""

    group: str
    resources: tuple[str, ...]
    names: tuple[str, ...]
    verbs: tuple[str, ...]
    whys: tuple[str, ...] = ()

    def document(self) -> dict[str, list[str]]:
        """The rule as the API has it."""
        found = {"apiGroups": [self.group], "resources": list(self.resources)}
        if self.names:
            found["resourceNames"] = list(self.names)
        return {**found, "verbs": list(self.verbs)}


@dataclass(slots=True)
class _Entry:
    """What a rule gathers, in order and each once."""

    resources: dict[str, None] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    whys: dict[str, None] = field(default_factory=dict)


def rules_of(commands: Iterable[ClusterVerb], ground: Ground) -> dict[str, tuple[Rule, ...]]:
    """The rules by namespace; those under the empty name are for the whole cluster.

    A verb that is needed on all objects of a resource is not listed again by name.
    """
    verbs: dict[Place, dict[str, None]] = defaultdict(dict)
    whys: dict[tuple[Place, str], dict[str, None]] = defaultdict(dict)
    for need in needs_of(commands, ground):
        for place in need.whose(ground):
            for verb in need.verbs:
                verbs[place][verb] = None
                whys[place, verb][need.why] = None
    merged: dict[_Key, _Entry] = {}
    for place in sorted(verbs):
        wider = verbs.get(Place(place.namespace, place.group, place.resource), {})
        kept = tuple(v for v in _VERBS if v in verbs[place] and not (place.name and v in wider))
        if kept:
            # Unnamed resources with the same verbs share a rule, and so do names of one.
            key = (place.namespace, place.group, kept, place.resource if place.name else "")
            entry = merged.setdefault(key, _Entry())
            entry.resources[place.resource] = None
            entry.names |= {place.name: None} if place.name else {}
            entry.whys |= {why: None for verb in kept for why in whys[place, verb]}
    found: dict[str, list[Rule]] = defaultdict(list)
    for (namespace, group, kept, _), one in merged.items():
        rule = Rule(group, tuple(one.resources), tuple(one.names), kept, tuple(one.whys))
        found[namespace].append(rule)
    return {namespace: tuple(rules) for namespace, rules in found.items()}


@dataclass(frozen=True, slots=True)
class Subject:
    """Who gets the rights: a `User`, `Group` or `ServiceAccount` (in `namespace`)."""

    kind: str
    name: str
    namespace: str = ""

    def document(self) -> dict[str, str]:
        """The subject as the API has it."""
        if self.kind == "ServiceAccount":
            return {"kind": self.kind, "name": self.name, "namespace": self.namespace}
        return {"kind": self.kind, "name": self.name, "apiGroup": RBAC}


def role_name(environment: str, commands: Iterable[ClusterVerb]) -> str:
    """The name of an environment's roles for some commands."""
    chosen = tuple(commands)
    some = "" if set(chosen) == set(ClusterVerb) else f"-{'-'.join(chosen)}"
    return re.sub(r"[^a-z0-9.-]", "-", f"repoint-{environment}{some}".lower())


def role_of(name: str, namespace: str, rules: Iterable[Rule]) -> dict[str, object]:
    """A Role, or a ClusterRole without a namespace."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": _metadata(name, namespace),
        "rules": [rule.document() for rule in rules],
    }


def binding_of(name: str, namespace: str, subjects: Iterable[Subject]) -> dict[str, object]:
    """The binding of the role of the same name to some subjects."""
    kind = "Role" if namespace else "ClusterRole"
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
        "subjects": [subject.document() for subject in subjects],
    }


def _metadata(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "namespace": namespace} if namespace else {"name": name}
