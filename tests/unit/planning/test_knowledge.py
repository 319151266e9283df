"""Knowledge as data: what may stand there, and what is said where it may not."""

from __future__ import annotations

import contextlib
from dataclasses import fields
from typing import get_args

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from repoint.errors import ConfigError
from repoint.model.consumer import Purpose
from repoint.model.knowledge import (
    NOTHING_ADDED,
    ImageHabit,
    KindHabit,
    Knowledge,
    Library,
    SecretMaker,
    ServerOptions,
    Tool,
    knowing,
)
from repoint.planning.config import CONFIG_NAME, load_config
from repoint.planning.knowledge import (
    digest_of,
    knowledge_in,
    knowledge_of,
    made_of,
    schema,
)
from repoint.planning.knowledge_keys import (
    ImageSection,
    Keeps,
    KindSection,
    LibrarySection,
    ToolSection,
)
from repoint.rules.facts import HazardKind
from repoint.rules.purpose_commands import classify
from repoint.rules.purpose_known import image_tool

WHOLE = """\
tools:
  - name: acme-move
    purpose: migration
    commands: ["acme-move up|down", "acme*"]
    images: [acme/move, "acme/move-*:2*"]
    program: acme-move
    plain: true
    starts: migrates its schema at start
    driver: pgx
    waits: true
    server: {host: [server, s], port: [port], user: [login], database: [db]}
    files: [acme-move.toml]
    source: wiki.acme/move
images:
  - name: Acme jobs
    images: [acme/jobs]
    driver: psycopg
    keeps: [listen, startup-setting]
    says: it listens for jobs
    subject: statement_timeout
    when: QUEUE=pg
    unless: LISTEN=off
    source: wiki.acme/jobs
kinds:
  - {kind: AcmeApp, runs: serves}
  - {kind: AcmeMove, purpose: migration}
  - kind: AcmeSecret
    secret: {name: spec.into, keys: spec.data, key: as, remote: from.key, template: spec.clear}
libraries:
  - {name: Acme ORM, manifest: go.mod, dependency: acme.dev/orm, driver: pgx, source: wiki.acme/orm}
  - {name: Acme queue, manifest: "*.acme", dependency: queue, keeps: [listen], says: it listens}
"""


def test_every_key() -> None:
    origin = "ops/known.yaml"
    server = ServerOptions(("server", "s"), ("port",), ("login",), ("db",))
    known = knowledge_in(WHOLE, origin)
    assert known.tools == (
        Tool(
            *("acme-move", Purpose.MIGRATION, "wiki.acme/move", ("acme-move up|down", "acme*")),
            *(("acme/move", "acme/move-*:2*"), "acme-move", True, "migrates its schema at start"),
            *("pgx", True, server, ("acme-move.toml",), origin),
        ),
    )
    assert known.images == (
        ImageHabit(
            *("Acme jobs", ("acme/jobs",), "wiki.acme/jobs", "psycopg"),
            *(("listen", "startup-setting"), "it listens for jobs", "statement_timeout"),
            *("QUEUE=pg", "LISTEN=off", origin),
        ),
    )
    secret = SecretMaker("spec.into", "spec.data", "as", "from.key", "spec.clear")
    assert known.kinds == (
        KindHabit("AcmeApp", runs="serves", origin=origin),
        KindHabit("AcmeMove", Purpose.MIGRATION, origin=origin),
        KindHabit("AcmeSecret", secret=secret, origin=origin),
    )
    assert known.libraries == (
        Library("Acme ORM", "go.mod", "acme.dev/orm", "wiki.acme/orm", "pgx", origin=origin),
        Library(
            *("Acme queue", "*.acme", "queue", "", "", ("listen",), "it listens"), origin=origin
        ),
    )


def test_values_are_checked_as_data_is() -> None:
    known = knowledge_in(WHOLE, "ops/known.yaml")
    again = knowledge_of(known, "ops/known.yaml")
    assert (again.tools, again.kinds, again.libraries) == (
        *(known.tools, known.kinds, known.libraries),
    )
    assert digest_of(again) == digest_of(known)
    with pytest.raises(ConfigError, match=r"`acme 1\.0`: `tools\[0\]\.purpose`"):
        knowledge_of({"tools": [{"name": "x", "purpose": "moving"}]}, "acme 1.0")
    with pytest.raises(ConfigError, match=r"`acme 1\.0`: `.*commands.*`: its spelling"):
        knowledge_of(Knowledge(tools=(Tool("x", Purpose.PROBE, commands=("a (b)",)),)), "acme 1.0")


def test_the_digest_tells_what_is_known_and_who_said_it() -> None:
    one, other = (knowledge_in("kinds: [{kind: A}]", origin) for origin in ("a 1", "a 2"))
    assert len({digest_of(one), digest_of(other), digest_of(knowledge_in(WHOLE, "a 1"))}) == 3
    assert digest_of(NOTHING_ADDED) == "" == digest_of(knowledge_in("{}", "a 1"))


