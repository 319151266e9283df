"""Lets a Python that a test starts record for the search for leaks, and then is gone.

The variables that led here are removed: repoint and its children see what a user's would see.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_HERE = str(Path(__file__).parent)


def _begin() -> None:
    spool = os.environ.pop("REPOINT_LEAKS", "")
    paths = [one for one in os.environ.get("PYTHONPATH", "").split(":") if one != _HERE]
    os.environ["PYTHONPATH"] = ":".join(paths)
    if not any(paths):
        del os.environ["PYTHONPATH"]
    sys.path[:] = [one for one in sys.path if one != _HERE]
    if spool and Path(spool).is_dir():
        file = Path(__file__).parents[1] / "recorder.py"
        spec = spec_from_file_location("repoint_leaks_recorder", file)
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        module.install(Path(spool))
    other = PathFinder.find_spec("sitecustomize", sys.path)
    if other is not None:
        other.loader.exec_module(module_from_spec(other))


_begin()
