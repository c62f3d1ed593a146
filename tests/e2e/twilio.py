#!/usr/bin/python3
# plain
# budget: 600 s
"""Calls through Twilio, both ways, from the ring to the record: the gateway against a Twilio that checks each request and document."""
import contextlib
import itertools
import json
import threading
import urllib.parse
import xml.etree.ElementTree as ET

import daemon
from daemon import WebSocket, clip, loud, run, spoken
from twilio_lab import CALLER, DOCUMENTS, GREETED, INBOUND, NUMBER, PUBLIC, STATUS, ended_once, fake, form_of, instance, post_form, record_of, settled, world
from twilio_vendor import Vendor

import twilio_twiml as twiml

Phone = fake.Phone
BACK = "  - {match: {}, assistant: back, stt: local, tts: local}\n"


def session_of(call):
    return f"twilio-{call.sid}"


def parameters(call):
    """What the first document's stream carries."""
    return {p.get("name"): p.get("value") for p in call.did("Connect")[0][3].find("Parameter")}


# ---- the whole way, inbound ----

def test_a_conversation_from_the_ring_to_the_hang_up():
    routes = "  - {match: {}, assistant: echo, stt: local, tts: local, record: true, greeting: Connecting to agent.}\n"
    with world(routes=routes, callbacks="reversed") as (g, t, feed):
        mute = WebSocket(g.port, "/voice/twilio/stream")  # one that never says whose stream it is
        t.phones["+15550100"] = Phone(talk=0.3)
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS, events=("initiated", "ringing", "answered", "completed"), CallerName="ALICE")
        sid = session_of(call)
        # TwiML: the greeting, then the two-way stream with its token
        stream = call.wait_stream()
        said, connect = call.did("Say")[0], call.did("Connect")[0][3]
        assert said[1].get("voice") == "alice" and said[2] == "Connecting to agent.", call.documents
        assert stream.url.startswith("wss://localhost/voice/twilio/stream/" + sid) and connect.find("Parameter"), call.documents
        feed.wait("voice.session.created", session_id=sid, direction="inbound")
        answered = feed.wait("call_answered", session_id=sid)
        assert answered["provider_call_id"] == call.sid and answered["data"]["from"] == CALLER, answered
        g.until(lambda: g.get(f"/voice/sessions/{sid}")["transport"] == "twilio_stream")
        live = g.get(f"/voice/sessions/{sid}")
        assert live["caller_id"] == CALLER, live
        meta = live["transport_metadata"]
        assert (meta["call_sid"], meta["stream_sid"], meta["from_number"], meta["to_number"]) == (call.sid, stream.sid, CALLER, NUMBER), meta
        # speech, and a spoken answer
        call.speak(clip("rms-1.ul"), 0.9)
        call.wait(lambda c: len(c.heard) >= 8000 and loud(c.heard[:8000]))
        final = feed.wait("voice.stt.final", session_id=sid)
        assert len(final["data"]["text"].split()) >= 5, final
        # barge-in: what is queued is cleared, and the marks come back
        assert not stream.clears
        call.speak(clip("slt-2.ul"), 0.9)
        call.wait(lambda c: stream.clears)
        interrupted = feed.wait("voice.assistant.interrupted", session_id=sid)
        assert interrupted["data"]["heard_ms"] > 0, interrupted
        whole, heard = "You said: " + final["data"]["text"], interrupted["data"]["heard_text"]
        assert heard and whole.startswith(heard.rstrip(" .…")) and len(heard) < len(whole), interrupted
        feed.wait("voice.stt.final", count=2, session_id=sid)
        greeting, second = feed.wait("voice.assistant.text", count=2, session_id=sid)[:2]
        assert greeting["data"]["text"] == "Connecting to agent." and second["data"]["text"].startswith("You said: "), (greeting, second)
        call.press("5")
        digit = feed.wait("dtmf_received", session_id=sid)
        assert digit["data"]["digit"] == "5", digit
        # marks: each one that was sent comes back
        call.wait(lambda c: stream.marks and set(stream.marks) == set(stream.marks_back))
        assert g.metric("voicegw_orphans") == 0
        # a department takes over
        g.post(f"/voice/calls/{call.sid}/transfer", {"department": "front_desk"})
        feed.wait("transfer_initiated", session_id=sid)
        call.wait(lambda c: c.children and c.children[0].over)
        assert call.children[0].to == "+15550100", call.children
        moved = feed.wait("transfer_completed", session_id=sid)
        assert moved["data"]["outcome"] == "completed", moved
        call.hangup()
        call.wait_over()
        e = ended_once(feed, sid, status="completed")
        assert e["data"]["direction"] == "inbound" and e["data"]["to"] == NUMBER, e
        # callbacks once more, to the octet
        for s in [s for s in t.sent if s.kind == "status"]:
            assert t.replay(s).status in (200, 204), s
        row = record_of(g, sid, "completed")
        assert row["caller_id"] == CALLER and row["recording_url"] and len(row["calls"]) == 1, row
        turns = g.get(f"/voice/sessions/{sid}/transcript")["turns"]
        roles = [x["role"] for x in turns]
        assert roles.count("user") == 2 and roles.count("assistant") >= 2, turns
        text = " ".join(x["content"] for x in turns)
        assert final["data"]["text"] in text and second["data"]["text"] in text, turns
        assert any(x["interrupted"] for x in turns), turns
        audio = g.request("GET", row["recording_url"].split("localhost", 1)[1])
        assert audio.status == 200 and audio.body[:4] == "RIFF", audio
        assert len(g.history(1)) == 1 and len(g.get("/voice/calls")["calls"]) == 1
        ended_once(feed, sid)
        assert g.metric("voicegw_calls_total", provider="twilio", status="completed") == 1
        assert mute.close_code() in (1000, 1001, 1002, 1008), mute.closed
        log = g.log()
        for line in ("voice.twilio.session.created", "voice.twilio.stream.connected", "voice.twilio.stream.started", "voice.twilio.stream.stopped"):
            assert log.count(f"AUDIT: {line}") == 1, (line, log.count(line))
        assert log.count("AUDIT: voice.twilio.transcript") >= 1 and t.token not in log


# ---- the whole way, outbound ----

OUTBOUND = """
id: calls_a_guest
steps:
  - {type: voice_make_call, params: {to_number: "{{trigger.phone}}", wait: connected, timeout: 20, variables: {room: "12"}}, output_key: made}
  - {type: voice_start_recording, params: {call_id: "{{made.call_id}}"}, output_key: recording}
  - {type: gather, params: {call_id: "{{made.call_id}}", prompt: "Hello. Please speak.", input: speech, timeout: 15s}, output_key: wish}
  - {type: voice_play_tts, params: {call_id: "{{made.call_id}}", text: "You said {{wish.text}}."}, output_key: played}
  - {type: gather, params: {call_id: "{{made.call_id}}", input: dtmf, num_digits: 1, timeout: 15s}, output_key: key}
  - {type: voice_play_tts, params: {call_id: "{{made.call_id}}", text: "This is a long sentence that nobody wants to hear to its end, because it goes on and on about breakfast, about supper, and about all that lies between the two."}, output_key: cut}
  - {type: voice_stop_recording, params: {call_id: "{{made.call_id}}"}, output_key: recorded}
  - {type: voice_get_status, params: {call_id: "{{made.call_id}}"}, output_key: status}
  - {type: voice_transfer, params: {call_id: "{{made.call_id}}", department: front_desk}, output_key: moved}
"""


