PLUGIN_CFLAGS_espeak := -Iplugins/common
PLUGIN_LIBS_espeak := -lm -lpthread -ldl
