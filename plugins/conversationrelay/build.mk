# An application's socket from the objects that plugins share.
PLUGIN_CFLAGS_conversationrelay := -Iplugins/common
$(BUILD)/plugins/conversationrelay.so: $(call PLUGIN_SHARED_OBJS,application application_link)
