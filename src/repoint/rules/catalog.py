"""Every code that repoint can print, by family, and what `repoint explain` says of it."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Mapping

from repoint.errors import RepointError, UsageError
from repoint.rules import (
    app_secret,
    budget,
    cnpg,
    delivery_order,
    hygiene,
    network,
    operations,
    pool_mode,
    probes,
    routing,
    session_state,
    startup_params,
    targets,
    tls,
    tls_trust,
)
from repoint.rules.rule import Rule

_LEAST_WORD = 2
_MOST_NAMED = 4

ALL_RULES: tuple[Rule, ...] = (
    *routing.RULES,
    *targets.RULES,
    *cnpg.RULES,
    *app_secret.RULES,
    *pool_mode.RULES,
    *startup_params.RULES,
    *session_state.RULES,
    *tls.RULES,
    *tls_trust.RULES,
    *budget.RULES,
    *network.RULES,
    *probes.RULES,
    *operations.RULES,
    *delivery_order.RULES,
    *hygiene.RULES,
)


def find(code: str) -> Rule:
    """The rule of `code`, in any case.

    Raises:
        UsageError: no rule has it; the hint names near ones.
    """
    wanted = code.strip().upper()
    for rule in ALL_RULES:
        if rule.code == wanted:
            return rule
    raise _unknown(wanted)


def explain(code: str) -> str:
    """The documentation page of a rule or of an error's code, as Markdown.

    Raises:
        UsageError: nothing has the code; the hint names near ones.
    """
    wanted = code.strip().upper()
    page = pages().get(wanted)
    if page is None:
        raise _unknown(wanted)
    return page


def pages() -> dict[str, str]:
    """Every page by its code, rules and errors, in the order of codes."""
    found = {rule.code: rule.page() for rule in ALL_RULES}
    found.update({error.code: error_page(error) for error in all_errors()})
    return dict(sorted(found.items()))


def all_errors() -> tuple[type[RepointError], ...]:
    """RepointError and all its subclasses that errors.py defines, by code."""
    todo: list[type[RepointError]] = [RepointError]
    found: list[type[RepointError]] = []
    while todo:
        error = todo.pop()
        if error.__module__ == RepointError.__module__:
            found.append(error)
        todo.extend(error.__subclasses__())
    return tuple(sorted(found, key=lambda error: error.code))


def error_page(error: type[RepointError]) -> str:
    """The documentation page of an error, made of its docstring and its hint."""
    text = inspect.getdoc(error) or error.__name__
    title = text.splitlines()[0].rstrip(".")
    return "\n".join(
        (
            f"# {error.code}: {title[:1].lower()}{title[1:]}",
            "",
            f"Error `{error.__name__}`, exit status {int(error.exit_code)}",
            "",
            text,
            "",
            "## Remedy",
            "",
            error.default_hint,
            "",
        )
    )


def _unknown(code: str) -> UsageError:
    known = pages()
    near = difflib.get_close_matches(code, known, n=3, cutoff=0.6)
    named = ", ".join(f"`{name}`" for name in near)
    if near:
        hint = f"did you mean {named}?"
    else:
        about = _about(code, known)
        hint = f"about that: {about}" if about else "`repoint explain` lists every code"
    shown = code if re.fullmatch(r"[A-Z0-9_-]{1,32}", code) else "that"
    return UsageError(f"no finding or error has the code `{shown}`", hint=hint)


def _about(word: str, known: Mapping[str, str]) -> str:
    """The first codes whose title has `word` in it, with these titles."""
    heads = [page.partition("\n")[0] for page in known.values() if len(word) > _LEAST_WORD]
    named = [head.removeprefix("# ") for head in heads if word.casefold() in head.casefold()]
    return "; ".join(named[:_MOST_NAMED])
