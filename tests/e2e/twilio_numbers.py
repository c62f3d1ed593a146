#!/usr/bin/python3
# plain
# budget: 240 s
"""What an operator sets for Twilio, and changes while calls are up: numbers by route, fields of Twilio's own on outgoing calls,
recordings of ours that Twilio plays, and reloads of credentials, addresses and code."""
import json
import os
import urllib.parse

from daemon import WebSocket, build, run
from reload import own_plugins, variant
from twilio_lab import CALLER, INBOUND, NUMBER, PUBLIC, STATUS, config, ended_once, fake, form_of, instance, post_form, record_of, world

import twilio_calls  # noqa: E402
import twilio_twiml as twiml  # noqa: E402

Phone = fake.Phone
BACK = "  - {match: {}, assistant: back, stt: local, tts: local}\n"


def session_of(call):
    return f"twilio-{call.sid}"


def echoed(call, value):
    call.speak(bytes([value]) * 1600)
    call.wait(lambda c: bytes([value]) * 160 in c.heard)


def reconfigure(g, t, more="", routes=BACK, **keys):
    g.write(config(keys.pop("providers", None) or instance(t, more), routes, **keys))
    return g.post("/voice/reload", {})


# ---- numbers ----

NUMBERS = """  - {match: {provider: twilio, to: "+1555777*"}, from: "+15557770000", assistant: back, stt: local, tts: local}
  - {match: {}, assistant: back, stt: local, tts: local}
"""


def test_the_number_that_is_shown_is_the_routes():
    with world(routes=NUMBERS) as (g, t, feed):
        shown = {"+15557771111": "+15557770000", "+15550001111": NUMBER}
        for to, number in shown.items():
            c = g.call(to)
            assert t.wait_request("CreateCall", To=to)["From"] == number
            assert g.get(f"/voice/calls/{c['call_id']}")["from"] == number
            feed.wait("call_answered", call_id=c["call_id"])
            g.post(f"/voice/calls/{c['call_id']}/end")
            ended_once(feed, c["session_id"])
        c = g.call("+15557772222", **{"from": "+15558889999"})  # whoever asks for a number gets it
        assert t.wait_request("CreateCall", To="+15557772222")["From"] == "+15558889999"
        feed.wait("call_answered", call_id=c["call_id"])
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"])
        # whoever is dialled for a call of that route sees it, too
        for kind, to in (("blind", "+15550102"), ("attended", "+15550103")):
            t.phones[to] = Phone()
            call = t.ring(INBOUND, CALLER, "+15557770000", STATUS)
            call.wait_stream()
            feed.wait("call_answered", provider_call_id=call.sid)
            g.post(f"/voice/calls/{call.sid}/transfer", {"to": to, "kind": kind})
            feed.wait("transfer_completed", provider_call_id=call.sid, outcome="completed")
            leg = next(c for c in t.calls.values() if c.to == to)
            assert leg.from_ == "+15557770000", leg
            leg.hangup()
            call.hangup()
            ended_once(feed, session_of(call))


def test_a_dial_step_shows_the_routes_number():
    routes = "  - {match: {}, from: \"+15557770000\", workflow: dials, media: twiml}\n"
    steps = "id: dials\nsteps:\n  - {type: dial, params: {to: \"+15550100\"}}\n  - {type: dial, params: {to: \"+15550101\", from: \"+15558889999\"}}\n"
    with world(routes=routes, workflows=steps) as (g, t, feed):
        t.phones["+15550100"] = t.phones["+15550101"] = Phone(talk=0.1)
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        ended_once(feed, session_of(call))
        assert [c.from_ for c in call.children] == ["+15557770000", "+15558889999"], call.children


# ---- fields of Twilio's own ----

def place(g, to, fields, **more):
    return g.request("POST", "/voice/calls", {"to": to, "provider": "twilio", "variables": {"platform_config": fields}, **more})


def test_outgoing_calls_take_twilios_own_fields():
    with world(routes=BACK) as (g, t, feed):
        t.phones["+15550001"] = Phone(answered_by="machine_end_beep")
        fields = {"SendDigits": "ww12#", "Record": True, "RecordingChannels": "dual", "MachineDetection": "DetectMessageEnd", "MachineDetectionTimeout": 10,
                  "AsyncAmd": "true", "Timeout": 17, "TimeLimit": 600}
        a = place(g, "+15550001", fields)
        assert a.status == 202, a
        c = a.json
        r = t.wait_request("CreateCall")
        wanted = {"SendDigits": "ww12#", "Record": "true", "RecordingChannels": "dual", "MachineDetection": "DetectMessageEnd", "MachineDetectionTimeout": "10",
                  "AsyncAmd": "true", "Timeout": "17", "TimeLimit": "600"}
        assert {k: r.params[k] for k in wanted} == {k: [v] for k, v in wanted.items()}, r.params
        assert r["RecordingStatusCallback"].startswith(PUBLIC) and r["AsyncAmdStatusCallback"].startswith(PUBLIC), r
        assert next(iter(t.calls.values())).digits_sent == ["ww12#"]
        assert feed.wait("amd_result", call_id=c["call_id"])["data"]["answered_by"] == "machine_end_beep"
        feed.wait("recording_started", call_id=c["call_id"])
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")
        feed.wait("recording_available", session_id=c["session_id"])
        url = g.until(lambda: g.history(0, session_id=c["session_id"])[0]["recording_url"])
        assert g.request("GET", url.removeprefix(PUBLIC)).body[:4] == "RIFF", url


