/* check.h - rules: each runs in a child process and ends with a verdict. */
#ifndef VGW_CHECK_CHECK_H
#define VGW_CHECK_CHECK_H
#include "fake.h"
#include "voicegw/plugin.h"

/** What a rule looks at. In the parent only `file` and, once it is known to be sound, `kind` are set. */
struct subject {
    const char *file;
    char name[64];                       /* of the file, without .so */
    unsigned factory;                    /* index */
    char kind[64];                       /* of that factory */
    const struct voicegw_plugin *plugin; /* in the child, after subject_open() */
    const struct voicegw_factory *f;
    const struct voicegw_host *host;
    struct voicegw_options *options;
    void *instance;
};
struct rule {
    const char *name;
    const char *promise; /* printed behind ok */
    const char *kind;    /* NULL: the plugin; "": each factory; else factories of this kind */
    void (*run)(struct subject *s, const struct rule *rule);
    unsigned classes; /* of violations, for scenario rules */
    unsigned variant; /* enum scenario */
};
enum scenario { PLAIN, CANCEL, OVERSIZE };

/** Ends the child with a failure. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Ends it with "not applicable". */
_Noreturn void not_applicable(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Ends it well. */
_Noreturn void pass(void);
/** Runs a rule in a child; prints its line. Returns false when it failed. */
bool rule_run(struct subject *s, const struct rule *rule);

/** dlopen and entry; fails the rule when that is not possible. */
void subject_open(struct subject *s);
/** A host, options and create(); *ret_rc instead of failing when given. */
void subject_create(struct subject *s, enum fake_config config, int32_t *ret_rc);
void subject_start(struct subject *s);
void subject_destroy(struct subject *s);
/** The kind's table, or a failure. */
const void *subject_table(struct subject *s, const char *id);

extern const struct rule rules_file[], rules_descriptor[], rules_life[], rules_kind[]; /* ended by a NULL name */
/* Scenarios: use the started instance as the gateway would. */
void scenario_provider(struct subject *s, enum scenario scenario);
void scenario_stt(struct subject *s, enum scenario scenario);
void scenario_tts(struct subject *s, enum scenario scenario);
void scenario_assistant(struct subject *s, enum scenario scenario);
void scenario_assistant_audio(struct subject *s, enum scenario scenario);
void scenario_action(struct subject *s, enum scenario scenario);
void scenario_store(struct subject *s, enum scenario scenario);
void scenario_subscriber(struct subject *s, enum scenario scenario);
void scenario_queue(struct subject *s, enum scenario scenario);
/** 64 KiB of "x". */
const char *oversize_text(void);
unsigned fd_count(void);
unsigned thread_count(void);
#endif
