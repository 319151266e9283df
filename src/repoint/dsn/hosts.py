"""Service names as they are written in connection strings, compared and respelled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?")
DEFAULT_DOMAIN = "cluster.local"


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """A Kubernetes Service; lower case."""

    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class HostName:
    """A host read as a Service name; None is what the spelling leaves out."""

    service: str
    namespace: str | None
    domain: str | None


def parse_host(host: str) -> HostName | None:
    """Read `svc`, `svc.ns`, `svc.ns.svc` or `svc.ns.svc.<domain>`, in any case.

    The name of a StatefulSet's pod (`pg-0.pg.ns.svc`) is that of its Service. None when the text
    cannot be a Service's name: an address, a path, a variable, or a name with dots that are not
    Kubernetes' (`db.example.com`).
    """
    labels = host.lower().removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if all(label.isdigit() for label in labels):
        return None
    if _is_pod(labels):
        labels = labels[1:]
    if len(labels) == 1:
        return HostName(labels[0], None, None)
    if len(labels) == 2:
        return HostName(labels[0], labels[1], None)
    if labels[2] != "svc":
        return None
    return HostName(labels[0], labels[1], ".".join(labels[3:]) or None)


def _is_pod(labels: Sequence[str]) -> bool:
    """Whether the first label is a pod's: `pod.svc.ns.svc`, `pg-0.pg-headless.ns`, `pg-0.pg`."""
    if labels[3:4] == ["svc"]:
        return True
    stem, dash, number = labels[0].rpartition("-")
    numbered = bool(dash) and number.isdigit()
    if len(labels) == 2:
        return numbered and labels[1] == stem
    return numbered and labels[2:3] != ["svc"] and labels[1:2] != [] and labels[1].startswith(stem)


def same_service(
    host: str,
    service: Service,
    *,
    from_namespace: str,
    prefixes: Sequence[str] = (),
    suffixes: Sequence[str] = (),
    domain: str = DEFAULT_DOMAIN,
) -> bool:
    """Whether `host`, asked from a pod in `from_namespace`, is `service`.

    A bare name belongs to the asking namespace. `prefixes` and `suffixes` are
    kustomize's `namePrefix` and `nameSuffix`: both the plain and the extended name count.
    A name in another cluster domain is another server.
    """
    read = parse_host(host)
    if read is None or (read.namespace or from_namespace.lower()) != service.namespace.lower():
        return False
    if read.domain is not None and read.domain != domain.lower():
        return False
    name = service.name.lower()
    names = {
        f"{prefix}{name}{suffix}".lower()
        for prefix in ("", *prefixes)
        for suffix in ("", *suffixes)
    }
    return read.service in names


def fqdn(service: str, namespace: str, domain: str = DEFAULT_DOMAIN) -> str:
    """The full name of a Service: `svc.ns.svc.cluster.local`."""
    return f"{service}.{namespace}.svc.{domain}"
