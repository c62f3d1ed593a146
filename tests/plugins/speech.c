#include "speech.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const utterances[UTTERANCES] = {"hello i would like to book a room for two nights please",
                                            "can you tell me the status of my order",
                                            "i need to speak with an agent about my bill",
                                            "what time does the hotel restaurant open tomorrow morning",
                                            "please cancel my reservation for friday",
                                            "yes that is correct thank you goodbye",
                                            "one two three four five six seven",
                                            "nine zero eight two five",
                                            "four four one seven three six two eight",
                                            "my room number is three one four",
                                            "yes",
                                            "no",
                                            "transfer me to reception",
                                            "i want to extend my stay"};

static uint64_t position, noise_seed = 1;

const char *utterances_json(void)
{
    static char json[2048];
    size_t n = 0;
    for (int i = 0; i < UTTERANCES; i++)
        n += (size_t)snprintf(json + n, sizeof json - n, "%s\"%s\"", i ? "," : "[", utterances[i]);
    (void)snprintf(json + n, sizeof json - n, "]");
    return json;
}

static void die(const char *what, const char *sentence)
{
    (void)fprintf(stderr, "%s: %s\n", what, sentence);
    exit(1);
}

struct engine engine_start(const char *folder, const char *plugin, const char *kind, const char *options_json)
{
    char path[1024];
    struct engine e = {0};
    (void)snprintf(path, sizeof path, "%s/%s.so", folder, plugin);
    const struct voicegw_plugin *p = fakehost_load(path);
    e.factory = fakehost_factory(p, kind);
    if (!e.factory)
        die(path, "has no factory of this kind");
    e.fake = fakehost_new(e.factory, options_json);
    if (e.factory->create(fakehost_host(e.fake), fakehost_options(e.fake), &e.instance) != VOICEGW_OK ||
        e.factory->start(e.instance) != VOICEGW_OK)
        die(plugin, fakehost_error(e.fake));
    e.operations = e.factory->get_extension(e.instance, kind);
    return e;
}

int engine_stop(struct engine *e)
{
    if (e->factory->drain)
        e->factory->drain(e->instance);
    fakehost_run(e->fake);
    if (e->factory->drain && fakehost_count(e->fake, "drained") != 1)
        die("engine_stop", "drained was not told once");
    e->factory->destroy(e->instance);
    return fakehost_free(e->fake);
}

uint8_t *speech_say(struct engine *tts, const char *voice, const char *text, size_t *ret_bytes)
{
    const struct voicegw_tts *ops = tts->operations;
    const struct voicegw_audio_format ulaw = {sizeof ulaw, VOICEGW_AUDIO_PCMU, 8000, 20};
    struct voicegw_tts_params params = {
        .size = sizeof params, .formats = &ulaw, .format_count = 1, .voice = voice, .language = "en-US"};
    void *stream;
    uint32_t format;
    if (ops->open(tts->instance, FAKEHOST_STREAM, &params, &stream, &format) != VOICEGW_OK)
        die("open", fakehost_error(tts->fake));
    fakehost_forget(tts->fake);
    (void)ops->speak(stream, 1, text, VOICEGW_SPEAK_LAST);
    fakehost_run(tts->fake);
    const uint8_t *audio = fakehost_audio(tts->fake, ret_bytes);
    uint8_t *own = malloc(*ret_bytes + 1);
    if (!own)
        abort();
    memcpy(own, audio, *ret_bytes);
    ops->close(stream);
    fakehost_run(tts->fake);
    return own;
}

void *speech_open(struct engine *stt, const char *hints_json, uint32_t interim)
{
    const struct voicegw_stt *ops = stt->operations;
    const struct voicegw_audio_format ulaw = {sizeof ulaw, VOICEGW_AUDIO_PCMU, 8000, 20};
    struct voicegw_stt_params params = {.size = sizeof params,
                                        .formats = &ulaw,
                                        .format_count = 1,
                                        .interim = interim,
                                        .language = "en-US",
                                        .hints_json = hints_json};
    void *stream;
    uint32_t format;
    if (ops->open(stt->instance, FAKEHOST_STREAM, &params, &stream, &format) != VOICEGW_OK)
        die("open", fakehost_error(stt->fake));
    fakehost_run(stt->fake);
    return stream;
}

/* Line noise of a few steps about zero: what a quiet telephone line carries. */
static uint8_t line_noise(void)
{
    static const uint8_t steps[] = {0xff, 0xfe, 0x7e, 0x7f, 0xff, 0x7f, 0xfd, 0x7d};
    noise_seed = noise_seed * 6364136223846793005u + 1442695040888963407u;
    return steps[(noise_seed >> 33) % sizeof steps];
}

static void push(struct engine *stt, void *stream, const uint8_t *ulaw, size_t bytes)
{
    const struct voicegw_stt *ops = stt->operations;
    uint8_t frame_data[160];
    for (size_t at = 0; at < bytes; at += sizeof frame_data) {
        for (size_t i = 0; i < sizeof frame_data; i++)
            frame_data[i] = ulaw && at + i < bytes ? ulaw[at + i] : line_noise();
        struct voicegw_frame frame = {.size = sizeof frame,
                                      .encoding = VOICEGW_AUDIO_PCMU,
                                      .rate = 8000,
                                      .timestamp = position,
                                      .data = frame_data,
                                      .bytes = sizeof frame_data,
                                      .samples = sizeof frame_data};
        (void)ops->push(stream, &frame);
        position += frame.samples;
        fakehost_run(stt->fake);
    }
}

const struct fakehost_report *speech_hear(struct engine *stt, void *stream, uint64_t utterance, const uint8_t *ulaw,
                                          size_t bytes)
{
    const struct voicegw_stt *ops = stt->operations;
    push(stt, stream, NULL, 2400);
    size_t lead = bytes < 1600 ? bytes : 1600; /* a detector needs some speech to find its start */
    push(stt, stream, ulaw, lead);
    (void)ops->speech(stream, utterance, 1, position - lead);
    push(stt, stream, ulaw + lead, bytes - lead);
    push(stt, stream, NULL, 3200);
    (void)ops->speech(stream, utterance, 0, position);
    (void)ops->finalize(stream, utterance);
    fakehost_run(stt->fake);
    return fakehost_last(stt->fake, "final");
}

void speech_close(struct engine *stt, void *stream)
{
    ((const struct voicegw_stt *)stt->operations)->close(stream);
    fakehost_run(stt->fake);
}

double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

long resident_kb(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
            resident = 0;
        (void)fclose(f);
    }
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}
