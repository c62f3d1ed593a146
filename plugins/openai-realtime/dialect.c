/* dialect.c - one row an event: our key, its name, its name in the beta. */
#include "dialect.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *key, *ga, *beta; /* beta NULL: the same */
} rows[RT_EVENTS] = {
    [RT_SESSION_CREATED] = {"session_created", "session.created", NULL},
    [RT_SESSION_UPDATED] = {"session_updated", "session.updated", NULL},
    [RT_AUDIO_DELTA] = {"audio_delta", "response.output_audio.delta", "response.audio.delta"},
    [RT_AUDIO_DONE] = {"audio_done", "response.output_audio.done", "response.audio.done"},
    [RT_TRANSCRIPT_DELTA] = {"transcript_delta", "response.output_audio_transcript.delta",
                             "response.audio_transcript.delta"},
    [RT_TRANSCRIPT_DONE] = {"transcript_done", "response.output_audio_transcript.done",
                            "response.audio_transcript.done"},
    [RT_USER_TRANSCRIPT] = {"user_transcript", "conversation.item.input_audio_transcription.completed", NULL},
    [RT_USER_TRANSCRIPT_FAILED] = {"user_transcript_failed", "conversation.item.input_audio_transcription.failed",
                                   NULL},
    [RT_SPEECH_STARTED] = {"speech_started", "input_audio_buffer.speech_started", NULL},
    [RT_SPEECH_STOPPED] = {"speech_stopped", "input_audio_buffer.speech_stopped", NULL},
    [RT_RESPONSE_CREATED] = {"response_created", "response.created", NULL},
    [RT_RESPONSE_DONE] = {"response_done", "response.done", NULL},
    [RT_ERROR] = {"error", "error", NULL},
    [RT_SESSION_UPDATE] = {"session_update", "session.update", NULL},
    [RT_APPEND] = {"append", "input_audio_buffer.append", NULL},
    [RT_COMMIT] = {"commit", "input_audio_buffer.commit", NULL},
    [RT_CLEAR] = {"clear", "input_audio_buffer.clear", NULL},
    [RT_ITEM_CREATE] = {"item_create", "conversation.item.create", NULL},
    [RT_ITEM_DELETE] = {"item_delete", "conversation.item.delete", NULL},
    [RT_ITEM_TRUNCATE] = {"item_truncate", "conversation.item.truncate", NULL},
    [RT_RESPOND] = {"respond", "response.create", NULL},
    [RT_CANCEL] = {"cancel", "response.cancel", NULL},
};

int32_t rt_dialect_read(struct rt_dialect *d, const char *generation, const char *names, const char **ret_why)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(names));
    d->beta = strcmp(generation, "beta") == 0;
    for (uint32_t i = 0; i < RT_EVENTS; i++)
        (void)snprintf(d->names[i], RT_NAME_MAX, "%s", d->beta && rows[i].beta ? rows[i].beta : rows[i].ga);
    while (it.object && voicegw_json_next(&it)) {
        uint32_t i = 0;
        while (i < RT_EVENTS && !voicegw_json_equals(it.key, rows[i].key))
            i++;
        if (i == RT_EVENTS) {
            *ret_why = "event_names has a key that is no event: they are session_created, audio_delta, append and so "
                       "on, as voicegw.yaml(5) lists them";
            return VOICEGW_ECONFIG;
        }
        if (voicegw_json_string(it.value, d->names[i], RT_NAME_MAX) <= 0) {
            *ret_why = "event_names must give each event a name of at most 79 octets";
            return VOICEGW_ECONFIG;
        }
    }
    return VOICEGW_OK;
}

enum rt_event rt_dialect_event(const struct rt_dialect *d, const char *name)
{
    for (uint32_t i = 0; i < RT_SESSION_UPDATE; i++)
        if (strcmp(d->names[i], name) == 0)
            return (enum rt_event)i;
    return RT_EVENTS;
}
