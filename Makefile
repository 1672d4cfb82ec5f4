# Every target does its own set-up: a virtual environment from the lock, made again only when the lock or pyproject.toml changes.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
# A Python without ensurepip makes an environment without pip; then the outer pip installs into it.
PIP = $$(test -x $(BIN)/pip && echo $(BIN)/python -m pip || echo $(PYTHON) -m pip --python $(BIN)/python) --disable-pip-version-check

.PHONY: help setup demo test check fuzz chaos bench lint format wheel lock clean distclean

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY) ## the virtual environment, from the lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Replicant needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) from requirements.lock (once) ..."
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || $(PYTHON) -m venv --without-pip $(VENV)
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## plan, run and verify jobs/demo.yaml
	$(BIN)/replicant plan jobs/demo.yaml
	$(BIN)/replicant run jobs/demo.yaml --overwrite
	$(BIN)/replicant verify build/demo

test: $(READY) ## all tests but the slow ones
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow" $(ARGS)

check: $(READY) ## every test, the slow ones too
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

fuzz: $(READY) ## generated tables and settings, 10,000 of them; ARGS=500 for so many
	REPLICANT_FUZZ=$(or $(ARGS),10000) $(BIN)/python -m pytest -n $(JOBS) --hypothesis-show-statistics tests/fuzz

chaos: $(READY) ## runs disturbed by faults at random moments, 100 of them; ARGS=20 for so many
	REPLICANT_CHAOS_RUNS=$(or $(ARGS),100) $(BIN)/python -m pytest -n $(JOBS) -m chaos tests/chaos

bench: $(READY) ## measure against R's mice, scikit-learn and the goals; ARGS="--quick", ARGS="--case boys_observed"
	$(BIN)/python tests/benchmarks/bench.py $(ARGS)

lint: $(READY) ## ruff, its formatter, mypy
	$(BIN)/ruff check engine tests
	$(BIN)/ruff format --check engine tests
	$(BIN)/mypy

format: $(READY) ## let ruff mend what it can
	$(BIN)/ruff check --fix engine tests
	$(BIN)/ruff format engine tests

wheel: $(READY) ## build/wheel/*.whl
	@rm -rf build/wheel
	@$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel .

lock: ## resolve pyproject.toml anew into requirements.lock, with hashes and without registry addresses; ARGS="--upgrade"
	@test -x build/lock/bin/pip-compile || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet pip-tools; }
	CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/pip-compile --quiet --extra dev --generate-hashes --strip-extras \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
		--output-file requirements.lock $(ARGS) pyproject.toml

clean: ## caches and built things
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find engine tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## and the virtual environment
	rm -rf $(VENV)
