"""Roles as `kubectl apply` takes them, each rule with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from repoint.rollout.roles import Rule, Subject, binding_of, role_of


def human(name: str, rules: Mapping[str, tuple[Rule, ...]], subjects: Iterable[Subject]) -> str:
    """A YAML stream; what a rule is for stands above it."""
    given = tuple(subjects)
    parts = []
    for namespace, found in sorted(rules.items()):
        head = {key: value for key, value in role_of(name, namespace, ()).items() if key != "rules"}
        parts.append(_yaml(head) + "rules:\n" + "".join(_rule(rule) for rule in found))
        if given:
            parts.append(_yaml(binding_of(name, namespace, given)))
    return "---\n".join(parts)


def machine(name: str, rules: Mapping[str, tuple[Rule, ...]], subjects: Iterable[Subject]) -> str:
    """The same objects in one `List`, as JSON."""
    items = list(_documents(name, rules, tuple(subjects)))
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2)


def _documents(
    name: str, rules: Mapping[str, tuple[Rule, ...]], subjects: tuple[Subject, ...]
) -> Iterator[dict[str, object]]:
    for namespace, found in sorted(rules.items()):
        yield role_of(name, namespace, found)
        if subjects:
            yield binding_of(name, namespace, subjects)


def _rule(rule: Rule) -> str:
    reasons = "".join(f"  # {why}\n" for why in rule.whys)
    lines = [f"{key}: {json.dumps(value)}" for key, value in rule.document().items()]
    return f"{reasons}  - " + "\n    ".join(lines) + "\n"


def _yaml(document: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(dict(document), sort_keys=False)
    return text
