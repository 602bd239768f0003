# make demo and make test do everything on a fresh machine with Python 3.11 or later; the rest is for developers.
PYTHON ?= python3
TOOLS := .cache/tools
UV := $(TOOLS)/bin/uv
PY := .venv/bin/python
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: setup demo test lint audit bench lock openapi clean
.DEFAULT_GOAL := setup

$(UV):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

# Only wheels, each checked against its hash; nothing is compiled.
.venv/.ready: requirements.lock pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(TOOLS)/bin/python .venv
	$(UV) pip sync --quiet --require-hashes --only-binary :all: --python $(PY) requirements.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation --python $(PY) --editable .
	touch $@

setup: .venv/.ready

demo: setup
	.venv/bin/ruhu demo

# Collecting first keeps the compiled tests: Python 3.11 can fail at compiling a file once in a while (gh-106905),
# and then succeeds at the next try.
test: setup
	for try in 1 2 3; do $(PY) -m pytest --collect-only -q > /dev/null 2>&1 && break; done; true
	$(PY) -m pytest -n 2 --dist loadfile --cov --cov-branch --cov-report=term
	$(PY) -m tests.pure_core

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

audit: setup
	$(PY) -m tests.audit

bench: setup
	.venv/bin/ruhu bench faces --json
	.venv/bin/ruhu bench gate-ingest --json

lock: $(UV)
	$(UV) pip compile requirements.in --override overrides.txt --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --only-binary :all: --python-version 3.11 --output-file requirements.lock

openapi: setup
	.venv/bin/ruhu openapi --json mobile_spec/openapi.json

clean:
	rm -rf .venv .cache var build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
