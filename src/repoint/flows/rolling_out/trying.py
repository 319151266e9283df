"""What an apply would do, asked of the API server itself, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from repoint.errors import ClusterRefused, ExitCode, RolloutStopped
from repoint.model.cluster import FIELD_MANAGER, Document, ObjectRef, ref_of
from repoint.ports.cluster import ClusterApi
from repoint.rollout.changes import changed_fields, template_changes
from repoint.rollout.ownership import reconciled

_LEAVE = "leave a controller's field out of the manifest, or take it over with `--force-conflicts`"
_DELETE = "what cannot be changed has to be deleted by hand"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands against an apply, and what can be done about it."""

    told: str
    way: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome of one dry run.

    `fields` are what would change; `template` tells that pods would be replaced. `force` is
    needed where fields of somebody's kubectl are taken over (`taken`, managers). `against` says
    why it cannot be applied; `unasked` that the server could not be asked yet.
    """

    fields: tuple[str, ...] = ()
    template: bool = False
    is_new: bool = False
    force: bool = False
    taken: tuple[str, ...] = ()
    against: Obstacle | None = None
    unasked: bool = False


@dataclass(slots=True)
class Trials:
    """Dry runs against one cluster; `new_namespaces` and `new_kinds` are made by the rollout."""

    api: ClusterApi
    force_conflicts: bool
    live: dict[ObjectRef, Document | None]
    new_namespaces: frozenset[str] = frozenset()
    new_kinds: frozenset[tuple[str, str]] = frozenset()
    against: list[Obstacle] = field(default_factory=list)

    def apply(self, document: Document) -> Trial:
        """What a server-side apply would do; what stands against it is kept in `against`."""
        ref = ref_of(document)
        if ref.namespace in self.new_namespaces or (ref.group, ref.kind) in self.new_kinds:
            return Trial(is_new=True, unasked=True)
        before = self.live.get(ref)
        trial = self._ask(ref, document, before)
        if trial.against is not None:
            self.against.append(trial.against)
        return trial

    def is_same(self, document: Document) -> bool:
        """Whether an apply would change nothing, of an object that is there."""
        ref = ref_of(document)
        before = self.live.get(ref)
        if before is None:
            return False
        trial = self._ask(ref, document, before)
        return trial.against is None and not trial.fields

    def create(self, document: Document) -> None:
        """Ask whether an object of this content could be made beside what is there."""
        ref = ref_of(document)
        if ref.namespace in self.new_namespaces:
            return
        metadata = {**document["metadata"], "name": f"{ref.name[:45]}-repoint-dry-run"}
        try:
            self.api.create({**document, "metadata": metadata}, dry_run=True)
        except ClusterRefused as error:
            self.against.append(_why(ref, error))

    def _ask(self, ref: ObjectRef, document: Document, before: Document | None) -> Trial:
        taken: tuple[str, ...] = ()
        force = self.force_conflicts
        try:
            after = self.api.apply(document, dry_run=True, force=force)
        except ClusterRefused as error:
            others = reconciled(error.causes)
            if error.reason != "Conflict" or not error.causes or others:
                return Trial(against=_conflict(ref, others) if others else _why(ref, error))
            taken = tuple(sorted({manager for manager, _ in error.causes} - {FIELD_MANAGER}))
            force = True
            try:
                after = self.api.apply(document, dry_run=True, force=True)
            except ClusterRefused as again:
                return Trial(against=_why(ref, again))
        if before is None:
            return Trial(is_new=True, force=force)
        return Trial(
            changed_fields(before, after), template_changes(before, after), False, force, taken
        )


def _conflict(ref: ObjectRef, others: tuple[tuple[str, str], ...]) -> Obstacle:
    manager, place = others[0]
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return Obstacle(f"{ref}: `{manager}` owns `{place}`{more}", _LEAVE)


def _why(ref: ObjectRef, error: ClusterRefused) -> Obstacle:
    if error.reason == "Invalid" and error.causes:
        places = ", ".join(f"`{place}`" for _, place in error.causes if place)
        return Obstacle(
            f"{ref}: the API server does not take, or does not change, {places}", _DELETE
        )
    known = error.reason in ("Forbidden", "NotFound")
    return Obstacle(error.message, "; ".join(error.hints) if known else "")


def kinds_made(documents: Iterable[Document]) -> frozenset[tuple[str, str]]:
    """Kinds whose definitions are among the documents, so that the server may not know them."""
    found = set()
    for document in documents:
        if document.get("kind") == "CustomResourceDefinition":
            spec = document.get("spec") or {}
            found.add((str(spec.get("group")), str((spec.get("names") or {}).get("kind"))))
    return frozenset(found)


def refused(against: list[Obstacle]) -> RolloutStopped:
    """The refusal of a rollout that cannot begin, with all that stands against it."""
    stopped = RolloutStopped(
        f"the rollout cannot begin: {against[0].told}",
        hint=(
            *(one.told for one in against[1:]),
            *dict.fromkeys(one.way for one in against if one.way),
            "nothing was changed",
        ),
    )
    stopped.exit_code = ExitCode.REFUSED
    return stopped
