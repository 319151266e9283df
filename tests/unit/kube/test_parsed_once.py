"""Linking asks for a tree once, or again right away: a shelf keeps only so many of them."""

from __future__ import annotations

from collections import Counter

import pytest

from repoint.formats import read, shelf
from repoint.formats.base import ParsedFile
from repoint.formats.shelf import Shelf
from repoint.kube.resolve import resolve
from repoint.sites.detect import detect

APP = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        image: web:1
        envFrom: [{secretRef: {name: web}}]
"""
URL = "postgres://web@pg.shop.svc/web?sslmode=require&application_name=web"
SECRET = f"""apiVersion: v1
kind: Secret
metadata: {{name: web}}
stringData:
  URL: {URL}
"""
ALIASED = SECRET.replace("URL: ", "OTHER: &url ") + "  URL: *url\n"
VALUES = f"url: {URL}\n"
FILES = {
    "deploy/base/kustomization.yaml": "resources: [web.yaml, secret.yaml]\n",
    "deploy/base/web.yaml": APP,
    "deploy/base/secret.yaml": SECRET,
    "deploy/dev/kustomization.yaml": "resources: [../base]\nnamespace: dev\n",
    "deploy/live/kustomization.yaml": "resources: [../base]\nnamespace: live\n",
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "charts/web/values.yaml": "url: ''\nimage: {tag: x}\n",
    "charts/web/templates/secret.yaml": "kind: Secret\nstringData: {URL: {{ .Values.url }}}\n",
    "settings/web/live.yaml": VALUES,
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file is parsed, where a single tree stands at a time."""
    counts: Counter[str] = Counter()

    def read_file(path: str, raw: bytes) -> ParsedFile:
        counts[path] += 1
        return read.read_file(path, raw)

    monkeypatch.setattr(shelf, "read_file", read_file)
    monkeypatch.setattr(shelf, "MOST_TEXT", 1)
    return counts


def linked(files: dict[str, str], parsed: Counter[str]) -> list[tuple[str, str]]:
    """The environment and the place of every use."""
    held = Shelf({path: text.encode() for path, text in files.items()})
    sites = {path: found for path in held if (found := detect(held.passing(path)))}
    parsed.clear()
    return [(one.environment, one.site.location.path) for one in resolve(held, sites).uses]


def test_objects_and_kustomizations_are_not_parsed_again_and_again(parsed: Counter[str]) -> None:
    found = linked(FILES, parsed)

    assert ("dev", "deploy/base/secret.yaml") in found
    assert ("live", "deploy/base/secret.yaml") in found
    assert [parsed["deploy/base/secret.yaml"], parsed["deploy/base/web.yaml"]] == [1, 1]
    assert parsed["deploy/live/kustomization.yaml"] == 1


def test_values_by_what_they_hold_are_still_read(parsed: Counter[str]) -> None:
    assert "settings/web/live.yaml" in {path for _, path in linked(FILES, parsed)}


def test_an_alias_is_followed_still(parsed: Counter[str]) -> None:
    found = linked({**FILES, "deploy/base/secret.yaml": ALIASED}, parsed)

    assert ("dev", "deploy/base/secret.yaml") in found
    assert parsed["deploy/base/secret.yaml"] == 2
