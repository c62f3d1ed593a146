/* talk_private.h - the talk's inside, shared by the files of this room only: talk.c (life), command.c, listen.c (voice
 * activity, digits, silence), recognize.c (the recognizer), deaf.c (when there is none), turn.c (what a caller's turn
 * leads to), speak.c (utterances into the queue), voice.c (synthesis), play.c (files), answer.c (the assistant), live.c
 * (one with a voice), wish.c (what it wishes of the talk), heard.c (what was heard of us), gather.c, report.c.
 * Everything here runs on the leg's worker unless said otherwise.
 */
#ifndef VGW_TALK_PRIVATE_H
#define VGW_TALK_PRIVATE_H
#include "base/buf.h"
#include "base/id.h"
#include "base/list.h"
#include "base/log.h"
#include "base/time.h"
#include "media/amd.h"
#include "media/preroll.h"
#include "media/resample.h"
#include "talk/sentiment.h"
#include "talk/talk.h"

#define VGW_TALK_PENDING_MS 120000                   /* synthesised audio that waits for room in the queue */
#define VGW_TALK_SPEECHES 64                         /* utterances that wait to be spoken */
#define VGW_TALK_VOICES 4                            /* synthesis streams kept open, by voice and language */
#define VGW_TALK_CREDIT_MS 30000                     /* what a synthesis may run ahead of the queue */
#define VGW_TALK_FINAL_TIMEOUT_US (5 * VGW_US_PER_S) /* an engine that gives no final in this time is passed over */
#define VGW_TALK_PARTIAL_GAP_US (100 * VGW_US_PER_MS)
#define VGW_TALK_TEXT_MAX 1024 /* of a partial, and of what is carried over a pause */

#define VGW_TALK_STEADY_US (10 * VGW_US_PER_S) /* a recognizer that held so long works, though nobody spoke */
#define VGW_TALK_KEPT_MS 20000                 /* of an utterance, for another engine to hear */
#define VGW_TALK_STAGE_US (30 * VGW_US_PER_S)  /* a voice or an assistant that nobody can stand in for */

struct vgw_ear { /* how one recognizer wants the caller's audio */
    struct voicegw_audio_format format;
    struct vgw_resampler *resampler;
};

struct vgw_kept_audio { /* mu-law, 8 kHz */
    struct vgw_buf bytes;
    uint64_t first_sample;
    size_t mark; /* where the newest utterance begins in it */
};

struct vgw_shadow;

enum vgw_speech_kind { VGW_SPEECH_SAY, VGW_SPEECH_PLAY, VGW_SPEECH_ANSWER, VGW_SPEECH_PROMPT, VGW_SPEECH_LIVE };

struct vgw_turn_times { /* 0: not reached; the loop's clock */
    int64_t speech_end_us, final_us, first_text_us, first_byte_us, first_frame_us;
};

#define VGW_TALK_LIVE 8 /* answers of an audio assistant that are heard before their text is told; the oldest goes */
struct vgw_live {       /* one of them */
    uint64_t utterance, turn;
    struct vgw_turn_times times;
    uint32_t heard_ms;
    bool over, cut;
};

struct vgw_speech { /* one utterance of ours, in the order of speaking */
    struct vgw_list link;
    uint64_t utterance;
    enum vgw_speech_kind kind;
    uint64_t op;   /* completes when heard; 0: none */
    uint64_t turn; /* of the assistant, for VGW_SPEECH_ANSWER and LIVE */
    bool interruptible;
    bool filler;          /* stands in front of what is waited for */
    uint32_t tried;       /* voices that broke before they said it */
    bool sensitive;       /* its text is for the caller alone */
    int64_t asked_us;     /* when it was asked for */
    struct vgw_buf text;  /* all of it so far */
    size_t spoken;        /* bytes given to the synthesis */
    bool text_done;       /* no more text follows */
    bool synth_done;      /* no more audio follows */
    bool begun, finished; /* in the leg's queue: opened, closed */
    int status;           /* negative: it could not be made, and why */
    char *sentence;
    struct vgw_voice *voice;
    struct vgw_buf pending; /* audio waiting for room */
    enum vgw_encoding encoding;
    uint32_t rate_hz;
    uint64_t samples;     /* made so far, at rate_hz */
    struct vgw_buf align; /* struct vgw_align: how far in the text is how far in the audio */
    char *item;           /* of a live assistant */
    struct vgw_turn_times times;
    /* VGW_SPEECH_PLAY */
    int16_t *clip;
    size_t clip_samples, clip_at;
    bool looped;
};

