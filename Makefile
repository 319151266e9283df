# Every target works from a clean clone; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
BIN := .venv/bin
JOBS ?= 2
ROUNDS ?= 7
SIZE ?= 1k 10k
PYTEST ?=
# A worker keeps to neighbours, who share what is made for a module, until another has nothing left.
WORKERS := -n $(JOBS) --dist worksteal
E2E := tests/cluster/test_world.py tests/cluster/test_end_to_end.py tests/cluster/test_faults.py

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: install
install: ## Make .venv with the locked dependencies and repoint (a second run does nothing)
	@scripts/bootstrap.sh

.PHONY: servers
servers: install ## Get PostgreSQL 15-18 and PgBouncer 1.24 and 1.26 into a cache folder (a second run does nothing)
	@$(BIN)/python scripts/servers.py test

# Without a network the rest still runs, and what needs the servers says so.
.PHONY: try-servers
try-servers: install
	@$(BIN)/python scripts/servers.py test || echo "note: tests that need these servers are skipped" >&2

.PHONY: cluster
cluster: install ## Build a Kubernetes control plane into a cache folder (some 10 minutes; a second run does nothing)
	@$(BIN)/python scripts/cluster.py

# The walk has a machine of its own to run on: see e2e.
.PHONY: test-cluster
test-cluster: install cluster ## Run the tests on a real Kubernetes API server, but the end-to-end ones
	@$(BIN)/python -m pytest -q $(WORKERS) --require-cluster --require-servers $(PYTEST) tests/cluster \
		$(addprefix --ignore=,$(E2E))

.PHONY: e2e
e2e: install cluster ## Walk the example from local to production and back on a real API server
	@$(BIN)/python -m pytest -q --require-cluster --require-servers $(PYTEST) $(E2E)

.PHONY: test-browser
test-browser: install ## Open the HTML report and the site in Chromium (apt) and let axe-core (npm) judge them
	@scripts/browser.sh
	@$(BIN)/python -m pytest -q --require-browser -m browser $(PYTEST) tests/browser tests/docs/test_site.py

.PHONY: demo
demo: install ## Run the whole story on a copy of examples/naytife
	@$(BIN)/python scripts/servers.py demo || echo "note: what needs these servers will not run" >&2
	@scripts/demo.sh

.PHONY: test
test: try-servers ## Run the fast tests
	@$(BIN)/python -m pytest -q $(WORKERS) -m "not slow and not cluster" $(PYTEST)

.PHONY: leaks
leaks: try-servers ## Run the fast tests, and search all that they start, write and show for passwords
	@$(BIN)/python -m pytest -q $(WORKERS) -m "not slow and not cluster" --canaries $(PYTEST)

.PHONY: test-all
test-all: try-servers ## Run all tests, the slow ones too
	@$(BIN)/python -m pytest -q $(WORKERS) $(PYTEST)

.PHONY: test-slow
test-slow: try-servers ## Run the slow tests that `make test` leaves out, but those of `make test-browser`
	@$(BIN)/python -m pytest -q $(WORKERS) -m "slow and not cluster and not browser" $(PYTEST)

.PHONY: lint
lint: install ## Check style, format, types, layers, docstrings and generated pages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/reference.py --check
	@$(BIN)/python scripts/generate_rule_pages.py --check
	@$(BIN)/python scripts/dependencies.py --check
	@$(BIN)/python -m scripts.budgets

.PHONY: audit
audit: install ## Ask whether an advisory is out against a locked package, or its release withdrawn
	@$(BIN)/python scripts/audit.py

.PHONY: check
check: lint try-servers ## Run lint and all tests, with the coverage of lines and branches
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest -q $(WORKERS) $(PYTEST)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

.PHONY: format
format: install ## Format the code and mend what the linter can mend
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: docs
docs: install ## Write the generated reference pages
	@$(BIN)/python scripts/reference.py
	@$(BIN)/python scripts/generate_rule_pages.py
	@$(BIN)/python -m scripts.doc_pages
	@$(BIN)/python scripts/dependencies.py

.PHONY: site
site: install ## Build the documentation as a site into .site/ (no network, no server needed to read it)
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 0) NO_MKDOCS_2_WARNING=1 \
		$(BIN)/mkdocs build --strict

.PHONY: bench
bench: install ## Measure repoint beside rg, git, kubectl, sops, sed (SIZE="1k 10k 100k" ROUNDS=7 ONLY=scan PEERS=1 GATE=1)
	@$(BIN)/python -m bench.run --rounds $(ROUNDS) $(if $(GATE),--gate) $(if $(PEERS),--peers) \
		$(addprefix --only ,$(ONLY)) $(SIZE)

.PHONY: torture
torture: install ## Kill, starve and mislead apply, rollback and rollout, and look for torn trees
	@$(BIN)/python scripts/torture.py $(TORTURE)

.PHONY: fuzz
fuzz: install ## Feed readers, edits and records with what breaks them, guided by coverage (FUZZ_SECONDS=3600)
	@$(BIN)/python scripts/fuzz.py --seconds $(or $(FUZZ_SECONDS),3600)

.PHONY: dist
dist: install ## Build the wheel and the sdist of the last commit into dist/, the same bytes every time
	@$(BIN)/python scripts/dist.py

.PHONY: sbom
sbom: install ## Write the bill of materials of repoint and its extras into dist/ (CycloneDX)
	@$(BIN)/python -m scripts.sbom

.PHONY: test-pythons
test-pythons: dist ## Install the wheel on every Python here, with and without each extra, and try it (TESTS="tests/unit/formats")
	@$(BIN)/python scripts/pythons.py $(addprefix --python ,$(PYTHONS)) $(if $(TESTS),--tests $(TESTS))

# Needs root and Debian's mirror; HOW=--user tries it as a user who may sudo.
.PHONY: test-fresh
test-fresh: ## Run `make demo` and `make test` on a fresh Debian in a folder (SUITE=bookworm HOW=--user)
	@PYTEST='$(PYTEST)' scripts/fresh_machine.sh --suite $(or $(SUITE),bookworm) $(HOW)

.PHONY: completion
completion: install ## Print how to turn on shell completion
	@$(BIN)/repoint completion --help

.PHONY: lock
lock: install ## Write requirements.lock anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@scripts/lock.sh $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## Remove .venv and every cache
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
