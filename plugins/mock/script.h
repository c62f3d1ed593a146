/* script.h - what a simulated caller does: steps from JSON, and an engine that is a function of what was heard and the
 * time. Pure: no I/O, no clock. One run belongs to one thread. */
#ifndef MOCK_SCRIPT_H
#define MOCK_SCRIPT_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/json.h"

#define MOCK_STEPS_MAX 1000u
#define MOCK_TEXT_CAP 1024u       /* longest text of a step, with its NUL */
#define MOCK_SEEN_MAX 64u         /* things that happened and no expect has asked for yet */
#define MOCK_SILENCE_US 700000    /* the gateway has ended its turn; pauses between its sentences are shorter */
#define MOCK_PATIENCE_US 30000000 /* longest wait for the gateway to fall silent, or to begin for barge_in */
#define MOCK_EXPECT_US 10000000   /* `within` where a step gives none */
#define MOCK_HEARD_FRAMES 5u      /* frames with sound that make an answer audible: 100 ms */

enum mock_do {
    MOCK_SAY,
    MOCK_WAV,
    MOCK_TONES,
    MOCK_PAUSE,
    MOCK_NOISE,
    MOCK_BARGE_IN,
    MOCK_HOLD,
    MOCK_EXPECT,
    MOCK_HANGUP
};

struct mock_step {
    enum mock_do what;
    int64_t time_us; /* pause, noise, hold: how long; barge_in: after; expect: within */
    double db;       /* noise: level against full scale */
    char *text;      /* say, barge_in, expect: text; wav: file; dtmf: digits. NULL when absent */
    char *voice;     /* say, barge_in; NULL: the option caller_voice */
    char *event;     /* expect */
    char *dtmf;      /* expect */
};

struct mock_script {
    char *id, *from, *to; /* "" when absent */
    uint32_t count;
    uint32_t refs; /* kept by those who share it */
    struct mock_step *steps;
};

/** A script from {"id","from","to","steps":[…]}. A step is {"say": {"text": …}}, {"say": "…"}, {"type": "say", "text":
 * …} or "hangup". 0 and a script with one reference, or VOICEGW_EINVALID (ELIMIT: memory) and a sentence in `why`. */
int32_t mock_script_parse(struct voicegw_json doc, struct mock_script **ret, char *why, size_t why_cap);
/** Takes NULL. */
void mock_script_free(struct mock_script *script);
/** "say", "wav" … */
const char *mock_step_name(enum mock_do what);
/** 1: `words` stand in `text` in a row, whatever their case and what stands between them. No words: 1. */
int mock_words_in(const char *text, const char *words);
/** Does `text` match a pattern with '*' and '?'? */
int mock_glob(const char *pattern, const char *text);

/* ---- a run ---- */

enum mock_act {
    MOCK_ACT_NONE,    /* nothing more now */
    MOCK_ACT_PREPARE, /* make the audio of `step` ready */
    MOCK_ACT_PLAY,    /* send it; mock_run_spoken() when the last of it was sent */
    MOCK_ACT_HOLD,    /* put the gateway on hold */
    MOCK_ACT_RESUME,
    MOCK_ACT_FAILED, /* an expectation was not met: mock_run.failed_*; HANGUP follows */
    MOCK_ACT_HANGUP  /* the caller hangs up: nothing follows */
};

struct mock_seen {
    char *event, *text; /* text: NULL where there is none */
    char digit;         /* or 0 */
};

struct mock_run {
    const struct mock_script *script;
    int64_t silence_us; /* of the gateway, before the caller takes the turn */
    uint32_t at;        /* index of the step that runs */
    uint32_t phase;     /* private */
    int64_t since_us, onset_us, heard_us;
    uint32_t voiced;     /* frames with sound since the last expect was met */
    uint32_t digits_met; /* of the running expect's dtmf */
    uint32_t text_met, event_met;
    uint32_t failed, over;
    uint32_t failed_step; /* from 1 */
    char expected[256], got[256];
    struct mock_seen seen[MOCK_SEEN_MAX];
    uint32_t seen_count;
};

/** `silence_us`: how long the gateway must be silent before the caller speaks; 0: MOCK_SILENCE_US. */
void mock_run_begin(struct mock_run *run, const struct mock_script *script, int64_t silence_us, int64_t now_us);
void mock_run_end(struct mock_run *run);
/** 20 ms of the gateway's audio was played to the caller. */
void mock_run_heard(struct mock_run *run, int64_t now_us, int voiced);
/** The audio of the last PLAY is over; or could not be made: then a sentence. */
void mock_run_spoken(struct mock_run *run, int64_t now_us, const char *problem);
/** Something happened to this call; `text` is what the gateway says, or NULL. */
void mock_run_event(struct mock_run *run, const char *event, const char *text);
void mock_run_digit(struct mock_run *run, char digit);
/** The next thing to do; call again until MOCK_ACT_NONE. `*ret_step` for PREPARE and PLAY. */
enum mock_act mock_run_next(struct mock_run *run, int64_t now_us, const struct mock_step **ret_step);
/** The gateway ended the call. 1: the script had nothing more to do but to see that. */
int mock_run_cut(struct mock_run *run);
#endif
