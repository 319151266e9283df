"""Requests that are patient while the API server is away."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager

from repoint.adapters.kubeapi.proxy import Answer, Call, Proxy
from repoint.adapters.kubeapi.refusals import (
    final,
    is_away,
    lost,
    never_sent,
    no_api,
    reason_known,
    refused,
)
from repoint.errors import ClusterLost, RepointError
from repoint.model.cluster import ObjectRef

ANSWER_S = 40.0
_SOONEST_S = 0.05
_LATEST_S = 2.0
_BROKEN = (OSError, http.client.HTTPException)
_READY = Call("GET", "/readyz")


class Unsure(ClusterLost):
    """The connection broke: it is not known whether the API server did it."""


class Patience:
    """Pauses that grow, for so many seconds in all."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._pause = _SOONEST_S

    def wait(self, error: RepointError, at_least_s: float = 0.0) -> None:
        """Pause; where patience ends before that, raise `error`."""
        pause = max(self._pause, at_least_s)
        if time.monotonic() + pause > self._until:
            raise error
        time.sleep(pause)
        self._pause = min(self._pause * 2, _LATEST_S)


class Asking:
    """Asks through one proxy."""

    def __init__(self, proxy: Proxy, context: str, patience_s: float) -> None:
        self._proxy = proxy
        self.context = context
        self.patience_s = patience_s

    def ask(
        self,
        call: Call,
        verb: str,
        ref: ObjectRef,
        *,
        repeatable: bool,
        nothing: tuple[int, ...] = (),
        patience_s: float | None = None,
        is_text: bool = False,
    ) -> Answer:
        """The good answer to `call`, or one whose status is in `nothing`.

        A good one has a `document`, unless it `is_text`: whatever else comes is taken for a
        connection that broke, and told as such.

        A request that the API server did not get is sent again, and one that it may have got
        only when it is `repeatable`. `verb` and `ref` are for the error.

        Raises:
            ClusterRefused: it said no.
            ClusterLost: it did not answer for `patience_s` seconds.
            Unsure: the connection broke, and the request must not be repeated.
        """
        patience = Patience(self.patience_s if patience_s is None else patience_s)
        settled = False
        while True:
            answer = self._once(call)
            senseless = answer is not None and _is_senseless(answer, is_text)
            if senseless:
                answer = None
            if answer is not None:
                if answer.status < 300 or answer.status in nothing:
                    return answer
                problem = final(answer, self.context)
                if problem is not None:
                    raise problem
            if answer is not None and answer.status in (401, 403):
                # An API server that starts takes everybody for a stranger until its caches
                # are filled, and it can become ready between the two questions.
                starting = self.is_starting()
                if settled and not starting:
                    raise refused(answer, verb, ref, self.context)
                settled = not starting
            elif answer is not None and not is_away(answer):
                raise refused(answer, verb, ref, self.context)
            elif not repeatable and not (answer is not None and never_sent(answer)):
                raise Unsure(f"the connection to `{self.context}` broke while `{ref}` was sent")
            told_s = answer.retry_after_s if answer is not None and answer.status == 429 else 0.0
            error = no_api(self.context) if senseless else self._given_up(answer, verb, ref)
            patience.wait(error, told_s)

    def is_starting(self) -> bool:
        """Whether the API server is up and says that it is not ready yet."""
        answer = self._once(_READY)
        return answer is None or answer.status >= 500

    @contextmanager
    def stream(self, call: Call, timeout_s: float) -> Iterator[Answer | Iterator[bytes]]:
        """An answer's lines as they come (`Proxy.stream`).

        Raises:
            ConnectionError: it broke, or did not end in time.
        """
        try:
            with self._proxy.stream(call, timeout_s) as lines:
                yield lines
        except _BROKEN as error:
            self._proxy.revive()
            raise ConnectionError(type(error).__name__) from None

    def _once(self, call: Call) -> Answer | None:
        """One answer; None where the way to kubectl broke."""
        try:
            return self._proxy.ask(call, ANSWER_S)
        except (ConnectionRefusedError, FileNotFoundError):
            self._proxy.revive()
            return Answer(502, "text/plain", 0.0, b"dial kubectl")
        except _BROKEN:
            self._proxy.revive()
            return None

    def _given_up(self, answer: Answer | None, verb: str, ref: ObjectRef) -> RepointError:
        """The error for when patience ends after such an answer."""
        if answer is not None and reason_known(answer) and answer.status != 503:
            return refused(answer, verb, ref, self.context)
        return lost(self.context, answer)


def _is_senseless(answer: Answer, is_text: bool) -> bool:
    """Whether a good answer is none that an API server gives."""
    return answer.status < 300 and not is_text and answer.document is None
