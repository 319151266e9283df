"""The coded rules, and what is said of each code."""

from __future__ import annotations

from repoint.rules.rule import Rule


def all_rules() -> tuple[Rule, ...]:
    """Every rule that a finding may carry the code of, family by family.

    `Rule.code` is stable: a code is never given to another rule.
    """
    from repoint.rules.catalog import ALL_RULES

    return ALL_RULES


def explain(code: str) -> str:
    """The page of a rule or an error as Markdown, as `repoint explain CODE` prints it.

    Args:
        code: Such as `RP211`, in any case.

    Raises:
        UsageError: nothing has the code; the hints name near ones.
    """
    from repoint.rules import catalog

    return catalog.explain(code)
