/* stt.c - ElevenLabs as a recognizer. */
#include <stdlib.h>
#include <string.h>
#include "elevenlabs.h"

#define ROW(kind, named, ...)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }
#define MODEL "scribe_v2_realtime"

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("https://api.elevenlabs.io", 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    LIVE_OPTIONS,
    ROW(VOICEGW_OPTION_STRING, "model", .dflt = MODEL, .description = "The realtime model."),
    ROW(VOICEGW_OPTION_STRING, "language",
        .description = "Language instead of the call's, in two or three letters; auto lets the model find it."),
    ROW(VOICEGW_OPTION_DURATION, "silence", .dflt = "700ms", .min = 0.3, .max = 3,
        .description = "With turns: engine, the silence that ends a turn."),
};

static int64_t write_audio(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto,
                           const struct live_wish *wish, const void *data, uint64_t bytes, char *out, uint64_t cap)
{
    struct voicegw_text t = voicegw_text_of(out, cap);
    voicegw_text_add(&t, "{\"message_type\":\"input_audio_chunk\",\"commit\":false,\"sample_rate\":");
    voicegw_text_add_int(&t, wish->rate);
    voicegw_text_add(&t, ",\"audio_base_64\":\"");
    if (t.failed)
        return VOICEGW_ELIMIT;
    int64_t n = crypto->base64_encode(host, data, bytes, out + t.bytes, cap - t.bytes);
    if (n < 0)
        return n;
    t.bytes += (uint64_t)n;
    voicegw_text_add(&t, "\"}");
    return voicegw_text_finish(&t);
}

/* Octets of 0xff are silence in mu-law, and as good as that in linear audio. */
#define SLASHES_40 "////////////////////////////////////////"
#define SILENCE                                                                                                        \
    SLASHES_40 SLASHES_40 SLASHES_40 SLASHES_40 SLASHES_40 SLASHES_40 SLASHES_40 SLASHES_40 SLASHES_40 SLASHES_40

static const struct live_dialect dialect = {
    .vendor = "ElevenLabs",
    .word_names = {"text", "start", "end", "logprob"},
    .word_unit_ms = 1000,
    .piece_ms = 100,
    .keep_alive_ms = 5000,
    .keep_alive = "{\"message_type\":\"input_audio_chunk\",\"commit\":false,\"audio_base_64\":\"" SILENCE "\"}",
    .g711 = 1,
    .rate = 16000,
    .address = elevenlabs_address,
    .audio = write_audio,
    .commit = "{\"message_type\":\"input_audio_chunk\",\"commit\":true,\"audio_base_64\":\"\"}",
    .read = elevenlabs_read};

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct elevenlabs_ear *ear = calloc(1, sizeof *ear);
    if (!ear)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    ear->model = remote_or(host->option_string(host, given, "model"), MODEL);
    ear->language = remote_or(host->option_string(host, given, "language"), "");
    ear->vad_silence_s = (double)host->option_int(host, given, "silence", 700000) / 1e6;
    int32_t rc = live_home_init(&ear->home, host, given, &dialect);
    if (rc != VOICEGW_OK) {
        free(ear);
        return rc;
    }
    *ret_instance = ear;
    return VOICEGW_OK;
}

const struct voicegw_factory elevenlabs_stt_factory = {.size = sizeof elevenlabs_stt_factory,
                                                       .option_count = sizeof options / sizeof *options,
                                                       .kind = VOICEGW_KIND_STT,
                                                       .options = options,
                                                       .create = create,
                                                       .start = live_start,
                                                       .drain = live_drain,
                                                       .destroy = free,
                                                       .get_extension = live_extension};
