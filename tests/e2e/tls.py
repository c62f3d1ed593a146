"""tls.py [--build FOLDER] [NAME...] - the whole gateway behind TLS: the API, the event feed and a caller's audio, certificates renewed under
open streams, and handshakes that are bent."""
import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from daemon import Gateway, WebSocket, base, connect, run, wait

FRAME = 160


def certificate(folder, name):
    """A certificate for localhost that signs itself: its files' paths."""
    paths = [os.path.join(folder, f"{name}.{end}") for end in ("pem", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


def trusting(*paths):
    context = ssl.create_default_context()
    for path in paths:
        context.load_verify_locations(path)
    return context


class Secured:
    """A gateway behind TLS with its first certificate; a second one lies ready."""

    def __init__(self, more="", **options):
        self.folder = tempfile.mkdtemp(prefix="voicegw-tls-")
        self.first, self.second = certificate(self.folder, "first"), certificate(self.folder, "second")
        self.used = [os.path.join(self.folder, n) for n in ("used.pem", "used.key")]
        self.install(self.first)
        config = base(**options).replace("http: {", "http: {public_url: 'https://localhost:$PORT', tls: {certificate: %s, key: %s}, " % tuple(self.used))
        self.g = Gateway(config + more)
        self.g.tls = trusting(self.first[0], self.second[0])

    def install(self, pair):
        for source, target in zip(pair, self.used):
            shutil.copy(source, target + ".new")
            os.replace(target + ".new", target)

    def __enter__(self):
        self.g.start()
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None and self.g.process.poll() is None:
                self.g.stop()
        finally:
            self.g.done()
            shutil.rmtree(self.folder, ignore_errors=True)

    def shown(self):
        """The certificate that a new connection meets."""
        with connect(self.g.port, self.g.tls) as s:
            return s.getpeercert(binary_form=True)


def der(path):
    with open(path, encoding="ascii") as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


class Caller:
    """A caller of the loopback assistant; one thread, since an SSL socket is for one."""

    def __init__(self, g, name):
        self.ws = WebSocket(g.port, f"/voice/mock/stream/{name}", tls=g.tls)
        self.count, self.heard = 0, b""
        self.ws.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self.ws.send({"event": "start", "sequenceNumber": "1", "streamSid": f"MZ{name}", "start": {
            "streamSid": f"MZ{name}", "callSid": f"CA{name}", "accountSid": "AC1", "tracks": ["inbound"], "customParameters": {},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}})

    def exchange(self, frames):
        """Sends so many frames and takes as many back: bit for bit the same."""
        sent = b""
        for _ in range(frames):
            frame = bytes((self.count * 11 + k) % 256 for k in range(FRAME))
            self.count += 1
            sent += frame
            self.ws.send({"event": "media", "sequenceNumber": str(self.count + 1), "streamSid": "MZ", "media": {
                "track": "inbound", "chunk": str(self.count), "timestamp": str(self.count * 20), "payload": base64.b64encode(frame).decode()}})
            while True:
                message = json.loads(self.ws.recv())
                if message["event"] == "media":
                    break
            got = base64.b64decode(message["media"]["payload"])
            self.heard += got
            assert got in sent, "the audio came back changed"
        return len(self.heard)


def test_the_api_and_the_feed_over_https():
    with Secured() as t:
        g = t.g
        assert g.get("/voice/health")["status"] == "ok"
        feed = g.feed()
        call = g.call("+15551")
        feed.wait("call_answered", call_id=call["call_id"])
        assert g.request("POST", "/voice/workflows/nothing/run", raw=b"x" * 200000, headers={"Content-Type": "application/json"}).status in (400, 404)
        g.post(f"/voice/calls/{call['call_id']}/end")
        ended = feed.wait("call_ended", call_id=call["call_id"])
        ws = WebSocket(g.port, f"/voice/events?since={ended['id'] - 1}", tls=g.tls)
        assert json.loads(ws.recv())["id"] == ended["id"]
        ws.close()
        session = g.post("/voice/sessions", {"channel": "phone", "caller_id": "+15550009"})["session_id"]
        g.post(f"/voice/sessions/{session}/end")
        g.history(session_id=session)
        assert g.request("DELETE", "/voice/records?caller=%2B15550009").status == 200
        line = g.until(lambda: [x for x in g.log().splitlines() if "records were erased" in x])[0]
        assert "by=127.0.0.1" in line, "the peer's own address: " + line
        assert g.metric("voicegw_tls_connections") >= 2


def test_a_caller_over_wss():
    with Secured(assistant="back") as t:
        caller = Caller(t.g, "one")
        assert caller.exchange(100) >= 100 * FRAME
        caller.ws.close()
        t.g.until(lambda: not t.g.get("/voice/sessions")["sessions"])


def test_a_new_certificate_under_open_streams():
    with Secured(assistant="back") as t:
        g, callers = t.g, []
        feed = g.feed()
        for i in range(5):
            callers.append(Caller(g, f"c{i}"))
            callers[-1].exchange(10)
        assert t.shown() == der(t.first[0])
        t.install(t.second)
        assert t.shown() == der(t.first[0]), "files are read at a reload, not before"
        g.post("/voice/reload", status=200)
        assert t.shown() == der(t.second[0])
        for c in callers:
            c.exchange(20)
        late = Caller(g, "late")
        late.exchange(5)
        g.process.send_signal(signal.SIGHUP)
        t.install(t.first)
        g.until(lambda: (g.process.send_signal(signal.SIGHUP) or t.shown()) == der(t.first[0]))
        for c in [*callers, late]:
            c.exchange(5)
            c.ws.close()
        feed.wait("voice.session.stopped", count=6)
        feed.close()


def test_files_that_do_not_fit_are_refused_and_the_old_ones_stay():
    with Secured() as t:
        g = t.g
        for what in ("the other's key", "no certificate", "nothing"):
            if what == "the other's key":
                t.install([t.second[0], t.first[1]])
            elif what == "no certificate":
                with open(t.used[0], "w", encoding="ascii") as f:
                    f.write("this is no certificate\n")
            else:
                os.unlink(t.used[0])
            a = g.request("POST", "/voice/reload", {})
            assert a.status == 422 and a.headers["content-type"] == "application/problem+json", (what, a)
            assert "voicegw.yaml:" in a.json["errors"][0]["field"] + a.json["errors"][0]["detail"], (what, a)
            assert t.used[0] in a.json["errors"][0]["detail"], (what, a)
            assert t.shown() == der(t.first[0]), what
            code, said = g.check()
            assert code == 78 and t.used[0] in said, (what, code, said)
        t.install(t.second)
        g.post("/voice/reload", status=200)
        assert t.shown() == der(t.second[0])


def closed_after(s):
    """Seconds until the other end closes, and what it said."""
    begun, said = time.monotonic(), b""
    s.settimeout(4 * wait())
    try:
        while part := s.recv(4096):
            said += part
    except ConnectionResetError:
        pass
    return time.monotonic() - begun, said


def test_handshakes_that_are_bent_harm_nobody():
    with Secured() as t:
        g = t.g
        silent = [connect(g.port) for _ in range(3)]
        silent[1].sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a hello
        silent[2].sendall(b"\x16\x03\x01\xff\xff\x01")  # one that would be too long
        plain = connect(g.port)
        plain.sendall(b"GET /voice/health HTTP/1.1\r\nHost: x\r\n\r\n")
        seconds, said = closed_after(plain)
        assert b"200" not in said, said
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        try:
            connect(g.port, old)
            raise AssertionError("TLS 1.1 was accepted")
        except (ssl.SSLError, ConnectionResetError):
            pass
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting(t.first[0])
            context.minimum_version = context.maximum_version = version
            with connect(g.port, context) as s:
                assert s.version() == version.name.replace("_", "."), s.version()
        for _ in range(20):
            with connect(g.port) as s:
                s.sendall(os.urandom(300))
        assert g.get("/voice/health")["status"] == "ok", "the others go on"
        for s in silent:
            closed_after(s)  # the deadline of a handshake
        assert g.metric("voicegw_tls_failed_total", reason="timeout") >= 2
        assert g.metric("voicegw_tls_failed_total", reason="handshake") >= 20
        assert seconds < 4 * wait()


def test_a_bare_socket_in_a_flood_of_connections():
    """More connections than one address may have: those that are there go on."""
    with Secured() as t:
        feed = t.g.feed()
        sockets = []
        for _ in range(100):
            s = socket.create_connection(("127.0.0.1", t.g.port), wait())
            sockets.append(s)
        call = t.g.call("+15551")
        feed.wait("call_answered", call_id=call["call_id"])
        for s in sockets:
            s.close()
        feed.close()


if __name__ == "__main__":
    run(globals())
