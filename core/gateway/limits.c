/* limits.c - one row a limit. A fixed one names the file and the symbol that it is written by, with the same
 * expression: the lint fails when one of them changes alone, and when a limit is written that stands in no row. The
 * default and the metric of one that can be set come from its option. */
#include "gateway/limits.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "config/main_table.h"

enum unit { COUNT, BYTES, US, MS, SECONDS };

struct limit {
    const char *what;
    const char *file, *name, *expression; /* file NULL: `name` is an option's path */
    double value;
    enum unit unit;
    const char *metric; /* NULL: none of its own */
};
struct group {
    const char *title;
    const struct limit *limits;
    size_t count;
};

#define SET(path, what, metric)                                                                                        \
    {                                                                                                                  \
        what, NULL, path, NULL, 0, COUNT, metric                                                                       \
    }
#define FIXED(file, name, expression, unit, what, metric)                                                              \
    {                                                                                                                  \
        what, file, #name, #expression, (double)(expression), unit, metric                                             \
    }
#define DROPPED(what) "voicegw_dropped_total{what=\"" what "\"}"
#define QUEUE(queue) "voicegw_queue_depth{queue=\"" queue "\"}"
#define REFUSED "voicegw_http_refused_total"
#define WS_CLOSED "voicegw_ws_closed_total"
#define NONE NULL

static const struct limit calls[] = {
    SET("gateway.max_sessions", "sessions at one time", NULL),
    SET("gateway.session_timeout", "time without activity of a session", "voicegw_calls_total"),
    SET("gateway.max_call_duration", "length of a call", "voicegw_calls_total"),
    SET("providers.max_call_duration_seconds", "length of a call of one provider", "voicegw_calls_total"),
    SET("providers.default_timeout_seconds", "ringing of a placed call", "voicegw_calls_total"),
    SET("gateway.drain_timeout", "wait for calls at a drain", "voicegw_sessions"),
    SET("media_silence_timeout", "silence of a stream", "voicegw_streams"),
    FIXED("loop/handle.h", VGW_HANDLES_MAX, 262144, COUNT, "calls, legs and streams that have a handle", NONE),
    FIXED("call/inside.h", VGW_CALLS_OPS_MAX, 64, COUNT, "commands of a call under way", NONE),
    FIXED("call/inside.h", VGW_CALLS_WAITING_MAX, 32, COUNT, "commands of a call that wait for its connection", NONE),
    FIXED("call/inside.h", VGW_CALLS_TURNS_MAX, 2000, COUNT, "lines of a transcript", DROPPED("turns")),
    FIXED("call/inside.h", VGW_CALLS_RECENT_MAX, 1000, COUNT, "ended calls whose late reports are known", NONE),
    FIXED("call/late.h", VGW_CALLS_LATE_MAX, 1000, COUNT, "ended calls whose late recordings and prices are known",
          NONE),
    FIXED("call/inside.h", VGW_CALLS_PARTY_MAX, 128, BYTES, "number or address of a party", NONE),
    FIXED("call/inside.h", VGW_CALLS_PROVIDER_ID_MAX, 256, BYTES, "a provider's id of a call", NONE),
    FIXED("call/inside.h", VGW_CALLS_URL_MAX, 1024, BYTES, "URL of a recording", NONE),
    FIXED("call/inside.h", VGW_CALLS_RECORD_RETRY_US, 100 * VGW_US_PER_MS, US, "wait before a record is tried again",
          NONE),
    FIXED("call/params.c", TEXT_MAX_BYTES, 10000, BYTES, "text of say and of a prompt", NONE),
    FIXED("call/params.c", URL_MAX_BYTES, 2048, BYTES, "URL of play", NONE),
    FIXED("call/params.c", DIGITS_MAX, 64, COUNT, "digits of one command", NONE),
    FIXED("call/params.c", DURATION_MAX_S, 86400, SECONDS, "duration in a command", NONE),
    FIXED("call/rate.h", VGW_RATES_MAX, 10000, COUNT, "rows of a price table", NONE),
    FIXED("call/rate.c", INCREMENT_MAX_S, 3600.0, SECONDS, "increment that is charged", NONE),
    FIXED("call/route.h", VGW_ROUTE_ENGINES_MAX, 8, COUNT, "engines in a route's failover list", NONE),
    FIXED("talk/talk.h", VGW_TALK_ENGINES_MAX, 8, COUNT, "engines that one conversation tries", NONE),
    SET("talk.max_turns", "turns of a conversation", "voicegw_turn_seconds"),
    SET("talk.max_reprompts", "reprompts in a row", NULL),
    SET("talk.no_input_timeout", "silence of the caller before a reprompt", NULL),
    SET("talk.backchannels", "backchannel words", NULL),
    FIXED("talk/options.h", VGW_TALK_BACKCHANNELS_BYTES, 384, BYTES, "backchannel words together", NONE),
    FIXED("talk/gather.c", GATHER_TIMEOUT_US, 5 * VGW_US_PER_S, US, "wait of gather, unless its timeout says otherwise",
          NONE),
    FIXED("talk/gather.c", TIMEOUT_MAX_US, 3600 * VGW_US_PER_S, US, "longest wait of gather", NONE),
    FIXED("talk/gather.c", DIGIT_GAP_US, 3 * VGW_US_PER_S, US, "wait for the next digit", NONE),
    FIXED("host/ivr.c", GATHER_TIMEOUT_MS, 5000, MS,
          "wait of gather by a provider's documents, unless it says otherwise", NONE),
    FIXED("talk/talk_private.h", VGW_TALK_FINAL_TIMEOUT_US, 5 * VGW_US_PER_S, US, "wait for a recognizer's final",
          "voicegw_turn_seconds"),
    FIXED("talk/talk_private.h", VGW_TALK_PENDING_MS, 120000, MS, "speech that waits for room in the playout queue",
          DROPPED("speech_pending")),
    FIXED("talk/talk_private.h", VGW_TALK_SPEECHES, 64, COUNT, "utterances that wait to be spoken", NONE),
    FIXED("talk/talk_private.h", VGW_TALK_PACED_MS, 10000, MS, "voice of a paced assistant behind our own",
          DROPPED("assistant_audio")),
    FIXED("talk/talk_private.h", VGW_TALK_EARLY_DIGITS, 15, COUNT, "digits pressed before the talk begins", NONE),
    FIXED("talk/talk_private.h", VGW_TALK_EARLY_BYTES, 4096, BYTES, "caller's audio before the talk begins", NONE),
    FIXED("talk/talk_private.h", VGW_TALK_CREDIT_MS, 30000, MS, "speech that an engine may make ahead", NONE),
    FIXED("talk/talk_private.h", VGW_TALK_TEXT_MAX, 1024, BYTES, "text of a partial result", NONE),
    FIXED("talk/talk_private.h", VGW_TALK_KEPT_MS, 20000, MS, "of an utterance, kept for another recognizer",
          DROPPED("kept_audio")),
    FIXED("talk/talk_private.h", VGW_TALK_SUMMARY_US, 6 * VGW_US_PER_S, US,
          "wait for an agent's summary before its transfer goes on without", NONE),
    FIXED("talk/summary.c", TEXT_MAX, 2000, BYTES, "an agent's summary", NONE),
    SET("talk.deaf_timeout", "time without any recognizer", "voicegw_deaf_calls"),
    FIXED("talk/deaf.c", REOPEN_MAX_US, 30 * VGW_US_PER_S, US,
          "wait between tries to open a recognizer after all have failed; it begins with a second and doubles",
          "voicegw_stt_reopens_total"),
    FIXED("talk/talk_private.h", VGW_TALK_STAGE_US, 30 * VGW_US_PER_S, US,
          "wait for a voice or an assistant that no other stands in for", "voicegw_turn_seconds"),
    FIXED("talk/stand_in.c", SAID_LINES, 60, COUNT, "lines of a conversation that a stand-in assistant is told", NONE),
    FIXED("talk/words.h", VGW_WORDS_MAX, 200, COUNT, "words of an utterance that a shadow engine is compared by", NONE),
    FIXED("talk/sentiment.c", WORDS_MAX, 200, COUNT, "words of a turn whose sentiment is judged", NONE),
    FIXED("talk/sentiment.c", WORD_MAX, 24, BYTES, "a word that can be known to it", NONE),
    FIXED("talk/health.h", VGW_ENGINE_FAILURES, 3, COUNT, "failures of an engine in a row, over all calls",
          "voicegw_engine_breaker_open"),
    FIXED("talk/health.h", VGW_ENGINE_REST_S, 10, SECONDS, "rest of an engine after them, the first time",
          "voicegw_engine_breaker_open"),
    FIXED("talk/health.h", VGW_ENGINE_REST_MAX_S, 300, SECONDS, "and at most", "voicegw_engine_breaker_open"),
    FIXED("talk/health.h", VGW_ENGINE_PROBE_S, 30, SECONDS, "time of the call that tries it out again", NONE),
    FIXED("talk/speak.c", TEXT_MAX, 64 * 1024, BYTES, "text of one utterance", NONE),
    FIXED("talk/engine.c", FRAME_BYTES_MAX, 96000, BYTES, "one frame from an engine", DROPPED("engine_message")),
    SET("stt.filler_after", "wait for a stage before the filler", "voicegw_turn_seconds"),
    SET("stt.failover_after", "wait for a stage before the next engine", "voicegw_engine_failovers_total"),
};

