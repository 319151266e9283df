#!/usr/bin/env bash
# Runs the README's commands on a machine that has nothing: Debian as debootstrap lays it out, in a
# folder of its own. Needs root, debootstrap and Debian's mirror; leaves only a cache folder behind.
#
#   scripts/fresh_machine.sh                          # Debian 12, as root: make demo, then make test
#   scripts/fresh_machine.sh --user                   # as a user who may sudo
#   scripts/fresh_machine.sh --suite trixie -- make demo
#
# What is tried is the last commit. PYTEST narrows `make test`. Settings of this machine that reach
# its registries (PIP_*, NPM_CONFIG_*, a CA bundle) are carried over; nothing else is.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm
as_user=
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/repoint/fresh
say() { printf '%s\n' "$*" >&2; }

while [ $# -gt 0 ]; do
    case $1 in
    --suite) suite=$2; shift 2 ;;
    --user) as_user=1; shift ;;
    --) shift; break ;;
    *) say "error: \`$1\` is not an option of this script"; exit 2 ;;
    esac
done
[ $# -gt 0 ] || set -- sh -c "make demo && make test PYTEST='${PYTEST:-}'"

if [ "$(id -u)" -ne 0 ]; then
    say "error: a machine in a folder needs root"
    exit 1
fi
if ! command -v debootstrap >/dev/null; then
    say "error: \`debootstrap\` was not found"
    say "hint: apt-get install debootstrap"
    exit 1
fi

# A mount namespace of its own: whatever ends this run, the mounts end with it.
if [ -z "${REPOINT_FRESH:-}" ]; then
    options=()
    [ -z "$as_user" ] || options+=(--user)
    export REPOINT_FRESH=1
    exec unshare --mount --pid --fork --kill-child --uts --ipc \
        "$0" --suite "$suite" ${options[@]+"${options[@]}"} -- "$@"
fi

base=$cache/$suite.tar
if [ ! -f "$base" ]; then
    say "laying out $suite from $mirror"
    mkdir -p "$cache"
    laid=$(mktemp -d "$cache/laid.XXXXXX")
    debootstrap --variant=minbase "$suite" "$laid" "$mirror" >"$cache/$suite.log"
    rm -f "$laid"/var/cache/apt/archives/*.deb
    tar -C "$laid" --numeric-owner -cf "$base.part" .
    mv "$base.part" "$base"
    rm -rf "$laid"
fi

machine=$(mktemp -d "$cache/machine.XXXXXX")
chmod 755 "$machine"
clean() {
    umount -R "$machine/proc" "$machine/dev" 2>/dev/null || true
    rm -rf --one-file-system "$machine"
}
trap clean EXIT
tar -C "$machine" --numeric-owner -xpf "$base"
mount -t proc proc "$machine/proc"
mount --rbind /dev "$machine/dev"
mount --make-rslave "$machine/dev"
cp /etc/resolv.conf "$machine/etc/resolv.conf"
hostname fresh
printf '127.0.0.1 localhost fresh\n' >"$machine/etc/hosts"

settings=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb)
authority=${PIP_CERT:-${SSL_CERT_FILE:-}}
if [ -n "$authority" ] && [ -f "$authority" ]; then
    install -D -m 644 "$authority" "$machine/usr/local/share/machine-ca.crt"
    for name in PIP_CERT SSL_CERT_FILE NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE; do
        settings+=("$name=/usr/local/share/machine-ca.crt")
    done
fi
while IFS='=' read -r name value; do
    case $name in
    PIP_CERT | PIP_FIND_LINKS) ;;
    PIP_* | NPM_CONFIG_* | CI | *_proxy | *_PROXY) settings+=("$name=$value") ;;
    esac
done < <(env)

owner=root home=/root
if [ -n "$as_user" ]; then
    owner=engineer home=/home/engineer
    chroot "$machine" env -i "${settings[@]}" sh -ec '
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends sudo >/dev/null
        useradd --create-home --shell /bin/bash engineer
        echo "engineer ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/engineer'
fi
settings+=("HOME=$home" "USER=$owner")
git clone --quiet --no-local . "$machine$home/repoint"
chown -R --reference="$machine$home" "$machine$home/repoint"

id=$(stat -c %u "$machine$home")
say "a fresh $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' "$machine/etc/os-release"), as $owner"
chroot --userspec="$id:$id" "$machine" env -i "${settings[@]}" \
    sh -ec 'cd ~/repoint && command -v make >/dev/null || scripts/bootstrap.sh; "$@"' fresh "$@"
