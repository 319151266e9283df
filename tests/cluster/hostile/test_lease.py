"""An operator whose Lease is gone writes nothing more, and one who leaves is not kept."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubeapi.relay import Relay
from tests.cluster.kubeapi.samples import children
from tests.cluster.rolling_out.shop import PASSWORD, Shop, new_shop
from tests.cluster.rolling_out.stand_in import operator
from tests.cluster.stages import RUN

pytestmark = pytest.mark.cluster
_LEASE = "/apis/coordination.k8s.io/v1/namespaces/{}/leases/repoint-test"


@pytest.fixture
def shop(api: ControlPlane, tmp_path: Path) -> Iterator[Shop]:
    made = new_shop(api, tmp_path)
    with operator(api, made.namespace):
        yield made
    assert PASSWORD not in made.output


def stopped_before(shop: Shop, step: str, then: Callable[[], None]) -> tuple[int, str, list[str]]:
    """Begin a rollout, do `then` while the process is stopped at a step, and let it go on.

    Gives its status, what it said, and the lines of that which it had said when it was stopped:
    on a busy machine it has begun a later step by then.
    """
    with shop.start() as run:
        lines: list[str] = []
        reader = threading.Thread(target=_take, args=(run.stderr, lines))
        reader.start()
        shop.api.until(f"it begins {step}", lambda: run.poll() is not None or _began(lines, step))
        run.send_signal(signal.SIGSTOP)
        then()
        before = [*lines]
        run.send_signal(signal.SIGCONT)
        reader.join()
    said = "".join(lines)
    shop.output += said
    return run.returncode, said, before


def _take(stream: Iterable[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line)


def _began(lines: list[str], step: str) -> bool:
    told = (line for line in [*lines] if line.startswith("[") and "done" not in line)
    return any(step in line for line in told)


def steal(shop: Shop) -> None:
    path = _LEASE.format(shop.namespace)
    lease = shop.api.get(path)
    lease["spec"]["holderIdentity"] = "ada@laptop"
    lease["metadata"]["annotations"] = {}
    assert shop.api.call("PUT", path, lease)[0] == 200


def delete(shop: Shop) -> None:
    shop.api.delete(_LEASE.format(shop.namespace))


@pytest.mark.parametrize(
    ("loss", "told"), [(steal, "taken over by `ada@laptop`"), (delete, "was deleted")]
)
def test_whoever_lost_the_lease_writes_nothing_more(
    shop: Shop, loss: Callable[[Shop], None], told: str
) -> None:
    """At most the step that had begun already is carried out."""

    def lose() -> None:
        loss(shop)
        time.sleep(2.1)  # as long as it believes what it saw of the Lease

    status, said, before = stopped_before(shop, f"Secret/{shop.namespace}/mail", lose)

    assert status == 5, said
    assert told in said
    for kind in ("Secret", "Deployment"):
        begun = _began(before, f"{kind}/{shop.namespace}/web")
        assert begun or shop.get(kind.lower(), "web") is None, said
    assert "go on with: `repoint rollout" in said
    lease = shop.get("lease", "repoint-test")
    assert lease is None or lease["spec"]["holderIdentity"] == "ada@laptop"


def test_a_lease_that_says_it_lasts_for_years_is_not_waited_for(shop: Shop) -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "repoint-test", "namespace": shop.namespace},
        "spec": {"holderIdentity": "ada@laptop", "leaseDurationSeconds": 2_000_000_000},
    }
    shop.api.create(lease)
    done = shop.rollout()
    assert done.returncode == 1
    assert "`ada@laptop` holds `Lease/" in done.stderr
    assert "` for 2000000000 s after each sign of life" in done.stderr
    assert f"kubectl delete lease repoint-test -n {shop.namespace}" in done.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_obeyed_while_the_api_server_is_silent(
    shop: Shop, signal_number: signal.Signals, tmp_path: Path
) -> None:
    shop.objects["web"]["spec"]["template"]["metadata"]["annotations"] = {RUN: "unready"}
    shop.write()
    with Relay(("127.0.0.1", shop.api.port)) as relay:
        run = _begin(shop, _through(shop.api, relay, tmp_path))
        try:
            shop.api.until("it waits", lambda: shop.get("deployment", "web"))
            relay.mute()
            run.send_signal(signal_number)
            _, said = run.communicate(timeout=35)  # its requests have 40 s and more
        finally:
            run.kill()
            run.wait()
    assert run.returncode == 130
    assert "go on with `repoint rollout --env test" in said
    assert children(run.pid, "") == []


def _through(api: ControlPlane, relay: Relay, folder: Path) -> Path:
    config: dict[str, Any] = json.loads(api.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{relay.port}"
    file = folder.with_name(f"{folder.name}-relayed")
    file.write_text(json.dumps(config))
    return file


def _begin(shop: Shop, kubeconfig: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        shop.argv(),
        cwd=shop.root,
        env=shop.environment(kubeconfig),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
