#!/usr/bin/python3
# plain
# budget: 240 s
"""Calls that Twilio leads by our documents (media: twiml): what a workflow or the API asks of them at any moment, also before Twilio
performs the first one."""
import json
import xml.etree.ElementTree as ET

from daemon import run
from twilio_lab import CALLER, DOCUMENTS, INBOUND, NUMBER, PUBLIC, STATUS, ended_once, fake, record_of, world
from twilio_vendor import Vendor

Phone = fake.Phone
MUSIC = "https://music.example.com/waiting.mp3"
WEB = {MUSIC: (200, "audio/mpeg", b"ID3")}


def session_of(call):
    return f"twilio-{call.sid}"


def led_by(steps, name="led"):
    """A route and the workflow that it names."""
    lines = "\n".join("  - " + s for s in steps)
    return {"routes": f"  - {{match: {{}}, workflow: {name}, media: twiml}}\n", "workflows": f"id: {name}\nsteps:\n{lines}\n"}


def outputs(g, status="completed"):
    """What the steps of the one run brought."""
    run_id = g.get("/voice/runs")["runs"][0]["run_id"]
    r = g.until(lambda: (lambda r: r if r["status"] != "running" else None)(g.get(f"/voice/runs/{run_id}")))
    assert r["status"] == status, json.dumps(r, indent=1)
    return [s["output"] for s in r["steps"]]


def outputs_of(g):
    run_id = g.get("/voice/runs")["runs"][0]["run_id"]
    return {s["type"]: s["output"] for s in g.get(f"/voice/runs/{run_id}")["steps"]}


GATHER = '{type: gather, params: {prompt: "%s", input: dtmf, num_digits: 1, timeout: 60s}, output_key: %s}'


def held(t, call):
    return next((c for c in t.conferences.values() if call.sid in c.people and c.people[call.sid]["hold"]), None)


def test_hold_as_the_first_step():
    steps = ["{type: voice_hold, params: {hold: true}, output_key: a}", "{type: voice_hold, params: {hold: false}}", GATHER % ("Thank you for waiting.", "key")]
    for options in ("", f"hold: {{mode: redirect, music: \"{MUSIC}\"}}"):
        with world(options, **led_by(steps), web=WEB) as (g, t, feed):
            call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
            feed.wait("hold_started", session_id=session_of(call))
            feed.wait("hold_ended", session_id=session_of(call))
            call.wait(lambda c: c.gathering)
            assert call.did("Play" if options else "Dial") and call.said == ["Thank you for waiting."], call.executed
            call.press("4")
            assert outputs(g)[0]["state"] == "on_hold" and outputs(g)[2]["digits"] == "4"
            ended_once(feed, session_of(call), status="completed")
            record_of(g, session_of(call), "completed")
            assert not [r for r in t.requests if r.status == 400], t.requests


def test_hold_while_a_document_is_performed():
    with world(**led_by([GATHER % ("One.", "a"), GATHER % ("Two.", "b")]), web=WEB) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        # asked for the moment it is answered: Twilio may not have the first document yet
        feed.wait("call_answered", session_id=session_of(call))
        g.post(f"/voice/calls/{call.sid}/hold", {"music": MUSIC})
        room = t.wait(lambda t: held(t, call))
        feed.wait("hold_started", session_id=session_of(call))
        assert t.wait_request("UpdateParticipant")["HoldUrl"] == MUSIC and g.get(f"/voice/calls/{call.sid}")["state"] == "on_hold"
        g.post(f"/voice/calls/{call.sid}/resume")
        t.wait(lambda t: call.sid not in room.people)
        # asked again what it was asked when it was put on hold
        call.wait(lambda c: c.gathering and c.said in (["One.", "One."], ["One."]))
        call.press("1")
        call.wait(lambda c: c.gathering and c.said[-1] == "Two.")
        call.press("2")
        ended_once(feed, session_of(call), status="completed")
        assert [o["digits"] for o in outputs(g)] == ["1", "2"]


