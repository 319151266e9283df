"""Which versions are fetched, read from `data/servers.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from repoint.adapters.servers.binaries import package_version


@dataclass(frozen=True, slots=True)
class NpmPin:
    """One version of an npm package; `integrity` is `sha512-` and base64."""

    package: str
    version: str
    integrity: str

    @property
    def postgres(self) -> tuple[int, ...]:
        """The PostgreSQL version inside: `18.4.0-beta.17` holds (18, 4)."""
        return package_version(self.version)[:2]


@dataclass(frozen=True, slots=True)
class WheelPin:
    """One version of a Python package with the sha256 of each wheel that may be taken."""

    package: str
    version: str
    sha256: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Archive:
    """A distribution's own archive: how its address ends, and the suites that are looked at."""

    distribution: str
    folder: tuple[str, ...]
    components: tuple[str, ...]
    suites: tuple[str, ...]


@lru_cache(maxsize=1)
def _data() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads((files("repoint") / "data" / "servers.toml").read_text("utf-8"))


def postgres_pins(machine: str) -> tuple[NpmPin, ...]:
    """The PostgreSQL builds for a machine (`x86_64`, `aarch64`), newest major first."""
    entry = _data()["postgres"].get({"arm64": "aarch64", "amd64": "x86_64"}.get(machine, machine))
    if entry is None:
        return ()
    integrity = entry["integrity"]
    assert isinstance(integrity, dict)
    return tuple(NpmPin(str(entry["package"]), *pair) for pair in integrity.items())


def wheel_pin(package: str) -> WheelPin:
    """The pin of a program that comes as a Python package."""
    entry = _data()["wheel"][package]
    return WheelPin(package, str(entry["version"]), _words(entry["sha256"]))


def archive_of(distribution: str) -> Archive | None:
    """The archive of `debian` or `ubuntu`, None for any other."""
    entry = _data()["archive"].get(distribution)
    if entry is None:
        return None
    parts = (_words(entry[key]) for key in ("folder", "components", "suites"))
    return Archive(distribution, *parts)


def _words(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else ()
