"""The client against servers that are none: they are silent, they lie, they hang up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from repoint.adapters.pgclient import connect
from repoint.model.sensitive import Sensitive
from repoint.wire.login import Login, Tls
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal

CANARY = "canary-password"
ERROR = b"E\0\0\0\x1cVFATAL\0C08P01\0Mno such\0\0"
READY = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """A listener that gives its first client to `answer`, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with closing(client):
                answer(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            thread.join(timeout=10)
            assert not thread.is_alive()


def says(*answers: bytes) -> Callable[[socket.socket], None]:
    """Read something, say the next thing, and so on."""

    def answer(client: socket.socket) -> None:
        for text in answers:
            client.recv(4096)
            client.sendall(text)

    return answer


def waits(client: socket.socket) -> None:
    """Say nothing until the client goes."""
    while client.recv(4096):
        continue


def login(wanted: str = "never", **tls: bool) -> Login:
    """Without TLS unless told otherwise."""
    return Login("libpq", "shop", Sensitive(CANARY), "shopdb", tls=Tls(wanted, **tls))


REFUSED = [
    pytest.param("never", says(b"HTTP/1.1 400 Bad Request\r\n"), "lost synch", id="a web server"),
    pytest.param("never", says(b""), "closed the connection", id="hangs up"),
    pytest.param("never", says(b"R\0\0\0\x08\0\0"), "closed", id="hangs up in a message"),
    pytest.param("never", waits, "timeout expired", id="never answers"),
    pytest.param("always", waits, "timeout expired", id="never answers about TLS"),
    pytest.param("always", says(b""), "closed the connection", id="hangs up about TLS"),
    pytest.param("never", says(b"S\0\0\0\x06ab"), "do not agree", id="a setting without end"),
]


@pytest.mark.parametrize(("wanted", "answer", "reason"), REFUSED)
def test_a_connection_that_comes_to_nothing(
    wanted: str, answer: Callable[[socket.socket], None], reason: str
) -> None:
    with server(answer) as address, pytest.raises(ConnectionLost, match=reason) as caught:
        connect(address, "pg", login(wanted), timeout_s=0.3)
    assert CANARY not in str(caught.value)


def test_TLS_that_is_not_there() -> None:
    with server(says(b"N")) as address, pytest.raises(DriverRefusal, match="does not support SSL"):
        connect(address, "pg", login("always"), timeout_s=5)


def test_TLS_that_is_not_there_and_need_not_be() -> None:
    with (
        server(says(b"N", READY)) as address,
        closing(connect(address, "pg", login("if-offered"), timeout_s=5)) as session,
    ):
        assert session.tls == ""


def test_an_answer_about_TLS_that_is_none() -> None:
    with server(says(b"E")) as address, pytest.raises(DriverRefusal, match="invalid response"):
        connect(address, "pg", login("if-offered"), timeout_s=5)


def test_CVE_2021_23222_clear_text_before_TLS_is_never_read() -> None:
    injected = b"S" + READY
    with server(says(injected)) as address, pytest.raises(DriverRefusal, match="SSL error"):
        connect(address, "pg", login("always"), timeout_s=5)


def test_a_refusal_and_a_hang_up_in_one() -> None:
    with server(says(ERROR)) as address, pytest.raises(ServerRefusal) as caught:
        connect(address, "pg", login(), timeout_s=5)
    assert (caught.value.sqlstate, caught.value.text) == ("08P01", "no such")


def test_last_words_are_heard_although_the_server_is_gone() -> None:
    with (
        server(says(READY + ERROR)) as address,
        closing(connect(address, "pg", login(), timeout_s=5)) as session,
        pytest.raises(ServerRefusal, match="no such"),
    ):
        session.query("select 1")


def test_last_words_are_heard_although_nothing_can_be_sent_any_more() -> None:
    with (
        server(says(READY + ERROR)) as address,
        closing(connect(address, "pg", login(), timeout_s=5)) as session,
    ):
        # What a reset by the peer does to the sending side, without a race.
        session._channel._socket.shutdown(socket.SHUT_WR)
        with pytest.raises(ServerRefusal, match="no such"):
            session.query("select 1")


def test_an_error_without_ReadyForQuery_ends_the_session() -> None:
    error = ERROR.replace(b"FATAL", b"ERROR")
    with (
        server(says(READY, error)) as address,
        closing(connect(address, "pg", login(), timeout_s=5)) as session,
    ):
        with pytest.raises(ServerRefusal) as caught:
            session.query("select 1")
        assert caught.value.fatal
        with pytest.raises(ConnectionLost):
            session.query("select 1")


def test_garbage_in_the_middle_of_an_answer_ends_the_session() -> None:
    with (
        server(says(READY, b"D\0\0\0\x0b\0\1\0\0\0\1xQ\0\0\0\0")) as address,
        closing(connect(address, "pg", login(), timeout_s=5)) as session,
    ):
        with pytest.raises(ConnectionLost, match="lost synchronization"):
            session.query("select 1")
        with pytest.raises(ConnectionLost, match="lost synchronization"):
            session.run("select 1")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(ConnectionLost, match="connection failed"):
        connect(address, "pg", login(), timeout_s=5)
