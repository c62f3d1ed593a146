/* talk_fake.h - a whole conversation in virtual time: a provider's media, recognizers, voices and assistants that do as
 * they are told. */
#ifndef VGW_TESTS_TALK_FAKE_H
#define VGW_TESTS_TALK_FAKE_H
#include <stdbool.h>
#include <stdint.h>
#include "base/id.h"
#include "base/json.h"
#include "base/time.h"
#include "loop/driver.h"
#include "talk/talk.h"

#define MS VGW_US_PER_MS
#define S VGW_US_PER_S
#define FAKE_ENGINES 3
#define FAKE_OPS 512
#define FAKE_NOTES 4096

struct fake;
/* One engine instance: what it does is set by the test. */
struct fake_engine {
    struct fake *f;
    const char *name;
    int opened, closed; /* streams */
    /* recognizer */
    const char *partial, *said; /* the partial 200 ms into speech; the final's text */
    const char *says[8];        /* finals one after another, when set */
    int say_at;
    int64_t final_us;  /* after finalize */
    const char *tail;  /* a partial that comes at half of that time */
    int64_t breaks_us; /* after it was opened the stream breaks; 0: it holds */
    bool no_final, no_close, fail_on_final, own_ends;
    uint64_t pushed; /* samples */
    int finalized, hinted;
    char hints[128];
    /* voice */
    int64_t byte_us;    /* until the first audio */
    uint32_t ms_a_char; /* of audio */
    bool fail_on_speak, refuse_open, align;
    bool mute_voice;       /* takes text and gives nothing */
    uint32_t falls_silent; /* ms of audio after which nothing more comes; 0: never */
    int64_t failover_us;
    struct vgw_engine_health *health;
    int cancelled;
    int64_t credit_ms, made_ms;
    char spoken[1024];
    /* assistant */
    const char *answer; /* to each turn; NULL: nothing but done */
    int64_t answer_us, done_us;
    const char *action, *action_params;
    int dtmf_takes; /* digits that are consumed, then 0 is answered */
    bool no_done, no_answer;
    int32_t turn_fails; /* the status that a turn ends with, before any text */
    char history[512];
    int turns, interrupts;
    uint32_t turn_flags[64];
    char turn_text[64][96];
    char digits[64];
    char interrupted[256];
    uint32_t interrupted_ms;
    char tool_result[128]; /* the last: its call, its status, what was told */
    int tool_results;
    uint64_t last_turn, last_handle;
    uint32_t audio_flags;
    char truncated[32];
};

struct fake_note {
    int64_t at_us;
    char what[16]; /* event, turn, complete, action … */
    char type[48];
    struct vgw_json *json;
    uint64_t op;
    int status;
};

struct fake {
    struct vgw_driver *d;
    struct vgw_loop *control, *worker;
    struct vgw_pool *pool;
    struct vgw_rng rng;
    struct vgw_talk *talk;
    struct vgw_talk_home home;
    uint64_t leg;
    /* the provider */
    struct voicegw_provider_media media;
    uint32_t encoding, rate;
    int attached, detached;
    bool up_on_attach, no_detach, no_marks, refuse_attach;
    int busy_frames; /* so many sends are answered EBUSY */
    uint64_t sent, sent_bytes, clears, marks;
    uint32_t epoch, low_epoch; /* newest cleared; frames of an older one */
    int after_clear_frames;
    int64_t last_send_us, max_gap_us;
    uint64_t loud; /* frames that were not silence */
    int64_t last_loud_us;
    uint8_t last_frame[2048];
    uint64_t held_mark[64];
    int held_marks;
    int64_t mark_us; /* how long the far side takes */
    /* the caller */
    const int16_t *line; /* what the caller sends, or NULL: silence */
    size_t line_left;
    bool hung_up, line_dead;
    struct vgw_timer line_timer;
    uint64_t line_at;
    /* what control heard */
    struct fake_note notes[FAKE_NOTES];
    size_t note_count;
    int ops_done[FAKE_OPS];
    int gone, ups, losts, given, released;
    char released_names[512];
    struct vgw_json *summary;
    struct fake_engine stt[FAKE_ENGINES], tts[FAKE_ENGINES], assistant[FAKE_ENGINES];
    uint64_t next_op, tool_by;
    uint32_t stand_ins; /* assistants behind the first */
    bool shadow;        /* stt[2] hears what stt[0] hears */
};

/* A conversation that is ready to begin: one recognizer, one voice, one assistant. */
struct fake *fake_new(uint64_t seed);
/** The call is connected: media up, begin. `stt`, `tts`: how many of the engines. */
void fake_begin(struct fake *f, uint32_t stt, uint32_t tts, bool assistant, const char *greeting,
                const char *talk_yaml_json);
/** Checks that all is closed exactly once and nothing is left, after ending the call. */
void fake_end(struct fake *f);
void fake_free(struct fake *f);
void fake_run(struct fake *f, int64_t us);
/** The caller says `ms` of a real clip (or is silent); starts now. */
void fake_speak(struct fake *f, uint32_t ms);
void fake_silence(struct fake *f);
uint64_t fake_command(struct fake *f, const char *command, const char *params_json);
void fake_digit(struct fake *f, char digit);
/** How often control heard it; the n-th of them (0: first, -1: last). */
size_t fake_count(const struct fake *f, const char *what, const char *type);
const struct fake_note *fake_note(const struct fake *f, const char *what, const char *type, int n);
const char *fake_text(const struct fake_note *n, const char *key);
/** How an op was completed; NULL: not yet. */
const struct fake_note *fake_done(const struct fake *f, uint64_t op);
void fake_wav(const char *path, uint32_t rate_hz, size_t samples, int16_t value);
void fake_engine_of(struct fake *f, struct fake_engine *e, struct vgw_engine *out);
extern const struct voicegw_stt fake_stt, fake_stt_ends;
extern const struct voicegw_tts fake_tts;
extern const struct voicegw_assistant fake_assistant;
extern const struct voicegw_assistant_audio fake_loopback, fake_live;
#endif
