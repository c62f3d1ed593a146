# Objects that several plugins link: synthesis streams, G.711, sample rates, base64, frames of media streams, applications; SQL.
PLUGIN_SHARED_OBJS = $(patsubst %,$(BUILD)/obj/plugins/common/%.o,$(1))
$(BUILD)/obj/plugins/common/%.o: plugins/common/src/%.c
	@mkdir -p $(@D)
	$(CC) $(call plugin_flags,common) -c $< -o $@
PLUGIN_SPEAKER := pcm sentence speaker sound_cache vendor
$(BUILD)/plugins/flite.so $(BUILD)/plugins/espeak.so: $(call PLUGIN_SHARED_OBJS,$(PLUGIN_SPEAKER))
# Engines at a vendor: recognition over a WebSocket (live) or by requests (batch), synthesis by requests (remote).
PLUGIN_CLOUD := $(PLUGIN_SPEAKER) live live_said live_send live_socket live_turn remote exchange sse batch batch_form wav
$(patsubst %,$(BUILD)/plugins/%.so,assemblyai deepgram elevenlabs openai piper whisper): $(call PLUGIN_SHARED_OBJS,$(PLUGIN_CLOUD))
$(BUILD)/plugins/pocketsphinx.so: $(call PLUGIN_SHARED_OBJS,pcm)
$(BUILD)/plugins/sqlite.so: $(call PLUGIN_SHARED_OBJS,sql_filter sql_table sql_text sql_write)
$(BUILD)/plugins/openai.so $(BUILD)/plugins/openai-responses.so: $(call PLUGIN_SHARED_OBJS,tool_offer)
$(patsubst %,$(BUILD)/plugins/%.so,openai openai-responses http): $(call PLUGIN_SHARED_OBJS,chat_history exchange sse)
# What providers share that run the conversation themselves.
PLATFORM_OBJS := $(call PLUGIN_SHARED_OBJS,fields platform platform_call platform_dial platform_rest platform_route)
$(BUILD)/plugins/bland.so $(BUILD)/plugins/vapi.so: $(PLATFORM_OBJS)
$(BUILD)/plugins/openai-realtime.so: $(call PLUGIN_SHARED_OBJS,chat_history pcm tool_offer)
