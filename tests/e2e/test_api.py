#!/usr/bin/python3
"""The API as its users see it, against a running gateway (VOICEGW_URL), or one that is started here from build/bin."""
import base64
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from daemon import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
DAEMON = os.path.join(BUILD, "bin", "voicegwd")
CONFIG = """
gateway: {{name: e2e, control_socket: {dir}/control.sock}}
http: {{listen: ["127.0.0.1:{port}"]}}
auth:
  tokens:
    - {{name: ops, token: ops-secret-token, scopes: [read, call, admin]}}
    - {{name: reader, token: read-secret-token, scopes: [read]}}
    - {{name: shop, token: shop-secret-token, scopes: [read, call], projects: [shop]}}
plugins: {{path: [{build}/plugins]}}
providers: {{lab: {{plugin: mock, initiating_ms: 50, ringing_ms: 100, open_streams: true}}}}
default_provider: lab
assistants: {{echo: {{plugin: echo}}}}
store: {{plugin: sqlite, path: {dir}/voicegw.db}}
journal: {{path: {dir}/journal}}
recordings: {{storage: local, path: {dir}/recordings}}
departments: {{front_desk: "+15550100"}}
routes: [{{match: {{}}, assistant: echo}}]
workflows:
  - id: wait
    trigger_command: /wait
    steps: [{{type: delay, params: {{seconds: 30}}}}]
"""
WAIT = 60
OPS, READER, SHOP = "ops-secret-token", "read-secret-token", "shop-secret-token"


