# The frames of media streams and base64, from the objects that plugins share.
PLUGIN_CFLAGS_twilio := -Iplugins/common
PLUGIN_LIBS_twilio := -lpthread
$(BUILD)/plugins/twilio.so: $(call PLUGIN_SHARED_OBJS,base64 stream_wire)
