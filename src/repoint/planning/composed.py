"""The objects of a render as libyaml composes them: their texts, and no places.

A render has tens of thousands of lines of which nobody asks where they stand. What is not
plainly written, such as an alias, is left to the reader that knows all of YAML's corners.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import yaml

Fields = dict[str, str]
Objects = dict[str, Fields]

HEAD = (("kind",), ("metadata", "namespace"), ("metadata", "name"))
"""What an object is called by."""


class _Unsure(Exception):
    """Something that the other reader should read."""


def composed(rendered: str) -> Objects | None:
    """The objects by name, each to its leaves; None where the text is not plain YAML."""
    if "{{" in rendered:
        return None
    found: Objects = {}
    seen: set[int] = set()
    try:
        for root in list(yaml.compose_all(rendered, Loader=yaml.CBaseLoader)):
            if isinstance(root, yaml.MappingNode):
                head = (_text(root, *keys) for keys in HEAD)
                found[free_name(found, head)] = dict(_leaves(root, "", seen))
    except (yaml.YAMLError, _Unsure, RecursionError):
        return None
    return found


def free_name(taken: Collection[str], parts: Iterable[str]) -> str:
    """The name of an object, told from others of the same name by a `+`."""
    name = "/".join(part for part in parts if part)
    while name in taken:
        name += "+"
    return name


def _text(node: yaml.Node | None, *keys: str) -> str:
    """The text of the scalar at a path of keys, or an empty string."""
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for name, value in pairs if name.value == key), None)
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _leaves(node: yaml.Node, at: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    if isinstance(node, yaml.ScalarNode):
        yield at, node.value
        return
    if id(node) in seen:
        raise _Unsure
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        if not node.value:
            yield at, "{}"
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Unsure
            yield from _leaves(value, f"{at}.{key.value}" if at else key.value, seen)
        return
    items = node.value
    names = [_text(item, "name") for item in items]
    by_name = all(names) and len(set(names)) == len(names)
    if not items:
        yield at, "[]"
    for index, item in enumerate(items):
        yield from _leaves(item, f"{at}[{names[index] if by_name else index}]", seen)
