PLUGIN_CFLAGS_http := -Iplugins/common
