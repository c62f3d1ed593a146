PLUGIN_PKGS_sqlite := sqlite3
