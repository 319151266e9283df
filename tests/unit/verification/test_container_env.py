"""A container's environment, held against what Kubernetes makes of the same objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from repoint.model.sensitive import Sensitive
from repoint.verification.container_env import Variable, container_env, expanded, references
from repoint.verification.probe_script import SCRIPT

HELD = {
    ("Secret", "db"): {"URL": "postgres://u:p@h/d", "PW": "$(NAME)", "EMPTY": ""},
    ("ConfigMap", "settings"): {"URL": "from the map", "HOST": "pg"},
}


def find(kind: str, name: str) -> Mapping[str, Sensitive] | None:
    keys = HELD.get((kind, name))
    return None if keys is None else {key: Sensitive(text) for key, text in keys.items()}


def made(**container: Any) -> dict[str, Variable]:
    return container_env(container, find)


def from_key(name: str, kind: str, source: str, key: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {kind: {"name": source, "key": key}}}


@pytest.mark.parametrize(
    ("container", "name", "value"),
    [
        ({"env": [{"name": "A", "value": "b"}]}, "A", "b"),
        ({"env": [{"name": "A"}]}, "A", ""),
        ({"env": [from_key("A", "secretKeyRef", "db", "URL")]}, "A", "postgres://u:p@h/d"),
        ({"env": [from_key("A", "configMapKeyRef", "settings", "HOST")]}, "A", "pg"),
        ({"env": [from_key("A", "secretKeyRef", "db", "NONE")]}, "A", None),
        ({"env": [from_key("A", "secretKeyRef", "gone", "URL")]}, "A", None),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {}}}]}, "A", None),
        (
            {"envFrom": [{"secretRef": {"name": "db"}, "prefix": "X_"}]},
            "X_URL",
            "postgres://u:p@h/d",
        ),
    ],
)
def test_where_a_value_comes_from(container: Any, name: str, value: str | None) -> None:
    found = made(**container)[name].value
    assert (found.reveal() if found is not None else None) == value


def test_the_later_source_wins_and_env_wins_over_env_from() -> None:
    sources = [{"secretRef": {"name": "db"}}, {"configMapRef": {"name": "settings"}}]
    assert made(envFrom=sources)["URL"].origin == "ConfigMap/settings key URL"
    own = [{"name": "URL", "value": "mine"}]
    assert made(envFrom=sources, env=own)["URL"].value == Sensitive("mine")


def test_composition_takes_what_stands_above_and_leaves_the_rest() -> None:
    entries = [
        from_key("PW", "secretKeyRef", "db", "URL"),
        {"name": "A", "value": "$(PW)|$(LATER)|$$(PW)|$(HOST)"},
        {"name": "LATER", "value": "x"},
    ]
    found = made(env=entries, envFrom=[{"configMapRef": {"name": "settings"}}])["A"].value
    assert found == Sensitive("postgres://u:p@h/d|$(LATER)|$(PW)|pg")


def test_a_text_from_a_secret_is_never_expanded() -> None:
    entries = [{"name": "NAME", "value": "x"}, from_key("A", "secretKeyRef", "db", "PW")]
    assert made(env=entries)["A"].value == Sensitive("$(NAME)")


def test_what_containers_refer_to() -> None:
    containers = [
        {"envFrom": [{"secretRef": {"name": "db"}}]},
        {"env": [from_key("A", "configMapKeyRef", "settings", "HOST"), {"name": "B"}]},
    ]
    assert references(containers) == {("Secret", "db"), ("ConfigMap", "settings")}


def test_the_probe_s_script_is_handed_over_as_it_is() -> None:
    known = {"ask": Variable("ask", Sensitive("spoilt")), "PGHOST": Variable("PGHOST", None)}
    assert expanded(SCRIPT, known) == SCRIPT


def test_no_value_is_shown() -> None:
    entries = [from_key("A", "secretKeyRef", "db", "URL")]
    assert "postgres://" not in repr(made(env=entries))
