# The caller's voice and ears: G.711 from the objects that the speech plugins share.
PLUGIN_CFLAGS_mock := -Iplugins/common
PLUGIN_LIBS_mock := -lm -lpthread
$(BUILD)/plugins/mock.so: $(call PLUGIN_SHARED_OBJS,pcm)
