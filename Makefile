# The commands of a checkout.  Everything that they need, they install: Python packages into .venv,
# and (for tests, as root on Debian) servers through apt-get.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export DEBIAN_FRONTEND := noninteractive

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: run
run: $(VENV)/.run ## Start the demo: simulated devices and mail servers, the agent, the status page
	$(BIN)/netmon demo

.PHONY: test
test: $(VENV)/.dev servers ## Install what the tests need and run them all
	$(BIN)/python -m pytest -n auto tests/unit
	$(BIN)/python -m pytest -n auto --dist loadfile tests/integration --ignore tests/integration/test_scenarios.py
	$(BIN)/python -m pytest tests/integration/test_scenarios.py

.PHONY: check
check: $(VENV)/.dev ## Lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: dashboards
dashboards: $(VENV)/.dev ## Write dashboards/*.json anew from dashboards/build
	$(BIN)/python -m dashboards.build

.PHONY: dashboards-schema
dashboards-schema: $(VENV)/.dev ## Hold dashboards/*.json against Grafana's published schema (needs npm)
	$(BIN)/python -m dashboards.build.schema

.PHONY: dashboards-look
dashboards-look: $(VENV)/.dev servers ## Draw the dashboards without Grafana, in build/look (needs npm); LOOK="--again --only host"
	$(BIN)/python -m tests.look.run $(LOOK)

.PHONY: bench
bench: $(VENV)/.dev ## Measure CPU side by side with the peers (build/bench.json)
	sh tests/servers/install.sh bench
	@if command -v cc >/dev/null; then $(MAKE) compile; else echo "no C compiler: netmon is measured interpreted only"; fi
	$(BIN)/python -m tests.bench.run

.PHONY: compile
compile: build/compiled/.done ## Make netmon with its hot modules compiled, in build/compiled (needs a C compiler)

build/compiled/.done: $(VENV)/.dev pyproject.toml .ci/compile.py $(shell find netmon -type f -not -name '*.pyc')
	rm -rf build/compiled
	NETMON_COMPILE=1 $(BIN)/python -m pip install --quiet --no-deps --target build/compiled .
	touch $@

.PHONY: test-compiled
test-compiled: compile ## Run the unit tests of polling, its pages and traps on the compiled modules
	$(BIN)/python -P -c 'import sys; sys.path.insert(0, "build/compiled"); from netmon.compiled import COMPILED; sys.exit(not COMPILED)'
	PYTHONPATH=build/compiled $(BIN)/python -P -m pytest -o pythonpath="build/compiled ." \
	  tests/unit/snmp tests/unit/mib tests/unit/probes tests/unit/exposition tests/unit/traps tests/unit/events

FUZZ_SECONDS ?= 60

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Fuzz the decoders and the mapping, FUZZ_SECONDS (60) each, from build/fuzz
	$(BIN)/python -m pip install --quiet --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz.trap_cases 50000
	for target in response request v3 mapping trap; do \
	  $(BIN)/python -m tests.fuzz.run $$target -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 || exit 1; \
	done

.PHONY: soak
soak: $(VENV)/.dev servers ## Minutes of the demo under Prometheus: what `make test` has no time for
	$(BIN)/python -m pytest tests/soak

.PHONY: deploy-try
deploy-try: ## Build the image, run compose.yml, boot systemd on the unit (root, Debian)
	sh tests/deploy/try.sh

.PHONY: servers
servers:
	sh tests/servers/install.sh test

.PHONY: clean
clean: ## Remove what these commands made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.python:
	sh .ci/venv "$(PYTHON)" $(VENV)
	touch $@

$(VENV)/.run: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.run
