/* voicegw/status.h - one table of outcomes for every call across the plugin boundary. Part of the voicegw plugin SDK
 * (MIT). */
#ifndef VOICEGW_STATUS_H
#define VOICEGW_STATUS_H

/* A function returns VOICEGW_OK or one of these. With a negative value it also leaves a sentence by host->set_error().
 */
#define VOICEGW_OK 0
#define VOICEGW_EINVALID (-1)     /* the input cannot be accepted (error class validation) */
#define VOICEGW_ECONFIG (-2)      /* the configuration is wrong (configuration) */
#define VOICEGW_EUNSUPPORTED (-3) /* this plugin cannot do that (unsupported) */
#define VOICEGW_ENOTFOUND (-4)    /* not_found */
#define VOICEGW_EBUSY (-5)        /* the state does not allow it now (busy) */
#define VOICEGW_ELIMIT (-6)       /* a limit is reached, memory too (limit) */
#define VOICEGW_ERATELIMIT (-7)   /* the vendor asks to slow down (rate_limit) */
#define VOICEGW_ETIMEOUT (-8)     /* no answer in time (network) */
#define VOICEGW_ENETWORK (-9)     /* network */
#define VOICEGW_EAUTH (-10)       /* the vendor refused the credentials (authentication) */
#define VOICEGW_EPROVIDER (-11)   /* the vendor failed (provider) */
#define VOICEGW_ESTORAGE (-12)    /* storage */
#define VOICEGW_EINTERNAL (-13)   /* internal */

#endif
