"""Messages as bytes: what a client sends, what a server may send, and what it may not."""

from __future__ import annotations

import struct
from collections.abc import Callable
from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.model.sensitive import Sensitive
from repoint.wire import messages
from repoint.wire.decoder import (
    Decoder,
    Message,
    backend_pid,
    negotiated_minor,
    notification,
    pair,
    report,
    row,
)
from repoint.wire.refusals import ConnectionLost, DriverRefusal

PLAIN = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def framed(kind: str, body: bytes) -> bytes:
    """A backend message."""
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def all_of(decoder: Decoder) -> list[Message]:
    """Every whole message that the decoder has."""
    return list(iter(decoder.next, None))


def error(**fields: str) -> Message:
    """An ErrorResponse with these fields."""
    body = b"".join(code.encode() + text.encode() + b"\0" for code, text in fields.items())
    return Message("E", body + b"\0")


def test_startup_packet_of_the_documentation() -> None:
    packet = messages.startup("shop", "shopdb", (("search_path", "a"),))
    texts = b"user\0shop\0database\0shopdb\0search_path\0a\0\0"
    assert packet == struct.pack("!ii", 8 + len(texts), 3 << 16) + texts
    assert messages.startup("a", "b", minor=2)[4:8] == b"\0\3\0\2"


@pytest.mark.parametrize(
    ("made", "bytes_"),
    [
        pytest.param(messages.SSL_REQUEST, b"\0\0\0\x08\x04\xd2\x16\x2f", id="SSLRequest"),
        pytest.param(messages.query("select 1"), b"Q\0\0\0\x0dselect 1\0", id="Query"),
        pytest.param(messages.parse("a", "s"), b"P\0\0\0\x0as\0a\0\0\0", id="Parse"),
        pytest.param(
            messages.bind(["x", ""], "s"),
            b"B\0\0\0\x16\0s\0\0\0\0\2\0\0\0\1x\0\0\0\0\0\0",
            id="Bind with two texts",
        ),
        pytest.param(messages.bind([]), b"B\0\0\0\x0c\0\0\0\0\0\0\0\0", id="Bind without any"),
        pytest.param(messages.describe_statement("s"), b"D\0\0\0\x07Ss\0", id="Describe statement"),
        pytest.param(messages.DESCRIBE_PORTAL, b"D\0\0\0\x06P\0", id="Describe portal"),
        pytest.param(messages.EXECUTE, b"E\0\0\0\x09\0\0\0\0\0", id="Execute all rows"),
        pytest.param(messages.SYNC, b"S\0\0\0\x04", id="Sync"),
        pytest.param(messages.TERMINATE, b"X\0\0\0\x04", id="Terminate"),
        pytest.param(messages.copy_fail("no"), b"f\0\0\0\x07no\0", id="CopyFail"),
        pytest.param(messages.password(Sensitive("pw")), b"p\0\0\0\x07pw\0", id="password"),
        pytest.param(
            messages.sasl_initial("M", b"abc"), b"p\0\0\0\x0dM\0\0\0\0\3abc", id="SASLInitial"
        ),
        pytest.param(messages.sasl_response(b"abc"), b"p\0\0\0\x07abc", id="SASLResponse"),
    ],
)
def test_frontend_messages(made: bytes, bytes_: bytes) -> None:
    assert made == bytes_


def test_md5_as_PostgreSQL_salts_it() -> None:
    inner = md5(b"pwshop").hexdigest().encode()
    outer = md5(inner + b"salt").hexdigest().encode()
    assert messages.md5_password(Sensitive("pw"), "shop", b"salt")[5:] == b"md5" + outer + b"\0"


@pytest.mark.parametrize("place", ["user", "database", "name", "value"])
def test_a_zero_byte_never_smuggles_a_parameter_in(place: str) -> None:
    given = {"user": "u", "database": "d", "name": "n", "value": "v"}
    given[place] = "x\0role\0postgres"
    with pytest.raises(DriverRefusal):
        messages.startup(given["user"], given["database"], ((given["name"], given["value"]),))


def test_no_refusal_tells_the_password() -> None:
    with pytest.raises(DriverRefusal) as caught:
        messages.password(Sensitive("canary\0"))
    assert "canary" not in str(caught.value)