struct vgw_align {
    uint64_t samples;
    uint32_t characters;
};

struct vgw_voice {                /* a way to speak: the synthesis stream for one voice and language */
    struct vgw_engine_stream *es; /* NULL: no engine could be opened */
    struct vgw_talk *talk;
    char voice[64], language[32];
    uint32_t engine_index;
    bool other; /* speaks while the voice of the same name is waited for */
    int64_t used_us;
    struct vgw_timer stall_timer; /* armed while audio is owed */
};

#define VGW_TALK_HIDDEN "***" /* stands in for what is sensitive, as in logs */

#define VGW_TALK_HUSH_US                                                                                               \
    VGW_US_PER_S                    /* a recording stays silent so long after a sensitive gather: a tone rings out     \
                                     */
#define VGW_TALK_PACED_MS 10000     /* of a paced assistant's voice that waits behind what we say */
#define VGW_TALK_EARLY_DIGITS 15    /* pressed before the talk has begun: then they count */
#define VGW_TALK_EARLY_BYTES 4096   /* of the caller's newest audio that are kept until the talk has begun */
#define VGW_TALK_PACED_PAUSE_MS 100 /* more of a pause than this is left out while its voice is late */

#define VGW_TALK_SUMMARY_US (6 * VGW_US_PER_S) /* for the assistant to sum the conversation up */
struct vgw_summary;

struct vgw_deaf { /* all recognizers have failed, and none has shown since that it works */
    bool on;
    bool last_tried; /* the try before the end was made */
    uint32_t tries;
    int64_t since_us;
    struct vgw_timer reopen_timer; /* the next try; while a stream is open: until it counts as one that works */
    struct vgw_timer limit_timer;
};

struct vgw_gather {
    uint64_t op; /* 0: none */
    bool speech, dtmf, hinted;
    bool sensitive; /* what the caller says or types is for whoever asked alone */
    uint32_t num_digits, reprompts;
    bool asks_again; /* the step's own talk options say how */
    char finish_on;
    int64_t timeout_us;
    char digits[65];
    uint32_t digit_count;
};

struct vgw_talk {
    /* what each frame of an audio assistant looks at lies together */
    struct vgw_engine_stream *assistant, *audio;
    struct vgw_leg *leg;
    struct vgw_list speeches;
    bool ending, started, up_told;
    bool on_hold;     /* nothing of the caller is for anybody here: held, or set aside */
    bool held, aside; /* the call is on hold; joined with others */
    struct vgw_engine assistant_engine;

    struct vgw_talk_params p;
    const struct vgw_talk_home *home;
    const char *session, *call_id, *provider; /* in `names` */
    char *audio_root;
    struct vgw_log_scope scope;
    uint64_t leg_handle;
    struct vgw_loop *worker;
    struct vgw_talk_begin *cfg;                   /* NULL before begin */
    const struct vgw_talk_options *options;       /* shared with other calls */
    const struct vgw_talk_options *outer;         /* while a step has laid its own over them; else NULL */
    uint64_t outer_op;                            /* that step's operation */
    struct vgw_buf early;                         /* audio that came before the talk began */
    char early_digits[VGW_TALK_EARLY_DIGITS + 1]; /* and digits */
    bool end_asked;                               /* control's own */
    struct vgw_list waiting;                      /* commands until media is up */
    bool closing_all;                             /* on_end() is still asking all to close */

