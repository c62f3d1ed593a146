/* limits.h - the registry of every limit of the daemon: the table in voicegw.yaml(5) is printed from it, and a lint
 * holds it against the sources. */
#ifndef VGW_GATEWAY_LIMITS_H
#define VGW_GATEWAY_LIMITS_H
#include "base/buf.h"

/** The limits in mdoc, a table for each group: what, default, setting or "fixed", metric or a dash. Thread: any; pure.
 */
void vgw_limits_mdoc(struct vgw_buf *out);
#endif
