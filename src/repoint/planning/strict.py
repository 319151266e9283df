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
        ConfigError: it is no YAML, or a mapping has a key twice: YAML's readers would take
            the last one, and a merge of two branches leaves both.
    """
    import yaml

    try:
        reader = yaml.CSafeLoader(text)
        root = reader.get_single_node()
        _require_single(root, path)
        data: object = None if root is None else reader.construct_document(root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"`{path}` line {line} is not valid YAML") from None
    except (RecursionError, ValueError):
        raise ConfigError(f"`{path}` is not valid YAML") from None
    return data


def _require_single(root: object, path: str) -> None:
    """Refuse a key that stands twice in one mapping."""
    import yaml

    todo, seen = [root], set[int]()
    while todo:
        node = todo.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
            continue
        first: dict[str, int] = {}
        for key, value in node.value:
            todo.append(value)
            name, line = str(key.value), key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and name in first:
                raise ConfigError(
                    f"`{path}` line {line}: `{name}` stands twice, first in line {first[name]}",
                    hint="keep one of them",
                )
            first[name] = line


def checked(data: object, kind: type[Section], path: str, text: str) -> Section:
    """`data` as a section of type `kind`.

    Args:
        data: What was read.
        kind: What it has to be.
        path: The file, or another name for where it is from.
        text: The text it was read from, for line numbers; empty where there is none.

    Raises:
        ConfigError: a key is unknown, missing, or has the wrong type.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message = str(error)
    reason, _, where = message.partition(" - at `")
    # `$.a[...].b[2]`, or for a name that is no text "key` in `$.a".
    keys = re.findall(r"[A-Za-z_][\w-]*|\[\.\.\.\]|\[\d+\]", where.removeprefix("key` in "))
    if where.startswith("key` in "):
        reason = "its keys must be text"
    named = _named(data, kind, keys, message)
    if reason.startswith("Invalid enum value"):
        raise _no_choice(_choices(kind, named), _at_keys(data, named), named, path, text)
    raise _explained(reason, named, _types(kind, named), path, text)


def _choices(kind: type[Section], keys: Iterable[str]) -> list[str]:
    """The words that may stand below `keys`."""
    from msgspec import inspect

    found = _types(kind, keys)
    words = [one.values for one in found if isinstance(one, inspect.LiteralType)]
    return [str(word) for several in words for word in several if word != ""]


def _known(types: Iterable[msgspec.inspect.Type]) -> list[str]:
    """The keys that sections of these types may have."""
    from msgspec import inspect

    structs = [one for one in types if isinstance(one, inspect.StructType)]
    return [field.encode_name for one in structs for field in one.fields]


def _spelling(types: Iterable[msgspec.inspect.Type]) -> str:
    """How a value of these types is written, where one of them says so."""
    from msgspec import inspect

    described = [one for one in types if isinstance(one, inspect.Metadata)]
    told = [(one.extra_json_schema or {}).get("description", "") for one in described]
    return next((str(one) for one in told if one), "")


def _types(kind: type[Section], keys: Iterable[str]) -> list[msgspec.inspect.Type]:
    """The types that may stand below `keys`."""
    from msgspec import inspect

    found: list[inspect.Type] = [inspect.type_info(kind)]
    for key in keys:
        found = [below for one in found for below in _below(one, key)]
    return found


def _below(kind: msgspec.inspect.Type, key: str) -> Iterable[msgspec.inspect.Type]:
    """The types that a key of a type may have."""
    from msgspec import inspect

    if isinstance(kind, inspect.Metadata):
        return _below(kind.type, key)
    if isinstance(kind, inspect.UnionType):
        return [below for one in kind.types for below in _below(one, key)]
    if isinstance(kind, inspect.StructType):
        return [field.type for field in kind.fields if field.encode_name == key]
    if isinstance(kind, inspect.DictType):
        return [kind.value_type]
    lists = (inspect.ListType, inspect.VarTupleType)
    return [kind.item_type] if isinstance(kind, lists) else []


def _no_choice(
    words: list[str], value: object, keys: list[str], path: str, text: str
) -> ConfigError:
    """The refusal of a word that is none of those that may stand there."""
    import difflib

    near = difflib.get_close_matches(str(value), words, n=1)
    listed = ", ".join(f"`{word}`" for word in words)
    hint = f"did you mean `{near[0]}`?" if near else ConfigError.default_hint
    return ConfigError(
        f"{_at(path, text, keys)}: `{_spelled(keys)}` must be one of {listed}", hint=hint
    )


