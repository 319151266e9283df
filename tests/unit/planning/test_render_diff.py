"""Law 4's arithmetic: a difference is explained by the plan's own replacements, or not at all."""

from __future__ import annotations

import base64

import pytest

from repoint.model.plan import Applicability, Edit, FileChange, Op, PartEdit
from repoint.planning.render_diff import compare, explain, objects_of


def change(*, before: str = "", after: str = "", parts: tuple[PartEdit, ...] = (),
           expects: tuple[str, ...] = ()) -> FileChange:  # fmt: skip
    edit = Edit(
        Op.SPLICE, "", 1, "k", "RP110", "why", Applicability.SAFE,
        before=before, after=after, parts=parts, expects=expects,
    )  # fmt: skip
    return FileChange("a.yaml", "local", "x", "y", (edit,))


def config(value: str, kind: str = "ConfigMap", name: str = "c") -> str:
    return (
        f"kind: {kind}\nmetadata: {{name: {name}, namespace: n}}\ndata:\n  k: {value}\n  z: same\n"
    )


HOST = PartEdit("host", "old.n.svc", "new.n.svc")


def unexplained(old: str, new: str, *changes: FileChange) -> tuple[str, ...]:
    return explain(compare(objects_of(old), objects_of(new)), changes)[1]


EXPLAINED = [
    ("a host in a text", "psql -h old.n.svc", "psql -h new.n.svc", (HOST,)),
    (
        "a host in a default",
        "psql -h ${PGHOST:-old.n.svc}",
        "psql -h ${PGHOST:-new.n.svc}",
        (HOST,),
    ),
    ("a host behind its option", "psql -hold.n.svc -c x", "psql -hnew.n.svc -c x", (HOST,)),
    ("a host twice", "old.n.svc old.n.svc", "new.n.svc new.n.svc", (HOST,)),
    (
        "a parameter that is added",
        "postgres://u@old.n.svc/d",
        "postgres://u@new.n.svc/d?sslmode=require",
        (HOST, PartEdit("param", "", "require", "sslmode")),
    ),
    (
        "a parameter right behind the host",
        "user=u dbname=d host=old.n.svc",
        "user=u dbname=d host=new.n.svc sslmode=require",
        (HOST, PartEdit("param", "", "require", "sslmode")),
    ),
    (
        "a parameter in the spelling of its driver",
        "r2dbc:postgresql://old.n.svc/d",
        "r2dbc:postgresql://new.n.svc/d?sslMode=require",
        (HOST, PartEdit("param", "", "require", "sslmode")),
    ),
    (
        "a parameter that goes while another keeps the same value",
        "jdbc:postgresql://old.n.svc/d?currentSchema=toll&ApplicationName=toll",
        "jdbc:postgresql://new.n.svc/d?ApplicationName=toll&sslmode=require",
        (
            HOST,
            PartEdit("param", "", "require", "sslmode"),
            PartEdit("param", "toll", "", "currentSchema"),
        ),
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "parts"), [row[1:] for row in EXPLAINED], ids=[row[0] for row in EXPLAINED]
)
def test_planned_replacements_explain(old: str, new: str, parts: tuple[PartEdit, ...]) -> None:
    assert unexplained(config(old), config(new), change(parts=parts)) == ()


def test_a_parameter_goes_beside_one_whose_value_begins_alike() -> None:
    def url(name: str) -> str:
        return f"postgres://{name}@old.n.svc/d?search_path={name}"

    def gone(name: str) -> FileChange:
        added = PartEdit("param", "", "require", "sslmode")
        return change(parts=(HOST, added, PartEdit("param", name, "", "search_path")))

    old = "\n---\n".join(config(url(name), name=name) for name in ("toll", "toll_ro"))
    new = old
    for name in ("toll_ro", "toll"):
        new = new.replace(url(name), f"postgres://{name}@new.n.svc/d?sslmode=require")

    assert unexplained(old, new, gone("toll"), gone("toll_ro")) == ()


