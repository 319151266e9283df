"""Which files are read, and how."""

from __future__ import annotations

import pytest

from repoint.formats.base import FileKind
from repoint.formats.kinds import kind_of

READ = {
    "a.yaml": FileKind.YAML,
    "d/B.YML": FileKind.YAML,
    "a.json": FileKind.JSON,
    "atlas.hcl": FileKind.HCL,
    "x.tf": FileKind.HCL,
    "x.tfvars": FileKind.HCL,
    ".env": FileKind.DOTENV,
    ".env.production": FileKind.DOTENV,
    "prod.env": FileKind.DOTENV,
    "app.env.example": FileKind.DOTENV,
    "env.yaml": FileKind.YAML,
    ".env.json": FileKind.JSON,
    "pgbouncer.ini": FileKind.INI,
    "my.cnf": FileKind.INI,
    "pg_service.conf": FileKind.INI,
    "a.toml": FileKind.TOML,
    "application.properties": FileKind.PROPERTIES,
    "deploy/Kustomization": FileKind.YAML,
    "Makefile": FileKind.MAKEFILE,
    "GNUmakefile": FileKind.MAKEFILE,
    "x/rules.mk": FileKind.MAKEFILE,
    "justfile": FileKind.MAKEFILE,
    "run.sh": FileKind.SHELL,
    "run.bash": FileKind.SHELL,
    ".envrc": FileKind.SHELL,
    "charts/x/templates/deployment.yaml": FileKind.HELM_TEMPLATE,
    "charts/x/templates/sub/job.yml": FileKind.HELM_TEMPLATE,
    "charts/x/templates/_helpers.tpl": FileKind.HELM_TEMPLATE,
    "charts/x/values.yaml": FileKind.YAML,
    "values.yaml.gotmpl": FileKind.HELM_TEMPLATE,
    "Dockerfile": FileKind.DOCKERFILE,
    "Dockerfile.dev": FileKind.DOCKERFILE,
    "api.Dockerfile": FileKind.DOCKERFILE,
    "Containerfile": FileKind.DOCKERFILE,
    "pom.xml": FileKind.XML,
    "Procfile": FileKind.TEXT,
}

LEFT = [
    "main.go", "a.py", "a.js", "a.ts", "A.java", "a.rb", "a.php", "a.rs", "a.cs", "a.sql",
    "README.md", "a.rst", "notes.txt", "a.adoc", "logo.png", "a.tar.gz", "a.zip", "go.sum",
    "package-lock.json", "pnpm-lock.yaml", "poetry.lock", "Chart.lock", ".terraform.lock.hcl",
    "env.py", ".env.ts", "LICENSE", "Dockerfile.dockerignore",
]  # fmt: skip


@pytest.mark.parametrize("path", sorted(READ))
def test_what_can_hold_a_site_is_read(path: str) -> None:
    assert kind_of(path, b"") is READ[path]


@pytest.mark.parametrize("path", LEFT)
def test_what_cannot_is_left(path: str) -> None:
    assert kind_of(path, b"text") is None


SHEBANGS = [
    pytest.param(b"#!/bin/sh\n", FileKind.SHELL, id="sh"),
    pytest.param(b"#!/usr/bin/env bash\n", FileKind.SHELL, id="env bash"),
    pytest.param(b"#!/usr/bin/env -S bash -e\n", FileKind.SHELL, id="env -S"),
    pytest.param(b"#! /bin/dash\n", FileKind.SHELL, id="blank"),
    pytest.param(b"#!/usr/bin/python3\n", None, id="python"),
    pytest.param(b"#!/usr/bin/env fish\n", None, id="another shell"),
    pytest.param(b"\x7fELF\0", None, id="binary"),
    pytest.param(b"#!/bin/sh\n\0", None, id="self-extracting binary"),
]


@pytest.mark.parametrize(("head", "kind"), SHEBANGS)
def test_a_shebang_tells_of_a_name_without_suffix(head: bytes, kind: FileKind | None) -> None:
    assert kind_of("bin/migrate", head) is kind
