"""Environments: named overlays, and the names that directories and files carry."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from repoint.formats.base import FileKind
from repoint.formats.base import Mapping as MappingNode
from repoint.formats.kinds import kind_of
from repoint.kube.effective import text, texts
from repoint.kube.files import KUSTOMIZATION_NAMES, FileIndex, join, normal
from repoint.kube.kustomize import Kustomizer
from repoint.kube.twin_folders import twin_folders
from repoint.kube.words import CONTAINERS, canonical, in_file_name, is_everyday, is_word

_ORDER = (
    "local",
    "development",
    "sandbox",
    "ci",
    "e2e",
    "integration",
    "test",
    "sit",
    "qa",
    "perf",
    "demo",
    "preview",
    "beta",
    "training",
    "uat",
    "staging",
    "preprod",
    "canary",
    "production",
    "dr",
)


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """An environment as repoint.yaml gives it: directories relative to the root."""

    name: str
    namespace: str = ""
    overlays: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the environments of a repository stand.

    `environments` are in promotion order (repoint.yaml's, else from local to production).
    `unnamed` are overlays that nothing includes and that no environment is named for.
    """

    environments: tuple[EnvironmentSpec, ...]
    unnamed: tuple[str, ...]
    _places: Mapping[str, str] = field(repr=False, default_factory=dict)
    _aliases: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The environments' names, in promotion order."""
        return tuple(one.name for one in self.environments)

    def environment_of(self, path: str) -> str:
        """The environment that a file's own place names; empty when it names none."""
        placed = _placed(path, self._places)
        if placed:
            return placed
        directory, _, name = path.rpartition("/")
        if _is_hidden(directory):
            return ""
        for word in (path_word(directory), in_file_name(name)):
            known = self.known(word)
            if known:
                return known
        return ""

    def known(self, word: str) -> str:
        """The environment that a word means, in its own spelling; empty when there is none."""
        if word in self.names or word in self._aliases:
            return self._aliases.get(word, word)
        same = [name for name in self.names if word and canonical(name) == canonical(word)]
        return same[0] if len(same) == 1 else ""


def find_environments(
    index: FileIndex,
    kustomizer: Kustomizer,
    specs: tuple[EnvironmentSpec, ...] = (),
    delivered: Iterable[tuple[str, str]] = (),
    words: Iterable[str] = (),
) -> Layout:
    """Find the environments of a repository, or place those that repoint.yaml names.

    `delivered` are directories with the environment whose controller applies them, where
    that is told by the controller's object alone; `words` are environments named by
    generators.
    """
    tops = top_level(index, kustomizer)
    given = [(directory, word) for directory, word in delivered if word]
    if specs:
        named = _with_tops(tuple(_normalised(spec) for spec in specs), tops)
        taken = {overlay for spec in named for overlay in spec.overlays}
        unnamed = tuple(top for top in tops if top not in taken)
        return Layout(named, unnamed, _places(named))
    names = {top: _overlay_name(top, tops, index, kustomizer) for top in tops}
    aliases = _aliases(names, given)
    given = [(directory, aliases.get(word, word)) for directory, word in given]
    overlays: dict[str, list[str]] = {}
    for top, name in names.items():
        if name:
            overlays.setdefault(name, []).append(top)
    for top, word in given:
        if top in tops and not names[top] and top not in overlays.setdefault(word, []):
            overlays[word].append(top)
    for word in (*words, *_file_words(index)):
        if word not in aliases and not any(canonical(word) == canonical(one) for one in overlays):
            overlays[word] = []
    twins = {} if overlays else twin_folders(index)
    overlays.update((name, []) for name in twins.values())
    found = tuple(
        EnvironmentSpec(name, overlays=tuple(overlays[name]))
        for name in sorted(overlays, key=_promotion)
    )
    taken = {top for spec in found for top in spec.overlays}
    unnamed = tuple(top for top in tops if top not in taken)
    places = _delivered_to_one(given, index)
    return Layout(found, unnamed, {**places, **twins, **_places(found)}, aliases)


