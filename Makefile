# make demo       set up everything and run the embedded experiment
# make test       set up everything and run linters, type checks and tests
# make documents  make config.yaml, config/README.md and the JSON schema anew from the typed configuration
# make clean      remove the environment and caches; results/ and resources/ stay
PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
# Snakemake keeps a cache of its own; it stays in the project.
SNAKEMAKE := XDG_CACHE_HOME=$(CURDIR)/.snakemake/cache $(BIN)/snakemake

.PHONY: demo test documents clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(SNAKEMAKE) --cores $(CORES)
	@echo "The report: $(CURDIR)/results/demo/report.html"

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(SNAKEMAKE) --lint
	$(BIN)/landmarks config-documents --check
	$(BIN)/pytest -n 2

documents: $(VENV)/.installed
	$(BIN)/landmarks config-documents

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .snakemake/cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "error: no virtual environment with $(PYTHON); on Debian: apt install python3-venv" >&2; exit 1; }

# Done once, and again only when the pins change.
$(VENV)/.installed: envs/requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --requirement envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.installed-test: envs/requirements-test.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --requirement envs/requirements-test.txt
	touch $@
