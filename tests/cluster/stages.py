"""What becomes of pods: kwok's own stages, and ways for a test to have it otherwise.

Without more, every pod becomes Running and Ready at once, and a Job's pod then succeeds. A pod
with the annotation `tests/run` (put it on the pod template) does this instead:

    agent    nothing: somebody else plays its containers and writes its status
    fail     its containers end with status 1, the pod is Failed
    unready  it becomes Running and never Ready

Deleted pods always go at once. In namespaces given to `stages` nobody but an agent plays the
pods of Jobs, whatever they are annotated with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from scripts.cluster import PARTS

RUN = "tests/run"
_OWN = Path(__file__).with_name("stages.yaml")
_ANNOTATION = f'.metadata.annotations["{RUN}"]'
_NAMESPACE_OF_JOB = (
    'select(any(.metadata.ownerReferences[]?; .kind == "Job")) | .metadata.namespace'
)


def stages(agents_in: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every Stage; `agents_in` are namespaces whose Jobs' pods are left to an agent."""
    given = {one["metadata"]["name"]: one for one in _read(*PARTS["kwok"].manifest_files("stages"))}
    for name in ("pod-ready", "pod-complete"):
        _require(given[name], {"key": _ANNOTATION, "operator": "DoesNotExist"})
    found = [*given.values(), *_read(_OWN)]
    if agents_in:
        elsewhere = {"key": _NAMESPACE_OF_JOB, "operator": "NotIn", "values": list(agents_in)}
        for stage in found:
            if stage["metadata"]["name"] in ("pod-ready", "pod-complete", "pod-fail"):
                _require(stage, elsewhere)
    return found


def _require(stage: dict[str, Any], expression: dict[str, Any]) -> None:
    stage["spec"]["selector"]["matchExpressions"].append(expression)


def _read(*files: Path) -> list[dict[str, Any]]:
    return [
        document
        for file in files
        for document in yaml.load_all(file.read_bytes(), yaml.CSafeLoader)
    ]
