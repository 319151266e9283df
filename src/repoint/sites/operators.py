"""What the server's own objects say of other servers: replication and import sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from repoint.formats.base import Mapping, Scalar
from repoint.sites.context import Scope
from repoint.sites.frame import Draft, Form, Role, Value
from repoint.sites.split import Container, Entry, split_drafts

_ReadValue = Callable[[Scalar, tuple[str, ...]], Value]


def operator_drafts(
    node: Mapping, scope: Scope, read: _ReadValue, path: tuple[str, ...]
) -> Iterator[Draft]:
    """Drafts of CNPG's `externalClusters` and of the standby sources of other operators."""
    if scope.role not in (Role.MANIFEST, Role.TEMPLATE):
        return
    for index, item in enumerate(node.items("spec", "externalClusters")):
        if isinstance(item, Mapping):
            inner = item.mapping("connectionParameters")
            place = (*path, "spec", "externalClusters", str(index), "connectionParameters")
            if inner is not None:
                prefix = f"externalClusters.{item.text('name')}"
                yield from _settings(inner, scope, read, place, prefix)
    standby = node.mapping("spec", "standby")
    if standby is not None and node.text("kind") in {"postgresql", "PostgresCluster", "Postgresql"}:
        yield from _settings(standby, scope, read, (*path, "spec", "standby"), "standby")


def _settings(
    node: Mapping, scope: Scope, read: _ReadValue, path: tuple[str, ...], prefix: str
) -> Iterator[Draft]:
    entries = [
        Entry(key.text.removeprefix("standby_"), read(value, (*path, key.text)))
        for key, value in node.pairs
        if isinstance(value, Scalar)
    ]
    yield from split_drafts(
        Container(
            entries,
            scope.role,
            trail=("postgresql",),
            key_prefix=prefix,
            form=Form.SETTING,
            templates=scope.templates,
        )
    )
