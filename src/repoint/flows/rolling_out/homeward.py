"""The steps of a way back: the consumers first, and then what served them at the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from repoint.flows.rolling_out.drafting import Drafting, Question
from repoint.flows.rolling_out.situation import read_if_allowed
from repoint.model.cluster import ObjectRef
from repoint.rollout.ordering import Wave, is_cnpg
from repoint.rollout.recycling import is_ours, is_paused
from repoint.rollout.steps import Action, Draft, Step


@dataclass(frozen=True, slots=True)
class Home:
    """A way back. `left` are objects that only the move brought: they are left where they are."""

    left: tuple[ObjectRef, ...] = ()


def draft_home(question: Question, home: Home) -> Draft:
    """The steps of a way back, in order; arguments and errors as for `drafting.draft`.

    They are those of a rollout of what was before, but for three things. Nobody waits for the
    Cluster or a Pooler, which may be the reason to go back, and no pool is recycled. Of what
    serves, only what is missing comes first: the target keeps its settings until its last
    client has left. A Pooler that a run which was cut off left paused lets clients through at
    once, also when only the move brought it.
    """
    return _Homeward(question, home).draft()


class _Homeward(Drafting):
    def __init__(self, question: Question, home: Home) -> None:
        super().__init__(question)
        self._home = home

    def _steps(self) -> tuple[Step, ...]:
        namespaces = tuple(self._applied(Wave.NAMESPACES))
        ground = tuple(self._applied(Wave.GROUND))
        return (
            *(*self._resumed(), *self._left_paused()),
            *namespaces,
            *(step for step in ground if step.is_new),
            *self._applied(Wave.VALUES),
            *self._jobs(),
            *self._workloads(),
            *(step for step in ground if not step.is_new),
        )

    def draft(self) -> Draft:
        """The draft, with what is left told among its notes."""
        made = super().draft()
        there = [ref for ref in self._home.left if read_if_allowed(self._api, ref) is not None]
        told = [f"{ref} came with the move alone: it is left, nothing is deleted" for ref in there]
        return replace(made, notes=(*made.notes, *told))

    def _left_paused(self) -> Iterator[Step]:
        for ref in self._home.left:
            if is_cnpg(ref, "Pooler"):
                live = read_if_allowed(self._api, ref)
                if is_paused(live) and is_ours(live):
                    yield Step(Action.RESUME, ref, why="a run that was cut off left it paused")
