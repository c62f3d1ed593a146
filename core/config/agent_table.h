/* agent_table.h - options of `agents:` and `tools:`. Static; any thread. */
#ifndef VGW_CONFIG_AGENT_TABLE_H
#define VGW_CONFIG_AGENT_TABLE_H
#include "config/option.h"

/** One agent, one tool. */
const struct vgw_option_table *vgw_agent_table(void);
const struct vgw_option_table *vgw_tool_table(void);
extern const struct vgw_option_table vgw_agent_rows, vgw_tool_rows;
#endif
