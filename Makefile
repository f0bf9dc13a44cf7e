# Two commands for a newcomer: `make demo` and `make test`. Both do all the set-up from a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo shop shop-test test lint types contracts unit compiled clients-test bench conformance soak fuzz audit sbom clean help

help:
	@echo "make demo    a small shop on two systems with the edge in front, ready to click"
	@echo "make test    everything that CI runs"
	@echo "make shop    the same on Wagtail and django-oscar (make shop VARIANT=unchanged: without our client in them)"
	@echo "make shop-test  journeys through it in a real browser"
	@echo "make clients-test  the clients for systems in Python, Node and PHP, over the vectors of the contract"
	@echo "make fuzz    a minute of random hostile messages, and a million spellings of payment pages"
	@echo "make conformance  hostile messages, floods and changes: this edge beside nginx, HAProxy and Envoy (tests/bench/RELIABILITY.md)"
	@echo "make soak    3 minutes of 1,000 shoppers while workers are killed, keys change and Redis is restarted"
	@echo "make audit   known weaknesses of what is pinned, where the registry tells; make sbom: the bill of materials (bom.json)"
	@echo "make bench   this edge beside nginx, HAProxy, Envoy, Caddy and aiohttp (tests/bench/RESULTS.md)"

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Inseam needs Python 3.11 or newer; name it with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3 has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/.ready
	$(BIN)/inseam demo

test: lint types contracts unit compiled

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

contracts: $(VENV)/.ready
	$(BIN)/lint-imports

unit: $(VENV)/.ready
	$(BIN)/python -m pytest

# `make test` tries the clients of the languages that are here; this brings those that are missing.
CLIENT_PROGRAMS := node:nodejs php:php-cli
clients-test: $(VENV)/.ready
	@missing=; for each in $(CLIENT_PROGRAMS); do \
	  command -v $${each%:*} >/dev/null || missing="$$missing $${each#*:}"; \
	done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -qq --no-install-recommends $$missing; \
	else echo "missing, so their clients are not tried: apt-get install$$missing"; fi
	$(BIN)/python -m pytest tests/clients

# Programs that are not from pip, as program:package; without root it says what is missing and leaves those rows empty.
BENCH_PROGRAMS := nginx:nginx-light haproxy:haproxy wrk:wrk openssl:openssl

# This edge as it is installed from a checkout, compiled and plain, each in a venv of its own: never the source tree.
BENCH := .venv-bench
BENCH_PLAIN := .venv-bench-plain
SOURCES := setup.py pyproject.toml constraints.txt $(shell find router sessions plugins deploy -type f ! -name '*.pyc')
INSTALL := -m pip install --quiet --disable-pip-version-check -c constraints.txt

$(BENCH)/.ready: $(SOURCES)
	@$(PYTHON) -m venv $(BENCH)
	@rm -rf build  # pip builds there, and would pack what was left behind
	INSEAM_COMPILE=1 $(BENCH)/bin/python $(INSTALL) '.[bench]'
	@touch $@

$(BENCH_PLAIN)/.ready: $(SOURCES)
	@$(PYTHON) -m venv $(BENCH_PLAIN)
	@rm -rf build
	INSEAM_COMPILE=0 $(BENCH_PLAIN)/bin/python $(INSTALL) .
	@touch $@

bench: $(BENCH)/.ready $(BENCH_PLAIN)/.ready
	@missing=; for each in $(BENCH_PROGRAMS); do \
	  PATH="$$PATH:/usr/sbin" command -v $${each%:*} >/dev/null || missing="$$missing $${each#*:}"; \
	done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -qq --no-install-recommends $$missing; \
	else echo "missing, so some rows stay empty: apt-get install$$missing"; fi
	$(BENCH)/bin/python -m tests.bench speed --write
	$(BENCH)/bin/python -m tests.bench memory --write
	$(BENCH)/bin/python -m tests.bench matching --write
	$(BENCH)/bin/python -m tests.bench bridge --write

# Three stores in turn. A longer one: make soak SOAK="--stores redis --seconds 1800"; --write for the table in RESULTS.md.
SOAK ?= --seconds 45

soak: $(VENV)/.ready
	$(BIN)/python -m tests.soak $(SOAK)

# Ten minutes: what is hostile, and what changes under load, against all four proxies. A part of it: CONFORMANCE=hostile
CONFORMANCE_PROGRAMS := nginx:nginx-light haproxy:haproxy
CONFORMANCE ?= --write
conformance: $(VENV)/.ready $(BENCH)/.ready
	@missing=; for each in $(CONFORMANCE_PROGRAMS); do \
	  PATH="$$PATH:/usr/sbin" command -v $${each%:*} >/dev/null || missing="$$missing $${each#*:}"; \
	done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -qq --no-install-recommends $$missing; \
	else echo "missing, so their columns stay empty: apt-get install$$missing"; fi
	$(BIN)/python -m tests.conformance $(CONFORMANCE)
	$(BIN)/python -m tests.bench overload --seconds 60 --write

