PLUGIN_CFLAGS_elevenlabs := -Iplugins/common
PLUGIN_LIBS_elevenlabs := -lm -lpthread
