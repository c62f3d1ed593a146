/* main_table.h - the option tables of voicegw.yaml. */
#ifndef VGW_CONFIG_MAIN_TABLE_H
#define VGW_CONFIG_MAIN_TABLE_H
#include "config/option.h"

/* All tables are static and constant. Thread: any. */
/** The whole main file, fragments joined. */
const struct vgw_option_table *vgw_main_table(void);
/** `talk:` as it stands globally, in a route and in a step. */
const struct vgw_option_table *vgw_talk_table(void);
/** What the core itself honours in every instance under `providers:`; the `base` of each provider plugin's table. */
const struct vgw_option_table *vgw_provider_table(void);
/** The same for stt, tts and assistants. */
const struct vgw_option_table *vgw_engine_table(void);
/** The same for a plugin of any other kind (store): `plugin` alone. */
const struct vgw_option_table *vgw_plugin_table(void);
#endif