# The same tests over the modules as mypyc compiles them (setup.py says which and when).
COMPILED := build/compiled
COMPILED_TESTS := wire edge plugins router sessions
# Whole processes are tried compiled by router/test_workers.py; what is in no compiled module need not be tried twice.
NOT_COMPILED := router/test_admin_from_elsewhere.py router/test_ending.py router/test_keeping.py router/test_logs_cannot_be_forged.py \
  router/test_under_systemd.py router/test_upgrade.py router/test_deploy_files.py router/rulesfile router/admin \
  sessions/stores sessions/profiles sessions/test_token_fuzz.py sessions/test_keys_rotation.py
compiled: $(VENV)/.ready
	@rm -rf $(COMPILED) && mkdir -p $(COMPILED) && cp -r setup.py README.md router sessions plugins deploy $(COMPILED) && ln -s ../../tests $(COMPILED)/tests
	@if $(BIN)/python -c 'import setup, sys; sys.exit(not setup.can_compile())'; then \
	  cd $(COMPILED) && INSEAM_COMPILE=1 ../../$(BIN)/python setup.py --quiet build_ext --inplace > build.log 2>&1 || { tail -20 build.log; exit 1; }; \
	  INSEAM_EXPECT=compiled ../../$(BIN)/python -m pytest -q -c ../../pyproject.toml $(COMPILED_TESTS:%=../../tests/%) $(NOT_COMPILED:%=--ignore=../../tests/%); \
	else \
	  echo "compiled: no C compiler here, so only plain Python was tested (on Debian: apt-get install gcc python3-dev)"; \
	fi

# The real shop: Wagtail and django-oscar in a venv of their own, the edge in front; data and logs are in .shop.
# VARIANT=client: both sites have the client of deploy/clients; VARIANT=unchanged: as their makers ship them.
VARIANT ?= client
SHOP := .venv-shop
CLIENT := deploy/clients/python

$(SHOP)/.ready: deploy/shop/requirements.txt $(CLIENT)/pyproject.toml
	@$(PYTHON) -m venv $(SHOP) || { echo "python3 has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Wagtail and django-oscar are installed into $(SHOP): a minute, the first time."
	$(SHOP)/bin/pip install --quiet --disable-pip-version-check -r deploy/shop/requirements.txt -e $(CLIENT)
	@touch $@

shop: $(VENV)/.ready $(SHOP)/.ready
	$(BIN)/python -m deploy.shop --variant $(VARIANT)

$(VENV)/.journeys: $(VENV)/.ready tests/journeys/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r tests/journeys/requirements.txt
	@touch $@

# Journeys in Debian's Chromium; without root it says what is missing. Both variants; one of them: JOURNEYS="-k client"
shop-test: $(VENV)/.journeys $(SHOP)/.ready
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -qq --no-install-recommends chromium fonts-liberation; \
	else echo "missing: apt-get install chromium fonts-liberation"; exit 1; fi
	$(BIN)/python -m pytest tests/journeys $(JOURNEYS)

# Random neighbours of the hostile corpus, and a million spellings of payment pages, 40,000 of them over sockets; both
# print their seeds, so that a finding can be had again: make fuzz FUZZ="--seed 7" FUZZ_URLS="--seed 7"
FUZZ ?= --seconds 60
FUZZ_URLS ?= --sample 40000

fuzz: $(VENV)/.ready
	$(BIN)/python -m tests.edge.hostile.fuzz $(FUZZ)
	$(BIN)/python -m tests.conformance urls --only inseam --source $(FUZZ_URLS)

# pip-audit in a venv of its own. What could not be asked is one line and no failure; a known weakness fails.
AUDIT := .venv-audit
audit:
	@[ -x $(AUDIT)/bin/pip-audit ] || { $(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/pip install --quiet --disable-pip-version-check pip-audit >$(AUDIT)/log 2>&1; } \
	  || { echo "audit: not done: pip-audit cannot be installed: $$(tail -n 1 $(AUDIT)/log)"; exit 0; }; \
	$(AUDIT)/bin/python -m deploy.supply audit constraints.txt

# What an installation needs, as CycloneDX; with what developers need: make sbom EXTRAS="dev bench"
EXTRAS ?=
sbom: $(VENV)/.ready
	$(BIN)/python -m deploy.supply bill $(EXTRAS) > bom.json

clean:
	rm -rf $(AUDIT) bom.json $(VENV) $(BENCH) $(BENCH_PLAIN) $(SHOP) .shop build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