static const struct limit media[] = {
    FIXED("media/playout.c", limit_ms, 30000, MS, "audio that waits to be played", DROPPED("playout_full")),
    FIXED("media/playout.c", ITEMS_MAX, 64, COUNT, "utterances and marks that wait to be played",
          DROPPED("playout_full")),
    FIXED("media/catchup.c", OWED_MAX_S, 60, SECONDS, "late audio of a live voice that is still to be skipped",
          "voicegw_dropped_total"),
    FIXED("media/leg_live.c", LOST_TICKS_MAX, 3000, COUNT, "late ticks of a live voice that are counted at once",
          "voicegw_dropped_total"),
    FIXED("media/mixer.h", VGW_MIXER_PLACES_MAX, 32u, COUNT, "calls that are joined with each other", NONE),
    FIXED("media/frame_ring.h", VGW_FRAME_RING_SLOTS, 16u, COUNT, "frames between a joined call and its mix",
          DROPPED("mix_overrun")),
    FIXED("media/leg_tx.c", DTMF_NEXT_MAX, 128, COUNT, "digits that wait to be sent", NONE),
    FIXED("media/leg.c", DETACH_TIMEOUT_US, 2 * VGW_US_PER_S, US, "wait for a stream's end", NONE),
    FIXED("media/clip.h", VGW_CLIP_BYTES_MAX, 64u << 20, BYTES, "audio file that is played", NONE),
    FIXED("gateway/fetch.c", AUDIO_BYTES_MAX, 16u << 20, BYTES, "audio that is fetched by URL", NONE),
    FIXED("gateway/recording.c", WAITING_MAX, 1000, COUNT, "vendors' recordings that wait to be fetched",
          DROPPED("recording")),
    FIXED("gateway/recording.c", TRIES_MAX, 6, COUNT, "tries to fetch one", DROPPED("recording")),
    FIXED("gateway/price.c", UNPRICED_MAX, 500, COUNT, "calls of an earlier run whose prices are asked for at a start",
          NONE),
    FIXED("gateway/recording.c", FETCH_US, 120 * VGW_US_PER_S, US, "time of one try", NONE),
    FIXED("media/record.c", MAX_MS_DEFAULT, 4 * 3600 * 1000u, MS, "length of a recording", DROPPED("recording_block")),
    FIXED("media/record.c", AHEAD_MAX, 600, SECONDS, "gap in a recording that is filled with silence", NONE),
    FIXED("media/frame.h", VGW_FRAME_SAMPLES_MAX, 960, COUNT, "samples of a frame", NONE),
    FIXED("media/dtmf_rx.c", EVENTS_MAX, 8, COUNT, "digits heard in one frame", NONE),
    FIXED("media/wav.c", CHANNELS_MAX, 8, COUNT, "channels of a WAV file", NONE),
    FIXED("host/datagram.c", PACKET_MAX, 2048, BYTES, "a datagram", NONE),
};

