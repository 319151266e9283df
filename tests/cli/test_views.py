"""What people, programs and reviews are shown of an inventory and a plan."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.model.plan import Edit, FieldChange, Op, OverlayProof, Plan, Severity
from repoint.planning.splice import apply_edits
from repoint.views import diff, human, machine, markdown, markup
from tests.cli import samples
from tests.cli.samples import CANARY, JOB, JOB_TEXT

SCAN = """\
local
  namespace app, overlay deploy/overlays/local

  CONSUMER              PURPOSE    ROUTE   UPDATE REQUIRED
  Deployment/api [api]  runtime    pooled  Secret only
    at postgres.app.svc.cluster.local:5432
    in deploy/secrets/local/api-secret.yaml:7 DATABASE_URL (sealed)
    because a Deployment serves; env DATABASE_URL <- secret api-secret
  Job/api-migrate       migration  direct  Job config only
    at postgres.app.svc.cluster.local:5432
    in deploy/base/migrate-job.yaml:4 DATABASE_URL
    because a Job runs atlas

staging
  overlay deploy/overlays/staging
  does not build: a patch is missing; read from the sources instead
  no consumer of PostgreSQL found

Sites that no workload was seen to read
  scripts/dump.sh:3 pg_dump
    at postgres.app.svc.cluster.local:$PORT (backup)

Could not be read
  deploy/secrets/staging/api.yaml
    no key opens it

Findings
  error RP211 local: `search_path` | refused
    at deploy/secrets/local/api-secret.yaml:7
    hint: drop it
  warning RP241 local: the pool is small
    hint: raise it
  accepted RP303 clear text
    accepted: a test password

scan: 2 consumers; 3 sites; 12 files read of 40; 3 findings; 1 could not be read
next: `repoint plan` shows what would change and why
"""

PLAN = """\
local

  CONSUMER              PURPOSE  ROUTE   UPDATE REQUIRED
  Deployment/api [api]  runtime  pooled  Secret only
    from postgres.app.svc.cluster.local:5432
    to   pg-pooler.app.svc.cluster.local:5432
    because a Deployment serves

  FILES
  deploy/secrets/local/api-secret.yaml (sealed, through sops)
    line 7, DATABASE_URL: host postgres.app.svc.cluster.local ->
        pg-pooler.app.svc.cluster.local, sslmode disable -> require
      because runtime goes through the pooler [RP110]
    line 7, DATABASE_URL_DIRECT: new key, a copy with host
        postgres.app.svc.cluster.local -> pg-rw.app.svc.cluster.local
      because the migration reads a key of its own [RP102] (please review)
  deploy/base/migrate-job.yaml
    line 4, DATABASE_URL: postgres.app.svc.cluster.local ->
        pg-rw.app.svc.cluster.local
      because a migration goes direct [RP110]

  TASKS FOR A PERSON
  values.enc:3 dsn
    put host pg-pooler.app.svc.cluster.local
    because it lives elsewhere

  PROOF
  ok overlay deploy/overlays/local: 1 field changes, as planned; 412 do not
     (sha256 abababababab…)
  ok other environments: staging: unchanged
"""


class OneFile:
    """A tree that holds the Job and nothing else."""

    def paths(self) -> tuple[str, ...]:
        """The only path."""
        return (JOB,)

    def read(self, path: str) -> bytes:
        """The Job's bytes."""
        assert path == JOB
        return JOB_TEXT.encode()

    def exists(self, path: str) -> bool:
        """Whether it is the Job."""
        return path == JOB


def test_new_lines_are_shown_masked() -> None:
    value = samples.plan()
    spliced = value.changes[1].edits[0]
    text = f"- name: A\n  value: postgres://app:{CANARY}@x/app\n"
    inserted = replace(spliced, before="", after=text)
    change = replace(value.changes[1], edits=(inserted,))
    shown = human.plan(replace(value, changes=(change,)))
    assert "insert 2 lines\n      + - name: A\n      +   value: postgres://app:***@x/app\n" in shown
    listed = markdown.plan(replace(value, changes=(change,)))
    assert "  ```diff\n  + - name: A\n  +   value: postgres://app:***@x/app\n  ```\n" in listed
    single = replace(spliced, before="", after="a: 1\n")
    change = replace(change, edits=(single,))
    assert "insert `a: 1`" in human.plan(replace(value, changes=(change,)))


