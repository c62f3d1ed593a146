"""platform_base.py - what the fakes of call platforms share: an HTTP server that keeps each request, checks it against tables of fields, carries
out orders to misbehave, and sends webhooks in order for each call. Standard library only."""
import contextlib
import http.client
import http.server
import json
import math
import re
import struct
import threading
import time
import urllib.parse

PHONE = re.compile(r"^\+[1-9][0-9]{6,14}$")
WAIT = 60


class Refused(Exception):
    """An answer that is no success; `wrong`: the one who asked made a mistake, which is kept as a violation."""

    def __init__(self, status, message, wrong=True):
        super().__init__(message)
        self.status, self.message, self.wrong = status, message, wrong


class Request:
    def __init__(self, method, path, query, headers, body):
        self.method, self.path, self.query, self.headers, self.body, self.status = method, path, query, headers, body, None

    def __repr__(self):
        return f"{self.method} {self.path} {self.query} {self.body} -> {self.status}"


class Phone:
    """How somebody behaves who is called: outcome answered, machine, busy, no-answer or failed; what is said; how long it talks (None: until
    the call is ended); callbacks: how those of its calls are brought, in place of the platform's own way."""

    def __init__(self, outcome="answered", lines=(("assistant", "Hello."), ("user", "Hello, who is there?")), rings=0.02, talks=0.05, price=0.09,
                 callbacks=None):
        self.outcome, self.lines, self.rings, self.talks, self.price, self.callbacks = outcome, lines, rings, talks, price, callbacks


class Order:
    def __init__(self, kind, times, method, path):
        self.kind, self.times, self.method, self.path = kind, times, method, path


def tone(seconds=0.2):
    """A WAV file."""
    data = b"".join(struct.pack("<h", int(9000 * math.sin(i / 3))) for i in range(int(8000 * seconds)))
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + \
        b"data" + struct.pack("<I", len(data)) + data


# One frame of silence of MPEG 1 layer III at 128 kbit/s and 44100 Hz, eight times.
MP3 = (b"\xff\xfb\x90\x64" + bytes(413)) * 8


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03}Z"


def check(table, body, where=""):
    """Holds an object against name -> rule: a type, a tuple of words, a range (low, high) of numbers, a function, or a table."""
    for name, value in body.items():
        rule, at = table.get(name, table.get("*")), where + name
        if rule is None:
            raise Refused(400, f"{at} is no field of this request")
        if value is None:
            continue
        if isinstance(rule, dict):
            if not isinstance(value, dict):
                raise Refused(400, f"{at} must be an object")
            check(rule, value, at + ".")
        elif isinstance(rule, list):
            if not isinstance(value, list):
                raise Refused(400, f"{at} must be a list")
            for i, item in enumerate(value):
                check({"item": rule[0]}, {"item": item}, f"{at}[{i}].")
        elif isinstance(rule, tuple) and isinstance(rule[0], (int, float)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not rule[0] <= value <= rule[1]:
                raise Refused(400, f"{at} must be {rule[0]} to {rule[1]}")
        elif isinstance(rule, tuple):
            if value not in rule:
                raise Refused(400, f"{at} must be one of {rule}")
        elif isinstance(rule, type):
            if not isinstance(value, rule) or (rule is int and isinstance(value, bool)):
                raise Refused(400, f"{at} must be of type {rule.__name__}")
        elif not rule(value):
            raise Refused(400, f"{at} is not what it should be: {value!r}")


def is_phone(value):
    return isinstance(value, str) and PHONE.match(value)


def is_url(value):
    return isinstance(value, str) and value.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))


