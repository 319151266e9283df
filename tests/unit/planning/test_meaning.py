"""What a file says: the same in any layout, another as soon as a value is another."""

from __future__ import annotations

import pytest

from repoint.planning.meaning import meaning, still_says

_SAID = b"""---
kind: Deployment
spec:
  port: 5432
  name: web
  args: [run, "a: b"]
"""


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b"spec: {name: web, args: [run, 'a: b'], port: 5432}\nkind: Deployment\n"),
        pytest.param(_SAID.replace(b"\n", b"\r\n"), id="line ends"),
        pytest.param(_SAID.replace(b"name: web", b"# ours\n  name: 'web' # it"), id="comments"),
        pytest.param(_SAID.replace(b"[run, ", b"\n    - run\n    - ").replace(b"]", b"")),
    ],
)
def test_another_layout_says_the_same(written: bytes) -> None:
    assert still_says(meaning("a.yaml", _SAID), "a.yaml", written)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"name: web", b"name: web2"),
        (b"port: 5432", b"port: '5432'"),
        (b"name: web", b"name: [web]"),
        (b"name: web", b"name: web\n  more: true"),
        (b"run, ", b"run, run, "),
        (b'[run, "a: b"]', b'["a: b", run]'),
        (b"kind", b"Kind"),
        (b"name: web", b"name: !x web"),
        (b"  port: 5432\n", b""),
        (b"name: web", b"name: null"),
    ],
)
def test_another_value_does_not(old: bytes, new: bytes) -> None:
    assert old in _SAID
    assert not still_says(meaning("a.yaml", _SAID), "a.yaml", _SAID.replace(old, new))


@pytest.mark.parametrize(
    ("path", "raw"),
    [("a.yaml", b"a: [\n"), ("a.env", b"A=b\n"), ("a.yaml", b""), ("a.yaml", b"a: {{ .b }}\n")],
)
def test_what_has_no_tree_has_no_meaning(path: str, raw: bytes) -> None:
    assert meaning(path, raw) == ""
    assert not still_says("", path, raw)


def test_json_in_another_order() -> None:
    said = meaning("a.json", b'{"a": 1, "b": ["x"]}')
    assert said and still_says(said, "a.json", b'{\n  "b": ["x"],\n  "a": 1\n}\n')
    assert not still_says(said, "a.json", b'{"a": "1", "b": ["x"]}')
