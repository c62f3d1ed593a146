PLUGIN_CFLAGS_openai-responses := -Iplugins/common
PLUGIN_LIBS_openai-responses := -lm -lpthread
$(BUILD)/plugins/openai-responses.so: $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard plugins/openai/chat*.c)))
