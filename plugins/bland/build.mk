PLUGIN_CFLAGS_bland := -Iplugins/common
PLUGIN_LIBS_bland := -lm
