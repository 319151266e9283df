"""The pages of the library: every block of Python is run in order, every public name is shown."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import repoint

ROOT = Path(__file__).parents[2]
PAGES = ("library.md", "own-tools.md")
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed copy of the example, without a repoint.yaml, with the key for local."""
    folder = tmp_path / "naytife"
    shutil.copytree(ROOT / "examples" / "naytife", folder)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(folder / "keys" / "local.txt"))
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_blocks_run_in_order(name: str, example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = ROOT / "docs" / "how-to" / name
    blocks = _BLOCK.findall(page.read_text("utf-8"))
    assert len(blocks) == page.read_text("utf-8").count("```python")
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
    found = names["found"]
    assert isinstance(found, repoint.Scan) and found.sites
    if name == "library.md":
        done = names["done"]
        assert isinstance(done, repoint.Applied) and done.written
        status = ["git", "status", "--porcelain", "--", "deploy"]
        left = subprocess.run(status, capture_output=True, text=True, check=True)
        assert left.stdout == ""
        printed = capsys.readouterr().out
        assert "Deployment/naytife/backend/api migration" not in printed
        assert "   because " in printed and "RP110: " in printed


def test_the_page_of_own_tools_shows_what_repoint_yaml_takes() -> None:
    """The evidence that the page promises is what a scan says."""
    from repoint.model.consumer import Purpose
    from repoint.model.knowledge import knowing
    from repoint.planning.config import CONFIG_NAME, load_config
    from repoint.planning.knowledge import made_of
    from repoint.rules.purpose import ContainerFacts, judge

    text = (ROOT / "docs" / "how-to" / "own-tools.md").read_text("utf-8")
    section = re.search(r"^```yaml\n(knowledge:.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    config = load_config(f"source: {{hosts: [a]}}\ntarget: {{cluster: c, pooler: p}}\n{section[1]}")
    job = ContainerFacts("Job", "now", command=("acme-migrate", "up"))
    with knowing(made_of(config.knowledge, CONFIG_NAME)):
        verdict = judge(job, variable="DATABASE_URL")
    assert verdict.purpose is Purpose.MIGRATION
    assert f"because {verdict.evidence[0]}\n" in text


def test_the_page_of_own_tools_names_every_driver_and_habit() -> None:
    from typing import get_args

    from repoint.planning.knowledge_keys import Keeps
    from repoint.rules.driver_table import SHAPES

    text = (ROOT / "docs" / "how-to" / "own-tools.md").read_text("utf-8")
    assert [name for name in (*get_args(Keeps), *SHAPES) if f"`{name}`" not in text] == []


def test_the_reference_shows_every_public_name() -> None:
    text = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    shown = set(re.findall(r"^::: repoint\.(\w+)$", text, re.MULTILINE))
    assert shown == set(repoint.__all__) - {"API_VERSION", "__version__"}
