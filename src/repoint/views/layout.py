"""Lines of styled text, laid out once and printed plain or in color with the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from repoint.views.columns import columns, padded
from repoint.views.visible import on_one_line, visible

_LONGEST_LEAD = 10
_NARROWEST = 30
_PROSE = 30
_LEAST_NAME = 20
_LEAST_LAST = 12
_GAP = "  "

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
        """Add one line as it is, a line's end in it spelled out; a bare string has no style."""
        pieces = ((s, "") if isinstance(s, str) else s for s in segments)
        self.lines.append(tuple((on_one_line(text), style) for text, style in pieces))

    def blank(self) -> None:
        """Add an empty line, never two in a row and none at the top."""
        if self.lines and self.lines[-1]:
            self.lines.append(())

    def text(self, text: str, *, indent: int = 0, lead: Segment = ("", "")) -> None:
        """Add `text`, wrapped at blanks only, so that paths and hosts stay whole.

        `lead` begins the first line; the lines after it are indented to its width, or by
        four where it is long.
        """
        lead = on_one_line(lead[0]), lead[1]
        begins = columns(lead[0])
        hang = indent + (begins if begins <= _LONGEST_LEAD else 4)
        first, *others = _wrapped(visible(text), max(_NARROWEST, self.width), indent + begins, hang)
        self.line(" " * indent, lead, first)
        for piece in others:
            self.line(" " * hang, piece)

    def row(self, cells: Sequence[Segment], widths: Sequence[int], *, indent: int = 2) -> None:
        """Add one row of a table; the last cell is not padded.

        A table that is too wide wraps its last column in its place. Where there is too little of
        it, the first column is cut short, and a longer name gets a line of its own, as all get
        where the terminal has no place for columns.
        """
        shown = [(on_one_line(text), style) for text, style in cells]
        *ahead, last = widths
        start = indent + sum(ahead) + len(_GAP) * len(ahead)
        over = start + last - self.width
        if over <= 0 or not ahead:
            self._cells(shown, widths, indent)
        elif self.width - start >= (_NARROWEST if last > _PROSE else _LEAST_LAST):
            text, style = shown[-1]
            first, *others = _wrapped(text, self.width, start, start)
            self._cells([*shown[:-1], (first, style)], widths, indent)
            for piece in others:
                self.line(" " * start, (piece, style))
        elif widths[0] - over >= _LEAST_NAME:
            name, *rest = shown
            if columns(name[0]) > widths[0] - over:
                self.line(" " * indent, name)
                name = ("", "")
            self._cells([name, *rest], [widths[0] - over, *widths[1:]], indent)
        else:
            self.line(" " * indent, shown[0])
            self._stacked(shown[1:], widths[1:], indent + 4)

    def _stacked(self, cells: Sequence[Segment], widths: Sequence[int], indent: int) -> None:
        """All but the first cell of a row, below it: in columns where they fit."""
        if indent + sum(widths) + len(_GAP) * (len(widths) - 1) <= self.width:
            self._cells(cells, widths, indent)
        else:
            self.text(", ".join(text or "-" for text, _ in cells), indent=indent)

    def _cells(self, cells: Sequence[Segment], widths: Sequence[int], indent: int) -> None:
        segments: list[Segment] = [(" " * indent, "")]
        for number, ((text, style), width) in enumerate(zip(cells, widths, strict=True)):
            is_last = number == len(cells) - 1
            segments.append((text if is_last else padded(text, width) + _GAP, style))
        self.lines.append(tuple(segments))


def _wrapped(text: str, width: int, begins: int, hang: int) -> list[str]:
    """The lines of `text`, split at blanks; the first begins at a column, the others at `hang`."""
    lines: list[str] = []
    line, taken = "", begins
    for word in text.split():
        wide = columns(word)
        if line and taken + 1 + wide > width:
            lines.append(line)
            line, taken = word, hang + wide
        elif line:
            line, taken = f"{line} {word}", taken + 1 + wide
        else:
            line, taken = word, taken + wide
    return [*lines, line]


def widths(rows: Sequence[Sequence[Segment]]) -> list[int]:
    """The width of each column of `rows`."""
    return [
        max(columns(on_one_line(cell[0])) for cell in column) for column in zip(*rows, strict=True)
    ]


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