    /* listen.c, recognize.c */
    struct vgw_engine_stream *stt; /* NULL: none is open */
    uint32_t stt_index;
    uint32_t stt_tried;  /* engines that did not understand this utterance */
    uint32_t stt_losses; /* streams that broke since one was understood or held for long */
    int64_t stt_open_us; /* when this one was opened */
    struct vgw_deaf deaf;
    char *hints, *heard_language; /* told last, for a recognizer that is opened later; NULL: none */
    struct vgw_ear ear;
    struct vgw_kept_audio kept;
    struct vgw_shadow *shadow; /* NULL: none */
    struct vgw_preroll *preroll;
    struct vgw_amd *amd;           /* NULL: who answers is known, or nobody asks */
    uint64_t utterance;            /* of the caller; grows */
    uint64_t final_utterance;      /* whose final is awaited; 0: none */
    uint64_t final_seen;           /* whose final came last */
    bool caller_speaking, hearing; /* voice activity; an utterance is open at the recognizer */
    bool over_speech;              /* the utterance began while we spoke */
    bool over_protected;           /* and ended within what may not be cut */
    int64_t speech_start_us, speech_end_us;
    struct vgw_timer endpoint_timer, barge_timer, final_timer, no_input_timer;
    uint32_t reprompts, no_matches;
    struct vgw_sentiment sentiment;
    char *partial; /* VGW_TALK_TEXT_MAX bytes, as the next two; all are `no_text` while nothing is recognised here */
    char *carried; /* said before a pause that turned out not to be the end */
    char *late;    /* the newest partial of what came before such a pause, while its final is awaited */
    char no_text[1];
    int64_t partial_told_us;

    /* speak.c, voice.c */
    uint32_t speech_count;
    uint64_t next_utterance;
    struct vgw_voice *voices[VGW_TALK_VOICES];
    uint32_t tts_index; /* of the engine that speaks now */
    bool pumping, clearing;

    /* answer.c */
    bool assistant_held; /* assistant_engine.ref is to be given back */
    uint64_t turn;       /* of the assistant */
    uint64_t first_turn; /* that this assistant was given: those before were another's */
    bool thinking;
    bool turn_cut; /* the rest of this turn's answer is not wanted */
    struct vgw_turn_times times;
    struct vgw_timer filler_timer;
    struct vgw_timer answer_timer; /* armed while an answer is owed */
    char *asked;                   /* the turn that is being answered, while another could take it over */
    double asked_confidence;
    uint32_t asked_flags, stand_in_at, stand_ins_tried;
    bool answer_acted;            /* it used a tool or wished something in this turn */
    struct vgw_json *said;        /* [{"role","content"}] for whoever takes over */
    struct vgw_list after_speech; /* actions that wait until all was heard */
    uint64_t assistant_op;        /* of the command that switched to this assistant */
    uint32_t turns_used;
    struct vgw_talk_usage usage; /* of this assistant */

    uint32_t paced_quiet_ms; /* of a paced assistant that is late: how long it has paused */
    bool item_telling;       /* an audio assistant is being told what became of its item */
    struct vgw_live live[VGW_TALK_LIVE];
    uint32_t live_count;
    struct vgw_summary *summary; /* being made, or NULL */

    struct vgw_gather gather;
    struct vgw_timer gather_timer, hush_timer;
    uint64_t hidden_utterance; /* of the caller: begun within a sensitive gather, ended after it */
    struct vgw_list closing;   /* engine streams that have not closed yet */
    char names[];
};

/* summary.c: tells home.summary() once. */
void vgw_talk_summary_run(struct vgw_talk *t, uint64_t number, const char *history_json);
void vgw_talk_summary_end(struct vgw_talk *t);

/* step.c: talk options of one step, in force until its operation is over. `talk` NULL: none. */
int vgw_talk_step_options(struct vgw_talk *t, uint64_t op, const struct vgw_json *talk, struct vgw_error *err);
void vgw_talk_step_over(struct vgw_talk *t, uint64_t op);

/* report.c: to control. Take ownership of JSON. */
void vgw_talk_tell(struct vgw_talk *t, const char *what, const char *text, uint64_t number, int status,
                   struct vgw_json *json);
void vgw_talk_event(struct vgw_talk *t, const char *type, struct vgw_json *data);
void vgw_talk_complete(struct vgw_talk *t, uint64_t op, int status, const char *sentence, struct vgw_json *result);
void vgw_talk_transcript(struct vgw_talk *t, const char *role, const char *content, double latency_ms,
                         double confidence, bool interrupted, struct vgw_json *stages);
