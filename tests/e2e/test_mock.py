#!/usr/bin/python3
# budget: 400 s
"""The mock telephone in a gateway that runs: callers' scripts, what becomes of calls, every operation of a provider."""
import json
import os
import tempfile

from daemon import Stream, loud, run
from test_workflows import completed, incoming, lab, start, tone, write

HOLD_ON = """
id: holds_on
to: "+1555*"
steps:
  - pause: {seconds: 300}
"""
HOTEL = """
id: hotel
steps:
  - type: gather
    params: {prompt: "Welcome. How can I help you?", input: speech, phrases: [book a room, check out, what time is breakfast], timeout: 60s}
    output_key: wish
  - {type: voice_play_tts, params: {text: "You said {{ wish.text }}. Press one if that is right."}}
  - {type: gather, params: {input: dtmf, num_digits: 1, timeout: 60s}, output_key: key}
  - {type: if, params: {condition: {field: key.digits, operator: eq, value: "1"}, then: [{type: voice_play_tts, params: {text: "Thank you and goodbye."}}], else: [{type: voice_play_tts, params: {text: "Sorry."}}]}}
  - {type: stop, params: {result: {wish: "{{ wish.text }}", input: "{{ wish.input }}", digits: "{{ key.digits }}"}}}
"""
GUEST = """
id: guest
from: "+15551234567"
to: "+18005550100"
steps:
  - expect: {text: how can I help, within: 60s}
  - say: {text: book a room}
  - expect: {text: you said book a room, within: 60s}
  - dtmf: {digits: "1"}
  - expect: {text: thank you and goodbye, within: 60s}
"""


def done(g, call):
    """The script's end, which must be a good one."""
    e = g.events.wait("mock.script_done", call_id=call["call_id"])
    assert e["data"]["ok"], (e, g.events.find("mock.expect_failed"), [(x["type"], x["data"]) for x in g.events.events[-20:]])
    return e


def test_a_spoken_conversation_by_a_workflow():
    with lab(HOTEL, scripts=GUEST, routes="  - {match: {script: guest}, workflow: hotel}\n") as g:
        c = incoming(g, script="guest")
        assert c["from"] == "+15551234567" and c["to"] == "+18005550100" and c["script"] == "guest", c
        done(g, c)
        e = g.events.wait("call_ended", call_id=c["call_id"])
        assert e["data"]["cause"] == "run_ended", e
        r = completed(g, g.get("/voice/runs")["runs"][0]["run_id"])
        assert r["result"] == {"wish": "book a room", "input": "speech", "digits": "1"}, r
        turns = [(t["role"], t["content"].lower()) for t in g.get(f"/voice/sessions/{c['session_id']}/transcript")["turns"]]
        assert ("user", "book a room") in turns and ("assistant", "thank you and goodbye.") in turns, turns
        assert turns[0] == ("assistant", "welcome. how can i help you?"), turns


KINDS = """
id: every_kind
from: "+15550009"
to: "+15550008"
steps:
  - expect: {event: call_answered}
  - wav: {file: sounds/utterance.wav}
  - pause: {seconds: 0.2}
  - noise: {db: -45, seconds: 0.3}
  - dtmf: {digits: "12"}
  - expect: {event: dtmf_received}
  - hold: {seconds: 0.3}
  - expect: {event: hold_ended, within: 60s}
  - expect: {event: "workflow_*", dtmf: "42#", within: 60s}
  - expect: {text: a long announcement, within: 60s}
  - hangup
"""
ANNOUNCES = """
id: announces
steps:
  - {type: wait_for, params: {event_type: hold_ended}}
  - {type: voice_send_dtmf, params: {digits: "42#"}}
  - {type: voice_play_tts, params: {text: "This is a long announcement."}}
  - {type: wait_for, params: {event_type: never}}
"""


