# The two commands a newcomer needs: `make run` and `make test`. All others: `make help`.
# Kept to what GNU make 3.81 knows, the make that comes with macOS.

VENV := .venv
BIN := $(VENV)/bin
# The lists are complete, so pip resolves nothing: a release of tomorrow changes no installation.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
PIN := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --custom-compile-command "make constraints"
# More words for pytest: make test ARGS="-k transfer"
ARGS :=

# Make builds a new environment where its Python went away, as after an upgrade of the system.
ifneq ($(shell $(BIN)/python -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null),True)
.PHONY: $(VENV)/.made
endif

.DEFAULT_GOAL := help
.PHONY: help run fresh test test-bare test-browser test-ha test-airflow test-presto screenshots soak fuzz mutants bench install develop lint format types coverage schema constraints notices audit clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: install ## Start the bank on http://127.0.0.1:5000 (HOST, PORT, DATABASE_URL, BANK_DATA_DIR)
	@$(BIN)/python manage.py serve --check-address
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py setup_demo
	@exec $(BIN)/python manage.py serve

fresh: install ## Begin anew with an empty demo bank; the old one is moved aside, whole
	@$(BIN)/python manage.py move_bank_aside
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py setup_demo

test: develop ## Run all tests on SQLite and on PostgreSQL (ARGS="-k name")
	@$(BIN)/python -m tests $(ARGS)

test-bare: ## Try make test and make run on minimal Debian 12 and 13 (root; ARGS="bookworm")
	@python3 -m tests.bare $(ARGS)

test-browser: develop ## Run the tests that need Chromium (CHROMIUM names another one)
	@$(BIN)/python -m tests --database sqlite tests/browser $(ARGS)

test-ha: develop .venv-ha/.installed ## Kill, switch and cut off database nodes under load (ARGS="--all --rounds 3")
	@$(BIN)/python -m tests.ha $(ARGS)

test-airflow: develop .venv-airflow/.installed ## Run the DAGs in a real Airflow, against a served bank
	@$(BIN)/python -m tests --database sqlite tests/airflow/dag_runs.py --numprocesses=0 $(ARGS)

test-presto: develop ## Ask the named queries on a real Presto, which it fetches once (Maven, 450 MB)
	@$(BIN)/python -m tests --database postgresql tests/presto/answers.py $(ARGS)

screenshots: develop ## Make the pictures of the documentation anew (ARGS="today account")
	@$(BIN)/python -m tests.screenshots $(ARGS)

soak: develop ## Run the concurrency tests at length, a new seed each round (MINUTES=30)
	@$(BIN)/python -m tests.soak $(MINUTES)

fuzz: develop ## Try the API with schemathesis for ten minutes (ARGS="--seconds 60 --seed 7")
	@$(BIN)/python -m tests.fuzz --seconds 600 --examples 100 $(ARGS)

mutants: develop ## Plant each bug of a kept list, and say which test sees it (ARGS="--only money")
	@$(BIN)/python -m tests.mutants $(ARGS)

bench: develop ## Measure the bank next to pgbench and COPY, on both databases (ARGS="--rounds 3", ARGS="--growth", ARGS="--against COMMIT")
	@$(BIN)/python -m benchmarks $(ARGS)

install: $(VENV)/.installed ## Install what the bank runs on into .venv

develop: $(VENV)/.developing ## Install what tests and linters need as well

lint: develop ## Check style with ruff, and that imports point one way
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

format: develop ## Rewrite the code in ruff's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: develop ## Check types with mypy
	@$(BIN)/mypy

coverage: develop ## Run all tests, see that they cover 95 %, and write htmlcov/index.html
	@$(BIN)/python -m tests --coverage
	@$(BIN)/coverage html --quiet --fail-under=0
	@echo "Open htmlcov/index.html"

schema: develop ## Write docs/openapi.yaml anew from the code
	@DATABASE_URL= $(BIN)/python manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn

constraints: develop ## Pin requirements anew (UPGRADE=--upgrade takes the newest releases)
	@$(PIN) $(UPGRADE) --output-file constraints.txt requirements.txt
	@$(PIN) $(UPGRADE) --constraints constraints.txt --output-file constraints-dev.txt requirements-dev.txt
	@$(PIN) $(UPGRADE) --output-file deploy/ha/constraints.txt deploy/ha/requirements.txt
	@$(PIN) $(UPGRADE) --output-file deploy/airflow/constraints.txt deploy/airflow/requirements.txt

notices: develop ## Write NOTICES.md from the licences of the packages
	@$(BIN)/python .ci/notices.py --write

audit: develop ## Look for known holes in what is pinned
	@$(BIN)/python .ci/audit.py

clean: ## Remove the environment and all caches; the data stays
	rm -rf $(VENV) .venv-ha .venv-airflow .coverage .coverage.* htmlcov staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is younger than what it was installed from, so a second run installs nothing. The pins
# replace pip itself, so pip is no stamp.
define INSTALL
@echo "Installing the $$(grep -c '^[a-zA-Z].*==' $<) packages of $< (a minute or two, needs the network) ..."
@$(PIP_INSTALL) -r $< || { \
  echo "The installation failed, see above. It needs the network: pip asks the package index" >&2; \
  echo "that '$(BIN)/python -m pip config list' names, or else PyPI." >&2; exit 1; }
@touch $@
endef

$(VENV)/.installed: constraints.txt $(VENV)/.made
	$(INSTALL)

$(VENV)/.developing: constraints-dev.txt $(VENV)/.installed
	$(INSTALL)

# Patroni and Airflow have environments of their own. The system's Python comes first, because the
# nodes of a cluster run as a user who may not reach another one.
.venv-%/.installed: deploy/%/constraints.txt $(VENV)/.made
	@echo "Installing the $$(grep -c '^[a-zA-Z].*==' $<) packages of $< (needs the network) ..."
	@rm -rf .venv-$*; \
	for python in /usr/bin/python3 $(BIN)/python; do \
	  if $$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	done; \
	$$python -m venv --without-pip .venv-$*
	@$(BIN)/python -m pip --python .venv-$*/bin/python install --quiet --disable-pip-version-check \
	  --no-deps --require-hashes -r $<
	@touch $@

# PYTHON names the interpreter; without it the first one that is new enough is taken.
$(VENV)/.made:
	@candidates="$${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}"; found=; \
	for python in $$candidates; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "The bank needs Python 3.11 or newer. Not found as: $$candidates" >&2; \
	  echo "Name one: make run PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$found lacks the venv module or ensurepip. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$found --version) ..."; \
	rm -rf $(VENV) && $$found -m venv $(VENV) && touch $@