def _delivered_to_one(given: list[tuple[str, str]], index: FileIndex) -> dict[str, str]:
    """The directories without a kustomization that one environment alone gets.

    A chart that several install is none's: its values files say whose each is.
    """
    words: dict[str, set[str]] = {}
    for directory, word in given:
        if directory and not index.kustomization_in(directory):
            words.setdefault(directory, set()).add(word)
    return {one: min(names) for one, names in words.items() if len(names) == 1}


def _aliases(names: Mapping[str, str], given: list[tuple[str, str]]) -> dict[str, str]:
    """Clusters by another name than the overlays they apply: `clusters/eu-test` and `apps/test`.

    Only where each of the two goes with the other alone.
    """
    pairs = {(word, names[directory]) for directory, word in given if names.get(directory)}
    words, called = Counter(word for word, _ in pairs), Counter(name for _, name in pairs)
    return {
        word: name
        for word, name in pairs
        if words[word] == called[name] == 1 and canonical(word) != canonical(name)
    }


def top_level(index: FileIndex, kustomizer: Kustomizer) -> tuple[str, ...]:
    """Directories with a kustomization that no other one includes, components left out."""
    directories = index.kustomized()
    included: set[str] = set()
    for directory in directories:
        tree = kustomizer.tree(directory)
        for key in ("resources", "bases", "components", "generators", "transformers"):
            included |= {join(directory, one) for one in texts(tree, key) if "\n" not in one}
    return tuple(
        one
        for one in directories
        if one not in included and text(kustomizer.tree(one), "kind") != "Component"
    )


def _normalised(spec: EnvironmentSpec) -> EnvironmentSpec:
    return EnvironmentSpec(
        spec.name,
        spec.namespace,
        tuple(normal(one) for one in spec.overlays),
        tuple(normal(one) for one in spec.secrets),
    )


def _with_tops(
    specs: tuple[EnvironmentSpec, ...], tops: tuple[str, ...]
) -> tuple[EnvironmentSpec, ...]:
    """Give each environment the overlays inside its places, which nobody named by themselves."""
    named = {overlay for spec in specs for overlay in spec.overlays}
    places = _places(specs)
    found: dict[str, list[str]] = {}
    for top in tops:
        name = _placed(top, places) if top not in named else ""
        if name:
            found.setdefault(name, []).append(top)
    return tuple(
        replace(spec, overlays=(*spec.overlays, *found.get(spec.name, ()))) for spec in specs
    )


def _placed(path: str, places: Mapping[str, str]) -> str:
    """The environment whose place a path is in, or empty; the innermost place decides."""
    place = path
    while place:
        if place in places:
            return places[place]
        place = place.rpartition("/")[0]
    return ""


def _places(specs: tuple[EnvironmentSpec, ...]) -> dict[str, str]:
    """Directories and files with their environment; a configured one may hold another."""
    found: dict[str, str] = {}
    for spec in specs:
        for place in (*spec.secrets, *spec.overlays):
            if place:
                found.setdefault(place, spec.name)
    return found


def _promotion(name: str) -> tuple[int, str]:
    word = canonical(name)
    if word not in _ORDER:
        word = next((one for one in _ORDER if one in canonical_parts(name)), word)
    return (_ORDER.index(word) if word in _ORDER else len(_ORDER) - 2, name)


def canonical_parts(name: str) -> tuple[str, ...]:
    """The pieces of a composed name in their common spelling (`prod-eu`)."""
    return tuple(canonical(piece) for piece in name.replace("_", "-").split("-"))


def _overlay_name(top: str, tops: tuple[str, ...], index: FileIndex, kustomizer: Kustomizer) -> str:
    """The environment of a top-level overlay: a word in its path, or what sets it apart."""
    parts = top.split("/") if top else []
    for part in reversed(parts):
        if is_word(part):
            return part
    for position, part in enumerate(parts[:-1]):
        if part.lower() in CONTAINERS and _siblings("/".join(parts[: position + 1]), tops) > 1:
            return parts[position + 1]
    if parts and _shares_base(top, tops, kustomizer):
        return parts[-1]
    return _repeated_folder(top, tops, kustomizer)


