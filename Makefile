# Two commands need nothing done before them: `make demo` and `make test`. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
# The engine's jars, the store and the demo; one folder, so that `make clean` knows what to take away.
export ARETE_HOME ?= $(CURDIR)/.arete

PYTHON_READY := .venv/.ready
NODE_READY := web/node_modules/.ready
VIEWER_READY := web/dist/.ready
ENGINE_READY := .venv/.engine-ready
VIEWER_SOURCES := $(shell find web/src web/public -type f ! -name schema.d.ts ! -path "*/generated/*") web/index.html \
	$(wildcard web/*.ts web/*.js web/*.mjs web/*.json) graphql/schema.graphql

KERNEL_SOURCES := hatch_build.py $(wildcard ingest/arete_ingest/native/build.py ingest/arete_ingest/native/src/*)

.PHONY: help
help: ## List the commands.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: demo
demo: $(PYTHON_READY) $(VIEWER_READY) $(ENGINE_READY) ## Set up, make the demo run, open the viewer. Options: make demo ARGS="--port 8080 --no-open"
	$(BIN)/arete demo $(ARGS)

WHOLE_OUTPUT := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: test
test: $(PYTHON_READY) $(VIEWER_READY) $(ENGINE_READY) chromium check ## Set up, check the code and run every test.
	@echo "two kinds of tests run side by side, as none keeps two cores busy; each prints its lines when it is done"
	$(MAKE) --no-print-directory --jobs=2 --keep-going $(WHOLE_OUTPUT) integration-database unit integration-engine viewer-unit
	$(MAKE) --no-print-directory viewer-browser

.PHONY: unit
unit: $(PYTHON_READY) ## Run the tests that need no database, and those that need a GPU where there is one.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/unit tests/gpu

.PHONY: integration integration-database integration-engine
integration: integration-database integration-engine ## Run the tests against a Neo4j of their own.
integration-database: $(PYTHON_READY) $(ENGINE_READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/integration --ignore tests/integration/engine --ignore tests/integration/arete
integration-engine: $(PYTHON_READY) $(ENGINE_READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/integration/engine tests/integration/arete

.PHONY: viewer-test viewer-unit viewer-browser
viewer-test: viewer-unit viewer-browser ## Run the viewer's tests, also in Chromium.
viewer-unit: $(NODE_READY)
	cd web && npm run --silent test
# Alone: what a person would see depends on how soon the page is drawn.
viewer-browser: $(PYTHON_READY) $(VIEWER_READY) $(ENGINE_READY) chromium
	$(BIN)/python -m pytest tests/web

.PHONY: looks
looks: $(PYTHON_READY) $(VIEWER_READY) $(ENGINE_READY) chromium ## Take the screens anew that the viewer's tests compare with (tests/web/looks).
	ARETE_RENEW_LOOKS=1 ARETE_E2E=tests/web/looks $(BIN)/python -m pytest tests/web

.PHONY: check
check: $(PYTHON_READY) $(NODE_READY) ## Formatting, lint, types: Python and viewer.
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	web/node_modules/.bin/pyright
	cd web && npm run --silent check

.PHONY: fmt
fmt: $(PYTHON_READY) ## Format the Python code and mend what lint can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(PYTHON_READY) ## Run the benchmarks; they print ratios and the machine, and judge nothing.
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

.PHONY: web
web: $(VIEWER_READY) ## Build the viewer.

.PHONY: chromium
chromium: ## Install Debian's Chromium for the browser tests if it is missing.
	@.ci/ensure-chromium

.PHONY: lock
lock: $(PYTHON_READY) ## Renew the locked Python dependencies from pyproject.toml.
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-emit-index-url --quiet --upgrade --output-file requirements/dev.txt
	for part in api ingest build; do \
		case $$part in api) from=pyproject.toml;; ingest) from="pyproject.toml --extra ingest";; build) from=requirements/build.in;; esac; \
		$(BIN)/uv pip compile $$from --universal --python-version 3.11 --generate-hashes --no-header \
			--no-emit-index-url --quiet --constraint requirements/dev.txt --output-file requirements/$$part.txt; \
	done

.PHONY: clean
clean: ## Remove everything that make built: environment, packages, viewer, engine, demo.
	@if [ -x $(BIN)/arete ]; then $(BIN)/arete db stop || true; fi
	rm -rf .venv web/node_modules web/dist build dist .arete .pytest_cache .ruff_cache .hypothesis
	rm -f $(addprefix ingest/arete_ingest/native/,*.so kernels.sha256 not-built.txt)

# uv installs in a third of pip's time, but reads none of pip's configuration; where it cannot reach an index, pip may.
# Installing Arête compiles the counting kernels; --reinstall-package, since uv does not know of their sources.
$(PYTHON_READY): requirements/bootstrap.txt requirements/dev.txt pyproject.toml $(KERNEL_SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; pass another one: make PYTHON=python3.11")'
	@echo "setting up Python (some 3 GB to fetch the first time, most of it torch)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	UV_HTTP_TIMEOUT=300 $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements/dev.txt \
		|| $(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --reinstall-package arete --editable .
	@touch $@

$(ENGINE_READY): $(PYTHON_READY) pom.xml
	$(BIN)/arete db prepare
	@touch $@

$(NODE_READY): web/package.json web/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) { console.error("Node 20.19 or newer is needed, this is " + process.version); process.exit(1) }' \
		|| { echo "install Node 20.19 or newer"; exit 1; }
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(VIEWER_READY): $(NODE_READY) $(VIEWER_SOURCES)
	cd web && npm run --silent build
	@touch $@
