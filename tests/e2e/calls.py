#!/usr/bin/python3
# budget: 300 s
"""Calls by the API of a gateway that runs: their states, their ends, their records."""
import signal
import time

from daemon import base, gateway, run

TERMINAL = ("call_ended", "call_failed")


def settled(feed, call, kind, **want):
    """The call's terminal event; and that it has only the one."""
    e = feed.wait(kind, call_id=call["call_id"], **want)
    feed.wait("voice.session.stopped", session_id=call["session_id"])
    ends = [x for x in feed.events if x["type"] in TERMINAL and x["call_id"] == call["call_id"]]
    assert len(ends) == 1, ends
    return e


def record(g, call, status):
    rows = g.until(lambda: [r for r in g.history(0, session_id=call["session_id"]) if r["status"] != "active"])
    assert len(rows) == 1 and rows[0]["status"] == status, rows
    return rows[0]


def test_media_that_a_provider_does_not_have_is_refused():
    with gateway(base()) as g:
        a = g.request("POST", "/voice/calls", {"to": "+15550001", "media": "twiml"})
        assert a.status == 501 and "no documents of its own" in a.body, a
        feed = g.feed()
        call = g.call("+15550001", media="stream")
        feed.wait("call_answered", call_id=call["call_id"])
        g.post(f"/voice/calls/{call['call_id']}/end")
        settled(feed, call, "call_ended")


def test_call_goes_through_its_states_and_ends_once():
    with gateway(base()) as g:
        feed = g.feed()
        call = g.call("+15550001", lead_id="L1", reservation_id="R1", variables={"a": 1})
        assert call["state"] == "initiating" and call["direction"] == "outbound", call
        first = feed.wait("call_initiated", call_id=call["call_id"])
        assert first["data"]["to"] == "+15550001", first
        feed.wait("call_ringing", call_id=call["call_id"])
        feed.wait("call_answered", call_id=call["call_id"])
        live = g.get(f"/voice/calls/{call['call_id']}")
        assert live["state"] == "connected" and live["provider_call_id"], live
        assert g.get(f"/voice/calls/{live['provider_call_id']}")["call_id"] == call["call_id"]
        assert g.metric("voicegw_orphans") == 0
        g.post(f"/voice/calls/{call['call_id']}/end")
        end = settled(feed, call, "call_ended", status="completed")
        assert end["data"]["total_duration"] >= end["data"]["duration"] >= 0, end
        order = [e["type"] for e in feed.events if e["call_id"] == call["call_id"] and e["type"].startswith("call_")]
        assert order == ["call_initiated", "call_ringing", "call_answered", "call_ended"], order
        ids = [e["id"] for e in feed.events]
        assert ids == sorted(set(ids)), ids
        row = record(g, call, "completed")
        assert (row["lead_id"], row["reservation_id"], row["direction"]) == ("L1", "R1", "outbound"), row
        assert g.metric("voicegw_calls_total", provider="lab", status="completed") == 1
        assert g.get(f"/voice/calls/{call['call_id']}")["status"] == "completed"


def test_outcomes():
    rules = ", ".join(f'{{to: "+1555000{i}*", outcome: {o}, after: 50ms}}'
                      for i, o in enumerate(("busy", "no_answer", "failed", "canceled", "dropped")))
    with gateway(base(mock=f"outcomes: [{rules}]")) as g:
        feed = g.feed()
        expected = {"busy": "call_failed", "no_answer": "call_failed", "failed": "call_failed", "canceled": "call_failed",
                    "dropped": "call_ended"}
        calls = {o: g.call(f"+1555000{i}1") for i, o in enumerate(expected)}
        for outcome, kind in expected.items():
            e = settled(feed, calls[outcome], kind)
            status = "completed" if outcome == "dropped" else outcome
            assert e["data"]["status"] == status, e
            record(g, calls[outcome], status)
            state = g.get(f"/voice/calls/{calls[outcome]['call_id']}")
            assert state["state"] == ("ended" if outcome == "dropped" else "failed"), state


def test_callbacks_twice_and_late_change_nothing():
    rules = 'outcomes: [{to: "+15559*", outcome: busy}]'
    with gateway(base(mock=f"duplicate_callbacks: true, late_callbacks_ms: 150, {rules}")) as g:
        feed = g.feed()
        a, b = g.call("+15550001"), g.call("+15559001")
        settled(feed, b, "call_failed", status="busy")
        feed.wait("call_answered", call_id=a["call_id"])
        g.post(f"/voice/calls/{a['call_id']}/end")
        settled(feed, a, "call_ended")
        g.until(lambda: g.metric("voicegw_dropped_total", 0, what="call_state_duplicate") > 0)
        # what is late is told up to 150 ms after the end: a call after it has come and gone, so have those
        c = g.call("+15559002")
        settled(feed, c, "call_failed")
        time.sleep(0.3)
        for call, kind in ((a, "call_ended"), (b, "call_failed")):
            ends = [e for e in feed.events if e["type"] in TERMINAL and e["call_id"] == call["call_id"]]
            assert [e["type"] for e in ends] == [kind], ends
        assert len(g.history(3)) == 3


def test_limits_end_calls():
    config = base(gateway="max_call_duration: 1s", more="media_silence_timeout: 60s")
    with gateway(config) as g:
        feed = g.feed()
        call = g.call("+15550001")
        e = settled(feed, call, "call_ended")
        assert e["data"]["cause"] == "max_call_duration" and e["data"]["duration"] >= 0.95, e
    with gateway(base(gateway="session_timeout: 1s", more="media_silence_timeout: 60s", assistant="back")) as g:
        feed = g.feed()
        e = settled(feed, g.call("+15550001"), "call_ended")
        assert e["data"]["cause"] == "session_timeout", e
    slow = 'outcomes: [{to: "+1555*", outcome: no_answer, after: 60s}]'
    with gateway(base(mock=slow)) as g:
        feed = g.feed()
        e = settled(feed, g.call("+15550001", timeout_seconds=1), "call_failed")
        assert e["data"]["status"] == "no_answer", e


