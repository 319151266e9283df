"""The published schemas: each is valid, linked, and what the commands really print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from repoint.views import shapes
from scripts.doc_pages.blocks import ROOT
from scripts.doc_pages.sandbox import EXAMPLE, Sandbox, sandbox
from tests.documents import FOLDER, validated


@pytest.mark.parametrize("name", shapes.DOCUMENTS)
def test_a_schema_is_valid_published_and_linked(name: str) -> None:
    schema = shapes.schema(name)
    Draft202012Validator.check_schema(schema)
    assert json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) == schema
    page = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    assert f"(schemas/{name}.json)" in page


def test_no_schema_is_left_over() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*shapes.DOCUMENTS}


def test_every_reference_within_a_schema_leads_somewhere() -> None:
    for name in shapes.DOCUMENTS:
        schema = shapes.schema(name)
        for target in _references(schema):
            assert target.removeprefix("#/$defs/") in schema["$defs"], (name, target)


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The example with a repoint.yaml that accepts a finding, and one environment applied."""
    made = sandbox(tmp_path_factory.mktemp("schemas"), EXAMPLE, configured=True)
    with (made.root / "repoint.yaml").open("a", encoding="utf-8") as file:
        file.write("accept: [{code: RP110, environment: production, reason: not yet moved}]\n")
    done = made.run("git add -A && git commit -qm accept && repoint apply --env local --yes")
    assert done.status == 0, done.output
    return made


@pytest.mark.parametrize(
    ("command", "name", "statuses"),
    [
        ("scan", "scan", {0}),
        ("plan", "plan", {0}),
        ("plan --env local", "plan", {0}),
        ("check", "check", {1}),
        ("status --plan", "status", {0}),
        ("status", "status", {0}),
        ("doctor", "doctor", {0, 1}),
        ("explain", "explain", {0}),
        ("explain RP211", "explain", {0}),
    ],
)
def test_what_a_command_prints_is_of_its_schema(
    example: Sandbox, command: str, name: str, statuses: set[int]
) -> None:
    done = example.run(f"repoint {command} --format json 2> /dev/null")
    assert done.status in statuses, done.output
    document = validated(name, done.output)
    if name == "check":
        assert any("accepted" in finding for finding in document["findings"])


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.parametrize(
    ("command", "name"),
    [("rehearse --env staging", "rehearse"), ("bench --rounds 2 --seconds 1", "bench")],
)
def test_what_a_command_with_servers_prints_is_of_its_schema(
    example: Sandbox, command: str, name: str
) -> None:
    done = example.run(f"repoint {command} --format json 2> /dev/null")
    assert done.status == 0, done.output
    validated(name, done.output)


def test_a_document_with_a_key_more_or_less_is_told(tmp_path: Path) -> None:
    good = {"format": 1, "findings": []}
    validated("check", json.dumps(good))
    for wrong in ({"format": 1}, {**good, "more": 1}, {**good, "findings": [{}]}):
        with pytest.raises(AssertionError):
            validated("check", json.dumps(wrong))
