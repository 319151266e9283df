#!/usr/bin/env python3
"""Write docs/reference/rules: one page per code, made from the rules and errors themselves.

With `--check` nothing is written; the exit status is 1 when a page is missing, stale or
belongs to no code.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
TARGET = ROOT / "docs/reference/rules"


def wanted() -> dict[str, str]:
    """File names and what they must hold, the index included."""
    from repoint.rules import catalog

    pages = catalog.pages()
    lines = ["# Codes", "", "Made by `scripts/generate_rule_pages.py`; do not edit.", ""]
    lines += ["| code | severity | what |", "|---|---|---|"]
    severities = {rule.code: rule.severity.value for rule in catalog.ALL_RULES}
    for code, page in pages.items():
        title = page.splitlines()[0].partition(": ")[2]
        kind = severities.get(code, "refusal")
        lines.append(f"| [{code}]({code}.md) | {kind} | {title} |")
    return {
        "index.md": "\n".join([*lines, ""]),
        **{f"{code}.md": page for code, page in pages.items()},
    }


def main(argv: list[str]) -> int:
    """Write or check the pages; print what differs."""
    pages = wanted()
    present = {path.name for path in TARGET.glob("*.md")} if TARGET.is_dir() else set()
    stale = [
        name
        for name, text in pages.items()
        if name not in present or (TARGET / name).read_text(encoding="utf-8") != text
    ]
    surplus = sorted(present - set(pages))
    for name in (*stale, *surplus):
        print(f"docs/reference/rules/{name}", file=sys.stderr)
    if "--check" in argv:
        return 1 if stale or surplus else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (TARGET / name).write_text(pages[name], encoding="utf-8")
    for name in surplus:
        (TARGET / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
