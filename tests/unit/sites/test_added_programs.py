"""Servers on the command lines of added programs are found, and no cheap look hides them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.flows.relevance import may_matter
from repoint.formats.read import read_file
from repoint.model.consumer import Site
from repoint.model.knowledge import Knowledge, knowing
from repoint.planning.knowledge import knowledge_of
from repoint.sites import detect as module
from repoint.sites.needles import may_hold_site_bytes

ADDED = knowledge_of(
    {
        "tools": [
            {"name": "dbwait", "purpose": "probe", "commands": ["dbwait|dbwait2"], "waits": True},
            {
                "name": "acme-move",
                "purpose": "migration",
                "commands": ["acme-move up"],
                "server": {
                    "host": ["server", "s"],
                    "port": ["at"],
                    "user": ["login"],
                    "database": ["into"],
                },
            },
        ]
    },
    "repoint.yaml",
)


@pytest.fixture
def added() -> Iterator[Knowledge]:
    with knowing(ADDED):
        yield ADDED


def job(command: str) -> str:
    return (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n      - name: x\n        image: x\n        command: {command}\n"
    )


def found(path: str, text: str) -> tuple[Site, ...]:
    return module.detect(read_file(path, text.encode()))


CASES = [
    ("argv", "a.yaml", job("[dbwait, 'main.shop:5432']"), "main.shop"),
    ("two words", "a.yaml", job("[dbwait, main.shop, '5432']"), "main.shop"),
    ("a script", "a.yaml", job('[sh, -c, "dbwait main.shop:5432 && go"]'), "main.shop"),
    ("a path", "go.sh", "/opt/bin/dbwait.sh main.shop:5432\n", "main.shop"),
    ("an option", "a.yaml", job("[acme-move, --server, main.shop, up]"), "main.shop"),
    ("an option with =", "a.yaml", job("[acme-move, --server=main.shop, up]"), "main.shop"),
    ("a letter", "go.sh", "acme-move -s main.shop up\n", "main.shop"),
    ("in a script", "a.yaml", job('[sh, -c, "acme-move --server main.shop up"]'), "main.shop"),
    ("in a Makefile", "Makefile", "up:\n\tacme-move --server main.shop up\n", "main.shop"),
]


@pytest.mark.parametrize(
    ("path", "text", "host"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_server_is_found(added: Knowledge, path: str, text: str, host: str) -> None:
    assert [site.host.text for site in found(path, text)] == [host]
    assert may_hold_site_bytes(path, text.encode()) and may_matter(path, text.encode())


def test_the_parts_of_an_address(added: Knowledge) -> None:
    text = "acme-move up --server main.shop --at 5433 --login app --into orders\n"
    (site,) = found("go.sh", text)
    assert (site.key, site.user, site.database) == ("acme-move", "app", "orders")
    assert site.port is not None and site.port.text == "5433"
    assert site.host.span is not None
    assert text[site.host.span.start : site.host.span.end] == "main.shop"


@pytest.mark.parametrize(("path", "text"), [c[1:3] for c in CASES[4:]])
def test_without_it_nothing_is_known_of_such_words(path: str, text: str) -> None:
    assert found(path, text) == ()


NOT = [
    ("another option", "go.sh", "acme-move --mirror main.shop up\n"),
    ("a variable", "go.sh", "acme-move --server $HOST up\n"),
    ("another port", "go.sh", "dbwait main.shop:6379\n"),
    ("only said", "go.sh", "echo acme-move --server main.shop\n"),
    ("another name", "go.sh", "acme-moves --server main.shop\n"),
]


@pytest.mark.parametrize(("path", "text"), [c[1:] for c in NOT], ids=[c[0] for c in NOT])
def test_what_is_no_server(added: Knowledge, path: str, text: str) -> None:
    assert found(path, text) == ()


HOSTS = st.sampled_from(["main.shop", "orders", "db-1.shop.svc.cluster.local"])
WORDS = st.sampled_from(
    ["acme-move", "dbwait", "dbwait2", "--server", "-s", "--at", "5432", "up", "sh -c", "sudo"]
)


@given(st.lists(st.one_of(WORDS, HOSTS, HOSTS.map("{}:5432".format)), max_size=8), st.booleans())
def test_the_cheap_look_hides_nothing(words: list[str], manifest: bool) -> None:
    line = " ".join(words)
    path, text = ("a.yaml", job(f'[sh, -c, "{line}"]')) if manifest else ("run.sh", f"{line}\n")
    with knowing(ADDED), pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "may_hold_site", lambda path, text: True)
        sites = found(path, text)
        assert not sites or may_hold_site_bytes(path, text.encode()), line
