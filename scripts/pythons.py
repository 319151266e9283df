#!/usr/bin/env python3
"""Installs the wheel into clean venvs of every Python here, with and without each extra.

    python scripts/pythons.py                                # every Python from 3.11 on
    python scripts/pythons.py --python /opt/bin/python3.14   # this one alone; may be said twice
    python scripts/pythons.py --tests tests/unit/formats     # also these tests, with all extras

Each venv gets the versions of requirements.lock, from wheels alone, and the commands are run with
a PATH that holds nothing but git. Needs the registry; uses the standard library alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("", "tools", "lab", "report", "tools,lab,report")
OLDEST = 11
TESTED_WITH = ("hypothesis", "jsonschema", "packaging", "pyrage", "pytest", "pytest-timeout")
_PIN = re.compile(r"^([a-z0-9-]+==[^ \\]+(?: ; [^\\\n]+?)?)(?: \\)?$", re.MULTILINE)
_IMPORTS = """
import importlib, pathlib, repoint
from repoint.errors import RepointError
top = pathlib.Path(repoint.__file__).parent
for path in sorted(top.rglob("*.py")):
    name = ".".join(("repoint", *path.relative_to(top).with_suffix("").parts))
    if path.name != "__main__.py":
        try:
            importlib.import_module(name.removesuffix(".__init__"))
        except RepointError as error:
            print(name, *error.hints)
        except ModuleNotFoundError as error:
            print(name, "lacks", error.name)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of repoint, its exit status, and what it has to say on either stream."""

    command: str
    status: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Installed:
    """A venv with repoint and some of its extras, beside a copy of the example."""

    folder: Path
    extras: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def environment(self) -> dict[str, str]:
        """A home that is nobody's, and a PATH with nothing but git."""
        return {
            "PATH": str(self.folder / "bin"),
            "HOME": str(self.folder / "home"),
            "XDG_CACHE_HOME": str(self.folder / "home"),
            "SOPS_AGE_KEY_FILE": str(self.folder / "keys.txt"),
            "PYTHONWARNINGS": "error",
            "LANG": "C.UTF-8",
        }


def pythons() -> dict[int, str]:
    """The newest interpreter of each minor version here, from 3.11 on."""
    here = [Path(sys.executable), *Path.home().glob(".pyenv/versions/3.*/bin/python3")]
    named = (shutil.which(f"python3.{minor}") for minor in range(OLDEST, 30))
    here += [Path(one) for one in named if one]
    found: dict[int, tuple[tuple[int, ...], str]] = {}
    for one in here:
        version = _version(one)
        if version >= (3, OLDEST):
            found[version[1]] = max(found.get(version[1], ((), "")), (version, str(one)))
    return {minor: path for minor, (_, path) in sorted(found.items())}


def _version(python: Path) -> tuple[int, ...]:
    code = "import ensurepip, sys; print(*sys.version_info[:3])"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True)
    return tuple(int(part) for part in done.stdout.split())


def steps(extras: str) -> Iterator[Step]:
    """What a user does, and what it comes to with these extras."""
    yield Step("--version", said="repoint ")
    yield Step("--help", said="rollback")
    yield Step("init", said="wrote repoint.yaml")
    if "report" in extras:
        yield Step("scan --format html", said="</html>")
    else:
        yield Step("scan --format html", 1, "pip install 'repoint[report]'")
    if "tools" not in extras:
        yield Step("scan --env local", said="`sops` is needed and was not found")
        yield Step("plan -o plan.json", 1, "pip install 'repoint[tools]'")
        return
    yield Step("scan --env local", said="9 consumers; 16 sites; 63 files read of 83\n")
    yield Step("plan -o plan.json", said="wrote plan.json")
    if "lab" not in extras:
        yield Step("rehearse plan.json", 1, "pip install 'repoint[lab]'")
        yield Step("bench plan.json --svg chart.svg", 1, "pip install 'repoint[lab]'")
    yield Step("apply plan.json --yes", said="the way back")
    yield Step("check", said="check: ")
    yield Step("rollback --yes", said="rolled back")


def locked(text: str, names: Sequence[str] = ()) -> str:
    """Pins of a lock without hashes; those of `names` alone, if any are given."""
    pins = _PIN.findall(text)
    return "".join(f"{one}\n" for one in pins if not names or one.partition("==")[0] in names)


