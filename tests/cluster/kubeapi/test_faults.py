"""An API server that goes away and comes back, a proxy that is killed, answers that are lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.kubeapi import KubectlDoor
from repoint.errors import ClusterLost, ClusterRefused
from repoint.model.cluster import Document
from repoint.ports.cluster import ClusterApi
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubeapi.relay import Relay
from tests.cluster.kubeapi.samples import CONTEXT, bind, children, config_map, ref, use

pytestmark = pytest.mark.cluster
_LONG_S = 120.0


class Background:
    """Something that runs beside the test, and what came of it."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self._run = run
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._do, daemon=True)
        self._thread.start()

    def _do(self) -> None:
        try:
            self._result = self._run()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self._thread.join(_LONG_S)
        assert not self._thread.is_alive(), "it hangs"
        if self._error is not None:
            raise self._error
        return self._result


def proxies(parent: int) -> list[int]:
    return children(parent, " proxy ")


def test_requests_wait_for_an_api_server_that_is_started_again(
    api: ControlPlane, kubeconfig: Path
) -> None:
    namespace = api.namespace()
    asked = threading.Event()
    with KubectlDoor(patience_s=_LONG_S).open(CONTEXT) as opened:
        made = opened.create(config_map(namespace, "old", a="1"))

        def write_all() -> list[Document]:
            asked.set()
            return [
                opened.create(config_map(namespace, "new")),
                opened.apply(config_map(namespace, "applied")),
                opened.merge(ref(namespace, "old"), {"data": {"b": "2"}}),
                opened.list("v1", "ConfigMap", namespace, fields="metadata.name=old")[0],
            ]

        api.stop_apiserver()
        try:
            writing = Background(write_all)
            assert asked.wait(_LONG_S)
        finally:
            api.start_apiserver()
        *_, old = writing.result()
        opened.delete(ref(namespace, "old"), uid=made["metadata"]["uid"])

    assert old["data"] == {"a": "1", "b": "2"}


def test_a_server_that_stays_away_is_lost_and_says_why(api: ControlPlane, kubeconfig: Path) -> None:
    with KubectlDoor(patience_s=0.5).open(CONTEXT) as opened:
        api.stop_apiserver()
        try:
            with pytest.raises(ClusterLost, match="connection refused"):
                opened.get(ref("default"))
            with pytest.raises(ClusterLost), KubectlDoor(patience_s=0.1).open(CONTEXT):
                pass
        finally:
            api.start_apiserver()
        assert opened.get(ref("default")) is None


