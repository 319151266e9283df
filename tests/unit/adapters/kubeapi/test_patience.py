"""Answers that a real API server cannot be made to give, and what comes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from repoint.adapters.kubeapi.api import Api
from repoint.adapters.kubeapi.asking import Asking
from repoint.adapters.kubeapi.proxy import Answer, Call
from repoint.errors import ClusterLost, ClusterRefused
from repoint.model.cluster import ObjectRef

PASSWORD = "sup3r-s3cret"
KINDS = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}
ONE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "ns", "name": "x"}}
REF = ObjectRef("v1", "ConfigMap", "ns", "x")


def answer(status: int, body: Any, *, after_s: float = 0.0) -> Answer:
    return Answer(status, "application/json", after_s, json.dumps(body).encode())


def status(code: int, reason: str, message: str = "", **details: Any) -> Answer:
    body = {"kind": "Status", "reason": reason, "message": message, "details": details}
    return answer(code, body)


def text(code: int, body: str) -> Answer:
    return Answer(code, "text/plain", 0.0, body.encode())


class Told:
    """Gives prepared answers, after the one about the kinds; an exception is raised."""

    def __init__(self, *answers: Answer | Exception | list[bytes]) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []

    def ask(self, call: Call, timeout_s: float) -> Answer:
        if call.target == "/api/v1":
            return answer(200, KINDS)
        if call.target == "/readyz":
            return text(200, "ok")
        self.calls.append(call)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Answer)
        return found

    @contextmanager
    def stream(self, call: Call, timeout_s: float) -> Iterator[Answer | Iterator[bytes]]:
        self.calls.append(call)
        found = self.answers.pop(0)
        assert not isinstance(found, Exception)
        yield iter(found) if isinstance(found, list) else found

    def revive(self) -> bool:
        return False


def api_of(told: Told, patience_s: float = 60.0) -> Api:
    return Api("prod", Asking(told, "prod", patience_s))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "first",
    [
        answer(429, {"kind": "Status", "reason": "TooManyRequests"}, after_s=0.01),
        status(503, "ServiceUnavailable"),
        status(504, "Timeout"),
        status(500, "InternalError"),
        text(500, "dial tcp 10.0.0.1:6443: connect: connection refused"),
        text(500, "unexpected EOF"),
        text(502, "bad gateway"),
        ConnectionResetError(),
    ],
    ids=lambda one: getattr(one, "body", b"reset").decode()[:30],
)
def test_a_read_is_asked_again(first: Answer | Exception) -> None:
    told = Told(first, answer(200, ONE))

    assert api_of(told).get(REF) == ONE
    assert len(told.calls) == 2


@pytest.mark.parametrize(
    "first", [text(500, "unexpected EOF"), status(504, "Timeout"), ConnectionResetError()]
)
def test_a_create_that_may_have_happened_is_tried_again_and_compared(
    first: Answer | Exception,
) -> None:
    told = Told(first, status(409, "AlreadyExists"), answer(200, ONE))

    assert api_of(told).create(ONE) == ONE
    assert [call.method for call in told.calls] == ["POST", "POST", "GET"]


def test_a_create_that_is_never_answered_ends_as_lost() -> None:
    told = Told(*[ConnectionResetError() for _ in range(9)])

    with pytest.raises(ClusterLost, match="broke while `ConfigMap/ns/x` was sent"):
        api_of(told, 0.2).create(ONE)
    assert len(told.calls) > 1


def test_too_many_requests_are_waited_for_as_long_as_patience_lasts() -> None:
    told = Told(answer(429, {"kind": "Status", "reason": "TooManyRequests"}, after_s=3600))

    with pytest.raises(ClusterRefused) as caught:
        api_of(told).get(REF)
    assert (caught.value.reason, caught.value.status) == ("TooManyRequests", 429)


def test_a_webhook_that_does_not_answer_is_named_without_its_words() -> None:
    message = f'Internal error occurred: failed calling webhook "v.cnpg.io": {PASSWORD}'
    told = Told(*[status(500, "InternalError", message) for _ in range(9)])

    with pytest.raises(ClusterRefused, match=r"webhook `v.cnpg.io` failed") as caught:
        api_of(told, 0.2).apply(ONE)
    assert PASSWORD not in str(caught.value)


def test_a_webhook_that_denies_is_named_without_its_words() -> None:
    message = f'admission webhook "policy.example.org" denied the request: url is {PASSWORD}'
    told = Told(*[status(403, "Forbidden", message) for _ in range(2)])

    with pytest.raises(ClusterRefused, match=r"webhook `policy.example.org` denied it") as caught:
        api_of(told).apply(ONE)
    assert PASSWORD not in str(caught.value)


def test_no_reason_of_a_server_shows_its_message() -> None:
    for reason in ("", "BadRequest", "Gone", "Expired", "MethodNotAllowed", "Unknown"):
        told = Told(status(400, reason, f"value {PASSWORD}"))
        with pytest.raises(ClusterRefused) as caught:
            api_of(told).apply(ONE)
        assert PASSWORD not in f"{caught.value} {caught.value.hints}"


def test_a_field_that_is_no_path_is_not_shown() -> None:
    causes = [{"field": field, "reason": "FieldValueInvalid"} for field in (f"x {PASSWORD}", "a.b")]
    told = Told(status(422, "Invalid", f"value {PASSWORD}", causes=causes))

    with pytest.raises(ClusterRefused) as caught:
        api_of(told).apply(ONE)

    assert caught.value.message.endswith("invalid: `a.b` (FieldValueInvalid)")
    assert caught.value.causes == (("", ""), ("", "a.b"))


def test_a_list_that_is_too_old_half_way_is_read_in_one_go() -> None:
    def page(name: str, more: str) -> Answer:
        metadata = {"continue": more, "resourceVersion": "7"}
        return answer(200, {"metadata": metadata, "items": [{"metadata": {"name": name}}]})

    told = Told(page("a", "next"), status(410, "Expired"), page("b", ""))

    found = api_of(told).list("v1", "ConfigMap", "ns")

    assert [one["metadata"]["name"] for one in found] == ["b"]
    assert ["limit=" in call.target for call in told.calls] == [True, True, False]


def event(kind: str, name: str) -> bytes:
    metadata = {"name": name, "uid": name}
    return json.dumps({"type": kind, "object": {"metadata": metadata}}).encode() + b"\n"


def listing(*names: str) -> Answer:
    items = [{"metadata": {"name": name, "uid": name}} for name in names]
    return answer(200, {"metadata": {"resourceVersion": "7"}, "items": items})


@pytest.mark.parametrize(
    "end",
    [
        [b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n'],
        [b'{"type":"ADDED","object":{"meta'],
        [],
    ],
    ids=["too old", "cut off", "ended"],
)
def test_a_watch_reads_anew_what_is_there_after_a_stream_ends(end: list[bytes]) -> None:
    told = Told(listing("a"), [event("ADDED", "b"), *end], listing("b", "c"), [event("ADDED", "d")])

    events = api_of(told).watch("v1", "ConfigMap", "ns", timeout_s=60)

    seen = [(kind, one["metadata"]["name"]) for kind, one in (next(events) for _ in range(6))]
    assert seen == [
        *(("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")),
        *(("ADDED", "b"), ("ADDED", "c"), ("ADDED", "d")),
    ]


@pytest.mark.parametrize("first", [status(410, "Expired"), text(500, "EOF")])
def test_a_watch_that_is_refused_as_too_old_or_away_is_opened_again(first: Answer) -> None:
    told = Told(listing(), first, listing("a"))

    assert next(api_of(told).watch("v1", "ConfigMap", "ns", timeout_s=60))[0] == "ADDED"
