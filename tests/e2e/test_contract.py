#!/usr/bin/python3
"""What the outside was promised, tried as a stranger would: names, shapes, codes and sentences of configuration, API, events, logs."""
import hashlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import time

from daemon import Gateway, Stream, WebSocket, base, build, gateway, run, wait

OUTCOMES = ('outcomes: [{to: "+15550001*", outcome: busy}, {to: "+15550002*", outcome: no_answer, after: 50ms}, '
            '{to: "+15550003*", outcome: failed}, {to: "+15550004*", outcome: canceled}, {to: "+15550005*", outcome: dropped, after: 50ms}]')
TOKENS = """
auth:
  tokens:
    - {name: ops, token: ops-secret-token, scopes: [read, call, admin]}
    - {name: reader, token: read-secret-token, scopes: [read]}
    - {name: caller, token: call-secret-token, scopes: [read, call]}
    - {name: shop, token: shop-secret-token, scopes: [read, call], projects: [shop]}
"""
MINIMAL = "providers: {lab: {plugin: mock}}\nassistants: {echo: {plugin: echo}}\n"
CALL_FIELDS = {"call_id", "provider_call_id", "session_id", "provider", "plugin", "direction", "from", "to", "state", "status", "created_at",
               "answered_at", "ended_at", "duration", "cost", "currency"}
SESSION_FIELDS = {"session_id", "call_sid", "from", "to", "state", "created_at", "last_activity", "project_id", "channel", "direction",
                  "caller_id", "provider", "plugin", "transport", "transport_metadata", "stt_provider", "language", "variables", "lead_id",
                  "reservation_id", "calls", "turns"}
RECORD_FIELDS = {"session_id", "channel", "caller_id", "direction", "start_time", "end_time", "duration_seconds", "status", "recording_url",
                 "transcription", "sentiment_score", "tools_executed", "lead_id", "reservation_id", "cost", "calls"}
TURN_FIELDS = {"turn_number", "role", "content", "audio_url", "latency_ms", "timestamp", "confidence", "interrupted", "stages"}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


def bearer(name):
    return {"Authorization": f"Bearer {name}-secret-token"}


def has(value, fields):
    missing = set(fields) - set(value)
    assert not missing, f"{sorted(missing)} missing in {value}"


def problem(answer, status, field=None):
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    assert answer.json["status"] == status and answer.json["title"] and answer.json["detail"], answer
    if field:
        assert field in [e["field"] for e in answer.json["errors"]], answer
    return answer


def checked(text, environment=None, files=None):
    """voicegwd --check of a configuration: (exit code, what it said)."""
    g = Gateway(text, environment=environment)
    try:
        for name, content in (files or {}).items():
            path = os.path.join(g.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(content if isinstance(content, bytes) else content.encode())
        return g.check()
    finally:
        g.done()


def fine(text, **more):
    code, said = checked(text, **more)
    assert code == 0, said
    return said


def refused(text, *sentences, **more):
    code, said = checked(text, **more)
    assert code == 78, f"{code}: {said}"
    for sentence in sentences:
        assert re.search(sentence, said), f"{sentence!r} is not in:\n{said}"
    return said


def daemon(*options, environment=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("VOICE", "TWILIO"))} | (environment or {})
    return subprocess.run([os.path.join(build(), "bin", "voicegwd"), *options], capture_output=True, text=True, timeout=wait(), env=env,
                          check=False)


# ---- programs and configuration ----

def test_options_of_the_daemon():
    assert daemon("-V").stdout.startswith("voicegwd ")
    assert all(o in daemon("-h").stdout for o in ("--config", "--check", "--plugin-path", "--version", "--help"))
    assert daemon("--bogus").returncode == 64
    assert daemon("-t", "-c", "/nonexistent/voicegw.yaml").returncode == 78


def test_every_error_is_told_at_once_with_place_and_remedy():
    said = refused("""gateway:
  nam: x
  max_sessions: many
  session_timeout: 10 parsecs
  enabled: perhaps
  name: ${NOT_SET_ANYWHERE}
log: {level: loud, format: xml}
http:
  listen: ["127.0.0.1:18490"]
  public_url: "ftp://x"
auth:
  tokens: [{name: a, token: !file nothere, scopes: [red]}]
  rate_limit: {api: 100/w}
providers:
  lab: {plugin: mock, initating_ms: 500}
  calls: {plugin: mock}
  two: {plugin: nosuch}
journal: {max_size: 64XiB}
tts: {local: {plugin: flite}, local: {plugin: flite}}
frobnicate: 1
""", r"yaml:2:3: .*'nam'.*did you mean 'name'", r"yaml:3:17: .*whole number", r"yaml:4:20: .*duration such as", r"yaml:5:12: .*true or false",
                   r"yaml:6:\d+: .*NOT_SET_ANYWHERE.*:-default", r"yaml:7:14: .*info or debug", r"yaml:7:28: .*json or journal", r"yaml:10:\d+: ",
                   r"yaml:12:\d+: cannot open \S*nothere", r"yaml:12:\d+: .*'red'; did you mean 'read'", r"yaml:13:\d+: .*rate such as",
                   r"yaml:15:\d+: .*did you mean 'initiating_ms'", r"yaml:16:\d+: .*'calls'", r"yaml:17:\d+: .*no plugin nosuch",
                   r"yaml:18:\d+: .*size such as", r"yaml:19:\d+: .*second time", r"yaml:20:1: .*'frobnicate'")
    assert all(re.match(r"\S+:\d+:\d+: \S", line) for line in said.strip().splitlines()), said


