/* talk_private.h - the talk's inside, shared by talk.c (life and messages), listen.c (the caller), speak.c (we), answer.c (the assistant), gather.c
 * and report.c only. Everything here runs on the leg's worker unless said otherwise. */
#ifndef VGW_TALK_PRIVATE_H
#define VGW_TALK_PRIVATE_H
#include "base/buf.h"
#include "base/id.h"
#include "base/list.h"
#include "base/log.h"
#include "base/time.h"
#include "media/preroll.h"
#include "media/resample.h"
#include "talk/talk.h"

#define VGW_TALK_PENDING_MS 120000 /* synthesised audio that waits for room in the queue */
#define VGW_TALK_SPEECHES 64       /* utterances that wait to be spoken */
#define VGW_TALK_VOICES 4          /* synthesis streams kept open, by voice and language */
#define VGW_TALK_FINAL_TIMEOUT_US (5 * VGW_US_PER_S) /* an engine that gives no final in this time is passed over */
#define VGW_TALK_PARTIAL_GAP_US (100 * VGW_US_PER_MS)

enum vgw_speech_kind { VGW_SPEECH_SAY, VGW_SPEECH_PLAY, VGW_SPEECH_ANSWER, VGW_SPEECH_PROMPT };

struct vgw_speech { /* one utterance of ours, in the order of speaking */
    struct vgw_list link;
    uint64_t utterance;
    enum vgw_speech_kind kind;
    uint64_t op;   /* completes when heard; 0: none */
    uint64_t turn; /* of the assistant, for VGW_SPEECH_ANSWER */
    bool interruptible;
    struct vgw_buf text;   /* all of it so far */
    size_t spoken;         /* bytes given to the synthesis */
    bool text_done;        /* no more text follows */
    bool synth_done;       /* no more audio follows */
    bool begun, finished;  /* in the leg's queue: opened, closed */
    bool looped;
    struct vgw_tts_stream *voice;
    struct vgw_buf pending; /* audio waiting for room */
    enum vgw_encoding encoding;
    uint32_t rate_hz;
    uint64_t samples; /* synthesised so far, at rate_hz */
};

struct vgw_tts_stream {
    struct vgw_engine_stream es;
    struct vgw_talk *talk;
    char voice[64], language[32];
    uint32_t engine_index;
    int64_t used_us;
};

struct vgw_turn_times { /* 0: not reached; the loop's clock */
    int64_t speech_end_us, final_us, first_text_us, first_byte_us, first_frame_us;
};

struct vgw_gather {
    uint64_t op; /* 0: none */
    bool speech, dtmf, prompt_done;
    uint32_t num_digits;
    char finish_on;
    int64_t timeout_us;
    char digits[65];
    uint32_t digit_count;
};

struct vgw_talk {
    struct vgw_talk_params p;
    const struct vgw_talk_home *home;
    char session[VGW_ID_MAX], call_id[VGW_ID_MAX], provider[64];
    struct vgw_log_scope scope;
    struct vgw_leg *leg;
    uint64_t leg_handle;
    struct vgw_loop *worker;
    struct vgw_talk_begin *cfg; /* NULL before begin */
    struct vgw_talk_options options;
    bool ending, started, on_hold;
    struct vgw_list waiting; /* commands until media is up */

    /* listen.c */
    struct vgw_engine_stream stt;
    uint32_t stt_index;
    struct voicegw_audio_format stt_format;
    struct vgw_resampler *stt_resampler;
    struct vgw_preroll *preroll;
    uint64_t utterance;    /* of the caller; grows */
    bool caller_speaking, hearing; /* voice activity; an utterance is open at the recognizer */
    bool awaiting_final;
    bool over_speech;      /* the utterance began while we spoke */
    int64_t speech_start_us, speech_end_us;
    struct vgw_timer endpoint_timer, barge_timer, final_timer, no_input_timer;
    uint32_t reprompts, no_matches;
    char partial[512];
    int64_t partial_told_us;

    /* speak.c */
    struct vgw_list speeches;
    uint32_t speech_count;
    uint64_t next_utterance;
    struct vgw_tts_stream *voices[VGW_TALK_VOICES];

    /* answer.c */
    struct vgw_engine_stream assistant, audio;
    struct vgw_engine assistant_engine;
    uint64_t turn; /* of the assistant */
    bool thinking;
    bool answered;         /* the present turn brought text */
    struct vgw_turn_times times;
    struct vgw_timer filler_timer;
    struct vgw_list after_speech; /* actions that wait until all was heard */
    uint64_t assistant_op; /* of the command that switched to this assistant */
    uint32_t turns_used;

