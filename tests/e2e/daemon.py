"""daemon.py - a gateway of one's own for a test: temporary folders, a free port, readiness by the service manager's notification, an
end that is checked (exit code, orphans, sanitizers). Standard library only."""
import base64
import contextlib
import glob
import http.client
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SLOW = 1  # how much longer things may take; raised for instrumented builds
WAIT = 60  # seconds for what takes one: a machine may be slow and busy, and only what fails waits so long
REPORT = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")


def build():
    if "--build" in sys.argv:
        return os.path.abspath(sys.argv[sys.argv.index("--build") + 1])
    return os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))


def wait():
    return WAIT * SLOW


def suppressions(kind):
    path = os.path.join(ROOT, "tests", kind + ".supp")
    return f":suppressions={path}" if os.path.exists(path) else ""


PORTS = itertools.count(os.getpid() * 97)
TAKEN = []


def reserve(port):
    """Ours while this process lives: of several that look at the same time one has it, long before its gateway listens there."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        s.bind(f"\0voicegw-test-port-{port}")
    except OSError:
        s.close()
        return False
    TAKEN.append(s)
    return True


def free_port():
    """Below the ports that a system gives to whoever connects, and elsewhere for each process: suites run side by side. The port above it
    is nobody's: some take both."""
    while True:
        port = 10000 + 2 * next(PORTS) % 6000
        with socket.socket() as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as d, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            d.bind(("127.0.0.1", port))
            if reserve(port):
                return port


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


def connect(port, tls=None):
    """A connection, through TLS when a context is given."""
    s = socket.create_connection(("127.0.0.1", port), wait())
    return tls.wrap_socket(s, server_hostname="localhost") if tls else s


