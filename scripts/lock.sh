#!/usr/bin/env bash
# Writes requirements.lock from pyproject.toml: names, versions and hashes only, for every
# supported Python and platform. The lock names no registry: the client's own settings do.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=uv
if [ -x .venv/bin/uv ]; then uv=.venv/bin/uv; fi

"$uv" pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
    --quiet --output-file requirements.lock "$@"

if grep -nE '://|--(extra-)?index-url|--find-links' requirements.lock; then
    echo "error: requirements.lock names a registry or an address" >&2
    exit 1
fi
