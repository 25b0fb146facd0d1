# All set-up included: each target makes what it needs. Requires Python 3.11+ with venv, and make.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= topologies/demo.yaml
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test lint docs bench clean

help:
	@echo "make demo   install cloison into $(VENV) and simulate $(DEMO)"
	@echo "make test   install the test extras and run the whole suite"
	@echo "make lint   formatter, linter, types, import rules"
	@echo "make docs   write docs/cli.md and the schema again from the code"
	@echo "make bench  measure; prints figures, asserts nothing"
	@echo "make clean  remove $(VENV) and every cache"

demo: $(VENV)/.installed
	$(BIN)/cloison simulate $(DEMO)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope

lint: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-test
	$(BIN)/python docs/cli_reference.py

bench: $(VENV)/.installed-test
	$(BIN)/cloison warmup
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A half-made venv (no python3-venv on the machine) must not look like a whole one.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "cloison needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml | $(VENV)/pyvenv.cfg
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/pyvenv.cfg
	$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.installed
