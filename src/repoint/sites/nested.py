"""Documents inside a scalar: which format a text is in, and what it is to its reader."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from repoint.formats.base import FileKind
from repoint.formats.kinds import kind_of
from repoint.sites.context import Scope
from repoint.sites.frame import Role

_SECTION = re.compile(r"\A(?:[ \t\r]*(?:[;#][^\n]*)?\n)*[ \t]*\[[^\]\n\"'{}]+\][ \t]*\r?\n")
_YAML = re.compile(
    r"\A(?:[ \t\r]*(?:#[^\n]*)?\n)*(?:---[^\n]*\n)?"
    r"[ \t]*(?:- )?[\"']?[\w./{}$-]+[\"']?:(?:[ \t]|\r?\n|\Z)"
)
_ENV = re.compile(r"\A(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*(?:export[ \t]+)?[A-Z][A-Z0-9_]*=")
_PROPERTIES = re.compile(r"\A(?:[ \t\r]*(?:[#!;][^\n]*)?\n)*[ \t]*[A-Za-z][\w.\-]*[ \t]*=")
_SHEBANG = re.compile(r"\A\s*#!")
_PROSE = frozenset(
    {".md", ".rst", ".adoc", ".txt", ".html", ".sql", ".crt", ".pem", ".key", ".lua"}
)
_CODE = frozenset({".py", ".js", ".ts", ".rb", ".php", ".groovy", ".go", ".ps1", ".pl"})
_PAIRS = frozenset({FileKind.DOTENV, FileKind.PROPERTIES})
_INLINE_YAML = frozenset(
    {"patch", "values", "valuesContent", "valuesTemplate", "patchesStrategicMerge"}
)


def nested_kind(key: str, text: str) -> FileKind | None:
    """The format of a text inside a scalar; None when it is a plain value.

    The key's own file name decides; then the text's shape.
    """
    lines = "\n" in text.strip()
    if key in _INLINE_YAML and (lines or text.lstrip().startswith(("[", "{"))):
        return FileKind.YAML
    suffix = PurePosixPath(key).suffix.lower() if "." in key else ""
    if suffix in _PROSE and lines:
        return None
    named = kind_of(key, text[:1024].encode(errors="replace")) if "." in key else None
    if named is not None and (lines or named is FileKind.JSON or "=" in text):
        return _settle(named, text)
    if suffix in _CODE:
        return FileKind.TEXT
    return _by_shape(text, lines=lines)


def _settle(kind: FileKind, text: str) -> FileKind:
    """A `.conf` without pairs is YAML or plain text by its content."""
    if kind is FileKind.INI and "=" not in text:
        return FileKind.YAML if _YAML.match(text) else FileKind.TEXT
    return kind


def _by_shape(text: str, *, lines: bool) -> FileKind | None:
    head = text.lstrip()
    if head.startswith("{") and '"' in head and not head.startswith("{{"):
        return FileKind.JSON
    if head.startswith("[") and head[1:].lstrip().startswith(("{", '"')):
        return FileKind.JSON
    if not lines:
        return None
    if _SHEBANG.match(text):
        return FileKind.SHELL
    if _SECTION.match(text):
        return FileKind.INI
    if _ENV.match(text):
        return FileKind.DOTENV
    if _YAML.match(text):
        return FileKind.YAML
    if _PROPERTIES.match(text):
        return FileKind.PROPERTIES
    return FileKind.XML if head.startswith("<") else None


def nested_scope(scope: Scope, key: str, kind: FileKind) -> Scope:
    """The scope inside a text of `kind` that stands under `key`."""
    inner = scope._replace(trail=(), shown=(), env=False)
    if scope.role is Role.HELM_VALUES or scope.role is Role.TEMPLATE:
        return inner
    if kind in (FileKind.SHELL, FileKind.DOCKERFILE) or (not key and kind in _PAIRS):
        return inner if scope.role is not Role.CONFIG else inner._replace(role=Role.SCRIPT)
    if key in {"patch", "patchesStrategicMerge"}:
        return inner._replace(role=Role.MANIFEST)
    if kind is FileKind.DOTENV and ".env" in key:
        return inner._replace(role=Role.DOTENV)
    if kind is FileKind.MAKEFILE:
        return inner._replace(role=Role.MAKEFILE)
    if scope.role in (Role.HCL, Role.PIPELINE):
        return inner
    return inner._replace(role=Role.CONFIG)
