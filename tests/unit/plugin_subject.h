/* plugin_subject.h - builds tests/abi/plugins/subject.c in its variants and gives a host table that traces. */
#ifndef TESTS_UNIT_PLUGIN_SUBJECT_H
#define TESTS_UNIT_PLUGIN_SUBJECT_H
#include <stdbool.h>
#include "plugin/instance.h"
#include "plugin/probe.h"

/** A fresh directory for one test (mode 0700). Static memory, one a process. */
const char *subject_dir(void);
/** DIR/name in a static ring of buffers. */
const char *subject_path(const char *name);
/** Compiles the subject with `defines` into DIR/name. */
void subject_build(const char *name, const char *defines);
/** Writes a file's whole content over whatever is there, in place, as cp does. */
void subject_overwrite(const char *from, const char *to);
/** Host tables that write "create 1;" and so on into subject_trace(), and count drained() calls. */
extern const struct vgw_plugin_hostops subject_hostops;
const char *subject_trace(void);
extern struct vgw_instance *subject_drained; /* the last instance that said drained() */
/** Probes and loads. */
struct vgw_plugin_module *subject_load(struct vgw_plugin_loader *loader, const char *file);
#endif
