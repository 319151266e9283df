"""Assert that every line of every truth.json stands where it says it stands."""

from __future__ import annotations

import base64
import binascii
import json
import re
import sys
from pathlib import Path
from typing import Any

STYLES = frozenset(
    {"url", "keyword-value", "jdbc", "split-env", "cli-argument", "hcl", "makefile", "dotenv"}
    | {"config-text", "helm-value", "template"}
)
DIRECT = frozenset({"migration", "admin", "backup", "replication"})
PURPOSES = DIRECT | {"runtime", "probe", "monitoring", "local-development", "unknown"}
BASE64_WORD = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")


def readings(line: str) -> list[str]:
    """Return `line`, and what each base64 word in it decodes to."""
    texts = [line]
    for word in BASE64_WORD.findall(line):
        try:
            texts.append(base64.b64decode(word, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            continue
    return texts


def lines_of(repo: Path, path: str) -> list[str]:
    """Return the lines of one file of a repository; none where it is missing."""
    file = repo / path
    return file.read_text(encoding="utf-8-sig").splitlines() if file.is_file() else []


def site_problems(site: dict[str, Any], lines: list[str]) -> list[str]:
    """Return what is wrong with one site of the truth."""
    line, end = site["line"], site.get("end", site["line"])
    if not 1 <= line <= end <= len(lines):
        return ["no such line"]
    problems = []
    if site["host"] is not None:
        if not any(site["host"] in text for text in readings(lines[line - 1])):
            problems.append(f"host {site['host']!r} is not on the line")
    elif site["key"].rsplit(".", 1)[-1] not in "\n".join(lines[line - 1 : end]):
        problems.append(f"key {site['key']!r} is not on the line")
    if not {site["style"], *site.get("styles", [])} <= STYLES:
        problems.append("unknown style")
    if not {site["purpose"], *site.get("purposes", [])} <= PURPOSES:
        problems.append("unknown purpose")
    if site["must_direct"] != (site["purpose"] in DIRECT):
        problems.append("must_direct does not follow from the purpose")
    if site.get("consumers") and site["consumers"][0]["consumer"] != site["consumer"]:
        problems.append("consumer is not the first of consumers")
    return problems


def check(case: Path) -> list[str]:
    """Return every problem of one repository's truth, with its place."""
    truth = json.loads((case / "truth.json").read_text(encoding="utf-8"))
    repo = case / "repo"
    problems = []
    seen: set[tuple[str, int, str, str | None]] = set()
    for site in truth["sites"]:
        place = f"{case.name}/{site['path']}:{site['line']}"
        found = site_problems(site, lines_of(repo, site["path"]))
        identity = (site["path"], site["line"], site["key"], site["host"])
        if identity in seen:
            found.append("listed twice")
        seen.add(identity)
        problems += [f"{place}: {problem}" for problem in found]
    taken = {(path, line) for path, line, _, _ in seen}
    for decoy in truth["not_sites"]:
        place = f"{case.name}/{decoy['path']}:{decoy['line']}"
        if not 1 <= decoy["line"] <= len(lines_of(repo, decoy["path"])):
            problems.append(f"{place}: no such line")
        if (decoy["path"], decoy["line"]) in taken:
            problems.append(f"{place}: both a site and not a site")
    problems += [
        f"{case.name}/{item['path']}: no such file"
        for item in truth["unreadable"]
        if not (repo / item["path"]).is_file()
    ]
    return problems


def main() -> int:
    """Check every repository beside this file."""
    cases = sorted(path.parent for path in Path(__file__).parent.glob("*/truth.json"))
    problems = [problem for case in cases for problem in check(case)]
    for problem in problems:
        print(problem)
    print(f"{len(cases)} repositories, {len(problems)} problems", file=sys.stderr)
    return 1 if problems or not cases else 0


if __name__ == "__main__":
    raise SystemExit(main())
