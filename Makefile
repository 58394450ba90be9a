# Two commands matter to a visitor: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

# A stamp is named after the content of its lock, so a second run costs nothing and a new lock installs.
hash = $(shell (sha256sum $(1) 2>/dev/null || shasum -a 256 $(1)) | cut -c1-16)
RUN := $(VENV)/.run-$(call hash,requirements.txt)
DEV := $(VENV)/.dev-$(call hash,requirements-dev.txt)
PIP := $(PY) -m pip install --quiet --quiet --disable-pip-version-check --require-hashes
MESSAGES := $(wildcard locale/*/LC_MESSAGES/*.po)

.PHONY: help setup setup-dev run test quick lint stack bench clean

help:
	@echo "make run     the demonstration on http://127.0.0.1:$${PORT:-8000}"
	@echo "make test    the whole suite, on SQLite and on PostgreSQL and Redis"
	@echo "make quick   the quick part of the suite, about a minute"
	@echo "make lint    form, types, layers, migrations, translations"
	@echo "make stack   the full deployment's processes on this machine"
	@echo "make bench   what is timed"
	@echo "make clean   removes what was made, but neither data nor keys"

setup: $(RUN) $(VENV)/.messages

setup-dev: setup $(DEV)

run: setup
	@$(PY) manage.py migrate --noinput -v0
	@$(PY) manage.py load_demo --address "http://127.0.0.1:$${PORT:-8000}"
	@echo "Ctrl-C ends it; the next start finds everything as it was."
	@exec $(PY) -m config.serve

test: setup-dev
	@exec $(PY) -m scripts.test

quick: setup-dev
	@exec $(PY) -m scripts.test quick

lint: setup-dev
	@exec $(PY) -m scripts.lint

stack: setup-dev
	@exec $(PY) -m scripts.stack

bench: setup-dev
	@$(PY) -m benchmarks
	@$(PY) -m benchmarks.phone

clean:
	rm -rf $(VENV) build staticfiles .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale \( -name '*.mo' -o -name djangojs.json \) -delete

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one by PYTHON=…"; exit 1; }
	@$(PY) -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) \
		|| { echo "python3-venv is needed: apt-get install python3-venv"; exit 1; }
	@echo "Installing what the platform needs (once) …"
	@$(PIP) -r requirements.txt
	@rm -f $(VENV)/.run-* && touch $@

$(DEV): $(RUN)
	@echo "Installing what its tests need (once) …"
	@$(PIP) -r requirements-dev.txt
	@rm -f $(VENV)/.dev-* && touch $@

$(VENV)/.messages: $(RUN) $(MESSAGES)
	@test ! -f scripts/messages.py || $(PY) scripts/messages.py compile
	@touch $@
