# Two commands are enough: `make up` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# More flags for the compiler, such as SWIFT_FLAGS="-Xswiftc -warnings-as-errors" in CI.
SWIFT_FLAGS ?=
FORMATTED := $(wildcard Sources Tests examples benchmarks) Package.swift

.PHONY: help up test test-long build bench lint format deps clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: deps build ## Start everything on this machine, with ten simulated filling machines
	@exec .build/release/egiz up --demo

test: deps ## Build and run all tests (EGIZ_KAFKA_BROKERS and EGIZ_DATABASE_URL name real servers for them)
	@echo "test: building"
	@swift build --build-tests $(SWIFT_FLAGS)
	@echo "test: running"
	@exec swift test --skip-build --no-parallel $(SWIFT_FLAGS)

test-long: deps ## Kill a worker ten times in the middle of its work and compare with a fold of the log
	@swift build --build-tests $(SWIFT_FLAGS)
	@EGIZ_LONG=1 exec swift test --skip-build --filter KillTests $(SWIFT_FLAGS)

build: deps ## Build in release mode
	@echo "build: release (the first time takes some minutes)"
	@swift build -c release $(SWIFT_FLAGS)

bench: deps build ## Measure events a second from the log to committed twins and history
	@benchmarks/run.sh $(or $(EVENTS),1000000) $(or $(ROUNDS),3)

lint: ## Check the format of all Swift files
	@swift format lint --strict --recursive --parallel $(FORMATTED)

format: ## Format all Swift files
	@swift format --in-place --recursive --parallel $(FORMATTED)

deps: ## Install what is missing (as root or through sudo)
	@scripts/install-deps.sh

clean: ## Remove what was built; the data under .egiz/ stays
	@swift package clean
