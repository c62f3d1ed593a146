/* voicegw/draft/provider_ivr.h - calls led by the provider's own documents instead of a stream. Part of the voicegw
 * plugin SDK (MIT). Draft: may change until version 1 is cut.
 *
 * An extension of a provider instance, by factory.get_extension(), for vendors that speak, ask and connect by a
 * document that they fetch (TwiML); the factory says so by VOICEGW_CAP_IVR. It serves calls whose route says `media:
 * twiml`: such a call has no leg, and the workflow's steps become verbs. provider.say(), play(), end() and hold() are
 * used as for any provider without media, whatever the other capabilities; a blind transfer of such a call is the verb
 * dial, and when that has ended as completed the host ends the call.
 *
 * The host sets no deadline for verbs, say() and play() of such calls, since people talk as long as they like; what is
 * under way when the call ends completes with VOICEGW_ENOTFOUND. The route's greeting is asked for by say() in the turn
 * in which the call is reported connected, ahead of the workflow's first step, unless that report carried
 * `greeting_said`.
 *
 * One document for several verbs: what follows from a completion is asked for in the control loop's next turn, and a
 * host->post() to VOICEGW_TARGET_CONTROL that is made after on_complete() or on_state() runs behind it. So: report,
 * post to yourself, and write the document from what has been asked until then. */
#ifndef VOICEGW_DRAFT_PROVIDER_IVR_H
#define VOICEGW_DRAFT_PROVIDER_IVR_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_KIND_PROVIDER_IVR "voicegw.provider.ivr/1"

struct voicegw_provider_ivr {
    uint32_t size;
    uint32_t reserved;
    /** Performs one verb on a call; completes once the vendor came back from it, with the verb's result. Verbs, their
     * params and results (objects; a key that is absent has no value):
     *  gather     {"prompt","input":["speech","dtmf"],"language","voice","num_digits","finish_on","timeout_ms",
     *              "phrases":[…],"sensitive"} -> {"input":"speech" | "dtmf" | "none","text","digits","confidence"}
     *  dial       {"to","from","timeout_ms","max_duration_ms","record"} -> {"outcome","duration"}; outcome: completed,
     *              busy, no_answer, failed, canceled
     *  record     {"max_duration_ms","finish_on","silence_ms","beep"} -> {"recording_id","url","duration","digits"}
     *  enqueue    {"queue","wait_url"} -> {"outcome","wait_seconds"}
     *  conference {"name","muted","start_on_enter","end_on_exit","music"} -> {"outcome"}
     *  redirect   {"url"} -> {}: the vendor leads the call from that document on
     *  pause      {"duration_ms"} -> {}
     * An unknown verb: VOICEGW_EUNSUPPORTED with a sentence. Verbs asked for one after another in the same turn of the
     * control loop may go into one document. [control] */
    int32_t (*perform)(void *instance, uint64_t op, uint64_t call, const char *verb, const char *params_json);
};

#endif