void vgw_talk_activity(struct vgw_talk *t);
/** A number that a line of its kind always carries; null when it is not known (negative). */
void vgw_talk_set_measure(struct vgw_json *o, const char *name, double value);
/** Logs and tells a failure of a part as the event `error`. `sentence` may be NULL: then `fallback`. */
void vgw_talk_error(struct vgw_talk *t, int status, const char *sentence, const char *fallback, const char *where);

/** One engine took over from another in mid-call; `to` NULL: none was left. Counted, logged and told. */
void vgw_talk_failover_told(struct vgw_talk *t, const char *kind, const char *from, const char *to);

/* command.c */
void vgw_talk_on_mix(void *arg, bool aside);

/* listen.c */
void vgw_talk_listen_start(struct vgw_talk *t);
void vgw_talk_listen_end(struct vgw_talk *t);
/** Sets what runs on the receive path to what is needed now. */
void vgw_talk_listen_update(struct vgw_talk *t);
/** Forgets the utterance that is under way: a hold begins. */
void vgw_talk_listen_reset(struct vgw_talk *t);
void vgw_talk_on_vad(void *arg, enum vgw_vad_event_kind kind, uint64_t sample);
/** Digits that were pressed before the talk had begun. */
void vgw_talk_digits_early(struct vgw_talk *t);
void vgw_talk_on_digit(void *arg, char digit, uint32_t duration_ms, const char *source);
/** May what the caller says now cut what we say? */
bool vgw_talk_may_barge(const struct vgw_talk *t);
/** (Re)arms the end of the caller's turn, from the end of speech and from how the text ends. */
void vgw_talk_endpoint_arm(struct vgw_talk *t);
/** A caller who speaks while something of ours begins is heard as one who cuts in. */
void vgw_talk_barge_watch(struct vgw_talk *t);
/** We have fallen silent: the caller's time to speak begins. */
void vgw_talk_await_caller(struct vgw_talk *t);

/* recognize.c */
void vgw_talk_stt_start(struct vgw_talk *t);
void vgw_talk_stt_end(struct vgw_talk *t);
void vgw_talk_on_pcm(void *arg, const int16_t *pcm, uint64_t sample);
/** An utterance begins (what was said just before the detector opened goes first), goes on after a pause, pauses, is
 * over. */
void vgw_talk_stt_begin(struct vgw_talk *t, uint64_t sample);
void vgw_talk_stt_speech(struct vgw_talk *t, bool started, uint64_t sample);
void vgw_talk_stt_finalize(struct vgw_talk *t);
void vgw_talk_hints(struct vgw_talk *t, const char *hints_json);
/** The caller is expected to speak another language from here on. */
void vgw_talk_stt_language(struct vgw_talk *t, const char *language);
/** From the one whose turn it is onwards, those that rest after failures last: `resting`, or not at all. False: none
 * could be opened. */
bool vgw_talk_stt_open(struct vgw_talk *t, bool resting);
/** One was opened after all had failed: it hears what the caller has said meanwhile. */
void vgw_talk_stt_restored(struct vgw_talk *t);
/** Nobody is open, though the call has recognizers: what the caller says is kept for the next. */
bool vgw_talk_is_deaf(const struct vgw_talk *t);

/* deaf.c */
void vgw_talk_deaf_init(struct vgw_talk *t);
void vgw_talk_deaf_end(struct vgw_talk *t);
/** No recognizer is left, `engine` was the last: tells it and tries again, later and later. */
void vgw_talk_deaf_begin(struct vgw_talk *t, const char *engine);
/** The recognizer has shown that it works. */
void vgw_talk_deaf_over(struct vgw_talk *t);
/** A caller who presses keys gets on without being heard. */
void vgw_talk_deaf_digit(struct vgw_talk *t);

/* answerer.c: who has answered a call of ours. */
void vgw_talk_answerer_start(struct vgw_talk *t);
void vgw_talk_answerer_hear(struct vgw_talk *t, const int16_t *pcm);
void vgw_talk_answerer_words(struct vgw_talk *t, const char *text);
void vgw_talk_answerer_end(struct vgw_talk *t);

