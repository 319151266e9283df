"""Where a workload tells whether it is well: from repoint.yaml, else from its readiness probe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from repoint.dsn.hosts import parse_host
from repoint.model.cluster import Document
from repoint.model.rehearsal import Verdict


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An HTTP endpoint behind a Service or a pod; `target` is `service/NAME` or `pod/NAME`."""

    namespace: str
    target: str
    port: int
    path: str
    host: str
    tls: bool = False

    @property
    def url(self) -> str:
        """As a person would write it."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.host}:{self.port}{self.path}"


def endpoint_of_url(url: str, namespace: str) -> Endpoint | None:
    """The endpoint that `consumers.NAME.health` names; None where it is no Service's URL."""
    parts = urlsplit(url)
    named = parse_host(parts.hostname or "")
    if named is None or parts.scheme not in ("http", "https"):
        return None
    tls = parts.scheme == "https"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Endpoint(
        named.namespace or namespace,
        f"service/{named.service}",
        parts.port or (443 if tls else 80),
        path or "/",
        parts.hostname or "",
        tls,
    )


def endpoint_of_probe(
    workload: Document,
    container: Mapping[str, Any],
    labels: Mapping[str, str],
    services: Iterable[Document],
    pods: Iterable[Document],
) -> Endpoint | None:
    """The endpoint that the container's readiness probe asks, through the Service before it.

    Without a Service for that port it is one of its pods. None without an `httpGet` probe.
    """
    get = _http_get(container)
    if get is None:
        return None
    port = _number(get.get("port"), container)
    if not port:
        return None
    path = str(get.get("path") or "/")
    tls = str(get.get("scheme") or "HTTP").upper() == "HTTPS"
    namespace = str((workload.get("metadata") or {}).get("namespace", ""))
    for service in sorted(services, key=_name):
        found = _service_port(service, labels, port, container)
        if found:
            return Endpoint(
                namespace, f"service/{_name(service)}", found, path, _name(service), tls
            )
    for pod in pods:
        return Endpoint(namespace, f"pod/{_name(pod)}", port, path, _name(pod), tls)
    return None


def wellness(status: int) -> Verdict:
    """What an HTTP status tells; one that leads elsewhere (3xx), as to a login page, nothing.

    A kubelet takes that for a success too, so it is no failure either.
    """
    if 200 <= status < 300:
        return Verdict.PASS
    return Verdict.UNKNOWN if 300 <= status < 400 else Verdict.FAIL


def _http_get(container: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        found = (container.get(probe) or {}).get("httpGet")
        if found:
            return dict(found)
    return None


def _number(port: object, container: Mapping[str, Any]) -> int:
    if isinstance(port, int) or str(port).isdigit():
        return int(str(port))
    named = (p for p in container.get("ports") or () if p.get("name") == port)
    return next((int(p.get("containerPort", 0)) for p in named), 0)


def _service_port(
    service: Document, labels: Mapping[str, str], port: int, container: Mapping[str, Any]
) -> int:
    """The Service's own port that leads to a port of such pods; 0 for none."""
    spec = service.get("spec") or {}
    selector = spec.get("selector") or {}
    if not selector or any(labels.get(key) != value for key, value in selector.items()):
        return 0
    for one in spec.get("ports") or ():
        if _number(one.get("targetPort", one.get("port")), container) == port:
            return int(one.get("port", 0))
    return 0


def _name(document: Document) -> str:
    return str((document.get("metadata") or {}).get("name", ""))
