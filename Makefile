# Every target builds what it needs first: each command is one step on a fresh machine.

PYTHON ?= python3
ARGS ?=
WORKERS ?= $(if $(ARGS),0,logical)
BUS ?= embedded
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
LOCKS := requirements.lock requirements-nodeps.lock
PACKAGES := functions events shared demo benchmarks tests
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo up test mutants bench lint format types generate check-generated lock clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

venv: $(STAMP) ## Create .venv from the locks (runs again only when a lock or pyproject.toml changed)

demo: $(STAMP) ## Start everything and run the main job on real purchases (BUS=kafka on a real Kafka)
	@$(BIN)/clo demo --bus $(BUS) $(ARGS)

up: $(STAMP) ## Start the whole platform on this machine and keep it running (BUS=kafka on a real Kafka)
	@$(BIN)/clo up --bus $(BUS) $(ARGS)

test: $(STAMP) ## Run all tests, on each processor some (ARGS="-k name" to choose: then on one)
	@$(BIN)/clo kafka get || true # where something stays missing, the tests that need it tell
	@$(BIN)/python -m tests.gnupg || true # likewise
	@$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder -p tests.workers $(ARGS)

mutants: $(STAMP) ## Plant faults in the code that decides about money and see how many the tests find (half an hour)
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT \
	&& $(PIP_INSTALL) --target "$$tools" mutmut \
	&& PYTHONPATH="$$tools" $(BIN)/python -m mutmut run $(ARGS)

bench: $(STAMP) ## Measure throughput and latency
	@$(PIP_INSTALL) --require-hashes --no-deps -r requirements-bench.lock
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(STAMP) ## Check style, formatting and the direction of imports
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	exit $$failed

format: $(STAMP) ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix-only --exit-zero .
	$(BIN)/ruff format .

types: $(STAMP) ## Check types with mypy --strict
	$(BIN)/mypy --strict $(PACKAGES)

generate: $(STAMP) ## Write the manifests, schemas and documents that follow from the code
	@$(BIN)/clo artefacts

check-generated: $(STAMP) ## Fail when a generated file differs from what the code says
	@$(BIN)/clo artefacts --check

lock: ## Resolve the dependencies of pyproject.toml anew into requirements.lock
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT \
	&& $(PYTHON) -m venv "$$tools" && "$$tools/bin/pip" install --quiet pip-tools \
	&& CUSTOM_COMPILE_COMMAND='make lock' "$$tools/bin/pip-compile" --quiet --upgrade --generate-hashes --allow-unsafe \
	   --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	   --extra demo --extra dev --output-file requirements.lock pyproject.toml

clean: ## Remove caches, reports and local data, keep .venv
	@rm -rf .clo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache mutants build dist *.egg-info report.html
	@find $(PACKAGES) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove everything that make made, .venv too
	@rm -rf $(VENV)

$(STAMP): $(LOCKS) pyproject.toml
	@set -e; found=; for python in "$(PYTHON)" python3 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Clo needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | tail -1)."; \
	  echo "Get it:  apt-get install python3 python3-venv   (Debian 12, Ubuntu 24.04 or newer)"; \
	  echo "    or:  brew install python@3.13               (macOS)"; \
	  echo "then:    make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$found lacks its venv module. Get it:  apt-get install python3-venv"; exit 1; fi; \
	echo "Installing into $(VENV) with $$("$$found" --version) ..."; \
	"$$found" -m venv $(VENV)
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(PIP_INSTALL) --require-hashes --no-deps -r requirements-nodeps.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
