"""Runs the steps of action.yml as GitHub's runner would: under bash, expressions filled in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  template:
    spec:
      containers:
        - {{name: web, image: web, env: [{{name: PGHOST, value: {host}}}]}}
"""
CONFIG = """\
source: {hosts: [pg.old.svc]}
target: {cluster: new, pooler: new-pooler}
environments: {local: {overlay: deploy/local}, far: {overlay: deploy/far}}
"""


def write_shop(root: Path, host: str = "pg.old.svc") -> None:
    """A repository with one consumer in each of two environments."""
    for name in ("local", "far"):
        folder = root / "deploy" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kustomization.yaml").write_text("resources: [web.yaml]\n")
        (folder / "web.yaml").write_text(MANIFEST.format(host=host))
    (root / "repoint.yaml").write_text(CONFIG)


def git(root: Path, *arguments: str) -> str:
    """Run git as somebody."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)
    return done.stdout.decode()


def write_program(folder: Path) -> Path:
    """This repoint, under its name, and this Python beside it; the folder for PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(sys.path)
    for name, words in (("repoint", "-m repoint"), ("python", "")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{path}" exec "{sys.executable}" {words} "$@"\n')
        program.chmod(0o755)
    return folder


@dataclass
class Runner:
    """A job of GitHub's: its folders, its inputs, and what its steps have told."""

    temp: Path
    work: Path
    inputs: dict[str, str] = field(default_factory=dict)
    github: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""

    def value(self, expression: str) -> str:
        """What an expression such as `inputs.path` stands for."""
        words = expression.split(".")
        if words[0] == "inputs":
            default = str(ACTION["inputs"][words[1]]["default"])
            return self.inputs.get(words[1], _filled(default, self.value))
        if words[0] == "steps":
            return self.outputs.get(words[1], {}).get(words[3], "")
        if expression == "runner.temp":
            return str(self.temp)
        return self.github.get(expression.removeprefix("github."), "")

    def run(self, name: str, **environment: str) -> int:
        """Run one step; its status."""
        (step,) = (one for one in STEPS if one["name"] == name)
        files = {key: self.temp / key.lower() for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        filled = {key: _filled(text, self.value) for key, text in step.get("env", {}).items()}
        before = len(files["GITHUB_OUTPUT"].read_text())
        script = self.temp / "script.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.work,
            env={
                **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
                **{key: str(file) for key, file in files.items()},
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_ACTION_PATH": str(ROOT),
                **environment,
                **filled,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.log = done.stdout.decode()
        told = files["GITHUB_OUTPUT"].read_text()[before:].splitlines()
        pairs = dict(line.split("=", 1) for line in told)
        self.outputs.setdefault(step.get("id", name), {}).update(pairs)
        return done.returncode

    @property
    def summary(self) -> str:
        """The job's summary."""
        return (self.temp / "github_step_summary").read_text()


def _filled(text: str, value: Callable[[str], str]) -> str:
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: value(found[1]), text)


class Comments(ThreadingHTTPServer):
    """The comments of a pull request, as GitHub's API has them; `refusal` answers writes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.comments: list[dict[str, Any]] = []
        self.refusal = 0
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, body: str, kind: str = "Bot") -> int:
        """A comment of a bot or of somebody."""
        self.comments.append({"id": 100 + len(self.comments), "body": body, "user": {"type": kind}})
        return int(self.comments[-1]["id"])


class _Answer(BaseHTTPRequestHandler):
    server: Comments

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        size, page = int(asked["per_page"][0]), int(asked["page"][0])
        self._say(200, self.server.comments[(page - 1) * size : page * size])

    def do_POST(self) -> None:
        self._write(None)

    def do_PATCH(self) -> None:
        self._write(int(self.path.rpartition("/")[2]))

    def _write(self, number: int | None) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        self.server.asked.append(f"{self.command} {self.path} {self.headers['Authorization']}")
        if self.server.refusal:
            self._say(self.server.refusal, {})
        elif number is None:
            self._say(201, {"id": self.server.add(body)})
        else:
            (one,) = (one for one in self.server.comments if one["id"] == number)
            one["body"] = body
            self._say(200, one)

    def _say(self, status: int, document: object) -> None:
        raw = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def comments() -> Iterator[Comments]:
    """An API that runs while the block does."""
    with Comments() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