def test_a_call_that_a_workflow_makes():
    options = "amd: async\nstream_events: true\nrates: [{prefix: \"+1\", per_minute: 0.02, currency: USD}]"
    with world(options, workflows=OUTBOUND, callbacks="shuffled", foreign_frames=True) as (g, t, feed):
        t.phones["+15550001"], t.phones["+15550100"] = Phone(answered_by="human"), Phone(talk=0.3)
        run_id = g.post("/voice/workflows/calls_a_guest/run", {"args": {"phone": "+15550001"}}, status=202)["run_id"]
        r = t.wait_request("CreateCall")
        assert r["To"] == "+15550001" and r["From"] == NUMBER and set(r.params["StatusCallbackEvent"]) == {"initiated", "ringing", "answered", "completed"}, r
        assert r["MachineDetection"] in ("Enable", "DetectMessageEnd") and r["AsyncAmd"] == "true", r
        call = next(iter(t.calls.values()))
        stream = call.wait_stream()
        answered = feed.wait("call_answered", provider_call_id=call.sid)
        sid = answered["session_id"]
        assert answered["data"]["to"] == "+15550001", answered
        amd = feed.wait("amd_result", session_id=sid)
        assert amd["data"]["answered_by"] == "human", amd
        call.wait(lambda c: spoken(c.heard) and len(c.heard) > 8000)
        call.wait(lambda c: not stream.queue)
        call.speak(clip("rms-1.ul"), 1.0)
        feed.wait("voice.stt.final", session_id=sid)
        heard = len(call.heard)
        call.wait(lambda c: spoken(c.heard, heard))
        g.until(lambda: [s for s in g.get(f"/voice/runs/{run_id}")["steps"] if s["type"] == "voice_play_tts" and s["status"] == "completed"])
        call.press("7")
        # barge-in: what is queued is cleared, and the marks come back
        feed.wait("workflow_step", type="gather", count=2)
        cleared, heard = len(stream.clears), len(call.heard)
        call.wait(lambda c: loud(c.heard[heard:][-1600:]))
        call.speak(clip("slt-2.ul"), 0.9)
        call.wait(lambda c: len(stream.clears) > cleared)
        g.until(lambda: g.get(f"/voice/runs/{run_id}")["status"] != "running")
        r = g.get(f"/voice/runs/{run_id}")
        assert r["status"] == "completed", json.dumps(r, indent=1)
        out = {s["type"] + str(i): s["output"] for i, s in enumerate(r["steps"])}
        assert out["gather4"]["digits"] == "7" and out["gather2"]["text"], out
        assert out["voice_play_tts3"]["heard_ms"] > 500 and not out["voice_play_tts3"]["interrupted"], out
        assert out["voice_play_tts5"]["interrupted"] and out["voice_play_tts5"]["heard_ms"] > 0, out
        assert out["voice_stop_recording6"]["url"] and out["voice_stop_recording6"]["duration"] > 0, out
        assert out["voice_get_status7"]["state"] == "connected" and out["voice_transfer8"]["outcome"] == "completed", out
        call.wait(lambda c: c.children and c.children[0].over)  # the department, that took over
        assert call.children[0].to == "+15550100", call.children
        frames = {m["type"]: m for m in map(json.loads, stream.foreign)}
        assert frames["voice.stt.final"]["text"] and frames["voice.stt.final"]["session_id"] == sid, frames
        assert frames["voice.assistant.text"]["text"] and frames["voice.assistant.text"]["timestamp"], frames
        call.hangup()
        call.wait_over()
        ended_once(feed, sid, status="completed")
        for s in [s for s in t.sent if s.kind == "status"]:  # once more, to the octet
            assert t.replay(s).status in (200, 204), s
        call.wait(lambda c: set(stream.marks) == set(stream.marks_back))
        order = [e["type"] for e in feed.events if e["session_id"] == sid and e["type"].startswith("call_")]
        assert order[0] == "call_initiated" and order[-1] == "call_ended" and len(order) == len(set(order)), order
        row = record_of(g, sid, "completed")
        assert row["direction"] == "outbound" and len(row["calls"]) == 1, row
        g.until(lambda: g.history(0, session_id=sid)[0]["cost"])
        assert g.request("GET", out["voice_stop_recording6"]["url"].split("localhost", 1)[-1]).status == 200
        turns = g.get(f"/voice/sessions/{sid}/transcript")["turns"]
        said = " ".join(x["content"] for x in turns)
        assert "Hello." in said and out["gather2"]["text"] in said and "You said" in said, turns
        assert [x["role"] for x in turns][:3] == ["assistant", "user", "assistant"] and any(x["interrupted"] for x in turns), turns
        assert len(g.history(1)) == 1 and len(g.get("/voice/calls")["calls"]) == 1 and len(t.calls) == 2
        ended_once(feed, sid)


def test_the_price_that_twilio_tells_stands_in_the_record():
    with world(routes=BACK, price_after=1) as (g, t, feed):
        c = g.call("+15550001")
        feed.wait("call_answered", call_id=c["call_id"])
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")
        g.until(lambda: g.history(0, session_id=c["session_id"])[0]["cost"] == 0.0085)
        assert g.get(f"/voice/calls/{c['call_id']}")["currency"] == "USD"
        assert g.until(lambda: g.get("/voice/analytics")["cost"]) == 0.0085


def test_what_fails_is_told_on_the_stream():
    with world("stream_events: true", routes=BACK, foreign_frames=True) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        stream = call.wait_stream()
        feed.wait("call_answered", provider_call_id=call.sid)
        g.post(f"/voice/calls/{call.sid}/play", {"url": g.folder + "/missing.wav"}, status=202)
        failed = feed.wait("error", session_id=session_of(call))
        frame = json.loads(call.wait(lambda c: next((m for m in stream.foreign if json.loads(m)["type"] == "error"), None)))
        assert frame["error"] == failed["data"]["error"] and frame["session_id"] == session_of(call) and frame["timestamp"], frame
        call.hangup()
        call.wait_over()


def test_who_answered_is_asked_before_the_call_goes_on():
    with world("amd: sync", routes=BACK) as (g, t, feed):
        t.phones["+15550001"] = Phone(answered_by="machine_end_beep")
        c = g.call("+15550001")
        r = t.wait_request("CreateCall")
        assert r["MachineDetection"] in ("Enable", "DetectMessageEnd") and r.get("AsyncAmd") != "true", r
        e = feed.wait("amd_result", call_id=c["call_id"])
        assert e["data"]["answered_by"] == "machine_end_beep", e
        feed.wait("call_answered", call_id=c["call_id"])
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")


