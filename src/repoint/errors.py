"""Every error that repoint raises on purpose, and the exit status it ends with.

    RepointError                 exit 1   refused; nothing was changed
    |-- UsageError               exit 2   the command line or repoint.yaml is wrong
    |   |-- ConfigError                   repoint.yaml: unknown key, wrong type, missing part
    |   `-- WrongContext                  it is not certain which cluster is meant
    |-- StalePlan                exit 4   a file is not what the plan was made on
    |-- OverlappingEdits         exit 1   two edits claim the same bytes
    |-- EditRefused              exit 1   an edit would change more, or other, than planned
    |-- FileRefused              exit 1   a file cannot be read or replaced safely
    |-- DirtyWorkTree            exit 1   a file at hand has uncommitted changes
    |-- LockHeld                 exit 1   another run holds the lock
    |-- Conflict                 exit 1   a rollback meets later edits of the same value
    |-- ToolMissing              exit 1   git, sops or kubectl is needed and not there
    |-- ToolFailed               exit 1   an external tool ended with an error
    |   `-- SealedFile                    sops cannot open a file with the keys at hand
    |-- ServersMissing           exit 1   no PostgreSQL or PgBouncer good enough is here
    |-- LabFailed                exit 1   a rehearsal's server did not start or died
    |-- PlanBlocked              exit 1   error findings that nobody accepted
    |-- GateClosed               exit 1   a gate of repoint.yaml asks for more
    |-- ClusterRefused           exit 1   the Kubernetes API said no
    |-- ClusterLost              exit 1   the Kubernetes API does not answer
    |-- DatabaseLost             exit 1   a database cannot be reached, or refuses the login
    |-- KnowledgeFailed          exit 1   an installed package brings knowledge that is wrong
    |-- WouldLoseData            exit 1   the way back would lose what was written since
    |-- RolloutStopped           exit 5   a rollout stopped at a step; running it again goes on
    |-- ProofFailed              exit 1   a render differs by more than the plan
    `-- HalfDone                 exit 5   stopped half-way; the next command is named

Messages name file, line and key, never a value: the value may be a password.
A message is one sentence without a final period; `hint` says what to do next.
"""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit statuses of the command line, part of its contract."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    BUG = 3
    STALE = 4
    PARTIAL = 5
    CHANGES = 10
    INTERRUPTED = 130


