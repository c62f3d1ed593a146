/* mcp.h - tools of MCP servers (Model Context Protocol 2025-06-18, streamable HTTP): this room's own. Control thread.
 */
#ifndef VGW_GATEWAY_MCP_H
#define VGW_GATEWAY_MCP_H
#include "gateway/gateway_private.h"

#define VGW_MCP_TOOLS_MAX 128u               /* of one server */
#define VGW_MCP_ANSWER_MAX (1u << 20)        /* bytes of an answer */
#define VGW_MCP_AGAIN_US (30 * VGW_US_PER_S) /* until a server that cannot be asked is asked again */

/** The servers of the plan are asked for their tools; those that are gone are left. */
void vgw_mcps_swap(struct vgw_gateway *g);
void vgw_mcps_free(struct vgw_gateway *g);

/** The answer with that id among an HTTP answer's body: a JSON document, or an event stream (`sse`) whose messages are
 * looked through. A new value, or NULL. Pure. */
struct vgw_json *vgw_mcp_answer(const char *body, size_t len, bool sse, int64_t id);
/** What a tool gave: `structuredContent`, else its texts as {"text"}. VGW_EPROVIDER and the text when it says isError.
 * Pure. */
int vgw_mcp_result(const struct vgw_json *result, struct vgw_json **ret_value, struct vgw_error *err);
#endif