def test_rights_are_not_denied_while_the_server_starts(
    api: ControlPlane, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that starts forbids everything to everybody until its caches are filled."""
    namespace = api.namespace()
    bind(
        api,
        namespace,
        "default",
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
    )
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig_for("default", namespace)))
    with KubectlDoor(patience_s=_LONG_S).open(CONTEXT) as limited:
        api.until("the right counts", lambda: limited.allowed("get", ref(namespace)))
        for _ in range(2):
            api.stop_apiserver()
            going_on = threading.Event()

            def ask_on(going_on: threading.Event = going_on) -> int:
                for number in count():
                    assert limited.get(ref(namespace)) is None
                    if going_on.is_set():
                        return number
                return 0

            asking = Background(ask_on)
            api.start_apiserver()
            going_on.set()
            asking.result()
        with pytest.raises(ClusterRefused, match="may not get"):
            limited.get(ref(namespace, kind="Secret"))


def test_a_watch_goes_on_across_a_restart(api: ControlPlane, kubeconfig: Path) -> None:
    namespace = api.namespace()
    with KubectlDoor(patience_s=_LONG_S).open(CONTEXT) as opened:
        for name in ("kept", "removed"):
            opened.create({**config_map(namespace, name), "metadata": labelled(namespace, name)})
        events = opened.watch("v1", "ConfigMap", namespace, labels="ours", timeout_s=_LONG_S)
        assert {told(next(events)) for _ in range(2)} == {("ADDED", "kept"), ("ADDED", "removed")}
        opened.merge(ref(namespace, "kept"), {"data": {"a": "1"}})
        assert told(next(events)) == ("MODIFIED", "kept")

        following = Background(lambda: [told(next(events)) for _ in range(3)])
        api.stop_apiserver()
        api.start_apiserver()
        opened.delete(ref(namespace, "removed"))
        opened.create({**config_map(namespace, "new"), "metadata": labelled(namespace, "new")})

        seen = following.result()
        while ("ADDED", "new") not in seen or ("DELETED", "removed") not in seen:
            seen.append(told(next(events)))
        assert ("ADDED", "kept") in seen, "what is there is told again"
        events.close()  # type: ignore[attr-defined]


def labelled(namespace: str, name: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "labels": {"ours": "yes"}}


def told(event: tuple[str, Document]) -> tuple[str, str]:
    return event[0], event[1]["metadata"]["name"]


def test_a_watch_ends_in_its_time_and_with_its_reader(
    api: ControlPlane, reached: ClusterApi
) -> None:
    namespace = api.namespace()
    reached.create({**config_map(namespace, "one"), "metadata": labelled(namespace, "one")})

    for _ in reached.watch("v1", "ConfigMap", namespace, labels="ours", timeout_s=_LONG_S):
        break
    ended = list(reached.watch("v1", "ConfigMap", namespace, labels="ours", timeout_s=1))
    unknown = list(reached.watch("nope.example.org/v1", "Thing", namespace, timeout_s=0.5))

    assert [told(event) for event in ended] == [("ADDED", "one")]
    assert unknown == []


def test_a_proxy_that_is_killed_is_started_again(api: ControlPlane, kubeconfig: Path) -> None:
    namespace = api.namespace()
    with KubectlDoor().open(CONTEXT) as opened:
        events = opened.watch("v1", "ConfigMap", namespace, labels="ours", timeout_s=_LONG_S)
        following = Background(lambda: told(next(events)))
        (proxy,) = proxies(os.getpid())
        os.kill(proxy, signal.SIGKILL)
        opened.create({**config_map(namespace, "one"), "metadata": labelled(namespace, "one")})

        assert following.result() == ("ADDED", "one")
        assert proxies(os.getpid()) not in ([], [proxy])
    assert proxies(os.getpid()) == []


def test_nothing_is_left_when_repoint_is_killed(api: ControlPlane, tmp_path: Path) -> None:
    script = """
import tempfile, time
from pathlib import Path
from repoint.adapters.kubeapi import KubectlDoor
with KubectlDoor().open("test"):
    print(*Path(tempfile.gettempdir()).glob("repoint-api-*"), flush=True)
    time.sleep(600)
"""
    environment = {**api.environment(), "TMPDIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        folder = Path(child.stdout.readline().strip())
        (proxy,) = proxies(child.pid)
        assert oct(folder.stat().st_mode)[-3:] == "700"
        child.kill()
    api.until("the proxy is gone", lambda: not Path(f"/proc/{proxy}").exists())
    api.until("its folder is gone", lambda: not folder.exists())


# Answers that are lost.


@pytest.fixture
def relayed(
    api: ControlPlane, kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Relay, ClusterApi]]:
    config = json.loads(kubeconfig.read_text())
    with Relay(("127.0.0.1", api.port)) as relay:
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{relay.port}"
        use(config, tmp_path, monkeypatch)
        with KubectlDoor().open(CONTEXT) as opened:
            yield relay, opened


@contextmanager
def lost_answer(api: ControlPlane, relay: Relay, done: Callable[[], Any]) -> Iterator[None]:
    """In the block, answers are lost; afterwards the connection breaks, once `done` is true."""
    relay.mute()
    yield
    api.until("the API server did it", done)
    relay.cut()


def is_there(api: ControlPlane, namespace: str, name: str, **data: str) -> Callable[[], bool]:
    def found() -> bool:
        path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        status, answer = api.call("GET", path)
        return status == 200 and answer.get("data", {}) == data

    return found


def test_an_object_made_while_the_answer_was_lost_is_taken_for_the_one_wanted(
    api: ControlPlane, relayed: tuple[Relay, ClusterApi]
) -> None:
    relay, opened = relayed
    namespace = api.namespace()
    opened.get(ref(namespace))
    with lost_answer(api, relay, is_there(api, namespace, "one", a="1")):
        making = Background(lambda: opened.create(config_map(namespace, "one", a="1")))

    assert making.result()["data"] == {"a": "1"}


def test_an_object_of_somebody_else_is_not_taken_for_the_one_wanted(
    api: ControlPlane, relayed: tuple[Relay, ClusterApi]
) -> None:
    relay, opened = relayed
    namespace = api.namespace()
    opened.get(ref(namespace))
    relay.mute()
    making = Background(lambda: opened.create(config_map(namespace, "one", a="1")))
    api.until("it is made", is_there(api, namespace, "one", a="1"))
    path = f"/api/v1/namespaces/{namespace}/configmaps/one"
    api.call("PUT", path, config_map(namespace, "one", a="theirs"))
    relay.cut()

    with pytest.raises(ClusterRefused, match="is there already"):
        making.result()


def test_an_object_replaced_while_the_answer_was_lost_is_no_conflict(
    api: ControlPlane, relayed: tuple[Relay, ClusterApi]
) -> None:
    relay, opened = relayed
    namespace = api.namespace()
    old = opened.create(config_map(namespace, "one", a="1"))
    with lost_answer(api, relay, is_there(api, namespace, "one", a="2")):
        writing = Background(lambda: opened.replace({**old, "data": {"a": "2"}}))

    assert writing.result()["data"] == {"a": "2"}


def test_what_may_be_repeated_is(api: ControlPlane, relayed: tuple[Relay, ClusterApi]) -> None:
    relay, opened = relayed
    namespace = api.namespace()
    opened.create(config_map(namespace, "gone"))
    with lost_answer(api, relay, is_there(api, namespace, "one", a="1")):
        applying = Background(lambda: opened.apply(config_map(namespace, "one", a="1")))
    applying.result()
    path = f"/api/v1/namespaces/{namespace}/configmaps/gone"
    with lost_answer(api, relay, lambda: api.call("GET", path)[0] == 404):
        deleting = Background(lambda: opened.delete(ref(namespace, "gone")))
    deleting.result()