@given(st.lists(st.tuples(st.sampled_from("CDTSZN"), st.binary(max_size=60))), st.data())
def test_messages_come_out_as_they_went_in_however_cut(
    sent: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(framed(kind, body) for kind, body in sent)
    decoder, found, at = Decoder(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, max(1, len(stream) - at)))
        decoder.feed(stream[at : at + step])
        found += all_of(decoder)
        at += step
    assert [(m.kind, m.body) for m in found] == sent


@given(st.binary(max_size=200))
def test_garbage_ends_or_waits_and_never_hangs(noise: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise)
    try:
        found = all_of(decoder)
    except ConnectionLost:
        return
    assert sum(len(m.body) + 5 for m in found) <= len(noise)
    for message in found:
        for read in (report, row, pair, notification, backend_pid, negotiated_minor):
            try:
                read(message)
            except ConnectionLost:
                continue


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Z\0\0\0\3", id="length below itself"),
        pytest.param(b"Z\xff\xff\xff\xff", id="negative length"),
        pytest.param(b"Z\0\0\x75\x31", id="30001 bytes of a short type"),
        pytest.param(b"D\x7f\xff\xff\xff", id="two gigabytes of a row"),
        pytest.param(b"HTTP/1.1 400 Bad Request", id="a web server"),
        pytest.param(b"Q\0\0\0\5\0", id="a client's message"),
        pytest.param(b"\0\0\0\0\0", id="zeros"),
    ],
)
def test_a_stream_that_is_no_servers_is_refused_at_once(head: bytes) -> None:
    decoder = Decoder()
    decoder.feed(head)
    with pytest.raises(ConnectionLost, match="lost synchronization"):
        decoder.next()


def test_a_long_row_is_taken_and_a_short_type_up_to_its_most() -> None:
    decoder = Decoder()
    long = framed("D", b"x" * 100_000) + framed("C", b"y" * 29_996)
    decoder.feed(long)
    assert [len(m.body) for m in all_of(decoder)] == [100_000, 29_996]


def test_a_million_small_messages_are_read_in_linear_space() -> None:
    decoder = Decoder()
    chunk = framed("C", b"SELECT 1\0") * 2000
    for _ in range(100):
        decoder.feed(chunk)
        assert len(all_of(decoder)) == 2000
    assert len(decoder._buffer) < 2 * len(chunk) + (1 << 17)


@given(st.lists(st.none() | PLAIN, max_size=8))
def test_rows_round_trip(values: list[str | None]) -> None:
    body = struct.pack("!h", len(values))
    for value in values:
        raw = b"" if value is None else value.encode()
        body += struct.pack("!i", -1 if value is None else len(raw)) + raw
    assert row(Message("D", body)) == tuple(values)


@pytest.mark.parametrize(
    ("read", "body"),
    [
        pytest.param(row, b"\0\1", id="row without its value"),
        pytest.param(row, b"\0\1\0\0\0\5abc", id="value shorter than it says"),
        pytest.param(row, b"\0\1\xff\xff\xff\xfe", id="value of negative length"),
        pytest.param(row, b"\0", id="half a count"),
        pytest.param(pair, b"name\0value", id="setting without its end"),
        pytest.param(report, b"SERROR\0", id="error without its end"),
        pytest.param(notification, b"\0\0\0\1chan\0", id="notification without payload"),
        pytest.param(backend_pid, b"\0\0\0", id="half a process id"),
        pytest.param(negotiated_minor, b"", id="empty negotiation"),
    ],
)
def test_what_is_cut_short_is_told(read: Callable[[Message], object], body: bytes) -> None:
    with pytest.raises(ConnectionLost, match="do not agree"):
        read(Message("D", body))


def test_an_error_is_read_by_its_untranslated_severity() -> None:
    said = report(error(S="FATALE", V="FATAL", C="28P01", M="no"))
    assert (said.severity, said.sqlstate, said.text) == ("FATAL", "28P01", "no")
    assert report(error(S="ERROR", M="m")).sqlstate == "XX000"


def test_text_that_is_not_UTF_8_is_shown_not_raised() -> None:
    assert pair(Message("S", b"a\xff\0b\0")) == ("a\\xff", "b")


def test_negotiation_offers_a_minor_version() -> None:
    assert negotiated_minor(Message("v", struct.pack("!ii", 3 << 16, 0))) == 0
    assert negotiated_minor(Message("v", struct.pack("!ii", (3 << 16) + 2, 0))) == 2
