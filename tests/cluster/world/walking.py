"""The move of one environment, as its people do it: repoint's verbs, and the data beside them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tests.cluster.world.databases import Databases
from tests.cluster.world.example import commit
from tests.cluster.world.moving import Move
from tests.cluster.world.receipts import ROWS, Account, Receipts, receipts, settle
from tests.cluster.world.world import Result, World


@dataclass
class Walk:
    """One environment of a world; the steps are called in the order in which they stand."""

    world: World
    name: str
    _password: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)

    @property
    def databases(self) -> Databases:
        """Its two databases."""
        return Databases(self.world, self.name)

    @property
    def move(self) -> Move:
        """The move of its data."""
        return Move(self.databases)

    def settle_in(self) -> None:
        """Deploy it as it always was, and let shops have goods."""
        self.world.deploy(self.name)
        self.databases.seed()

    def edit(self) -> None:
        """Rehearse and apply the plan's edits, and commit them."""
        for args in (("rehearse",), ("apply", "--yes")):
            self.must(*args)
        commit(self.world.example, f"Move {self.name}")

    def copy(self) -> None:
        """Have all data on the target, and kept up to date, while everything goes on."""
        self.move.prepare()
        self.world.variables.update(self.databases.appoint_auditor(self._password))
        self.move.copy(self._password)

    def run(self, verb: str, *args: str) -> Result:
        """One verb for this environment."""
        return self.world.repoint(*verb.split(), "--env", self.name, *args)

    def must(self, verb: str, *args: str) -> Result:
        """The same; it has to succeed."""
        done = self.run(verb, *args)
        assert done.status == 0, f"{verb} {args}: {done}"
        return done

    def told(self) -> Receipts:
        """What the writers of this environment were told so far."""
        return receipts(self.world, self.databases.environment.prefix)

    def account(self, side: str) -> Account:
        """Whether the rows of `source` or `target` are what the writers were told."""
        prefix = self.databases.environment.prefix
        asked = {"source": self.databases.source, "target": self.databases.target}[side]
        return settle(self.world, prefix, lambda: asked(ROWS))
