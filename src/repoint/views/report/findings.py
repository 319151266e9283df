"""Findings with their remedies, and what each code means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from repoint.model.plan import Finding
from repoint.rules.catalog import ALL_RULES, pages
from repoint.views import wording
from repoint.views.report.names import Ids, code_anchor, finding_anchor


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding; `word` is its severity, or `accepted`, `own` that its hint is a rule's."""

    id: str
    code: str
    word: str
    environment: str
    purpose: str
    message: str
    hint: str
    accepted: str
    place: str
    consumer: str
    blocks: bool
    own: bool


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one code and severity, under the code's title."""

    code: str
    title: str
    word: str
    findings: tuple[FindingView, ...]


@dataclass(frozen=True, slots=True)
class CodeView:
    """What `repoint explain` says of a code; an error has only `why` and `remedy`."""

    id: str
    code: str
    title: str
    severity: str
    why: str
    remedy: str
    evidence: tuple[str, ...]


_ORDER = ("error", "warning", "note", "accepted")


def groups_of(
    findings: Iterable[Finding],
    environments: Sequence[str],
    purposes: Mapping[tuple[str, str], str],
) -> tuple[FindingGroup, ...]:
    """Findings by severity, then by code; what somebody accepted comes last."""
    titles = {rule.code: rule.title for rule in ALL_RULES}
    ids = Ids()
    found: dict[tuple[int, str], list[FindingView]] = {}
    for one in wording.ordered(findings, environments):
        view = _view(one, purposes, ids)
        found.setdefault((_ORDER.index(view.word), one.code), []).append(view)
    return tuple(
        FindingGroup(code, titles.get(code, ""), _ORDER[rank], tuple(views))
        for (rank, code), views in sorted(found.items())
    )


def _view(one: Finding, purposes: Mapping[tuple[str, str], str], ids: Ids) -> FindingView:
    return FindingView(
        ids.take(finding_anchor(one)),
        one.code,
        "accepted" if one.accepted else str(one.severity),
        one.environment,
        purposes.get((one.environment, one.consumer), ""),
        one.message,
        one.hint,
        one.accepted,
        wording.finding_place(one),
        one.consumer,
        one.blocks,
        own=any(one.hint == rule.remedy for rule in ALL_RULES),
    )


def codes_of(codes: Iterable[str]) -> tuple[CodeView, ...]:
    """The explanations of `codes`, in their order; a code that nobody knows has none."""
    rules = {rule.code: rule for rule in ALL_RULES}
    found = []
    for code in sorted({code for code in codes if code}):
        rule = rules.get(code)
        if rule is not None:
            about = (rule.title, str(rule.severity), rule.why, rule.remedy, rule.evidence)
            found.append(CodeView(code_anchor(code), code, *about))
        elif (page := pages().get(code)) is not None:
            title = page.partition("\n")[0].removeprefix(f"# {code}: ")
            body, _, rest = page.partition("\n## Remedy\n")
            why = body.partition("\n\n")[2].strip()
            found.append(CodeView(code_anchor(code), code, title, "error", why, rest.strip(), ()))
    return tuple(found)
