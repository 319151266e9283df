"""SCRAM-SHA-256 against the RFC's own exchange, and against servers that cheat."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.model.sensitive import Sensitive
from repoint.wire.refusals import DriverRefusal
from repoint.wire.scram import ScramClient, prepared, scram_verifier

# RFC 7677, section 3.
NONCE = "rOprNGfwEbeRWgbNEkqO"
CHALLENGE = (
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
OUTCOME = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def client() -> ScramClient:
    """The client of RFC 7677."""
    return ScramClient(Sensitive("pencil"), nonce=NONCE, user="user")


def test_RFC_7677_exchange() -> None:
    one = client()
    assert one.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert one.final(CHALLENGE) == FINAL
    one.check(OUTCOME)


def test_channel_binding_names_its_mechanism_and_binds_the_certificate() -> None:
    one = ScramClient(Sensitive("pencil"), nonce=NONCE, binding=b"hash")
    assert one.mechanism == "SCRAM-SHA-256-PLUS"
    assert one.first().startswith(b"p=tls-server-end-point,,")
    assert b"c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsaGFzaA==," in one.final(CHALLENGE)
    assert client().mechanism == "SCRAM-SHA-256"


@pytest.mark.parametrize(
    "challenge",
    [
        pytest.param(CHALLENGE.replace(b"rOpr", b"rOpX"), id="another client's nonce"),
        pytest.param(b"r=" + NONCE.encode() + b",s=QQ==,i=4096", id="no nonce of the server's"),
        pytest.param(CHALLENGE.replace(b"4096", b"0"), id="no rounds"),
        pytest.param(CHALLENGE.replace(b"4096", b"-1"), id="negative rounds"),
        pytest.param(CHALLENGE.replace(b"4096", b"1000001"), id="rounds that take minutes"),
        pytest.param(CHALLENGE.replace(b"4096", b"9" * 5000), id="rounds of 5000 digits"),
        pytest.param(CHALLENGE.replace(b"W22Z", b"@@@@"), id="salt that is not base64"),
        pytest.param(CHALLENGE.replace(b"s=", b"t="), id="no salt"),
        pytest.param(b"e=other-error", id="the server's own error"),
        pytest.param(b"\xff", id="not text"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_bad_challenge_is_refused(challenge: bytes) -> None:
    with pytest.raises(DriverRefusal):
        client().final(challenge)


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(b"v=AAAA", id="another signature"),
        pytest.param(b"v=", id="empty signature"),
        pytest.param(b"e=invalid-proof", id="error"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_server_that_cannot_sign_is_not_believed(outcome: bytes) -> None:
    one = client()
    one.final(CHALLENGE)
    with pytest.raises(DriverRefusal):
        one.check(outcome)


def test_a_signature_before_the_challenge_is_not_believed() -> None:
    with pytest.raises(DriverRefusal):
        client().check(OUTCOME)


def test_a_verifier_accepts_the_proof_of_its_password_and_no_other() -> None:
    scheme, rounds_and_salt, keys = scram_verifier(Sensitive("pencil")).split("$")
    rounds, salt = rounds_and_salt.split(":")
    stored, server = (b64decode(key) for key in keys.split(":"))
    assert (scheme, rounds) == ("SCRAM-SHA-256", "4096")

    def proves(password: str) -> bool:
        one = ScramClient(Sensitive(password), nonce=NONCE)
        challenge = f"r={NONCE}more,s={salt},i={rounds}".encode()
        bare, _, proof = one.final(challenge).rpartition(b",p=")
        signed = b",".join((one.first().removeprefix(b"n,,"), challenge, bare))
        mask = hmac.digest(stored, signed, sha256)
        key = bytes(a ^ b for a, b in zip(b64decode(proof), mask, strict=True))
        if sha256(key).digest() != stored:
            return False
        one.check(b"v=" + b64encode(hmac.digest(server, signed, sha256)))
        return True

    assert proves("pencil")
    assert not proves("Pencil")


def test_a_verifier_has_a_salt_of_its_own_and_hides_the_password() -> None:
    assert scram_verifier(Sensitive("pencil")) != scram_verifier(Sensitive("pencil"))
    assert "pencil" not in scram_verifier(Sensitive("pencil"))


@pytest.mark.parametrize(
    ("password", "sent"),
    [
        pytest.param("plain", b"plain", id="ASCII stays"),
        pytest.param("a\u00a0b", b"a b", id="other spaces become a space"),
        pytest.param("I\u00adX", b"IX", id="RFC 4013 soft hyphen goes"),
        pytest.param("\u00aa", b"a", id="RFC 4013 compatibility form"),
        pytest.param("\u2168", b"IX", id="RFC 4013 roman nine"),
        pytest.param("\u0627\u0031", "\u0627\u0031".encode(), id="mixed directions stay as given"),
        pytest.param("\u00ad", "\u00ad".encode(), id="nothing left: as given"),
        pytest.param("\u20ac\x07", "\u20ac\x07".encode(), id="a control character: as given"),
        pytest.param("\U0001f600", "\U0001f600".encode(), id="unassigned in 3.2: as given"),
    ],
)
def test_passwords_are_prepared_as_libpq_does(password: str, sent: bytes) -> None:
    assert prepared(Sensitive(password)) == sent


@given(st.text(), st.binary(max_size=80))
def test_no_bytes_raise_anything_else(password: str, noise: bytes) -> None:
    one = ScramClient(Sensitive(password), nonce=NONCE)
    for call in (one.final, one.check):
        try:
            call(noise)
        except DriverRefusal as refusal:
            assert len(password) < 9 or password not in str(refusal)
