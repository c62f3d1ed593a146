/* door.c - who may come in. */
#include "door.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "trunk.h"

struct door *door_new(uint32_t registrations)
{
    struct door *d = calloc(1, sizeof *d);
    if (d)
        d->registrar.limit = registrations;
    return d;
}

void door_free(struct door *d)
{
    if (d)
        registrar_clear(&d->registrar);
    free(d);
}

static int64_t now(const struct sip *sip)
{
    return sip->host->now_us(sip->host);
}

static void md5(void *arg, const char *text, size_t bytes, uint8_t *out)
{
    const struct sip *sip = arg;
    (void)sip->crypto->digest(sip->host, VOICEGW_DIGEST_MD5, text, bytes, out);
}

/* ---- passwords ---- */

static void challenge(struct sip *sip, struct door *d, const struct re_message *m, int stale)
{
    char headers[400];
    uint8_t random[16];
    re_random(random, sizeof random);
    (void)snprintf(headers, sizeof headers,
                   "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\", qop=\"auth\", algorithm=MD5%s\r\n",
                   ua_settings(sip)->realm, digest_nonce_new(&d->digest, random, now(sip)),
                   stale ? ", stale=TRUE" : "");
    re_agent_reply(ua_agent(sip), m, 401, NULL, headers);
}

/* The password of a name, "" for an unknown one; and whose name it is. */
static const char *password_of(struct sip *sip, const char *name, struct door_guest *g)
{
    const struct sip_settings *s = ua_settings(sip);
    const struct sip_user *u = sip_settings_user(s, name);
    if (u) {
        *g = (struct door_guest){"", u->name};
        return u->password;
    }
    for (uint32_t i = 0; i < s->trunk_count; i++)
        if (s->trunks[i].auth == SIP_AUTH_DIGEST && strcmp(s->trunks[i].username, name) == 0) {
            *g = (struct door_guest){s->trunks[i].name, ""};
            return s->trunks[i].password;
        }
    return "";
}

/* 1: the claim is good. 0: it was answered. -1: there is none for us. */
static int check_password(struct sip *sip, struct door *d, const struct re_message *m, const struct re_summary *s,
                          struct door_guest *g)
{
    struct digest_claim claim;
    char header[2048];
    unsigned i = 0;
    while (re_message_header(m, "Authorization", i, header, sizeof header) >= 0 &&
           (digest_parse(header, &claim) < 0 || strcmp(claim.realm, ua_settings(sip)->realm) != 0))
        i++;
    if (re_message_header(m, "Authorization", i, header, sizeof header) < 0)
        return -1;
    uint32_t wait_s = throttle_wait_s(&d->throttle, s->remote_ip, now(sip));
    if (wait_s > 0) {
        char headers[40];
        (void)snprintf(headers, sizeof headers, "Retry-After: %u\r\n", wait_s);
        sip->host->count(sip->host, "guesses_throttled", 1);
        re_agent_reply(ua_agent(sip), m, 403, NULL, headers);
        return 0;
    }
    const char *password = password_of(sip, claim.username, g);
    enum digest_verdict v =
        digest_check(&d->digest, &claim, s->method, ua_settings(sip)->realm, password, md5, sip, now(sip));
    if (v == DIGEST_GOOD && *password) {
        throttle_success(&d->throttle, s->remote_ip);
        return 1;
    }
    if (v == DIGEST_STALE && *password) {
        sip->host->count(sip->host, "nonces_stale", 1);
        challenge(sip, d, m, 1);
        return 0;
    }
    sip->host->count(sip->host, "passwords_wrong", 1);
    if (throttle_failure(&d->throttle, s->remote_ip, now(sip)))
        sip_log(sip, VOICEGW_LOG_WARNING, "passwords are guessed; the address must wait", "address", s->remote_ip);
    re_agent_reply(ua_agent(sip), m, 403, NULL, NULL);
    return 0;
}

/* ---- trunks ---- */

static const struct trunk *by_certificate(struct sip *sip, const struct re_message *m)
{
    for (const struct trunk *t = ua_trunks(sip); t; t = t->next)
        if (t->set->auth == SIP_AUTH_TLS && re_message_certified(m, t->set->host))
            return t;
    return NULL;
}

static const struct trunk *by_address(struct sip *sip, const struct re_summary *s)
{
    const struct trunk *t = trunks_of_address(ua_trunks(sip), s->remote_ip);
    return t && (t->set->auth == SIP_AUTH_ADDRESS || t->set->auth == SIP_AUTH_NONE) ? t : NULL;
}

static int passwords_exist(const struct sip_settings *s)
{
    for (uint32_t i = 0; i < s->trunk_count; i++)
        if (s->trunks[i].auth == SIP_AUTH_DIGEST)
            return 1;
    return s->user_count > 0;
}

