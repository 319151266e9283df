"""A kustomization file beside its resources: what kustomize refuses, what is not known."""

from __future__ import annotations

from collections.abc import Iterator

from repoint.formats.base import Mapping, ParsedFile
from repoint.kube.effective import Effective, items, mapping, text, texts
from repoint.kube.files import KUSTOMIZATION_NAMES, FileIndex, join
from repoint.kube.resource import Resource

_UNSUPPORTED = (
    "vars",
    "helmCharts",
    "helmChartInflationGenerator",
    "configurations",
    "crds",
    "openapi",
    "validators",
    "buildMetadata",
)
_KNOWN = frozenset(
    {
        *("apiVersion", "kind", "metadata", "resources", "bases", "components", "generators"),
        *("namespace", "namePrefix", "nameSuffix", "commonLabels", "labels", "commonAnnotations"),
        *("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "replicas"),
        *("images", "imageTags", "configMapGenerator", "secretGenerator", "generatorOptions"),
        *("transformers", "sortOptions", "helmGlobals", *_UNSUPPORTED),
    }
)
_LOCAL = "config.kubernetes.io/local-config"
_FILE_LISTS = ("configurations", "crds", "validators", "transformers")


def unknown_features(tree: dict[str, Effective], path: str) -> Iterator[str]:
    """The features of a kustomization whose effect is not known."""
    for key in _UNSUPPORTED:
        if tree.get(key):
            yield f"`{key}` in `{path}`"
    if texts(tree, "transformers"):
        yield f"`transformers` in `{path}`"
    if any(items(entry, "fields") for entry in items(tree, "labels")):
        yield f"`fields` of `labels` in `{path}`"
    if any(text(entry, "tagSuffix") for entry in items(tree, "images")):
        yield f"`tagSuffix` of `images` in `{path}`"


def other_files(tree: dict[str, Effective], base: str) -> set[str]:
    """The files that a kustomization in the directory `base` names beside its resources."""
    named = [one for key in _FILE_LISTS for one in texts(tree, key)]
    for chart in items(tree, "helmCharts"):
        named += [text(chart, "valuesFile"), *texts(chart, "additionalValuesFiles")]
    named += [text(replacement, "path") for replacement in items(tree, "replacements")]
    return {join(base, one) for one in named if one and "\n" not in one}


def refusals(
    tree: dict[str, Effective], path: str, directory: str, index: FileIndex
) -> Iterator[str]:
    """What kustomize stops at before it reads what a kustomization names."""
    several = [one for one in KUSTOMIZATION_NAMES if index.exists(join(directory, one))]
    if len(several) > 1:
        yield f"`{directory}` holds `{several[0]}` and `{several[1]}`"
    if not tree and path in index.files and not index.problem(path):
        yield f"`{path}` is empty"
    if text(tree, "kind") not in ("", "Kustomization", "Component"):
        yield f"`{path}` is of kind `{text(tree, 'kind')}`"
    for key in tree.keys() - _KNOWN:
        yield f"`{path}`: kustomize knows no field `{key}`"


def kindless(parsed: ParsedFile) -> bool:
    """Whether a file holds a mapping that is no object, which kustomize stops at."""
    roots = [one.root for one in parsed.documents if isinstance(one.root, Mapping)]
    return not all(root.text("kind") and root.text("apiVersion") for root in roots)


def stays_here(resource: Resource) -> bool:
    """Whether an object is for kustomize alone and deployed nowhere."""
    annotations = mapping(resource.body, "metadata", "annotations")
    return _LOCAL in annotations and text(annotations, _LOCAL) != "false"
