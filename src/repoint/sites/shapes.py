"""Mappings that stand for one entry: name and value, a JSON patch, a command."""

from __future__ import annotations

from collections.abc import Iterable

from repoint.formats.base import Mapping, Node, Scalar, Sequence
from repoint.sites.context import Scope
from repoint.sites.frame import Role
from repoint.sites.keys import GENERIC, STRONG, words
from repoint.sites.lexicon import lexicon

ARGV = ("entrypoint", "command", "args", "cmd", "test")
"""Keys of the words that a container runs, in their order."""

LINES = lexicon(
    "script before_script after_script commands run steps runcmd cmds install "
    "preStart postStart inlineScript powershell pwsh bash shell sh exec bootcmd"
)
"""Keys of shell scripts."""

_DATABASES = STRONG | GENERIC
_PAIR_KEYS = (("value", ("name", "key")), ("Value", ("Name",)), ("value", ("variable",)))


def runs(node: Mapping, value: Node, scope: Scope) -> bool:
    """Whether `command`, `args` or `test` of a mapping is something that runs."""
    if isinstance(value, Sequence):
        return all(isinstance(item, Scalar) for item in value.items)
    return isinstance(value, Scalar) and scope.role is not Role.CONFIG and bool(node.pairs)


def pair_of(item: Mapping) -> tuple[str, Scalar] | None:
    """The name and the value of an entry such as `{name: DB_HOST, value: pg}`."""
    if len(item.pairs) > 6:
        return None
    keys = {key.text for key, _ in item.pairs}
    for value_key, name_keys in _PAIR_KEYS:
        value = item.get(value_key) if value_key in keys else None
        if isinstance(value, Scalar):
            for name_key in name_keys:
                name = item.text(name_key)
                if name:
                    return name, value
    return None


def patch_of(item: Mapping) -> bool:
    """Whether a mapping is an operation of a JSON patch."""
    return bool(item.text("op")) and bool(item.text("path"))


def patch_key(item: Mapping, group: Iterable[Node]) -> str:
    """The key that an operation of a JSON patch sets, by its path; `group` are all of them."""
    path = item.text("path")
    parts = [part for part in path.split("/") if part]
    if parts[-1:] == ["value"] and "env" in parts:
        wanted = path.removesuffix("value") + "name"
        for other in group:
            if isinstance(other, Mapping) and other.text("path") == wanted:
                return other.text("value")
    names = [part for part in parts if not part.isdigit() and part != "-"]
    # `/spec/db/host`: what is above tells whose host it is, as in the manifest.
    above = names[-2:-1] if len(names) > 1 and _DATABASES.intersection(words(names[-2])) else []
    return ".".join((*above, *names[-1:])).replace("~1", "/").replace("~0", "~")
