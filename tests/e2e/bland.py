# plain
# budget: 300 s
"""bland.py [--build FOLDER] [NAME...] - the provider bland against a Bland of our own: calls, outcomes, webhooks that are signed, lost, late and
double, refusals, and requests that go wrong without a second call."""
import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fakes"))
from bland import MP3, Bland, Phone  # noqa: E402
from daemon import gateway, run  # noqa: E402

SECRET = "the-secret-of-the-webhooks"


def config(bland, more="", secret=SECRET, plugin="bland", calls="{voice: June, temperature: 0.5}"):
    return f"""
gateway: {{control_socket: $RUN/control.sock}}
http: {{listen: ["127.0.0.1:$PORT"], public_url: "http://127.0.0.1:$PORT"}}
providers:
  bland: {{plugin: {plugin}, default: true, base_url: "{bland.url}", api_key: "{bland.key}", poll_interval: 300ms, timeout: 30s,
    retry: {{max: 2, backoff: 50ms}}, call: {calls}{f", webhook_secret: {secret}" if secret else ""}{", " + more if more else ""}}}
store: {{plugin: sqlite, path: $STATE/voicegw.db}}
recordings: {{storage: local, path: $STATE/recordings}}
journal: {{path: $STATE/journal}}
"""


@contextlib.contextmanager
def both(secret=SECRET, poll="300ms", timeout="30s", stop=True, **more):
    with Bland(secret=secret) as bland:
        text = config(bland, secret=secret, **more).replace("poll_interval: 300ms", f"poll_interval: {poll}").replace("timeout: 30s", f"timeout: {timeout}")
        with gateway(text, stop=stop) as g:
            feed = g.feed()
            yield g, bland, feed
            feed.close()
        bland.check()


def call(g, to="+15550001", content="Ask whether they are at home.", **variables):
    return g.call(to, variables={"content": content, **variables})["call_id"]


def test_a_call_is_placed_led_and_recorded():
    with both(more="recording_enabled: true") as (g, bland, feed):
        made = call(g, name="Ann", voice_id="Nat", language="de", max_duration=90)
        answered = feed.wait("call_answered", call_id=made)
        assert answered["data"]["to"] == "+15550001", answered
        ended = feed.wait("call_ended", call_id=made)
        assert ended["data"]["status"] == "completed" and "ASSISTANT" in ended["data"]["cause"], ended
        body = bland.asked("POST", "/v1/calls")[0].body
        assert body["task"] == "Ask whether they are at home." and body["phone_number"] == "+15550001", body
        assert (body["voice"], body["language"], body["max_duration"], body["temperature"], body["record"]) == ("June", "de", 2, 0.5, True), body
        assert body["request_data"]["name"] == "Ann" and body["metadata"]["voicegw_call_id"] == made, body
        assert body["webhook"].startswith(f"http://127.0.0.1:{g.port}/voice/bland/webhook?token="), body
        record = g.history(1)[0]
        assert record["status"] == "completed" and abs(record["cost"] - 0.09) < 1e-9, record
        assert "Hello, who is there?" in record["transcription"], record
        turns = g.get(f"/voice/sessions/{record['session_id']}/transcript")["turns"]
        assert [(t["role"], t["content"]) for t in turns] == [("assistant", "Hello."), ("user", "Hello, who is there?"), ("system", "They talked.")], turns
        report = feed.wait("bland.report", call_id=made)
        assert report["data"]["body"]["summary"] == "They talked.", report
        available = feed.wait("recording_available", call_id=made)
        a = g.request("GET", f"/voice/recordings/{available['data']['recording_id']}")
        assert a.status == 200 and a.body.startswith("RIFF"), a
        assert record["calls"][0]["currency"] == "USD", record


