#!/usr/bin/python3
# plain
# budget: 400 s
"""The fake Twilio that the other suite leans on: its tables are Twilio's, it refuses what Twilio refuses, and it signs and builds as
Twilio's own library does."""
import asyncio
import base64
import contextlib
import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ET

from daemon import ROOT, Skip, run
from twilio_vendor import Vendor

sys.path.insert(0, os.path.join(ROOT, "tests", "fakes"))
import twilio as fake  # noqa: E402
import twilio_facts as facts  # noqa: E402
import twilio_twiml as twiml  # noqa: E402

SPECS = os.path.join(os.path.dirname(ROOT), "shared", "specs")


def described(name):
    path = os.path.join(SPECS, name)
    if not os.path.exists(path):
        raise Skip(f"{name} is not beside this repository")
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def kind_of(spec, schema):
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].split("/")[-1]]
    if schema["type"] == "array":
        return "*" + kind_of(spec, schema["items"])
    if schema["type"] in ("boolean", "integer", "number"):
        return {"boolean": "bool", "integer": "int", "number": "num"}[schema["type"]]
    if "enum" in schema:
        return "|".join(schema["enum"])
    if "pattern" in schema:
        return re.match(r"\^(..)\[", schema["pattern"])[1]
    return {"uri": "uri", "date-time": "time"}.get(schema.get("format"), "str")


def test_the_tables_are_those_of_the_description():
    spec = described("twilio_api_v2010_trimmed.json")
    found = {}
    for path, methods in spec["paths"].items():
        for method, o in methods.items():
            if method not in ("get", "post", "delete") or o["operationId"] not in facts.OPERATIONS:
                continue
            properties, required = {}, set()
            for content in o.get("requestBody", {}).get("content", {}).values():
                properties, required = dict(content["schema"]["properties"]), set(content["schema"].get("required", []))
            properties.update({p["name"]: p["schema"] for p in o.get("parameters", []) if p["in"] == "query"})
            words = {n + ("!" if n in required else "") + ("" if (k := kind_of(spec, s)) == "str" else ":" + k)
                     for n, s in properties.items() if not re.match(r"Parameter\d+\.", n)}
            found[o["operationId"]] = (method.upper(), path.removeprefix("/2010-04-01/Accounts/{AccountSid}"), words)
    ours = {name: (method, path, set(words.split())) for name, (method, path, words) in facts.OPERATIONS.items()}
    assert ours == found, {n: (ours[n], found.get(n)) for n in ours if ours[n] != found.get(n)}
    for shape, words in facts.SHAPES.items():
        schema = spec["components"]["schemas"]["api.v2010.account." + shape]
        assert set(words.split()) == set(schema["properties"]), shape


def test_signatures_are_those_of_the_vectors():
    vectors = described("twilio-signature-vectors.json")
    checked = 0
    for row in vectors["vectors"]:
        params = {}
        for name, value in row.get("params") or []:
            params.setdefault(name, []).append(value)
        if row["valid"]:
            assert fake.signature(vectors["auth_token"], row["signed_url"], params) == row["signature"], row
            checked += 1
    assert checked >= 5, checked


def test_signatures_are_those_of_the_library():
    vendor = Vendor.get()
    u = "https://mycompany.com/myapp.php?foo=1&bar=2"
    p = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}
    assert fake.signature("12345", u, p) == vendor.sign("12345", u, p) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    for url, params in ((u + "#rc=2", {}), ("https://localhost/voice/twilio/inbound", {"From": "+1", "CallerName": "Zoë & <b>", "B": "", "a": "x y"}),
                        ("wss://localhost/voice/twilio/stream/x", {}), ("https://a:8443/x?q=%27", {"Sid": ["b", "a", "a"]})):
        assert fake.signature("t", url, params) == vendor.sign("t", url, params), url
    assert fake.signed_json("t", "https://a/b?c=d", b'{"x": 1}') == vendor.sign_json("t", "https://a/b?c=d", '{"x": 1}')


