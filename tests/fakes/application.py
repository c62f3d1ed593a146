"""application.py - an application that was written for Twilio, behind its WebSocket: it checks the upgrade's signature by Twilio's
algorithm and the shape of every message it gets, keeps them, and says what a test tells it to. Standard library only."""
import base64
import collections
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import re
import sys
import threading

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
import ws  # noqa: E402

TEXT, NUMBER, FLAG, OBJECT = str, (int, float), bool, dict
# What Twilio sends, by kind: the members that must be there, and their types. A number in a text is given by its pattern.
COUNT = re.compile(r"\d+")
STREAM = {
    "connected": {"protocol": TEXT, "version": TEXT},
    "start": {"sequenceNumber": COUNT, "streamSid": TEXT, "start": {
        "accountSid": TEXT, "streamSid": TEXT, "callSid": TEXT, "tracks": list, "customParameters": OBJECT,
        "mediaFormat": {"encoding": TEXT, "sampleRate": NUMBER, "channels": NUMBER}}},
    "media": {"sequenceNumber": COUNT, "streamSid": TEXT, "media": {"track": TEXT, "chunk": COUNT, "timestamp": COUNT, "payload": TEXT}},
    "dtmf": {"sequenceNumber": COUNT, "streamSid": TEXT, "dtmf": {"track": TEXT, "digit": TEXT}},
    "mark": {"sequenceNumber": COUNT, "streamSid": TEXT, "mark": {"name": TEXT}},
    "stop": {"sequenceNumber": COUNT, "streamSid": TEXT, "stop": {"accountSid": TEXT, "callSid": TEXT}},
}
RELAY = {
    "setup": {"sessionId": TEXT, "accountSid": TEXT, "parentCallSid": TEXT, "callSid": TEXT, "from": TEXT, "to": TEXT, "forwardedFrom": TEXT,
              "callType": TEXT, "callerName": TEXT, "direction": TEXT, "callStatus": TEXT, "customParameters": OBJECT},
    "prompt": {"voicePrompt": TEXT, "lang": TEXT, "last": FLAG},
    "dtmf": {"digit": TEXT},
    "interrupt": {"utteranceUntilInterrupt": TEXT, "durationUntilInterruptMs": NUMBER},
    "error": {"description": TEXT},
}