def test_every_step_of_a_script():
    with lab(ANNOUNCES, scripts=KINDS, routes="  - {match: {}, workflow: announces}\n") as g:
        os.makedirs(os.path.join(g.folder, "mock/sounds"))
        tone(os.path.join(g.folder, "mock/sounds/utterance.wav"))
        c = incoming(g, script="every_kind")
        done(g, c)
        e = g.events.wait("call_ended", call_id=c["call_id"])
        assert e["data"]["cause"] == "the caller hung up", e
        assert [x["data"]["digit"] for x in g.events.find("dtmf_received", call_id=c["call_id"])] == ["1", "2"]
        held = g.events.wait("hold_started", call_id=c["call_id"])
        assert held["data"]["by"] == "provider", held


BARGE = """
id: barges
steps:
  - barge_in: {after: 0.8, text: check out}
  - expect: {text: you said check out, within: 60s}
"""
LONG = """
id: long
steps:
  - type: gather
    params:
      prompt: "Welcome to the hotel. You can book a room, or ask what time breakfast is, or check out, or wait until you hear the end of this very long sentence."
      phrases: [book a room, check out, what time is breakfast]
    output_key: wish
  - {type: voice_play_tts, params: {text: "You said {{ wish.text }}."}}
"""


def test_barge_in():
    with lab(LONG, scripts=BARGE, routes="  - {match: {}, workflow: long}\n") as g:
        c = incoming(g, **{"from": "+1", "to": "+2", "script": "barges"})
        done(g, c)


def test_what_must_be_heard_and_is_not_fails_the_script():
    with lab(HOTEL, routes="  - {match: {}, workflow: hotel}\n") as g:
        steps = [{"expect": {"text": "good evening", "within": "5s"}}, "hangup"]
        c = incoming(g, **{"from": "+1", "to": "+2", "steps": steps})
        e = g.events.wait("mock.expect_failed", call_id=c["call_id"])
        assert e["data"]["step"] == 1 and "good evening" in e["data"]["expected"] and "Welcome" in e["data"]["got"], e
        e = g.events.wait("mock.script_done", call_id=c["call_id"])
        assert e["data"] == {"script": "", "ok": False, "failed_steps": [1]}, e
        g.events.wait("call_ended", call_id=c["call_id"], status="completed")


def test_orders_that_cannot_be_followed():
    with lab(scripts=HOLD_ON) as g:
        for body, status, word in (({"script": "none"}, 422, "script"), ({"from": 1, "to": "+1"}, 422, "from"), ({"steps": [{"sing": "x"}]}, 422, "steps[0]"),
                                   ({"steps": [{"say": {}}]}, 422, "text")):
            a = g.request("POST", "/voice/mock/calls", body)
            assert a.status == status and word in a.body, (body, a)
        assert g.request("POST", "/voice/mock/calls", raw=b"{").status == 400
        a = g.request("POST", "/voice/mock/calls", {"from": "+1", "to": "+2", "steps": ["hangup"]})
        assert a.status == 202, a
    with lab(scripts="id: a\nsteps:\n  - sing: la\n") as g:
        health = g.get("/health")
        assert health["status"] == "degraded" and "steps[0]" in json.dumps(health), health


def test_slow_and_silent_callees():
    rules = 'outcomes: [{to: "+1556*", outcome: slow, after: 1200ms}]'
    with lab(mock=rules, routes="  - {match: {}, greeting: Hello., assistant: echo}\n") as g:
        c = g.call("+15561234")
        g.events.wait("call_answered", call_id=c["call_id"])
        states = {e["type"]: e["time"] for e in g.events.events if e["call_id"] == c["call_id"]}
        assert states["call_ringing"] < states["call_answered"], states
        # the callee has no script: it listens, and says nothing
        said = g.post(f"/voice/calls/{c['call_id']}/say", {"text": "Is anybody there?"}, status=202)
        assert said["call_id"] == c["call_id"]
        g.events.wait("voice.assistant.text", call_id=c["call_id"])
        assert not g.events.find("voice.stt.final", call_id=c["call_id"])
        g.post(f"/voice/calls/{c['call_id']}/end")
        g.events.wait("call_ended", call_id=c["call_id"])


