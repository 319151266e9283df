"""A rule: its code, what it means, and the finding it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repoint.model.plan import Finding, Severity
from repoint.model.source import Location

if TYPE_CHECKING:
    from repoint.rules.role_defaults import RoleSetting


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the plan does about a rule's trap.

    `kind` is `none` (the pool is fine as it is), `track` (set `parameters` on the
    Pooler), `role-default` (the role's default answers: remove `drop` from the
    connection strings), `dsn` (set `parameters` in the connection strings), `session` (the
    consumer goes through a session Pooler) or `direct` (it goes to the Cluster).
    `parameters` are `spec.pgbouncer.parameters` with the whole new text, but for `dsn`. `by`
    says where a default is written, or names the session Pooler.
    """

    kind: str
    parameters: tuple[tuple[str, str], ...]
    reason: str
    rules: tuple[str, ...]
    drop: tuple[str, ...] = ()
    settings: tuple[RoleSetting, ...] = ()
    by: str = ""

    @property
    def statements(self) -> str:
        """The SQL that gives the roles their defaults, empty for none."""
        return " ".join(setting.statement for setting in self.settings)


@dataclass(frozen=True, slots=True)
class Rule:
    """One coded rule; `repoint explain CODE` prints it.

    `evidence` names the facts it rests on by row id (docs/explanation/facts.md) and the
    rows of the conformance table it answers.
    """

    code: str
    severity: Severity
    title: str
    why: str
    remedy: str
    evidence: tuple[str, ...]

    def finding(
        self,
        message: str,
        *,
        hint: str = "",
        location: Location | None = None,
        environment: str = "",
        consumer: str = "",
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule; the rule's own remedy is the hint unless one is given."""
        return Finding(
            code=self.code,
            severity=severity or self.severity,
            message=message,
            hint=hint or self.remedy,
            location=location,
            environment=environment,
            consumer=consumer,
        )

    def page(self) -> str:
        """The rule's documentation page, as Markdown."""
        return "\n".join(
            (
                f"# {self.code}: {self.title}",
                "",
                f"Severity: {self.severity.value}",
                "",
                self.why,
                "",
                "## Remedy",
                "",
                self.remedy,
                "",
                "## Evidence",
                "",
                *(f"- {row}" for row in self.evidence),
                "",
            )
        )
