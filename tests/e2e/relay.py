#!/usr/bin/python3
# plain
# budget: 300 s
"""Applications that speak ConversationRelay, as they were written for Twilio, behind calls of the mock."""
import contextlib
import json
import os
import struct
import sys

from daemon import ROOT, Gateway, Stream, base, run, spoken

sys.path.append(os.path.join(ROOT, "tests", "fakes"))
from application import Application  # noqa: E402

TOKEN = "12345"
ERROR = "We are sorry."


def end_of(g, session, word, said=True, turns=None):
    """The call ended once, with this cause, and its caller was told that something went wrong."""
    e = g.events.wait("call_ended", session_id=session)
    assert word in e["data"]["cause"], e
    assert len(g.history(1, session_id=session)) == 1
    if said:
        heard = [t["content"] for t in g.get(f"/voice/sessions/{session}/transcript")["turns"]]
        assert heard == (turns or [ERROR]), heard
        g.events.wait("error", session_id=session)
    assert len(g.events.find("call_ended", session_id=session)) == 1


GUEST = """
id: guest
from: "+15551234567"
to: "+18005550100"
steps:
  - expect: {text: welcome to the hotel, within: 60s}
  - say: {text: book a room}
  - expect: {text: you said book a room, within: 60s}
  - dtmf: {digits: "7"}
  - expect: {text: by your key, within: 60s}
  - expect: {dtmf: "12#", within: 60s}
  - expect: {text: goodbye, within: 60s}
"""
HOLDS = """
id: holds
steps:
  - pause: {seconds: 300}
"""
HINTS = 'hints: ["book a room", "check out"]'


@contextlib.contextmanager
def relay_gateway(options="", answer=None, scripts=GUEST, more="", app=None, **kind):
    app = app or Application(answer=answer, **kind)
    mine = f"{{plugin: conversationrelay, url: \"{app.url('/relay?x=1')}\", error_text: \"{ERROR}\", {HINTS}{options}}}"
    config = base(assistant="app", mock="scripts: [callers.yaml], caller_patience_ms: 1200", more=more).replace("back: {plugin: loopback}", f"app: {mine}")
    g = Gateway(config)
    try:
        with open(os.path.join(g.folder, "callers.yaml"), "w", encoding="utf-8") as f:
            f.write(scripts)
        g.start()
        g.events = g.feed(last_id=0)
        yield g, app
        g.stop()
    except BaseException:
        if os.environ.get("VERBOSE"):
            print(g.log()[-8000:])
        raise
    finally:
        g.done()
        app.close()


def wav(seconds=0.4):
    data = b"".join(struct.pack("<h", (i * 701) % 12000 - 6000) for i in range(int(seconds * 8000)))
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack("<I", len(data)) + data


def test_a_conversation_token_by_token_with_keys_sound_and_an_end_that_hands_on():
    def answer(c, m):
        if m["type"] == "prompt" and m["last"]:
            words = f"You said {m['voicePrompt']}. Press a key.".split(" ")
            for i, word in enumerate(words):
                c.say(word + " ", last=i == len(words) - 1)
        elif m["type"] == "dtmf":
            c.say("By your key ", last=False)
            c.say(f"{m['digit']} I go on.")
            c.send({"type": "play", "source": f"http://127.0.0.1:{c.app.port}/bell.wav"})
            c.send({"type": "sendDigits", "digits": "12#"})
            c.send({"type": "language", "ttsLanguage": "en-GB", "transcriptionLanguage": "en-US"})
            c.send({"type": "text", "token": "Goodbye.", "last": True})
            c.send({"type": "end", "handoffData": json.dumps({"reason": "done", "key": m["digit"]})})
    options = ", auth_token: \"12345\", dtmf_detection: true, partial_prompts: true, welcome_greeting: Welcome to the hotel., parameters: {who: \"{{ from }}\"}"
    allow = "outbound_urls: {allow: [127.0.0.1]}\n"
    with relay_gateway(options, answer, more=allow, auth_token=TOKEN, files={"/bell.wav": wav()}) as (g, app):
        call = g.post("/voice/mock/calls", {"script": "guest"}, status=202)
        c = app.connection()
        setup = c.wait("setup")
        assert setup["from"] == "+15551234567" and setup["to"] == "+18005550100" and setup["direction"] == "inbound", setup
        assert setup["customParameters"] == {"who": "+15551234567"} and setup["callSid"] and setup["sessionId"].startswith("VX"), setup
        done = g.events.wait("mock.script_done", seconds=180)
        assert done["data"]["ok"], (done, g.events.find("mock.expect_failed"), c.messages)
        prompts = [m for m in c.of("prompt") if m["last"]]
        assert [m["voicePrompt"] for m in prompts] == ["book a room"] and prompts[0]["lang"], prompts
        e = g.events.wait("call_ended", call_id=call["call_id"])
        assert e["data"]["cause"] == "the application ended the session", e
        c.ended()
        g.until(lambda: c.socket.closed and c.socket.closed[0] == 1000 and app.requests["/bell.wav"] == 1)
        assert not c.of("error"), c.messages
        session = g.get(f"/voice/sessions/{call['session_id']}")
        assert json.loads(session["variables"]["handoff"]) == {"reason": "done", "key": "7"}, session
        said = [(t["role"], t["content"].lower()) for t in g.get(f"/voice/sessions/{call['session_id']}/transcript")["turns"]]
        assert said[0] == ("assistant", "welcome to the hotel.") and ("user", "book a room") in said and said[-1] == ("assistant", "goodbye."), said


