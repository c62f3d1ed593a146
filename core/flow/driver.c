/* driver.c - actions of the registry for the engine. */
#include "flow/driver.h"
#include "flow/engine.h"

static void on_done(void *arg, vgw_action_handle handle, int status, struct vgw_json *result, const char *error)
{
    struct vgw_flow_registry_link *link = arg;
    (void)vgw_flow_engine_action_done(link->engine, handle, status, vgw_json_ref(result), error,
                                      link->now_us(link->arg));
}

int vgw_flow_registry_start(void *arg, const char *name, const struct vgw_json *params,
                            const struct vgw_action_context *context, uint64_t *ret_op, struct vgw_error *err)
{
    struct vgw_flow_registry_link *link = arg;
    return vgw_action_start(link->registry, name, params, context, on_done, link, ret_op, err);
}

void vgw_flow_registry_cancel(void *arg, uint64_t op)
{
    struct vgw_flow_registry_link *link = arg;
    (void)vgw_action_cancel(link->registry, op);
}
