#!/usr/bin/env bash
# The end-to-end tests: starts a demo server on a free port, lets the official
# SDKs and a browser loose on it, and stops it.
#   end2end/run.sh [python|node|schema|browser|local|full]...
# `schema` sends what the served description of the API allows, and what it does not.
# `local` puts a real inference server behind the gateway; it is compiled when it is
# first installed, so without a C++ compiler it runs only when it is named.
# `full` is `browser` with thousands of models and a year of traffic; it takes longer and needs the lists
# of ../shared, so it runs only when it is named.
# PATCHBAY_BIN names a binary to test; without it the dev binary is built.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

patchbay="${PATCHBAY_BIN:-${PATCHBAY_BINARY:-}}"
if [ -z "$patchbay" ]; then
    say "Building the dev binary"
    (cd .. && cargo build --bin patchbay)
    patchbay="${CARGO_TARGET_DIR:-../target}/debug/patchbay"
fi
patchbay="$(realpath "$patchbay")"
# The server takes every PATCHBAY_ variable for a setting, and every known key for a provider.
for name in $(compgen -e); do
    case "$name" in PATCHBAY_* | *_API_KEY | *_TOKEN) unset "$name" ;; esac
done

suites=("$@")
if [ $# -eq 0 ]; then
    suites=(python node schema browser)
    ! command -v c++ >/dev/null || suites+=(local)
fi
wants() { [[ " ${suites[*]} " == *" $1 "* ]]; }
browses() { wants browser || wants full; }

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# python_packages FOLDER
python_packages() {
    cmp -s "$1/requirements.txt" "$1/.venv/installed" && return
    say "Installing the Python packages of $1"
    python3 -m venv --clear "$1/.venv"
    "$1/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$1/requirements.txt"
    cp "$1/requirements.txt" "$1/.venv/installed"
}
if wants python; then
    python_packages sdk
    # It wants an older openai than the one that is tested.
    python_packages litellm
fi
if wants schema; then
    python_packages schema
fi
if wants local; then
    CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF" \
        python_packages local
fi
if { wants node || browses; } && ! cmp -s package-lock.json node_modules/installed; then
    say "Installing the npm packages"
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/installed
fi
if browses && [ ! -x /usr/bin/chromium ]; then
    say "Installing Chromium"
    as_root apt-get update >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium >&2
fi

mkdir -p artefacts
data="$(mktemp -d)"
log="$PWD/artefacts/server.log"
server=""
llama=""
finish() {
    local process
    for process in "$server" "$llama"; do
        [ -n "$process" ] || continue
        # The inference server would wait for the answer it is making, however long that gets.
        if [ "$process" = "$llama" ]; then kill -KILL "$process" || true; else kill "$process" || true; fi 2>/dev/null
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$data"
}
trap finish EXIT

export PATCHBAY_LISTEN=127.0.0.1:0 PATCHBAY_DEMO=on PATCHBAY_FIND_LOCAL_SERVERS=false \
    PATCHBAY_DATABASE_URL="sqlite:$data/patchbay.db" PATCHBAY_MAIL__FOLDER="$data/mail"
config=()
if wants local; then
    say "Starting llama-cpp-python"
    export END2END_LLAMA_LOG="$PWD/artefacts/llama.log"
    local/.venv/bin/python -B local/tiny_model.py "$data/tiny.gguf"
    port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
    PYTHONUNBUFFERED=1 local/.venv/bin/python -m llama_cpp.server --model "$data/tiny.gguf" --model_alias tiny \
        --host 127.0.0.1 --port "$port" --n_ctx 2048 --n_threads 1 >"$END2END_LLAMA_LOG" 2>&1 &
    llama=$!
    until grep -q 'Uvicorn running' "$END2END_LLAMA_LOG"; do
        if ! kill -0 "$llama" 2>/dev/null; then
            cat "$END2END_LLAMA_LOG" >&2
            echo "error: the inference server did not start" >&2
            exit 1
        fi
        sleep 0.1
    done
    cat >"$data/patchbay.toml" <<EOF
[providers.tiny-server]
base_url = "http://127.0.0.1:$port/v1"
models = ["tiny"]
quirks = { no_developer_role = true, json_object_schema = true }
EOF
    config=(--config "$data/patchbay.toml")
fi
lists=""
if wants full; then
    lists="$(realpath -m ../../shared/reference)"
    if [ ! -f "$lists/models-dev.json" ]; then
        echo "error: $lists/models-dev.json is missing" >&2
        exit 1
    fi
    export PATCHBAY_DEMO_DAYS=365
fi
say "Starting $patchbay"
# What an earlier run left there must not be taken for this one.
: >"$log"
# Colours off: the lines are read below.
NO_COLOR=1 "$patchbay" serve "${config[@]}" >"$log" 2>&1 &
server=$!
until grep -q 'Try it' "$log"; do
    if ! kill -0 "$server" 2>/dev/null; then
        cat "$log" >&2
        echo "error: the server did not start" >&2
        exit 1
    fi
    sleep 0.1
done
word() { awk -v name="$1" -v field="$2" '$0 ~ "^  " name { print $field; exit }' "$log"; }
export END2END_MAIL="$data/mail" END2END_DATABASE="$data/patchbay.db"
END2END_URL="$(word 'Site ' 2)"
END2END_KEY="$(word 'API key ' 3)"
END2END_EMAIL="$(word 'Sign in ' 3)"
END2END_PASSWORD="$(word 'Sign in ' 6)"
if [ -n "$lists" ]; then
    "$patchbay" catalog import "$lists/models-dev.json" | head -n 3 >&2
    "$patchbay" catalog import "$lists/openrouter-models.json" | head -n 3 >&2
fi
"$patchbay" user create --email poor@patchbay.example --password 'not a cent to spend' >/dev/null
# The pages of operators are looked at, too.
"$patchbay" user operator --email "$END2END_EMAIL" >/dev/null
END2END_POOR_KEY="$("$patchbay" key create --email poor@patchbay.example)"
END2END_MANAGEMENT_KEY="$("$patchbay" key create --email "$END2END_EMAIL" --management)"
END2END_PATCHBAY="$patchbay"
export END2END_URL END2END_KEY END2END_EMAIL END2END_PASSWORD END2END_POOR_KEY END2END_MANAGEMENT_KEY END2END_PATCHBAY
# Proxies of the machine are for other places.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

passed=0
failed=0
# count PASSED FAILED
count() {
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
}
number() { grep -oE "$1" "$2" | tail -1 | grep -oE '[0-9]+' | tail -1 || echo 0; }

# unittest FOLDER MODULE...
unittest() {
    local folder="$1" out="$data/unittest" status=0 run bad bad_tests
    shift
    (cd "$folder" && PYTHONPATH=../sdk .venv/bin/python -B -m unittest -v "$@") 2>&1 | tee "$out" || status=$?
    run="$(number '^Ran [0-9]+' "$out")"
    bad=$(grep -cE '^(FAIL|ERROR): ' "$out" || true)
    # A test with several failing parts is one failed test.
    bad_tests=$({ grep -E '^(FAIL|ERROR): ' "$out" || true; } | awk '{ print $2, $3 }' | sort -u | wc -l)
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad_tests=1; fi
    count $((run - bad_tests)) "$bad_tests"
}

if wants python; then
    say "Python: anthropic, google-genai, openai, openrouter and litellm"
    unittest sdk anthropic_test control_plane_test genai_test openai_test openai_responses_test openrouter_test charges_test
    unittest litellm litellm_test
fi
if wants local; then
    say "A local inference server"
    unittest local local_test
fi
if wants node; then
    say "npm: @anthropic-ai/sdk, openai, @openrouter/sdk, @openrouter/agent and the AI SDK"
    out="$data/node"
    node --test --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$out" sdk/*.test.mjs || true
    count "$(number '^# pass [0-9]+' "$out")" "$(number '^# (fail|cancelled) [0-9]+' "$out")"
fi
# contract NAME KEY: whether the API keeps to its own description for a caller with this key.
contract() {
    local out="$data/contract-$1" status=0
    # Seeded and bounded: the same requests in every run. Limits of a key answer 429 wherever they apply.
    (cd schema && .venv/bin/schemathesis run "$END2END_URL/api/v1/openapi.json" --header "Authorization: Bearer $2") \
        >"$out" 2>&1 || status=$?
    tail -n 40 "$out"
    if [ "$status" -eq 0 ]; then count 1 0; else cat "$out" >&2; count 0 1; fi
}
if wants schema; then
    say "Schemathesis with a management key"
    contract management "$END2END_MANAGEMENT_KEY"
    say "Schemathesis with a key for models"
    contract inference "$END2END_KEY"
fi
if browses; then
    say "Browser"
    out="$data/browser.json"
    status=0
    PLAYWRIGHT_JSON_OUTPUT_FILE="$out" npx playwright test ${PW_ARGS:-} --reporter=list,json || status=$?
    if [ -s "$out" ]; then
        read -r good bad < <(node -e '
            const { stats } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
            console.log(stats.expected + stats.flaky, stats.unexpected);' "$out")
        count "$good" "$bad"
    fi
    if [ "$status" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; then count 0 1; fi
fi

if ! kill -0 "$server" 2>/dev/null; then
    echo "error: the server ended during the tests; see $log" >&2
    failed=$((failed + 1))
fi
if grep -nE 'panicked|ERROR' "$log" >&2; then
    echo "error: the server logged an error; see $log" >&2
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