class Gateway:
    process = None
    directory = None

    @classmethod
    def start(cls):
        cls.directory = tempfile.TemporaryDirectory()
        port = free_port()
        path = os.path.join(cls.directory.name, "voicegw.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(dir=cls.directory.name, port=port, build=BUILD))
        log = open(os.path.join(cls.directory.name, "log"), "wb")
        environment = dict(os.environ, VOICEGW_STATE_DIR=cls.directory.name)
        cls.process = subprocess.Popen([DAEMON, "-c", path], stderr=log, stdout=log, env=environment)
        cls.config = path
        cls.url = "http://127.0.0.1:%d" % port
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(cls.url + "/health", timeout=WAIT).read()
                return
            except OSError:
                if cls.process.poll() is not None:
                    break
                time.sleep(0.05)
        with open(log.name, encoding="utf-8", errors="replace") as f:
            raise RuntimeError("the gateway did not start:\n" + f.read())

    @classmethod
    def stop(cls):
        if cls.process:
            cls.process.terminate()
            time.sleep(0.2)
            cls.process.terminate()
            try:
                cls.process.wait(WAIT)
            except subprocess.TimeoutExpired:
                cls.process.kill()
                cls.process.wait()
                raise
        if cls.directory:
            cls.directory.cleanup()


def ask(method, path, body=None, token=OPS, headers=None, raw=False):
    """(status, headers, parsed body)"""
    data = None
    given = dict(headers or {})
    if token:
        given["Authorization"] = "Bearer " + token
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(Gateway.url + path, data=data, method=method, headers=given)
    try:
        with urllib.request.urlopen(request, timeout=WAIT) as answer:
            status, fields, text = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        status, fields, text = answer.code, answer.headers, answer.read()
    if raw or "json" not in fields.get("Content-Type", ""):
        return status, fields, text
    return status, fields, json.loads(text)


def until(condition, what, seconds=WAIT):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("not within %d s: %s" % (seconds, what))


def told(kind):
    """The events of a kind so far."""
    _, _, text = ask("GET", "/voice/events?follow=false&types=" + kind, token=READER, headers={"Last-Event-ID": "0"})
    return [json.loads(line[6:]) for line in text.decode().splitlines() if line.startswith("data: ")]


def place(**more):
    status, _, call = ask("POST", "/voice/calls", dict({"to": "+15551234", "assistant": "echo"}, **more))
    assert status == 202, call
    return call


def connected(**more):
    call = place(**more)
    until(lambda: ask("GET", "/voice/calls/" + call["call_id"])[2]["state"] == "connected", "connected")
    return call


class Api(unittest.TestCase):
    def problem(self, answer, status, field=None):
        self.assertEqual(answer[0], status, answer[2])
        self.assertEqual(answer[1]["Content-Type"], "application/problem+json")
        self.assertEqual(answer[2]["status"], status)
        if field is not None:
            self.assertIn(field, [e["field"] for e in answer[2]["errors"]])

    def test_health_is_open_to_everybody(self):
        for path in ("/", "/health", "/voice/health", "/health/live", "/health/ready"):
            self.assertEqual(ask("GET", path, token=None)[0], 200, path)
        self.assertIn("parts", ask("GET", "/health", token=None)[2])

    def test_tokens_scopes_and_methods(self):
        answer = ask("GET", "/voice/calls", token=None)
        self.problem(answer, 401)
        self.assertEqual(answer[1]["WWW-Authenticate"], "Bearer")
        self.problem(ask("GET", "/voice/calls", token="wrong"), 401)
        self.problem(ask("POST", "/voice/calls", {"to": "+1555"}, token=READER), 403)
        self.problem(ask("POST", "/voice/reload", token=READER), 403)
        answer = ask("PUT", "/voice/calls", {})
        self.problem(answer, 405)
        self.assertIn("POST", answer[1]["Allow"])
        self.problem(ask("GET", "/voice/nothing"), 404)

    def test_bodies_are_checked_field_by_field(self):
        self.problem(ask("POST", "/voice/calls", {}), 422, "to")
        self.problem(ask("POST", "/voice/calls", {"to": 5}), 422, "to")
        answer = ask("POST", "/voice/calls", {"to": "+1555", "asistant": "echo"})
        self.problem(answer, 422, "asistant")
        self.assertIn("assistant", answer[2]["errors"][0]["detail"])
        self.problem(ask("POST", "/voice/calls", b"{bad"), 400)
        self.problem(ask("POST", "/voice/calls", b"to=1", headers={"Content-Type": "text/plain"}), 415)
        self.problem(ask("POST", "/voice/calls", [1]), 422)
        self.problem(ask("GET", "/voice/calls?limit=501"), 422, "limit")

    def test_a_call_from_placing_to_its_record(self):
        call = connected(to="+15557771", lead_id="lead-7")
        path = "/voice/calls/" + call["call_id"]
        self.assertEqual(ask("GET", path, token=SHOP)[0], 404)
        self.assertEqual(ask("POST", path + "/hold")[0], 202)
        until(lambda: ask("GET", path)[2]["state"] == "on_hold", "on hold")
        self.assertEqual(ask("POST", path + "/resume")[0], 202)
        until(lambda: ask("GET", path)[2]["state"] == "connected", "resumed")
        self.problem(ask("POST", path + "/dtmf", {"digits": "x"}), 422, "digits")
        self.problem(ask("POST", path + "/transfer", {"department": "nowhere"}), 422, "department")
        self.problem(ask("POST", path + "/play", {"url": "http://127.0.0.1:1/a.wav"}), 422, "url")
        self.assertIn(ask("POST", path + "/recording/start")[0], (200, 202))
        begun = until(lambda: [e for e in told("recording_started") if e["call_id"] == call["call_id"]], "a recording")[0]
        if Gateway.directory:  # as much of it as is cut out below
            path_of = os.path.join(Gateway.directory.name, "recordings", begun["data"]["recording_id"] + ".wav")
            until(lambda: os.path.exists(path_of) and os.path.getsize(path_of) > 0.4 * 32000, "0.4 s of two channels at 8 kHz")
        self.assertIn(ask("POST", path + "/recording/stop")[0], (200, 202))
        self.assertIn(ask("POST", path + "/end")[0], (200, 202))
        until(lambda: ask("GET", path)[2]["state"] == "ended", "ended")
        self.problem(ask("POST", path + "/hold"), 409)
        record = until(lambda: ask("GET", "/voice/history?caller=%2B15557771&status=completed")[2]["records"], "a record")
        self.assertEqual(len(record), 1)
        self.assertEqual(record[0]["lead_id"], "lead-7")
        self.assertEqual(record[0]["calls"][0]["call_id"], call["call_id"])
        self.assertEqual(ask("GET", path)[2]["to"], "+15557771")
        self.recording(record[0]["recording_url"])
        analytics = ask("GET", "/voice/analytics?by=day,provider")[2]
        self.assertGreaterEqual(analytics["by_status"]["completed"], 1)
        self.assertEqual(analytics["groups"][0]["provider"], "lab")
        self.problem(ask("GET", "/voice/analytics?by=week"), 422, "by")

    def recording(self, url):
        path = urllib.parse.urlparse(url).path
        status, fields, audio = ask("GET", path)
        self.assertEqual((status, fields["Content-Type"], audio[:4]), (200, "audio/wav", b"RIFF"))
        status, fields, part = ask("GET", path, headers={"Range": "bytes=4-11"})
        self.assertEqual((status, part), (206, audio[4:12]))
        self.assertEqual(fields["Content-Range"], "bytes 4-11/%d" % len(audio))
        status, _, cut = ask("GET", path + "?from=0.1&to=0.2")
        self.assertEqual((status, cut[:4]), (200, b"RIFF"))
        self.assertLess(len(cut), len(audio))
        self.assertEqual(ask("GET", path, token=None)[0], 401)
        self.assertEqual(ask("GET", path + "?expires=9999999999&signature=00", token=None)[0], 403)

    def test_an_idempotency_key_places_one_call(self):
        key = {"Idempotency-Key": "k-%d" % time.time_ns()}
        first = ask("POST", "/voice/calls", {"to": "+15550001"}, headers=key)
        second = ask("POST", "/voice/calls", {"to": "+15550001"}, headers=key)
        self.assertEqual(first[2]["call_id"], second[2]["call_id"])
        self.problem(ask("POST", "/voice/calls", {"to": "+15550002"}, headers=key), 422)
        ask("POST", "/voice/calls/%s/end" % first[2]["call_id"])

    def test_a_session_without_a_call(self):
        status, _, session = ask("POST", "/voice/sessions", {"channel": "realtime", "caller_id": "web"}, token=SHOP)
        self.assertEqual(status, 201)
        self.assertTrue(session["session_id"].startswith("api-"))
        self.assertEqual(session["project_id"], "shop")
        path = "/voice/sessions/" + session["session_id"]
        self.assertEqual(ask("POST", path + "/messages", {"role": "user", "content": "hello", "latency_ms": 3})[0], 201)
        self.problem(ask("POST", path + "/messages", {"role": "nobody", "content": "x"}), 422, "role")
        self.assertEqual(ask("GET", path + "/messages")[2]["messages"][0]["content"], "hello")
        older = ask("GET", "/sessions")[2]["sessions"]
        self.assertTrue(all(isinstance(s["created_at"], (int, float)) for s in older) and older)
        self.assertEqual(ask("POST", path + "/end")[0], 200)
        turns = until(lambda: ask("GET", path + "/transcript", token=SHOP)[2].get("turns"), "a stored transcript")
        self.assertEqual(turns[0]["content"], "hello")
        self.assertEqual(until(lambda: ask("GET", path)[2], "stored")["state"], "stopped")

    def test_runs(self):
        status, _, run = ask("POST", "/voice/commands", {"command": "/wait", "args": {"phone": "+1"}})
        self.assertEqual(status, 202)
        path = "/voice/runs/" + run["run_id"]
        self.assertEqual(ask("GET", path)[2]["steps"][0]["type"], "delay")
        self.assertEqual(ask("POST", path + "/cancel")[2]["status"], "canceled")
        self.problem(ask("POST", path + "/cancel"), 409)
        self.problem(ask("POST", "/voice/commands", {"command": "/wat"}), 404)

    def test_events_replay_and_resume(self):
        connected()
        events = told("*")
        ids = [e["id"] for e in events]
        self.assertEqual(ids, sorted(ids))
        self.assertIn("call_answered", [e["type"] for e in events])
        self.problem(ask("GET", "/voice/events", headers={"Last-Event-ID": "7"}), 410)
        self.problem(ask("GET", "/voice/events", headers={"Last-Event-ID": "x"}), 422)

    def websocket(self, path):
        address = urllib.parse.urlparse(Gateway.url)
        s = socket.create_connection((address.hostname, address.port), timeout=WAIT)
        key = base64.b64encode(os.urandom(16)).decode()
        s.sendall(("GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n" % (path, key)).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = s.recv(1)
            if not piece:
                break
            head += piece
        return s, int(head.split()[1])

    @staticmethod
    def frame(s):
        def exactly(n):
            data = b""
            while len(data) < n:
                piece = s.recv(n - len(data))
                if not piece:
                    raise EOFError
                data += piece
            return data
        first, length = exactly(2)
        if length == 126:
            length = struct.unpack(">H", exactly(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", exactly(8))[0]
        return first & 15, exactly(length)

    def test_the_feed_over_websocket_takes_a_ticket_once(self):
        status, _, ticket = ask("POST", "/voice/tickets", token=READER)
        self.assertEqual(status, 201)
        path = "/voice/events?ticket=" + ticket["ticket"]
        s, status = self.websocket(path)
        self.assertEqual(status, 101)
        call = place()
        seen = []
        while "call_answered" not in seen:
            opcode, data = self.frame(s)
            if opcode == 1:
                event = json.loads(data)
                if event["call_id"] == call["call_id"]:
                    seen.append(event["type"])
        self.assertIn("call_initiated", seen)
        s.close()
        self.assertEqual(self.websocket(path)[1], 401)
        self.assertEqual(self.websocket("/voice/events")[1], 401)

    def test_documents_and_metrics(self):
        status, _, doc = ask("GET", "/voice/openapi.json")
        self.assertEqual((status, doc["openapi"]), (200, "3.1.0"))
        self.assertIn("/voice/calls/{id}/hold", doc["paths"])
        text = ask("GET", "/metrics")[2].decode()
        self.assertIn("\nvoicegw_orphans 0\n", text)
        self.assertEqual(ask("GET", "/voice/dashboard", token=None)[0], 200)

    def test_erasure(self):
        self.problem(ask("DELETE", "/voice/records"), 400)
        self.problem(ask("DELETE", "/voice/records?caller=%2B1999"), 404)
        call = connected(to="+15558882")
        self.problem(ask("DELETE", "/voice/records?call=" + call["call_id"]), 409)
        ask("POST", "/voice/calls/%s/end" % call["call_id"])
        until(lambda: ask("DELETE", "/voice/records?call=" + call["call_id"])[0] == 200, "erased")
        until(lambda: ask("GET", "/voice/calls/" + call["call_id"])[0] == 404, "gone")


def main():
    if os.environ.get("VOICEGW_URL"):
        Gateway.url = os.environ["VOICEGW_URL"].rstrip("/")
    elif os.path.exists(DAEMON):
        Gateway.start()
    else:
        print("0 passed, 0 failed, 1 skipped")
        return 0
    try:
        result = unittest.TextTestRunner(verbosity=1).run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    finally:
        Gateway.stop()
    bad, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print("%d passed, %d failed, %d skipped" % (result.testsRun - bad - skipped, bad, skipped))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
