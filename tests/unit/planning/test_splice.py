"""Edits applied to bytes."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repoint.errors import Conflict, EditRefused, OverlappingEdits, StalePlan
from repoint.model.plan import Applicability, Edit, Op, PartEdit
from repoint.model.receipt import ReceiptFile
from repoint.planning.splice import apply_edits, patches, splice
from repoint.planning.takeback import take_back
from repoint.planning.undo import describe
from tests.unit.flows.hand_plans import DIRECT, OLD, POOLED, copy_of, edit, host, sha, swap

KEY = PartEdit("key", "DATABASE_URL", "DATABASE_URL_DIRECT")


def entry_for(path: str, raw: bytes, after: bytes, edits: list[Edit]) -> ReceiptFile:
    undos = describe(path, raw, after, edits)
    return ReceiptFile(path, "f", sha(raw), sha(after), undos=undos)


@pytest.mark.parametrize(
    ("path", "raw", "entry", "copy"),
    [
        pytest.param(
            "s.yaml",
            'stringData:\n  DATABASE_URL: "postgres://u:canary-%40@{h}/x"\n  B: y\n',
            '  DATABASE_URL: "postgres://u:canary-%40@{h}/x"\n',
            '  DATABASE_URL_DIRECT: "postgres://u:canary-%40@{d}/x"\n',
            id="a key of a Secret",
        ),
        pytest.param(
            "a/.env",
            "A=1\nDATABASE_URL=postgres://u:canary@{h}/x",
            "DATABASE_URL=postgres://u:canary@{h}/x",
            "\nDATABASE_URL_DIRECT=postgres://u:canary@{d}/x",
            id="a last line without a line break",
        ),
        pytest.param(
            "a/.env",
            "A=1\r\nDATABASE_URL=postgres://u:canary@{h}/x",
            "DATABASE_URL=postgres://u:canary@{h}/x",
            "\r\nDATABASE_URL_DIRECT=postgres://u:canary@{d}/x",
            id="a last line without a line break among CRLF",
        ),
        pytest.param(
            "kustomization.yaml",
            "secretGenerator:\n  - name: s\n    literals:\n      - DATABASE_URL=postgres://u@{h}/x\n",
            "      - DATABASE_URL=postgres://u@{h}/x\n",
            "      - DATABASE_URL_DIRECT=postgres://u@{d}/x\n",
            id="a literal of a generator",
        ),
        pytest.param(
            "d.yaml",
            "env:\n- name: DATABASE_URL\n  value: {h}\n- name: B\n  value: b\n",
            "- name: DATABASE_URL\n  value: {h}\n",
            "- name: DATABASE_URL_DIRECT\n  value: {d}\n",
            id="an entry of two lines with a bare host",
        ),
    ],
)
def test_duplicate(path: str, raw: str, entry: str, copy: str) -> None:
    names = {"h": OLD, "d": DIRECT}
    before = raw.format(**names).encode()
    entry, copy = entry.format(**names), copy.format(**names)
    change = copy_of(before, entry, (KEY, host(OLD, DIRECT)))

    after = apply_edits(path, before, [change])

    assert after.decode() == before.decode().replace(entry, entry + copy)
    undone = take_back(after, entry_for(path, before, after, [change]))
    assert undone.content == before and undone.exact
    edited = after + (b"" if after.endswith(b"\n") else b"\n") + b"# more\n"
    if path.endswith(".env"):
        edited = b"# more\n" + after
    moved = take_back(edited, entry_for(path, before, after, [change]))
    assert moved.content is not None and not moved.exact
    assert moved.content.replace(b"# more\n", b"") in (before, before + b"\n")


def test_duplicate_of_base64() -> None:
    token = base64.b64encode(f"postgres://u:canary@{OLD}/x".encode()).decode()
    raw = f"kind: Secret\ndata:\n  DATABASE_URL: {token}\n".encode()
    change = copy_of(raw, f"  DATABASE_URL: {token}\n", (KEY, host(OLD, DIRECT)), before="base64")

    after = apply_edits("s.yaml", raw, [change])

    expected = base64.b64encode(f"postgres://u:canary@{DIRECT}/x".encode())
    assert after == raw + b"  DATABASE_URL_DIRECT: " + expected + b"\n"
    changed = b"# more\n" + after
    assert (
        take_back(changed, entry_for("s.yaml", raw, after, [change])).content == b"# more\n" + raw
    )


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("postgres://u:canary-1@postgres:5432/x", True),
        ("postgres://u@elsewhere/x?host=postgres", True),
        ("postgres://postgres:canary-1@elsewhere/postgres", False),
        ("postgres", True),
        ("psql -h postgres -c 'select 1'", True),
        ("postgres-other", False),
        ("my.postgres", False),
        ("elsewhere", False),
    ],
)
def test_a_host_that_is_back_is_told_from_its_name_elsewhere(text: str, back: bool) -> None:
    """A rollback that took the scheme for the old host went by a value that somebody changed."""
    raw = b"url: postgres://u@postgres/x\n"
    change = swap(raw, "postgres", POOLED, pointer="/0/url", nth=1)
    after = apply_edits("s.yaml", raw, [change])
    edited = f"url: {text}\n".encode()

    if back:
        undone = take_back(edited, entry_for("s.yaml", raw, after, [change]))
        assert undone.content == edited and len(undone.gone) == 1
    else:
        with pytest.raises(Conflict) as caught:
            take_back(edited, entry_for("s.yaml", raw, after, [change]))
        assert "canary" not in "".join(caught.value.hints)


def test_the_copy_is_of_the_entry_as_it_was() -> None:
    raw = f"DATABASE_URL=postgres://u:p@{OLD}/x\n".encode()
    edits = [swap(raw, OLD, POOLED), copy_of(raw, raw.decode(), (KEY, host(OLD, DIRECT)))]

    after = apply_edits(".env", raw, edits).decode()

    assert after.splitlines() == [
        f"DATABASE_URL=postgres://u:p@{POOLED}/x",
        f"DATABASE_URL_DIRECT=postgres://u:p@{DIRECT}/x",
    ]


def test_a_changed_byte_under_an_edit_is_stale_and_names_the_line() -> None:
    raw = f"a: 1\nb: {OLD}\n".encode()
    change = swap(raw, OLD, POOLED)

    with pytest.raises(StalePlan, match=r"`x\.yaml` line 2") as caught:
        apply_edits("x.yaml", raw.replace(b"postgres", b"canary-1"), [change])

    assert "canary" not in str(caught.value)


def test_overlapping_edits_are_refused() -> None:
    raw = f"b: {OLD}\n".encode()

    with pytest.raises(OverlappingEdits, match="line 1"):
        apply_edits("x.yaml", raw, [swap(raw, OLD, POOLED), swap(raw, OLD[:5], "x")])


def test_an_edit_that_changes_another_value_is_refused() -> None:
    raw = b"a: old\nb: y\n"

    with pytest.raises(EditRefused, match=r"x\.yaml"):
        apply_edits("x.yaml", raw, [swap(raw, "old", "'")])


def test_display_edits_are_not_written_and_sealed_ones_are_refused() -> None:
    raw = f"b: {OLD}\n".encode()
    shown = replace(swap(raw, OLD, POOLED), applicability=Applicability.DISPLAY)

    assert apply_edits("x.yaml", raw, [shown]) == raw
    with pytest.raises(EditRefused, match="sealed"):
        apply_edits("x.yaml", raw, [edit(Op.SEALED, '["b"]', "b")])


def test_create_needs_an_empty_place_and_no_other_edit() -> None:
    created = edit(Op.CREATE, "", "", after="kind: Patch\n")

    assert apply_edits("n.yaml", None, [created]) == b"kind: Patch\n"
    with pytest.raises(StalePlan, match="exists"):
        apply_edits("n.yaml", b"", [created])
    with pytest.raises(EditRefused, match="no other edit"):
        apply_edits("n.yaml", None, [created, created])
    with pytest.raises(StalePlan, match="not there any more"):
        apply_edits("n.yaml", None, [swap(b"a", "a", "b")])


@pytest.mark.parametrize("token", [b"not base64!", b"//8=", b"YQ=\n="])
def test_base64_that_is_none_is_stale(token: bytes) -> None:
    raw = b"data:\n  U: '" + token + b"'\n"
    start = raw.index(token)
    change = edit(Op.ENCODED, "", "U", start=start, end=start + len(token), parts=(host(),))

    with pytest.raises((StalePlan, EditRefused)):
        apply_edits("s.yaml", raw, [change])


_WORDS = st.text(st.sampled_from("ab:# \n\r'\"{}é@"), max_size=6)


@given(pieces=st.lists(st.tuples(_WORDS, _WORDS, _WORDS), min_size=1, max_size=6))
@example(pieces=[("", "", ":"), ("", "", "@")])
@example(pieces=[("", ":", ""), ("", "@", "")])
@settings(max_examples=60, deadline=None)
def test_bytes_outside_the_edits_stay_and_the_inverse_gives_them_back(
    pieces: list[tuple[str, str, str]],
) -> None:
    raw = "".join(gap + before for gap, before, _ in pieces).encode()
    edits: list[Edit] = []
    at = 0
    for gap, before, after in pieces:
        at += len(gap.encode())
        end = at + len(before.encode())
        edits.append(edit(Op.SPLICE, "", "k", start=at, end=end, before=before, after=after))
        at = end

    result = splice("x.txt", raw, patches("x.txt", raw, edits))

    if all(before for _, before, _ in pieces):
        # Only insertions at one place depend on the order of the edits.
        assert splice("x.txt", raw, patches("x.txt", raw, edits[::-1])) == result
        assert result == "".join(gap + after for gap, _, after in pieces).encode()
    undos = describe("x.txt", raw, result, edits)
    entry = ReceiptFile("x.txt", "f", sha(raw), sha(result), undos=undos)
    assert take_back(result, entry).content == raw


@given(
    password=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zs"]), max_size=12
    ),
    seed=st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_base64_goes_forth_and_back(password: str, seed: int) -> None:
    from urllib.parse import quote

    secret = f"u{'x' * seed}:{quote(password, safe='')}"
    url = f"postgres://{secret}@{OLD}:5432/x?search_path=a&sslmode=disable"
    token = base64.b64encode(url.encode())
    raw = b"data:\n  U: " + token + b"\n"
    start = raw.index(token)
    parts = (
        host(),
        PartEdit("param", "a", "", "search_path"),
        PartEdit("param", "disable", "require", "sslmode"),
    )
    change = edit(Op.ENCODED, "/0/data/U", "U", start=start, end=start + len(token), parts=parts)

    after = apply_edits("s.yaml", raw, [change])
    undone = take_back(after, entry_for("s.yaml", raw, after, [change]))

    assert undone.content == raw and undone.exact
    later = take_back(b"# x\n" + after, entry_for("s.yaml", raw, after, [change]))
    assert later.content == b"# x\n" + raw