def request(twilio, method, path, form=None, user=None, kind="application/x-www-form-urlencoded"):
    c = http.client.HTTPConnection("127.0.0.1", twilio.port, timeout=20)
    body = form if isinstance(form, (bytes, str)) else urllib.parse.urlencode(form or {}, doseq=True)
    secret = base64.b64encode(f"{user or twilio.account}:{twilio.token}".encode()).decode()
    c.request(method, f"/2010-04-01/Accounts/{twilio.account}{path}", body, {"Authorization": "Basic " + secret, "Content-Type": kind})
    r = c.getresponse()
    data = r.read()
    c.close()
    return r.status, json.loads(data) if data else None


GOOD = {"To": "+14155550100", "From": "+14155550101", "Twiml": "<Response><Say>Hello.</Say></Response>"}
WRONG = [
    ("/Calls.json", {**GOOD, "Colour": "red"}, 20001), ("/Calls.json", {k: v for k, v in GOOD.items() if k != "To"}, 21201),
    ("/Calls.json", {k: v for k, v in GOOD.items() if k != "From"}, 21213), ("/Calls.json", {**GOOD, "Timeout": "soon"}, 20001),
    ("/Calls.json", {**GOOD, "Timeout": "601"}, 20001), ("/Calls.json", {**GOOD, "Record": "yes"}, 20001), ("/Calls.json", {**GOOD, "To": "123"}, 21211),
    ("/Calls.json", {**GOOD, "StatusCallbackEvent": "initiated ringing"}, 21626), ("/Calls.json", {**GOOD, "StatusCallbackMethod": "PUT"}, 20001),
    ("/Calls.json", {**GOOD, "Url": "ftp://x/y"}, 21205), ("/Calls.json", {**GOOD, "Url": "https://under_score.example/x"}, 21205),
    ("/Calls.json", {k: v for k, v in GOOD.items() if k != "Twiml"}, 21218), ("/Calls.json", {**GOOD, "Twiml": "<Response><Shout/></Response>"}, 20001),
    ("/Calls.json", {**GOOD, "SendDigits": "1" * 33}, 20001), ("/Calls.json", {**GOOD, "To": ["+14155550100", "+14155550102"]}, 20001),
    ("/Calls.json", "{}", 20001), ("/Messages.json", {"To": "+14155550100", "From": "+14155550101", "Body": "x" * 1601}, 21617),
    ("/Messages.json", {"To": "+14155550100", "From": "+14155550101"}, 21602), ("/Nothing.json", {}, 20404),
]


def test_requests_that_twilio_refuses_are_refused():
    with fake.Twilio() as twilio:
        for path, form, code in WRONG:
            before = len(twilio.violations)
            status, answer = request(twilio, "POST", path, form)
            assert (400 <= status < 500 and answer["code"] == code and answer["status"] == status), (path, form, status, answer)
            assert len(twilio.violations) == before + 1, (path, form)
        status, answer = request(twilio, "POST", "/Calls.json", GOOD, kind="application/json")
        assert status == 400, answer
        status, answer = request(twilio, "GET", "/Calls.json", user="AC" + "f" * 32)
        assert (status, answer["code"]) == (401, 20003), answer
        assert not twilio.calls
        before = len(twilio.violations)
        status, call = request(twilio, "POST", "/Calls.json", GOOD)
        assert status == 201 and call["status"] == "queued", call
        twilio.calls[call["sid"]].wait_over()
        status, call = request(twilio, "GET", f"/Calls/{call['sid']}.json")
        assert call["status"] == "completed" and call["price"] and call["duration"] == "1", call
        # too late, which is nobody's fault
        status, answer = request(twilio, "POST", f"/Calls/{call['sid']}.json", {"Twiml": GOOD["Twiml"]})
        assert (status, answer["code"]) == (400, 21220) and len(twilio.violations) == before, twilio.violations[before:]
        twilio.misbehave(429, "POST", "/Calls.json")
        assert request(twilio, "POST", "/Calls.json", GOOD)[0] == 429
        assert request(twilio, "POST", "/Calls.json", GOOD)[0] == 201