def test_every_operation_of_a_provider_by_the_api():
    with lab(scripts=HOLD_ON, more="departments: {desk: \"+15550199\"}\n") as g:
        tone(os.path.join(g.folder, "tone.wav"))
        c = g.call("+15550001")["call_id"]
        g.events.wait("call_answered", call_id=c)

        def ask(what, body=None, status=(200, 202)):
            a = g.request("POST", f"/voice/calls/{c}/{what}", body or {})
            assert a.status in status, (what, a)
            return a
        ask("answer", status=(409,))
        ask("hold", {"music": "https://example.com/music.wav"})
        g.events.wait("hold_started", call_id=c)
        assert g.get(f"/voice/calls/{c}")["state"] == "on_hold"
        ask("say", {"text": "no"}, status=(409,))
        ask("resume")
        g.events.wait("hold_ended", call_id=c)
        ask("play", {"url": os.path.join(g.folder, "tone.wav")})
        ask("say", {"text": "Hello.", "voice": "slt"})
        g.events.wait("voice.assistant.text", call_id=c)
        ask("dtmf", {"digits": "1w2"})
        ask("dtmf", {"digits": "hello"}, status=(422,))
        ask("mute")
        ask("unmute")
        ask("recording/start")
        g.events.wait("recording_started", call_id=c)
        ask("recording/start", status=(409,))
        ask("recording/pause")
        ask("recording/resume")
        ask("recording/stop")
        e = g.events.wait("recording_stopped", call_id=c)
        assert e["data"]["recording_id"] in e["data"]["url"], e
        ask("transfer", {"department": "desk", "kind": "attended"})
        e = g.events.wait("transfer_completed", call_id=c)
        assert e["data"]["to"] == "+15550199" and e["data"]["outcome"] == "completed", e
        g.events.wait("call_ended", call_id=c)
        d = g.call("+15550002")["call_id"]
        g.events.wait("call_answered", call_id=d)
        g.post(f"/voice/calls/{d}/end")
        g.events.wait("call_ended", call_id=d)
        a = g.request("POST", f"/voice/calls/{d}/hold", {})
        assert a.status in (404, 409), a


def test_a_transfer_that_is_refused_brings_the_caller_back():
    with lab(scripts=HOLD_ON, mock='outcomes: [{to: "+1999", outcome: busy}]') as g:
        c = g.call("+15550001")["call_id"]
        g.events.wait("call_answered", call_id=c)
        g.post(f"/voice/calls/{c}/transfer", {"to": "+1999"})
        e = g.events.wait("transfer_completed", call_id=c)
        assert e["data"]["outcome"] == "busy", e
        g.until(lambda: g.get(f"/voice/calls/{c}")["state"] == "connected")


def test_conferences():
    with lab(scripts=HOLD_ON) as g:
        calls = [g.call(f"+155500{i:02d}")["call_id"] for i in range(3)]
        for c in calls:
            g.events.wait("call_answered", call_id=c)
            g.post(f"/voice/calls/{c}/conference", {"name": "team"})
            g.events.wait("conference_joined", call_id=c)
        assert g.events.wait("conference_started")["data"]["conference"] == "team"
        assert g.events.find("conference_joined", call_id=calls[2])[0]["data"]["participants"] == 3
        for verb, event in (("hold", "held"), ("resume", "resumed"), ("mute", "muted"), ("unmute", "unmuted"), ("kick", "kicked")):
            g.post(f"/voice/conferences/team/participants/{calls[0]}/{verb}")
            g.events.wait(f"conference_{event}", call_id=calls[0])
        g.events.wait("call_ended", call_id=calls[0])
        a = g.request("POST", f"/voice/conferences/other/participants/{calls[1]}/mute", {})
        assert a.status in (202, 404, 409), a
        for c in calls[1:]:
            g.post(f"/voice/calls/{c}/end")
        g.events.wait("conference_ended")
        assert g.events.find("conference_left", call_id=calls[1])


