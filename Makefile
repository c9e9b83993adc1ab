# The few commands there are. Everything that is missing is installed on the way,
# what is built goes to CARGO_TARGET_DIR, outside the clone unless you say so.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/patchbay/target

.PHONY: help run build wasm test e2e check deny bench measure fuzz round-trip simulation clean

help: ## Show this list.
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: build ## Build the release binary with the site inside, and serve.
	@exec "$(CARGO_TARGET_DIR)/release/patchbay" serve

build: wasm ## Build the release binary with the site inside.
	@scripts/with-cargo cargo build --release --bin patchbay

wasm: ## Build what runs in the browser, into target/site/pkg.
	@scripts/wasm

test: ## Run every test, the end-to-end ones too.
	@scripts/test

e2e: build ## Run the end-to-end tests only.
	@scripts/e2e

check: ## Formatting and lints, for the server and the browser half.
	@scripts/check

deny: ## Licences, sources, duplicate versions and advisories of the dependencies.
	@scripts/deny

bench: build ## Measure the gateway against nginx and a direct connection.
	@scripts/bench

fuzz: ## Run every fuzz target for ten minutes (FUZZ_SECONDS), or TARGETS only.
	@scripts/fuzz $(TARGETS)

round-trip: ## Translate over 100,000 made-up requests to three providers and back.
	@scripts/with-cargo cargo test -p patchbay --lib -- --ignored --exact --nocapture \
		dialects::round_trip::nothing_is_lost_in_more_than_a_hundred_thousand_round_trips

measure: build ## The site's budgets: paint, interactions, bytes, six models at once. Results: docs/measurements.md.
	@scripts/measure pages
	@scripts/measure room

simulation: ## One simulated day of routing against simple routers, with a report.
	@scripts/with-cargo cargo run --quiet --example routing-day -- target/routing

clean: ## Remove what was built, here and in CARGO_TARGET_DIR.
	@rm -rf target/site
	@if [ -d "$(CARGO_TARGET_DIR)" ]; then cargo clean; fi
