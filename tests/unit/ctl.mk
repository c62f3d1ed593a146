# voicegwctl is a program of its own, not a room of the daemon: its pure parts are tested apart.
CTL_PURE := args csv table print
ctl_unit_objs := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tests/unit/ctl_*.c)) $(CTL_PURE:%=core/ctl/%.c))
.PHONY: unit-ctl
unit-ctl: $(BUILD)/tests/unit-ctl
	$(BUILD)/tests/unit-ctl
$(BUILD)/tests/unit-ctl: $(ctl_unit_objs) $(BUILD)/lib/base.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $$(pkg-config --libs json-c) -lpthread -lm -lcriterion
TEST_PROGRAMS += $(BUILD)/tests/unit-ctl
unit: $(BUILD)/tests/unit-ctl
