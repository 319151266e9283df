"""Hosts that are put together from several names."""

from __future__ import annotations

import pytest

from repoint.kube.spelled import around, pieces, spelled


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
        ("${first},${second}", ()),
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


@pytest.mark.parametrize(
    ("text", "longer"),
    [
        (
            "postgres://u@{{ .Values.db.host }}.{{ .Release.Namespace }}.svc:5432/x",
            "{{ .Values.db.host }}.{{ .Release.Namespace }}.svc",
        ),
        ("{{ .Values.db.host }}-rw", "{{ .Values.db.host }}-rw"),
        ('{{ .Values.db.host | default "pg" }}.data', '{{ .Values.db.host | default "pg" }}.data'),
        ("postgres://u@{{ .Values.db.host }}:5432/x", ""),
        ("{{ .Values.db.host | quote }}", ""),
        ("wait for {{ .Values.db.host }}.", ""),
        ("{{ .Values.db.hostname }}.data", ""),
        ("{{ .Values.db.host.rw }}.data", ""),
        ("psql -h{{ .Values.db.host }} -p 5432", ""),
    ],
)
def test_a_template_may_make_a_longer_host_of_a_value(text: str, longer: str) -> None:
    assert around(text, ".Values.db.host") == longer