class Platform:
    """The server. A vendor brings answer(request) -> (status, value) and error(status, message) -> value."""

    def __init__(self, key, port=0):
        self.key = key
        self.changed = threading.Condition(threading.RLock())
        self.requests, self.violations, self.orders, self.sent, self.threads = [], [], [], [], []
        self.phones = {}
        self.closing = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = WAIT

            def do(self):
                outer.serve(self)

            do_GET = do_POST = do_PATCH = do_DELETE = do

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

            def handle_error(self, request, client_address):
                pass  # a client that went away

        self.server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.closing.set()
        with self.changed:
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        for t in self.threads:
            t.join(WAIT)

    # ---- for tests ----

    def misbehave(self, kind, times=1, method=None, path=""):
        """The next `times` requests that fit: 429, 500 and the like; "hang" (nothing is done, nothing answered), "lost" (done, and the answer is
        lost), "html", "empty"."""
        with self.changed:
            self.orders.append(Order(kind, times, method, path))

    def wait(self, what, seconds=WAIT):
        with self.changed:
            assert self.changed.wait_for(what, seconds), "it did not come about at the platform"
            return what()

    def asked(self, method, path):
        with self.changed:
            return [r for r in self.requests if r.method == method and re.fullmatch(path, r.path)]

    def check(self):
        assert not self.violations, self.violations

    def phone(self, number):
        return self.phones.get(number) or Phone()

    # ---- serving ----

    def order_for(self, request):
        for o in self.orders:
            if o.times > 0 and o.method in (None, request.method) and o.path in request.path:
                o.times -= 1
                return o.kind
        return None

    def serve(self, handler):
        length = int(handler.headers.get("content-length") or 0)
        raw = handler.rfile.read(length)
        path, _, query = handler.path.partition("?")
        with contextlib.suppress(ValueError):
            raw = json.loads(raw) if raw else None
        request = Request(handler.command, urllib.parse.unquote(path), dict(urllib.parse.parse_qsl(query)),
                          {k.lower(): v for k, v in handler.headers.items()}, raw)
        with self.changed:
            self.requests.append(request)
            kind = self.order_for(request)
        more, content = {}, "application/json"
        if kind == "hang":
            self.closing.wait(WAIT)
            handler.close_connection = True
            return
        if isinstance(kind, int):
            request.status, value = kind, self.error(kind, "on order")
            more = {"Retry-After": "0"} if kind == 429 else {}
        elif kind in ("html", "empty"):
            request.status, value, content = 200, b"<html>Sorry</html>" if kind == "html" else b"", "text/html"
        else:
            try:
                request.status, value = self.answer(request)
            except Refused as e:
                request.status, value = e.status, self.error(e.status, e.message)
                if e.wrong:
                    with self.changed:
                        self.violations.append(f"{request}: {e.message}")
        with self.changed:
            self.changed.notify_all()
        if kind == "lost":
            self.closing.wait(WAIT)
            handler.close_connection = True
            return
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        if data.startswith((b"RIFF", MP3[:4])):
            content = "audio/wav" if data.startswith(b"RIFF") else "audio/mpeg"
        with contextlib.suppress(OSError):
            handler.send_response(request.status)
            for name, text in {"Content-Type": content, "Content-Length": str(len(data)), **more}.items():
                handler.send_header(name, text)
            handler.end_headers()
            handler.wfile.write(data)

    def authorized(self, request):
        if request.headers.get("authorization") not in (self.key, f"Bearer {self.key}"):
            raise Refused(401, "Authorization header is missing or invalid", wrong=False)

    # ---- sending ----

    def run(self, target, *args):
        t = threading.Thread(target=target, args=args, daemon=True)
        with self.changed:
            self.threads.append(t)
        t.start()

    def pause(self, seconds):
        """Time passes at the platform; True when it ends meanwhile."""
        return self.closing.wait(seconds)

    def post(self, url, body, headers=None, timeout=WAIT):
        """(status, JSON or text) of a webhook; status 0 when nobody answered."""
        u = urllib.parse.urlsplit(url)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers(raw) if callable(headers) else headers or {})}
        status, answer = 0, ""
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(u.hostname, u.port, timeout=timeout)
            try:
                connection.request("POST", u.path + ("?" + u.query if u.query else ""), raw, headers)
                r = connection.getresponse()
                status, answer = r.status, r.read().decode(errors="replace")
            finally:
                connection.close()
        with contextlib.suppress(ValueError):
            answer = json.loads(answer)
        with self.changed:
            self.sent.append((url, body, status, answer))
            self.changed.notify_all()
        return status, answer
