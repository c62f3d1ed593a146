PLUGIN_CFLAGS_assemblyai := -Iplugins/common
PLUGIN_LIBS_assemblyai := -lm -lpthread
