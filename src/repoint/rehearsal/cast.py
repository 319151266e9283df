"""Who takes part in a rehearsal: each consumer's connection, as its driver would make it."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.rules.facts import Connection, ConsumerFacts, HazardKind
from repoint.wire.login import Login


@dataclass(frozen=True, slots=True)
class Client:
    """A connection of a consumer.

    `server` is the full name of the Service it asks, `pooler` the Pooler's name and empty when
    the Service is the Cluster's. `login` is None for a wait loop that logs nobody in, and
    where the driver itself does not take the string, which `refused` tells
    of `reader`. `schema` is the schema that the connection
    string asks for, or asked for before the plan; empty when none does. With `schema_alone` it
    is the first of its search_path, and nothing tells the others. `facts` is what the rules
    know of the consumer. `variable` is what is sent for the password because nothing
    expands it, as written (X2); `connection` is the string that the driver reads. `is_guessed`
    tells that its role or its database stands nowhere, and another one was taken.
    """

    id: str
    environment: str
    purpose: str
    server: str
    pooler: str
    pool_mode: str
    facts: ConsumerFacts
    login: Login | None = None
    driver_known: bool = True
    schema: str = ""
    schema_alone: bool = False
    sslmode: str = ""
    key: str = ""
    reader: str = ""
    refused: str = ""
    variable: str = ""
    connection: Connection | None = None
    is_guessed: bool = False

    @property
    def route(self) -> str:
        """`pooled` or `direct`."""
        return "pooled" if self.pooler else "direct"

    @property
    def driver(self) -> str:
        """The driver whose packets are sent; empty for a wait loop."""
        return self.login.driver if self.login is not None else self.reader

    @property
    def migrates(self) -> bool:
        """Whether it changes the schema: a console asks nothing of one, a script may."""
        scripted = self.purpose == "admin" and self.facts.is_script
        return scripted or self.purpose == "migration"

    @property
    def serves(self) -> bool:
        """Whether it works with the data, and not on the schema or the database itself."""
        return self.purpose not in ("migration", "admin")

    @property
    def is_known(self) -> bool:
        """Whether source text, or what is known of its image, tells how it uses its session."""
        return self.facts.is_seen

    def uses(
        self,
        *kinds: HazardKind,
        subjects: tuple[str, ...] | None = None,
        linked: bool = True,
    ) -> str:
        """Where its evidence shows one of `kinds`, as `path:line`; empty when it does not.

        With `subjects`: of those names alone. With `linked` off: evidence that nothing links to
        this consumer.
        """
        for hazard in self.facts.hazards:
            named = subjects is None or hazard.subject in subjects
            if named and hazard.kind in kinds and hazard.linked is linked:
                return f"{hazard.path}:{hazard.line}"
        return ""
