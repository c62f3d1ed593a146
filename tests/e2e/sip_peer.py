"""sip_peer.py - a SIP peer that a test holds in its hands: messages as text over UDP, TCP or TLS, RTP on sockets of its own. Of
transactions it knows but what is sent again: a test says what is sent, and waits for what it names."""
import contextlib
import functools
import hashlib
import itertools
import os
import random
import re
import select
import socket
import ssl
import struct
import threading
import time

from daemon import free_port, loud, reserve, wait


def sip_port():
    """A port that is free for UDP and for TCP."""
    return free_port()


def stretch(first, count, size):
    """The first of `size` ports of this process's own, of `count` such stretches; None: all are taken."""
    return next((port for port in range(first, first + count * size, size) if reserve(port)), None)


@functools.cache
def rtp_ports():
    """For the audio of this process's gateways: what an old peer elsewhere still sends is nobody's then."""
    port = stretch(21000, 8, 1000)
    return f"{port}-{port + 999}" if port else "21000-28999"


def sipp_ports():
    """sipp looks for two ports for audio one after another, and for one to be steered by; between those somebody else may come."""
    port = stretch(16000, 500, 6)
    return ["-mp", str(port), "-cp", str(port + 4)]


class Message:
    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        self.first, *lines = head.split("\r\n")
        self.headers = []
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.append((name.strip(), value.strip()))
        self.status = int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0
        self.method = self.get("CSeq").split()[-1] if self.get("CSeq") else ""
        self.text = text

    def get(self, name, default=None):
        return next((v for n, v in self.headers if n.lower() == name.lower()), default)

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def tag(self, name):
        m = re.search(r";tag=([^;>]+)", self.get(name) or "")
        return m[1] if m else None

    def transaction(self):
        """What is the same when the message is sent once more (RFC 3261, 17.1.3 and 17.2.3); None: it is no part of one, as the ACK of a 2xx."""
        m = re.search(r"branch=([^;,\s]+)", self.get("Via") or "")
        return (self.status, m[1], self.get("CSeq"), self.get("RSeq"), self.tag("To")) if m and self.method != "ACK" else None

    def media(self):
        """(address, port, payload types) of the first stream."""
        c = re.search(r"^c=IN IP[46] (\S+)", self.body, re.M)
        m = re.search(r"^m=audio (\d+) \S+ (.*?)\r?$", self.body, re.M)
        return c[1], int(m[1]), [int(p) for p in m[2].split()]

    def __repr__(self):
        return self.text


