"""Thousands of sites in one file: what all of them ask of its text is worked out once."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.sops import Sops
from repoint.cli.progress import StderrProgress
from repoint.flows.scanning import scan
from repoint.flows.workspace import Workspace

SITES = 1_500


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["urls.json", ".env", "Makefile", "run.sh", "atlas.hcl"])
def test_each_is_found_and_judged(tmp_path: Path, name: str) -> None:
    lines = {
        "urls.json": ("[", '  "postgres://u@db{0}.internal:5432/shop",', '  "" ]'),
        ".env": ("", "DATABASE_URL_{0}=postgres://u@db{0}.internal/shop", ""),
        "Makefile": ("all:", "\tpsql postgres://u@db{0}.internal/shop", ""),
        "run.sh": ("#!/bin/sh", "psql postgres://u@db{0}.internal/shop", ""),
        "atlas.hcl": ("", 'env "e{0}" {{ url = "postgres://u@db{0}.internal/shop" }}', ""),
    }
    head, line, tail = lines[name]
    text = "\n".join([head, *(line.format(number) for number in range(SITES)), tail])
    (tmp_path / name).write_text(text)
    tree = FileTree(tmp_path)
    quiet = StderrProgress(quiet=True)
    found = scan(Workspace(str(tmp_path), tree, None, "", Sops(tree), Kustomize(tree), quiet))
    assert len(found.sites) == SITES