def test_references_that_lead_nowhere_are_refused():
    refused(MINIMAL + "default_provider: labb\n", r":3:\d+: .*labb")
    refused(MINIMAL + "routes:\n  - {match: {}, assistant: ecco, stt: none, tts: [x]}\n  - {match: {}, workflow: w}\n",
            r"ecco.*did you mean 'echo'", r"'none'", r"'x'", r"workflow 'w'")
    refused(MINIMAL + "workflows: [nothere.yaml]\ninclude: [neither.yaml]\n", r":3:\d+: .*nothere", r":4:\d+: .*neither")
    refused("providers: {a: {plugin: mock}, b: {plugin: mock}}\n", r"default: true")
    fine("providers: {a: {plugin: mock}, b: {plugin: mock, default: true}}\n")
    fine("providers: {mock: {plugin: mock}, b: {plugin: mock}}\n")


def test_values_in_all_their_spellings():
    fine(MINIMAL + """
gateway: {max_concurrent_sessions: 5, session_timeout_seconds: 600, max_call_duration: 500ms, name: "a-${X:-b}", drain_timeout: 30}
journal: {max_size: 2MiB, interval: 5ms}
auth: {tokens: [{name: a, token: !file secret.txt}], rate_limit: {api: 50/s, failures: 10/m}}
""".replace("500ms", "10m"), files={"secret.txt": "secret-token\n"})
    refused(MINIMAL + "gateway: {max_sessions: 5, max_concurrent_sessions: 6}\n", "name the same option")
    refused(MINIMAL + 'http: {listen: ["127.0.0.1:99999"]}\n', r":3:\d+: .*port")
    refused("[1]", "mapping")
    refused(" ", "empty")
    refused("a: [", r":\d+:\d+: ")
    refused("a: " + "[" * 500 + "]" * 500, "nested")
    refused("include: [voicegw.yaml]\n" + MINIMAL, "second time")


def test_fragments_join_and_never_say_a_thing_twice():
    text = MINIMAL + "gateway: {max_sessions: 9}\ndepartments: {a: '+1'}\ninclude: [conf.d/*.yaml]\n"
    fine(text, files={"conf.d/x.yaml": "departments: {b: '+2'}\nroutes: [{match: {}, assistant: echo}]\n"})
    refused(text, r"x\.yaml:1:\d+: .*voicegw\.yaml:4", files={"conf.d/x.yaml": "departments: {a: '+2'}\n"})
    refused(text, r"x\.yaml:1:1: .*gateway", files={"conf.d/x.yaml": "gateway: {name: n}\n"})


def test_documents_of_workflows_and_rules():
    head = MINIMAL + "workflows: [wf/*.yaml]\nrules: [ru/*.yaml]\n"
    fine(head, files={"wf/a.yaml": "id: a\ntrigger_command: /a\nsteps: [{type: stop}]\n---\nid: b\nsteps: [{type: stop}]\n",
                      "ru/a.yaml": "id: r\ntrigger: {type: voice_event, event_type: call_ended}\nactions: [{type: stop}]\n"})
    refused(head, r"a\.yaml:2:\d+: .*nostep", r"a\.yaml:5:\d+: .*id", r"r\.yaml:3:\d+: .*gtt",
            files={"wf/a.yaml": "id: a\nsteps: [{type: nostep}]\n---\nid: b\nsteps: [{type: set, params: {x: '{{ a | id }}'}}]\n",
                   "ru/r.yaml": "id: r\ntrigger: {type: voice_event, event_type: x}\nconditions: [{field: a, operator: gtt, value: 1}]\n"
                                "actions: [{type: stop}]\n"})
    refused(head, "already a workflow a", "already", files={
        "wf/a.yaml": "id: a\ntrigger_command: /x\nsteps: [{type: stop}]\n---\nid: a\nsteps: [{type: stop}]\n---\n"
                     "id: c\ntrigger_command: /x\nsteps: [{type: stop}]\n", "ru/r.yaml": ""} | {"ru/r.yaml": "id: r\ntrigger: "
                     "{type: voice_event, event_type: call_ended}\nactions: [{type: stop}]\n"})


def test_without_tokens_only_loopback():
    refused(MINIMAL + 'http: {listen: ["0.0.0.0:18490"]}\n', "without tokens")
    refused(MINIMAL + 'http: {listen: ["127.0.0.1:18490"], public_url: "https://voice.example.com"}\n', "without tokens")
    fine(MINIMAL + 'http: {listen: ["0.0.0.0:18490"]}\n', environment={"VOICEGW_TOKEN": "of-the-environment"})


def test_the_environment_fills_and_never_beats():
    said = fine(MINIMAL, environment={"VOICE_TIMEOUT": "20", "DEFAULT_LANGUAGE": "de-DE", "MAX_CALL_DURATION_MINUTES": "5", "VOICE_ENABLED": "true",
                                      "WEBHOOK_PORT": "18491", "FRONT_DESK_PHONE": "+15550100", "VOICE_RECORDING": "yes"})
    for name in ("VOICE_TIMEOUT", "DEFAULT_LANGUAGE", "MAX_CALL_DURATION_MINUTES", "VOICE_ENABLED", "WEBHOOK_PORT", "FRONT_DESK_PHONE"):
        assert f"from the environment: {name}\n" in said, said
    assert "WEBHOOK_PORT" not in fine(MINIMAL + 'http: {listen: ["127.0.0.1:18490"]}\n', environment={"WEBHOOK_PORT": "18491"})
    refused(MINIMAL, "VOICE_RECORDING", environment={"VOICE_RECORDING": "true", "VOICE_RECORDING_ENABLED": "false"})
    refused(MINIMAL, "WEBHOOK_PORT", environment={"WEBHOOK_PORT": "high"})
    refused(MINIMAL, "nosuch", environment={"VOICE_PROVIDER": "nosuch"})


