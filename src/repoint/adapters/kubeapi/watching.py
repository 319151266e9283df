"""Watching the objects of a kind across broken connections."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlencode

from repoint.adapters.kubeapi.asking import Asking
from repoint.adapters.kubeapi.proxy import Answer, Call, is_document
from repoint.adapters.kubeapi.refusals import is_away, refused
from repoint.model.cluster import Document, ObjectRef

_PAUSE_S = 0.2
_TOLD = ("ADDED", "MODIFIED", "DELETED")
_GONE = 410

Event = tuple[str, Document]


class Watch:
    """One watch; `path` is where the kind is served now, `listed` gives all and their version."""

    def __init__(
        self,
        asking: Asking,
        ref: ObjectRef,
        path: Callable[[], str | None],
        listed: Callable[[], tuple[tuple[Document, ...], str]],
        selected: Mapping[str, str],
    ) -> None:
        self._asking = asking
        self._ref = ref
        self._path = path
        self._listed = listed
        self._selected = selected
        self._known: dict[str, Document] = {}

    def events(self, timeout_s: float) -> Iterator[Event]:
        """Each event; after a break all that is there again, and what went meanwhile."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            objects, version = self._listed()
            yield from self._all(objects)
            path = self._path() if version else None
            if path is not None:
                with suppress(ConnectionError):
                    yield from self._follow(path, version, until)
            time.sleep(max(0.0, min(_PAUSE_S, until - time.monotonic())))

    def _all(self, objects: tuple[Document, ...]) -> Iterator[Event]:
        now = {_uid(one): one for one in objects}
        gone = [one for uid, one in self._known.items() if uid not in now]
        self._known = now
        for one in gone:
            yield "DELETED", one
        for one in objects:
            yield "ADDED", one

    def _follow(self, path: str, version: str, until: float) -> Iterator[Event]:
        """What the API server tells, until it ends the stream or has forgotten that version."""
        left = max(1, math.ceil(until - time.monotonic()))
        query = {**self._selected, "watch": "true", "resourceVersion": version}
        query["timeoutSeconds"] = str(left)
        with self._asking.stream(Call("GET", f"{path}?{urlencode(query)}"), left + 1) as lines:
            if isinstance(lines, Answer):
                if lines.status == _GONE or is_away(lines) or self._asking.is_starting():
                    return
                raise refused(lines, "watch", self._ref, self._asking.context)
            for line in lines:
                event = _event(line)
                if event is None:
                    return
                self._remember(*event)
                yield event
                if time.monotonic() >= until:
                    return

    def _remember(self, what: str, document: Document) -> None:
        if what == "DELETED":
            self._known.pop(_uid(document), None)
        else:
            self._known[_uid(document)] = document


def _event(line: bytes) -> Event | None:
    """The event of a line; None when the stream is at its end: cut off, or too old."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("type") not in _TOLD:
        return None
    found = told.get("object")
    return (told["type"], found) if is_document(found) else None


def _uid(document: Document) -> str:
    return str((document.get("metadata") or {}).get("uid", ""))