static const struct limit flows[] = {
    FIXED("flow/run.c", max_runs, 1000, COUNT, "runs at one time", DROPPED("runs")),
    FIXED("flow/run.c", max_history, 1000, COUNT, "ended runs that are kept", NONE),
    FIXED("flow/run.c", max_steps, 10000, COUNT, "steps executed in a run", NONE),
    FIXED("flow/run.c", max_log, 500, COUNT, "steps of a run that are kept", NONE),
    FIXED("flow/run.c", max_run_us, 3600 * VGW_US_PER_S, US, "time of a run", NONE),
    FIXED("flow/run.c", max_items, 1000, COUNT, "items of a for_each", NONE),
    FIXED("flow/run.c", max_vars, 256, COUNT, "variables of a run", NONE),
    FIXED("flow/run.c", max_nesting, 8, COUNT, "run_workflow in run_workflow", NONE),
    FIXED("flow/run.c", max_pending, 10000, COUNT, "events that wait for the engine", DROPPED("flow_events")),
    FIXED("flow/run.c", max_output, 4096, BYTES, "output of a step that is kept", NONE),
    FIXED("flow/run.c", max_caused_by, 4, COUNT, "rule that causes rule", NONE),
    FIXED("flow/run.c", BACKOFF_MAX_US, 60 * VGW_US_PER_S, US, "wait between retries of a step", NONE),
    FIXED("flow/engine_show.c", LIST_MAX, 500, COUNT, "runs in one listing", NONE),
    FIXED("flow/workflow.h", VGW_WORKFLOW_STEPS_MAX, 2000, COUNT, "steps of a workflow", NONE),
    FIXED("flow/workflow.h", VGW_BLOCK_STEPS_MAX, 500, COUNT, "steps of one list", NONE),
    FIXED("flow/workflow.h", VGW_BLOCK_DEPTH_MAX, 12, COUNT, "steps in steps", NONE),
    FIXED("flow/workflow.h", VGW_STEP_EVENTS_MAX, 8, COUNT, "event types of a wait_for", NONE),
    FIXED("flow/workflow.h", VGW_STEP_CASES_MAX, 100, COUNT, "cases of a switch", NONE),
    FIXED("flow/rule.h", VGW_RULE_EVENTS_MAX, 32, COUNT, "event types of a rule", NONE),
    FIXED("flow/condition.h", VGW_CONDITION_DEPTH_MAX, 16, COUNT, "conditions in conditions", NONE),
    FIXED("flow/condition.h", VGW_CONDITION_NODES_MAX, 256, COUNT, "conditions of one step or rule", NONE),
    FIXED("flow/condition.h", VGW_MATCH_PATTERN_MAX, 512, BYTES, "pattern of matches", NONE),
    FIXED("flow/condition.h", VGW_MATCH_INPUT_MAX, 4096, BYTES, "text that matches looks at", NONE),
    FIXED("flow/match.c", PARTS_MAX, 512, COUNT, "parts of a pattern", NONE),
    FIXED("flow/match.c", GROUPS_MAX, 32, COUNT, "groups of a pattern", NONE),
    FIXED("flow/scope.h", VGW_PATH_SEGMENTS_MAX, 16, COUNT, "parts of a path such as a.b.c", NONE),
    FIXED("flow/scope.h", VGW_PATH_BYTES_MAX, 256, BYTES, "a path", NONE),
    FIXED("flow/template.h", VGW_TEMPLATE_SOURCE_MAX, 65536, BYTES, "a template", NONE),
    FIXED("flow/template.h", VGW_TEMPLATE_OUTPUT_MAX, 65536, BYTES, "what a template renders", NONE),
    FIXED("flow/template.h", VGW_TEMPLATE_PARTS_MAX, 256, COUNT, "expressions of a template", NONE),
    FIXED("flow/template.h", VGW_TEMPLATE_FILTERS_MAX, 8, COUNT, "filters of an expression", NONE),
    FIXED("flow/template.h", VGW_TREE_DEPTH_MAX, 32, COUNT, "depth of a step's parameters", NONE),
    FIXED("flow/template.h", VGW_TREE_NODES_MAX, 4096, COUNT, "values in a step's parameters", NONE),
    FIXED("action/registry.c", MAX_LIVE_DEFAULT, 10000, COUNT, "actions under way", NONE),
    FIXED("action/registry.c", NAME_MAX_BYTES, 64, BYTES, "name of an action", NONE),
    FIXED("action/registry.c", PARAMS_MAX, 64, COUNT, "parameters of an action", NONE),
    FIXED("gateway/actions.c", HTTP_TIMEOUT_US, 15 * VGW_US_PER_S, US, "time of http_request, unless it says otherwise",
          "voicegw_http_client_requests_total"),
};

