"""Hosts that init takes for a server, and words that stand for one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from repoint.flows.init_hosts import is_placeholder
from tests.unit.planning.small_repository import Trial, proposed, repository, workload

_WORDS = [
    *("set-by-replacement", "REPLACE_ME", "replace-me.data.svc", "changeme", "CHANGE-ME", "<host>"),
    *(
        "${DB_HOST}",
        "$(DB_HOST)",
        "{{ host }}",
        "DB_HOST",
        "__HOST__",
        "%HOST%",
        "@host@",
        "[host]",
    ),
    *("your-db-host", "todo", "placeholder", "to-be-defined", "xxxx", "overridden-in-overlay"),
]
_HOSTS = [
    *("postgres", "settings-db", "setup-db.data", "changelog-pg", "my_db", "db-by-team", "pg-rw"),
    *("youredb", "tbdata", "dummyless", "10.0.0.4", "fixmedb.example.com", "Pg-Main", "replica-me"),
]


@pytest.mark.parametrize("word", _WORDS)
def test_a_word_that_asks_to_be_replaced_is_no_host(word: str) -> None:
    assert is_placeholder(word)


@pytest.mark.parametrize("host", _HOSTS)
def test_a_name_is_a_host(host: str) -> None:
    assert not is_placeholder(host)


def test_a_placeholder_is_neither_proposed_nor_told(tmp_path: Path) -> None:
    pods = "containers:\n- name: kiln\n  image: clay/kiln:1\n  env:\n"
    pods += "".join(
        f"  - {{name: {name}, value: 'postgres://kiln@{host}/kiln'}}\n"
        for name, host in (
            ("KILN_DSN", "postgres"),
            ("GLAZE_DSN", "set-by-replacement"),
            ("FIRE_DSN", "changeme.data"),
        )
    )
    files = repository({"kiln.yaml": workload("Deployment", "kiln", pods)}, {})
    made = proposed(Trial(tmp_path, files))
    assert yaml.safe_load(made.text)["source"]["hosts"] == ["postgres"]
    assert made.notes == ()
