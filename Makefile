# Potstill on one page. `make` alone lists the targets.
SWIFT ?= swift
PYTHON ?= python3
CONFIGURATION ?= release
# Where `make install` puts the program, its completions and its manual; DESTDIR stands before it for packagers.
PREFIX ?= /usr/local
# 1: the program brings Swift's runtime with it, where the toolchain has one to link. Nothing else is compiled for that.
STATIC ?= $(shell runtime=$$($(SWIFT)c -print-target-info -static-stdlib 2>/dev/null | \
  sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p'); test -e "$$runtime/linux/libFoundation.a" && echo 1)
# What `potstill --version` says behind the number; + stands for changes that are not committed.
COMMIT ?= $(shell test -e .git && git describe --always --abbrev=7 --exclude='*' --dirty=+ 2>/dev/null)
# A folder with utf8proc's archive alone, so that the linker takes that into the program.
ARCHIVES = $(CURDIR)/.build/archives
BUILD = POTSTILL_STATIC=$(STATIC) POTSTILL_ARCHIVES=$(ARCHIVES) POTSTILL_COMMIT=$(COMMIT) $(SWIFT) build --configuration $(CONFIGURATION)
# Asked only when a target needs it: it starts SwiftPM.
BINARY = $$($(BUILD) --show-bin-path)/potstill
SOURCES = Sources Tests Examples Fuzz Package.swift $(wildcard Benchmarks/Sources Benchmarks/Benchmarks Benchmarks/Package.swift)

.DEFAULT_GOAL := help
.PHONY: help packages program demo build docs release install uninstall test lint format parity faults soak sanitize fuzz bench bench-peers bench-network clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

packages: ## Install missing system packages (root or sudo).
	@.ci/system-packages

demo: program ## Teacher to student in about two minutes: no data, no downloads.
	@$(BINARY) demo $(ARGS)

program: packages ## Build the potstill command alone.
	@mkdir -p $(ARCHIVES) && archive=$$(cc -print-file-name=libutf8proc.a 2>/dev/null) && \
	  if [ -e "$$archive" ]; then ln -sf "$$archive" $(ARCHIVES)/; fi || true
	@$(BUILD) --product potstill

build: program ## Build the potstill command and the server for potstill serve.
	@$(BUILD) --product potstill-serve

install: build ## Install program, manual and shell completions under PREFIX (/usr/local).
	@.ci/install "$(DESTDIR)$(PREFIX)" $(BINARY)

uninstall: ## Remove what make install has put under PREFIX.
	@.ci/install "$(DESTDIR)$(PREFIX)"

docs: program ## Make the pages of the public API in .build/docs.
	@.ci/docs "$$(dirname "$(BINARY)")/Modules" .build/docs

release: build ## Make archive and Debian package of this version in dist/.
	@Packaging/release $(BINARY) dist

test: packages ## Build and run the whole test suite, optimised.
	@$(SWIFT) test --configuration $(CONFIGURATION) --disable-xctest --disable-testable-imports $(ARGS)

lint: ## Check layout and style of every source file.
	@$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

format: ## Lay out every source file.
	@$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

parity: program ## Compare with the Python implementations (own Python environment).
	@PYTHON=$(PYTHON) Tests/Reference/parity.sh $(BINARY) $(ARGS)

faults: program ## Harm every kind of run (kills, failing writes, full disks, …); nothing may be lost.
	@$(PYTHON) Tests/Faults/faults.py $(BINARY) $(ARGS)

soak: program ## Train for 50,000 steps: memory, open files and logs must not grow.
	@$(PYTHON) Tests/Faults/soak.py $(BINARY) $(ARGS)

sanitize: packages ## Run the tests with the address, undefined-behaviour and thread sanitizers.
	@SWIFT=$(SWIFT) Tests/Faults/sanitize $(ARGS)

fuzz: packages ## Fuzz every reader of foreign bytes: ARGS="SECONDS TARGET ...", 60 s each.
	@SWIFT=$(SWIFT) Fuzz/run $(ARGS)

bench: packages ## Measure GEMM, tokenizer, training step and inference.
	@$(SWIFT) run --configuration release --package-path Benchmarks potstill-bench $(ARGS)

bench-peers: program ## Compare speed and memory with the Python engines (own Python environment).
	@$(PYTHON) Benchmarks/peers/compare.py $(BINARY) $(ARGS)

bench-network: program ## Compare forecasts with two ranks over a slow link: ARGS="RECIPE" (root).
	@$(PYTHON) Benchmarks/network.py $(BINARY) $(ARGS)

clean: ## Remove what was built.
	@rm -rf .build dist Benchmarks/.build .venv-parity .venv-bench
