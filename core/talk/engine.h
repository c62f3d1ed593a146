/* engine.h - the streams of recognition, synthesis and assistant that a talk holds on its worker, and the way back:
 * what an engine reports from any thread is copied, posted to the stream's worker and handed on in order. Streams are
 * known to plugins by handles; a message to a closed one is dropped and counted. */
#ifndef VGW_TALK_ENGINE_H
#define VGW_TALK_ENGINE_H
#include <stdint.h>
#include "base/list.h"
#include "loop/handle.h"
#include "media/frame.h"
#include "talk/health.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/tts.h"

/** An instance that a talk may use; control holds `ref` for as long as the talk lives. */
struct vgw_engine {
    void *ref;      /* of the instance's generation; given back through the talk's home */
    void *instance; /* what its functions take */
    const struct voicegw_stt *stt;
    const struct voicegw_tts *tts;
    const struct voicegw_assistant *assistant;
    const struct voicegw_assistant_audio *audio;
    char name[64], plugin[40];
    struct vgw_engine_health *health; /* over all calls; NULL: nobody keeps it */
    int64_t failover_after_us;        /* a stage that takes longer goes to the next engine; 0: never */
};

enum vgw_engine_message_kind {
    VGW_MSG_RESULT, /* stt: utterance, flag=final, text, number=confidence, json=words, text2=language, a=start, b=end
                       sample */
    VGW_MSG_SPEECH, /* flag=started, a=sample */
    VGW_MSG_AUDIO,  /* tts: utterance, frame; assistant.audio: text=item, frame */
    VGW_MSG_ALIGN,  /* utterance, a=characters, b=samples */
    VGW_MSG_DONE,   /* tts: utterance, status, text */
    VGW_MSG_USAGE,  /* text=json */
    VGW_MSG_ERROR,  /* flag=fatal, status, text */
    VGW_MSG_CLOSED,
    VGW_MSG_DELTA,     /* assistant: utterance=turn, text */
    VGW_MSG_TOOL,      /* utterance=turn, a=tool call, text=name, text2=arguments */
    VGW_MSG_ACTION,    /* utterance=turn, text=action, text2=params */
    VGW_MSG_TURN_DONE, /* utterance=turn, status, text=sentence, text2=usage */
    VGW_MSG_CLEAR,
    VGW_MSG_TRANSCRIPT, /* flag=final, text2=role, text */
    VGW_MSG_ITEM_DONE,  /* text=item */
    VGW_MSG_EXPIRING,   /* a=ms */
};
struct vgw_engine_message {
    enum vgw_engine_message_kind kind;
    uint32_t flag;
    int32_t status;
    uint64_t utterance;
    int64_t a, b;
    double number;
    char *text, *text2;
    enum vgw_encoding encoding;
    uint32_t rate_hz;
    size_t samples, bytes;
    uint8_t *payload;
};

/** One stream of a plugin, from before its open() until its on_closed(): a plugin that closes in its own time posts to
 * this name until then, so the name outlives the talk's interest in it. */
struct vgw_engine_stream {
    struct vgw_list link; /* of the talk's closing streams */
    uint64_t handle;
    const struct vgw_engine *engine;
    void *s; /* the plugin's */
    bool closing;
    void *release; /* a reference to give back once it is closed, or NULL */
    void (*on_message)(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m);
    void *owner;
};
/** Names a stream before its plugin's open() is called; NULL when memory or the table is full. The caller owns it. [the
 * worker] */
struct vgw_engine_stream *vgw_engine_stream_new(enum vgw_handle_kind kind, struct vgw_loop *worker,
                                                void (*on_message)(void *owner, struct vgw_engine_stream *stream,
                                                                   const struct vgw_engine_message *m),
                                                void *owner);
/** The name dies: nothing more is handed on. Takes NULL. [the worker] */
void vgw_engine_stream_free(struct vgw_engine_stream *stream);

/** Copies a message (texts, payload borrowed during the call) and posts it to the stream, in order. VGW_ELIMIT when the
 * worker's queue is full; VGW_ENOTFOUND when the stream is gone. Thread: any. */
int vgw_engine_post(uint64_t handle, const struct vgw_engine_message *m);
/** Hands it on at once when called on the stream's worker (live audio), else posts. Thread: any. */
int vgw_engine_post_now(uint64_t handle, const struct vgw_engine_message *m);
/** Fills the frame part of a message from the plugin's frame; false for one that is not valid. */
bool vgw_engine_frame(struct vgw_engine_message *m, const struct voicegw_frame *frame);
#endif
