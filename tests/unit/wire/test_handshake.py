"""Logins, message by message: what the client answers, and when it does not go on."""

from __future__ import annotations

import hashlib
import struct
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.model.sensitive import Sensitive
from repoint.wire.binding import end_point
from repoint.wire.decoder import Message
from repoint.wire.handshake import Handshake
from repoint.wire.login import Login, Tls
from repoint.wire.outcome import Outcome, SessionState
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal

# A self-signed certificate (P-256, ecdsa-with-SHA256), made for this test.
CERTIFICATE = b64decode(
    "MIIBdjCCARugAwIBAgIUQ3aJ+IdSURARFRk8V6HYDYFOvIQwCgYIKoZIzj0EAwIwEDEOMAwGA1UEAwwFcGctcncw"
    "HhcNMjYxMTIyMTkyOTUxWhcNMzYxMTE5MTkyOTUxWjAQMQ4wDAYDVQQDDAVwZy1ydzBZMBMGByqGSM49AgEGCCqG"
    "SM49AwEHA0IABDQhQ36rDFZ47CjcvkRynOw7ywVxfyJY4jrONoaE4NNLur2KFUKZSnyAlYwviLIvae9+yo6P2XhY"
    "g6XJigXMQI6jUzBRMB0GA1UdDgQWBBRhqX3a7fU0AaP4B9d+wE67JvBYoDAfBgNVHSMEGDAWgBRhqX3a7fU0AaP4"
    "B9d+wE67JvBYoDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQC3z1bNyWeom/vd8G2ISht5NAII"
    "7yXbKFvefnPmLC2nBwIhAKm0aFGU9JjyVNe1AxszCee/uUshXed1zm7fcxKf8mFh"
)
CANARY = "canary-password"
OK, CLEAR = struct.pack("!i", 0), struct.pack("!i", 3)
SCRAM = struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0"
PLUS = struct.pack("!i", 10) + b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"


def handshake(*, certificate: bytes | None = CERTIFICATE, **tls: object) -> Handshake:
    """A login over TLS, unless told otherwise."""
    login = Login("libpq", "shop", Sensitive(CANARY), "shopdb", tls=Tls(**tls))  # type: ignore[arg-type]
    return Handshake(login, certificate)


def auth(body: bytes) -> Message:
    """An authentication message."""
    return Message("R", body)


def test_a_login_without_a_password_ends_ready() -> None:
    one = handshake()
    assert one.start()[4:8] == b"\0\3\0\0"
    told = (
        auth(OK),
        Message("S", b"server_version\x0018.4\0"),
        Message("K", struct.pack("!ii", 4242, 1)),
        Message("N", b"VNOTICE\0Mqueued\0\0"),
        Message("Z", b"I"),
    )
    assert [one.answer(message) for message in told] == [b""] * 5
    assert one.ready
    assert (one.backend_pid, one.parameters) == (4242, {"server_version": "18.4"})
    assert one.notices == ["queued"]


def test_clear_text_only_inside_TLS() -> None:
    assert handshake().answer(auth(CLEAR)) == b"p\0\0\0\x14" + CANARY.encode() + b"\0"
    with pytest.raises(DriverRefusal, match="clear text") as caught:
        handshake(certificate=None).answer(auth(CLEAR))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "certificate", "message", "sense"),
    [
        pytest.param(True, CERTIFICATE, auth(SCRAM), "did not offer", id="TL4 a pooler: no -PLUS"),
        pytest.param(True, CERTIFICATE, auth(OK), "without channel binding", id="TL4 trust"),
        pytest.param(True, CERTIFICATE, auth(CLEAR), "did not offer", id="TL4 clear text"),
        pytest.param(
            False,
            CERTIFICATE,
            auth(struct.pack("!i", 10) + b"OTHER\0\0"),
            "mechanisms",
            id="no SCRAM",
        ),
        pytest.param(False, None, auth(struct.pack("!i", 7)), "not supported", id="GSS"),
        pytest.param(False, None, auth(struct.pack("!i", 11) + b"r="), "not supported", id="order"),
    ],
)
def test_what_the_driver_refuses(
    asked: bool, certificate: bytes | None, message: Message, sense: str
) -> None:
    one = handshake(certificate=certificate, channel_binding=asked)
    with pytest.raises(DriverRefusal, match=sense):
        one.answer(message)


def test_TL4_binding_without_TLS_stops_before_the_first_byte() -> None:
    with pytest.raises(DriverRefusal, match="SSL not in use"):
        handshake(certificate=None, channel_binding=True).start()


