# SPDX-License-Identifier: MIT
# The commands that a person types. Each installs what it needs and is missing (tools/deps.sh says what),
# then hands over to meson and ninja. A warm tree starts at once.
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
MESON   := meson
export NINJA_STATUS := [%f/%t]

.PHONY: all run check check-long clients bench fmt lint install clean deps-build deps-check deps-bench deps-lint deps-long deps-run configure

all: deps-build $(BUILD)/build.ninja
	@ninja -C $(BUILD) $(if $(VERBOSE),,--quiet)

run: deps-run all
	@$(BUILD)/ecocode run -- /usr/bin/python3 examples/train.py

check: deps-check deps-lint
	@tools/check.sh

check-long: deps-check deps-long deps-lint
	@tools/check.sh long

clients:
	@tools/clients.sh build-clients

bench: deps-bench all
	@/usr/bin/python3 bench/bench.py --bin $(BUILD)/ecocode $(BENCH_ARGS)

lint: deps-lint $(BUILD)/build.ninja
	@tools/lint.sh $(BUILD)

fmt: deps-lint
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

install: all
	@DESTDIR=$(DESTDIR) $(MESON) configure $(BUILD) -Dprefix=$(abspath $(PREFIX)) && DESTDIR=$(DESTDIR) ninja -C $(BUILD) install

clean:
	@rm -rf $(BUILD) build-*

$(BUILD)/build.ninja:
	@$(MESON) setup $(BUILD) $(MESON_ARGS) > /dev/null || { cat $(BUILD)/meson-logs/meson-log.txt; exit 1; }

deps-build deps-run deps-check deps-bench deps-lint deps-long: deps-%:
	@tools/deps.sh $*