static const struct limit tools[] = {
    FIXED("gateway/tools.h", VGW_TOOL_ARGUMENTS_MAX, 65536u, BYTES, "arguments of a tool", NONE),
    FIXED("gateway/tools.h", VGW_TOOL_RESULT_MAX, 65536u, BYTES, "result of a tool", NONE),
    FIXED("gateway/tools.h", VGW_TOOL_CALLS_MAX, 16u, COUNT, "tools under way for one session", NONE),
    FIXED("gateway/tools.h", VGW_TOOL_TURN_MAX, 32u, COUNT, "tools that an assistant may call in one turn", NONE),
    FIXED("gateway/tools.h", VGW_TOOL_TIMEOUT_US, 30 * VGW_US_PER_S, US, "a tool, unless it has a time of its own",
          NONE),
    FIXED("gateway/tools.h", VGW_CONSENT_TIMEOUT_US, 10 * VGW_US_PER_S, US, "silence of a caller who is asked to agree",
          NONE),
    FIXED("action/policy.h", VGW_CONSENT_ASKS_MAX, 2, COUNT, "times that a caller is asked to agree", NONE),
    FIXED("action/schema.h", VGW_SCHEMA_DEPTH_MAX, 32, COUNT, "depth of a JSON Schema and of what it is held against",
          NONE),
    FIXED("gateway/voice_tools.c", TRANSFER_TIMEOUT_US, 120 * VGW_US_PER_S, US, "transfer_to_human", NONE),
    FIXED("gateway/voice_tools.c", MUSIC_MAX_S, 120, SECONDS, "play_hold_music", NONE),
    FIXED("gateway/voice_tools.c", NOTE_MAX_S, 300, SECONDS, "record_voice_note", NONE),
    FIXED("gateway/voice_tools.c", HISTORY_MAX, 20, COUNT, "calls that get_caller_history gives", NONE),
    FIXED("gateway/callbacks.c", AHEAD_MAX_US, 366 * 24 * 3600 * VGW_US_PER_S, US,
          "how far ahead schedule_callback may", NONE),
    FIXED("gateway/callbacks.c", TRIES_MAX, 3, COUNT, "tries of a call back", NONE),
    FIXED("gateway/gateway_private.h", VGW_STATE_OWN_MAX, 500u, COUNT, "calls back that wait", NONE),
    FIXED("gateway/gateway_private.h", VGW_STATE_PLUGIN_MAX, 64u, COUNT, "small values that an instance keeps", NONE),
    FIXED("gateway/tool_http.c", URL_BYTES_MAX, 4096, BYTES, "URL of an http tool with its arguments", NONE),
    FIXED("gateway/tool_http.c", ANSWER_BYTES_MAX, (1u << 20), BYTES, "answer to an http tool", NONE),
    FIXED("gateway/tool_http.c", HEADERS_MAX, 32, COUNT, "headers of an http tool", NONE),
    FIXED("gateway/mcp.h", VGW_MCP_TOOLS_MAX, 128u, COUNT, "tools of an MCP server", NONE),
    FIXED("gateway/mcp.h", VGW_MCP_ANSWER_MAX, (1u << 20), BYTES, "answer of an MCP server", NONE),
    FIXED("gateway/agent_context.h", VGW_CONTEXT_BYTES_MAX, 32768u, BYTES, "answer of context_url",
          "voicegw_agent_context_failed_total"),
    FIXED("gateway/agent_context.h", VGW_HISTORY_TURNS_MAX, 100u, COUNT,
          "lines of the transcript that an agent is told when it comes in", NONE),
};

static const struct limit http[] = {
    FIXED("net/front.c", max_connections, 4096, COUNT, "connections", "voicegw_http_connections"),
    FIXED("net/front.c", max_per_address, 256, COUNT, "connections of an address", REFUSED),
    FIXED("net/front.c", max_requests, 1000, COUNT, "requests on a connection", "voicegw_http_requests_total"),
    FIXED("net/front.c", max_streams, 1024, COUNT, "answers that go on, such as feeds", REFUSED),
    FIXED("net/http.h", VGW_HTTP_HEAD_MAX, 16 * 1024, BYTES, "request head", REFUSED),
    FIXED("net/http.h", VGW_HTTP_TARGET_MAX, 8 * 1024, BYTES, "request target", REFUSED),
    FIXED("net/http.h", VGW_HTTP_HEADERS_MAX, 100, COUNT, "header lines", REFUSED),
    FIXED("net/chunked.c", SIZE_LINE_MAX, 256, BYTES, "line of a chunk's size", REFUSED),
    FIXED("net/chunked.c", TRAILERS_MAX, 4096, BYTES, "trailers behind a chunked body", REFUSED),
    FIXED("net/request.c", FORM_FIELDS_MAX, 1000, COUNT, "fields of a form", REFUSED),
    FIXED("api/inside.h", VGW_API_BODY_MAX, 256 * 1024, BYTES, "JSON body", REFUSED),
    FIXED("host/route.c", BODY_MAX, 1u << 20, BYTES, "body of a provider's route", REFUSED),
    FIXED("api/path.h", VGW_API_PATH_MAX, 2048, BYTES, "path of a request", REFUSED),
    FIXED("api/route.h", VGW_API_ID_MAX, 256, BYTES, "id in a path", NONE),
    FIXED("net/front.c", head_timeout_us, 10 * VGW_US_PER_S, US, "time for a head", REFUSED),
    FIXED("net/front.c", body_timeout_us, 30 * VGW_US_PER_S, US, "time for a body", REFUSED),
    FIXED("net/front.c", idle_timeout_us, 30 * VGW_US_PER_S, US, "time between requests", NONE),
    FIXED("net/front.c", answer_timeout_us, 15 * VGW_US_PER_S, US, "time to answer", REFUSED),
    FIXED("net/front.c", write_timeout_us, 30 * VGW_US_PER_S, US, "time without progress of an answer", REFUSED),
    FIXED("net/front.c", stream_buffer_bytes, 256 * 1024, BYTES, "unsent bytes of an answer that goes on", NONE),
    FIXED("net/conn.c", IN_MAX, 32u * 1024, BYTES, "bytes read ahead on a connection", NONE),
    FIXED("net/conn.c", OUT_MAX, 32u * 1024 * 1024, BYTES, "one answer", NONE),
    FIXED("net/conn.c", LINGER_MAX, 16u << 20, BYTES, "body that is read on after a refusal", NONE),
    FIXED("net/conn.c", LINGER_US, 2 * VGW_US_PER_S, US, "time for that", NONE),
    FIXED("net/tls_thread.c", max_connections, 4096, COUNT, "connections under TLS", "voicegw_tls_connections"),
    FIXED("net/tls_thread.c", handshake_timeout_us, 10 * VGW_US_PER_S, US, "time for a TLS handshake",
          "voicegw_tls_failed_total"),
    SET("auth.rate_limit.api", "requests of a token or address", NULL),
    SET("auth.rate_limit.failures", "wrong tokens of an address", NULL),
    FIXED("api/inside.h", VGW_API_RATE_KEYS, 20000u, COUNT, "tokens and addresses whose rate is known", NONE),
    FIXED("net/ratelimit.c", max_keys, 10000, COUNT, "keys of any other rate", NONE),
    FIXED("api/inside.h", VGW_API_LIMIT_DEFAULT, 50u, COUNT, "items of a page, unless limit says otherwise", NONE),
    FIXED("api/inside.h", VGW_API_LIMIT_MAX, 500u, COUNT, "items of a page at most", NONE),
    FIXED("api/idempotency.h", VGW_IDEMPOTENCY_MAX, 10000u, COUNT, "idempotency keys", NONE),
    FIXED("api/idempotency.h", VGW_IDEMPOTENCY_KEY_MAX, 255, BYTES, "an idempotency key", NONE),
    FIXED("api/idempotency.h", VGW_IDEMPOTENCY_US, 24 * 3600 * INT64_C(1000000), US, "life of an idempotency key",
          NONE),
    FIXED("api/ticket.h", VGW_TICKETS_MAX, 10000u, COUNT, "tickets", NONE),
    FIXED("api/ticket.h", VGW_TICKET_US, 60 * INT64_C(1000000), US, "life of a ticket", NONE),
    FIXED("api/recording.c", WHOLE_MAX, 4 * 1024 * 1024, BYTES, "recording that is answered in one piece", NONE),
    FIXED("api/analytics.c", ROWS_MAX, 200000u, COUNT, "calls and turns that analytics look at", NONE),
    FIXED("api/analytics.c", GROUPS_MAX, 2000u, COUNT, "groups of analytics", NONE),
    FIXED("api/sessions.c", TURNS_MAX, 2000u, COUNT, "turns of a transcript from the store", NONE),
    FIXED("api/erase.c", SESSIONS_MAX, 500u, COUNT, "sessions that one request erases", NONE),
    FIXED("api/erase.c", FILES_MAX, 2000u, COUNT, "recordings that one request erases", NONE),
    FIXED("api/inside.h", VGW_API_FEEDS_MAX, 1000u, COUNT, "event feeds", REFUSED),
    FIXED("api/events.c", QUEUED_MAX, 64 * 1024, BYTES, "unsent bytes of a feed by server-sent events",
          DROPPED("slow_feed")),
    FIXED("api/feed_ws.c", QUEUE_BYTES, 256 * 1024, BYTES, "unsent bytes of a feed by WebSocket", WS_CLOSED),
    FIXED("api/inside.h", VGW_API_SLOW_US, 20 * INT64_C(1000000), US, "time in which a feed's client takes nothing",
          DROPPED("slow_feed")),
    FIXED("net/ws.c", max_sockets, 8192, COUNT, "WebSockets of a worker", "voicegw_ws_sockets"),
    FIXED("net/ws.c", max_message_bytes, 64 * 1024, BYTES, "WebSocket message", WS_CLOSED),
    FIXED("net/ws.c", queue_bytes, 64 * 1024, BYTES, "bytes that wait for a WebSocket's peer", WS_CLOSED),
    FIXED("net/ws.c", pong_timeout_us, 15 * VGW_US_PER_S, US, "wait for a pong", WS_CLOSED),
    FIXED("net/ws.c", close_timeout_us, 5 * VGW_US_PER_S, US, "wait for a peer's close", WS_CLOSED),
    FIXED("net/ws.c", REASON_MAX, 123, BYTES, "reason of a close", NONE),
    FIXED("host/route.c", UNPROVEN_MAX, 256, COUNT, "sockets that have yet to prove themselves", NONE),
    FIXED("host/route.c", PROVE_TIMEOUT_US, 10 * VGW_US_PER_S, US, "time to prove oneself", WS_CLOSED),
};