ANSWERERS = """
id: person
to: "+15551*"
steps:
  - pause: {seconds: 0.4}
  - say: {text: "Hello?"}
  - pause: {seconds: 60}
---
id: machine
to: "+15552*"
steps:
  - pause: {seconds: 0.4}
  - say: {text: "Hello and welcome. You have reached the office of Mary Miller, and nobody is here to take your call at this time of the day."}
  - pause: {seconds: 60}
---
id: loud_machine
to: "+15553*"
steps:
  - barge_in: {after: 0.4, text: "Hello and welcome. You have reached the office of Mary Miller, and nobody is here to take your call at this time."}
  - pause: {seconds: 60}
"""
BRANCH = """
id: reach
steps:
  - {type: wait_for, params: {event_type: amd_result, timeout: 30s}, output_key: who}
  - type: if
    params:
      condition: {field: who.answered_by, operator: eq, value: human}
      then: [{type: voice_play_tts, params: {text: "Hello, your room is ready."}}]
      else: [{type: voice_end_call, params: {}}]
  - {type: stop, params: {result: "{{ who.answered_by }}"}}
"""


def test_who_answers_is_found_out_by_the_sound():
    more = "talk: {amd: true}\nvoice_configs: {default: {platform: lab}}\n"
    with lab(BRANCH, scripts=ANSWERERS, more=more) as g:
        for to, who in (("+15551000", "human"), ("+15552000", "machine_start")):
            c = g.call(to, workflow="reach")
            e = g.events.wait("amd_result", call_id=c["call_id"])["data"]
            assert e["answered_by"] == who and 0.5 < e["confidence"] <= 1 and e["reason"] and e["duration_ms"] > 400, e
            g.events.wait("call_ended", call_id=c["call_id"])
            run = [r for r in g.get("/voice/runs")["runs"] if r["call_id"] == c["call_id"]][0]
            assert completed(g, run["run_id"])["result"] == who, run
            said = [x["data"]["text"] for x in g.events.find("voice.assistant.text", call_id=c["call_id"])]
            assert said == (["Hello, your room is ready."] if who == "human" else []), said
        # a message is not told to a machine
        m = g.post("/voice/messages", {"to": "+15553001", "content": "This is a long message about your room. " * 8}, status=202)
        g.until(lambda: g.get(f"/voice/messages/{m['message_id']}")["status"] == "failed")
        assert g.get(f"/voice/messages/{m['message_id']}")["outcome"] == "voicemail"


SMS = """
id: text
steps:
  - {type: send_sms, params: {to: "{{ trigger.to }}", message: "Your room is ready.", from: "+1800"}, output_key: sent}
  - {type: wait_for, params: {event_type: [message_delivered, message_failed], conditions: [{field: message_id, operator: eq, value: "{{ sent.message_id }}"}], timeout: 60s}, output_key: fate}
  - {type: stop, params: {result: "{{ fate.status }}"}}
"""


def test_text_messages():
    with lab(SMS, mock='outcomes: [{to: "+1557*", outcome: failed}]') as g:
        assert completed(g, start(g, "text", {"to": "+15551234"}))["result"] == "delivered"
        r = completed(g, start(g, "text", {"to": "+15571234"}))
        assert r["result"] == "failed" and r["steps"][0]["output"]["provider_message_id"], r
        g.events.wait("message_delivered")
        kinds = [e["type"] for e in g.events.events if e["type"].startswith("message_")]
        assert kinds[:3] == ["message_accepted", "message_sent", "message_delivered"], kinds


def test_a_caller_waits_as_long_as_it_is_told():
    with lab(HOTEL, scripts=GUEST, mock="caller_patience_ms: 1500", routes="  - {match: {}, workflow: hotel}\n") as g:
        c = incoming(g, script="guest")
        done(g, c)


def test_tones_in_the_band():
    steps = [{"expect": {"event": "call_answered"}}, {"pause": 0.5}, {"dtmf": "159#"}, {"pause": 1}, "hangup"]
    with lab(mock="dtmf: inband", routes="  - {match: {}, assistant: echo}\n") as g:
        c = incoming(g, **{"from": "+1", "to": "+2", "steps": steps})
        g.events.wait("call_ended", call_id=c["call_id"])
        digits = [e["data"] for e in g.events.find("dtmf_received", call_id=c["call_id"])]
        assert "".join(d["digit"] for d in digits) == "159#" and digits[0]["source"] == "inband", digits


PIN = """
id: pin
steps:
  - {type: gather, params: {prompt: "Please type the four digits of your number, this is a long sentence that a key cuts.", input: dtmf, num_digits: 4}, output_key: typed}
  - {type: voice_play_tts, params: {text: "Thank you."}}
  - {type: stop, params: {result: "{{ typed.digits }}"}}
"""