def test_a_call_led_by_another_document():
    elsewhere = {"https://elsewhere.example.com/twiml": (200, "text/xml", b"<Response><Say>Elsewhere.</Say><Pause length=\"60\"/></Response>")}
    with world(routes=BACK, web=elsewhere) as (g, t, feed):
        for fields in ({"Url": "https://elsewhere.example.com/twiml", "Method": "GET"}, {"Twiml": "<Response><Say>Elsewhere.</Say><Pause length=\"60\"/></Response>"}):
            a = place(g, "+15550001", fields)
            c = a.json if a.status == 202 else None
            if c:  # refused when it is to go out, as whatever Twilio would refuse
                ended_once(feed, c["session_id"], "call_failed", status="failed")
            a = place(g, "+15550001", fields, media="twiml")
            assert a.status == 202, a
            c = a.json
            call = t.wait(lambda t: next((x for x in t.calls.values() if "Elsewhere." in x.said and not x.over), None))
            feed.wait("call_answered", call_id=c["call_id"])
            assert g.request("POST", f"/voice/calls/{c['call_id']}/say", {"text": "Hello."}).status in (409, 422, 503)
            g.post(f"/voice/calls/{c['call_id']}/end")
            ended_once(feed, c["session_id"], status="completed")
            call.wait_over()
        assert len([r for r in t.requests if r.operation == "CreateCall"]) == 2
        # what is none of Twilio's, or ours to set, is refused before anything is sent
        for fields in ({"Sender": "x"}, {"To": "+1999"}, {"StatusCallback": "https://evil.example.com"}, {"SendDigits": "12x"}, {"Record": {"a": 1}},
                       {"Url": "https://a.example.com", "Twiml": "<Response/>"}, "Url", []):
            a = place(g, "+15550002", fields, media="twiml")
            assert a.status == 422 or ended_once(feed, a.json["session_id"], "call_failed", status="failed"), (fields, a)
        assert len([r for r in t.requests if r.operation == "CreateCall"]) == 2


# ---- recordings that Twilio plays ----

PLAYS = """
id: plays
steps:
  - {type: voice_make_call, params: {to_number: "+15550001", media: twiml, wait: connected}, output_key: made}
  - {type: voice_play_audio, params: {call_id: "{{made.call_id}}", audio_url: "{{trigger.url}}"}}
  - {type: voice_end_call, params: {call_id: "{{made.call_id}}"}}
"""


def plays(g, url):
    run_id = g.post("/voice/workflows/plays/run", {"args": {"url": url}}, status=202)["run_id"]
    return g.until(lambda: (lambda r: r if r["status"] != "running" else None)(g.get(f"/voice/runs/{run_id}")))


def test_recordings_are_played_by_a_signed_address():
    with world(routes=BACK.replace("match", "record: true, match"), workflows=PLAYS, tokens=True) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        echoed(call, 0x22)
        call.hangup()
        ended_once(feed, session_of(call))
        url = g.until(lambda: record_of(g, session_of(call), "completed")["recording_url"])
        assert post_form(g, url.removeprefix(PUBLIC), b"", signature=False, method="GET").status == 401  # for nobody without a token
        assert plays(g, url)["status"] == "completed"
        led = next(c for c in t.calls.values() if c.to == "+15550001")
        signed, answer = led.played[0]
        q = urllib.parse.parse_qs(urllib.parse.urlsplit(signed).query)
        assert signed.startswith(url + "?") and q["signature"] and int(q["expires"][0]) > 0, signed
        assert answer.status == 200 and answer.body[:4] == b"RIFF", answer
        path = signed.removeprefix(PUBLIC)
        for wrong in (path.replace("signature=", "signature=0"), path.replace("expires=", "expires=1"), url.removeprefix(PUBLIC) + "?expires=9999999999"):
            assert post_form(g, wrong, b"", signature=False, method="GET").status in (401, 403), wrong
        # what is no recording is not played
        r = plays(g, url + "0")
        assert r["status"] == "failed" and "no such recording" in json.dumps(r), r


