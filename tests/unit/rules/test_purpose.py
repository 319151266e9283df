"""A container's purpose, case by case; the harm is in a migration taken for runtime."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.model.consumer import Certainty, Purpose
from repoint.rules.purpose import ContainerFacts, judge
from repoint.rules.purpose_known import image_name, tools
from tests.unit.rules.purpose_cases import IMAGES, TABLE, URL, Asked, Case, deploy, job, sh
from tests.unit.rules.purpose_hard_cases import HARD

ALL = [*TABLE, *IMAGES, *HARD]


@pytest.mark.parametrize("case", ALL, ids=[case[0] for case in ALL])
def test_purpose(case: Case) -> None:
    _, expected, facts, asked = case
    verdict = judge(facts, **asked)
    assert (verdict.purpose.value, bool(verdict.evidence)) == (expected, True), verdict


def test_the_table_is_long_enough_and_its_ids_are_unique() -> None:
    assert len(ALL) >= 120
    assert len({case[0] for case in ALL}) == len(ALL)


EVIDENCE: list[tuple[ContainerFacts, Asked, str]] = [
    (job(sh("atlas migrate apply")), URL, "runs `atlas migrate apply` (Atlas)"),
    (job(("x",), annotations=(("helm.sh/hook", "pre-upgrade"),)), URL, "Helm hook pre-upgrade"),
    (deploy(), URL, "kind Deployment"),
    (
        deploy(sh("alembic upgrade head; exec gunicorn a")),
        URL,
        "also serves: runs `gunicorn` (Python server)",
    ),
    (
        deploy(sh("alembic upgrade head; exec ./app")),
        URL,
        "also serves: kind Deployment keeps running",
    ),
    (
        deploy(image="gitea/gitea:1"),
        URL,
        "image `gitea/gitea` (application that migrates itself); migrates its schema at start",
    ),
    (deploy(), {"variable": "READ_REPLICA_URL"}, "reads from a replica, by its name"),
]


@pytest.mark.parametrize(("facts", "asked", "line"), EVIDENCE)
def test_evidence_can_be_read(facts: ContainerFacts, asked: Asked, line: str) -> None:
    assert line in judge(facts, **asked).evidence


def test_how_sure_it_is() -> None:
    assert judge(job(sh("atlas migrate apply")), **URL).certainty is Certainty.CERTAIN
    assert judge(deploy(), **URL).certainty is Certainty.LIKELY
    assert judge(deploy(image="gitea/gitea"), **URL).certainty is Certainty.LIKELY
    assert judge(job(("./shop",)), **URL).certainty is Certainty.GUESS


def test_no_password_in_the_evidence() -> None:
    facts = job(sh("bin/shop eval 'Shop.migrate(\"postgres://u:canary-p@h/d\")'"))
    assert "canary-" not in repr(judge(facts, **URL))


DIRECT_COMMANDS = [case[2].command for case in TABLE if Purpose(case[1]).must_go_direct]
KINDS = st.sampled_from(
    ["Deployment", "StatefulSet", "Job", "CronJob", "Pod", "ComposeService", "X"]
)


@given(
    st.sampled_from(DIRECT_COMMANDS),
    KINDS,
    st.booleans(),
    st.sampled_from(["", "app", "gitea/gitea", "postgres:16", "oryd/hydra"]),
    st.sampled_from(["DATABASE_URL", "PGHOST", "READONLY_URL", "DATA_SOURCE_NAME"]),
    st.sampled_from(["", "app", "postgres", "exporter"]),
)
def test_a_command_that_must_go_direct_is_never_taken_for_runtime(
    command: tuple[str, ...], kind: str, init: bool, image: str, variable: str, user: str
) -> None:
    facts = ContainerFacts(kind, "web", "web", init, image, command)
    assert judge(facts, variable=variable, user=user).purpose.must_go_direct


@given(
    st.lists(st.text(max_size=30), max_size=3).map(tuple),
    st.lists(st.text(max_size=20), max_size=3).map(tuple),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_any_words_are_judged(
    command: tuple[str, ...], args: tuple[str, ...], image: str, key: str
) -> None:
    facts = ContainerFacts("Job", key, key, False, image, command, args, script_commands=command)
    assert judge(facts, key=key, variable=image, user=key).evidence


@given(st.sampled_from(["Job", "CronJob", "Pod", "Widget"]), st.booleans())
def test_a_kind_alone_makes_nothing_but_a_service_runtime(kind: str, init: bool) -> None:
    facts = ContainerFacts(kind, "x", "x", init)
    assert judge(facts, **URL).purpose is Purpose.UNKNOWN


def test_every_known_tool_says_where_it_is_described() -> None:
    assert len(tools()) > 70
    for tool in tools():
        assert tool.source
        assert tool.commands or tool.images


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("ghcr.io/acme/Shop:1@sha256:0", ("acme/shop", "1")),
        ("localhost:5000/a/b", ("a/b", "")),
        ("postgres", ("postgres", "")),
        ("registry:5000/x:2", ("x", "2")),
        ("", ("", "")),
    ],
)
def test_an_image_is_known_by_its_path(image: str, name: tuple[str, str]) -> None:
    assert image_name(image) == name
