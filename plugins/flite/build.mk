PLUGIN_CFLAGS_flite := -Iplugins/common
PLUGIN_LIBS_flite := -lflite -lm -lpthread -ldl
