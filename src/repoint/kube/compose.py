"""docker-compose files: services as containers."""

from __future__ import annotations

import posixpath
import re

from repoint.formats.base import FileKind, Mapping, ParsedFile
from repoint.kube.effective import Effective, Value, child, effective, items, mapping, text, texts
from repoint.kube.files import FileIndex, join
from repoint.kube.generators import env_values
from repoint.kube.workloads import ContainerView, EnvEntry, leaves
from repoint.model.consumer import Workload

_NAME = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml")
_PLAIN_VARIABLE = re.compile(r"^[A-Za-z_]\w*$")


def is_compose(parsed: ParsedFile) -> bool:
    """Whether a file describes compose services, by its name or its look."""
    root = _root(parsed)
    services = root.mapping("services") if root is not None else None
    if services is None or (root is not None and root.text("kind")):
        return False
    if _NAME.fullmatch(posixpath.basename(parsed.path)):
        return True
    return any(
        isinstance(one, Mapping) and (one.get("image") or one.get("build"))
        for _, one in services.pairs
    )


def _root(parsed: ParsedFile) -> Mapping | None:
    if parsed.kind is not FileKind.YAML or not parsed.documents:
        return None
    root = parsed.documents[0].root
    return root if isinstance(root, Mapping) else None


def services(parsed: ParsedFile, index: FileIndex) -> tuple[ContainerView, ...]:
    """The services of a compose file; env files are read in."""
    root = _root(parsed)
    if root is None:
        return ()
    tree = effective(root, parsed.path, (parsed.documents[0].index,))
    return tuple(
        _view(name, service, parsed.path, index)
        for name, service in mapping(tree, "services").items()
        if isinstance(service, dict)
    )


def _view(name: str, service: dict[str, Effective], path: str, index: FileIndex) -> ContainerView:
    fields = ("command", "entrypoint", "healthcheck")
    words = tuple((key, leaf) for key in fields for _, leaf in leaves(service.get(key) or []))
    # As in a pod, the last entry of a name wins: env files come first.
    env = [*_from_files(service, path, index), *_environment(service)]
    return ContainerView(
        workload=Workload("ComposeService", "", name, text(service, "container_name")),
        init=False,
        image=text(service, "image"),
        command=texts(service, "entrypoint"),
        args=texts(service, "command"),
        env=tuple(env),
        env_from=(),
        mounts=(),
        annotations=(),
        labels=(),
        schedule="",
        restart_policy=text(service, "restart"),
        replicas=None,
        words=words,
        path=path,
    )


def _environment(service: dict[str, Effective]) -> list[EnvEntry]:
    found = child(service, "environment")
    if isinstance(found, dict):
        return [EnvEntry(key, one) for key, one in found.items() if isinstance(one, Value)]
    entries = []
    for item in items(found):
        if isinstance(item, Value):
            key, equals, value = item.text.partition("=")
            # A bare name passes the caller's variable on.
            written = value if equals else f"${{{key}}}"
            if _PLAIN_VARIABLE.match(key):
                entries.append(EnvEntry(key, Value(written, item.origin, item.scalar)))
    return entries


def _from_files(service: dict[str, Effective], path: str, index: FileIndex) -> list[EnvEntry]:
    base = posixpath.dirname(path)
    named = [*texts(service, "env_file")]
    named += [text(one, "path") for one in items(service, "env_file") if isinstance(one, dict)]
    result: dict[str, EnvEntry] = {}
    for name in named:
        parsed = index.get(join(base, name))
        for key, value in env_values(parsed).items() if parsed is not None else ():
            result[key] = EnvEntry(key, value)
    return list(result.values())


def variables(path: str, index: FileIndex) -> dict[str, tuple[Value, ...]]:
    """What `${NAME}` stands for in a compose file: the `.env` beside it."""
    parsed = index.get(join(posixpath.dirname(path), ".env"))
    if parsed is None:
        return {}
    return {key: (value,) for key, value in env_values(parsed).items()}
