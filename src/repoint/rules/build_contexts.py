"""Which directory an image is built from, as build files of the repository tell."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise

from repoint.rules.facts import Hazard, HazardKind

_BUILD_FILE = re.compile(
    r"(^|/)((docker-)?compose[^/]*\.ya?ml|skaffold[^/]*\.ya?ml|Makefile|GNUmakefile|[^/]+\.mk"
    r"|Jenkinsfile|Tiltfile|Taskfile\.ya?ml|\.gitlab-ci\.ya?ml|[^/]+\.sh|cloudbuild\.ya?ml"
    r"|Dockerfile\.[\w-]+|[\w-]+\.(Dockerfile|dockerfile))$|^\.github/workflows/[^/]+\.ya?ml$"
)
_COMPOSE = re.compile(r"(^|/)(docker-)?compose[^/]*\.ya?ml$")
_DOCKERFILE = re.compile(r"(^|/)(?:Dockerfile\.(?P<a>[\w-]+)|(?P<b>[\w-]+)\.[Dd]ockerfile)$")
_COMMAND = re.compile(
    r"\b(?:docker|podman|buildah|nerdctl)\b[^\n;&|]*?\bbuild\b(?P<rest>[^\n;&|]*)"
)
_TAG = re.compile(r"(?:^|\s)(?:-t|--tag|--destination)[ =]+[\"']?(?P<image>[^\s\"']+)")
_FILE = re.compile(r"(?:^|\s)(?:-f|--file)[ =]+[\"']?(?P<file>[^\s\"']+)")
_KANIKO = re.compile(r"--context[ =]+(?:dir://)?[\"']?(?P<dir>[^\s\"']+)")
_TILT = re.compile(r"docker_build\(\s*['\"](?P<image>[^'\"]+)['\"]\s*,\s*['\"](?P<dir>[^'\"]+)")
_ACTION = re.compile(r"build-push-action|^\s*-?\s*image:", re.MULTILINE)
_CONTEXT = re.compile(r"^\s*(?:context|dir):\s*[\"']?(?P<dir>[^\s\"'#]+)", re.MULTILINE)
_NAMED = re.compile(
    r"^\s*(?:-\s*)?(?:image|tags):\s*[|>\"']?\s*(?P<image>[^\s\"'#]+)", re.MULTILINE
)
_COPY = re.compile(r"^\s*(?:COPY|ADD)\s+(?!--from)(?:--\S+\s+)*(?P<words>[^\n]+)$", re.MULTILINE)
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[\w.-]+):\s*(?P<value>[^#\n]*)")


def is_build_file(path: str) -> bool:
    """Whether a file may tell what an image is built from."""
    return bool(_BUILD_FILE.search(path))


def contexts_in(path: str, text: str) -> tuple[Hazard, ...]:
    """The images that a build file names, as evidence: `subject` is built from `app_dir`."""
    # Workflows run at the root, and scripts mostly do.
    base = "" if path.startswith(".") or path.endswith(".sh") else path.rpartition("/")[0]
    found = {
        (image, directory)
        for said, place in _said(path, text)
        if (image := image_key(said)) and (directory := _directory(base, place)) is not None
    }
    return tuple(
        Hazard(HazardKind.BUILT_FROM, path, 1, "it builds the image", directory, image)
        for image, directory in sorted(found)
    )


def image_key(image: str) -> str:
    """The last name of an image, lower case; empty where a variable spells it."""
    last = image.strip().lower().split("@", 1)[0].rpartition("/")[2].partition(":")[0]
    return "" if re.search(r"[${}]", last) else last


def _said(path: str, text: str) -> Iterator[tuple[str, str]]:
    named = _DOCKERFILE.search(path)
    if named:
        for match in _COPY.finditer(text):
            for source in match["words"].split()[:-1]:
                if "/" in source.strip("./"):
                    yield named["a"] or named["b"], source
        return
    if _COMPOSE.search(path):
        yield from _compose(text)
        return
    joined = re.sub(r"\\\r?\n", " ", text)
    for match in _COMMAND.finditer(joined):
        yield from _command(match["rest"])
    for match in _TILT.finditer(joined):
        yield match["image"], match["dir"]
    yield from _steps(text)


def _command(rest: str) -> Iterator[tuple[str, str]]:
    """`docker build -t image [-f dir/Dockerfile] dir`; a Dockerfile's folder beats a root."""
    tag, file, kaniko = _TAG.search(rest), _FILE.search(rest), _KANIKO.search(rest)
    words = [word for word in rest.split() if word]
    if tag is None or not words:
        return
    context = kaniko["dir"] if kaniko else words[-1].strip("\"'")
    if context in (".", "./") and file and "/" in file["file"]:
        context = file["file"].rpartition("/")[0]
    yield tag["image"], context


def _steps(text: str) -> Iterator[tuple[str, str]]:
    """Skaffold's artifacts and build-push-action's steps: an image and a context close by."""
    starts = [match.start() for match in _ACTION.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        block = text[start:end]
        context, image = _CONTEXT.search(block), _NAMED.search(block)
        if context and image:
            yield image["image"], context["dir"]


def _compose(text: str) -> Iterator[tuple[str, str]]:
    """Services with a `build`; a service without an image is called as it is named."""
    service, level, image, context = "", -1, "", ""
    inside = False
    for line in [*text.splitlines(), "end:"]:
        found = _KEY.match(line)
        if found is None:
            continue
        indent, key, value = len(found["indent"]), found["key"], found["value"].strip(" '\"")
        if indent == 0 or (inside and level in (-1, indent) and not value):
            if service and context:
                yield image or service, context
            service, image, context = "", "", ""
            inside = key == "services" if indent == 0 else inside
            level = -1 if indent == 0 else indent
            service = key if indent else ""
        elif inside and key == "image":
            image = value
        elif inside and key in ("build", "context") and value:
            context = value


def _directory(base: str, place: str) -> str | None:
    if re.search(r"[${}]|://", place) or place.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(base, place))
    return None if path.startswith("..") else path.removeprefix(".").lstrip("/")
