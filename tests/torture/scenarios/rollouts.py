"""The real `repoint rollout` on a real API server, killed at instants that are drawn.

What is judged here are the files: a rollout changes none, and its lines in the ledger are whole.
That the next run goes on in the cluster is seen at the end; kills at every step of a rollout and of
a way back are in `tests/cluster`.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.cluster import missing
from tests.torture.looking import LEDGER, Node, look
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.ledgers import wrong_ledger

if TYPE_CHECKING:
    from tests.cluster.rolling_out.shop import Shop

_AT_LEAST = 2
_SLOWEST_S = 6.0


def run(job: Job) -> Tally:
    """Kill rollouts until the time is up, then let one come to its end."""
    tally = Tally("rollout")
    lacking = [part.name for part in missing()]
    if lacking:
        tally.skipped = f"{', '.join(lacking)} not built: run `make cluster`"
        return tally
    from tests.cluster.control_plane import running
    from tests.cluster.rolling_out.shop import new_shop
    from tests.cluster.rolling_out.stand_in import operator

    (job.scratch / "shop").mkdir()
    with running() as plane:
        shop = new_shop(plane, job.scratch / "shop")
        with operator(plane, shop.namespace):
            before = _files(shop.root)
            while tally.kills < _AT_LEAST or job.goes_on(tally.kills):
                if _kill(tally, job, shop, before):
                    break
            _end(tally, shop, before)
    return tally


def _kill(tally: Tally, job: Job, shop: Shop, before: dict[str, Node]) -> bool:
    """One run that is killed, or was faster; whether it was."""
    known = _ledger(shop.root)
    run = subprocess.Popen(
        shop.argv(),
        cwd=shop.root,
        env=shop.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(job.random.uniform(0.5, _SLOWEST_S))
    run.kill()
    status = run.wait()
    tally.kills += status < 0
    tally.outcomes["killed" if status < 0 else "done"] += 1
    _judge(tally, f"rollout {tally.kills}", shop, before, known)
    return status == 0


def _end(tally: Tally, shop: Shop, before: dict[str, Node]) -> None:
    known = _ledger(shop.root)
    done = shop.rollout()
    last = shop.rollout("--format", "json")
    _judge(tally, "the last rollout", shop, before, known)
    if done.returncode or json.loads(last.stdout)["outcome"] != "nothing":
        tally.judge("the last rollout", f"status {done.returncode}: {done.stderr[-300:]}")
    tally.outcomes["gone on and done"] += 1


def _judge(
    tally: Tally, what: str, shop: Shop, before: dict[str, Node], known: bytes | None
) -> None:
    resume = [*shop.argv()[:3], "apply", "--resume"]
    done = subprocess.run(resume, cwd=shop.root, capture_output=True, text=True, check=False)
    if done.returncode:
        tally.judge(what, f"`repoint apply --resume`: {done.stderr}")
    now = _files(shop.root)
    changed = sorted(
        name for name in now.keys() | before.keys() if now.get(name) != before.get(name)
    )
    if changed:
        tally.judge(what, f"changed: {', '.join(changed)}")
    left = [name for name in look(shop.root) if ".repoint-" in name or name == ".repoint/journal"]
    if left:
        tally.judge(what, f"left over: {', '.join(left)}")
    tally.judge(what, wrong_ledger(known, _ledger(shop.root), {}))


def _files(root: Path) -> dict[str, Node]:
    """Everything but what a rollout records of itself."""
    return {name: node for name, node in look(root).items() if not name.startswith(".repoint")}


def _ledger(root: Path) -> bytes | None:
    path = root / LEDGER
    return path.read_bytes() if path.exists() else None
