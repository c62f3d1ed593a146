PLUGIN_PKGS_postgresql := libpq
PLUGIN_CFLAGS_postgresql := -Iplugins/common
PLUGIN_LIBS_postgresql := -lpthread
$(BUILD)/plugins/postgresql.so: $(call PLUGIN_SHARED_OBJS,sql_filter sql_table sql_text sql_write)
