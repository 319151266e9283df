"""What `pg_isready` would say, by what a server answers to a startup packet."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from repoint.adapters.lab.ports import LOOPBACK, answers, free_port

FATAL = b"SFATAL\0VFATAL\0C%b\0Mtext\0\0"


@contextmanager
def server(*replies: bytes) -> Iterator[int]:
    """A port where each packet of one client gets the next reply; then it hangs up."""
    with socket.create_server((LOOPBACK, 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                for reply in replies:
                    client.recv(1024)
                    client.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("replies", "is_answer"),
    [
        pytest.param((b"N", b"R\0\0\0\x08\0\0\0\0"), True, id="asks for no password"),
        pytest.param((b"N", b"E\0\0\0\x20" + FATAL % b"28000"), True, id="refuses the user"),
        pytest.param((b"N", b"E\0\0\0\x20" + FATAL % b"57P03"), False, id="is starting up"),
        pytest.param((b"N",), False, id="hangs up"),
        pytest.param((b"E", b"E\0\0\0\x20" + FATAL % b"08P01"), True, id="knows no TLS"),
    ],
)
def test_an_answer(replies: tuple[bytes, ...], is_answer: bool) -> None:
    with server(*replies) as port:
        assert answers(port) is is_answer


def test_nobody_listens() -> None:
    assert not answers(free_port())
