"""Which server the workloads of a cluster name, where nothing tells how they should be.

Objects that Helm makes are not rendered here. What can be asked is whether a live workload still
names the source, and whether it names the target.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping

from repoint.model.cluster import Document
from repoint.rollout.inputs import WHOLE, inputs_of
from repoint.rollout.objects import at, items_at, mapping_at, template_of
from repoint.rollout.values import values_of

Values = Mapping[tuple[str, str, str], Document]
"""Live Secrets and ConfigMaps by kind, namespace and name."""


def names_host(text: str, services: Iterable[str]) -> bool:
    """Whether a text names one of some Services as a host, in any common spelling.

    A user or a scheme of the same name (`postgres://postgres:..@db`) is no host.
    """
    return any(_pattern(service).search(text) for service in services if service)


def _pattern(service: str) -> re.Pattern[str]:
    name = re.escape(service)
    before = r"(?:\A\s*|//|@|,|(?i:\b(?:host|hostaddr|server|data source)\s*=\s*['\"]?)"
    before += r"|(?:-h|--host)[\s=]+)"
    # What follows up to the next slash must hold no @: that would make it a user.
    return re.compile(rf"{before}{name}(?=\Z|[.:/,?;\s'\"])(?!://)(?![^/\s@?]*@)", re.MULTILINE)


def plain_values(document: Document | None) -> Iterator[tuple[str, str]]:
    """Keys and values of a Secret or ConfigMap, base64 undone; what is no text is left out."""
    secret = document is not None and document.get("kind") == "Secret"
    for key, value in values_of(document).items():
        if not secret:
            yield key, value
            continue
        try:
            yield key, base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            continue


def naming(workload: Document, values: Values, services: Iterable[str]) -> tuple[str, ...]:
    """Every place in which a workload names one of some Services, sorted."""
    wanted = tuple(services)
    found: set[str] = set()
    for one in inputs_of(workload):
        holder = values.get((one.kind, one.namespace, one.name))
        for key, text in plain_values(holder):
            if one.key in (WHOLE, key) and names_host(text, wanted):
                found.add(f"{one.kind}/{one.name} `{key}`")
    for where, text in own_texts(workload):
        if names_host(text, wanted):
            found.add(where)
    return tuple(sorted(found))


def own_texts(workload: Document) -> Iterator[tuple[str, str]]:
    """The literal variables and the commands of a workload's containers, with their places."""
    spec = mapping_at(template_of(workload), "spec")
    for group in ("initContainers", "containers"):
        for container in items_at(spec, group):
            for variable in items_at(container, "env"):
                if isinstance(at(variable, "value"), str):
                    yield f"env `{at(variable, 'name')}`", str(at(variable, "value"))
            for field in ("command", "args"):
                yield field, " ".join(map(str, items_at(container, field)))


def connection_keys(
    documents: Iterable[Document], services: Iterable[str]
) -> frozenset[tuple[str, str, str, str]]:
    """Kind, namespace, name and key of every value that names one of some Services."""
    wanted = tuple(services)
    found = set()
    for document in documents:
        if document.get("kind") in ("Secret", "ConfigMap"):
            name, namespace = (
                str(at(document, "metadata", k) or "") for k in ("name", "namespace")
            )
            for key, text in plain_values(document):
                if names_host(text, wanted):
                    found.add((str(document["kind"]), namespace, name, key))
    return frozenset(found)
