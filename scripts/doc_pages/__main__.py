"""`make docs`: outputs into pages, and tests/docs/not-run.txt."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.doc_pages.blocks import ROOT, pages
from scripts.doc_pages.listing import LISTING, listing
from scripts.doc_pages.running import commands_of, load, needs_servers, rewritten, run_page


def main(chosen: list[str]) -> int:
    """Rewrite pages and the listing; 1 when a command ended in another way than its page says."""
    faults = 0
    programs = ROOT / ".venv" / "bin" / "repoint"
    ready = subprocess.run([programs, "doctor"], capture_output=True, check=False).returncode == 0
    for page in chosen or pages():
        if not any(command.shown is not None for command in commands_of(page)):
            continue
        if needs_servers(page) and not ready:
            print(f"note: {page} stays: `repoint doctor` misses servers", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="repoint-docs-") as folder:
            ran = list(run_page(page, Path(folder)))
        wrong = [one.fault for one in ran if one.fault and one.done.status != one.command.status]
        for fault in wrong:
            print(fault, file=sys.stderr)
        faults += len(wrong)
        new = rewritten(page, ran)
        if not wrong and new != load(page):
            (ROOT / page).write_text(new, encoding="utf-8")
            print(f"wrote {page}")
    if not LISTING.exists() or LISTING.read_text(encoding="utf-8") != listing():
        LISTING.write_text(listing(), encoding="utf-8")
        print(f"wrote {LISTING.relative_to(ROOT)}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
