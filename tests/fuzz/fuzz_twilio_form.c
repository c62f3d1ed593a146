/* fuzz_twilio_form.c - any octets as a webhook's form: decoded within its bounds, made fit, and harmless in a document.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/twilio/signature.h"
#include "../../plugins/twilio/verb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int promise)
{
    if (!promise)
        abort();
}

/* A text in an element and in an attribute: no more tags than were opened, no quote that ends the attribute. */
static void check_document(const char *text)
{
    static struct twiml t;
    size_t tags = 0, quotes = 0;
    twiml_begin(&t);
    twiml_open(&t, "Say");
    twiml_attr(&t, "voice", text);
    twiml_text(&t, text);
    if (twiml_end(&t) < 0)
        return;
    for (const char *p = t.text; *p; p++) {
        tags += *p == '<';
        quotes += *p == '"';
    }
    expect(tags == 5 && quotes == 6);
}

static void check_results(const struct form *f)
{
    char json[4096];
    for (int kind = VERB_SAY; kind <= VERB_REDIRECT; kind++) {
        int64_t n = verb_result((enum verb_kind)kind, f, json, sizeof json);
        expect(n < 0 || voicegw_json_valid(json, (uint64_t)n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct form f;
    const char *why = NULL;
    char text[1024], sid[TWILIO_SID_CAP], url[SIGNATURE_URL_MAX + 8];
    char *copy = malloc(size + 1); /* exact, so that a read beyond the end is seen */
    memcpy(copy, data, size);
    int32_t rc = form_parse(copy, size, &f, &why);
    expect(rc == VOICEGW_OK || why != NULL);
    for (size_t i = 0; rc == VOICEGW_OK && i < f.count; i++) {
        expect(f.fields[i].name[f.fields[i].name_bytes] == '\0' && f.fields[i].value[f.fields[i].value_bytes] == '\0');
        size_t n = form_clean(f.fields[i].value, f.fields[i].value_bytes, text, sizeof text);
        expect(n < sizeof text && strlen(text) == n);
        check_document(text);
    }
    if (rc == VOICEGW_OK) {
        expect(form_sid(&f, "CallSid", sid, sizeof sid) != VOICEGW_OK || form_count(&f, "CallSid") == 1);
        check_results(&f);
    }
    form_done(&f);
    copy[size] = '\0';
    for (unsigned n = 0; n < SIGNATURE_VARIANTS; n++)
        expect(signature_url(copy, n, url) < sizeof url);
    (void)twilio_date_us(copy);
    free(copy);
    return 0;
}
