/* sip.c - the instance: descriptor and life. */
#include "sip.h"
#include <stdlib.h>
#include <string.h>
#include "media/srtp.h"
#include "show.h"
#include "voicegw/json_writer.h"

void sip_log(struct sip *sip, uint32_t level, const char *message, const char *key, const char *value)
{
    char json[512];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    if (key)
        voicegw_json_put_string(&w, key, value ? value : "");
    voicegw_json_put_end(&w);
    sip->host->log(sip->host, level, message, voicegw_json_finish(&w) < 0 ? NULL : json);
}

void sip_check_drained(struct sip *sip)
{
    unsigned asked = 1;
    if (atomic_load(&sip->live) != 0 || !atomic_compare_exchange_strong(&sip->draining, &asked, 2))
        return;
    /* What runs on the SIP thread still is given its time there; where there was nothing, there is nothing to wait for.
     */
    if (!sip->loop || !atomic_load(&sip->used) || sip_to_loop(sip, NULL, 0, 0, NULL, ua_close) != VOICEGW_OK) {
        atomic_store(&sip->draining, 3);
        sip->host->drained(sip->host);
    }
}

static int32_t sip_create(const struct voicegw_host *host, const struct voicegw_options *options, void **ret_instance)
{
    int32_t rc = VOICEGW_OK;
    struct sip *sip = calloc(1, sizeof *sip);
    if (!sip)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    sip->host = host;
    sip->provider = host->get_extension(host, VOICEGW_HOST_PROVIDER);
    sip->media = host->get_extension(host, VOICEGW_HOST_MEDIA);
    sip->datagram = host->get_extension(host, VOICEGW_HOST_DATAGRAM);
    sip->route = host->get_extension(host, VOICEGW_HOST_ROUTE);
    sip->event = host->get_extension(host, VOICEGW_HOST_EVENT);
    sip->use = host->get_extension(host, VOICEGW_HOST_USE);
    sip->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    if (!sip->provider || !sip->media || !sip->datagram) {
        free(sip);
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host has no calls or no sockets (" VOICEGW_HOST_PROVIDER ", " VOICEGW_HOST_MEDIA
                               ", " VOICEGW_HOST_DATAGRAM ")");
    }
    sip->settings = sip_settings_new(host, options, &rc);
    if (!sip->settings) {
        free(sip);
        return rc;
    }
    (void)pthread_mutex_init(&sip->lock, NULL); /* a default mutex cannot fail on Linux */
    atomic_init(&sip->live, 0);
    atomic_init(&sip->draining, 0);
    *ret_instance = sip;
    return VOICEGW_OK;
}

static pthread_once_t srtp_once = PTHREAD_ONCE_INIT;
static int32_t srtp_status;

static void begin_srtp(void)
{
    srtp_status = media_srtp_begin();
}

static int64_t now_us(void *arg)
{
    const struct sip *sip = arg;
    return sip->host->now_us(sip->host);
}

static int32_t sip_start(void *instance)
{
    struct sip *sip = instance;
    const struct re_loop_params params = {
        .now_us = now_us, .on_start = ua_start, .on_stop = ua_stop, .arg = sip, .name = "sip"};
    (void)pthread_once(&srtp_once, begin_srtp);
    if (!sip->identity && !(sip->identity = media_identity_new()))
        return sip->host->set_error(sip->host, VOICEGW_EINTERNAL, "OpenSSL makes no certificate for DTLS");
    if (srtp_status != VOICEGW_OK)
        return sip->host->set_error(sip->host, VOICEGW_EINTERNAL, "libsrtp2 does not start");
    if (re_loop_start(&params, &sip->loop) < 0)
        return sip->host->set_error(sip->host, VOICEGW_ELIMIT, "no thread for the signalling could be started");
    if (sip->start_error[0]) {
        re_loop_stop(sip->loop);
        sip->loop = NULL;
        return sip->host->set_error(sip->host, VOICEGW_ENETWORK, sip->start_error);
    }
    return show_routes(sip);
}

static int32_t sip_reconfigure(void *instance, const struct voicegw_options *options)
{
    struct sip *sip = instance;
    int32_t rc = VOICEGW_OK;
    struct sip_settings *s = sip_settings_new(sip->host, options, &rc);
    if (!s)
        return rc;
    if (sip->loop) {
        (void)sip_settings_keep(s);
        if (sip_to_loop(sip, NULL, (uint64_t)(uintptr_t)s, 0, NULL, ua_settle) != VOICEGW_OK) {
            sip_settings_drop(s);
            sip_settings_drop(s);
            return sip->host->set_error(sip->host, VOICEGW_ELIMIT, "the signalling is overloaded");
        }
    }
    sip_settings_drop(sip->settings);
    sip->settings = s;
    return VOICEGW_OK;
}

static void sip_drain(void *instance)
{
    struct sip *sip = instance;
    unsigned never = 0;
    if (atomic_compare_exchange_strong(&sip->draining, &never, 1))
        sip_check_drained(sip);
}

static void sip_destroy(void *instance)
{
    struct sip *sip = instance;
    atomic_store(&sip->draining, 3);
    re_loop_stop(sip->loop);
    capture_free(sip->capture);
    for (uint32_t i = 0; i < SIP_BUCKETS; i++)
        while (sip->calls[i])
            sip_call_leave(sip, sip->calls[i]->handle);
    sip_settings_drop(sip->settings);
    media_identity_free(sip->identity);
    (void)pthread_mutex_destroy(&sip->lock);
    free(sip);
}

static const void *sip_extension(void *instance, const char *id)
{
    (void)instance;
    if (strcmp(id, VOICEGW_KIND_PROVIDER) == 0)
        return &sip_operations;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_MEDIA) == 0)
        return &sip_media_operations;
    return NULL;
}

#define CAPS                                                                                                           \
    (VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_ANSWER | VOICEGW_CAP_END | VOICEGW_CAP_HOLD | VOICEGW_CAP_TRANSFER |          \
     VOICEGW_CAP_TRANSFER_ATTENDED | VOICEGW_CAP_STATUS | VOICEGW_CAP_MEDIA)

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = SIP_OPTIONS,
                                               .kind = VOICEGW_KIND_PROVIDER,
                                               .options = sip_options,
                                               .caps = CAPS,
                                               .create = sip_create,
                                               .start = sip_start,
                                               .reconfigure = sip_reconfigure,
                                               .drain = sip_drain,
                                               .destroy = sip_destroy,
                                               .get_extension = sip_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_EXCLUSIVE,
                                             .name = "sip",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "SIP trunks and phones, straight to the gateway",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
