"""`repoint explain` and the schema: what they print works where it goes."""

from __future__ import annotations

import json

from click.testing import CliRunner

from repoint.cli import main


def test_the_schema_of_knowledge_is_its_own() -> None:
    result = CliRunner().invoke(main, ["schema", "knowledge"])
    assert result.exit_code == 0
    assert set(json.loads(result.stdout)["$defs"]["KnowledgeData"]["properties"]) == {
        *("tools", "images", "kinds", "libraries"),
    }
    assert json.loads(CliRunner().invoke(main, ["schema", "config"]).stdout)["title"] == (
        "repoint.yaml"
    )


def test_the_schema_is_json_and_knows_the_sections() -> None:
    result = CliRunner().invoke(main, ["schema"])
    document = json.loads(result.stdout)
    sections = document["$defs"]["Config"]["properties"]
    assert {"source", "target", "environments", "consumers", "accept", "exclude"} <= set(sections)


def test_explain_prints_the_page_of_a_code_in_any_case() -> None:
    result = CliRunner().invoke(main, ["explain", "rp211"])
    assert result.exit_code == 0
    assert result.stdout.startswith("# RP211: ")


def test_explain_alone_lists_every_code() -> None:
    listed = CliRunner().invoke(main, ["explain"]).stdout.splitlines()
    assert "RP401: a file changed after the plan was made" in listed
    assert len(listed) == len({line.partition(":")[0] for line in listed})


def test_explain_of_an_unknown_code_suggests_near_ones() -> None:
    result = CliRunner().invoke(main, ["explain", "RP2111"])
    assert result.exit_code == 2
    assert "did you mean `RP211`" in result.stderr
