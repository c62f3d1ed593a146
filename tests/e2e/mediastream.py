#!/usr/bin/python3
# plain
# budget: 240 s
"""Applications that take Media Streams, as they were written for Twilio, behind calls of the mock."""
import contextlib
import importlib
import os
import sys

from daemon import ROOT, Stream, base, gateway, loud, run
from relay import ERROR, TOKEN, end_of

sys.path.append(os.path.join(ROOT, "tests", "fakes"))
from application import Application  # noqa: E402


def vendors_validator():
    """The vendor's own library, where it is installed; files of these tests bear its name."""
    path = sys.path
    sys.path = [p for p in path if os.path.join(ROOT, "tests") not in os.path.abspath(p or ".")]
    try:
        return importlib.import_module("twilio.request_validator").RequestValidator
    except ImportError:
        return None
    finally:
        sys.path = path


RequestValidator = vendors_validator()


@contextlib.contextmanager
def stream_gateway(options="", more="", app=None, **kind):
    """A gateway whose calls go to an application's media stream."""
    app = app or Application(**kind)
    mine = f"{{plugin: mediastream, url: \"{app.url('/media')}\", error_text: \"{ERROR}\"{options}}}"
    config = base(assistant="app", more=more).replace("back: {plugin: loopback}", f"app: {mine}")
    try:
        with gateway(config) as g:
            g.events = g.feed(last_id=0)
            yield g, app
    finally:
        app.close()


