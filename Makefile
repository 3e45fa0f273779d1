# Every target does its own set-up, on a fresh machine too. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
LOCKS := requirements/bootstrap.txt pyproject.toml scripts/setup
CODE := lineage operators graph_schema api tests examples benchmarks scripts
TEST_WORKERS ?= 2

.PHONY: help demo test test-all check soak bench coverage format docs lock release-snapshot clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

.venv/.demo: requirements/demo.txt $(LOCKS)
	scripts/setup demo
	touch $@

.venv/.dev: requirements/dev.txt $(LOCKS)
	scripts/setup dev
	touch $@ .venv/.demo

# Orchestrators exclude the service and each other: each has an environment of its own, with ours installed in it.
.venv-%/.made: requirements/%.txt $(LOCKS)
	scripts/setup $*
	touch $@

demo: .venv/.demo  ## a real pipeline, then where its model comes from
	$(BIN)/lineage demo

test: .venv/.dev .venv-prefect/.made .venv-airflow/.made  ## the suite without what is marked full (on real things)
	scripts/system-packages git java mvn
	$(BIN)/pytest -n $(TEST_WORKERS) --dist loadfile -m "not full"

test-all: .venv/.dev .venv-prefect/.made .venv-airflow/.made  ## what `make test` left out
	scripts/system-packages git java mvn
	$(BIN)/pytest -n $(TEST_WORKERS) --dist loadfile -m full

soak: .venv/.dev  ## the long counts: every file that scales one; hours
	scripts/system-packages git java mvn
	LINEAGE_TEST_SCALE=soak $(BIN)/pytest $$(grep -rlE 'import .*\bcount\b' tests --include='test_*.py')

bench: .venv/.dev  ## every benchmark in turn; figures count only on an idle machine
	@missed=; for file in benchmarks/*.py; do \
	  echo "=== $$file"; $(BIN)/python $$file || missed="$$missed $$file"; \
	done; test -z "$$missed" || { echo "bars missed:$$missed"; exit 1; }

check: .venv/.dev  ## format, lint, types, layers, tree
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.check_tree

format: .venv/.dev  ## format and mend what ruff can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

coverage: .venv/.dev  ## line and branch coverage of the quick suite
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not full"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

docs: .venv/.dev  ## rewrite the generated parts of docs/
	$(BIN)/python -m scripts.generate_docs

lock: .venv/.dev  ## renew requirements/*.txt from pyproject.toml
	scripts/lock

release-snapshot: .venv/.dev  ## record today's OpenAPI and facets as released
	$(BIN)/python -m scripts.release_snapshot

clean:  ## remove the environment and every cache
	rm -rf .venv .venv-* .neo4j build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
