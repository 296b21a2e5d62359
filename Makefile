# hivegate: what to type. Each target sets up what it needs (tools/setup); nothing is done by hand.
#
#   make            build/hivegate and build/hivegatectl
#   make demo       two real Spark Thrift Servers behind hivegate, with real data (KEEP=1, STOP=1)
#   make test       all that CI runs
#   make test-kubernetes  discovery and the chart with a real control plane of Kubernetes (CI runs it, too)
#   make check      the quick inner loop: unit tests, layers, format, lint
#   make bench      speed and memory beside HAProxy
#   make soak       hours of load and faults (SOAK="--minutes 30")
#   make fuzz       hours of fuzzing (FUZZ_SECONDS=600 for each target)
#   make format     puts the C files into the project's format
#   make deb        a Debian package, in build/deb
#   make test-package  that package installed, started and removed, in a sandbox; root or sudo
#   make install    after make; as root: programs, man pages, completion

MAKEFLAGS += --no-print-directory
SHELL      := /bin/bash
.SHELLFLAGS := -o pipefail -c
QUIETLY    := 2>&1 | sed '/no work to do/d'
BUILD    ?= build
JOBS     ?= 2
VARIANTS := build-release build-asan build-tsan
KEEP     ?=
STOP     ?=

.PHONY: all build setup-build $(VARIANTS) demo test test-kubernetes test-package check format bench soak fuzz install deb clean help

all: build

help:
	@sed -n 's/^#   //p' Makefile

$(BUILD)/build.ninja: | setup-build
	@meson setup $(BUILD) >/dev/null || (cat $(BUILD)/meson-logs/meson-log.txt; exit 1)

setup-build:
	@tools/setup build

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) --quiet hivegate hivegatectl $(QUIETLY)

# the variants: see tools/configure
$(VARIANTS): build-%: | setup-build
	@tools/configure $*
	@ninja -C $@ -j $(JOBS) --quiet $(QUIETLY)

ifeq ($(STOP),)
demo:
	@tools/setup build demo
	@$(MAKE) build
	@KEEP=$(KEEP) demo/run
else
demo:
	@STOP=$(STOP) demo/run
endif

check: $(BUILD)/build.ninja
	@tools/setup lint
	@ninja -C $(BUILD) -j $(JOBS) --quiet $(QUIETLY)
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs

test:
	@tools/test

test-kubernetes: $(BUILD)/build.ninja
	@tools/setup kubernetes chart demo
	@ninja -C $(BUILD) -j $(JOBS) --quiet hivegate hivegatectl tests/drivers/discovery-driver $(QUIETLY)
	@.cache/venv/bin/python -m pytest -q --color=no --junitxml=$(BUILD)/test-results/kubernetes.xml \
		-o junit_suite_name=kubernetes tests/chart tests/kubernetes

deb:
	@tools/setup build package
	@JOBS=$(JOBS) tools/deb

test-package: deb
	@tools/setup pytest
	@.cache/venv/bin/python -m pytest -q --color=no --junitxml=$(BUILD)/test-results/package.xml \
		-o junit_suite_name=package tests/package

bench: build-release $(BUILD)/build.ninja
	@tools/setup bench demo jdbc test
	@bench/run.py $(BENCH)
	@bench/logins.py
	@bench/audit_gateway.py
	@bench/spark_fetch.py
	@build-release/bench/bench-choice-cost
	@.cache/venv/bin/python bench/sql_cost.py
	@.cache/venv/bin/python bench/policy_cost.py
	@ninja -C $(BUILD) -j $(JOBS) --quiet hivegatectl tests/drivers/audit-driver $(QUIETLY)
	@bench/audit_cost.py

soak: build-release
	@tools/setup demo test
	@.cache/venv/bin/python bench/soak.py $(SOAK)

fuzz:
	@tools/setup build lint
	@tests/fuzz/run $(or $(FUZZ_SECONDS),3600)

format:
	@clang-format-14 -i $$(git ls-files --cached --others --exclude-standard '*.c' '*.h')

install: build
	@meson install -C $(BUILD) --no-rebuild --quiet

clean:
	@rm -rf build build-*