class Feed:
    """The event feed by server-sent events, read by a thread of its own."""

    def __init__(self, port, last_id=None, token=None, tls=None):
        self.events, self.closed = [], False
        self.changed = threading.Condition()
        self.socket = connect(port, tls)
        head = "GET /voice/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        head += f"Last-Event-ID: {last_id}\r\n" if last_id is not None else ""
        head += f"Authorization: Bearer {token}\r\n" if token else ""
        self.socket.sendall((head + "\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass
        self.socket.settimeout(None)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError, ValueError):
            for line in self.file:
                if line == b"0\r\n":  # the last chunk
                    break
                if line.startswith(b"data: "):
                    with self.changed:
                        self.events.append(json.loads(line[6:]))
                        self.changed.notify_all()
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def find(self, kind, **want):
        return [e for e in list(self.events) if e["type"] == kind and all(field(e, k) == v for k, v in want.items())]

    def wait(self, kind, count=1, seconds=None, **want):
        """The first event of that type and those fields (of data, then of the envelope); with count: all of them, at least so many."""
        with self.changed:
            ok = self.changed.wait_for(lambda: len(self.find(kind, **want)) >= count or self.closed, seconds or wait())
        found = self.find(kind, **want)
        if not ok or len(found) < count:
            tail = [(e["type"], e["call_id"], e["data"]) for e in self.events[-15:]]
            raise AssertionError(f"no {count} x {kind} {want}, but {len(found)} (HTTP {self.status}); the last events: {tail}")
        return found[0] if count == 1 else found

    def wait_closed(self):
        with self.changed:
            assert self.changed.wait_for(lambda: self.closed, wait()), "the feed was not closed"

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def field(event, name):
    return event["data"][name] if name in event.get("data", {}) else event.get(name)


class Gateway:
    """voicegwd with a configuration, in folders of its own."""

    def __init__(self, config=None, environment=None, plugins=None, prefix=None, folder=None, check_reports=True):
        self.own = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="voicegw-e2e-")
        self.state, self.run = os.path.join(self.folder, "state"), os.path.join(self.folder, "run")
        for d in (self.state, self.run):
            os.makedirs(d, exist_ok=True)
        self.plugins = plugins or [os.path.join(build(), "plugins")]
        self.port = free_port()
        self.environment = environment or {}
        self.tls = None  # an SSL context: it is spoken to through TLS
        self.prefix = prefix or []
        self.process = None
        self.started = 0
        self.check_reports = check_reports
        self.config = os.path.join(self.folder, "voicegw.yaml")
        self.write(config or base())

    def write(self, text):
        """The configuration; $PORT, $STATE, $RUN and $DIR stand for this gateway's."""
        for name, value in (("$PORT", str(self.port)), ("$STATE", self.state), ("$RUN", self.run), ("$DIR", self.folder)):
            text = text.replace(name, value)
        with open(self.config + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(self.config + ".new", self.config)

    @property
    def log_path(self):
        return os.path.join(self.folder, f"log.{self.started}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def spawn(self, *options):
        self.started += 1
        env = {k: v for k, v in os.environ.items() if not k.startswith(("VOICE", "TWILIO"))}
        env.update(VOICEGW_STATE_DIR=self.state, VOICEGW_RUN_DIR=self.run, NOTIFY_SOCKET=os.path.join(self.folder, "notify"),
                   ASAN_OPTIONS="detect_leaks=1:exitcode=99", UBSAN_OPTIONS="print_stacktrace=1",
                   LSAN_OPTIONS="print_suppressions=0" + suppressions("lsan"),
                   TSAN_OPTIONS="exitcode=99:second_deadlock_stack=1" + suppressions("tsan"))
        env["VOICEGW_CHECK_EVENTS"] = "1"
        env.update(self.environment)
        path = [part for p in self.plugins for part in ("-p", p)]
        with open(self.log_path, "wb") as log:
            return subprocess.Popen([*self.prefix, os.path.join(build(), "bin", "voicegwd"), "-c", self.config, *path, *options],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)

    def start(self):
        path = os.path.join(self.folder, "notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(0.5)
            self.process = self.spawn()
            end = time.monotonic() + wait()
            while True:
                try:
                    if b"READY=1" in s.recv(4096):
                        break
                except TimeoutError:
                    pass
                if self.process.poll() is not None or time.monotonic() > end:
                    self.process.kill()
                    raise AssertionError("the gateway is not ready: " + self.log()[-3000:])
        os.unlink(path)
        return self

    def check(self):
        """voicegwd --check: (exit code, what it said)."""
        process = self.spawn("--check")
        return process.wait(wait()), self.log()

    # ---- talking to it ----

    def request(self, method, path, body=None, headers=None, raw=None, port=None):
        connection = http.client.HTTPConnection("localhost", port or self.port, timeout=wait())
        connection.sock = connect(port or self.port, self.tls)
        headers = dict(headers or {})
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=data, headers=headers)
            r = connection.getresponse()
            return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read().decode(errors="replace"))
        finally:
            connection.close()

    def get(self, path, status=200, **more):
        a = self.request("GET", path, **more)
        assert a.status == status, f"GET {path}: {a}"
        return a.json if "json" in a.headers.get("content-type", "") else a.body

    def post(self, path, body=None, status=None, **more):
        a = self.request("POST", path, body if body is not None else {}, **more)
        assert a.status == status if status else a.status < 300, f"POST {path}: {a}"
        return a.json

    def feed(self, last_id=None, token=None):
        return Feed(self.port, last_id, token, self.tls)

    def metric(self, name, default=None, **labels):
        for line in self.get("/metrics").splitlines():
            m = re.match(r"^(\w+)(?:\{(.*)\})? (\S+)$", line)
            if m and m[1] == name and all(f'{k}="{v}"' in (m[2] or "") for k, v in labels.items()):
                return float(m[3])
        return default

    def call(self, to, **more):
        return self.post("/voice/calls", {"to": to, **more}, status=202)

    def history(self, count=1, **want):
        """The records, once there are so many that are closed."""
        end = time.monotonic() + wait()
        while True:
            rows = []
            cursor = ""
            while cursor is not None:
                page = self.get(f"/voice/history?limit=500{f'&cursor={cursor}' if cursor else ''}")
                rows += page["records"]
                cursor = page.get("next_cursor")
            rows = [r for r in rows if all(r.get(k) == v for k, v in want.items())]
            if len([r for r in rows if r["status"] != "active"]) >= count or time.monotonic() > end:
                return rows
            time.sleep(0.05)

    def until(self, what, seconds=None):
        """Waits for a state that no event tells of."""
        end = time.monotonic() + (seconds or wait())
        while True:
            value = what()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError("it did not come about: " + self.log()[-1500:])
            time.sleep(0.02)

    # ---- its end ----

    def reports(self):
        text = self.log()
        m = REPORT.search(text)
        return text[max(0, m.start() - 200):m.start() + 6000] if m and self.check_reports else ""

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert not self.reports(), self.reports()

    def stop(self, orphans=True):
        """Ends it: calls that are left first, so that the drain does not wait for them."""
        if orphans:
            assert self.metric("voicegw_orphans") == 0, "orphans"
        for s in self.get("/voice/sessions?limit=500")["sessions"]:
            self.request("POST", f"/voice/sessions/{s['session_id']}/end", {})
        self.process.send_signal(signal.SIGTERM)
        self.ended()

    def ended(self):
        """It has ended by itself or was told to: the way it should."""
        try:
            code = self.process.wait(wait())
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError("the gateway does not end: " + self.log()[-3000:]) from None
        assert not self.reports(), self.reports()
        strange = [line for line in self.log().splitlines() if "does not fit the catalogue" in line]
        assert not strange, strange
        assert code == 0, f"the gateway ended with {code}: " + self.log()[-3000:]

    def done(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.own and not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


def base(gateway="", mock="", routes=None, more="", store="{plugin: sqlite, path: $STATE/voicegw.db}", assistant="echo", lists=""):
    """A configuration with a mock telephone that is quick."""
    if routes is None:
        routes = f"  - {{match: {{}}, assistant: {assistant}, stt: local, tts: local}}\n"
    return f"""
gateway: {{control_socket: $RUN/control.sock{", " + gateway if gateway else ""}}}
http: {{listen: ["127.0.0.1:$PORT"]}}
providers:
  lab: {{plugin: mock, default: true, open_streams: true, initiating_ms: 20, ringing_ms: 30{", " + mock if mock else ""}}}
stt: {{local: {{plugin: pocketsphinx}}}}
tts: {{local: {{plugin: flite}}}}
assistants: {{echo: {{plugin: echo}}, back: {{plugin: loopback}}}}
store: {store}
recordings: {{storage: local, path: $STATE/recordings}}
journal: {{path: $STATE/journal}}
{more}
routes:
{routes}"""


@contextlib.contextmanager
def gateway(config=None, stop=True, **more):
    g = Gateway(config, **more)
    try:
        g.start()
        yield g
        if stop and g.process.poll() is None:
            g.stop()
    except BaseException:
        if os.environ.get("VERBOSE"):
            print(g.log()[-8000:])
        raise
    finally:
        g.done()


class WebSocket:
    """A small client, RFC 6455."""

    def __init__(self, port, path, headers=None, expect=101, tls=None):
        self.socket = connect(port, tls)
        self.socket.settimeout(wait())
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        head += "Sec-WebSocket-Version: 13\r\n" + "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        self.socket.sendall((head + "\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            part = self.socket.recv(4096)
            if not part:
                break
            self.buffer += part
        answer, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = int(answer.split()[1]) if answer else 0
        self.head = answer.decode(errors="replace").lower()
        self.closed = None
        assert expect is None or self.status == expect, f"{path}: {answer!r} {self.buffer!r}"

    def send_frame(self, opcode, data, fin=True, mask=True, rsv=0):
        head = bytes([(0x80 if fin else 0) | rsv | opcode])
        bit = 0x80 if mask else 0
        if len(data) < 126:
            head += bytes([bit | len(data)])
        elif len(data) < 65536:
            head += struct.pack("!BH", bit | 126, len(data))
        else:
            head += struct.pack("!BQ", bit | 127, len(data))
        if mask:
            key = os.urandom(4)
            repeated = (key * (len(data) // 4 + 1))[:len(data)]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big") if data else b""
            head += key
        self.socket.sendall(head + data)

    def send(self, value):
        self.send_frame(1, (value if isinstance(value, str) else json.dumps(value)).encode())

    def take(self, n):
        while len(self.buffer) < n:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("the socket was closed without a word")
            self.buffer += part
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def recv(self):
        """A message's text, or None when it was closed (self.closed: code and reason)."""
        whole = b""
        while True:
            a, b = self.take(2)
            n = b & 0x7F
            if n >= 126:
                n = int.from_bytes(self.take(2 if n == 126 else 8), "big")
            data = self.take(n)
            opcode = a & 15
            if opcode == 8:
                self.closed = (int.from_bytes(data[:2], "big") if len(data) > 1 else 1005, data[2:].decode(errors="replace"))
                with contextlib.suppress(OSError):
                    self.send_frame(8, data[:2])
                return None
            if opcode == 9:
                self.send_frame(10, data)
            elif opcode in (0, 1, 2):
                whole += data
                if a & 0x80:
                    return whole.decode()

    def close_code(self):
        """Reads until the other end closes: its code, or 0 when it just went."""
        try:
            while self.recv() is not None:
                pass
            return self.closed[0]
        except (ConnectionError, OSError):
            return 0

    def close(self):
        with contextlib.suppress(OSError):
            self.send_frame(8, struct.pack("!H", 1000))
        self.socket.close()


class Stream:
    """A caller on /voice/mock/stream in Twilio's format; what it hears is kept by a thread."""

    def __init__(self, g, name, parameters=None, headers=None, begin=True, instance="mock"):
        self.ws = WebSocket(g.port, f"/voice/{instance}/stream/{name}", headers, tls=g.tls)
        self.sid = f"MZ{random.getrandbits(64):016x}"
        self.sequence = self.chunk = self.stamp = 0
        self.heard, self.messages, self.over = b"", [], False
        self.changed = threading.Condition()
        if begin:
            self.ws.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
            self.event("start", start={"streamSid": self.sid, "callSid": f"CA{name}", "accountSid": "AC1", "tracks": ["inbound"],
                                       "customParameters": parameters or {},
                                       "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}})
        threading.Thread(target=self.read, daemon=True).start()

    def event(self, kind, **more):
        self.sequence += 1
        self.ws.send({"event": kind, "sequenceNumber": str(self.sequence), "streamSid": self.sid, **more})

    def media(self, frame):
        self.chunk += 1
        self.event("media", media={"track": "inbound", "chunk": str(self.chunk), "timestamp": str(self.stamp),
                                   "payload": base64.b64encode(frame).decode()})
        self.stamp += len(frame) // 8

    def speak(self, ulaw, seconds_of_silence=0.0):
        """Sends audio at the pace of a telephone."""
        data = ulaw + b"\xff" * int(seconds_of_silence * 8000)
        at = time.monotonic()
        for i in range(0, len(data), 160):
            try:
                self.media(data[i:i + 160].ljust(160, b"\xff"))
            except OSError:  # the gateway hung up
                return
            at += 0.02
            time.sleep(max(0.0, at - time.monotonic()))

    def dtmf(self, digit):
        self.event("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def read(self):
        try:
            while (text := self.ws.recv()) is not None:
                message = json.loads(text)
                with self.changed:
                    if message["event"] == "media":
                        self.heard += base64.b64decode(message["media"]["payload"])
                    else:
                        self.messages.append(message)
                        if message["event"] == "mark":
                            self.event("mark", mark=message["mark"])
                    self.changed.notify_all()
        except (ConnectionError, OSError, ValueError):
            pass
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def wait(self, what):
        with self.changed:
            assert self.changed.wait_for(lambda: what(self) or self.over, wait()) and what(self), \
                f"it was not heard; {len(self.heard)} bytes, {[m['event'] for m in self.messages]}"

    def stop(self):
        with contextlib.suppress(OSError):
            self.event("stop", stop={"accountSid": "AC1", "callSid": "CA"})
            self.ws.close()


def clip(name):
    with open(os.path.join(ROOT, "tests", "media", "set", name), "rb") as f:
        return f.read()


QUIET = bytes(b for b in range(256) if (b & 0x7F) >= 0x60)  # mu-law octets near the middle


def loud(ulaw):
    """Does it hold more than silence?"""
    return len(ulaw.translate(None, QUIET)) > len(ulaw) // 20


def spoken(ulaw, since=0, octets=1600):
    """Was something loud for so long, wherever it stands? What was heard once stays heard, however late one looks."""
    return any(loud(ulaw[i:i + octets]) for i in range(since, len(ulaw) - octets + 1, octets // 2))


# ---- a test file is functions test_*; run() runs those that were named, or all ----

class Skip(Exception):
    """What the test needs is not here; it says what."""


def run(names):
    global SLOW
    libraries = glob.glob(os.path.join(build(), "bin", "voicegwd"))
    if not libraries:
        print(f"{build()}/bin/voicegwd is not built\n0 passed, 1 failed")
        sys.exit(1)
    with open(libraries[0], "rb") as f:
        instrumented = b"__tsan_init" in (data := f.read()) or b"__asan_init" in data
    SLOW = 4 if instrumented else 1
    skip = 2 if "--build" in sys.argv else 0
    chosen = [a for a in sys.argv[1 + skip:] if not a.startswith("-")]
    passed = failed = skipped = 0
    for name, fn in list(names.items()):
        if not name.startswith("test_") or (chosen and not any(c in name for c in chosen)):
            continue
        begun = time.monotonic()
        try:
            lacking = fn()  # a test that cannot run here says what it misses, or raises Skip
            skipped += bool(lacking)
            passed += not lacking
            print(f"{'skip  ' if lacking else 'ok    '} {name} {lacking or f'{time.monotonic() - begun:.1f} s'}", flush=True)
        except Skip as e:
            skipped += 1
            print(f"skip   {name}: {e}", flush=True)
        except Exception:  # whatever went wrong, the next test runs
            failed += 1
            print(f"not ok {name} {time.monotonic() - begun:.1f} s\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)
