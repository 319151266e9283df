"""Checkouts of the worked example, and what sops, kubectl and repoint say of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from repoint.adapters.runner import find_tool
from repoint.dsn.parse import find
from tests import prepared

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "naytife"
MIGRATED = ROOT / "examples" / "naytife-migrated"
VARIANTS = ROOT / "tests" / "variants"
ENVIRONMENTS = ("local", "staging", "production")
NAMESPACE = {
    "local": "naytife",
    "staging": "naytife-staging",
    "production": "naytife-production",
}
AUTH = {
    "local": "naytife-auth",
    "staging": "naytife-auth-staging",
    "production": "naytife-auth-production",
}
PREFIX = {"local": "", "staging": "staging-", "production": "prod-"}
SECRETS = {
    f"deploy/secrets/{name}/{app}-secret.yaml": name
    for name in ENVIRONMENTS
    for app in ("backend", "hydra")
}
OWN = (".git", ".repoint")
Leaves = dict[tuple[str, str], str]


def pooled(environment: str) -> str:
    """The Pooler's Service."""
    return f"naytife-postgres-pooler-rw.{NAMESPACE[environment]}.svc.cluster.local"


def direct(environment: str) -> str:
    """The Cluster's read-write Service."""
    return f"naytife-postgres-rw.{NAMESPACE[environment]}.svc.cluster.local"


@dataclass(frozen=True)
class Checkout:
    """A copy of a repository under git, with the keys that its user holds."""

    root: Path
    keys: Path

    def run(
        self, *arguments: str, status: int | None = 0, start: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run repoint here and demand its exit status; None takes any.

        With `start` it has an interpreter of its own, and so another order of its sets.
        """
        how = prepared.start if start else prepared.run
        done = how("-C", str(self.root), *arguments, env=self.environment, cwd=self.root)
        assert status is None or done.returncode == status, done.stdout[-3000:] + done.stderr
        return done

    def argv(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [sys.executable, "-m", "repoint", "-C", str(self.root), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a run: no key but this checkout's."""
        return {
            **os.environ,
            "SOPS_AGE_KEY_FILE": str(self.keys),
            "PYTHONPATH": str(ROOT / "src"),
        }

    def json(self, *arguments: str, status: int | None = 0) -> Any:
        """What a run prints with `--format json`."""
        return json.loads(self.run(*arguments, "--format", "json", status=status).stdout)

    def git(self, *arguments: str) -> str:
        """What git prints."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def copy(self, to: Path) -> Checkout:
        """The same checkout elsewhere, its history too."""
        shutil.copytree(self.root, to, symlinks=True)
        return replace(self, root=to)

    def files(self) -> dict[str, bytes]:
        """Every file with its bytes, but those of git and of repoint itself."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.relative_to(self.root).parts[0] not in OWN
        }

    def folders(self) -> set[str]:
        """Every folder, but those of git and of repoint itself."""
        return {
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_dir() and path.relative_to(self.root).parts[0] not in OWN
        }

    def text(self, path: str) -> str:
        """A file's text."""
        return (self.root / path).read_text(encoding="utf-8")

    def secret(self, path: str) -> dict[str, str]:
        """The values of a sealed Secret."""
        values = yaml.safe_load(self.opened(path))["stringData"]
        return {str(key): str(value) for key, value in values.items()}

    def opened(self, path: str) -> str:
        """The clear text of a sealed file."""
        return decrypt(self.root / path, self.keys)

    def render(self, environment: str) -> bytes:
        """What kubectl builds from an environment's overlay."""
        return render(self.root / "deploy" / "overlays" / environment)


def checkout(source: Path, root: Path, keys: Path) -> Checkout:
    """A committed copy of `source`."""
    shutil.copytree(source, root)
    made = Checkout(root, keys)
    made.git("init", "--quiet")
    made.commit("before")
    return made


def decrypt(path: Path, keys: Path) -> str:
    """What sops reads in a sealed file."""
    done = subprocess.run(
        [find_tool("sops"), "decrypt", str(path)],
        env={**os.environ, "SOPS_AGE_KEY_FILE": str(keys)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def render(overlay: Path) -> bytes:
    """What kubectl builds from an overlay."""
    argv = [find_tool("kubectl"), "kustomize", str(overlay)]
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def objects(rendered: bytes) -> dict[str, Any]:
    """The rendered objects by kind, namespace and name; generated names without their hash."""
    text = re.sub(rb"(backend-config)-[a-z0-9]{10}\b", rb"\1-HASH", rendered)
    found: dict[str, Any] = {}
    for one in yaml.safe_load_all(text):
        meta = one["metadata"]
        name = f"{one['kind']}/{meta.get('namespace', '')}/{meta['name']}"
        assert name not in found
        found[name] = one
    return found


def fields(rendered: bytes) -> Leaves:
    """Every field of a render by object and path; entries of named lists go by their name."""
    return {
        (name, path): value
        for name, one in objects(rendered).items()
        for path, value in _leaves(one, "")
    }


def _leaves(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, Sequence) and not isinstance(node, str) and node:
        named = all(isinstance(item, Mapping) and "name" in item for item in node)
        for index, item in enumerate(node):
            yield from _leaves(item, f"{path}[{item['name'] if named else index}]")
    else:
        yield path, repr(node)


def difference(before: Leaves, after: Leaves) -> dict[tuple[str, str], tuple[str, str]]:
    """The fields that differ, with both values; an absent one is empty."""
    every = sorted({*before, *after})
    pairs = {field: (before.get(field, ""), after.get(field, "")) for field in every}
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}


def password_of(url: str) -> str:
    """The password of a URL, as its bytes stand there."""
    authority = url.partition("://")[2].rpartition("?")[0].partition("/naytifedb")[0]
    return authority.rpartition("@")[0].partition(":")[2]


def hosts_of(text: str) -> list[str]:
    """The hosts of every connection string in a text."""
    return [host.text for dsn in find(text) for host in dsn.hosts]
