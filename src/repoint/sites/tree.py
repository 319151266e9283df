"""Walk a tree of keys and values and find the sites in it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from repoint.dsn.params import HOST_NAMES
from repoint.formats.base import FileKind, Mapping, Node, ParsedFile, Scalar, Sequence
from repoint.formats.read import read_embedded
from repoint.sites.arguments import argv_drafts, shell_script
from repoint.sites.clients import Setting
from repoint.sites.commands import base_name
from repoint.sites.context import (
    SKIPPED_KEYS,
    Scope,
    enter_container,
    enter_object,
    is_object,
    is_skipped,
    values_key,
)
from repoint.sites.encoded import decoded
from repoint.sites.frame import Draft, FileView, Role, Value
from repoint.sites.keys import host_key, looks_like_env
from repoint.sites.lexicon import lexicon
from repoint.sites.naming import ENV_MAPS, below, hint, shown, shown_key
from repoint.sites.nested import nested_kind, nested_scope
from repoint.sites.operators import operator_drafts
from repoint.sites.pgpass import pgpass_drafts
from repoint.sites.places import value_at
from repoint.sites.pruning import OWN, SHORTEST, Live, find_live, telling_name, telling_text
from repoint.sites.scripts import looks_like_script, read_script
from repoint.sites.shapes import ARGV, LINES, pair_of, patch_key, patch_of, runs
from repoint.sites.split import Container, Entry, engine_of, split_drafts, with_companions
from repoint.sites.textual import text_drafts
from repoint.sites.urls import dsn_drafts, name_before

MAX_NESTING = 4
_BESIDE = lexicon("auth jsonData credentials connection options params config login")


class Walker(Struct, frozen=True, eq=False):
    """Finds the drafts of one document, or of a document inside a scalar (`origin`).

    `live` holds the collections of the document that can hold a site; others are passed by.
    """

    view: FileView
    origin: Value | None = None
    depth: int = 0
    live: Live = field(default_factory=dict)

    def roots(self, parsed: ParsedFile, scope: Scope) -> Iterator[Draft]:
        """The drafts of every document of a parsed file."""
        key = scope.trail[-1] if scope.trail else ""
        for document in parsed.documents:
            root = document.root
            if root is None:
                continue
            secret = isinstance(root, Mapping) and "Secret" in (scope.kind, root.text("kind"))
            find_live(root, key, self.live, encoded=secret)
            if isinstance(root, Scalar) or self.live[id(root)]:
                yield from self.node(root, scope, (str(document.index),))

    def node(self, node: Node, scope: Scope, path: tuple[str, ...]) -> Iterator[Draft]:
        """The drafts of a node and all below it."""
        if isinstance(node, Mapping):
            yield from self._mapping(node, scope, path)
        elif isinstance(node, Sequence):
            yield from self._sequence(node, scope, path)
        else:
            key = scope.trail[-1] if scope.trail else ""
            entry = Entry(key, self._value(node, path))
            yield from self.entry(entry, scope, Container((entry,), scope.role))

    def _value(self, scalar: Scalar, path: tuple[str, ...]) -> Value:
        return value_at(scalar, path, self.view, self.origin)

    def _mapping(self, node: Mapping, scope: Scope, path: tuple[str, ...]) -> Iterator[Draft]:
        keys = {key.text for key, _ in node.pairs}
        if "apiVersion" in keys and is_object(node):
            scope = enter_object(node, scope)
            if is_skipped(scope):
                yield from operator_drafts(node, scope, self._value, path)
                return
        if "image" in keys:
            scope = enter_container(node, scope)
        if "literals" in keys:
            scope = scope._replace(owner=node.text("name"))
        if self.live[id(node)] == OWN:
            yield from self._own(node, scope, path)
            return
        settings = (
            (key.text, value.text) for key, value in node.pairs if isinstance(value, Scalar)
        )
        scope = scope._replace(engine=engine_of(settings, scope.engine))
        yield from self._blocks(node, scope, path)
        for key, value in node.pairs:
            if self.live.get(id(value)) and key.text not in SKIPPED_KEYS:
                yield from self.node(value, below(scope, key.text), (*path, key.text))

    def _own(self, node: Mapping, scope: Scope, path: tuple[str, ...]) -> Iterator[Draft]:
        """The drafts of a mapping some of whose own scalars can hold a site."""
        pair = pair_of(node)
        if pair is not None:
            yield from self._pairs([(node, path)], scope)
        container = self._container(node, scope, path)
        yield from split_drafts(container)
        settings = ((entry.name, entry.value.text) for entry in container.entries)
        scope = scope._replace(engine=engine_of(settings, scope.engine))
        yield from self._blocks(node, scope, path)
        yield from self._commands(node, scope, path)
        taken = {"value", "Value"} if pair is not None else set()
        for key, value in node.pairs:
            if key.text in SKIPPED_KEYS or key.text in taken:
                continue
            if not (key.text in ARGV and runs(node, value, scope)):
                yield from self._child(node, key.text, value, scope, path, container)

    def _child(
        self, node: Mapping, key: str, value: Node, scope: Scope, path: tuple[str, ...],
        container: Container,
    ) -> Iterator[Draft]:  # fmt: skip
        if isinstance(value, Scalar):
            if scope.kind == "Secret" and path[1:] == ("data",):
                yield from self._encoded(node, key, value, scope, path)
                return
            entry = Entry(key, self._value(value, (*path, key)))
            yield from self.entry(entry, scope, container)
        elif self.live.get(id(value)):
            yield from self.node(value, below(scope, key), (*path, key))

    def _container(self, node: Mapping, scope: Scope, path: tuple[str, ...]) -> Container:
        encoded = scope.kind == "Secret" and path[1:] == ("data",)
        entries: list[Entry] = []
        nested: list[Entry] = []
        for key, value in node.pairs:
            if isinstance(value, Scalar):
                read = self._value(value, (*path, key.text))
                plain = decoded(read) if encoded else read
                if plain is not None:
                    entries.append(Entry(key.text, plain))
            elif isinstance(value, Mapping) and (key.text in _BESIDE or key.text == "<<"):
                nested += [
                    Entry(name.text, self._value(inner, (*path, key.text, name.text)))
                    for name, inner in value.pairs
                    if isinstance(inner, Scalar)
                ]
        trail = scope.trail
        if scope.env and scope.kind in {"Secret", "ConfigMap"}:
            trail = (scope.name,)
        return Container(
            entries, scope.role, trail=trail, nested=nested, hint=hint(scope),
            key_prefix=shown(scope), env=scope.env, templates=scope.templates, engine=scope.engine,
        )  # fmt: skip

    def _blocks(self, node: Mapping, scope: Scope, path: tuple[str, ...]) -> Iterator[Draft]:
        """Repeated blocks of name and value, as `set {}` and `env {}` of HCL."""
        if scope.role is not Role.HCL:
            return
        groups: dict[str, list[tuple[Mapping, tuple[str, ...]]]] = {}
        for key, value in node.pairs:
            if isinstance(value, Mapping) and pair_of(value):
                groups.setdefault(key.text, []).append((value, (*path, key.text)))
        for group in groups.values():
            if len(group) > 1:
                yield from self._pairs(group, scope)

    def _sequence(self, node: Sequence, scope: Scope, path: tuple[str, ...]) -> Iterator[Draft]:
        key = scope.trail[-1] if scope.trail else ""
        pairs = [
            (item, (*path, str(index)))
            for index, item in enumerate(node.items)
            if isinstance(item, Mapping) and (pair_of(item) or patch_of(item))
        ]
        if pairs:
            yield from self._pairs(pairs, scope)
        seen = {id(item) for item, _ in pairs}
        if self.live[id(node)] == OWN:
            yield from self._items(node, key, scope, path)
        for index, item in enumerate(node.items):
            if isinstance(item, Scalar) or not self.live.get(id(item)):
                continue
            if id(item) in seen and isinstance(item, Mapping):
                value = item.get("value")
                if patch_of(item) and value is not None and not isinstance(value, Scalar):
                    name = patch_key(item, node.items)
                    inner = scope._replace(trail=(name,), shown=(), env=name in ENV_MAPS)
                    yield from self.node(value, inner, (*path, str(index), "value"))
                continue
            yield from self.node(item, scope, (*path, str(index)))

    def _items(
        self, node: Sequence, key: str, scope: Scope, path: tuple[str, ...]
    ) -> Iterator[Draft]:
        scalars = [
            self._value(item, (*path, str(index)))
            for index, item in enumerate(node.items)
            if isinstance(item, Scalar)
        ]
        yield from self._scalars(scalars, key, scope)

    def _scalars(self, values: list[Value], key: str, scope: Scope) -> Iterator[Draft]:
        entries = []
        rest = []
        for value in values:
            name, equals, _ = value.text.partition("=")
            named = equals and (host_key(name) or looks_like_env(name)) and " " not in name
            if name.lower() in HOST_NAMES and next(dsn_drafts(value, key, scope.role), None):
                rest.append(value)  # a whole connection string that begins with its host
            elif named or (equals and key in ENV_MAPS and " " not in name):
                entries.append(Entry(name, value.cut(len(name) + 1, len(value.text))))
            else:
                rest.append(value)
        if entries:
            container = Container(
                entries, scope.role, trail=(scope.owner,) if key == "literals" else scope.trail,
                hint=hint(scope), env=True, templates=scope.templates,
            )  # fmt: skip
            yield from split_drafts(container)
            for entry in entries:
                yield from self.entry(entry, scope, container)
        if (
            key not in LINES
            and len(rest) > 1
            and looks_like_script(" ".join(value.text for value in rest))
        ):
            yield from argv_drafts(rest, self._setting(scope))
            return
        for value in rest:
            entry = Entry(key, value)
            yield from self.entry(entry, scope, Container((entry,), scope.role))

    def _pairs(self, items: list[tuple[Mapping, tuple[str, ...]]], scope: Scope) -> Iterator[Draft]:
        """Entries that are items of a list: `name` and `value`, or JSON patch operations."""
        entries: list[Entry] = []
        group = [item for item, _ in items]
        for item, path in items:
            pair = pair_of(item)
            name = pair[0] if pair else patch_key(item, group)
            value = pair[1] if pair else item.get("value")
            if isinstance(value, Scalar):
                slot = next(key.text for key, node in item.pairs if node is value)
                entries.append(Entry(name, self._value(value, (*path, slot))))
        container = Container(
            entries, scope.role, hint=hint(scope), trail=scope.trail[:-1],
            env=scope.role is Role.MANIFEST, templates=scope.templates,
        )  # fmt: skip
        yield from split_drafts(container)
        for entry in entries:
            yield from self.entry(entry, scope, container)

    def _encoded(
        self, node: Mapping, key: str, value: Scalar, scope: Scope, path: tuple[str, ...]
    ) -> Iterator[Draft]:
        read = self._value(value, (*path, key))
        plain = decoded(read)
        if plain is not None:
            container = self._container(node, scope, path)
            yield from self.entry(Entry(key, plain), scope, container)
        elif "{{" in read.text:
            yield from self.entry(Entry(key, read), scope, Container((), scope.role))

    def _commands(self, node: Mapping, scope: Scope, path: tuple[str, ...]) -> Iterator[Draft]:
        words: list[Value] = []
        for key in ARGV:
            value = node.get(key)
            if value is None or not runs(node, value, scope):
                continue
            inner = scope._replace(probe=scope.probe or key == "test")
            if isinstance(value, Scalar) and key != "test" and not set(value.text) & set(" \n"):
                words.append(self._value(value, (*path, key)))
            elif isinstance(value, Scalar):
                yield from self.script(self._value(value, (*path, key)), inner)
            elif isinstance(value, Sequence):
                words += [
                    self._value(item, (*path, key, str(index)))
                    for index, item in enumerate(value.items)
                    if isinstance(item, Scalar)
                ]
        if words:
            named = any(node.get(key) for key in ARGV if key != "args")
            yield from self._argv(words, scope, named=named)

    def _argv(self, words: list[Value], scope: Scope, *, named: bool) -> Iterator[Draft]:
        if scope.asks_itself:
            return
        script = shell_script(words)
        if script is not None:
            yield from self.script(script, scope)
        elif len(words) == 1 and " " in words[0].text:
            yield from self.script(words[0], scope)
        else:
            yield from argv_drafts(words, self._setting(scope, program=not named))
            for word in words:
                if "\n" in word.text and looks_like_script(word.text):
                    yield from self.script(word, scope)

    def script(self, value: Value, scope: Scope) -> Iterator[Draft]:
        """The drafts of a shell script and of the documents it writes."""
        if scope.asks_itself:
            return
        drafts, documents = read_script(value, self._setting(scope, program=False))
        yield from drafts
        if self.depth < MAX_NESTING:  # a document may be a script that writes itself
            inner = Walker(self.view, self.origin, self.depth + 1, self.live)
            for document in documents:
                yield from inner.entry(Entry("", document), scope, Container((), scope.role))

    def _setting(self, scope: Scope, *, program: bool = True) -> Setting:
        image = scope.image.split("@")[0].rsplit("/", 1)[-1].split(":")[0]
        name = base_name(image) or scope.container
        return Setting(
            scope.role, name if program else "", own_server=scope.own_server,
            templates=scope.templates,
        )  # fmt: skip

    def entry(self, entry: Entry, scope: Scope, container: Container) -> Iterator[Draft]:
        """The drafts inside one value: a nested document, a script, or a plain string."""
        text = entry.value.text
        if len(text) < SHORTEST or entry.name in SKIPPED_KEYS:
            return
        in_scripts = scope.trail[-1:] == ("scripts",)
        if not (in_scripts or telling_text(text) or telling_name(entry.name)):
            return
        if entry.name.endswith("pgpass"):
            yield from pgpass_drafts(entry.value, scope.role)
            return
        kind = nested_kind(entry.name, text) if self.depth < MAX_NESTING else None
        if kind is FileKind.SHELL or (
            kind is not FileKind.JSON and self._is_script(entry, kind, scope)
        ):
            yield from self.script(entry.value, scope)
        elif kind is not None:
            yield from self._nested(entry, kind, scope)
        else:
            for draft in dsn_drafts(entry.value, shown_key(entry.name, scope), scope.role):
                key = draft.key or name_before(text, draft.start, loose=True) or "text"
                yield with_companions(replace(draft, key=key), entry.name, container)

    def _is_script(self, entry: Entry, kind: FileKind | None, scope: Scope) -> bool:
        in_scripts = scope.trail[-1:] == ("scripts",)
        if entry.name in LINES or entry.name in ARGV or in_scripts:
            return True
        text = entry.value.text
        return kind in (None, FileKind.TEXT) and "\n" in text and looks_like_script(text)

    def _nested(self, entry: Entry, kind: FileKind, scope: Scope) -> Iterator[Draft]:
        value = entry.value
        name = entry.name or "text"
        parsed = read_embedded(name, value.text, value.map, kind, first_line=value.position.line)
        inner = nested_scope(scope, entry.name, kind)
        walker = Walker(self.view, value, self.depth + 1)
        if parsed.documents and any(doc.root is not None for doc in parsed.documents):
            if values_key(scope, entry.name):
                inner = inner._replace(role=Role.HELM_VALUES, kind="", trail=(), shown=())
            found = False
            for draft in walker.roots(parsed, inner):
                found = True
                yield draft
            if found or not parsed.problem:
                return
        yield from text_drafts(value, kind, inner, walker.script)
