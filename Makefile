# Tamis: `make demo` runs the main job on real data, `make test` runs the tests.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .data/demo
PAIRS ?= 1000000
WORLDS ?= 1000
CYCLES ?= 200
SECONDS ?= 3600
SIZE ?= S
# Wheels alone: an installation never needs a compiler.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -c constraints.txt

.PHONY: help install demo demo-check lint test prove duck crash fuzz bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here; Tamis needs Python 3.11 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("Tamis needs Python 3.11 or newer, and this is %s: make PYTHON=/path/to/python3" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-demo: $(VENV)/.installed
	$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) -e '.[demo,test]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	$(PIP) -e '.[bench]'
	@touch $@

install: $(VENV)/.installed ## make the environment: .venv/bin/tamis

$(VENV)/.installed-fuzz: $(VENV)/.installed-test
	$(PIP) -e '.[fuzz]'
	@touch $@

demo: $(VENV)/.installed-demo ## a year of a grocer's customers, three questions, and a server
	$(BIN)/tamis demo --data $(DEMO)

demo-check: $(VENV)/.installed-demo ## the demo for machines: load, ask, serve, verify, stop
	$(BIN)/tamis demo --data $(DEMO) --check

lint: $(VENV)/.installed-test ## check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: $(VENV)/.installed-test ## run everything that proves it works, in minutes, on every core or in JOBS= processes
	$(BIN)/python -m pytest --numprocesses $(or $(JOBS),auto --maxprocesses 8) --dist worksteal

prove: $(VENV)/.installed-test ## a million random (data, expression) pairs against the oracle, and laws in WORLDS=: PAIRS=, SEED=, FIRST=, JOBS=
	$(BIN)/python -m tests.properties.prove --pairs $(PAIRS) $(if $(SEED),--seed $(SEED)) $(if $(FIRST),--first $(FIRST)) $(if $(JOBS),--jobs $(JOBS))
	$(BIN)/python -m tests.properties.metamorphic --worlds $(WORLDS) $(if $(SEED),--seed $(SEED))

duck: PAIRS = 20000
duck: $(VENV)/.installed-test ## the same questions of DuckDB, in SQL by a translator of its own: PAIRS=, SEED=
	$(BIN)/python -m tests.duck.prove --pairs $(PAIRS) $(if $(SEED),--seed $(SEED))

crash: $(VENV)/.installed-test ## kill a writing process 200 times and compare what is left: CYCLES=, SEED=
	$(BIN)/python -m tests.crash.cycles --cycles $(CYCLES) $(if $(SEED),--seed $(SEED))

fuzz: $(VENV)/.installed-fuzz ## an hour each of texts by coverage, texts by grammar, and requests, side by side: SECONDS=
	set -e; for way in by_coverage by_grammar over_http; do $(BIN)/python -m tests.fuzz.$$way --seconds $(SECONDS) & ways="$$ways $$!"; done; \
	for way in $$ways; do wait $$way; done

bench: $(VENV)/.installed-bench ## measure Tamis and its peers in every way, and make a page of it: SIZE=, RUN='--seconds 2 …'
	$(BIN)/python -m bench run --size $(SIZE) --files .data/bench --work .data/race --json .data/race/$(SIZE).json \
		--seconds 0.3 --load-seconds 3 $(RUN); code=$$?; \
	$(BIN)/python -m bench report .data/race/$(SIZE).json -o .data/race/$(SIZE).html && exit $$code

clean: ## remove what these targets made, the demo's data included
	rm -rf $(VENV) .data build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
