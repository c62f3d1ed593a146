PLUGIN_CFLAGS_vapi := -Iplugins/common
