"""The image's description: what a cluster under the restricted standard asks of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from scripts.doc_pages.parsing import complaint

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "Containerfile").read_text("utf-8")
STEPS = [
    tuple(line.split(" ", 1))
    for line in re.sub(r"^#.*\n|\\\n\s*", "", CONTAINERFILE, flags=re.M).splitlines()
    if line
]


def last(name: str) -> str:
    return [rest for step, rest in STEPS if step == name][-1]


def job() -> Any:
    text = (ROOT / "examples" / "in-cluster" / "verify.yaml").read_text("utf-8")
    (found,) = (one for one in yaml.safe_load_all(text) if one["kind"] == "Job")
    return found["spec"]["template"]["spec"]


def test_it_runs_as_somebody_by_number_and_without_a_shell() -> None:
    assert last("USER") == "65532:65532"
    assert json.loads(last("ENTRYPOINT")) == ["/opt/repoint/bin/repoint"]
    assert json.loads(last("CMD")) == ["--help"]
    assert not {"HEALTHCHECK", "EXPOSE", "VOLUME", "SHELL", "ADD"} & {step for step, _ in STEPS}


def test_both_stages_have_the_base_that_the_argument_names() -> None:
    assert [rest for step, rest in STEPS if step == "FROM"] == ["${BASE} AS build", "${BASE}"]
    base = next(rest for step, rest in STEPS if step == "ARG")
    assert re.fullmatch(r"BASE=docker\.io/library/debian:[a-z]+-slim", base)


def test_all_but_debians_packages_comes_by_hash_or_from_the_release() -> None:
    steps = " && ".join(rest for _, rest in STEPS)
    installs = re.findall(r"pip install [^&]*", steps)
    assert len(installs) == 2
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    assert not re.search(r"curl|wget|https?://", CONTAINERFILE)


def test_only_the_wheel_and_the_lock_get_into_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = [rest.split()[0] for step, rest in STEPS if step == "COPY" and "--from" not in rest]
    assert {rule.removeprefix("!") for rule in rules[1:]} == {*copied}


def test_what_it_writes_goes_where_the_job_has_a_volume() -> None:
    environment = dict(word.split("=", 1) for word in last("ENV").split())
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        assert environment[name].startswith("/tmp"), name
    spec = job()
    for container in (*spec["initContainers"], *spec["containers"]):
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    user = last("USER").split(":")
    security = spec["securityContext"]
    assert [str(security["runAsUser"]), str(security["runAsGroup"])] == user


def test_the_jobs_arguments_are_ones_that_repoint_takes() -> None:
    (container,) = job()["containers"]
    folder, *arguments = [str(one) for one in container["args"]][1:]
    assert container["args"][0] == "-C" and folder.startswith("/repository/")
    assert complaint(arguments) == ""
    assert complaint(["verify", "--everywhere"]) != ""
