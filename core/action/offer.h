/* offer.h - actions as a model is told of them: this room's own; others ask registry.h. Pure. */
#ifndef VGW_ACTION_OFFER_H
#define VGW_ACTION_OFFER_H
#include "action/registry.h"

/** {"name","description","parameters"}; `schema` NULL: one is made from the table. NULL: out of memory. */
struct vgw_json *vgw_action_offer_of(const struct vgw_action_desc *desc, const struct vgw_json *schema, bool own);
#endif
