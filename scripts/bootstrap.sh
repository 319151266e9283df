#!/usr/bin/env bash
# Makes .venv with the locked dependencies and repoint itself. Safe to run again: does nothing
# when neither requirements.lock nor pyproject.toml changed. Asks no questions.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/.installed
say() { printf '%s\n' "$*" >&2; }

fingerprint() { cat requirements.lock pyproject.toml scripts/bootstrap.sh | sha256sum | cut -d' ' -f1; }

good_python() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local name
    for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$name" ] && command -v "$name" >/dev/null && good_python "$name"; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

apt_install() {
    local as_root=()
    if ! command -v apt-get >/dev/null; then
        say "error: missing here: $*, and there is no apt-get to install it with"
        say "hint: install it by hand, then run this again"
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "error: missing here: $*, and installing it needs root"
            say "hint: run as root: apt-get install -y $*"
            exit 1
        fi
        as_root=(sudo -n)
    fi
    say "installing with apt: $*"
    # Without what these only recommend, such as parts of X11; what apt says is shown if it fails.
    local told
    if ! told=$({ "${as_root[@]}" apt-get -qq update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq install -y --no-install-recommends "$@"; } 2>&1 </dev/null); then
        say "$told"
        say "error: apt could not install: $*"
        exit 1
    fi
}

if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint)" ]; then
    exit 0
fi

missing=()
command -v git >/dev/null || missing+=(git)
command -v make >/dev/null || missing+=(make)
find_python >/dev/null || missing+=(python3 python3-venv)
if [ "${#missing[@]}" -gt 0 ]; then
    apt_install "${missing[@]}"
fi
if ! python=$(find_python); then
    say "error: Python 3.11 or newer with venv was not found"
    say "hint: set PYTHON to one, for example: PYTHON=/usr/bin/python3.12 make install"
    exit 1
fi

if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "creating .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
say "installing the locked dependencies and repoint"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
    --require-hashes --requirement requirements.lock
# As pip does from 25.2 on, uv writes a script that starts without `re`; older ones come with Python.
.venv/bin/uv pip install --quiet --python .venv/bin/python --offline --no-cache \
    --no-deps --no-build-isolation --editable .
fingerprint > "$stamp"
say "ready: .venv/bin/repoint"
