/* offsets.c - pins the layout of every struct of the SDK on 64-bit machines. A line may be added, for a field at a
 * table's tail; a line that must change is a broken ABI. Compiling this file is the test. */
#include <stddef.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/action.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_datagram.h"
#include "voicegw/draft/host_event.h"
#include "voicegw/draft/host_http.h"
#include "voicegw/draft/host_route.h"
#include "voicegw/draft/host_use.h"
#include "voicegw/draft/host_ws.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_extra.h"
#include "voicegw/draft/provider_ivr.h"
#include "voicegw/draft/provider_media.h"
#include "voicegw/draft/queue.h"
#include "voicegw/draft/store.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/subscriber.h"
#include "voicegw/draft/tts.h"

#if UINTPTR_MAX == UINT64_MAX
#define AT(type, field, offset)                                                                                        \
    _Static_assert(offsetof(struct type, field) == (offset), "struct " #type ": " #field " moved")
#define SIZE(type, bytes) _Static_assert(sizeof(struct type) >= (bytes), "struct " #type " shrank")

SIZE(voicegw_option, 72);
AT(voicegw_option, size, 0);
AT(voicegw_option, type, 4);
AT(voicegw_option, name, 8);
AT(voicegw_option, dflt, 16);
AT(voicegw_option, flags, 24);
AT(voicegw_option, reserved, 28);
AT(voicegw_option, unit, 32);
AT(voicegw_option, min, 40);
AT(voicegw_option, max, 48);
AT(voicegw_option, choices, 56);
AT(voicegw_option, description, 64);

SIZE(voicegw_audio_format, 16);
AT(voicegw_audio_format, size, 0);
AT(voicegw_audio_format, encoding, 4);
AT(voicegw_audio_format, rate, 8);
AT(voicegw_audio_format, frame_ms, 12);

SIZE(voicegw_frame, 48);
AT(voicegw_frame, size, 0);
AT(voicegw_frame, encoding, 4);
AT(voicegw_frame, rate, 8);
AT(voicegw_frame, flags, 12);
AT(voicegw_frame, timestamp, 16);
AT(voicegw_frame, sequence, 24);
AT(voicegw_frame, epoch, 28);
AT(voicegw_frame, data, 32);
AT(voicegw_frame, bytes, 40);
AT(voicegw_frame, samples, 44);

SIZE(voicegw_host, 192);
AT(voicegw_host, size, 0);
AT(voicegw_host, abi_major, 4);
AT(voicegw_host, abi_minor, 8);
AT(voicegw_host, reserved, 12);
AT(voicegw_host, name, 16);
AT(voicegw_host, plugin, 24);
AT(voicegw_host, log, 32);
AT(voicegw_host, set_error, 40);
AT(voicegw_host, last_error, 48);
AT(voicegw_host, option_string, 56);
AT(voicegw_host, option_int, 64);
AT(voicegw_host, option_double, 72);
AT(voicegw_host, option_json, 80);
AT(voicegw_host, now_us, 88);
AT(voicegw_host, wall_us, 96);
AT(voicegw_host, timer_start, 104);
AT(voicegw_host, timer_cancel, 112);
AT(voicegw_host, post, 120);
AT(voicegw_host, job, 128);
AT(voicegw_host, strand_new, 136);
AT(voicegw_host, drained, 144);
AT(voicegw_host, health, 152);
AT(voicegw_host, count, 160);
AT(voicegw_host, thread, 168);
AT(voicegw_host, once, 176);
AT(voicegw_host, get_extension, 184);

SIZE(voicegw_factory, 80);
AT(voicegw_factory, size, 0);
AT(voicegw_factory, option_count, 4);
AT(voicegw_factory, kind, 8);
AT(voicegw_factory, options, 16);
AT(voicegw_factory, caps, 24);
AT(voicegw_factory, create, 32);
AT(voicegw_factory, start, 40);
AT(voicegw_factory, reconfigure, 48);
AT(voicegw_factory, drain, 56);
AT(voicegw_factory, destroy, 64);
AT(voicegw_factory, get_extension, 72);

SIZE(voicegw_plugin, 64);
AT(voicegw_plugin, size, 0);
AT(voicegw_plugin, abi_major, 4);
AT(voicegw_plugin, abi_minor, 8);
AT(voicegw_plugin, flags, 12);
AT(voicegw_plugin, name, 16);
AT(voicegw_plugin, version, 24);
AT(voicegw_plugin, license, 32);
AT(voicegw_plugin, description, 40);
AT(voicegw_plugin, factory_count, 48);
AT(voicegw_plugin, reserved, 52);
AT(voicegw_plugin, factories, 56);

SIZE(voicegw_action_spec, 48);
AT(voicegw_action_spec, size, 0);
AT(voicegw_action_spec, flags, 4);
AT(voicegw_action_spec, name, 8);
AT(voicegw_action_spec, description, 16);
AT(voicegw_action_spec, params_schema, 24);
AT(voicegw_action_spec, result_schema, 32);
AT(voicegw_action_spec, timeout_ms, 40);
AT(voicegw_action_spec, reserved, 44);

SIZE(voicegw_action, 40);
AT(voicegw_action, size, 0);
AT(voicegw_action, reserved, 4);
AT(voicegw_action, list, 8);
AT(voicegw_action, validate, 16);
AT(voicegw_action, run, 24);
AT(voicegw_action, cancel, 32);

SIZE(voicegw_host_action, 16);
AT(voicegw_host_action, size, 0);
AT(voicegw_host_action, reserved, 4);
AT(voicegw_host_action, complete, 8);

SIZE(voicegw_assistant_params, 40);
AT(voicegw_assistant_params, size, 0);
AT(voicegw_assistant_params, resumed, 4);
AT(voicegw_assistant_params, session_json, 8);
AT(voicegw_assistant_params, tools_json, 16);
AT(voicegw_assistant_params, history_json, 24);
AT(voicegw_assistant_params, agent_json, 32);

SIZE(voicegw_turn, 40);
AT(voicegw_turn, size, 0);
AT(voicegw_turn, flags, 4);
AT(voicegw_turn, turn, 8);
AT(voicegw_turn, text, 16);
AT(voicegw_turn, confidence, 24);
AT(voicegw_turn, language, 32);

SIZE(voicegw_assistant, 72);
AT(voicegw_assistant, size, 0);
AT(voicegw_assistant, reserved, 4);
AT(voicegw_assistant, open, 8);
AT(voicegw_assistant, turn, 16);
AT(voicegw_assistant, partial, 24);
AT(voicegw_assistant, dtmf, 32);
AT(voicegw_assistant, interrupt, 40);
AT(voicegw_assistant, tool_result, 48);
AT(voicegw_assistant, update, 56);
AT(voicegw_assistant, close, 64);

SIZE(voicegw_assistant_audio, 88);
AT(voicegw_assistant_audio, size, 0);
AT(voicegw_assistant_audio, flags, 4);
AT(voicegw_assistant_audio, open, 8);
AT(voicegw_assistant_audio, audio, 16);
AT(voicegw_assistant_audio, speech, 24);
AT(voicegw_assistant_audio, commit, 32);
AT(voicegw_assistant_audio, truncated, 40);
AT(voicegw_assistant_audio, credit, 48);
AT(voicegw_assistant_audio, dtmf, 56);
AT(voicegw_assistant_audio, tool_result, 64);
AT(voicegw_assistant_audio, close, 72);
AT(voicegw_assistant_audio, heard, 80);

SIZE(voicegw_host_assistant, 104);
AT(voicegw_host_assistant, size, 0);
AT(voicegw_host_assistant, reserved, 4);
AT(voicegw_host_assistant, on_delta, 8);
AT(voicegw_host_assistant, on_tool, 16);
AT(voicegw_host_assistant, on_action, 24);
AT(voicegw_host_assistant, on_turn_done, 32);
AT(voicegw_host_assistant, on_error, 40);
AT(voicegw_host_assistant, on_closed, 48);
AT(voicegw_host_assistant, on_audio, 56);
AT(voicegw_host_assistant, on_clear, 64);
AT(voicegw_host_assistant, on_speech, 72);
AT(voicegw_host_assistant, on_transcript, 80);
AT(voicegw_host_assistant, on_item_done, 88);
AT(voicegw_host_assistant, on_expiring, 96);

SIZE(voicegw_host_crypto, 56);
AT(voicegw_host_crypto, size, 0);
AT(voicegw_host_crypto, reserved, 4);
AT(voicegw_host_crypto, digest, 8);
AT(voicegw_host_crypto, hmac, 16);
AT(voicegw_host_crypto, random, 24);
AT(voicegw_host_crypto, equal, 32);
AT(voicegw_host_crypto, base64_encode, 40);
AT(voicegw_host_crypto, base64_decode, 48);

SIZE(voicegw_host_datagram, 56);
AT(voicegw_host_datagram, size, 0);
AT(voicegw_host_datagram, reserved, 4);
AT(voicegw_host_datagram, lease, 8);
AT(voicegw_host_datagram, release, 16);
AT(voicegw_host_datagram, open, 24);
AT(voicegw_host_datagram, adopt, 32);
AT(voicegw_host_datagram, send, 40);
AT(voicegw_host_datagram, close, 48);

SIZE(voicegw_host_event, 32);
AT(voicegw_host_event, size, 0);
AT(voicegw_host_event, reserved, 4);
AT(voicegw_host_event, emit, 8);
AT(voicegw_host_event, subscribe, 16);
AT(voicegw_host_event, unsubscribe, 24);

SIZE(voicegw_host_state, 24);
AT(voicegw_host_state, size, 0);
AT(voicegw_host_state, reserved, 4);
AT(voicegw_host_state, get, 8);
AT(voicegw_host_state, set, 16);

SIZE(voicegw_http_response, 32);
AT(voicegw_http_response, size, 0);
AT(voicegw_http_response, http_status, 4);
AT(voicegw_http_response, headers_json, 8);
AT(voicegw_http_response, body, 16);
AT(voicegw_http_response, body_bytes, 24);

SIZE(voicegw_http_request, 112);
AT(voicegw_http_request, size, 0);
AT(voicegw_http_request, flags, 4);
AT(voicegw_http_request, method, 8);
AT(voicegw_http_request, url, 16);
AT(voicegw_http_request, headers, 24);
AT(voicegw_http_request, body, 32);
AT(voicegw_http_request, body_bytes, 40);
AT(voicegw_http_request, timeout_ms, 48);
AT(voicegw_http_request, connect_timeout_ms, 52);
AT(voicegw_http_request, max_body_bytes, 56);
AT(voicegw_http_request, username, 64);
AT(voicegw_http_request, password, 72);
AT(voicegw_http_request, aws_sigv4, 80);
AT(voicegw_http_request, on_done, 88);
AT(voicegw_http_request, on_body, 96);
AT(voicegw_http_request, arg, 104);

SIZE(voicegw_host_http, 24);
AT(voicegw_host_http, size, 0);
AT(voicegw_host_http, reserved, 4);
AT(voicegw_host_http, request, 8);
AT(voicegw_host_http, cancel, 16);

SIZE(voicegw_ws_events, 40);
AT(voicegw_ws_events, size, 0);
AT(voicegw_ws_events, reserved, 4);
AT(voicegw_ws_events, on_open, 8);
AT(voicegw_ws_events, on_message, 16);
AT(voicegw_ws_events, on_writable, 24);
AT(voicegw_ws_events, on_close, 32);

SIZE(voicegw_host_ws, 40);
AT(voicegw_host_ws, size, 0);
AT(voicegw_host_ws, reserved, 4);
AT(voicegw_host_ws, connect, 8);
AT(voicegw_host_ws, send, 16);
AT(voicegw_host_ws, close, 24);
AT(voicegw_host_ws, queued, 32);

SIZE(voicegw_request, 96);
AT(voicegw_request, size, 0);
AT(voicegw_request, flags, 4);
AT(voicegw_request, id, 8);
AT(voicegw_request, method, 16);
AT(voicegw_request, path, 24);
AT(voicegw_request, query, 32);
AT(voicegw_request, rest, 40);
AT(voicegw_request, remote, 48);
AT(voicegw_request, public_url, 56);
AT(voicegw_request, headers_json, 64);
AT(voicegw_request, body, 72);
AT(voicegw_request, body_bytes, 80);
AT(voicegw_request, form_json, 88);

SIZE(voicegw_reply, 40);
AT(voicegw_reply, size, 0);
AT(voicegw_reply, http_status, 4);
AT(voicegw_reply, content_type, 8);
AT(voicegw_reply, headers, 16);
AT(voicegw_reply, body, 24);
AT(voicegw_reply, body_bytes, 32);

SIZE(voicegw_ws_route, 72);
AT(voicegw_ws_route, size, 0);
AT(voicegw_ws_route, flags, 4);
AT(voicegw_ws_route, max_message_bytes, 8);
AT(voicegw_ws_route, on_upgrade, 16);
AT(voicegw_ws_route, on_open, 24);
AT(voicegw_ws_route, events, 32);

SIZE(voicegw_host_route, 72);
AT(voicegw_host_route, size, 0);
AT(voicegw_host_route, reserved, 4);
AT(voicegw_host_route, add_http, 8);
AT(voicegw_host_route, add_ws, 16);
AT(voicegw_host_route, reply, 24);
AT(voicegw_host_route, prove, 32);
AT(voicegw_host_route, url, 40);
AT(voicegw_host_route, tag, 48);
AT(voicegw_host_route, tag_of, 56);
AT(voicegw_host_route, leg_near, 64);

SIZE(voicegw_host_use, 32);
AT(voicegw_host_use, size, 0);
AT(voicegw_host_use, reserved, 4);
AT(voicegw_host_use, synthesize, 8);
AT(voicegw_host_use, cancel, 16);
AT(voicegw_host_use, read_audio, 24);

SIZE(voicegw_call_params, 64);
AT(voicegw_call_params, size, 0);
AT(voicegw_call_params, ring_timeout_ms, 4);
AT(voicegw_call_params, max_duration_ms, 8);
AT(voicegw_call_params, reserved, 12);
AT(voicegw_call_params, to, 16);
AT(voicegw_call_params, from, 24);
AT(voicegw_call_params, session_id, 32);
AT(voicegw_call_params, call_id, 40);
AT(voicegw_call_params, variables_json, 48);
AT(voicegw_call_params, route_json, 56);

SIZE(voicegw_provider, 160);
AT(voicegw_provider, size, 0);
AT(voicegw_provider, reserved, 4);
AT(voicegw_provider, make_call, 8);
AT(voicegw_provider, answer, 16);
AT(voicegw_provider, reject, 24);
AT(voicegw_provider, end, 32);
AT(voicegw_provider, hold, 40);
AT(voicegw_provider, transfer, 48);
AT(voicegw_provider, play, 56);
AT(voicegw_provider, say, 64);
AT(voicegw_provider, record, 72);
AT(voicegw_provider, dtmf, 80);
AT(voicegw_provider, mute, 88);
AT(voicegw_provider, status, 96);
AT(voicegw_provider, validate, 104);
AT(voicegw_provider, reconcile, 112);
AT(voicegw_provider, cancel, 120);
AT(voicegw_provider, identify, 128);
AT(voicegw_provider, poll, 136);
AT(voicegw_provider, forget, 144);
AT(voicegw_provider, settle, 152);

SIZE(voicegw_incoming, 72);
AT(voicegw_incoming, size, 0);
AT(voicegw_incoming, answered, 4);
AT(voicegw_incoming, provider_call_id, 8);
AT(voicegw_incoming, from, 16);
AT(voicegw_incoming, to, 24);
AT(voicegw_incoming, caller_name, 32);
AT(voicegw_incoming, variables_json, 40);
AT(voicegw_incoming, session_id, 48);
AT(voicegw_incoming, script, 56);
AT(voicegw_incoming, recovers, 64);

SIZE(voicegw_call_state, 48);
AT(voicegw_call_state, size, 0);
AT(voicegw_call_state, state, 4);
AT(voicegw_call_state, outcome, 8);
AT(voicegw_call_state, sequence, 12);
AT(voicegw_call_state, provider_time_us, 16);
AT(voicegw_call_state, cause, 24);
AT(voicegw_call_state, provider_call_id, 32);
AT(voicegw_call_state, data_json, 40);

SIZE(voicegw_host_provider, 88);
AT(voicegw_host_provider, size, 0);
AT(voicegw_host_provider, reserved, 4);
AT(voicegw_host_provider, on_incoming, 8);
AT(voicegw_host_provider, on_state, 16);
AT(voicegw_host_provider, on_dtmf, 24);
AT(voicegw_host_provider, on_recording, 32);
AT(voicegw_host_provider, on_transcript, 40);
AT(voicegw_host_provider, on_summary, 48);
AT(voicegw_host_provider, on_complete, 56);
AT(voicegw_host_provider, call_find, 64);
AT(voicegw_host_provider, call_leg, 72);
AT(voicegw_host_provider, call_describe, 80);

SIZE(voicegw_provider_conference, 48);
AT(voicegw_provider_conference, size, 0);
AT(voicegw_provider_conference, reserved, 4);
AT(voicegw_provider_conference, join, 8);
AT(voicegw_provider_conference, leave, 16);
AT(voicegw_provider_conference, hold, 24);
AT(voicegw_provider_conference, mute, 32);
AT(voicegw_provider_conference, kick, 40);

SIZE(voicegw_host_conference, 16);
AT(voicegw_host_conference, size, 0);
AT(voicegw_host_conference, reserved, 4);
AT(voicegw_host_conference, on_conference, 8);

SIZE(voicegw_sms, 40);
AT(voicegw_sms, size, 0);
AT(voicegw_sms, reserved, 4);
AT(voicegw_sms, to, 8);
AT(voicegw_sms, from, 16);
AT(voicegw_sms, text, 24);
AT(voicegw_sms, media_json, 32);

SIZE(voicegw_provider_ivr, 16);
AT(voicegw_provider_ivr, size, 0);
AT(voicegw_provider_ivr, reserved, 4);
AT(voicegw_provider_ivr, perform, 8);

SIZE(voicegw_provider_sms, 24);
AT(voicegw_provider_sms, size, 0);
AT(voicegw_provider_sms, reserved, 4);
AT(voicegw_provider_sms, send, 8);
AT(voicegw_provider_sms, validate, 16);

SIZE(voicegw_host_sms, 24);
AT(voicegw_host_sms, size, 0);
AT(voicegw_host_sms, reserved, 4);
AT(voicegw_host_sms, on_sms, 8);
AT(voicegw_host_sms, on_sms_received, 16);

SIZE(voicegw_provider_media, 64);
AT(voicegw_provider_media, size, 0);
AT(voicegw_provider_media, far_queue, 4);
AT(voicegw_provider_media, attach, 8);
AT(voicegw_provider_media, send, 16);
AT(voicegw_provider_media, clear, 24);
AT(voicegw_provider_media, mark, 32);
AT(voicegw_provider_media, dtmf, 40);
AT(voicegw_provider_media, rx_pull, 48);
AT(voicegw_provider_media, detach, 56);

SIZE(voicegw_host_media, 72);
AT(voicegw_host_media, size, 0);
AT(voicegw_host_media, reserved, 4);
AT(voicegw_host_media, on_format, 8);
AT(voicegw_host_media, on_frame, 16);
AT(voicegw_host_media, on_writable, 24);
AT(voicegw_host_media, on_mark, 32);
AT(voicegw_host_media, on_dtmf, 40);
AT(voicegw_host_media, on_quality, 48);
AT(voicegw_host_media, on_lost, 56);
AT(voicegw_host_media, on_detached, 64);

SIZE(voicegw_queue, 40);
AT(voicegw_queue, size, 0);
AT(voicegw_queue, reserved, 4);
AT(voicegw_queue, receive, 8);
AT(voicegw_queue, extend, 16);
AT(voicegw_queue, remove, 24);
AT(voicegw_queue, reject, 32);

SIZE(voicegw_host_queue, 24);
AT(voicegw_host_queue, size, 0);
AT(voicegw_host_queue, reserved, 4);
AT(voicegw_host_queue, on_messages, 8);
AT(voicegw_host_queue, on_complete, 16);

SIZE(voicegw_store, 88);
AT(voicegw_store, size, 0);
AT(voicegw_store, reserved, 4);
AT(voicegw_store, open, 8);
AT(voicegw_store, migrate, 16);
AT(voicegw_store, apply, 24);
AT(voicegw_store, query, 32);
AT(voicegw_store, claim, 40);
AT(voicegw_store, lease_acquire, 48);
AT(voicegw_store, lease_renew, 56);
AT(voicegw_store, lease_release, 64);
AT(voicegw_store, health, 72);
AT(voicegw_store, purge, 80);

SIZE(voicegw_stt_params, 40);
AT(voicegw_stt_params, size, 0);
AT(voicegw_stt_params, reserved, 4);
AT(voicegw_stt_params, formats, 8);
AT(voicegw_stt_params, format_count, 16);
AT(voicegw_stt_params, interim, 20);
AT(voicegw_stt_params, language, 24);
AT(voicegw_stt_params, hints_json, 32);

SIZE(voicegw_stt_result, 64);
AT(voicegw_stt_result, size, 0);
AT(voicegw_stt_result, final, 4);
AT(voicegw_stt_result, utterance, 8);
AT(voicegw_stt_result, text, 16);
AT(voicegw_stt_result, confidence, 24);
AT(voicegw_stt_result, start_sample, 32);
AT(voicegw_stt_result, end_sample, 40);
AT(voicegw_stt_result, words_json, 48);
AT(voicegw_stt_result, language, 56);

SIZE(voicegw_stt, 56);
AT(voicegw_stt, size, 0);
AT(voicegw_stt, endpoints, 4);
AT(voicegw_stt, open, 8);
AT(voicegw_stt, push, 16);
AT(voicegw_stt, speech, 24);
AT(voicegw_stt, finalize, 32);
AT(voicegw_stt, update, 40);
AT(voicegw_stt, close, 48);

SIZE(voicegw_host_stt, 48);
AT(voicegw_host_stt, size, 0);
AT(voicegw_host_stt, reserved, 4);
AT(voicegw_host_stt, on_result, 8);
AT(voicegw_host_stt, on_speech, 16);
AT(voicegw_host_stt, on_usage, 24);
AT(voicegw_host_stt, on_error, 32);
AT(voicegw_host_stt, on_closed, 40);

SIZE(voicegw_subscriber, 32);
AT(voicegw_subscriber, size, 0);
AT(voicegw_subscriber, reserved, 4);
AT(voicegw_subscriber, filter, 8);
AT(voicegw_subscriber, on_events, 16);
AT(voicegw_subscriber, on_gap, 24);

SIZE(voicegw_tts_params, 40);
AT(voicegw_tts_params, size, 0);
AT(voicegw_tts_params, reserved, 4);
AT(voicegw_tts_params, formats, 8);
AT(voicegw_tts_params, format_count, 16);
AT(voicegw_tts_params, reserved2, 20);
AT(voicegw_tts_params, voice, 24);
AT(voicegw_tts_params, language, 32);

SIZE(voicegw_tts, 64);
AT(voicegw_tts, size, 0);
AT(voicegw_tts, reserved, 4);
AT(voicegw_tts, open, 8);
AT(voicegw_tts, speak, 16);
AT(voicegw_tts, flush, 24);
AT(voicegw_tts, cancel, 32);
AT(voicegw_tts, credit, 40);
AT(voicegw_tts, close, 48);
AT(voicegw_tts, cache_key, 56);

SIZE(voicegw_host_tts, 56);
AT(voicegw_host_tts, size, 0);
AT(voicegw_host_tts, reserved, 4);
AT(voicegw_host_tts, on_audio, 8);
AT(voicegw_host_tts, on_align, 16);
AT(voicegw_host_tts, on_done, 24);
AT(voicegw_host_tts, on_usage, 32);
AT(voicegw_host_tts, on_error, 40);
AT(voicegw_host_tts, on_closed, 48);
#endif
