"""The network of the tests' pods leaves no connection open."""

from __future__ import annotations

import gc
import socket
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from repoint.adapters.lab.ports import LOOPBACK
from tests.cluster.world.network import Choose, Network, Place, Sandbox, Target, may_make

pytestmark = pytest.mark.cluster

_SERVICE = ("10.96.0.9", 5432)
_NOWHERE = Target(None, (LOOPBACK, 9))
_CLIENTS = 3
_TIMES = 20


@pytest.fixture
def network() -> Iterator[Network]:
    if not may_make():
        pytest.skip("a network namespace cannot be made here")
    made = Network()
    yield made
    made.close()


def test_what_a_service_has_just_taken_is_ended_when_it_goes_away(network: Network) -> None:
    """A pod that is no longer ready takes its Service's listener away while clients still come."""
    sandbox = network.new(frozenset())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(_TIMES):
            network.publish(sandbox, {_SERVICE: lambda: _NOWHERE})
            clients = [_client(network, sandbox) for _ in range(_CLIENTS)]
            network.publish(sandbox, {})
            for one in clients:
                one.close()
        gc.collect()

    messages = [str(one.message) for one in told]
    assert [one for one in messages if _SERVICE[0] in one] == []


def test_a_service_that_comes_and_goes_at_once_is_opened_again(network: Network) -> None:
    """Several threads look at the pods: one may open what another is just closing."""
    sandbox = network.new(frozenset())
    states: tuple[dict[Place, Choose], ...] = ({}, {_SERVICE: lambda: _NOWHERE})

    def flap() -> None:
        for number in range(_TIMES):
            network.publish(sandbox, states[number % 2])

    with ThreadPoolExecutor(_CLIENTS) as threads:
        for one in [threads.submit(flap) for _ in range(_CLIENTS)]:
            one.result()


def _client(network: Network, sandbox: Sandbox) -> socket.socket:
    with network.inside(sandbox):
        client = socket.socket()
    client.setblocking(False)
    client.connect_ex(_SERVICE)
    return client
