# Two commands matter: `make demo` and `make test`. Both set everything up first, which takes seconds when nothing changed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Two cores or more: tests in parallel; files stay on one worker, so that a server is started once.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile

.PHONY: demo test integration nightly lint format docs wheel measure hooks bench install lock clean help

help:            ## what can be made
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: install    ## the whole path on an embedded broker: simulate, stream, attribute, check, publish, report
	@$(BIN)/nisba demo

test: install    ## every test that needs neither Java nor minutes
	@$(PYTEST) -m "not kafka and not prefect and not slow"

integration: install ## real Kafka, real Prefect, kills
	@$(PYTEST) -m "kafka or prefect or slow"

nightly: install ## the properties again, over fewer and larger sets of events
	@HYPOTHESIS_PROFILE=large $(PYTEST) tests/properties

lint: install    ## style, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: install  ## mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: install    ## docs/tables.md from the declarations of the tables
	@$(BIN)/python -m warehouse.models.docs docs/tables.md

wheel: install   ## the wheel, tried where nothing of ours is installed
	@$(BIN)/python tools/try_wheel.py

measure: install ## lengths of functions, lines of tests a line of code
	@$(BIN)/python tools/measure.py

hooks: install   ## ruff and the layers before every commit
	@$(BIN)/pre-commit install

bench: install   ## ratios, side by side in one run
	@$(BIN)/python -m benchmarks

install: $(STAMP) ## .venv with everything, at the versions and hashes of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) tools/install.py $(VENV)
	@touch $@

lock:            ## resolve pyproject.toml again into constraints.txt
	@UV_CACHE_DIR=.cache/uv $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.10 --all-extras --group install --group test --group lint \
	  --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links -q -o constraints.txt

clean:           ## remove what the commands made
	rm -rf $(VENV) .cache .demo build *.egg-info
