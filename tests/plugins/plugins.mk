# Tests of the bundled plugins: each a program that loads the built .so on a fake host. `make plugin-test-NAME`, `make plugin-test`.
PLUGIN_TESTS := $(patsubst tests/plugins/test_%.c,%,$(sort $(wildcard tests/plugins/test_*.c)))
PLUGIN_TESTED := $(patsubst %,$(BUILD)/plugins/%.so,echo espeak flite loopback mediastream menu pocketsphinx)
PLUGIN_TEST_COMMON := $(patsubst %,$(BUILD)/obj/tests/plugins/%.o,fakehost speech)
$(BUILD)/obj/tests/plugins/%.o: tests/plugins/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DPLUGIN_FOLDER='"$(BUILD)/plugins"' -c $< -o $@
define plugin_test_rule
.PHONY: plugin-test-$(1)
$(BUILD)/tests/plugin-$(1): $(BUILD)/obj/tests/plugins/test_$(1).o $(PLUGIN_TEST_COMMON)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ -lcriterion -ldl -lpthread
plugin-test-$(1): $(BUILD)/tests/plugin-$(1) $(PLUGIN_TESTED)
	$(BUILD)/tests/plugin-$(1)
endef
$(foreach t,$(PLUGIN_TESTS),$(eval $(call plugin_test_rule,$(t))))
$(BUILD)/tests/plugin-sqs: $(patsubst %,$(BUILD)/obj/plugins/sqs/%.o,credentials signer wire)
$(BUILD)/tests/plugin-sqs: ALL_LDFLAGS += -Wl,--no-as-needed -lcrypto -Wl,--as-needed
$(BUILD)/tests/plugin-twilio_signature $(BUILD)/tests/plugin-mediastream: $(BUILD)/obj/tests/plugins/digest.o
# Pure parts are linked as they are in the plugin.
SIP_MEDIA_PURE = $(patsubst %,$(BUILD)/obj/plugins/sip/media/%.o,codec dtls event jitter quality rtcp rtp sdes srtp) $(BUILD)/obj/plugins/common/pcm.o
$(BUILD)/tests/plugin-sip_media: $(SIP_MEDIA_PURE)
$(BUILD)/tests/plugin-sip_media: ALL_LDFLAGS += -Wl,--no-as-needed -lopus -lspandsp -lsrtp2 -lssl -lcrypto -lm -Wl,--as-needed
$(BUILD)/tests/plugin-sip_signalling: ALL_LDFLAGS += -Wl,--no-as-needed -lcrypto -Wl,--as-needed
# Tests of parts that several plugins link.
$(BUILD)/obj/tests/plugins/test_openai.o $(BUILD)/obj/tests/plugins/test_realtime.o $(BUILD)/obj/tests/fuzz/fuzz_sse.o: ALL_CFLAGS += -Iplugins/common
$(patsubst %,$(BUILD)/obj/tests/%.o,plugins/test_bland plugins/test_vapi fuzz/fuzz_platform): ALL_CFLAGS += -Iplugins/common
$(BUILD)/obj/tests/fuzz/fuzz_speech_wire.o $(BUILD)/obj/tests/plugins/test_speech_vendors.o $(BUILD)/obj/tests/plugins/test_sound_cache.o: ALL_CFLAGS += -Iplugins/common
$(BUILD)/tests/plugin-sound_cache: $(BUILD)/tests/plugin-deepgram.a
$(BUILD)/tests/plugin-speech_vendors $(BUILD)/tests/plugin-sound_cache: ALL_LDFLAGS += -Wl,--no-as-needed -lm -lcrypto -Wl,--as-needed
$(BUILD)/tests/plugin-bland: $(BUILD)/obj/plugins/bland/wire.o $(PLATFORM_OBJS)
$(BUILD)/tests/plugin-vapi: $(patsubst %,$(BUILD)/obj/plugins/vapi/%.o,payload wire) $(PLATFORM_OBJS)
.PHONY: plugin-test
plugin-test: $(patsubst %,plugin-test-%,$(PLUGIN_TESTS))
