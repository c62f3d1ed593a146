/* fuzz_relay_wire.c - any octets as a message of an application that speaks ConversationRelay: what is taken has what
 * its kind promises. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/status.h"
#include "../../plugins/conversationrelay/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_message m;
    const char *why = NULL;
    char *copy = malloc(size + 1), *text = malloc(size + 1); /* exact, so that a read beyond the end is seen */
    memcpy(copy, data, size);
    if (wire_parse(copy, size, &m, &why) == VOICEGW_OK) {
        if (m.kind == WIRE_TEXT || m.kind == WIRE_PLAY || m.kind == WIRE_DIGITS)
            expect(voicegw_json_string(m.text, text, size + 1) >= 0);
        expect(m.kind != WIRE_LANGUAGE || m.tts.text || m.stt.text);
        expect(m.interruptible <= WIRE_UNSAID && m.last <= 1);
    } else {
        expect(why != NULL);
    }
    free(text);
    free(copy);
    return 0;
}