NOT_TWIML = [
    "<Response><Say>x</Response>", "<Say>x</Say>", "<Response><say>x</say></Response>", "<Response><Say colour='red'>x</Say></Response>",
    "<Response><Say loop='often'>x</Say></Response>", "<Response><Connect><Stream url='ws://x/y'/></Connect></Response>",
    "<Response><Connect><Stream url='wss://x/y?z=1'/></Connect></Response>", "<Response><Connect/></Response>",
    "<Response><Connect><Stream url='wss://x/y' track='both_tracks'/></Connect></Response>", "<Response><Say>x</Say><Reject/></Response>",
    "<Response><Hangup/><Say>x</Say></Response>", "<Response><Gather><Dial>+15550100</Dial></Gather></Response>", "<Response>words</Response>",
    "<Response><Dial><Number>nobody</Number></Dial></Response>", "<Response><Start><Stream/></Start></Response>",
    "<Response><Connect><Stream url='wss://x/y'><Parameter name='t'/></Stream></Connect></Response>",
    "<Response><Connect><Stream url='wss://x/y'><Parameter name='t' value='" + "v" * 500 + "'/></Stream></Connect></Response>",
    "<!DOCTYPE x><Response/>", "<Response><Play>file:///etc/passwd</Play></Response>", "<Response><Pause length='-1'/></Response>", b"\xff<Response/>",
    "<Response><Reject reason='tired'/></Response>", "<Response><Gather input='sight'/></Response>", "<Response><Redirect> </Redirect></Response>",
]
TWIML = ["<Response/>", "<Response><Reject reason='busy'/></Response>",
         "<Response><Say voice='alice'>a &amp; <emphasis>b</emphasis></Say><Connect action='/x'><Stream url='wss://x/y'><Parameter name='t' value='v'/></Stream>"
         "</Connect></Response>", "<Response><Gather input='dtmf speech' numDigits='1'><Say>x</Say><Pause length='2'/></Gather><Redirect>/again</Redirect></Response>",
         "<Response><Dial callerId='+15550100' record='record-from-answer-dual'><Conference beep='false' waitUrl=''>room</Conference></Dial></Response>"]


def test_documents_that_are_not_twiml_are_told():
    for text in NOT_TWIML:
        assert twiml.parse(text)[1], text
    for text in TWIML:
        assert not twiml.parse(text)[1], (text, twiml.parse(text)[1])


def test_documents_read_are_those_that_the_library_builds():
    for text in TWIML[1:2] + TWIML[3:4]:
        built = Vendor.get().ask(do="build", tree=twiml.parse(text)[0].tree())["xml"]
        assert ET.canonicalize(built) == ET.canonicalize(text), (built, text)


# ---- calls, with an application of a few lines at the other end ----

@contextlib.contextmanager
def application(documents, stream=None):
    """(Twilio, forms by path) of an application that answers each path with a document, and streams with a coroutine."""
    if stream:
        try:
            import websockets
        except ImportError:
            raise Skip("this Python has no websockets") from None
    seen, loop = {}, asyncio.new_event_loop()

    class App(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True))
            assert self.headers["X-Twilio-Signature"] == fake.signature("the-auth-token-of-the-account", "https://app.example.com" + self.path, form)
            seen.setdefault(self.path, []).append(form)
            body = documents.get(self.path, "").encode()
            self.send_response(200 if body else 204)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    ready, ports = threading.Event(), {}

    async def sockets():
        async with websockets.serve(stream, "127.0.0.1", 0) as server:
            ports["ws"], ports["stop"] = server.sockets[0].getsockname()[1], asyncio.Event()
            ready.set()
            await ports["stop"].wait()

    if stream:
        threading.Thread(target=loop.run_until_complete, args=(sockets(),), daemon=True).start()
        ready.wait(20)
    try:
        with fake.Twilio({"app.example.com": web.server_address[1], "media.example.com": ports.get("ws")}, scale=0.02) as twilio:
            yield twilio, seen
            twilio.check()
    finally:
        web.shutdown()
        web.server_close()
        if stream:
            loop.call_soon_threadsafe(ports["stop"].set)