static int loopback(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

/* What a trunk with TLS says is believed by TLS only. 1, or 0: it was answered. */
static int by_its_transport(struct sip *sip, const struct re_message *m, const struct re_summary *s, const char *trunk)
{
    const struct sip_trunk *set = sip_settings_trunk(ua_settings(sip), trunk);
    if (!set || set->transport != RE_TLS || s->transport == RE_TLS)
        return 1;
    sip->host->count(sip->host, "calls_without_tls", 1);
    re_agent_reply(ua_agent(sip), m, 403, "TLS Required", NULL);
    return 0;
}

int door_check(struct sip *sip, struct door *d, const struct re_message *m, const struct re_summary *s,
               struct door_guest *g)
{
    const struct sip_settings *set = ua_settings(sip);
    const struct trunk *t = by_certificate(sip, m);
    *g = (struct door_guest){"", ""};
    int rc = sip->crypto && passwords_exist(set) ? check_password(sip, d, m, s, g) : -1;
    if (rc >= 0)
        return rc > 0 && *g->trunk ? by_its_transport(sip, m, s, g->trunk) : rc;
    *g = (struct door_guest){"", ""};
    if (!t)
        t = by_address(sip, s);
    /* Who says that he is a user of ours proves it, wherever he speaks from. */
    int claims_user = sip_settings_user(set, s->from_user) != NULL;
    if (t && !claims_user) {
        g->trunk = t->set->name;
        return by_its_transport(sip, m, s, g->trunk);
    }
    if (!claims_user && (set->anonymous == 1 || (set->anonymous == 0 && loopback(s->local_ip))))
        return 1;
    if (sip->crypto && passwords_exist(set))
        challenge(sip, d, m, 0);
    else
        re_agent_reply(ua_agent(sip), m, 403, NULL, NULL);
    return 0;
}

/* ---- phones that register ---- */

/* Behind a router a phone is reached where it spoke from, whatever it calls itself. */
static void target_of(const struct re_summary *s, const char *contact, char *out, size_t cap)
{
    char user[130] = "", escaped[400], host[80];
    (void)re_uri_user(contact, user, sizeof user);
    sip_uri_escape(user, escaped, sizeof escaped);
    sip_uri_host(s->remote_ip, host, sizeof host);
    (void)snprintf(
        out, cap, "sip:%s%s%s:%u%s%s", escaped, *escaped ? "@" : "", host, s->remote_port,
        s->transport == RE_UDP ? "" : ";transport=", s->transport == RE_UDP ? "" : re_transport_name(s->transport));
}

static uint32_t seconds_of(const struct re_message *m, const char *contact)
{
    const char *at = strstr(contact, ";expires=");
    char header[32];
    unsigned long n = REGISTRAR_DEFAULT_S;
    if (at)
        n = strtoul(at + 9, NULL, 10);
    else if (re_message_header(m, "Expires", 0, header, sizeof header) >= 0)
        n = strtoul(header, NULL, 10);
    return n < REGISTRAR_MOST_S ? (uint32_t)n : REGISTRAR_MOST_S;
}

/* 200, or the status that refuses it. */
static uint32_t take_contacts(struct sip *sip, struct door *d, const char *user, const struct re_message *m,
                              const struct re_summary *s)
{
    char contact[512], uri[256], target[520], agent[64] = "";
    (void)re_message_header(m, "User-Agent", 0, agent, sizeof agent);
    for (unsigned i = 0;
         i < REGISTRAR_USER_CONTACTS && re_message_header(m, "Contact", i, contact, sizeof contact) >= 0; i++) {
        if (strcmp(contact, "*") == 0) {
            registrar_remove_all(&d->registrar, user);
            continue;
        }
        if (re_address_uri(contact, uri, sizeof uri) < 0 || strncmp(uri, "sip", 3) != 0 || strpbrk(uri, "<>\" \r\n"))
            return 400;
        target_of(s, uri, target, sizeof target);
        if (strlen(target) >= sizeof d->registrar.first->target)
            return 400;
        switch (registrar_put(&d->registrar, user, uri, target, agent, seconds_of(m, contact), now(sip))) {
        case REGISTRAR_FULL:
            sip->host->count(sip->host, "registrations_refused", 1);
            return 503;
        case REGISTRAR_BRIEF:
            return 423;
        default:
            break;
        }
    }
    return 200;
}

void door_register(struct sip *sip, struct door *d, const struct re_message *m, const struct re_summary *s)
{
    struct door_guest guest;
    char headers[3000];
    if (ua_settings(sip)->user_count == 0 || !sip->crypto) {
        re_agent_reply(ua_agent(sip), m, 403, NULL, NULL);
        return;
    }
    int rc = check_password(sip, d, m, s, &guest);
    if (rc < 0)
        challenge(sip, d, m, 0);
    if (rc <= 0)
        return;
    if (!*guest.user || strcmp(guest.user, s->to_user) != 0) {
        re_agent_reply(ua_agent(sip), m, 403, NULL, NULL);
        return;
    }
    uint32_t status = take_contacts(sip, d, guest.user, m, s);
    headers[0] = '\0';
    if (status == 200)
        registrar_list(&d->registrar, guest.user, now(sip), headers, sizeof headers);
    else if (status == 423)
        (void)snprintf(headers, sizeof headers, "Min-Expires: %u\r\n", REGISTRAR_MIN_S);
    else if (status == 503)
        (void)snprintf(headers, sizeof headers, "Retry-After: 60\r\n");
    re_agent_reply(ua_agent(sip), m, status, NULL, headers);
}
