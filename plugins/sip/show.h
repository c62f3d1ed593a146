/* show.h - what a person may ask of an instance, and the file for Wireshark. */
#ifndef SIP_SHOW_H
#define SIP_SHOW_H
#include "sip.h"
#include "trace.h"

/** trunks, registrations, trace/CALL under the instance's path. [control] */
int32_t show_routes(struct sip *sip);

struct capture;
struct door;
struct capture *capture_new(struct sip *sip); /* [sip] */
/** Something new is to be written: within a second or so. [sip] */
void capture_touch(struct capture *capture);
/** Nothing more will be. [sip] Then, once no job can run, capture_free(). [control] */
void capture_stop(struct capture *capture);
void capture_free(struct capture *capture);
/* ua.c */
struct trace *ua_trace(struct sip *sip);
struct door *ua_door(struct sip *sip);
#endif
