"""SCRAM-SHA-256, both ends: what a client answers, and what PostgreSQL stores of a password.

Source: RFC 5802, RFC 7677, RFC 4013 (SASLprep), RFC 5929 (tls-server-end-point).
"""

from __future__ import annotations

import hmac
import secrets
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from hashlib import pbkdf2_hmac, sha256

from repoint.model.sensitive import Sensitive
from repoint.wire.refusals import DriverRefusal

ITERATIONS = 4096
"""PostgreSQL's own `scram_iterations`; a throwaway password needs no more."""

# Asked for more, a client would spend minutes; PostgreSQL's own default is 4096.
_MOST_ITERATIONS = 1_000_000


def scram_verifier(
    password: Sensitive, *, salt: bytes | None = None, iterations: int = ITERATIONS
) -> str:
    """What `CREATE ROLE .. PASSWORD` takes instead of the password: `SCRAM-SHA-256$4096:..`.

    A server's log and statistics see only this. Without `salt` 16 random bytes are used.
    """
    salt = secrets.token_bytes(16) if salt is None else salt
    keys = _Keys(password, salt, iterations)
    parts = (_text(salt), _text(keys.stored), _text(keys.server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(iterations, *parts)


class ScramClient:
    """One exchange: `first()`, then `final()` of the server's answer, then `check()`.

    `binding` is the data of tls-server-end-point, for SCRAM-SHA-256-PLUS; None is without.
    """

    def __init__(
        self, password: Sensitive, *, nonce: str = "", binding: bytes | None = None, user: str = ""
    ) -> None:
        self._password = password
        self._nonce = nonce or _text(secrets.token_bytes(18))
        self._header = "n,," if binding is None else "p=tls-server-end-point,,"
        self._binding = self._header.encode() + (binding or b"")
        # PostgreSQL takes the user from the startup packet and ignores this one.
        self._bare = f"n={user},r={self._nonce}"
        self._signature = b""

    @property
    def mechanism(self) -> str:
        """The name to choose among those that the server offers."""
        return "SCRAM-SHA-256" + ("" if self._header == "n,," else "-PLUS")

    def first(self) -> bytes:
        """The client's first message."""
        return (self._header + self._bare).encode()

    def final(self, challenge: bytes) -> bytes:
        """The answer to the server's first message.

        Raises:
            DriverRefusal: the message is not SCRAM's, or its nonce is not ours.
        """
        fields = _fields(challenge)
        nonce, salt, rounds = (fields.get(key, "") for key in "rsi")
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise DriverRefusal("invalid SCRAM response (nonce mismatch)")
        if not rounds.isascii() or not rounds.isdigit() or not 0 < len(rounds) < 8:
            raise DriverRefusal("malformed SCRAM message (invalid iteration count)")
        if not 0 < int(rounds) <= _MOST_ITERATIONS:
            raise DriverRefusal("malformed SCRAM message (invalid iteration count)")
        keys = _Keys(self._password, _bytes(salt), int(rounds))
        bare = f"c={_text(self._binding)},r={nonce}"
        signed = b",".join((self._bare.encode(), challenge, bare.encode()))
        mask = hmac.digest(keys.stored, signed, sha256)
        proof = bytes(a ^ b for a, b in zip(keys.client, mask, strict=True))
        self._signature = hmac.digest(keys.server, signed, sha256)
        return f"{bare},p={_text(proof)}".encode()

    def check(self, outcome: bytes) -> None:
        """Believe the server, or not: only one that knows the password can sign.

        Raises:
            DriverRefusal: the signature is wrong.
        """
        given = _bytes(_fields(outcome).get("v", ""))
        if not self._signature or not hmac.compare_digest(given, self._signature):
            raise DriverRefusal("incorrect server signature")


class _Keys:
    """The keys that a password, a salt and a count of rounds make."""

    def __init__(self, password: Sensitive, salt: bytes, iterations: int) -> None:
        salted = pbkdf2_hmac("sha256", prepared(password), salt, iterations)
        self.client = hmac.digest(salted, b"Client Key", sha256)
        self.stored = sha256(self.client).digest()
        self.server = hmac.digest(salted, b"Server Key", sha256)


def prepared(password: Sensitive) -> bytes:
    """A password after SASLprep; unchanged where that forbids it, as libpq does."""
    text = password.reveal()
    if text.isascii():
        return text.encode()
    spaced = (" " if stringprep.in_table_c12(c) else c for c in text)
    mapped = "".join(c for c in spaced if not stringprep.in_table_b1(c))
    normal = unicodedata.normalize("NFKC", mapped)
    return (text if not normal or _forbidden(normal) else normal).encode("utf-8", "surrogateescape")


_FORBIDDEN = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def _forbidden(text: str) -> bool:
    """Whether a character is prohibited or unassigned, or the directions are mixed."""
    if any(table(c) for c in text for table in _FORBIDDEN):
        return True
    right_to_left = [stringprep.in_table_d1(c) for c in text]
    if not any(right_to_left):
        return False
    ends = right_to_left[0] and right_to_left[-1]
    return not ends or any(stringprep.in_table_d2(c) for c in text)


def _fields(message: bytes) -> dict[str, str]:
    """`r=..,s=..,i=..` by key; an `e=` field is the server's refusal."""
    if not message.isascii():
        raise DriverRefusal("malformed SCRAM message (not ASCII)")
    pairs = (part.partition("=") for part in message.decode().split(","))
    found = {key: value for key, sign, value in pairs if sign}
    if "e" in found:
        raise DriverRefusal(f"error received from server in SCRAM exchange: {found['e']}")
    return found


def _bytes(text: str) -> bytes:
    try:
        found = b64decode(text, validate=True)
    except ValueError:
        found = b""
    if not found:
        raise DriverRefusal("malformed SCRAM message (base64 expected)")
    return found


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()
