#!/usr/bin/env bash
# Writes requirements.lock and the image's part of it from pyproject.toml, and scripts/audit.lock for
# `make audit`: names, versions and hashes only, for every supported Python and platform. None names
# a registry: the client's own settings do.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=uv
if [ -x .venv/bin/uv ]; then uv=.venv/bin/uv; fi

lock() { # what to read, what to write, more options
    local source=$1 target=$2
    shift 2
    "$uv" pip compile "$source" --universal --python-version 3.11 \
        --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
        --quiet --output-file "$target" "$@"
    if grep -nE '://|--(extra-)?index-url|--find-links' "$target"; then
        echo "error: $target names a registry or an address" >&2
        exit 1
    fi
}

lock pyproject.toml requirements.lock --all-extras "$@"
# What the image holds: the same versions, of what a user needs who brings no programs along.
lock pyproject.toml requirements-image.lock --extra tools --extra report \
    --constraint requirements.lock
# A tool of its own, with some thirty packages that nothing else here needs.
lock scripts/audit.in scripts/audit.lock "$@"
