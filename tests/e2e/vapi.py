# plain
# budget: 300 s
"""vapi.py [--build FOLDER] [NAME...] - the provider vapi against a Vapi of our own: calls both ways, its messages and the answers to them, what
proves them, control of live calls, and requests that go wrong without a second call."""
import contextlib
import http.server
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fakes"))
from vapi import Phone, Vapi  # noqa: E402
from daemon import gateway, run  # noqa: E402

SECRET = "the-secret-of-the-server"


def config(vapi, more="", secret=SECRET, routes="  - {match: {}}\n"):
    return f"""
gateway: {{control_socket: $RUN/control.sock}}
http: {{listen: ["127.0.0.1:$PORT"], public_url: "http://127.0.0.1:$PORT"}}
providers:
  vapi: {{plugin: vapi, default: true, base_url: "{vapi.url}", api_key: "{vapi.key}", poll_interval: 300ms, timeout: 30s, assistant_id: helper,
    phone_number_id: number-1, retry: {{max: 2, backoff: 50ms}}{f", server_secret: {secret}" if secret else ""}{", " + more if more else ""}}}
store: {{plugin: sqlite, path: $STATE/voicegw.db}}
recordings: {{storage: local, path: $STATE/recordings}}
journal: {{path: $STATE/journal}}
routes:
{routes}"""


@contextlib.contextmanager
def both(proof=None, poll="300ms", timeout="30s", **more):
    with Vapi(proof=proof or {"secret": SECRET}) as vapi:
        with gateway(config(vapi, **more).replace("poll_interval: 300ms", f"poll_interval: {poll}").replace("timeout: 30s", f"timeout: {timeout}")) as g:
            feed = g.feed()
            yield g, vapi, feed
            feed.close()
            assert "a-secret-of-the-carrier" not in g.log() + json.dumps(feed.events)
        vapi.check()


def call(g, to="+15550001", content="Good morning!", **variables):
    return g.call(to, variables={"content": content, **variables})["call_id"]


def server(g):
    return f"http://127.0.0.1:{g.port}/voice/vapi/server"


def test_a_call_is_placed_led_and_recorded():
    with both(more="recording_enabled: true") as (g, vapi, feed):
        made = call(g, name="Ann", voice_id="11labs:burt", max_duration="2m", platform_config={"customer": {"name": "Ann"}})
        feed.wait("call_ringing", call_id=made)
        feed.wait("call_answered", call_id=made)
        ended = feed.wait("call_ended", call_id=made)
        assert ended["data"]["status"] == "completed" and ended["data"]["cause"] == "assistant-ended-call", ended
        body = vapi.asked("POST", "/call")[0].body
        own = body["assistantOverrides"]
        assert (body["assistantId"], body["phoneNumberId"], body["customer"]) == ("helper", "number-1", {"number": "+15550001", "name": "Ann"}), body
        assert (own["firstMessage"], own["voice"], own["maxDurationSeconds"]) == ("Good morning!", {"provider": "11labs", "voiceId": "burt"}, 120), own
        assert own["variableValues"]["name"] == "Ann" and own["metadata"]["voicegw_call_id"] == made == body["name"], body
        record = g.history(1)[0]
        assert record["status"] == "completed" and abs(record["cost"] - 0.09) < 1e-9, record
        turns = g.get(f"/voice/sessions/{record['session_id']}/transcript")["turns"]
        assert [(t["role"], t["content"]) for t in turns] == [("assistant", "Hello."), ("user", "Hello, who is there?"), ("system", "They talked.")], turns
        assert feed.wait("vapi.report", call_id=made)["data"]["body"]["analysis"]["summary"] == "They talked."
        available = feed.wait("recording_available", call_id=made)
        assert g.request("GET", f"/voice/recordings/{available['data']['recording_id']}").body.startswith("RIFF")


def test_outcomes_are_the_same_words_as_everywhere():
    with both() as (g, vapi, feed):
        for n, (outcome, status) in enumerate((("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed"))):
            number = f"+1555010{n}"
            vapi.phones[number] = Phone(outcome=outcome)
            failed = feed.wait("call_failed", call_id=call(g, number))
            assert failed["data"]["status"] == status, (outcome, failed)
        vapi.phones["+15550200"] = Phone(outcome="machine")
        feed.wait("call_ended", call_id=call(g, "+15550200", machine="leave_message"))
        assert vapi.asked("POST", "/call")[-1].body["assistantOverrides"]["voicemailMessage"] == "Good morning!"
        record = [r for r in g.history(4) if r["status"] == "completed"][0]
        assert record["calls"][0]["answered_by"] == "machine", record


