"""vendor.py - what the fakes of speech vendors share: an HTTP server on a free port that also takes WebSockets, ears that know the
sentences of tests/media/set, a voice, faults on order, and a list of all that was asked. Standard library only."""
import collections
import contextlib
import http.server
import json
import math
import os
import socket
import struct
import sys
import threading
import time
import urllib.parse

import ws

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SENTENCES = {"1": "i would like to book a double room for three nights please", "2": "can you tell me what time breakfast is served on sunday morning",
             "3": "my number is five five five zero one nine seven four two"}
GUEST = ["I would like to book a double room. We stay for three nights.", "Wait, does it have a view of the sea?", "Yes, please book it for me.",
         "My code is four two seven one.", "Thank you. Can I speak to a person now?"]  # the clips guest-1.ul and so on
FRAME = 160


def text_of(clip):
    """What the clip of that name says."""
    voice, number = clip.split("-")
    return GUEST[int(number[0]) - 1] if voice == "guest" else SENTENCES[number[0]]


def ulaw_table():
    table = []
    for code in range(256):
        u = ~code & 0xFF
        value = (((u & 0x0F) << 3) + 0x84 << ((u & 0x70) >> 4)) - 0x84
        table.append(-value if u & 0x80 else value)
    return table


ULAW = ulaw_table()
CODES = {}


def to_ulaw(sample):
    if not CODES:
        for s in range(-32768, 32768, 4):
            magnitude, sign = min(abs(s), 32635) + 0x84, 0x80 if s < 0 else 0
            exponent = max(0, magnitude.bit_length() - 8)
            CODES[s >> 2] = ~(sign | exponent << 4 | (magnitude >> exponent + 3) & 0x0F) & 0xFF
    return CODES[max(-32768, min(32764, sample)) >> 2]


