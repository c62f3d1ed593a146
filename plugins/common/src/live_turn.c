/* live_turn.c - what the vendor heard becomes partials and finals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "live_private.h"

static void on_final_late(void *arg);

/* ---- results ---- */

static int64_t sample_of(const struct live *l, double seconds)
{
    if (seconds < 0 || seconds > 1e6)
        return -1;
    double at = seconds * l->rate - (double)l->mark_sent + (double)l->mark_position;
    return at > 0 ? (int64_t)at : 0;
}

static void report(struct live *l, uint64_t utterance, bool final)
{
    char words[LIVE_WORDS_MAX + 8];
    struct voicegw_stt_result r = {.size = sizeof r,
                                   .final = final,
                                   .utterance = utterance,
                                   .text = l->said.text,
                                   .confidence = live_said_confidence(&l->said),
                                   .start_sample = sample_of(l, l->said.start_s),
                                   .end_sample = sample_of(l, l->said.end_s),
                                   .language = l->said.language[0] ? l->said.language : NULL};
    if (final && l->said.words_used) {
        (void)snprintf(words, sizeof words, "[%s]", l->said.words);
        r.words_json = words;
    }
    (void)l->home->out->on_result(live_host_of(l), l->handle, &r);
}

void live_expect_final(struct live *l)
{
    if (l->waiting_count)
        live_timer_begin(l, &l->timer_final, (int64_t)l->home->final_timeout_ms * 1000, on_final_late);
    else
        live_timer_end(l, &l->timer_final);
}

/* The oldest utterance that waits is over, with what was heard of it. */
void live_settle_oldest(struct live *l)
{
    report(l, l->waiting[0], true);
    l->waiting_count--;
    memmove(l->waiting, l->waiting + 1, l->waiting_count * sizeof *l->waiting);
    live_said_clear(&l->said);
    live_expect_final(l);
    live_renew_if_due(l);
}

void live_settle_all(struct live *l)
{
    while (l->waiting_count)
        live_settle_oldest(l);
    l->late = 0;
}

static void on_final_late(void *arg)
{
    struct live *l = arg;
    char text[200];
    l->timer_final = 0;
    if (!l->waiting_count)
        return;
    live_host_of(l)->count(live_host_of(l), "finals_late", 1);
    bool settled = l->said.text[0] && l->said.settled == strlen(l->said.text); /* a vendor need not repeat itself */
    if (l->news_since || settled) {
        l->late += l->home->dialect->commit ? 1 : 0;
        l->news_since = false;
        live_settle_oldest(l);
        return;
    }
    (void)snprintf(text, sizeof text, "%s has said nothing for %u ms after the end of an utterance",
                   l->home->dialect->vendor, l->home->final_timeout_ms);
    live_give_up(l, VOICEGW_ETIMEOUT, text);
}

void live_account(struct live *l, const struct live_news *n)
{
    char json[64];
    if (n->used_s <= 0)
        return;
    (void)snprintf(json, sizeof json, "{\"audio_seconds\":%.2f}", n->used_s);
    (void)l->home->out->on_usage(live_host_of(l), l->handle, json);
}

void live_take(struct live *l, const struct live_news *n)
{
    bool changed;
    l->tries = n->heard ? 0 : l->tries;
    if (n->speech)
        (void)l->home->out->on_speech(live_host_of(l), l->handle, 1, sample_of(l, n->start_s));
    if (l->late) { /* of an utterance that is closed already */
        if (n->flushed) {
            l->late--;
            live_said_clear(&l->said);
        }
        return;
    }
    changed = live_said_take(&l->said, l->home->dialect, n) != 0;
    if (l->waiting_count && (n->flushed || (n->turn_ended && l->home->own_turns && l->said.text[0]))) {
        l->late += n->flushed || !l->home->dialect->commit ? 0 : 1;
        live_settle_oldest(l);
        return;
    }
    if (l->home->own_turns && n->turn_ended) {
        if (l->said.text[0])
            report(l, l->utterance, true);
        live_said_clear(&l->said);
        return;
    }
    if (changed && l->interim && l->said.text[0])
        report(l, l->waiting_count ? l->waiting[0] : l->utterance, false);
}
