"""Which context a command uses, and when it asks."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from repoint.cli.context import choose_context, must_ask
from repoint.errors import WrongContext
from repoint.planning.config import Config, Environment, Source, Target
from repoint.ports.cluster import ClusterApi


class Door:
    """The contexts of a kubeconfig whose current one is not to be used."""

    def contexts(self) -> tuple[str, ...]:
        return ("kind", "prod", "elsewhere")

    def current(self) -> str:
        return "elsewhere"

    def server(self, context: str) -> str:
        return ""

    def open(self, context: str) -> AbstractContextManager[ClusterApi]:
        raise AssertionError


def config(**environments: Environment) -> Config:
    return Config(
        source=Source(hosts=["postgres"]),
        target=Target(cluster="pg", pooler="pooler"),
        environments=environments,
    )


@pytest.mark.parametrize(
    ("own", "named", "chosen"),
    [("kind", "", "kind"), ("", "prod", "prod"), ("prod", "prod", "prod")],
    ids=["of repoint.yaml", "of the command", "both"],
)
def test_the_context_that_is_named(own: str, named: str, chosen: str) -> None:
    known = config(local=Environment(context=own))

    assert choose_context(known, "local", named, Door()) == chosen


@pytest.mark.parametrize(
    ("own", "named", "told"),
    [
        ("kind", "prod", "environment `local` is in context `kind`, not in `prod`"),
        ("nope", "", "there is no Kubernetes context `nope`"),
        ("", "nope", "there is no Kubernetes context `nope`"),
        ("", "", "it is not said which Kubernetes context environment `local` is in"),
    ],
    ids=["two", "unknown in repoint.yaml", "unknown", "none, so never the current one"],
)
def test_no_context_is_guessed(own: str, named: str, told: str) -> None:
    known = config(local=Environment(context=own))

    with pytest.raises(WrongContext) as caught:
        choose_context(known, "local", named, Door())

    assert caught.value.message == told


def test_those_that_are_there_are_named() -> None:
    with pytest.raises(WrongContext) as caught:
        choose_context(config(local=Environment()), "local", "", Door())

    assert "the kubeconfig has: kind, prod, elsewhere" in caught.value.hints


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (("local",), ()),
        (("production",), ("production",)),
        (("eu-prod", "local"), ("eu-prod", "local")),
        (("local", "staging", "prod"), ("staging", "prod")),
        (("reproduction", "product"), ("product",)),
    ],
    ids=", ".join,
)
def test_every_environment_but_the_first_is_asked_for(
    names: tuple[str, ...], asked: tuple[str, ...]
) -> None:
    known = config(**{name: Environment() for name in names})

    assert tuple(name for name in names if must_ask(known, name)) == asked


def test_what_repoint_yaml_says_of_asking_wins() -> None:
    known = config(local=Environment(confirm=True), production=Environment(confirm=False))

    assert [must_ask(known, name) for name in known.environments] == [True, False]
