PLUGIN_CFLAGS_piper := -Iplugins/common
PLUGIN_LIBS_piper := -lm -lpthread
