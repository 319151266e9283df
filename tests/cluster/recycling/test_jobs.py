"""Migration Jobs that really fail: what a rollout says of them, and that a second one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.cluster.recycling.conftest import OpenStore
from tests.cluster.recycling.store import CANARY, PSQL, Store, steps_of

if TYPE_CHECKING:
    from tests.cluster.world.world import Result, World

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

_FINE = "SELECT 'fine'"
_CHATTY = f'echo "to $DATABASE_URL"; set -x; {PSQL} -e'
_OTHER = "a-second-canary"
_IMAGE = "ghcr.io/cloudnative-pg/postgresql:18.1"


def _stopped(store: Store, *more: str) -> Result:
    """A rollout that stops at the Job, before any workload."""
    done = store.rollout(*more)
    assert done.status == 5, str(done)
    assert "go on with: `repoint rollout --env test`" in done.err
    assert store.get("deployment", "web") is None
    return done


def _goes_on(store: Store) -> list[str]:
    """A second rollout, which ends well; its steps."""
    done = store.rollout()
    assert done.status == 0, str(done)
    assert store.get("deployment", "web")["status"]["availableReplicas"] == 1
    return steps_of(done)


@pytest.fixture
def store(open_store: OpenStore) -> Iterator[Store]:
    """A store whose Job would be fine."""
    found = open_store()
    found.migration(_FINE)
    yield found
    assert _OTHER not in found.output


def test_the_error_of_psql_is_told_and_no_password(store: Store) -> None:
    store.migration(f"ALTER ROLE nobody PASSWORD '{_OTHER}'", script=_CHATTY)
    done = _stopped(store)
    assert 'ERROR:  role "nobody" does not exist' in done.err
    assert "migrate: Error, exit status 1" in done.err
    assert "to postgresql://web:***@pg-rw." in done.err
    assert CANARY not in done.out + done.err

    store.migration(_FINE)
    steps = _goes_on(store)
    assert steps[:2] == ["run Job/migrate", "wait for Job/migrate"]


def test_a_syntax_error_shows_its_line_without_the_password_in_it(store: Store) -> None:
    store.migration(f"ALTER ROLE web PASSWORD '{_OTHER}' NONSENSE")
    done = _stopped(store)
    assert 'ERROR:  unrecognized role option "nonsense"' in done.err
    assert "LINE 1: ALTER ROLE web PASSWORD '***' NONSENSE" in done.err


def test_an_init_container_that_fails_is_named_with_its_log(store: Store) -> None:
    check = {"name": "check", "image": _IMAGE, "command": ["sh", "-c", "echo not yet; exit 3"]}
    store.job_pod["initContainers"] = [check]
    store.write()
    done = _stopped(store)
    assert "check: Error, exit status 3" in done.err
    assert "| not yet" in done.err

    del store.job_pod["initContainers"]
    store.write()
    assert _goes_on(store)[0] == "run Job/migrate"


def test_of_a_long_log_the_end_is_told(store: Store) -> None:
    store.migration("", script="seq -f 'line %g' 4000; echo the reason; exit 1")
    done = _stopped(store)
    assert "| the reason" in done.err
    assert "| line 4000" in done.err
    assert done.err.count("| line") < 50


def test_an_image_that_cannot_be_pulled_and_a_job_that_goes_on_by_itself(
    store: Store, world: World
) -> None:
    store.migrate["image"] = "ghcr.io/cloudnative-pg/postgresql:18.1-broken"
    store.write()
    world.broken_images.add("-broken")
    try:
        done = _stopped(store, "--timeout", "5s")
        assert "no progress in time" in done.err
        [error] = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert error.endswith("migrate: ImagePullBackOff")
        uid = store.get("job", "migrate")["metadata"]["uid"]
    finally:
        world.broken_images.discard("-broken")
    assert "run Job/migrate" not in _goes_on(store)
    assert store.get("job", "migrate")["metadata"]["uid"] == uid


def test_a_key_that_no_secret_has(store: Store) -> None:
    ref = {"name": "web", "key": "forgotten"}
    variable = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": ref}}
    store.migrate["env"][0] = variable
    store.write()
    done = _stopped(store, "--timeout", "5s")
    assert "migrate: CreateContainerConfigError" in done.err

    ref["key"] = "direct"
    store.write()
    assert _goes_on(store)[0] == "run Job/migrate"
