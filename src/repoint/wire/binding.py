"""The hash of a server's certificate that SCRAM-SHA-256-PLUS binds to (RFC 5929, section 4)."""

from __future__ import annotations

import hashlib

from repoint.wire.refusals import DriverRefusal

# Object identifiers of signature algorithms, in DER, by the hash they sign.
# MD5 and SHA-1 count as SHA-256.
_HASHES: dict[str, str] = {
    "2a864886f70d010104": "sha256",
    "2a864886f70d010105": "sha256",
    "2a864886f70d01010b": "sha256",
    "2a864886f70d01010c": "sha384",
    "2a864886f70d01010d": "sha512",
    "2a8648ce3d0401": "sha256",
    "2a8648ce3d040302": "sha256",
    "2a8648ce3d040303": "sha384",
    "2a8648ce3d040304": "sha512",
}


def end_point(certificate: bytes) -> bytes:
    """The tls-server-end-point data of a certificate in DER.

    Raises:
        DriverRefusal: its signature algorithm names no hash, or it is no certificate.
    """
    try:
        body, _ = _element(certificate, 0)
        _, after_signed = _element(body, 0)
        algorithm, _ = _element(body, after_signed)
        identifier, _ = _element(algorithm, 0)
        name = _HASHES[identifier.hex()]
    except (IndexError, KeyError) as error:
        raise DriverRefusal("could not find digest for the certificate's signature") from error
    return hashlib.new(name, certificate).digest()


def _element(der: bytes, start: int) -> tuple[bytes, int]:
    """The content of the DER element at `start`, and where the next one starts."""
    size = der[start + 1]
    at = start + 2
    if size & 0x80:
        width = size & 0x7F
        size = int.from_bytes(der[at : at + width])
        at += width
    if at + size > len(der):
        raise IndexError("element past the end")
    return der[at : at + size], at + size
