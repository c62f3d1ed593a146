/* trial.h - an instance is created and destroyed in a helper process before the gateway itself does: what only its
 * create() refuses is told, and a create() that crashes, hangs or leaves harms nothing. */
#ifndef VGW_GATEWAY_TRIAL_H
#define VGW_GATEWAY_TRIAL_H
#include "gateway/plan.h"

#define VGW_TRIAL_ARGUMENT "--try-plugin" /* hidden argument of voicegwd; the request comes by standard input */
#define VGW_TRIAL_BYTES_MAX (64u << 20)   /* of a request: an instance's options, its files filled in */

/** Tries a recipe whose options have been checked; `instance` is the mapping they came from. 0, or a negative status
 * with the plugin's sentence, or with what it was doing when it crashed, hung (VGW_ETIMEOUT) or left. Blocks up to the
 * prober's time limit. Thread: any that may block. */
int vgw_trial_run(struct vgw_plugin_prober *prober, const struct vgw_recipe *recipe, const struct vgw_node *instance,
                  struct vgw_error *err);
struct vgw_trial {
    const struct vgw_recipe *recipe;
    const struct vgw_node *node; /* as above */
    char key[48];                /* own */
    int status;                  /* 0, or why it failed, with the sentence in err */
    struct vgw_error err;
};
/** The trials of a start: those that went well before, with the same code and options, are known from the prober's
 * cache and cost nothing; the others are made in one helper, and only when that one does not live through all of them
 * in a helper each. Those that were made stand first in `trials` afterwards, with their status; returns how many.
 * Blocks as vgw_trial_run() for each. */
size_t vgw_trial_first(struct vgw_plugin_prober *prober, struct vgw_trial *trials, size_t count);
/** The helper's side, called by main() for the hidden argument before anything else is set up. Returns the exit code;
 * the caller leaves by _exit(), so that no destructor can hang. */
int vgw_trial_main(void);
#endif
