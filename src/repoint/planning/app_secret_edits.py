"""A variable that CloudNativePG's own Secret filled, given the Pooler's host (CN12).

The user and the password stay in the Secret; a connection string is composed of its parts, which
have to stand before it: kustomize puts a patch's new variables first, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from repoint.formats.base import Mapping, Node, Scalar, Sequence
from repoint.kube.effective import Value
from repoint.kube.resource import Resource
from repoint.model.consumer import Use
from repoint.planning.app_secret import AppSecretRead
from repoint.planning.deliver import Delivery
from repoint.planning.ground import Ground, edit_of
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.places import Step, at_steps, container_steps, field_of, object_name
from repoint.planning.site_edits import Goal
from repoint.planning.wishes import Reason
from repoint.planning.yaml_emit import Token, Tree, YamlStyle, emit_item, newline_of, scalar_text
from repoint.rules.app_secret import PARTS, SCHEMES, composed, part_names


@dataclass(frozen=True, slots=True)
class _Given:
    """The new text of a variable, and the variables that have to stand before it."""

    text: str
    before: tuple[dict[str, Tree], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The new variables."""
        return tuple(str(one["name"]) for one in self.before)


def give_host(
    delivery: Delivery, read: AppSecretRead, use: Use, goal: Goal, reason: Reason
) -> bool:
    """Give a variable the Pooler's host; False when nothing of the environment can carry it."""
    resource = read.resource
    steps = container_steps(resource, use.workload.container) if resource is not None else None
    given = _given(read, goal)
    if resource is None or steps is None or given is None:
        return False
    made = _in_place(delivery, resource, steps, use, given, reason)
    if made:
        for one in made:
            delivery.take(one)
        return True
    if not delivery.can_override(use, resource):
        return False
    for item in given.before:
        new = {name: tree for name, tree in item.items() if name != "name"}
        delivery.add_variable(resource, steps, str(item["name"]), new, reason)
    literal: dict[str, Tree] = {"value": given.text, "valueFrom": Token("null")}
    delivery.add_variable(resource, steps, use.variable, literal, reason)
    return True


def _given(read: AppSecretRead, goal: Goal) -> _Given | None:
    told = read.told
    if told.key not in SCHEMES:
        return _Given(goal.host, ())
    names = part_names(told.variable)
    if set(names) & set(read.view.env_names):
        return None
    parts = tuple(_part(told.secret, *pair) for pair in zip(names, PARTS, strict=True))
    return _Given(composed(told.key, names, goal.host, goal.sslmode), parts)


def _part(secret: str, name: str, key: str) -> dict[str, Tree]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _in_place(
    delivery: Delivery,
    resource: Resource,
    steps: tuple[Step, ...],
    use: Use,
    given: _Given,
    reason: Reason,
) -> list[PlannedEdit]:
    """The reference replaced where it stands; nothing where the file is shared or laid out oddly.

    A variable of its own file is one item of a list, on lines of its own. What another container
    takes by an alias, which may be a migration, is not for one of them to change.
    """
    ground = delivery.ground
    spot = (*steps, "env", (use.variable,), "valueFrom", "secretKeyRef", "key")
    key = at_steps(resource.body, spot)
    if not isinstance(key, Value) or not _is_own(delivery, key):
        return []
    path = key.origin.path
    item = _item(ground, path, key.origin.pointer)
    source = item.get("valueFrom") if item is not None else None
    if item is None or source is None:
        return []
    raw = ground.read(path)
    name = next(name for name, _ in item.pairs if name.text == "valueFrom")
    start, end = name.span.start, _end(source)
    line = raw.rfind(b"\n", 0, item.span.start) + 1
    if any(mark in raw[start:end] for mark in (b"#", b"&")):
        return []
    if given.before and raw[line : item.span.start].strip() != b"-":
        return []
    edit = edit_of(reason, pointer=key.origin.pointer, line=name.line, key=use.variable)
    head = f"{object_name(resource)}#"
    places = [head + field_of((*steps, "env", (one,))) for one in (*given.names, use.variable)]
    text, old = f"value: {scalar_text(given.text)}", raw[start:end].decode()
    made = [replace(edit, start=start, end=end, before=old, after=text, expects=(places[-1],))]
    if given.before:
        new = _lines(given, raw, line)
        made.append(replace(edit, start=line, end=line, after=new, expects=tuple(places[:-1])))
    return [PlannedEdit(path, one) for one in made]


def _is_own(delivery: Delivery, key: Value) -> bool:
    owned = not key.origin.embedded and delivery.ground.owned(key.origin.path)
    return owned and delivery.stands_alone(key)


def _lines(given: _Given, raw: bytes, start: int) -> str:
    """The new variables, indented like the item whose line starts at a byte."""
    column = len(raw[start:]) - len(raw[start:].lstrip(b" "))
    style = YamlStyle(newline=newline_of(raw))
    lines = (line for one in given.before for line in emit_item(one, style, column))
    return "".join(line + style.newline for line in lines)


def _item(ground: Ground, path: str, pointer: str) -> Mapping | None:
    """The item of `env` that a pointer to `valueFrom/secretKeyRef/key` leads through."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if parts[-3:] != ["valueFrom", "secretKeyRef", "key"] or not parts[0].isdigit():
        return None
    documents = ground.files[path].documents
    node: Node | None = next((d.root for d in documents if d.index == int(parts[0])), None)
    for part in parts[1:-3]:
        if isinstance(node, Mapping):
            node = node.get(part)
        elif isinstance(node, Sequence) and part.isdigit() and int(part) < len(node.items):
            node = node.items[int(part)]
        else:
            return None
    return node if isinstance(node, Mapping) else None


def _end(node: Node) -> int:
    """Where a value's own text ends: the brackets, or its last scalar."""
    while not isinstance(node, Scalar) and not node.flow:
        node = node.items[-1] if isinstance(node, Sequence) else node.pairs[-1][1]
    return node.span.end
