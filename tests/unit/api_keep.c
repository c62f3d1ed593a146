/* api_keep.c - what the API remembers: tokens, tickets, rates, answers by key, signatures, measures. */
#include "config_help.h"

#include "api/inside.h"
#include "api/measure.h"

#define S INT64_C(1000000)

static struct vgw_api_config *compile(const char *text, char **ret_errors)
{
    struct vgw_config_errors errors = {0};
    struct vgw_options *options = NULL;
    struct vgw_api_config *config = NULL;
    struct vgw_node *doc = help_document(text);
    vgw_options_check(vgw_main_table(), doc, &errors, &options);
    if (options)
        vgw_api_compile(options, &errors, &config);
    *ret_errors = help_print(&errors);
    vgw_config_errors_done(&errors);
    vgw_options_unref(options);
    vgw_node_free(doc);
    return config;
}

Test(api_config, tokens_have_scopes_and_projects)
{
    char *errors;
    struct vgw_api_config *c = compile("auth: {tokens: [{name: ops, token: secret-one, scopes: [read, call, admin]}, "
                                       "{name: shop, token: secret-two, scopes: [read], projects: [shop]}]}\n",
                                       &errors);
    cr_expect_str_eq(errors, "");
    cr_assert_not_null(c);
    cr_expect(vgw_api_config_has_tokens(c));
    struct vgw_grant *ops = vgw_grants_find(&c->grants, "secret-one", 10),
                     *shop = vgw_grants_find(&c->grants, "secret-two", 10);
    cr_assert(ops && shop);
    cr_expect_null(vgw_grants_find(&c->grants, "secret-on", 9));
    cr_expect_null(vgw_grants_find(&c->grants, "", 0));
    cr_expect_eq(ops->scopes, (unsigned)VGW_SCOPE_ALL);
    cr_expect_eq(shop->scopes, (unsigned)VGW_SCOPE_READ);
    cr_expect(vgw_grant_sees(ops, "shop") && vgw_grant_sees(ops, NULL));
    cr_expect(vgw_grant_sees(shop, "shop"));
    cr_expect(!vgw_grant_sees(shop, NULL) && !vgw_grant_sees(shop, "default"));
    cr_expect_str_eq(vgw_grant_project(shop), "shop");
    cr_expect_null(vgw_grant_project(ops));
    vgw_api_config_free(c);
    vgw_free(errors);
}

Test(api_config, refuses_what_cannot_be_with_its_place)
{
    static const struct {
        const char *text, *errors;
    } rows[] = {
        {"http: {prefix: voice}\n",
         "t.yaml:1:16: voice is no prefix; it must be a path such as /voice, without a slash at its end\n"},
        {"http: {prefix: /voice/}\n",
         "t.yaml:1:16: /voice/ is no prefix; it must be a path such as /voice, without a slash at its end\n"},
        {"auth: {tokens: [{name: a, token: one-secret}, {name: a, token: two-secret}]}\n",
         "t.yaml:1:54: two tokens are named a; each needs a name of its own\n"},
        {"auth: {tokens: [{name: a, token: one-secret}, {name: b, token: one-secret}]}\n",
         "t.yaml:1:64: this is the token of a too; each name needs a token of its own\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *errors;
        cr_expect_null(compile(rows[i].text, &errors));
        cr_expect_str_eq(errors, rows[i].errors);
        vgw_free(errors);
    }
}

Test(api_config, a_feed_outlives_a_reload_only_with_its_rights)
{
    static const struct {
        const char *text;
        bool lives;
    } rows[] = {
        {"auth: {tokens: [{name: a, token: secret-a, scopes: [read, call], projects: [x]}]}\n", true},
        {"auth: {tokens: [{name: renamed, token: secret-a, scopes: [read, call, admin], projects: [x, y]}]}\n", true},
        {"auth: {tokens: [{name: a, token: secret-a, scopes: [read, call]}]}\n", true},
        {"auth: {tokens: [{name: a, token: secret-a, scopes: [read], projects: [x]}]}\n", false},
        {"auth: {tokens: [{name: a, token: secret-a, scopes: [read, call], projects: [y]}]}\n", false},
        {"auth: {tokens: [{name: a, token: secret-b, scopes: [read, call], projects: [x]}]}\n", false},
        {"{}\n", false},
    };
    char *errors;
    struct vgw_api_config *before = compile(rows[0].text, &errors);
    vgw_free(errors);
    struct vgw_grant *grant = vgw_grant_ref(before->grants.items[0]);
    vgw_api_config_free(before);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vgw_api_config *c = compile(rows[i].text, &errors);
        cr_assert_not_null(c);
        cr_expect_eq(vgw_grants_successor(&c->grants, grant) != NULL, rows[i].lives, "%s", rows[i].text);
        vgw_api_config_free(c);
        vgw_free(errors);
    }
    vgw_grant_unref(grant);
}