UNEXPLAINED = [
    (
        "a value that goes with a parameter of another name",
        "postgres://old.n.svc/d?currentSchema=toll&application_name=toll",
        "postgres://new.n.svc/d?application_name=",
        (HOST, PartEdit("param", "toll", "", "currentSchema")),
    ),
    ("another host", "old.n.svc", "evil.n.svc", (HOST,)),
    ("a longer host", "old.n.svc", "new.n.svc.evil", (HOST,)),
    ("a token before the host", "-p 1 old.n.svc", "-p 2 new.n.svc", (HOST,)),
    ("a token beside the host", "old.n.svc -p 1", "new.n.svc -p 2", (HOST,)),
    ("another option of the host", "psql -hold.n.svc", "psql -Unew.n.svc", (HOST,)),
    (
        "more than the parameter behind the host",
        "host=old.n.svc",
        "host=new.n.svc sslmode=require x=y",
        (HOST, PartEdit("param", "", "require", "sslmode")),
    ),
    ("a text that grows", "old.n.svc", "new.n.svc; rm", (HOST,)),
    ("a change without a plan", "1", "2", ()),
]


@pytest.mark.parametrize(
    ("old", "new", "parts"), [row[1:] for row in UNEXPLAINED], ids=[row[0] for row in UNEXPLAINED]
)
def test_anything_else_does_not(old: str, new: str, parts: tuple[PartEdit, ...]) -> None:
    found = unexplained(config(f"'{old}'"), config(f"'{new}'"), change(parts=parts))

    assert found == ("ConfigMap/n/c: data.k",)


def test_a_generated_name_may_move_by_its_hash_only() -> None:
    def tree(hashed: str, value: str) -> str:
        user = f"kind: Pod\nmetadata: {{name: p, namespace: n}}\nref: c-{hashed}\n"
        return config(value, name=f"c-{hashed}") + "---\n" + user

    old, new = tree("abcde12345", "old.n.svc"), tree("fghij67890", "new.n.svc")
    assert unexplained(old, new, change(parts=(HOST,))) == ()
    assert unexplained(old, new.replace("ref: c-", "ref: d-"), change(parts=(HOST,))) != ()


def test_folded_base64_of_a_secret_is_compared_by_its_text() -> None:
    def sealed(text: str) -> str:
        raw = base64.b64encode(text.encode()).decode()
        return config(f"|\n    {raw[:40]}\n    {raw[40:]}", kind="Secret")

    text = "postgres://user:canary-word@old.n.svc:5432/database"
    diff = compare(objects_of(sealed(text)), objects_of(sealed(text.replace("old", "new"))))
    explained, left = explain(diff, [change(parts=(HOST,))])

    assert left == ()
    assert "canary" not in repr(explained)


def test_an_announced_field_may_appear_and_its_neighbour_may_not() -> None:
    old = "kind: Job\nmetadata: {name: j, namespace: n}\nspec: {a: 1}\n"
    new = old.replace("{a: 1}", "{a: 1, b: {c: 2}, bb: 3}")

    assert unexplained(old, new, change(expects=("Job/n/j#spec.b",))) == ("Job/n/j: spec.bb",)


def test_an_item_that_is_inserted_moves_no_other() -> None:
    pod = "kind: Pod\nmetadata: {name: p, namespace: n}\ncontainers:\n- {name: b, image: x}\n"
    new = pod.replace("containers:\n", "containers:\n- {name: a, image: y}\n")
    diff = compare(objects_of(pod), objects_of(new))

    assert {item.field for item in diff.differences} == {
        "containers[a].name", "containers[a].image",
    }  # fmt: skip
    assert diff.unchanged == 5


def test_what_does_not_change_is_counted_and_digested() -> None:
    one = compare(objects_of(config("a")), objects_of(config("b")))
    other = compare(objects_of(config("a")), objects_of(config("c")))
    third = compare(objects_of(config("a") + "  y: 1\n"), objects_of(config("b") + "  y: 1\n"))

    assert (one.unchanged, one.digest) == (other.unchanged, other.digest)
    assert one.digest != third.digest
