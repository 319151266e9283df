"""Writes a repository of a given number of files, and the truth about its sites.

    python -m bench.generate 10000 DIRECTORY

The same arguments give the same bytes on every machine. The truth is written beside the
directory as `DIRECTORY.truth.json`: a list of path, line and host.
"""

from __future__ import annotations

import argparse
import json
import random
import struct
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench import manifests

FILES_PER_APP = 333
SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
_TEXT = (
    "account address amount basket batch cache cart change client column connection context "
    "count customer database delay event field filter handler index invoice item limit list "
    "message model number offset order page payment price product queue record region request "
    "response result retry row schema search service session status stream table tenant token "
    "total transaction update user value version worker "
)
_WORDS = _TEXT.split()


def contents(total: int) -> Iterator[tuple[str, bytes, list[manifests.Planted]]]:
    """`total` files in a fixed order: path, bytes, and the sites in them."""
    apps = [f"app{number:04}" for number in range(max(1, total // FILES_PER_APP))]
    marked = manifests.platform()
    marked["repoint.yaml"] = manifests.configuration(apps)
    for app in apps:
        marked.update(manifests.application(app))
    for path, text in marked.items():
        clean, sites = manifests.planted(path, text)
        yield path, clean.encode(), sites
    for number in range(total - len(marked)):
        path, raw = _noise(apps[number % len(apps)], number // len(apps))
        yield path, raw, []


def write(directory: Path, total: int) -> list[manifests.Planted]:
    """Write the repository, commit it with git, and write its truth file."""
    truth: list[manifests.Planted] = []
    for path, raw, sites in contents(total):
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw)
        truth += sites
    git = [
        "git",
        "-C",
        str(directory),
        "-c",
        "user.name=bench",
        "-c",
        "user.email=bench@example.org",
    ]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", f"{total} files"], check=True)
    text = json.dumps([asdict(site) for site in truth], indent=0)
    truth_file(directory).write_text(text)
    return truth


def truth_file(directory: Path) -> Path:
    """Where the truth about `directory` lies."""
    return directory.with_name(directory.name + ".truth.json")


def _noise(app: str, number: int) -> tuple[str, bytes]:
    """A file without a site, in one of many folders of an application."""
    rng = random.Random(f"{app}/{number}")
    folder = f"apps/{app}/src/module{number // 4 % 20:02}/part{number % 4}"
    kind = ("go", "ts", "py", "json", "sql", "md", "yaml", "png")[number % 8]
    name = f"{folder}/{rng.choice(_WORDS)}_{number}.{kind}"
    return name, _FILES[kind](rng)


def _sentence(rng: random.Random, words: int = 9) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(words))


def _code(rng: random.Random, comment: str) -> bytes:
    lines = []
    for _ in range(rng.randint(20, 140)):
        if rng.random() < 0.1:
            lines.append(f"{comment} {_sentence(rng)}")
        else:
            name, value = rng.choice(_WORDS), rng.choice(_WORDS)
            lines.append(
                f"{name}_{rng.randint(0, 99)} = {value}({rng.choice(_WORDS)}, {rng.random():.4f})"
            )
    if rng.random() < 0.1:
        lines.append(f"{comment} example: postgres://user:pass@db.example.org:5432/app")
    if rng.random() < 0.06:
        lines.append(f"{comment} PostgreSQL keeps the {_sentence(rng, 4)}")
    return ("\n".join(lines) + "\n").encode()


def _json(rng: random.Random) -> bytes:
    rows = [
        {"id": number, rng.choice(_WORDS): _sentence(rng, 4), "total": rng.randint(0, 9999)}
        for number in range(rng.randint(5, 35))
    ]
    return json.dumps(rows, indent=2).encode() + b"\n"


def _sql(rng: random.Random) -> bytes:
    name = f"{rng.choice(_WORDS)}_{rng.randint(0, 999)}"
    columns = dict.fromkeys(rng.choice(_WORDS) for _ in range(8))
    body = ",\n".join(f"  {column} text not null default ''" for column in columns)
    note = "for PostgreSQL 17" if rng.random() < 0.3 else _sentence(rng)
    return f"-- {note}\ncreate table {name} (\n{body}\n);\n".encode()


def _markdown(rng: random.Random) -> bytes:
    parts = [f"# {_sentence(rng, 3).title()}\n"]
    parts += [
        "\n".join(_sentence(rng, 12) for _ in range(5)) + "\n" for _ in range(rng.randint(4, 20))
    ]
    return "\n".join(parts).encode()


def _yaml(rng: random.Random) -> bytes:
    lines = ["# generated"]
    for number in range(rng.randint(8, 40)):
        lines += [f"item{number}:", f"  name: {rng.choice(_WORDS)}", f"  text: {_sentence(rng, 6)}"]
        lines += [f"  count: {rng.randint(0, 500)}", f"  on: {rng.choice(('true', 'false'))}"]
    return ("\n".join(lines) + "\n").encode()


def _png(rng: random.Random) -> bytes:
    def chunk(tag: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    side = rng.randint(16, 48)
    rows = b"".join(b"\0" + rng.randbytes(side * 3) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    # Stored, not compressed: another zlib may compress to other bytes.
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


_FILES = {
    "go": lambda rng: _code(rng, "//"),
    "ts": lambda rng: _code(rng, "//"),
    "py": lambda rng: _code(rng, "#"),
    "json": _json,
    "sql": _sql,
    "md": _markdown,
    "yaml": _yaml,
    "png": _png,
}


def main() -> None:
    """Write one repository."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", help="a number, or one of 1k, 10k, 100k")
    parser.add_argument("directory", type=Path)
    given = parser.parse_args()
    total = SIZES.get(given.files) or int(given.files)
    sites = write(given.directory, total)
    print(f"{total} files with {len(sites)} sites in {given.directory}")


if __name__ == "__main__":
    main()
