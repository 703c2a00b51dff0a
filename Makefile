# Two commands for a stranger: `make up` (or `make up SITE=https://example.com`) and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SITE ?=

.DEFAULT_GOAL := help
.PHONY: help up demo test check format bench soak lock clean

help:  ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

up: .venv/.installed  ## Scan, compile the policy and serve: the demo shop, or SITE=https://...
	@sh tools/system-packages.sh up
	@$(BIN)/samtykke up $(SITE)

demo: .venv/.installed  ## Only the demo shop and its trackers, without the proxy
	@$(BIN)/python -m samtykke.demo

test: .venv/.installed-dev  ## Everything, with real Chromium, PostgreSQL, nginx and npm guests; two files at a time
	@sh tools/system-packages.sh test
	@npm ci --prefix tests/guests --ignore-scripts --no-audit --no-fund --loglevel=error
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not soak"

check: .venv/.installed-dev  ## Format, lint, types, import contracts, dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

format: .venv/.installed-dev  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/.installed-dev  ## Measure beside the peers; figures go to docs/benchmarks.md
	@sh tools/system-packages.sh bench
	@$(BIN)/python -m bench

soak: .venv/.installed-dev  ## The long repeats
	@$(BIN)/pytest -q -m soak

lock:  ## Pin every dependency with its hash
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra postgres --group build -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra postgres --group build --group dev -o requirements-dev.lock pyproject.toml

clean:  ## Remove what was installed and made here
	rm -rf .venv dist tests/guests/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.installed: requirements.lock pyproject.toml
	@sh tools/system-packages.sh venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
