# All set-up included: each target makes what it needs. Requires Python 3.11+ with venv, and make.

PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
DEMO   ?= topologies/demo.yaml
MINUTES ?= 1
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check
SUITE   = -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope
LOCKED  = $(PIP) --require-hashes --requirement
ITSELF  = $(PIP) --no-deps --no-build-isolation --editable .
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate pyproject.toml --group build

# Tests start hundreds of commands; each would compile what it imports, where nothing is written.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo test test-newest test-oldest oracles fuzz mutants mutants-map mutants-draw \
	lint docs lock bench clean

help:
	@echo "make demo         install cloison into $(VENV) and simulate $(DEMO)"
	@echo "make test         install the test extras and run the suite"
	@echo "make test-newest  the suite with the newest libraries that pyproject.toml allows"
	@echo "make test-oldest  the suite with the oldest ones"
	@echo "make oracles      everything that is compared with programs of others, nothing left out (root)"
	@echo "make fuzz         random inputs with oracles; MINUTES=1 SEED=… ONLY=oracle[:seed]"
	@echo "make mutants      does the suite notice seeded faults? AGAIN=1 for all; ONLY=path or words"
	@echo "make lint         formatter, linter, types, import rules"
	@echo "make docs         write docs/cli.md, the man page and other references again from the code"
	@echo "make lock         draw requirements/*.txt again from pyproject.toml"
	@echo "make bench        measure; prints figures, asserts nothing"
	@echo "make clean        remove the environments and every cache"

demo: $(VENV)/.installed
	$(BIN)/cloison simulate $(DEMO)

# Kernels are compiled once, by two processes, and not by each worker that comes to need one.
test: $(VENV)/.installed-test
	-$(BIN)/cloison warmup --quiet
	CLOISON_LOCKED=requirements/test.txt CLOISON_SLICE=commit $(BIN)/python $(SUITE)

# The formatter's and the type checker's opinion belongs to the versions of the lock.
test-newest test-oldest: test-%: .venv-%/.installed
	-.venv-$*/bin/cloison warmup --quiet
	.venv-$*/bin/python $(SUITE) --deselect tests/test_house.py::test_gate

oracles: $(VENV)/.installed-test
	$(BIN)/python tests/oracle_results.py

fuzz: $(VENV)/.installed-test
	PYTHONPATH=.:tests $(BIN)/python -m fuzz --minutes $(MINUTES) --seed "$(SEED)" --only "$(ONLY)"

# What is known to die is not asked again; -map says anew which tests execute what, -draw draws.
mutants mutants-map mutants-draw: mutants%: $(VENV)/.installed-test
	PYTHONPATH=tests $(BIN)/python -m mutants $(or $(subst -,,$*),run) --only "$(ONLY)" \
		$(if $(AGAIN),--again)

lint: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-test
	$(BIN)/python docs/cli_reference.py
	$(BIN)/python docs/man_page.py
	$(BIN)/python docs/key_reference.py
	$(BIN)/python docs/words_reference.py
	$(BIN)/python docs/rules_reference.py

lock: $(VENV)/.installed-test
	$(PIP) uv
	$(COMPILE) --upgrade --extra test --group lint --output-file requirements/test.txt
	$(COMPILE) --upgrade --constraints requirements/test.txt --output-file requirements/run.txt
	$(COMPILE) --upgrade --extra test --resolution lowest-direct --output-file requirements/oldest.txt

bench: $(VENV)/.installed-test
	$(BIN)/cloison warmup
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .venv-newest .venv-oldest build dist *.egg-info .mypy_cache .pytest_cache \
		.ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew with every new lock, so that nothing stays which the lock does not name.
# A half-made venv (no python3-venv on the machine) must not look like a whole one.
$(VENV)/pyvenv.cfg: requirements/run.txt requirements/test.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "cloison needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml $(VENV)/pyvenv.cfg
	$(LOCKED) requirements/run.txt
	$(ITSELF)
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/pyvenv.cfg
	$(LOCKED) requirements/test.txt
	$(ITSELF)
	@touch $@ $(VENV)/.installed

.venv-oldest/.installed: VENV = .venv-oldest
.venv-oldest/.installed: pyproject.toml requirements/oldest.txt
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(LOCKED) requirements/oldest.txt
	$(ITSELF)
	@touch $@

.venv-newest/.installed: VENV = .venv-newest
.venv-newest/.installed: pyproject.toml
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[test]' 'setuptools>=77'
	@touch $@
