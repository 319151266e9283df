"""Records of rehearsals: committed beside the receipts, and bound to a plan's content."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from repoint.errors import GateClosed, RepointError
from repoint.flows.patience import locked_soon
from repoint.flows.rewriting import changes_of
from repoint.model.plan import InputDigest, Plan
from repoint.model.receipt import FileWrite
from repoint.model.rehearsal import Rehearsal, Verdict
from repoint.planning.codec import decode_rehearsal, encode_rehearsal
from repoint.ports.repository import WritableTree
from repoint.promotion.content import content_of_changes

FOLDER = ".repoint/rehearsals"
_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an environment's part of a plan was rehearsed: its verdict, None when it was not."""

    environment: str
    verdict: Verdict | None
    path: str
    why: str = ""


def content_digest(plan: Plan, environment: str) -> str:
    """SHA-256 over what the plan changes in one environment, whatever else it holds."""
    return content_of_changes(environment, changes_of(plan, environment))


def record_path(environment: str, content: str) -> str:
    """Where the record of an environment's content lies."""
    return f"{FOLDER}/{environment}-{content[:_SHOWN]}.json"


def inputs_of(plan: Plan, paths: Collection[str]) -> tuple[InputDigest, ...]:
    """Those inputs of the plan that one environment is read from."""
    return tuple(one for one in plan.inputs if one.path in paths)


def record(rehearsals: Sequence[Rehearsal], tree: WritableTree) -> tuple[str, ...]:
    """Write each environment's record; a record says nothing of how long anything took.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
        FileRefused: a record cannot be written.
    """
    records = {
        record_path(one.environments[0], one.content): encode_rehearsal(_timeless(one))
        for one in rehearsals
    }
    if _writes(records, tree):
        with locked_soon(tree, "rehearse"):
            # Another rehearsal may have written the same in the meantime.
            writes = _writes(records, tree)
            if writes:
                tree.commit("rehearse", writes)
    return tuple(records)


def _writes(records: Mapping[str, bytes], tree: WritableTree) -> list[FileWrite]:
    found = []
    for path, after in records.items():
        before = tree.read_again(path) if tree.is_there(path) else None
        if after != before:
            found.append(FileWrite(path, before, after))
    return found


def _timeless(rehearsal: Rehearsal) -> Rehearsal:
    consumers = tuple(
        replace(one, checks=tuple(replace(check, took_s=0.0) for check in one.checks))
        for one in rehearsal.consumers
    )
    return replace(rehearsal, consumers=consumers, phases=())


def records_of(tree: WritableTree, environment: str) -> tuple[Rehearsal, ...]:
    """The records of an environment that can be read; what cannot speaks for nothing."""
    found = []
    for path in tree.files_in(FOLDER):
        with suppress(RepointError):
            one = decode_rehearsal(tree.read_again(path))
            if one.environments == (environment,):
                found.append(one)
    return tuple(found)


def standing(plan: Plan, environment: str, tree: WritableTree) -> Standing:
    """What the record of this plan's content in one environment says."""
    content = content_digest(plan, environment)
    path = record_path(environment, content)
    if not tree.is_there(path):
        return Standing(environment, None, path, "it was not rehearsed")
    try:
        found = decode_rehearsal(tree.read_again(path))
    except RepointError as error:
        return Standing(environment, None, path, error.message)
    if found.content != content:
        return Standing(environment, None, path, "the record is of another plan")
    known = {one.path: one.sha256 for one in plan.inputs}
    for one in found.inputs:
        if known.get(one.path, one.sha256) != one.sha256:
            return Standing(environment, None, path, f"`{one.path}` changed since the rehearsal")
    return Standing(environment, found.verdict, path)


def require_rehearsed(plan: Plan, environments: Sequence[str], tree: WritableTree) -> None:
    """The gate `rehearsed`: every environment at hand passed with this content.

    Raises:
        GateClosed: one was not rehearsed, or did not pass.
    """
    for name in environments:
        if not changes_of(plan, name):
            continue
        found = standing(plan, name, tree)
        if found.verdict is not Verdict.PASS:
            why = found.why or f"its rehearsal's verdict is {found.verdict}"
            raise GateClosed(
                f"`gates.apply` asks for a rehearsal of `{name}`: {why}",
                hint=f"run `repoint rehearse --env {name}` with this plan, then apply again",
            )
