# The whole gateway in virtual time. `make virtual-test`: 1,000 seeds; `make virtual-fuzz`: 10,000. One seed again:
# build/tests/virtual-explore --plugins build/plugins --chaos build/tests/virtual-plugins --seed N
VIRTUAL_PLUGINS := $(patsubst tests/virtual/plugins/%.c,%,$(sort $(wildcard tests/virtual/plugins/*.c)))
VIRTUAL_SO := $(patsubst %,$(BUILD)/tests/virtual-plugins/%.so,$(VIRTUAL_PLUGINS))
VIRTUAL_USES := $(patsubst %,$(BUILD)/plugins/%.so,mock echo menu loopback sqlite)
VIRTUAL_OBJS := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tests/virtual/*.c)))

$(BUILD)/tests/virtual-plugins/%.so: tests/virtual/plugins/%.c tests/virtual/plugins/chance.h
	@mkdir -p $(@D)
	$(CC) $(call plugin_flags,virtual) -shared -Wl,-z,relro,-z,now -o $@.tmp $<
	@mv -f $@.tmp $@
$(BUILD)/tests/virtual-explore: $(VIRTUAL_OBJS) $(call libs_of,gateway)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -rdynamic -o $@ $(VIRTUAL_OBJS) -Wl,--start-group $(call libs_of,gateway) -Wl,--end-group $(CORE_LIBS)

VIRTUAL_RUN = $(BUILD)/tests/virtual-explore --plugins $(BUILD)/plugins --chaos $(BUILD)/tests/virtual-plugins
.PHONY: virtual-programs virtual-test virtual-fuzz
virtual-programs: $(BUILD)/tests/virtual-explore $(VIRTUAL_SO) $(VIRTUAL_USES)
## virtual-test: 1,000 seeds of the whole gateway in virtual time
virtual-test: virtual-programs
	$(VIRTUAL_RUN) --seeds 1000
## virtual-fuzz: 10,000 seeds
virtual-fuzz: virtual-programs
	$(VIRTUAL_RUN) --seeds 10000 --first 1000
TEST_PROGRAMS += virtual-programs
