"""Files without a site that fill a repository: sources, JSON, SQL, Markdown, YAML, images.

Only `Random.random` seeded with a number is used: Python promises that its sequence stays.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

from bench.marks import decoy

MODULES, PARTS = 15, 4
_KINDS = ("go", "ts", "py", "json", "sql", "md", "go", "ts", "py", "json", "yaml", "png")
_POOL = 4096
_TEXT = (
    "account address amount basket batch cache cart change client column connection context "
    "count customer database delay event field filter handler index invoice item limit list "
    "message model number offset order page payment price product queue record region request "
    "response result retry row schema search service session status stream table tenant token "
    "total transaction update user value version worker"
)
_WORDS = _TEXT.split()
_EXAMPLE = "postgres://user:pass@db.example.org:5432/app"


def noise(app: str, number: int) -> tuple[str, str | bytes]:
    """File `number` of `app`: its path below the application, and its marked text or its bytes."""
    kind = _KINDS[number % len(_KINDS)]
    random = Random(int.from_bytes(f"{app}/{number}".encode()))
    module, part = number // PARTS % MODULES, number % PARTS
    path = f"src/module{module:02}/part{part}/{_word(random)}_{number}.{kind}"
    return path, _FILES[kind](random, f"{app} {number}")


def _below(random: Random, limit: int) -> int:
    return int(random.random() * limit)


def _word(random: Random) -> str:
    return _WORDS[_below(random, len(_WORDS))]


def _sentence(random: Random, words: int) -> str:
    return " ".join(_word(random) for _ in range(words))


@cache
def _pool(name: str) -> tuple[str, ...]:
    """Lines to draw from; made once, since drawing words for every file takes too long."""
    random = Random(len(name))
    return tuple(_LINES[name](random) for _ in range(_POOL))


def _drawn(random: Random, pool: str, count: int) -> list[str]:
    lines = _pool(pool)
    draw = random.random
    return [lines[int(draw() * _POOL)] for _ in range(count)]


def _statement(random: Random) -> str:
    name, value = f"{_word(random)}_{_below(random, 99)}", _word(random)
    return f"    {name} = {value}({_word(random)}, {_below(random, 5000)})"


def _row(random: Random) -> str:
    return f'"{_word(random)}": "{_sentence(random, 4)}", "total": {_below(random, 5000)}'


def _column(random: Random) -> str:
    return f"  {_word(random)}_{_below(random, 999)} text not null default ''"


_LINES: dict[str, Callable[[Random], str]] = {
    "statement": _statement,
    "row": _row,
    "column": _column,
    "sentence": lambda random: _sentence(random, 11),
}


def _source(comment: str, package: str, examples: float = 0.0) -> Callable[[Random, str], str]:
    def write(random: Random, name: str) -> str:
        lines = [
            f"{comment} {name}",
            package,
            *_drawn(random, "statement", 60 + _below(random, 245)),
        ]
        lines[9] = f"{comment} {lines[9].strip()}"
        if random.random() < examples:
            example = decoy(_EXAMPLE, "an example in a comment")
            lines.insert(20, f"{comment} example: {example}")
        return "\n".join(lines) + "\n"

    return write


def _json(random: Random, name: str) -> str:
    rows = _drawn(random, "row", 30 + _below(random, 130))
    body = ",\n".join(f'  {{"id": {number}, {row}}}' for number, row in enumerate(rows))
    return f'[\n  {{"file": "{name}"}},\n{body}\n]\n'


def _sql(random: Random, name: str) -> str:
    lines = [f"-- {name}"]
    if random.random() < 0.2:
        lines.append(f"-- for {decoy('PostgreSQL', 'a mention in a comment')} 17")
    for table in range(4 + _below(random, 24)):
        columns = ",\n".join(f"{row}" for row in _drawn(random, "column", 8))
        lines.append(f"create table table_{table} (\n  id bigint primary key,\n{columns}\n);")
    return "\n".join(lines) + "\n"


def _markdown(random: Random, name: str) -> str:
    lines = [f"# {name}", ""]
    for _ in range(4 + _below(random, 18)):
        lines += [*_drawn(random, "sentence", 5), ""]
    if random.random() < 0.1:
        lines[1:1] = ["", f"    psql {decoy(_EXAMPLE, 'an example in documentation')}"]
    return "\n".join(lines)


def _yaml(random: Random, name: str) -> str:
    lines = [f"# {name}"]
    for number in range(20 + _below(random, 60)):
        lines += [f"item{number}:", f"  name: {_word(random)}", f"  count: {_below(random, 500)}"]
        lines += [f"  text: {text}" for text in _drawn(random, "sentence", 1)]
    return "\n".join(lines) + "\n"


def _png(random: Random, name: str) -> bytes:
    side = 24 + _below(random, 44)
    pixels = hashlib.shake_128(name.encode()).digest(side * (side * 3 + 1))
    rows = b"".join(
        b"\0" + pixels[at : at + side * 3] for at in range(0, len(pixels), side * 3 + 1)
    )
    # Stored by hand, not compressed: another zlib may compress to other bytes.
    blocks = struct.pack("<BHH", 1, len(rows), 0xFFFF - len(rows)) + rows
    data = b"\x78\x01" + blocks + struct.pack(">I", zlib.adler32(rows))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


_FILES: dict[str, Callable[[Random, str], str | bytes]] = {
    "go": _source("//", "package service"),
    "ts": _source("//", "export {}", examples=0.033),
    "py": _source("#", "from __future__ import annotations"),
    "json": _json,
    "sql": _sql,
    "md": _markdown,
    "yaml": _yaml,
    "png": _png,
}