/* ear.c */
/** Opens a recognizer in a form that it can take; NULL when it cannot be opened, which is logged. */
struct vgw_engine_stream *vgw_ear_open(struct vgw_talk *t, struct vgw_ear *e, const struct vgw_engine *engine,
                                       void (*on_message)(void *owner, struct vgw_engine_stream *stream,
                                                          const struct vgw_engine_message *m));
/** A piece of at most 20 ms at 8 kHz. */
void vgw_ear_send(struct vgw_ear *e, struct vgw_engine_stream *es, const int16_t *pcm, size_t n, uint64_t sample);
void vgw_ear_done(struct vgw_ear *e);
void vgw_kept_audio_add(struct vgw_kept_audio *k, const int16_t *pcm, size_t n, uint64_t sample);
/** Forgets the oldest `n` samples. */
void vgw_kept_audio_drop(struct vgw_kept_audio *k, size_t n);
void vgw_kept_audio_done(struct vgw_kept_audio *k);
void vgw_kept_audio_give(const struct vgw_kept_audio *k, struct vgw_ear *e, struct vgw_engine_stream *es);

/* shadow.c: a recognizer that hears the same and is never listened to. What is sensitive it does not hear. */
void vgw_shadow_start(struct vgw_talk *t);
void vgw_shadow_end(struct vgw_talk *t);
void vgw_shadow_begin(struct vgw_talk *t, uint64_t sample);
void vgw_shadow_speech(struct vgw_talk *t, bool started, uint64_t sample);
void vgw_shadow_preroll(struct vgw_talk *t, const int16_t *pcm, size_t n, uint64_t sample);
void vgw_shadow_pcm(struct vgw_talk *t, const int16_t *pcm, size_t n, uint64_t sample);
void vgw_shadow_finalize(struct vgw_talk *t);
/** What the primary understood of this utterance. */
void vgw_shadow_compare(struct vgw_talk *t, uint64_t utterance, const char *text);

/* filler.c */
/** The caller waits from here on; when it takes longer than `filler_after` something is said. Once armed it stays. */
void vgw_talk_filler_arm(struct vgw_talk *t);
/** Nobody waits any more. */
void vgw_talk_filler_disarm(struct vgw_talk *t);
void vgw_talk_filler_init(struct vgw_talk *t);

/* turn.c */
/** The caller's turn is over and this is what was understood; "" for nothing. */
void vgw_talk_caller_said(struct vgw_talk *t, const char *text, double confidence, const char *language);
void vgw_talk_on_no_input(void *arg);

/* speak.c */
/** Queues an utterance; *ret_speech may take more text by vgw_speech_text(). */
int vgw_speech_new(struct vgw_talk *t, enum vgw_speech_kind kind, uint64_t op, bool interruptible, const char *voice,
                   const char *language, struct vgw_speech **ret_speech, struct vgw_error *err);
/** Takes back one that was just made: nothing is told of it. */
void vgw_speech_drop(struct vgw_talk *t, struct vgw_speech *s);
struct vgw_speech *vgw_speech_find(struct vgw_talk *t, uint64_t utterance);
/** Says a text of ours (greeting, prompt, filler). */
void vgw_talk_prompt(struct vgw_talk *t, const char *text, uint64_t op, bool interruptible, enum vgw_speech_kind kind);
void vgw_talk_speak_pump(struct vgw_talk *t);
void vgw_talk_on_started(void *arg, uint64_t utterance);
void vgw_talk_on_played(void *arg, uint64_t utterance, uint64_t heard_samples, bool complete);
/** Cuts what may be cut: clears the queue, drops what waits up to what may not be cut. Returns false when nothing could
 * be cut. */
bool vgw_talk_interrupt(struct vgw_talk *t);
/** Is something of ours being spoken or about to be? */
bool vgw_talk_speaking(const struct vgw_talk *t);
/** And may it not be cut? */
bool vgw_talk_protected(const struct vgw_talk *t);
void vgw_talk_speak_end(struct vgw_talk *t);
/** Nobody waits for what this operation asked to be said or played: it stops. */
void vgw_talk_speech_cancel(struct vgw_talk *t, uint64_t op);