def test_silent_media_ends_a_call():
    with gateway(base(more="media_silence_timeout: 1s", assistant="back")) as g:
        feed = g.feed()
        from daemon import Stream
        s = Stream(g, "quiet")
        s.media(b"\xff" * 160)
        e = feed.wait("call_ended", session_id="mock-quiet")
        assert "media" in e["data"]["cause"], e
        s.stop()


def test_drain_waits_for_calls_and_a_second_signal_does_not():
    with gateway(base(), stop=False) as g:
        feed = g.feed()
        call = g.call("+15550001")
        feed.wait("call_answered")
        g.process.send_signal(signal.SIGTERM)
        g.until(lambda: "draining" in g.log())
        control = g.folder + "/run/control.sock"
        assert g.process.poll() is None
        end_by_control(control, call["call_id"])
        g.ended()
    with gateway(base(), stop=False) as g:
        feed = g.feed()
        calls = [g.call("+15550001") for _ in range(3)]
        feed.wait("call_answered", count=3)
        g.process.send_signal(signal.SIGTERM)
        g.until(lambda: "draining" in g.log())
        g.process.send_signal(signal.SIGTERM)
        g.ended()
        assert "did not end in time" not in g.log(), g.log()[-3000:]
        g.start()
        rows = g.history(3)
        assert sorted(r["session_id"] for r in rows) == sorted(c["session_id"] for c in calls), rows
        assert {r["status"] for r in rows} == {"interrupted"}, rows
        g.stop()


def end_by_control(path, call_id):
    """POST over the control socket, which stays open in a drain."""
    import http.client
    import socket
    c = http.client.HTTPConnection("localhost")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(path)
    c.request("POST", f"/voice/calls/{call_id}/end", body="{}", headers={"Content-Type": "application/json"})
    assert c.getresponse().status in (200, 202)
    c.close()


def test_drain_and_undrain_by_the_api():
    with gateway(base()) as g:
        feed = g.feed()
        call = g.call("+15550001")
        feed.wait("call_answered")
        g.post("/voice/drain", {})
        refused = g.request("POST", "/voice/calls", {"to": "+15550002"})
        assert refused.status == 503 and "retry-after" in refused.headers, refused
        assert g.request("GET", "/health/ready").status == 503
        assert g.get("/health")["status"] == "draining"
        g.post("/voice/undrain", {})
        assert g.request("GET", "/health/ready").status == 200
        g.call("+15550003")
        g.post(f"/voice/calls/{call['call_id']}/end")
        settled(feed, call, "call_ended")


def test_full_gateway_answers_busy():
    with gateway(base(gateway="max_sessions: 2")) as g:
        feed = g.feed()
        calls = [g.call("+15550001"), g.call("+15550002")]
        refused = g.request("POST", "/voice/calls", {"to": "+15550003"})
        assert refused.status == 503 and int(refused.headers["retry-after"]) > 0, refused
        assert refused.json["title"], refused
        assert g.request("GET", "/health/ready").status == 503
        # a caller from outside gets a busy answer, told as a call that failed
        g.request("POST", "/voice/mock/calls", {"from": "+1444", "to": "+1555", "steps": [{"pause": {"seconds": 1}}]})
        feed.wait("call_failed", status="busy", direction="inbound")
        for c in calls:
            g.post(f"/voice/calls/{c['call_id']}/end")
            feed.wait("voice.session.stopped", session_id=c["session_id"])
        g.until(lambda: g.request("POST", "/voice/calls", {"to": "+15550003"}).status == 202)


def test_disabled_gateway_refuses_every_call_with_a_sentence():
    with gateway(base(gateway="enabled: false")) as g:
        feed = g.feed()
        refused = g.request("POST", "/voice/calls", {"to": "+15550003"})
        assert refused.status == 503 and "disabled" in refused.body, refused
        assert g.get("/health")["status"] == "disabled"
        assert g.request("GET", "/health/live").status == 200
        assert g.request("GET", "/health/ready").status == 503
        g.request("POST", "/voice/mock/calls", {"from": "+1444", "to": "+1555", "steps": [{"pause": {"seconds": 1}}]})
        feed.wait("call_failed", status="busy")


def test_hold_resume_transfer_mute_and_record():
    with gateway(base(more='departments: {desk: "+15550100"}')) as g:
        feed = g.feed()
        call = g.call("+15550001")
        path = f"/voice/calls/{call['call_id']}/"
        feed.wait("call_answered")
        g.post(path + "hold")
        feed.wait("hold_started")
        assert g.get(path[:-1])["state"] == "on_hold"
        g.post(path + "resume")
        feed.wait("hold_ended")
        g.post(path + "mute")
        g.post(path + "unmute")
        g.post(path + "recording/start")
        feed.wait("recording_started")
        g.post(path + "say", {"text": "Hello."})
        g.post(path + "dtmf", {"digits": "12"})
        g.post(path + "recording/stop")
        feed.wait("recording_stopped")
        g.post(path + "transfer", {"department": "desk"})
        feed.wait("transfer_completed", outcome="completed")
        settled(feed, call, "call_ended", status="completed")
        record(g, call, "completed")
        again = g.request("POST", path + "hold", {})
        assert again.status in (404, 409), again


if __name__ == "__main__":
    run(globals())