def test_a_recording_is_started_paused_resumed_and_stopped():
    steps = ["{type: voice_start_recording, output_key: rec}", GATHER % ("One.", "a"), GATHER % ("Two.", "b"), "{type: voice_stop_recording, output_key: done}",
             GATHER % ("Three.", "c")]
    with world(**led_by(steps)) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        started = feed.wait("recording_started", session_id=session_of(call))
        call.wait(lambda c: c.gathering)
        recording = next(iter(t.recordings.values()))
        path = f"/voice/calls/{call.sid}/recording/"
        g.post(path + "pause")
        t.wait(lambda t: recording.status == "paused")
        g.post(path + "resume")
        t.wait(lambda t: recording.status == "in-progress")
        call.press("1")
        call.wait(lambda c: c.gathering and c.said[-1] == "Two.")
        call.press("2")
        stopped = feed.wait("recording_stopped", session_id=session_of(call))
        assert stopped["data"]["recording_id"] == started["data"]["recording_id"], (started, stopped)
        t.wait(lambda t: recording.ended)
        call.wait(lambda c: c.gathering and c.said[-1] == "Three.")
        assert len(feed.find("recording_started", session_id=session_of(call))) == 1, feed.events
        assert outputs_of(g)["voice_stop_recording"]["url"].startswith(PUBLIC + "/voice/recordings/RE"), outputs_of(g)
        # once more, by the API, and the caller hangs up over it
        g.post(path + "start")
        feed.wait("recording_started", count=2, session_id=session_of(call))
        call.hangup()
        ended_once(feed, session_of(call))
        feed.wait("recording_stopped", count=2, session_id=session_of(call))
        assert len(t.recordings) == 2 and all(r.call is call for r in t.recordings.values())
        row = g.until(lambda: (lambda r: r if r["recording_url"] else None)(record_of(g, session_of(call), "completed")))
        a = g.until(lambda: (lambda a: a if a.status == 200 else None)(g.request("GET", row["recording_url"].removeprefix(PUBLIC))))
        assert a.body[:4] == "RIFF", a


def test_recordings_that_the_api_asks_for_at_once():
    with world(**led_by([GATHER % ("One.", "a")])) as (g, t, feed):
        calls = [t.ring(INBOUND, f"+1555222{i:04}", NUMBER, STATUS) for i in range(5)]
        for c in calls:
            feed.wait("call_answered", session_id=session_of(c))
            g.post(f"/voice/calls/{c.sid}/recording/start")
            feed.wait("recording_started", session_id=session_of(c))
        for c in calls:
            g.post(f"/voice/calls/{c.sid}/end")
            ended_once(feed, session_of(c), status="completed")
            feed.wait("recording_stopped", session_id=session_of(c))
        assert len(t.recordings) == len(calls)


def test_an_attended_transfer_as_the_first_step():
    steps = ['{type: voice_transfer, params: {to_number: "+15550101", kind: attended, summary: "A guest."}, output_key: moved}']
    with world(**led_by(steps)) as (g, t, feed):
        t.phones["+15550101"] = Phone()
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        agent = t.wait(lambda t: next((c for c in t.calls.values() if c.to == "+15550101"), None))
        t.wait(lambda t: any({call.sid, agent.sid} <= set(c.people) for c in t.conferences.values()))
        e = feed.wait("transfer_completed", session_id=session_of(call))
        assert e["data"]["outcome"] == "completed" and "A guest." in agent.said, (e, agent.said)
        agent.hangup()
        call.hangup()
        ended_once(feed, session_of(call))


