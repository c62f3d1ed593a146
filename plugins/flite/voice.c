#include "voice.h"
#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "voicegw/status.h"
/* flite's headers carry prototypes and conversions that this tree's warnings refuse. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wconversion"
#include <flite/flite.h>
#pragma GCC diagnostic pop

#define VOICE_COUNT 5
#define CHUNK 320 /* samples between two calls of the sink: what a cancel may be late by */

/* What one job speaks with. flite counts references to a voice's values without atomics, so no two threads may share a
 * voice: each copy has values of its own around the same constant data. Copies are kept for the life of the process, as
 * flite keeps its voices; there are as many as ever spoke at once. */
struct copy {
    struct copy *next;
    cst_voice *voice;
    cst_audio_streaming_info *stream;
};

struct voice {
    const char *name, *library, *symbol;
    cst_voice *base;
    struct copy *idle;
};

struct listener {
    speaker_sink sink;
    void *arg;
    int stopped;
};

static pthread_mutex_t voices_lock = PTHREAD_MUTEX_INITIALIZER;
static struct voice voices[VOICE_COUNT] = {
    {"kal", "libflite_cmu_us_kal.so.1", "register_cmu_us_kal", NULL, NULL},
    {"kal16", "libflite_cmu_us_kal16.so.1", "register_cmu_us_kal16", NULL, NULL},
    {"awb", "libflite_cmu_us_awb.so.1", "register_cmu_us_awb", NULL, NULL},
    {"rms", "libflite_cmu_us_rms.so.1", "register_cmu_us_rms", NULL, NULL},
    {"slt", "libflite_cmu_us_slt.so.1", "register_cmu_us_slt", NULL, NULL},
};

static struct voice *find(const char *name)
{
    if (strncasecmp(name, "cmu_us_", 7) == 0)
        name += 7;
    for (size_t i = 0; i < VOICE_COUNT; i++)
        if (strcasecmp(voices[i].name, name) == 0)
            return &voices[i];
    return NULL;
}

const char *flite_voice_name(const char *name)
{
    struct voice *v = find(name);
    return v ? v->name : NULL;
}

static int32_t load(struct voice *v, char *why, size_t cap)
{
    if (v->base)
        return VOICEGW_OK;
    void *library = dlopen(v->library, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        (void)snprintf(why, cap, "flite's voice %s cannot be opened: %s; install libflite1", v->name, dlerror());
        return VOICEGW_EPROVIDER;
    }
    cst_voice *(*reg)(const char *);
    void *symbol = dlsym(library, v->symbol);
    memcpy(&reg, &symbol, sizeof reg);
    (void)flite_init();
    v->base = reg ? reg(NULL) : NULL;
    if (v->base)
        return VOICEGW_OK;
    (void)snprintf(why, cap, "%s does not make the voice %s", v->library, v->name);
    return VOICEGW_EPROVIDER;
}

static cst_val *copy_value(const cst_val *value)
{
    if (cst_val_consp(value))
        return NULL;
    switch (CST_VAL_TYPE(value)) {
    case CST_VAL_TYPE_INT:
        return int_val((int)CST_VAL_INT(value));
    case CST_VAL_TYPE_FLOAT:
        return float_val((float)CST_VAL_FLOAT(value));
    case CST_VAL_TYPE_STRING:
        return string_val(CST_VAL_STRING(value));
    default:
        return val_new_typed(CST_VAL_TYPE(value), CST_VAL_VOID(value));
    }
}

/* A list of a voice is constant data, which flite does not count (its reference count is negative) and which can be
 * shared. */
static void copy_features(const cst_features *from, cst_features *to)
{
    for (const cst_featvalpair *p = from->head; p; p = p->next) {
        cst_val *own = copy_value(p->val);
        feat_set(to, p->name, own ? own : p->val);
    }
}

static int on_chunk(const cst_wave *wave, int start, int size, int last, cst_audio_streaming_info *stream)
{
    struct listener *l = stream->userdata;
    while (!l->stopped && size > 0) {
        int part = size < CHUNK ? size : CHUNK;
        l->stopped = l->sink(l->arg, wave->samples + start, (size_t)part, (uint32_t)wave->sample_rate);
        start += part;
        size -= part;
    }
    return l->stopped ? CST_AUDIO_STREAM_STOP : CST_AUDIO_STREAM_CONT;
}

static struct copy *copy_new(const struct voice *v)
{
    struct copy *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->voice = new_voice();
    c->voice->name = v->base->name;
    c->voice->utt_init = v->base->utt_init;
    copy_features(v->base->features, c->voice->features);
    copy_features(v->base->ffunctions, c->voice->ffunctions);
    c->stream = new_audio_streaming_info();
    c->stream->asc = on_chunk;
    c->stream->min_buffsize = CHUNK;
    feat_set(c->voice->features, "streaming_info", audio_streaming_info_val(c->stream));
    return c;
}

static int32_t take_copy(struct voice *v, struct copy **ret_copy, char *why, size_t cap)
{
    (void)pthread_mutex_lock(&voices_lock);
    int32_t rc = load(v, why, cap);
    struct copy *c = NULL;
    if (rc == VOICEGW_OK && v->idle) {
        c = v->idle;
        v->idle = c->next;
    } else if (rc == VOICEGW_OK) {
        c = copy_new(v);
        if (!c) {
            (void)snprintf(why, cap, "out of memory");
            rc = VOICEGW_ELIMIT;
        }
    }
    (void)pthread_mutex_unlock(&voices_lock);
    *ret_copy = c;
    return rc;
}

static void give_copy(struct voice *v, struct copy *c)
{
    (void)pthread_mutex_lock(&voices_lock);
    c->next = v->idle;
    v->idle = c;
    (void)pthread_mutex_unlock(&voices_lock);
}

int32_t flite_voice_speak(const char *name, double speed, const char *text, speaker_sink sink, void *arg, char *why,
                          size_t cap)
{
    struct voice *v = find(name);
    struct copy *c;
    struct listener listener = {sink, arg, 0};
    int32_t rc = take_copy(v, &c, why, cap);
    if (rc != VOICEGW_OK)
        return rc;
    c->stream->userdata = &listener;
    feat_set_float(c->voice->features, "duration_stretch", (float)(1.0 / speed));
    cst_utterance *u = flite_synth_text(text, c->voice);
    c->stream->userdata = NULL;
    if (u)
        delete_utterance(u);
    else if (!listener.stopped) {
        (void)snprintf(why, cap, "flite could not speak the text");
        rc = VOICEGW_EPROVIDER;
    }
    give_copy(v, c);
    return rc;
}
