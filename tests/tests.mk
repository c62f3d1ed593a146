# Tests. `make unit-ROOM` builds and runs one room's table tests; `make test` runs everything and counts it.
UNIT_ROOMS := $(sort $(foreach r,$(ROOMS),$(if $(wildcard tests/unit/$(r)_*.c),$(r))))
unit_objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tests/unit/$(1)_*.c)))

define unit_rule
.PHONY: unit-$(1)
$(BUILD)/tests/unit-$(1): $(call unit_objs,$(1)) $(call libs_of,$(1))
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $(call unit_objs,$(1)) -Wl,--start-group $(call libs_of,$(1)) -Wl,--end-group $$(CORE_LIBS) -lcriterion
unit-$(1): $(BUILD)/tests/unit-$(1)
	$(BUILD)/tests/unit-$(1)
endef
$(foreach r,$(UNIT_ROOMS),$(eval $(call unit_rule,$(r))))
# Greetings are spoken for the detector of answering machines.
$(BUILD)/tests/unit-media: ALL_LDFLAGS += -Wl,--no-as-needed -lflite_cmu_us_kal16 -lflite_usenglish -lflite_cmulex -lflite -lm -Wl,--as-needed
.PHONY: unit
unit: $(patsubst %,$(BUILD)/tests/unit-%,$(UNIT_ROOMS))

