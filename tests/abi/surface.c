/* surface.c - every struct of the SDK's settled headers, reachable from a symbol, so that abidiff sees it whole. */
#include "voicegw/plugin.h"
#include "voicegw/audio.h"
#include "voicegw/json_writer.h"

extern struct voicegw_plugin *surface_plugin;
struct voicegw_plugin *surface_plugin;
extern struct voicegw_factory *surface_factory;
struct voicegw_factory *surface_factory;
extern struct voicegw_host *surface_host;
struct voicegw_host *surface_host;
extern struct voicegw_option *surface_option;
struct voicegw_option *surface_option;
extern struct voicegw_frame *surface_frame;
struct voicegw_frame *surface_frame;
extern struct voicegw_audio_format *surface_audio_format;
struct voicegw_audio_format *surface_audio_format;
extern struct voicegw_json *surface_json;
struct voicegw_json *surface_json;
extern struct voicegw_json_iter *surface_json_iter;
struct voicegw_json_iter *surface_json_iter;
