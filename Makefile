# Every target sets itself up in a fresh .venv; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
# The kernel is compiled when the package is installed: a change of it installs again.
SET_UP := pyproject.toml constraints.txt CMakeLists.txt $(wildcard skoverfit/_core/src/*)

.PHONY: bench test test-slow lint docs package speed speed-million claims clean

# The main job on embedded data: prints where the report lies.
bench: $(VENV)/.bench
	$(BIN)/skoverfit bench --suite quick

# All checks; two workers.
test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 10 -m "not slow"

# Statistics that take minutes: the controls of the main job over all their seeds.
test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# sdist and wheel, and the installed wheel imported in an empty environment.
package: $(VENV)/.docs
	rm -rf dist
	$(BIN)/python -m build --quiet
	bash .ci/check-wheel

# Ratios to peers; figures go to benchmarks/results/ with the commit.
speed: $(VENV)/.bench
	for file in $(filter-out %/bench_million.py,$(wildcard benchmarks/speed/bench_*.py)); \
	do $(BIN)/python $$file || exit 1; done

# A million rows of the rare class: minutes, and no peer beside it.
speed-million: $(VENV)/.bench
	$(BIN)/python benchmarks/speed/bench_million.py

# Published claims run again; verdicts go to benchmarks/results/claims and the docs.
claims: $(VENV)/.bench
	$(BIN)/skoverfit claims

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	touch $@

$(VENV)/.bench: $(VENV)/.made $(SET_UP)
	$(PIP) --editable '.[bench]'
	touch $@

$(VENV)/.test: $(VENV)/.made $(SET_UP)
	$(PIP) --editable '.[bench,safe]' --group test
	touch $@ $(VENV)/.bench

$(VENV)/.docs: $(VENV)/.test
	$(PIP) --group docs --group dev
	touch $@

clean:
	rm -rf $(VENV) build dist docs/_build docs/api docs/auto_examples docs/claims.rst