def test_a_recording_behind_the_key_is_kept_in_its_own_format():
    with both(more="recording_enabled: true") as (g, bland, feed):
        bland.private_recordings = True
        made = call(g)
        available = feed.wait("recording_available", call_id=made)["data"]["recording_id"]
        assert bland.asked("GET", "/v1/recordings/.+")[0].headers["authorization"] == f"Bearer {bland.key}"
        a = g.request("GET", f"/voice/recordings/{available}")
        assert a.status == 200 and a.headers["content-type"] == "audio/mpeg" and int(a.headers["content-length"]) == len(MP3), a
        assert os.listdir(os.path.join(g.state, "recordings")) == [f"{available}.mp3"]
        a = g.request("GET", f"/voice/recordings/{available}.mp3", headers={"Range": "bytes=0-3"})
        assert a.status == 206 and int(a.headers["content-length"]) == 4, a
        a = g.request("GET", f"/voice/recordings/{available}?from=0.1&to=0.2")
        assert a.status == 416 and "WAV" in a.json["detail"], a
        assert bland.key not in g.log()


def test_outcomes_are_the_same_words_as_everywhere():
    with both() as (g, bland, feed):
        for n, (outcome, status) in enumerate((("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed"))):
            number = f"+1555010{n}"
            bland.phones[number] = Phone(outcome=outcome)
            made = call(g, number)
            failed = feed.wait("call_failed", call_id=made)
            assert failed["data"]["status"] == status, (outcome, failed)
        bland.phones["+15550200"] = Phone(outcome="machine", talks=0.05)
        made = call(g, "+15550200")
        ended = feed.wait("call_ended", call_id=made)
        assert ended["data"]["status"] == "completed", ended
        assert feed.wait("bland.report", call_id=made)["data"]["body"]["answered_by"] == "voicemail"
        record = [r for r in g.history(4) if r["status"] == "completed"][0]
        assert record["calls"][0].get("answered_by") == "machine", record


def test_parameters_are_refused_before_anything_is_sent():
    wrong = (("temperature", 7, "0 to 1"), ("voicemail", {"action": "shout"}, "hangup"), ("max_duration", 100000, "1440"), ("from", "12", "E.164"),
             ("keywords", ["x"] * 21, "20"), ("summary_prompt", "x" * 2001, "2000"), ("webhook_events", ["call", "nothing"], "queue"),
             ("transfer_list", {"desk": "555"}, "E.164"), ("start_time", "tomorrow", "start_time"), ("precall_dtmf_sequence", "12x", "w"),
             ("wait_for_greeting", "yes", "true or false"), ("interruption_threshold", 1.5, "whole"), ("webhook", "http://example.com/", "https"),
             ("dynamic_data", [{"url": "nowhere"}], "http"), ("temprature", 0.5, "extra"))
    with both() as (g, bland, feed):
        for field, value, limit in wrong:
            a = g.request("POST", "/voice/calls", {"to": "+15550001", "variables": {"content": "x", "platform_config": {field: value}}})
            assert a.status == 422 and field in a.json["detail"] and limit in a.json["detail"], (field, a)
        for body, says in (({"to": "sip:x@example.com", "variables": {"content": "x"}}, "E.164"), ({"to": "+15550001"}, "task"),
                           ({"to": "+15550001", "variables": {"content": "x", "max_duration": "soon"}}, "max_duration")):
            a = g.request("POST", "/voice/calls", body)
            assert a.status == 422 and says in a.json["detail"], a
        assert not bland.asked("POST", "/v1/calls"), bland.requests
        made = call(g, platform_config={"temperature": 0.1, "model": "turbo", "webhook_events": ["call"], "pronunciation_guide": [
            {"word": "voicegw", "pronunciation": "voice gateway", "case_sensitive": False, "spaced": False}], "transfer_list": {"desk": "+15550300"}})
        feed.wait("call_ended", call_id=made)
        assert feed.wait("bland.progress", call_id=made)["data"]["body"]["category"] == "call"
        bland.tells_first = True
        made = call(g, platform_config={"webhook_events": ["call"]})
        progress = feed.wait("bland.progress", call_id=made)
        feed.wait("call_ended", call_id=made)
        assert progress["data"]["provider_call_id"] == g.get(f"/voice/calls/{made}")["provider_call_id"], progress


