"""What is known of programs, images, kinds and libraries that talk to PostgreSQL.

repoint brings tables of these values along; a repository and installed packages add their own.
Both are the same values and are asked in the same places. What was added counts while `knowing`
runs, in the thread that runs it: everything else knows the built-in tables alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple

from repoint.model.consumer import Purpose

_Asked = TypeVarTuple("_Asked")
_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options, without their dashes, in which a program takes a server's address."""

    host: tuple[str, ...] = ()
    port: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    database: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """A program: what it wants from PostgreSQL when it is run like that.

    `commands` are words in order, the first one the program without its folder; options between
    them do not matter, `a|b` are alternatives, `*` stands for any text. `images` are the ends of
    image names, without registry, tag and digest; `*` as before. `program` is what the image runs
    when only `args` are given (else the image's last name). `plain` tells that the program's name
    is an everyday word, which counts only where a program stands. `starts` says what it does to
    the schema at start. `driver` is the driver it speaks through. `waits` tells that it waits for
    the server that its words name (`host:port`, or `host port`), `server` in which options it takes
    one. `files` are the names of its own settings files. `source` says where that is known from,
    `origin` who told repoint (empty: repoint itself).
    """

    name: str
    purpose: Purpose
    source: str = ""
    commands: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    program: str = ""
    plain: bool = False
    starts: str = ""
    driver: str = ""
    waits: bool = False
    server: ServerOptions | None = None
    files: tuple[str, ...] = ()
    origin: str = ""

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of its programs that are spelled out, without those with a `*`."""
        heads = (name for line in self.commands for name in line.split()[0].split("|"))
        return tuple(dict.fromkeys(name for name in heads if "*" not in name))


@dataclass(frozen=True, slots=True)
class ImageHabit:
    """What an image's program keeps in its session, where its source text is elsewhere.

    `images` as in `Tool`. `driver` is what it speaks through. `keeps` are kinds of evidence such
    as `listen` or `advisory-lock`, `says` tells that in words, `subject` names the setting it is
    about. `when` and `unless` are `NAME=value`: with that environment variable alone the entry
    holds, or it keeps nothing.
    """

    name: str
    images: tuple[str, ...]
    source: str = ""
    driver: str = ""
    keeps: tuple[str, ...] = ()
    says: str = ""
    subject: str = ""
    when: str = ""
    unless: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class SecretMaker:
    """How a kind says which Secret will be made of it; each field is a dotted path in the object.

    `name` holds the Secret's name (by default the object's own). `keys` is a list with an item
    for each key, of which `key` is the key and `remote` where its value lives; or a mapping, whose
    names are the keys. `template` is a mapping of keys to values that stand in clear text.
    """

    name: str = ""
    keys: str = ""
    key: str = ""
    remote: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class KindHabit:
    """A Kubernetes kind: what its objects use PostgreSQL for, and how they run.

    `purpose` is what they want, whatever they run (None: their containers tell). `runs` is
    `serves` for what keeps running, `finishes` for what ends, or empty. `secret` is for kinds of
    which a Secret is made.
    """

    kind: str
    purpose: Purpose | None = None
    runs: str = ""
    secret: SecretMaker | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Library:
    """A library that a program depends on, found by its name in a manifest.

    `manifest` is the file's name, such as `go.mod` or `package.json`; `*` stands for any text.
    `dependency` is its name there. `driver` is the driver that it brings along, `keeps` and
    `says` are as in `ImageHabit`.
    """

    name: str
    manifest: str
    dependency: str
    source: str = ""
    driver: str = ""
    keeps: tuple[str, ...] = ()
    says: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Knowledge:
    """What was added to the built-in tables; what comes first wins.

    `mark` is a digest of what did not come from the repository: plans carry it in their
    fingerprint, kept answers in their key. It is empty where nothing came from elsewhere.
    """

    tools: tuple[Tool, ...] = ()
    images: tuple[ImageHabit, ...] = ()
    kinds: tuple[KindHabit, ...] = ()
    libraries: tuple[Library, ...] = ()
    mark: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added."""
        return not (self.tools or self.images or self.kinds or self.libraries)


NOTHING_ADDED = Knowledge()
"""The built-in tables alone."""

_IN_FORCE: ContextVar[Knowledge] = ContextVar("repoint_knowledge", default=NOTHING_ADDED)


def in_force() -> Knowledge:
    """What was added to the tables for the work at hand."""
    return _IN_FORCE.get()


@contextmanager
def knowing(added: Knowledge) -> Iterator[None]:
    """Let `added` count while the block runs, in this thread."""
    token = _IN_FORCE.set(added)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def remembered(maxsize: int) -> Callable[[Callable[[*_Asked], _Told]], Callable[[*_Asked], _Told]]:
    """`lru_cache` for a function that asks the tables: an answer counts for what was known then."""

    def wrap(function: Callable[[*_Asked], _Told]) -> Callable[[*_Asked], _Told]:
        @lru_cache(maxsize=maxsize)
        def kept(known: Knowledge, *args: *_Asked) -> _Told:
            return function(*args)

        @wraps(function)
        def ask(*args: *_Asked) -> _Told:
            return kept(_IN_FORCE.get(), *args)

        return ask

    return wrap


def joined(parts: Iterable[Knowledge], mark: str = "") -> Knowledge:
    """All that `parts` tell as one, in their order."""
    known = tuple(parts)
    return Knowledge(
        tools=tuple(one for part in known for one in part.tools),
        images=tuple(one for part in known for one in part.images),
        kinds=tuple(one for part in known for one in part.kinds),
        libraries=tuple(one for part in known for one in part.libraries),
        mark=mark,
    )


def told_by(origin: str) -> str:
    """How evidence names where it was told; empty for what repoint knows by itself."""
    return f", says {origin}" if origin else ""
