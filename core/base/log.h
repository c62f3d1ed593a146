/* log.h - key=value logs. Error wakes a person, warning will, info tells an operator's story, debug is ours.
 * Whoever decides what happens next logs, once; libraries return errors. Thread: any; never blocks on a lock held
 * across I/O for longer than one write. Registered secrets are masked, control characters escaped. */
#ifndef VGW_BASE_LOG_H
#define VGW_BASE_LOG_H
#include <stdbool.h>
#include "base/error.h"

enum vgw_log_level { VGW_LOG_ERROR, VGW_LOG_WARNING, VGW_LOG_INFO, VGW_LOG_DEBUG };
enum vgw_log_format { VGW_LOG_TEXT, VGW_LOG_JSON, VGW_LOG_JOURNAL };

/** What a line is about; any may be NULL. Embed one in objects that log. */
struct vgw_log_scope {
    const char *session, *call, *provider, *plugin;
};
/** One line. `fields` are key, value pairs of C strings (NULL values are left out), ended by a NULL key:
 *  vgw_log(VGW_LOG_INFO, &scope, "listening", "address", addr, NULL). The message is a fixed sentence. */
void vgw_log(enum vgw_log_level level, const struct vgw_log_scope *scope, const char *message, ...)
    __attribute__((sentinel));
/** The same with a formatted message and no fields. */
void vgw_logf(enum vgw_log_level level, const struct vgw_log_scope *scope, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** An audit line: "AUDIT: <name> key=value …" (fields as above; in JSON and journal they are fields). Always
 *  written. */
void vgw_audit(const char *name, ...) __attribute__((sentinel));
/** Set-up, control thread. `target`: "stderr" or a file's path (opened for append, 0640); for the journal the path
 * of its socket, when it is not systemd's. Without a journal lines go to standard error. */
int vgw_log_open(enum vgw_log_format format, const char *target, enum vgw_log_level level, struct vgw_error *err);
void vgw_log_reopen(void); /* after SIGUSR1: opens the file anew */
void vgw_log_set_level(enum vgw_log_level level);
enum vgw_log_level vgw_log_get_level(void);
bool vgw_log_level_parse(const char *s, enum vgw_log_level *ret);
const char *vgw_log_level_name(enum vgw_log_level level);
bool vgw_log_enabled(enum vgw_log_level level);
/** Test hook: every finished line (its newline included; `fn` must not log) goes to `fn` instead of
 *  the target; NULL restores. */
void vgw_log_capture(void (*fn)(const char *line, void *arg), void *arg);
#endif
