"""What each parameter meets at the pooler, by measured fact."""

from __future__ import annotations

import pytest

from repoint.dsn.params import Pooled, Reader, alias, canonical, known, respell_value


@pytest.mark.parametrize(
    ("name", "reader", "pooled", "fact"),
    [
        ("search_path", Reader.STARTUP, Pooled.REFUSED, "SP1"),
        ("options", Reader.STARTUP, Pooled.DROPPED, "SP2"),
        ("application_name", Reader.STARTUP, Pooled.WORKS, "SP12"),
        ("sslmode", Reader.CLIENT, Pooled.WORKS, "TL10"),
        ("channel_binding", Reader.CLIENT, Pooled.REFUSED, "TL4"),
        ("max_conns", Reader.DRIVER, Pooled.REFUSED, "MG12"),
        ("connect_timeout", Reader.CLIENT, Pooled.WORKS, "TL10"),
        ("something_new", Reader.STARTUP, Pooled.REFUSED, "SP1"),
    ],
)
def test_knows_its_fate(name: str, reader: Reader, pooled: Pooled, fact: str) -> None:
    row = known(name)
    assert (row.reader, row.pooled, row.fact) == (reader, pooled, fact)


def test_one_name_for_all_spellings() -> None:
    assert {canonical(n) for n in ("sslmode", "SSL Mode", "ssl_mode")} == {"sslmode"}


def test_spells_names_and_values_as_the_driver_does() -> None:
    assert alias("search_path", dialect="jdbc") == "currentSchema"
    assert alias("search_path", dialect="url") == "search_path"
    assert respell_value("sslmode", "verify-ca", dialect="ado") == "VerifyCA"
    assert respell_value("sslmode", "require", dialect="url") == "require"