def test_the_embedded_defaults_take_the_environment():
    paths = {"VOICEGW_STATE_DIR": "/tmp", "VOICEGW_RUN_DIR": "/tmp"}
    if os.path.exists("/etc/voicegw/voicegw.yaml"):
        return
    plugins = os.path.join(build(), "plugins")
    assert daemon("-t", "-p", plugins, environment=paths).returncode == 0
    for name, value in (("WEBHOOK_PORT", "high"), ("WEBHOOK_HOST", "0.0.0.0"), ("VOICE_PROVIDER", "nosuch")):
        answer = daemon("-t", "-p", plugins, environment=paths | {name: value})
        assert answer.returncode == 78 and name in answer.stderr, (name, answer)
    answer = daemon("-t", "-p", plugins, environment=paths | {"WEBHOOK_PORT": "18492", "FRONT_DESK_PHONE": "+1"})
    assert "WEBHOOK_PORT" in answer.stdout and "FRONT_DESK_PHONE" in answer.stdout, answer


# ---- the API ----

def test_health_lists_and_what_is_not_there():
    with gateway(base(gateway="name: node-7")) as g:
        for path in ("/", "/health", "/voice/health", "/api/voice/health"):
            health = g.get(path)
            has(health, ("status", "version", "node", "parts"))
            assert (health["status"], health["node"]) == ("ok", "node-7") and all(p["status"] == "ok" for p in health["parts"].values())
        assert g.get("/health/live")["status"] == "ok" and g.get("/health/ready")["status"] == "ok"
        for path, plural in (("calls", "calls"), ("sessions", "sessions"), ("history", "records"), ("runs", "runs"), ("workflows", "workflows"),
                             ("rules", "rules"), ("plugins", "plugins")):
            answer = g.get("/voice/" + path)
            assert answer["count"] == len(answer[plural]), answer
            if path not in ("workflows", "rules", "plugins"):
                assert answer["next_cursor"] is None
        for path in ("calls/x", "sessions/x", "sessions/x/transcript", "runs/x", "recordings/x", "plugins/x", "nothing"):
            problem(g.request("GET", "/voice/" + path), 404)
        for path in ("calls/x/end", "sessions/x/end", "runs/x/cancel", "workflows/x/run"):
            problem(g.request("POST", "/voice/" + path, {}), 404)
        problem(g.request("POST", "/voice/twilio/status", {}), 404)
        problem(g.request("GET", "/voice/calls?limit=501"), 422, "limit")
        problem(g.request("GET", "/voice/calls?cursor=rubbish"), 422, "cursor")
        for query in ("calls?state=bogus", "calls?status=bogus", "sessions?state=bogus", "history?direction=up", "history?from=yesterday"):
            problem(g.request("GET", "/voice/" + query), 422, query.split("?")[1].split("=")[0])
        assert "call" in problem(g.request("DELETE", "/voice/records"), 400).json["detail"]
        assert g.request("DELETE", "/voice/calls").headers["allow"]


def test_bodies_that_are_wrong():
    with gateway() as g:
        problem(g.request("POST", "/voice/calls", {}), 422, "to")
        problem(g.request("POST", "/voice/calls", {"to": 5}), 422, "to")
        assert "provider" in problem(g.request("POST", "/voice/calls", {"to": "+1", "provder": "x"}), 422, "provder").body
        for field in ("provider", "assistant", "workflow"):
            problem(g.request("POST", "/voice/calls", {"to": "+1", field: "none"}), 422, field)
        problem(g.request("POST", "/voice/calls", raw=b"{bad", headers={"Content-Type": "application/json"}), 400)
        problem(g.request("POST", "/voice/calls", raw=b'{"to":"\xff"}', headers={"Content-Type": "application/json"}), 400)
        problem(g.request("POST", "/voice/log-level", {"level": "loud"}), 422, "level")
        problem(g.request("POST", "/voice/mock/calls", {"from": "+1", "to": "+2", "script": "none"}), 422, "script")
        problem(g.request("POST", "/voice/mock/calls", {"from": "+1", "to": "+2", "steps": [{"dance": 1}]}), 422, "steps")


def test_tokens_scopes_projects_and_tickets():
    with gateway(base(more=TOKENS), stop=False) as g:
        for path in ("/", "/health", "/health/live", "/health/ready", "/voice/health"):
            g.get(path)
        for path in ("/metrics", "/voice/calls", "/voice/openapi.json", "/sessions", "/voice/runs/x"):
            assert problem(g.request("GET", path), 401).headers["www-authenticate"].startswith("Bearer"), path
        problem(g.request("GET", "/voice/calls", headers={"Authorization": "Bearer wrong"}), 401)
        g.get("/voice/calls", headers=bearer("read"))
        problem(g.request("POST", "/voice/calls", {"to": "+1"}, headers=bearer("read")), 403)
        for path in ("reload", "drain", "log-level"):
            problem(g.request("POST", "/voice/" + path, {}, headers=bearer("call")), 403)
        problem(g.request("DELETE", "/voice/records?caller=x", headers=bearer("call")), 403)
        problem(g.request("GET", "/voice/plugins", headers=bearer("call")), 403)
        call = g.post("/voice/calls", {"to": "+15551"}, status=202, headers=bearer("call"))
        for path in ("/voice/calls/" + call["call_id"], "/voice/sessions/" + call["session_id"]):
            assert g.get(path, headers=bearer("ops"))
            problem(g.request("GET", path, headers=bearer("shop")), 404)
        problem(g.request("POST", f"/voice/calls/{call['call_id']}/end", {}, headers=bearer("shop")), 404)
        assert g.get("/voice/calls", headers=bearer("shop"))["count"] == 0
        own = g.post("/voice/calls", {"to": "+15552"}, status=202, headers=bearer("shop"))
        assert g.get("/voice/sessions/" + own["session_id"], headers=bearer("shop"))["project_id"] == "shop"
        assert g.request("POST", "/voice/calls", {"to": "+1", "project_id": "default"}, headers=bearer("shop")).status in (403, 404)
        problem(g.request("POST", "/voice/tickets", {}), 401)
        ticket = g.post("/voice/tickets", status=201, headers=bearer("read"))
        has(ticket, ("ticket", "expires_at"))
        problem(g.request("GET", "/voice/calls?ticket=" + ticket["ticket"]), 401)
        ws = WebSocket(g.port, "/voice/events?ticket=" + ticket["ticket"])
        ws.close()
        WebSocket(g.port, "/voice/events?ticket=" + ticket["ticket"], expect=401).close()
        WebSocket(g.port, "/voice/events", expect=401).close()


