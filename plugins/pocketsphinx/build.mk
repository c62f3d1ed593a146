PLUGIN_PKGS_pocketsphinx := pocketsphinx sphinxbase
PLUGIN_CFLAGS_pocketsphinx := -Iplugins/common
PLUGIN_LIBS_pocketsphinx := -lm -lpthread
