"""Inputs that grow are read in time that grows as they do.

Each text here took time squared once, and at this size would take hours; the limit of a minute
leaves room for a machine a hundred times slower than ours.
"""

from __future__ import annotations

import pytest

from repoint.adapters.kubeapi.commands import kubectl_environment
from repoint.comparison.normal import normal
from repoint.dsn.mask import mask
from repoint.formats.read import read_file
from repoint.sites.detect import detect

pytestmark = pytest.mark.slow
SIZE = 1_000_000
SCRIPT = 190_000
"""No more of a script is read at once (`sites.scripts.MAX_SCRIPT`)."""
READ = [
    pytest.param("a.yaml", "DB_HOST: postgres\nx: ", "{{ .x }}", id="actions on one line"),
    pytest.param("a.yaml", 'DB_HOST: postgres\nx: "', "{{ if x }}", id="open actions"),
    pytest.param("a.yaml", "", "- name: DB_HOST\n  value: pg\n", id="one host again and again"),
    pytest.param("a.yaml", "x: |\n  DB_HOST=pg\n", "  DB_HOST=pg\n", id="hosts in a block"),
    pytest.param("a.yaml", 'DB_HOST: postgres\nx: "', " ", id="blanks in an open quote"),
    pytest.param("a.sh", "U=postgres://a@pg/x psql\n", "$(psql -h pg ", id="commands in commands"),
    pytest.param("a.sh", "U=postgres://a@pg/x psql\n", "<", id="redirects"),
    pytest.param("a.sh", "U=postgres://a@pg/x psql\n", "|", id="pipes"),
    pytest.param(
        "a.sh", "U=postgres://a@pg/x psql\n", "<<E\n", id="here-documents that do not end"
    ),
    pytest.param("a.sh", "U=postgres://a@pg/x psql\n", "a=(", id="arrays in arrays"),
    pytest.param("a.tf", 'DB_HOST = "postgres"\nx = ', "/* ", id="comments that do not end"),
    pytest.param("a.properties", "U=postgres://a@pg/x\nDB_HOST=pg\n", "<a>", id="a key of words"),
    pytest.param("a.tf", 'DB_HOST = "postgres"\nx = ', "\n", id="line breaks"),
    pytest.param("a.tf", 'DB_HOST = "postgres"\nx = ', " ", id="blanks"),
    pytest.param("a.tf", 'DB_HOST = "postgres"\nx = ', "\u2028", id="line separators"),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("path", "before", "piece"), READ)
def test_a_file_is_read_in_linear_time(path: str, before: str, piece: str) -> None:
    size = SCRIPT if path.endswith(".sh") else SIZE
    text = before + piece * (size // len(piece))
    sites = detect(read_file(path, text.encode()))
    assert sites


@pytest.mark.timeout(60)
def test_hosts_of_their_own_are_found_in_linear_time() -> None:
    lines = (f"DB{number}_HOST=pg\nDB{number}_PORT=5432\n" for number in range(SIZE // 30))
    sites = detect(read_file(".env", "".join(lines).encode()))
    assert len(sites) > SIZE // 31  # DB2 is another engine
    assert all(site.port is not None for site in sites)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["\n", "\r\n", " \n"], ids=repr)
def test_blank_lines_are_masked_in_linear_time(piece: str) -> None:
    text = piece * (SIZE // len(piece))
    assert mask(text) == text


_WORDS = ["a", "A_", "DB_PASS_", ":", "a:", "'", "\\'", '"', 'a""', '""', "a.", "$", "E'"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", _WORDS)
def test_a_definition_is_spelled_in_linear_time(piece: str) -> None:
    definition = piece * (SIZE // len(piece))
    found = normal({"v": {"definition": definition}}, "views", (15, 16))
    assert list(found) == ["v"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", _WORDS)
def test_an_environment_is_looked_through_in_linear_time(piece: str) -> None:
    long = piece * (SIZE // len(piece))
    given = {"X": f"a://{long}", f"{long}!": "x", "KEPT": "x"}
    assert kubectl_environment(given)["KEPT"] == "x"
