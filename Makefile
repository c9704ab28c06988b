# Every command a person needs. Nothing has to be installed by hand but Python 3.11 or newer and make.
.DEFAULT_GOAL := help
.PHONY: help run demo test lint check bench-quick bench bench-full soak up down lock clean
MAKEFLAGS += --no-print-directory
# Bytecode is kept, whatever the environment says: a stack is half a dozen processes, the tests start hundreds,
# and each would compile the same packages again.
export PYTHONDONTWRITEBYTECODE =

# The first Python that is new enough; `make PYTHON=...` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
BOOTSTRAP = $(PYTHON) -I ops/bootstrap.py

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Start everything on this machine, in the foreground; Ctrl-C stops it
	@$(BOOTSTRAP) local .venv/bin/ugc up

demo: ## The same with a month of made-up history in it, and events that go on coming in
	@$(BOOTSTRAP) local .venv/bin/ugc demo

test: ## Run every test, with the real broker and warehouse on free ports
	@$(BOOTSTRAP) dev .venv/bin/pytest -n 5 --dist loadfile --no-loadscope-reorder

lint: ## Style, types and imports; half a minute
	@$(BOOTSTRAP) dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

check: lint ## The same and the fast tests; two minutes
	@.venv/bin/pytest -q -n 2 --dist loadfile -m 'not stack and not docker'

bench-quick: ## Measure small, in 3 minutes; without what takes longer at any size
	@$(BOOTSTRAP) dev .venv/bin/python -m benchmarks run --scale quick

bench: ## Measure, within half an hour; leave the machine alone meanwhile
	@$(BOOTSTRAP) dev .venv/bin/python -m benchmarks run --scale standard

bench-full: ## Measure up to 100 million rows: hours, and much scratch space
	@$(BOOTSTRAP) dev .venv/bin/python -m benchmarks run --scale full

soak: ## Kill processes 200 times under load: nothing lost or doubled; 10 minutes without a broker; 20,000 histories; 3 hours
	@PYTHONPATH=tests $(BOOTSTRAP) dev .venv/bin/python -m faults.soak
	@PYTHONPATH=tests $(BOOTSTRAP) dev .venv/bin/python -m properties.soak

up: ## Start the production shape with docker compose
	@docker compose up --build --detach --wait

down: ## Stop the production shape; its data stays
	@docker compose down

lock: ## Pin the dependencies anew; UPGRADE=1 takes newer versions
	@$(BOOTSTRAP) lock $(if $(UPGRADE),--upgrade)

clean: ## Remove the environment and every tool's cache; data in .ugc/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