Test(api_auth, takes_bearer_headers_only)
{
    cr_expect_str_eq(vgw_bearer("Bearer abc"), "abc");
    cr_expect_str_eq(vgw_bearer("bearer  abc"), "abc");
    cr_expect_null(vgw_bearer("Basic abc"));
    cr_expect_null(vgw_bearer("Bearer"));
    cr_expect_null(vgw_bearer("Bearer "));
    cr_expect_null(vgw_bearer("Bearerabc"));
    cr_expect_null(vgw_bearer(NULL));
}

Test(api_ticket, is_good_once_and_for_a_minute)
{
    struct vgw_tickets *t = vgw_tickets_new();
    struct vgw_grant *g = vgw_grant_new("g", VGW_SCOPE_READ);
    char one[VGW_TICKET_TEXT], two[VGW_TICKET_TEXT];
    cr_assert_eq(vgw_tickets_issue(t, g, 0, one), 0);
    cr_assert_eq(vgw_tickets_issue(t, g, 0, two), 0);
    cr_expect_str_neq(one, two);
    struct vgw_grant *taken = vgw_tickets_take(t, one, 59 * S);
    cr_expect_eq(taken, g);
    vgw_grant_unref(taken);
    cr_expect_null(vgw_tickets_take(t, one, 59 * S));
    cr_expect_null(vgw_tickets_take(t, two, 60 * S));
    cr_expect_null(vgw_tickets_take(t, "nonsense", 0));
    cr_expect_eq(g->refs, 1u);
    vgw_grant_unref(g);
    vgw_tickets_free(t);
}

static struct vgw_kept_answer answer(int status, const char *body)
{
    return (struct vgw_kept_answer){.http_status = status, .body = (char *)(uintptr_t)body, .body_len = strlen(body)};
}

Test(api_idempotency, the_same_request_gets_the_same_answer)
{
    struct vgw_idempotency *s = vgw_idempotency_new(3);
    const struct vgw_kept_answer *kept = NULL;
    struct vgw_kept_answer given = answer(202, "{\"call_id\":\"c\"}");
    cr_expect_eq(vgw_idempotency_begin(s, "k", "body", 4, 0, &kept), VGW_IDEMPOTENCY_NEW);
    cr_expect_eq(vgw_idempotency_begin(s, "k", "body", 4, 0, &kept), VGW_IDEMPOTENCY_IN_FLIGHT);
    cr_expect_eq(vgw_idempotency_begin(s, "k", "other", 5, 0, &kept), VGW_IDEMPOTENCY_DIFFERENT);
    vgw_idempotency_keep(s, "k", &given);
    cr_expect_eq(vgw_idempotency_begin(s, "k", "body", 4, S, &kept), VGW_IDEMPOTENCY_REPEATED);
    cr_expect_eq(kept->http_status, 202);
    cr_expect_str_eq(kept->body, "{\"call_id\":\"c\"}");
    cr_expect_eq(vgw_idempotency_begin(s, "k", "other", 5, S, &kept), VGW_IDEMPOTENCY_DIFFERENT);
    cr_expect_eq(vgw_idempotency_begin(s, "k", "other", 5, VGW_IDEMPOTENCY_US, &kept), VGW_IDEMPOTENCY_NEW,
                 "a day later it is free");
    vgw_idempotency_forget(s, "k");
    cr_expect_eq(vgw_idempotency_begin(s, "k", "x", 1, VGW_IDEMPOTENCY_US, &kept), VGW_IDEMPOTENCY_NEW,
                 "what failed may be tried again");
    vgw_idempotency_free(s);
}

