"""How many columns a terminal gives a text, and texts cut to fit into some."""

from __future__ import annotations

from collections.abc import Iterable

_GAP = "..."


def columns(text: str) -> int:
    """The columns that `text` takes: two for a wide character, none for a combining one.

    Source:
        Unicode Standard Annex 11, East Asian Width: W and F are wide, ambiguous ones are not.
    """
    if text.isascii():
        return len(text)
    return sum(map(_of, text))


def padded(text: str, width: int) -> str:
    """`text` with blanks up to `width` columns."""
    return text + " " * (width - columns(text))


def cut(text: str, width: int) -> str:
    """`text`, or as much of its beginning as fits into `width` columns with `...` behind it."""
    if columns(text) <= width:
        return text
    return _fitting(text, width - len(_GAP)) + _GAP[: max(0, width)]


def cut_middle(text: str, width: int) -> str:
    """`text`, or its two ends with `...` between them, in `width` columns."""
    if columns(text) <= width:
        return text
    ahead = (width - len(_GAP)) // 2
    behind = width - len(_GAP) - ahead
    return _fitting(text, ahead) + _GAP + "".join(reversed(_fitting(reversed(text), behind)))


def _fitting(characters: Iterable[str], width: int) -> str:
    taken = []
    for character in characters:
        width -= columns(character)
        if width < 0:
            break
        taken.append(character)
    return "".join(taken)


def _of(character: str) -> int:
    if character.isascii():
        return 1
    import unicodedata

    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
