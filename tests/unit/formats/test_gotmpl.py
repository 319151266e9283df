"""Template actions: they are masked for the parser, and shown as written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoint.formats.gotmpl import mask
from tests.unit.formats.reading import leaf, read, token, values

CHART = "chart/templates/x.yaml"

POSITIONS = [
    pytest.param("a: {{ .x }}\n", {"/0/a": "{{ .x }}"}, id="value"),
    pytest.param("a:{{ .x }}\n", {"/0/a": "{{ .x }}"}, id="value without a blank"),
    pytest.param("{{ .k }}: v\n", {"/0/{{ .k }}": "v"}, id="key"),
    pytest.param("- {{ .x }}\n- b\n", {"/0/0": "{{ .x }}", "/0/1": "b"}, id="item"),
    pytest.param(
        'a: "x{{ .y | default "z" }}"\n', {"/0/a": 'x{{ .y | default "z" }}'}, id="quoted"
    ),
    pytest.param("a: 'x{{ .y }}'\n", {"/0/a": "x{{ .y }}"}, id="single quoted"),
    pytest.param("a: é{{ .x }}é\n", {"/0/a": "é{{ .x }}é"}, id="inside a plain value"),
    pytest.param("{{- if .x }}\na: b\n{{- end }}\n", {"/0/a": "b"}, id="lines of control"),
    pytest.param(
        "a:\n  {{- range .l }}\n  - {{ . }}\n  {{- end }}\n", {"/0/a/0": "{{ . }}"}, id="range"
    ),
    pytest.param("{{/* a\n b: [ */}}\na: b\n", {"/0/a": "b"}, id="comment over lines"),
    pytest.param(
        'a:\n  {{- include "x" . | nindent 2 }}\nb: c\n', {"/0/a": "", "/0/b": "c"}, id="include"
    ),
    pytest.param(
        'a: {{ f (dict\n  "b" 1) }}\nc: d\n',
        {"/0/a": '{{ f (dict\n  "b" 1) }}', "/0/c": "d"},
        id="action over lines",
    ),
    pytest.param(
        'a: "b" {{- if .q }}\nc: d\n', {"/0/a": "b", "/0/c": "d"}, id="control after quotes"
    ),
    pytest.param("a: [{{ .x }}, b]\n", {"/0/a/0": "{{ .x }}", "/0/a/1": "b"}, id="flow list"),
    pytest.param(
        "a: {{ .x }} # {{ .y }}\nb: c\n", {"/0/a": "{{ .x }}", "/0/b": "c"}, id="in a comment"
    ),
    pytest.param("a: {{ `}}` }}\nb: c\n", {"/0/a": "{{ `}}` }}", "/0/b": "c"}, id="raw string"),
    pytest.param(
        "a: |\n  x {{ .y }}\nb: c\n", {"/0/a": "x {{ .y }}\n", "/0/b": "c"}, id="in a block"
    ),
    pytest.param(
        "a: |\n  {{- if .q }}\n  x\n{{- end }}\n  y\nb: {{ .c }}\n",
        {"/0/a": "{{- if .q }}\nx\n{{- end }}\ny\n", "/0/b": "{{ .c }}"},
        id="control in a block",
    ),
    pytest.param(
        'a: |\n{{ .Files.Get "x" }}\nb: c\n',
        {"/0/a": '{{ .Files.Get "x" }}\n', "/0/b": "c"},
        id="a block that is all output",
    ),
    pytest.param(
        "{{ if .q }}\na: |\n  x\n{{ end }}\nb: c\n",
        {"/0/a": "x\n", "/0/b": "c"},
        id="control after a block",
    ),
    pytest.param(
        "a: |\r\n  {{ if .q }}\r\n  x\r\n{{ end }}\r\nb: c\r\n",
        {"/0/a": "{{ if .q }}\nx\n", "/0/b": "c"},
        id="crlf",
    ),
]


@pytest.mark.parametrize(("raw", "expected"), POSITIONS)
def test_actions_are_shown_as_written(raw: str, expected: dict[str, str]) -> None:
    parsed = read(raw, CHART)

    assert (parsed.problem, parsed.masked) == ("", True)
    assert values(parsed) == expected


def test_text_beside_an_action_maps_to_its_bytes() -> None:
    raw = "é: 1\nurl: postgres://{{ .u }}@é.db:5432/x\n"
    scalar = leaf(read(raw, CHART), "/0/url").scalar

    at = scalar.text.index("é.db")
    span = scalar.map.span(at, at + 4)
    assert span is not None
    assert raw.encode()[span.start : span.end].decode() == "é.db"
    assert token(raw, read(raw, CHART), "/0/url") == "postgres://{{ .u }}@é.db:5432/x"


UNMASKED = [
    pytest.param(
        "a: '{{ $labels.x }} is \"down\"'\n", {"/0/a": '{{ $labels.x }} is "down"'}, id="alert"
    ),
    pytest.param('a: "{{ printf \\"%s\\" .x }}"\n', {"/0/a": '{{ printf "%s" .x }}'}, id="escapes"),
    pytest.param("a: ${{ secrets.X }}\n", {"/0/a": "${{ secrets.X }}"}, id="workflow"),
]


@pytest.mark.parametrize(("raw", "expected"), UNMASKED)
def test_braces_in_plain_yaml_need_no_mask(raw: str, expected: dict[str, str]) -> None:
    parsed = read(raw, "rules.yaml")

    assert (parsed.problem, parsed.masked) == ("", False)
    assert values(parsed) == expected


def test_an_action_that_parses_by_accident_is_no_mapping() -> None:
    parsed = read("a: {{ .x }}\n", "values.yaml")

    assert parsed.masked
    assert values(parsed) == {"/0/a": "{{ .x }}"}


def test_what_no_mask_can_mend_is_told_and_the_rest_is_read() -> None:
    parsed = read("a: {{ .x }}\nb: {\n---\nc: {{ .d }}\n", CHART)

    assert parsed.problem.startswith("line 3:")
    assert values(parsed) == {"/1/c": "{{ .d }}"}


def test_named_templates_have_text_but_no_tree() -> None:
    parsed = read('{{- define "x" }}\na: b\n{{- end }}\n', "chart/templates/_helpers.tpl")

    assert (parsed.problem, parsed.documents) == ("", ())
    assert "define" in parsed.text


@settings(max_examples=100, deadline=None)
@given(st.text("{} \n\"'`a:#|-é/*", max_size=60))
def test_masking_keeps_the_length_and_never_fails(text: str) -> None:
    assert len(mask(text)) == len(text)
    read(text, CHART)


def test_masking_a_text_that_opens_and_never_closes_ends() -> None:
    for text in ("{" * 200_000 + "}}", '{{ " ' * 100_000 + "}}"):
        assert len(mask(text)) == len(text)