def test_an_idempotency_key_and_cursors():
    with gateway() as g:
        key = {"Idempotency-Key": "k1"}
        first = g.post("/voice/calls", {"to": "+15551"}, status=202, headers=key)
        assert g.post("/voice/calls", {"to": "+15551"}, status=202, headers=key)["call_id"] == first["call_id"]
        problem(g.request("POST", "/voice/calls", {"to": "+15552"}, headers=key), 422)
        ids = [first["call_id"]] + [g.call(f"+1555{n}")["call_id"] for n in range(9)]
        seen, cursor = [], ""
        while cursor is not None:
            page = g.get("/voice/calls?limit=2" + (f"&cursor={cursor}" if cursor else ""))
            assert page["count"] == len(page["calls"]) <= 2
            seen += [c["call_id"] for c in page["calls"]]
            cursor = page["next_cursor"]
        assert sorted(seen) == sorted(ids), (seen, ids)
        first = g.get("/voice/sessions?limit=2")
        gone = first["sessions"][1]["session_id"]
        g.post(f"/voice/sessions/{gone}/end")
        g.until(lambda: gone not in [s["session_id"] for s in g.get("/voice/sessions")["sessions"]])
        rest = g.get(f"/voice/sessions?limit=9&cursor={first['next_cursor']}")["sessions"]
        assert first["sessions"][0]["session_id"] not in [s["session_id"] for s in rest] and len(rest) >= 3, rest
        problem(g.request("GET", "/voice/sessions?cursor=rubbish"), 422, "cursor")
        assert [c["to"] for c in g.get("/voice/calls?to=%2B15553")["calls"]] == ["+15553"]


def test_a_placed_call_and_all_its_commands():
    with gateway() as g:
        feed = g.feed()
        call = g.call("+15551", **{"from": "+15559", "variables": {"a": 1}, "lead_id": "L", "reservation_id": "R"})
        has(call, CALL_FIELDS)
        assert call["session_id"] == "mock-" + call["call_id"] and (call["provider"], call["plugin"]) == ("lab", "mock")
        feed.wait("call_answered", call_id=call["call_id"])
        now = g.get("/voice/calls/" + call["call_id"])
        assert now["state"] == "connected" and TIME.match(now["answered_at"])
        by_provider = f"/voice/calls/{now['provider_call_id']}"
        assert g.get(by_provider)["call_id"] == call["call_id"]
        session = g.get("/voice/sessions/" + call["session_id"])
        has(session, SESSION_FIELDS)
        assert (session["variables"], session["lead_id"], session["reservation_id"]) == ({"a": 1}, "L", "R")
        assert (session["state"], session["channel"], session["direction"]) == ("active", "phone", "outbound")
        for command, body, event in (("hold", {"music": "x"}, "hold_started"), ("resume", {}, "hold_ended"), ("mute", {}, None),
                                     ("unmute", {}, None), ("dtmf", {"digits": "12#"}, None), ("recording/start", {}, "recording_started"),
                                     ("recording/pause", {}, None), ("recording/resume", {}, None),
                                     ("recording/stop", {}, "recording_stopped"), ("say", {"text": "hi", "interruptible": False}, None)):
            answer = g.request("POST", f"{by_provider}/{command}", body)
            assert answer.status in (200, 202), f"{command}: {answer}"
            has(answer.json, CALL_FIELDS)
            if event:
                feed.wait(event, call_id=call["call_id"])
        problem(g.request("POST", by_provider + "/transfer", {"department": "none"}), 422, "department")
        problem(g.request("POST", by_provider + "/transfer", {"to": "+1", "kind": "warm"}), 422, "kind")
        problem(g.request("POST", by_provider + "/play", {"url": "http://127.0.0.1:1/x.wav"}), 422, "url")
        assert g.request("POST", by_provider + "/end", {}).status in (200, 202)
        ended = feed.wait("call_ended", call_id=call["call_id"])["data"]
        has(ended, ("status", "duration", "total_duration", "cause", "from", "to", "direction"))
        problem(g.request("POST", by_provider + "/hold", {}), 409)
        record = g.history(caller_id="+15551")[0]
        for path in (by_provider, "/voice/calls/" + call["call_id"]):  # it is known from the store only by now
            problem(g.request("POST", path + "/hold", {}), 409)
        problem(g.request("POST", "/voice/calls/nobody/hold", {}), 404)
        has(record, RECORD_FIELDS)
        assert (record["status"], record["lead_id"], len(record["calls"])) == ("completed", "L", 1) and record["recording_url"]
        url = record["recording_url"].split("/", 3)[3]
        assert g.request("GET", "/" + url).body.startswith("RIFF")


