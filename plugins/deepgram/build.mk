PLUGIN_CFLAGS_deepgram := -Iplugins/common
PLUGIN_LIBS_deepgram := -lm -lpthread