/* voice.c */
struct vgw_voice *vgw_voice_get(struct vgw_talk *t, const char *voice, const char *language, struct vgw_error *err);
/** The same voice and language by another engine, for what cannot wait for this one; NULL when there is none. */
struct vgw_voice *vgw_voice_other(struct vgw_talk *t, const struct vgw_voice *slow);
void vgw_speech_text(struct vgw_talk *t, struct vgw_speech *s, const char *text, bool last);
/** From the first word again, under a new number. */
void vgw_speech_again(struct vgw_talk *t, struct vgw_speech *s);
/** Audio for an utterance that came from outside: from a synthesis or a live assistant. */
void vgw_speech_audio(struct vgw_talk *t, struct vgw_speech *s, const struct vgw_engine_message *m);
/** So many samples of a voice's audio do not wait any more: it may make as many again. */
void vgw_voice_credit(struct vgw_voice *v, size_t samples, uint32_t rate_hz);
void vgw_talk_voices_cancel(struct vgw_talk *t);
void vgw_talk_voices_end(struct vgw_talk *t);
void vgw_talk_voices_free(struct vgw_talk *t);

/* play.c */
int vgw_talk_play(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, struct vgw_error *err);

/* answer.c */
void vgw_talk_assistant_start(struct vgw_talk *t);
void vgw_talk_assistant_end(struct vgw_talk *t);
/** `params`: `talk`, options for as long as `op` lasts; `handed`: the one before handed over, so that a step that
 * brought it in goes on, and `op` is done (1). What the role holds is taken out of it. */
int vgw_talk_assistant_switch(struct vgw_talk *t, const struct vgw_engine *engine, struct vgw_talk_role *role,
                              uint64_t op, const struct vgw_json *params, struct vgw_error *err);
/** A caller's turn (or its absence: flags) goes to the assistant. False when there is none. */
bool vgw_talk_ask(struct vgw_talk *t, const char *text, double confidence, uint32_t flags);
/** Asks the same once more of an assistant that has taken over. */
void vgw_talk_ask_again(struct vgw_talk *t);
int vgw_talk_assistant_open(struct vgw_talk *t, bool resumed, struct vgw_error *err);
bool vgw_talk_assistant_digit(struct vgw_talk *t, char digit);
/** The answer that is being spoken takes no more text: what comes of this turn is an utterance of its own. */
void vgw_talk_answer_close(struct vgw_talk *t);
/** Carries out a wish: tells control, or ends the step that brought the assistant in. Takes ownership of params. */
void vgw_talk_act(struct vgw_talk *t, const char *action, struct vgw_json *params);
void vgw_talk_all_heard(struct vgw_talk *t);
/** What it wished to do after this text is void: the caller has something else to say. */
void vgw_talk_wishes_drop(struct vgw_talk *t);

/* live.c */
void vgw_talk_live_audio(struct vgw_talk *t, const struct vgw_engine_message *m);
void vgw_talk_live_done(struct vgw_talk *t, const char *item);
void vgw_talk_live_transcript(struct vgw_talk *t, const struct vgw_engine_message *m);
/** The caller's turn is over: from this place of the stream (8 kHz; negative: now) its answer is awaited. */
void vgw_talk_live_turn(struct vgw_talk *t, int64_t sample);
/** The first frame of an answer is heard; it was heard to its end, or cut. */
void vgw_talk_live_begun(struct vgw_talk *t, const struct vgw_speech *s);
void vgw_talk_live_over(struct vgw_talk *t, const struct vgw_speech *s, uint32_t heard_ms, bool complete);

/* stand_in.c */
/** The caller's turn was given to the assistant, or more of its answer came: the next must come in time. */
void vgw_talk_answer_watch(struct vgw_talk *t);
/** Nothing is owed: the turn is done, or it waits for us. */
void vgw_talk_answer_unwatch(struct vgw_talk *t);
void vgw_talk_stand_in_init(struct vgw_talk *t);
/** Keeps a line for whoever may have to go on from here. */
void vgw_talk_stand_in_note(struct vgw_talk *t, const char *role, const char *content);
/** Another assistant goes on with the conversation, and with the turn that was asked. False: there is none. */
bool vgw_talk_stand_in(struct vgw_talk *t);
void vgw_talk_stand_in_end(struct vgw_talk *t);

