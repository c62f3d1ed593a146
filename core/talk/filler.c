/* filler.c - what is said when the caller waits too long for a stage: a text, or a file that needs no engine. */
#include <string.h>

#include "base/str.h"
#include "talk/talk_private.h"

static struct vgw_speech *speech_at(struct vgw_list *link)
{
    return VGW_CONTAINER_OF(link, struct vgw_speech, link);
}

static bool is_file(const char *filler)
{
    size_t n = strlen(filler);
    return vgw_starts_with(filler, "file://") || filler[0] == '/' || (n > 4 && vgw_streq(filler + n - 4, ".wav"));
}

/* Something is on its way to the caller's ear already. */
static bool audible(const struct vgw_talk *t)
{
    return vgw_talk_speaking(t) && speech_at(t->speeches.next)->begun;
}

/* The voice that keeps the caller waiting, when it is a voice. */
static struct vgw_voice *slow_voice(const struct vgw_talk *t)
{
    return vgw_talk_speaking(t) ? speech_at(t->speeches.next)->voice : NULL;
}

static int play(struct vgw_talk *t, const char *file, struct vgw_error *err)
{
    struct vgw_json *params = vgw_json_object();
    vgw_json_set_string(params, "url", file);
    int rc = vgw_talk_play(t, 0, params, err);
    vgw_json_free(params);
    return rc;
}

static int say(struct vgw_talk *t, const char *text, struct vgw_voice *slow, struct vgw_error *err)
{
    struct vgw_speech *s;
    int rc = vgw_speech_new(t, VGW_SPEECH_SAY, 0, true, NULL, NULL, &s, err);
    if (rc < 0)
        return rc;
    struct vgw_voice *other = slow && s->voice == slow ? vgw_voice_other(t, slow) : NULL;
    if (slow && s->voice == slow && !other) { /* it would come behind what is waited for */
        vgw_speech_drop(t, s);
        return vgw_error_set(err, VGW_EUNSUPPORTED, "no other tts could say the filler; a WAV file needs none");
    }
    if (other)
        s->voice = other;
    vgw_speech_text(t, s, text, true);
    return 0;
}

/* The newest of ours becomes the first to be heard. */
static void to_front(struct vgw_talk *t)
{
    struct vgw_list *link = t->speeches.prev;
    vgw_list_remove(link);
    vgw_list_prepend(&t->speeches, link);
    speech_at(link)->filler = true;
}

static void on_filler(void *arg)
{
    struct vgw_talk *t = arg;
    struct vgw_error err = {0};
    const char *filler = t->options->filler;
    bool waits = t->thinking || t->final_utterance || vgw_talk_speaking(t);
    if (!waits || t->on_hold || t->caller_speaking || t->ending || !filler[0] || audible(t))
        return;
    struct vgw_voice *slow = slow_voice(t);
    bool pumping = t->pumping; /* what is made at once waits until it stands in front */
    t->pumping = true;
    int rc = is_file(filler) ? play(t, filler, &err) : say(t, filler, slow, &err);
    t->pumping = pumping;
    if (rc < 0) {
        vgw_log(VGW_LOG_WARNING, &t->scope, "the filler could not be spoken", "error", err.text, NULL);
        return;
    }
    to_front(t);
    vgw_talk_speak_pump(t);
}

void vgw_talk_filler_init(struct vgw_talk *t)
{
    vgw_timer_init(&t->filler_timer, t->worker, on_filler, t);
}

void vgw_talk_filler_arm(struct vgw_talk *t)
{
    if (t->options->filler_after_us && t->options->filler[0] && t->filler_timer.fn &&
        !vgw_timer_armed(&t->filler_timer))
        vgw_timer_start(&t->filler_timer, t->options->filler_after_us);
}

void vgw_talk_filler_disarm(struct vgw_talk *t)
{
    vgw_timer_stop(&t->filler_timer);
}