def _named(data: object, kind: type[Section], keys: list[str], message: str) -> list[str]:
    """`keys` with the names for which msgspec writes `[...]`.

    It is the entry of a mapping that alone fails in the same way.
    """
    named: list[str] = []
    for number, key in enumerate(keys):
        entries = _at_keys(data, named) if key == "[...]" else None
        if key != "[...]":
            named.append(key)
        elif isinstance(entries, dict):
            alone = ((one, _with(data, named, {one: value})) for one, value in entries.items())
            found = next((one for one, cut in alone if _fails(cut, kind, message)), None)
            if found is None:
                return [*named, *(one for one in keys[number:] if one != "[...]")]
            named.append(str(found))
    return named


def _fails(data: object, kind: type[Section], message: str) -> bool:
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        return str(error) == message
    return False


def _at_keys(data: object, keys: Iterable[str]) -> object:
    """What stands below `keys`, of which `[3]` is an item of a list."""
    for key in keys:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and key.startswith("["):
            data = data[int(key[1:-1])]
    return data


def _with(data: object, keys: list[str], value: object) -> object:
    """A copy of `data` with another value below `keys`."""
    if not keys:
        return value
    below = _with(_at_keys(data, keys[:1]), keys[1:], value)
    if isinstance(data, dict):
        return {**data, keys[0]: below}
    if isinstance(data, list):
        return [below if f"[{number}]" == keys[0] else one for number, one in enumerate(data)]
    return data


def _explained(
    reason: str, keys: list[str], types: list[msgspec.inspect.Type], path: str, text: str
) -> ConfigError:
    """Turn msgspec's reason into a message with line, key and remedy, without the value.

    `types` are those that may stand below `keys`.
    """
    unknown = re.search(r"unknown field `([^`]*)`", reason)
    if unknown:
        import difflib

        name = unknown.group(1)
        near = difflib.get_close_matches(name, _known(types), n=1)
        spot = _spelled([*keys, name])
        hint = f"did you mean `{near[0]}`?" if near else ConfigError.default_hint
        return ConfigError(f"{_at(path, text, [*keys, name])}: unknown key `{spot}`", hint=hint)
    missing = re.search(r"missing required field `([^`]*)`", reason)
    if missing:
        spot = _spelled([*keys, missing.group(1)])
        place = _at(path, text, keys) if keys else f"`{path}`"
        hint = ConfigError.default_hint if keys else "`repoint init --print` shows one"
        return ConfigError(f"{place}: `{spot}` is missing", hint=hint)
    plain = re.sub(r"value '[^']*'|got '[^']*'", "value", reason)
    plain = re.sub(r"(?i)expected `str` matching regex .*", "its spelling is not allowed", plain)
    plain = in_words(plain) or plain
    plain = plain[:1].lower() + plain[1:]
    spot = f": `{_spelled(keys)}`" if keys else ""
    return ConfigError(f"{_at(path, text, keys)}{spot}: {plain}", hint=_spelling(types))


def in_words(reason: str) -> str:
    """msgspec's reason as a person would say it; empty for one that is said otherwise."""
    missing = re.fullmatch(r"Object missing required field `(\w+)`", reason)
    if missing:
        return f"`{missing[1]}` is missing"
    least = re.match(r"Expected `([^`]*)`( of length)? >= (\d+)", reason)
    if least:
        unit = {"str": " characters", "array": " entries"}.get(least[1], "") if least[2] else ""
        if unit and least[3] == "1":
            return "must not be empty"
        return f"must be at least {least[3]}{unit}"
    types = re.match(r"Expected `([^`]*)`, got `([^`]*)`", reason)
    return f"must be {_words(types[1])}, and is {_words(types[2])}" if types else ""


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


def _spelled(keys: Iterable[str]) -> str:
    """The keys as one: `accept[1].code`."""
    return ".".join(keys).replace(".[", "[")


def _at(path: str, text: str, keys: Iterable[str]) -> str:
    return f"`{path}` line {_line_of(text, keys)}" if text else f"`{path}`"


def _line_of(text: str, keys: Iterable[str]) -> int:
    """The line of the last of `keys` that the text spells, each in what the one before holds."""
    import yaml

    node, line = yaml.compose(text, Loader=yaml.CSafeLoader), 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == key]
        elif isinstance(node, yaml.SequenceNode) and key.startswith("["):
            found = [(item, item) for item in node.value[int(key[1:-1]) :][:1]]
        else:
            found = []
        if not found:
            break
        named, node = found[-1]
        line = named.start_mark.line + 1
    return line
