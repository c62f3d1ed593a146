/* child.h - a helper process that runs a plugin's code for a moment, so that code that crashes, hangs or leaves harms
 * nobody: spawned, listened to within a time limit, and always reaped. */
#ifndef VGW_PLUGIN_CHILD_H
#define VGW_PLUGIN_CHILD_H
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "plugin/probe.h"

/** Runs the prober's helper with one or two arguments (the second may be NULL) and gathers what it writes on the
 * descriptor that VGW_PROBE_FD names. `in`: what it reads as standard input, borrowed; -1: nothing. It gets no
 * environment but PATH, LD_LIBRARY_PATH and ASAN_OPTIONS, and no other descriptor. The lines it wrote are read as JSON:
 * {"stage": …} says what it is about to do, {"error": sentence, "status": number} and {"plugin": anything} end it.
 * Returns 0 and *ret_answer (the value of "plugin"; vgw_json_free), or a negative status with the helper's sentence, or
 * with what it was doing when it crashed, hung (VGW_ETIMEOUT) or left; VGW_EBUSY when prober->stop was set.
 * `err->place` is `file`. Blocks up to the prober's time limit. Thread: any that may block. */
int vgw_plugin_child_run(struct vgw_plugin_prober *prober, const char *argument, const char *second, int in,
                         const char *file, struct vgw_json **ret_answer, struct vgw_error *err);

/* The helper's side. */
/** The descriptor that answers go to: of VGW_PROBE_FD, else standard output. Also takes care that a broken plugin
 * leaves no core file and does not outlive the gateway. */
int vgw_plugin_child_begin(void);
/** One line {"stage": name}. */
void vgw_plugin_child_stage(int fd, const char *name);
/** One line {"error": sentence, "status": number}. */
void vgw_plugin_child_error(int fd, const struct vgw_error *err);
/** One line {"plugin": value}. */
void vgw_plugin_child_answer(int fd, const struct vgw_json *value);
#endif
