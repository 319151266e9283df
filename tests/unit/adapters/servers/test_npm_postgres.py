"""An npm archive becomes a folder of programs, or nothing."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from repoint.adapters.servers.npm_postgres import check_integrity, pack_cmd, unpack
from repoint.adapters.servers.pins import NpmPin
from repoint.errors import ToolFailed

LINKS = [{"source": "native/lib/libpq.so.5.18", "target": "native/lib/deep/libpq.so"}]


def archive(folder: Path, files: dict[str, tuple[bytes, int]]) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as opened:
        for name, (data, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), mode
            opened.addfile(member, io.BytesIO(data))
    return path


def pin_of(path: Path) -> NpmPin:
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    return NpmPin("@some/package", "18.4.0-beta.17", f"sha512-{digest}")


def test_programs_libraries_and_links_come_out(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        {
            "package/native/bin/postgres": (b"program", 0o755),
            "package/native/lib/libpq.so.5.18": (b"library", 0o600),
            "package/native/pg-symlinks.json": (json.dumps(LINKS).encode(), 0o644),
            "package/package.json": (b"{}", 0o644),
            "package/scripts/hydrate-symlinks.js": (b"never run", 0o755),
        },
    )
    target = tmp_path / "target"
    target.mkdir()
    unpack(path, target)

    assert (target / "bin/postgres").stat().st_mode & 0o777 == 0o755
    assert (target / "lib/libpq.so.5.18").stat().st_mode & 0o777 == 0o644
    assert (target / "lib/deep/libpq.so").read_bytes() == b"library"
    assert not (target / "lib/deep/libpq.so").readlink().is_absolute()
    assert sorted(path.name for path in target.iterdir()) == ["bin", "lib", "pg-symlinks.json"]


@pytest.mark.parametrize("target", ["native/../../escaped", "../escaped", "dist/escaped"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    links = [{"source": "native/lib/a", "target": target}]
    listed = json.dumps(links).encode()
    for files in (
        {"package/native/pg-symlinks.json": (listed, 0o644)},
        {"package/native/../../escaped": (b"x", 0o644)},
    ):
        with pytest.raises(ToolFailed, match="leads out of it"):
            unpack(archive(tmp_path, files), tmp_path / "target")
    assert not (tmp_path / "escaped").exists()


def test_an_archive_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, {"package/native/bin/postgres": (bytes(range(256)) * 999, 0o755)})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ToolFailed, match="cannot be unpacked"):
        unpack(path, tmp_path / "target")


def test_another_archive_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, {"package/native/bin/postgres": (b"program", 0o755)})
    pin = pin_of(path)
    check_integrity(path, pin)

    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ToolFailed, match="not the archive that repoint was made with"):
        check_integrity(path, pin)


def test_no_script_of_a_package_runs() -> None:
    argv = pack_cmd(("npm",), NpmPin("@some/package", "1.0.0", "sha512-"))
    assert argv[:3] == ["npm", "pack", "--ignore-scripts"]
    assert argv[-1] == "@some/package@1.0.0"
