/* live_send.c - audio and messages to the vendor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "live_private.h"
#include "pcm.h"

/* ---- sending ---- */

int32_t live_send_text(struct live *l, const char *text, size_t bytes)
{
    return l->home->ws->send(live_host_of(l), l->ws, VOICEGW_WS_TEXT, text, bytes);
}

static int32_t send_audio(struct live *l, const uint8_t *data, size_t bytes)
{
    const struct live_dialect *d = l->home->dialect;
    char message[PIECE_MAX * 4 / 3 + 512];
    struct live_wish wish = {.encoding = l->encoding, .rate = l->rate};
    if (!d->audio)
        return l->home->ws->send(live_host_of(l), l->ws, VOICEGW_WS_BINARY, data, bytes);
    int64_t n = d->audio(live_host_of(l), l->home->crypto, &wish, data, bytes, message, sizeof message);
    return n < 0 ? (int32_t)n : live_send_text(l, message, (size_t)n);
}

void live_on_keep(void *arg)
{
    struct live *l = arg;
    const struct live_dialect *d = l->home->dialect;
    int64_t gap = live_host_of(l)->now_us(live_host_of(l)) - l->sent_us, left = (int64_t)d->keep_alive_ms * 1000 - gap;
    l->timer_keep = 0;
    if (l->state != OPEN)
        return;
    if (left <= 0) {
        (void)live_send_text(l, d->keep_alive, strlen(d->keep_alive));
        l->sent_us = live_host_of(l)->now_us(live_host_of(l));
        left = (int64_t)d->keep_alive_ms * 1000;
    }
    live_timer_begin(l, &l->timer_keep, left, live_on_keep);
}

/* A last piece is filled up with silence: some vendors refuse short ones. */
static size_t fill_up(struct live *l, size_t piece)
{
    int silence = l->encoding == VOICEGW_AUDIO_PCMU ? 0xff : l->encoding == VOICEGW_AUDIO_PCMA ? 0xd5 : 0;
    if (l->held_used == 0 || l->held_used >= piece || piece > l->held_size)
        return l->held_used;
    memset(l->held + l->held_used, silence, piece - l->held_used);
    return piece;
}

/* Sends what is held in whole pieces; `all`: the rest too. */
void live_send_held(struct live *l, bool all)
{
    size_t piece = (size_t)l->home->dialect->piece_ms * l->rate / 1000 * l->width, done = 0;
    piece = piece < PIECE_MAX ? piece : PIECE_MAX;
    if (l->state != OPEN)
        return;
    if (all)
        l->held_used = fill_up(l, piece);
    while (l->held_used - done >= piece || (all && l->held_used > done)) {
        size_t rest = l->held_used - done, n = rest < PIECE_MAX ? rest : PIECE_MAX;
        if (send_audio(l, l->held + done, n) != VOICEGW_OK)
            live_host_of(l)->count(live_host_of(l), "audio_dropped", 1);
        done += n;
        l->sent += n / l->width;
        l->sent_fresh += n / l->width;
        l->sent_us = live_host_of(l)->now_us(live_host_of(l));
    }
    memmove(l->held, l->held + done, l->held_used - done);
    l->held_used -= done;
}

void live_commit(struct live *l)
{
    const char *text = l->home->dialect->commit;
    live_send_held(l, true);
    if (l->state == OPEN && text && live_send_text(l, text, strlen(text)) != VOICEGW_OK)
        live_host_of(l)->count(live_host_of(l), "messages_dropped", 1);
    l->sent_fresh = 0;
}