def test_outcomes_one_terminal_event_and_one_record_each():
    with gateway(base(mock=OUTCOMES)) as g:
        feed = g.feed()
        want = {"+15550001": "busy", "+15550002": "no_answer", "+15550003": "failed", "+15550004": "canceled", "+15550005": "completed"}
        for to, status in want.items():
            call = g.call(to)
            event = feed.wait("call_ended" if status == "completed" else "call_failed", call_id=call["call_id"])
            has(event["data"], {"status", "cause", "from", "to", "direction"} | (set() if status == "completed" else {"error_class"}))
            assert event["data"]["status"] == status, event
            shown = g.get("/voice/calls/" + call["call_id"])
            assert (shown["state"], shown["status"]) == ("ended" if status == "completed" else "failed", status), shown
        records = g.history(count=5)
        assert {r["caller_id"]: r["status"] for r in records} == want
        time.sleep(0.1)
        assert sum(e["type"] in ("call_ended", "call_failed") for e in feed.events) == 5
        by = g.get("/voice/analytics?by=day,provider")
        has(by, ("calls", "by_status", "duration", "latency_ms", "cost"))
        assert by["calls"] == 5 and by["groups"][0]["provider"] == "lab"
        assert g.metric("voicegw_calls_total", provider="lab", status="busy") == 1


def test_events_resume_and_grow():
    with gateway() as g:
        g.post("/voice/calls/" + g.call("+15551")["call_id"] + "/end")
        feed = g.feed(last_id=0)
        feed.wait("voice.session.stopped")
        ids = [e["id"] for e in feed.events]
        assert ids == sorted(set(ids)) and all(isinstance(i, int) for i in ids)
        for event in feed.events:
            has(event, ("id", "type", "time", "session_id", "call_id", "provider_call_id", "provider", "project_id", "data"))
            assert TIME.match(event["time"])
        again = g.feed(last_id=ids[1])
        again.wait("voice.session.stopped")
        assert again.events[0]["id"] == ids[2]
        # A subprotocol that is offered is not taken, and none is claimed: RFC 6455, 4.2.2.
        for headers in ({}, {"Sec-WebSocket-Protocol": "chat, superchat"}):
            ws = WebSocket(g.port, f"/voice/events?since={ids[1]}", headers)
            assert "sec-websocket-protocol" not in ws.head and "sec-websocket-extensions" not in ws.head, ws.head
            assert json.loads(ws.recv())["id"] == ids[2]
            ws.close()
        problem(g.request("GET", "/voice/events", headers={"Last-Event-ID": "7"}), 410)
        feed.close()
        again.close()


def test_a_stream_in_its_session_and_nobody_elses():
    with gateway(base(assistant="back")) as g:
        feed = g.feed()
        caller = Stream(g, "one", {"from": "+1222", "to": "+1333"})
        feed.wait("call_answered", session_id="mock-one")
        session = g.until(lambda: (s := g.get("/voice/sessions/mock-one"))["from"] and s)
        assert (session["from"], session["to"], session["transport"]) == ("+1222", "+1333", "mock_stream"), session
        has(session["transport_metadata"], ("call_sid", "stream_sid", "from_number", "to_number"))
        assert session["transport_metadata"]["stream_sid"] == caller.sid
        WebSocket(g.port, "/voice/mock/stream/one", expect=409).close()
        other = Stream(g, "mock-two")
        g.until(lambda: g.request("GET", "/voice/sessions/mock-two").status == 200)
        for path in ("/media-stream/three", "/api/voice/mock/stream/four", "/voice/lab/stream/five"):
            WebSocket(g.port, path).close()
        older = [s for s in g.get("/sessions")["sessions"] if s["session_id"] == "mock-one"][0]
        assert isinstance(older["created_at"], float) and abs(older["last_activity"] - time.time()) < 60 and older["state"] == "connected"
        caller.dtmf("7")
        assert feed.wait("dtmf_received", session_id="mock-one")["data"]["digit"] == "7"
        spoken = random.Random(7).randbytes(4000)
        caller.speak(spoken)
        caller.wait(lambda s: spoken in s.heard)
        for bad in ("{", "[]", '{"event":"media"}', '{"event":"nope"}'):
            other.ws.send(bad)
        caller.stop()
        other.stop()
        feed.wait("call_ended", session_id="mock-one")
    with gateway(base().replace("open_streams: true, ", "")) as g:
        WebSocket(g.port, "/voice/mock/stream/nobody", expect=404).close()


