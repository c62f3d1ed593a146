# The caller's voice and ears: G.711 and the stream's frames from the objects that plugins share.
PLUGIN_CFLAGS_mock := -Iplugins/common
PLUGIN_LIBS_mock := -lm -lpthread
$(BUILD)/plugins/mock.so: $(call PLUGIN_SHARED_OBJS,pcm base64 stream_wire)