def test_parameters_are_refused_before_anything_is_sent():
    wrong = (("name", "x" * 41, "40"), ("customer", {"extension": "12345678901"}, "10"), ("customer", {"number": "+15550002"}, "no field"),
             ("assistantOverrides", {"maxDurationSeconds": 5}, "10 to 43200"), ("assistantOverrides", {"server": {"timeoutSeconds": 301}}, "300"),
             ("schedulePlan", {"earliestAt": "tomorrow morning!!"}, "ISO 8601"), ("customers", [], "no field"), ("squadId", 7, "text"))
    with both() as (g, vapi, feed):
        for field, value, limit in wrong:
            a = g.request("POST", "/voice/calls", {"to": "+15550001", "variables": {"platform_config": {field: value}}})
            assert a.status == 422 and field in a.json["detail"] and limit in a.json["detail"], (field, a)
        a = g.request("POST", "/voice/calls", {"to": "+15550001", "variables": {"platform_config": {"squadId": "s", "workflowId": "w"}}})
        assert a.status == 422 and "exclude each other" in a.json["detail"], a
        a = g.request("POST", "/voice/calls", {"to": "nobody"})
        assert a.status == 422 and "E.164" in a.json["detail"], a
        assert not vapi.asked("POST", "/call")
        feed.wait("call_ended", call_id=call(g, platform_config={"squadId": "s-1"}))
        assert vapi.asked("POST", "/call")[0].body["squadId"] == "s-1"
        g.write(config(vapi, more="hmac_secret: x, hmac: {algorithm: sha9}"))
        code, said = g.check()
        assert code == 78 and "hmac: algorithm must be one of" in said, said
        g.write(config(vapi))


def test_lost_double_late_and_reversed_messages_end_a_call_once():
    with both() as (g, vapi, feed):
        made = []
        for n, how in enumerate(("lost", "twice", "late", "reversed")):
            vapi.messages, vapi.artifact_after = how, 1
            vapi.phones[f"+1555000{n}"] = Phone(talks=0.7 if how == "lost" else 0.05)
            made.append(call(g, f"+1555000{n}"))
            feed.wait("call_ended", call_id=made[-1])
            vapi.wait(lambda: all(c.status == "ended" for c in vapi.calls.values()))
        records = g.history(4)
        assert len(records) == 4 and all(r["status"] == "completed" and r["transcription"].count("who is there") == 1 for r in records), records
        assert all(abs(r["cost"] - 0.09) < 1e-9 for r in records), records
        for one in made:
            assert len(feed.find("call_ended", call_id=one)) == 1, feed.find("call_ended")


def test_messages_must_prove_themselves():
    body = b'{"message":{"type":"hang"}}'
    vectors = ((SECRET, "", {"X-Vapi-Secret": SECRET}, {"X-Vapi-Secret": SECRET + "x"}),
               (None, "bearer_token: abc", {"Authorization": "Bearer abc"}, {"Authorization": "Basic abc"}),
               (None, "bearer_token: abc, bearer: {header: X-Key, prefix: \"k=\"}", {"X-Key": "k=abc"}, {"X-Key": "abc"}),
               (None, "hmac_secret: vapi-secret, hmac: {tolerance: 86400, include_timestamp: false}",
                {"X-Signature": "04671100519529076a5691540b9d06cb3744b696dc3de00d0be51fe9932d0c1c"},
                {"X-Signature": "04671100519529076a5691540b9d06cb3744b696dc3de00d0be51fe9932d0c1d"}),
               (None, "hmac_secret: dmFwaS1zZWNyZXQ=, hmac: {algorithm: sha512, secret_is_base64: true, signature_encoding: base64, signature_prefix: \"v1=\","
                " signature_header: X-Vapi-Signature, timestamp_header: X-At, payload_format: \"{body}|{timestamp}\"}",
                {"hmac": "dmFwaS1zZWNyZXQ=", "algorithm": "sha512", "secretIsBase64": True, "signatureEncoding": "base64", "signaturePrefix": "v1=",
                 "signatureHeader": "X-Vapi-Signature", "timestampHeader": "X-At", "payloadFormat": "{body}|{timestamp}"},
                {"X-Vapi-Signature": "v1=AAAA", "X-At": "1700000000"}),
               (None, "hmac_secret: vapi-secret", {"hmac": "vapi-secret"}, {"X-Signature": "6f76d23d08cc3caf85c50bd74da167556b839d897ace4788b136b52a2b2ea926",
                                                        "X-Timestamp": "1700000000"}))
    with Vapi() as vapi:
        with gateway(config(vapi, secret=SECRET)) as g:
            for secret, more, right, wrong in vectors:
                g.write(config(vapi, secret=secret, more=more))
                g.post("/voice/reload")
                if "hmac" in right:
                    for late in (400, -400):
                        vapi.proof = dict(right, time=time.time() - late)
                        assert vapi.post(server(g), body, vapi.prove(body))[0] == 403, "replayed"
                    vapi.proof = right
                    right = vapi.prove(body)
                assert vapi.post(server(g), body, right)[0] == 200, (more, right)
                assert vapi.post(server(g), body, wrong)[0] == 403, (more, wrong)
                assert vapi.post(server(g), body)[0] == 403, more
            for odd in (b"[]", b"{", b"{}", b'{"message":[]}'):
                vapi.proof = {"hmac": "vapi-secret"}
                assert vapi.post(server(g), odd, vapi.prove(odd))[0] == 400, odd
    with both(secret=None, proof={"none": 1}) as (g, vapi, feed):
        feed.wait("call_ended", call_id=call(g))
        assert vapi.post(server(g), body)[0] == 403


