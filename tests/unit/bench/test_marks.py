"""Taking marks out of a text, and telling where they were."""

from __future__ import annotations

from bench.marks import Wanted, decoy, encoded_site, planted, reference, site

WANTED = Wanted("KEY", "/0/x", "url", ("runtime",))


def test_bytes_and_columns_are_told_apart() -> None:
    raw, sites, decoys = planted("a", f"é: {decoy('ü', 'a comment')} {site('db', WANTED)}\n")
    assert raw == "é: ü db\n".encode()
    assert (sites[0].start, sites[0].end, sites[0].line, sites[0].column) == (7, 9, 1, 6)
    assert (decoys[0].start, decoys[0].end, decoys[0].why) == (4, 6, "a comment")


def test_marks_of_one_line_and_of_several() -> None:
    text = f"x\n{site('a', WANTED)}{site('bb', WANTED)}\n\n {site('c', WANTED)}"
    raw, sites, _ = planted("a", text)
    assert raw == b"x\nabb\n\n c"
    assert [(one.line, one.column, one.start) for one in sites] == [(2, 1, 2), (2, 2, 3), (4, 2, 8)]


def test_an_encoded_site_spans_its_whole_value() -> None:
    raw, sites, _ = planted("a", f"k: {encoded_site('cG9zdA==', 'db', WANTED)}")
    assert raw[sites[0].start : sites[0].end] == b"cG9zdA=="
    assert (sites[0].host, sites[0].encoded) == ("db", "base64")


def test_a_site_without_a_pointer_is_named_by_its_line() -> None:
    _, sites, _ = planted("a", "\n\n  " + site("db", Wanted("KEY", "", "makefile", ("runtime",))))
    assert sites[0].pointer == "line/3"


def test_a_reference_counts_neither_way() -> None:
    _, sites, decoys = planted("a", reference("$DB_HOST"))
    assert not sites
    assert decoys[0].neutral
    assert not planted("a", decoy("x", "redis"))[2][0].neutral
