"""What a rollout asks before its first consumer moves, and a rollback before its first step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from repoint.comparison.baseline import Baseline, Written
from repoint.comparison.model import Comparison, Side
from repoint.comparison.selection import Selection
from repoint.comparison.standing import Standing
from repoint.errors import ClusterRefused, DatabaseLost, GateClosed
from repoint.flows.comparing.baselines import (
    baseline_path,
    file_name,
    load_baseline,
    measure_written,
    take_baseline,
)
from repoint.flows.comparing.flow import Wanted, compare
from repoint.flows.comparing.memory import Memory
from repoint.flows.comparing.noting import note_comparison
from repoint.flows.comparing.reaching import Ends, World, reached
from repoint.flows.comparing.sessions import session
from repoint.flows.comparing.way_back import (
    FROZEN,
    require_complete,
    require_way_back,
    source_standing,
)
from repoint.flows.ledger import read
from repoint.flows.planning import require_config
from repoint.flows.workspace import Workspace
from repoint.model.cluster import Document
from repoint.model.ledger import Phase
from repoint.model.rehearsal import Verdict
from repoint.planning.config import Data, seconds_of
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.user import Identity, LocalState
from repoint.ports.work import UNWATCHED, Progress
from repoint.wire.refusals import ServerRefusal


@dataclass(frozen=True, slots=True)
class Desk:
    """A repository at work: what the data gates need of it and of the world."""

    workspace: Workspace
    tree: WritableTree
    sealed: SealedEditor
    local: LocalState
    identity: Identity
    progress: Progress = UNWATCHED

    @property
    def settings(self) -> Data:
        """`data:` of repoint.yaml."""
        return require_config(self.workspace).data


@dataclass(frozen=True, slots=True)
class Databases:
    """An environment's databases, reached; nothing is asked of them before it is needed."""

    desk: Desk
    environment: str
    ends: tuple[Ends, ...]

    def part(self, ends: Ends) -> str:
        """What tells a baseline from another one of its environment; empty for the only one."""
        return ends.name if len(self.ends) > 1 else ""

    def compared(
        self, *, resume: bool = False, schema_only: bool = False, only: tuple[str, ...] = ()
    ) -> list[Comparison]:
        """Each database's source held against its target; errors as for `flow.compare`."""
        found = []
        settings = self.desk.settings
        for ends in self.ends:
            source, target = ends.need_both()
            wanted = Wanted(
                environment=self.environment,
                selection=Selection(tuple(settings.exclude), only),
                parallel=settings.parallel,
                chunk_rows=settings.chunk_rows,
                schema_only=schema_only,
                resume=resume,
                max_age_s=seconds_of(settings.max_age),
            )
            name = file_name(self.environment, self.part(ends))
            found.append(
                compare(
                    *(source, target, wanted),
                    now=self.desk.identity.now,
                    progress=self.desk.progress,
                    memory=Memory.load(self.desk.local, name),
                )
            )
        return found

    def baselines(self) -> dict[str, Baseline]:
        """Take and write each target's baseline, by its path; errors as for `take_baseline`."""
        settings = self.desk.settings
        return {
            baseline_path(self.environment, self.part(ends)): take_baseline(
                ends.need(Side.TARGET),
                self.environment,
                self.desk.tree,
                self.desk.local,
                now=self.desk.identity.now,
                part=self.part(ends),
                selection=Selection(exclude=tuple(settings.exclude)),
                parallel=settings.parallel,
                chunk_rows=settings.chunk_rows,
                progress=self.desk.progress,
            )
            for ends in self.ends
        }

    def written(self, *, against_source: bool = False) -> list[Written | None]:
        """What was written on each target since its baseline; None where there is none."""
        settings = self.desk.settings
        found: list[Written | None] = []
        for ends in self.ends:
            taken = load_baseline(self.desk.tree, self.environment, self.part(ends))
            if taken is None:
                found.append(None)
                continue
            found.append(
                measure_written(
                    taken,
                    ends.need(Side.TARGET),
                    self.desk.local,
                    now=self.desk.identity.now,
                    source=ends.need(Side.SOURCE) if against_source else None,
                    selection=Selection(exclude=tuple(settings.exclude)),
                    parallel=settings.parallel,
                    chunk_rows=settings.chunk_rows,
                    progress=self.desk.progress,
                )
            )
        return found


@contextmanager
def databases(
    desk: Desk, environment: str, world: World, earlier: Workspace | None = None
) -> Iterator[Databases]:
    """An environment's databases, while the block runs; arguments and errors as for `reached`."""
    with reached(desk.workspace, environment, desk.tree, desk.sealed, world, earlier) as ends:
        yield Databases(desk, environment, ends)