def decode(audio, encoding, rate):
    """Samples at 8000 Hz of mu-law, or linear audio at 8000 or a multiple of it."""
    if encoding == "mulaw":
        return [ULAW[b] for b in audio]
    samples = struct.unpack(f"<{len(audio) // 2}h", audio[:len(audio) // 2 * 2])
    step = rate // 8000
    return [sum(samples[i:i + step]) // step for i in range(0, len(samples) - step + 1, step)]


def envelope(samples):
    levels = []
    for i in range(0, len(samples) - FRAME + 1, FRAME):
        levels.append(math.log10(1 + sum(s * s for s in samples[i:i + FRAME]) / FRAME))
    return levels


class Ears:
    """Knows the sentences of the test set by the shape of their loudness."""

    def __init__(self):
        self.known = {}
        self.script = []  # texts that are understood next, whatever is said
        folder = os.path.join(ROOT, "tests", "media", "set")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".ul"):
                with open(os.path.join(folder, name), "rb") as f:
                    self.known[name] = envelope([ULAW[b] for b in f.read()])

    @staticmethod
    def likeness(a, b):
        n = min(len(a), len(b))
        if n < 10:
            return -1.0
        x, y = a[:n], b[:n]
        mx, my = sum(x) / n, sum(y) / n
        top = sum((p - mx) * (q - my) for p, q in zip(x, y))
        bottom = math.sqrt(sum((p - mx) ** 2 for p in x) * sum((q - my) ** 2 for q in y))
        return top / bottom if bottom else -1.0

    def understand(self, samples):
        """(text, likeness): what was said, "" for silence and for what is like nothing known."""
        heard = envelope(samples)
        if self.script:
            return self.script.pop(0), 0.9
        if not heard or max(heard) < 4.0:
            return "", 0.0
        best = (-1.0, "")
        for name, levels in self.known.items():
            for lag in range(-10, min(60, max(1, len(heard) - 20))):
                a, b = (heard[lag:], levels) if lag >= 0 else (heard, levels[-lag:])
                if len(a) < len(b) * 0.7:
                    continue
                best = max(best, (self.likeness(a, b), name))
        return (text_of(best[1]), best[0]) if best[0] > 0.8 else ("", best[0])


def tone(text, rate=8000, ms_per_letter=30):
    """A voice whose length is that of the text: syllables of 440 Hz."""
    n = int(len(text) * ms_per_letter * rate / 1000)
    return [int(8000 * math.sin(2 * math.pi * 440 * i / rate)) if i * 8 // rate % 4 else 0 for i in range(n)]


def encode(samples, encoding):
    if encoding == "mulaw":
        return bytes(to_ulaw(s) for s in samples)
    return struct.pack(f"<{len(samples)}h", *samples)


class Request:
    def __init__(self, handler, body):
        split = urllib.parse.urlsplit(handler.path)
        self.method, self.path = handler.command, split.path
        self.query = urllib.parse.parse_qs(split.query, keep_blank_values=True)
        self.headers = {k.lower(): v for k, v in handler.headers.items()}
        self.body, self.at = body, time.monotonic()

    def one(self, name, default=None):
        return self.query.get(name, [default])[0]

    @property
    def json(self):
        return json.loads(self.body)


class Vendor:
    """A server of one vendor. `delay`: seconds until an answer's first byte; `faults`: names of what it does wrong, each as often as its
    count says, in order of their use."""

    key = "a-key-that-nobody-may-log"

    def __init__(self):
        self.requests, self.messages, self.sockets, self.cut = [], [], 0, 0
        self.over = False
        self.faults = collections.Counter()
        self.delay = 0.02
        self.changed = threading.Condition()
        self.ears = Ears()
        vendor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_GET(self):
                vendor.serve(self)

            do_POST = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ValueError)):
                    super().handle_error(request, client_address)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        with self.changed:
            self.over = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def fault(self, name):
        """Is it this fault's turn? It is used up by one."""
        with self.changed:
            if self.faults[name] <= 0:
                return False
            self.faults[name] -= 1
            return True

    def note(self, what):
        with self.changed:
            self.messages.append(what)
            self.changed.notify_all()

    def wait(self, what, seconds=60):
        with self.changed:
            assert self.changed.wait_for(lambda: what(self), seconds), f"it was not asked; {self.messages[-10:]}"

    # ---- one request ----

    def serve(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(handler, handler.rfile.read(length) if length else b"")
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        if self.fault("cut"):
            handler.close_connection = True
            handler.connection.close()
            return
        for code in (401, 402, 429, 500, 503):
            if self.fault(str(code)):
                self.answer(handler, code, self.refusal(code), {"Retry-After": "7"} if code == 429 else {})
                return
        if not self.authorized(request):
            self.answer(handler, 401, self.refusal(401))
        elif "upgrade" in request.headers.get("connection", "").lower():
            self.upgrade(handler, request)
        else:
            time.sleep(self.delay)
            self.handle(handler, request)

    def refusal(self, code):
        return {"error": {"message": f"the fake refuses with {code}", "code": "fake"}}

    def answer(self, handler, code, value, headers=None):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/octet-stream" if isinstance(value, bytes) else "application/json")
        handler.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            handler.send_header(name, text)
        handler.end_headers()
        handler.wfile.write(data)

    def stream(self, handler, pieces, kind="application/octet-stream"):
        """An answer in chunks, as they come."""
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            for piece in pieces:
                if piece:
                    handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            self.cut += 1
            with self.changed:
                self.changed.notify_all()
            handler.close_connection = True

    def speak(self, handler, text, encoding, rate):
        """The answer of a voice: audio in pieces of 100 ms, ten times as fast as it is heard; faults: stall, short, mp3, empty."""
        audio = encode(tone(text, rate), encoding)
        size = rate // 10 * (1 if encoding == "mulaw" else 2)
        faults = {name: self.fault(name) for name in ("stall", "short", "mp3", "empty", "late")}

        def pieces():
            if faults["late"]:
                self.hold(handler.connection)
            if faults["mp3"]:
                yield b"ID3\x04" + bytes(4000)
                return
            if faults["empty"]:
                return
            for i in range(0, len(audio), size):
                if faults["stall"] and i >= 2 * size:
                    self.hold(handler.connection)
                if faults["short"] and i >= 2 * size:
                    handler.connection.close()
                    raise ConnectionError
                yield audio[i:i + size]
                time.sleep(0.01)
        self.stream(handler, pieces())

    def hold(self, connection):
        """Says nothing until the client goes, or the test is over."""
        connection.settimeout(0.05)
        while not self.over:
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1, socket.MSG_PEEK):
                    break
        raise ConnectionError("the client is gone")

    def upgrade(self, handler, request):
        channel = ws.Socket(handler)
        self.sockets += 1
        with contextlib.suppress(ConnectionError, OSError):
            self.talk(channel, request, handler)

    def authorized(self, request):
        raise NotImplementedError

    def handle(self, handler, request):
        self.answer(handler, 404, self.refusal(404))

    def talk(self, channel, request, handler):
        raise NotImplementedError


@contextlib.contextmanager
def running(kind):
    vendor = kind()
    try:
        yield vendor
    finally:
        vendor.close()
