"""play.py [--build FOLDER] [NAME...] - files of this machine played into a call by the API: whole to the caller's ear, for administrators
only, and never more than was named."""
import math
import os
import struct
import wave

from daemon import Stream, base, gateway, run

TOKENS = """auth:
  tokens:
    - {name: ops, token: the-token-of-ops, scopes: [read, call, admin]}
    - {name: desk, token: the-token-of-desk, scopes: [read, call]}
"""
OPS, DESK = ({"Authorization": f"Bearer the-token-of-{name}"} for name in ("ops", "desk"))


def tone(path, hertz=440, seconds=0.5):
    with wave.open(path, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(b"".join(struct.pack("<h", int(12000 * math.sin(2 * math.pi * hertz * i / 8000))) for i in range(int(8000 * seconds))))
    return path


def loud(ulaw):
    """Octets of mu-law that are no silence."""
    return sum(1 for b in ulaw if (~b & 0x7F) > 0x30)


class Call:
    def __init__(self, g, name, headers):
        self.g, self.feed = g, g.feed(token="the-token-of-ops" if headers else None)
        self.stream = Stream(g, name, headers=headers)
        answered = self.feed.wait("call_answered", session_id=f"mock-{name}")
        self.id = answered["call_id"]

    def play(self, url, headers=None, field="url", command="play"):
        return self.g.request("POST", f"/voice/calls/{self.id}/{command}", {field: url}, headers=headers)

    def end(self):
        self.stream.stop()
        self.feed.wait("voice.session.stopped")
        self.feed.close()


def test_a_file_is_heard_by_the_caller():
    with gateway(base(assistant="echo")) as g:
        path = tone(os.path.join(g.folder, "tone.wav"))
        call = Call(g, "hears", None)
        for n, url in enumerate((f"file://{path}", path), 1):
            a = call.play(url)
            assert a.status == 202, a
            call.stream.wait(lambda s, n=n: loud(s.heard) > n * 3000)
        call.end()


def test_what_cannot_be_played_is_told_by_an_event():
    with gateway(base(assistant="echo")) as g:
        call = Call(g, "misses", None)
        assert call.play(os.path.join(g.folder, "missing.wav")).status == 202
        e = call.feed.wait("error", call_id=call.id)
        assert e["data"]["where"] == "play" and "missing.wav" in e["data"]["error"] and e["data"]["retryable"] is False, e
        call.end()


def test_files_need_the_scope_admin():
    with gateway(base(more=TOKENS), stop=False) as g:
        path = tone(os.path.join(g.folder, "tone.wav"))
        call = Call(g, "scoped", OPS)
        for url in (path, f"file://{path}", f"file:{path}", f"FILE://{path}", f"File:{path}", "../tone.wav", path[1:], "tone.wav"):
            for field, command in (("url", "play"), ("music", "hold")):
                a = call.play(url, DESK, field, command)
                assert a.status == 422 and a.json["errors"][0]["field"] == field, (url, a)
        for url in ("http://127.0.0.1:1/x.wav", "http://[::1]/x.wav", "http://169.254.169.254/x", "ftp://example.com/x.wav", "gopher://x/"):
            for headers in (DESK, OPS):
                a = call.play(url, headers)
                assert a.status == 422 and a.json["errors"][0]["field"] == "url", (url, a)
        assert call.play(path, OPS).status == 202
        call.stream.wait(lambda s: loud(s.heard) > 3000)
        call.end()


def test_what_is_no_audio_is_refused_and_harms_nothing():
    with gateway(base()) as g:
        with open(os.path.join(g.folder, "secret.txt"), "w", encoding="utf-8") as f:
            f.write("not audio " * 1000)
        call = Call(g, "refused", None)
        for url in (f"file://{g.folder}/nothing.wav", f"{g.folder}/secret.txt", g.folder, "/dev/zero", "/etc/passwd", f"file://{g.folder}/"):
            before = g.log().count("an audio file could not be played")
            a = call.play(url)
            if a.status == 202:  # it is read beside the call
                g.until(lambda before=before: g.log().count("an audio file could not be played") > before)
            else:
                assert a.headers["content-type"] == "application/problem+json" and a.json["detail"] and "root:" not in a.body, (url, a)
        path = tone(os.path.join(g.folder, "tone.wav"))
        assert call.play(path).status == 202
        call.stream.wait(lambda s: loud(s.heard) > 3000)
        assert "root:" not in g.log() and "not audio" not in g.log()
        call.end()


if __name__ == "__main__":
    run(globals())
