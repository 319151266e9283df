"""Apply and rollback on real files, clear and sealed, alone and together."""

from __future__ import annotations

import base64
import itertools
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from repoint.errors import (
    Conflict,
    DirtyWorkTree,
    EditRefused,
    FileRefused,
    PlanBlocked,
    ProofFailed,
    SealedFile,
    StalePlan,
    UsageError,
)
from repoint.flows.apply import Applied, apply_plan
from repoint.flows.chosen import chosen_in
from repoint.flows.rollback import RolledBack, roll_back
from repoint.flows.standing import standing_of
from repoint.model.plan import Edit, Finding, Op, OverlayProof, PartEdit, Plan, Severity
from repoint.model.receipt import Chosen
from repoint.model.rehearsal import Verdict
from repoint.model.source import Location
from tests.unit.flows.hand_plans import (
    DIRECT,
    OLD,
    POOLED,
    Repository,
    change,
    copy_of,
    edit,
    host,
    plan_of,
    snapshot,
    swap,
)

DEPLOY = f"""\
kind: Deployment
spec:
  env:
    - name: URL
      value: "postgres://app:canary-p%40ss@{OLD}:5432/app?sslmode=disable&search_path=shop"
    - name: HOST
      value: {OLD}
"""
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  DATABASE_URL: postgres://app:canary-s@{OLD}:5432/app
  OTHER: x
