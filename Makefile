# Every command of this project, in one place; CI runs the same ones.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What benchmarks share is not one.
BENCHMARKS := $(filter-out benchmarks/chat_load.py benchmarks/edge_peers.py,$(wildcard benchmarks/*.py))

.PHONY: help demo down test check format bench docs clean

help: ## This list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(VENV)/installed ## Run the global chat in three regions; Ctrl-C stops it
	$(BIN)/globule up examples/chat

test: $(VENV)/tested ## All tests
	$(BIN)/pytest

check: $(VENV)/tested ## Lint, types, import layers
	$(BIN)/ruff check src tests benchmarks scripts examples suites
	$(BIN)/ruff format --check src tests benchmarks scripts examples suites
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/tested ## Rewrite the code in the one format
	$(BIN)/ruff check --fix src tests benchmarks scripts examples suites
	$(BIN)/ruff format src tests benchmarks scripts examples suites

bench: $(VENV)/tested ## Benchmarks, each with its peer in the same run
	@for benchmark in $(BENCHMARKS); do echo "== $$benchmark"; $(BIN)/python $$benchmark || exit 1; done

docs: $(VENV)/tested ## Generated pages
	@for script in scripts/generate_*.py; do $(BIN)/python $$script || exit 1; done

clean: ## Remove the environment and caches; worlds' data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Globule needs Python 3.11 or later; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