/* heard.c */
/** How many bytes of its text are in the audio that was made so far. */
size_t vgw_speech_made_bytes(struct vgw_talk *t, const struct vgw_speech *s);
/** An utterance of ours is over: events, the transcript's line, the assistant's knowledge. */
void vgw_talk_heard(struct vgw_talk *t, struct vgw_speech *s, uint64_t heard_samples, bool complete);

/** The stages of an answer, which are also measured, and its latency (negative: nobody's turn brought it). */
struct vgw_json *vgw_talk_stages(struct vgw_talk *t, const struct vgw_turn_times *times, double *ret_latency_ms);

/** An audio assistant's item was heard to its end, or cut. */
void vgw_talk_item_over(struct vgw_talk *t, const char *item, uint32_t heard_ms, bool complete);

/* wish.c */
/** {tts, stt}: of what is said and understood from here on. */
void vgw_talk_language(struct vgw_talk *t, const struct vgw_json *params);
/** The caller speaks this language, says the recognizer: where the options say so, recognizer and voice follow. */
void vgw_talk_language_heard(struct vgw_talk *t, const char *language, const char *text);
/** Carries out what concerns this talk alone: true. Takes ownership of params only then. */
bool vgw_talk_wish_here(struct vgw_talk *t, const char *action, struct vgw_json *params);
/** What an assistant wishes without waiting for its turn, or in the order of speaking: true. Takes ownership of params
 * only then. */
bool vgw_talk_wish_now(struct vgw_talk *t, const char *action, struct vgw_json *params);

/* gather.c */
int vgw_talk_gather(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, struct vgw_error *err);
bool vgw_talk_gather_digit(struct vgw_talk *t, char digit);
bool vgw_talk_gather_speech(struct vgw_talk *t, const char *text, double confidence);
void vgw_talk_gather_quiet(struct vgw_talk *t);
/** Asks again, when the gather's step said how and may; false: it is over. */
bool vgw_talk_gather_again(struct vgw_talk *t, const char *prompt);
/** Is what the caller says now for whoever asked alone? */
bool vgw_talk_hides(const struct vgw_talk *t);
/** Recordings are silent from here on, until a while after the last that is sensitive is over. */
void vgw_talk_hush(struct vgw_talk *t);
void vgw_talk_hush_leave(struct vgw_talk *t);
void vgw_talk_hush_end(struct vgw_talk *t);
void vgw_talk_gather_end(struct vgw_talk *t, int status, const char *input, const char *text, double confidence);

/* command.c */
/** Gives the engines of a begin that was not taken back, and frees it. [control] */
void vgw_talk_begin_refuse(const struct vgw_talk_home *home, struct vgw_talk_begin *begin);
void vgw_talk_begin_free(struct vgw_talk_begin *begin);
/** The first time that media and begin are both there. */
void vgw_talk_start(struct vgw_talk *t);
/** Runs the commands that waited for media; the other drops them at the end, told as such. */
void vgw_talk_commands_waited(struct vgw_talk *t);
/** The sink's on_recorded: `op` stopped a recording, which is whole now. */
void vgw_talk_on_recorded(void *arg, uint64_t op, double duration_s);
void vgw_talk_commands_drop(struct vgw_talk *t);

/* talk.c */
/** The assistant is open: what came before that is given to it, or forgotten. */
void vgw_talk_early_give(struct vgw_talk *t);
/** These apply from now on; out of memory, those before stay. */
void vgw_talk_options_set(struct vgw_talk *t, const struct vgw_talk_options *options);
/** Asks a stream to close and forgets it: *stream is NULL afterwards; it lives on until its plugin has closed it.
 * `release` goes back then. */
void vgw_talk_stream_close(struct vgw_talk *t, struct vgw_engine_stream **stream, void (*close)(void *s),
                           void *release);
#endif