class RepointError(Exception):
    """Base of every expected error; carries a code, hints and an exit status."""

    code = "RP400"
    exit_code = ExitCode.REFUSED
    default_hint = "run `repoint explain RP400` for what this means"

    def __init__(self, message: str, *, hint: str | tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        given = (hint,) if isinstance(hint, str) else hint
        self.hints: tuple[str, ...] = tuple(filter(None, given)) or (self.default_hint,)

    @property
    def place(self) -> tuple[str, int] | None:
        """The file and the line, from 1, that the message names; None where it names no line."""
        import re

        found = re.search(r"`([^`]+)` line (\d+)", self.message)
        return (found[1], int(found[2])) if found is not None else None


class UsageError(RepointError):
    """The command line asks for something that cannot be."""

    code = "RP402"
    exit_code = ExitCode.USAGE
    default_hint = "run `repoint --help`"


class ConfigError(UsageError):
    """`repoint.yaml` is wrong; the message names the key and the line."""

    code = "RP403"
    default_hint = "`repoint schema` describes every key"


class StalePlan(RepointError):
    """A file changed after the plan was made."""

    code = "RP401"
    exit_code = ExitCode.STALE
    default_hint = "review what changed, then run `repoint plan` again"


class OverlappingEdits(RepointError):
    """Two edits claim the same byte of a file."""

    code = "RP404"
    default_hint = "this plan cannot be applied; run `repoint plan` again and report it if it stays"


class EditRefused(RepointError):
    """After an edit the file does not read back as planned; it was not written."""

    code = "RP405"
    default_hint = "change this value by hand; `repoint plan --format diff` shows the edit"


class FileRefused(RepointError):
    """A file cannot be read, locked or replaced safely."""

    code = "RP406"
    default_hint = "check the file's permissions and type, then run the command again"

    @classmethod
    def by(cls, what: str, error: OSError, *, hint: str = "") -> FileRefused:
        """The operating system refused `what`, such as "`a.json` cannot be written"."""
        known = _REMEDIES.get(error.errno or 0, "")
        return cls(f"{what}: {error.strerror}", hint=known or hint or ())


_REMEDIES = {
    errno.ENOSPC: "free some space on its disk, or name a file on another one",
    errno.EDQUOT: "free some of your quota, or name a file on another disk",
    errno.EROFS: "its file system is mounted read-only: mount it for writing, or work on a copy",
    errno.ENAMETOOLONG: "choose a shorter name",
}
"""What to do about it, by the error of the operating system."""


class DirtyWorkTree(RepointError):
    """A file at hand has uncommitted changes."""

    code = "RP407"
    default_hint = "commit or stash them, or pass `--allow-dirty`"


class LockHeld(RepointError):
    """Another repoint run holds this repository's lock."""

    code = "RP408"
    default_hint = "wait for it to end; a lock of a process that died is cleared by itself"


class Conflict(RepointError):
    """A value that apply wrote was changed since; a rollback would lose that change."""

    code = "RP409"
    default_hint = "decide on the value by hand, then run `repoint rollback` again"


class ToolMissing(RepointError):
    """An external program is needed and was not found."""

    code = "RP410"
    default_hint = "install it, or install repoint with its tools: `pip install 'repoint[tools]'`"


class ToolFailed(RepointError):
    """An external program ended with an error."""

    code = "RP411"
    default_hint = "run the command shown by hand to see all it prints"


class SealedFile(ToolFailed):
    """sops cannot open a file with the keys at hand."""

    code = "RP412"
    default_hint = "give sops a key, for example SOPS_AGE_KEY_FILE, and run the command again"


class ServersMissing(RepointError):
    """No PostgreSQL or PgBouncer that a rehearsal can use is on this machine."""

    code = "RP416"
    default_hint = "run `repoint doctor`: it says what is missing and the command to get it"


class LabFailed(RepointError):
    """A server of the rehearsal did not start, or died on the way."""

    code = "RP417"
    default_hint = "nothing was left behind; run it again with `--keep-logs DIR` to read its log"


class PlanBlocked(RepointError):
    """The plan holds error findings that nobody accepted."""

    code = "RP413"
    default_hint = (
        "`repoint plan` shows them: mend them, or accept each by code with a reason under "
        "`accept:` in repoint.yaml"
    )


class GateClosed(RepointError):
    """A gate of `repoint.yaml` is not open."""

    code = "RP418"
    default_hint = "run `repoint rehearse` on this plan, or change `gates:` in repoint.yaml"


class ProofFailed(RepointError):
    """A rendered field changes that no edit of the plan accounts for."""

    code = "RP414"
    default_hint = "nothing was written; `repoint plan` lists the fields"


class HalfDone(RepointError):
    """The run stopped half-way and could not undo itself."""

    code = "RP415"
    exit_code = ExitCode.PARTIAL
    default_hint = "run `repoint apply --resume` to finish or undo it"


class ClusterRefused(RepointError):
    """The Kubernetes API refused a request.

    `reason` is the API's own (`Forbidden`, `Conflict`, `Invalid` ...), `status` the HTTP
    status. `causes` tell more: for a `Conflict` of field managers pairs of manager and field,
    for `Invalid` pairs of an empty text and a field.
    """

    code = "RP419"
    default_hint = "`repoint rbac` prints the rights that each command needs"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        status: int = 0,
        causes: tuple[tuple[str, str], ...] = (),
        hint: str | tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.status = status
        self.causes = causes


class ClusterLost(RepointError):
    """The Kubernetes API does not answer."""

    code = "RP420"
    default_hint = "look at it with `kubectl cluster-info`, then run the same command again"


class RolloutStopped(RepointError):
    """A rollout stopped at a step; what it did stays, and a second run goes on from there."""

    code = "RP421"
    exit_code = ExitCode.PARTIAL
    default_hint = "mend what the step tells, then run the same command again: it goes on there"


class WouldLoseData(RepointError):
    """Going back would lose rows that were written on the target, or the source is gone."""

    code = "RP422"
    default_hint = "copy the rows over first, or pass `--accept-data-loss` when they may go"


class DatabaseLost(RepointError):
    """A database that is to be read cannot be reached, refuses the login, or went away."""

    code = "RP424"
    default_hint = "name its URL's variable under `data:` in repoint.yaml, or pass `--context`"


class WrongContext(UsageError):
    """The Kubernetes context is not named, not there, or not the environment's own."""

    code = "RP423"
    default_hint = "name it under `environments:` in repoint.yaml, or with `--context`"


class KnowledgeFailed(RepointError):
    """An installed package with an entry point `repoint.knowledge` cannot be used."""

    code = "RP425"
    default_hint = "mend that package, or uninstall it; its rules are in docs/how-to/own-tools.md"