    struct vgw_gather gather;
    struct vgw_timer gather_timer;
    uint32_t closing; /* engine streams that have not closed yet */
    struct vgw_task gone_task;
};

/* report.c: to control. Take ownership of JSON. */
void vgw_talk_tell(struct vgw_talk *t, const char *what, const char *text, uint64_t number, int status, struct vgw_json *json);
void vgw_talk_event(struct vgw_talk *t, const char *type, struct vgw_json *data);
void vgw_talk_complete(struct vgw_talk *t, uint64_t op, int status, const char *sentence, struct vgw_json *result);
void vgw_talk_transcript(struct vgw_talk *t, const char *role, const char *content, double latency_ms, double confidence, bool interrupted,
                         struct vgw_json *stages);
void vgw_talk_activity(struct vgw_talk *t);

/* listen.c */
void vgw_talk_listen_start(struct vgw_talk *t);
void vgw_talk_listen_end(struct vgw_talk *t);
void vgw_talk_on_pcm(void *arg, const int16_t *pcm, uint64_t sample);
void vgw_talk_on_vad(void *arg, enum vgw_vad_event_kind kind, uint64_t sample);
void vgw_talk_on_digit(void *arg, char digit, uint32_t duration_ms, const char *source);
void vgw_talk_hints(struct vgw_talk *t, const char *hints_json);
/** We have fallen silent: the caller's time to speak begins. */
void vgw_talk_await_caller(struct vgw_talk *t);

/* speak.c */
/** Queues an utterance; *ret_speech may take more text by vgw_speech_text(). */
int vgw_speech_new(struct vgw_talk *t, enum vgw_speech_kind kind, uint64_t op, bool interruptible, const char *voice, const char *language,
                   struct vgw_speech **ret_speech, struct vgw_error *err);
void vgw_speech_text(struct vgw_talk *t, struct vgw_speech *s, const char *text, bool last);
/** Says a text of ours (greeting, prompt, filler). */
void vgw_talk_prompt(struct vgw_talk *t, const char *text, uint64_t op, bool interruptible, enum vgw_speech_kind kind);
int vgw_talk_play(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, struct vgw_error *err);
void vgw_talk_speak_pump(struct vgw_talk *t);
void vgw_talk_on_started(void *arg, uint64_t utterance);
void vgw_talk_on_played(void *arg, uint64_t utterance, uint64_t heard_samples, bool complete);
/** Cuts what may be cut: clears the queue, drops what waits. Returns false when nothing could be cut. */
bool vgw_talk_interrupt(struct vgw_talk *t);
/** Is something of ours being spoken or about to be? */
bool vgw_talk_speaking(const struct vgw_talk *t);
void vgw_talk_speak_end(struct vgw_talk *t);

/* answer.c */
void vgw_talk_assistant_start(struct vgw_talk *t);
void vgw_talk_assistant_end(struct vgw_talk *t);
int vgw_talk_assistant_switch(struct vgw_talk *t, const struct vgw_engine *engine, uint64_t op, struct vgw_error *err);
/** A caller's turn (or its absence: flags) goes to the assistant. False when there is none. */
bool vgw_talk_ask(struct vgw_talk *t, const char *text, double confidence, uint32_t flags);
/** The assistant is told how much of its answer was heard, the answer's line is written. `s` was an answer. */
void vgw_talk_answer_heard(struct vgw_talk *t, struct vgw_speech *s, uint64_t heard_samples, bool complete);
bool vgw_talk_assistant_digit(struct vgw_talk *t, char digit);
void vgw_talk_all_heard(struct vgw_talk *t);
void vgw_talk_first_frame(struct vgw_talk *t, struct vgw_speech *s);

/* gather.c */
int vgw_talk_gather(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, struct vgw_error *err);
bool vgw_talk_gather_digit(struct vgw_talk *t, char digit);
bool vgw_talk_gather_speech(struct vgw_talk *t, const char *text, double confidence);
void vgw_talk_gather_quiet(struct vgw_talk *t);
void vgw_talk_gather_end(struct vgw_talk *t, int status, const char *input, const char *text, double confidence);

/* talk.c: an engine stream has closed (or never opened). */
void vgw_talk_closed(struct vgw_talk *t);
#endif
