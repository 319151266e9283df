"""Where names and Services lead: what DNS and kube-proxy do in a cluster."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.world.network import Choose, Place, Sandbox, Target
from tests.cluster.world.podspec import port_number

_DOMAIN = "svc.cluster.local"


@dataclass(frozen=True)
class Environment:
    """An environment of the example, which is a cluster of its own as far as names go.

    `aliases` are Services that the bootstrap of that cluster has made: pairs of a name and a
    namespace, and what they are an ExternalName of.
    """

    name: str
    prefix: str
    namespace: str
    auth_namespace: str
    aliases: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    @property
    def namespaces(self) -> tuple[str, str]:
        return (self.namespace, self.auth_namespace)

    @property
    def source(self) -> tuple[str, str]:
        """The Service of the old PostgreSQL, as (name, namespace)."""
        return (f"{self.prefix}postgres", self.namespace)


def _later(name: str, prefix: str) -> Environment:
    """Staging and production send the wait loops of the base to their own servers."""
    namespace = f"naytife-{name}"
    aliases = {(one, "naytife"): (f"{prefix}{one}", namespace) for one in ("postgres", "redis")}
    return Environment(name, prefix, namespace, f"naytife-auth-{name}", aliases)


ENVIRONMENTS = {
    one.name: one
    for one in (
        Environment("local", "", "naytife", "naytife-auth"),
        _later("staging", "staging-"),
        _later("production", "prod-"),
    )
}


@dataclass(frozen=True)
class Routes:
    """Looks at Services and pods as they are; `place` tells where a pod's port is, or None."""

    services: Callable[[], list[Any]]
    pods: Callable[[], list[Any]]
    place: Callable[[Any, int], Target | None]

    def hosts(self, pod: Any, sandbox: Sandbox) -> str:
        """A pod's /etc/hosts."""
        metadata = pod["metadata"]
        lines = ["127.0.0.1 localhost", f"{sandbox.address} {metadata['name']}"]
        seen = {self._key(one): one["spec"]["clusterIP"] for one in self._of(metadata["namespace"])}
        for (name, namespace), address in sorted(seen.items()):
            short = [name] if namespace == metadata["namespace"] else []
            lines.append(" ".join((address, *_forms(name, namespace), *short)))
        for alias, target in self._aliases(metadata["namespace"]).items():
            if target in seen:
                lines.append(" ".join((seen[target], *_forms(*alias))))
        return "\n".join(lines) + "\n"

    def places(self, pod: Any) -> dict[Place, Choose]:
        """The Services that answer in a pod now, with the way to one of their ready pods."""
        found: dict[Place, Choose] = {}
        for service in self._of(pod["metadata"]["namespace"]):
            for port in service["spec"]["ports"]:
                if self.targets(service, port):
                    place = (service["spec"]["clusterIP"], port["port"])
                    found[place] = self._chooser(service, port)
        return found

    def targets(self, service: Any, port: Any) -> list[Target]:
        """Every ready place behind a port of a Service."""
        found = []
        for pod in self._behind(service):
            number = port_number(pod, port.get("targetPort", port["port"]))
            target = None if number is None else self.place(pod, number)
            if target is not None:
                found.append(target)
        return found

    def _chooser(self, service: Any, port: Any) -> Choose:
        def choose() -> Target | None:
            targets = self.targets(service, port)
            return random.choice(targets) if targets else None

        return choose

    def _behind(self, service: Any) -> Iterator[Any]:
        wanted = service["spec"].get("selector") or {}
        namespace = service["metadata"]["namespace"]
        for pod in self.pods():
            labels = pod["metadata"].get("labels", {})
            if (
                wanted
                and pod["metadata"]["namespace"] == namespace
                and wanted.items() <= labels.items()
                and is_ready(pod)
            ):
                yield pod

    def _of(self, namespace: str) -> list[Any]:
        environment = _environment(namespace)
        around = environment.namespaces if environment else (namespace,)
        return [
            one
            for one in self.services()
            if one["metadata"]["namespace"] in around
            and one["spec"].get("clusterIP", "None") not in ("None", "")
        ]

    def _key(self, one: Any) -> tuple[str, str]:
        return one["metadata"]["name"], one["metadata"]["namespace"]

    def _aliases(self, namespace: str) -> Mapping[tuple[str, str], tuple[str, str]]:
        environment = _environment(namespace)
        return environment.aliases if environment else {}


def is_ready(pod: Any) -> bool:
    """Whether a Service sends anybody to this pod."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _environment(namespace: str) -> Environment | None:
    return next((one for one in ENVIRONMENTS.values() if namespace in one.namespaces), None)


def _forms(name: str, namespace: str) -> tuple[str, ...]:
    base = f"{name}.{namespace}"
    return (f"{base}.{_DOMAIN}", f"{base}.svc", base)
