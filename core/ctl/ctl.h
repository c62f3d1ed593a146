/* ctl.h - voicegwctl's inside: what a command is, and what all commands share. One thread; a process lives for one
 * command. */
#ifndef VGW_CTL_CTL_H
#define VGW_CTL_CTL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "base/json.h"
#include "ctl/args.h"
#include "ctl/client.h"

enum vgw_ctl_exit {
    VGW_CTL_OK = 0,
    VGW_CTL_REFUSED = 1,     /* the gateway answered, and said no */
    VGW_CTL_USAGE = 2,       /* the command line is wrong */
    VGW_CTL_UNREACHABLE = 3, /* no gateway answered */
};

struct vgw_ctl {
    bool json;                             /* --json: what the gateway answered, as it is */
    struct vgw_ctl_client *client;         /* owned by main() */
    const struct vgw_ctl_command *command; /* the one that runs; NULL for a provider's own routes */
    struct vgw_ctl_args args;              /* its words and options */
};

struct vgw_ctl_command {
    const char *name;
    const char *args; /* as the usage shows them: "ID TEXT..." */
    const char *summary;
    int (*fn)(struct vgw_ctl *ctl); /* returns an exit code */
    unsigned min_words, max_words;
    const struct vgw_ctl_option *options; /* ended by a row without a name; NULL: none */
    const char *route;                    /* for functions that serve several commands: what they ask for */
    const char *field;                    /* body member that the words behind the first make; NULL: none */
    bool free_options;                    /* any --KEY=VALUE is taken */
};
/** The one table of commands, in the order of the manual, ended by a row without a name. Static memory. */
const struct vgw_ctl_command *vgw_ctl_commands(void);
/** The row of a name, or NULL. */
const struct vgw_ctl_command *vgw_ctl_command_find(const char *name);
/** A row whose name is near, or NULL: for "did you mean". */
const char *vgw_ctl_command_nearest(const char *name);

/* ---- asking, in answer.c: each prints what went wrong and returns an exit code ---- */
typedef void vgw_ctl_print_fn(const struct vgw_json *answer);
/** Sends a request and reads its JSON. `path` lies below the API's prefix ("/calls"); `body` is taken and may be NULL.
 *  `ret_answer` (the caller frees) is set on success only. */
int vgw_ctl_ask(struct vgw_ctl *ctl, const char *method, const char *path, struct vgw_json *body,
                struct vgw_json **ret_answer);
/** The same, and prints the answer: with --json as it is, else by `print`. */
int vgw_ctl_show(struct vgw_ctl *ctl, const char *method, const char *path, struct vgw_json *body,
                 vgw_ctl_print_fn *print);
/** GETs a text and prints it as it is; *ret_next: the path of the page behind it by the header Link, or NULL (the
 * caller frees). */
int vgw_ctl_copy(struct vgw_ctl *ctl, const char *path, char **ret_next);
/** Prints a problem document (RFC 9457): its sentence, then each error as "FIELD: sentence", where FIELD is
 * FILE:LINE:COLUMN for a configuration. Returns VGW_CTL_REFUSED. */
int vgw_ctl_refused(const struct vgw_ctl *ctl, const struct vgw_ctl_answer *answer);
/** "voicegwctl: sentence" on stderr; returns `code`. */
int vgw_ctl_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** "<before>/<id><after>" with what was given as query behind it; `id` is escaped and may be NULL. The caller frees;
 * NULL: out of memory. */
char *vgw_ctl_path(const struct vgw_ctl *ctl, const char *before, const char *id, const char *after);
/** The same when the query is to be left out. */
char *vgw_ctl_path_plain(const char *before, const char *id, const char *after);
/** What was given as a body. NULL: out of memory, which is printed. */
struct vgw_json *vgw_ctl_body(const struct vgw_ctl *ctl);
/** For what err says; the code follows from its status. */
int vgw_ctl_fail_error(const struct vgw_error *err);
/** Prints JSON on stdout, one line. */
void vgw_ctl_print_json(const struct vgw_json *v);

/* ---- the functions of the table, by file ---- */
int vgw_ctl_status(struct vgw_ctl *ctl);                                            /* status.c */
int vgw_ctl_calls(struct vgw_ctl *ctl), vgw_ctl_call(struct vgw_ctl *ctl);          /* calls.c */
int vgw_ctl_call_command(struct vgw_ctl *ctl), vgw_ctl_record(struct vgw_ctl *ctl); /* calls.c */
int vgw_ctl_conferences(struct vgw_ctl *ctl), vgw_ctl_participant(struct vgw_ctl *ctl);
int vgw_ctl_sessions(struct vgw_ctl *ctl), vgw_ctl_transcript(struct vgw_ctl *ctl); /* sessions.c */
int vgw_ctl_history(struct vgw_ctl *ctl), vgw_ctl_erase(struct vgw_ctl *ctl);       /* sessions.c */
int vgw_ctl_events(struct vgw_ctl *ctl);                                            /* events.c */
int vgw_ctl_run(struct vgw_ctl *ctl), vgw_ctl_runs(struct vgw_ctl *ctl);            /* flow.c */
int vgw_ctl_tools(struct vgw_ctl *ctl), vgw_ctl_tool(struct vgw_ctl *ctl);          /* tools.c */
int vgw_ctl_run_cancel(struct vgw_ctl *ctl), vgw_ctl_workflows(struct vgw_ctl *ctl), vgw_ctl_rules(struct vgw_ctl *ctl);
int vgw_ctl_webhooks(struct vgw_ctl *ctl), vgw_ctl_webhook_replay(struct vgw_ctl *ctl); /* webhooks.c */
int vgw_ctl_send(struct vgw_ctl *ctl), vgw_ctl_messages(struct vgw_ctl *ctl);           /* send.c */
int vgw_ctl_campaign(struct vgw_ctl *ctl);                                              /* campaign.c */
int vgw_ctl_plugins(struct vgw_ctl *ctl), vgw_ctl_plugin(struct vgw_ctl *ctl);          /* plugins.c */
int vgw_ctl_reload(struct vgw_ctl *ctl), vgw_ctl_drain(struct vgw_ctl *ctl);            /* admin.c */
int vgw_ctl_undrain(struct vgw_ctl *ctl), vgw_ctl_log_level(struct vgw_ctl *ctl);       /* admin.c */
int vgw_ctl_check(struct vgw_ctl *ctl);                                                 /* check.c */
int vgw_ctl_completion(struct vgw_ctl *ctl), vgw_ctl_help(struct vgw_ctl *ctl);         /* help.c */
/** A provider's own route: the first word names the instance or its plugin. */
int vgw_ctl_instance(struct vgw_ctl *ctl); /* instance.c */
/** The summary of everything, or of one command (may be NULL). */
void vgw_ctl_usage(FILE *out, const struct vgw_ctl_command *command); /* help.c */
#endif
