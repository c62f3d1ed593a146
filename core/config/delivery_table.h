/* delivery_table.h - the tables of `delivery` and `voice_configs`, parts of the main file's. Static; thread: any. */
#ifndef VGW_CONFIG_DELIVERY_TABLE_H
#define VGW_CONFIG_DELIVERY_TABLE_H
#include "config/option.h"

extern const struct vgw_option_table vgw_delivery_table;
extern const struct vgw_option_table vgw_voice_config_table;

#endif
