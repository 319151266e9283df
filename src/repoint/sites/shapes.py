"""Mappings that stand for one entry: name and value, a JSON patch, a command."""

from __future__ import annotations

from repoint.formats.base import Mapping, Node, Scalar, Sequence
from repoint.sites.context import Scope
from repoint.sites.frame import Role
from repoint.sites.lexicon import lexicon

ARGV = ("entrypoint", "command", "args", "cmd", "test")
"""Keys of the words that a container runs, in their order."""

LINES = lexicon(
    "script before_script after_script commands run steps runcmd cmds install "
    "preStart postStart inlineScript powershell pwsh bash shell sh exec bootcmd"
)
"""Keys of shell scripts."""

_PAIR_KEYS = (("name", "value"), ("key", "value"), ("Name", "Value"), ("variable", "value"))


def runs(node: Mapping, value: Node, scope: Scope) -> bool:
    """Whether `command`, `args` or `test` of a mapping is something that runs."""
    if isinstance(value, Sequence):
        return all(isinstance(item, Scalar) for item in value.items)
    return isinstance(value, Scalar) and scope.role is not Role.CONFIG and bool(node.pairs)


def pair_of(item: Mapping) -> tuple[str, Scalar] | None:
    """The name and the value of an entry such as `{name: DB_HOST, value: pg}`."""
    if len(item.pairs) > 6:
        return None
    for name_key, value_key in _PAIR_KEYS:
        value = item.get(value_key)
        name = item.text(name_key)
        if name and isinstance(value, Scalar):
            return name, value
    return None


def patch_of(item: Mapping) -> bool:
    """Whether a mapping is an operation of a JSON patch."""
    return bool(item.text("op")) and bool(item.text("path"))


def patch_key(item: Mapping, group: Sequence) -> str:
    """The key that a JSON patch operation sets, by its path."""
    path = item.text("path")
    parts = [part for part in path.split("/") if part]
    if parts[-1:] == ["value"] and "env" in parts:
        wanted = path.removesuffix("value") + "name"
        for other in group.items:
            if isinstance(other, Mapping) and other.text("path") == wanted:
                return other.text("value")
    names = [part for part in parts if not part.isdigit() and part != "-"]
    return names[-1].replace("~1", "/").replace("~0", "~") if names else ""
