"""Which commands can run on any machine, and which need what a test does not have."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

RUN, SERVERS, MAKE = "run", "servers", "make"
CLUSTER, NETWORK, TOLD = "cluster", "network", "told"
NOT_RUN = {
    CLUSTER: "needs a Kubernetes API, or two databases",
    NETWORK: "installs or fetches something, or speaks to a service",
    MAKE: "a target of the Makefile, which is tried with --dry-run",
    TOLD: "the page says why",
}
"""The classes whose commands are not run, and why; `repoint` in them is still parsed."""

_NETWORK = frozenset(
    {"pip", "pip3", "pipx", "uv", "npm", "brew", "apt", "apt-get", "sudo", "docker", "podman"}
    | {"curl", "gh", "glab", "pre-commit"}
)
_CLUSTER = frozenset({"kubectl", "helm", "flux", "argocd", "kind", "psql"})
_CLUSTER_VERBS = frozenset(("rollout", "verify", "data"))
_SPLIT = frozenset(("|", "||", "&&", ";", "&", "(", ")", "|&"))
_TAKES_VALUE = frozenset(("-C", "--directory"))
_ASSIGNMENT = re.compile(r"\w+=")
_REDIRECTION = re.compile(r"[<>]+[&|]?")


def kind_of(line: str) -> str:
    """The class of a command line: that of its most demanding command."""
    kinds = {_kind(words) for words in simple_commands(line)}
    return next((kind for kind in (NETWORK, CLUSTER, MAKE, SERVERS) if kind in kinds), RUN)


def simple_commands(line: str) -> Iterator[list[str]]:
    """The commands of a line by their words, without redirections and assignments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    command: list[str] = []
    skip = False
    for index, word in enumerate(words):
        after = words[index + 1] if index + 1 < len(words) else ""
        if skip:
            skip = False
        elif _REDIRECTION.fullmatch(word):
            skip = True
        elif word in _SPLIT:
            yield from filter(None, [command])
            command = []
        elif word.isdigit() and _REDIRECTION.fullmatch(after):
            continue
        elif command or not _ASSIGNMENT.match(word):
            command.append(word)
    yield from filter(None, [command])


def _kind(words: Sequence[str]) -> str:
    program, rest = words[0], list(words[1:])
    if program == "repoint":
        return _kind_of_repoint(rest)
    if program == "make":
        return MAKE
    if program == "git" and rest[:1] in (["clone"], ["push"], ["pull"], ["fetch"]):
        return NETWORK
    if program == "kubectl" and rest[:1] == ["kustomize"]:
        return RUN
    if program in _NETWORK or program.startswith("scripts/"):
        return NETWORK
    if program.startswith("python") and rest[:2] == ["-m", "pip"]:
        return NETWORK
    return CLUSTER if program in _CLUSTER else RUN


def _kind_of_repoint(rest: list[str]) -> str:
    while rest and rest[0].startswith("-"):
        rest = rest[2 if rest[0] in _TAKES_VALUE else 1 :]
    verb = rest[0] if rest else ""
    if verb in _CLUSTER_VERBS or (verb == "rollback" and "--rollout" in rest):
        return RUN if {"-h", "--help"} & {*rest} else CLUSTER
    if verb == "doctor" and "--fetch" in rest:
        return NETWORK
    if verb == "bench" or (verb == "rehearse" and "--show-ini" not in rest):
        return SERVERS
    return RUN
