/* fuzz_speech_wire.c - any octets as a message of each speech vendor, as an answer of a transcription server, and as
 * the beginning of a WAV file: what is read of them stays within its room and is text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/assemblyai/assemblyai.h"
#include "../../plugins/deepgram/deepgram.h"
#include "../../plugins/elevenlabs/elevenlabs.h"
#include "../../plugins/openai/speech.h"
#include "../../plugins/whisper/whisper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int promise)
{
    if (!promise)
        abort();
}

static void listen_to(void (*read)(struct voicegw_json, struct live_news *), struct voicegw_json message)
{
    static const struct live_dialect dialect = {.word_names = {"word", "start", "end", "confidence"},
                                                .word_unit_ms = 1000};
    static struct live_news news;
    static struct live_said said;
    memset(&news, 0, sizeof news);
    news.confidence = news.start_s = news.end_s = -1;
    read(message, &news);
    live_said_clear(&said);
    for (unsigned i = 0; i < 3; i++)
        (void)live_said_take(&said, &dialect, &news);
    expect(strlen(said.text) < sizeof said.text && said.settled <= strlen(said.text));
    expect(said.words_used < sizeof said.words && strlen(said.words) == said.words_used);
    expect(news.status <= 0 && strlen(news.sentence) < sizeof news.sentence);
}

static void read_answer(void (*read)(struct voicegw_json, struct batch_answer *), struct voicegw_json message)
{
    static struct batch_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.status = 1;
    read(message, &answer);
    batch_tidy(answer.text);
    expect(strlen(answer.text) < sizeof answer.text && answer.status <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wav_format format = {.head_bytes = 0};
    char out[600], phrases[200];
    if (size && wav_head(data, size, &format) == 1)
        expect(format.head_bytes <= size && format.rate >= 8000 && format.rate <= 48000);
    if (size > 65536 || !voicegw_json_valid((const char *)data, size))
        return 0;
    struct voicegw_json message = voicegw_json_ofn((const char *)data, size);
    listen_to(deepgram_read, message);
    listen_to(elevenlabs_read, message);
    listen_to(assemblyai_read, message);
    read_answer(openai_transcript_read, message);
    read_answer(whisper_read, message);
    expect(vendor_refusal("V", 429, data, size, out, sizeof out) == VOICEGW_ERATELIMIT && strlen(out) < sizeof out);
    char *text = calloc(1, size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    batch_phrases(text, phrases, sizeof phrases);
    expect(strlen(phrases) < sizeof phrases);
    free(text);
    return 0;
}
