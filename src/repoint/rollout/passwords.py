"""The passwords that a rollout knows, hidden in what pods, events and servers say.

A pattern finds a password where it is called one, or stands in a URL. A program may print it
anywhere: what the desired state itself holds is therefore looked for as such.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from repoint.dsn.mask import MASK, is_secret_name, mask
from repoint.dsn.parse import find
from repoint.dsn.shape import password_in
from repoint.model.cluster import Document, ref_of

# What is shorter, or is a name as well, would hide half of every sentence, and is no secret.
_SHORTEST = 6
_INFO = re.compile(r"://[^\s:/@]{0,200}:([^\s@]{1,1000})@")


class KnownPasswords:
    """Hides passwords in texts; holds them, so it has no repr."""

    def __init__(self, documents: Iterable[Document]) -> None:
        """Collect the passwords of `documents`, sealed ones opened."""
        documents = tuple(documents)
        names = " ".join(f"{ref.kind} {ref.namespace} {ref.name}" for ref in map(ref_of, documents))
        found = {one for document in documents for one in _passwords(document)}
        spelled = {
            text
            for one in found
            for text in _spellings(one)
            if len(text) >= _SHORTEST and text not in names
        }
        several = sorted(spelled, key=lambda text: (-len(text), text))
        self._any = re.compile("|".join(map(re.escape, several)) or r"(?!)")

    def __repr__(self) -> str:
        return "KnownPasswords(...)"

    def hide(self, text: str) -> str:
        """`text` without any password that is known, or that looks like one."""
        return mask(self._any.sub(MASK, text))


def _passwords(document: Document) -> Iterator[str]:
    if document.get("kind") == "Secret":
        yield from _of_secret(document)
    for name, text in _strings(document, ""):
        yield from _of_text(name, text)


def _of_secret(document: Document) -> Iterator[str]:
    for key, raw in (document.get("data") or {}).items():
        try:
            yield from _of_text(str(key), base64.b64decode(str(raw or "")).decode())
        except ValueError:
            continue  # no base64, or no text


def _of_text(name: str, text: str) -> Iterator[str]:
    if is_secret_name(name):
        yield text
        yield from text.splitlines()
    for dsn in find(text):
        held = password_in(text, dsn)
        if held is not None:
            yield held.reveal()
    for info in _INFO.finditer(text):
        yield info[1]


def _strings(tree: object, name: str) -> Iterator[tuple[str, str]]:
    """Each text with the name that it goes by: its key, or what `name` says beside `value`."""
    if isinstance(tree, str):
        yield name, tree
    elif isinstance(tree, dict):
        own = str(tree.get("name", "")) if "value" in tree else ""
        for key, value in tree.items():
            yield from _strings(value, own if own and key == "value" else str(key))
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value, name)


def _spellings(password: str) -> Iterator[str]:
    """As it is, line by line, percent-encoded, within JSON, and in base64 wherever it begins."""
    yield password
    yield from (line for line in password.splitlines())
    yield quote(password, safe="")
    yield quote(password)
    yield json.dumps(password)[1:-1]
    yield json.dumps(password, ensure_ascii=False)[1:-1]
    for text in {password, quote(password, safe="")}:
        for before in range(3):
            raw = b"\0" * before + text.encode(errors="replace")
            encoded = base64.b64encode(raw).decode()
            yield encoded[-(-before * 4 // 3) : len(raw) * 4 // 3]
