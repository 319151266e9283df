"""Sealed values against the real sops and real age keys."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from repoint.adapters.runner import find_tool
from repoint.adapters.sops import Sops, set_cmd
from repoint.errors import EditRefused, RepointError, SealedFile, ToolMissing
from repoint.planning.sealed import plain_texts, steps
from tests.unit.flows.hand_plans import Repository, snapshot

URL = '["stringData"]["DATABASE_URL"]'
SECRET = """\
# kept comment
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  # about the url
  DATABASE_URL: postgres://app:canary-1@old:5432/app
  OTHER: "canary-2"   # behind
  LIST:
    - a
    - b
data:
  LAST: eA==
"""
ONLY_VALUES = ("--encrypted-regex", "^(data|stringData)$")
STYLES = {
    "two spaces": lambda text: text,
    "four spaces": lambda text: text,
    "sequences at the key": lambda text: text.replace("    - ENC", "  - ENC"),
    "blank lines and comments": lambda text: text.replace("kind: Secret", '\nkind: "Secret"  # x'),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "a clear comment put in by hand": lambda text: text.replace("  LIST:", "  # by hand\n  LIST:"),
    "a document start": lambda text: "---\n" + text,
}


def sealed(repository: Repository, style: str, *flags: str) -> bytes:
    four = repository.seal("s.yaml", SECRET, *flags).decode()
    two = repository.seal("s.yaml", SECRET, "--indent", "2", *flags).decode()
    start = four if style == "four spaces" else two
    return repository.write("s.yaml", STYLES[style](start).encode())


def changed_lines(before: bytes, after: bytes) -> list[str]:
    old, new = before.decode().splitlines(), after.decode().splitlines()
    assert len(old) == len(new)
    return [
        left.split(":")[0].strip() for left, right in zip(old, new, strict=True) if left != right
    ]


def values(repository: Repository, raw: bytes) -> dict[tuple[str | int, ...], str]:
    return plain_texts("s.yaml", repository.store.open("s.yaml", raw))


@pytest.mark.parametrize("flags", [(), ONLY_VALUES], ids=["everything", "values only"])
@pytest.mark.parametrize("style", STYLES)
def test_set_changes_three_lines_whatever_the_style(
    repository: Repository, style: str, flags: tuple[str, ...]
) -> None:
    raw = sealed(repository, style, *flags)

    after = repository.store.set_value("s.yaml", raw, URL, "postgres://app:canary-1@new:5432/app")

    assert set(changed_lines(raw, after)) <= {"DATABASE_URL", "lastmodified", "mac"}
    assert {"DATABASE_URL", "mac"} <= set(changed_lines(raw, after))
    expected = {**values(repository, raw), steps(URL): "postgres://app:canary-1@new:5432/app"}
    assert values(repository, after) == expected


@pytest.mark.parametrize("flags", [(), ONLY_VALUES], ids=["everything", "values only"])
@pytest.mark.parametrize("style", STYLES)
def test_add_inserts_one_line_in_the_style_of_its_neighbours(
    repository: Repository, style: str, flags: tuple[str, ...]
) -> None:
    raw = sealed(repository, style, *flags)

    after = repository.store.set_value("s.yaml", raw, '["data"]["NEW"]', "eQ==")

    lines = after.splitlines(keepends=True)
    added = [number for number, line in enumerate(lines) if line.strip().startswith(b"NEW:")]
    assert len(added) == 1
    assert changed_lines(raw, b"".join(lines[: added[0]] + lines[added[0] + 1 :])) in (
        ["lastmodified", "mac"],
        ["mac"],
    )
    neighbour = next(line for line in lines if line.strip().startswith(b"LAST:"))
    assert lines[added[0]].index(b"NEW") == neighbour.index(b"LAST")
    assert (b"\r\n" in lines[added[0]]) == (style == "CRLF")
    assert values(repository, after)[("data", "NEW")] == "eQ=="


@pytest.mark.parametrize("style", STYLES)
def test_remove_is_the_inverse_of_add(repository: Repository, style: str) -> None:
    raw = sealed(repository, style)
    store = repository.store

    grown = store.set_value("s.yaml", raw, '["stringData"]["NEW"]', "x")
    back = store.remove_value("s.yaml", grown, '["stringData"]["NEW"]')

    assert set(changed_lines(raw, back)) <= {"lastmodified", "mac"}
    assert values(repository, back) == values(repository, raw)


@pytest.mark.parametrize(
    "value",
    [
        "p@ss/#%40 'single' \"double\" \\ back",
        "ünïcödé 🙂 \u2028",
        "two\nlines\n",
        "postgres://u:a%40b@h/db?x=1&y=${Z}",
        "true",
        "123",
        "a: b # c",
        "  spaces  ",
        "\ttab",
    ],
)
def test_a_value_survives_as_it_is(repository: Repository, value: str) -> None:
    raw = sealed(repository, "two spaces")

    after = repository.store.set_value("s.yaml", raw, URL, value)

    assert values(repository, after)[steps(URL)] == value


def test_json_and_dotenv(repository: Repository) -> None:
    clear = {
        "kind": "Secret",
        "stringData": {"DATABASE_URL": "postgres://a:canary-1@old/x", "B": "b"},
    }
    raw = repository.seal("s.json", json.dumps(clear), *ONLY_VALUES)
    after = repository.store.set_value("s.json", raw, URL, "postgres://a:canary-1@new/x")
    after = repository.store.set_value("s.json", after, '["stringData"]["NEW"]', "n")
    clear["stringData"] |= {"DATABASE_URL": "postgres://a:canary-1@new/x", "NEW": "n"}  # type: ignore[operator]
    assert json.loads(repository.store.open("s.json", after)) == clear
    assert len(after.splitlines()) == len(raw.splitlines()) + 1
    back = repository.store.remove_value("s.json", after, '["stringData"]["NEW"]')
    assert len(back.splitlines()) == len(raw.splitlines())

    raw = repository.seal("s.env", "# c\nDATABASE_URL=postgres://a:canary-1@old/x\nB=b\n")
    after = repository.store.set_value(
        "s.env", raw, '["DATABASE_URL"]', "postgres://a:canary-1@new/x"
    )
    after = repository.store.set_value("s.env", after, '["NEW"]', "n")
    plain = repository.store.open("s.env", after).decode()
    assert plain == "# c\nDATABASE_URL=postgres://a:canary-1@new/x\nB=b\nNEW=n\n"
    back = repository.store.remove_value("s.env", after, '["NEW"]')
    assert len(back.splitlines()) == len(raw.splitlines())


def test_the_first_of_two_documents_and_both_macs(repository: Repository) -> None:
    raw = repository.seal(
        "m.yaml", "stringData:\n  DATABASE_URL: old\n---\nstringData:\n  DATABASE_URL: z\n"
    )

    after = repository.store.set_value("m.yaml", raw, URL, "new")

    texts = plain_texts("m.yaml", repository.store.open("m.yaml", after))
    assert list(texts.values()) == ["new", "z"]


def test_a_wrong_key_is_told_before_anything_is_written(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = sealed(repository, "two spaces")
    before = snapshot(repository.root)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", "/dev/null")
    monkeypatch.setenv("HOME", str(repository.root))

    with pytest.raises(SealedFile, match=r"s\.yaml.*no key at hand"):
        repository.store.set_value("s.yaml", raw, URL, "canary-3")

    assert snapshot(repository.root) == before


def test_a_file_changed_outside_sops_is_refused(repository: Repository) -> None:
    raw = sealed(repository, "two spaces", *ONLY_VALUES).replace(b"name: db", b"name: dc")

    with pytest.raises(SealedFile, match="MAC") as caught:
        repository.store.open("s.yaml", raw)

    assert "canary" not in str(caught.value)


def test_a_result_with_another_value_changed_too_is_refused(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = sealed(repository, "two spaces")
    real = Sops._change

    def careless(self: Sops, path: str, raw: bytes, pointer: str, payload: bytes | None) -> bytes:
        once = real(self, path, raw, pointer, payload)
        return real(self, path, once, '["stringData"]["OTHER"]', b'"another"')

    monkeypatch.setattr(Sops, "_change", careless)
    with pytest.raises(EditRefused, match="more, or other"):
        repository.store.set_value("s.yaml", raw, URL, "new")


def test_a_clear_file_is_not_sealed(repository: Repository) -> None:
    with pytest.raises(SealedFile, match="not a sealed file"):
        repository.store.open("s.yaml", SECRET.encode())


def test_a_flow_mapping_cannot_take_an_entry(repository: Repository) -> None:
    raw = repository.seal("s.yaml", "stringData:\n  A: x\n")
    token = raw.split(b"A: ")[1].split(b"\n")[0]
    raw = raw.replace(b"\n    A: " + token, b" {A: '" + token + b"'}")

    with pytest.raises(EditRefused, match="flow"):
        repository.store.set_value("s.yaml", raw, '["stringData"]["NEW"]', "x")


def test_the_value_is_no_argument_and_never_on_disk(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raw = sealed(repository, "two spaces")
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    seen: list[str] = []
    real = subprocess.run

    def spy(argv: list[str], **rest: object) -> object:
        seen.extend(argv)
        done = real(argv, **rest)  # type: ignore[call-overload]
        seen.extend(path.read_text() for path in spool.rglob("*") if path.is_file())
        return done

    monkeypatch.setattr(subprocess, "run", spy)
    repository.store.set_value("s.yaml", raw, URL, "postgres://app:canary-9@new/app")

    assert len(seen) > 10
    assert "canary" not in "".join(seen)
    assert list(spool.iterdir()) == []


def test_the_real_binary_is_called_not_the_shim() -> None:
    assert Path(find_tool("sops")).read_bytes()[:4] == b"\x7fELF"
    argv = set_cmd("sops", "yaml", Path("x.yaml"), URL)
    assert argv[:2] == ["sops", "set"] and "--value-stdin" in argv


def test_repr_of_the_store_tells_nothing(repository: Repository) -> None:
    assert "canary" not in repr(Sops(repository.tree))


def starts_of_sops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, before: str = ""
) -> Callable[[], int]:
    """Counts how often sops is started from here on; `before` is shell text run each time."""
    log, real = tmp_path / "starts", find_tool("sops")
    log.touch()
    counting = tmp_path / "counting-sops"
    counting.write_text(f'#!/bin/sh\necho >>"{log}"\n{before}\nexec "{real}" "$@"\n')
    counting.chmod(0o755)
    monkeypatch.setenv("REPOINT_SOPS", str(counting))
    return lambda: log.read_text().count("\n")


def test_prefetched_files_are_opened_once_each(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = {}
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        raws[name] = repository.seal(name, SECRET.replace("canary-1", name))
        repository.write(name, raws[name])
    starts, store = starts_of_sops(tmp_path, monkeypatch), repository.store

    store.prefetch(tuple(raws))
    assert starts() == 3
    for name, raw in raws.items():
        assert f"app:{name}@old" in store.decrypt(name).decode()
        assert store.open(name, raw) == store.decrypt(name)
    store.prefetch(tuple(raws))

    assert starts() == 3


def test_files_are_opened_at_the_same_time(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = repository.seal("a.yaml", SECRET)
    # Each waits until the other has started: one after another they would never end.
    (tmp_path / "both").mkdir()
    meet = (
        f'touch "{tmp_path}/both/$$"; until [ "$(ls "{tmp_path}/both" | wc -l)" -ge 2 ]; '
        "do sleep 0.01; done"
    )
    starts_of_sops(tmp_path, monkeypatch, before=meet)
    store = Sops(repository.tree, timeout=20)
    store.open_ahead({"a.yaml": raw, "b.yaml": raw})

    assert store.open("a.yaml", raw) == store.open("b.yaml", raw)


def test_what_goes_wrong_ahead_is_raised_when_the_file_is_asked_for(
    repository: Repository,
) -> None:
    good = repository.write("good.yaml", repository.seal("good.yaml", SECRET))
    repository.write("broken.yaml", good.replace(b"canary", b"x").replace(b"LAST", b"FIRST"))
    repository.write("clear.yaml", b"a: b\n")
    repository.write("whole.bin", b"x")
    names = ("good.yaml", "broken.yaml", "clear.yaml", "whole.bin", "missing.yaml")
    store = repository.store

    def outcome(store: Sops, name: str) -> tuple[object, ...]:
        try:
            return (store.decrypt(name),)
        except RepointError as error:
            return type(error), error.message, error.hints

    expected = {name: outcome(repository.store, name) for name in names}
    store.prefetch(names)
    for _ in range(2):
        assert {name: outcome(store, name) for name in names} == expected
    assert [name for name in names if isinstance(expected[name][0], bytes)] == ["good.yaml"]


def test_without_sops_nothing_is_raised_ahead(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write("a.yaml", repository.seal("a.yaml", SECRET))
    monkeypatch.setenv("REPOINT_SOPS", "/nowhere/sops")
    store = repository.store
    store.prefetch(["a.yaml"])
    with pytest.raises(ToolMissing):
        store.decrypt("a.yaml")


def test_other_bytes_at_the_same_path_are_opened_anew(repository: Repository) -> None:
    one, two = (repository.seal("a.yaml", SECRET.replace("canary-1", x)) for x in ("one", "two"))
    store = repository.store
    store.open_ahead({"a.yaml": one})
    assert b"app:two@" in store.open("a.yaml", two)
    assert b"app:one@" in store.open("a.yaml", one)
