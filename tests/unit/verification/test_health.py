"""Where a workload tells whether it is well."""

from __future__ import annotations

from typing import Any

import pytest

from repoint.verification.health import (
    Endpoint,
    endpoint_of_probe,
    endpoint_of_url,
    wellness,
)

WORKLOAD = {"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
LABELS = {"app": "web", "tier": "front"}
POD = {"metadata": {"name": "web-1"}}


def container(**probe: Any) -> dict[str, Any]:
    ports = [{"name": "http", "containerPort": 8000}]
    get = {"path": "/health", "port": "http", **probe}
    return {"name": "web", "ports": ports, "readinessProbe": {"httpGet": get}}


def service(name: str = "web", selector: Any = None, **port: Any) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": "http", **port}]
    spec = {"selector": {"app": "web"} if selector is None else selector, "ports": ports}
    return {"metadata": {"name": name}, "spec": spec}


def found(one: dict[str, Any], *services: Any, pods: Any = (POD,)) -> Endpoint | None:
    return endpoint_of_probe(WORKLOAD, one, LABELS, services, pods)


@pytest.mark.parametrize(
    ("one", "services", "url"),
    [
        (container(), [service()], "http://web:80/health"),
        (container(port=8000), [service()], "http://web:80/health"),
        (container(port="8000"), [service(port=8000, targetPort=8000)], "http://web:8000/health"),
        (container(), [service(targetPort=9), service("b")], "http://b:80/health"),
        (container(scheme="HTTPS"), [service()], "https://web:80/health"),
        (container(), [service(selector={"app": "other"})], "http://web-1:8000/health"),
        (container(), [service(selector={})], "http://web-1:8000/health"),
        (container(path=""), [service()], "http://web:80/"),
    ],
)
def test_the_probe_s_endpoint(one: Any, services: Any, url: str) -> None:
    endpoint = found(one, *services)
    assert endpoint is not None and endpoint.url == url
    assert endpoint.namespace == "shop"


def test_no_endpoint() -> None:
    assert found({"name": "web"}, service()) is None
    assert found(container(port="unknown"), service()) is None
    assert found(container(), pods=()) is None


@pytest.mark.parametrize(
    ("url", "target", "port", "path"),
    [
        ("http://hydra-public:4444/health/ready", "service/hydra-public", 4444, "/health/ready"),
        ("http://web.other.svc.cluster.local", "service/web", 80, "/"),
        ("https://web/x?y=1", "service/web", 443, "/x?y=1"),
    ],
)
def test_the_configured_endpoint(url: str, target: str, port: int, path: str) -> None:
    endpoint = endpoint_of_url(url, "shop")
    assert endpoint is not None
    assert (endpoint.target, endpoint.port, endpoint.path) == (target, port, path)
    assert endpoint.namespace == ("other" if "other" in url else "shop")


@pytest.mark.parametrize("url", ["ftp://web/x", "http://www.example.com/", "web:80", ""])
def test_what_names_no_service(url: str) -> None:
    assert endpoint_of_url(url, "shop") is None


def test_what_leads_elsewhere_tells_nothing() -> None:
    assert "".join(wellness(one).value[0] for one in (0, 199, 200, 299, 302, 399, 400, 503)) == (
        "ffppuuff"
    )
