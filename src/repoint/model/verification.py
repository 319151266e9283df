"""What a verification found: each consumer's live connection, the environment, and a soak."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.model.rehearsal import Check, Control, Verdict, worst

VERIFICATION_FORMAT = 1


@dataclass(frozen=True, slots=True)
class VerifiedConsumer:
    """A live connection of a consumer and what was asked of it.

    `route` is `pooled`, `direct` or empty, `server` the Service that it should ask, `read_from`
    the object and key that hold its connection, such as `Secret/backend-secret key DATABASE_URL`.
    """

    id: str
    route: str
    server: str
    driver: str
    read_from: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks; unknown when none was made."""
        return worst(check.verdict for check in self.checks)


@dataclass(frozen=True, slots=True)
class PoolUse:
    """What a soak saw of one pool: a role at a database in one Pooler, over all its pods.

    `used` are the shares (0 to 1) of its server connections in use, reading by reading, for a
    sparkline. `waiting` is the most clients that waited at a time, `waited_share` the share of
    readings in which more waited than may, `max_wait_s` the longest wait in seconds, `queries`
    how many queries of the database went through meanwhile.
    """

    pooler: str
    database: str
    user: str
    verdict: Verdict
    observed: str
    readings: int
    waiting: int
    waited_share: float
    max_wait_s: float
    max_used: float
    used_share: float
    queries: int
    used: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Restarts:
    """Container restarts of one consumer while a soak looked, and why the last one was."""

    consumer: str
    verdict: Verdict
    count: int
    observed: str


@dataclass(frozen=True, slots=True)
class Soak:
    """The outcome of a soak. `wanted_s` and `lasted_s` are seconds.

    `ended` is empty where it lasted as long as wanted, else why it did not: `failed` or
    `interrupted`. `gaps` tell of readings that could not be had.
    """

    wanted_s: float
    lasted_s: float
    readings: int
    ended: str
    pools: tuple[PoolUse, ...]
    restarts: tuple[Restarts, ...]
    gaps: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Fail when something failed; unknown when it was cut short or something is not known."""
        found = worst([*(p.verdict for p in self.pools), *(r.verdict for r in self.restarts)])
        if found is Verdict.PASS and (self.ended or self.lasted_s < self.wanted_s):
            return Verdict.UNKNOWN
        return found


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of `verify` for one environment under one Kubernetes context.

    `way` is `port-forward` or `job`. `limits` say what could not be asked in this way.
    """

    format: int
    tool_version: str
    environment: str
    context: str
    way: str
    consumers: tuple[VerifiedConsumer, ...]
    checks: tuple[Check, ...]
    controls: tuple[Control, ...]
    limits: tuple[str, ...] = ()
    soak: Soak | None = None
    took_s: float = 0.0

    @property
    def connections(self) -> Verdict:
        """The verdict without the soak; unknown when a control did not hold."""
        asked = [one.verdict for one in self.consumers]
        found = worst([*asked, *(check.verdict for check in self.checks)])
        if found is not Verdict.PASS:
            return found
        held = all(c.verdict in (Verdict.PASS, Verdict.SKIPPED) for c in self.controls)
        proved = any(c.verdict is Verdict.PASS for c in self.controls)
        return found if self.consumers and held and proved else Verdict.UNKNOWN

    @property
    def verdict(self) -> Verdict:
        """Of everything that was asked."""
        soaked = [self.soak.verdict] if self.soak is not None else []
        return worst([self.connections, *soaked])
