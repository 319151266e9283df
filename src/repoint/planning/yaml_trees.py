"""Patch bodies before they are YAML: laid over another, and scripts as block scalars."""

from __future__ import annotations

from repoint.planning.places import Step
from repoint.planning.yaml_emit import Block, Tree


def merge_trees(into: dict[str, Tree], more: dict[str, Tree]) -> None:
    """Lay one patch body over another; list items of one name become one."""
    for key, value in more.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            merge_trees(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            _merge_lists(present, value)
        else:
            into[key] = value


def _merge_lists(into: list[Tree], more: list[Tree]) -> None:
    """Named mappings become one, equal scalars stay one, the rest is appended."""
    for item in more:
        if item in into:
            continue
        name = item.get("name") if isinstance(item, dict) else None
        twin = next(
            (o for o in into if name is not None and isinstance(o, dict) and o.get("name") == name),
            None,
        )
        if isinstance(twin, dict) and isinstance(item, dict):
            merge_trees(twin, item)
        else:
            into.append(item)


def block_or_text(text: str) -> Tree:
    """A script as a block scalar, a line as text; exact for every text it accepts."""
    lines = text.split("\n")
    safe = not any(line[:1].isspace() for line in lines[:1]) and "\r" not in text
    printable = all(ch.isprintable() or ch in "\n\t\0" for ch in text)
    if len(lines) < 2 or not safe or not printable or not lines[0]:
        return text
    if text.endswith("\n") and not text.endswith("\n\n"):
        return Block("|", tuple(lines[:-1]))
    if not text.endswith("\n"):
        return Block("|-", tuple(lines))
    return text


def tree_at(steps: tuple[Step, ...], value: Tree) -> dict[str, Tree]:
    """A patch body that holds `value` where `steps` lead."""
    tree: Tree = value
    for step in reversed(steps):
        if isinstance(step, str):
            tree = {step: tree}
        elif isinstance(step, tuple):
            named: dict[str, Tree] = {"name": step[0]}
            tree = [{**named, **tree}] if isinstance(tree, dict) else [named]
        else:
            tree = [tree]
    if not isinstance(tree, dict):
        raise TypeError("steps must begin with a key")
    return tree
