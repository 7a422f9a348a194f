# The memory of every task; `make` alone prints the list. Each line works when pasted.
BIN := .venv-test/bin
.DEFAULT_GOAL := help
.PHONY: help setup fmt lint types test test-all oracle contracts docs accept demo bench lessons lesson-charts matrix soak check release

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

setup: ## make the test environment
	python3 -m venv .venv-test && $(BIN)/pip install -q -e '.[test]'

fmt: ## format the sources
	$(BIN)/ruff format && $(BIN)/ruff check --fix

lint: ## check form and rules
	$(BIN)/ruff format --check && $(BIN)/ruff check

types: ## check the types
	$(BIN)/mypy

test: ## run what is quick, offline and unprivileged
	$(BIN)/pytest -n auto

test-all: ## run everything; a skip is a failure
	$(BIN)/pytest -m '' --no-skips

oracle: ## replay the recorded answers of the original; a table by category
	$(BIN)/python -m tests.oracle

contracts: ## make the modules of the services' contracts; needs grpcio-tools
	cd targets/demo-platform && ../../$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. demo_platform/contracts/*.proto

docs: ## write the generated pages
	$(BIN)/python docs/generate.py

accept: ## rewrite golden files and generated pages; read the diff
	$(BIN)/pytest -q tests/runners tests/unit --accept; $(BIN)/python docs/generate.py

demo: ## start the bundled platform
	$(BIN)/chaosctl demo up

bench: ## measure the figures; fails when one is missing
	$(BIN)/python -m tests.bench

lessons: ## teach every lesson on a warm platform; REPEAT=n times, with margins
	$(BIN)/python -m tests.bench lessons --repeat $(or $(REPEAT),1)

lesson-charts: ## run every lesson, and draw the charts of docs/lessons.md
	rm -f bench-results/lessons.jsonl && $(BIN)/python -m tests.bench lessons --charts && $(BIN)/python docs/generate.py

matrix: ## hit a run in each phase with each event, as root; goes on where it stopped
	$(BIN)/pytest -q -m integration tests/integration/observer && $(BIN)/python -m tests.matrix

soak: ## kill -9 at 200 random times, as root; SEED=n for the same again
	$(BIN)/python -m tests.matrix --soak 200 --seed $(or $(SEED),0)

check: lint types test ## what CI runs first

release: ## build the wheel into dist/
	$(BIN)/pip wheel -q --no-deps -w dist . && ls dist