def before_switch(
    desk: Desk, environment: str, world: World, *, begun: bool = False, compared: bool = True
) -> tuple[str, ...]:
    """The data gate right before the first consumer moves; what a person should hear of it.

    The source has to stand, so that there is a way back (X9); the target has to have all of
    it, at this time, which the ledger is told; then its state is noted. What an earlier
    comparison found alike, and nobody wrote to since, is not read again.

    Args:
        begun: Consumers have moved already: then the baseline of before stands.
        compared: Off, where the gate is not asked for: only the baseline is taken, and a
            target that cannot be reached is no reason to stop.

    Raises:
        GateClosed: the target is not proven complete, or the source is going.
        DatabaseLost: a side cannot be reached.
    """
    if compared:
        _require_source(desk, environment, world)
    begun = begun or _was_switched(desk, environment)
    if not compared and begun:
        return ()
    try:
        with databases(desk, environment, world) as reach:
            if compared:
                found = reach.compared(resume=True)
                note_comparison(desk.tree, desk.identity, found, desk.sealed)
                for one in found:
                    require_complete(one)
            if begun:
                return ("the baseline of before the switch stands",)
            return tuple(f"`{path}` is written: commit it" for path in reach.baselines())
    except (DatabaseLost, ClusterRefused) as error:
        if compared:
            raise
        return (f"no baseline was taken: {error.message}",)


def _require_source(desk: Desk, environment: str, world: World) -> None:
    standing = source_standing(desk.workspace, environment, world.api)
    if standing.verdict is Verdict.FAIL:
        raise GateClosed(
            f"there would be no way back in `{environment}`: {'; '.join(standing.reasons)}",
            hint="keep the source until the target was in use for a while, then remove it",
        )


def _was_switched(desk: Desk, environment: str) -> bool:
    """Whether the ledger tells of a roll-out that came to its end since the last way back."""
    done = False
    for one in read(desk.tree):
        if one.environment == environment and one.phase is Phase.ROLLED_OUT:
            done = done or one.verdict is Verdict.PASS
        elif one.environment == environment and one.phase is Phase.ROLLED_BACK:
            done = False
    return done


@dataclass(frozen=True, slots=True)
class WayBack:
    """What the way back to the source would meet.

    `written` tells of each database what was written on the target since its baseline, None
    where there is none; `unasked` why nobody could ask the target, empty when it was asked;
    `trouble` why the source would take no writes, empty when it does or nobody knows how to ask.
    """

    environment: str
    standing: Standing
    written: tuple[Written | None, ...] = ()
    unasked: str = ""
    trouble: str = ""

    def require(self, *, accept_data_loss: bool = False) -> tuple[str, ...]:
        """What is lost and accepted; nothing where nothing is lost.

        Raises:
            WouldLoseData: the source is gone, or rows were written on the target since.
        """
        lost: list[str] = []
        for written in self.written or (None,):
            lost += require_way_back(
                self.environment,
                self.standing,
                written,
                unasked=self.unasked,
                trouble=self.trouble,
                accept_data_loss=accept_data_loss,
            )
        return tuple(dict.fromkeys(lost))


def ask_way_back(
    desk: Desk,
    environment: str,
    world: World,
    *,
    desired: Sequence[Document] | None = None,
    earlier: Workspace | None = None,
) -> WayBack:
    """Look at the source and measure the target; nothing is refused here.

    Args:
        desk: Its workspace is the repository as it is while the consumers are on the target: the
            login there is as its files say.
        desired: The environment's objects as they will be; by default as the files have them.
        earlier: The repository as it was before the move: it tells the login at the source.
    """
    standing = source_standing(desk.workspace, environment, world.api, desired=desired)
    trouble = ""
    try:
        with databases(desk, environment, world, earlier) as reach:
            if standing.verdict is not Verdict.FAIL:
                trouble = "; ".join(filter(None, map(_trouble, reach.ends)))
            return WayBack(environment, standing, tuple(reach.written()), trouble=trouble)
    except (DatabaseLost, ClusterRefused) as error:
        return WayBack(environment, standing, unasked=error.message, trouble=trouble)


def _trouble(ends: Ends) -> str:
    """Why the source would take no writes; empty when it does."""
    if ends.source is None:
        return ""
    try:
        with session(ends.source) as asking:
            frozen = asking.ask("SHOW transaction_read_only")[0][0] != "off"
    except (DatabaseLost, ServerRefusal, ClusterRefused) as error:
        return f"the source does not answer ({error})"
    return FROZEN if frozen else ""