Test(api_idempotency, is_bounded_and_never_drops_what_is_under_way)
{
    struct vgw_idempotency *s = vgw_idempotency_new(2);
    const struct vgw_kept_answer *kept = NULL;
    struct vgw_kept_answer given = answer(201, "{}");
    cr_expect_eq(vgw_idempotency_begin(s, "a", "", 0, 0, &kept), VGW_IDEMPOTENCY_NEW);
    cr_expect_eq(vgw_idempotency_begin(s, "b", "", 0, 0, &kept), VGW_IDEMPOTENCY_NEW);
    cr_expect_eq(vgw_idempotency_begin(s, "c", "", 0, 0, &kept), VGW_IDEMPOTENCY_FULL);
    vgw_idempotency_keep(s, "b", &given);
    cr_expect_eq(vgw_idempotency_begin(s, "c", "", 0, 0, &kept), VGW_IDEMPOTENCY_NEW);
    cr_expect_eq(vgw_idempotency_count(s), 2u);
    cr_expect_eq(vgw_idempotency_begin(s, "a", "", 0, 0, &kept), VGW_IDEMPOTENCY_IN_FLIGHT);
    vgw_idempotency_free(s);
}

Test(api_recording, a_signature_is_for_one_recording_and_one_time)
{
    uint8_t key[32] = {1}, other[32] = {2};
    char signature[65];
    vgw_recording_sign(key, "rec-1", 1000, signature);
    cr_expect_eq(strlen(signature), 64u);
    cr_expect(vgw_recording_verify(key, "rec-1", 1000, signature, 999 * S));
    cr_expect(!vgw_recording_verify(key, "rec-1", 1000, signature, 1000 * S), "it expires");
    cr_expect(!vgw_recording_verify(key, "rec-2", 1000, signature, 0));
    cr_expect(!vgw_recording_verify(key, "rec-1", 1001, signature, 0));
    cr_expect(!vgw_recording_verify(other, "rec-1", 1000, signature, 0));
    cr_expect(!vgw_recording_verify(key, "rec-1", 1000, "", 0));
}

Test(api_measure, counts_outcomes_and_percentiles)
{
    struct vgw_measure *m = vgw_measure_new();
    struct vgw_json *out = vgw_json_object();
    for (int i = 1; i <= 100; i++) {
        struct vgw_json *call = vgw_json_object(), *turn = vgw_json_object(), *stages = vgw_json_object();
        vgw_json_set_string(call, "status", i % 4 ? "completed" : "busy");
        if (i % 4)
            vgw_json_set_int(call, "answered_at", 1);
        vgw_json_set_double(call, "duration", i);
        vgw_json_set_double(call, "cost", 0.5);
        vgw_json_set_int(stages, "first_text", i);
        vgw_json_set_int(turn, "latency_ms", 10 * i);
        vgw_json_set(turn, "stages", stages);
        vgw_measure_call(m, call);
        vgw_measure_turn(m, turn);
        vgw_json_free(call);
        vgw_json_free(turn);
    }
    vgw_measure_show(m, out);
    cr_expect_eq(vgw_json_get_int(out, "calls", 0), 100);
    cr_expect_eq(vgw_json_as_int(vgw_json_path(out, "by_status.busy"), 0), 25);
    cr_expect_eq(vgw_json_as_int(vgw_json_path(out, "by_status.completed"), 0), 75);
    cr_expect_eq(vgw_json_get_double(out, "cost", 0), 50.0);
    cr_expect_eq(vgw_json_as_double(vgw_json_path(out, "latency_ms.first_text.p50"), 0), 51.0);
    cr_expect_eq(vgw_json_as_double(vgw_json_path(out, "latency_ms.total.p95"), 0), 960.0);
    cr_expect_eq(vgw_json_as_double(vgw_json_path(out, "latency_ms.total.p99"), 0), 1000.0);
    cr_expect_eq(vgw_json_as_double(vgw_json_path(out, "duration.max"), 0), 99.0);
    vgw_json_free(out);
    vgw_measure_free(m);
}
