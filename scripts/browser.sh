#!/usr/bin/env bash
# Gets what the tests of the HTML report need: Chromium from Debian, axe-core from npm. A second run does
# nothing. axe-core (MPL-2.0) judges accessibility in tests alone; it is neither shipped nor committed.
set -euo pipefail
axe_version=4.14.1
axe_sha512=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5
cache=${XDG_CACHE_HOME:-$HOME/.cache}/repoint-dev

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
if [ ! -f "$cache/axe-core-$axe_version/axe.min.js" ] && command -v npm >/dev/null; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && npm pack --silent "axe-core@$axe_version" >/dev/null)
    echo "$axe_sha512  $work/axe-core-$axe_version.tgz" | sha512sum --check --quiet
    mkdir -p "$cache/axe-core-$axe_version"
    tar -xzf "$work/axe-core-$axe_version.tgz" -C "$work" package/axe.min.js
    mv "$work/package/axe.min.js" "$cache/axe-core-$axe_version/axe.min.js"
fi
command -v chromium || command -v chromium-browser
ls "$cache/axe-core-$axe_version/axe.min.js" 2>/dev/null || echo "note: no axe-core: npm is not here" >&2
