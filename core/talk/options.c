/* options.c - talk options: defaults and overlay. */
#include "talk/options.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/str.h"
#include "base/time.h"
#include "talk/text.h"

struct vgw_talk_options vgw_talk_defaults(void)
{
    return (struct vgw_talk_options){
        .endpoint_silence_us = 700 * VGW_US_PER_MS,
        .min_duration_us = 200 * VGW_US_PER_MS,
        .no_input_timeout_us = 7 * VGW_US_PER_S,
        .deaf_timeout_us = 30 * VGW_US_PER_S,
        .filler_after_us = 1500 * VGW_US_PER_MS,
        .barge_in = true,
        .barge_in_keys = true,
        .max_reprompts = 2,
        .max_turns = 200,
    };
}

#define SHARED_LOOKS 64 /* so many ways of talking are compared before a call gets a copy of its own */

enum kind { DURATION, COUNT, FLAG, TEXT, WORDS };
static const struct row {
    const char *name;
    enum kind kind;
    size_t offset;
    double max; /* seconds for durations */
} rows[] = {
    {"endpoint_silence", DURATION, offsetof(struct vgw_talk_options, endpoint_silence_us), 10},
    {"min_duration", DURATION, offsetof(struct vgw_talk_options, min_duration_us), 10},
    {"no_input_timeout", DURATION, offsetof(struct vgw_talk_options, no_input_timeout_us), 3600},
    {"deaf_timeout", DURATION, offsetof(struct vgw_talk_options, deaf_timeout_us), 3600},
    {"filler_after", DURATION, offsetof(struct vgw_talk_options, filler_after_us), 60},
    {"barge_in", FLAG, offsetof(struct vgw_talk_options, barge_in), 1},
    {"amd", FLAG, offsetof(struct vgw_talk_options, amd), 1},
    {"follow_language", FLAG, offsetof(struct vgw_talk_options, follow_language), 1},
    {"barge_in_keys", FLAG, offsetof(struct vgw_talk_options, barge_in_keys), 1},
    {"min_words", COUNT, offsetof(struct vgw_talk_options, min_words), 20},
    {"max_reprompts", COUNT, offsetof(struct vgw_talk_options, max_reprompts), 100},
    {"max_turns", COUNT, offsetof(struct vgw_talk_options, max_turns), 100000},
    {"no_input_prompt", TEXT, offsetof(struct vgw_talk_options, no_input_prompt), 255},
    {"no_match_prompt", TEXT, offsetof(struct vgw_talk_options, no_match_prompt), 255},
    {"deaf_prompt", TEXT, offsetof(struct vgw_talk_options, deaf_prompt), 255},
    {"filler", TEXT, offsetof(struct vgw_talk_options, filler), 255},
    {"backchannels", WORDS, 0, VGW_TALK_BACKCHANNELS},
};
#define ROWS (sizeof rows / sizeof rows[0])

static int apply_duration(int64_t *out, const struct row *row, const struct vgw_json *v, struct vgw_error *err)
{
    int64_t us = -1;
    if (vgw_json_str(v)) {
        if (!vgw_parse_duration_us(vgw_json_str(v), &us))
            us = -1;
    } else if (vgw_json_type(v) == VGW_JSON_INT || vgw_json_type(v) == VGW_JSON_DOUBLE) {
        us = (int64_t)(vgw_json_as_double(v, -1) * (double)VGW_US_PER_S);
    }
    if (us < 0 || us > (int64_t)(row->max * (double)VGW_US_PER_S))
        return vgw_error_at(err, VGW_EINVALID, row->name, "%s must be a duration such as 700ms or 2s, from 0 to %gs",
                            row->name, row->max);
    *out = us;
    return 0;
}

static const char *backchannels_end(const struct vgw_talk_options *o)
{
    const char *at = o->backchannels;
    for (uint32_t i = 0; i < o->backchannel_count; i++)
        at += strlen(at) + 1;
    return at;
}

bool vgw_talk_backchannel_add(struct vgw_talk_options *o, const char *text)
{
    size_t used = (size_t)(backchannels_end(o) - o->backchannels);
    if (o->backchannel_count == VGW_TALK_BACKCHANNELS ||
        !vgw_strcopy(o->backchannels + used, sizeof o->backchannels - used, text))
        return false;
    o->backchannel_count++;
    return true;
}

static int apply_words(struct vgw_talk_options *o, const struct vgw_json *v, struct vgw_error *err)
{
    size_t n = vgw_json_count(v);
    if (vgw_json_type(v) != VGW_JSON_ARRAY || n > VGW_TALK_BACKCHANNELS)
        return vgw_error_at(err, VGW_EINVALID, "backchannels", "backchannels must be a list of at most %d texts",
                            VGW_TALK_BACKCHANNELS);
    o->backchannel_count = 0;
    for (size_t i = 0; i < n; i++) {
        const char *word = vgw_json_str(vgw_json_at(v, i));
        if (!word)
            return vgw_error_at(err, VGW_EINVALID, "backchannels", "each of the backchannels must be a text");
        if (!vgw_talk_backchannel_add(o, word))
            return vgw_error_at(err, VGW_EINVALID, "backchannels", "backchannels must be %d bytes at most together",
                                VGW_TALK_BACKCHANNELS_BYTES);
    }
    return 0;
}

