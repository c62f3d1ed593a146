# Plain programs for the thread sanitizer: each prints "N passed, N failed" last. `make thread-tests` builds and runs them all.
# tests/threads/ROOM_NAME.c links the rooms up to ROOM.
THREAD_TESTS := $(sort $(patsubst tests/threads/%.c,%,$(wildcard tests/threads/*.c)))
define thread_rule
$(BUILD)/tests/thread-$(1): $(BUILD)/obj/tests/threads/$(1).o $(call libs_of,$(firstword $(subst _, ,$(1))))
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$< -Wl,--start-group $(call libs_of,$(firstword $(subst _, ,$(1)))) -Wl,--end-group $$(CORE_LIBS)
endef
$(foreach t,$(THREAD_TESTS),$(eval $(call thread_rule,$(t))))
.PHONY: thread-tests
thread-tests: $(patsubst %,$(BUILD)/tests/thread-%,$(THREAD_TESTS))
	@for t in $^; do echo "$$t"; "$$t" || exit 1; done