def test_TL4_binding_where_it_is_offered() -> None:
    said = handshake(channel_binding=True).answer(auth(PLUS))
    assert b"SCRAM-SHA-256-PLUS\0" in said
    assert b"p=tls-server-end-point,," in said
    assert b"n,,n=,r=" in handshake().answer(auth(PLUS))


def test_a_server_that_skips_its_signature_is_not_believed() -> None:
    one = handshake()
    one.answer(auth(SCRAM))
    with pytest.raises(DriverRefusal, match="complete"):
        one.answer(auth(OK))


def test_a_server_says_no() -> None:
    with pytest.raises(ServerRefusal) as caught:
        handshake().answer(Message("E", b"VFATAL\0C08P01\0Munsupported startup parameter\0\0"))
    assert (caught.value.sqlstate, caught.value.fatal) == ("08P01", True)


def test_TL6_protocol_3_2() -> None:
    three = Message("v", struct.pack("!ii", 3 << 16, 0))
    asks = handshake(min_protocol=2)
    assert asks.start()[4:8] == b"\0\3\0\2"
    with pytest.raises(DriverRefusal, match=r"only supports protocol version 3\.0"):
        asks.answer(three)
    latest = handshake(max_protocol=2)
    assert latest.start()[4:8] == b"\0\3\0\2"
    assert latest.answer(three) == b""
    with pytest.raises(DriverRefusal, match="duplicate"):
        latest.answer(three)


def test_a_row_during_the_login_is_no_server() -> None:
    with pytest.raises(ConnectionLost):
        handshake().answer(Message("D", b"\0\0"))


@given(st.sampled_from("REKSNZvD1"), st.binary(max_size=60))
def test_no_message_raises_anything_else(kind: str, body: bytes) -> None:
    one = handshake()
    try:
        one.answer(Message(kind, body))
    except (ServerRefusal, DriverRefusal, ConnectionLost) as refusal:
        assert CANARY not in str(refusal)


def test_end_point_is_the_hash_that_signed() -> None:
    assert end_point(CERTIFICATE) == hashlib.sha256(CERTIFICATE).digest()


def test_end_point_follows_the_algorithm_that_signed() -> None:
    sha256, sha384, unknown = (
        bytes.fromhex(f"2a8648ce3d0403{last}") for last in ("02", "03", "99")
    )
    longer = CERTIFICATE.replace(sha256, sha384)
    assert end_point(longer) == hashlib.sha384(longer).digest()
    with pytest.raises(DriverRefusal):
        end_point(CERTIFICATE.replace(sha256, unknown))


@given(st.binary(max_size=40))
def test_no_certificate_is_told(noise: bytes) -> None:
    with pytest.raises(DriverRefusal):
        end_point(noise)


def told(*messages: Message) -> Outcome:
    """The outcome of these messages."""
    outcome, state = Outcome(), SessionState({}, [])
    for message in messages:
        outcome.take(message, state)
    return outcome


ROW, DONE, READY = Message("D", b"\0\1\0\0\0\1x"), Message("C", b"SELECT 1\0"), Message("Z", b"I")
HEAD = Message("T", b"\0\0")


def test_rows_of_the_last_statement_win() -> None:
    one = told(HEAD, ROW, ROW, DONE, HEAD, ROW, DONE, READY)
    assert one.done
    assert one.rows() == (("x",),)
    assert told(HEAD, ROW, DONE, DONE, READY).rows() == ()


def test_an_error_is_raised_and_only_a_fatal_one_ends() -> None:
    error = Message("E", b"VERROR\0C22012\0Mdivision by zero\0\0")
    fatal = Message("E", b"VFATAL\0C57P01\0Mterminating\0\0")
    assert not told(HEAD, ROW, error).done
    with pytest.raises(ServerRefusal, match="22012"):
        told(error, READY).rows()
    ended = told(error, fatal)
    assert ended.done
    with pytest.raises(ServerRefusal, match="57P01"):
        ended.rows()


def test_what_belongs_to_the_session_is_kept_at_any_time() -> None:
    state, outcome = SessionState({"a": "1"}, []), Outcome()
    outcome.take(Message("S", b"a\x002\0"), state)
    outcome.take(Message("N", b"VWARNING\0Mtold\0\0"), state)
    outcome.take(Message("A", b"\0\0\0\1chan\0hi\0"), state)
    assert (state.parameters, state.notices) == ({"a": "2"}, ["told"])
    assert state.notifications == [("chan", "hi")]
    assert not outcome.done
