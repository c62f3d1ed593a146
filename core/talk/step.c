/* step.c - talk options of one step of a workflow: laid over the call's own, and taken away with the step. */
#include "talk/talk_private.h"

int vgw_talk_step_options(struct vgw_talk *t, uint64_t op, const struct vgw_json *talk, struct vgw_error *err)
{
    struct vgw_talk_options next = *t->options;
    if (vgw_json_type(talk) == VGW_JSON_NULL)
        return 0;
    if (t->outer)
        return vgw_error_at(err, VGW_EBUSY, "talk", "another step's talk options are in force on this call");
    int rc = vgw_talk_options_apply(&next, talk, err);
    if (rc < 0)
        return rc;
    const struct vgw_talk_options *inner = vgw_talk_options_share(&next);
    if (!inner)
        return vgw_error_nomem(err);
    t->outer = t->options;
    t->outer_op = op;
    t->options = inner;
    return 0;
}

void vgw_talk_step_over(struct vgw_talk *t, uint64_t op)
{
    if (!t->outer || t->outer_op != op)
        return;
    vgw_talk_options_unshare(t->options);
    t->options = t->outer;
    t->outer = NULL;
}
