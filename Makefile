# The development tasks of this workspace; `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# Compiled files are kept outside the checkout, so that a clone is small and copies share them.
export LAKEWRIGHT_CACHE ?= $(HOME)/.cache/lakewright
export CARGO_TARGET_DIR ?= $(LAKEWRIGHT_CACHE)/target

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
PY_SOURCES := python tests/python tests/nix tests/deploy tests/bench nix scripts
SH_SOURCES := scripts/*.sh .ci/run

.PHONY: help dev test lint fuzz demo bench wheel binaries clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.stamp: python/requirements-dev.txt
	@echo "== .venv: installing the tools of $<"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

# Cargo always builds the whole workspace: the features of a single crate (`-p`) would compile a
# second DataFusion.
dev: $(VENV)/.stamp ## build it all (dev profile); .venv gets the module and the command
	@echo "== cargo build"
	cargo build --workspace
	$(BIN)/python scripts/dev_install.py $(CARGO_TARGET_DIR)/debug

# Extracts the signatures from the built module, for the check of the stubs.
INTROSPECTION := $(LAKEWRIGHT_CACHE)/bin/pyo3-introspection
$(INTROSPECTION):
	@echo "== pyo3-introspection"
	env -u CARGO_TARGET_DIR cargo install --quiet --locked --debug --root $(LAKEWRIGHT_CACHE) pyo3-introspection@0.30.1

test: export LAKEWRIGHT_TEST_MINIO := $(LAKEWRIGHT_CACHE)/bin/minio
test: export LAKEWRIGHT_TEST_MC := $(LAKEWRIGHT_CACHE)/bin/mc
test: export LAKEWRIGHT_TEST_PYTHON := $(BIN)/python
test: export LAKEWRIGHT_TEST_CLI := $(CARGO_TARGET_DIR)/debug/lakewright
test: dev $(INTROSPECTION) ## run every test; LAKEWRIGHT_TEST_REQUIRE=minio,... forbids to skip for want of these
	@scripts/minio.sh >/dev/null
	logs=$$(mktemp -d)
	trap 'rm -r "$$logs"' EXIT
	rust=passed python=passed nix=passed
	echo "== cargo test"
	cargo test --workspace --no-fail-fast 2>&1 | tee "$$logs/rust" || rust=FAILED
	echo "== pytest"
	$(BIN)/python -m pytest tests/python | tee "$$logs/python" || python=FAILED
	echo "== pytest: the Nix modules evaluated, and their scenarios in containers"
	$(BIN)/python -m pytest tests/nix | tee "$$logs/nix" || nix=FAILED
	$(BIN)/python -m pytest tests/deploy | tee "$$logs/deploy" || nix=FAILED
	echo "== make test: tests"
	$(BIN)/python scripts/test_summary.py \
	  Rust="$$logs/rust" Python="$$logs/python" Nix="$$logs/nix" deploy="$$logs/deploy"
	echo "== make test: Rust $$rust, Python $$python, Nix $$nix"
	[[ $$rust$$python$$nix == passedpassedpassed ]]

# cargo-deny checks the packages of all platforms offline, so they are fetched first.
lint: $(VENV)/.stamp ## formatting, language, clippy, docs, licences, bans and advisories, ruff, mypy, pyright, shellcheck
	@echo "== comments and names"
	$(BIN)/python scripts/check_language.py
	echo "== rustfmt"
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	echo "== cargo-deny"
	cargo fetch --quiet --locked
	"$$(scripts/cargo-tool.sh cargo-deny)" --offline check licenses bans sources
	$(BIN)/python scripts/check_advisories.py
	echo "== ruff, mypy, shellcheck"
	$(BIN)/ruff check --config python/pyproject.toml $(PY_SOURCES)
	$(BIN)/ruff format --check --config python/pyproject.toml $(PY_SOURCES)
	MYPYPATH=tests/python $(BIN)/mypy --strict --config-file python/pyproject.toml python scripts tests/bench
	echo "== mypy and pyright agree on the everyday use of the package"
	MYPYPATH=python $(BIN)/mypy --strict --warn-unused-ignores --python-version 3.11 tests/python/typing_everyday.py
	$(BIN)/pyright --pythonpath $(BIN)/python --project tests/python/pyrightconfig.json
	for tests in tests/python tests/nix tests/deploy; do
	  MYPYPATH=$$tests:python $(BIN)/mypy --check-untyped-defs --ignore-missing-imports --python-version 3.11 $$tests
	done
	$(BIN)/shellcheck $(SH_SOURCES)
	$(BIN)/shellcheck --shell=bash $$(find nix -name '*.sh') # fragments that Nix makes scripts of
	echo "== nixfmt, deadnix"
	scripts/nix_lint.sh
	echo "== clippy"
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p lakewright-cli --no-default-features --all-targets -- -D warnings
	cp Cargo.lock fuzz/Cargo.lock # its crates in the same versions
	cargo clippy --manifest-path fuzz/Cargo.toml --no-default-features -- -D warnings
	echo "== rustdoc"
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --lib --no-deps
	echo "== make lint: clean"

fuzz: SECONDS ?= 60
fuzz: ## each fuzz target for SECONDS (60): what other parties write is read or refused
	@scripts/fuzz.sh $(SECONDS)

demo: dev ## set up and run the main job on the embedded server
	@$(BIN)/python python/examples/demo.py

bench: export LAKEWRIGHT_TEST_MINIO := $(LAKEWRIGHT_CACHE)/bin/minio
bench: $(VENV)/.stamp ## release build, measured against obstore and boto3
	@scripts/minio.sh >/dev/null
	cargo build --workspace --release
	$(BIN)/python scripts/dev_install.py $(CARGO_TARGET_DIR)/release
	$(BIN)/python tests/bench/bench.py

# The wheel and the binaries list the crates that they were compiled from. The commit gives the time
# in the SBOM, so that it can be reproduced.
wheel: export CARGO := $(CURDIR)/scripts/auditable_cargo.sh
wheel: export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null)
wheel: $(VENV)/.stamp ## a release wheel with its SBOM in dist/, its tag and glibc floor stated
	@rm -rf dist/*.whl
	$(BIN)/maturin build --release --locked --strip --manifest-path python/Cargo.toml --out dist
	for wheel in dist/*.whl; do
	  tag=$${wheel%.whl} tag=$${tag#*-*-}
	  floor=$$(sed -nE 's/.*manylinux_([0-9]+)_([0-9]+)_.*/glibc \1.\2 or newer/p' <<<"$$tag")
	  echo "$$wheel: tag $$tag, needs $${floor:-a system like this one (no manylinux tag)}"
	done
	$(BIN)/python scripts/sbom.py dist/*.whl

# A target of its own: with the features of other packages DataFusion is compiled again.
binaries: $(VENV)/.stamp ## the programs lakewright and lakewright-spec with their SBOMs in dist/
	@mkdir -p dist
	scripts/auditable_cargo.sh build --release --locked --package lakewright-cli --package lakewright-spec
	for program in lakewright lakewright-spec; do
	  install $(CARGO_TARGET_DIR)/release/$$program dist/
	  $(BIN)/python scripts/sbom.py dist/$$program
	done

clean: ## remove .venv, dist and the installed module; the cache stays
	@rm -rf $(VENV) dist python/lakewright/_lakewright.abi3.so
	echo "kept: $(CARGO_TARGET_DIR) and $(LAKEWRIGHT_CACHE)/bin"
