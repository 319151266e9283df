"""Documents of `--format json`, held against the schemas that docs/reference publishes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[1] / "docs" / "reference" / "schemas"


def validated(name: str, text: str) -> Any:
    """The document, when it is one of the published schema and has no key that it does not."""
    document = json.loads(text)
    faults = [
        f"{error.json_path}: {error.message}" for error in _closed(name).iter_errors(document)
    ]
    assert not faults, "\n".join(faults[:10])
    return document


@cache
def _closed(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    for definition in schema["$defs"].values():
        if "properties" in definition:
            definition["additionalProperties"] = False
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)
