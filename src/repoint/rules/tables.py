"""The tables of what is known, which are TOML files in `data`."""

from __future__ import annotations

from typing import Any


def table(name: str) -> dict[str, Any]:
    """What the file `name` holds.

    `pkgutil` reads it wherever the package is; `importlib.resources` would do the same, and
    load `tempfile`, `random` and a dozen more for it.
    """
    import tomllib

    return tomllib.loads(_text(name))


def plain_table(name: str) -> dict[str, Any]:
    """The same of a file that is plain, in a tenth of the time: every scan asks for the tools.

    Plain are lines of `[table]`, `[[table]]`, `key = value`, and comments, where a value is
    spelled as JSON has it; a list may go on over several lines, and end with a comma.

    Raises:
        ValueError: something else stands there.
    """
    from msgspec import json

    made: dict[str, Any] = {}
    here = made
    lines = iter(_text(name).splitlines())
    for line in map(str.strip, lines):
        if line.startswith("[["):
            here = {}
            made.setdefault(line[2:-2], []).append(here)
        elif line.startswith("["):
            here = made.setdefault(line[1:-1], {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition(" = ")
            while value.startswith("[") and not value.endswith("]"):
                value += next(lines, "]").strip()
            here[key] = json.decode(f"{value[:-2]}]" if value.endswith(",]") else value)
    return made


def _text(name: str) -> str:
    from pkgutil import get_data

    return (get_data("repoint", f"data/{name}") or b"").decode()
