# Two commands from a fresh machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
RECIPE := pyproject.toml constraints.txt
# threads that wait should sleep: two processes on the same cores slow each other tenfold otherwise
export OMP_WAIT_POLICY ?= PASSIVE

.DEFAULT_GOAL := help
.PHONY: help demo test lint format-check types contract pytest format clean

help:  ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## Install, then run the whole job on real and on simulated cells (results/demo)
	@$(BIN)/grnet demo

test: lint format-check types contract pytest  ## Install with test extras, then check everything

lint: $(VENV)/.test  ## Rules of style and of likely mistakes (ruff)
	@$(BIN)/ruff check

format-check: $(VENV)/.test  ## Is the code formatted?
	@$(BIN)/ruff format --check

types: $(VENV)/.test  ## Types (mypy, strict)
	@$(BIN)/mypy

contract: $(VENV)/.test  ## Imports go downwards only (import-linter)
	@$(BIN)/lint-imports --no-logo

pytest: $(VENV)/.test  ## Tests, examples of the docstrings, notebooks
	@OMP_NUM_THREADS=1 MKL_CBWR=AUTO,STRICT $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal

format: $(VENV)/.test  ## Format the code and fix what can be fixed
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

clean:  ## Remove the environment, caches and results
	rm -rf $(VENV) results build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here: install Python 3.11, or name yours: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(RECIPE) | $(BIN)/python
	@echo "Installing grnet into $(VENV) (minutes the first time) ..."
	@$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(RECIPE) | $(BIN)/python
	@echo "Installing grnet with its test tools into $(VENV) (minutes the first time) ..."
	@$(PIP) -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.demo