def test_who_a_workflow_sends_into_a_conference_is_led_there():
    with world(**led_by(['{type: conference, params: {name: lobby}, output_key: met}', GATHER % ("Goodbye.", "key")])) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        room = t.wait(lambda t: next((c for c in t.conferences.values() if c.name == "lobby" and call.sid in c.people), None))
        base = f"/voice/conferences/lobby/participants/{call.sid}/"
        for order, key, value in (("hold", "hold", True), ("resume", "hold", False), ("mute", "muted", True), ("unmute", "muted", False)):
            g.post(base + order)
            t.wait(lambda t, k=key, v=value: room.people[call.sid][k] is v)
            feed.wait("conference_" + {"hold": "held", "resume": "resumed", "mute": "muted", "unmute": "unmuted"}[order])
        room.end()  # by somebody else: the workflow goes on
        call.wait(lambda c: c.gathering)
        call.press("1")
        ended_once(feed, session_of(call), status="completed")
        assert outputs(g)[0]["outcome"] == "completed"
        kinds = [e["type"] for e in feed.events if e["type"].startswith("conference_")]
        assert kinds and kinds[0] == "conference_started" and kinds[-1] == "conference_ended", kinds
        # and who is removed has left the call, too
        other = t.ring(INBOUND, "+15551113333", NUMBER, STATUS)
        room = t.wait(lambda t: next((c for c in t.conferences.values() if c.name == "lobby" and other.sid in c.people), None))
        g.post(f"/voice/conferences/lobby/participants/{other.sid}/kick")
        ended_once(feed, session_of(other))
        other.wait_over()


VERBS = ['{type: pause, params: {duration: 2s}}', '{type: record, params: {max_duration: 10s, finish_on: "#"}, output_key: message}',
         '{type: voice_play_audio, params: {audio_url: "%s"}}' % MUSIC, '{type: voice_send_dtmf, params: {digits: "1w2#"}}',
         '{type: redirect, params: {url: "https://elsewhere.example.com/twiml"}}']


def test_pause_record_play_digits_and_redirect():
    elsewhere = {**WEB, "https://elsewhere.example.com/twiml": (200, "text/xml", b"<Response><Say>Elsewhere.</Say></Response>")}
    with world(**led_by(VERBS), web=elsewhere, scale=0.05) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait(lambda c: c.recording_verb)
        call.press("#")
        call.wait(lambda c: "Elsewhere." in c.said)
        ended_once(feed, session_of(call), status="completed")
        assert call.did("Pause")[0][1]["length"] == "2" and call.digits_sent == ["1w2#"] and call.played[0][0] == MUSIC, call.executed
        assert call.did("Redirect")[-1][2] == "https://elsewhere.example.com/twiml", call.executed
        out = outputs(g)
        assert out[1]["recording_id"].startswith("RE") and out[1]["digits"] == "#", out


def test_a_sound_that_is_repeated_and_a_call_that_the_api_ends():
    with world(**led_by(['{type: voice_play_audio, params: {audio_url: "%s", loop: true}}' % MUSIC]), web=WEB) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait(lambda c: c.played)
        assert call.did("Play")[0][1]["loop"] == "0", call.executed
        g.post(f"/voice/calls/{call.sid}/end")
        ended_once(feed, session_of(call), status="completed")
        call.wait_over()
        assert t.wait_request("UpdateCall")["Status"] == "completed"


def test_documents_are_those_that_the_library_builds():
    vendor = Vendor.get()
    steps = ['{type: voice_play_tts, params: {text: "Tom & <Jerry>", language: de-DE}}', '{type: gather, params: {prompt: "One.", phrases: [a, b], timeout: 5s}}']
    with world(**led_by(steps)) as (g, t, feed):
        call = t.ring(INBOUND, CALLER, NUMBER, STATUS)
        call.wait(lambda c: c.gathering)
        call.reply("a")
        ended_once(feed, session_of(call))
    for text, root in DOCUMENTS:  # whatever was answered in this run
        ours, theirs = (ET.canonicalize(x.decode() if isinstance(x, bytes) else x, strip_text=True) for x in (text, vendor.ask(do="build", tree=root.tree())["xml"]))
        assert ours == theirs, (ours, theirs)
    assert len(DOCUMENTS) >= 3, DOCUMENTS


if __name__ == "__main__":
    run(globals())