include $(wildcard tests/*/*.mk)

# The newest room that a file includes: it is linked with that room and those before it.
room_of = $(lastword $(filter $(shell sed -n 's|^\#include "\([a-z]*\)/.*|\1|p' $(1)),$(ROOMS)))

# The front door's server; tests/net/run.py talks to it.
$(BUILD)/tests/net-server: $(BUILD)/obj/tests/net/server.o $(call libs_of,net)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(call libs_of,net) -Wl,--end-group $(CORE_LIBS)

# Fuzzers. Each is also built with a driver that replays its corpus, which is what `make test` runs.
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
# A fuzzer of a plugin's pure parts names them by path; they are linked from an archive of that plugin's objects.
plugins_of = $(sort $(shell sed -n 's|^\#include "\.\./\.\./plugins/\([a-z0-9_-]*\)/.*|\1|p' $(1)))
fuzz_libs = $(call libs_of,$(call room_of,$(1))) $(patsubst %,$(BUILD)/tests/plugin-%.a,$(call plugins_of,$(1)))
$(BUILD)/tests/plugin-%.a:
	@mkdir -p $(@D)
	@rm -f $@
	ar rcsD $@ $^
$(foreach p,$(PLUGINS),$(eval $(BUILD)/tests/plugin-$(p).a: $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard plugins/$(p)/*.c))) \
  $(patsubst plugins/common/src/%.c,$(BUILD)/obj/plugins/common/%.o,$(sort $(wildcard plugins/common/src/*.c)))))
$(BUILD)/tests/plugin-common.a: $(patsubst plugins/common/src/%.c,$(BUILD)/obj/plugins/common/%.o,$(sort $(wildcard plugins/common/src/*.c)))
define replay_rule
$(BUILD)/tests/replay-$(1): $(BUILD)/obj/tests/fuzz/fuzz_$(1).o $(BUILD)/obj/tests/fuzz/replay_main.o $(2)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(CORE_LIBS)
$(BUILD)/fuzz/$(1): $(BUILD)/obj/tests/fuzz/fuzz_$(1).o $(2)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(CORE_LIBS)
endef
$(foreach f,$(FUZZERS),$(eval $(call replay_rule,$(f),$(call fuzz_libs,tests/fuzz/fuzz_$(f).c))))

# The same for a plugin's tests.
$(foreach t,$(PLUGIN_TESTS),$(if $(call plugins_of,tests/plugins/test_$(t).c),$(eval $(BUILD)/tests/plugin-$(t): \
  $(patsubst %,$(BUILD)/tests/plugin-%.a,$(call plugins_of,tests/plugins/test_$(t).c)))))

FUZZ_SECONDS ?= 60
.PHONY: fuzz fuzz-all test test-long test-plain test-programs thread-programs bench bench-programs lint coverage
## fuzz: every fuzzer for FUZZ_SECONDS (60), then 10,000 seeds of the whole gateway; a crash is kept in build-fuzz/crashes
fuzz:
	@packaging/setup.sh build test
	@$(MAKE) $(JOBS) --no-print-directory CC=clang SANITIZE=fuzzer-no-link,address,undefined BUILD=build-fuzz fuzz-all
	@$(MAKE) $(JOBS) --no-print-directory virtual-fuzz
fuzz-all: $(patsubst %,$(BUILD)/fuzz/%,$(FUZZERS))
	@$(PYTHON) tests/fuzz/run.py --build $(BUILD) --seconds $(FUZZ_SECONDS) $(FUZZERS)

# Programs that `make test` needs; other parts of the tests add theirs.
TEST_PROGRAMS += $(patsubst %,$(BUILD)/tests/unit-%,$(UNIT_ROOMS)) $(patsubst %,$(BUILD)/tests/plugin-%,$(PLUGIN_TESTS)) \
	$(patsubst %,$(BUILD)/tests/replay-%,$(FUZZERS)) $(BUILD)/tests/net-server
SUITES ?=

## test: set up, build, and run every test, also under sanitizers; the last line counts them. SUITES="unit-base e2e" runs those alone
test:
	@packaging/setup.sh build run test
	@$(MAKE) $(JOBS) --no-print-directory all man test-programs
	@$(MAKE) $(JOBS) --no-print-directory SANITIZE=thread BUILD=build-thread OPT=-O1 thread-programs
	@$(MAKE) $(JOBS) --no-print-directory SANITIZE=address,undefined BUILD=build-address-undefined OPT=-O1 all test-programs
	@$(PYTHON) tests/run.py --build $(BUILD) --threads build-thread --sanitized build-address-undefined $(SUITES)
## test-long: every end-to-end suite under the sanitizers, those too that `make test` runs plain only
test-long:
	@$(MAKE) --no-print-directory test SUITES=asan-e2e
## test-plain: the same without the sanitizers' builds
test-plain:
	@packaging/setup.sh build run test
	@$(MAKE) $(JOBS) --no-print-directory all man test-programs
	@$(PYTHON) tests/run.py --build $(BUILD) $(SUITES)
test-programs: $(TEST_PROGRAMS)
thread-programs: $(patsubst %,$(BUILD)/tests/thread-%,$(THREAD_TESTS))

## bench: benchmarks, one JSON line each, kept in build/bench.json
BENCHES := $(patsubst tests/bench/%.c,%,$(sort $(wildcard tests/bench/bench_*.c)))
define bench_rule
$(BUILD)/bench/$(1): $(BUILD)/obj/tests/bench/$(1).o $(call libs_of,$(2))
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$< -Wl,--start-group $(call libs_of,$(2)) -Wl,--end-group $$(CORE_LIBS)
endef
$(foreach b,$(BENCHES),$(eval $(call bench_rule,$(b),$(call room_of,tests/bench/$(b).c))))
BENCH_PROGRAMS += $(patsubst %,$(BUILD)/bench/%,$(BENCHES))
bench:
	@packaging/setup.sh build run
	@$(MAKE) $(JOBS) --no-print-directory all bench-programs
	@$(PYTHON) tests/bench/run.py --build $(BUILD)
bench-programs: $(BENCH_PROGRAMS)

## lint: format, static analysis, include directions, man pages, and that every example parses
lint:
	@packaging/setup.sh build run test
	@$(MAKE) $(JOBS) --no-print-directory all man sdk-test-examples
	@$(PYTHON) tests/lint/run.py --build $(BUILD)

## coverage: which lines the unit and plugin tests reach, by room
coverage:
	@packaging/setup.sh build run test
	@$(MAKE) $(JOBS) --no-print-directory BUILD=build-coverage OPT=-O0 CFLAGS="-g --coverage" LDFLAGS=--coverage plugins test-programs
	@$(PYTHON) tests/coverage.py --build build-coverage