static const struct limit outgoing[] = {
    FIXED("net/policy.h", VGW_URL_MAX, 4096, BYTES, "a URL", NONE),
    SET("outbound_urls.allow", "hosts and networks that are allowed", NULL),
    FIXED("net/client.c", max_requests, 256, COUNT, "requests under way on a loop", "voicegw_http_client_pending"),
    FIXED("net/client.c", max_queue, 1024, COUNT, "requests that wait on a loop", "voicegw_http_client_pending"),
    FIXED("net/client.c", max_body_bytes, 1u << 20, BYTES, "body of an answer", "voicegw_http_client_requests_total"),
    FIXED("net/client.c", HEADERS_MAX_BYTES, 64 * 1024, BYTES, "head of an answer",
          "voicegw_http_client_requests_total"),
    FIXED("net/client.c", HEADERS_MAX, 200, COUNT, "header lines of an answer", NONE),
    FIXED("net/client.c", REDIRECTS_MAX, 5, COUNT, "redirects that are followed", NONE),
    FIXED("net/resolve.h", VGW_RESOLVE_MAX, 8, COUNT, "addresses of a name that are tried", NONE),
    FIXED("net/ws.c", connect_timeout_us, 10 * VGW_US_PER_S, US, "time to connect a WebSocket", WS_CLOSED),
    FIXED("net/outbox.c", max_endpoints, 256, COUNT, "receivers of webhooks", "voicegw_webhook_dropped_total"),
    FIXED("net/outbox.c", max_at_once, 4, COUNT, "webhooks under way to one receiver", NONE),
    FIXED("gateway/webhooks.c", MEMORY_MAX, 500u, COUNT, "webhooks of one receiver in memory; others wait in the store",
          "voicegw_webhook_pending"),
    FIXED("gateway/webhooks.c", TYPES_MAX, 64u, COUNT, "events that a webhook names", NONE),
    FIXED("net/outbox.c", max_messages, 1000, COUNT, "webhooks that wait for one receiver",
          "voicegw_webhook_dropped_total"),
    FIXED("net/outbox.c", max_bytes, 4u << 20, BYTES, "bytes of them", "voicegw_webhook_dropped_total"),
    FIXED("net/outbox.c", timeout_us, 20 * VGW_US_PER_S, US, "time of one attempt", "voicegw_webhook_attempts_total"),
    FIXED("net/outbox.c", RETRY_AFTER_MAX_S, 86400, SECONDS, "wait that a receiver may ask for", NONE),
    FIXED("delivery/retry.h", VGW_RETRY_WAIT_MAX_US, INT64_C(7) * 86400 * 1000000, US,
          "wait between attempts of delivery", NONE),
    FIXED("delivery/zone.h", VGW_ZONE_FILE_MAX, 256u << 10, BYTES, "file of a time zone", NONE),
    FIXED("delivery/zone.c", TIMES_MAX, 4096u, COUNT, "changes in it", NONE),
    FIXED("delivery/zone.c", TYPES_MAX, 256u, COUNT, "kinds of time in it", NONE),
    FIXED("host/extra.c", MESSAGES_MAX, 1000, COUNT, "text messages whose end is open", NONE),
    FIXED("host/extra.c", SEND_TIMEOUT_US, 30 * VGW_US_PER_S, US, "time to send a text message", NONE),
};