def test_a_recording_that_is_ready_after_the_call_comes_too():
    with world(routes=BACK) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait_stream()
        feed.wait("call_answered", provider_call_id=call.sid)
        call.hangup()
        ended_once(feed, session_of(call), status="completed")
        call.wait_over()
        late = twilio_calls.Recording(t, call)
        late.finish()
        form = {"CallSid": call.sid, "AccountSid": t.account, "RecordingSid": late.sid, "RecordingStatus": "completed", "RecordingDuration": "3",
                "RecordingUrl": "https://evil.example.com/x", "RecordingSource": "OutboundAPI"}
        assert post_form(g, "/voice/twilio/recording", form, twilio=t).status == 204
        feed.wait("recording_available", session_id=session_of(call))
        url = g.until(lambda: record_of(g, session_of(call), "completed")["recording_url"])
        assert g.request("GET", url.removeprefix(PUBLIC)).body[:4] == "RIFF", url


def test_a_replayed_request_for_a_document_leaves_the_stream_alone():
    with world(routes=BACK) as (g, t, feed):
        c = g.call("+15550001", assistant="back")
        feed.wait("call_answered", call_id=c["call_id"])
        call = next(iter(t.calls.values()))
        call.wait_stream()
        echoed(call, 0x22)
        sent = next(s for s in t.sent if s.kind == "voice")
        a = t.replay(sent)
        assert a.status == 200 and b"<Stream" in a.body, a
        echoed(call, 0x33)
        g.post(f"/voice/calls/{c['call_id']}/end")
        ended_once(feed, c["session_id"], status="completed")
        assert len(g.history(1)) == 1 and len(t.calls) == 1


def test_a_fresh_stream_takes_over_from_one_that_has_yet_to_close():
    with world(routes=BACK) as (g, t, feed):
        f = form_of(t)
        session = "twilio-" + f["CallSid"]

        def stream_of(answer, number):
            root, _ = twiml.parse(answer.body)
            tag = root.find("Stream")[0]
            w = WebSocket(g.port, tag.get("url").removeprefix("wss://localhost"))
            given = {p.get("name"): p.get("value") for p in root.find("Parameter")}
            w.send({"event": "start", "sequenceNumber": "1", "streamSid": f"MZ{number}",
                    "start": {"callSid": f["CallSid"], "streamSid": f"MZ{number}", "customParameters": given}})
            return w, tag.get("statusCallback").partition("ref=")[2]
        first, ref = stream_of(post_form(g, "/voice/twilio/inbound", f, twilio=t), 1)
        feed.wait("call_answered", session_id=session)
        path = f"/voice/twilio/answer?ref={ref}"
        second, _ = stream_of(post_form(g, path, {**f, "CallStatus": "in-progress"}, twilio=t, url=PUBLIC + path), 2)
        assert first.close_code() == 1000, first.closed
        g.until(lambda: g.get(f"/voice/sessions/{session}")["transport_metadata"]["stream_sid"] == "MZ2")
        for i in range(10):
            second.send({"event": "media", "sequenceNumber": str(i + 2), "streamSid": "MZ2",
                         "media": {"track": "inbound", "chunk": str(i + 1), "timestamp": str(20 * i), "payload": "IiIi" * 53 + "Ig=="}})
        assert '"MZ2"' in second.recv()
        g.post(f"/voice/sessions/{session}/end")
        ended_once(feed, session)
        second.socket.close()


# ---- reloads with calls up ----

def test_streams_and_documents_go_on_through_a_reload():
    routes = "  - {match: {to: \"+15559990000\"}, workflow: led, media: twiml}\n" + BACK
    led = "id: led\nsteps:\n" + "".join(f"  - {{type: gather, params: {{prompt: \"{n}.\", input: dtmf, num_digits: 1, timeout: 60s}}}}\n" for n in ("One", "Two"))
    with world(routes=routes, workflows=led, price_after=1) as (g, t, feed):
        streamed = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        document = t.ring(INBOUND, CALLER, "+15559990000", STATUS)
        out = g.call("+15550001")
        feed.wait("call_answered", call_id=out["call_id"])
        streamed.wait_stream()
        echoed(streamed, 0x22)
        document.wait(lambda c: c.gathering)
        answer = reconfigure(g, t, "error_text: \"Another apology.\"\ngreeting: \"\"\non_stream_loss: redirect", routes)
        assert any("twilio" in c for c in answer["changed"]), answer
        echoed(streamed, 0x33)
        document.press("1")
        document.wait(lambda c: c.gathering and c.said[-1] == "Two.")
        new = t.ring(INBOUND, "+15551113333", NUMBER, STATUS)
        new.wait_stream()
        assert not new.said, new.said  # the new setting, for new calls
        echoed(new, 0x44)
        echoed(streamed, 0x55)
        document.press("2")
        ended_once(feed, session_of(document), status="completed")
        g.post(f"/voice/calls/{out['call_id']}/end")
        for call in (streamed, new):
            call.hangup()
        for sid in (session_of(streamed), session_of(new), out["session_id"]):
            ended_once(feed, sid, status="completed")
            record_of(g, sid, "completed")
            g.until(lambda sid=sid: g.history(0, session_id=sid)[0]["cost"])  # the price that is waited for comes, too
        assert len(g.history(4)) == 4


