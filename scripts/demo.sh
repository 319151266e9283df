#!/usr/bin/env bash
# The whole story on a copy of examples/naytife: look, plan, rehearse, apply, check, roll back, and the
# proof that the way back ends where it began. Changes nothing outside a temporary folder.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
export PATH="$top/.venv/bin:$PATH"
unset SOPS_AGE_KEY
work=$(mktemp -d "${TMPDIR:-/tmp}/repoint-demo.XXXXXX")
keys=$work.keys
trap 'rm -rf "$work" "$keys"' EXIT

say() { printf '\n# %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }
# Every file with its mode and content, but what repoint adds for itself.
fingerprint() {
    find . -path ./.git -prune -o -path ./.repoint -prune -o -type f ! -name repoint.yaml ! -name plan.json \
        -printf '%m %p ' -exec sha256sum {} \; | sort | sha256sum
}

cp -R "$top/examples/naytife/." "$work/"
cat "$work"/keys/*.txt > "$keys"
export SOPS_AGE_KEY_FILE="$keys"
cd "$work"
git init --quiet
git -c user.name=demo -c user.email=demo@example.org -c core.autocrlf=false add -A
git -c user.name=demo -c user.email=demo@example.org commit --quiet -m "The repository before"
start=$(fingerprint)

say "Look around and write repoint.yaml"
run repoint init
run cat repoint.yaml
say "Who talks to PostgreSQL?"
run repoint scan
say "What would change, and is it all that changes?"
run repoint plan --output plan.json
say "The same as a diff"
run repoint plan --format diff
if repoint doctor >/dev/null 2>&1; then
    say "Does it work, on a real PostgreSQL and PgBouncer?"
    run repoint rehearse plan.json
else
    say "Not rehearsed: there are no servers for it here; \`repoint doctor\` says what is missing"
fi
say "Write it"
run repoint apply plan.json --yes
run git status --short
say "Does it hold?"
run repoint check
say "And back, byte for byte"
run repoint rollback --yes
run git status --short

if [ "$(fingerprint)" != "$start" ]; then
    echo "error: the tree is not what it was at the start" >&2
    exit 1
fi
rest=$(git status --porcelain --untracked-files=all | grep -vE '^\?\? (repoint\.yaml|plan\.json|\.repoint/)' || true)
if [ -n "$rest" ]; then
    printf 'error: git sees changes\n%s\n' "$rest" >&2
    exit 1
fi
say "The tree is byte for byte what it was (${start%% *})"
