"""What a reader built goes when nobody holds it: a scan reads with the collector off."""

from __future__ import annotations

import gc

import pytest

from repoint.formats.read import read_file

FILES = {
    "a.yaml": b"a: &x [b]\nc: *x\n---\nd: e: f\n",
    "templates/a.yaml": b"{{ if .a }}\na: {{ .b }}\n{{ end }}\n",
    "plain.yaml": b"a:\n  - b: |\n      c\n",
    "a.json": b'{"a": ["b\\n"]}',
    "a.toml": b'[a]\nb = {c = ["d"]}\n',
    "a.tf": b'a "b" {\n  c = "d"\n}\n',
    ".env": b'A="b\\n"\n',
    "a.ini": b"[a]\nb = c\n",
    "a.properties": b"a=b\\\n c\n",
    "a.sh": b"A=b psql -h \"$A\" <<'E'\nc\nE\n",
    "Makefile": b"a:\n\tpsql -h b\n",
    "Dockerfile": b"FROM a\nENV B=c\n",
}


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_was_read_leaves_no_cycle(path: str) -> None:
    read_file(path, FILES[path])
    gc.collect()
    gc.disable()
    try:
        read_file(path, FILES[path])
        assert gc.collect() == 0
    finally:
        gc.enable()
