#include "utterance.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pcm.h"
#include "sound.h"

static const struct voicegw_audio_format format = {
    .size = sizeof format, .encoding = VOICEGW_AUDIO_PCMU, .rate = 8000, .frame_ms = 20};

static struct utterance *utterance_new(struct mock *m)
{
    struct utterance *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->mock = m;
    mock_live(m, 1);
    return u;
}

static void utterance_free(struct utterance *u)
{
    struct mock *m = u->mock;
    free(u->data);
    free(u);
    mock_live(m, -1);
}

static void give_up(struct utterance *u, const char *why)
{
    (void)snprintf(u->problem, sizeof u->problem, "%s", why && *why ? why : "no audio came");
}

/* Room for so many bytes more; 0 when there is none. */
static int grow(struct utterance *u, size_t bytes)
{
    if (u->bytes + bytes > UTTERANCE_MAX) {
        give_up(u, "an utterance has at most 5 minutes");
        return 0;
    }
    if (u->bytes + bytes <= u->cap)
        return 1;
    size_t cap = (u->bytes + bytes) * 2;
    uint8_t *data = realloc(u->data, cap);
    if (!data) {
        give_up(u, "out of memory");
        return 0;
    }
    u->data = data;
    u->cap = cap;
    return 1;
}

static void on_audio(void *arg, const struct voicegw_frame *frame)
{
    struct utterance *u = arg;
    if (u->orphan || u->problem[0])
        return;
    if (frame->encoding == VOICEGW_AUDIO_PCMU && grow(u, frame->bytes)) {
        memcpy(u->data + u->bytes, frame->data, frame->bytes);
        u->bytes += frame->bytes;
    } else if (frame->encoding == VOICEGW_AUDIO_L16 && grow(u, frame->samples)) {
        const int16_t *pcm = frame->data;
        for (uint32_t i = 0; i < frame->samples; i++)
            u->data[u->bytes++] = pcm_to_ulaw(pcm[i]);
    }
}

static void on_done(void *arg, int32_t status, const char *sentence)
{
    struct utterance *u = arg;
    u->done = 1;
    if (u->orphan)
        utterance_free(u);
    else if (status != VOICEGW_OK)
        give_up(u, sentence);
}

static void check_begun(struct utterance *u, int32_t rc)
{
    const struct voicegw_host *host = u->mock->host;
    if (rc == VOICEGW_OK)
        return;
    u->done = 1;
    give_up(u, rc == VOICEGW_EUNSUPPORTED ? "this host has no " VOICEGW_HOST_USE : host->last_error(host));
}

struct utterance *utterance_say(struct mock *m, uint64_t leg, const char *tts, const char *text, const char *voice)
{
    struct utterance *u = utterance_new(m);
    if (!u)
        return NULL;
    check_begun(u, !m->use ? VOICEGW_EUNSUPPORTED
                           : m->use->synthesize(m->host, leg, *tts ? tts : NULL, text, *voice ? voice : NULL, "en-US",
                                                &format, on_audio, on_done, u, &u->use));
    return u;
}

struct utterance *utterance_read(struct mock *m, uint64_t leg, const char *path)
{
    struct utterance *u = utterance_new(m);
    if (!u)
        return NULL;
    check_begun(u, !m->use ? VOICEGW_EUNSUPPORTED
                           : m->use->read_audio(m->host, leg, path, &format, on_audio, on_done, u, &u->use));
    return u;
}

struct utterance *utterance_tones(struct mock *m, const char *digits)
{
    struct utterance *u = utterance_new(m);
    if (!u)
        return NULL;
    size_t bytes = sound_digits_bytes(digits);
    u->done = 1;
    if (grow(u, bytes)) {
        sound_digits(digits, u->data);
        u->bytes = bytes;
    }
    return u;
}

void utterance_drop(struct utterance *u)
{
    if (!u)
        return;
    if (u->done) {
        utterance_free(u);
        return;
    }
    u->orphan = 1;
    u->mock->use->cancel(u->mock->host, u->use);
}

int utterance_take(struct utterance *u, uint8_t *out)
{
    size_t left = u->bytes - u->at, n = left < SOUND_FRAME ? left : SOUND_FRAME;
    if (left == 0 && u->done)
        return 0;
    if (left < SOUND_FRAME && !u->done)
        n = 0; /* the engine is behind: a gap between frames, not within one */
    if (n > 0)
        memcpy(out, u->data + u->at, n);
    memset(out + n, SOUND_SILENCE, SOUND_FRAME - n);
    u->at += n;
    return 1;
}
