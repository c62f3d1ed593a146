PLUGIN_CFLAGS_openai := -Iplugins/common
