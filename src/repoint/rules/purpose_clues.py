"""Clues, each a piece of evidence for a purpose, and the verdict they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.model.consumer import Certainty, Purpose
from repoint.rules.purpose_known import CAUTION


@dataclass(frozen=True, slots=True)
class Clue:
    """A purpose that one piece of evidence points to, in words for a person.

    `program` is the name of the command that said so, if one did.
    """

    purpose: Purpose
    evidence: str
    certainty: Certainty
    program: str = ""


@dataclass(frozen=True, slots=True)
class PurposeVerdict:
    """A purpose, why, and how sure; the first line of evidence decided."""

    purpose: Purpose
    evidence: tuple[str, ...]
    certainty: Certainty


def strongest(clues: Iterable[Clue]) -> Clue | None:
    """The clue that decides: the purpose that is safest to assume, then the surer one."""
    return min(clues, key=_caution, default=None)


def _caution(clue: Clue) -> tuple[int, int]:
    return CAUTION.index(clue.purpose), list(Certainty).index(clue.certainty)


def shown(text: str) -> str:
    """A piece of a command fit for evidence: masked, one line, short."""
    line = " ".join(mask(text).split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def base_name(word: str) -> str:
    """A program's name without its directory."""
    return word.rsplit("/", 1)[-1]
