PLUGIN_CFLAGS_whisper := -Iplugins/common
PLUGIN_LIBS_whisper := -lm -lpthread
