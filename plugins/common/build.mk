# Objects that several plugins link: synthesis streams, G.711, sample rates; SQL.
PLUGIN_SHARED_OBJS = $(patsubst %,$(BUILD)/obj/plugins/common/%.o,$(1))
$(BUILD)/obj/plugins/common/%.o: plugins/common/src/%.c
	@mkdir -p $(@D)
	$(CC) $(call plugin_flags,common) -c $< -o $@
$(BUILD)/plugins/flite.so $(BUILD)/plugins/espeak.so: $(call PLUGIN_SHARED_OBJS,pcm sentence speaker)
$(BUILD)/plugins/pocketsphinx.so: $(call PLUGIN_SHARED_OBJS,pcm)
$(BUILD)/plugins/sqlite.so: $(call PLUGIN_SHARED_OBJS,sql_filter sql_table sql_text sql_write)
$(BUILD)/plugins/openai.so $(BUILD)/plugins/http.so: $(call PLUGIN_SHARED_OBJS,chat_history exchange sse)
