"""Words that name environments in directory and file names."""

from __future__ import annotations

import re
from functools import lru_cache

# Spellings that mean the same environment; the first is the group's own name.
_GROUPS = (
    ("production", "prod", "prd", "live", "prod1"),
    ("staging", "stage", "stg", "stag"),
    ("development", "dev", "develop"),
    ("test", "testing", "tst"),
    ("qa", "quality"),
    ("uat", "acceptance", "acc", "accept"),
    ("preprod", "pre-prod", "preproduction", "pre-production", "nonprod", "non-prod"),
    ("integration", "int", "integ"),
    ("local", "localhost", "minikube", "kind", "k3d", "docker-desktop"),
    ("sandbox", "sbx"),
    ("preview", "pr-preview"),
    ("demo",),
    ("ci",),
    ("e2e",),
    ("sit",),
    ("perf", "loadtest", "performance"),
    ("dr", "disaster-recovery"),
    ("training",),
    ("canary",),
    ("beta",),
)
_CANONICAL = {word: group[0] for group in _GROUPS for word in group}
WORDS = frozenset(_CANONICAL)

# Words that also name a developer's own set-up or a kind of file: alone, outside an
# overlay, they name an environment only where the repository deploys one of that name.
_EVERYDAY = frozenset(
    [
        "local",
        "localhost",
        "test",
        "testing",
        "dev",
        "develop",
        "development",
        "ci",
        "e2e",
        "demo",
        "int",
        "kind",
        "integration",
        "canary",
        "beta",
        "live",
        "preview",
        "training",
        "acc",
        "perf",
        "performance",
        "quality",
    ]
)
CONTAINERS = frozenset(
    [
        "overlays",
        "overlay",
        "envs",
        "env",
        "environments",
        "environment",
        "clusters",
        "cluster",
        "stages",
        "stage-overlays",
        "deployments-by-env",
        "tenants",
    ]
)
_PLACE = re.compile(
    r"(?:eu|us|ap|asia|na|sa|af|me|ca|uk|emea|apac|amer|aws|gcp|gke|eks|aks|azure|k8s|onprem|"
    r"cluster|primary|secondary|blue|green|west|east|north|south|central|europe|de|fr|ch|nl|in|"
    r"[a-z]|[a-z]*\d+|(?:[a-z]{2,})?\d+[a-z])(?:[-_.]|$)"
)
_SPLIT = re.compile(r"[-_.]")


def canonical(name: str) -> str:
    """The common spelling of an environment's name (`prod` is `production`)."""
    return _CANONICAL.get(name.lower(), name.lower())


@lru_cache(maxsize=4096)
def is_word(part: str) -> bool:
    """Whether a name is an environment's: a known word, or one with a region or number."""
    lowered = part.lower()
    if lowered in WORDS:
        return True
    for word in WORDS - {"int", "in", "kind", "ci", "dr", "acc"}:
        for rest in (_after(lowered, word), _before(lowered, word)):
            if rest and _regional(rest):
                return True
    return False


def _after(part: str, word: str) -> str:
    return part[len(word) + 1 :] if _SPLIT.sub("-", part).startswith(f"{word}-") else ""


def _before(part: str, word: str) -> str:
    return part[: -len(word) - 1] if _SPLIT.sub("-", part).endswith(f"-{word}") else ""


def _regional(rest: str) -> bool:
    pieces = _SPLIT.split(rest)
    return all(_PLACE.fullmatch(piece) for piece in pieces)


def is_everyday(name: str) -> bool:
    """Whether a word needs a deployed environment of its name to count as one."""
    return name.lower() in _EVERYDAY


@lru_cache(maxsize=4096)
def in_file_name(name: str) -> str:
    """The environment word in a file's name (`values-staging.yaml`, `.env.prod`), or empty."""
    lowered = name.lower()
    if lowered.startswith(".env."):
        rest = lowered[len(".env.") :].removesuffix(".local").removesuffix(".enc")
        return rest if is_word(rest) else ""
    stem = re.sub(r"((\.|-)(enc|sops|sealed|example))*\.[a-z0-9]+$", "", lowered)
    stem = re.sub(r"\.(enc|sops|sealed|secret|secrets)$", "", stem)
    pieces = _SPLIT.split(stem)
    for size in (3, 2, 1):
        tail = "-".join(pieces[-size:])
        if size <= len(pieces) and is_word(tail):
            return stem[-len(tail) :] if _SPLIT.sub("-", stem).endswith(tail) else tail
    return pieces[0] if len(pieces) > 1 and pieces[0] in WORDS else ""
