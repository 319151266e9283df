"""The certificates of a Cluster, made anew for each rehearsal and gone with it.

CloudNativePG signs with ECDSA P-256 and one CA for servers and clients; so does this.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from repoint.errors import LabFailed

# A clock that is a day off, or is set back while the rehearsal runs, must not end in
# "certificate is not yet valid".
BACKDATED = timedelta(days=2)
_VALID = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both PEM; the key is not shown."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "KeyPair(***)"


class Authority:
    """A certificate authority with a key that never leaves the process."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._from = datetime.now(UTC) - BACKDATED
        usage = _usage(sign=False)
        built = self._builder(self._name, self._key.public_key())
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        built = built.add_extension(constraints, critical=True).add_extension(usage, critical=True)
        self._certificate = built.sign(self._key, hashes.SHA256())

    @property
    def certificate(self) -> bytes:
        """The CA's certificate, PEM: a `ca.crt`."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def server(self, names: Sequence[str], addresses: Sequence[str] = ()) -> KeyPair:
        """A server's certificate with `names` (the first is its subject) and IP addresses.

        Raises:
            LabFailed: one of the names cannot stand in a certificate.
        """
        kinds: list[x509.GeneralName] = [_dns(name) for name in names]
        kinds += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        alternatives = x509.SubjectAlternativeName(kinds)
        return self._signed(names[0], ExtendedKeyUsageOID.SERVER_AUTH, alternatives)

    def client(self, user: str) -> KeyPair:
        """A certificate that logs in the PostgreSQL role `user`."""
        return self._signed(user, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _signed(
        self,
        name: str,
        purpose: x509.ObjectIdentifier,
        alternatives: x509.SubjectAlternativeName | None,
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        built = self._builder(_named(name), key.public_key())
        built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        built = built.add_extension(_usage(sign=True), critical=True)
        built = built.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if alternatives is not None:
            built = built.add_extension(alternatives, critical=False)
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        return KeyPair(
            built.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
            key.private_bytes(serialization.Encoding.PEM, form, plain),
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        own = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._from)
            .not_valid_after(self._from + BACKDATED + _VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(issuer, critical=False)
        )


def _dns(name: str) -> x509.DNSName:
    try:
        return x509.DNSName(name)
    except ValueError:
        hint = "write it as DNS does, in ASCII"
        raise LabFailed(f"{name!a} cannot stand in a certificate", hint=hint) from None


def _named(name: str) -> x509.Name:
    # A common name has at most 64 characters; nobody checks this one against a host.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _usage(*, sign: bool) -> x509.KeyUsage:
    """`sign`: for a server or a client; otherwise for an authority."""
    return x509.KeyUsage(
        digital_signature=sign,
        key_cert_sign=not sign,
        crl_sign=not sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=sign,
        encipher_only=False,
        decipher_only=False,
    )
