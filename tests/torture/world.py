"""A small repository with what is easy to damage: modes, links, new folders, bystanders."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from repoint.flows.apply import apply_plan
from repoint.flows.rollback import roll_back
from repoint.model.plan import Op, PartEdit, Plan
from repoint.planning.assemble import fingerprint
from repoint.planning.codec import encode_plan
from tests.torture.looking import Shot, look
from tests.unit.flows.hand_plans import (
    DIRECT,
    OLD,
    POOLED,
    Repository,
    change,
    copy_of,
    edit,
    host,
    new_repository,
    plan_of,
    swap,
)

BYSTANDERS = ("README.md", "d/other.yaml", "to-other.yaml", "to-nowhere")


@dataclass(frozen=True)
class World:
    """A repository (`folder/repository`) with its plan, and both states that it may be in."""

    folder: Path
    plan: Plan
    before: Shot
    after: Shot

    @property
    def root(self) -> Path:
        """The repository."""
        return self.folder / "repository"

    @property
    def states(self) -> tuple[Shot, Shot]:
        """Before and after."""
        return self.before, self.after

    def copy(self, place: Path) -> Path:
        """A fresh copy of the folder at `place`; the repository in it."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.folder, place, symlinks=True)
        return place / "repository"


def make_world(folder: Path, *, used: bool = True) -> World:
    """Write the repository below `folder`, see it before and after, and leave it before.

    Without `used` repoint never ran there: `.repoint/` is missing.
    """
    folder.mkdir(parents=True)
    made = new_repository(folder)
    plan = _fill(made)
    (folder / "plan.json").write_bytes(encode_plan(plan))
    before = look(made.root)
    apply_plan(plan, made.tree, made.store, allow_dirty=True)
    after = look(made.root)
    roll_back(plan.environments, made.tree, made.store)
    if used:
        before = look(made.root)
    else:
        shutil.rmtree(made.root / ".repoint")
    return World(folder, plan, before, after)


def _fill(made: Repository) -> Plan:
    root = made.root
    first = made.write("a.yaml", f"u: postgres://x:canary-1@{OLD}/x\nv: {OLD}\n")
    second = made.write("d/b.env", f"U=postgres://x:canary-2@{OLD}/x")
    linked = made.write("d/real.yaml", f"\ufeffhost: {OLD}\r\nport: 5432\r\n")
    (root / "a.yaml").chmod(0o640)
    (root / "d/b.env").chmod(0o755)
    (root / "d/real.yaml").chmod(0o600)
    (root / "link.yaml").symlink_to("d/real.yaml")
    made.write("README.md", f"It speaks to {OLD}.\n")
    made.write("d/other.yaml", f"host: {OLD}\n")
    (root / "to-other.yaml").symlink_to("d/other.yaml")
    (root / "to-nowhere").symlink_to("not/there")
    (root / "empty").mkdir(mode=0o700)
    key = PartEdit("key", "U", "U_DIRECT")
    changes = [
        change(root, "a.yaml", [swap(first, OLD, POOLED), swap(first, OLD, POOLED, nth=1)]),
        change(root, "d/b.env", [copy_of(second, second.decode(), (key, host(OLD, DIRECT)))]),
        change(root, "link.yaml", [swap(linked, OLD, POOLED)]),
        change(root, "e/f/new.yaml", [edit(Op.CREATE, "", "", after="kind: Patch\n")]),
    ]
    plan = plan_of(root, changes)
    # The real command holds a plan to its fingerprint; there is no repoint.yaml.
    made_of = fingerprint(plan.tool_version, plan.inputs, "", plan.environments)
    return replace(plan, fingerprint=made_of)