class Rtp:
    """A peer's audio: sends a pattern at the pace of speech, keeps what comes."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.settimeout(wait())
        self.sequence, self.stamp, self.ssrc = random.getrandbits(15), random.getrandbits(31), random.getrandbits(32)
        self.first = True

    def packet(self, payload, pt=0, marker=False, stamp=None, sequence=None):
        seq = self.sequence if sequence is None else sequence
        return struct.pack("!BBHII", 0x80, (0x80 if marker else 0) | pt, seq & 0xFFFF, (self.stamp if stamp is None else stamp) & 0xFFFFFFFF,
                           self.ssrc) + payload

    def send(self, to, payload, pt=0):
        self.socket.sendto(self.packet(payload, pt, self.first), to)
        self.first = False
        self.sequence += 1
        self.stamp += len(payload)

    def speak(self, to, seconds, pt=0, make=None):
        """Frames that tell themselves apart, at 50 a second; returns them."""
        sent, at = [], time.monotonic()
        for i in range(int(seconds * 50)):
            frame = make(i) if make else bytes(((i * 7 + j) & 0x7F) | 0x80 for j in range(160))
            self.send(to, frame, pt)
            sent.append(frame)
            at += 0.02
            time.sleep(max(0.0, at - time.monotonic()))
        return sent

    def echoed(self, to, count, pt=0):
        """Speaks until so many of its frames have come back, as they were: the payloads that came."""
        sent, came, at, end = set(), [], time.monotonic(), time.monotonic() + wait()
        for i in itertools.count():
            if sum(1 for p in came if p[0] == pt and p[3] in sent) >= count:
                return [p[3] for p in came]
            assert time.monotonic() < end, f"of {i} frames not {count} came back; {len(came)} came"
            frame = bytes(((i * 7 + j) & 0x7F) | 0x80 for j in range(160))
            self.send(to, frame, pt)
            sent.add(frame)
            at += 0.02
            came += self.receive(max(0.001, at - time.monotonic()))

    def receive(self, seconds):
        """Payloads of the packets that came: [(pt, sequence, stamp, payload)]."""
        out, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.socket], [], [], left)
            if not ready:
                break
            data = self.socket.recv(2048)
            _, pt, seq, stamp, _ = struct.unpack("!BBHII", data[:12])
            out.append((pt & 0x7F, seq, stamp, data[12:]))
        return out

    def voice(self):
        """The first packet that holds more than silence."""
        while True:
            payload = self.socket.recv(2048)[12:]
            if loud(payload):
                return payload

    def speech(self):
        """What more of it is there already."""
        return [p[3] for p in self.receive(0.05) if loud(p[3])]

    def close(self):
        self.socket.close()


def sdp(port, formats="0", address="127.0.0.1", direction="sendrecv", more=""):
    maps = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000", "101": "telephone-event/8000"}
    lines = "".join(f"a=rtpmap:{f} {maps[f]}\r\n" for f in formats.split() if f in maps)
    return (f"v=0\r\no=peer 1 {random.getrandbits(30)} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {formats}\r\n{lines}{more}a={direction}\r\n")


class Peer:
    """One end of one or several dialogs, over UDP or a stream."""

    def __init__(self, gateway, transport="udp", port=None, context=None, family=socket.AF_INET, host="127.0.0.1"):
        self.gateway, self.transport, self.host = (host, gateway), transport, host
        self.inbox, self.closed = [], False
        self.changed = threading.Condition()
        self.seen, self.replies = set(), {}  # what came, and what was said to it: by what tells a transaction apart
        self.buffer = b""
        self.lock = threading.Lock()  # OpenSSL lets one thread at a time into a connection
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(family, kind)
        self.socket.bind((host, port or 0))
        self.port = self.socket.getsockname()[1]
        if transport != "udp":
            self.socket.settimeout(wait())
            self.socket.connect(self.gateway)
            if context:
                self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            self.socket.settimeout(None)
        self.name = f"[{host}]" if ":" in host else host
        threading.Thread(target=self.read, daemon=True).start()

    def keep(self, text, source):
        message = Message(text)
        message.source = source
        key = message.transaction()
        if key in self.seen:  # sent again, for want of an answer in time: it is no other message
            if key in self.replies:
                self.send(self.replies[key], source)
            return
        with self.changed:
            if key:
                self.seen.add(key)
            self.inbox.append(message)
            self.changed.notify_all()

    def take(self):
        """What a stream brings; None when TLS brought nothing for us."""
        if not isinstance(self.socket, ssl.SSLSocket):
            return self.socket.recv(65536)
        if not self.socket.pending():
            select.select([self.socket], [], [])
        with self.lock:
            self.socket.settimeout(0.05)
            try:
                return self.socket.recv(65536)
            except TimeoutError:
                return None
            finally:
                self.socket.settimeout(wait())

    def read(self):
        with contextlib.suppress(OSError, ValueError):
            while True:
                if self.transport == "udp":
                    data, source = self.socket.recvfrom(65536)
                    self.keep(data.decode(errors="replace"), source)
                    continue
                data = self.take()
                if data is None:
                    continue
                if not data:
                    break
                self.buffer += data
                while b"\r\n\r\n" in self.buffer.lstrip(b"\r\n"):
                    self.buffer = self.buffer.lstrip(b"\r\n")
                    head, _, rest = self.buffer.partition(b"\r\n\r\n")
                    n = int(re.search(rb"content-length:\s*(\d+)", head, re.I)[1])
                    if len(rest) < n:
                        break
                    self.keep((head + b"\r\n\r\n" + rest[:n]).decode(errors="replace"), self.gateway)
                    self.buffer = rest[n:]
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def send(self, text, to=None):
        data = text if isinstance(text, bytes) else text.encode()
        if self.transport == "udp":
            self.socket.sendto(data, to or self.gateway)
        else:
            with self.lock:
                self.socket.sendall(data)

    def expect(self, what, seconds=None):
        """Takes the first message that what(message) likes out of the inbox, once it is there."""
        end = time.monotonic() + (seconds or wait())
        with self.changed:
            while True:
                for i, m in enumerate(self.inbox):
                    if what(m):
                        return self.inbox.pop(i)
                left = end - time.monotonic()
                if left <= 0 or (self.closed and not self.inbox):
                    break
                self.changed.wait(left)
        raise AssertionError(f"what was expected did not come; there are: {self.inbox}")

    def never(self, what, seconds):
        with self.changed:
            self.changed.wait_for(lambda: any(what(m) for m in self.inbox), seconds)
            assert not any(what(m) for m in self.inbox), self.inbox

    def status(self, code, method=None, call=None, seconds=None):
        ok = (lambda s: s // 100 == code) if code < 10 else (lambda s: s == code)
        return self.expect(lambda m: m.status and ok(m.status) and (not method or m.method == method) and
                           (not call or m.get("Call-ID") == call), seconds)

    def request_of(self, method, seconds=None):
        return self.expect(lambda m: not m.status and m.first.startswith(method + " "), seconds)

    def via(self, branch=None):
        return f"SIP/2.0/{self.transport.upper()} {self.name}:{self.port};rport;branch=z9hG4bK{branch or f'{random.getrandbits(48):x}'}"

    def request(self, method, uri, headers=(), body="", call=None, cseq=1, sender="peer", to=None, from_tag=None, to_tag=None, branch=None,
                contact=True):
        call = call or f"{random.getrandbits(64):x}"
        tag = f";tag={to_tag}" if to_tag else ""
        lines = [f"{method} {uri} SIP/2.0", f"Via: {self.via(branch)}", "Max-Forwards: 70",
                 f"From: <sip:{sender}@{self.name}>;tag={from_tag or 'f' + call[:8]}", f"To: <{to or uri}>{tag}", f"Call-ID: {call}",
                 f"CSeq: {cseq} {method}"]
        if contact:
            lines.append(f"Contact: <sip:{sender}@{self.name}:{self.port}{';transport=' + self.transport if self.transport != 'udp' else ''}>")
        lines += list(headers)
        if body and not any(h.lower().startswith("content-type") for h in headers):
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body.encode())}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def reply(self, request, code, reason="X", headers=(), body="", tag="peertag", contact=True):
        lines = [f"SIP/2.0 {code} {reason}"]
        for name, value in request.headers:
            low = name.lower()
            if low == "via" or low in ("from", "call-id", "cseq") or (low == "record-route" and code < 300):
                lines.append(f"{name}: {value}")
            elif low == "to":
                lines.append(f"{name}: {value}" + ("" if ";tag=" in value or code == 100 else f";tag={tag}"))
        if contact and code < 300:
            lines.append(f"Contact: <sip:peer@{self.name}:{self.port}>")
        lines += list(headers)
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body.encode())}")
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        self.replies[request.transaction()] = text
        self.send(text, getattr(request, "source", None))

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Dialog:
    """A call that a peer makes."""

    def __init__(self, peer, user="100", body=None, headers=(), sender="peer", uri=None):
        self.peer, self.cseq, self.sender = peer, 1, sender
        self.call = f"{random.getrandbits(64):x}"
        self.tag = "f" + self.call[:8]
        self.branch = f"{random.getrandbits(48):x}"
        self.uri = uri or f"sip:{user}@{peer.name}:{peer.gateway[1]}"
        self.to_tag = self.contact = None
        self.invite = peer.request("INVITE", self.uri, headers, body or "", call=self.call, sender=sender, branch=self.branch)
        peer.send(self.invite)

    def answered(self):
        m = self.peer.status(2, "INVITE", self.call)
        self.to_tag = m.tag("To")
        self.contact = re.search(r"<([^>]+)>", m.get("Contact"))[1]
        self.routes = [f"Route: {r}" for r in reversed(m.all("Record-Route"))]
        self.ack()
        return m

    def refused(self):
        m = self.peer.expect(lambda m: m.status >= 300 and m.method == "INVITE" and m.get("Call-ID") == self.call)
        self.to_tag = m.tag("To")
        self.peer.send(self.peer.request("ACK", self.uri, call=self.call, cseq=self.cseq, from_tag=self.tag, to_tag=self.to_tag,
                                         to=self.uri, branch=self.branch, contact=False, sender=self.sender))
        return m

    def ack(self, body=""):
        self.peer.send(self.peer.request("ACK", self.contact, call=self.call, cseq=self.cseq, from_tag=self.tag, to_tag=self.to_tag,
                                         to=self.uri, body=body, contact=False, sender=self.sender, headers=self.routes))

    def send(self, method, headers=(), body=""):
        self.cseq += 1
        self.peer.send(self.peer.request(method, self.contact, list(headers) + self.routes, body, self.call, self.cseq, to=self.uri, from_tag=self.tag,
                                         to_tag=self.to_tag, sender=self.sender))

    def ask(self, method, headers=(), body="", code=2):
        self.send(method, headers, body)
        m = self.peer.status(code, method, self.call)
        if method == "INVITE" and m.status < 300:
            self.ack()
        return m

    def cancel(self):
        self.peer.send(self.peer.request("CANCEL", self.uri, call=self.call, from_tag=self.tag, to=self.uri, branch=self.branch, contact=False,
                                         sender=self.sender))

    def bye(self):
        return self.ask("BYE")


def digest(challenge, method, uri, username, password, nc=1, cnonce=None):
    """The Authorization value for a WWW- or Proxy-Authenticate one (RFC 2617, MD5)."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    cnonce = cnonce or os.urandom(4).hex()
    md5 = lambda s: hashlib.md5(s.encode()).hexdigest()  # noqa: E731
    ha1, ha2 = md5(f"{username}:{fields['realm']}:{password}"), md5(f"{method}:{uri}")
    value = f'Digest username="{username}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", algorithm=MD5'
    if "qop" in fields:
        response = md5(f"{ha1}:{fields['nonce']}:{nc:08x}:{cnonce}:auth:{ha2}")
        return value + f', qop=auth, nc={nc:08x}, cnonce="{cnonce}", response="{response}"'
    response = md5(f"{ha1}:{fields['nonce']}:{ha2}")
    return value + f', response="{response}"'
