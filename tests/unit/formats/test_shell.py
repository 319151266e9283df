"""Shell scripts: the commands in them, and where their words stand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoint.formats.shell import Command, commands, comments

TABLE = [
    pytest.param(
        "pg_isready -h db -p 5432", [["pg_isready", "-h", "db", "-p", "5432"]], id="plain"
    ),
    pytest.param(
        "until pg_isready -h db; do sleep 2; done",
        [["pg_isready", "-h", "db"], ["sleep", "2"]],
        id="until",
    ),
    pytest.param(
        "while ! nc -z db 5432; do :; done", [["nc", "-z", "db", "5432"], [":"]], id="while not"
    ),
    pytest.param("if psql -h a; then b; else c; fi", [["psql", "-h", "a"], ["b"], ["c"]], id="if"),
    pytest.param("a && b || c; d & e", [["a"], ["b"], ["c"], ["d"], ["e"]], id="lists"),
    pytest.param("pg_dump -h a | gzip > /x", [["pg_dump", "-h", "a"], ["gzip"]], id="pipe"),
    pytest.param("for i in 1 2; do psql -h $i; done", [["psql", "-h", "$i"]], id="for"),
    pytest.param("case $x in a) psql -h q;; esac", [["psql", "-h", "q"]], id="case"),
    pytest.param("f() { psql -h q; }", [["psql", "-h", "q"]], id="function"),
    pytest.param("(psql -h q)", [["psql", "-h", "q"]], id="subshell"),
    pytest.param("A=$(psql -h q)", [[], ["psql", "-h", "q"]], id="command substitution"),
    pytest.param(
        "echo `psql -h q`", [["echo", "`psql -h q`"], ["psql", "-h", "q"]], id="backticks"
    ),
    pytest.param("psql -h q 2>/dev/null >&2", [["psql", "-h", "q"]], id="redirects are no words"),
    pytest.param('psql "host=a b=$X"', [["psql", "host=a b=$X"]], id="double quotes"),
    pytest.param("psql 'a b' c\\ d", [["psql", "a b", "c d"]], id="single quotes and backslash"),
    pytest.param("psql --host='a'\"b\"c", [["psql", "--host=abc"]], id="pieces"),
    pytest.param("psql \\\n  -h a \\\n  -p 1", [["psql", "-h", "a", "-p", "1"]], id="continued"),
    pytest.param("psql -h a # -h b\n# psql\n", [["psql", "-h", "a"]], id="comments"),
    pytest.param(
        "psql -h ${H:-a} -p $(P)",
        [["psql", "-h", "${H:-a}", "-p", "$(P)"], ["P"]],
        id="variables as written",
    ),
    pytest.param('psql "a\\\nb"', [["psql", "ab"]], id="continued inside quotes"),
    pytest.param("psql ''", [["psql", ""]], id="empty word"),
    pytest.param("psql $'a\\tb'", [["psql", "a\tb"]], id="ansi quotes"),
    pytest.param(
        "sh -c 'psql -h a && b'",
        [["sh", "-c", "psql -h a && b"], ["psql", "-h", "a"], ["b"]],
        id="sh -c",
    ),
    pytest.param(
        'exec /bin/bash -ec "psql -h \\"$H\\""',
        [["exec", "/bin/bash", "-ec", 'psql -h "$H"'], ["psql", "-h", "$H"]],
        id="exec bash -ec",
    ),
    pytest.param(
        "su postgres -c 'psql -h a'",
        [["su", "postgres", "-c", "psql -h a"], ["psql", "-h", "a"]],
        id="su -c",
    ),
    pytest.param(
        "sh -c \"sh -c 'psql -h a'\"",
        [["sh", "-c", "sh -c 'psql -h a'"], ["sh", "-c", "psql -h a"], ["psql", "-h", "a"]],
        id="twice nested",
    ),
    pytest.param("sh x.sh -c y", [["sh", "x.sh", "-c", "y"]], id="not an argument of the script"),
    pytest.param(
        "psql -h {{ .Values.h }} -p {{ .p }}",
        [["psql", "-h", "{{ .Values.h }}", "-p", "{{ .p }}"]],
        id="template",
    ),
    pytest.param(
        "{{- if .x }}\npsql -h a\n{{- end }}\n", [["psql", "-h", "a"]], id="template control"
    ),
    pytest.param("", [], id="empty"),
]


def _words(found: tuple[Command, ...]) -> list[list[str]]:
    return [[word.text for word in command.words] for command in found]


def _check_places(text: str, found: tuple[Command, ...]) -> None:
    for command in found:
        for word in (*command.words, *(assigned.value for assigned in command.assignments)):
            assert word.raw == text[word.start : word.end]
            for at, place, length in word.runs:
                assert text[place : place + length] == word.text[at : at + length]
            if word.verbatim:
                assert text[word.text_start : word.text_start + len(word.text)] == word.text


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_commands_of_a_script(text: str, expected: list[list[str]]) -> None:
    found = commands(text)

    assert _words(found) == expected
    _check_places(text, found)


ASSIGNMENTS = [
    pytest.param("PGPASSWORD=$X psql -h a", [("PGPASSWORD", "$X")], id="before a command"),
    pytest.param("export A=b C='d e' D", [("A", "b"), ("C", "d e")], id="export"),
    pytest.param("A=b", [("A", "b")], id="alone"),
    pytest.param('readonly A="$B/c"', [("A", "$B/c")], id="readonly"),
    pytest.param("A=", [("A", "")], id="empty"),
    pytest.param("A=postgres://u:p@h:5432/d?x=y", [("A", "postgres://u:p@h:5432/d?x=y")], id="url"),
]


@pytest.mark.parametrize(("text", "expected"), ASSIGNMENTS)
def test_assignments(text: str, expected: list[tuple[str, str]]) -> None:
    found = commands(text)

    assert [(assigned.name, assigned.value.text) for assigned in found[0].assignments] == expected
    _check_places(text, found)


def test_a_here_document_is_a_word_of_its_command() -> None:
    text = "psql -h é <<EOF | grep x\nSELECT 1;\nEOF\ncat <<'E'\n$raw\nE\npsql <<< \"a b\"\n"
    found = commands(text)

    assert _words(found) == [
        ["psql", "-h", "é", "SELECT 1;\n"],
        ["grep", "x"],
        ["cat", "$raw\n"],
        ["psql", "a b"],
    ]
    assert [word.text for command in found for word in command.words if word.heredoc] == [
        "SELECT 1;\n",
        "$raw\n",
        "a b",
    ]
    _check_places(text, found)


def test_lines_count_from_one_also_inside_nested_scripts() -> None:
    text = "a\n\nsh -c '\n  psql -h b\n'\n"

    assert [(command.words[0].text, command.line) for command in commands(text)] == [
        ("a", 1),
        ("sh", 3),
        ("psql", 4),
    ]


def test_a_word_in_pieces_maps_where_it_is_in_one() -> None:
    text = 'psql "host=\'db\' x=\\"y\\" port=5"'
    word = commands(text)[0].words[1]

    assert not word.verbatim
    at = word.text.index("port=5")
    place = word.locate(at, at + 6)
    assert place is not None
    assert text[place[0] : place[1]] == "port=5"
    assert word.locate(0, len(word.text)) is None


BROKEN = [
    pytest.param("case a in\npsql -h foo\n", "psql -h foo", id="no esac"),
    pytest.param("echo $((\npsql -h foo -U 'a b' # c\n", "psql -h foo -U a b", id="arithmetic"),
    pytest.param("x=(\nA=b psql -h foo >/x 2>&1; c\n", "psql -h foo", id="array"),
    pytest.param("if [ x ]; then\n psql -h foo\ncurl x | \n", "psql -h foo", id="no fi"),
    pytest.param("psql -h foo\n)\nexport A=b\n", "psql -h foo", id="stray parenthesis"),
    pytest.param("echo ((\npsql -h foo -U 'a b'\n", "psql -h foo -U a b", id="double parenthesis"),
    pytest.param(
        "@psql -h foo %}\n{% if %}\ndone\npsql -h foo\n", "psql -h foo", id="foreign template"
    ),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_broken_script_still_shows_its_commands(text: str, expected: str) -> None:
    found = commands(text)

    assert expected in [" ".join(words) for words in _words(found)]
    _check_places(text, found)


def test_comments_are_found_and_hashes_in_words_are_not() -> None:
    text = "# é\na 'b # c' d#e # f\n"

    assert [text[start:end] for start, end in comments(text)] == ["# é", "# f"]


@settings(max_examples=100, deadline=None)
@given(st.text("ab é'\"\\$(){}`|&;<>\n#=-c{} sh", max_size=50))
def test_no_script_fails_and_every_word_stands_where_it_says(text: str) -> None:
    _check_places(text, commands(text))
