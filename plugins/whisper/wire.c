/* wire.c - what the server answers. Pure. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "whisper.h"

#define NO_SPEECH 0.8 /* a segment that is no speech by this probability is left out: the model invents text for it */

static void add(char *out, size_t cap, const char *text)
{
    size_t n = strlen(out);
    (void)snprintf(out + n, cap - n, "%s", text);
}

static void read_segments(struct voicegw_json segments, struct batch_answer *a)
{
    struct voicegw_json_iter it = voicegw_json_each(segments);
    char text[2048];
    double sum = 0, weight = 0;
    while (voicegw_json_next(&it)) {
        if (voicegw_json_get_double(it.value, "no_speech_prob", 0) > NO_SPEECH)
            continue;
        (void)voicegw_json_get_string(it.value, "text", text, sizeof text);
        add(a->text, sizeof a->text, text);
        double n = (double)strlen(text), likely = voicegw_json_get_double(it.value, "avg_logprob", 1);
        if (likely <= 0) {
            sum += exp(likely) * n;
            weight += n;
        }
    }
    a->confidence = weight > 0 ? sum / weight : -1;
}

void whisper_read(struct voicegw_json m, struct batch_answer *a)
{
    char text[200];
    struct voicegw_json segments = voicegw_json_member(m, "segments");
    if (voicegw_json_get_string(m, "error", text, sizeof text) > 0) {
        a->status = VOICEGW_EPROVIDER;
        (void)snprintf(a->sentence, sizeof a->sentence, "whisper's server failed: %s", text);
        return;
    }
    a->whole = 1;
    if (voicegw_json_type(segments) == VOICEGW_JSON_ARRAY) {
        read_segments(segments, a);
        a->status = VOICEGW_OK;
    } else if (voicegw_json_type(voicegw_json_member(m, "text")) == VOICEGW_JSON_STRING) {
        (void)voicegw_json_get_string(m, "text", a->text, sizeof a->text);
        a->status = VOICEGW_OK;
    }
}