static const struct limit delivery[] = {
    SET("delivery.window", "messages that wait in memory", NULL),
    SET("delivery.lease", "time after which a message of a lost gateway goes to another", "voicegw_dropped_total"),
    SET("delivery.max_attempts", "attempts of one message", "voicegw_delivery_attempts_total"),
    FIXED("delivery/message.h", VGW_MESSAGE_CONTENT_MAX, 10000u, BYTES, "what a message says", NONE),
    FIXED("delivery/message.h", VGW_MESSAGE_SMS_MAX, 1600u, BYTES, "a text message", NONE),
    FIXED("delivery/message.h", VGW_MESSAGE_LEAD_MAX, 16384u, BYTES, "lead or metadata of a message", NONE),
    FIXED("api/messages.c", BULK_MAX, 500u, COUNT, "messages of one request", NONE),
    FIXED("delivery/inside.h", VGW_DELIVERY_CLAIM_MAX, 100u, COUNT, "messages that are taken from the store at once",
          NONE),
    FIXED("delivery/inside.h", VGW_DELIVERY_LATE_MAX, 1000u, COUNT, "settled messages whose late prices are known",
          NONE),
    FIXED("delivery/campaign.h", VGW_CAMPAIGNS_MAX, 1000u, COUNT, "campaigns that run or rest", NONE),
    FIXED("delivery/campaign.h", VGW_CAMPAIGN_NUMBERS_MAX, 10000u, COUNT,
          "numbers of a campaign's own do-not-call list", NONE),
    FIXED("delivery/share.c", MEMBERS_MAX, 1000u, COUNT, "gateways that share limits", NONE),
    FIXED("delivery/settings.h", VGW_PLATFORMS_MAX, 8, COUNT, "platforms in a profile's failover list", NONE),
    FIXED("delivery/settings.h", VGW_DO_NOT_CALL_FILE_MAX, 64u << 20, BYTES, "a do-not-call file", NONE),
    FIXED("delivery/intake.h", VGW_INTAKE_HELD_MAX, 200u, COUNT, "messages of one queue outside that are held",
          "voicegw_queue_messages_total"),
    FIXED("delivery/intake.c", BACKOFF_MAX_US, 60 * VGW_US_PER_S, US, "wait before a queue outside is asked again",
          NONE),
    FIXED("gateway/delivery.c", ZONES_MAX, 1000, COUNT, "time zones in memory", NONE),
};
static const struct limit records[] = {
    SET("recordings.upload_max_size", "a recording that is stored in a bucket", "voicegw_recordings_archived_total"),
    SET("recordings.timeout", "one request to the bucket of recordings", NULL),
    FIXED("gateway/archive.c", TASKS_MAX, 10000, COUNT,
          "recordings that wait for their bucket; the rest is looked for again", QUEUE("uploads")),
    FIXED("gateway/archive.c", TRIES_MAX, 10, COUNT,
          "tries to store a recording in its bucket before the next look into the folder, an hour later",
          "voicegw_recordings_archived_total"),
    FIXED("gateway/archive.c", BACKOFF_MAX_US, 300 * VGW_US_PER_S, US,
          "wait between them; it begins with a second and doubles", NONE),
    FIXED("gateway/archive.c", BACK_MAX, 16, COUNT, "recordings that are fetched from their bucket at a time", NONE),
    FIXED("net/s3.h", VGW_S3_PRESIGN_MAX_S, 604800, SECONDS, "life of an address in a bucket", NONE),
    SET("events.keep", "events to resume from", NULL),
    FIXED("event/ring.h", VGW_RING_BYTES, UINT64_C(96) << 20, BYTES, "bytes of them", QUEUE("events")),
    FIXED("event/event.c", TEXT_MAX, 1u << 20, BYTES, "an event", DROPPED("events")),
    FIXED("event/bus.h", VGW_FEEDS_MAX, 10000u, COUNT, "listeners of events", NONE),
    FIXED("event/bus.h", VGW_EVENT_DEPTH_MAX, 16u, COUNT, "event that causes event", DROPPED("events")),
    SET("journal.max_size", "disk of the journal", NULL),
    SET("journal.interval", "time between syncs with sync: interval", NULL),
    FIXED("event/journal.h", VGW_JOURNAL_RECORD_MAX, 256u << 10, BYTES, "a record in the journal", NONE),
    FIXED("event/journal_file.c", FILES_MAX, 65536u, COUNT, "files of the journal", NONE),
    FIXED("event/journal_file.c", FILE_BYTES_MAX, 64u << 20, BYTES, "a file of the journal", NONE),
    FIXED("event/journal.c", WAITERS_MAX, 100000u, COUNT, "answers that wait for a sync", NONE),
    FIXED("store/store.h", VGW_STORE_QUEUE_MAX, 50000u, COUNT, "writes that wait for the store",
          DROPPED("store_writes")),
    FIXED("store/store.h", VGW_STORE_REQUESTS_MAX, 1000u, COUNT, "reads under way in the store", NONE),
    FIXED("store/store.h", VGW_STORE_ROWS_MAX, 1000u, COUNT, "rows of one read", NONE),
    FIXED("store/store.h", VGW_STORE_BATCH_BYTES, 1u << 20, BYTES, "a batch of writes", NONE),
    FIXED("store/store.h", VGW_STORE_RETRY_MAX_US, INT64_C(30000000), US, "wait between tries of a write",
          QUEUE("journal")),
    FIXED("gateway/restart.c", AT_ONCE, 16, COUNT, "calls of an earlier run that are settled at once", NONE),
    FIXED("gateway/restart.c", TRIES_MAX, 8, COUNT, "tries to settle one", NONE),
    FIXED("gateway/restart.c", BACKOFF_MAX_US, 60 * VGW_US_PER_S, US, "wait between them", NONE),
    FIXED("gateway/restart.c", ANSWER_US, 30 * VGW_US_PER_S, US, "wait for a vendor's answer", NONE),
    SET("retention.records", "age of records", NULL),
    SET("retention.recordings", "age of recordings", NULL),
    SET("retention.events", "age of stored events", NULL),
};