def test_keys_that_are_told_outside_of_the_stream_count_and_count_once():
    steps = [{"expect": {"event": "call_answered"}}, {"pause": 1}, {"dtmf": "7735"}, {"expect": {"text": "thank you", "within": "60s"}}, "hangup"]
    for how in ("callback", "both"):
        with lab(PIN, mock=f"dtmf: {how}", routes="  - {match: {}, workflow: pin}\n") as g:
            c = incoming(g, **{"from": "+1", "to": "+2", "steps": steps})
            g.events.wait("call_ended", call_id=c["call_id"])
            r = completed(g, g.get("/voice/runs")["runs"][0]["run_id"])
            digits = [e["data"] for e in g.events.find("dtmf_received", call_id=c["call_id"])]
            assert r["result"] == "7735" or r["result"] == 7735, (how, r)
            assert "".join(d["digit"] for d in digits) == "7735", (how, digits)
            assert how == "both" or {d["source"] for d in digits} == {"callback"}, digits


LOOPS = """
id: loops
steps:
  - {type: voice_play_audio, params: {audio_url: "@TONE@", loop: true}, timeout: 1s, on_error: continue}
  - {type: delay, params: {seconds: 3}}
  - {type: stop}
"""


def test_a_loop_ends_with_the_step_that_was_given_up():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tone.wav")
        tone(path)
        with lab(LOOPS.replace("@TONE@", path), routes="  - {match: {}, workflow: loops}\n") as g:
            caller = Stream(g, "listener", {"from": "+1"})
            caller.wait(lambda s: loud(s.heard))
            g.events.wait("call_ended")
            caller.wait(lambda s: any(m["event"] == "clear" for m in s.messages))
            played = sum(1 for at in range(0, len(caller.heard), 160) if loud(caller.heard[at:at + 160]))
            assert played < 50 * 3, f"of a second's step {played / 50} s were sent"


def test_talk_options_of_the_file_the_route_and_the_step():
    """max_turns, which digits use up one by one: the nearest to the call wins."""
    step = "id: two\nsteps:\n  - {type: assistant, params: {name: echo, talk: {max_turns: 2}}, output_key: end}\n" \
           "  - {type: stop, params: {result: \"{{ end.action }}\"}}\n"
    routes = """  - {match: {to: "+1"}, assistant: echo}
  - {match: {to: "+2"}, assistant: echo, talk: {max_turns: 3}}
  - {match: {to: "+3"}, workflow: two}
"""
    with lab(step, routes=routes, more="talk: {max_turns: 1}\n") as g:
        for to, turns in (("+1", 1), ("+2", 3), ("+3", 2)):
            caller = Stream(g, f"to{to[1:]}", {"from": "+1", "to": to})
            sid = f"mock-to{to[1:]}"
            g.events.wait("call_answered", session_id=sid)
            for n in range(turns + 1):
                caller.dtmf("7")
                g.events.wait("dtmf_received", session_id=sid, count=n + 1)
                if n < turns:
                    g.events.wait("voice.assistant.text", session_id=sid, count=n + 1)
            g.events.wait("call_ended", session_id=sid)
            answers = g.events.find("voice.assistant.text", session_id=sid)
            assert len(answers) == turns, (to, answers)


def test_a_voice_that_the_engine_lacks_is_told_once_and_its_own_speaks():
    with lab(scripts=HOLD_ON, mock="tts_voice: en-US-Standard-A", routes="  - {match: {}, assistant: echo}\n") as g:
        for number in ("+15550001", "+15550002"):
            c = g.call(number)["call_id"]
            g.events.wait("call_answered", call_id=c)
            g.post(f"/voice/calls/{c}/say", {"text": "Hello."}, status=202)
            said = g.events.wait("voice.assistant.text", call_id=c)["data"]
            assert said["text"] == "Hello." and said["stages"]["heard"] > 200, said
        assert g.log().count('no voice "en-US-Standard-A"') == 1, g.log()[-3000:]


if __name__ == "__main__":
    run({k: v for k, v in globals().items() if getattr(v, "__module__", "") == "__main__"})
