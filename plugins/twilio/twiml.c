#include "twiml.h"
#include <stdio.h>
#include <string.h>
#include "form.h"
#include "voicegw/xml.h"

static void add(struct twiml *t, const char *text, size_t bytes)
{
    if (t->failed || bytes >= sizeof t->text - t->bytes) {
        t->failed = 1;
        return;
    }
    memcpy(t->text + t->bytes, text, bytes);
    t->bytes += bytes;
}

static void adds(struct twiml *t, const char *text)
{
    add(t, text, strlen(text));
}

static void add_escaped(struct twiml *t, const char *text)
{
    char clean[512], escaped[6 * sizeof clean];
    size_t left = strlen(text);
    /* Piece by piece, so that no text needs a buffer of its own; a piece ends between characters. */
    while (left > 0) {
        size_t take = left < sizeof clean - 1 ? left : sizeof clean - 1;
        while (take < left && take > sizeof clean - 5 && ((unsigned char)text[take] & 0xc0u) == 0x80u)
            take--;
        size_t n = form_clean(text, take, clean, sizeof clean);
        if (voicegw_xml_escapen(clean, n, escaped, sizeof escaped) < 0)
            t->failed = 1;
        else
            adds(t, escaped);
        text += take;
        left -= take;
    }
}

static void seal(struct twiml *t)
{
    if (t->open)
        adds(t, ">");
    t->open = 0;
}

void twiml_begin(struct twiml *t)
{
    t->bytes = 0;
    t->depth = t->open = t->failed = 0;
    adds(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    twiml_open(t, "Response");
}

void twiml_open(struct twiml *t, const char *tag)
{
    seal(t);
    if (t->depth == TWIML_DEPTH) {
        t->failed = 1;
        return;
    }
    t->tags[t->depth++] = tag;
    adds(t, "<");
    adds(t, tag);
    t->open = 1;
}

void twiml_attr(struct twiml *t, const char *name, const char *value)
{
    if (!value)
        return;
    adds(t, " ");
    adds(t, name);
    adds(t, "=\"");
    add_escaped(t, value);
    adds(t, "\"");
}

void twiml_attr_int(struct twiml *t, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    twiml_attr(t, name, text);
}

void twiml_text(struct twiml *t, const char *text)
{
    seal(t);
    add_escaped(t, text);
}

void twiml_close(struct twiml *t)
{
    if (t->depth == 0) {
        t->failed = 1;
        return;
    }
    t->depth--;
    if (t->open) {
        adds(t, "/>");
        t->open = 0;
        return;
    }
    adds(t, "</");
    adds(t, t->tags[t->depth]);
    adds(t, ">");
}

void twiml_leaf(struct twiml *t, const char *tag, const char *text)
{
    twiml_open(t, tag);
    twiml_text(t, text);
    twiml_close(t);
}

int64_t twiml_end(struct twiml *t)
{
    while (t->depth > 0)
        twiml_close(t);
    if (t->failed) {
        t->text[0] = '\0';
        return VOICEGW_ELIMIT;
    }
    t->text[t->bytes] = '\0';
    return (int64_t)t->bytes;
}

void twiml_say(struct twiml *t, const char *text, const char *voice, const char *language)
{
    twiml_open(t, "Say");
    twiml_attr(t, "voice", voice && *voice ? voice : "alice");
    if (language && *language)
        twiml_attr(t, "language", language);
    twiml_text(t, text);
    twiml_close(t);
}

void twiml_pause(struct twiml *t, int64_t seconds)
{
    twiml_open(t, "Pause");
    twiml_attr_int(t, "length", seconds < 1 ? 1 : seconds);
    twiml_close(t);
}

int64_t twiml_apology(struct twiml *t, const char *text)
{
    twiml_begin(t);
    twiml_say(t, text, NULL, NULL);
    twiml_open(t, "Hangup");
    twiml_close(t);
    return twiml_end(t);
}
