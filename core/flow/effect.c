/* effect.c - the list of effects. */
#include "flow/effect.h"
#include "base/alloc.h"

void vgw_effect_done(struct vgw_effect *e)
{
    vgw_free(e->name);
    vgw_json_free(e->data);
    *e = (struct vgw_effect){0};
}

int vgw_effects_add(struct vgw_effects *fx, struct vgw_effect effect)
{
    if (fx->count == fx->cap) {
        size_t cap = fx->cap ? fx->cap * 2 : 32;
        struct vgw_effect *grown = vgw_realloc(fx->items, cap * sizeof *grown);
        if (!grown) {
            vgw_effect_done(&effect);
            return VGW_ELIMIT;
        }
        fx->items = grown;
        fx->cap = cap;
    }
    fx->items[fx->count++] = effect;
    return 0;
}

void vgw_effects_reset(struct vgw_effects *fx)
{
    for (size_t i = 0; i < fx->count; i++)
        vgw_effect_done(&fx->items[i]);
    fx->count = 0;
}

void vgw_effects_done(struct vgw_effects *fx)
{
    vgw_effects_reset(fx);
    vgw_free(fx->items);
    *fx = (struct vgw_effects){0};
}
