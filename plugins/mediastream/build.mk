# An application's socket, the stream's frames, G.711 and sample rates from the objects that plugins share.
PLUGIN_CFLAGS_mediastream := -Iplugins/common
PLUGIN_LIBS_mediastream := -lm
$(BUILD)/plugins/mediastream.so: $(call PLUGIN_SHARED_OBJS,application application_link base64 pcm stream_wire)
