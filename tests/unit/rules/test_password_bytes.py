"""What is told of a file's bytes never hides a password that its tree holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.formats.base import FileKind
from repoint.formats.read import read_file
from repoint.rules.password_bytes import may_hold_password
from repoint.rules.sealing import clear_passwords

ENCODED = "cG9zdGdyZXM6Ly91OnB3QGgvZA=="
HOLDING = [
    "a: postgres://u:hunter2@h/d\n",
    'a: "postgres:\\/\\/u:hunter2@h/d"\n',
    'a: "PA\\x53SWORD=hunter2"\n',
    'a: "PAS\\\n  SWORD=hunter2"\n',
    "PGPASSWORD: hunter2\n",
    "DbPwd: hunter2\n",
    "env:\n- name: DB_PASSWD\n  value: hunter2\n",
    "pa\u017f\u017fword: hunter2\n",
    "a: CREATE USER u IDENTIFIED BY 'hunter2'\n",
    "a: mysqldump -u root -p hunter2\n",
    "a: h:5432:d:u:hunter2\n",
    "a: |\n  h:*:d:u:hunter2\n",
    'a: |\n  "u" "hunter2"\n',
    'a: "\\"u\\"\\t\\"hunter2\\""\n',
    'a: \'"u"\n  "hunter2"\'\n',
    f"a: {ENCODED}\n",
]


@pytest.mark.parametrize("text", HOLDING)
def test_a_file_with_a_password_is_looked_into(text: str) -> None:
    raw = text.encode()
    assert clear_passwords(read_file("a.yaml", raw)), "no case: there is no password in it"
    assert may_hold_password(FileKind.YAML, raw)


def test_most_manifests_are_told_apart() -> None:
    raw = b'kind: Service\nmetadata: {name: api}\nspec: {ports: [{port: 8080, name: "http"}]}\n'
    assert not may_hold_password(FileKind.YAML, raw)
    assert not may_hold_password(FileKind.JSON, b'{"a": "say \\"hello\\"\\n", "b": [1, "x", "y"]}')


def test_formats_with_escapes_of_their_own_are_always_looked_into() -> None:
    assert may_hold_password(FileKind.DOTENV, b"A=1\n")
    assert may_hold_password(None, b"A: 1\n")


PIECES = st.sampled_from(
    [
        *("pass", "PASS", "word", "pwd", "=", ":", "://", "/", "@", "u", "hunter2", " ", "\n"),
        *("\t", '"', "'", "-p", "curl", "mysql", "5432", "*", "h", "identified by", "<", ">"),
        *("value", "\\", "\u017f", "\u00e9", "sshpass", ENCODED, "--password"),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.booleans(), st.sampled_from(["k", "my_pwd"]))
def test_no_text_with_a_password_is_passed_over(text: str, plain: bool, key: str) -> None:
    raw = json.dumps({key: text}, ensure_ascii=plain).encode()
    for name, kind in (("a.yaml", FileKind.YAML), ("a.json", FileKind.JSON)):
        if clear_passwords(read_file(name, raw)):
            assert may_hold_password(kind, raw)
