#!/usr/bin/env bash
# Measures the gateway against a direct connection and nginx; benches/README.md explains the tables.
# What is measured runs on core 0, callers and the fake provider on core 1.
#   benches/run.sh [--seconds N] [--profile]
# PATCHBAY_BIN names a release binary; without it one is built.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

CARGO_TARGET_DIR="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
export CARGO_TARGET_DIR
patchbay="${PATCHBAY_BIN:-${PATCHBAY_BINARY:-}}"
# The server takes every PATCHBAY_ variable for a setting.
for name in $(compgen -e PATCHBAY_); do unset "$name"; done
if [ -z "$patchbay" ]; then
    say "Building the release binary"
    cargo build --release --bin patchbay
    patchbay="$CARGO_TARGET_DIR/release/patchbay"
fi
patchbay="$(realpath "$patchbay")"

if ! command -v nginx >/dev/null && [ ! -x /usr/sbin/nginx ]; then
    say "Installing nginx"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then as_root="sudo"; fi
    $as_root apt-get install -y --no-install-recommends nginx-light >&2
fi
nginx="$(command -v nginx || echo /usr/sbin/nginx)"

say "Building the load"
cargo build --release -p patchbay-benches
cores="$(nproc)"
if [ "$cores" -lt 2 ]; then
    echo "error: two cores are needed, one for what is measured and one for the rest" >&2
    exit 1
fi
ulimit -n "$(ulimit -Hn)"
folder="$(mktemp -d "$CARGO_TARGET_DIR/bench.XXXXXX")"
trap 'rm -rf "$folder"' EXIT
taskset -c 1 "$CARGO_TARGET_DIR/release/bench-gateway" --patchbay "$patchbay" --nginx "$nginx" --core 0 \
    --folder "$folder" "$@"
