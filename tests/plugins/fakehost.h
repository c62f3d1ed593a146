/* fakehost.h - a host for one plugin, small enough to see through: a virtual clock, one loop thread, options from JSON
 * text, and a log of all that the plugin reported. For tests of plugins, which it loads with dlopen as the gateway
 * does.
 *
 * By itself nothing happens: fakehost_run() carries out what is queued (posts, jobs, due timers) in order, on the
 * caller's thread. With fakehost_threaded() jobs run on a thread of their own, for measurements; the loop stays the
 * caller's. */
#ifndef FAKEHOST_H
#define FAKEHOST_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/tts.h"

#define FAKEHOST_STREAM UINT64_C(0x100000001) /* a handle that exists; fakehost_target() adds more */

/* What the plugin reported; `what` is the callback's name without on_: "audio", "done", "result", "delta", "closed"… */
struct fakehost_report {
    const char *what;
    uint64_t stream, id; /* id: utterance, turn, tool call's turn */
    int32_t status;      /* done, turn_done, error; final for result and transcript */
    uint64_t tool_call;
    double confidence;
    char *text;    /* text, action, sentence, or tool name */
    char *json;    /* params, arguments, usage, words; NULL where there is none */
    int64_t at_us; /* host clock */
};

struct fakehost;

/** A host with these options (a JSON object; NULL: none) for a factory's table, whose defaults fill the rest. */
struct fakehost *fakehost_new(const struct voicegw_factory *factory, const char *options_json);
/** Takes NULL. Complains on stderr and returns the number of leaks: live timers, queued work. */
int fakehost_free(struct fakehost *fake);
const struct voicegw_host *fakehost_host(struct fakehost *fake);
const struct voicegw_options *fakehost_options(struct fakehost *fake);
/** The descriptor in a .so, or NULL with the reason on stderr. Never unloaded. */
const struct voicegw_plugin *fakehost_load(const char *path);
/** The first factory of this kind, or NULL. */
const struct voicegw_factory *fakehost_factory(const struct voicegw_plugin *plugin, const char *kind);

/** Makes a handle a live target, or ends it (posts answer VOICEGW_ENOTFOUND, timers do not fire). */
void fakehost_target(struct fakehost *fake, uint64_t handle, int alive);
/** The next `n` calls of job() or post() answer VOICEGW_ELIMIT. */
void fakehost_refuse(struct fakehost *fake, unsigned n);
/** Holds jobs back (1) or lets them run (0). */
void fakehost_hold_jobs(struct fakehost *fake, int hold);
/** Jobs run on one thread of their own from now on, and the clock is the real one. */
void fakehost_threaded(struct fakehost *fake);
/** Carries out what is queued until nothing is left. */
void fakehost_run(struct fakehost *fake);
/** Moves the clock on, firing timers in order of their time, and runs all that follows. */
void fakehost_advance(struct fakehost *fake, int64_t us);
/** Threaded: runs the loop until a report named `what` of this id comes, at most so long. 1: it came. */
int fakehost_wait(struct fakehost *fake, const char *what, uint64_t id, int64_t timeout_us);

size_t fakehost_count(const struct fakehost *fake, const char *what);
/** The n-th report of this name from 0, or NULL. */
const struct fakehost_report *fakehost_report(const struct fakehost *fake, const char *what, size_t n);
/** The last of this name, or NULL. */
const struct fakehost_report *fakehost_last(const struct fakehost *fake, const char *what);
/** Texts of all reports of this name joined; valid until the next call. */
const char *fakehost_text(struct fakehost *fake, const char *what);
void fakehost_forget(struct fakehost *fake);
/** All audio that came since the last fakehost_forget(), as it came. */
const uint8_t *fakehost_audio(const struct fakehost *fake, size_t *ret_bytes);
/** Log lines kept; the newest that contains `part`, or NULL. */
const char *fakehost_logged(const struct fakehost *fake, const char *part);
/** How many lines of the log hold this. */
size_t fakehost_log_count(const struct fakehost *fake, const char *part);
/** The sentence that the plugin left last, or "". */
const char *fakehost_error(const struct fakehost *fake);
/** Called with each audio report as it is delivered. */
void fakehost_on_audio(struct fakehost *fake, void (*fn)(void *arg, const struct voicegw_frame *frame), void *arg);
#endif
