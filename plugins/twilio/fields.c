/* fields.c - what a call is made with besides what we set: fields of Twilio's own, by its names, from
 * `variables: {platform_config: {…}}` of whoever places it, else from the option `extra`.
 * Source: twilio.com/docs/voice/api/call-resource#create-a-call-resource. */
#include <string.h>
#include "twilio.h"

/* To, From, the status callback and the recording's are ours: without them the call could not be followed. */
static const char *const names[] = {"Url",
                                    "Method",
                                    "Twiml",
                                    "FallbackUrl",
                                    "FallbackMethod",
                                    "SendDigits",
                                    "Timeout",
                                    "TimeLimit",
                                    "Record",
                                    "RecordingChannels",
                                    "RecordingTrack",
                                    "Trim",
                                    "MachineDetection",
                                    "MachineDetectionTimeout",
                                    "MachineDetectionSpeechThreshold",
                                    "MachineDetectionSpeechEndThreshold",
                                    "MachineDetectionSilenceTimeout",
                                    "AsyncAmd",
                                    "SipAuthUsername",
                                    "SipAuthPassword",
                                    "CallerId",
                                    "CallToken",
                                    "CallReason",
                                    "Byoc"};

static struct voicegw_json config_of(const struct voicegw_call_params *p)
{
    struct voicegw_json config = voicegw_json_member(voicegw_json_of(p->variables_json), "platform_config");
    return config.text ? config : voicegw_json_member(voicegw_json_of(p->route_json), "platform_config");
}

static int known(struct voicegw_json key)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (voicegw_json_equals(key, names[i]))
            return 1;
    return 0;
}

static int scalar(struct voicegw_json value)
{
    uint32_t type = voicegw_json_type(value);
    return type == VOICEGW_JSON_STRING || type == VOICEGW_JSON_NUMBER || type == VOICEGW_JSON_BOOL;
}

const char *fields_check(const struct voicegw_call_params *p)
{
    struct voicegw_json config = config_of(p);
    char digits[64] = "";
    if (config.text && voicegw_json_type(config) != VOICEGW_JSON_OBJECT)
        return "platform_config must be an object of Twilio's own fields";
    struct voicegw_json_iter it = voicegw_json_each(config);
    while (config.text && voicegw_json_next(&it)) {
        if (!known(it.key))
            return "platform_config has a field that is none of Twilio's, or that the gateway sets itself (To, From, "
                   "StatusCallback and so on); Url, Twiml, SendDigits, Record and MachineDetection are some that may "
                   "be there";
        if (!scalar(it.value))
            return "the fields of platform_config are texts, numbers, true or false";
    }
    if (voicegw_json_member(config, "Url").text && voicegw_json_member(config, "Twiml").text)
        return "platform_config has Url and Twiml, of which Twilio takes one";
    if (voicegw_json_get_string(config, "SendDigits", digits, sizeof digits) == VOICEGW_ELIMIT || strlen(digits) > 32 ||
        strspn(digits, "0123456789*#ABCDwW") != strlen(digits))
        return "SendDigits must be at most 32 of 0-9 * # A-D w W";
    return NULL;
}

int fields_lead_away(const struct voicegw_call_params *p)
{
    struct voicegw_json config = config_of(p);
    return voicegw_json_member(config, "Url").text || voicegw_json_member(config, "Twiml").text;
}

int fields_have(const struct voicegw_call_params *p, const char *name)
{
    return voicegw_json_member(config_of(p), name).text != NULL;
}

int fields_are(const struct voicegw_call_params *p, const char *name, const char *text)
{
    struct voicegw_json value = voicegw_json_member(config_of(p), name);
    return voicegw_json_equals(value, text) ||
           (voicegw_json_type(value) == VOICEGW_JSON_BOOL && voicegw_json_bool(value, 0) && strcmp(text, "true") == 0);
}

static void put(struct voicegw_text *form, struct voicegw_json_iter it)
{
    char name[128], value[TWIML_MAX];
    if (voicegw_json_string(it.key, name, sizeof name) <= 0 || !scalar(it.value))
        return;
    if (voicegw_json_type(it.value) == VOICEGW_JSON_STRING ? voicegw_json_string(it.value, value, sizeof value) >= 0
                                                           : voicegw_json_raw(it.value, value, sizeof value) > 0)
        voicegw_form_add(form, name, value);
}

void fields_put(const struct voicegw_call_params *p, const char *extra_json, struct voicegw_text *form)
{
    struct voicegw_json config = config_of(p);
    struct voicegw_json_iter it = voicegw_json_each(config);
    char name[128];
    while (config.text && voicegw_json_next(&it))
        put(form, it);
    it = voicegw_json_each(voicegw_json_of(extra_json));
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, name, sizeof name) > 0 && !voicegw_json_member(config, name).text)
            put(form, it);
}
