"""What a rollout asks before its first consumer moves, and a rollback before its first step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from repoint.comparison.baseline import Baseline, Written
from repoint.comparison.model import Comparison, Side
from repoint.comparison.selection import Selection
from repoint.errors import GateClosed
from repoint.flows.comparing.baselines import (
    baseline_path,
    file_name,
    load_baseline,
    measure_written,
    take_baseline,
)
from repoint.flows.comparing.flow import Wanted, compare
from repoint.flows.comparing.memory import Memory
from repoint.flows.comparing.reaching import Ends, World, reached
from repoint.flows.comparing.way_back import require_complete, require_way_back, source_standing
from repoint.flows.planning import require_config
from repoint.flows.workspace import Workspace
from repoint.model.rehearsal import Verdict
from repoint.planning.config import Data, seconds_of
from repoint.ports import Identity, LocalState, Progress, SealedEditor, WritableTree


@dataclass(frozen=True, slots=True)
class Desk:
    """A repository at work: what the data gates need of it and of the world."""

    workspace: Workspace
    tree: WritableTree
    sealed: SealedEditor
    local: LocalState
    identity: Identity
    progress: Progress | None = None

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
def databases(desk: Desk, environment: str, world: World) -> Iterator[Databases]:
    """An environment's databases, while the block runs; errors as for `reached`."""
    with reached(desk.workspace, environment, desk.tree, desk.sealed, world) as ends:
        yield Databases(desk, environment, ends)


def before_switch(desk: Desk, environment: str, world: World) -> tuple[str, ...]:
    """The data gate right before the first consumer moves; the baselines' paths.

    The source has to stand, so that there is a way back (X9); the target has to have all of
    it, at this time; then its state is noted. What an earlier comparison found alike, and
    nobody wrote to since, is not read again.

    Raises:
        GateClosed: the target is not proven complete, or the source is going.
        DatabaseLost: a side cannot be reached.
    """
    standing = source_standing(desk.workspace, environment, world.api)
    if standing.verdict is Verdict.FAIL:
        raise GateClosed(
            f"there would be no way back in `{environment}`: {'; '.join(standing.reasons)}",
            hint="keep the source until the target was in use for a while, then remove it",
        )
    with databases(desk, environment, world) as reach:
        for one in reach.compared(resume=True):
            require_complete(one)
        return tuple(reach.baselines())


def before_return(
    desk: Desk, environment: str, world: World, *, accept_data_loss: bool = False
) -> tuple[str, ...]:
    """What is lost on the way back to the source, where that was accepted; else nothing.

    To be asked before the files are taken back: it logs in at the target as the files say.

    Raises:
        WouldLoseData: the source is gone, or rows were written on the target since.
        DatabaseLost: the target cannot be reached.
    """
    standing = source_standing(desk.workspace, environment, world.api)
    lost: list[str] = []
    with databases(desk, environment, world) as reach:
        for written in reach.written():
            lost += require_way_back(
                environment, standing, written, accept_data_loss=accept_data_loss
            )
    return tuple(dict.fromkeys(lost))
