#!/usr/bin/python3
"""End-to-end tests of the front door, the WebSocket hub, TLS and the HTTP client, against the server beside this file.

usage: run.py PATH_OF_SERVER [NAME...]     prints 'N passed, N failed' last
"""
import base64
import hashlib
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

HOST = "127.0.0.1"
KEY = base64.b64encode(b"0123456789abcdef").decode()
WAIT = 60  # seconds; only what fails waits so long


class Server:
    def __init__(self, path, *options):
        self.process = subprocess.Popen([path, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.port = self.tls = None
        for line in self.process.stdout:
            word = line.split()
            if word[0] == "ready":
                break
            setattr(self, word[0], int(word[1]))
        self.log = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.log.append(line)

    def stop(self):
        self.process.stdin.close()
        try:
            code = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "hangs at its end"
        self.reader.join(WAIT)
        return code

    def said(self, word, count=1):
        """The lines of its log with that word, once there are so many."""
        end = time.monotonic() + WAIT
        while len(lines := [line for line in self.log if word in line]) < count:
            assert time.monotonic() < end, (word, self.log[-8:])
            time.sleep(0.01)
        return lines


def connect(port):
    s = socket.create_connection((HOST, port), WAIT)
    s.settimeout(WAIT)
    return s


def read_all(s):
    data = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return data
            data += piece
    except ConnectionResetError:
        return data


def talk(port, request):
    """Sends bytes, half-closes, returns everything that comes back."""
    with connect(port) as s:
        try:
            s.sendall(request if isinstance(request, bytes) else request.encode("latin-1"))
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_all(s)


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def get(path, extra=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{extra}\r\n"


def equal(a, b):
    assert a == b, f"{a!r} is not {b!r}"


# ---- HTTP ----

BAD = [
    ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("space before colon", get("/", "X-A : b\r\n"), 400),
    ("obsolete fold", get("/", "X-A: b\r\n c\r\n"), 400),
    ("NUL in a value", get("/", "X-A: b\0c\r\n"), 400),
    ("bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400),
    ("bare CR", "GET / HTTP/1.1\rHost: x\r\n\r\n", 400),
    ("version 9.9", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505),
    ("version 2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ("lower-case protocol", "GET / http/1.1\r\nHost: x\r\n\r\n", 400),
    ("no version", "GET /\r\n\r\n", 400),
    ("two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    ("CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", None),
    ("TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    ("length and chunks", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunks and length", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    ("two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    ("signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400),
    ("hex length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc", 400),
    ("list of lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
    ("huge length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    ("gzip coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("identity coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", None),
    ("coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunk size 0x5", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n", 400),
    ("endless chunk extension", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;" + "a" * 300 + "\r\n", 400),
    ("chunk without end", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n", 400),
    ("huge chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", 413),
    ("huge body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", 413),
    ("long target", "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ("long head", get("/", "X-A: " + "b" * 17000 + "\r\n"), 431),
    ("many headers", get("/", "X: y\r\n" * 100), 431),
    ("expectation", get("/", "Expect: cake\r\n"), 417),
    ("dot dot", get("/a/../b"), 400),
    ("encoded dot dot", get("/a/%2e%2e/b"), 400),
    ("encoded NUL", get("/a%00b"), 400),
    ("encoded slash", get("/a%2fb"), 400),
    ("bad escape", get("/a%zz"), 400),
    ("bad escape in the query", get("/a?b=%"), 400),
    ("backslash", get("/a\\b"), 400),
    ("fragment", get("/a#b"), 400),
    ("bad UTF-8 in the path", get("/%ff"), 400),
    ("raw high byte", get("/\xff"), 400),
    ("TLS to the plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("WebSocket version 12", get("/ws", f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: {KEY}\r\n"), 426),
    ("WebSocket short key", get("/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YWJj\r\n"), 400),
    ("WebSocket without key", get("/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"), 400),
    ("WebSocket by POST", f"POST /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n", 400),
    ("unknown stream", get("/nows", f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"), 404),
]


def test_bad_requests(s):
    wrong = []
    for name, request, want in BAD:
        answer = talk(s.port, request)
        got = status(answer)
        if (want and got != want) or (not want and (got is None or got < 400)):
            wrong.append((name, got, want, answer[:80]))
        elif b"problem+json" not in answer or len(re.findall(rb"HTTP/1\.1 \d", answer)) != 1:
            wrong.append((name, "no single problem document", answer[:200]))
    equal(wrong, [])


def test_plain(s):
    answer = talk(s.port, get("/a%20b//./c?d=e", "X-A: b\r\n"))
    equal(status(answer), 200)
    assert b"GET /a b/c ?d=e remote=127.0.0.1 flags=1 body=0:" in answer, answer


def test_http10_closes(s):
    with connect(s.port) as c:
        c.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = read_all(c)
    assert b"Connection: close" in answer and status(answer) == 200


def test_absolute_target(s):
    assert b"GET /p ?q " in talk(s.port, "GET http://other:80/p?q HTTP/1.1\r\nHost: x\r\n\r\n")


def test_head_has_no_body(s):
    answer = talk(s.port, "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n") and b"Content-Length: " in answer and b"Content-Length: 0" not in answer, answer


def test_pipelining_keeps_order(s):
    answer = talk(s.port, "".join(get(f"/n{i}") for i in range(100)))
    equal(answer.count(b"HTTP/1.1 200"), 100)
    places = [answer.index(b"GET /n%d ?" % i) for i in range(100)]
    equal(places, sorted(places))


def test_pipelining_after_a_late_answer(s):
    answer = talk(s.port, get("/later") + get("/next"))
    assert answer.index(b"later\n") < answer.index(b"GET /next "), answer


def test_chunked_body(s):
    body = "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    answer = talk(s.port, "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + get("/after"))
    assert b"body=11:hello world" in answer and b"GET /after " in answer, answer


def test_body_byte_by_byte(s):
    request = b"POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    with connect(s.port) as c:
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(request)):
            c.sendall(request[i:i + 1])
        c.shutdown(socket.SHUT_WR)
        assert b"body=5:hello" in read_all(c)


def test_expect_continue(s):
    with connect(s.port) as c:
        c.sendall(b"POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        equal(c.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
        c.sendall(b"hello")
        c.shutdown(socket.SHUT_WR)
        assert b"body=5:hello" in read_all(c)


def test_streaming(s):
    answer = talk_open(s.port, get("/stream"), b"0\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in answer and b"data: 2" in answer, answer


def talk_open(port, request, until):
    with connect(port) as c:
        c.sendall(request.encode())
        data = bytearray()
        while until not in data[-len(until):]:
            piece = c.recv(65536)
            assert piece, data[-100:]
            data += piece
        return data


def test_a_long_stream_goes_on_whenever_all_is_sent(s):
    for _ in range(20):
        answer = talk_open(s.port, get("/pour"), b"\r\n0\r\n\r\n")
        equal(answer.count(b"z"), 8 * 1024 * 1024)


def test_stream_reader_may_leave(s):
    with connect(s.port) as c:
        c.sendall(get("/stream").encode())
        c.recv(100)
    equal(status(talk(s.port, get("/"))), 200)


def test_stream_buffer_is_bounded(s):
    with connect(s.port) as c:
        c.sendall(get("/flood").encode())
        lines = s.said("flood took")
    assert int(lines[0].split()[2]) <= 8 * 1024 * 1024, lines


def test_no_answer_is_504(s):
    equal(status(talk(s.hasty.port, get("/never"))), 504)


def trickle(port, head):
    """What is answered to somebody who goes on by a byte now and then."""
    with connect(port) as c:
        answer, end = b"", time.monotonic() + WAIT
        try:
            c.sendall(head.encode())
            c.settimeout(0.02)
            while time.monotonic() < end:
                try:
                    if piece := c.recv(4096):
                        answer += piece
                        continue
                    return answer
                except socket.timeout:
                    c.sendall(b"T")
        except ConnectionError:
            return answer
    raise AssertionError("the connection was not ended")


def test_slow_head_is_ended(s):
    answer = trickle(s.hasty.port, "GET / HT")
    assert answer == b"" or status(answer) in (408, 400), answer


def test_slow_body_is_ended(s):
    equal(status(trickle(s.hasty.port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")), 408)


def test_idle_is_ended(s):
    with connect(s.hasty.port) as c:
        c.sendall(get("/").encode())
        answer = read_all(c)
        equal(status(answer), 200)


def test_trusted_proxy_is_believed(s):
    answer = talk(s.port, get("/", "X-Forwarded-For: 9.9.9.9, 203.0.113.7, 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"))
    assert b"remote=203.0.113.7 flags=12 " in answer, answer


def test_unix_socket(s):
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(WAIT)
        c.connect(s.unix)
        c.sendall(get("/").encode())
        c.shutdown(socket.SHUT_WR)
        assert b"flags=2 " in read_all(c)
    equal(os.stat(s.unix).st_mode & 0o777, 0o660)


# ---- WebSocket ----

class WebSocket:
    def __init__(self, sock, path="/ws"):
        self.s = sock
        self.s.sendall(get(path, f"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           f"Sec-WebSocket-Key: {KEY}\r\nX-A: b\r\n").encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            piece = self.s.recv(4096)
            assert piece, self.data
            self.data += piece
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head
        accept = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        assert accept in head, head

    def frame(self, opcode, payload, fin=True, masked=True, rsv=0):
        head = bytes([(0x80 if fin else 0) | rsv | opcode])
        bit = 0x80 if masked else 0
        n = len(payload)
        if n < 126:
            head += bytes([bit | n])
        elif n < 65536:
            head += bytes([bit | 126]) + struct.pack("!H", n)
        else:
            head += bytes([bit | 127]) + struct.pack("!Q", n)
        if not masked:
            return head + payload
        mask = b"\x11\x22\x33\x44"
        return head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload))

    def send(self, *args, **kw):
        self.s.sendall(self.frame(*args, **kw))

    def need(self, n):
        while len(self.data) < n:
            piece = self.s.recv(65536)
            if not piece:
                return None
            self.data += piece
        out, self.data = self.data[:n], self.data[n:]
        return out

    def receive(self):
        """(opcode, payload), or None at the end."""
        try:
            head = self.need(2)
            if not head:
                return None
            n = head[1] & 0x7f
            if n == 126:
                n = struct.unpack("!H", self.need(2))[0]
            elif n == 127:
                n = struct.unpack("!Q", self.need(8))[0]
            return head[0] & 15, self.need(n) if n else b""
        except ConnectionResetError:
            return None

    def close_code(self):
        while True:
            got = self.receive()
            if got is None:
                return None
            if got[0] == 8:
                return struct.unpack("!H", got[1][:2])[0] if len(got[1]) >= 2 else 1005


def ws(s):
    return WebSocket(connect(s.port))


def test_ws_echo(s):
    w = ws(s)
    for n in (0, 1, 125, 126, 1000, 1024, 5000, 65535, 65536):
        payload = (b"abcdefghij" * 7000)[:n]
        w.send(1 if n != 1000 else 2, payload)
        equal(w.receive(), (1 if n != 1000 else 2, payload))


def test_ws_many_in_one_write(s):
    w = ws(s)
    w.s.sendall(b"".join(w.frame(1, b"m%d" % i) for i in range(500)))
    equal([w.receive()[1] for _ in range(500)], [b"m%d" % i for i in range(500)])


def test_ws_fragments(s):
    w = ws(s)
    w.send(1, b"a" * 3000, fin=False)
    w.send(0, b"b" * 10, fin=False)
    w.send(9, b"ping")
    w.send(0, b"c")
    got = [w.receive(), w.receive()]
    assert (10, b"ping") in got and (1, b"a" * 3000 + b"b" * 10 + b"c") in got, got


def test_ws_character_over_fragments(s):
    w = ws(s)
    w.send(1, b"\xc3", fin=False)
    w.send(0, b"\xa9")
    equal(w.receive(), (1, b"\xc3\xa9"))


def test_ws_bad_utf8(s):
    for text in (b"\xff\xfe", b"\xc3", b"\xed\xa0\x80"):
        w = ws(s)
        w.send(1, text)
        equal(w.close_code(), 1007)


def test_ws_too_big(s):
    w = ws(s)
    w.send(1, b"a" * 70001)
    equal(w.close_code(), 1009)
    w = ws(s)
    w.s.sendall(b"\x81\xff" + struct.pack("!Q", 1 << 40) + b"\0\0\0\0" + b"a" * 100)
    equal(w.close_code(), 1009)
    w = ws(s)
    try:
        for _ in range(80):
            w.send(0 if _ else 1, b"a" * 1000, fin=False)
    except OSError:
        pass
    equal(w.close_code(), 1009)


def test_ws_unmasked(s):
    w = ws(s)
    w.send(1, b"hello", masked=False)
    equal(w.close_code(), 1002)


def test_ws_protocol_errors(s):
    for opcode, kw in ((3, {}), (11, {}), (1, {"rsv": 0x40}), (0, {}), (9, {"fin": False})):
        w = ws(s)
        w.send(opcode, b"x", **kw)
        assert w.close_code() in (1002, None), (opcode, kw)


def test_ws_close_codes(s):
    for code in (1000, 1001, 3000, 4999):
        w = ws(s)
        w.send(8, struct.pack("!H", code) + b"bye")
        equal(w.close_code(), code)
        w = ws(s)
        w.send(1, b"close %d" % code)
        equal(w.close_code(), code)
        w.send(8, struct.pack("!H", code))
    s.said("ws closed 4999 bye")
    s.said("ws closed 4999 as you wish")


def test_ws_lost(s):
    w = ws(s)
    before = len([line for line in s.log if "ws closed 1006" in line])
    w.s.close()
    s.said("ws closed 1006", before + 1)


def test_ws_stale_send(s):
    w = ws(s)
    before = len([line for line in s.log if "ws closed" in line])
    w.send(8, b"")
    w.close_code()
    s.said("ws closed", before + 1)
    w = ws(s)
    w.send(1, b"stale")
    equal(w.receive(), (1, b"stale"))


def test_ws_slow_reader_is_bounded(s):
    w = ws(s)
    w.send(1, b"flood")
    n = int(s.said("ws flood")[0].split()[2])
    assert n < 10000, n
    for _ in range(n):
        equal(len(w.receive()[1]), 1000)
    w.send(1, b"the end")
    equal(w.receive(), (1, b"the end"))


def test_ws_bytes_after_the_head(s):
    with connect(s.port) as c:
        c.sendall(get("/ws", f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n").encode() +
                  b"\x81\x85\0\0\0\0hello")
        equal(status(read_all(c)), 400)


def test_ws_many(s):
    sockets = [ws(s) for _ in range(200)]
    for i, w in enumerate(sockets):
        w.send(1, b"n%d" % i)
    equal([w.receive()[1] for w in sockets], [b"n%d" % i for i in range(200)])
    for w in sockets:
        w.s.close()


# ---- TLS ----

def tls_socket(s, version=None):
    context = ssl.create_default_context(cafile=s.cert)
    if version:
        context.minimum_version = context.maximum_version = version
    return context.wrap_socket(connect(s.tls), server_hostname="localhost")


def test_tls_http(s):
    with tls_socket(s) as c:
        c.sendall(get("/t").encode() + get("/u", "Connection: close\r\n").encode())
        answer = read_all(c)
    assert b"GET /t ? remote=127.0.0.1 flags=5 " in answer and b"GET /u " in answer, answer


def test_tls_big_body(s):
    body = b"z" * 900000
    with tls_socket(s) as c:
        c.sendall(b"POST /t HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = read_all(c)
    assert answer.endswith(body), len(answer)


def test_tls_old_version_refused(s):
    try:
        import warnings
        warnings.simplefilter("ignore")
        tls_socket(s, ssl.TLSVersion.TLSv1_1)
    except (ssl.SSLError, OSError, ValueError):
        return
    raise AssertionError("TLS 1.1 was accepted")


def test_tls_websocket(s):
    w = WebSocket(tls_socket(s))
    for n in (1, 1000, 60000):
        w.send(2, b"q" * n)
        equal(w.receive(), (2, b"q" * n))
    w.send(8, struct.pack("!H", 1000))
    equal(w.close_code(), 1000)


# ---- client ----

class Misbehaving:
    """A server that answers each connection by what the path asks for."""

    def __init__(self):
        self.s = socket.create_server((HOST, 0))
        self.port = self.s.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            c, _ = self.s.accept()
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := c.recv(4096)):
                    raise OSError("it is gone")
                head += piece
            path = head.split(b" ")[1].decode()
            if path == "/ok":
                c.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello")
            elif path == "/redirect":
                c.sendall(f"HTTP/1.1 302 Found\r\nLocation: {self.url}/ok\r\nContent-Length: 0\r\n\r\n".encode())
            elif path == "/huge":
                c.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    c.sendall(b"x" * 65536)
            elif path == "/headers":
                c.sendall(b"HTTP/1.1 200 OK\r\n")
                for i in range(3000):
                    c.sendall(b"X-%d: %s\r\n" % (i, b"y" * 100))
            elif path == "/hang":
                while c.recv(4096):  # until the client gives up
                    pass
            elif path == "/garbage":
                c.sendall(b"\0\1\2\3 what\r\n\r\n")
            c.close()
        except OSError:
            pass


def fetch(s, url, trusted=True):
    answer = talk(s.port, get(f"/fetch?url={url}" + ("&trusted=1" if trusted else "")))
    return status(answer), answer.split(b"\r\n\r\n", 1)[1].decode()


def test_client_answers(s):
    equal(fetch(s, s.bad.url + "/ok")[1].split()[:3], ["0", "201", "5"])


def test_client_refuses_private_targets(s):
    for url in (s.bad.url + "/ok", "http://localhost/", "http://10.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/",
                "http://0.0.0.0/", "http://2130706433/", "ftp://example.com/", "http://a@example.com/"):
        code, text = fetch(s, url.replace("@", "%40"), trusted=False)
        assert code == 400, (url, code, text)


def test_client_refuses_a_redirect_to_a_private_target(s):
    text = fetch(s, s.bad.url + "/redirect")[1]
    assert text.startswith("-1 ") and "redirect" in text, text


def test_client_bounds_the_body(s):
    equal(fetch(s, s.bad.url + "/huge")[1].split()[0], "-6")


def test_client_times_out(s):
    code, text = fetch(s.hasty, s.bad.url + "/hang")
    assert code == 504 or text.split()[0] == "-8", (code, text)


def test_client_survives_garbage(s):
    for path in ("/garbage", "/headers"):
        equal(fetch(s, s.bad.url + path)[1].split()[0] in ("-9", "-6"), True)


def test_client_over_tls(s):
    equal(fetch(s, f"https://localhost:{s.tls}/x")[1].split()[:2], ["0", "200"])
    text = fetch(s, f"https://127.0.0.1:{s.tls}/x")[1]
    assert text.startswith("-9 0 ") , text


def dial(s, url, trusted=True):
    answer = talk(s.port, get(f"/dial?url={url}" + ("&trusted=1" if trusted else "")))
    return answer.split(b"\r\n\r\n", 1)[1].decode()


def test_ws_client(s):
    equal(dial(s, f"ws://127.0.0.1:{s.port}/ws"), "heard word closed 1000 done")
    equal(dial(s, f"wss://localhost:{s.tls}/ws"), "heard word closed 1000 done")


def test_ws_client_refused(s):
    assert "closed 0" in dial(s, f"ws://127.0.0.1:{s.port}/nows"), dial(s, f"ws://127.0.0.1:{s.port}/nows")
    assert "closed 0" in dial(s, "ws://127.0.0.1:1/ws")
    assert "closed 0" in dial(s, f"wss://127.0.0.1:{s.tls}/ws"), "the certificate is for another name"
    assert "closed 0" in dial(s, s.bad.url.replace("http", "ws") + "/garbage")
    for url in (f"ws://127.0.0.1:{s.port}/ws", "http://example.com/", "ws://localhost/"):
        assert dial(s, url, trusted=False).startswith("refused"), url


# ---- draining, last ----

def test_zz_drain(s):
    with connect(s.port) as c:
        c.sendall(get("/").encode())
        equal(status(c.recv(4096)), 200)
        assert b"draining" in talk(s.port, get("/drain"))
        equal(c.recv(100), b"")
    try:
        connect(s.port).close()
        raise AssertionError("a new connection was accepted while draining")
    except ConnectionRefusedError:
        pass
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(WAIT)
        c.connect(s.unix)
        c.sendall(get("/").encode())
        assert b"200 OK" in c.recv(4096)


def certificate(folder):
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def main():
    path, names = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        cert, key = certificate(folder)
        unix = os.path.join(folder, "control.sock")
        os.environ["TEST_CA"] = cert
        s = Server(path, "--tls", cert, key, "--unix", unix)
        # One that gives nobody time; the others' tests must not depend on how busy the machine is.
        s.hasty = Server(path, "--head-ms", "500", "--body-ms", "800", "--idle-ms", "800", "--answer-ms", "600", "--fetch-ms", "500")
        s.cert, s.unix, s.bad = cert, unix, Misbehaving()
        for name, test in sorted((n, t) for n, t in globals().items() if n.startswith("test_")):
            if names and not any(n in name for n in names):
                continue
            try:
                test(s)
                passed += 1
            except Exception as e:  # each failure is one line; the rest still runs
                failed += 1
                print(f"FAIL {name}: {type(e).__name__}: {e}")
        for server in (s, s.hasty):
            code = server.stop()
            noise = "".join(l for l in server.log if "Sanitizer" in l or "runtime error" in l or "ERROR" in l)
            if code != 0 or noise:
                failed += 1
                print(f"FAIL the server ended with {code}\n{''.join(server.log[-60:])}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
