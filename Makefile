# Every target creates the virtual environment .venv if needed and installs its requirements.
# PYTHON selects the interpreter of the environment: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# The newest Python that TensorFlow supports.
OLDEST ?= python3.11
NEWEST ?= python3.13

# A pyenv shim exists but fails until its version is selected.
check_python = $(1) -c "" 2>/dev/null || { echo "Found no $(1) that runs; name another: make $@ $(2)=/path/to/python." \
	"(With pyenv, 'pyenv prefix VERSION' names a folder that has bin/python.)"; exit 1; }

.PHONY: help demo test slow fuzz lint coverage docs dist oldest newest clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   prune a network of 256 kernels to 4 on simulated DNA and show its AUC at every size"
	@echo "make test   lint, types, doctests and tests"
	@echo "make slow   the tests that take minutes"
	@echo "make fuzz   100,000 damaged files and 100,000 damaged inputs, or SKDEEPPRUNE_FUZZ of each"
	@echo "make lint   lint and types only"
	@echo "make oldest the tests with Python 3.11 and the lower bounds in setup.py, in .venv-oldest"
	@echo "make newest the tests with Python 3.13 and the newest versions of everything, in .venv-newest"
	@echo "make coverage the tests, with line and branch coverage"
	@echo "make docs   the documentation, to docs/_build/html"
	@echo "make dist   wheel and source distribution, to dist, installed in a bare environment"
	@echo "make clean  remove build outputs and the environment"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Expected Python 3.11 or newer, got $$($(PYTHON) --version 2>&1); try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "$(PYTHON) has no module venv; on Debian and Ubuntu, install python3-venv."; exit 1; }

# One stamp per set of extras: reinstalled only when setup.py changes.
$(VENV)/installed-%: setup.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

demo: $(VENV)/installed-motifs
	@$(BIN)/python -m skdeepprune demo

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2

slow: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

fuzz: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/test_fuzz.py tests/test_fuzz_estimator.py -m fuzz

lint: $(VENV)/installed-test
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

# Without static checks. Warnings are not errors here, since other versions may have new ones.
oldest:
	@$(call check_python,$(OLDEST),OLDEST)
	$(OLDEST) -m venv --clear .venv-oldest
	$(OLDEST) .ci/lower_bounds.py > .venv-oldest/lower-bounds.txt
	.venv-oldest/bin/python -m pip install --quiet --constraint .venv-oldest/lower-bounds.txt --editable '.[test]'
	OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest --numprocesses 2 -W default

newest:
	@$(call check_python,$(NEWEST),NEWEST)
	$(NEWEST) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade --editable '.[test]'
	OMP_NUM_THREADS=1 .venv-newest/bin/python -m pytest --numprocesses 2 -W default

coverage: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --cov

dist: $(VENV)/installed-release
	rm -rf dist
	$(BIN)/python -m build --outdir dist > /dev/null
	$(PYTHON) -m venv --clear .venv-dist
	.venv-dist/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd dist && ../.venv-dist/bin/python -I ../.ci/try_wheel.py

docs: $(VENV)/installed-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) .venv-oldest .venv-newest .venv-dist build dist *.egg-info docs/_build docs/generated docs/auto_examples .coverage .hypothesis \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache
