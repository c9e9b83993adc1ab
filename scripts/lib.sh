# Sourced by the other scripts: where things go, and how what is missing is installed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/patchbay/target}"
TOOLS="$CARGO_TARGET_DIR/tools"
export PATH="$TOOLS/bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# The version of a crate in Cargo.lock.
locked_version() {
    awk -v name="$1" '$1 == "name" && $3 == "\"" name "\"" { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock
}

need_cargo() {
    command -v cargo >/dev/null || fail "cargo is missing: install Rust from https://rustup.rs and try again"
    # rust-version stands in Cargo.toml; cargo itself says it clearly when it is too old.
}

# need_program PROGRAM PACKAGE...: installs Debian packages when PROGRAM is not there.
need_program() {
    local program="$1"
    shift
    command -v "$program" >/dev/null && return
    command -v apt-get >/dev/null || fail "$program is missing and there is no apt-get here: install $* by hand"
    say "Installing $* (for $program)"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2 || {
        as_root apt-get update >&2
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2
    }
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root and there is no sudo; run as root: $*"
    fi
}

# need_crate PROGRAM CRATE VERSION: installs a program from crates.io beside what is built.
need_crate() {
    local program="$1" crate="$2" version="$3"
    if [ "$("$program" --version 2>/dev/null | awk '{ print $2 }')" = "$version" ]; then
        return
    fi
    say "Installing $crate $version (a few minutes, once)"
    # Beside the other tools and in their own build folder: a changed lock file of ours must not rebuild them.
    local locked
    for locked in --locked ""; do
        # shellcheck disable=SC2086
        if CARGO_TARGET_DIR="$CARGO_TARGET_DIR/tools-build" cargo install $locked --quiet --root "$TOOLS" \
            "$crate" --version "$version"; then
            rm -rf "$CARGO_TARGET_DIR/tools-build"
            return
        fi
    done
    fail "could not install $crate $version"
}

need_wasm() {
    need_cargo
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
        command -v rustup >/dev/null || fail "the wasm32-unknown-unknown target is missing and there is no rustup; \
install Rust's wasm32 target with your package manager"
        say "Adding the wasm32-unknown-unknown target"
        rustup target add wasm32-unknown-unknown
    fi
    # Another version refuses the module.
    need_crate wasm-bindgen wasm-bindgen-cli "$(locked_version wasm-bindgen)"
}

# The binaries of PostgreSQL stand outside PATH on Debian.
need_redis() {
    command -v valkey-server >/dev/null || need_program redis-server redis-server
}

need_postgres() {
    local folder
    for folder in /usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] && PATH="$folder:$PATH"
    done
    export PATH
    command -v initdb >/dev/null && return
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        # The tests make their own cluster; the package need not.
        as_root mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    need_program initdb postgresql
    for folder in /usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] && PATH="$folder:$PATH"
    done
    export PATH
}