TOOL = "tools: [{name: x, purpose: migration, %s}]"
WRONG = [
    ("- a", "line 1 must be a mapping"),
    ("tools: }", "line 1 is not valid YAML"),
    ("tolls: []", "line 1: unknown key `tolls`"),
    (f"# a\n{TOOL}" % "comands: [x]", r"line 2: unknown key `tools\[0\]\.comands`"),
    ("tools: [{purpose: migration}]", "`.*name` is missing"),
    ("tools: [{name: x, purpose: comment, commands: [x]}]", "purpose` must be one of `admin`, "),
    (TOOL % "plain: true", "`x` has neither `commands`, `images` nor `files`"),
    (TOOL % "commands: ['x (a+)+$']", "its spelling is not allowed"),
    (TOOL % "commands: ['x?']", "its spelling is not allowed"),
    (TOOL % "commands: ['[xy]']", "its spelling is not allowed"),
    (TOOL % "commands: [\"x\\n\"]", "its spelling is not allowed"),
    (TOOL % "commands: ['']", "its spelling is not allowed"),
    (TOOL % "commands: ['*a*b*c*d']", "`x` has a word with more than three"),
    (TOOL % "images: ['a/*/*/*/*']", "`x` has a word with more than three"),
    (TOOL % "commands: ['x*'], waits: true", "`x` needs a command whose program has no"),
    (TOOL % "images: [x], server: {host: [h]}", "`x` needs a command whose program has no"),
    (TOOL % "commands: [x], driver: pgy", "`x` names a driver that is not known"),
    (TOOL % "files: ['a/b.toml']", "its spelling is not allowed"),
    ("tools: [{name: \"a`b\", purpose: probe, commands: [x]}]", "its spelling is not allowed"),
    ("images: [{name: x, images: [x]}]", "`x` has neither `driver` nor `keeps`"),
    ("images: [{name: x, images: [x], keeps: [listen]}]", "`says` does not tell what"),
    ("images: [{name: x, images: [x], keeps: [rls]}]", "keeps.* must be one of `"),
    ("kinds: [{kind: lower}]", "its spelling is not allowed"),
    ("kinds: [{kind: A, secret: {keys: a..b}}]", "its spelling is not allowed"),
    ("libraries: [{name: x, manifest: a, dependency: b}]", "`x` has neither `driver` nor"),
    ("files: [a]", "unknown key `files`"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[one[0][:50] for one in WRONG])
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        knowledge_in(text, "ops/known.yaml")
    assert "`ops/known.yaml`" in caught.value.message
    assert caught.value.hints


def test_a_suggestion() -> None:
    with pytest.raises(ConfigError) as caught:
        knowledge_in(TOOL % "comands: [x]", "k.yaml")
    assert caught.value.hints == ("did you mean `commands`?",)


def test_there_is_an_end_to_it() -> None:
    entry = "{kind: A},"
    assert len(knowledge_in(f"kinds: [{entry * 500}]", "k").kinds) == 500
    with pytest.raises(ConfigError):
        knowledge_in(f"kinds: [{entry * 501}]", "k")


def test_it_stands_in_repoint_yaml() -> None:
    indented = WHOLE.replace("\n", "\n  ").rstrip()
    text = "source: {hosts: [a]}\ntarget: {cluster: c, pooler: p}\n"
    config = load_config(f"{text}knowledge:\n  files: [ops/known.yaml]\n  {indented}\n")
    assert config.knowledge.files == ("ops/known.yaml",)
    known = made_of(config.knowledge, CONFIG_NAME)
    assert known.tools[0].origin == CONFIG_NAME
    assert len(known.libraries) == 2


def test_what_may_be_kept_is_known_to_the_rules() -> None:
    assert set(get_args(Keeps)) < {str(kind) for kind in HazardKind}


def test_the_schema_takes_what_the_reader_takes() -> None:
    checker = jsonschema.Draft202012Validator(schema())
    checker.check_schema(schema())
    assert not list(checker.iter_errors(yaml.safe_load(WHOLE)))
    refused = [text for text, _ in WRONG[2:8]]
    assert all(list(checker.iter_errors(yaml.safe_load(text))) for text in refused[:3])


SECTIONS = ((Tool, ToolSection), (ImageHabit, ImageSection), (KindHabit, KindSection))


@pytest.mark.parametrize(("value", "section"), [*SECTIONS, (Library, LibrarySection)])
def test_every_field_of_the_values_can_be_written(
    value: type[Tool | ImageHabit | KindHabit | Library], section: type[msgspec.Struct]
) -> None:
    assert {one.name for one in fields(value)} - {"origin"} == set(section.__struct_fields__)


_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=12))
_NAMES = st.sampled_from(["name", "purpose", "commands", "images", "server", "kind", "secret"])
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner)),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["tools", "images", "kinds", "libraries", "x"]), _DATA))
def test_whatever_is_written_is_taken_or_refused(data: dict[str, object]) -> None:
    try:
        knowledge_of(data, "acme 1")
    except ConfigError as error:
        assert error.message.startswith("`acme 1`")


@given(st.text())
def test_whatever_a_file_holds_is_taken_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        knowledge_in(text, "k.yaml")


def test_patterns_stay_fast_on_what_is_made_against_them() -> None:
    """A pattern of stars and a long word: a reader that tried every way would never end."""
    known = knowledge_in(TOOL % "commands: ['a*a*a*b x*x*x*y'], images: ['a*a*a*b']", "k.yaml")
    with knowing(known):
        words = ("a" * 20_000, *["x" * 20_000] * 20)
        assert classify(words) == ()
        assert image_tool("a" * 20_000) is None