def test_a_call_is_led_by_its_documents():
    documents = {
        "/voice": "<Response><Say>Hi.</Say><Gather input='dtmf speech' numDigits='2' action='/gathered'><Say>Press.</Say></Gather><Redirect>/voice</Redirect></Response>",
        "/gathered": "<Response><Dial action='/dialled' record='record-from-answer' recordingStatusCallback='/recorded'>+15550100</Dial></Response>",
        "/dialled": "<Response><Record maxLength='9' action='/message'/></Response>", "/message": "<Response><Enqueue action='/out'>line</Enqueue></Response>",
        "/out": "<Response><Pause/><Hangup/></Response>"}
    with application(documents) as (twilio, seen):
        twilio.phones["+15550100"] = fake.Phone(outcome="busy")
        call = twilio.ring("https://app.example.com/voice", "+15551110000", "+15552220000", "https://app.example.com/status", events=facts.CALL_EVENTS)
        call.wait(lambda c: len(c.did("Gather")) >= 2)  # nobody said anything: the next verb
        call.wait(lambda c: c.gathering)
        call.press("12")
        call.wait(lambda c: c.recording_verb)
        call.press("#")
        call.wait(lambda c: c.queue == "line")
        call.dequeue("leave")
        call.wait_over()
        assert call.status == "completed" and call.said[0] == "Hi.", call.said
        assert seen["/gathered"][0]["Digits"] == "12" and seen["/dialled"][0]["DialCallStatus"] == "busy", seen
        assert seen["/message"][0]["Digits"] == "#" and "/Recordings/RE" in seen["/message"][0]["RecordingUrl"], seen
        assert seen["/out"][0]["QueueResult"] == "leave", seen
        assert [f["CallStatus"] for f in seen["/status"]] == ["in-progress", "completed"], seen["/status"]
        assert [f["SequenceNumber"] for f in seen["/status"]] == ["0", "1"], seen["/status"]


def test_a_stream_plays_out_and_returns_marks():
    got = []

    async def stream(ws):
        sid = None
        async for text in ws:
            m = json.loads(text)
            if m["event"] != "media":
                got.append(m)
            if m["event"] == "start":
                sid = m["streamSid"]
                await ws.send(json.dumps({"event": "mark", "streamSid": sid, "mark": {"name": "at once"}}))
                await ws.send(json.dumps({"event": "media", "streamSid": sid, "media": {"payload": base64.b64encode(b"\x10" * 1600).decode()}}))
                await ws.send(json.dumps({"event": "mark", "streamSid": sid, "mark": {"name": "heard"}}))
            if m["event"] == "dtmf":
                await ws.send(json.dumps({"event": "media", "streamSid": sid, "media": {"payload": base64.b64encode(b"\x20" * 80000).decode()}}))
                await ws.send(json.dumps({"event": "mark", "streamSid": sid, "mark": {"name": "cleared"}}))
                await ws.send(json.dumps({"event": "clear", "streamSid": sid}))
            if m["event"] == "mark" and m["mark"]["name"] == "cleared":
                return

    documents = {"/voice": "<Response><Connect action='/after'><Stream url='wss://media.example.com/x' statusCallback='/stream'><Parameter name='a' value='b'/>"
                           "</Stream></Connect></Response>", "/after": "<Response><Say>Bye.</Say></Response>"}
    with application(documents, stream) as (twilio, seen):
        call = twilio.ring("https://app.example.com/voice", "+15551110000", "+15552220000")
        s = call.wait_stream()
        call.wait(lambda c: "heard" in s.marks_back)
        assert call.heard == b"\x10" * 1600, len(call.heard)
        call.press("1")
        call.wait_over()
        assert s.closed_by == "gateway" and s.marks_back == ["at once", "heard", "cleared"] and s.clears[0][2] == ["cleared"], s.marks_back
        assert s.clears[0][1] > 70000 and call.said == ["Bye."], (s.clears, call.said)
        assert [m["event"] for m in got] == ["connected", "start", "mark", "mark", "dtmf", "mark"], got
        assert got[1]["start"]["customParameters"] == {"a": "b"} and got[1]["start"]["callSid"] == call.sid, got
        assert [f["StreamEvent"] for f in seen["/stream"]] == ["stream-started", "stream-stopped"], seen["/stream"]


