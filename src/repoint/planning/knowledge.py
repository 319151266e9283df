"""Knowledge that people add, as data: read, checked, and made into values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from repoint.errors import ConfigError
from repoint.model.consumer import Purpose
from repoint.model.knowledge import (
    ImageHabit,
    KindHabit,
    Knowledge,
    Library,
    SecretMaker,
    ServerOptions,
    Tool,
)
from repoint.planning.knowledge_keys import (
    SECTIONS,
    ImageSection,
    KindSection,
    KnowledgeData,
    LibrarySection,
    ToolSection,
)
from repoint.planning.strict import checked, yaml_data


def knowledge_in(text: str, path: str) -> Knowledge:
    """The knowledge in the YAML text of a file of that `path`.

    Raises:
        ConfigError: it is no YAML mapping, or a key or value is wrong; it names file and line.
    """
    data = yaml_data(text, path)
    if not isinstance(data, dict):
        raise ConfigError(f"`{path}` line 1 must be a mapping with `tools`, `images` or others")
    return made_of(checked(data, KnowledgeData, path, text), path)


def knowledge_of(data: object, origin: str) -> Knowledge:
    """The knowledge in a mapping, or in a `Knowledge` that somebody made, told by `origin`.

    Raises:
        ConfigError: a key or a value is wrong; it names where.
    """
    if isinstance(data, Knowledge):
        data = _as_data(data)
    return made_of(checked(data, KnowledgeData, origin, ""), origin)


def made_of(data: KnowledgeData, origin: str) -> Knowledge:
    """The values of a section that was checked.

    Raises:
        ConfigError: an entry says nothing, names a driver that is not known, or has too many `*`.
    """
    _check_drivers(origin, (*data.tools, *data.images, *data.libraries))
    for tool in data.tools:
        _check_globs(origin, tool.name, (*tool.commands, *tool.images, *tool.files))
        if not (tool.commands or tool.images or tool.files):
            raise _wrong(origin, tool.name, "has neither `commands`, `images` nor `files`")
        if (tool.waits or tool.server) and not _tool(tool, origin).programs:
            raise _wrong(origin, tool.name, "needs a command whose program has no `*`")
    _check_habits(origin, (*data.images, *data.libraries))
    return Knowledge(
        tools=tuple(_tool(one, origin) for one in data.tools),
        images=tuple(_image(one, origin) for one in data.images),
        kinds=tuple(_kind(one, origin) for one in data.kinds),
        libraries=tuple(_library(one, origin) for one in data.libraries),
    )


def _check_habits(origin: str, entries: Iterable[ImageSection | LibrarySection]) -> None:
    for one in entries:
        _check_globs(origin, one.name, one.images if isinstance(one, ImageSection) else ())
        if not (one.driver or one.keeps):
            raise _wrong(origin, one.name, "has neither `driver` nor `keeps`")
        if one.keeps and not one.says:
            raise _wrong(origin, one.name, "keeps something, and `says` does not tell what")


def digest_of(known: Knowledge) -> str:
    """SHA-256 of everything in it, in hex; empty for nothing."""
    if known.is_empty:
        return ""
    parts = (known.tools, known.images, known.kinds, known.libraries)
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def schema() -> dict[str, object]:
    """JSON schema of a file that `knowledge.files` names, for editors."""
    from repoint.planning.described import schema_of

    return schema_of(KnowledgeData, SECTIONS, "knowledge that is added to repoint's own")


def _tool(one: ToolSection, origin: str) -> Tool:
    told = one.server
    server = ServerOptions(told.host, told.port, told.user, told.database) if told else None
    return Tool(
        *(one.name, Purpose(one.purpose), one.source, one.commands, one.images, one.program),
        plain=one.plain,
        starts=one.starts,
        driver=one.driver,
        waits=one.waits,
        server=server,
        files=one.files,
        origin=origin,
    )


def _image(one: ImageSection, origin: str) -> ImageHabit:
    return ImageHabit(
        *(one.name, one.images, one.source, one.driver, one.keeps, one.says),
        *(one.subject, one.when, one.unless, origin),
    )


def _kind(one: KindSection, origin: str) -> KindHabit:
    told = one.secret
    secret = None
    if told is not None:
        secret = SecretMaker(told.name, told.keys, told.key, told.remote, told.template)
    purpose = Purpose(one.purpose) if one.purpose is not None else None
    return KindHabit(one.kind, purpose, one.runs, secret, origin)


def _library(one: LibrarySection, origin: str) -> Library:
    return Library(
        *(one.name, one.manifest, one.dependency, one.source, one.driver, one.keeps),
        *(one.says, origin),
    )


def _as_data(known: Knowledge) -> dict[str, object]:
    """Values as the data that they would be written as, so that they are checked alike."""
    parts = {"tools": known.tools, "images": known.images}
    more = {"kinds": known.kinds, "libraries": known.libraries}
    return {name: [_entry(one) for one in part] for name, part in {**parts, **more}.items()}


def _entry(one: object) -> dict[str, object]:
    data: dict[str, object] = msgspec.to_builtins(one)
    return {key: value for key, value in data.items() if key != "origin"}


def _check_drivers(
    origin: str, entries: Iterable[ToolSection | ImageSection | LibrarySection]
) -> None:
    for one in entries:
        if not one.driver:
            continue
        from repoint.rules.driver_table import SHAPES

        if one.driver not in SHAPES:
            known = ", ".join(sorted(SHAPES))
            raise _wrong(origin, one.name, "names a driver that is not known", f"known: {known}")


def _check_globs(origin: str, name: str, patterns: Iterable[str]) -> None:
    if any(word.count("*") > 3 for line in patterns for word in line.split(" ")):
        raise _wrong(origin, name, "has a word with more than three `*`")


def _wrong(origin: str, name: str, what: str, hint: str = ConfigError.default_hint) -> ConfigError:
    return ConfigError(f"`{origin}`: `{name}` {what}", hint=hint)
