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
/** The helper's side, called by main() for the hidden argument before anything else is set up. Returns the exit code;
 * the caller leaves by _exit(), so that no destructor can hang. */
int vgw_trial_main(void);
#endif
