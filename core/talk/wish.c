/* wish.c - what an assistant wishes of the talk itself: to say, to send digits, another language, other ways of
 * talking. The rest is control's. */
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "talk/talk_private.h"
#include "talk/text.h"

static void refused(struct vgw_talk *t, const char *action, const struct vgw_error *err)
{
    vgw_talk_error(t, err->status, err->text, "an assistant's wish could not be met", action);
}

static void hints(struct vgw_talk *t, const struct vgw_json *params)
{
    char *text = vgw_json_text(vgw_json_get(params, "phrases"), false);
    if (text && !t->gather.op)
        vgw_talk_hints(t, text);
    vgw_free(text);
}

static void options(struct vgw_talk *t, const struct vgw_json *params)
{
    struct vgw_talk_options next = *t->options;
    struct vgw_error err = {0};
    if (vgw_talk_options_apply(&next, params, &err) == 0)
        vgw_talk_options_set(t, &next);
    else
        vgw_log(VGW_LOG_WARNING, &t->scope, "the assistant's talk options were refused", "error", err.text, NULL);
}

static void replace(char **text, const char *with)
{
    char *copy = vgw_strdup(with);
    if (!copy)
        return;
    vgw_free(*text);
    *text = copy;
}

/* Our own language first, so that what the caller is expected to speak does not change how we speak. */
void vgw_talk_language(struct vgw_talk *t, const struct vgw_json *params)
{
    const char *tts = vgw_json_get_string(params, "tts", ""), *stt = vgw_json_get_string(params, "stt", "");
    vgw_talk_answer_close(t);
    if (!t->cfg->speech_language && stt[0])
        replace(&t->cfg->speech_language, t->cfg->language);
    if (tts[0])
        replace(&t->cfg->speech_language, tts);
    if (stt[0]) {
        replace(&t->cfg->language, stt);
        vgw_talk_stt_language(t, stt);
    }
}

static size_t primary_bytes(const char *language)
{
    return strcspn(language, "-_");
}

void vgw_talk_language_heard(struct vgw_talk *t, const char *heard, const char *text)
{
    if (!heard)
        return;
    size_t n = primary_bytes(heard);
    const char *now = t->cfg->language;
    /* A single word is the same in many languages. */
    if (!t->options->follow_language || n < 2 || n > 3 || vgw_text_words(text) < 2 ||
        (n == primary_bytes(now) && strncasecmp(heard, now, n) == 0))
        return;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "tts", heard);
    vgw_json_set_string(o, "stt", heard);
    vgw_talk_language(t, o);
    vgw_json_free(o);
    o = vgw_json_object();
    vgw_json_set_string(o, "language", heard);
    vgw_json_set_string(o, "by", "detection");
    vgw_talk_event(t, "voice.language.changed", o);
}

static void say(struct vgw_talk *t, const struct vgw_json *params)
{
    struct vgw_speech *s;
    struct vgw_error err = {0};
    const char *text = vgw_json_get_string(params, "text", "");
    if (!text[0])
        return;
    vgw_talk_answer_close(t);
    bool interruptible = vgw_json_get_bool(params, "interruptible", true);
    if (vgw_speech_new(t, VGW_SPEECH_SAY, 0, interruptible, NULL, NULL, &s, &err) < 0)
        refused(t, "say", &err);
    else
        vgw_speech_text(t, s, text, true);
}

bool vgw_talk_wish_now(struct vgw_talk *t, const char *action, struct vgw_json *params)
{
    static const struct {
        const char *action;
        void (*carry_out)(struct vgw_talk *t, const struct vgw_json *params);
    } rows[] = {{"hints", hints}, {"talk", options}, {"language", vgw_talk_language}, {"say", say}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (vgw_streq(rows[i].action, action)) {
            rows[i].carry_out(t, params);
            vgw_json_free(params);
            return true;
        }
    return false;
}

bool vgw_talk_wish_here(struct vgw_talk *t, const char *action, struct vgw_json *params)
{
    struct vgw_error err = {0};
    if (!vgw_streq(action, "dtmf"))
        return false;
    if (vgw_leg_dtmf(t->leg, vgw_json_get_string(params, "digits", ""), &err) < 0)
        refused(t, action, &err);
    vgw_json_free(params);
    return true;
}
