/* net_policy.c - outgoing URLs: the parser, joins, and where requests may go. */
#include "net/policy.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(net_policy, urls_are_parsed_or_refused)
{
    static const struct {
        const char *text, *host; /* NULL: refused */
        unsigned port;
        const char *target;
    } urls[] = {
        {"http://example.com", "example.com", 80, "/"},
        {"HTTPS://Example.COM./a?b#c", "example.com", 443, "/a?b"},
        {"ws://a-b.c_d.e:8080?x", "a-b.c_d.e", 8080, "/?x"},
        {"wss://192.0.2.1/", "192.0.2.1", 443, "/"},
        {"http://[2001:DB8::1]:81/", "2001:db8::1", 81, "/"},
        {"http://[::ffff:10.0.0.1]/", "10.0.0.1", 80, "/"},
        {"http://localhost/", "localhost", 80, "/"},
        {"", NULL, 0, NULL},
        {"example.com", NULL, 0, NULL},
        {"//example.com", NULL, 0, NULL},
        {"ftp://example.com", NULL, 0, NULL},
        {"file:///etc/passwd", NULL, 0, NULL},
        {"gopher://x", NULL, 0, NULL},
        {"http:/example.com", NULL, 0, NULL},
        {"http://", NULL, 0, NULL},
        {"http:///a", NULL, 0, NULL},
        {"http://a@b/", NULL, 0, NULL},
        {"http://a:b@c/", NULL, 0, NULL},
        {"http://a\\@b/", NULL, 0, NULL},
        {"http://a b/", NULL, 0, NULL},
        {"http://a/ b", NULL, 0, NULL},
        {"http://a/\r\nX", NULL, 0, NULL},
        {"http://caf\xc3\xa9/", NULL, 0, NULL},
        {"http://a:/", NULL, 0, NULL},
        {"http://a:0/", NULL, 0, NULL},
        {"http://a:65536/", NULL, 0, NULL},
        {"http://a:+80/", NULL, 0, NULL},
        {"http://a:80:80/", NULL, 0, NULL},
        {"http://2130706433/", NULL, 0, NULL},
        {"http://0x7f000001/", NULL, 0, NULL},
        {"http://0x7f.1/", NULL, 0, NULL},
        {"http://127.1/", NULL, 0, NULL},
        {"http://0177.0.0.1/", NULL, 0, NULL},
        {"http://127.0.0.01/", NULL, 0, NULL},
        {"http://1.2.3.4.5/", NULL, 0, NULL},
        {"http://a.0x10/", NULL, 0, NULL},
        {"http://[::1/", NULL, 0, NULL},
        {"http://::1/", NULL, 0, NULL},
        {"http://[fe80::1%25eth0]/", NULL, 0, NULL},
        {"http://[127.0.0.1]/", NULL, 0, NULL},
        {"http://-a/", NULL, 0, NULL},
        {"http://a-/", NULL, 0, NULL},
        {"http://a..b/", NULL, 0, NULL},
        {"http://%31/", NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct vgw_url u;
        int rc = vgw_url_parse(urls[i].text, &u, NULL);
        if (!urls[i].host) {
            cr_assert_lt(rc, 0, "%s was taken", urls[i].text);
            continue;
        }
        cr_assert_eq(rc, 0, "%s was refused", urls[i].text);
        cr_assert_str_eq(u.host, urls[i].host);
        cr_assert_eq(u.port, urls[i].port);
        cr_assert_str_eq(u.target, urls[i].target);
    }
}

Test(net_policy, special_addresses_are_refused_and_public_ones_are_not)
{
    static const char *const refused[] = {
        "127.0.0.1",
        "127.255.255.255",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[100::1]",
        "[4000::1]",
        "localhost",
        "a.localhost",
    };
    static const char *const fine[] = {"1.1.1.1",    "8.8.8.8",  "100.63.255.255",    "100.128.0.1", "172.15.0.1",
                                       "172.32.0.1", "11.0.0.1", "[2606:4700::1111]", "[2a00::1]",   "example.com"};
    char text[80];
    struct vgw_url u;
    struct vgw_error err;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(text, sizeof text, "http://%s/", refused[i]);
        cr_assert_eq(vgw_url_parse(text, &u, NULL), 0, "%s", text);
        cr_assert_eq(vgw_policy_check_url(NULL, &u, false, &err), VGW_EINVALID, "%s was let through", text);
        cr_assert_eq(vgw_policy_check_url(NULL, &u, true, &err), 0, "%s is trusted", text);
    }
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        snprintf(text, sizeof text, "http://%s/", fine[i]);
        cr_assert_eq(vgw_url_parse(text, &u, NULL), 0, "%s", text);
        cr_assert_eq(vgw_policy_check_url(NULL, &u, false, &err), 0, "%s was refused: %s", text, err.text);
    }
}

