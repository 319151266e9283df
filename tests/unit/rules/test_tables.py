"""The tables are read from the package, wherever it is."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import repoint
from repoint.rules.tables import table

PACKAGE = Path(repoint.__file__).parent


@pytest.mark.parametrize("name", ["known.toml", "images.toml", "calls.toml"])
def test_a_table_is_the_file(name: str) -> None:
    assert table(name)
    assert (PACKAGE / "data" / name).is_file()


def test_a_table_is_read_from_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "repoint.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name in ("__init__.py", "rules/__init__.py", "rules/tables.py", "data/calls.toml"):
            packed.write(PACKAGE / name, f"repoint/{name}")
        for name in ("__init__.py", "possessive.py"):  # for a Python that is older than 3.11.5
            packed.write(PACKAGE / "model" / name, f"repoint/model/{name}")
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from repoint.rules.tables import table; import repoint\n"
        "print(len(table('calls.toml')['call']), repoint.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        str(len(table("calls.toml")["call"])),
        str(archive / "repoint" / "__init__.py"),
    ]
