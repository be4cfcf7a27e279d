# One entry for people and CI. `make help` lists what there is.
#
#   FEATURES=bundled   compile DuckDB from source instead of linking the published library
#   DUCKDB_LIB_DIR=…   link the libduckdb.so of that folder
#   CARGO_TARGET_DIR=… where cargo builds; outside the checkout, so that several clones share it

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(HOME)/.cache/tailerd-target
FEATURES ?=
features := $(if $(FEATURES),--features $(FEATURES))

ifeq (,$(findstring bundled,$(FEATURES)))
export DUCKDB_LIB_DIR ?= $(shell scripts/libduckdb.sh --where)
else
unexport DUCKDB_LIB_DIR
endif

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: build
build: libduckdb ## the optimised binary: $(CARGO_TARGET_DIR)/release/tailerd
	cargo build --locked --release -p tailerd $(features)
	@echo "$(CARGO_TARGET_DIR)/release/tailerd"

.PHONY: demo
demo: libduckdb ## build, then watch files travel through five data operations to an exported CSV
	cargo build --locked -p tailerd $(features)
	$(CARGO_TARGET_DIR)/debug/tailerd demo

.PHONY: test
test: libduckdb ## every test, with cargo-nextest where it is installed
	@if cargo nextest --version >/dev/null 2>&1; then \
	    set -x; cargo nextest run --locked --workspace $(features); \
	else \
	    set -x; cargo test --locked --workspace $(features); \
	fi

.PHONY: googlesql
googlesql: libduckdb ## GoogleSQL conformance: pass rates, wrong answers (none may be), what is not supported; needs the open cases
	cargo test --locked --workspace $(features) --test googlesql conformance -- --ignored --nocapture

.PHONY: lint
lint: libduckdb ## formatting, clippy without warnings, features, licences and advisories of dependencies
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets $(features) -- -D warnings
	scripts/one-build.py
	scripts/deny.sh

.PHONY: bench
bench: build ## what runs, translation, loads and exports cost, beside their baselines; on the optimised build
	cargo bench --locked -p tailerd $(features)
	cargo bench --locked -p tailer-warehouse $(features) --bench translation --bench files

.PHONY: crash
crash: libduckdb ## kill -9 the server 250 times, over SQLite and PostgreSQL, and count what was lost or doubled (KILLS=…, SEED=…)
	TAILERD_TEST_ALL=1 .ci/counterparts cargo test --locked --workspace $(features) --test crash -- --ignored --nocapture --test-threads 1

.PHONY: docs
docs: libduckdb ## the code documentation of every crate, private items included
	RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links -A rustdoc::redundant-explicit-links' cargo doc --locked --workspace --no-deps --document-private-items $(features)
	@echo "$(CARGO_TARGET_DIR)/doc/tailerd/index.html"

.PHONY: libduckdb
libduckdb: ## DuckDB's compiled library, put in place once per machine
ifeq (,$(findstring bundled,$(FEATURES)))
	@scripts/libduckdb.sh
endif
