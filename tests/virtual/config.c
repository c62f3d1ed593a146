/* config.c - the configuration of a seed: real plugins, a company without manners, engines without models. */
#include <stdio.h>

#include "world.h"

struct head {
    const char *dir, *sync, *call_limit, *idle_limit, *silence;
    unsigned workers, sessions;
};

static void head(struct vgw_buf *b, const struct head *h)
{
    vgw_buf_printf(
        b,
        "gateway: {workers: %u, max_sessions: %u, session_timeout: %s, max_call_duration: %s, drain_timeout: 1m, "
        "control_socket: \"%s/data/control.sock\"}\n"
        "http: {public_url: \"http://127.0.0.1:8080\"}\n"
        "store: {plugin: sqlite, path: \"%s/data/voicegw.db\"}\n"
        "recordings: {path: \"%s/data/recordings\"}\n"
        "journal: {path: \"%s/data/journal\", sync: %s, max_size: 16MiB}\n"
        "departments: {front_desk: \"+15550100\", housekeeping: \"+15550101\", maintenance: \"+15550103\"}\n"
        "media_silence_timeout: %s\n",
        h->workers, h->sessions, h->idle_limit, h->call_limit, h->dir, h->dir, h->dir, h->dir, h->sync, h->silence);
}

static const char assistants[] =
    "assistants:\n"
    "  echo: {plugin: echo, filler: \"One moment.\", filler_after: 300ms}\n"
    "  back: {plugin: loopback}\n"
    "  desk:\n"
    "    plugin: menu\n"
    "    menu:\n"
    "      id: front-desk\n"
    "      greeting: \"Welcome.\"\n"
    "      prompt: \"How can I help?\"\n"
    "      options:\n"
    "        - {phrases: [\"book a room for {nights}\", \"i would like to book a room for {nights}\"], slots: {nights: "
    "[one night, two nights]}, "
    "say: \"A room for {nights}.\"}\n"
    "        - {phrases: [\"what time is breakfast\"], say: \"From seven to ten.\"}\n"
    "        - {phrases: [goodbye], digits: \"1\", say: \"Goodbye.\", hangup: true}\n"
    "        - {phrases: [reception], digits: \"0\", say: \"One moment.\", transfer: front_desk}\n"
    "      no_input: \"Are you there?\"\n"
    "      no_match: \"Sorry?\"\n";

static const char flows[] =
    "workflows:\n"
    "  - id: greet\n"
    "    trigger_command: /greet\n"
    "    steps:\n"
    "      - {type: voice_play_tts, params: {text: \"Hello.\"}, on_error: continue}\n"
    "      - {type: gather, params: {prompt: \"Press a key.\", input: dtmf speech, num_digits: 1, timeout: 3s}, "
    "on_error: continue}\n"
    "      - {type: delay, params: {seconds: 1}}\n"
    "      - {type: voice_end_call, on_error: continue}\n"
    "  - id: dial\n"
    "    trigger_command: /dial\n"
    "    steps:\n"
    "      - {type: voice_make_call, params: {to_number: \"+15550142\"}, output_key: made}\n"
    "      - {type: wait_for, params: {event_type: call_answered, timeout: 8s}, on_error: continue}\n"
    "      - {type: voice_play_tts, params: {call_id: \"{{made.call_id}}\", text: \"This is a message.\"}, on_error: "
    "continue}\n"
    "      - {type: delay, params: {seconds: 2}}\n"
    "      - {type: voice_end_call, params: {call_id: \"{{made.call_id}}\"}, on_error: continue}\n"
    "  - id: slow\n"
    "    trigger_command: /slow\n"
    "    steps: [{type: delay, params: {seconds: 20}}, {type: log, params: {message: slow}}]\n"
    "rules:\n"
    "  - id: ended\n"
    "    trigger: {type: voice_event, event_type: call_ended}\n"
    "    actions: [{type: log, params: {message: \"over {{trigger.call_id}}\"}}]\n"
    "  - id: failed\n"
    "    trigger: {type: voice_event, event_type: call_failed}\n"
    "    rate_limit: 6/h\n"
    "    actions: [{type: emit_event, params: {type: chaos.failed, data: {x: 1}}}, {type: run_workflow, params: {id: "
    "slow}}]\n"
    "  - id: press\n"
    "    trigger: {type: voice_event, event_type: dtmf_received}\n"
    "    conditions: [{field: digit, operator: eq, value: \"9\"}]\n"
    "    actions: [{type: voice_end_call, on_error: continue}]\n";