def test_a_stream_is_routed_by_what_its_start_says_and_is_nothing_before():
    routes = """  - {match: {to: "+1333"}, project: hotel, assistant: back}
  - {match: {from: "+1999"}, project: lobby, assistant: back}
  - {match: {}, assistant: back}
"""
    with gateway(base(routes=routes)) as g:
        feed = g.feed()
        early = Stream(g, "early", begin=False)
        for path, status in (("/voice/sessions/mock-early", 404), ("/voice/calls/early", 404)):
            assert g.request("GET", path).status == status, path
        assert not g.get("/voice/calls")["calls"] and not g.get("/voice/sessions")["sessions"]
        for name, sid, parties, project in (("a1", "mock-a1", {"from": "+1222", "to": "+1333"}, "hotel"),
                                            ("a2", "mock-a2", {"from": "+1999", "to": "+1444"}, "lobby"), ("a3", "mock-a3", {}, "default"),
                                            ("a%20b", f"mock-{hashlib.sha256(b'a b').hexdigest()[:16]}", {"from": "+1222", "to": "+1333"}, "hotel"),
                                            ("%C3%BCx", f"mock-{hashlib.sha256('üx'.encode()).hexdigest()[:16]}", {}, "default")):
            caller = Stream(g, name, parties)
            for kind in ("call_initiated", "call_ringing", "call_answered"):
                e = feed.wait(kind, session_id=sid)
                assert (e["data"]["from"], e["data"]["to"]) == (parties.get("from", ""), parties.get("to", "")), e
            session = g.get(f"/voice/sessions/{sid}")
            assert (session["project_id"], session["caller_id"], session["transport"]) == (project, parties.get("from", ""), "mock_stream"), session
            caller.stop()
            feed.wait("call_ended", session_id=sid)
            record = g.history(session_id=sid)[0]
            assert (record["caller_id"], record["calls"][0]["to"], record["project_id"]) == (parties.get("from", ""), parties.get("to", ""), project), record
        lines = [line for line in g.log().splitlines() if "AUDIT: voice.mock.session.created" in line]
        assert len(lines) == 5 and "from=+1222 to=+1333" in lines[0] and "from=+1999 to=+1444" in lines[1], lines
        early.ws.close()
        g.until(lambda: g.metric("voicegw_sessions") == 0)
        assert "early" not in g.log() and not feed.find("call_initiated", session_id="mock-early")
        assert len(g.get("/voice/history")["sessions" if "sessions" in g.get("/voice/history") else "records"]) == 5
        again = Stream(g, "early", {"from": "+1"})
        feed.wait("call_answered", session_id="mock-early")
        again.stop()
        feed.wait("call_ended", session_id="mock-early")


def test_call_feed_and_record_tell_the_same_numbers():
    with gateway(base()) as g:
        feed = g.feed()
        placed = g.post("/voice/mock/calls", {"from": "+1888", "to": "+17775", "steps": [{"pause": {"seconds": 0.5}}, {"hangup": {}}]}, status=202)
        end = feed.wait("call_ended", call_id=placed["call_id"])["data"]
        record = g.history(session_id=placed["session_id"])[0]
        shown = g.until(lambda: (c := g.get(f"/voice/calls/{placed['call_id']}")).get("ended_at") and c)
        listed = [c for c in g.get("/voice/calls")["calls"] if c["call_id"] == placed["call_id"]][0]
        for name in ("duration", "total_duration"):
            told = [round(x[name], 3) for x in (end, shown, listed, record["calls"][0])]
            assert len(set(told)) == 1 and told[0] > 0, (name, told)
        assert record["transport"] == "mock_stream", record


def test_a_conversation_its_events_audit_lines_and_transcript():
    routes = '  - {match: {}, assistant: echo, stt: local, tts: local, record: true, greeting: "Hello.", project: p2, variables: {floor: 3}}\n'
    with gateway(base(routes=routes)) as g:
        feed = g.feed()
        placed = g.post("/voice/mock/calls", {"from": "+1888", "to": "+17775", "steps": [
            {"expect": {"text": "hello", "within": 60}}, {"pause": {"seconds": 1}}, {"say": {"text": "what time is breakfast"}},
            {"expect": {"text": "you said", "within": 60}}, {"hangup": {}}]},
            status=202)
        sid = "mock-" + placed["provider_call_id"]
        assert placed["session_id"] == sid
        stopped = feed.wait("voice.session.stopped", session_id=sid)
        has(stopped["data"], ("status", "reason", "turns"))
        promised = {"voice.session.created": "channel direction", "call_initiated": "from to direction", "call_ringing": "from to direction",
                    "call_answered": "from to answered_by", "recording_started": "recording_id", "speech_detected": "start_ms",
                    "voice.stt.partial": "text confidence language", "voice.stt.final": "text confidence language turn",
                    "call_ended": "status duration total_duration cause from to direction", "recording_stopped": "url duration"}
        for kind, keys in promised.items():
            has(feed.wait(kind, session_id=sid)["data"], keys.split())
        answer = [e for e in feed.find("voice.assistant.text") if e["data"]["text"].startswith("You said")][0]
        has(answer["data"], ("text", "turn", "latency_ms", "stages"))
        has(answer["data"]["stages"], ("speech_end", "final", "first_text", "tts_first_byte", "first_frame", "heard"))
        greeting = [e for e in feed.find("voice.assistant.text") if e["data"]["text"] == "Hello."][0]["data"]
        assert greeting["latency_ms"] is None and greeting["turn"] == 1, greeting
        has(greeting["stages"], ("tts_first_byte", "first_frame", "heard"))
        turns = g.until(lambda: g.get(f"/voice/sessions/{sid}/transcript")["turns"])
        assert [t["role"] for t in turns] == ["assistant", "user", "assistant"] and turns[0]["content"] == "Hello."
        for number, turn in enumerate(turns, 1):
            has(turn, TURN_FIELDS)
            assert turn["turn_number"] == number and turn["audio_url"]
        record = g.history(session_id=sid)[0]
        assert record["project_id"] == "p2" and record["variables"]["floor"] in (3, "3"), record
        assert record["recording_url"] and "You said" in record["transcription"]
        assert g.metric("voicegw_turn_seconds_count", stage="first_text") == 1
        lines = [line for line in g.log().splitlines() if "AUDIT: voice.mock." in line and sid in line]
        names = [re.search(r"AUDIT: voice\.mock\.(\S+)", line)[1] for line in lines]
        assert names == ["session.created", "stream.connected", "stream.started", "transcript", "stream.stopped"], names
        assert "from=+1888 to=+17775" in lines[0] and "provider=mock" in lines[0] and 'response="You said' in lines[3] and "reason=" in lines[4]


