#!/usr/bin/python3
# budget: 300 s
"""Conversations over /voice/mock/stream in Twilio's format, with real speech."""
import os
import time

from daemon import Stream, WebSocket, base, clip, gateway, loud, run

GREETED = "  - {match: {}, assistant: echo, stt: local, tts: local, record: true, greeting: Connecting to agent.}\n"
MENU = """
id: desk
greeting: Welcome.
prompt: Say breakfast.
options:
  - phrases: ["what time is breakfast"]
    say: Breakfast is from seven to ten in the morning, in the garden room on the ground floor, every day of the week and on holidays too.
  - digits: "1"
    say: One it is. Goodbye.
    hangup: true
no_match: Sorry.
"""


def test_spoken_words_get_a_spoken_answer():
    with gateway(base(routes=GREETED)) as g:
        feed = g.feed()
        s = Stream(g, "one", {"from": "+15551112222", "to": "+15553334444"})
        feed.wait("voice.session.created", session_id="mock-one")
        s.wait(lambda s: loud(s.heard[-1600:]) and len(s.heard) > 4000)
        live = g.get("/voice/sessions/mock-one")
        assert live["transport"] == "mock_stream", live
        meta = live["transport_metadata"]
        assert meta["stream_sid"] == s.sid and meta["from_number"] == "+15551112222" and meta["to_number"] == "+15553334444", meta
        assert live["caller_id"] == "+15551112222", live
        s.speak(b"", 1.0)  # the greeting is heard to its end
        g.until(lambda: g.get("/voice/sessions/mock-one/transcript")["turns"])
        before = len(s.heard)
        s.speak(clip("rms-1.ul"), 1.0)
        final = feed.wait("voice.stt.final", session_id="mock-one")
        assert final["data"]["text"], final
        g.until(lambda: any(e["data"]["text"].lower().startswith("you said") for e in feed.find("voice.assistant.text")))
        s.wait(lambda s: loud(s.heard[before:]))
        g.post("/voice/sessions/mock-one/end")
        stopped = feed.wait("voice.session.stopped", session_id="mock-one")
        assert stopped["data"]["status"] == "completed", stopped
        row = g.history(1, session_id="mock-one")[0]
        assert row["status"] == "completed" and row["caller_id"] == "+15551112222" and row["recording_url"], row
        turns = g.get("/voice/sessions/mock-one/transcript")["turns"]
        roles = [t["role"] for t in turns]
        assert roles[0] == "assistant" and "user" in roles and len(turns) >= 3, turns
        assert any(t["audio_url"] for t in turns), turns
        url = next(t["audio_url"] for t in turns if t["audio_url"])
        cut = g.request("GET", url.split(f":{g.port}", 1)[1])
        assert cut.status == 200 and cut.body[:4] == "RIFF", cut
        assert g.get("/metrics").count("voicegw_orphans 0") == 1
        s.stop()


def test_barge_in_clears_what_is_queued():
    config = base(routes="  - {match: {}, assistant: desk, stt: local, tts: local}\n",
                  more="").replace("back: {plugin: loopback}", "back: {plugin: loopback}, desk: {plugin: menu, file: menu.yaml}")
    from daemon import Gateway
    g = Gateway(config)
    try:
        with open(os.path.join(g.folder, "menu.yaml"), "w", encoding="utf-8") as f:
            f.write(MENU.replace("Welcome.", "Welcome to our hotel. We are glad that you call us today. All our rooms have a view of the sea, "
                                            "and breakfast is served every morning in the garden."))
        g.start()
        feed = g.feed()
        s = Stream(g, "barge")
        s.wait(lambda s: loud(s.heard[-1600:]) and len(s.heard) > 4000)
        s.speak(clip("rms-2.ul")[:16000])
        s.wait(lambda s: any(m["event"] == "clear" for m in s.messages))
        feed.wait("voice.assistant.interrupted", session_id="mock-barge")
        s.speak(b"", 1.5)
        g.until(lambda: any("orry" in e["data"]["text"] or "reakfast" in e["data"]["text"] for e in feed.find("voice.assistant.text")[1:]))
        s.dtmf("1")
        feed.wait("dtmf_received", digit="1")
        s.speak(b"", 4)
        e = feed.wait("call_ended", session_id="mock-barge")
        assert e["data"]["status"] == "completed", e
        s.wait(lambda s: s.over)
        g.stop()
    finally:
        g.done()


def test_hang_up_by_stop_ends_the_session_once():
    with gateway(base(routes=GREETED)) as g:
        feed = g.feed()
        for name in ("a", "mock-b"):
            s = Stream(g, name)
            session = "mock-a" if name == "a" else "mock-b"  # the prefix is not doubled
            feed.wait("call_answered", session_id=session)
            s.speak(b"", 0.1)
            s.stop()
            feed.wait("call_ended", session_id=session)
            assert len(g.history(1, session_id=session)) == 1
        again = Stream(g, "a2")
        feed.wait("call_answered", session_id="mock-a2")
        again.ws.socket.close()  # torn off, no close frame
        feed.wait("call_ended", session_id="mock-a2")