def test_live_calls_are_steered_by_their_control_address():
    with both(more="public_key: the-public-key") as (g, vapi, feed):
        vapi.public_key = "the-public-key"
        vapi.phones["+15550001"] = Phone(talks=60)
        made = call(g)
        feed.wait("call_answered", call_id=made)
        there = next(iter(vapi.calls.values()))
        g.post(f"/voice/calls/{made}/say", {"text": "One more thing."})
        vapi.wait(lambda: there.said == ["One more thing."])
        g.post(f"/voice/calls/{made}/mute")
        vapi.wait(lambda: there.muted)
        for command, body in (("hold", {}), ("play", {"url": "https://example.com/x.wav"}), ("dtmf", {"digits": "1"}), ("recording/start", {})):
            a = g.request("POST", f"/voice/calls/{made}/{command}", body)
            assert a.status == 501 and "the provider vapi cannot" in a.json["detail"], (command, a)
        g.post(f"/voice/calls/{made}/end")
        assert feed.wait("call_ended", call_id=made)["data"]["status"] == "completed"
        assert "who is there" in g.history(1)[0]["transcription"]
        made = call(g)
        feed.wait("call_answered", call_id=made)
        g.post(f"/voice/calls/{made}/transfer", {"to": "+15550300"})
        assert feed.wait("transfer_completed", call_id=made)["data"]["outcome"] == "completed"
        feed.wait("call_ended", call_id=made)
        assert not [r for r in vapi.requests if r.method == "DELETE"]
        assert "/control" not in g.log()


def test_calls_that_come_in_get_the_assistant_of_their_route():
    routes = """  - {match: {to: "+15550500"}, greeting: "Welcome to the hotel.", variables: {platform_config: {assistantId: hotel}, house: grand}}
  - {match: {to: "+15557654321"}}
"""
    with both(routes=routes) as (g, vapi, feed):
        there = vapi.ring(server(g), "+15551110001", "+15550500")
        assert there.answer["assistantId"] == "hotel", there.answer
        own = there.answer["assistantOverrides"]
        assert own["firstMessage"] == "Welcome to the hotel." and own["variableValues"]["house"] == "grand", own
        initiated = feed.wait("call_initiated")
        assert initiated["session_id"] == f"vapi-{there.id}" and initiated["data"]["from"] == "+15551110001", initiated
        feed.wait("call_answered")
        feed.wait("call_ended")
        record = g.history(1)[0]
        assert record["direction"] == "inbound" and "who is there" in record["transcription"] and record["cost"] == 0.09, record
        assert vapi.ring(server(g), "+15551110002").answer["assistantId"] == "helper"
        assert "error" in vapi.ring(server(g), "+15551110003", "+15550999").answer
        heard = vapi.ring(server(g), "+15551110004", asks=False)
        feed.wait("call_answered", session_id=f"vapi-{heard.id}")
        feed.wait("call_ended", session_id=f"vapi-{heard.id}")


class Tool(http.server.BaseHTTPRequestHandler):
    seen = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.path, body, self.headers.get("x-key")))
        status, answer = {"/rooms": (200, b'{"result":"room 12\\nis free"}'), "/raw": (200, b'{"free":\n 3}'), "/sad": (200, b'{"error":"fully booked"}'),
                          "/bad": (500, b"oh"), "/slow": (200, b"{}")}[self.path]
        if self.path == "/slow":
            time.sleep(1)  # the tool's own time
        with contextlib.suppress(OSError):  # nobody waits for the slow one
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *args):
        pass