static const struct limit config[] = {
    FIXED("config/yaml.h", VGW_YAML_SIZE_MAX, 1024 * 1024, BYTES, "a YAML file", NONE),
    FIXED("config/load.h", VGW_CONFIG_FILES_MAX, 10000, COUNT, "files", NONE),
    FIXED("config/load.h", VGW_CONFIG_BYTES_MAX, (size_t)64 * 1024 * 1024, BYTES, "bytes of all files", NONE),
    FIXED("config/load.h", VGW_CONFIG_INCLUDE_DEPTH_MAX, 8, COUNT, "include in include", NONE),
    FIXED("config/node.h", VGW_NODE_DEPTH_MAX, 64, COUNT, "depth of nesting", NONE),
    FIXED("config/yaml.h", VGW_YAML_ALIAS_NODES_MAX, 10000, COUNT, "values that the aliases of a file stand for", NONE),
    FIXED("config/reader.h", VGW_CONFIG_TEXT_MAX, (size_t)64 * 1024, BYTES, "a value with its variables replaced",
          NONE),
    FIXED("config/errors.h", VGW_CONFIG_ERRORS_MAX, 200, COUNT, "errors that are listed", NONE),
    FIXED("gateway/gateway.h", VGW_RELOAD_WAITERS_MAX, 64, COUNT, "requests that wait for the next reload",
          DROPPED("reload")),
    FIXED("gateway/plan.h", VGW_PLAN_PROVIDERS_MAX, 256, COUNT, "providers that a route is checked against", NONE),
    FIXED("gateway/show.c", SHOWS_MAX, 32, COUNT, "plugins that are probed for whoever asks", DROPPED("plugin_show")),
    SET("plugins.path", "folders of plugins", NULL),
    FIXED("plugin/find.h", VGW_PLUGIN_FOUND_MAX, 1024, COUNT, "plugins in them", NONE),
    FIXED("plugin/find.h", VGW_PLUGIN_NAME_MAX, 32, BYTES, "name of a plugin", NONE),
    FIXED("plugin/file.h", VGW_PLUGIN_FILE_MAX, 256u << 20, BYTES, "file of a plugin", NONE),
    FIXED("plugin/desc.h", VGW_PLUGIN_FACTORIES_MAX, 16, COUNT, "kinds of a plugin", NONE),
    FIXED("plugin/desc.h", VGW_PLUGIN_OPTIONS_MAX, 256, COUNT, "options of a kind", NONE),
    FIXED("plugin/desc.h", VGW_PLUGIN_TEXT_MAX, 4096, BYTES, "text in a plugin's descriptor", NONE),
    FIXED("plugin/child.c", ANSWER_MAX, 1 << 20, BYTES, "a plugin's descriptor", NONE),
    FIXED("plugin/probe.h", VGW_PLUGIN_PROBE_TIMEOUT_MS, 5000, MS, "time to probe a plugin, or to try an instance out",
          "voicegw_reloads_total"),
    FIXED("gateway/trial.h", VGW_TRIAL_BYTES_MAX, 64u << 20, BYTES, "options of an instance that is tried out", NONE),
    FIXED("plugin/cache.h", VGW_PLUGIN_CACHE_MAX, 1024, COUNT, "probes and trials that are remembered", NONE),
    FIXED("plugin/cache.c", FILE_MAX, 8 << 20, BYTES, "file of them", NONE),
    FIXED("plugin/registry.h", VGW_REGISTRY_OLDER_MAX, 16, COUNT, "older generations of an instance",
          "voicegw_plugin_generation"),
    FIXED("plugin/registry.h", VGW_REGISTRY_DRAIN_US, 30 * INT64_C(1000000), US, "time for an instance to drain",
          "voicegw_plugin_generation"),
    FIXED("host/host_private.h", VGW_HOST_LOGS_PER_S, 100, COUNT, "log lines of an instance a second",
          DROPPED("plugin_log")),
    FIXED("host/host_private.h", VGW_HOST_TIMERS_MAX, 10000, COUNT, "timers of an instance", NONE),
    FIXED("host/host_private.h", VGW_HOST_SUBSCRIPTIONS_MAX, 1000, COUNT, "subscriptions of all plugins", NONE),
    FIXED("gateway/plugin_actions.c", BATCH_MAX, 256, COUNT, "events in a plugin's batch", NONE),
    FIXED("gateway/plugin_actions.c", PARAMS_MAX, 64, COUNT, "parameters of a plugin's action", NONE),
};

