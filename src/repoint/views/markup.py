"""Markdown that a stranger's text cannot break out of, in sections that fit one comment.

Names, paths and messages come from the repository, and so from whoever opened the pull request. In
a comment they could close a fold, show a picture, call people by `@name`, write into issue `#1`
or, on GitLab, run `/merge`. So each special character becomes an entity, which Markdown never
takes for markup, and what is linked after rendering is parted by a zero-width space.

Source:
    GitHub Flavored Markdown Spec 0.29, 6.2 (an entity "cannot be used in place of symbols that
    indicate structure"), 6.9 and 4.10; GitHub: "Body is too long (maximum is 65536 characters)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.model.told import count
from repoint.views.visible import visible

LARGEST = 60_000
"""Bytes of a comment: GitHub takes 65,536 characters, the rest is for a line of who posts it."""
_LONGEST = 1_500
_NOTE = 160

# What Markdown obeys, and what GitHub and GitLab make mentions and links of after rendering: @name,
# #1, !1, %1, ~label, &1, $1, GH-1, addresses.
_RISKY = re.compile(
    r"""[\\`*\[\]|~<>&$] | (?<![^\W_])_ | _(?![^\W_])
    | [@#!%^](?=[\w"'{]) | GH-(?=\d) | :(?=//) | www(?=\.)""",
    re.VERBOSE | re.IGNORECASE,
)
_PUNCTUATION = re.compile(r"[^\w\s./:=,-]|_")
_OBEYED = frozenset("\\`*_[]|~<>&$")
_APART = "&#8203;"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command was asked of: environments (none means all), in a folder of the work tree."""

    environments: tuple[str, ...] = ()
    folder: str = ""

    def marker(self, verb: str) -> str:
        """The hidden first line by which a bot finds the comment that it has to update.

        Two comments of one verb have different ones where they are of different environments or
        folders, however they were typed.
        """
        words = [re.sub(r"[^\w./-]|--+|-$", _percent, word, flags=re.ASCII) for word in self.words]
        return " ".join(("<!-- repoint:", verb, *words, "-->"))

    def command(self, verb: str) -> str:
        """The command that shows everything."""
        words = ["repoint", *(("-C", self.folder) if self.folder else ()), verb]
        return " ".join([*words, *(f"--env {name}" for name in self.environments)])

    @property
    def words(self) -> tuple[str, ...]:
        """What tells this scope from others: the folder, then the environments."""
        return (*((self.folder,) if self.folder else ()), *self.environments)


EVERYTHING = Scope()


def plain(text: str) -> str:
    """Text that stays text: no markup, no mention, no link, on one line."""
    text = _clipped(" ".join(_shown(text).split()))
    return _RISKY.sub(_harmless, text)


def prose(text: str) -> str:
    """A message of repoint's: what stands in its backticks as code, all else as text."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return plain(text)
    shown = [code(part) if number % 2 else _edges(part) for number, part in enumerate(parts)]
    return "".join(shown).strip()


def code(text: str) -> str:
    """Text as code on one line, in a table too, whatever stands in it."""
    text = _clipped(_shown(text).replace("\n", "\\n"))
    if text.strip() and not re.search(r"[`|\\]", text):
        return f"`{text}`"
    hidden = _PUNCTUATION.sub(lambda special: f"&#{ord(special[0])};", text)
    return f"<code>{hidden}</code>" if text.strip() else "<code>-</code>"


def codes(texts: Iterable[str]) -> str:
    """Several codes in one cell."""
    return "<br>".join(code(text) for text in texts) or "-"


def row(cells: Iterable[str]) -> str:
    """A row of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def headings(names: Sequence[str]) -> str:
    """The two lines that begin a table."""
    return f"{row(names)}\n|{' --- |' * len(names)}"


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Lines as a block of code that none of them can end."""
    shown = [_shown(line) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *shown, fence])


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a comment: a beginning, items that may be left out from the last on, and an end.

    `noun` is what an item is, in the singular. Of two sections the one with the lower `rank`
    gets room first. Head, items and tail are Markdown already.
    """

    rank: int
    head: str
    items: tuple[str, ...] = ()
    tail: str = ""
    noun: str = "line"

    def text(self, shown: int) -> str:
        """The section with its first items, and a line that tells of the others."""
        left = len(self.items) - shown
        note = f"\n\n*{count(left, self.noun)} more*" if left else ""
        return "\n".join([self.head, *self.items[:shown]]) + note + self.tail


def table(rank: int, title: str, names: Sequence[str], rows: Sequence[str], noun: str) -> Section:
    """A table under a title."""
    head = headings(names)
    return Section(rank, f"{title}\n\n{head}" if title else head, tuple(rows), noun=noun)


def listed(rank: int, title: str, items: Iterable[str], noun: str = "line") -> Section:
    """A list under a title, or by itself."""
    return Section(rank, f"{title}\n" if title else "", tuple(items), noun=noun)


def folded(rank: int, summary: str, section: Section) -> Section:
    """The same section behind a line to click; `summary` is plain text."""
    head = f"<details><summary>{plain(summary)}</summary>\n"
    if section.head:
        head += f"\n{section.head}"
    return Section(rank, head, section.items, f"{section.tail}\n\n</details>", section.noun)


def fit(verb: str, scope: Scope, sections: Sequence[Section], largest: int = LARGEST) -> str:
    """The comment of `repoint VERB`: a marker, and the sections.

    Sections keep their order. Where they are too long together, the most important are kept, each
    from its start, and none takes most of the room while another waits; nothing is cut in the
    middle, and what is missing is counted.
    """
    first = scope.marker(verb)
    room = largest - len(first.encode()) - 2 * _NOTE
    by_rank = sorted(range(len(sections)), key=lambda number: sections[number].rank)
    shown: dict[int, int] = {}
    for number in by_rank:
        need = len((sections[number].head + sections[number].tail).encode()) + _NOTE
        if need <= room:
            room -= need
            shown[number] = 0
    for share in (room // 10, room // 3, room):
        for number in filter(shown.__contains__, by_rank):
            more, taken = _more(sections[number], shown[number], min(share, room))
            shown[number] += more
            room -= taken
    texts = [sections[number].text(shown[number]) for number in sorted(shown)]
    left = _left_out(sections, shown)
    if left:
        told = code(scope.command(verb))
        texts.append(f"*Left out to fit a comment: {left}. {told} shows everything.*")
    return "\n\n".join([first, *texts]) + "\n"


def _more(section: Section, shown: int, room: int) -> tuple[int, int]:
    """How many more items of a section fit, and the bytes that they take."""
    more = taken = 0
    for item in section.items[shown:]:
        size = len(item.encode()) + 1
        if taken + size > room:
            break
        more, taken = more + 1, taken + size
    return more, taken


def _left_out(sections: Sequence[Section], shown: dict[int, int]) -> str:
    """What is missing, in words; empty when everything is there."""
    missing: dict[str, int] = {}
    for number, one in enumerate(sections):
        left = len(one.items) - shown.get(number, 0)
        if number not in shown and not one.items:
            missing["part"] = missing.get("part", 0) + 1
        elif left:
            missing[one.noun] = missing.get(one.noun, 0) + left
    return ", ".join(count(number, noun) for noun, number in missing.items())


def _harmless(found: re.Match[str]) -> str:
    text, follows = found[0], found.string[found.end() : found.end() + 1]
    if text not in _OBEYED:
        return f"{text}{_APART}"
    names = text in "~&$" and (follows.isalnum() or follows == "_")
    return f"&#{ord(text)};{_APART if names else ''}"


def _edges(text: str) -> str:
    """Plain text with the spaces at its ends, which part it from the code beside it."""
    if not text.strip():
        return " " if text else ""
    before = " " if text[0].isspace() else ""
    after = " " if text[-1].isspace() else ""
    return f"{before}{plain(text)}{after}"


def _shown(text: str) -> str:
    """Text without a password, in which nothing acts."""
    return visible(mask(text))


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode(errors="surrogateescape"))