def test_accounts_by_key_and_by_the_environment():
    def by_key(t):
        t.users = {"SK" + "1" * 32: "the-secret-of-the-key"}
        return instance(t, f"api_key: SK{'1' * 32}\napi_secret: the-secret-of-the-key")
    with world(providers=by_key, routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)  # signed by the token, not the key's secret
        call.wait_stream()
        c = g.call("+15550001")
        feed.wait("call_answered", call_id=c["call_id"])
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")
        assert "the-secret-of-the-key" not in g.log()

    def by_parent(t):  # a subaccount: its own token signs, its parent's credentials lead it
        t.users = {"AC" + "9" * 32: "the-token-of-the-parent"}
        return instance(t, f"api_key: AC{'9' * 32}\napi_secret: the-token-of-the-parent")
    with world(providers=by_parent, routes=BACK) as (g, t, feed):
        t.ring(INBOUND, CALLER, NUMBER, STATUS).wait_stream()
        c = g.call("+15550001")
        feed.wait("call_answered", call_id=c["call_id"])
        assert t.wait_request("CreateCall").path.split("/")[3] == t.account
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")

    def bare(t):
        return f"  twilio:\n    plugin: twilio\n    base_url: {t.url}\n"

    def environment(g, t):
        g.environment.update(TWILIO_ACCOUNT_SID=t.account, TWILIO_AUTH_TOKEN=t.token, TWILIO_PHONE_NUMBER="+15556667777")
    with world(providers=bare, setup=environment, routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        c = g.call("+15550001")
        assert t.wait_request("CreateCall")["From"] == "+15556667777"
        feed.wait("call_answered", call_id=c["call_id"])
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")


def test_outcomes_of_calls():
    expected = {"busy": "busy", "no-answer": "no_answer", "failed": "failed"}
    with world(callbacks="twice", price_after=1, scale=0.05) as (g, t, feed):
        made = {}
        for i, outcome in enumerate(expected):
            t.phones[f"+1555000{i}000"] = Phone(outcome=outcome)
            made[outcome] = g.call(f"+1555000{i}000", lead_id="L")
        for outcome, status in expected.items():
            e = ended_once(feed, made[outcome]["session_id"], "call_failed", status=status)
            assert e["data"]["direction"] == "outbound", e
            record_of(g, made[outcome]["session_id"], status)
        # silent: given up by Twilio's own limit; ended by us while it rings
        t.phones["+15550003000"] = t.phones["+15550004000"] = Phone(outcome="silent")
        c = g.call("+15550003000", timeout_seconds=5)
        assert t.wait_request("CreateCall", To="+15550003000")["Timeout"] == "5"
        ended_once(feed, c["session_id"], "call_failed", status="no_answer")
        c = g.call("+15550004000", timeout_seconds=600)
        feed.wait("call_ringing", call_id=c["call_id"])
        g.post(f"/voice/calls/{c['call_id']}/end")
        r = t.wait_request("UpdateCall")
        assert r["Status"] in ("canceled", "completed"), r
        ended_once(feed, c["session_id"], "call_failed", status="canceled")
        # what Twilio refuses is refused with its sentence
        refused = g.request("POST", "/voice/calls", {"to": "not a number"})
        assert refused.status == 422, refused
        settled(g, t)
        assert g.metric("voicegw_calls_total", provider="twilio", status="busy") == 1


# ---- operations while a call is up ----

def test_hold_play_say_dtmf_mute_and_record():
    with world(routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        first = call.wait_stream()
        path = f"/voice/calls/{call.sid}/"
        feed.wait("call_answered", provider_call_id=call.sid)
        g.post(path + "hold")
        feed.wait("hold_started")
        conference = t.wait(lambda t: next((c for c in t.conferences.values() if call.sid in c.people), None))
        t.wait(lambda t: conference.people[call.sid]["hold"] or conference.status == "init")  # either way music is what is heard
        assert g.get(path[:-1])["state"] == "on_hold"
        assert first.over
        g.until(lambda: g.metric("voicegw_ws_sockets") == 0)  # nobody takes the music that it would play: what comes after is heard all the same
        g.post(path + "resume")
        feed.wait("hold_ended")
        second = call.wait_stream(2)
        assert second.sid != first.sid and g.get(path[:-1])["state"] == "connected"
        # the same session goes on, by the fresh stream
        call.speak(b"\x22" * 1600)
        call.wait(lambda c: b"\x22" * 160 in c.heard)
        g.post(path + "mute")
        g.post(path + "unmute")
        heard = len(call.heard)
        g.post(path + "dtmf", {"digits": "12#"})
        call.wait(lambda c: spoken(c.heard, heard) and not loud(c.heard[-3200:]))  # the tones are over, so that what is heard next is speech
        g.post(path + "recording/start")
        feed.wait("recording_started")
        g.post(path + "recording/pause")
        g.post(path + "recording/resume")
        heard = len(call.heard)
        g.post(path + "say", {"text": "Hello there."})
        call.wait(lambda c: spoken(c.heard, heard))
        g.post(path + "recording/stop")
        done = feed.wait("recording_stopped")
        assert done["data"]["url"], done
        assert g.request("GET", done["data"]["url"].split("localhost", 1)[-1]).status == 200
        g.post(path + "end")
        e = ended_once(feed, session_of(call), status="completed")
        call.wait_over()
        assert e["data"]["duration"] >= 0
        record_of(g, session_of(call), "completed")
        assert len(g.history(1)) == 1


def test_hold_by_redirection_plays_the_music():
    music = "https://music.example.com/waiting.mp3"
    with world(f"hold: {{mode: redirect, music: \"{music}\"}}", routes=BACK, web={music: (200, "audio/mpeg", b"ID3")}) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        feed.wait("call_answered", provider_call_id=call.sid)
        g.post(f"/voice/calls/{call.sid}/hold")
        feed.wait("hold_started")
        call.wait(lambda c: c.played)
        assert call.played[0][0] == music and call.did("Play")[0][1]["loop"] == "0", call.executed
        g.post(f"/voice/calls/{call.sid}/resume")
        feed.wait("hold_ended")
        call.wait_stream(2)
        call.hangup()
        ended_once(feed, session_of(call), status="completed")


def test_transfers_that_do_not_come_about_and_warm_ones():
    with world(routes=BACK) as (g, t, feed):
        t.phones["+15550100"] = Phone(outcome="busy")
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        feed.wait("call_answered", provider_call_id=call.sid)
        g.post(f"/voice/calls/{call.sid}/transfer", {"to": "+15550100"})
        e = feed.wait("transfer_completed", provider_call_id=call.sid)
        assert e["data"]["outcome"] == "busy", e
        # the caller is not lost: a stream again
        call.wait_stream(2)
        g.until(lambda: g.get(f"/voice/calls/{call.sid}")["state"] == "connected")
        call.speak(b"\x33" * 1600)
        call.wait(lambda c: b"\x33" * 160 in c.heard)
        # warm: both in a conference, the caller stays when the agent has answered
        t.phones["+15550101"] = Phone()
        g.post(f"/voice/calls/{call.sid}/transfer", {"to": "+15550101", "kind": "attended"})
        agent = t.wait(lambda t: next((c for c in t.calls.values() if c.to == "+15550101"), None))
        t.wait(lambda t: any({call.sid, agent.sid} <= set(c.people) for c in t.conferences.values()))
        e = feed.wait("transfer_completed", count=2, provider_call_id=call.sid)[1]
        assert e["data"]["outcome"] == "completed", e
        agent.hangup()
        call.hangup()
        ended_once(feed, session_of(call))


def test_conference_participants_are_held_muted_and_removed():
    with world(routes=BACK) as (g, t, feed):
        a, b = (t.ring(INBOUND, f"+1555111000{i}", NUMBER, STATUS) for i in (1, 2))
        for c in (a, b):
            c.wait_stream()
            feed.wait("call_answered", provider_call_id=c.sid)
            g.post(f"/voice/calls/{c.sid}/conference", {"name": "board"})
        room = t.wait(lambda t: next((r for r in t.conferences.values() if {a.sid, b.sid} <= set(r.people)), None))
        base = "/voice/conferences/board/participants/" + b.sid
        g.until(lambda: g.request("POST", base + "/unmute", {}).status < 300)  # the gateway was told, too, that it is in there
        for order, key, value in (("hold", "hold", True), ("resume", "hold", False), ("mute", "muted", True), ("unmute", "muted", False)):
            g.post(f"{base}/{order}")
            t.wait(lambda t, k=key, v=value: room.people[b.sid][k] is v)
        g.post(base + "/kick")
        t.wait(lambda t: b.sid not in room.people)
        ended_once(feed, session_of(b))
        assert a.sid in room.people
        a.hangup()
        ended_once(feed, session_of(a))
        t.wait(lambda t: room.status == "completed")


SMS = """
id: texts
steps:
  - {type: send_sms, params: {to: "{{trigger.phone}}", message: "Your room is ready."}, output_key: sent}
"""


def test_text_messages_and_their_fate():
    with world(workflows=SMS, callbacks="twice") as (g, t, feed):
        def text(phone):
            run_id = g.post("/voice/workflows/texts/run", {"args": {"phone": phone}}, status=202)["run_id"]
            g.until(lambda: g.get(f"/voice/runs/{run_id}")["status"] != "running")
            return g.get(f"/voice/runs/{run_id}")
        r = text("+15550001")
        assert r["status"] == "completed", json.dumps(r)
        q = t.wait_request("CreateMessage")
        assert q["Body"] == "Your room is ready." and q["To"] == "+15550001" and q["From"] == NUMBER and q["StatusCallback"], q
        g.until(lambda: [e for e in feed.events if e["type"].startswith("message_") and "delivered" in json.dumps(e["data"]) + e["type"]])
        t.sms_outcome = ("sent", "undelivered")
        text("+15550002")
        g.until(lambda: [e for e in feed.events if e["type"].startswith("message_") and ("undelivered" in json.dumps(e["data"]) or "failed" in e["type"])])
        answer = t.text(PUBLIC + "/voice/twilio/sms", CALLER, NUMBER, "Is my <room> ready?")
        assert answer.status == 200 and twiml.parse(answer.body)[0] is not None or answer.status == 204, answer
        e = g.until(lambda: [e for e in feed.events if "ready?" in json.dumps(e["data"])])[0]
        assert e["data"]["from"] == CALLER, e


# ---- routes without media ----

IVR = """
id: ivr
steps:
  - {type: gather, params: {prompt: "Press one for the desk & <all> the rest, or say it.", input: [speech, dtmf], num_digits: 1, timeout: 5s}, output_key: key}
  - {type: voice_play_tts, params: {text: "You pressed {{key.digits}}."}}
  - {type: gather, params: {prompt: "What do you wish?", input: speech, timeout: 5s, phrases: [book a room, check out]}, output_key: wish}
  - {type: voice_play_audio, params: {audio_url: "https://sounds.example.com/thanks.wav"}}
  - {type: dial, params: {to: "+15550100", timeout: 20s}, output_key: dialled}
  - {type: set, params: {result: "{{key.digits}} {{wish.text}} {{dialled.outcome}}"}}
  - {type: enqueue, params: {queue: guests}, output_key: waited}
  - {type: conference, params: {name: "lobby"}}
"""


def test_a_workflow_in_twiml_alone():
    sound = "https://sounds.example.com/thanks.wav"
    with world(routes="  - {match: {}, workflow: ivr, media: twiml}\n", workflows=IVR, web={sound: (200, "audio/wav", b"RIFF")}) as (g, t, feed):
        t.phones["+15550100"] = Phone(talk=0.1)
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait(lambda c: c.gathering)
        assert "& <all>" in call.said[-1], call.said
        call.press("1")
        call.wait(lambda c: any("You pressed 1" in s for s in c.said))
        call.wait(lambda c: c.gathering)
        call.reply("book a room")
        call.wait(lambda c: c.played)
        call.wait(lambda c: c.children and c.children[0].over)
        call.wait(lambda c: c.queue == "guests")
        call.dequeue()
        call.wait(lambda c: c.conference)
        call.hangup()
        ended_once(feed, session_of(call), status="completed")
        assert not call.streams and not call.one_way
        r = g.get(f"/voice/runs/{g.get('/voice/runs')['runs'][0]['run_id']}")
        out = [s["output"] for s in r["steps"]]
        assert out[0]["digits"] == "1" and out[0]["input"] == "dtmf" and out[2]["text"] == "book a room" and out[2]["confidence"] > 0.5, out
        assert out[4]["outcome"] == "completed", out
        record_of(g, session_of(call), "completed")


RECORDED = """
id: recorded
steps:
  - {type: voice_start_recording, output_key: started}
  - {type: gather, params: {prompt: "Press a key.", input: dtmf, num_digits: 1, timeout: 20s}}
  - {type: voice_stop_recording, output_key: stopped}
  - {type: gather, params: {prompt: "And another.", input: dtmf, num_digits: 1, timeout: 20s}}
"""


def test_what_twilio_records_comes_into_our_storage():
    with world(routes="  - {match: {}, workflow: recorded, media: twiml}\n", workflows=RECORDED, media_after=1) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait(lambda c: c.gathering)
        r = t.wait_request("CreateCallRecording")
        assert r["RecordingStatusCallback"].startswith(PUBLIC), r
        feed.wait("recording_started", session_id=session_of(call))
        call.press("1")
        stopped = feed.wait("recording_stopped", session_id=session_of(call))
        t.wait_request("Media")
        url = g.until(lambda: (stopped["data"].get("url") or g.history(0, session_id=session_of(call))[0]["recording_url"]))
        assert url.startswith(PUBLIC + "/voice/recordings/"), url
        audio = g.until(lambda: (lambda a: a if a.status == 200 else None)(g.request("GET", url.removeprefix(PUBLIC))))
        assert audio.body[:4] == "RIFF", audio
        call.wait(lambda c: c.gathering)
        call.hangup()
        ended_once(feed, session_of(call))
        row = record_of(g, session_of(call), "completed")
        assert row["recording_url"] == url, row


KEYED = """
id: keyed
steps:
  - {type: gather, params: {prompt: "Press a key.", input: dtmf, num_digits: 1, timeout: 20s}, output_key: key}
"""


def test_a_call_that_is_placed_is_carried_as_its_media_says():
    with world(routes="  - {match: {}, assistant: echo, stt: local, tts: local}\n", workflows=KEYED) as (g, t, feed):
        c = g.post("/voice/calls", {"to": "+15550001", "workflow": "keyed", "media": "twiml"}, status=202)
        feed.wait("call_answered", call_id=c["call_id"])
        placed = list(t.calls.values())[-1]
        placed.wait(lambda call: call.gathering)
        assert not any("<Stream" in document for document in placed.documents), placed.documents
        placed.press("7")
        feed.wait("dtmf_received", call_id=c["call_id"])
        ended_once(feed, c["session_id"])
        refused = g.request("POST", "/voice/calls", {"to": "+15550001", "media": "fax"})
        assert refused.status == 422 and "media" in refused.body, refused


# ---- signatures ----

def test_signatures_are_required():
    with world(routes=BACK, more="") as (g, t, feed):
        form = form_of(t)
        path = "/voice/twilio/inbound"
        right = fake.signature(t.token, INBOUND, form)
        wrong = {"missing": False, "of another token": fake.signature("another", INBOUND, form), "of another URL": fake.signature(t.token, STATUS, form),
                 "of another caller": fake.signature(t.token, INBOUND, {**form, "From": "+1999"}), "empty": " ", "garbage": "%%%", "long": "A" * 4000,
                 "cut": right[:-1], "stale, of another call": fake.signature(t.token, INBOUND, form_of(t))}
        before = g.metric("voicegw_twilio_signatures_refused_total", 0) or 0
        for name, signature in wrong.items():
            for p in (path, "/voice/twilio/status"):
                a = post_form(g, p, form, signature=signature)
                if p == path or name != "of another URL":
                    assert a.status == 403 and "problem+json" in a.headers["content-type"], (name, p, a)
        assert not g.get("/voice/sessions")["sessions"] and not g.get("/voice/calls")["calls"]
        counted = [line for line in g.get("/metrics").splitlines() if "signature" in line and not line.startswith("#")]
        assert counted and sum(float(line.rsplit(" ", 1)[1]) for line in counted) >= len(wrong) + before, counted
        # the port may stand in the URL that was signed, or not
        for url in (INBOUND, INBOUND.replace("localhost", "localhost:443")):
            f = form_of(t)
            assert post_form(g, path, f, signature=fake.signature(t.token, url, f)).status == 200
        # twice the same webhook: the same session, and TwiML again
        f = form_of(t)
        first, second = (post_form(g, path, f, twilio=t) for _ in range(2))
        assert first.status == second.status == 200 and "<Stream" in second.body, second
        assert len([s for s in g.get("/voice/sessions")["sessions"] if f["CallSid"] in s["session_id"]]) == 1
        # JSON by its digest
        body = json.dumps(f).encode()
        url, signature = fake.signed_json(t.token, STATUS, body)
        a = post_form(g, url.removeprefix(PUBLIC), body, signature=signature, kind="application/json")
        assert a.status < 500 and a.status != 403, a
        a = post_form(g, url.removeprefix(PUBLIC), body + b" ", signature=signature, kind="application/json")
        assert a.status == 403, a
        for s in g.get("/voice/sessions")["sessions"]:
            g.post(f"/voice/sessions/{s['session_id']}/end")


def test_the_second_token_and_the_public_address():
    public = "https://voice.example.com"
    with world("auth_token_secondary: the-next-token", public=public, tokens=True, routes=BACK) as (g, t, feed):
        url = public + "/voice/twilio/inbound"
        call = t.ring(url, CALLER, NUMBER, public + "/voice/twilio/status")
        assert call.wait_stream().url.startswith("wss://voice.example.com/voice/twilio/stream/")
        f = form_of(t)
        assert post_form(g, "/voice/twilio/inbound", f, signature=fake.signature("the-next-token", url, f)).status == 200
        assert post_form(g, "/voice/twilio/inbound", f, signature=fake.signature("the-third-token", url, f)).status == 403
        # another Host does not move the address
        a = post_form(g, "/voice/twilio/inbound", f, signature=fake.signature(t.token, "https://evil.example.com/voice/twilio/inbound", f),
                      headers={"Host": "evil.example.com"})
        assert a.status == 403, a
        call.hangup()
        ended_once(feed, session_of(call))
        g.post(f"/voice/sessions/twilio-{f['CallSid']}/end")


def test_without_validation_there_is_a_loud_warning():
    with world("validate_signatures: false", routes=BACK) as (g, t, feed):
        assert post_form(g, "/voice/twilio/inbound", form_of(t, "CA1"), signature=False).status == 200
        assert [line for line in g.log().splitlines() if "validate_signatures" in line and "WARN" in line.upper()], g.log()
        g.post("/voice/sessions/twilio-CA1/end")


def test_streams_prove_themselves():
    #            signature and token, signature alone, token alone, neither
    expected = {"either": (True, True, True, False), "both": (True, False, False, False), "token": (True, False, True, False),
                "signature": (True, True, False, False), "none": (True, True, True, True)}

    def providers(t):
        return "".join(instance(t, f"stream_auth: {mode}" + ("\ndefault: true" if mode == "either" else ""), name=mode) for mode in expected)
    with world(providers=providers, routes=BACK) as (g, t, feed):
        assert any("stream_auth" in line and "WARN" in line.upper() for line in g.log().splitlines()), g.log()
        for mode, wanted in expected.items():
            for i, (signed, shown) in enumerate(((True, True), (True, False), (False, True), (False, False))):
                f = form_of(t)
                path = f"/voice/{mode}/inbound"
                a = post_form(g, path, f, twilio=t)
                root, wrong = twiml.parse(a.body)
                assert a.status == 200 and not wrong, (mode, a, wrong)
                given = {p.get("name"): p.get("value") for p in root.find("Parameter")} if shown else {}
                url = root.find("Stream")[0].get("url")
                session = url.rsplit("/", 1)[1]
                headers = {"X-Twilio-Signature": fake.signature(t.token, url, {})} if signed else {}
                ok = stream_by_hand(g, t, url.removeprefix("wss://localhost"), headers, f["CallSid"], given)
                assert ok == wanted[i], (mode, "signed" if signed else "", "token" if shown else "", ok)
                g.request("POST", f"/voice/sessions/{session}/end", {})
                feed.wait("voice.session.stopped", session_id=session)


def stream_by_hand(g, t, path, headers, sid, given, pieces=None):
    """True when audio comes back on a stream that was opened so; with `pieces`: whatever they bring."""
    w = WebSocket(g.port, path, headers, expect=None)
    if w.status != 101:
        w.socket.close()
        return False
    over = threading.Event()

    def speak():
        with contextlib.suppress(OSError):
            for m in pieces or opening(t, sid, given):
                w.send(m)
                if over.wait(0.02 if m["event"] == "media" else 0):
                    return
    talker = threading.Thread(target=speak, daemon=True)
    talker.start()
    try:
        while (text := w.recv()) is not None:
            if json.loads(text)["event"] == "media":
                return True
        return False
    except (ConnectionError, OSError):
        return False
    finally:
        over.set()
        talker.join()
        w.socket.close()


def opening(t, sid, given):
    """connected, start, and audio for as long as it is wanted."""
    stream_sid = t.new_sid("MZ")
    yield {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    yield {"event": "start", "sequenceNumber": "1", "streamSid": stream_sid,
           "start": {"accountSid": t.account, "streamSid": stream_sid, "callSid": sid, "tracks": ["inbound"], "customParameters": given,
                     "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}}
    for i in range(50 * daemon.wait()):
        yield {"event": "media", "sequenceNumber": str(i + 2), "streamSid": stream_sid,
               "media": {"track": "inbound", "chunk": str(i + 1), "timestamp": str(20 * i), "payload": "IiIi" * 53 + "Ig=="}}


def test_a_token_serves_once_and_a_session_has_one_stream():
    with world(routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        stream = call.wait_stream()
        call.speak(b"\x22" * 1600)
        call.wait(lambda c: b"\x22" * 160 in c.heard)
        path = stream.url.removeprefix("wss://localhost")
        # the token was shown: nobody else comes in by it
        assert not stream_by_hand(g, t, path, {}, call.sid, stream.parameters)
        # nor by a signature while the stream is up
        signed = {"X-Twilio-Signature": fake.signature(t.token, stream.url, {})}
        assert not stream_by_hand(g, t, path, signed, call.sid, stream.parameters)
        # nor to a session that is another call's
        other = t.ring(INBOUND, "+15551113333", NUMBER, STATUS)
        other.wait_stream()
        assert not stream_by_hand(g, t, other.streams[0].url.removeprefix("wss://localhost"), {}, other.sid, stream.parameters)
        assert not stream_by_hand(g, t, "/voice/twilio/stream/twilio-CAnobody", {}, "CAnobody", {})
        call.speak(b"\x44" * 1600)
        call.wait(lambda c: b"\x44" * 160 in c.heard)
        for c in (call, other):
            c.hangup()
            ended_once(feed, session_of(c))


def test_a_stream_without_an_id_finds_its_call():
    with world(routes=BACK) as (g, t, feed):
        f = form_of(t)
        root, _ = twiml.parse(post_form(g, "/voice/twilio/inbound", f, twilio=t).body)
        given = {p.get("name"): p.get("value") for p in root.find("Parameter")}
        assert stream_by_hand(g, t, "/voice/twilio/stream", {}, f["CallSid"], given)
        feed.wait("voice.session.stopped", session_id="twilio-" + f["CallSid"])
        assert not stream_by_hand(g, t, "/voice/twilio/stream", {}, t.new_sid("CA"), {})


def test_two_accounts_as_two_instances():
    second = fake.Twilio(account="AC" + "f" * 32, token="token-of-the-other")

    def providers(t):
        return instance(t, "default: true", name="first") + instance(second, name="second")
    routes = "  - {match: {provider: second}, assistant: back, stt: local, tts: local, greeting: Second house.}\n" + BACK
    with second, world(providers=providers, routes=routes) as (g, t, feed):
        second.hosts = t.hosts
        urls = {t: PUBLIC + "/voice/first", second: PUBLIC + "/voice/second"}
        calls = {x: x.ring(url + "/inbound", CALLER, NUMBER, url + "/status") for x, url in urls.items()}
        for x, call in calls.items():
            assert call.wait_stream().url.startswith(urls[x].replace("https", "wss") + "/stream/"), call.documents
            call.speak(b"\x22" * 1600)
            call.wait(lambda c: b"\x22" * 160 in c.heard)
        assert calls[second].said == ["Second house."], calls[second].said
        # one's token is nothing to the other, the plugin's own path is the default instance's
        f = form_of(t)
        assert post_form(g, "/voice/second/inbound", f, signature=fake.signature(t.token, PUBLIC + "/voice/second/inbound", f)).status == 403
        assert post_form(g, "/voice/twilio/inbound", f, signature=fake.signature(second.token, INBOUND, f)).status == 403
        assert post_form(g, "/voice/twilio/inbound", f, twilio=t).status == 200
        out = g.call("+15550001", provider="second")
        r = second.wait_request("CreateCall")
        assert r["To"] == "+15550001" and not [q for q in t.requests if q.operation == "CreateCall"]
        feed.wait("call_answered", call_id=out["call_id"])
        g.post(f"/voice/calls/{out['call_id']}/end")
        ended_once(feed, out["session_id"])
        for x, call in calls.items():
            g.post(f"/voice/calls/{call.sid}/end")
            ended_once(feed, session_of(call), status="completed")
            call.wait_over()
        g.post(f"/voice/sessions/twilio-{f['CallSid']}/end")
        second.check()


# ---- when something breaks ----

def test_a_stream_that_is_lost_ends_the_call():
    with world(routes=BACK, notices_loss=False) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        stream = call.wait_stream()
        feed.wait("call_answered", session_id=session_of(call))
        stream.lose()  # Twilio has not noticed: without us the call would hang
        e = ended_once(feed, session_of(call))
        assert "stream" in (e["data"]["cause"] or ""), e
        call.wait_over()
        assert t.wait_request("UpdateCall")["Status"] == "completed"
        record_of(g, session_of(call), "completed")


def test_a_stream_that_is_lost_is_replaced():
    with world("on_stream_loss: redirect", routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        call.speak(b"\x22" * 1600)
        call.wait(lambda c: b"\x22" * 160 in c.heard)
        call.streams[0].lose()
        call.wait_stream(2)
        call.speak(b"\x55" * 1600)
        call.wait(lambda c: b"\x55" * 160 in c.heard)
        assert [s["session_id"] for s in g.get("/voice/sessions")["sessions"]] == [session_of(call)]
        call.hangup()
        ended_once(feed, session_of(call), status="completed")
        assert len(g.history(1)) == 1


def test_calls_of_a_killed_gateway_are_ended():
    with world(routes=BACK, notices_loss=False) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        out = g.call("+15550001")
        feed.wait("call_answered", call_id=out["call_id"])
        feed.wait("call_answered", provider_call_id=call.sid)
        for c in list(t.calls.values()):
            c.wait_stream()
        g.kill()
        assert not any(c.over for c in t.calls.values())
        g.start()
        feed = g.feed(last_id=0)
        for sid in (session_of(call), out["session_id"]):
            e = ended_once(feed, sid)
            assert e["data"]["status"] == "interrupted", e
            record_of(g, sid, "interrupted")
        for c in list(t.calls.values()):
            c.wait_over()
        assert [r for r in t.requests if r.operation == "UpdateCall" and r.get("Status") == "completed"]


def test_calls_of_a_killed_gateway_are_recovered():
    with world("on_restart: recover", routes=BACK, notices_loss=False) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        call.speak(b"\x22" * 1600)
        call.wait(lambda c: b"\x22" * 160 in c.heard)
        g.kill()
        g.start()
        feed = g.feed(last_id=0)
        e = ended_once(feed, session_of(call))
        assert e["data"]["status"] == "interrupted", e
        call.wait_stream(2)
        call.speak(b"\x55" * 1600)
        call.wait(lambda c: b"\x55" * 160 in c.heard)
        sessions = g.get("/voice/sessions")["sessions"]
        assert len(sessions) == 1 and sessions[0]["session_id"] != session_of(call), sessions
        assert session_of(call) in json.dumps(g.get(f"/voice/sessions/{sessions[0]['session_id']}")), sessions
        call.hangup()
        ended_once(feed, sessions[0]["session_id"], status="completed")
        record_of(g, session_of(call), "interrupted")
        record_of(g, sessions[0]["session_id"], "completed")


def test_full_draining_and_disabled_gateways_are_busy():
    with world(gateway="max_sessions: 1", routes=BACK) as (g, t, feed):
        first = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        first.wait_stream()
        second = t.ring(INBOUND, "+15551113333", NUMBER, STATUS)
        second.wait_over()
        assert second.status == "busy" and second.did("Reject")[0][1]["reason"] == "busy", second.executed
        ended_once(feed, session_of(second), "call_failed", status="busy")
        assert not first.over
        g.post("/voice/drain", {})
        third = t.ring(INBOUND, "+15551114444", NUMBER, STATUS)
        third.wait_over()
        assert third.status == "busy", third.executed
        g.post("/voice/undrain", {})
        first.hangup()
        ended_once(feed, session_of(first))
    with world(gateway="enabled: false", routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_over()
        assert call.status == "busy", call.executed


def test_a_caller_whom_nobody_can_serve_hears_so():
    nobody = "  - {match: {to: \"+1999*\"}, assistant: back, stt: local, tts: local}\n"
    with world(routes=nobody) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_over()
        assert call.said == ["Sorry, we encountered an error. Please try again later."] and call.did("Say")[0][1]["voice"] == "alice", call.documents
        assert call.did("Hangup"), call.documents
        assert g.get("/health")["status"] == "ok"
    with world("error_text: \"Call <later> & again.\"", routes=nobody) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_over()
        assert call.said == ["Call <later> & again."], call.documents
    with world("fallback_number: \"+15550777\"", routes=nobody) as (g, t, feed):
        t.phones["+15550777"] = Phone(talk=0.05)
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_over()
        assert call.children and call.children[0].to == "+15550777", call.documents


# ---- the REST interface misbehaves ----

def test_429_is_tried_again_and_a_time_out_is_not():
    with world("timeout: 3s", routes=BACK) as (g, t, feed):
        t.misbehave(429, "POST", "/Calls.json", times=2)
        c = g.call("+15550001")
        feed.wait("call_answered", call_id=c["call_id"])
        assert len([r for r in t.requests if r.operation == "CreateCall"]) == 1 and len([r for r in t.requests if r.status == 429]) == 2
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")
        # it was placed, only the answer never came: looked for, not placed again
        t.phones["+15550002"] = Phone()
        t.misbehave("timeout-after", "POST", "/Calls.json")
        c = g.call("+15550002")
        feed.wait("call_answered", call_id=c["call_id"])
        assert len([x for x in t.calls.values() if x.to == "+15550002"]) == 1
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")
        # the connection that it went out by is lost: it may have been placed, so it is not sent again either
        t.misbehave("reset", "POST", "15550004")
        before = len(t.requests)
        c = g.call("+15550004")
        ended_once(feed, c["session_id"], "call_failed", status="failed")
        assert len([r for r in t.requests[before:] if r.method == "POST"]) == 1, t.requests[before:]
        # nor was it placed, nor is it ever
        t.misbehave("timeout", "POST", "/Calls.json")
        c = g.call("+15550003")
        t.wait_request("ListCall", To="+15550003")
        ended_once(feed, c["session_id"], "call_failed", status="failed")
        assert not [x for x in t.calls.values() if x.to == "+15550003"]


def test_answers_that_are_none():
    kinds = (500, 503, "html", "html-200", "empty", "truncated", "garbage", "reset", 401, 404)
    carried_out = ("html", "html-200", "empty", "truncated", "garbage")  # Twilio did it, whatever it said
    with world() as (g, t, feed):
        made = {}
        for i, kind in enumerate(kinds):
            to = f"1555100{i:04}"
            t.misbehave(kind, "POST", to)
            made[kind] = ("+" + to, g.call("+" + to))
        for kind, (to, c) in made.items():
            if kind in carried_out:
                feed.wait("call_answered", call_id=c["call_id"])
                g.post(f"/voice/calls/{c['call_id']}/end")
                ended_once(feed, c["session_id"])
            else:
                e = ended_once(feed, c["session_id"], "call_failed", status="failed")
                assert e["data"]["error_class"] in ("provider", "network", "authentication", "not_found"), (kind, e)
            assert len([x for x in t.calls.values() if x.to == to]) == (kind in carried_out), kind
        posts = [r for r in t.requests if r.method == "POST" and r.path.endswith("/Calls.json")]
        assert len(posts) == len(kinds), posts  # nothing was sent twice
        # updates: slowness and a 429 do not lose a call that is up
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        t.misbehave("slow", "POST", call.sid, seconds=0.3)
        t.misbehave(429, "POST", call.sid)
        g.post(f"/voice/calls/{call.sid}/end")
        ended_once(feed, session_of(call), status="completed")
        call.wait_over()


def test_twilio_out_of_reach_for_a_whole_call():
    with world(routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        feed.wait("call_answered", provider_call_id=call.sid)
        t.go_away()
        c = g.call("+15550001")
        e = ended_once(feed, c["session_id"], "call_failed", status="failed")
        assert e["data"]["error_class"] == "network", e
        a = g.request("POST", f"/voice/calls/{call.sid}/transfer", {"to": "+15550100"})
        assert a.status < 500 or a.status in (502, 504), a
        # the conversation goes on, and its end is known by the stream
        call.speak(b"\x22" * 1600)
        call.wait(lambda c: b"\x22" * 160 in c.heard)
        g.post(f"/voice/calls/{call.sid}/end")
        ended_once(feed, session_of(call))
        t.come_back()


# ---- bad input ----

HOSTILE = ["<Say>pwned</Say>", '"/><Redirect>http://evil.example.com/</Redirect><x y="', "+1555\r\nX-Injected: yes", "+1555\0AUDIT: forged",
           "'; DROP TABLE sessions; --", "A" * 10000, "\u202e\u2066é😀", "%0d%0aSet-Cookie: a=b", "{{trigger.secret}}", "../../../etc/passwd", "]]>", ""]


def test_hostile_callers():
    with world(routes=BACK) as (g, t, feed):
        for text in HOSTILE:
            for name in ("From", "To", "CallerName"):
                f = form_of(t, **{name: text})
                a = post_form(g, "/voice/twilio/inbound", f, twilio=t)
                assert a.status in (200, 400, 403, 413, 422), (name, text[:40], a)
                if a.status == 200:
                    root, wrong = twiml.parse(a.body)
                    assert root is not None and not wrong, (name, text[:40], a.body, wrong)
                    assert {v.name for v in root.children} <= {"Say", "Connect", "Hangup", "Reject"} and "evil" not in a.body, a.body
                    assert not root.find("Redirect")
                assert "x-injected" not in a.headers and "set-cookie" not in a.headers, a.headers
                post_form(g, "/voice/twilio/status", {**f, "CallStatus": "completed", "SequenceNumber": "3", "CallDuration": "0"}, twilio=t)
        assert not [line for line in g.log().splitlines() if line.startswith(("AUDIT: forged", "X-Injected"))]
        assert g.get("/health")["status"] == "ok"
        for s in g.get("/voice/sessions?limit=500")["sessions"]:
            g.post(f"/voice/sessions/{s['session_id']}/end")


def test_forms_that_are_none():
    with world(routes=BACK) as (g, t, feed):
        sid, path = t.new_sid("CA"), "/voice/twilio/inbound"
        good = form_of(t)
        bad = {
            "no CallSid": {k: v for k, v in good.items() if k != "CallSid"}, "two CallSids": {**good, "CallSid": [sid, t.new_sid("CA")]},
            "an empty CallSid": {**good, "CallSid": ""}, "a CallSid that is a path": {**good, "CallSid": "../../x"}, "nothing": b"",
            "10,000 fields": {**good, **{f"F{i}": "x" for i in range(10000)}}, "bad UTF-8": b"CallSid=" + sid.encode() + b"&From=%ff%fe%c3%28&To=%80",
            "bad percent codes": b"CallSid=" + sid.encode() + b"&From=%zz%4&To=%", "JSON": b'{"CallSid": "CA1"}', "octets": bytes(range(256)),
            "another account": {**good, "AccountSid": "AC" + "9" * 32}, "a state of its own": {**good, "CallStatus": "levitating"},
        }
        t.users["AC" + "9" * 32] = "a subaccount"
        for name, form in bad.items():
            for p in (path, "/voice/twilio/status", "/voice/twilio/recording", "/voice/twilio/amd", "/voice/twilio/stream-status", "/voice/twilio/conference",
                      "/voice/twilio/sms", "/voice/twilio/sms-status"):
                a = post_form(g, p, form, twilio=t)
                assert a.status < 500, (name, p, a)
                if p == path and a.status == 200:
                    root, wrong = twiml.parse(a.body)
                    assert root is not None and not wrong, (name, a.body, wrong)
                elif p == path:
                    assert 400 <= a.status < 500 and "problem+json" in a.headers["content-type"], (name, a)
        for method in ("PUT", "DELETE", "PATCH"):
            assert post_form(g, path, good, twilio=t, method=method).status in (404, 405, 501), method
        # callbacks for calls that nobody knows
        for p in ("status", "recording", "amd", "stream-status", "conference", "sms-status"):
            a = post_form(g, "/voice/twilio/" + p, {**form_of(t), "CallStatus": "completed", "SequenceNumber": "0", "MessageSid": "SM" + "0" * 32,
                                                    "MessageStatus": "delivered"}, twilio=t)
            assert a.status in (200, 204, 404), (p, a)
        for s in g.get("/voice/sessions?limit=500")["sessions"]:
            g.post(f"/voice/sessions/{s['session_id']}/end")
        assert g.get("/health")["status"] == "ok"


def test_bad_messages_on_a_stream_harm_only_it():
    first = {"event": "start", "sequenceNumber": "1", "streamSid": "MZ1"}

    def media(**more):
        return {"event": "media", "sequenceNumber": "5", "streamSid": "MZ1", "media": {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": "IiIi", **more}}
    bad = ["not json", "{", "[]", "null", '{"event": 5}', json.dumps({"event": "nonsense"}), json.dumps({"event": "media"}), json.dumps(media(payload="***")),
           json.dumps(media(payload=5)), json.dumps(media(payload="A" * 200_000)), json.dumps(media(timestamp="-5")), json.dumps(media(timestamp="20")),
           json.dumps(media(timestamp="9" * 40)), json.dumps(media(chunk="-1")), json.dumps(media(chunk="1")), json.dumps({**media(), "sequenceNumber": "-3"}),
           json.dumps({**media(), "sequenceNumber": "1"}), json.dumps({**media(), "streamSid": "MZother"}), json.dumps({"event": "dtmf", "dtmf": {"digit": "ZZ"}}),
           json.dumps({"event": "dtmf"}), json.dumps({"event": "mark"}), json.dumps({"event": "mark", "mark": {"name": "never sent"}}), "{" * 300,
           json.dumps({**first, "start": {"callSid": "CA1", "streamSid": "MZ2"}}), json.dumps({"event": "stop"}), json.dumps({"event": "connected"})]
    with world(routes=BACK) as (g, t, feed):
        good = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        good.wait_stream()
        t.expect_refusals = True
        calls = [(t.ring(INBOUND, "+15551119999", NUMBER, STATUS), text) for text in bad]
        for call, text in calls:
            stream = call.wait_stream()
            with contextlib.suppress(OSError):
                for _ in range(3):
                    with stream.lock:
                        stream.ws.send(text)
        for call, _ in calls:
            call.hangup()
            ended_once(feed, session_of(call))
        # before the start
        f = form_of(t)
        root, _ = twiml.parse(post_form(g, "/voice/twilio/inbound", f, twilio=t).body)
        url = root.find("Stream")[0].get("url")
        given = {p.get("name"): p.get("value") for p in root.find("Parameter")}
        path = url.removeprefix("wss://localhost")
        signed = {"X-Twilio-Signature": fake.signature(t.token, url, {})}
        stream_by_hand(g, t, path, signed, f["CallSid"], given, pieces=itertools.chain([media(), media()], opening(t, f["CallSid"], given)))
        g.request("POST", f"/voice/sessions/twilio-{f['CallSid']}/end", {})
        good.speak(b"\x22" * 1600)
        good.wait(lambda c: b"\x22" * 160 in c.heard)
        assert g.get("/health")["status"] == "ok"
        t.expect_refusals = False
        good.hangup()
        ended_once(feed, session_of(good), status="completed")
        assert g.metric("voicegw_orphans") == 0


# ---- modes of streams ----

def test_one_way_streams_for_listeners():
    with world("stream_mode: one_way", routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait(lambda c: c.one_way)
        assert call.did("Start") and not call.streams, call.documents
        feed.wait("call_answered", provider_call_id=call.sid)
        call.speak(b"\x22" * 3200)
        call.wait(lambda c: not c.microphone)
        call.hangup()
        ended_once(feed, session_of(call), status="completed")
    # beside what follows: the caller speaks with somebody, and the gateway hears it
    listens = "  - {match: {}, assistant: echo, stt: local, tts: local, greeting: One moment., dial: \"+15550100\"}\n"
    with world("stream_mode: one_way", routes=listens) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait(lambda c: c.children and c.children[0].began)
        assert [v.name for v in twiml.parse(call.documents[0])[0].children] == ["Say", "Start", "Dial"], call.documents
        call.speak(clip("rms-1.ul"), 1.0)
        assert feed.wait("voice.stt.final", session_id=session_of(call))["data"]["text"]
        assert call.children[0].to == "+15550100" and not call.heard, call.children
        call.hangup()
        ended_once(feed, session_of(call), status="completed")


def test_frames_that_are_missing_late_or_repeated_are_counted():
    def count(g, name):
        return g.metric(f"voicegw_plugin_{name}_total", 0)
    with world(routes=BACK) as (g, t, feed):
        f = form_of(t)
        root, _ = twiml.parse(post_form(g, "/voice/twilio/inbound", f, twilio=t).body)
        given = {p.get("name"): p.get("value") for p in root.find("Parameter")}
        w = WebSocket(g.port, "/voice/twilio/stream/twilio-" + f["CallSid"])
        first = [m for m, _ in zip(opening(t, f["CallSid"], given), range(2))]
        sid = first[1]["streamSid"]
        for m in first:
            w.send(m)
        for chunk in (1, 2, 2, 1, 7, 8):  # 3 to 6 never come, 2 comes twice, 1 late
            w.send({"event": "media", "sequenceNumber": str(chunk + 1), "streamSid": sid,
                    "media": {"track": "inbound", "chunk": str(chunk), "timestamp": str(20 * chunk), "payload": "IiIi" * 53 + "Ig=="}})
        g.until(lambda: count(g, "missing_frames") == 4 and count(g, "late_frames") == 2)
        # what Twilio tells of a stream that it could not keep up
        path = urllib.parse.urlsplit(root.find("Stream")[0].get("statusCallback"))
        a = post_form(g, path.path + "?" + path.query, {**f, "StreamSid": sid, "StreamEvent": "stream-error", "StreamError": "31920 <b>"}, twilio=t,
                      url=PUBLIC + path.path + "?" + path.query)
        assert a.status == 204 and count(g, "stream_errors") == 1, a
        g.request("POST", f"/voice/sessions/twilio-{f['CallSid']}/end", {})
        feed.wait("voice.session.stopped", session_id="twilio-" + f["CallSid"])
        w.socket.close()


def test_the_short_form_of_start():
    with world(routes=BACK, short_start=True) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        call.speak(b"\x22" * 1600)
        call.wait(lambda c: b"\x22" * 160 in c.heard)
        call.hangup()
        ended_once(feed, session_of(call))


def test_webhooks_by_get():
    with world(routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS, method="GET", CallerName="A & B")
        call.callback = ("GET", STATUS)
        call.wait_stream()
        call.speak(b"\x22" * 1600)
        call.wait(lambda c: b"\x22" * 160 in c.heard)
        call.hangup()
        call.wait_over()
        ended_once(feed, session_of(call), status="completed")
        f = form_of(t)
        assert g.request("GET", "/voice/twilio/inbound?" + urllib.parse.urlencode(f), headers={"X-Twilio-Signature": fake.signature(t.token, INBOUND, f)}).status == 403


def test_older_addresses():
    with world(routes=BACK) as (g, t, feed):
        call = t.ring(PUBLIC + "/twilio", CALLER, NUMBER, PUBLIC + "/twilio/status")
        call.wait_stream()
        call.hangup()
        call.wait_over()
        ended_once(feed, session_of(call), status="completed")
        form = form_of(t)
        root, _ = twiml.parse(post_form(g, "/api/voice/twilio/inbound", form, twilio=t, url=PUBLIC + "/api/voice/twilio/inbound").body)
        given = {p.get("name"): p.get("value") for p in root.find("Parameter")}
        assert stream_by_hand(g, t, f"/media-stream/twilio-{form['CallSid']}", {}, form["CallSid"], given)
        feed.wait("voice.session.stopped", session_id="twilio-" + form["CallSid"])


def test_many_at_once():
    with world(routes=BACK) as (g, t, feed):
        calls = [t.ring(INBOUND, f"+1555222{i:04}", NUMBER, STATUS) for i in range(20)]
        for c in calls:
            c.wait_stream()
        for i, c in enumerate(calls):
            c.speak(bytes([0x20 + i]) * 800)
        for i, c in enumerate(calls):
            c.wait(lambda c, i=i: bytes([0x20 + i]) * 160 in c.heard)
        for c in calls:
            c.hangup()
        for c in calls:
            ended_once(feed, session_of(c), status="completed")
        assert len(g.history(20)) == 20


# ---- against the vendor's own library ----

def test_the_library_signs_what_drives_us():
    vendor = Vendor.get()
    with world(routes=BACK) as (g, t, feed):
        t.signer = vendor.sign
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS, CallerName="Zoë & <b> 'x'")
        call.wait_stream()
        call.speak(b"\x22" * 1600)
        call.wait(lambda c: b"\x22" * 160 in c.heard)
        out = g.call("+15550001")
        feed.wait("call_answered", call_id=out["call_id"])
        g.post(f"/voice/calls/{out['call_id']}/end")
        ended_once(feed, out["session_id"], status="completed")
        call.hangup()
        call.wait_over()
        ended_once(feed, session_of(call), status="completed")
        body = json.dumps(form_of(t))
        url, signature = vendor.sign_json(t.token, STATUS, body)
        a = post_form(g, url.removeprefix(PUBLIC), body.encode(), signature=signature, kind="application/json")
        assert a.status != 403, a


def same(ours, theirs):
    a, b = (ET.canonicalize(x.decode() if isinstance(x, bytes) else x, strip_text=True) for x in (ours, theirs))
    assert a == b, f"\nours   {a}\ntheirs {b}"


def test_documents_are_those_that_the_library_builds():
    vendor = Vendor.get()

    def sample(name, **values):
        return vendor.ask(do="sample", name=name, values=values)["xml"]
    greeted = "  - {match: {}, assistant: back, stt: local, tts: local, greeting: Connecting to agent.}\n"
    with world(routes=greeted, gateway="max_sessions: 1") as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        root, _ = twiml.parse(call.documents[0])
        stream, connect = root.find("Stream")[0], root.find("Connect")[0]
        same(call.documents[0], sample("stream", greeting="Connecting to agent.", connect=connect.attributes, stream=stream.attributes,
                                       parameters=parameters(call)))
        busy = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        busy.wait_over()
        same(busy.documents[0], sample("busy"))
        call.hangup()
        ended_once(feed, session_of(call))
    with world(routes="  - {match: {to: \"+1999*\"}, assistant: back}\n") as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_over()
        same(call.documents[0], sample("apology"))
    for text, root in DOCUMENTS:  # whatever was answered in this run
        same(text, vendor.ask(do="build", tree=root.tree())["xml"])
    assert len(DOCUMENTS) >= 3


if __name__ == "__main__":
    run(globals())