def test_credentials_are_changed_under_calls():
    with world(routes=BACK) as (g, t, feed):
        old = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        old.wait_stream()
        echoed(old, 0x22)
        out = g.call("+15550001")
        feed.wait("call_answered", call_id=out["call_id"])
        for c in list(t.calls.values()):
            c.wait_stream()
            c.wait(lambda c: not c.courier.pending)
        # the new token is known before Twilio signs with it
        before, t.token = t.token, "the-token-of-tomorrow"
        t.users[t.account] = t.token
        reconfigure(g, t, f"auth_token_secondary: {before}")
        f = form_of(t)
        for token in (t.token, before):
            assert post_form(g, "/voice/twilio/status", f, signature=fake.signature(token, STATUS, f)).status == 204
        # and then without the old one
        reconfigure(g, t)
        assert post_form(g, "/voice/twilio/status", f, signature=fake.signature(before, STATUS, f)).status == 403
        echoed(old, 0x33)
        g.post(f"/voice/calls/{old.sid}/hold")  # by the new credentials: the old ones are refused by now
        feed.wait("hold_started", provider_call_id=old.sid)
        g.post(f"/voice/calls/{old.sid}/resume")
        old.wait_stream(2)
        echoed(old, 0x44)
        old.hangup()
        g.post(f"/voice/calls/{out['call_id']}/end")
        for sid in (session_of(old), out["session_id"]):
            ended_once(feed, sid, status="completed")
            record_of(g, sid, "completed")
        assert not [r for r in t.requests if r.status == 401], t.requests


def test_another_account_takes_over_under_calls():
    second = fake.Twilio(account="AC" + "f" * 32, token="token-of-the-other")
    with second, world(routes=BACK) as (g, t, feed):
        second.hosts = t.hosts
        old = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        old.wait_stream()
        feed.wait("call_answered", provider_call_id=old.sid)
        reconfigure(g, t, providers=instance(second))
        new = second.ring(INBOUND, CALLER, NUMBER, STATUS)
        new.wait_stream()
        echoed(new, 0x22)
        # what began with the first account is led and ended with its credentials
        g.post(f"/voice/calls/{old.sid}/hold")
        feed.wait("hold_started", provider_call_id=old.sid)
        g.post(f"/voice/calls/{old.sid}/resume")
        old.wait_stream(2)
        echoed(old, 0x33)
        for call in (old, new):
            call.hangup()
            ended_once(feed, session_of(call), status="completed")
            record_of(g, session_of(call), "completed")
        second.check()


def test_prices_are_known_after_the_code_was_changed():
    def plugins(g, _t):
        own_plugins(g)
    with world(routes=BACK, setup=plugins, price_after=1) as (g, t, feed):
        folder = g.plugins[0]
        old = g.call("+15550001")
        feed.wait("call_answered", call_id=old["call_id"])
        t.price_after = 10 ** 6  # not as long as the first code runs
        up = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        up.wait_stream()
        echoed(up, 0x22)
        g.post(f"/voice/calls/{old['call_id']}/end")
        ended_once(feed, old["session_id"], status="completed")
        variant(os.path.join(build(), "plugins", "twilio.so"), os.path.join(folder, "twilio.so.new"), b"0.1.0\0", b"0.1.9\0")
        os.replace(os.path.join(folder, "twilio.so.new"), os.path.join(folder, "twilio.so"))
        answer = g.post("/voice/reload", {})
        assert answer["changed"] == ["providers.twilio"], answer
        echoed(up, 0x33)  # led by the first code
        up.hangup()
        ended_once(feed, session_of(up), status="completed")
        g.until(lambda: len(g.get("/voice/plugins/twilio")["instances"]) == 1)
        t.price_after = 0
        new = t.ring(INBOUND, "+15551113333", NUMBER, STATUS)
        new.wait_stream()
        echoed(new, 0x44)
        new.hangup()
        ended_once(feed, session_of(new), status="completed")
        for sid in (old["session_id"], session_of(up), session_of(new)):
            g.until(lambda sid=sid: record_of(g, sid, "completed")["cost"])


if __name__ == "__main__":
    run(globals())
