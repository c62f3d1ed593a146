# Plugins that end-to-end suites need beside the shipped ones: a provider that the test leads, a subscriber, the SDK's example of an
# action.
E2E_PLUGINS := $(patsubst tests/e2e/plugins/%.c,%,$(sort $(wildcard tests/e2e/plugins/*.c))) hello-action
TEST_PROGRAMS += $(patsubst %,$(BUILD)/tests/e2e-plugins/%.so,$(E2E_PLUGINS))

$(BUILD)/tests/e2e-plugins/%.so: tests/e2e/plugins/%.c
	@mkdir -p $(@D) $(BUILD)/obj/tests/e2e
	$(CC) -shared $(call plugin_flags,$*) -MF $(BUILD)/obj/tests/e2e/plugin-$*.d -o $@ $<
$(BUILD)/tests/e2e-plugins/hello-action.so: plugin-sdk/examples/hello-action/hello-action.c
	@mkdir -p $(@D) $(BUILD)/obj/tests/e2e
	$(CC) -shared $(call plugin_flags,hello-action) -MF $(BUILD)/obj/tests/e2e/plugin-hello-action.d -o $@ $<
