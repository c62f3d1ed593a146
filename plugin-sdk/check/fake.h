/* fake.h - a gateway of paper: the host side of the SDK with a virtual clock, one control thread, tagged media calls
 * and real pool threads. It keeps a ledger of what was asked and what was answered, and notes each broken promise. One
 * a process. */
#ifndef VGW_CHECK_FAKE_H
#define VGW_CHECK_FAKE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "voicegw/plugin.h"

/* What kind of promise was broken. */
enum fake_class {
    FAKE_THREAD = 1,  /* called or calling on the wrong thread */
    FAKE_INSIDE = 2,  /* completed from inside the starting call */
    FAKE_COUNT = 4,   /* not exactly one completion */
    FAKE_AFTER = 8,   /* spoke after its end */
    FAKE_STATUS = 16, /* a status that is none, or a refusal without a sentence */
    FAKE_VALUE = 32,  /* wrong data */
};
void fake_violation(enum fake_class class, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** The first violation of one of these classes, or NULL. */
const char *fake_first(unsigned classes);

/** The host table, fresh: nothing noted, clock at 1 s. */
const struct voicegw_host *fake_host_begin(const char *instance, const char *plugin);
/** From now on every call of the host is a violation (the instance was destroyed); what is queued is dropped. */
void fake_host_end(void);
/** With false, get_extension() of the host knows nothing. */
void fake_services(bool present);
unsigned fake_drained_count(void);

/* Threads. */
void fake_tag_set(uint32_t tag); /* VOICEGW_THREAD_*, of the calling thread */
uint32_t fake_tag(void);
/** Notes a violation unless the calling thread has one of `tags`. */
void fake_need(uint32_t tags, const char *function);
/** Calls fn(arg) on a real thread tagged as [pool] and waits. */
void fake_on_pool(void (*fn)(void *arg), void *arg);

/* The loop. Returns when nothing is left to do within `span_us` of virtual time. */
int64_t fake_now(void);
void fake_run(int64_t span_us);
bool fake_post(uint64_t target, voicegw_callback fn, void *arg);
bool fake_job(uint64_t target, voicegw_callback work, voicegw_callback done, void *arg);
uint64_t fake_timer(uint64_t target, int64_t delay_us, voicegw_callback fn, void *arg);
bool fake_timer_cancel(uint64_t timer);
void fake_loop_clear(void);

/* The ledger: each operation, utterance, turn, stream has an id that is owed `owed` completions. */
uint64_t fake_id(const char *what);
/** The id's starting call begins on this thread. */
void fake_call_begin(uint64_t id);
/** It ended with `rc`: 0 owes one completion more. Checks the status and its sentence. */
void fake_call_end(uint64_t id, int32_t rc);
/** The host was told that `id` is done. `inside_ok`: the kind's header allows it from inside the starting call. */
void fake_completed(uint64_t id, const char *what, bool inside_ok);
/** Something else came about `id` (audio, a result): wrong when it is done or unknown. */
void fake_about(uint64_t id, const char *what);
bool fake_is_done(uint64_t id);
/** The id may be completed once, or not at all any more (its stream is closed). */
void fake_forgive(uint64_t id);
/** Runs until all is answered (120 s of virtual time, a moment of real time), then notes what was not. */
void fake_settle(void);
/** Checks a returned status: 0 or one of the table with a sentence left. */
void fake_status(const char *what, int32_t rc);
const char *fake_sentence(void);
void fake_sentence_clear(void);

/** The kinds' and services' host tables, NULL for an unknown id. */
const void *fake_kind_table(const char *id);
const void *fake_service_table(const char *id);
unsigned fake_tts_bytes(void);
/** Utterances that the plugin ended with a failure and a sentence. */
unsigned fake_tts_failures(void); /* audio bytes that came from a tts so far */

/* Options. */
enum fake_config {
    FAKE_DEFAULTS, /* defaults, and dummies for what is required */
    FAKE_ABSENT,   /* nothing is set */
    FAKE_EMPTY,    /* texts empty, numbers 0 */
    FAKE_LONG,     /* texts of 64 KiB, numbers at their greatest */
    FAKE_NEGATIVE, /* numbers at their least, JSON broken */
    FAKE_CONFIGS
};
const char *fake_config_name(enum fake_config config);
struct voicegw_options;
struct voicegw_options *fake_options_new(const struct voicegw_factory *factory, enum fake_config config);
void fake_options_free(struct voicegw_options *options);
/** "NAME=VALUE" from the command line; applied in FAKE_DEFAULTS. `dir`: where plugins may write; both live on. */
void fake_options_given(char **given, int count, const char *dir);
/** Why a default is wrong for its own option, or NULL. Static memory. */
const char *fake_option_default_wrong(const struct voicegw_option *option);
const char *fake_option_string(const struct voicegw_host *, const struct voicegw_options *, const char *);
int64_t fake_option_int(const struct voicegw_host *, const struct voicegw_options *, const char *, int64_t);
double fake_option_double(const struct voicegw_host *, const struct voicegw_options *, const char *, double);
const char *fake_option_json(const struct voicegw_host *, const struct voicegw_options *, const char *);
#endif
