"""A copy of examples/naytife for the world: with its settings for repoint, and one consumer more.

The backend only reads. So the copy has a `writer`, whose rows tell whether a write was lost; it
is deployed like the backend, with the same Secret.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "naytife"
MIGRATED = ROOT / "examples" / "naytife-migrated"
ENVIRONMENTS = ("local", "staging", "production")
SOURCE_URL, TARGET_URL = "OLD_DATABASE", "NEW_DATABASE"
"""The variables that hold the URLs for comparisons."""
_BACKEND = "deploy/base/backend"
_MIGRATION = "20251101090000_receipts.sql"
_RECEIPTS = """\
CREATE TABLE receipts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  writer text NOT NULL,
  number bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
"""
_WRITER = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: writer
  namespace: naytife
  labels:
    app: writer
    app.kubernetes.io/part-of: naytife
spec:
  replicas: 1
  selector:
    matchLabels:
      app: writer
  template:
    metadata:
      labels:
        app: writer
    spec:
      containers:
        - name: writer
          image: ghcr.io/naytife/writer:0.14.2
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: WRITE_EVERY
              value: 200ms
            - name: DATABASE_URL
              valueFrom:
                secretKeyRef:
                  name: backend-secret
                  key: DATABASE_URL
          readinessProbe:
            httpGet:
              path: /health
              port: 8080
            periodSeconds: 1
"""


def copy_example(into: Path, *, migrated: bool = False, writer: bool = True) -> Path:
    """A copy that belongs to the test; contexts are named after environments."""
    shutil.copytree(MIGRATED if migrated else EXAMPLE, into)
    settings = yaml.safe_load((MIGRATED / "repoint.yaml").read_text())
    for name in ENVIRONMENTS:
        settings["environments"][name]["context"] = name
        settings["environments"][name]["confirm"] = False
    # A test cannot look for half an hour.
    settings["verify"] = {"soak": {"duration": "4s", "every": "1s"}}
    # The owner is no superuser and sees no tenant's rows: somebody else compares.
    settings["data"] = {"source": SOURCE_URL, "target": TARGET_URL}
    (into / "repoint.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    if writer:
        _add_writer(into)
    _git(into, "init", "-q")
    commit(into, "The example")
    return into


def commit(example: Path, message: str) -> None:
    """Commit everything that changed."""
    _git(example, "add", "-A")
    _git(example, "commit", "-q", "--allow-empty", "-m", message)


def _git(example: Path, *args: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *who, *args], cwd=example, check=True, capture_output=True)


def _add_writer(example: Path) -> None:
    (example / "backend/internal/db/migrations" / _MIGRATION).write_text(_RECEIPTS)
    (example / _BACKEND / "writer.yaml").write_text(_WRITER)
    listing = example / _BACKEND / "kustomization.yaml"
    text = listing.read_text()
    listing.write_text(text.replace("  - service.yaml\n", "  - service.yaml\n  - writer.yaml\n"))
