/* register.c - registrations of trunks. */
#include "register.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint32_t asked_s(const struct trunk *t)
{
    return (uint32_t)(t->set->expires_us / 1000000);
}

/* The Contact of ours among those that the registrar lists: the one with our user part. */
static int own_contact(const struct trunk *t, const struct re_message *m, char *out, size_t cap)
{
    char user[200];
    (void)snprintf(user, sizeof user, ":%.128s@", t->set->username);
    for (unsigned i = 0; i < 16 && re_message_header(m, "Contact", i, out, cap) >= 0; i++)
        if (strstr(out, user))
            return 0;
    return -1;
}

static void on_done(void *arg, uint32_t status, int error, const struct re_message *m)
{
    struct trunk *t = arg;
    struct sip *sip = t->sip;
    char contact[512], expires[32], text[64];
    uint32_t random;
    (void)error;
    if (status >= 200 && status < 300) {
        int listed = own_contact(t, m, contact, sizeof contact) == 0,
            given = re_message_header(m, "Expires", 0, expires, sizeof expires) >= 0;
        uint32_t s = sip_register_granted(listed ? contact : NULL, given ? expires : NULL, asked_s(t));
        t->registered = 1;
        t->refused = 0;
        t->failures = 0;
        t->registered_until_us = sip->host->now_us(sip->host) + (int64_t)s * 1000000;
        trunk_judge(t);
        re_timer_start(t->register_timer, sip_register_refresh_ms(s));
        return;
    }
    if (t->registered_until_us <= sip->host->now_us(sip->host) || (status >= 400 && status < 500 && status != 408))
        t->registered = 0;
    t->failures++;
    if (!t->registered && !t->refused) {
        (void)snprintf(text, sizeof text, status ? "a registrar refuses us with %u" : "a registrar does not answer",
                       status);
        sip_log(sip, VOICEGW_LOG_WARNING, text, "trunk", t->set->name);
        t->refused = 1;
    }
    trunk_judge(t);
    re_random(&random, sizeof random);
    re_timer_start(t->register_timer, sip_register_backoff_ms(t->failures, random));
}

static int send_register(struct trunk *t, uint32_t expires_s)
{
    char uri[512], aor[512], headers[64];
    (void)snprintf(headers, sizeof headers, "Expires: %u\r\n", expires_s);
    if (t->registration && re_request_again(t->registration, headers) == 0)
        return 0;
    re_request_free(t->registration);
    trunk_uri(t->set, "", uri, sizeof uri);
    trunk_uri(t->set, t->set->username, aor, sizeof aor);
    const struct re_request_params p = {.method = "REGISTER",
                                        .uri = uri,
                                        .to_uri = aor,
                                        .from_uri = aor,
                                        .route = t->set->outbound_proxy,
                                        .headers = headers,
                                        .contact = t->set->username,
                                        .credentials = {t->set->username, t->set->password},
                                        .on_done = on_done,
                                        .arg = t};
    t->registration = re_request_new(ua_agent(t->sip), &p);
    return t->registration ? 0 : -1;
}

static void on_time(void *arg)
{
    struct trunk *t = arg;
    if (send_register(t, asked_s(t)) < 0)
        on_done(t, 0, 0, NULL);
}

void trunk_register_start(struct trunk *t)
{
    atomic_store(&t->sip->used, 1);
    t->register_timer = re_timer_new(on_time, t);
    re_timer_start(t->register_timer, 0);
}

void trunk_register_withdraw(struct trunk *t)
{
    re_timer_stop(t->register_timer);
    if (t->registered)
        (void)send_register(t, 0);
    t->registered = 0;
    re_timer_stop(t->register_timer);
}

void trunk_register_stop(struct trunk *t)
{
    if (t->registered)
        trunk_register_withdraw(t);
    re_request_free(t->registration);
    t->registration = NULL;
    re_timer_free(t->register_timer);
    t->register_timer = NULL;
}
