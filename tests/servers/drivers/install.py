"""Puts real drivers, ORMs and migrators into the cache folder: by name, pinned, once.

Each toolchain has its manifest beside this file (requirements.txt, package-lock.json, go.sum,
pom.xml with jars.sha256); the folder in the cache is named after a hash of it, so that a new
version is a new folder. Registries are the package clients' own affair.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.servers.cache import cache_folder, fetching, filling

HERE = Path(__file__).resolve().parent
_INSTALL_S = 240


class ToolchainMissing(Exception):
    """The toolchain is not on this machine, or its packages could not be had; text says which."""


@dataclass(frozen=True, slots=True)
class Program:
    """How a driver program is started: its argv, and what its environment has besides."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    folder: Path = HERE


def program(toolchain: str) -> Program:
    """The installed program of `toolchain`: `python`, `node`, `go` or `java`.

    Raises:
        ToolchainMissing: it is not here; the text is the reason to skip.
    """
    return _TOOLCHAINS[toolchain]()


def _python() -> Program:
    manifest = HERE / "python" / "requirements.txt"

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "uv", "venv", "--quiet", "--relocatable", str(folder)])
        python = str(folder / "bin" / "python")
        wheels = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(manifest)]
        _run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *wheels])

    folder = _installed("python", [manifest], install, salt=sys.version)
    argv = (str(folder / "bin" / "python"), str(HERE / "python" / "program.py"))
    return Program(argv, (("PYTHONDONTWRITEBYTECODE", "1"),), folder)


def _node() -> Program:
    npm, node = _tool("npm"), _tool("node")
    manifests = [HERE / "node" / name for name in ("package.json", "package-lock.json")]

    def install(folder: Path) -> None:
        for manifest in manifests:
            shutil.copy(manifest, folder)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)

    folder = _installed("node", manifests, install)
    argv = (node, str(HERE / "node" / "program.mjs"))
    return Program(argv, (("DRIVER_MODULES", str(folder)),), folder)


def _go() -> Program:
    go = _tool("go")
    sources = sorted((HERE / "go").iterdir())

    def install(folder: Path) -> None:
        out = str(folder / "program")
        _run([go, "build", "-trimpath", "-mod=readonly", "-o", out, "."], HERE / "go")

    folder = _installed("go", sources, install)
    return Program((str(folder / "program"),), folder=folder)


def _java() -> Program:
    java, javac, maven = _tool("java"), _tool("javac"), _tool("mvn")
    sources = [HERE / "java" / name for name in ("pom.xml", "jars.sha256", "Program.java")]

    def install(folder: Path) -> None:
        pom = ["-f", str(HERE / "java" / "pom.xml")]
        _run(
            [maven, "-q", "-B", *pom, "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
        )
        for line in (HERE / "java" / "jars.sha256").read_text("utf-8").splitlines():
            digest, name = line.split()
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                raise ToolchainMissing(f"`{name}` is not the file that jars.sha256 names")
        _run([javac, "-cp", f"{folder}/*", "-d", str(folder), str(HERE / "java" / "Program.java")])

    folder = _installed("java", sources, install)
    path = os.pathsep.join((str(folder), f"{folder}/*"))
    # One small heap and the first compiler only: the program lives for seconds.
    quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m")
    return Program((java, *quick, "-cp", path, "Program"), folder=folder)


_TOOLCHAINS: dict[str, Callable[[], Program]] = {
    "python": _python,
    "node": _node,
    "go": _go,
    "java": _java,
}


def _installed(
    name: str, manifests: Iterable[Path], install: Callable[[Path], None], *, salt: str = ""
) -> Path:
    """The folder that `install` filled, now or earlier; other test processes wait for it."""
    digest = hashlib.sha256(salt.encode())
    for manifest in manifests:
        digest.update(manifest.name.encode() + b"\0" + manifest.read_bytes())
    cache, place = cache_folder(), f"drivers/{name}-{digest.hexdigest()[:16]}"
    with fetching(cache, lambda text: None):
        if not (cache / place).is_dir():
            with filling(cache, place) as folder:
                install(folder)
    return cache / place


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ToolchainMissing(f"`{name}` is not on PATH")
    return found


def _run(argv: list[str], folder: Path | None = None) -> None:
    """Run a package client; its last words are in the error."""
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
        )
    except subprocess.TimeoutExpired:
        text = f"`{Path(argv[0]).name}` did not end in {_INSTALL_S} s"
        raise ToolchainMissing(text) from None
    if done.returncode:
        words = " ".join((done.stderr or done.stdout).split())[-300:]
        raise ToolchainMissing(f"`{Path(argv[0]).name}` could not install the drivers: {words}")
