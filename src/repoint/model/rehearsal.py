"""What a rehearsal found: checks by consumer, negative controls, and how far it was like it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from repoint.model.plan import InputDigest

REHEARSAL_FORMAT = 1


class Verdict(StrEnum):
    """The answer to a question asked of the world; unknown never counts as pass."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    """The question does not apply; `observed` says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked of a consumer's new connection.

    `expected` and `observed` are short texts for a person, never a value of a secret.
    `facts` are row ids of docs/explanation/facts.md. `took_s` is in seconds.
    """

    id: str
    verdict: Verdict
    expected: str
    observed: str
    facts: tuple[str, ...] = ()
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RehearsedConsumer:
    """A consumer's row of the matrix.

    `route` is `pooled` or `direct`; `pool_mode` is `session` or `transaction`, empty when
    direct. `driver` is the driver whose packets were sent, `server` the Service that was asked.
    """

    id: str
    environment: str
    route: str
    pool_mode: str
    driver: str
    server: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks; unknown when none was made."""
        return worst(check.verdict for check in self.checks)


@dataclass(frozen=True, slots=True)
class Control:
    """A negative control: something that must fail as predicted, or the rehearsal is unknown.

    `verdict` is pass when it failed as predicted.
    """

    id: str
    environment: str
    consumer: str
    verdict: Verdict
    expected: str
    observed: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phase:
    """How long a part of the rehearsal took, in seconds."""

    name: str
    took_s: float


@dataclass(frozen=True, slots=True)
class Ini:
    """The configuration files that a Pooler was rehearsed with; `text` holds no password."""

    environment: str
    pooler: str
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The outcome of a rehearsal, bound to the plan by its fingerprint and content digest.

    `plan` is the plan's fingerprint. As a record it is of one environment; then `content` is
    the digest of that environment's changes and `inputs` are the files that it was read from.

    `postgres` and `pgbouncer` are the versions that ran; `fidelity` lists every way in
    which the servers were not like production.
    """

    format: int
    tool_version: str
    plan: str
    environments: tuple[str, ...]
    postgres: str
    pgbouncer: str
    fidelity: tuple[str, ...]
    consumers: tuple[RehearsedConsumer, ...]
    controls: tuple[Control, ...]
    configuration: tuple[Ini, ...] = ()
    phases: tuple[Phase, ...] = ()
    content: str = ""
    inputs: tuple[InputDigest, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Fail when a check failed; unknown when a control did not hold or nothing is known."""
        checks = worst(one.verdict for one in self.consumers)
        if checks is Verdict.FAIL:
            return checks
        held = all(c.verdict in (Verdict.PASS, Verdict.SKIPPED) for c in self.controls)
        return checks if held and self.controls else Verdict.UNKNOWN


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Fail before unknown before pass; skipped ones do not count; unknown when none counts."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS):
        if verdict in found:
            return verdict
    return Verdict.UNKNOWN
