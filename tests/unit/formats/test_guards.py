"""Where a token, read again, is not the value: no runs, so nothing is edited in place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from repoint.formats.base import FileKind, leaves
from repoint.formats.blocks import read_block
from repoint.formats.kinds import kind_of
from repoint.formats.yaml_text import flow_runs
from tests.unit.formats.reading import read

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("raw", "value", "style"),
    [("'x'", "y", "single"), ('"x\\n"', "x", "double"), ("a\n b", "a  b", "plain")],
)
def test_a_flow_scalar_that_does_not_fit_has_no_runs(raw: str, value: str, style: str) -> None:
    assert flow_runs(raw, value, style) == ()


@pytest.mark.parametrize("header", ["|", ">"])
@pytest.mark.parametrize("value", ["a\nc\n", "a\nb\nc\n", "a\n", "  a\nb\n", ""])
def test_a_block_that_does_not_fit_has_no_runs(header: str, value: str) -> None:
    raw = f"{header}\n  a\n  b\n"
    block = read_block(raw, raw, 0, len(raw), value)

    assert (block.text, block.runs) == (value, ())


def test_every_manifest_of_the_corpus_reads_as_pyyaml_reads_it() -> None:
    checked = 0
    for path in sorted(ROOT.glob("tests/corpus/**/*.y*ml")) + sorted(
        ROOT.glob("examples/**/*.yaml")
    ):
        raw = path.read_bytes()
        if kind_of(str(path), raw) is not FileKind.YAML or b"{{" in raw:
            continue
        parsed = read(raw, path.name)
        try:
            expected = [
                text for node in yaml.compose_all(raw, yaml.CSafeLoader) for text in _texts(node)
            ]
        except yaml.YAMLError:
            assert parsed.problem, path
            continue
        found = [leaf.scalar.text for leaf in leaves(parsed.documents, keys=True)]
        assert found == expected, path
        checked += 1
    assert checked > 50


def _texts(node: yaml.Node) -> list[str]:
    if isinstance(node, yaml.MappingNode):
        return [text for pair in node.value for part in pair for text in _texts(part)]
    if isinstance(node, yaml.SequenceNode):
        return [text for item in node.value for text in _texts(item)]
    return [node.value]
