"""The tables of what is known, which are TOML files in `data`."""

from __future__ import annotations

from typing import Any


def table(name: str) -> dict[str, Any]:
    """What the file `name` holds.

    `pkgutil` reads it wherever the package is; `importlib.resources` would do the same, and
    load `tempfile`, `random` and a dozen more for it.
    """
    import tomllib
    from pkgutil import get_data

    return tomllib.loads((get_data("repoint", f"data/{name}") or b"").decode())
