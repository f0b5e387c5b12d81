# make run: the whole product on this machine.  make test: everything but the slow suites.  make help: the rest.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PYTEST := $(PY) -m pytest
JOBS ?= auto
BROWSERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help run setup dev test check test-browser chaos bench lock browser clean

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/.run.ok ## set up and start web, worker and trial; PORT=8001 moves it
	@exec $(PY) -m portal.run

setup: $(VENV)/.run.ok ## only set up
dev: $(VENV)/.dev.ok ## set up with what tests and checks need

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: PYTHON=/path/to/python3.11 make $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Could not make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.run.ok: requirements.lock | $(VENV)/bin/python
	@echo "Installing (once; half a minute)…"
	@$(PY) -m pip install -q --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev.ok: requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing what tests need (once; a minute)…"
	@$(PY) -m pip install -q --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.run.ok

test: $(VENV)/.dev.ok check ## every test but the slow suites, in parallel and in random order
	$(PYTEST) -q -n $(JOBS)

check: $(VENV)/.dev.ok ## lint, types, migrations, deployment checks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy portal provisioning tests
	$(PY) manage.py makemigrations --check --dry-run --settings tests.settings
	$(PY) -m tests.deployment_check

browser: ## Chromium, from the system's packages if it is missing and we are root
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || [ -n "$$CHROMIUM" ] || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
	  { echo "Install Chromium, or set CHROMIUM to it."; exit 1; }

test-browser: $(VENV)/.dev.ok browser ## Chromium through the whole path, accessibility, screenshots
	$(PYTEST) -q -m browser -n $(BROWSERS)

chaos: $(VENV)/.dev.ok ## 1,000 requests with faults and kills
	$(PYTEST) -q -m chaos -n 0 tests/chaos

bench: $(VENV)/.dev.ok ## ratios, printed as a table
	$(PYTEST) -q -m bench -n 0 -s tests/bench

lock: $(VENV)/.dev.ok ## resolve the lock files anew
	$(PY) -m uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header requirements.txt -o requirements.lock
	$(PY) -m uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt

clean: ## forget everything that was made here, the trial's data included
	rm -rf $(VENV) var staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis
