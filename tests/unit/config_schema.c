/* config_schema.c - the main table, and what tables say about themselves. */
#include "config_help.h"

/* The contract's own example, but for parts that come later. */
static const char example[] =
    "gateway:\n  name: front-desk-1\n  enabled: true\n  max_sessions: 100\n  max_concurrent_sessions: 100\n"
    "  session_timeout: 10m\n  session_timeout_seconds: 600\n  max_call_duration: 1h\n  drain_timeout: 30m\n  workers: "
    "auto\n"
    "  control_socket: /run/voicegw/control.sock\n"
    "log: {level: info, format: text, target: stderr}\n"
    "http:\n  listen: [\"127.0.0.1:8080\"]\n  public_url: https://voice.example.com\n"
    "  tls: {certificate: cert.pem, key: key.pem}\n  trusted_proxies: [127.0.0.1]\n  compat_routes: true\n  prefix: "
    "/voice\n"
    "auth:\n  tokens:\n    - {name: ops, token: \"abc\", scopes: [read, call, admin], projects: [default]}\n"
    "  rate_limit: {api: 100/s, failures: 10/m}\n"
    "outbound_urls: {allow: []}\nplugins: {path: [/usr/lib/voicegw]}\n"
    "providers:\n  lab: {plugin: mock, initiating_ms: 500}\n  phones: {plugin: sip, listen: [\"udp:0.0.0.0:5060\"]}\n"
    "default_provider: lab\nstt: {local: {plugin: pocketsphinx}}\ntts: {local: {plugin: flite}}\n"
    "assistants:\n  echo: {plugin: echo}\n  desk: {plugin: menu, file: menus/front-desk.yaml}\n"
    "store: {plugin: sqlite, path: /var/lib/voicegw/voicegw.db}\n"
    "recordings: {storage: local, path: /var/lib/voicegw/recordings}\n"
    "departments: {front_desk: \"+15550100\"}\n"
    "routes:\n  - match: {provider: lab, to: \"+1555*\"}\n    project: default\n    language: en-US\n"
    "    greeting: \"Connecting to agent.\"\n    assistant: echo\n    stt: local\n    tts: [local]\n    record: true\n"
    "    talk: {barge_in: false}\n  - match: {}\n    workflow: inbound_menu\n"
    "workflows: [workflows/*.yaml]\nrules: [rules/*.yaml]\n"
    "talk: {endpoint_silence: 700ms, min_words: 0, backchannels: [uh-huh], max_turns: 200}\n"
    "media_silence_timeout: 60s\njournal: {sync: interval, interval: 50ms, max_size: 64MiB}\nevents: {keep: 100000}\n"
    "retention: {records: 30d}\n";

Test(config_main, accepts_the_whole_example)
{
    struct vgw_config_errors errors = {0};
    struct vgw_options *o = NULL;
    struct vgw_node *doc = help_document(example);
    cr_expect_eq(vgw_options_check(vgw_main_table(), doc, &errors, &o), 0);
    help_expect(&errors, "");
    cr_expect_eq(vgw_options_count(o, "routes"), 2);
    cr_expect_eq(vgw_options_duration_us(o, "gateway.session_timeout"), INT64_C(600000000));
    vgw_options_unref(o);
    vgw_node_free(doc);
    vgw_config_errors_done(&errors);
}

Test(config_main, has_the_promised_defaults)
{
    struct vgw_config_errors errors = {0};
    struct vgw_options *o = NULL;
    cr_assert_eq(vgw_options_check(vgw_main_table(), NULL, &errors, &o), 0);
    cr_expect_eq(vgw_options_int(o, "gateway.max_sessions"), 100);
    cr_expect_eq(vgw_options_duration_us(o, "gateway.max_call_duration"), INT64_C(3600000000));
    cr_expect_str_eq(vgw_options_item(o, "http.listen", 0), "127.0.0.1:8080");
    cr_expect_null(vgw_options_section(o, "http.tls"));
    cr_expect_eq(vgw_options_duration_us(o, "talk.endpoint_silence"), 700000);
    cr_expect_eq(vgw_options_int(o, "events.keep"), 100000);
    cr_expect_eq(vgw_options_rate(o, "auth.rate_limit.api"), 100);
    cr_expect_str_eq(vgw_node_text(vgw_node_get(vgw_options_node(o, "store", 0), "plugin")), "sqlite");
    vgw_options_unref(o);
}

Test(config_main, refuses_aliases_that_differ)
{
    struct vgw_config_errors errors = {0};
    struct vgw_options *o = NULL;
    struct vgw_node *doc = help_document("gateway: {max_sessions: 1, max_concurrent_sessions: 2}\n");
    cr_expect_eq(vgw_options_check(vgw_main_table(), doc, &errors, &o), VGW_ECONFIG);
    help_expect(
        &errors,
        "t.yaml:1:28: 'max_sessions' and 'max_concurrent_sessions' name the same option and differ; keep one\n");
    vgw_node_free(doc);
    vgw_config_errors_done(&errors);
}

/* One flag turns an option on: until then it is known, undocumented and refused. */
Test(config_main, option_that_comes_later_is_one_flag)
{
    static const struct vgw_option inner_rows[] = {
        {.name = "media", .type = VGW_OPTION_STRING, .flags = VGW_OPTION_LATER, .text = "to come"}};
    static const struct vgw_option_table inner = {.name = "inner", VGW_OPTION_ROWS(inner_rows)};
    struct vgw_option rows[] = {
        {.name = "queues", .type = VGW_OPTION_JSON_MAP, .flags = VGW_OPTION_LATER, .text = "to come too"},
        {.name = "routes", .type = VGW_OPTION_SECTION_LIST, .table = &inner, .text = "a list"}};
    const struct vgw_option_table table = {.name = "main", VGW_OPTION_ROWS(rows)};
    struct vgw_config_errors errors = {0};
    struct vgw_options *o = NULL;
    struct vgw_buf page = {0};
    struct vgw_node *doc = help_document("queues: {a: 1}\nroutes: [{media: stream}]\n");
    cr_expect_eq(vgw_options_check(&table, doc, &errors, &o), VGW_ECONFIG);
    help_expect(&errors, "t.yaml:1:1: option 'queues' is not available in this version; take it out\n"
                         "t.yaml:2:11: option 'media' is not available in this version; take it out\n");
    vgw_schema_mdoc(&table, &page);
    cr_expect_null(strstr(vgw_buf_str(&page), "to come"));
    vgw_buf_done(&page);
    vgw_node_free(doc);
    vgw_config_errors_done(&errors);
    errors = (struct vgw_config_errors){0};
    rows[0].flags = VGW_OPTION_RELOADABLE;
    doc = help_document("queues: {a: 1}\n");
    cr_expect_eq(vgw_options_check(&table, doc, &errors, &o), 0);
    cr_expect_str_eq(vgw_options_json_text(o, "queues"), "{\"a\":1}");
    vgw_schema_mdoc(&table, &page);
    cr_expect_not_null(strstr(vgw_buf_str(&page), "to come too"));
    vgw_buf_done(&page);
    vgw_options_unref(o);
    vgw_node_free(doc);
    vgw_config_errors_done(&errors);
}

Test(config_schema, describes_every_option_in_every_form)
{
    struct vgw_schema_plugin plugin = {"providers", "mock", vgw_provider_table()};
    struct vgw_json *schema = vgw_schema_json(vgw_main_table(), &plugin, 1);
    struct vgw_json *described = vgw_schema_describe(vgw_main_table());
    struct vgw_buf mdoc = {0};
    struct vgw_buf text = {0};
    cr_assert_not_null(schema);
    cr_expect_str_eq(vgw_json_get_string(schema, "$schema", ""), "https://json-schema.org/draft/2020-12/schema");
    cr_expect_not_null(vgw_json_path(schema, "properties.gateway.anyOf.0.properties.max_concurrent_sessions"));
    cr_expect_not_null(vgw_json_path(schema, "properties.recordings.anyOf.0.properties.path"));
    cr_expect_not_null(vgw_json_path(schema, "properties.recordings.anyOf.0.properties.bucket"));
    cr_expect_str_eq(
        vgw_json_str(vgw_json_path(
            schema, "properties.providers.anyOf.0.additionalProperties.allOf.0.if.properties.plugin.const")),
        "mock");
    cr_expect_str_eq(vgw_json_str(vgw_json_path(described, "options.0.options.2.aliases.0")),
                     "max_concurrent_sessions");
    vgw_schema_mdoc(vgw_main_table(), &mdoc);
    vgw_schema_text(vgw_main_table(), &text);
    cr_expect_not_null(strstr(vgw_buf_str(&mdoc), ".It Ic max_sessions\n"));
    cr_expect_not_null(strstr(vgw_buf_str(&text),
                              "\n  max_sessions: integer (sessions); default 100; 1 to 100000; also "
                              "max_concurrent_sessions; metric voicegw_sessions - "));
    cr_expect_not_null(strstr(vgw_buf_str(&text), "access_key_id"));
    vgw_buf_done(&mdoc);
    vgw_buf_done(&text);
    vgw_json_free(schema);
    vgw_json_free(described);
}
