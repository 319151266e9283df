"""The machine's own apt sources, read and written anew for other suites of the same archive.

Both formats are read: deb822 (`*.sources`) and one-line (`*.list`). No address is known here: the
mirror, its key and its options are the machine's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from repoint.adapters.servers.pins import Archive

_OPTIONS = {"signed-by": "Signed-By", "trusted": "Trusted", "arch": "Architectures"}
_KEPT = ("Signed-By", "Trusted", "Architectures")
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(.*)$")
_POCKETS = ("-security", "-updates", "-backports", "-proposed", "-proposed-updates", "/updates")


@dataclass(frozen=True, slots=True)
class AptSource:
    """One archive that the machine gets packages from; `fields` are deb822's, such as Signed-By."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    fields: tuple[tuple[str, str], ...] = ()


def read_sources(files: Mapping[str, str]) -> tuple[AptSource, ...]:
    """Every enabled source of binary packages in `files` (name to text), in their order."""
    found: list[AptSource] = []
    for name, text in files.items():
        found += _deb822(text) if name.endswith(".sources") else _one_line(text)
    return tuple(found)


def own_archive(sources: Iterable[AptSource], archive: Archive) -> tuple[AptSource, ...]:
    """The sources that can be the distribution's own archive, likeliest first.

    Left out are pockets (`-security`, `-updates`) and what has another main component. First
    come addresses that end as the archive's does: other vendors' archives may look the same.
    """
    fitting = [
        source
        for source in sources
        if archive.components[0] in source.components
        and any(not suite.endswith(_POCKETS) for suite in source.suites)
    ]
    distinct: dict[str, AptSource] = {}
    for source in fitting:
        distinct.setdefault(source.uri.rstrip("/"), source)
    return tuple(
        sorted(distinct.values(), key=lambda one: _last_part(one.uri) not in archive.folder)
    )


def _last_part(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]


def for_suites(source: AptSource, archive: Archive, suites: Iterable[str]) -> str:
    """A deb822 file with one stanza per suite, so that a missing suite spoils no other."""
    stanzas = (
        _stanza(replace(source, suites=(suite,), components=archive.components)) for suite in suites
    )
    return "\n".join(stanzas)


def _stanza(source: AptSource) -> str:
    fields = {
        "Types": "deb",
        "URIs": source.uri,
        "Suites": " ".join(source.suites),
        "Components": " ".join(source.components),
        "Targets": "Packages",
        **dict(source.fields),
    }
    # A value that begins on the next line (a key) has no blank before it.
    return "".join(
        f"{name}:{value if value.startswith(chr(10)) else f' {value}'}\n"
        for name, value in fields.items()
    )


def _deb822(text: str) -> list[AptSource]:
    found = []
    for stanza in re.split(r"\n\s*\n", _without_comments(text)):
        fields = _fields(stanza)
        enabled = fields.get("enabled", "yes").lower() not in ("no", "false", "0", "off")
        if not enabled or "deb" not in fields.get("types", "").split():
            continue
        kept = tuple((name, fields[name.lower()]) for name in _KEPT if name.lower() in fields)
        found += [
            AptSource(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                kept,
            )
            for uri in fields.get("uris", "").split()
        ]
    return found


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def _fields(stanza: str) -> dict[str, str]:
    """Field names in lower case; a value keeps its further lines (a key may stand in it)."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1] in (" ", "\t"):
            fields[name] = f"{fields.get(name, '')}\n{line.rstrip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _one_line(text: str) -> list[AptSource]:
    found = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.partition("#")[0].strip())
        if match is None:
            continue
        options = dict(
            part.lower().split("=", 1)[:1] + part.split("=", 1)[1:]
            for part in (match["options"] or "").split()
            if "=" in part
        )
        kept = tuple(
            (field, options[name].replace(",", " "))
            for name, field in _OPTIONS.items()
            if name in options
        )
        components = tuple(match[4].split())
        found.append(AptSource(match["uri"], (match["suite"],), components, kept))
    return found
