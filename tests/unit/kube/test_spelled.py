"""Hosts that are put together from several names."""

from __future__ import annotations

import pytest

from repoint.kube.spelled import pieces, spelled


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("${service}.${space}.svc", ("${service}", "${space}")),
        ("$(SERVICE).$(SPACE).svc", ("$(SERVICE)", "$(SPACE)")),
        ("${service:=pg}.data", ("${service}",)),
        ("pg.${space:-data}.svc", ("${space}",)),
        ("${db_host}", ()),
        ("${db_host:-pg}", ()),
        ("$(DB_HOST)", ()),
        ("pg.data.svc", ()),
        ("$$(DB_HOST).data", ()),
    ],
)
def test_a_host_of_one_name_has_no_pieces(host: str, names: tuple[str, ...]) -> None:
    assert pieces(host) == names


@pytest.mark.parametrize(
    ("host", "whole"),
    [
        ("${service}.${space}.svc", "pg.data.svc"),
        ("$(SERVICE).${space}", "main.data"),
        ("${other:=pg}.${space}", "pg.data"),
        ("${service:=old}.data", "pg.data"),
        ("${service}.$(UNKNOWN).svc", "pg"),
        ("${service}-$(UNKNOWN)", ""),
        ("$(UNKNOWN).${space}", ""),
    ],
)
def test_it_is_told_up_to_the_first_name_that_nothing_tells(host: str, whole: str) -> None:
    known = {"${service}": "pg", "${space}": "data", "$(SERVICE)": "main"}
    assert spelled(host, known) == whole
