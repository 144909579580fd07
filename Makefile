# SPDX-License-Identifier: PostgreSQL
#
# Howdah's build: flat, non-recursive, one wildcard per folder, so that a new .c file needs no line
# here. Everything that is made goes below $(B); the sources' folders stay clean. All paths are
# relative, so that the tree may stand in a folder with spaces in its name.
#
#   make                    programs and libraries in build/bin and build/lib
#   make SAN=1 …            the same with ASan and UBSan, in build/san
#   make CC=clang …         another compiler
#   make WERROR=0 …         warnings stay warnings
#   make V=1 …              every command in full
#   make help               every target

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/bash

VERSION := $(shell sed -n 's/^.define HOWDAH_VERSION "\(.*\)"/\1/p' libframework/base/version.h)
SOVERSION := 0
PREFIX ?= /usr/local
DESTDIR ?=
SAN ?= 0
WERROR ?= 1
B ?= build$(if $(filter 1,$(SAN)),/san)
JOBS := $(shell nproc 2>/dev/null || echo 2)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')
export B SAN

ifeq ($(origin CC),default)
CC := gcc
endif

# ---- what is needed -------------------------------------------------------------------------

PACKAGES := libpq libevent jansson
PACKAGES_AGENT := libcgroup
PACKAGES_TEST := cmocka
# Goals that need no compiler and no library.
BARE_GOALS := deps deps-tests deps-docker help clean format demo check docker-test
ifneq ($(filter-out $(BARE_GOALS),$(or $(MAKECMDGOALS),all)),)
MISSING := $(shell { command -v pkg-config && command -v $(firstword $(CC)) && \
    pkg-config --exists $(PACKAGES) $(PACKAGES_AGENT); } >/dev/null 2>&1 || echo yes)
ifneq ($(MISSING),)
$(error The compiler or a library is missing ($(CC), pkg-config, $(PACKAGES) $(PACKAGES_AGENT)). Run: make deps)
endif
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) $(PACKAGES_AGENT))
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES)) -lm
AGENT_LIBS := $(shell pkg-config --libs $(PACKAGES_AGENT))
TEST_LIBS := $(shell pkg-config --libs $(PACKAGES_TEST) 2>/dev/null || echo -lcmocka)
endif

# ---- flags ----------------------------------------------------------------------------------

, := ,
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
    -Werror=missing-field-initializers $(if $(filter 1,$(WERROR)),-Werror)
SANITIZERS := $(if $(filter 1,$(SAN)),-fsanitize=address$(,)undefined -fno-sanitize-recover=all \
    -fno-omit-frame-pointer)
CFLAGS ?= $(if $(filter 1,$(SAN)),-O1,-O2) -g
BUILD_CFLAGS = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Ilibframework -Ilibframework/include -I. \
    -fPIC -fvisibility=hidden -fstack-protector-strong $(WARNINGS) $(SANITIZERS) $(PKG_CFLAGS) \
    $(CPPFLAGS) $(CFLAGS)
BUILD_LDFLAGS = $(SANITIZERS) -Wl,-z,relro -Wl,-z,now $(LDFLAGS)
# Programs find libframework.so beside their own folder, in the build tree and where installed.
RPATH := -Wl,-rpath,'$$ORIGIN/../lib'

# ---- sources --------------------------------------------------------------------------------

objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
without_main = $(filter-out %/main.o %_main.o,$(1))

