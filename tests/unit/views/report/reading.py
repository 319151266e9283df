"""What a browser would see of a document: its elements, their text, its links."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "link", "img", "input"}


@dataclass
class Element:
    """An element with its attributes, the text inside it and its ancestors."""

    tag: str
    attributes: dict[str, str]
    parents: tuple[str, ...]
    text: str = ""


@dataclass
class Document(HTMLParser):
    """A document, read by the standard library's tokenizer."""

    html: str
    elements: list[Element] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []
        self.feed(self.html)
        self.close()
        self.problems += [f"{one.tag} is never closed" for one in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.problems.append(f"{tag} has an attribute twice: {names}")
        one = Element(tag, {k: v or "" for k, v in attrs}, tuple(e.tag for e in self._open))
        self.elements.append(one)
        if tag not in _VOID:
            self._open.append(one)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open and close an element of SVG."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        if not self._open or self._open[-1].tag != tag:
            inside = self._open[-1].tag if self._open else "nothing"
            self.problems.append(f"</{tag}> inside {inside}")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Give text to every element around it."""
        for one in self._open:
            one.text += data

    @property
    def shapes(self) -> set[tuple[str, str]]:
        """Every pair of a tag and the name of an attribute."""
        return {(one.tag, name) for one in self.elements for name in ("", *one.attributes)}

    @property
    def text(self) -> str:
        """All that is shown, styles and the script left out."""
        (body,) = self.all("body")
        (script,) = self.all("script")
        return body.text.replace(script.text, "")

    def all(self, tag: str) -> list[Element]:
        """The elements of a tag."""
        return [one for one in self.elements if one.tag == tag]

    def by_id(self, name: str) -> Element:
        """The element with an id."""
        (found,) = [one for one in self.elements if one.attributes.get("id") == name]
        return found
