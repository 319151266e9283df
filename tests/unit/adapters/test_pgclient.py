"""The client against servers that are none: they are silent, they lie, they hang up."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

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


def pours(*parts: bytes) -> Callable[[socket.socket], None]:
    """Say the first part once, then the others as fast as they are taken, without end."""

    def answer(client: socket.socket) -> None:
        client.recv(4096)
        with suppress(OSError):
            client.sendall(parts[0])
            while True:
                client.sendall(b"".join(parts[1:]) * 100)

    return answer


def drips(text: bytes, every_s: float = 0.02) -> Callable[[socket.socket], None]:
    """Say one byte at a time, again and again."""

    def answer(client: socket.socket) -> None:
        client.recv(4096)
        with suppress(OSError):
            while True:
                for byte in text:
                    client.sendall(bytes([byte]))
                    time.sleep(every_s)

    return answer


NOTICE = b"N\0\0\0\x0dSNOTICE\0\0"
LONG_NOTICE = b"N\0\0\x03\xefM" + b"x" * 1000 + b"\0\0"
SETTING = b"S\0\0\0\x08a\0b\0"
ROW = b"D\0\0\x03\xf2\0\1\0\0\x03\xe8" + b"x" * 1000
SASL = b"R\0\0\0\x17\0\0\0\nSCRAM-SHA-256\0\0"
ENDLESS = [
    pytest.param("never", pours(b"", NOTICE), id="notices"),
    pytest.param("never", pours(b"", SETTING), id="settings"),
    pytest.param("never", drips(NOTICE), id="a slow notice"),
    pytest.param("always", drips(b"S"), id="a slow handshake"),
    pytest.param("always", pours(b"S", b"\x16\x03\x01\x40\x00" + b"x" * 0x4000), id="TLS noise"),
    pytest.param("never", pours(b"E\x03\xff\xff\xff", b"x" * 100), id="a message of 64 MB"),
]


@pytest.mark.parametrize(("wanted", "answer"), ENDLESS)
def test_a_login_without_end_ends(wanted: str, answer: Callable[[socket.socket], None]) -> None:
    tracemalloc.start()
    try:
        with server(answer) as address, pytest.raises((ConnectionLost, DriverRefusal)):
            connect(address, "pg", login(wanted), timeout_s=1)
        assert tracemalloc.get_traced_memory()[1] < 300e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("text", [ROW, LONG_NOTICE], ids=["rows", "notices"])
def test_an_answer_without_end_ends(text: bytes) -> None:
    def answer(client: socket.socket) -> None:
        says(READY)(client)
        pours(b"", text)(client)

    with server(answer) as address:
        session = connect(address, "pg", login(), timeout_s=30)
        with pytest.raises(ConnectionLost, match="more than 32 MB"):
            session.query("select 1")
        with pytest.raises(ConnectionLost):
            session.query("select 1")


def test_a_proof_is_computed_once() -> None:
    """Each costs the client as many rounds as the server likes."""

    def answer(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(SASL)
        nonce = client.recv(4096).rpartition(b"r=")[2]
        told = b"\0\0\0\x0br=" + nonce + b"x,s=c2FsdA==,i=1000"
        client.sendall((b"R" + (len(told) + 4).to_bytes(4, "big") + told) * 2)
        waits(client)

    with server(answer) as address, pytest.raises(DriverRefusal, match="a second time"):
        connect(address, "pg", login(), timeout_s=5)


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