static int apply_row(struct vgw_talk_options *o, const struct row *row, const struct vgw_json *v, struct vgw_error *err)
{
    char *at = (char *)o + row->offset;
    double number = vgw_json_as_double(v, -1);
    switch (row->kind) {
    case DURATION:
        return apply_duration((int64_t *)(void *)at, row, v, err);
    case COUNT:
        if (number < 0 || number > row->max)
            return vgw_error_at(err, VGW_EINVALID, row->name, "%s must be a number from 0 to %g", row->name, row->max);
        *(uint32_t *)(void *)at = (uint32_t)number;
        return 0;
    case FLAG:
        if (vgw_json_type(v) != VGW_JSON_BOOL)
            return vgw_error_at(err, VGW_EINVALID, row->name, "%s must be true or false", row->name);
        *(bool *)(void *)at = vgw_json_as_bool(v, true);
        return 0;
    case TEXT:
        if (!vgw_json_str(v) || !vgw_strcopy(at, 256, vgw_json_str(v)))
            return vgw_error_at(err, VGW_EINVALID, row->name, "%s must be a text of at most 255 bytes", row->name);
        return 0;
    case WORDS:
        break;
    }
    return apply_words(o, v, err);
}

int vgw_talk_options_apply(struct vgw_talk_options *inout, const struct vgw_json *talk, struct vgw_error *err)
{
    if (vgw_json_type(talk) == VGW_JSON_NULL)
        return 0;
    if (vgw_json_type(talk) != VGW_JSON_OBJECT)
        return vgw_error_at(err, VGW_EINVALID, "talk", "talk must be a map of options");
    struct vgw_talk_options next = *inout;
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        names[i] = rows[i].name;
    const char *key;
    struct vgw_json *value;
    for (size_t at = 0; vgw_json_object_next(talk, &at, &key, &value);) {
        size_t i = 0;
        while (i < ROWS && !vgw_streq(rows[i].name, key))
            i++;
        if (i == ROWS) {
            const char *near = vgw_nearest(key, names, ROWS);
            return vgw_error_at(err, VGW_EINVALID, key, "unknown talk option '%s'%s%s%s", key,
                                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        }
        int rc = apply_row(&next, &rows[i], value, err);
        if (rc < 0)
            return rc;
    }
    *inout = next;
    return 0;
}

bool vgw_talk_is_backchannel(const struct vgw_talk_options *o, const char *text)
{
    const char *word = o->backchannels;
    for (uint32_t i = 0; i < o->backchannel_count; i++, word += strlen(word) + 1)
        if (vgw_text_same_words(word, text))
            return true;
    return false;
}

/* ---- shared ---- */

struct shared {
    struct vgw_list link;
    uint32_t refs;
    struct vgw_talk_options options;
};

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vgw_list shared_list = {&shared_list, &shared_list}; /* one for each way of talking in force */

static bool same_backchannels(const struct vgw_talk_options *a, const struct vgw_talk_options *b)
{
    size_t n = (size_t)(backchannels_end(a) - a->backchannels);
    return a->backchannel_count == b->backchannel_count && n == (size_t)(backchannels_end(b) - b->backchannels) &&
           memcmp(a->backchannels, b->backchannels, n) == 0;
}

static bool same(const struct vgw_talk_options *a, const struct vgw_talk_options *b)
{
    return a->endpoint_silence_us == b->endpoint_silence_us && a->min_duration_us == b->min_duration_us &&
           a->no_input_timeout_us == b->no_input_timeout_us && a->filler_after_us == b->filler_after_us &&
           a->deaf_timeout_us == b->deaf_timeout_us && a->barge_in == b->barge_in && a->amd == b->amd &&
           a->follow_language == b->follow_language && a->barge_in_keys == b->barge_in_keys &&
           a->min_words == b->min_words && a->max_reprompts == b->max_reprompts && a->max_turns == b->max_turns &&
           vgw_streq(a->no_input_prompt, b->no_input_prompt) && vgw_streq(a->no_match_prompt, b->no_match_prompt) &&
           vgw_streq(a->filler, b->filler) && vgw_streq(a->deaf_prompt, b->deaf_prompt) && same_backchannels(a, b);
}

const struct vgw_talk_options *vgw_talk_options_share(const struct vgw_talk_options *value)
{
    struct vgw_list *at, *next;
    struct shared *found = NULL;
    unsigned looked = 0;
    pthread_mutex_lock(&shared_lock);
    VGW_LIST_EACH (at, next, &shared_list) {
        struct shared *s = VGW_CONTAINER_OF(at, struct shared, link);
        if (same(&s->options, value)) {
            found = s;
            break;
        }
        if (++looked == SHARED_LOOKS)
            break;
    }
    if (!found && VGW_NEW(found)) {
        found->options = *value;
        vgw_list_init(&found->link);
    }
    if (found) { /* what is asked for often stands in front */
        vgw_list_remove(&found->link);
        vgw_list_prepend(&shared_list, &found->link);
        found->refs++;
    }
    pthread_mutex_unlock(&shared_lock);
    return found ? &found->options : NULL;
}

void vgw_talk_options_unshare(const struct vgw_talk_options *options)
{
    if (!options)
        return;
    struct shared *s = VGW_CONTAINER_OF(options, struct shared, options);
    pthread_mutex_lock(&shared_lock);
    bool last = --s->refs == 0;
    if (last)
        vgw_list_remove(&s->link);
    pthread_mutex_unlock(&shared_lock);
    if (last)
        vgw_free(s);
}
