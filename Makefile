# SPDX-License-Identifier: MIT
# The entry point of the project: `make run` and `make test` each do everything. The build itself is Meson's (meson.build).
#
#   make run              sets up what is missing, builds, starts the demo; Ctrl-C ends it
#   make test [T=name]    sets up what is missing, builds, runs every test (or those whose path contains name)
#   make                  release build: $(BUILD)/weir, libweir.a, libweir.so
#   make test-peers       tests that need foreign programs (nginx, HAProxy, Django, PostgreSQL, clients in Python and others), or minutes [T=name]
#   make soak [T=name]    the simulations with fresh seeds for SOAK_SECONDS; prints a failing seed
#   make bench            figures against the peers that are installed
#   make asan, make tsan  the unit tests under a sanitizer [T=name]
#   make coverage         lines that the unit tests cover, by folder of app/ and src/ [T=name: files whose path contains name, too]
#   make fuzz             every parser for FUZZ_SECONDS, each starting from its corpus
#   make tidy             formatting, layers, symbols, lengths, contracts, headers and more (tools/tidy)
#   make format           formats every file as tidy requires, and updates quoted code
#   make install          to DESTDIR/PREFIX
#   make clean            removes the build folders

BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20
SOAK_SECONDS ?= 20
T ?=

export BUILD FUZZ_SECONDS SOAK_SECONDS
.DEFAULT_GOAL := release
.PHONY: release run test test-peers asan tsan fuzz soak coverage tidy format bench install setup clean

release:
	@tools/setup --check build
	@tools/build plain release

setup:
	@tools/setup build test

run:
	@tools/setup build
	@tools/build plain release
	@exec $(BUILD)/weir demo

test:
	@tools/setup build test
	@tools/test $(if $(T),--only '$(T)')

test-peers:
	@tools/setup build test peers
	@tools/test --phase peers $(if $(T),--only '$(T)')

asan tsan soak fuzz:
	@tools/setup build test
	@tools/test --phase $@ $(if $(filter-out fuzz,$@),$(if $(T),--only '$(T)'))

coverage:
	@tools/setup build test
	@tools/coverage $(if $(T),--lines '$(T)')

tidy: release
	@tools/setup --check build test
	@tools/tidy

format:
	@tools/setup --check test
	@tools/check/format --fix
	@tools/check/quotes --fix

bench:
	@tools/setup build bench
	@tools/build plain all
	@if [ -x bench/run ]; then exec bench/run; else echo "make bench: bench/run is missing" >&2; exit 1; fi

install: release
	@tools/build --prefix '$(PREFIX)' plain release
	@DESTDIR='$(DESTDIR)' meson install -C $(BUILD) --no-rebuild --quiet
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

clean:
	rm -rf $(BUILD) build-asan build-tsan build-clang build-fuzz build-coverage build-counted
