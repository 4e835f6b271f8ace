# `make` alone lists what can be made.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
FER    := $(BIN)/fer

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:  ## list the targets
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'
	@echo "studies: $(patsubst recipes/%/Makefile,study-%,$(wildcard recipes/*/Makefile))"

# One stamp for each set of packages; a change of setup.py installs again.
$(VENV)/installed: setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e .
	@touch $@

$(VENV)/installed-dev: setup.py $(VENV)/installed
	$(BIN)/python -m pip install -q -e '.[dev]'
	@touch $@

demo: $(VENV)/installed  ## synthetic faces, a small network, its scores and one page that shows them: demo/index.html
	$(FER) prepare synthetic -o demo/faces.h5 --overwrite
	$(FER) train demo/faces.h5 --epochs 12 --augment light -o demo/mini.keras --overwrite
	$(FER) eval demo/mini.keras demo/faces.h5 --split test -o demo/test --overwrite
	$(FER) report demo -o demo/index.html --overwrite
	@echo "the page is $(CURDIR)/demo/index.html"

test: $(VENV)/installed-dev  ## ruff, mypy and the suite, with the tiny runs of three studies, other ones each day
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist worksteal

test-studies: $(VENV)/installed-dev  ## the tiny run of every study, and one page over all of them
	FER_STUDIES=all $(BIN)/pytest tests/test_recipes.py -m studies

lint: $(VENV)/installed-dev  ## mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/installed-dev  ## write what README.md and docs/ say of the commands anew from --help
	$(BIN)/python docs/generate.py

docs-examples: $(VENV)/installed-dev  ## run the examples of docs/commands/ on drawn faces, and take over output and pictures
	rm -rf build/docs
	$(BIN)/python docs/examples.py build/docs

bench: $(VENV)/installed-dev  ## every figure of benchmarks/
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

fuzz: $(VENV)/installed-dev  ## thousands of damaged inputs, of which none may break anything: two minutes of a core
	$(BIN)/python -m tests.knocks.fuzz

chaos: $(VENV)/installed-dev  ## kills and full disks at random moments, after which everything must go on
	$(BIN)/python -m tests.knocks.chaos

# Drawn faces leave half of two cores idle, so a tiny run does two things at a time, unless -j says how many.
study-%: $(VENV)/installed  ## a study of recipes/, for example: make study-quickstart FER2013=path/fer2013.csv
	$(MAKE) -f recipes/$*/Makefile FER="$(CURDIR)/$(FER)" PYTHON="$(CURDIR)/$(BIN)/python" \
	  $(if $(filter -j%,$(MAKEFLAGS)),,$(TINY:%=-j2))

.PHONY: help demo test test-studies lint docs docs-examples bench fuzz chaos
