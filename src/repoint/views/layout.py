"""Lines of styled text, laid out once and printed plain or in color with the same words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from repoint.views.visible import visible

_LONGEST_LEAD = 10

Segment = tuple[str, str]
"""A piece of text and its style: a key of `STYLES`, or an empty string."""

STYLES = {
    "title": "1",
    "head": "1;2",
    "dim": "2",
    "good": "32",
    "warn": "33",
    "bad": "1;31",
    "name": "36",
}
"""What each style is on a terminal: parameters of SGR (ECMA-48, 8.3.117)."""


@dataclass(slots=True)
class Page:
    """Collects lines; `width` is the number of columns that wrapped text may take."""

    width: int = 80
    lines: list[tuple[Segment, ...]] = field(default_factory=list)

    def line(self, *segments: Segment | str) -> None:
        """Add one line as it is; a bare string has no style."""
        pieces = ((s, "") if isinstance(s, str) else s for s in segments)
        self.lines.append(tuple((visible(text), style) for text, style in pieces))

    def blank(self) -> None:
        """Add an empty line, never two in a row and none at the top."""
        if self.lines and self.lines[-1]:
            self.lines.append(())

    def text(self, text: str, *, indent: int = 0, lead: Segment = ("", "")) -> None:
        """Add `text`, wrapped at blanks only, so that paths and hosts stay whole.

        `lead` begins the first line; the lines after it are indented to its width, or by
        four where it is long.
        """
        hang = indent + (len(lead[0]) if len(lead[0]) <= _LONGEST_LEAD else 4)
        wrapped = textwrap.wrap(
            " ".join(text.split()),
            width=max(40, self.width),
            initial_indent="." * (indent + len(lead[0])),
            subsequent_indent=" " * hang,
            break_long_words=False,
            break_on_hyphens=False,
        )
        first = wrapped[0][indent + len(lead[0]) :] if wrapped else ""
        self.line(" " * indent, lead, first)
        for piece in wrapped[1:]:
            self.line(piece)

    def row(self, cells: Sequence[Segment], widths: Sequence[int], *, indent: int = 2) -> None:
        """Add one row of a table; the last cell is not padded."""
        segments: list[Segment] = [(" " * indent, "")]
        for number, ((text, style), width) in enumerate(zip(cells, widths, strict=True)):
            last = number == len(cells) - 1
            text = visible(text)
            segments.append((text if last else text.ljust(width) + "  ", style))
        self.lines.append(tuple(segments))


def widths(rows: Sequence[Sequence[Segment]]) -> list[int]:
    """The width of each column of `rows`."""
    return [max(len(visible(cell[0])) for cell in column) for column in zip(*rows, strict=True)]


def printed(page: Page, *, color: bool) -> str:
    """The page as text that ends with a newline."""
    while page.lines and not page.lines[-1]:
        page.lines.pop()
    if not color:
        lines = ("".join(text for text, _ in line).rstrip() for line in page.lines)
        return "\n".join(lines) + "\n"
    return _colored(page)


def _colored(page: Page) -> str:
    return "".join("".join(_escaped(_without_end(line))) + "\n" for line in page.lines)


def _without_end(line: Sequence[Segment]) -> list[Segment]:
    """The pieces of a line without the blanks at its end."""
    kept = list(line)
    while kept and not (text := kept[-1][0].rstrip()):
        kept.pop()
    return [*kept[:-1], (text, kept[-1][1])] if kept else []


def _escaped(line: Sequence[Segment]) -> Iterator[str]:
    for text, style in line:
        code = STYLES.get(style)
        yield f"\x1b[{code}m{text}\x1b[0m" if code and text else text