def test_what_was_made_behaves_as_its_phone_does():
    with application({"/voice": "<Response><Pause length='50'/></Response>"}) as (twilio, seen):
        for i, (outcome, status) in enumerate((("answer", "completed"), ("busy", "busy"), ("no-answer", "no-answer"), ("failed", "failed"), ("silent", "no-answer"))):
            to = f"+1555000000{i}"
            twilio.phones[to] = fake.Phone(outcome=outcome, answered_by="machine_end_beep")
            form = {"To": to, "From": "+14155550101", "Url": "https://app.example.com/voice", "StatusCallback": "https://app.example.com/status/" + outcome,
                    "StatusCallbackEvent": list(facts.CALL_EVENTS), "Timeout": "5", "MachineDetection": "Enable", "AsyncAmd": "true",
                    "AsyncAmdStatusCallback": "https://app.example.com/amd"}
            code, made = request(twilio, "POST", "/Calls.json", form)
            assert code == 201, made
            call = twilio.calls[made["sid"]]
            call.wait_over()
            told = [f["CallStatus"] for f in seen["/status/" + outcome]]
            assert told[0] == "initiated" and told[-1] == status == call.status, (outcome, told)
        assert [f["AnsweredBy"] for f in seen["/amd"]] == ["machine_end_beep"], seen["/amd"]
        # ended by the interface, redirected, put into a conference, recorded
        twilio.phones["+15550000009"] = fake.Phone()
        _, made = request(twilio, "POST", "/Calls.json", {"To": "+15550000009", "From": "+14155550101", "Url": "https://app.example.com/voice"})
        call = twilio.calls[made["sid"]]
        call.wait(lambda c: c.did("Pause"))
        code, recording = request(twilio, "POST", f"/Calls/{call.sid}/Recordings.json", {"RecordingStatusCallback": "https://app.example.com/recorded"})
        assert code == 201 and recording["status"] == "in-progress", recording
        assert request(twilio, "POST", f"/Calls/{call.sid}/Recordings/Twilio.CURRENT.json", {"Status": "stopped"})[0] == 200
        code, _ = request(twilio, "POST", f"/Calls/{call.sid}.json", {"Twiml": "<Response><Dial><Conference endConferenceOnExit='true'>room</Conference></Dial></Response>"})
        room = twilio.wait(lambda t: next((c for c in t.conferences.values() if call.sid in c.people), None))
        code, person = request(twilio, "POST", f"/Conferences/{room.sid}/Participants/{call.sid}.json", {"Hold": "true"})
        assert code == 200 and person["hold"] is True, person
        _, person = request(twilio, "POST", f"/Conferences/{room.sid}/Participants.json", {"To": "+15550000008", "From": "+14155550101"})
        twilio.wait(lambda t: person["call_sid"] in room.people)
        request(twilio, "POST", f"/Calls/{call.sid}.json", {"Status": "completed"})
        call.wait_over()
        twilio.calls[person["call_sid"]].wait_over()
        assert room.status == "completed" and seen["/recorded"][0]["RecordingStatus"] == "completed", seen["/recorded"]


def test_as_a_program_it_takes_orders():
    documents = {"/voice": "<Response><Gather numDigits='1' timeout='60' action='/gathered'/></Response>", "/gathered": "<Response><Say>Thanks.</Say></Response>"}
    with application(documents) as (twilio, seen):
        port = str(twilio.hosts["app.example.com"])
        program = subprocess.Popen([sys.executable, fake.__file__, "--gateway", port, "--public-url", "https://app.example.com"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        try:
            def said(what):
                for line in program.stdout:
                    if what in (m := json.loads(line)):
                        return m
                raise AssertionError(f"it ended without a {what}")
            assert said("base_url")["base_url"].startswith("http://127.0.0.1:")

            def order(answer, **more):
                program.stdin.write(json.dumps(more) + "\n")
                program.stdin.flush()
                return said(answer)[answer]
            call = order("call", do="ring", **{"from": "+15551110000", "to": "+15552220000", "url": "https://app.example.com/voice"})
            assert said("webhook")["webhook"] == "voice"
            assert order("error", do="dance", call=call)
            # the key counts once the document asks for it
            for _ in range(1000):
                assert order("done", do="press", call=call, digits="1") == "press"
                if seen.get("/gathered"):
                    break
                time.sleep(0.01)
            assert seen["/gathered"][0]["Digits"] == "1", seen
            assert order("violations", do="violations") == []
            program.stdin.close()
            assert program.wait(20) == 0
        finally:
            program.kill()
            program.wait()


if __name__ == "__main__":
    run(globals())
