"""The keys of knowledge that people add, and what may stand there.

The same keys serve `knowledge:` in repoint.yaml, the files that it names, and packages with an
entry point. Words and `*` are all the patterns there are: nothing that somebody writes here is
run, and nothing makes matching slow.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MOST_ENTRIES = 500
"""Entries of one kind in one place: each command of a repository is held against all of them."""

_END = r"$(?!\n)"
_WORD = r"[\w.+*|:/@=,-]+"


def _matching(pattern: str) -> msgspec.Meta:
    return msgspec.Meta(pattern=f"^{pattern}{_END}")


_Name = Annotated[str, _matching(r"[^\x00-\x1f`]{1,60}")]
_Said = Annotated[str, _matching(r"[^\x00-\x1f`]{0,160}")]
_Command = Annotated[str, _matching(f"{_WORD}( {_WORD}){{0,9}}"), msgspec.Meta(max_length=400)]
_Glob = Annotated[str, _matching(r"[\w.+*:@-]{1,120}")]
_Image = Annotated[str, _matching(r"[a-z0-9._/*:-]{1,120}")]
_Program = Annotated[str, _matching(r"[\w.+/-]{0,60}")]
_Path = Annotated[str, _matching(r"([\w-]{1,60}(\.[\w-]{1,60}){0,9})?")]
_Option = Annotated[str, _matching(r"[A-Za-z0-9][\w.-]{0,60}")]
_Setting = Annotated[str, _matching(r"[\w.]{0,60}")]
_Condition = Annotated[str, _matching(r"([A-Za-z_]\w{0,80}=[\w.-]{0,80})?")]
_Kind = Annotated[str, _matching(r"[A-Z][A-Za-z0-9]{0,80}")]
_Dependency = Annotated[str, _matching(r"[\w.@/:+-]{1,160}")]
Wanted = Literal[
    "runtime",
    "migration",
    "admin",
    "backup",
    "replication",
    "probe",
    "monitoring",
    "local-development",
]
"""What somebody may say that a program, a kind or a consumer wants from PostgreSQL."""
Keeps = Literal[
    "advisory-lock",
    "last-id",
    "listen",
    "migrator",
    "server-cursor",
    "session-guc",
    "set-role",
    "sql-prepare",
    "startup-setting",
    "temp-table",
    "two-trips",
    "with-hold",
]
"""What a program may be said to keep in its session."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every section: unknown keys are refused."""


class ServerSection(_Strict, frozen=True):
    """The options, without dashes, in which a program takes a server's address."""

    host: tuple[_Option, ...]
    """Options for the host."""
    port: tuple[_Option, ...] = ()
    """Options for the port."""
    user: tuple[_Option, ...] = ()
    """Options for the role."""
    database: tuple[_Option, ...] = ()
    """Options for the database."""


class ToolSection(_Strict, frozen=True):
    """A program that talks to PostgreSQL."""

    name: _Name
    """What it is called in evidence."""
    purpose: Wanted
    """What it wants from PostgreSQL."""
    commands: tuple[_Command, ...] = ()
    """How it is run: its name and further words in order; `a|b` are alternatives, `*` any text."""
    images: tuple[_Image, ...] = ()
    """The ends of its images' names, without registry, tag and digest; `*` is any text."""
    program: _Program = ""
    """What the image runs when only `args` are given; by default the image's last name."""
    plain: bool = False
    """Its name is an everyday word, which counts only where a program stands."""
    starts: _Said = ""
    """What it does to the schema at start, as in `migrates its schema at start`."""
    driver: str = ""
    """The driver that it speaks through, as in docs/how-to/own-tools.md."""
    waits: bool = False
    """It waits for the server that its words name: `host:port`, or `host port`."""
    server: ServerSection | None = None
    """The options in which it takes the server's address."""
    files: tuple[_Glob, ...] = ()
    """Names of its own settings files."""
    source: _Said = ""
    """Where that is written down."""


class ImageSection(_Strict, frozen=True):
    """What an image's program keeps in its session."""

    name: _Name
    """What it is called in evidence."""
    images: tuple[_Image, ...]
    """The ends of its images' names, without registry, tag and digest; `*` is any text."""
    driver: str = ""
    """The driver that it speaks through."""
    keeps: tuple[Keeps, ...] = ()
    """What it keeps in its session, which transaction pooling loses."""
    says: _Said = ""
    """What it keeps, in words."""
    subject: _Setting = ""
    """The setting that it is about, for `session-guc` and `startup-setting`."""
    when: _Condition = ""
    """`NAME=value`: the entry holds only with this environment variable."""
    unless: _Condition = ""
    """`NAME=value`: with this environment variable it keeps nothing."""
    source: _Said = ""
    """Where that is written down."""


class SecretSection(_Strict, frozen=True):
    """How a kind says which Secret will be made of it: dotted paths in the object."""

    name: _Path = ""
    """The Secret's name; by default the object's own."""
    keys: _Path = ""
    """A list with an item for each key, or a mapping whose names are the keys."""
    key: _Path = ""
    """In an item of the list: the key."""
    remote: _Path = ""
    """In an item of the list: where the value lives."""
    template: _Path = ""
    """A mapping of keys to values in clear text."""


class KindSection(_Strict, frozen=True):
    """A Kubernetes kind."""

    kind: _Kind
    """The kind's name, as in manifests."""
    purpose: Wanted | None = None
    """What its objects want from PostgreSQL, whatever they run."""
    runs: Literal["serves", "finishes", ""] = ""
    """Whether its objects keep running, as a Deployment does, or end, as a Job does."""
    secret: SecretSection | None = None
    """Which Secret will be made of its objects."""


class LibrarySection(_Strict, frozen=True):
    """A library that a program depends on."""

    name: _Name
    """What it is called in evidence."""
    manifest: _Glob
    """The name of the file that lists dependencies, such as `go.mod`; `*` is any text."""
    dependency: _Dependency
    """Its name in that file."""
    driver: str = ""
    """The driver that it speaks through."""
    keeps: tuple[Keeps, ...] = ()
    """What it keeps in its session, which transaction pooling loses."""
    says: _Said = ""
    """What it keeps, in words."""
    source: _Said = ""
    """Where that is written down."""


class KnowledgeData(_Strict, frozen=True):
    """What is added to the tables of programs, images, kinds and libraries."""

    tools: Annotated[tuple[ToolSection, ...], msgspec.Meta(max_length=MOST_ENTRIES)] = ()
    """Programs that talk to PostgreSQL."""
    images: Annotated[tuple[ImageSection, ...], msgspec.Meta(max_length=MOST_ENTRIES)] = ()
    """Images whose program keeps something in its session."""
    kinds: Annotated[tuple[KindSection, ...], msgspec.Meta(max_length=MOST_ENTRIES)] = ()
    """Kinds of Kubernetes objects."""
    libraries: Annotated[tuple[LibrarySection, ...], msgspec.Meta(max_length=MOST_ENTRIES)] = ()
    """Libraries that a program depends on."""


class KnowledgeSection(KnowledgeData, frozen=True):
    """`knowledge:` of repoint.yaml."""

    files: tuple[str, ...] = ()
    """Files of the repository with the same keys, in YAML."""


SECTIONS: tuple[type[_Strict], ...] = (
    *(
        KnowledgeSection,
        KnowledgeData,
        ToolSection,
        ServerSection,
        ImageSection,
        KindSection,
        SecretSection,
    ),
    LibrarySection,
)
