"""A rehearsal as a person and a program read it."""

from __future__ import annotations

import json
from dataclasses import replace

from repoint.model.rehearsal import (
    Check,
    Control,
    Ini,
    Phase,
    Rehearsal,
    RehearsedConsumer,
    Verdict,
)
from repoint.views import comments, machine
from repoint.views.rehearsal import files, rehearsal

WEB = RehearsedConsumer(
    *("Deployment/shop/web/web", "local", "pooled", "transaction", "pgx", "pooler.shop"),
    checks=(
        Check("login", Verdict.PASS, "the login is taken", "logged in"),
        Check("listen", Verdict.SKIPPED, "it hears", "it does none of this"),
        Check("isolation", Verdict.FAIL, "shop in every turn", "public in one of them", ("SP6",)),
    ),
)
JOB = RehearsedConsumer(
    *("Job/shop/migrate", "local", "direct", "", "lib/pq", "db-rw.shop"),
    checks=(Check("login", Verdict.UNKNOWN, "the login is taken", "it is sealed"),),
)
VALUE = Rehearsal(
    *(1, "1", "f" * 64, ("local",), "18.4", "1.24.1"),
    fidelity=("PgBouncer 1.24.1 ran, Pooler `pooler` has 1.25.1",),
    consumers=(WEB, JOB),
    controls=(Control("leak", "local", WEB.id, Verdict.PASS, "it leaks", "it does"),),
    configuration=(Ini("local", "pooler", "pgbouncer.ini", "\npool_mode = session\n"),),
    phases=(Phase("local: servers", 1.25),),
)
HUMAN = """\
local
   1  Deployment/web [web] pooled, transaction, as pgx
   2  Job/migrate direct, as lib/pq

  CHECK      1     2
  login      ok    ??
  isolation  FAIL

  FAIL Deployment/web [web]: isolation
    expected shop in every turn
    observed public in one of them
    facts SP6
  ?? Job/migrate: login
    expected the login is taken
    observed it is sealed

  - listen: it does none of this

  NEGATIVE CONTROLS
  ok leak: it leaks

Not like production
  - PgBouncer 1.24.1 ran, Pooler `pooler` has 1.25.1

Time
     1.25 s  local: servers

rehearsal: FAIL 2 consumers, checks: 1 passed, 1 failed, 1 unknown, 1 skipped; 1
    of 1 negative controls failed as they must; PostgreSQL 18.4, PgBouncer
    1.24.1
next: mend what did not pass, then run `repoint rehearse` again
"""


def test_a_person_reads_a_matrix_and_what_did_not_pass() -> None:
    assert rehearsal(VALUE, {"local"}) == HUMAN


def test_after_the_last_edit_nothing_is_left_to_apply() -> None:
    web = replace(WEB, checks=WEB.checks[:1])
    passed = replace(VALUE, environments=("local", "staging"), consumers=(web,))

    def told(*due: str) -> str:
        return rehearsal(passed, due).partition("next: ")[2]

    assert told("staging", "local") == "`repoint apply --env local`\n"
    assert told("staging") == "`repoint apply --env staging`\n"
    assert told() == "`repoint status`, since nothing is left to apply\n"


def test_what_nothing_tells_of_a_consumer_in_a_transaction_pool_has_a_way_out() -> None:
    leaks = Check("set-role", Verdict.UNKNOWN, "it stays", "it leaks, and nothing tells")
    unseen = replace(WEB, checks=(WEB.checks[0], leaks))
    told = " ".join(
        rehearsal(replace(VALUE, consumers=(unseen,)), ()).partition("next: ")[2].split()
    )

    assert told == (
        "`consumers.web.pool: session` in repoint.yaml, or its source text in the repository; "
        "then plan, apply and rehearse again"
    )
    held = replace(unseen, pool_mode="session")
    assert "pool: session" not in rehearsal(replace(VALUE, consumers=(held,)), ())
    assert "pool: session" not in rehearsal(replace(VALUE, consumers=(unseen, WEB)), ())


def test_a_wait_loops_column_says_why_it_is_asked_little() -> None:
    skipped = Check("login", Verdict.SKIPPED, "the login is taken", "it logs nobody in")
    answers = Check("answers", Verdict.PASS, "it answers", "it does")
    wait = replace(WEB, id="Job/shop/migrate/wait", driver="", checks=(skipped, answers))
    told = rehearsal(replace(VALUE, consumers=(WEB, wait)), ())
    assert "  login      ok    -\n" in told and "  answers          ok\n" in told
    assert told.count("logs nobody in") == 1
    assert "  - listen: it does none of this" in told


def test_color_changes_no_word() -> None:
    colored = rehearsal(VALUE, (), color=True)

    assert "\x1b[" in colored and "isolation" in colored


def test_a_program_reads_verdicts_and_the_contract() -> None:
    document = json.loads(machine.rehearsal(VALUE))

    assert document["verdict"] == "fail"
    assert (document["postgres"], document["pgbouncer"]) == ("18.4", "1.24.1")
    assert document["consumers"][0]["checks"][2]["observed"] == "public in one of them"
    assert {"id", "environment", "route", "pool_mode", "checks", "verdict"} <= set(
        document["consumers"][0]
    )
    assert document["controls"][0]["verdict"] == "pass"


def test_a_pull_request_reads_a_table() -> None:
    text = comments.rehearsal(VALUE)

    assert text.startswith("<!-- repoint: rehearse -->\n\n## Rehearsal: ❌ fail\n")
    assert "| Consumer | How | login | isolation |" in text
    assert "| `Deployment/web [web]` | pooled, transaction, pgx | ✅ | ❌ |" in text
    assert "| `Job/migrate` | direct, lib/pq | ❔ |  |" in text
    assert "- ❌ **fail** `Deployment/web [web]`, `isolation`: expected shop in every turn" in text
    assert "<details><summary>Controls, all as they must be (1)</summary>" in text
    assert "- PgBouncer 1.24.1 ran, Pooler `pooler` has 1.25.1" in text


def test_files_stand_under_a_line_that_names_them() -> None:
    assert files(VALUE.configuration) == ("; local: pooler: pgbouncer.ini\npool_mode = session\n")