static void instances(struct world *w, struct vgw_buf *b, unsigned version)
{
    static const unsigned rudeness[] = {0, 0, 3, 10, 30};
    unsigned rude = rudeness[vgw_rng_below(&w->rng, 5)];
    unsigned long long seed = (w->seed + version) * 4 % 1000000000ull;
    vgw_buf_printf(
        b,
        "providers:\n"
        "  wild: {plugin: chaos-provider, seed: %llu, rude: %u, incoming: %u}\n"
        "  lab:\n"
        "    plugin: mock\n"
        "    default: true\n"
        "    initiating_ms: %u\n"
        "    ringing_ms: %u\n"
        "    duplicate_callbacks: %s\n"
        "    late_callbacks_ms: %u\n"
        "    tts: voice\n"
        "    outcomes: [{to: \"+15550001*\", outcome: busy}, {to: \"+15550002*\", outcome: no_answer, after: 2s}, "
        "{to: \"+15550003*\", outcome: dropped, after: 1s}]\n"
        "    script_documents:\n"
        "      - {id: talks, to: \"+1555014*\", steps: [{say: \"hello there\"}, {pause: 1s}, {dtmf: \"19\"}, {pause: "
        "3s}, hangup]}\n"
        "      - {id: barges, to: \"+1555015*\", steps: [{barge_in: {after: 300ms, text: \"what time is breakfast\"}}, "
        "{hold: 2s}, {pause: "
        "1s}, hangup]}\n"
        "      - {id: waits, to: \"+1555016*\", steps: [{noise: {db: -40, seconds: 1}}, {expect: {event: "
        "call_answered, within: 3s}}, {pause: "
        "20s}]}\n",
        seed, rude, version == 0 ? 2 + (unsigned)vgw_rng_below(&w->rng, 6) : (unsigned)vgw_rng_below(&w->rng, 3),
        (unsigned)vgw_rng_below(&w->rng, 800), (unsigned)vgw_rng_below(&w->rng, 2000), chance(w, 30) ? "true" : "false",
        chance(w, 30) ? 1500u : 0u);
    vgw_buf_printf(
        b,
        "stt:\n  ears: {plugin: instant-stt, seed: %llu, rude: %u}\n  spare: {plugin: instant-stt, seed: %llu}\n"
        "tts:\n  voice: {plugin: instant-tts, seed: %llu, rude: %u}\n  other: {plugin: instant-tts, seed: %llu}\n",
        seed + 1, rude, seed + 2, seed + 3, rude, seed + 4);
}

static void talk(struct world *w, struct vgw_buf *b)
{
    vgw_buf_printf(
        b,
        "talk: {endpoint_silence: %ums, barge_in: %s, min_words: %u, no_input_timeout: %us, max_reprompts: %u, "
        "backchannels: [uh huh], no_input_prompt: \"Are you there?\", no_match_prompt: \"Pardon?\"}\n",
        200 + (unsigned)vgw_rng_below(&w->rng, 800), chance(w, 80) ? "true" : "false",
        (unsigned)vgw_rng_below(&w->rng, 3), 2 + (unsigned)vgw_rng_below(&w->rng, 8),
        (unsigned)vgw_rng_below(&w->rng, 3));
}

char *config_random(struct world *w, unsigned version)
{
    struct vgw_buf b = {0};
    struct head h = {.dir = w->options->dir,
                     .sync = chance(w, 50) ? "commit" : "interval",
                     .call_limit = "3m",
                     .idle_limit = "2m",
                     .silence = "30s",
                     .workers = 1 + (unsigned)vgw_rng_below(&w->rng, 3),
                     .sessions = 4 + (unsigned)vgw_rng_below(&w->rng, 12)};
    head(&b, &h);
    instances(w, &b, version);
    vgw_buf_adds(&b, assistants);
    talk(w, &b);
    vgw_buf_adds(
        &b, "routes:\n"
            "  - {match: {to: \"+15550101\"}, assistant: desk, stt: [ears, spare], tts: [voice, other], record: true}\n"
            "  - {match: {to: \"+15550102\"}, workflow: greet, stt: ears, tts: voice}\n"
            "  - {match: {to: \"+15550103\"}, assistant: back}\n"
            "  - {match: {to: \"nobody\"}}\n"
            "  - {match: {}, greeting: \"Connecting.\", assistant: echo, stt: ears, tts: voice}\n");
    vgw_buf_adds(&b, flows);
    return vgw_buf_take(&b);
}

void config_polite(struct vgw_buf *b, const struct world_options *options, const char *more, const char *call_limit,
                   const char *silence)
{
    struct head h = {.dir = options->dir,
                     .sync = "interval",
                     .call_limit = call_limit,
                     .idle_limit = "2m",
                     .silence = silence,
                     .workers = 1,
                     .sessions = 10};
    head(b, &h);
    vgw_buf_adds(b, "stt: {ears: {plugin: instant-stt}}\ntts: {voice: {plugin: instant-tts}}\n");
    vgw_buf_adds(b, assistants);
    vgw_buf_adds(b, more);
}
