"""What the library returns: immutable values, which the command line prints as JSON alike."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from repoint.model.plan import Finding
from repoint.model.plan import Plan as _Plan
from repoint.planning.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Scan(Inventory):
    """Who talks to PostgreSQL, through which file and key, for what purpose.

    `root` is the repository's folder, `environments` are in the order of promotion, `sites` in the
    order of files and lines, `consumers` by environment. `unreadable` is what could not be read:
    it is never left out. `files_seen` and `files_read` count files. `guessed` tells that there is
    no repoint.yaml, and that the environments are those that `Repository.propose` would write.
    """

    guessed: bool = False

    def to_json(self) -> str:
        """What `repoint scan --format json` prints: UTF-8 text with a newline at its end."""
        from repoint.views.machine import scan

        return scan(self)

    @classmethod
    def _of(cls, found: Inventory, *, guessed: bool) -> Self:
        """A scan of what was found."""
        return cls(**{one.name: getattr(found, one.name) for one in fields(found)}, guessed=guessed)


@dataclass(frozen=True, slots=True)
class Plan(_Plan):
    """What will change and why, with the proof that nothing else does; bound to its inputs.

    `environments` are those it is for, in the order of promotion. `changes` are edits by file,
    `tasks` what a person has to do, `findings` what was noticed, `proofs` the comparison of each
    overlay's render before and after. `inputs` are the files it was made on with their SHA-256,
    `fingerprint` one SHA-256 over all of that. No field holds a password.
    """

    def to_json(self) -> str:
        """The plan as a document: what `repoint plan --output` writes, byte for byte."""
        from repoint.planning.codec import encode_plan

        return encode_plan(self).decode()

    @classmethod
    def from_json(cls, document: str | bytes) -> Self:
        """The plan in a document that `to_json`, or `repoint plan --output`, wrote.

        Raises:
            UsageError: it is no plan, or reaches for what is no plan's.
            StalePlan: it was written in a format that this version does not read.
        """
        from repoint.planning.bounds import check_plan
        from repoint.planning.codec import decode_plan

        found = decode_plan(document.encode() if isinstance(document, str) else document)
        check_plan(found)
        return cls._of(found)

    @classmethod
    def _of(cls, made: _Plan) -> Self:
        """A plan that was made."""
        return cls(*(getattr(made, one.name) for one in fields(_Plan)))


@dataclass(frozen=True, slots=True)
class Check:
    """What breaks the state that the migration reached, the most severe first."""

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether no error stands that nobody accepted."""
        return not any(finding.blocks for finding in self.findings)

    def to_json(self) -> str:
        """What `repoint check --format json` prints."""
        from repoint.views.machine import check

        return check(self.findings)


@dataclass(frozen=True, slots=True)
class Applied:
    """What `Repository.apply` did.

    `environments` are those that are applied now, `written` the paths that it wrote: none where
    everything was applied before. The receipts for the way back lie in `.repoint/`, to be
    committed. `recovered` is `finished` or `undone` where an earlier run had been stopped half-way.
    """

    environments: tuple[str, ...]
    written: tuple[str, ...]
    recovered: str = ""

    def to_json(self) -> str:
        """The paths and the environments as JSON: `format`, `environments`, `written` and more."""
        from repoint.views.machine import FORMAT, encode

        told = {"environments": list(self.environments), "written": sorted(self.written)}
        return encode({"format": FORMAT, **told, "recovered": self.recovered})


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What `Repository.rollback` did.

    `written` are the paths that it wrote. `inexact` are those that others edited since: there
    only repoint's own edits were taken back. `notes` are sentences for a person, `recovered` is
    as in `Applied`.
    """

    environments: tuple[str, ...]
    written: tuple[str, ...]
    inexact: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    recovered: str = ""

    def to_json(self) -> str:
        """The same as JSON: `format`, `environments`, `written`, `inexact`, `notes`."""
        from repoint.views.machine import FORMAT, encode

        told = {"environments": list(self.environments), "written": sorted(self.written)}
        more = {"inexact": list(self.inexact), "notes": list(self.notes)}
        return encode({"format": FORMAT, **told, **more, "recovered": self.recovered})


@dataclass(frozen=True, slots=True)
class Proposal:
    """The repoint.yaml that would fit: its text, what is left to decide, what was noticed."""

    text: str
    questions: tuple[str, ...]
    notes: tuple[str, ...]


__all__ = ["Applied", "Check", "Plan", "Proposal", "RolledBack", "Scan"]
