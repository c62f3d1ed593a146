PLUGIN_PKGS_sqlite := sqlite3
PLUGIN_CFLAGS_sqlite := -Iplugins/common
