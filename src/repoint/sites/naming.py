"""Going down a tree: what a key changes in the scope, and how a key is shown."""

from __future__ import annotations

from repoint.sites.context import Scope, generator_key, values_key
from repoint.sites.frame import Role
from repoint.sites.keys import looks_like_env
from repoint.sites.lexicon import lexicon

ENV_MAPS = lexicon(
    "env environment envs variables data stringData substitute literals envVars env_vars "
    "environmentVariables extraEnv extraEnvVars environment_variables binaryData"
)
"""Keys whose children are variables of a program."""

_UNSHOWN = lexicon(
    "spec data stringData resource locals env environment environment_variables "
    "valuesObject values module template target helm "
    "extraEnv extraEnvVars containers initContainers databases"
)
_GENERATORS = frozenset({"list", "elements", "matrix", "merge", "generators", "values"})
_PROBES = lexicon("readinessProbe livenessProbe startupProbe lifecycle healthcheck healthCheck")


def hint(scope: Scope) -> str:
    """What a container is told by: its image, its name, its object's name."""
    return f"{scope.image} {scope.container} {scope.name}".strip()


def below(scope: Scope, key: str) -> Scope:
    """The scope under a key: its trail, whether it holds variables, values, a probe."""
    if values_key(scope, key) or generator_key(scope, key):
        return scope._replace(role=Role.HELM_VALUES, trail=(), shown=(), kind="", owner=key)
    kept = scope.role is Role.HCL and key in {"env", "locals"} and not scope.trail
    generated = scope.owner == "generators" and key in _GENERATORS
    inner = scope.below(key, shown=kept or not (generated or key in _UNSHOWN))
    env = key in ENV_MAPS and (scope.role is not Role.CONFIG or key not in {"data", "config"})
    probe = scope.probe or key in _PROBES
    if env is inner.env and probe is inner.probe:
        return inner
    return inner._replace(env=env, probe=probe)


def shown(scope: Scope) -> str:
    """The path of keys that stands before a key when it is shown."""
    if (scope.env and scope.shown[:1] != ("env",)) or scope.role in (Role.COMPOSE, Role.PIPELINE):
        return ""
    parts = [part.strip("[]") for part in scope.shown]
    if scope.role is Role.HCL:
        if parts[:1] == ["variable"] and len(parts) > 1:
            return f"var.{parts[1]}"
        parts = ["local" if part == "locals" else part for part in parts]
    return ".".join(parts)


def shown_key(name: str, scope: Scope) -> str:
    """The key as its reader knows it: the variable, or the path of keys."""
    prefix = shown(scope) if name else ""
    if looks_like_env(name) or not prefix or "." in name:
        return name
    return prefix if scope.shown[-1] == name else f"{prefix}.{name}"