def install(python: str, wheel: Path, extras: str, folder: Path) -> Installed:
    """Make the venv, and the copy of the example with its keys."""
    made = Installed(folder, extras)
    for name in ("bin", "home"):
        (folder / name).mkdir(parents=True)
    (folder / "bin" / "git").symlink_to(str(shutil.which("git")))
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)
    pins = folder / "constraints.txt"
    pins.write_text(locked((ROOT / "requirements.lock").read_text("utf-8")), encoding="utf-8")
    _pip(made, "--constraint", str(pins), f"{wheel}[{extras}]" if extras else str(wheel))
    shutil.copytree(ROOT / "examples" / "naytife", folder / "tree", symlinks=True)
    keys = "".join(one.read_text() for one in sorted((folder / "tree" / "keys").glob("*.txt")))
    (folder / "keys.txt").write_text(keys)
    for words in ("init -q", "add -A", "commit -qm before"):
        author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *author, *words.split()], cwd=folder / "tree", check=True)
    return made


def _pip(where: Installed, *arguments: str) -> None:
    argv = [str(where.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*argv, "--only-binary", ":all:", *arguments], check=True)


def walk(where: Installed) -> tuple[list[str], str]:
    """What went otherwise than it should, and the sha256 of the plan, if one was made."""
    errors = []
    tree = where.folder / "tree"
    before = _fingerprint(tree)
    digest = ""
    for step in steps(where.extras):
        argv = [str(where.python.parent / "repoint"), *step.command.split()]
        done = subprocess.run(
            argv, cwd=tree, env=where.environment, capture_output=True, text=True, timeout=300
        )
        told = " ".join((done.stdout + done.stderr).split())
        if done.returncode != step.status or " ".join(step.said.split()) not in told:
            errors.append(f"`repoint {step.command}` ended with {done.returncode}: {told[-600:]}")
        if (plan := tree / "plan.json").is_file():
            digest = hashlib.sha256(plan.read_bytes()).hexdigest()
    if _fingerprint(tree) != before:
        errors.append("the rollback left another tree behind")
    return errors + _import_errors(where), digest


def _import_errors(where: Installed) -> list[str]:
    """Modules that cannot be imported, beside those of extras that are not here."""
    argv = [str(where.python), "-c", _IMPORTS]
    done = subprocess.run(argv, env=where.environment, capture_output=True, text=True)
    if done.returncode:
        return [f"import: {done.stderr[-600:]}"]
    lines = done.stdout.splitlines()
    lab = [line for line in lines if line.startswith("repoint.adapters.lab")]
    return [
        *(f"import: {line}" for line in lines if line not in lab),
        *(f"import: {line}" for line in lab if "lab" in where.extras),
    ]


def _fingerprint(tree: Path) -> str:
    """Of every file, but git's and those that repoint adds for itself."""
    known = (".git", ".repoint", "repoint.yaml", "plan.json")
    digest = hashlib.sha256()
    for path in sorted(tree.rglob("*")):
        if path.is_file() and path.relative_to(tree).parts[0] not in known:
            digest.update(f"{path.relative_to(tree)}\0{path.stat().st_mode}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def tested(where: Installed, paths: Sequence[str]) -> int:
    """Run tests of this tree on the venv's Python, and give the status of pytest."""
    pins = locked((ROOT / "requirements.lock").read_text("utf-8"), TESTED_WITH)
    _pip(where, "--constraint", str(where.folder / "constraints.txt"), *pins.splitlines())
    argv = [str(where.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths]
    environment: Mapping[str, str] = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}
    argv += ["-m", "not slow and not servers and not cluster"]
    return subprocess.run(argv, cwd=ROOT, env=environment).returncode


def run() -> int:
    """Try every Python with every choice of extras; 1 when one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", help="try this interpreter alone")
    parser.add_argument("--wheel", type=Path, help="instead of the one in dist/")
    parser.add_argument("--tests", nargs="+", default=[], help="also run these tests")
    asked = parser.parse_args()
    wheel = asked.wheel or max((ROOT / "dist").glob("*.whl"), default=None)
    if wheel is None:
        print("error: there is no wheel in dist/\nhint: make dist", file=sys.stderr)
        return 1
    chosen = asked.python or list(pythons().values())
    failed = False
    plans = set()
    for python in chosen:
        version = ".".join(map(str, _version(Path(python))))
        for extras in EXTRAS:
            with tempfile.TemporaryDirectory() as folder:
                where = install(python, wheel.resolve(), extras, Path(folder) / "here")
                errors, plan = walk(where)
                if extras == EXTRAS[-1] and asked.tests and tested(where, asked.tests):
                    errors.append("its tests fail")
            plans |= {plan} - {""}
            failed |= bool(errors)
            print(f"{version:8} [{extras}]: {'; '.join(errors) or 'ok'}", flush=True)
    if len(plans) > 1:
        print("error: the plan is not the same everywhere", file=sys.stderr)
    missing = {str(minor) for minor in range(OLDEST, 15)} - {
        str(_version(Path(one))[1]) for one in chosen
    }
    for minor in sorted(missing):
        print(f"note: Python 3.{minor} is not here, and was not tried", file=sys.stderr)
    return 1 if failed or len(plans) > 1 else 0


if __name__ == "__main__":
    sys.exit(run())
