# Everything a person runs. Needs Python 3.11+ with venv, and make; nothing else is assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CHIP ?= h200

.PHONY: brief web test check unit docs bench mutants fuzz messages clean screens

brief: $(READY)  ## the main job: the brief on one chip, and the check of an article about it
	$(BIN)/chipwall brief $(CHIP)
	@echo
	$(BIN)/chipwall check --sample --out chipwall-check-sample.html

PORT ?= 8000
web: $(READY)  ## the pages in a browser, until Ctrl-C
	$(BIN)/chipwall web --port $(PORT)

test: check unit  ## lint, types, data, all tests

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/chipwall data check

unit: $(READY)
	$(BIN)/python -m pytest

fuzz: $(READY)  ## every option and every file of every command under bad input
	$(BIN)/python properties/fuzz.py

docs: $(READY)  ## READMEs, how-to notebooks and reference pages, with what the program says today
	$(BIN)/python docs/build.py
	$(BIN)/python -m chipwall.cli.reference

screens: $(READY)  ## pages of the brief photographed in every view, into build/screens, to be looked at
	$(BIN)/python docs/screens.py

bench: $(READY)  ## speed as ratios; never part of the tests
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

mutants: $(READY)  ## change formulas one at a time; the tests must notice nine of ten
	$(BIN)/python tests/mutants.py

messages: $(READY)  ## collect every message of the source and compile the translations
	$(BIN)/python -m chipwall.report.language.collect

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The mark is written last, so an interrupted set-up is done again.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all,dev]'
	touch $(READY)
