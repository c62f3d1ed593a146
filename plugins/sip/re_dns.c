/* re_dns.c - names that the host's own resolver has answered (its hosts file and what else it knows) before libre asks
 * a name server. The linker puts __wrap_dnsc_query() in the place of dnsc_query() within the archive. */
#include "re_private.h"

#define HOSTS_MAX 1024u /* names that are remembered; beyond them the oldest goes */

int __wrap_dnsc_query(struct dns_query **qp, struct dnsc *dnsc, const char *name, uint16_t type, uint16_t dnsclass,
                      bool rd, dns_query_h *qh, void *arg);
int __real_dnsc_query(struct dns_query **qp, struct dnsc *dnsc, const char *name, uint16_t type, uint16_t dnsclass,
                      bool rd, dns_query_h *qh, void *arg);

struct known {
    struct le le;
    char *name;
    struct sa addresses[RE_HOST_ADDRESSES_MAX];
    uint32_t count;
};

/* Answered on the next round of the loop, as a query is. */
struct answer {
    struct dns_query **qp;
    struct tmr tmr;
    struct list found;
    dns_query_h *qh;
    void *arg;
};

static _Thread_local struct list hosts;

static struct known *find(const char *name)
{
    for (struct le *le = hosts.head; le; le = le->next) {
        struct known *k = le->data;
        if (str_casecmp(k->name, name) == 0)
            return k;
    }
    return NULL;
}

static void known_destructor(void *arg)
{
    struct known *k = arg;
    list_unlink(&k->le);
    mem_deref(k->name);
}

int re_hosts_set(const char *name, const char *const *ips, uint32_t count)
{
    struct known *k = find(name);
    struct sa sa;
    if (!k) {
        k = mem_zalloc(sizeof *k, known_destructor);
        if (!k || str_dup(&k->name, name) != 0) {
            mem_deref(k);
            return -1;
        }
        if (list_count(&hosts) >= HOSTS_MAX)
            mem_deref(hosts.head->data);
        list_append(&hosts, &k->le, k);
    }
    k->count = 0;
    for (uint32_t i = 0; i < count && k->count < RE_HOST_ADDRESSES_MAX; i++)
        if (sa_set_str(&sa, ips[i], 0) == 0)
            k->addresses[k->count++] = sa;
    return 0;
}

void re_hosts_clear(void)
{
    list_flush(&hosts);
}

static void answer_destructor(void *arg)
{
    struct answer *a = arg;
    tmr_cancel(&a->tmr);
    list_flush(&a->found);
}

static int add(struct answer *a, const char *name, const struct sa *sa, uint16_t type)
{
    struct dnsrr *rr = dns_rr_alloc();
    if (!rr || str_dup(&rr->name, name) != 0) {
        mem_deref(rr);
        return ENOMEM;
    }
    rr->type = type;
    rr->dnsclass = DNS_CLASS_IN;
    if (type == DNS_TYPE_A)
        rr->rdata.a.addr = sa_in(sa);
    else
        sa_in6(sa, rr->rdata.aaaa.addr);
    list_append(&a->found, &rr->le_priv, rr);
    return 0;
}

static void on_answer(void *arg)
{
    struct answer *a = arg;
    struct dnshdr header = {.rcode = DNS_RCODE_OK};
    struct list none = LIST_INIT;
    mem_ref(a); /* *qp was the asker's reference; as with a query, it is the handler's to forget */
    if (a->qp)
        *a->qp = NULL;
    a->qh(0, &header, &a->found, &none, &none, a->arg);
    mem_deref(a);
    mem_deref(a);
}

int __wrap_dnsc_query(struct dns_query **qp, struct dnsc *dnsc, const char *name, uint16_t type, uint16_t dnsclass,
                      bool rd, dns_query_h *qh, void *arg)
{
    const struct known *k = type == DNS_TYPE_A || type == DNS_TYPE_AAAA ? find(name) : NULL;
    int err = 0;
    if (!k || k->count == 0 || !qp)
        return __real_dnsc_query(qp, dnsc, name, type, dnsclass, rd, qh, arg);
    struct answer *a = mem_zalloc(sizeof *a, answer_destructor);
    if (!a)
        return ENOMEM;
    a->qp = qp;
    a->qh = qh;
    a->arg = arg;
    for (uint32_t i = 0; i < k->count && !err; i++)
        if (sa_af(&k->addresses[i]) == (type == DNS_TYPE_A ? AF_INET : AF_INET6))
            err = add(a, name, &k->addresses[i], type);
    if (err) {
        mem_deref(a);
        return err;
    }
    tmr_start(&a->tmr, 0, on_answer, a);
    *qp = (struct dns_query *)(void *)a;
    return 0;
}
