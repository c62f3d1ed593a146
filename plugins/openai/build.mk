PLUGIN_CFLAGS_openai := -Iplugins/common
PLUGIN_LIBS_openai := -lm -lpthread
