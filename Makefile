# What people do with this repository. Needs GNU make, git and Rust; `make tools` installs what the tests run besides.

.DEFAULT_GOAL := help
# `bench` runs Debian's mtail, coreutils, gzip and util-linux, and duckdb, polars and chdb of PyPI where they are installed.
.PHONY: help bench demo demo-stack build test tools format lint deny container

# nextest runs the tests side by side and ends those that hang; cargo's own runner does where it is missing.
NEXTEST := $(shell command -v cargo-nextest)
TEST := $(if $(NEXTEST),nextest run --test-threads $$((4 * $$(nproc))),test --lib --bins --test '*')
# A machine that cannot have what scripts/newer-prometheus or scripts/axe-core unpacks leaves out the tests of it; the summary
# counts them.
WITHOUT := $(if $(WITHOUT_NEWER_PROMETHEUS),newer) $(if $(WITHOUT_AXE),axe)
ifneq ($(strip $(WITHOUT)),)
LEFT_OUT := $(if $(NEXTEST),-E 'all() $(WITHOUT:%=- test(/::%$$/))',-- $(WITHOUT:%=--skip ::%))
endif

help: ## List these targets.
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

demo: ## Serve made-up calls, with a spike of failures every few minutes, and say where to look.
	cargo run --release --locked -- demo

demo-stack: ## The same under the Prometheus and Alertmanager installed here, with our rules and alerts.
	deploy/demo-stack.sh

build: ## Build the daemon: target/release/cdr-exporter.
	cargo build --release --locked

test: tools lint build ## Check format and lints, then run every test; first `make tools`.
	@echo "== tests"
	@cargo test --locked --quiet --doc
	@cargo $(TEST) --locked $(LEFT_OUT)

bench: build ## Time it beside mtail, wc, zcat, DuckDB, Polars and ClickHouse (needs mtail, and 12 GB in target/bench).
	@command -v mtail >/dev/null || { echo "mtail is missing: \`apt-get install mtail\`" >&2; exit 1; }
	cargo run --release --locked --example bench -- $(BENCH)

tools: ## Install what the tests run and is missing (apt-get, a minute); services stay off.
	@scripts/install-test-tools
	@scripts/newer-prometheus
	@scripts/axe-core

format: ## Format the sources.
	cargo fmt

lint: ## Check format and lints.
	@echo "== format"
	@cargo fmt --check
	@echo "== lints"
	@cargo clippy --locked --all-targets -- -D warnings

deny: ## Check licences, origins and advisories of all dependencies (needs cargo-deny and the network).
	cargo deny --locked check

container: ## Build the container image (needs buildah or podman).
	scripts/build-container
