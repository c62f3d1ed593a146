/* environment.h - what the environment adds to a configuration. It fills what the file leaves out and never beats it.
 */
#ifndef VGW_CONFIG_ENVIRONMENT_H
#define VGW_CONFIG_ENVIRONMENT_H
#include "config/node.h"
#include "config/reader.h"

/** Adds nodes to the tree of vgw_config_load() (before it is checked), flagged VGW_NODE_ENVIRONMENT and placed at
 *  "environment NAME", and notes each name that supplied a value in `reader`. A key that stands in the file with a
 * value is never touched; an empty variable counts as unset.
 *  - VOICE_PROVIDER names the plugin of the default provider: an instance of it is chosen (the one with `default:
 * true`, else the first), or made under the plugin's name when there is none; bland_ai and bland are one. Not with
 * `default_provider`.
 *  - To the default provider (without a choice: to the only one): VOICE_API_KEY, VOICE_API_SECRET, VOICE_ACCOUNT_ID,
 *    VOICE_TIMEOUT, VOICE_RECORDING (or VOICE_RECORDING_ENABLED; both and different is an error), VOICE_TTS_VOICE,
 *    VOICE_TTS_LANGUAGE, DEFAULT_LANGUAGE (recognition, and synthesis where VOICE_TTS_LANGUAGE is unset),
 *    MAX_CALL_DURATION_MINUTES.
 *  - To all instances of their plugin: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN (not where the file gives `api_secret`
 * without `api_key`: that is the token then), TWILIO_PHONE_NUMBER, BLAND_AI_API_KEY, VAPI_API_KEY, and OPENAI_API_KEY,
 *    OPENAI_PROJECT_ID, OPENAI_VOICE for plugins whose names begin with openai, OPENAI_REALTIME_MODEL for those of them
 * that speak the realtime protocol ("realtime" in the name).
 *  - VOICE_ENABLED, WEBHOOK_HOST and WEBHOOK_PORT (http.listen), WEBHOOK_BASE_URL (http.public_url), FRONT_DESK_PHONE,
 *    HOUSEKEEPING_PHONE, MANAGEMENT_PHONE, MAINTENANCE_PHONE (departments), RECORDING_STORAGE, and with storage s3
 *    S3_RECORDINGS_BUCKET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (recordings).
 *  - VOICEGW_TOKEN: a token "environment" with all scopes, when the file has none.
 *  Values are checked by the option tables later; only what has to be converted is checked here. Returns 0,
 * VGW_ECONFIG, or VGW_ELIMIT. Thread: control. */
int vgw_environment_apply(struct vgw_config_reader *reader, struct vgw_node *root);
#endif
