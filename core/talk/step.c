/* step.c - talk options of one step of a workflow: laid over the call's own, and taken away with the step. */
#include "base/alloc.h"
#include "talk/talk_private.h"

int vgw_talk_step_options(struct vgw_talk *t, uint64_t op, const struct vgw_json *talk, struct vgw_error *err)
{
    struct vgw_talk_options *outer;
    if (vgw_json_type(talk) == VGW_JSON_NULL)
        return 0;
    if (t->outer)
        return vgw_error_at(err, VGW_EBUSY, "talk", "another step's talk options are in force on this call");
    if (!VGW_NEW(outer))
        return vgw_error_nomem(err);
    *outer = t->options;
    int rc = vgw_talk_options_apply(&t->options, talk, err);
    if (rc < 0) {
        vgw_free(outer);
        return rc;
    }
    t->outer = outer;
    t->outer_op = op;
    return 0;
}

void vgw_talk_step_over(struct vgw_talk *t, uint64_t op)
{
    if (!t->outer || t->outer_op != op)
        return;
    t->options = *t->outer;
    vgw_free(t->outer);
    t->outer = NULL;
}
