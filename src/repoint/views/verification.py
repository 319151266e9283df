"""A verification for a person: each connection, the environment, the soak."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from repoint.model.rehearsal import Check, Control, Verdict
from repoint.model.verification import Soak, Verification, VerifiedConsumer
from repoint.views.layout import Page, Segment, printed, widths
from repoint.views.rehearsal import SIGNS, tally

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDEST = 40


def verification(value: Verification, *, width: int = 80, color: bool = False) -> str:
    """Every connection with its checks, what did not pass, and the verdict last."""
    page = Page(width)
    page.line((f"{value.environment} at context {value.context}, by {value.way}", "title"))
    page.blank()
    for one in value.consumers:
        _consumer(page, one)
    _list(page, "Environment", value.checks)
    _controls(page, value.controls)
    for limit in value.limits:
        page.text(limit, indent=2, lead=("- ", "dim"))
    if value.soak is not None:
        _soak(page, value.soak)
    page.blank()
    word, style = SIGNS[value.verdict]
    page.text(summary(value), lead=(f"verify: {word} ", style))
    if value.verdict is not Verdict.FAIL:  # After a failure the way back is named.
        page.text(next_step(value), lead=("next: ", "title"))
    return printed(page, color=color)


def next_step(value: Verification) -> str:
    """What to do after it, where nothing failed."""
    if value.verdict is Verdict.PASS:
        return "`repoint status` shows what is left to do"
    return f"mend what is unknown, then run `repoint verify --env {value.environment}` again"


def summary(value: Verification) -> str:
    """What was asked and what came of it, in one sentence."""
    checks = [check for one in value.consumers for check in one.checks] + [*value.checks]
    held = sum(one.verdict is Verdict.PASS for one in value.controls)
    soaked = ""
    if value.soak is not None:
        soaked = f"; soaked for {lasting(value.soak.lasted_s)}: {value.soak.verdict}"
    return (
        f"{len(value.consumers)} connections, checks: {tally(checks)}; {held} of "
        f"{len(value.controls)} controls told the other side{soaked}"
    )


def lasting(seconds: float) -> str:
    """`90` as `1m30s`."""
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def sparkline(shares: Sequence[float], width: int = _WIDEST) -> str:
    """Shares (0 to 1) as bars, the newest last; the highest of each group where they are many."""
    shown = list(shares)
    if len(shown) > width:
        size = len(shown) / width
        shown = [max(shown[int(n * size) : int((n + 1) * size)]) for n in range(width)]
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[min(top, max(0, round(share * top)))] for share in shown)


def soak_lines(soak: Soak) -> list[str]:
    """A soak that still runs: how long, each pool as a sparkline, and who restarted."""
    lines = [f"soaking: {lasting(soak.lasted_s)} of {lasting(soak.wanted_s)}"]
    lines += [
        f"  {one.pooler} {one.user}@{one.database}  {sparkline(one.used, 30)}  "
        f"{one.used[-1] if one.used else 0:.0%} used, {one.waiting} waited, "
        f"longest {one.max_wait_s:.1f} s"
        for one in soak.pools
    ]
    lines += [f"  {one.consumer}: {one.observed}" for one in soak.restarts if one.count]
    return [*lines, *(f"  {gap}" for gap in soak.gaps[-1:])]


def _consumer(page: Page, one: VerifiedConsumer) -> None:
    word, style = SIGNS[one.verdict]
    how = [one.route, f"as {one.driver}" if one.driver else "", one.read_from]
    page.text(f"{one.id}  {', '.join(part for part in how if part)}", lead=(f"{word} ", style))
    passed = [check.id for check in one.checks if check.verdict is Verdict.PASS]
    if passed:
        page.text(", ".join(passed), indent=4, lead=("ok ", "good"))
    _wrong(page, one.checks)
    reasons: dict[str, list[str]] = {}
    for check in one.checks:
        if check.verdict is Verdict.SKIPPED:
            reasons.setdefault(check.observed, []).append(check.id)
    for reason, names in reasons.items():
        page.text(f"{', '.join(names)}: {reason}", indent=4, lead=("- ", "dim"))


def _wrong(page: Page, checks: Iterable[Check]) -> None:
    for check in checks:
        if check.verdict in (Verdict.PASS, Verdict.SKIPPED):
            continue
        word, style = SIGNS[check.verdict]
        page.text(check.id, indent=4, lead=(f"{word} ", style))
        page.text(check.expected, indent=8, lead=("expected ", "dim"))
        page.text(check.observed, indent=8, lead=("observed ", "dim"))
        if check.facts:
            page.text(", ".join(check.facts), indent=8, lead=("facts ", "dim"))


def _list(page: Page, heading: str, checks: Sequence[Check]) -> None:
    page.blank()
    page.line((heading, "title"))
    for check in checks:
        word, style = SIGNS[check.verdict]
        page.text(f"{check.expected}: {check.observed}", indent=2, lead=(f"{word} ", style))


def _controls(page: Page, found: Sequence[Control]) -> None:
    page.blank()
    page.line(("Controls", "title"))
    for one in found:
        word, style = SIGNS[one.verdict]
        page.text(f"{one.id}: {one.expected}; {one.observed}", indent=2, lead=(f"{word} ", style))


def _soak(page: Page, soak: Soak) -> None:
    page.blank()
    ended = f", {soak.ended}" if soak.ended else ""
    page.line((f"Soak of {lasting(soak.lasted_s)}, {soak.readings} readings{ended}", "title"))
    rows: list[list[Segment]] = [
        [
            SIGNS[one.verdict],
            (f"{one.pooler} {one.user}@{one.database}", "name"),
            (sparkline(one.used), ""),
            (one.observed, ""),
        ]
        for one in soak.pools
    ]
    if rows:
        columns = widths(rows)
        for row in rows:
            page.row(row, columns)
    for one in soak.restarts:
        if one.count or one.verdict is not Verdict.PASS:
            word, style = SIGNS[one.verdict]
            page.text(f"{one.consumer}: {one.observed}", indent=2, lead=(f"{word} ", style))
    for gap in soak.gaps:
        page.text(gap, indent=2, lead=("- ", "dim"))