BARGES = """
id: barges
steps:
  - barge_in: {after: 1.2, text: check out}
  - expect: {text: all right, within: 60s}
"""


def test_who_cuts_in_is_told_and_what_was_cut_is_not_said():
    long = "This is a very long answer that nobody wants to hear to its end, and it goes on and on about the weather and the sea. Then there is more"

    def answer(c, m):
        if m["type"] == "setup":
            c.say(long, last=False)  # of its own accord, and not complete
        elif m["type"] == "interrupt":
            c.say("Never to be heard.", last=False)
        elif m["type"] == "prompt":
            c.say("All right.")
    with relay_gateway("", answer, BARGES) as (g, app):
        g.post("/voice/mock/calls", {"script": "barges", "from": "+1", "to": "+2"}, status=202)
        c = app.connection()
        cut = c.wait("interrupt")
        assert cut["durationUntilInterruptMs"] > 300 and long.startswith(cut["utteranceUntilInterrupt"].strip()[:10]), cut
        assert len(cut["utteranceUntilInterrupt"]) < len(long), cut
        done = g.events.wait("mock.script_done", seconds=180)
        assert done["data"]["ok"], (done, g.events.find("mock.expect_failed"), c.messages)
        c.ended()
        texts = [e["data"]["text"] for e in g.events.find("voice.assistant.text")]
        assert texts == ["All right."] and len(c.of("interrupt")) == 1, (texts, c.messages)


def test_what_may_not_be_cut_is_heard_to_its_end():
    def answer(c, m):
        if m["type"] == "setup":
            c.say("This sentence is for everybody and is heard to its end.", interruptible=False)
        elif m["type"] == "dtmf":
            c.say("One key.")
            c.send({"type": "end"})
    with relay_gateway(", dtmf_detection: true, interruptible: none", answer) as (g, app):
        s = Stream(g, "key")
        s.wait(lambda s: spoken(s.heard))
        s.dtmf("1")
        e = g.events.wait("call_ended", session_id="mock-key")
        assert e["data"]["status"] == "completed", e
        texts = [e["data"]["text"] for e in g.events.find("voice.assistant.text")]
        assert texts[0].endswith("to its end.") and texts[1:] == ["One key."], texts
        app.connection().ended()


def test_a_relay_that_fails_tells_its_caller_and_wrong_messages_are_answered():
    with relay_gateway(scripts=HOLDS) as (g, app):
        Stream(g, "wrong")
        c = app.connection()
        c.wait("setup")
        wrong = ["{", '{"type":"sing"}', '{"type":"text"}', '{"type":"play","source":"/etc/passwd"}', '{"type":"sendDigits","digits":"x"}',
                 '{"type":"language"}', '{"type":"end","handoffData":{}}', '{"type":"text","token":7}']
        for text in wrong:
            c.send(text)
        c.wait(lambda c: len(c.of("error")) == len(wrong))
        c.say("I am still here.")
        g.events.wait("voice.assistant.text", text="I am still here.")
        for text in wrong + wrong:
            with contextlib.suppress(OSError):
                c.send(text)
        end_of(g, "mock-wrong", "wrong", turns=["I am still here.", ERROR])
        Stream(g, "torn")
        c = app.connection(1)
        c.wait("setup")
        c.tear()
        end_of(g, "mock-torn", "was lost")
        app.refuse = 1000
        Stream(g, "refused")
        end_of(g, "mock-refused", "could not be reached")


if __name__ == "__main__":
    run(globals())