def test_overlays_of_no_environment_are_counted() -> None:
    value = samples.plan()
    proofs = tuple(replace(proof, environment="") for proof in value.proofs[1:] * 2)
    text = human.plan(replace(value, proofs=proofs))
    assert "ok 2 overlays of no environment: unchanged" in text


def test_a_scan_fits_a_review() -> None:
    assert human.scan(samples.inventory()) == SCAN


def test_a_plan_fits_a_review() -> None:
    text = human.plan(samples.plan())
    assert text.startswith(PLAN)
    assert "plan: 2 files with 3 edits in 1 environment; 1 task for a person;" in text
    assert "next: mend or accept RP211 (`repoint explain RP211`), then plan again\n" in text


def test_a_plan_that_may_be_applied_names_the_next_command() -> None:
    assert human.plan(samples.plan(blocked=False)).endswith("next: `repoint apply --env local`\n")


@pytest.mark.parametrize("view", ["scan", "plan", "check"])
def test_color_adds_escapes_and_changes_no_word(view: str) -> None:
    def shown(color: bool) -> str:
        if view == "scan":
            return human.scan(samples.inventory(), color=color)
        if view == "plan":
            return human.plan(samples.plan(), color=color)
        return human.check(samples.findings(), color=color)

    colored = shown(True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == shown(False)


def test_lines_fit_80_columns_unless_one_word_is_longer() -> None:
    for text in (human.scan(samples.inventory()), human.plan(samples.plan())):
        for line in text.splitlines():
            assert len(line) <= 80 or " " not in line.strip(), line


def test_a_failed_proof_is_shown_with_its_fields() -> None:
    value = samples.plan(blocked=False)
    change = FieldChange("Deployment/app/api", "/spec/replicas", "1", "2", "")
    broken = OverlayProof(
        *("local", "deploy/overlays/local", "local", "render", "", (change,), 5, "cd"),
        unexplained=("Deployment/app/api#/spec/replicas",),
    )
    text = human.plan(replace(value, proofs=(broken,)))
    assert "no overlay deploy/overlays/local: 1 field would change without being planned" in text
    assert "no unplanned: Deployment/app/api#/spec/replicas" in text
    assert "nothing can be applied" in " ".join(text.split())


def test_other_environments_that_change_are_not_called_unchanged() -> None:
    value = samples.plan(blocked=False)
    change = FieldChange("Job/app/api-migrate", "/spec/value", "a", "b", "x")
    moved = OverlayProof(
        "staging", "deploy/overlays/staging", "local", "render", "", (change,), 5, ""
    )
    text = human.plan(replace(value, proofs=(moved,)))
    assert "staging: unchanged" not in text
    assert "overlay deploy/overlays/staging: 1 field changes, as planned" in text


def test_scan_as_json_has_the_promised_shape() -> None:
    document = json.loads(machine.scan(samples.inventory()))
    assert list(document) == ["format", "sites", "consumers", "unreadable", "findings"]
    assert document["sites"][0] == {
        "path": samples.SECRET,
        "line": 7,
        "column": 10,
        "pointer": samples.inventory().sites[0].site.value_pointer or "/0/stringData/DATABASE_URL",
        "span": None,
        "style": "url",
        "key": "DATABASE_URL",
        "host": samples.OLD,
        "port": 5432,
        "database": "app",
        "user": "app",
        "schema": "app",
        "sealed": True,
        "consumer": "api",
        "purpose": "runtime",
        "environments": ["local"],
    }
    assert document["sites"][2]["port"] is None
    assert document["consumers"][0] == {
        "id": "api",
        "kind": "Deployment",
        "namespace": "app",
        "name": "api",
        "container": "api",
        "environment": "local",
        "purpose": "runtime",
        "route": "pooled",
        "evidence": ["a Deployment serves", "env DATABASE_URL <- secret api-secret"],
        "update_required": "Secret only",
        "sites": [samples.inventory().sites[0].site.id],
    }
    assert document["findings"][1] == {
        "code": "RP211",
        "severity": "error",
        "message": "`search_path` | refused",
        "hint": "drop it",
        "path": samples.SECRET,
        "line": 7,
        "environment": "local",
        "consumer": None,
    }


def test_a_plan_as_json_is_the_plan_file() -> None:
    from repoint.planning.codec import decode_plan

    assert decode_plan(machine.plan(samples.plan()).encode()) == samples.plan()


def test_a_diff_shows_changed_lines_only_with_passwords_masked() -> None:
    text = diff.plan(samples.plan(), OneFile())
    assert text == (
        f"diff --repoint local {samples.SECRET}\n"
        f"--- a/{samples.SECRET}\n"
        f"+++ b/{samples.SECRET}\n"
        '@@ -7 +7 @@ ["stringData"]["DATABASE_URL"]\n'
        f"-DATABASE_URL: ENC[host {samples.OLD}, sslmode disable]\n"
        f"+DATABASE_URL: ENC[host {samples.POOLED}, sslmode require]\n"
        '@@ -7 +7 @@ ["stringData"]["DATABASE_URL_DIRECT"]\n'
        "+DATABASE_URL_DIRECT: ENC[new key, a copy with host "
        f"{samples.OLD} -> {samples.DIRECT}]\n"
        f"diff --repoint local {JOB}\n"
        f"--- a/{JOB}\n"
        f"+++ b/{JOB}\n"
        "@@ -4 +4 @@ /0/spec/value\n"
        f'-  value: "postgresql://app:***@{samples.OLD}:5432/app?sslmode=disable"\n'
        f'+  value: "postgresql://app:***@{samples.DIRECT}:5432/app?sslmode=disable"\n'
    )


class Bytes(OneFile):
    """A tree that holds some bytes at the Job's path."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def read(self, path: str) -> bytes:
        """The bytes."""
        return self.raw


def patched(lines: list[str], hunks: list[str]) -> list[str]:
    """What `patch` would make of `lines`."""
    result: list[str] = []
    at = 0
    for line in hunks:
        heading = re.match(r"@@ -(\d+)(?:,(\d+))? ", line)
        if heading:
            first, length = int(heading[1]), int(heading[2] or 1)
            start = first - 1 if length else first
            result += lines[at:start]
            at = start
        elif line.startswith("-"):
            assert lines[at] == line[1:]
            at += 1
        else:
            result.append(line[1:])
    return result + lines[at:]


@given(st.data())
def test_the_hunks_of_a_diff_are_the_change(data: st.DataObject) -> None:
    lines = [f"k{n}: v{n}" for n in range(data.draw(st.integers(1, 12)))]
    text = "\n".join(lines) + data.draw(st.sampled_from(["\n", ""]))
    edits: list[Edit] = []
    at = 0
    base = samples.plan().changes[1].edits[0]
    for number, line in enumerate(lines, 1):
        kind = data.draw(st.sampled_from(["keep", "value", "line", "insert"]))
        value = at + line.index(": ") + 2
        if kind == "value":
            old = line.partition(": ")[2]
            edits.append(
                replace(
                    base, line=number, start=value, end=value + len(old), before=old, after="new"
                )
            )
        elif kind == "line" and at:
            edits.append(
                replace(base, line=number, start=at, end=at, before="", after="n1: 1\nn2: 2\n")
            )
        elif kind == "insert":
            edits.append(replace(base, line=number, start=value, end=value, before="", after="x"))
        at += len(line) + 1
    change = replace(samples.plan().changes[1], edits=tuple(edits))
    raw = text.encode()
    shown = diff.file_diff(change, Bytes(raw))[3:]
    assert patched(lines, shown) == apply_edits(JOB, raw, edits).decode().splitlines()


def test_a_diff_hides_base64(monkeypatch: pytest.MonkeyPatch) -> None:
    import base64

    secret = base64.b64encode(f"postgres://app:{CANARY}@{samples.OLD}/app".encode()).decode()
    raw = f"kind: Secret\ndata:\n  url: {secret}\n".encode()
    value = samples.plan()
    spliced = value.changes[1].edits[0]
    start = raw.index(secret.encode())
    edit = replace(
        spliced,
        op=Op.ENCODED,
        line=3,
        start=start,
        end=start + len(secret),
        parts=value.changes[0].edits[1].parts,
    )
    monkeypatch.setattr(OneFile, "read", lambda self, path: raw)
    change = replace(value.changes[1], edits=(edit,))
    assert apply_edits(JOB, raw, (edit,)) != raw
    lines = diff.file_diff(change, OneFile())
    assert lines[3:] == ["@@ -3 +3 @@ /0/spec/value", "-  url: (base64)", "+  url: (base64)"]


def test_a_new_file_is_shown_whole() -> None:
    value = samples.plan()
    edit = replace(value.changes[1].edits[0], op=Op.CREATE, after="a: 1\nb: 2\n", start=0, end=0)
    change = replace(value.changes[1], edits=(edit,), before_sha256="")
    lines = diff.file_diff(change, OneFile())
    assert lines[1:] == ["--- /dev/null", f"+++ b/{JOB}", "@@ -0,0 +1,2 @@", "+a: 1", "+b: 2"]


def leaking(value: Plan) -> Plan:
    """The plan with a password in every text that an edit carries."""
    url = f"postgresql://app:{CANARY}@{samples.OLD}:5432/app"

    def leak(edit: Edit) -> Edit:
        parts = tuple(replace(part, before=url, after=f"password={CANARY}") for part in edit.parts)
        return replace(edit, before=url if edit.before else "", after=url, parts=parts)

    changes = tuple(
        replace(change, edits=tuple(leak(edit) for edit in change.edits))
        for change in value.changes
    )
    return replace(value, changes=changes)


def test_no_view_shows_a_password_even_if_an_edit_held_one() -> None:
    value = leaking(samples.plan())
    assert CANARY in repr(value)
    assert CANARY not in human.plan(value)
    assert CANARY not in markdown.plan(value)


def test_markdown_tables_survive_bars_and_angle_brackets() -> None:
    text = markdown.plan(samples.plan())
    assert "`search_path` &#124; refused" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) in (6, 7), row
    scan = markdown.scan(samples.inventory())
    assert "| `Deployment/api [api]` | runtime |" in scan
    assert "- `deploy/secrets/staging/api.yaml`: no key opens it" in scan


def test_markdown_stays_below_the_limit_and_says_what_is_left_out() -> None:
    value = samples.plan()
    many = tuple(replace(value.changes[1], environment=f"env{n}") for n in range(400))
    text = markdown.plan(replace(value, changes=many))
    assert len(text.encode()) <= markup.LARGEST
    assert re.search(r"\*Left out to fit a comment: .*\d+ files.* `repoint plan` shows every", text)
    assert text.count("<details>") == text.count("</details>")
    assert "left out" not in markdown.plan(value)


def test_a_clean_check_says_so() -> None:
    assert human.check(()) == "check: nothing stands against this repository\n"
    assert "1 error to mend" in human.check(samples.findings())
    clean = (
        "<!-- repoint: check -->\n\n## repoint check\n\nNothing stands against this repository.\n"
    )
    assert markdown.check(()) == clean
    assert json.loads(machine.check(())) == {"format": 1, "findings": []}


def test_a_check_counts_its_errors_by_code_and_names_the_next_command() -> None:
    found = [replace(samples.inventory().findings[0], severity=Severity.ERROR)] * 2
    *_, told, after = human.check(found).splitlines()
    assert told == f"check: 2 errors to mend: 2 {found[0].code}"
    assert after.startswith(f"next: `repoint explain {found[0].code}` tells its remedies")


def test_a_scan_of_many_consumers_ends_with_counts() -> None:
    few = samples.inventory()
    many = replace(few, consumers=few.consumers * 12)
    assert "consumers, " not in human.scan(few)
    tail = human.scan(many).partition("Findings")[2]
    assert re.search(r"^local +24 consumers, \d+ to update: 12 \w+, 12 \w+$", tail, re.MULTILINE)
    left = tuple(replace(one, update_required="none") for one in few.consumers)
    alone = human.scan(replace(few, consumers=few.consumers + left * 11))
    assert "24 consumers, 2 to update" in alone
    short = human.summary(few, configured=False)
    assert "Findings" not in short and "Could not be read" in short
    assert short.endswith("next: `repoint init` writes repoint.yaml; then `repoint plan`\n")


def test_a_table_that_is_too_wide_keeps_its_columns_or_stands_below_its_name() -> None:
    for width in (80, 70, 60, 50, 40):
        told = human.scan(samples.inventory(), width=width).splitlines()
        words = [line for line in told if "migration" in line and "pg_dump" not in line]
        assert words and all(len(line) <= width for line in words), width
    narrow = human.scan(samples.inventory(), width=40)
    assert "  Job/api-migrate\n      migration  direct  Job config only" in narrow