static const struct limit threads[] = {
    SET("gateway.workers", "media threads", NULL),
    FIXED("gateway/gateway_private.h", VGW_WORKERS_MAX, 64, COUNT, "media threads at most", NONE),
    FIXED("loop/pool.c", LANE_THREADS_MAX, 64u, COUNT, "threads of a lane", NONE),
    FIXED("loop/pool.c", LANE_JOBS_MAX, 10000u, COUNT, "jobs that wait in a lane", QUEUE("cpu")),
    FIXED("loop/loop.h", VGW_LOOP_CALLS_MAX, 65536, COUNT, "calls that wait for a loop", QUEUE("control")),
    FIXED("loop/heap.c", TIMERS_MAX, 4u << 20, COUNT, "timers of a loop", NONE),
    FIXED("gateway/close.c", LEGS_US, 3 * VGW_US_PER_S, US, "wait for media at the end", NONE),
    FIXED("gateway/close.c", SOCKETS_US, 3 * VGW_US_PER_S, US, "wait for sockets at the end", NONE),
    FIXED("gateway/close.c", INSTANCES_US, 6 * VGW_US_PER_S, US, "wait for instances at the end", NONE),
    FIXED("gateway/close.c", RELOAD_US, 30 * VGW_US_PER_S, US, "wait for a reload at the end", NONE),
    FIXED("gateway/close.c", WORK_US, 30 * VGW_US_PER_S, US, "wait for work of plugins at the end", NONE),
    FIXED("gateway/close.c", STORE_US, 5 * VGW_US_PER_S, US, "wait for the store at the end", NONE),
    FIXED("base/metric.c", CHILDREN_MAX, 1000, COUNT, "label values of a metric", NONE),
    FIXED("base/metric.c", LABEL_VALUE_MAX, 128, BYTES, "a label's value", NONE),
    FIXED("base/log_line.h", VGW_LOG_LINE_MAX_BYTES, 65536, BYTES, "a log line", DROPPED("log")),
    FIXED("base/log_line.h", VGW_LOG_FIELDS_MAX, 32, COUNT, "fields of a log line", NONE),
    FIXED("base/json_scan.h", VGW_JSON_DEPTH_MAX, 64, COUNT, "depth of JSON", NONE),
    FIXED("base/buf.c", BUF_LIMIT_BYTES, (size_t)16 << 20, BYTES, "a text that is put together", NONE),
    FIXED("base/alloc.c", ARENA_LIMIT_BYTES, (size_t)64 << 20, BYTES, "memory of one request", NONE),
    FIXED("main.c", PLUGIN_DIRS_MAX, 32, COUNT, "folders by --plugin-path", NONE),
    FIXED("main.c", FILES_WANTED, 16384, COUNT, "open files that are asked for", NONE),
};

#define GROUP(title, rows)                                                                                             \
    {                                                                                                                  \
        title, rows, sizeof(rows) / sizeof(rows)[0]                                                                    \
    }
static const struct group groups[] = {
    GROUP("Calls and conversations", calls),    GROUP("Media", media),
    GROUP("Workflows and rules", flows),        GROUP("HTTP and WebSocket", http),
    GROUP("Outgoing requests", outgoing),       GROUP("Delivery of messages", delivery),
    GROUP("Tools and agents", tools),           GROUP("Events and records", records),
    GROUP("Configuration and plugins", config), GROUP("Threads, logs and the end", threads),
};

/* "1,000" */
static void print_count(uint64_t n, struct vgw_buf *out)
{
    if (n >= 1000) {
        print_count(n / 1000, out);
        vgw_buf_printf(out, ",%03u", (unsigned)(n % 1000));
    } else {
        vgw_buf_printf(out, "%u", (unsigned)n);
    }
}

/* The largest unit of which it is a whole number. */
static void print_scaled(double value, const char *const *units, const uint64_t *sizes, size_t count,
                         struct vgw_buf *out)
{
    uint64_t n = (uint64_t)value;
    for (size_t i = 0; i < count; i++)
        if (n >= sizes[i] && n % sizes[i] == 0) {
            print_count(n / sizes[i], out);
            vgw_buf_adds(out, units[i]);
            return;
        }
}

static void print_value(const struct limit *l, struct vgw_buf *out)
{
    static const char *const bytes[] = {"GiB", "MiB", "KiB", " bytes"}, *const times[] = {"h", "m", "s", "ms", "us"};
    static const uint64_t byte_sizes[] = {1u << 30, 1u << 20, 1u << 10, 1},
                          time_sizes[] = {UINT64_C(3600000000), 60000000, 1000000, 1000, 1};
    if (l->unit == COUNT)
        print_count((uint64_t)l->value, out);
    else if (l->unit == BYTES)
        print_scaled(l->value, bytes, byte_sizes, 4, out);
    else
        print_scaled(l->value * (l->unit == MS ? 1000 : l->unit == SECONDS ? 1000000 : 1), times, time_sizes, 5, out);
}

/* Where an option of that path is declared. Those of instances stand in the tables that the core has for them. */
static const struct vgw_option *option_of(const char *path)
{
    const struct vgw_option_table *table = vgw_main_table();
    const struct vgw_option *row = NULL;
    char part[64];
    if (vgw_starts_with(path, "providers."))
        return vgw_option_find(vgw_provider_table(), path + strlen("providers."));
    if (vgw_starts_with(path, "stt."))
        return vgw_option_find(vgw_engine_table(), path + strlen("stt."));
    for (const char *p = path; p && table;) {
        size_t n = strcspn(p, ".");
        vgw_strncopy(part, sizeof part, p, n);
        row = vgw_option_find(table, part);
        table = row ? row->table : NULL;
        p = p[n] ? p + n + 1 : NULL;
    }
    return row;
}

static void print_metric(const char *metric, struct vgw_buf *out)
{
    if (!metric)
        vgw_buf_adds(out, "\\(en");
    for (const char *c = metric ? metric : ""; *c; c++) {
        if (*c == '"')
            vgw_buf_adds(out, "\\(dq");
        else
            vgw_buf_addc(out, *c);
    }
}

static void print_limit(const struct limit *l, struct vgw_buf *out)
{
    const struct vgw_option *row = l->file ? NULL : option_of(l->name);
    bool list = row && row->type == VGW_OPTION_STRINGS;
    vgw_buf_printf(out, ".It %s Ta ", l->what);
    if (l->file)
        print_value(l, out);
    else if (list && row->max > 0)
        print_count((uint64_t)row->max, out);
    else
        vgw_buf_adds(out, row && row->dflt ? row->dflt : "none");
    vgw_buf_printf(out, " Ta %s Ta ", l->file ? "fixed" : l->name);
    print_metric(l->metric ? l->metric : row ? row->metric : NULL, out);
    vgw_buf_addc(out, '\n');
}

void vgw_limits_mdoc(struct vgw_buf *out)
{
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        vgw_buf_printf(out, ".Ss %s\n", groups[g].title);
        vgw_buf_adds(out,
                     ".Bl -column \"commands of a call that wait for its\" \"200,000\" \"auth.rate_limit.failures\" "
                     "\"voicegw_http_connections\"\n"
                     ".It Sy limit Ta Sy default Ta Sy setting Ta Sy metric\n");
        for (size_t i = 0; i < groups[g].count; i++)
            print_limit(&groups[g].limits[i], out);
        vgw_buf_adds(out, ".El\n");
    }
}
