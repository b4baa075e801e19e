# Everything a reader of the README needs. `make run` and `make test` set themselves up in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.set-up

.PHONY: run test demo lint house bench quality soak setup lock
.DEFAULT_GOAL := run

run: setup            ## poll the sources and open the chat page; no tokens needed
	@$(BIN)/policybell run

demo: setup           ## the bundled sample: the whole job in a minute, no network, no token
	@$(BIN)/policybell run --sample

test: setup           ## the whole test suite; no network needed
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: setup           ## style, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

house: setup          ## the house in figures: sizes, patches, coverage, imports
	@$(BIN)/python tests/house/figures.py

bench: setup          ## every benchmark, a line per figure: name value unit (baseline, ratio)
	@test -e .bench-venv/reader || { $(PYTHON) -m venv --without-pip .bench-venv && $(BIN)/python -m pip -q \
	  --disable-pip-version-check --python .bench-venv/bin/python install --require-hashes -r bench/reader.lock && \
	  touch .bench-venv/reader; } || rm -rf .bench-venv
	@$(BIN)/python bench/run.py

quality: setup        ## how good detection is on labelled documents, beside a broad list; skips where they are absent
	@$(BIN)/policybell quality ../shared/data/quality

soak: setup           ## the long proofs, with a line per figure: kills, faults, bursts, seeded bugs
	@$(BIN)/python tests/soak.py

setup: $(STAMP)       ## only the set-up

# Works on a bare Debian 12: no ensurepip, an externally managed Python, not root.
$(STAMP): requirements.lock pyproject.toml
	@echo "Policybell: setting up in $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python install --require-hashes -r requirements.lock
	@$(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python install --no-deps --no-build-isolation -e .
	@touch $@

lock:                 ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade -o requirements.lock
