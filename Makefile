# The few commands there are. Everything that is missing is installed on the way,
# what is built goes to CARGO_TARGET_DIR, outside the clone unless you say so.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/patchbay/target

.PHONY: help run build wasm test e2e e2e-full check deny bench measure fuzz round-trip cuts simulation clean
.PHONY: ledger-model payment-sequences kill-rounds power-cuts lost-commits resolve-races overspend overload

# How much of the long tests about money: `make kill-rounds ROUNDS=50`.
MUCH := OPS POSTGRES_OPS SEED SEQUENCES FIRST ROUNDS CUTS PROCESSES CLIENTS TRIALS
PROVE = $(foreach name,$(MUCH),$(if $($(name)),LONG_TEST_$(name)=$($(name)))) scripts/prove

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

e2e-full: build ## The browser's walks with thousands of models (../shared/reference) and a year of traffic.
	@scripts/e2e full

check: ## Formatting and lints, for the server and the browser half.
	@scripts/check

deny: ## Licences, sources, duplicate versions and advisories of the dependencies.
	@scripts/deny

bench: build ## Measure the gateway against nginx and a direct connection.
	@scripts/bench

fuzz: ## Run every fuzz target for ten minutes (FUZZ_SECONDS), or TARGETS only.
	@scripts/fuzz $(TARGETS)

round-trip: ## Translate over 100,000 made-up requests to three providers and back.
	@scripts/with-cargo cargo test --profile prove -p patchbay --lib -- --ignored --exact --nocapture \
		dialects::round_trip::nothing_is_lost_in_more_than_a_hundred_thousand_round_trips

cuts: ## Cut every recorded stream at every byte and read it again from its beginning.
	@scripts/with-cargo cargo test --profile prove -p patchbay --lib -- --ignored --exact --nocapture \
		dialects::golden::cuts::a_stream_cut_at_every_byte_is_read_the_same_from_its_beginning

ledger-model: ## The ledger against its model: OPS on SQLite (100,000), POSTGRES_OPS on PostgreSQL (10,000), SEED.
	@$(PROVE) ledger_model::a_hundred_thousand_operations_agree_with_the_model

payment-sequences: ## Payment events in any order and number: SEQUENCES (50,000), from FIRST (0) on.
	@$(PROVE) purchases::fifty_thousand_sequences_credit_what_was_paid_once

kill-rounds: ## The server is killed (-9) while it serves: ROUNDS (1,000).
	@$(PROVE) crash::a_thousand_kills_lose_and_double_no_charge

power-cuts: ## The log of the database is cut off anywhere: CUTS (500).
	@$(PROVE) power_cut::what_was_acknowledged_survives_five_hundred_power_cuts

lost-commits: ## The connection is cut after a commit: ROUNDS (1,000).
	@$(PROVE) lost_commits::a_thousand_commits_without_an_answer_count_once

resolve-races: ## A hold is settled and voided at once: ROUNDS (10,000).
	@$(PROVE) invariants::ten_thousand_holds_settled_and_voided_at_once_are_charged_once

overspend: ## One balance at PROCESSES (4), up to CLIENTS each (500), TRIALS (200).
	@$(PROVE) overspend::up_to_five_hundred_clients_at_four_processes_spend_a_balance_exactly_once

overload: ## Three times the requests a provider carries, for 15 s.
	@$(PROVE) overload::three_times_what_a_provider_carries_leaves_nine_tenths_of_its_work_and_it_recovers

measure: build ## The site's budgets: paint, interactions, bytes, six models at once. Results: docs/measurements.md.
	@scripts/measure pages
	@scripts/measure room

simulation: ## One simulated day of routing against simple routers, with a report.
	@scripts/with-cargo cargo run --quiet --example routing-day -- target/routing

clean: ## Remove what was built, here and in CARGO_TARGET_DIR.
	@rm -rf target/site
	@if [ -d "$(CARGO_TARGET_DIR)" ]; then cargo clean; fi
