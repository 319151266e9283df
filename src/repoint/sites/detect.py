"""The sites of one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from repoint.formats.base import FileKind, ParsedFile, leaves
from repoint.formats.kinds import kind_of
from repoint.model.consumer import Site
from repoint.sites.context import Scope, file_scope
from repoint.sites.encoded import decoded
from repoint.sites.frame import NO_MAP, Draft, FileView, Position, Role, Value
from repoint.sites.needles import may_hold_site
from repoint.sites.pgpass import pgpass_drafts
from repoint.sites.split import Container, Entry, split_drafts
from repoint.sites.textual import text_drafts
from repoint.sites.tree import Walker

_FLAT = frozenset(
    {FileKind.MAKEFILE, FileKind.SHELL, FileKind.DOCKERFILE, FileKind.XML, FileKind.TEXT}
)


def detect(parsed: ParsedFile) -> tuple[Site, ...]:
    """Every site of a file, in file order; comments hold none, nor do sealed values."""
    if not may_hold_site(parsed.path, parsed.text):
        return ()
    return searched(parsed)


def searched(parsed: ParsedFile) -> tuple[Site, ...]:
    """The same of a file that was told to be worth it by its bytes (`needles`) already."""
    if parsed.kind is FileKind.TEXT and kind_of(parsed.path, parsed.text[:1024].encode()) is None:
        return ()
    view = FileView(parsed.path, parsed.map)
    scope = file_scope(parsed)
    walker = Walker(view)
    return _sites(_drafts(parsed, walker, scope))


def _drafts(parsed: ParsedFile, walker: Walker, scope: Scope) -> Iterator[Draft]:
    rooted = any(document.root is not None for document in parsed.documents)
    if rooted and parsed.kind not in _FLAT:
        yield from walker.roots(parsed, scope)
        if not parsed.problem:
            return
    whole = Value(walker.view, parsed.text, lambda: Position(parsed.map, "", 1, 1))
    if PurePosixPath(parsed.path).name.lower().endswith("pgpass"):
        yield from pgpass_drafts(whole, scope.role)
    elif parsed.kind in _FLAT or not rooted or parsed.problem:
        yield from text_drafts(whole, parsed.kind, scope, walker.script)


def detect_sealed(sealed: ParsedFile, opened: ParsedFile) -> tuple[Site, ...]:
    """Every site of a sops file, read from its decrypted text, placed where the sealed one stands.

    The whole document is read, so that a host finds its family and base64 is read through;
    no part has bytes, since a sealed value is changed by `sops set` alone.
    """
    places = {leaf.pointer: leaf.scalar for leaf in leaves(sealed.documents)}
    found: list[Site] = []
    for site in detect(opened):
        scalar = places.get(site.value_pointer)
        if scalar is None:
            continue
        place = replace(site.location, path=sealed.path, line=scalar.line, column=scalar.column)
        found.append(
            replace(
                site,
                location=place,
                host=replace(site.host, span=None),
                port=replace(site.port, span=None) if site.port else None,
                params=tuple((name, replace(part, span=None)) for name, part in site.params),
                sealed=True,
                display_only="",
            )
        )
    return tuple(found)


def detect_value(
    path: str,
    pointer: str,
    line: int,
    column: int,
    key: str,
    text: str,
    siblings: Mapping[str, str] | None = None,
) -> tuple[Site, ...]:
    """The sites in a decrypted value of a sealed file; none of their parts has bytes.

    `siblings` holds the decrypted values beside it by key, so that a host finds its port,
    database and user. A `data` value of a Secret is read through its base64, if it has it still.
    """
    view = FileView(path, sealed=True)
    kind = kind_of(path, b"") or FileKind.YAML
    manifest = kind in (FileKind.YAML, FileKind.JSON)
    roles = {FileKind.DOTENV: Role.DOTENV, FileKind.HELM_TEMPLATE: Role.TEMPLATE}
    role = Role.MANIFEST if manifest else roles.get(kind, Role.CONFIG)
    parts = pointer.strip("/").split("/")
    trail = tuple(part for part in parts[:-1] if not part.isdigit())
    scope = Scope(role, trail=trail, env=manifest and bool({"data", "stringData"} & set(trail)))

    def entry(name: str, value_text: str) -> Entry:
        value = Value(view, value_text, lambda: Position(NO_MAP, pointer, line, column))
        plain = decoded(value) if trail[-1:] == ("data",) else None
        return Entry(name, plain if plain is not None and plain.text.isprintable() else value)

    own = entry(key, text)
    others = [entry(name, value) for name, value in (siblings or {}).items() if name != key]
    container = Container((own, *others), role, trail=trail, env=scope.env)
    drafts = [draft for draft in split_drafts(container) if draft.host.value is own.value]
    drafts += Walker(view, origin=own.value).entry(own, scope, container)
    return _sites(drafts)


def _sites(drafts: Iterable[Draft]) -> tuple[Site, ...]:
    """The drafts as sites: each host once, in file order."""
    seen: set[object] = set()
    sites: list[tuple[tuple[int, int, int, int], Site]] = []
    for order, draft in enumerate(drafts):
        site = draft.site()
        identity: object = site.host.span or (
            site.value_pointer,
            site.host.text,
            site.start,
            site.encoded,
        )
        if identity in seen:
            continue
        seen.add(identity)
        place = site.location
        sites.append(((place.line, place.column, site.start, order), site))
    return tuple(site for _, site in sorted(sites, key=lambda pair: pair[0]))
