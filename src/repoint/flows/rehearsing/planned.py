"""The repository as a plan would leave it, in memory: what a rehearsal looks at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from repoint.errors import FileRefused, SealedFile, ToolMissing
from repoint.flows.receipts import load_receipts
from repoint.flows.rewriting import Rewriting, changes_of, is_done, wanted_of
from repoint.flows.scanning import Survey, survey
from repoint.flows.workspace import Workspace
from repoint.model.plan import Plan
from repoint.ports.repository import Rendered, Renderer, SealedEditor, Tree, WritableTree


@dataclass(frozen=True, slots=True, eq=False)
class PlannedState:
    """What the plan's environments come to.

    `before` and `after` are the repository read as it is and as it would be; `store` opens
    the planned sealed files. `locked` says of each file that could not be worked out why.
    """

    environments: tuple[str, ...]
    before: Survey
    after: Survey
    store: PlannedSecrets
    locked: Mapping[str, str]
    contents: Mapping[str, bytes]


class PlannedTree:
    """A tree with planned contents laid over it; implements `ports.Tree`, writes nothing."""

    def __init__(self, tree: Tree, contents: Mapping[str, bytes]) -> None:
        self._tree = tree
        self._contents = contents

    def paths(self) -> tuple[str, ...]:
        """The tree's files and those that the plan creates, sorted."""
        return tuple(sorted({*self._tree.paths(), *self._contents}))

    def read(self, path: str) -> bytes:
        """The planned bytes of a file, else those of the tree."""
        if path in self._contents:
            return self._contents[path]
        return self._tree.read(path)

    def glance(self, path: str) -> bytes:
        """The same, not kept in memory."""
        return self._contents[path] if path in self._contents else self._tree.glance(path)

    def keep(self, path: str, raw: bytes) -> None:
        """Keep what the tree itself holds; planned bytes are in memory."""
        if path not in self._contents:
            self._tree.keep(path, raw)

    def exists(self, path: str) -> bool:
        """Whether the file is there after the plan."""
        return path in self._contents or self._tree.exists(path)


class PlannedSecrets:
    """Opens planned sealed files, each once; implements `ports.SecretStore`."""

    def __init__(self, tree: Tree, store: SealedEditor) -> None:
        self._tree = tree
        self._store = store
        self._opened: dict[str, bytes] = {}

    def prefetch(self, paths: Sequence[str]) -> None:
        """Open planned files that `decrypt` will be asked for; the store keeps them."""
        there = [path for path in paths if self._tree.exists(path)]
        self._store.open_ahead({path: self._tree.read(path) for path in there})

    def decrypt(self, path: str) -> bytes:
        """The decrypted document of a planned file, from memory the second time."""
        if path not in self._opened:
            self._opened[path] = self._store.open(path, self._tree.read(path))
        return self._opened[path]


class PlannedRenders:
    """Renders with planned contents laid over the tree; implements `ports.Renderer`."""

    def __init__(self, renderer: Renderer, contents: Mapping[str, bytes]) -> None:
        self._renderer = renderer
        self._contents = contents

    @property
    def version(self) -> str:
        """As of the renderer beneath."""
        return self._renderer.version

    @property
    def mark(self) -> str:
        """As of the renderer beneath."""
        return self._renderer.mark

    def within(self, reads: Mapping[str, Collection[str]]) -> PlannedRenders:
        """With these files of each overlay alone, and the planned ones."""
        return PlannedRenders(self._renderer.within(reads), self._contents)

    def render(
        self, overlays: Iterable[str], changed: Mapping[str, bytes]
    ) -> Mapping[str, Rendered]:
        """Each overlay's render with the planned contents, and `changed` over them."""
        return self._renderer.render(overlays, {**self._contents, **changed})


def laid_over(
    workspace: Workspace, contents: Mapping[str, bytes], store: SealedEditor
) -> Workspace:
    """The repository with other contents of some files, in memory."""
    tree = PlannedTree(workspace.tree, contents)
    return replace(
        workspace,
        tree=tree,
        secrets=PlannedSecrets(tree, store),
        renderer=PlannedRenders(workspace.renderer, contents),
    )


def planned_state(
    plan: Plan,
    workspace: Workspace,
    tree: WritableTree,
    store: SealedEditor,
    environments: Sequence[str] = (),
) -> PlannedState:
    """Lay every change of the plan over the repository, and read the result.

    All of the plan's environments are laid over, so that files that several share are as
    they will be; `environments` are those that are asked for.

    Raises:
        StalePlan: a file or an input changed since the plan was made.
        UsageError: the plan is not for one of `environments`.
        EditRefused: an edit would change more, or other, than planned.
    """
    wanted = wanted_of(plan, environments)
    contents, locked = _contents(plan, tree, store, wanted)
    before = survey(workspace)
    if not contents:
        secrets = PlannedSecrets(workspace.tree, store)
        return PlannedState(wanted, before, before, secrets, locked, contents)
    overlaid = PlannedTree(workspace.tree, contents)
    secrets = PlannedSecrets(overlaid, store)
    renderer = PlannedRenders(workspace.renderer, contents)
    after = survey(replace(workspace, tree=overlaid, secrets=secrets, renderer=renderer))
    return PlannedState(wanted, before, after, secrets, locked, contents)


def _contents(
    plan: Plan, tree: WritableTree, store: SealedEditor, wanted: Sequence[str]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """The new bytes of each file, and why a sealed one has none."""
    receipts = load_receipts(tree)
    todo = tuple(name for name in wanted if not is_done(plan, name, receipts, tree))
    work = Rewriting(plan, tree, store, receipts, todo)
    if todo:
        work.check_inputs()
    locked: dict[str, str] = {}
    for path in dict.fromkeys(c.path for name in todo for c in changes_of(plan, name)):
        try:
            work.change(path)
        except (SealedFile, ToolMissing) as error:
            locked[path] = error.message
    contents: dict[str, bytes] = {}
    for write in work.writes:
        if write.after is None:
            raise FileRefused(f"`{write.path}`: a plan removes no file")
        contents[write.path] = write.after
    return contents, locked
