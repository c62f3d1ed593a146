PLUGIN_CFLAGS_openai-realtime := -Iplugins/common
PLUGIN_LIBS_openai-realtime := -lm
