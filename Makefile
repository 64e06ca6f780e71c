# Two commands are enough: `make up` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# More flags for the compiler, such as SWIFT_FLAGS="-Xswiftc -warnings-as-errors" in CI.
SWIFT_FLAGS ?=
FORMATTED := $(wildcard Sources Tests examples benchmarks) Package.swift

# What `make chaos` runs: the release build, or one with a fault built in, which is a build of its own and never mixed up.
CHAOS_SABOTAGE ?=

.PHONY: help up test test-build test-long test-ml chaos chaos-sabotage build bench bench-matrix bench-latency bench-memory bench-startup bench-compaction bench-queries bench-live bench-registry test-api \
	instructions instructions-accept lint format deps clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: deps build ## Start everything on this machine, with simulated filling machines and a model that watches one
	@exec .build/release/egiz up --demo --models

test: deps test-build ## Build and run all tests (EGIZ_KAFKA_BROKERS and EGIZ_DATABASE_URL name real servers for them)
	@echo "test: running"
	@exec scripts/run-tests.sh $(SWIFT_FLAGS)

test-build: deps
	@echo "test: building"
	@swift build --build-tests $(SWIFT_FLAGS)

test-long: deps ## Kill a worker ten times, and let every server be away for a minute
	@swift build --build-tests $(SWIFT_FLAGS)
	@EGIZ_LONG=1 exec swift test --skip-build --no-parallel --filter "KillTests|IntegrationTests.WaitingTests" $(SWIFT_FLAGS)

test-ml: deps ## Test the model service of the filling machine (Python; makes its environment)
	@exec examples/zonesun-filling-machine/ml-service/tests/run.sh

ifeq ($(CHAOS_SABOTAGE),)
chaos: deps build ## Hurt everything for CHAOS_MINUTES (10) and compare with a fold of the log; see docs/chaos.md
	@exec "$$(chaos/venv.sh)" chaos/run.py
else
chaos: deps
	@$(SABOTAGE_BUILD)
	@CHAOS_SABOTAGE=$(CHAOS_SABOTAGE) $(SABOTAGE_RUN) exec "$$(chaos/venv.sh)" chaos/run.py
endif

SABOTAGE_BUILD = echo "chaos: building with sabotage (the first time takes some minutes)"; \
	for product in egiz zonesun-simulator; do \
	  swift build --scratch-path .build-sabotage --product $$product -Xswiftc -DEGIZ_SABOTAGE $(SWIFT_FLAGS); done
SABOTAGE_RUN = CHAOS_BIN=.build-sabotage/debug CHAOS_MINUTES=$${CHAOS_MINUTES:-1.5} CHAOS_RATE=$${CHAOS_RATE:-2000} \
	CHAOS_MACHINES=$${CHAOS_MACHINES:-60} CHAOS_PARTITIONS=$${CHAOS_PARTITIONS:-16}

chaos-sabotage: deps ## Build each fault into the engine: the harness must find every one of them, and nothing without one
	@$(SABOTAGE_BUILD)
	@$(SABOTAGE_RUN) exec "$$(chaos/venv.sh)" chaos/sabotage.py

build: deps ## Build in release mode
	@echo "build: release (the first time takes some minutes)"
	@swift build -c release $(SWIFT_FLAGS)

# What is measured: SCENARIO (names in benchmarks/harness/scenario.py), EVENTS, ROUNDS, BROKER (tansu, embedded, or servers);
# PYTHON=1 adds a Python consumer, PROFILE=name a run under perf, RECORD=1 writes the figures into benchmarks/RESULTS.md.
BENCH_OPTIONS = $(if $(EVENTS),--events $(EVENTS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(BROKER),--broker $(BROKER)) $(if $(PYTHON),--python) $(if $(PROFILE),--profile $(PROFILE))

bench: deps build ## Measure events a second from the log to committed twins and history, beside a C++ yardstick
	@exec "$$(benchmarks/venv.sh)" benchmarks/bench.py $(SCENARIO) $(BENCH_OPTIONS) $(if $(RECORD),--record goal-1)

bench-matrix: deps build ## The same for many machines, partitions, formats, paths and codecs
	@exec "$$(benchmarks/venv.sh)" benchmarks/bench.py --matrix $(BENCH_OPTIONS) $(if $(RECORD),--record matrix)

bench-latency: deps build ## Measure how long after an event its effects can be seen (SECONDS)
	@exec "$$(benchmarks/venv.sh)" benchmarks/latency.py $(if $(SECONDS),--seconds $(SECONDS)) $(if $(BROKER),--broker $(BROKER)) $(if $(RECORD),--record)

bench-memory: deps build ## Measure the worker's memory with a million twins and at a steady rate (MINUTES, RATE)
	@exec "$$(benchmarks/venv.sh)" benchmarks/memory.py $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE)) $(if $(BROKER),--broker $(BROKER)) $(if $(RECORD),--record)

bench-startup: deps build ## Measure the start of a worker and the size of the program
	@exec "$$(benchmarks/venv.sh)" benchmarks/startup.py $(if $(PARTITIONS),--partitions $(PARTITIONS)) $(if $(BROKER),--broker $(BROKER)) $(if $(RECORD),--record)

bench-compaction: deps build ## Measure how many samples a second the compactor works off (SAMPLES, ROUNDS)
	@exec "$$(benchmarks/venv.sh)" benchmarks/compaction.py $(if $(SAMPLES),--samples $(SAMPLES)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(RECORD),--record)

# Where `make instructions` builds: CI gives it a place of its own, so that it need not wait for another build.
INSTRUCTIONS_BUILD ?= .build

instructions: ## Count the instructions of each hot path and compare them with the baseline (x86_64)
	@scripts/install-deps.sh valgrind
	@swift build --scratch-path $(INSTRUCTIONS_BUILD) -c release --product egiz-instructions $(SWIFT_FLAGS)
	@exec python3 benchmarks/instructions/gate.py $(INSTRUCTIONS_BUILD)/release/egiz-instructions

instructions-accept: ## Take the present counts as the baseline
	@scripts/install-deps.sh valgrind
	@swift build --scratch-path $(INSTRUCTIONS_BUILD) -c release --product egiz-instructions $(SWIFT_FLAGS)
	@exec python3 benchmarks/instructions/gate.py $(INSTRUCTIONS_BUILD)/release/egiz-instructions --accept

bench-queries: build ## Measure how long queries of a large database take, caches cold and warm
	@benchmarks/queries/run.sh $(or $(HOT),60) $(or $(SLOW),1000)

bench-live: build ## Measure 2,000 sockets of live push at 50,000 changes/s, and 10,000 idle connections
	@benchmarks/live/run.sh

bench-registry: build ## Measure how soon changes of the registry are told and in force at 5,000 events/s
	@benchmarks/registry/run.sh

test-api: ## Attack a running API with schemathesis for SECONDS (60); needs a build
	@scripts/schemathesis.sh $(or $(SECONDS),60)

lint: ## Check the format of all Swift files
	@swift format lint --strict --recursive --parallel $(FORMATTED)

format: ## Format all Swift files
	@swift format --in-place --recursive --parallel $(FORMATTED)

deps: ## Install what is missing (as root or through sudo)
	@scripts/install-deps.sh

clean: ## Remove what was built; the data under .egiz/ stays
	@swift package clean
