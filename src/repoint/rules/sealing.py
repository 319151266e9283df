"""What `.sops.yaml` wants encrypted, and passwords that stand in clear text.

sops takes the first creation rule whose `path_regex` is found in the path; a rule without
one fits every path. Within a file a rule may limit encryption to some keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.dsn.parse import find
from repoint.formats.base import Mapping, Node, ParsedFile, Scalar
from repoint.formats.base import Sequence as Items
from repoint.model.plan import Finding, Severity
from repoint.model.source import Location
from repoint.rules.hygiene import CLEAR_TEXT, UNEXPANDED, UNSEALED

SOPS_CONFIG = ".sops.yaml"


@dataclass(frozen=True, slots=True)
class CreationRule:
    """A creation rule of `.sops.yaml`; `directory` is where that file stands."""

    path_regex: str
    directory: str = ""
    encrypted_regex: str = ""
    unencrypted_regex: str = ""
    encrypted_suffix: str = ""
    unencrypted_suffix: str = ""

    def seals(self, keys: Sequence[str]) -> bool:
        """Whether sops encrypts a value that stands under these keys, outermost first."""
        if self.encrypted_regex:
            return any(_found(self.encrypted_regex, key) for key in keys)
        if self.encrypted_suffix:
            return any(key.endswith(self.encrypted_suffix) for key in keys)
        if self.unencrypted_regex:
            return not any(_found(self.unencrypted_regex, key) for key in keys)
        suffix = self.unencrypted_suffix or "_unencrypted"
        return not any(key.endswith(suffix) for key in keys)


@dataclass(frozen=True, slots=True)
class ClearPassword:
    """A password that stands in clear text; the value itself is not carried.

    `keys` are the keys of the tree above it, `key` the name it is known by. `local` tells
    that it opens a server on the same machine only.
    """

    location: Location
    key: str
    keys: tuple[str, ...]
    local: bool = False


@dataclass(frozen=True, slots=True)
class Unexpanded:
    """A value with `${NAME}` in a place where nothing expands it."""

    location: Location
    key: str
    names: tuple[str, ...]


def sops_rules(text: str, directory: str = "") -> tuple[CreationRule, ...]:
    """The creation rules of a `.sops.yaml` in their order; none when it is not valid."""
    import yaml

    try:
        data: object = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return ()
    listed = data.get("creation_rules") if isinstance(data, dict) else None
    fields = (
        "path_regex",
        "encrypted_regex",
        "unencrypted_regex",
        "encrypted_suffix",
        "unencrypted_suffix",
    )
    found = []
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            values = {name: str(item.get(name) or "") for name in fields}
            found.append(CreationRule(directory=directory, **values))
    return tuple(found)


def wants_sealed(path: str, rules: Sequence[CreationRule]) -> CreationRule | None:
    """The rule that sops would encrypt `path` by, None when no rule covers it."""
    for rule in rules:
        below = f"{rule.directory}/" if rule.directory else ""
        if path.startswith(below) and _found(rule.path_regex, path.removeprefix(below)):
            return rule
    return None


def clear_passwords(parsed: ParsedFile) -> tuple[ClearPassword, ...]:
    """Every literal password in the values of a parsed file, in file order.

    Variables, placeholders and sops values are no passwords; comments are no values.
    """
    found: list[ClearPassword] = []
    for document in parsed.documents:
        if document.root is not None:
            _walk(parsed.path, document.root, (), f"/{document.index}", found)
    return tuple(found)


def password_findings(
    passwords: Sequence[ClearPassword],
    rules: Sequence[CreationRule],
    *,
    development: bool = False,
) -> tuple[Finding, ...]:
    """RP301 where a creation rule wants the value encrypted, RP303 elsewhere.

    `development` lowers RP303 to a note, for files that only serve one machine.
    """
    found = []
    for password in passwords:
        path = password.location.path
        rule = wants_sealed(path, rules)
        where = f"`{path}` line {password.location.line}: `{password.key}`"
        if rule is not None and rule.seals(password.keys):
            message = f"{where} is in clear text, and `{SOPS_CONFIG}` wants it encrypted"
            found.append(UNSEALED.finding(message, location=password.location))
        else:
            severity = Severity.NOTE if development or password.local else None
            message = f"{where} holds a password in clear text"
            found.append(CLEAR_TEXT.finding(message, location=password.location, severity=severity))
    return tuple(found)


def unexpanded_names(text: str) -> tuple[str, ...]:
    """Names written `${NAME}` in a text, in their order, each once."""
    return tuple(dict.fromkeys(_SHELL_NAME.findall(text)))


def unexpanded_findings(
    values: Sequence[Unexpanded], *, substituted: bool = False, environment: str = ""
) -> tuple[Finding, ...]:
    """RP302 for values of Secrets, ConfigMaps and container environments.

    `substituted`: something expands the manifests before Kubernetes sees them, such as
    Flux's `postBuild` substitution or envsubst in a pipeline.
    """
    if substituted:
        return ()
    return tuple(
        UNEXPANDED.finding(
            f"`{value.location.path}` line {value.location.line}: `{value.key}` holds "
            + ", ".join(f"`${{{name}}}`" for name in value.names)
            + ", which nothing expands",
            location=value.location,
            environment=environment,
        )
        for value in values
        if value.names
    )


_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1", "[::1]", "host.docker.internal"})
_SHELL_NAME = re.compile(r"(?<!\$)\$\{([A-Za-z_]\w*)(?::?[-=?+][^}]*)?\}")
_SOPS_VALUE = re.compile(r"ENC\[AES256_GCM,[\w+/=,:]*\]")
# Kafka Connect's configuration providers: `${secrets:namespace/name:key}`, `${file:/path:key}`.
_PROVIDED = re.compile(
    r"\$\{(?:file|dir|directory|secrets?|configmaps?|env|vault)(?::[\w./][\w./\-]*){1,2}\}"
)
_SECRET_KEY = re.compile(
    r"(?i)(?:^|[_.\-]|(?<=[a-z]))(?:password|passwd|pwd|pgpass)(?:[_.\-]?\d+)?$"
)


def _walk(
    path: str, node: Node, keys: tuple[str, ...], pointer: str, found: list[ClearPassword]
) -> None:
    if isinstance(node, Scalar):
        _scalar(path, node, keys[-1] if keys else "", keys, pointer, found)
    elif isinstance(node, Items):
        for index, item in enumerate(node.items):
            _walk(path, item, keys, f"{pointer}/{index}", found)
    else:
        _mapping(path, node, keys, pointer, found)


def _mapping(
    path: str, node: Mapping, keys: tuple[str, ...], pointer: str, found: list[ClearPassword]
) -> None:
    entry = node.text("name")
    for key, value in node.pairs:
        if key.text == "sops" and not keys:
            continue
        place = f"{pointer}/{key.text.replace('~', '~0').replace('/', '~1')}"
        # A container's environment: the name of `value` is the entry's own name.
        if key.text == "value" and entry and isinstance(value, Scalar):
            _scalar(path, value, entry, (*keys, key.text), place, found)
        else:
            _walk(path, value, (*keys, key.text), place, found)


def _scalar(
    path: str,
    scalar: Scalar,
    key: str,
    keys: tuple[str, ...],
    pointer: str,
    found: list[ClearPassword],
) -> None:
    text = scalar.text
    if _SOPS_VALUE.fullmatch(text):
        # Now and then base64 reads `..PW==,`, which looks like a password.
        return
    literal = mask(text) != text
    if not literal and text.strip() and _SECRET_KEY.search(key) and not _PROVIDED.fullmatch(text):
        pair = f"{key}={text}"
        literal = mask(pair) != pair
    if literal:
        place = Location(path, scalar.line, scalar.column, pointer)
        hosts = {token.text.lower() for dsn in find(text) for token in dsn.hosts}
        local = bool(hosts) and hosts <= _THIS_MACHINE
        found.append(ClearPassword(place, key, keys, local))


def _found(pattern: str, text: str) -> bool:
    """Whether a pattern of `.sops.yaml` is found in `text`; a pattern that is wrong is not."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
