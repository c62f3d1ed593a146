/* answerer.c - a person, a machine or a fax? What is heard first of whoever answers a call of ours is judged, and told.
 */
#include "base/alloc.h"
#include "talk/talk_private.h"

void vgw_talk_answerer_start(struct vgw_talk *t)
{
    if (!t->cfg->find_answerer || t->amd)
        return;
    t->amd = vgw_calloc(1, sizeof *t->amd);
    if (t->amd)
        vgw_amd_init(t->amd, NULL);
    else
        vgw_log(VGW_LOG_ERROR, &t->scope, "out of memory: who answers is not found out", NULL);
}

void vgw_talk_answerer_end(struct vgw_talk *t)
{
    vgw_free(t->amd);
    t->amd = NULL;
}

void vgw_talk_answerer_words(struct vgw_talk *t, const char *text)
{
    if (t->amd && !vgw_talk_hides(t))
        vgw_amd_words(t->amd, text);
}

void vgw_talk_answerer_hear(struct vgw_talk *t, const int16_t *pcm)
{
    struct vgw_amd_verdict v = vgw_amd_run(t->amd, pcm);
    if (v.who == VGW_AMD_PENDING)
        return;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "answered_by", vgw_amd_name(v.who));
    vgw_json_set_int(o, "duration_ms", v.after_ms);
    vgw_json_set_double(o, "confidence", (double)v.confidence);
    vgw_json_set_string(o, "reason", v.reason);
    vgw_talk_event(t, "amd_result", o);
    if (!vgw_amd_over(t->amd))
        return;
    vgw_talk_answerer_end(t);
    vgw_talk_listen_update(t);
}