def test_nobody_forges_an_audit_line():
    with gateway() as g:
        g.post("/voice/mock/calls", {"from": "+1\nAUDIT: voice.mock.session.created session_id=\"forged", "to": "x\r\ny", "steps": [{"hangup": {}}]},
               status=None)
        problem(g.request("POST", "/voice/calls", {"to": '+1" provider="forged\n'}), 422, "to")
        g.post("/voice/sessions", {"caller_id": 'c\nAUDIT: voice.x session_id="forged'}, status=201)
        g.until(lambda: "voice.api.session.created" in g.log())
        assert not [line for line in g.log().splitlines() if line.startswith("AUDIT") or "session_id=\"forged" in line and '\\"' not in line]


def test_a_session_without_a_call():
    with gateway() as g:
        session = g.post("/voice/sessions", {"channel": "realtime", "caller_id": "c", "language": "en-GB"}, status=201)
        has(session, SESSION_FIELDS)
        sid = session["session_id"]
        assert sid.startswith("api-") and session["transport"] == "none"
        g.post(f"/voice/sessions/{sid}/messages", {"role": "user", "content": "hello", "latency_ms": 4}, status=201)
        problem(g.request("POST", f"/voice/sessions/{sid}/messages", {"role": "nobody", "content": "x"}), 422, "role")
        assert g.get(f"/voice/sessions/{sid}/messages")["messages"][0]["latency_ms"] == 4
        g.post(f"/voice/sessions/{sid}/end", status=200)
        g.until(lambda: g.get(f"/voice/sessions/{sid}/transcript")["turns"])
        assert g.get("/voice/sessions/" + sid)["state"] == "stopped"


def test_commands_runs_and_their_steps():
    flows = """workflows:
  - {id: w, trigger_command: /w, steps: [{type: set, params: {x: "{{trigger.phone}}"}}, {type: log, params: {message: "said {{x}}"}}]}
  - {id: slow, steps: [{type: delay, params: {seconds: 600}}]}
rules: [{id: r, trigger: {type: voice_event, event_type: call_ended}, actions: [{type: log, params: {message: "over {{trigger.call_id}}"}}]}]
"""
    with gateway(base(more=flows)) as g:
        feed = g.feed()
        answer = g.post("/voice/commands", {"command": "/w", "args": {"phone": "+1234"}}, status=202)
        done = feed.wait("workflow_finished", run_id=answer["run_id"])
        has(done["data"], ("run_id", "workflow"))
        has(feed.wait("workflow_step", count=2)[0]["data"], ("step", "type", "status", "output"))
        shown = g.get("/voice/runs/" + answer["run_id"])
        has(shown, ("run_id", "workflow", "status", "started_at", "ended_at", "steps"))
        has(shown["steps"][0], ("index", "type", "status", "output", "error", "started_at", "ended_at"))
        assert "said +1234" in g.log()
        problem(g.request("POST", "/voice/commands", {"command": "/none"}), 404)
        problem(g.request("POST", "/voice/commands", {}), 422, "command")
        slow = g.post("/voice/workflows/slow/run", {}, status=202)["run_id"]
        assert g.post(f"/voice/runs/{slow}/cancel", status=200)["status"] == "canceled"
        problem(g.request("POST", f"/voice/runs/{slow}/cancel", {}), 409)
        call = g.call("+15551")
        feed.wait("call_answered")
        g.post(f"/voice/calls/{call['call_id']}/end")
        g.until(lambda: f"over {call['call_id']}" in g.log())


# ---- states of the whole ----

def refuses(g):
    feed = g.feed()
    answer = problem(g.request("POST", "/voice/calls", {"to": "+15551"}), 503)
    assert int(answer.headers["retry-after"]) > 0
    assert feed.wait("call_failed")["data"]["status"] == "busy"
    problem(g.request("POST", "/voice/mock/calls", {"from": "+1", "to": "+2", "steps": []}), 503)
    WebSocket(g.port, "/voice/mock/stream/late", expect=503).close()
    assert g.request("GET", "/health/ready").status == 503 and g.get("/health/live")
    feed.close()


def test_draining_full_and_disabled_refuse_politely():
    with gateway() as g:
        g.post("/voice/drain", {"timeout": 60}, status=202)
        assert g.get("/health")["status"] == "draining"
        refuses(g)
        g.post("/voice/undrain", status=200)
        assert g.get("/health/ready")["status"] == "ok" and g.call("+15551")
    with gateway(base(gateway="max_sessions: 1")) as g:
        g.call("+15550")
        refuses(g)
    with gateway(base(gateway="enabled: false")) as g:
        assert g.get("/health")["status"] == "disabled"
        refuses(g)


def test_a_signalled_drain_keeps_the_port_open_for_calls_that_are_left():
    with gateway(base(assistant="back"), stop=False) as g:
        feed = g.feed()
        call = g.call("+15551")
        feed.wait("call_answered")
        g.process.send_signal(signal.SIGTERM)
        g.until(lambda: g.request("GET", "/health/ready").status == 503)
        assert g.get("/health")["status"] == "draining"
        problem(g.request("POST", "/voice/calls", {"to": "+15552"}), 503)
        g.post(f"/voice/calls/{call['call_id']}/end")
        g.ended()