def test_a_wrong_configuration_is_told_with_its_field():
    with Bland() as bland, gateway(config(bland, secret=None)) as g:
        g.write(config(bland, secret=None, calls="{temperature: 3}"))
        code, said = g.check()
        assert code == 78 and "temperature must be a number from 0 to 1" in said, said
        g.write(config(bland, secret=None))


def test_lost_callbacks_are_made_up_for_by_asking():
    with both() as (g, bland, feed):
        bland.webhooks, bland.transcript_after = "lost", 1
        bland.phones["+15550001"] = Phone(talks=1)
        made = call(g)
        feed.wait("call_answered", call_id=made)
        feed.wait("call_ended", call_id=made)
        record = g.history(1)[0]
        assert "who is there" in record["transcription"] and record["cost"] == 0.09, record
        bland.phones["+15550002"] = Phone(outcome="busy")
        assert feed.wait("call_failed", call_id=call(g, "+15550002"))["data"]["status"] == "busy"


def test_double_and_late_callbacks_end_a_call_once():
    with both(poll="60s") as (g, bland, feed):
        bland.webhooks = "twice"
        made = call(g)
        bland.wait(lambda: len(bland.sent) == 2)
        bland.webhooks = "second"
        second = call(g, "+15550002")
        late = feed.wait("bland.late")
        assert late["data"]["body"]["citations"] == [{"key": "room", "value": "12"}], late
        bland.webhooks = "late"
        third = call(g, "+15550003")
        feed.wait("call_ended", call_id=third)
        assert all(status == 200 for _, _, status, _ in bland.sent), bland.sent
        for one in (made, second, third):
            assert len(feed.find("call_ended", call_id=one)) == 1, feed.find("call_ended")
        assert len(g.history(3)) == 3
        assert g.metric("voicegw_plugin_duplicate_webhooks_total") == 1


def test_webhooks_must_prove_themselves():
    vector = b'{"call_id":"abc","completed":true}'
    with both(secret="bland-secret") as (g, bland, feed):
        url = f"http://127.0.0.1:{g.port}/voice/bland/webhook"
        signature = {"X-Webhook-Signature": "cf441d32c22278e50780a2c019438a38dc9aac43491ac0f03960fcd43cf09ce9"}
        assert bland.post(url, vector, signature)[0] == 200
        assert bland.post(url, vector + b" ", signature)[0] == 403
        assert bland.post(url, vector)[0] == 403
        assert bland.post(url, b"{", lambda raw: {"X-Webhook-Signature": "0" * 64})[0] == 403
        assert bland.send(None, b"[1]", url=url)[0] == 400
        assert bland.send(None, {"odd": 1}, url=url)[0] == 200
        assert feed.wait("bland.unknown")["data"]["body"] == {"odd": 1}
    with both(secret=None) as (g, bland, feed):
        made = call(g)
        feed.wait("call_ended", call_id=made)
        assert bland.post(f"http://127.0.0.1:{g.port}/voice/bland/webhook", vector)[0] == 403
        assert bland.post(f"http://127.0.0.1:{g.port}/voice/bland/webhook?token={'0' * 32}", vector)[0] == 403


