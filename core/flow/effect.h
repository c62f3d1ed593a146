/* effect.h - what a run asks the world to do: a list that the engine carries out through its driver. Control thread. */
#ifndef VGW_FLOW_EFFECT_H
#define VGW_FLOW_EFFECT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/json.h"
#include "base/log.h"

enum vgw_effect_type {
    VGW_EFFECT_START,    /* start action `name` with `data`; answer with `ticket` */
    VGW_EFFECT_CANCEL,   /* nobody waits for `ticket` any more */
    VGW_EFFECT_TIMER,    /* call on_timer at `at_us` (INT64_MAX: never); replaces the run's earlier timer */
    VGW_EFFECT_EMIT,     /* publish an event of type `name` with `data` */
    VGW_EFFECT_LOG,      /* write `name` at `level` */
    VGW_EFFECT_FINISHED, /* the run has ended; always its last effect */
};
struct vgw_run;
struct vgw_effect {
    enum vgw_effect_type type;
    struct vgw_run *run;
    uint64_t ticket;
    char *name;            /* owned */
    struct vgw_json *data; /* owned; read only */
    int64_t at_us;         /* of TIMER; of START: how long it may take, 0 for no limit */
    enum vgw_log_level level;
};
/** A zeroed list is empty. In the order in which they arose. */
struct vgw_effects {
    struct vgw_effect *items;
    size_t count, cap;
};
/** Adds one, taking its name and data in every case. 0, or VGW_ELIMIT. */
int vgw_effects_add(struct vgw_effects *fx, struct vgw_effect effect);
/** Frees what is in the list, keeps its memory. */
void vgw_effects_reset(struct vgw_effects *fx);
void vgw_effects_done(struct vgw_effects *fx);
/** Frees what one effect owns and zeroes it. */
void vgw_effect_done(struct vgw_effect *e);
#endif
