# Every target does its own set-up: a virtual environment from a lock, made again only when the lock or pyproject.toml changes.
# requirements.lock is what Replicant runs on; requirements-extras.lock adds the extras that a job may need (excel, s3, stat);
# requirements-dev.lock has every extra, and what tests and docs need. The versions are the same in all three.
PYTHON ?= python3
VENV ?= .venv
# More than the two cores of a small machine: many tests wait for processes that they started.
JOBS ?= 3
ARGS ?=

BIN := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
# A Python without ensurepip makes an environment without pip; then the outer pip installs into it.
PIP = $$(test -x $(BIN)/pip && echo $(BIN)/python -m pip || echo $(PYTHON) -m pip --python $(BIN)/python) --disable-pip-version-check

define install
@$(PYTHON) -c 'import sys; sys.exit("Replicant needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
@echo "Setting up $(VENV) from $(1) (once) ..."
@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || $(PYTHON) -m venv --without-pip $(VENV)
@$(PIP) install --quiet --require-hashes -r $(1)
@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
endef

.PHONY: help setup demo test check fuzz chaos pythons bench quality frontier evaluations docs lint format wheel wheelhouse schemas dashboard sbom lock clean distclean

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(DEV) ## the virtual environment of developers

$(READY): requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $(READY) $@

demo: $(READY) ## plan, run, judge and verify jobs/demo.yaml, with its documents
	$(BIN)/replicant plan jobs/demo.yaml
	$(BIN)/replicant run jobs/demo.yaml --overwrite
	$(BIN)/replicant verify build/demo
	@echo "The verdict and all documents: build/demo-dossier/index.html"

# Functions of one process: no cluster, no other program, no page.
UNITS := $(addprefix tests/,spec table trees estimate evaluation disclosure methods plan missing fcs pool view storage) tests/test_errors.py

.PHONY: quick
quick: $(DEV) ## the tests of functions, in less than a minute
	$(PYTEST) -m "not (slow or cluster or program)" --hypothesis-profile quick $(UNITS) $(ARGS)

test: $(DEV) ## all tests but the slow ones
	$(PYTEST) -m "not slow" $(ARGS)

check: $(DEV) ## every test, the slow ones too
	REPLICANT_FUZZ=500 $(PYTEST) --hypothesis-profile check $(ARGS)

fuzz: $(DEV) ## generated tables and settings, 10,000 of them; ARGS=500 for so many
	REPLICANT_FUZZ=$(or $(ARGS),10000) $(PYTEST) --hypothesis-show-statistics tests/fuzz

chaos: $(DEV) ## runs disturbed by faults at random moments, 100 of them; ARGS=20 for so many
	REPLICANT_CHAOS_RUNS=$(or $(ARGS),100) $(PYTEST) -m chaos tests/chaos

pythons: ## `make quick` on other versions of Python, where this machine has them; PYTHONS="3.12 3.13"
	.ci/pythons $(PYTHONS)

bench: $(DEV) ## measure against R's mice, scikit-learn and the goals; ARGS="--quick", ARGS="--case boys_observed"
	$(BIN)/python tests/benchmarks/bench.py $(ARGS)

frontier: $(DEV) ## what protection costs and buys, engine/docs/_static/protection.svg
	$(BIN)/python tests/benchmarks/quality.py --tables sd2011 --results build/frontier.csv --plane engine/docs/_static/protection.svg \
		--variants default "min_donors 5" "min_donors 10" "min_donors 20" "l_diversity 3" "dominance 0.1" smoothing \
		"donors any" "donors once" observed "all of these"

quality: $(DEV) ## utility and disclosure beside other tools, build/quality.html; ARGS="--tables survey --splits 2"
	$(BIN)/python tests/benchmarks/quality.py $(ARGS)

evaluations: $(DEV) ## time and memory of utility and disclosure; ARGS="--case survey"
	$(BIN)/python tests/benchmarks/evaluation.py $(ARGS)

docs: $(DEV) ## build/docs/index.html; a warning, a broken link or a page that loads from elsewhere is an error
	$(BIN)/python -m sphinx -b html -W --keep-going -q -j $(JOBS) -d build/doctrees $(ARGS) engine/docs build/docs

lint: $(DEV) ## ruff, its formatter, mypy
	$(BIN)/ruff check engine tests
	$(BIN)/ruff format --check engine tests
	$(BIN)/mypy

format: $(DEV) ## let ruff fix what it can
	$(BIN)/ruff check --fix engine tests
	$(BIN)/ruff format engine tests

wheel: $(READY) ## build/wheel/*.whl
	@rm -rf build/wheel
	@$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel .

# Our own wheel as a line of a lock: its name, version and hash.
define PINNED
import hashlib, pathlib, sys
wheel = pathlib.Path(sys.argv[1])
print(f"replicant-synthesis=={wheel.name.split('-')[1]} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
endef
export PINNED

wheelhouse: wheel ## build/wheelhouse: all that `pip install --no-index` needs, for this system and Python; ARGS="--platform ..."
	@rm -rf build/wheelhouse
	@$(PIP) download --quiet --no-deps --only-binary :all: --require-hashes --dest build/wheelhouse \
		--requirement requirements-extras.lock $(ARGS)
	@cp build/wheel/*.whl deploy/offline/README.txt build/wheelhouse
	@{ cat requirements-extras.lock; $(BIN)/python -c "$$PINNED" build/wheel/*.whl; } > build/wheelhouse/requirements.txt
	@echo "build/wheelhouse: $$(ls build/wheelhouse/*.whl | wc -l) wheels; README.txt there says how they are installed"

SCHEMAS := build/schemas/.ready

schemas: $(SCHEMAS) ## what the tests of deploy/ check manifests against; without it they are skipped

$(SCHEMAS): tests/deploy/schemas.txt | $(READY)
	@rm -rf $(@D)
	@$(PIP) download --quiet --no-deps --only-binary :all: --require-hashes --dest $(@D) --requirement $<
	@touch $@

BOKEH := build/dashboard/.ready

dashboard: $(BOKEH) ## what the test of Dask's dashboard runs with; without it that test is skipped

$(BOKEH): tests/cluster/dashboard.txt | $(READY)
	@rm -rf $(@D)
	@$(PIP) install --quiet --no-deps --only-binary :all: --require-hashes --target $(@D) --requirement $<
	@touch $@

LOCK = build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --strip-extras \
	--no-emit-index-url --custom-compile-command "make lock" $(ARGS) pyproject.toml

sbom: $(DEV) ## build/sbom.json, the bill of materials of requirements-extras.lock, with licences that are allowed
	$(BIN)/python deploy/sbom/make_sbom.py build/sbom.json

lock: ## resolve pyproject.toml anew into the three locks, with hashes and without registry addresses; ARGS="--upgrade"
	@test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv; }
	$(LOCK) --extra dev --output-file requirements-dev.lock
	$(LOCK) --extra build --constraint requirements-dev.lock --output-file requirements.lock
	$(LOCK) --extra build --extra excel --extra s3 --extra stat --constraint requirements-dev.lock --output-file requirements-extras.lock

clean: ## caches and built things
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find engine tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## and the virtual environment
	rm -rf $(VENV)