def misfit(value, shape, at):
    """What is wrong with a value of this shape, or None."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{at} is no object"
        for name, inner in shape.items():
            if name not in value:
                return f"{at}.{name} is missing"
            problem = misfit(value[name], inner, f"{at}.{name}")
            if problem:
                return problem
    elif isinstance(shape, re.Pattern):
        if not isinstance(value, str) or not shape.fullmatch(value):
            return f"{at} is no number in a text: {value!r}"
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is NUMBER):
        return f"{at} is of another type: {value!r}"
    return None


class Connection:
    """One WebSocket of the gateway's: what came over it, and how to answer."""

    def __init__(self, app, socket, path, headers):
        self.app, self.socket, self.path, self.headers = app, socket, path, headers
        self.messages, self.problems, self.over = [], [], False
        self.heard = b""  # media: the caller's audio
        self.sid = None
        self.reading = threading.Event()
        self.reading.set()

    # ---- what comes ----

    def shape(self, message):
        kinds, key = (STREAM, "event") if "event" in message else (RELAY, "type")
        kind = message.get(key)
        if kind not in kinds:
            return f"a message of an unknown kind: {message}"
        return misfit(message, kinds[kind], kind) or (self.order(kind, message) if kinds is STREAM else self.relay_order(kind))

    def order(self, kind, message):
        count = len(self.messages)
        if (kind == "connected") != (count == 0) or (kind == "start") != (count == 1):
            return f"{kind} is message {count}"
        if kind != "connected" and int(message["sequenceNumber"]) != count:
            return f"sequenceNumber {message['sequenceNumber']} of message {count}"
        if kind == "start":
            self.sid = message["streamSid"]
        if kind != "connected" and message["streamSid"] != self.sid:
            return f"streamSid {message['streamSid']} of stream {self.sid}"
        if kind == "media":
            chunks = sum(1 for m in self.messages if m["event"] == "media")
            if int(message["media"]["chunk"]) != chunks + 1:
                return f"chunk {message['media']['chunk']} after {chunks}"
            self.heard += base64.b64decode(message["media"]["payload"], validate=True)
        return None

    def relay_order(self, kind):
        return None if (kind == "setup") == (len(self.messages) == 0) else f"{kind} is message {len(self.messages)}"

    def read(self):
        with contextlib.suppress(OSError, ValueError):
            while True:
                self.reading.wait()
                text = self.socket.recv()
                if text is None:
                    break
                message = json.loads(text)
                with self.app.changed:
                    problem = self.shape(message)
                    if problem:
                        self.problems.append(problem)
                    self.messages.append(message)
                    self.app.changed.notify_all()
                if self.app.answer:
                    self.app.answer(self, message)
        with self.app.changed:
            self.over = True
            self.app.changed.notify_all()

    def of(self, kind):
        return [m for m in list(self.messages) if kind in (m.get("event"), m.get("type"))]

    def wait(self, what, seconds=60):
        """Waits until `what` (a function of the connection, or a kind of message) is there; that message, or the value."""
        def there():
            return (self.of(what) or [None])[0] if isinstance(what, str) else what(self)
        with self.app.changed:
            self.app.changed.wait_for(lambda: there() or self.over, seconds)
            found = there()
        assert found, f"it did not come: {what}; {len(self.heard)} bytes, {self.over and self.socket.closed}, {self.messages[-5:]}"
        return found

    def ended(self, seconds=60):
        with self.app.changed:
            assert self.app.changed.wait_for(lambda: self.over, seconds), f"the WebSocket is still open: {self.messages[-3:]}"
        assert not self.problems and not self.socket.violation, (self.problems, self.socket.violation)

    # ---- what goes ----

    def send(self, message):
        self.socket.send(message)

    def media(self, audio):
        self.send({"event": "media", "streamSid": self.sid, "media": {"payload": base64.b64encode(audio).decode()}})

    def mark(self, name):
        self.send({"event": "mark", "streamSid": self.sid, "mark": {"name": name}})

    def clear(self):
        self.send({"event": "clear", "streamSid": self.sid})

    def marks(self):
        return [m["mark"]["name"] for m in self.of("mark")]

    def say(self, text, last=True, **more):
        self.send({"type": "text", "token": text, "last": last, **more})

    def tear(self):
        """Gone without a word, as after a crash."""
        with contextlib.suppress(OSError):
            self.socket.socket.shutdown(2)


class Application:
    """Serves any path; `answer(connection, message)` is called for each message. refuse: so many upgrades are answered 503 first."""

    def __init__(self, auth_token="", answer=None, refuse=0, files=None):
        self.auth_token, self.answer, self.refuse, self.files = auth_token, answer, refuse, files or {}
        self.changed = threading.Condition()
        self.connections, self.refused, self.requests = [], [], collections.Counter()
        self.silent = False  # takes connections and answers nothing
        app = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                app.get(self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path="/"):
        return f"ws://127.0.0.1:{self.port}{path}"

    def signed(self, handler):
        """Twilio's algorithm: the URL with its scheme as configured, no parameters, HMAC-SHA1 by the auth token."""
        mac = hmac.new(self.auth_token.encode(), self.url(handler.path).encode(), hashlib.sha1).digest()
        return hmac.compare_digest(base64.b64encode(mac).decode(), handler.headers.get("X-Twilio-Signature", ""))

    def get(self, handler):
        with self.changed:
            self.requests[handler.path] += 1
            self.changed.notify_all()
        if self.silent:
            self.silent_wait(handler)
        elif not ws.Socket.asked(handler):
            data = self.files.get(handler.path)
            handler.send_response(200 if data else 404)
            handler.send_header("Content-Length", str(len(data or b"")))
            handler.end_headers()
            handler.wfile.write(data or b"")
        elif self.refuse or (self.auth_token and not self.signed(handler)):
            self.refuse -= bool(self.refuse)
            self.refused.append(dict(handler.headers))
            handler.send_error(503 if not self.auth_token else 403)
        else:
            self.serve(handler)

    @staticmethod
    def silent_wait(handler):
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.rfile.read(1)

    def serve(self, handler):
        connection = Connection(self, ws.Socket(handler), handler.path, handler.headers)
        with self.changed:
            self.connections.append(connection)
            self.changed.notify_all()
        connection.read()

    def connection(self, number=0, seconds=60):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.connections) > number, seconds), f"nobody connected; refused: {self.refused}"
        return self.connections[number]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