BASE_OBJ := $(call objects,$(wildcard libframework/base/*.c) \
    $(filter-out %/fsm_dump.c,$(wildcard libframework/fsm/*.c)))
CLIENT_OBJ := $(call objects,$(wildcard libframework/*.c))
CLI_OBJ := $(call objects,$(wildcard cli/*.c))
COORDINATOR_OBJ := $(call objects,$(wildcard coordinator/*.c))
COMMON_OBJ := $(call objects,$(wildcard agent/common_*.c))
EXECUTOR_OBJ := $(call objects,$(wildcard agent/executor*.c)) $(COMMON_OBJ)
AGENT_OBJ := $(filter-out $(B)/obj/agent/executor%,$(call objects,$(wildcard agent/*.c)))
WORDCOUNT_OBJ := $(call objects,$(wildcard frameworks/wordcount/*.c))
BENCH_OBJ := $(call objects,$(wildcard bench/*.c))
TEST_HELPER_OBJ := $(call objects,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
TEST_OBJ := $(call objects,$(wildcard tests/unit/test_*.c))
TESTS := $(patsubst $(B)/obj/tests/unit/%.o,$(B)/tests/%,$(TEST_OBJ))

C_FILES := $(wildcard $(foreach d,libframework libframework/* coordinator agent cli frameworks/* \
    bench tests/unit tests/system docs/examples,$(d)/*.c $(d)/*.h))

# ---- products -------------------------------------------------------------------------------

INTERNAL := $(B)/lib/libhowdah.a
SHARED := $(B)/lib/libframework.so.$(VERSION)
STATIC := $(B)/lib/libframework.a
PROGRAMS := $(B)/bin/fsm_dump \
    $(if $(CLI_OBJ),$(B)/bin/howdah) \
    $(if $(COORDINATOR_OBJ),$(B)/bin/howdah-coordinator) \
    $(if $(AGENT_OBJ),$(B)/bin/howdah-agent) \
    $(if $(filter-out $(COMMON_OBJ),$(EXECUTOR_OBJ)),$(B)/bin/howdah-executor) \
    $(if $(WORDCOUNT_OBJ),$(B)/bin/wordcount)
LIBRARIES := $(INTERNAL) $(if $(CLIENT_OBJ),$(SHARED) $(STATIC)) \
    $(if $(wildcard libframework/framework.pc.in),$(B)/lib/pkgconfig/framework.pc)

.PHONY: all
all: $(PROGRAMS) $(LIBRARIES) ## programs and libraries (the default)

# Objects are made anew when compiler or flags change.
.PHONY: always
$(B)/flags: always
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(BUILD_CFLAGS) $(BUILD_LDFLAGS))' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(BUILD_CFLAGS) -MMD -MP -c -o $@ $<

define link
@mkdir -p $(@D)
$(call say,LINK,$@)
$(Q)$(CC) $(BUILD_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(1) $(PKG_LIBS) $(2)
endef

$(INTERNAL): $(BASE_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcs $@ $^

# Self-contained: client, base and fsm as one object in which only the fw_ names stay global.
$(STATIC): $(CLIENT_OBJ) $(BASE_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)ld -r -o $(@D)/framework.o $^
	$(if $(SANITIZERS),,$(Q)objcopy --localize-hidden $(@D)/framework.o)
	$(Q)ar rcs $@ $(@D)/framework.o
	@rm $(@D)/framework.o

$(SHARED): $(CLIENT_OBJ) $(BASE_OBJ) $(wildcard libframework/framework.map)
	$(call link,-shared -Wl$(,)-soname$(,)libframework.so.$(SOVERSION) \
	    $(if $(filter %.map,$^),-Wl$(,)--version-script=$(filter %.map,$^)))
	@ln -sf $(@F) $(@D)/libframework.so.$(SOVERSION)
	@ln -sf $(@F) $(@D)/libframework.so

$(B)/lib/pkgconfig/framework.pc: libframework/framework.pc.in libframework/base/version.h Makefile
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' $< >$@

$(B)/bin/fsm_dump: $(B)/obj/libframework/fsm/fsm_dump.o $(INTERNAL)
	$(call link)
$(B)/bin/howdah: $(CLI_OBJ) $(CLIENT_OBJ) $(INTERNAL)
	$(call link)
$(B)/bin/howdah-coordinator: $(COORDINATOR_OBJ) $(INTERNAL)
	$(call link)
$(B)/bin/howdah-agent: $(AGENT_OBJ) $(INTERNAL)
	$(call link,,$(AGENT_LIBS))
$(B)/bin/howdah-executor: $(EXECUTOR_OBJ) $(INTERNAL)
	$(call link,,$(AGENT_LIBS))
$(B)/bin/wordcount: $(WORDCOUNT_OBJ) $(INTERNAL) $(SHARED)
	$(call link,-L$(B)/lib -lframework $(RPATH))
$(B)/bin/claim_bench: $(BENCH_OBJ) $(INTERNAL)
	$(call link)

# ---- unit tests: test_AREA_*.c is linked with that area's objects, main() left out --------------

UNDER_TEST = $(call without_main,$(strip \
    $(if $(filter test_coordinator_%,$(1)),$(COORDINATOR_OBJ), \
    $(if $(filter test_agent_%,$(1)),$(AGENT_OBJ), \
    $(if $(filter test_executor_%,$(1)),$(EXECUTOR_OBJ), \
    $(if $(filter test_framework_%,$(1)),$(CLIENT_OBJ), \
    $(if $(filter test_cli_%,$(1)),$(CLI_OBJ) $(CLIENT_OBJ), \
    $(if $(filter test_wordcount_%,$(1)),$(WORDCOUNT_OBJ) $(CLIENT_OBJ)))))))))

.SECONDEXPANSION:
$(TESTS): $(B)/tests/%: $(B)/obj/tests/unit/%.o $(TEST_HELPER_OBJ) $$(call UNDER_TEST,$$*) \
    $(INTERNAL)
	$(call link,,$(AGENT_LIBS) $(TEST_LIBS))
$(TEST_OBJ): BUILD_CFLAGS += -DTEST_DIR='"tests"'

# ---- checks ---------------------------------------------------------------------------------

# A runner gets B and SAN in its environment and prints its own closing line.
run_if_there = $(if $(wildcard $(1)),$(1) $(2),@echo "$@: no $(1) here")

.PHONY: check check-all check-unit check-sql check-policy check-isolation check-system check-gen \
    check-long docker-test
check: deps-tests ## install what is missing, build, run every test
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TESTS)
	@$(MAKE) --no-print-directory -j1 check-all

check-all: ## every test, nothing installed; goes on after a failure, fails at the end
	@failed=; for part in gen unit sql policy isolation system; do \
	    echo "== check-$$part"; \
	    $(MAKE) --no-print-directory check-$$part || failed="$$failed check-$$part"; \
	done; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi; echo "All checks passed."

check-unit: $(PROGRAMS) $(TESTS) ## cmocka, a program per C module (ONE=test_x runs one)
	@tests/unit/run.sh $(if $(ONE),$(B)/tests/$(ONE),$(TESTS))

check-sql: all ## pgTAP files of tests/sql, each against a private PostgreSQL
	$(call run_if_there,tests/sql/run.sh)

check-policy: all ## sharing: random trees against the reference (CASES, SEED)
	$(call run_if_there,tests/policy/run.sh,$(CASES) $(SEED))

check-isolation: all ## races, one spec each
	$(call run_if_there,tests/isolation/run.sh)

check-system: all ## real daemons in throwaway directories
	$(call run_if_there,tests/system/run.sh)

check-long: all ## what takes longer than a minute: fresh Debian, long runs
	$(call run_if_there,tests/policy/run.sh,10000)
	$(call run_if_there,tests/fresh/run.sh)
	@TEST_SECONDS=600 tests/system/run.sh tests/system/long/t*.sh
	@$(MAKE) --no-print-directory chaos N=100

.PHONY: chaos
chaos: all ## random faults under load, then the proof that nothing was lost (N=100 SEED= TIER=)
	@tests/chaos/run.sh chaos.py --faults $(or $(N),100) $(if $(SEED),--seed $(SEED)) $(if $(TIER),--tier $(TIER))

docker-test: ## build docker/'s images, run its cells for real, kill their containers
	@tests/docker/run.sh

# ---- generated files: printed from libframework/{fsm,base}/*.def, committed, compared ----------

GENERATED := sql/functions/fsm_generated.sql:--sql sql/functions/errcodes_generated.sql:--errcodes-sql \
    docs/state-machines.md:--mermaid docs/errors.md:--errors-md tests/golden/fsm.txt:--text

.PHONY: gen
gen: $(B)/bin/fsm_dump ## print the generated files anew
	@set -e; for pair in $(GENERATED); do \
	    mkdir -p "$$(dirname "$${pair%%:*}")"; $< "$${pair#*:}" >"$${pair%%:*}"; done

check-gen: $(B)/bin/fsm_dump ## fail when a generated file differs from its *.def
	@failed=0; for pair in $(GENERATED); do \
	    $< "$${pair#*:}" | diff -u "$${pair%%:*}" - || failed=1; done; \
	if [ $$failed = 1 ]; then echo "check-gen: run make gen and commit the result"; exit 1; fi; \
	echo "check-gen: $(words $(GENERATED)) generated files agree with their tables"

# ---- lint -----------------------------------------------------------------------------------

.PHONY: format lint
format: ## clang-format all C files in place
	clang-format -i $(C_FILES)

TIDY := clang-tidy --quiet "$$@" -- -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Ilibframework \
    -Ilibframework/include -I. -DTEST_DIR=\"tests\"
lint: ## layout, layers, sizes, banned calls, clang-format, clang-tidy
	@failed=; \
	tests/lint/run.sh || failed="$$failed rules"; \
	clang-format --dry-run -Werror $(C_FILES) 2>&1 | grep -o '^[^ ]*: error.*' && failed="$$failed format"; \
	printf '%s\n' $(filter %.c,$(C_FILES)) | xargs -P $(JOBS) -n 4 sh -c \
	    '$(TIDY) $(PKG_CFLAGS) 2>/dev/null' clang-tidy || failed="$$failed clang-tidy"; \
	if [ -n "$$failed" ]; then echo "lint: FAILED:$$failed"; exit 1; fi; echo "lint: clean"

# ---- demonstration, benches, installation -----------------------------------------------------

.PHONY: demo bench bench-claims bench-failover bench-policy deps deps-tests deps-docker install clean help
demo: deps ## install what is missing, build, run real work on a private cluster
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@packaging/demo.sh

bench: all $(B)/bin/claim_bench ## every bench; tables here, figures in build/bench/*.json
	$(call run_if_there,bench/run.sh)

bench-claims: all $(B)/bin/claim_bench ## claims per second against pgbench
	$(call run_if_there,bench/claims.sh)

bench-failover: all ## a waiting framework while the database fails over (root)
	$(call run_if_there,bench/failover.sh)

bench-policy: all ## a turn of the sharing policy, from small cells to large ones
	$(call run_if_there,bench/policy.sh)

deps: ## install the Debian packages that are missing (says which)
	@packaging/install-deps.sh

deps-tests: ## the same, with those that only tests, lint and benches need
	@packaging/install-deps.sh --tests

deps-docker: ## what `make docker-test` needs
	@packaging/install-deps.sh --docker

BINDIR = $(DESTDIR)$(PREFIX)/bin
LIBDIR = $(DESTDIR)$(PREFIX)/lib
DATADIR = $(DESTDIR)$(PREFIX)/share/howdah
DOCDIR = $(DESTDIR)$(PREFIX)/share/doc/howdah
install: all ## install below $(DESTDIR)$(PREFIX)
	install -d "$(BINDIR)" "$(LIBDIR)/pkgconfig" "$(DESTDIR)$(PREFIX)/include" \
	    "$(DESTDIR)$(PREFIX)/libexec/howdah" "$(DATADIR)"
	install -m 755 $(filter-out %/fsm_dump,$(PROGRAMS)) "$(BINDIR)"
	install -m 644 $(STATIC) $(SHARED) "$(LIBDIR)"
	ln -sf $(notdir $(SHARED)) "$(LIBDIR)/libframework.so.$(SOVERSION)"
	ln -sf libframework.so.$(SOVERSION) "$(LIBDIR)/libframework.so"
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' libframework/framework.pc.in \
	    >"$(LIBDIR)/pkgconfig/framework.pc"
	install -m 644 libframework/include/framework.h "$(DESTDIR)$(PREFIX)/include"
	install -m 755 $(wildcard cli/*.sh) "$(DESTDIR)$(PREFIX)/libexec/howdah"
	cp -R sql ui-static "$(DATADIR)"
	install -d "$(DOCDIR)/docs/man" "$(DOCDIR)/docs/examples"
	install -m 644 $(wildcard *.md) LICENSE "$(DOCDIR)"
	install -m 644 $(wildcard docs/*.md) "$(DOCDIR)/docs"
	install -m 644 $(wildcard docs/man/*.md) "$(DOCDIR)/docs/man"
	install -m 644 $(wildcard docs/examples/*) "$(DOCDIR)/docs/examples"

clean: ## remove everything that was made
	rm -rf build

help: ## this list
	@echo "make [TARGET]... [SAN=1] [CC=clang] [WERROR=0] [PREFIX=/usr/local] [DESTDIR=]"
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/  \1@\2/p' Makefile | column -t -s@

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