Test(net_policy, lists_allow_names_addresses_and_networks)
{
    static const char *const allow[] = {"pbx.example.com", "*.lab.example.com", "10.1.0.0/16",
                                        "127.0.0.1",       "fd00::/8",          "localhost"};
    static const char *const bad[] = {"", "10.0.0.0/33", "http://x/", "a b", "1.2.3", "10.0.0.0/"};
    struct vgw_policy *p = NULL;
    struct vgw_url u;
    struct vgw_addr private, other;
    cr_assert_eq(vgw_policy_new(allow, 6, &p, NULL), 0);
    cr_assert(vgw_addr_parse("10.1.2.3", &private) && vgw_addr_parse("10.2.0.1", &other));
    cr_assert_eq(vgw_url_parse("http://a.example.com/", &u, NULL), 0);
    cr_assert_eq(vgw_policy_check_addr(p, &u, &private, false, NULL), 0);
    cr_assert_lt(vgw_policy_check_addr(p, &u, &other, false, NULL), 0);
    cr_assert_eq(vgw_url_parse("http://PBX.example.com/", &u, NULL), 0);
    cr_assert_eq(vgw_policy_check_addr(p, &u, &other, false, NULL), 0);
    cr_assert_eq(vgw_url_parse("http://x.lab.example.com/", &u, NULL), 0);
    cr_assert_eq(vgw_policy_check_addr(p, &u, &other, false, NULL), 0);
    cr_assert_eq(vgw_url_parse("http://lab.example.com/", &u, NULL), 0);
    cr_assert_lt(vgw_policy_check_addr(p, &u, &other, false, NULL), 0);
    cr_assert_eq(vgw_url_parse("http://localhost/", &u, NULL), 0);
    cr_assert_eq(vgw_policy_check_url(p, &u, false, NULL), 0);
    vgw_policy_unref(p);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(vgw_policy_new(&bad[i], 1, &p, NULL), VGW_EINVALID, "\"%s\" was taken", bad[i]);
}

Test(net_policy, locations_are_joined)
{
    static const struct {
        const char *location, *joined;
    } rows[] = {
        {"http://b/c", "http://b/c"},   {"//b/c", "https://b/c"},    {"/c?d", "https://a:8443/c?d"},
        {"?d", "https://a:8443/x/y?d"}, {"c", "https://a:8443/x/c"}, {"javascript:x", "javascript:x"},
    };
    struct vgw_url base;
    char out[VGW_URL_MAX];
    cr_assert_eq(vgw_url_parse("https://a:8443/x/y?z", &base, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(vgw_url_join(&base, rows[i].location, out, NULL), 0);
        cr_assert_str_eq(out, rows[i].joined);
    }
}

Test(net_policy, lives_as_long_as_whoever_goes_by_it)
{
    static const char *const allow[] = {"10.0.0.0/8", "pbx.example.com"};
    struct vgw_policy *p = NULL;
    struct vgw_url url;
    cr_assert_null(vgw_policy_ref(NULL));
    vgw_policy_unref(NULL);
    cr_assert_eq(vgw_policy_new(allow, 2, &p, NULL), 0);
    struct vgw_policy *held = vgw_policy_ref(p);
    vgw_policy_unref(p);
    cr_assert_eq(vgw_url_parse("http://10.1.2.3/", &url, NULL), 0);
    cr_assert_eq(vgw_policy_check_url(held, &url, false, NULL), 0);
    vgw_policy_unref(held);
}
