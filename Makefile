# A fresh machine needs python3 and make; everything else is installed into .venv (and by tests/debian.sh where Debian packages are needed).
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
comma := ,

.PHONY: demo test lint check-types unit airflow clean

demo: .venv/run.stamp
	$(BIN)/cdp demo

# Types are checked beside the tests, which wait a quarter of their time.
test: .venv/dev.stamp lint
	$(MAKE) --no-print-directory -j2 check-types unit

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

check-types: .venv/dev.stamp
	$(BIN)/mypy

# A file's tests run in one worker, which sets up once what they share. (xdist_group does nothing with pytest 9.2: pytest-xdist issue 1386.)
# The tests start some hundred Python processes, so bytecode is kept, wherever this is run.
unit: export PYTHONDONTWRITEBYTECODE =
unit: .venv/dev.stamp
	sh tests/debian.sh
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# uv installs in a fifth of pip's time; where it cannot reach the packages the way pip is set up to, pip does it.
define install
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '$(1)' || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '$(1)'
endef

.venv/run.stamp: setup.cfg
	$(call install,.)
	touch $@

.venv/dev.stamp: setup.cfg
	$(call install,.[airflow$(comma)spark$(comma)dev])
	touch $@ .venv/run.stamp

clean:
	rm -rf .venv .cdp build dist *.egg-info

# Benchmarks time nothing in the tests; they print. N is the number of records.
.PHONY: bench bench-identity bench-identity-10m
N ?= 1100000

bench: .venv/run.stamp
	$(BIN)/python -m tests.bench.sync

bench-identity: .venv/run.stamp
	$(BIN)/python -m tests.bench.identity --records $(N)

bench-identity-10m: .venv/run.stamp
	$(BIN)/python -m tests.bench.identity --records 10000000 --only engine

.PHONY: bench-segments
bench-segments: .venv/run.stamp
	$(BIN)/python -m tests.bench.segments

.PHONY: bench-collect
bench-collect: .venv/dev.stamp
	$(BIN)/python -m tests.bench.collect

# A real Airflow with the DAGs on the demo company, at http://127.0.0.1:8080; its own database lies in the embedded PostgreSQL.
AIRFLOW_PORT ?= 8080

airflow: .venv/dev.stamp
	$(BIN)/cdp demo --no-serve
	$(BIN)/cdp dags serve --port $(AIRFLOW_PORT)

.PHONY: bench-activation
bench-activation: .venv/run.stamp
	$(BIN)/python -m tests.bench.activation
