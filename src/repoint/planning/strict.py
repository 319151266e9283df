"""Data that people write, checked strictly: unknown keys and wrong types are errors that say where.

A message names file, line and key, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec

from repoint.errors import ConfigError

Text = Annotated[str, msgspec.Meta(min_length=1)]
Strings = str | list[str]


Section = TypeVar("Section", bound=msgspec.Struct)


def yaml_data(text: str, path: str) -> object:
    """What a YAML text holds.

    Raises:
        ConfigError: it is no YAML.
    """
    import yaml

    try:
        data: object = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"`{path}` line {line} is not valid YAML") from None
    except (RecursionError, ValueError):
        raise ConfigError(f"`{path}` is not valid YAML") from None
    return data


def checked(
    data: object, kind: type[Section], known: Iterable[str], path: str, text: str
) -> Section:
    """`data` as a section of type `kind`.

    Args:
        data: What was read.
        kind: What it has to be.
        known: Keys that an unknown one may have been meant for.
        path: The file, or another name for where it is from.
        text: The text it was read from, for line numbers; empty where there is none.

    Raises:
        ConfigError: a key is unknown, missing, or has the wrong type.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise _explained(str(error), known, path, text) from None


def _explained(message: str, known: Iterable[str], path: str, text: str) -> ConfigError:
    """Turn msgspec's message into one with line, key and remedy, without the value."""
    reason, _, where = message.partition(" - at `")
    keys = re.findall(r"[A-Za-z_][\w-]*|\[\.\.\.\]|\[\d+\]", where.rstrip("`").removeprefix("$"))
    keys = [key for key in keys if not key.startswith("[...")]
    unknown = re.search(r"unknown field `([^`]*)`", reason)
    if unknown:
        import difflib

        name = unknown.group(1)
        near = difflib.get_close_matches(name, sorted(known), n=1)
        spot = ".".join([*keys, name])
        hint = f"did you mean `{near[0]}`?" if near else ConfigError.default_hint
        return ConfigError(f"{_at(path, text, [*keys, name])}: unknown key `{spot}`", hint=hint)
    missing = re.search(r"missing required field `([^`]*)`", reason)
    if missing:
        spot = ".".join([*keys, missing.group(1)])
        return ConfigError(f"`{path}`: `{spot}` is missing", hint="run `repoint init` to see one")
    plain = re.sub(r"value '[^']*'|got '[^']*'", "value", reason)
    plain = re.sub(r"(?i)expected `str` matching regex .*", "its spelling is not allowed", plain)
    types = re.match(r"Expected `([^`]*)`, got `([^`]*)`", plain)
    if types:
        plain = f"must be {_words(types[1])}, and is {_words(types[2])}"
    plain = plain[:1].lower() + plain[1:]
    spot = f": `{'.'.join(keys)}`" if keys else ""
    return ConfigError(f"{_at(path, text, keys)}{spot}: {plain}")


_WORDS = {
    "str": "text",
    "array": "a list",
    "object": "a mapping",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "empty",
}


def _words(types: str) -> str:
    """msgspec's `str | array | null` as a person would say it."""
    return " or ".join(_WORDS.get(one, f"`{one}`") for one in types.split(" | "))


def _at(path: str, text: str, keys: Iterable[str]) -> str:
    return f"`{path}` line {_line_of(text, keys)}" if text else f"`{path}`"


def _line_of(text: str, keys: Iterable[str]) -> int:
    """The line that spells the last of `keys`, each looked for below the one before; else 1."""
    lines, found = text.splitlines(), 0
    for key in (key for key in keys if not key.startswith("[")):
        pattern = re.compile(rf"(?:^|[\s{{,-])[\"']?{re.escape(key)}[\"']?\s*:")
        at = (number for number in range(found, len(lines)) if pattern.search(lines[number]))
        found = next(at, found)
    return found + 1
