/* source.h - where a definition comes from, and how what is wrong in it is told. Control thread, or any that compiles.
 */
#ifndef VGW_FLOW_SOURCE_H
#define VGW_FLOW_SOURCE_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include "action/registry.h"
#include "base/error.h"
#include "base/json.h"

/** A document to compile, and the help it needs. All borrowed for the compile; constant values inside `doc` stay
 * referenced by what is compiled, so `doc` must not be changed afterwards. */
struct vgw_flow_source {
    const struct vgw_json *doc;
    /** Writes "file:line:column" of a JSON pointer ("/steps/0/params") into `out`; false when it is not known (then the
     * parent's place is asked for). May be NULL: the pointer itself is the place. */
    bool (*place)(void *arg, const char *pointer, char *out, size_t cap);
    /** Told of every error. May be NULL. */
    void (*report)(void *arg, const struct vgw_error *err);
    void *arg;
    /** Known actions: unknown step types and parameters are errors. NULL: types beyond the built-in ones are taken as
     * they are. */
    const struct vgw_action_registry *actions;
};

/** One compilation under way; used by the compilers of this room. */
struct vgw_compile {
    const struct vgw_flow_source *source;
    struct vgw_error *first; /* the first error; may be NULL */
    int errors;
    int status; /* of the first error */
    char pointer[512];
    size_t len;
    size_t steps;   /* given out so far: a step's index */
    unsigned flags; /* of all actions used */
};

/** Goes down one key; returns the length to come back to with vgw_compile_up(). */
size_t vgw_compile_down(struct vgw_compile *c, const char *key);
size_t vgw_compile_down_index(struct vgw_compile *c, size_t index);
void vgw_compile_up(struct vgw_compile *c, size_t len);
/** Reports an error at the current place. */
void vgw_compile_error(struct vgw_compile *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** Reports what a pure compiler said; its place is a pointer below the current one, or a column. */
void vgw_compile_inner(struct vgw_compile *c, const struct vgw_error *err);
void vgw_compile_nomem(struct vgw_compile *c);
/** The place of the current pointer, or of the nearest parent that has one. */
void vgw_compile_place(const struct vgw_compile *c, char *out, size_t cap);
/** Reports every key of `o` that is not among `known` (space separated, two lists; the second may be NULL). */
void vgw_compile_keys(struct vgw_compile *c, const struct vgw_json *o, const char *known, const char *more);
/** Is `word` among the space separated `words`? */
bool vgw_word_in(const char *words, const char *word);
#endif
