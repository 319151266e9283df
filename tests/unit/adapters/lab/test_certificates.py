"""The certificates have the names and purposes of CloudNativePG's."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from repoint.adapters.lab.certificates import Authority, KeyPair

NAMES = ("pg-rw", "pg-rw.shop", "pg-rw.shop.svc")


def read(pair: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate)


def common_name(found: x509.Certificate) -> str:
    return str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def purposes(found: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_a_servers_certificate_has_its_names_and_no_other() -> None:
    authority = Authority("pg")

    found = read(authority.server(NAMES))

    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == list(NAMES)
    assert names.get_values_for_type(x509.IPAddress) == []
    assert common_name(found) == "pg-rw"
    assert purposes(found) == [ExtendedKeyUsageOID.SERVER_AUTH]
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))


def test_an_address_is_added_on_demand() -> None:
    found = read(Authority("pg").server(NAMES, ("127.0.0.1",)))

    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_a_clients_certificate_names_the_role() -> None:
    found = read(Authority("pg").client("cnpg_pooler_pgbouncer"))

    assert common_name(found) == "cnpg_pooler_pgbouncer"
    assert purposes(found) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_long_name_is_cut_in_the_subject_only() -> None:
    long = "x" * 63 + ".namespace.svc"

    found = read(Authority("pg").server((long,)))

    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [long]
    assert len(common_name(found)) == 64


def test_a_key_belongs_to_its_certificate_and_is_not_shown() -> None:
    pair = Authority("pg").client("app")

    key = serialization.load_pem_private_key(pair.key, None)

    assert key.public_key() == read(pair).public_key()
    assert "PRIVATE" not in repr(pair)