"""
SEALED = '["stringData"]["DATABASE_URL"]'
URL_POINTER = "/0/spec/env/0/value"
ONLY_VALUES = ("--indent", "2", "--encrypted-regex", "^(data|stringData)$")


def apply(repository: Repository, plan: Plan, *names: str, dirty: bool = True) -> Applied:
    return apply_plan(
        plan, repository.tree, repository.store, environments=names, allow_dirty=dirty
    )


def back(repository: Repository, *names: str) -> RolledBack:
    return roll_back(names, repository.tree, repository.store)


def everything(repository: Repository) -> Plan:
    """A plan with every kind of edit."""
    root = repository.root
    deploy = repository.write("app/deploy.yaml", DEPLOY)
    dotenv = repository.write("app/.env", f"A=1\nDATABASE_URL=postgres://a:canary-e@{OLD}/app")
    token = base64.b64encode(f"postgres://a:canary-b@{OLD}:5432/app?search_path=x&a=1".encode())
    data = repository.write(
        "app/data.yaml", b"kind: Secret\ndata:\n  URL: " + token + b"\n  B: eA==\n"
    )
    repository.seal("app/secret.yaml", SECRET, *ONLY_VALUES)
    start = data.index(token)
    recoded = edit(
        Op.ENCODED, "/0/data/URL", "URL", start=start, end=start + len(token),
        parts=(host(), PartEdit("param", "x", "", "search_path")),
    )  # fmt: skip
    sealed = edit(Op.SEALED, SEALED, "DATABASE_URL", parts=(host(),))
    added = edit(
        Op.SEALED_ADD, '["stringData"]["DATABASE_URL_DIRECT"]', "DATABASE_URL_DIRECT",
        source_pointer=SEALED, parts=(host(OLD, DIRECT),),
    )  # fmt: skip
    last = f"DATABASE_URL=postgres://a:canary-e@{OLD}/app"
    key = PartEdit("key", "DATABASE_URL", "DATABASE_URL_DIRECT")
    return plan_of(root, [
        change(root, "app/deploy.yaml", [
            swap(deploy, OLD, POOLED, pointer=URL_POINTER),
            swap(deploy, "&search_path=shop", "", pointer=URL_POINTER),
            swap(deploy, OLD, POOLED, pointer="/0/spec/env/1/value", nth=1),
        ]),
        change(root, "app/.env", [
            swap(dotenv, OLD, POOLED), copy_of(dotenv, last, (key, host(OLD, DIRECT))),
        ]),
        change(root, "app/data.yaml", [recoded]),
        change(root, "app/secret.yaml", [sealed, added]),
        change(root, "app/new/patch.yaml", [edit(Op.CREATE, "", "", after="kind: Patch\n")]),
    ])  # fmt: skip


def test_apply_writes_what_was_planned(repository: Repository) -> None:
    plan = everything(repository)
    done = apply(repository, plan)

    assert len(done.written) == 5
    read = repository.tree.read
    assert read("app/.env").decode().splitlines()[1:] == [
        f"DATABASE_URL=postgres://a:canary-e@{POOLED}/app",
        f"DATABASE_URL_DIRECT=postgres://a:canary-e@{DIRECT}/app",
    ]
    token = read("app/data.yaml").split(b"URL: ")[1].split(b"\n")[0]
    assert base64.b64decode(token).decode() == f"postgres://a:canary-b@{POOLED}:5432/app?a=1"
    clear = repository.store.decrypt("app/secret.yaml").decode()
    assert f"DATABASE_URL: postgres://app:canary-s@{POOLED}:5432/app" in clear
    assert f"DATABASE_URL_DIRECT: postgres://app:canary-s@{DIRECT}:5432/app" in clear
    assert "search_path" not in read("app/deploy.yaml").decode()


def test_rollback_gives_the_exact_bytes_and_no_folder_more(repository: Repository) -> None:
    plan = everything(repository)
    before = snapshot(repository.root)
    apply(repository, plan)

    done = back(repository, "local")

    assert snapshot(repository.root) == before
    assert done.inexact == () and done.notes == ()


def test_twice_is_once(repository: Repository) -> None:
    plan = everything(repository)
    before = snapshot(repository.root)
    apply(repository, plan)
    applied = snapshot(repository.root)

    assert apply(repository, plan).written == ()
    assert snapshot(repository.root) == applied
    back(repository, "local")
    assert back(repository, "local").written == ()
    assert snapshot(repository.root) == before


def test_no_password_enters_a_receipt(repository: Repository) -> None:
    apply(repository, everything(repository))

    receipt = (repository.root / ".repoint/receipts/local.json").read_text()

    assert OLD in receipt
    assert "canary" not in receipt
    encoded = [base64.b64encode(b"xx" + b"canary-b"[n:]).decode() for n in range(3)]
    assert not any(piece[4:10] in receipt for piece in encoded)


def test_later_edits_of_others_stay(repository: Repository) -> None:
    plan = everything(repository)
    before = snapshot(repository.root)
    apply(repository, plan)
    touched = {
        "app/deploy.yaml": (b"spec:\n", b"spec:\n  replicas: 2\n"),
        "app/.env": (b"A=1\n", b"A=2\nNEW=line\n"),
        "app/data.yaml": (b"  B: eA==\n", b"  B: eQ==\n"),
    }
    for path, (old, new) in touched.items():
        repository.write(path, repository.tree.read(path).replace(old, new))
    sealed = repository.tree.read("app/secret.yaml")
    other = '["stringData"]["OTHER"]'
    repository.write(
        "app/secret.yaml", repository.store.set_value("app/secret.yaml", sealed, other, "changed")
    )

    done = back(repository, "local")

    assert set(done.inexact) == {*touched, "app/secret.yaml"}
    for path, (old, new) in touched.items():
        raw = before[path]
        assert raw is not None
        assert repository.tree.read(path) == raw.replace(old, new), path
    clear = repository.store.decrypt("app/secret.yaml").decode()
    assert f"canary-s@{OLD}" in clear and "DIRECT" not in clear and "OTHER: changed" in clear


def test_line_ends_that_git_changed_are_kept(repository: Repository) -> None:
    """As `core.autocrlf` leaves a clone: every file is rolled back, created and sealed ones too."""
    plan = everything(repository)
    before = snapshot(repository.root)
    apply(repository, plan)
    for path in {one.path for one in plan.changes}:
        repository.write(path, repository.tree.read(path).replace(b"\n", b"\r\n"))

    done = back(repository, "local")

    assert not done.inexact and not (repository.root / "app/new").exists()
    for path in {one.path for one in plan.changes} - {"app/new/patch.yaml"}:
        raw = before[path]
        assert raw is not None
        assert repository.tree.read(path) == raw.replace(b"\n", b"\r\n"), path


@pytest.mark.parametrize("path", ["app/deploy.yaml", "app/secret.yaml", "app/new/patch.yaml"])
def test_an_edit_that_apply_makes_again_is_no_drift(repository: Repository, path: str) -> None:
    """Somebody takes an edit back by hand, and the next plan makes it anew."""
    plan = everything(repository)
    before = snapshot(repository.root)
    apply(repository, plan)
    as_before = before.get(path)
    if as_before is None:
        (repository.root / path).unlink()
    else:
        repository.write(path, as_before)
    assert standing_of(repository.tree, "local", (), repository.store).verdict is Verdict.FAIL

    again = replace(plan, changes=tuple(one for one in plan.changes if one.path == path))
    inputs = tuple(one for one in plan.inputs if one.path == path)
    apply(repository, replace(again, inputs=inputs, fingerprint="f2"))

    assert standing_of(repository.tree, "local", (), repository.store).verdict is Verdict.PASS
    assert not [note for note in back(repository, "local").notes if "gone already" in note]
    if path != "app/secret.yaml":
        assert snapshot(repository.root) == before


@pytest.mark.parametrize("path", ["app/deploy.yaml", "app/.env", "app/data.yaml"])
def test_a_value_changed_since_is_a_conflict(repository: Repository, path: str) -> None:
    apply(repository, everything(repository))
    raw = repository.tree.read(path)
    if path == "app/data.yaml":
        token = raw.split(b"URL: ")[1].split(b"\n")[0]
        changed = base64.b64encode(base64.b64decode(token).replace(b"pooler", b"other"))
        repository.write(path, raw.replace(token, changed))
    else:
        repository.write(path, raw.replace(POOLED.encode(), b"elsewhere"))
    before = snapshot(repository.root)

    with pytest.raises(Conflict) as caught:
        back(repository, "local")

    assert snapshot(repository.root) == before
    told = "\n".join((str(caught.value), *caught.value.hints))
    assert path in told and "before apply: " in told and "apply wrote: " in told and "now: " in told
    assert "canary" not in told


def test_a_sealed_value_changed_since_is_a_conflict(repository: Repository) -> None:
    apply(repository, everything(repository))
    raw = repository.tree.read("app/secret.yaml")
    value = "postgres://app:canary-z@elsewhere:5432/app"
    repository.write(
        "app/secret.yaml", repository.store.set_value("app/secret.yaml", raw, SEALED, value)
    )
    before = snapshot(repository.root)

    with pytest.raises(Conflict) as caught:
        back(repository, "local")

    assert snapshot(repository.root) == before
    assert "now: postgres://app:***@elsewhere:5432/app" in caught.value.hints
    assert "canary" not in "".join(caught.value.hints)


def test_a_created_file_that_was_changed_is_a_conflict(repository: Repository) -> None:
    apply(repository, everything(repository))
    repository.write("app/new/patch.yaml", "kind: Mine\n")

    with pytest.raises(Conflict, match=r"app/new/patch\.yaml"):
        back(repository, "local")


def test_edits_that_are_gone_already_are_told(repository: Repository) -> None:
    plan = everything(repository)
    before = snapshot(repository.root)
    apply(repository, plan)
    for path in ("app/deploy.yaml", "app/data.yaml", "app/secret.yaml"):
        content = before[path]
        assert content is not None
        repository.write(path, content)
    (repository.root / "app/new/patch.yaml").unlink()

    done = back(repository, "local")

    # The sealed file is back by its meaning: ciphertext differs only if something was set.
    after = snapshot(repository.root)
    after.pop("app/new", None)
    assert after == before
    assert any("gone already" in note for note in done.notes)


def two_environments(repository: Repository) -> Plan:
    """Two environments that edit the same file, in turns."""
    lines = [f"a{n}: postgres://u:canary-{n}@{OLD}/x{n}\n" for n in range(6)]
    raw = repository.write("shared.yaml", "".join(lines))
    staging = POOLED.replace("shop", "shop-staging-with-a-longer-name")

    def edits(numbers: range, to: str) -> list[Edit]:
        return [swap(raw, OLD, to, pointer=f"/0/a{n}", nth=n) for n in numbers]

    key = PartEdit("key", "a1", "a1_direct")
    first = [*edits(range(0, 6, 2), POOLED), copy_of(raw, lines[1], (key, host(OLD, DIRECT)))]
    second = edits(range(1, 6, 2), staging)
    root = repository.root
    return plan_of(root, [
        change(root, "shared.yaml", first, "local"),
        change(root, "shared.yaml", second, "staging"),
    ])  # fmt: skip


@pytest.mark.parametrize("forth", [("local", "staging"), ("staging", "local"), ("both",)])
@pytest.mark.parametrize("home", list(itertools.permutations(["local", "staging"])))
def test_environments_share_a_file_in_any_order(
    repository: Repository, forth: tuple[str, ...], home: tuple[str, ...]
) -> None:
    plan = two_environments(repository)
    original = repository.tree.read("shared.yaml")
    alone = {}
    for name in ("local", "staging"):
        apply(repository, plan, name)
        alone[name] = repository.tree.read("shared.yaml")
        back(repository, name)
        assert repository.tree.read("shared.yaml") == original

    for name in forth:
        apply(repository, plan, *(() if name == "both" else (name,)))
    assert apply(repository, plan).written == ()
    first = back(repository, home[0])
    assert repository.tree.read("shared.yaml") == alone[home[1]]
    second = back(repository, home[1])
    assert repository.tree.read("shared.yaml") == original
    assert first.inexact == second.inexact == ()
    assert not (repository.root / ".repoint/receipts").exists()


@pytest.mark.parametrize("home", list(itertools.permutations(["local", "staging"])))
def test_both_environments_go_back_at_once(repository: Repository, home: tuple[str, ...]) -> None:
    plan = two_environments(repository)
    original = repository.tree.read("shared.yaml")
    apply(repository, plan)

    done = back(repository, *home)

    assert repository.tree.read("shared.yaml") == original
    assert done.inexact == () and done.notes == ()


def test_a_host_written_once_more_by_hand_is_not_guessed_at(repository: Repository) -> None:
    raw = repository.write(".env", f"A=1\nH={OLD}\n")
    root = repository.root
    apply(repository, plan_of(root, [change(root, ".env", [swap(raw, OLD, POOLED)])]))
    repository.write(".env", f"MINE={POOLED}\nH={POOLED}\n")

    with pytest.raises(Conflict):
        back(repository, "local")


def test_a_copy_with_a_password_of_its_own_is_kept(repository: Repository) -> None:
    raw = repository.write(".env", f"DATABASE_URL=postgres://u:canary-1@{OLD}/x\n")
    key = PartEdit("key", "DATABASE_URL", "DATABASE_URL_DIRECT")
    edits = [copy_of(raw, raw.decode(), (key, host(OLD, DIRECT)))]
    root = repository.root
    apply(repository, plan_of(root, [change(root, ".env", edits)]))
    now = repository.tree.read(".env").decode().splitlines(keepends=True)
    repository.write(".env", now[0] + now[1].replace("canary-1", "canary-2"))

    with pytest.raises(Conflict) as caught:
        back(repository, "local")

    assert "canary" not in "".join((str(caught.value), *caught.value.hints))


def test_a_second_plan_on_top_can_be_taken_back_after_or_before(repository: Repository) -> None:
    raw = repository.write("x.yaml", f"a: {OLD}\nb: {OLD}\n")
    root = repository.root
    apply(
        repository,
        plan_of(root, [change(root, "x.yaml", [swap(raw, OLD, POOLED, pointer="/0/a")])]),
    )
    now = repository.tree.read("x.yaml")
    later = change(root, "x.yaml", [swap(now, OLD, DIRECT, pointer="/0/b")], "staging")
    apply(repository, plan_of(root, [later], "f2"))

    assert back(repository, "local").inexact == ()
    assert repository.tree.read("x.yaml").decode() == f"a: {OLD}\nb: {DIRECT}\n"
    assert back(repository, "staging").inexact == ()
    assert repository.tree.read("x.yaml") == raw


@pytest.mark.parametrize("path", ["app/deploy.yaml", "app/secret.yaml"])
def test_a_file_changed_since_the_plan_is_stale(repository: Repository, path: str) -> None:
    plan = everything(repository)
    repository.write(path, repository.tree.read(path) + b"# one more\n")
    before = snapshot(repository.root)

    with pytest.raises(StalePlan, match=path):
        apply(repository, plan)
    with pytest.raises(StalePlan, match=path):
        apply(repository, replace(plan, inputs=()))

    assert snapshot(repository.root) == before


def test_an_input_that_is_not_edited_counts_too(repository: Repository) -> None:
    from repoint.model.plan import InputDigest

    plan = everything(repository)
    plan = replace(plan, inputs=(*plan.inputs, InputDigest("repoint.yaml", "0" * 64)))

    with pytest.raises(StalePlan, match=r"repoint\.yaml"):
        apply(repository, plan)


def test_a_vanished_file_is_stale_and_one_in_the_way_too(repository: Repository) -> None:
    plan = everything(repository)
    repository.write("app/new/patch.yaml", "kind: Mine\n")
    with pytest.raises(StalePlan, match="exists"):
        apply(repository, plan)
    (repository.root / "app/new/patch.yaml").unlink()
    (repository.root / "app/.env").unlink()
    with pytest.raises(StalePlan, match=r"app/\.env"):
        apply(repository, plan)


def test_blocked_dirty_and_unknown_are_refused(repository: Repository) -> None:
    plan = everything(repository)
    finding = Finding("RP211", Severity.ERROR, "m", "h")
    with pytest.raises(PlanBlocked, match=r"RP211$"):
        apply(repository, replace(plan, findings=(finding,)))
    placed = replace(finding, location=Location("app/.env", 3, 1, "line/3"))
    other = replace(finding, code="RP301")
    with pytest.raises(PlanBlocked, match=r"accepted: RP211 at `app/\.env` line 3, RP301$") as held:
        apply(repository, replace(plan, findings=(other, finding, placed, placed)))
    assert held.value.place == ("app/.env", 3)
    apply_nothing = replace(finding, accepted="known")
    with pytest.raises(UsageError, match="production"):
        apply(repository, replace(plan, findings=(apply_nothing,)), "production")
    git = ["git", "-C", str(repository.root), "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "app/.env"], check=True)
    with pytest.raises(DirtyWorkTree, match="app/"):
        apply(repository, plan, dirty=False)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    assert apply(repository, plan, dirty=False).written


def test_what_stands_in_one_environments_way_holds_no_other(repository: Repository) -> None:
    plan = two_environments(repository)
    finding = Finding("RP312", Severity.ERROR, "m", "h", environment="staging")
    broken = OverlayProof("local", "app", "staging", "render", "", (), 3, "d", ("Job/n/j: x",))
    held = replace(plan, findings=(finding,), proofs=(broken,))

    with pytest.raises(PlanBlocked, match="RP312") as caught:
        apply(repository, held)
    assert caught.value.hints[-1] == "nothing is in the way of `--env local`"
    with pytest.raises(ProofFailed):
        apply(repository, replace(held, findings=()), "staging")
    assert apply(repository, held, "local").written == ("shared.yaml",)


def test_law_4_a_proof_that_does_not_hold_is_refused(repository: Repository) -> None:
    plan = everything(repository)
    broken = OverlayProof("local", "app", "local", "render", "", (), 3, "d", ("Job/n/j: spec.x",))
    before = snapshot(repository.root)
    with pytest.raises(ProofFailed, match="`app`"):
        apply(repository, replace(plan, proofs=(broken,)))
    assert snapshot(repository.root) == before


def test_what_repoint_left_uncommitted_is_not_dirty(repository: Repository) -> None:
    plan = two_environments(repository)
    git = ["git", "-C", str(repository.root), "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    apply(repository, plan, "local", dirty=False)

    assert apply(repository, plan, "staging", dirty=False).written == ("shared.yaml",)


def test_without_a_key_nothing_is_written(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = everything(repository)
    before = snapshot(repository.root)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", "/dev/null")
    monkeypatch.setenv("HOME", "/nonexistent")

    with pytest.raises(SealedFile, match=r"app/secret\.yaml"):
        apply(repository, plan)

    assert snapshot(repository.root) == before


def test_a_result_that_is_not_the_planned_one_is_refused(repository: Repository) -> None:
    plan = everything(repository)
    wrong = tuple(
        replace(c, after_sha256="0" * 64) if c.path == "app/.env" else c for c in plan.changes
    )

    with pytest.raises(EditRefused, match="planned result"):
        apply(repository, replace(plan, changes=wrong))


def test_a_read_only_file_is_refused_and_nothing_is_written(repository: Repository) -> None:
    plan = everything(repository)
    (repository.root / "app/.env").chmod(0o444)
    before = snapshot(repository.root)

    with pytest.raises(FileRefused, match=r"app/\.env.*read-only"):
        apply(repository, plan)

    assert snapshot(repository.root) == before


def test_mode_and_symlink_stay(repository: Repository) -> None:
    raw = repository.write("real/x.env", f"H={OLD}\n")
    (repository.root / "real/x.env").chmod(0o640)
    (repository.root / "link.env").symlink_to("real/x.env")
    root = repository.root
    apply(repository, plan_of(root, [change(root, "link.env", [swap(raw, OLD, POOLED)])]))

    assert (root / "link.env").is_symlink()
    assert (root / "real/x.env").read_text() == f"H={POOLED}\n"
    assert (root / "real/x.env").stat().st_mode & 0o777 == 0o640


def test_a_link_out_of_the_repository_is_refused(repository: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside.env"
    outside.write_text(f"H={OLD}\n")
    (repository.root / "link.env").symlink_to(outside)
    raw = outside.read_bytes()
    root = repository.root
    plan = plan_of(root, [change(root, "link.env", [swap(raw, OLD, POOLED)])])

    with pytest.raises(FileRefused, match="leads out"):
        apply(repository, plan)

    assert outside.read_bytes() == raw


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"format": 1', '"format": 9', "has format 9, and 1 is the newest known"),
        ('"line": 1', '"line": "x"', "line`: must be a whole number, and is text"),
        ('"undos"', '"undoz"', "has an unknown field"),
        ("{", "<<<<<<< ours\n{", "is not JSON"),
    ],
)
def test_a_damaged_receipt_is_named(repository: Repository, old: str, new: str, told: str) -> None:
    apply(repository, everything(repository))
    path = ".repoint/receipts/local.json"
    repository.write(path, repository.tree.read(path).decode().replace(old, new, 1))

    with pytest.raises(FileRefused) as caught:
        back(repository, "local")

    assert caught.value.message.startswith(f"`{path}`: this receipt ")
    assert told in caught.value.message


def test_the_receipt_tells_what_repoint_yaml_said_of_consumers() -> None:
    text = (
        "source: {hosts: [postgres]}\ntarget: {cluster: pg, pooler: pg-pooler}\n"
        "consumers: {web: {route: direct}, job: {purpose: admin}, more: {pool_size: 3}}\n"
    )
    assert chosen_in(text) == (Chosen("web", "direct", ""), Chosen("job", "", "admin"))
    assert chosen_in(None) == () and chosen_in("") == ()