def test_loopback_gives_back_bit_for_bit():
    with gateway(base(assistant="back")) as g:
        feed = g.feed()
        s = Stream(g, "loop")
        feed.wait("call_answered")
        sent = b"".join(bytes((i * 7 + k) % 256 for k in range(160)) for i in range(100))
        for i in range(0, len(sent), 160):
            s.media(sent[i:i + 160])
            time.sleep(0.01)
        s.wait(lambda s: len(s.heard) >= len(sent) - 1600)
        assert s.heard[:160] in sent and s.heard in sent, (len(s.heard), len(sent))
        s.stop()
        feed.wait("call_ended")


def test_second_stream_for_a_session_is_refused():
    with gateway(base(assistant="back")) as g:
        feed = g.feed()
        s = Stream(g, "dup")
        feed.wait("call_answered", session_id="mock-dup")
        s.media(b"\x22" * 160)
        s.wait(lambda s: b"\x22" * 160 in s.heard)  # it has proved itself: the first to do so has the slot
        try:
            second = Stream(g, "dup")
        except AssertionError as e:
            assert "409" in str(e) or "503" in str(e), e
        else:
            second.wait(lambda s: s.over)
        for _ in range(5):
            s.media(b"\x11" * 160)
        s.wait(lambda s: b"\x11" * 160 in s.heard)
        assert len(g.get("/voice/calls")["calls"]) == 1
        s.stop()
        feed.wait("call_ended")


def test_bad_messages_harm_only_their_stream():
    bad = ["not json", "{", "[1,2]", "{}", '{"event": 5}', '{"event":"media"}', '{"event":"media","media":{"payload":"***"}}',
           '{"event":"media","media":{"payload":5}}', '{"event":"nonsense"}', '{"event":"media","media":{"payload":"' + "A" * 40001 + '"}}',
           '{"event":"dtmf","dtmf":{"digit":"ZZ"}}', '{"event":"mark"}', '"' + "x" * 5000 + '"', "{" * 200]
    with gateway(base(assistant="back")) as g:
        feed = g.feed()
        good = Stream(g, "good")
        feed.wait("call_answered", session_id="mock-good")
        for i, text in enumerate(bad):
            s = Stream(g, f"bad{i}")
            feed.wait("call_answered", session_id=f"mock-bad{i}")
            for _ in range(12):
                try:
                    s.ws.send(text)
                except OSError:
                    break
            s.ws.socket.close()
            feed.wait("call_ended", session_id=f"mock-bad{i}")
        # before the start: no audio, no other event, and it must not be waited for for ever
        w = WebSocket(g.port, "/voice/mock/stream/early")
        w.send({"event": "media", "media": {"payload": "AAAA"}})
        w.socket.close()
        # frames that break RFC 6455
        for i, (opcode, data, options) in enumerate(((1, b"\xff\xfe", {}), (3, b"x", {}), (1, b"{}", {"mask": False}), (9, b"x" * 126, {}), (0, b"x", {}),
                                      (1, b"x", {"rsv": 0x40}), (8, b"\x00", {}), (1, b"x" * 3_000_000, {}))):
            w = WebSocket(g.port, f"/voice/mock/stream/frames{i}")
            try:
                w.send_frame(opcode, data, **options)
                code = w.close_code()
            except OSError:
                code = 0
            assert code in (0, 1002, 1003, 1005, 1007, 1008, 1009), (opcode, code)
            w.socket.close()
            g.until(lambda: not any(x["session_id"] == f"mock-frames{i}" for x in g.get("/voice/sessions")["sessions"]))
        for _ in range(5):
            good.media(b"\x22" * 160)
        good.wait(lambda s: b"\x22" * 160 in s.heard)
        assert g.get("/health")["status"] == "ok"
        good.stop()
        feed.wait("call_ended", session_id="mock-good")


def test_unknown_session_is_404_when_streams_are_not_open():
    config = base(more="auth: {tokens: [{name: t, token: secret-token-1, scopes: [read, call, admin]}]}").replace("open_streams: true", "open_streams: false")
    with gateway(config, stop=False) as g:
        token = {"Authorization": "Bearer secret-token-1"}
        w = WebSocket(g.port, "/voice/mock/stream/nobody", headers=token, expect=None)
        assert w.status == 404, w.status
        w = WebSocket(g.port, "/voice/mock/stream/nobody", expect=None)
        assert w.status == 401, w.status
        w = WebSocket(g.port, "/voice/lab/nowhere", expect=None, headers=token)
        assert w.status == 404, w.status
        import signal
        g.process.send_signal(signal.SIGTERM)
        g.ended()


if __name__ == "__main__":
    run(globals())