def test_tools_transfers_and_other_questions_are_answered():
    tools = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tool)
    tools.daemon_threads = True
    threading.Thread(target=tools.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{tools.server_address[1]}"
    more = f"""tools: {{rooms: {{url: "{base}/rooms", headers: {{X-Key: k}}}}, raw: {{url: "{base}/raw"}}, sad: {{url: "{base}/sad"}},
      bad: {{url: "{base}/bad"}}, slow: {{url: "{base}/slow", timeout: 0.2}}}}, departments: {{desk: "+15550300", kitchen: "+15550301"}}, transfer_to: desk"""
    with both(more=more) as (g, vapi, feed):
        vapi.phones["+15550001"] = Phone(talks=60)
        made = call(g)
        feed.wait("call_answered", call_id=made)
        there = next(iter(vapi.calls.values()))
        calls = [{"id": "t1", "name": "rooms", "parameters": {"nights": 2}}, {"id": "t2", "name": "raw", "arguments": {"nights": 2}},
                 {"id": "t3", "type": "function", "function": {"name": "sad", "arguments": "{\"nights\": 2}"}}, {"id": "t4", "name": "bad", "arguments": {}},
                 {"id": "t5", "name": "nobody", "arguments": {}}, {"id": "t6", "name": "slow", "arguments": {}}]
        message = {"type": "tool-calls", "toolCallList": calls, "toolWithToolCallList": []}
        status, answer = vapi.ask(there, message)
        results = {r["toolCallId"]: r for r in answer["results"]}
        assert status == 200 and list(results) == ["t1", "t2", "t3", "t4", "t5", "t6"], answer
        assert results["t1"] == {"toolCallId": "t1", "name": "rooms", "result": "room 12 is free"}, answer
        assert results["t2"]["result"] == '{"free":  3}' and results["t3"]["error"] == "fully booked", answer
        assert "500" in results["t4"]["error"] and "no tool nobody" in results["t5"]["error"] and "error" in results["t6"], answer
        asked = [body for path, body, key in Tool.seen if path in ("/rooms", "/raw", "/sad")]
        assert len(asked) == 3 and all(b["arguments"] == {"nights": 2} and b["call_id"] == made for b in asked), Tool.seen
        assert [key for path, _, key in Tool.seen if path == "/rooms"] == ["k"]
        assert vapi.ask(there, message)[1]["results"][0]["result"] == "room 12 is free"
        assert len([1 for path, _, _ in Tool.seen if path == "/rooms"]) == 1, "the same question asked the tool twice"
        answer = vapi.ask(there, {"type": "transfer-destination-request"})[1]
        assert answer == {"destination": {"type": "number", "number": "+15550300"}}, answer
        named = {"type": "transfer-destination-request", "functionCall": {"name": "transferCall", "parameters": {"department": "kitchen"}}}
        assert vapi.ask(there, named)[1]["destination"]["number"] == "+15550301"
        assert "error" in vapi.ask(there, {"type": "handoff-destination-request"})[1]
        for kind, event in (("speech-update", "vapi.speech_update"), ("user-interrupted", "vapi.user_interrupted"), ("hang", "vapi.hang"),
                            ("something-new", "vapi.unknown")):
            assert vapi.ask(there, {"type": kind, "status": "started", "role": "user"})[0] == 200
            assert feed.wait(event, call_id=made)["data"]["body"]["status"] == "started"
        assert vapi.ask(there, {"type": "conversation-update", "messages": []})[0] == 200
        vapi.ask(there, {"type": "phone-call-control", "request": "hang-up"})
        feed.wait("call_ended", call_id=made)
    tools.shutdown()
    tools.server_close()


def test_requests_that_go_wrong_never_ring_twice():
    with both(timeout="2s") as (g, vapi, feed):
        vapi.misbehave(429, times=2, method="POST")
        feed.wait("call_ended", call_id=call(g, "+15550001"))
        for n, kind in enumerate(("lost", 500, "html"), 2):
            number = f"+1555000{n}"
            vapi.misbehave(kind, method="POST", path="/call")
            made = call(g, number)
            if kind == "lost":
                feed.wait("call_ended", call_id=made)
            else:
                assert feed.wait("call_failed", call_id=made)["data"]["error_class"] == "provider"
            assert len([r for r in vapi.asked("POST", "/call") if r.body["customer"]["number"] == number]) == 1, kind
        vapi.key = "another"
        assert feed.wait("call_failed", call_id=call(g, "+15550009"))["data"]["error_class"] == "authentication"
        assert "the-private-key" not in g.log()


def test_after_a_crash_live_calls_are_ended_at_the_platform():
    with both() as (g, vapi, feed):
        vapi.phones["+15550001"] = Phone(talks=60)
        feed.wait("call_answered", call_id=call(g))
        g.kill()
        g.start()
        vapi.wait(lambda: next(iter(vapi.calls.values())).order == "end")
        assert g.history(1)[0]["status"] == "interrupted"


if __name__ == "__main__":
    run(globals())
