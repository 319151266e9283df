"""The generated repositories: the same bytes everywhere, and a truth that stands in them."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.generate import File, contents, read_truth, write
from bench.marks import Planted
from bench.scanning import NEEDLES
from repoint.model.consumer import Purpose, Style

DIGEST = "d3e1204f61c77abaed6173c8e090e475da259a24dd23625a9cf3fcdff7733cdf"


@pytest.fixture(scope="module")
def files() -> list[File]:
    return list(contents(1_000))


@pytest.fixture(scope="module")
def documents(files: list[File]) -> dict[str, list[Any]]:
    """Every YAML file that is no template, parsed; anchors and tags are not used."""
    found = {}
    for file in files:
        if file.path.endswith(".yaml") and "/templates/" not in file.path:
            found[file.path] = list(yaml.load_all(file.raw, Loader=yaml.CSafeLoader))
    return found


def test_the_bytes_are_the_same_everywhere(files: list[File]) -> None:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\0{len(file.raw)}\0".encode() + file.raw)
    assert digest.hexdigest() == DIGEST


def test_the_shape_is_that_of_a_platform_repository(files: list[File]) -> None:
    paths = {file.path for file in files}
    folders = {str(parent) for path in paths for parent in Path(path).parents}
    naming = sum(re.search(NEEDLES.encode(), file.raw, re.IGNORECASE) is not None for file in files)
    assert len(paths) == 1_000
    assert 320 <= len(folders) <= 340
    assert 160 <= naming <= 180
    assert 4_000_000 <= sum(len(file.raw) for file in files) <= 4_800_000
    assert sum(bool(file.sites) for file in files) == 123
    assert sum(len(file.sites) for file in files) == 174


def test_every_span_holds_its_host(files: list[File]) -> None:
    for file in files:
        for site in file.sites:
            text = file.raw[site.start : site.end].decode()
            if site.encoded:
                assert f"@{site.host}:" in base64.b64decode(text).decode()
            else:
                assert text == site.host
            before = file.raw[: site.start].decode()
            assert site.line == before.count("\n") + 1
            assert site.column == len(before.rpartition("\n")[2]) + 1
            assert site.path == file.path


def test_every_host_of_the_source_is_a_site_or_a_decoy(files: list[File]) -> None:
    """The truth forgets none: where the host stands in a file, somebody planted it."""
    for file in files:
        if file.path == "repoint.yaml":
            continue
        known = [(one.start, one.end) for one in (*file.sites, *file.decoys)]
        for found in re.finditer(rb"postgres\.platform[a-z-]*\.svc", file.raw):
            assert any(start <= found.start() < end for start, end in known), file.path


def test_pointers_lead_to_the_value_that_holds_the_host(
    files: list[File], documents: dict[str, list[Any]]
) -> None:
    followed = 0
    for site in (site for file in files for site in file.sites):
        if site.path in documents:
            value = _value_at(documents[site.path], site.pointer)
            text = base64.b64decode(value).decode() if site.encoded else value
            assert site.host in text, site
            followed += 1
        elif site.pointer.startswith("line/"):
            assert site.pointer == f"line/{site.line}"
    assert followed > 100


def test_readers_are_containers_of_the_repository(
    files: list[File], documents: dict[str, list[Any]]
) -> None:
    compared = 0
    known = {name for found in documents.values() for one in found for name in _containers(one)}
    for site in (site for file in files for site in file.sites):
        for use in site.uses:
            if use.consumer.count("/") == 3:  # of the base, not of a chart
                kind, _, name, container = use.consumer.split("/")
                assert (kind, name, container) in known, use
                compared += 1
    assert compared > 200


def test_words_are_those_of_the_scan(files: list[File]) -> None:
    sites = [site for file in files for site in file.sites]
    assert {site.style for site in sites} <= set(Style)
    purposes = {purpose for site in sites for purpose in site.purposes}
    purposes |= {use.purpose for site in sites for use in site.uses}
    assert purposes <= set(Purpose) - {Purpose.UNKNOWN, Purpose.COMMENT}
    assert len({site.style for site in sites}) >= 8
    assert len(purposes) == 7


def test_decoys_are_no_sites(files: list[File]) -> None:
    reasons: Counter[str] = Counter()
    for file in files:
        taken = [range(site.start, site.end) for site in file.sites]
        for decoy in file.decoys:
            assert not any(set(range(decoy.start, decoy.end)) & set(span) for span in taken)
            assert file.raw.count(b"\n", 0, decoy.start) + 1 == decoy.line
            assert decoy.start < decoy.end <= len(file.raw)
            reasons[decoy.why] += 1
    assert {"redis", "mysql", "an image", "a comment", "a reference"} <= set(reasons)


def test_traps_for_offsets_are_there(files: list[File]) -> None:
    with_sites = [file for file in files if file.sites]
    assert any(file.raw.startswith(b"\xef\xbb\xbf") for file in with_sites)
    assert any(b"\r\n" in file.raw for file in with_sites)
    assert any(not file.raw[: file.sites[0].start].isascii() for file in with_sites)


def test_write_commits_the_files_and_their_truth(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    truth = write(root, 400)
    argv = ["git", "-C", str(root), "status", "--porcelain"]
    assert subprocess.run(argv, check=True, capture_output=True).stdout == b""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True
    )
    assert len(listed.stdout.split(b"\0")) - 1 == 400
    assert read_truth(root) == truth
    assert isinstance(truth.sites[0], Planted)
    assert (root / truth.sites[0].path).is_file()


def _value_at(documents: list[Any], pointer: str) -> str:
    value: Any = documents
    for part in pointer.strip("/").split("/"):
        value = value[int(part)] if isinstance(value, list) else value[part]
    assert isinstance(value, str)
    return value


def _containers(document: Any) -> set[tuple[str, str, str]]:
    if not isinstance(document, dict) or document.get("kind") not in (
        "Deployment",
        "Job",
        "CronJob",
    ):
        return set()
    spec = document["spec"]
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    pod = spec.get("template", {}).get("spec", {})
    return {
        (document["kind"], document["metadata"]["name"], one["name"])
        for one in (*pod.get("containers", ()), *pod.get("initContainers", ()))
    }