def test_calls_are_stopped_transferred_and_asked_about():
    with both() as (g, bland, feed):
        bland.phones["+15550001"] = Phone(talks=60)
        made = call(g)
        feed.wait("call_answered", call_id=made)
        for command, body in (("hold", {}), ("say", {"text": "x"}), ("play", {"url": "https://example.com/x.wav"}), ("dtmf", {"digits": "1"}),
                              ("recording/start", {}), ("mute", {})):
            a = g.request("POST", f"/voice/calls/{made}/{command}", body)
            assert a.status == 501 and "the provider bland cannot" in a.json["detail"], (command, a)
        g.post(f"/voice/calls/{made}/end")
        ended = feed.wait("call_ended", call_id=made)
        assert ended["data"]["status"] == "completed", ended
        assert bland.asked("POST", "/v1/calls/[^/]+/stop"), bland.requests
        assert "who is there" in g.history(1)[0]["transcription"]
        made = call(g)
        feed.wait("call_answered", call_id=made)
        assert g.request("POST", f"/voice/calls/{made}/transfer", {"to": "+15550300", "kind": "attended"}).status in (422, 501)
        g.post(f"/voice/calls/{made}/transfer", {"to": "+15550300"})
        assert feed.wait("transfer_completed", call_id=made)["data"]["outcome"] == "completed"
        assert bland.asked("POST", "/v1/calls/active/transfer")[0].body["transfer_number"] == "+15550300"
        feed.wait("call_ended", call_id=made)


def test_requests_that_go_wrong_never_ring_twice():
    with both(timeout="2s") as (g, bland, feed):
        bland.misbehave(429, times=2, method="POST")
        feed.wait("call_ended", call_id=call(g, "+15550001"))
        for n, kind in enumerate(("lost", 500, "html"), 2):
            number = f"+1555000{n}"
            bland.misbehave(kind, method="POST")
            made = call(g, number)
            if kind == "lost":
                feed.wait("call_ended", call_id=made)
            else:
                failed = feed.wait("call_failed", call_id=made)
                assert failed["data"]["error_class"] == "provider", failed
            assert len([c for c in bland.calls.values() if c.body["phone_number"] == number]) == (kind == "lost"), kind
            assert len([r for r in bland.asked("POST", "/v1/calls") if r.body["phone_number"] == number]) == 1, kind
        bland.key = "another"
        failed = feed.wait("call_failed", call_id=call(g, "+15550009"))
        assert failed["data"]["error_class"] == "authentication", failed
        g.until(lambda: g.get("/health")["status"] == "degraded")
        assert "sk-the-key" not in g.log()


def test_messages_are_delivered_with_their_profile():
    profile = """voice_configs:
  default: {platform: bland, voice_id: Nat, max_duration: 90s, record_call: false, platform_config: {temperature: 0.2, dispositions: [kept, lost]}}
delivery: {retry: {busy: {max: 0}}}
"""
    with Bland(secret=SECRET) as bland, gateway(config(bland, calls="{language: de}") + profile) as g:
        def delivered(to):
            message = g.post("/voice/messages", {"to": to, "content": "Your room is ready."}, status=202)["message_id"]
            return g.until(lambda: (m := g.get(f"/voice/messages/{message}"))["status"] in ("delivered", "failed") and m)
        m = delivered("+15550001")
        assert m["status"] == "delivered" and "who is there" in m["transcript"] and abs(m["cost"] - 0.09) < 1e-9, m
        body = bland.asked("POST", "/v1/calls")[0].body
        assert (body["task"], body["voice"], body["max_duration"], body["temperature"], body["language"], body["voicemail"]["action"]) == (
            "Your room is ready.", "Nat", 2, 0.2, "de", "hangup"), body
        bland.phones["+15550002"] = Phone(outcome="busy")
        m = delivered("+15550002")
        assert m["status"] == "failed" and m["outcome"] == "busy", m
        bland.check()


def test_after_a_crash_live_calls_are_ended_at_the_platform():
    with both(plugin="bland_ai") as (g, bland, feed):
        bland.phones["+15550001"] = Phone(talks=60)
        made = call(g)
        feed.wait("call_answered", call_id=made)
        g.kill()
        g.start()
        bland.wait(lambda: bland.asked("POST", "/v1/calls/[^/]+/stop"))
        assert g.history(1)[0]["status"] == "interrupted"


if __name__ == "__main__":
    run(globals())
