# The commands of this repository; `make` alone lists them.

CARGO_HOME ?= $(HOME)/.cargo
export PATH := $(PATH):$(CARGO_HOME)/bin
# What `make demo` passes on: make demo ARGS="--listen 127.0.0.1:9199"
ARGS ?=
# Where `make install` puts things, and which binary: make install DESTDIR=/tmp/image PREFIX=/usr
DESTDIR ?=
PREFIX ?= /usr
BINARY ?= target/release/keynode
# How `make package` builds: a profile of Cargo.toml.
PROFILE ?= release

.PHONY: help demo test screenshots bench build install package fmt lint

help: ## List these commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

demo: build ## Build, then serve demo licences on 127.0.0.1:9099 (ARGS="..." is passed on)
	target/release/keynode demo $(ARGS)

test: ## Install what the tests need, and run them all
	packaging/setup.sh test
	@if cargo nextest --version >/dev/null 2>&1; then \
	    echo "cargo nextest run --locked" && cargo nextest run --locked; \
	else \
	    echo "cargo test --locked --lib --bins --tests" && cargo test --locked --lib --bins --tests; \
	fi
	cargo test --locked --doc

screenshots: ## Make the pictures of the console in docs/screenshots anew
	packaging/setup.sh test
	cargo test --locked --test console -- --ignored --nocapture screenshots

bench: ## Measure the speed; takes minutes and wants a quiet machine
	packaging/setup.sh bench
	cargo bench --locked --bench seats --bench speed

build: ## Install what building needs, and build the release binary
	packaging/setup.sh build
	cargo build --locked --release

install: ## Install the built binary, units, rules and a settings file (DESTDIR, PREFIX, BINARY)
	@test -x $(BINARY) || { echo "install: $(BINARY) is not there: run \`make build\` first" >&2; exit 1; }
	DESTDIR="$(DESTDIR)" packaging/install.sh "$(BINARY)" "$(PREFIX)"

package: ## Build for glibc 2.28 and later, and make the .deb and the .rpm in target/package (PROFILE)
	packaging/setup.sh package
	packaging/release.sh target/package $(PROFILE)

fmt: ## Format the code
	cargo fmt

lint: ## Check formatting, and clippy's warnings as errors
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
