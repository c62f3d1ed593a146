/* fuzz_stream_wire.c - any octets as a frame of a media stream in Twilio's format: the fast path says nothing that the
 * whole parser denies. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/mock/script.h"
#include "../../plugins/common/stream_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int promise)
{
    if (!promise)
        abort();
}

static void check_agreement(const struct stream_media *fast, const uint8_t *audio, const struct stream_wire *w)
{
    char text[4096];
    uint8_t slow[4096];
    size_t used;
    expect(w->event == STREAM_MEDIA && w->media.sequence == fast->sequence && w->media.chunk == fast->chunk &&
           w->media.timestamp_ms == fast->timestamp_ms && w->media.outbound == fast->outbound);
    int64_t n = voicegw_json_string(w->payload, text, sizeof text);
    expect(n >= 0);
    expect(base64_decode(text, (size_t)n, slow, sizeof slow, &used) == (int64_t)fast->bytes && used == (size_t)n);
    expect(memcmp(slow, audio, fast->bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t audio[STREAM_FAST_PAYLOAD];
    struct stream_media media;
    struct stream_wire w;
    const char *why = NULL;
    char problem[256];
    struct mock_script *script;
    char *copy = malloc(size + 1); /* exact, so that a read beyond the end is seen */
    memcpy(copy, data, size);
    int fast = stream_wire_media(copy, size, audio, sizeof audio, &media);
    int32_t rc = stream_wire_parse(copy, size, &w, &why);
    expect(rc == VOICEGW_OK || why != NULL);
    if (fast) {
        expect(rc == VOICEGW_OK);
        check_agreement(&media, audio, &w);
    }
    if (rc == VOICEGW_OK && w.event == STREAM_MARK)
        (void)stream_wire_mark_id(w.mark);
    if (mock_script_parse(voicegw_json_ofn(copy, size), &script, problem, sizeof problem) == VOICEGW_OK)
        mock_script_free(script);
    free(copy);
    return 0;
}
