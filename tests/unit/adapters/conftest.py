"""A repository with a sops key for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.flows.hand_plans import Repository, new_repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """An empty repository; its key is the only one that sops knows."""
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", "")
    return new_repository(tmp_path)
