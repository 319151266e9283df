"""The documents that `--format json` prints, as types; docs/reference/schemas is made of them.

What is a value of repoint's own (a plan, a rehearsal) is printed as it is, with the verdicts that
follow from it beside it. Everything else has its shape here.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

import msgspec

from repoint.comparison.baseline import Written
from repoint.comparison.model import Comparison
from repoint.flows.doctor import Item
from repoint.model.benchmark import Benchmark
from repoint.model.consumer import Purpose, Route, Style
from repoint.model.ledger import Entry, Phase
from repoint.model.plan import Plan, Severity
from repoint.model.rehearsal import Rehearsal, Verdict
from repoint.model.verification import Verification
from repoint.promotion.gates import GateResult
from repoint.promotion.next_step import NextStep

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Finding(TypedDict):
    """What a person should know; `path`, `line` and the rest are null where nothing fits."""

    code: str
    severity: Severity
    message: str
    hint: str
    path: str | None
    line: int | None
    environment: str | None
    consumer: str | None
    accepted: NotRequired[str]


class Site(TypedDict):
    """One place that names a PostgreSQL server."""

    path: str
    line: int
    column: int
    pointer: str
    span: tuple[int, int] | None
    style: Style
    key: str
    host: str | None
    port: int | None
    database: str | None
    user: str | None
    schema: str | None
    sealed: bool
    consumer: str | None
    purpose: Purpose
    environments: list[str]


class Consumer(TypedDict):
    """A container and what it connects for; `sites` are ids of sites."""

    id: str
    kind: str
    namespace: str
    name: str
    container: str
    environment: str
    purpose: Purpose
    route: Route
    evidence: list[str]
    update_required: str
    sites: list[str]


class Unreadable(TypedDict):
    """A file that could not be read."""

    path: str
    reason: str


class Scan(TypedDict):
    """`repoint scan --format json`."""

    format: int
    sites: list[Site]
    consumers: list[Consumer]
    unreadable: list[Unreadable]
    findings: list[Finding]


class Check(TypedDict):
    """`repoint check --format json`."""

    format: int
    findings: list[Finding]


class PhaseState(TypedDict):
    """How far an environment is in one phase, with the line of the ledger that counts."""

    phase: Phase
    state: str
    entry: Entry | None


class EnvironmentState(TypedDict):
    """One environment; `pending` is null without `--plan`."""

    name: str
    content: str
    stands: Verdict
    why: str
    files: list[str]
    edited: list[str]
    pending: int | None
    phases: list[PhaseState]
    taken_back: Entry | None
    overrides: list[str]
    gates: list[GateResult]
    next: NextStep | None


class Status(TypedDict):
    """`repoint status --format json`; `half_done` is the verb of a run that was stopped."""

    format: int
    half_done: str
    ledger: bool
    merges: bool
    environments: list[EnvironmentState]


class Doctor(TypedDict):
    """`repoint doctor --format json`."""

    format: int
    ready: bool
    cache: str
    items: list[Item]


class Step(TypedDict):
    """What a rollout does to one object."""

    action: str
    kind: str
    namespace: str
    name: str
    new: bool
    fields: list[str]
    why: str


class Event(TypedDict):
    """A line that was shown on the way."""

    tone: str
    text: str


class Rollout(TypedDict):
    """`repoint rollout --format json` with `mode: kubectl`."""

    environment: str
    context: str
    commit: str
    content: str
    outcome: str
    error: str
    objects: int
    steps: list[Step]
    notes: list[str]
    events: list[Event]


class WatchedObject(TypedDict):
    """A planned object and whether the cluster has it so."""

    kind: str
    namespace: str
    name: str
    standing: str
    reason: str
    fields: list[str]


class Controller(TypedDict):
    """What an Application, a Kustomization or a HelmRelease says of itself."""

    kind: str
    namespace: str
    name: str
    revision: str
    summary: str
    done: bool
    busy: bool
    failed: bool


class Left(TypedDict):
    """Something left to a person, with the commands that do it."""

    text: str
    commands: list[str]


class Watch(TypedDict):
    """`repoint rollout --format json` with `mode: gitops`."""

    environment: str
    context: str
    mode: str
    commit: str
    content: str
    outcome: str
    standing: str
    objects: list[WatchedObject]
    controllers: list[Controller]
    left: list[Left]
    notes: list[str]


class Steps(TypedDict):
    """The cluster's part of a way back."""

    objects: int
    steps: list[Step]
    notes: list[str]
    events: list[Event]


class WayBack(TypedDict):
    """Whether the source stands, and what would be lost; `written` as of `data written`."""

    source: str
    reasons: list[str]
    trouble: str
    unasked: str
    accepted: list[str]
    written: list[Written | None]


class Rollback(TypedDict):
    """`repoint rollback --rollout --format json`."""

    environment: str
    context: str
    outcome: str
    error: str
    files: list[str]
    data: WayBack
    rollout: Steps | None
    verification: Verification | None


class Compared(TypedDict):
    """`repoint data compare --format json`."""

    format: int
    verdict: Verdict
    databases: list[Comparison]


class WrittenSince(TypedDict):
    """`repoint data written --format json`."""

    format: int
    verdict: Verdict
    databases: list[Written]


class Page(TypedDict):
    """One rule or error."""

    code: str
    title: str
    page: str


class Pages(TypedDict):
    """`repoint explain --format json`."""

    format: int
    codes: list[Page]


DOCUMENTS: dict[str, Any] = {
    "scan": Scan,
    "plan": Plan,
    "check": Check,
    "rehearse": Rehearsal,
    "bench": Benchmark,
    "rollout": Rollout,
    "rollout-gitops": Watch,
    "verify": Verification,
    "rollback": Rollback,
    "data-compare": Compared,
    "data-written": WrittenSince,
    "status": Status,
    "doctor": Doctor,
    "explain": Pages,
}
"""What each command prints, by the name of its schema."""

_WORKED_OUT: dict[str, dict[str, Any]] = {
    "Rehearsal": {"verdict": Verdict},
    "RehearsedConsumer": {"verdict": Verdict},
    "Verification": {"verdict": Verdict},
    "VerifiedConsumer": {"verdict": Verdict},
    "Soak": {"verdict": Verdict},
    "Comparison": {"verdict": Verdict},
    "Written": {"verdict": Verdict},
    "Benchmark": {"format": int},
    "Measured": {"ratio": dict[str, float | str]},
}
"""Keys that are printed beside a value's own, because they follow from it."""

_SOMETIMES = {("scan", "accepted"), ("check", "accepted")}
_REFERENCE = "#/$defs/{name}"


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (2020-12) of a document; every key that is always printed is required."""
    document = msgspec.json.schema(DOCUMENTS[name])
    definitions: dict[str, Any] = document["$defs"]
    for title, keys in _WORKED_OUT.items():
        if title in definitions:
            parts: Any = msgspec.json.schema_components(keys.values(), ref_template=_REFERENCE)
            own = definitions[title]
            own["properties"] = dict(zip(keys, parts[0], strict=True)) | own["properties"]
            definitions |= parts[1]
    for one in definitions.values():
        _as_printed(name, one)
    return {"$schema": DRAFT, "title": f"repoint {name.replace('-', ' ')}", **document}


def _as_printed(name: str, definition: dict[str, Any]) -> None:
    """Output leaves nothing out, so that no key has a default; texts are of one line."""
    if "description" in definition:
        definition["description"] = " ".join(definition["description"].split())
    keys = definition.get("properties", {})
    for value in keys.values():
        value.pop("default", None)
    if keys:
        definition["required"] = [key for key in keys if (name, key) not in _SOMETIMES]
