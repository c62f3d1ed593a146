# What `make bench` runs against the whole gateway: generator and floor (raw epoll, framing of their own), engines that answer
# at once. The in-process benches bench_*.c are built by tests.mk.
BENCH_PROGRAMS += $(BUILD)/bench/load $(BUILD)/bench/floor $(BUILD)/bench/rtp $(BUILD)/bench/plugins/instant.so $(BUILD)/bench/plugins/relay.so

$(BUILD)/bench/load: $(BUILD)/obj/tests/bench/load.o $(BUILD)/obj/tests/bench/wire.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $$(pkg-config --libs libssl libcrypto)

$(BUILD)/bench/rtp: $(BUILD)/obj/tests/bench/rtp.o $(BUILD)/obj/tests/bench/wire.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $$(pkg-config --libs libcrypto)

$(BUILD)/bench/floor: $(BUILD)/obj/tests/bench/floor.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $$(pkg-config --libs libcrypto)

$(BUILD)/bench/plugins/%.so: tests/bench/plugins/%.c
	@mkdir -p $(@D) $(BUILD)/obj/tests/bench
	$(CC) -shared $(call plugin_flags,$*) -MF $(BUILD)/obj/tests/bench/plugin-$*.d -o $@ $<