def test_reload_swaps_or_leaves_everything_as_it_was():
    with gateway(base(more=TOKENS), stop=False) as g:
        admin = {"headers": bearer("ops")}
        feed = g.feed(token="read-secret-token")
        before = g.post("/voice/reload", status=200, **admin)
        has(before, ("generation", "changed", "restart_required", "waiting"))
        g.write(base(more=TOKENS) + "frobnicate: 1\n")
        answer = problem(g.request("POST", "/voice/reload", {}, **admin), 422)
        assert re.search(r"voicegw\.yaml:\d+:\d+", answer.json["errors"][0]["field"]) and "frobnicate" in answer.body
        assert g.get("/voice/calls", **admin)
        g.write(base(more=TOKENS).replace("plugin: echo", "plugin: nosuch"))
        problem(g.request("POST", "/voice/reload", {}, **admin), 422)
        text = base(more="\n".join(line for line in TOKENS.splitlines() if "name: reader" not in line), gateway="workers: 2, max_sessions: 7")
        g.write(text)
        after = g.post("/voice/reload", status=200, **admin)
        assert after["generation"] > before["generation"] and any("workers" in r for r in after["restart_required"]), after
        assert any("max_sessions" in c for c in after["changed"]), after
        feed.wait_closed()
        problem(g.request("GET", "/voice/calls", headers=bearer("read")), 401)
        g.process.send_signal(signal.SIGHUP)
        g.until(lambda: g.log().count("the configuration was loaded anew") >= 3)


def test_a_missing_plugin_degrades_and_is_no_reason_to_stay_down():
    text = base().replace("back: {plugin: loopback}", "back: {plugin: nosuch}")
    code, said = checked(text)
    assert code == 78 and "nosuch" in said
    with gateway(text) as g:
        health = g.get("/health")
        part = health["parts"]["assistants.back"]
        assert health["status"] == "degraded" and part["status"] == "degraded" and "nosuch" in part["detail"], health
        assert g.call("+15551")


def test_logs_in_every_form_and_reopened():
    with gateway(base(more="log: {format: json, target: $DIR/out.log}\n")) as g:
        path = os.path.join(g.folder, "out.log")
        call = g.call("+15551")
        created = [o for o in map(json.loads, open(path, encoding="utf-8")) if o.get("session_id") == call["session_id"]]
        assert created and any("voice.mock.session.created" in json.dumps(o) and o.get("to") == "+15551" for o in created), created
        os.rename(path, path + ".1")
        g.process.send_signal(signal.SIGUSR1)
        g.until(lambda: os.path.exists(path))
        g.call("+15552")
        g.until(lambda: "+15552" in open(path, encoding="utf-8").read())
        assert "+15552" not in open(path + ".1", encoding="utf-8").read()


def test_a_reload_moves_the_log():
    with gateway(base(more="log: {format: text}\n")) as g:
        g.write(base(more="log: {format: json, target: $DIR/moved.log}\n"))
        assert g.post("/voice/reload")["restart_required"] == []
        g.call("+15551")
        path = os.path.join(g.folder, "moved.log")
        g.until(lambda: os.path.exists(path) and "+15551" in open(path, encoding="utf-8").read())
        assert "+15551" not in g.log()


def test_secrets_never_reach_the_log():
    with gateway(base(more=TOKENS + "log: {level: debug}\n"), stop=False) as g:
        g.get("/voice/calls", headers=bearer("ops"))
        g.request("GET", "/voice/calls", headers={"Authorization": "Bearer guessed-secret-token"})
        g.post("/voice/reload", headers=bearer("ops"))
        assert "secret-token" not in g.log()


def test_metrics_by_their_names():
    with gateway() as g:
        feed = g.feed()
        call = g.call("+15551")
        feed.wait("call_answered")
        g.post(f"/voice/calls/{call['call_id']}/end")
        feed.wait("voice.session.stopped")
        g.post("/voice/reload")
        text = g.get("/metrics")
        for name in ("orphans", "sessions", "streams", "calls_total", "events_total", "queue_depth", "dropped_total", "reloads_total",
                     "plugin_generation", "build_info"):
            assert f"# TYPE voicegw_{name} " in text, name
        for queue in ("journal", "events", "control"):
            assert f'voicegw_queue_depth{{queue="{queue}"}}' in text, queue
        assert g.metric("voicegw_orphans") == 0 and g.metric("voicegw_events_total", type="call_ended") == 1
        assert g.metric("voicegw_reloads_total", result="ok") == 1 and g.metric("voicegw_plugin_generation", plugin="mock")


def test_openapi_names_what_is_served():
    with gateway() as g:
        document = g.get("/voice/openapi.json")
        assert document["openapi"].startswith("3.1")
        for path in ("/voice/calls", "/voice/calls/{id}", "/voice/calls/{id}/transfer", "/voice/conferences/{name}/participants/{call}/kick",
                     "/voice/sessions/{id}/messages", "/voice/history", "/voice/analytics", "/voice/commands", "/voice/runs/{id}/cancel",
                     "/voice/log-level", "/voice/tickets", "/voice/records", "/voice/events", "/voice/recordings/{id}"):
            assert path in document["paths"], path


def test_a_prefix_of_ones_own_and_no_aliases():
    text = base().replace('["127.0.0.1:$PORT"]}', '["127.0.0.1:$PORT"], prefix: /phone, compat_routes: false}')
    with gateway(text, stop=False) as g:
        assert g.get("/phone/calls")["count"] == 0 and g.get("/phone/health") and g.get("/health")
        for path in ("/voice/calls", "/api/voice/calls", "/sessions"):
            problem(g.request("GET", path), 404)
        g.process.send_signal(signal.SIGTERM)
        g.ended()


def test_the_control_socket_speaks_the_same():
    with gateway(base(more=TOKENS), stop=False) as g:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.path.join(g.run, "control.sock"))
            s.sendall(b"GET /voice/calls HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200" in s.recv(4096).split(b"\r\n")[0]
        g.process.send_signal(signal.SIGTERM)
        g.ended()


if __name__ == "__main__":
    run(dict(globals()))
