"""The plan: the artifact that is reviewed, applied and rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from repoint.model.source import Location


class Severity(StrEnum):
    """How much a finding matters: an error blocks apply unless accepted."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Applicability(StrEnum):
    """How sure an edit is: only `safe` and `review` edits are written."""

    SAFE = "safe"
    REVIEW = "review"
    DISPLAY = "display"


class Op(StrEnum):
    """How an edit changes its file."""

    SPLICE = "splice"
    """Bytes `[start, end)` equal `before` and become `after`; `start == end` inserts."""
    DUPLICATE = "duplicate"
    """The entry at `[start, end)` is repeated right after itself with `parts` replaced."""
    ENCODED = "encoded"
    """`[start, end)` is base64; the decoded connection string gets `parts`."""
    SEALED = "sealed"
    """The sops value at `pointer` gets `parts` (through `sops set`)."""
    SEALED_ADD = "sealed-add"
    """A new sops value at `pointer`, copied from `source_pointer`, with `parts`."""
    CREATE = "create"
    """The file does not exist; `after` is all of it."""


@dataclass(frozen=True, slots=True)
class PartEdit:
    """One token of a connection string (or the entry's key) gets a new text.

    `part` is `key`, `host`, `port` or `param`; `name` names the parameter.
    An empty `before` with `part == "param"` or `"port"` adds it. Never user info.
    """

    part: str
    before: str
    after: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """Bytes `[start, end)` of the file at `path`, which apply puts at byte `at` of a new text."""

    path: str
    start: int
    end: int
    at: int


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one file; covers the smallest token and never a password.

    `pointer` names the value (see `Location.pointer`); for sealed values it is
    the path as sops spells it (`["stringData"]["DATABASE_URL"]`).
    `expects` lists what a render shows of it: `Kind/namespace/name#/field` prefixes,
    empty for a plain replacement, which proves itself by its text. `touches` are the objects of
    which something changes, wherever; they explain nothing.
    `copies` are the passwords that a new file takes over; `after` is without them.
    """

    op: Op
    pointer: str
    line: int
    key: str
    rule: str
    reason: str
    applicability: Applicability
    start: int = 0
    end: int = 0
    before: str = ""
    after: str = ""
    parts: tuple[PartEdit, ...] = ()
    source_pointer: str = ""
    consumers: tuple[str, ...] = ()
    expects: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()
    touches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """All edits of one file for one environment.

    `before_sha256` is empty for a file that is created. `after_sha256` is empty when
    any edit goes through sops: encryption is not reproducible.
    """

    path: str
    environment: str
    before_sha256: str
    after_sha256: str
    edits: tuple[Edit, ...]

    @property
    def sealed(self) -> bool:
        """Whether this file is changed through sops."""
        return any(edit.op in (Op.SEALED, Op.SEALED_ADD) for edit in self.edits)

    @property
    def creates(self) -> bool:
        """Whether the file does not exist before."""
        return any(edit.op is Op.CREATE for edit in self.edits)


@dataclass(frozen=True, slots=True)
class Finding:
    """A coded observation with its remedy.

    `accepted` holds the reason given in repoint.yaml when somebody accepted it.
    """

    code: str
    severity: Severity
    message: str
    hint: str
    location: Location | None = None
    environment: str = ""
    consumer: str = ""
    accepted: str = ""

    @property
    def blocks(self) -> bool:
        """Whether apply must refuse."""
        return self.severity is Severity.ERROR and not self.accepted


@dataclass(frozen=True, slots=True)
class Task:
    """What repoint cannot edit safely and a person must do, with the exact value."""

    path: str
    line: int
    key: str
    environment: str
    consumer: str
    reason: str
    put: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A rendered field that differs, and the edit that accounts for it.

    `before` and `after` are masked texts, empty where the field is absent.
    """

    object: str
    field: str
    before: str
    after: str
    edit: str


@dataclass(frozen=True, slots=True)
class OverlayProof:
    """What law 4 and law 9 demand, for one overlay and one environment's edits.

    `method` is `render` (kubectl kustomize), `sources` (own reading, because the
    overlay does not build: `reason` says why) or `untouched` (no file that the
    overlay reads changes). `unexplained` lists fields that no edit accounts for:
    the proof holds iff it is empty.
    """

    environment: str
    overlay: str
    applied: str
    method: str
    reason: str
    changed: tuple[FieldChange, ...]
    unchanged_fields: int
    unchanged_digest: str
    unexplained: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every difference belongs to the plan."""
        return not self.unexplained


@dataclass(frozen=True, slots=True)
class PlannedConsumer:
    """A row of the plan's consumer table, one per environment and workload.

    `pool_mode` is `session` or `transaction`, empty where nothing tells or it goes direct.
    """

    id: str
    kind: str
    namespace: str
    name: str
    container: str
    environment: str
    purpose: str
    route: str
    current: str
    new: str
    update_required: str
    evidence: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    pool_mode: str = ""

    @property
    def way(self) -> str:
        """The route with the pool mode: `pooled (session)`, `direct`, or both of them."""
        told = f"pooled ({self.pool_mode})" if self.pool_mode else "pooled"
        return self.route.replace("pooled", told)


@dataclass(frozen=True, slots=True)
class InputDigest:
    """A file that the plan was made on."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will change and why; deterministic, secretless, bound to its inputs.

    `format` is the version of plan.json. `environments` are those the plan is for,
    in promotion order. `fingerprint` is a SHA-256 over `inputs`, `tool_version` and the
    configuration.
    """

    format: int
    tool_version: str
    environments: tuple[str, ...]
    consumers: tuple[PlannedConsumer, ...]
    changes: tuple[FileChange, ...]
    tasks: tuple[Task, ...]
    findings: tuple[Finding, ...]
    proofs: tuple[OverlayProof, ...]
    unreadable: tuple[str, ...]
    inputs: tuple[InputDigest, ...]
    fingerprint: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.changes

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Error findings that nobody accepted."""
        return tuple(finding for finding in self.findings if finding.blocks)

    @property
    def applicable(self) -> bool:
        """Whether `apply` may write it: no blocking finding, every proof holds."""
        return not self.blocking and all(proof.holds for proof in self.proofs)
