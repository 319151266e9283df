"""The samples of the how-to pages: what GitHub and GitLab read, with inputs that exist."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from tests.ci.steps import ACTION, ROOT
from tests.ci.test_gitlab import INPUTS
from tests.ci.test_pre_commit import HOOKS


def samples(page: str) -> list[dict[str, Any]]:
    """The YAML blocks of a how-to page."""
    text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def schema(name: str) -> dict[str, Any]:
    """A schema of others."""
    return dict(json.loads((ROOT / "tests" / "schemas" / name).read_text("utf-8")))


def test_the_workflow_is_what_github_reads_and_asks_for_little() -> None:
    (workflow,) = samples("github.md")
    # YAML 1.1 reads the key `on` as true.
    read = {"on" if key is True else key: value for key, value in workflow.items()}
    jsonschema.validate(read, schema("github-workflows.json"))
    job = read["jobs"]["check"]
    assert read["permissions"] == {}
    assert job["permissions"] == {
        **{"contents": "read", "pull-requests": "write", "security-events": "write"}
    }
    assert set(job["steps"][1]["with"]) <= ACTION["inputs"].keys()


def test_the_tables_name_every_input() -> None:
    for page, inputs in (("github.md", ACTION["inputs"]), ("gitlab.md", INPUTS)):
        text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
        assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(inputs)


def test_the_include_is_what_gitlab_reads() -> None:
    (include,) = samples("gitlab.md")
    jsonschema.validate(include, schema("gitlab-ci.json"))
    assert set(include["include"][0]["inputs"]) <= set(INPUTS)
    assert (ROOT / include["include"][0]["file"]).exists()


@pytest.mark.parametrize("number", [0, 1])
def test_the_hook_that_is_named_is_there(number: int) -> None:
    (chosen,) = samples("pre-commit.md")[number]["repos"]
    assert {one["id"] for one in chosen["hooks"]} == {one["id"] for one in HOOKS}