def tone_of(n):
    """mu-law octets in which each frame differs from every other; both zeros are the same voice, so only one of them is there."""
    return bytes((i * 7 + i // 160 * 13) % 127 for i in range(n))


def test_audio_passes_bit_for_bit_both_ways():
    options = ", auth_token: \"12345\", account_sid: AC1, parameters: {who: \"{{ from }}\", fixed: x, none: \"{{ variables.none }}\"}"
    with stream_gateway(options + ", headers: {X-Own: \"yes\"}", auth_token=TOKEN) as (g, app):
        s = Stream(g, "bits", {"from": "+15551112222", "to": "+15553334444"})
        c = app.connection()
        start = c.wait("start")["start"]
        assert start["accountSid"] == "AC1" and start["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}, start
        assert start["customParameters"] == {"who": "+15551112222", "fixed": "x", "none": ""}, start
        assert start["callSid"] and start["tracks"] == ["inbound"] and c.headers["X-Own"] == "yes" and not app.refused, start
        if RequestValidator:
            assert RequestValidator(TOKEN).validate(app.url("/media"), {}, c.headers["X-Twilio-Signature"]), c.headers
        sent = tone_of(160 * 25)
        s.speak(sent)
        c.wait(lambda c: sent in c.heard)
        answer = tone_of(8000 + 77)[::-1]
        c.media(answer[:5000])
        c.media(answer[5000:])
        c.mark("all of it")
        s.wait(lambda s: answer in s.heard)
        c.wait(lambda c: c.marks() == ["all of it"])
        stamps = [int(m["media"]["timestamp"]) for m in c.of("media")]
        assert stamps == sorted(stamps) and stamps[1] - stamps[0] == 20, stamps
        s.dtmf("5")
        assert c.wait("dtmf")["dtmf"] == {"track": "inbound_track", "digit": "5"}, c.messages
        s.stop()
        assert c.wait("stop")["stop"]["accountSid"] == "AC1"
        c.ended()
        assert c.socket.closed[0] == 1000, c.socket.closed
        g.events.wait("call_ended", session_id="mock-bits", status="completed")


def test_marks_come_back_when_their_audio_was_heard_and_at_once_after_clear():
    with stream_gateway() as (g, app):
        s = Stream(g, "marks")
        c = app.connection()
        c.wait("start")
        c.mark("nothing before")
        c.wait(lambda c: c.marks() == ["nothing before"])
        piece = tone_of(1600)
        for i in range(60):  # more than the host is given at a time
            c.media(piece[i * 2:][:320])
            c.mark(f"m{i}")
        s.wait(lambda s: len(s.heard) > 320 * 3)
        assert "m59" not in c.marks(), "a mark came before its audio"
        c.wait(lambda c: len(c.marks()) == 61)
        assert c.marks()[1:] == [f"m{i}" for i in range(60)], c.marks()
        assert len(s.heard) >= 60 * 320 - 160, len(s.heard)
        before = len(s.heard)
        c.media(tone_of(8000 * 20))
        c.mark("cut 1")
        c.media(tone_of(8000 * 20))
        c.mark("cut 2")
        s.wait(lambda s: len(s.heard) > before + 4000)
        s.dtmf("1")  # is the application's own affair
        c.wait("dtmf")
        assert "cut 1" not in c.marks(), c.marks()
        c.clear()
        after = b"\x11\x12\x13\x14" * 400
        c.media(after)  # in the same breath: it is not cleared
        c.mark("after")
        c.wait(lambda c: c.marks()[-1] == "after")
        assert c.marks()[-3:] == ["cut 1", "cut 2", "after"], c.marks()
        s.wait(lambda s: after in s.heard)
        assert len(s.heard) < before + 8000 * 15, "what was cleared was heard all the same"
        s.stop()
        c.ended()


def test_an_application_that_is_not_there_refuses_or_is_silent():
    app = Application(refuse=2)
    with stream_gateway(", connect_timeout: 60s", app=app) as (g, app):
        s = Stream(g, "later")
        c = app.connection()  # the third try is let in
        c.wait("start")
        assert len(app.refused) == 2
        s.stop()
        c.ended()
        g.events.wait("call_ended", session_id="mock-later")
        app.refuse = 1000
        s = Stream(g, "refused")
        end_of(g, "mock-refused", "could not be reached")
        s.wait(lambda s: loud(s.heard))  # the caller was told
    app = Application()
    app.silent = True
    with stream_gateway(", connect_timeout: 1s", app=app) as (g, app):
        Stream(g, "silent")
        end_of(g, "mock-silent", "in time")


def test_an_application_that_is_lost_or_sends_nonsense_ends_its_call_once():
    with stream_gateway() as (g, app):
        s = Stream(g, "lost")
        c = app.connection()
        c.wait("start")
        c.media(tone_of(1600))
        c.tear()
        end_of(g, "mock-lost", "was lost")
        s.wait(lambda s: loud(s.heard[3200:]))  # the caller was told
        Stream(g, "nonsense")
        c = app.connection(1)
        c.wait("start")
        wrong = ["{", "[]", '{"event":7}', '{"event":"media"}', '{"event":"media","media":{"payload":"***"}}', '{"event":"start"}',
                 '{"event":"clear","streamSid":"MZother"}', '{"event":"mark","mark":{"name":7}}', '{"event":"mark","mark":{"name":"%s"}}' % ("x" * 2000),
                 '{"event":"nothing"}']
        for text in wrong:
            c.send(text)
        c.mark("still there")
        c.wait(lambda c: c.marks() == ["still there"])
        for text in wrong:
            c.send(text)
        c.send(b"\x00\x01")
        end_of(g, "mock-nonsense", "wrong")
        assert g.metric("voicegw_plugin_application_bad_messages_total") == 21
        Stream(g, "giant")
        c = app.connection(2)
        c.wait("start")
        with contextlib.suppress(OSError):  # it is cut off in the middle
            c.send('{"event":"media","media":{"payload":"' + "A" * (5 << 20) + '"}}')
        end_of(g, "mock-giant", "too long")


def test_an_application_that_closes_is_done():
    with stream_gateway(", max_queue: 5s") as (g, app):
        s = Stream(g, "done")
        c = app.connection()
        c.wait("start")
        goodbye = tone_of(4000)
        c.media(goodbye)
        c.media(tone_of(8000 * 6))  # beyond max_queue
        c.socket.close(1000, "bye")
        s.wait(lambda s: goodbye in s.heard)  # what it had said is heard yet
        end_of(g, "mock-done", "closed its WebSocket", said=False)
        assert len(s.heard) < 8000 * 3 and not g.events.find("error"), len(s.heard)
        assert g.metric("voicegw_plugin_application_refused_audio_total") == 1


if __name__ == "__main__":
    run(globals())
