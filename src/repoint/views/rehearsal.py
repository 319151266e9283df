"""A rehearsal for a person: a matrix of checks and consumers, then what did not pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from repoint.model.rehearsal import Check, Control, Ini, Rehearsal, RehearsedConsumer, Verdict
from repoint.views.layout import Page, Segment, printed, widths

SIGNS: dict[Verdict, Segment] = {
    Verdict.PASS: ("ok", "good"),
    Verdict.FAIL: ("FAIL", "bad"),
    Verdict.UNKNOWN: ("??", "warn"),
    Verdict.SKIPPED: ("-", "dim"),
}
"""How each verdict is shown, and its style."""
_MOST_COLUMNS = 10
_KEPT_IN_SESSION = frozenset(
    {"session-setting", "set-role", "advisory-lock", "listen", "temporary-table", "sql-prepare"}
)
"""The checks of what a consumer may keep in its session, which a session pool answers."""


def rehearsal(
    value: Rehearsal, due: Collection[str], *, width: int = 80, color: bool = False
) -> str:
    """The matrix of each environment, what did not pass, and what was not like production.

    `due` are the environments that its plan edits: none where every edit is applied.
    """
    page = Page(width)
    for name in value.environments:
        _environment(page, value, name)
    _list(page, "Not like production", value.fidelity)
    _phases(page, value)
    page.blank()
    word, style = SIGNS[value.verdict]
    page.text(summary(value), lead=(f"rehearsal: {word} ", style))
    page.text(next_step(value, due), lead=("next: ", "title"))
    return printed(page, color=color)


def next_step(value: Rehearsal, due: Collection[str]) -> str:
    """What to do after it; `due` are the environments that its plan edits."""
    if value.verdict is Verdict.PASS:
        left = [name for name in value.environments if name in due]
        nothing = "`repoint status`, since nothing is left to apply"
        return f"`repoint apply --env {left[0]}`" if left else nothing
    undecided = [one.id.split("/")[2] for one in value.consumers if _is_undecided(one)]
    if value.verdict is Verdict.UNKNOWN and undecided:
        keys = ", ".join(f"`consumers.{name}.pool: session`" for name in dict.fromkeys(undecided))
        return (
            f"{keys} in repoint.yaml, or its source text in the repository; then plan, apply and "
            "rehearse again"
        )
    return "mend what did not pass, then run `repoint rehearse` again"


def _is_undecided(one: RehearsedConsumer) -> bool:
    """Whether a transaction pool leaks what nobody knows the consumer to do."""
    return one.pool_mode == "transaction" and any(
        check.id in _KEPT_IN_SESSION and check.verdict is Verdict.UNKNOWN for check in one.checks
    )


def summary(value: Rehearsal) -> str:
    """What was tried and what came of it, in one sentence."""
    checks = [check for one in value.consumers for check in one.checks]
    held = sum(one.verdict is Verdict.PASS for one in value.controls)
    versions = f"PostgreSQL {value.postgres or 'none'}, PgBouncer {value.pgbouncer or 'none'}"
    return (
        f"{len(value.consumers)} consumers, checks: {tally(checks)}; {held} of "
        f"{len(value.controls)} negative controls failed as they must; {versions}"
    )


def tally(checks: Iterable[Check]) -> str:
    """How many checks came to each verdict, in words."""
    verdicts = [check.verdict for check in checks]
    words = {
        Verdict.PASS: "passed",
        Verdict.FAIL: "failed",
        Verdict.UNKNOWN: "unknown",
        Verdict.SKIPPED: "skipped",
    }
    return ", ".join(f"{verdicts.count(verdict)} {word}" for verdict, word in words.items())


def names_of(consumers: Iterable[RehearsedConsumer]) -> tuple[str, ...]:
    """The checks in the order in which they were asked."""
    return tuple(dict.fromkeys(check.id for one in consumers for check in one.checks))


def _environment(page: Page, value: Rehearsal, name: str) -> None:
    page.blank()
    page.line((name, "title"))
    consumers = [one for one in value.consumers if one.environment == name]
    if not consumers:
        page.line(("  nobody asks a Pooler or a Cluster here", "dim"))
        return
    for number, one in enumerate(consumers, 1):
        page.text(_about(one), indent=2, lead=(f"{number:>2}  {short(one)} ", "name"))
    for start in range(0, len(consumers), _MOST_COLUMNS):
        _matrix(page, consumers[start : start + _MOST_COLUMNS], start + 1)
    _troubles(page, consumers)
    _controls(page, [one for one in value.controls if one.environment == name])


def short(one: RehearsedConsumer) -> str:
    """`Kind/name [container]`, without the namespace."""
    kind, _, rest = one.id.partition("/")
    parts = rest.split("/")
    if len(parts) > 2:
        return f"{kind}/{parts[1]} [{parts[2]}]"
    return f"{kind}/{parts[-1]}"


def _about(one: RehearsedConsumer) -> str:
    how = [one.route, one.pool_mode, f"as {one.driver}" if one.driver else "logs nobody in"]
    return ", ".join(part for part in how if part)


def _matrix(page: Page, consumers: Sequence[RehearsedConsumer], first: int) -> None:
    headings: list[Segment] = [("CHECK", "head")]
    headings += [(str(first + number), "head") for number in range(len(consumers))]
    rows: list[list[Segment]] = [headings]
    for name in names_of(consumers):
        cells = [_cell(one, name) for one in consumers]
        # A question that was put to nobody is only named below, with its reasons.
        if {text for text, _ in cells} - {"", SIGNS[Verdict.SKIPPED][0]}:
            rows.append([(name, ""), *cells])
    page.blank()
    columns = [max(4, width) for width in widths(rows)]
    if sum(columns) + 2 * len(columns) > page.width:
        columns = widths(rows)
    for row in rows:
        page.row(row, columns)


def _cell(one: RehearsedConsumer, name: str) -> Segment:
    found = next((check for check in one.checks if check.id == name), None)
    return SIGNS[found.verdict] if found is not None else ("", "")


def _troubles(page: Page, consumers: Sequence[RehearsedConsumer]) -> None:
    """Failures and unknowns with both sides; then the reasons of what was skipped."""
    wrong = [
        (one, check)
        for one in consumers
        for check in one.checks
        if check.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
    ]
    if wrong:
        page.blank()
    for one, check in wrong:
        word, style = SIGNS[check.verdict]
        page.text(f"{short(one)}: {check.id}", indent=2, lead=(f"{word} ", style))
        page.text(check.expected, indent=4, lead=("expected ", "dim"))
        page.text(check.observed, indent=4, lead=("observed ", "dim"))
        if check.facts:
            page.text(", ".join(check.facts), indent=4, lead=("facts ", "dim"))
    reasons: dict[str, list[str]] = {}
    for one in consumers:
        # Of a wait loop its column says already that it logs nobody in.
        for check in one.checks if one.driver else ():
            if check.verdict is Verdict.SKIPPED and check.id not in reasons.get(check.observed, ()):
                reasons.setdefault(check.observed, []).append(check.id)
    if reasons:
        page.blank()
    for reason, names in reasons.items():
        page.text(f"{', '.join(names)}: {reason}", indent=2, lead=("- ", "dim"))


def _controls(page: Page, found: Sequence[Control]) -> None:
    if not found:
        return
    page.blank()
    page.line(("  NEGATIVE CONTROLS", "head"))
    for one in found:
        word, style = SIGNS[one.verdict]
        page.text(f"{one.id}: {one.expected}", indent=2, lead=(f"{word} ", style))
        if one.verdict is not Verdict.PASS:
            page.text(one.observed, indent=4, lead=("observed ", "dim"))


def _list(page: Page, heading: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    page.blank()
    page.line((heading, "title"))
    for line in lines:
        page.text(line, indent=2, lead=("- ", "dim"))


def _phases(page: Page, value: Rehearsal) -> None:
    if not value.phases:
        return
    page.blank()
    page.line(("Time", "title"))
    for phase in value.phases:
        page.line(f"  {phase.took_s:7.2f} s  {phase.name}")


def files(found: Iterable[Ini]) -> str:
    """The files of every Pooler, one after another, each under a line that names it."""
    return "\n".join(
        f"; {ini.environment}: {ini.pooler}: {ini.file}\n{ini.text.strip()}\n" for ini in found
    )
