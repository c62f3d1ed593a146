/* config_environment.c - the environment fills what the file leaves out, and never beats it. */
#include "config_help.h"

static void check(const char *file, const char *const *env, const char *json, const char *errors)
{
    struct vgw_config_reader reader = {.getenv = help_getenv, .getenv_arg = (void *)env};
    struct vgw_node *root = help_document(file);
    struct vgw_json *value = NULL;
    vgw_environment_apply(&reader, root);
    help_expect(&reader.errors, errors);
    cr_assert_eq(vgw_node_json(root, true, &value), 0);
    char *text = vgw_json_text(value, false);
    cr_expect_str_eq(text, json);
    vgw_free(text);
    vgw_json_free(value);
    vgw_node_free(root);
    vgw_config_reader_done(&reader);
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(config_environment, makes_and_chooses_the_default_provider)
{
    check("{}", ENV("VOICE_PROVIDER", "bland_ai", "VOICE_API_KEY", "k", "BLAND_AI_API_KEY", "z"),
          "{\"providers\":{\"bland\":{\"plugin\":\"bland\",\"api_key\":\"k\"}},\"default_provider\":\"bland\"}", "");
    check("providers: {a: {plugin: mock}, b: {plugin: twilio}, c: {plugin: twilio, default: true}}",
          ENV("VOICE_PROVIDER", "twilio", "VOICE_ACCOUNT_ID", "AC1", "TWILIO_PHONE_NUMBER", "+1555"),
          "{\"providers\":{\"a\":{\"plugin\":\"mock\"},\"b\":{\"plugin\":\"twilio\",\"default_from\":\"+1555\"},"
          "\"c\":{\"plugin\":\"twilio\",\"default\":true,\"account_id\":\"AC1\",\"default_from\":\"+1555\"}},"
          "\"default_provider\":\"c\"}",
          "");
    check("providers: {a: {plugin: mock, tts_voice: v}}\ndefault_provider: a\n",
          ENV("VOICE_PROVIDER", "twilio", "VOICE_TTS_VOICE", "w", "MAX_CALL_DURATION_MINUTES", "2", "VOICE_TIMEOUT",
              "30"),
          "{\"providers\":{\"a\":{\"plugin\":\"mock\",\"tts_voice\":\"v\",\"default_timeout_seconds\":\"30\","
          "\"max_call_duration_seconds\":\"120\"}},\"default_provider\":\"a\"}",
          "");
}

Test(config_environment, never_beats_the_file)
{
    check("gateway: {enabled: false}\nhttp: {listen: [a], public_url: u}\nauth: {tokens: [{name: x}]}\n"
          "departments: {front_desk: '1'}\nproviders: {t: {plugin: twilio, api_secret: s}}\n",
          ENV("VOICE_ENABLED", "true", "WEBHOOK_PORT", "1", "WEBHOOK_BASE_URL", "v", "VOICEGW_TOKEN", "t",
              "FRONT_DESK_PHONE", "2", "TWILIO_AUTH_TOKEN", "other"),
          "{\"gateway\":{\"enabled\":false},\"http\":{\"listen\":[\"a\"],\"public_url\":\"u\"},\"auth\":{\"tokens\":[{"
          "\"name\":"
          "\"x\"}]},\"departments\":{\"front_desk\":\"1\"},\"providers\":{\"t\":{\"plugin\":\"twilio\",\"api_secret\":"
          "\"s\"}}}",
          "");
}

Test(config_environment, fills_the_main_sections)
{
    check("http: ~",
          ENV("VOICE_ENABLED", "false", "WEBHOOK_HOST", "::1", "WEBHOOK_PORT", "81", "VOICEGW_TOKEN", "tok",
              "MANAGEMENT_PHONE", "+1", "AWS_ACCESS_KEY_ID", "unused", "WEBHOOK_BASE_URL", ""),
          "{\"gateway\":{\"enabled\":\"false\"},\"departments\":{\"management\":\"+1\"},\"http\":{\"listen\":[\"[::1]:"
          "81\"]},"
          "\"auth\":{\"tokens\":[{\"name\":\"environment\",\"token\":\"tok\",\"scopes\":[\"read\",\"call\",\"admin\"]}]"
          "}}",
          "");
}

Test(config_environment, refuses_contradictions_and_bad_values)
{
    check("{}", ENV("VOICE_RECORDING", "true", "VOICE_RECORDING_ENABLED", "off", "WEBHOOK_PORT", "0"), "{}",
          "environment VOICE_RECORDING: VOICE_RECORDING and VOICE_RECORDING_ENABLED say different things; set one of "
          "them\n"
          "environment WEBHOOK_PORT: the value must be a port, between 1 and 65535\n");
    check("{}", ENV("VOICE_RECORDING", "true", "VOICE_RECORDING_ENABLED", "yes"), "{}", "");
    check(
        "providers: {a: {plugin: mock}}", ENV("MAX_CALL_DURATION_MINUTES", "x"),
        "{\"providers\":{\"a\":{\"plugin\":\"mock\"}}}",
        "environment MAX_CALL_DURATION_MINUTES: the value must be a number of minutes, more than 0 and at most 1440\n");
    check("providers: {mock: {plugin: sip}}", ENV("VOICE_PROVIDER", "mock"),
          "{\"providers\":{\"mock\":{\"plugin\":\"sip\"}}}",
          "t.yaml:1:13: 'mock' is no instance of the plugin that VOICE_PROVIDER names; add one, or name it in "
          "'default_provider'\n");
}

Test(config_environment, supplies_keys_that_a_plugin_need_not_know)
{
    struct vgw_config_reader reader = {.getenv = help_getenv,
                                       .getenv_arg = (void *)ENV("VOICE_PROVIDER", "mock", "VOICE_API_KEY", "k")};
    struct vgw_node *root = help_document("{}");
    struct vgw_options *o = NULL;
    vgw_environment_apply(&reader, root);
    cr_expect_eq(vgw_options_check(vgw_provider_table(), vgw_node_path(root, "providers.mock"), &reader.errors, &o), 0);
    help_expect(&reader.errors, "");
    cr_expect_eq(reader.supplied_count, 2);
    vgw_options_unref(o);
    vgw_node_free(root);
    vgw_config_reader_done(&reader);
}
