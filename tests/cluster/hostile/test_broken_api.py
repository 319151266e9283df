"""Whatever an API server answers, there is a clear error in time, and nothing is left."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.kubeapi import KubectlDoor, asking
from repoint.adapters.kubeapi import api as api_of_pages
from repoint.errors import ClusterLost, ClusterRefused
from tests.cluster.hostile.broken_api import Answer, Broken, answering
from tests.cluster.kubeapi.samples import children, config_map, ref

_HTML = b"<html><body>Sign in: hunter2</body></html>"
_WHOLE = json.dumps(config_map("ns", "settings", a="1")).encode()
_SOON_S = 1.0


def forever(broken: Broken) -> None:
    broken.trickle(b" ", 0.05)


def shapes() -> dict[str, Answer]:
    """Answers to a GET of one object."""
    return {
        "hangs": lambda broken: broken.hang(),
        "trickles": forever,
        "is cut off": lambda broken: broken.say(200, _WHOLE[:-9], length=len(_WHOLE)),
        "is half of JSON": lambda broken: broken.say(200, _WHOLE[:-9]),
        "is HTML": lambda broken: broken.say(200, _HTML, "text/html"),
        "is HTML that says JSON": lambda broken: broken.say(200, _HTML),
        "is a list": lambda broken: broken.say(200, [1, 2]),
        "is null": lambda broken: broken.say(200, b"null"),
        "is a number": lambda broken: broken.say(200, b"1"),
        "is no UTF-8": lambda broken: broken.say(200, b'{"a": "\xff\xfe"}'),
        "is nothing": lambda broken: broken.say(200, b""),
        "is deep": lambda broken: broken.say(200, b"[" * 200_000),
        "500": lambda broken: broken.say(500, {"kind": "Status", "reason": "InternalError"}),
        "500 in HTML": lambda broken: broken.say(500, _HTML, "text/html"),
        "503": lambda broken: broken.say(503, b"no backend", "text/plain"),
        "429": lambda broken: broken.say(429, {"kind": "Status", "reason": "TooManyRequests"}),
        "redirects": lambda broken: broken.say(302, b"", "text/plain"),
        "no reason": lambda broken: broken.say(409, {"kind": "Status", "details": None}),
        "odd status": lambda broken: broken.say(409, {"kind": "Status", "details": [1]}),
        "odd causes": lambda broken: broken.say(
            422,
            {"kind": "Status", "reason": "Invalid", "message": 7, "details": {"causes": ["x"]}},
        ),
        "teapot": lambda broken: broken.say(418, b"hunter2", "text/plain"),
    }


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes 40 seconds takes one."""
    monkeypatch.setattr(asking, "ANSWER_S", _SOON_S)


def refused_by(answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Any) -> str:
    """The error of `ask`, which must be one for people; nothing may be left of it."""
    with answering(answer) as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        found: list[BaseException] = []

        def run() -> None:
            try:
                with KubectlDoor(patience_s=_SOON_S).open("test") as opened:
                    ask(opened)
            except BaseException as error:
                found.append(error)

        asked = threading.Thread(target=run, daemon=True)
        asked.start()
        asked.join(60)
        assert not asked.is_alive(), "it hangs"
    [error] = found
    assert isinstance(error, ClusterLost | ClusterRefused), repr(error)
    assert "hunter2" not in str(error.message) and "hunter2" not in " ".join(error.hints)
    assert children(os.getpid(), "") == []
    return error.message


@pytest.mark.parametrize("shape", shapes())
@pytest.mark.parametrize("verb", ["get", "list", "apply", "create"])
def test_an_answer_that_makes_no_sense_is_an_error_in_time(
    shape: str, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = {
        "get": lambda api: api.get(ref("ns")),
        "list": lambda api: api.list("v1", "ConfigMap", "ns"),
        "apply": lambda api: api.apply(config_map("ns")),
        "create": lambda api: api.create(config_map("ns")),
    }
    refused_by(shapes()[shape], tmp_path, monkeypatch, ways[verb])


@pytest.mark.parametrize("shape", ["hangs", "trickles", "is HTML", "is null", "is deep"])
def test_a_server_that_is_none_from_the_start(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(shapes()[shape], from_the_start=True) as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        with (
            pytest.raises((ClusterLost, ClusterRefused)),
            KubectlDoor(patience_s=_SOON_S).open("test"),
        ):
            pass
    assert children(os.getpid(), "") == []


def page(broken: Broken) -> None:
    """One page of a list that has always another one."""
    metadata = {"continue": f"page-{len(broken.server.asked)}", "resourceVersion": "1"}
    items = [config_map("ns", "settings")]
    broken.say(200, {"kind": "ConfigMapList", "metadata": metadata, "items": items})


def expired(broken: Broken) -> None:
    """The first page of a list whose other pages are always too old."""
    if "continue=" in broken.path:
        broken.say(410, {"kind": "Status", "reason": "Expired"})
    else:
        page(broken)


@pytest.mark.parametrize("answer", [page, expired])
def test_a_list_without_end_is_given_up(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_of_pages, "_MOST_PAGES", 20)
    told = refused_by(answer, tmp_path, monkeypatch, lambda api: api.list("v1", "ConfigMap", "ns"))
    assert "does not end" in told


_BOOKMARK = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "2"}}}
_LINES = {
    "bookmarks": json.dumps(_BOOKMARK).encode() + b"\n",
    "errors": b'{"type": "ERROR", "object": {"kind": "Status", "code": 410}}\n',
    "no line end": b" ",
    "no JSON": b"<html>\n",
    "no object": b'{"type": "ADDED", "object": null}\n',
    "a list": b"[1]\n",
    "numbers": b"7\n",
}


@pytest.mark.parametrize("line", _LINES)
def test_a_watch_ends_in_its_time_whatever_it_is_told(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(broken: Broken) -> None:
        if "watch=true" in broken.path:
            broken.trickle(_LINES[line], 0.02)
        else:
            metadata = {"resourceVersion": "1"}
            broken.say(200, {"kind": "ConfigMapList", "metadata": metadata, "items": []})

    with answering(answer) as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        with KubectlDoor(patience_s=_SOON_S).open("test") as opened:
            assert list(opened.watch("v1", "ConfigMap", "ns", timeout_s=2)) == []
    assert children(os.getpid(), "") == []
