PLUGIN_CFLAGS_bland := -Iplugins/common