def _repeated_folder(top: str, tops: tuple[str, ...], kustomizer: Kustomizer) -> str:
    """The folder that holds the same set of overlays as a sibling (`deploy/<env>/{app,db}`)."""
    parts = tuple(top.split("/")) if top else ()
    for position in range(len(parts) - 1):
        inside: dict[str, set[tuple[str, ...]]] = {}
        for other in (tuple(one.split("/")) for one in tops):
            if len(other) > position + 1 and other[:position] == parts[:position]:
                inside.setdefault(other[position], set()).add(other[position + 1 :])
        mine = inside[parts[position]]
        twins = [name for name, held in inside.items() if held == mine and name != parts[position]]
        for twin in twins if len(mine) > 1 else ():
            same = "/".join((*parts[:position], twin, *parts[position + 1 :]))
            if _included_dirs(top, kustomizer) & _included_dirs(same, kustomizer):
                return parts[position]
    return ""


def _siblings(parent: str, tops: tuple[str, ...]) -> int:
    prefix = f"{parent}/"
    return len({top[len(prefix) :].split("/")[0] for top in tops if top.startswith(prefix)})


def _shares_base(top: str, tops: tuple[str, ...], kustomizer: Kustomizer) -> bool:
    """Whether a sibling overlay includes a directory that this one includes too."""
    parent = posixpath.dirname(top)
    mine = _included_dirs(top, kustomizer)
    return any(
        mine & _included_dirs(other, kustomizer)
        for other in tops
        if other != top and posixpath.dirname(other) == parent
    )


def _included_dirs(top: str, kustomizer: Kustomizer) -> set[str]:
    tree = kustomizer.tree(top)
    found = {join(top, one) for key in ("resources", "bases") for one in texts(tree, key)}
    return {one for one in found if kustomizer.index.is_dir(one)}


def path_word(directory: str) -> str:
    """The environment word in a directory's path, or empty."""
    parts = directory.split("/") if directory else []
    for part in reversed(parts):
        if is_word(part):
            return part
    for part, following in pairwise(parts):
        if part.lower() in CONTAINERS:
            return following
    return ""


def _file_words(index: FileIndex) -> list[str]:
    """Environment names of plain directories, values files and compose overrides."""
    counts: Counter[str] = Counter()
    folders: dict[str, list[str]] = {}
    for path in sorted(index.files):
        directory, _, name = path.rpartition("/")
        if directory not in folders:
            folders[directory] = _folder_words(directory)
        held, word = folders[directory], in_file_name(name)
        if word and is_everyday(word) and not name.startswith("values"):
            word = word if index.in_chart(path) else ""
        # The name alone tells the kind: a script without a suffix deploys nothing.
        if not (held or word) or kind_of(path, b"") not in _DEPLOYED:
            continue
        if name in KUSTOMIZATION_NAMES or _is_hidden(directory):
            continue
        for part in held:
            counts[part] += 1
        if word:
            counts[word] += _names_environment(name, path, index)
    return [word for word, count in counts.items() if count]


def _folder_words(directory: str) -> list[str]:
    """The environments that a directory's path names."""
    return [
        part
        for part, parent in _parts_with_parent(directory)
        if is_word(part) and (not is_everyday(part) or parent in CONTAINERS | _MANIFESTS)
    ]


def _is_hidden(directory: str) -> bool:
    """Whether files here are a tool's own (`.github/workflows/preview.yml`)."""
    return any(part.startswith(".") for part in directory.split("/"))


_DEPLOYED = frozenset({FileKind.YAML, FileKind.JSON, FileKind.DOTENV, FileKind.HCL})
_MANIFESTS = frozenset({"manifests", "k8s", "kubernetes", "deploy", "deployment", "secrets"})


def _parts_with_parent(directory: str) -> list[tuple[str, str]]:
    parts = directory.split("/") if directory else []
    return list(zip(parts, ["", *(part.lower() for part in parts)], strict=False))


def _names_environment(name: str, path: str, index: FileIndex) -> int:
    """1 where a file of this name configures a deployment, 0 for a lone word in a name."""
    lowered = name.lower()
    if lowered.startswith(("values", ".env.", "docker-compose", "compose", "secret")):
        return 1
    documents = index.files[path].documents
    root = documents[0].root if documents else None
    if not isinstance(root, MappingNode):
        return 0
    is_object = bool(root.text("kind") and root.text("apiVersion"))
    return int(is_object or (is_word(name.partition(".")[0]) and index.in_chart(path)))
