#!/usr/bin/python3
# budget: 120 s
"""Recordings in a bucket: stored when they are finished, again when the server fails, after a restart; served from there, and erased."""
import contextlib
import os
import sqlite3
import sys
import time
import urllib.request
import wave

from daemon import ROOT, Gateway, Stream, base, clip, run

sys.path.insert(0, os.path.join(ROOT, "tests", "fakes"))
from s3 import S3  # noqa: E402

ROUTES = "  - {match: {}, assistant: back, stt: local, tts: local, record: true}\n"


@contextlib.contextmanager
def lab(s3, more="", start=True):
    options = f"storage: s3, bucket: calls, region: eu-west-1, base_url: \"{s3.url}\", access_key_id: AKIDTEST, " \
              f"secret_access_key: secret/of+tests, path: $STATE/recordings{more}"
    text = base(routes=ROUTES)
    assert "recordings: {storage: local, path: $STATE/recordings}" in text
    g = Gateway(text.replace("storage: local, path: $STATE/recordings", options))
    try:
        if start:
            g.start()
            g.events = g.feed()
        yield g
        if g.process and g.process.poll() is None:
            g.stop()
        assert "secret/of+tests" not in "".join(open(os.path.join(g.folder, n), encoding="utf-8", errors="replace").read()
                                                for n in os.listdir(g.folder) if n.startswith("log.")), "a secret stands in the log"
    finally:
        if os.environ.get("VERBOSE"):
            print(g.log()[-6000:])
        g.done()


def recorded(g, name="one"):
    """A call that was recorded: its recording's id."""
    s = Stream(g, name)
    g.events.wait("recording_started", session_id=f"mock-{name}")
    s.speak(clip("rms-1.ul"), 0.2)
    s.stop()
    g.events.wait("recording_stopped", session_id=f"mock-{name}")
    record = g.history(1, session_id=f"mock-{name}")[0]
    return record["recording_url"].rsplit("/", 1)[1]


def local(g):
    return sorted(n for n in os.listdir(os.path.join(g.state, "recordings")) if not n.startswith("."))


def seconds(data, path):
    with open(path, "wb") as f:
        f.write(data)
    with wave.open(path) as w:
        assert w.getnchannels() == 2 and w.getframerate() == 8000, w.getparams()
        return w.getnframes() / 8000


def raw(g, path, headers=None):
    """(status, headers, body), without going after a redirect."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args):
            return None
    try:
        a = urllib.request.build_opener(Stay).open(urllib.request.Request(f"http://127.0.0.1:{g.port}{path}", headers=headers or {}), timeout=60)
    except urllib.error.HTTPError as e:
        a = e
    return a.status, a.headers, a.read()


def test_a_recording_goes_to_the_bucket_and_is_served_from_there():
    with S3() as s3, lab(s3) as g:
        name = recorded(g)
        s3.wait(lambda: f"{name}.wav" in s3.objects)
        g.until(lambda: not local(g))
        data, kind = s3.objects[f"{name}.wav"]
        length = seconds(data, os.path.join(g.folder, "x.wav"))
        assert kind == "audio/wav" and length > 2, (kind, length)
        status, headers, _ = raw(g, f"/voice/recordings/{name}")
        assert status == 307 and headers["Location"].startswith(f"{s3.url}/calls/{name}.wav?X-Amz-Algorithm="), (status, headers)
        with urllib.request.urlopen(headers["Location"], timeout=60) as answer:  # no key is needed
            assert answer.read() == data
        # a turn's part is cut here, and leaves nothing behind
        status, headers, part = raw(g, f"/voice/recordings/{name}?from=0.5&to=1.5")
        assert status == 200 and abs(seconds(part, os.path.join(g.folder, "x.wav")) - 1) < 0.01, (status, len(part))
        assert not os.listdir(os.path.join(g.state, "recordings")), os.listdir(os.path.join(g.state, "recordings"))
        assert raw(g, "/voice/recordings/rec-none")[0] == 404
        assert g.metric("voicegw_recordings_archived_total", result="stored") == 1
        # what is erased here is erased there
        erased = g.request("DELETE", f"/voice/records?call={g.events.find('call_answered')[0]['call_id']}")
        assert erased.status == 200, erased
        s3.wait(lambda: not s3.objects)
        assert raw(g, f"/voice/recordings/{name}")[0] == 404
        assert not s3.violations, s3.violations


def test_the_gateway_hands_recordings_on_and_keeps_them_when_told():
    with S3() as s3, lab(s3, ", serve: proxy, keep_local: true, prefix: \"a b/\"") as g:
        name = recorded(g)
        g.until(lambda: local(g) == [f"{name}.wav", f"{name}.wav.s3"])
        data = s3.objects[f"a b/{name}.wav"][0]
        assert raw(g, f"/voice/recordings/{name}")[2] == data
        os.unlink(os.path.join(g.state, "recordings", f"{name}.wav"))
        status, _, body = raw(g, f"/voice/recordings/{name}")
        assert status == 200 and body == data, status
        status, _, body = raw(g, f"/voice/recordings/{name}", {"Range": "bytes=0-3"})
        assert status == 206 and body == b"RIFF", (status, body)
        s3.misbehave("cut", times=5, method="GET")
        assert raw(g, f"/voice/recordings/{name}")[0] == 503
        assert not s3.violations, s3.violations


def test_a_server_that_fails_is_asked_again_and_nothing_is_lost():
    with S3() as s3, lab(s3, ", timeout: 1s") as g:
        for what in ("slow_down", 500, "hang", "cut"):
            s3.misbehave(what, times=1, method="PUT")
        name = recorded(g)
        s3.wait(lambda: len(s3.requests) >= 2)
        assert local(g) == [f"{name}.wav"], "it stays until it is stored"
        g.until(lambda: "recordings" in g.get("/health")["parts"] and g.get("/health")["status"] == "degraded")
        s3.wait(lambda: f"{name}.wav" in s3.objects, 120)
        g.until(lambda: not local(g))
        g.until(lambda: g.get("/health")["status"] == "ok")
        assert [r[2] for r in s3.requests] == ["slow_down", 500, "hang", "cut", None], s3.requests
        assert not s3.violations, s3.violations


def test_what_a_stop_left_behind_is_stored_by_the_next_start():
    with S3() as s3, lab(s3) as g:
        s3.misbehave(500, times=1000)
        name = recorded(g)
        s3.wait(lambda: s3.requests)
        g.stop()
        assert local(g) == [f"{name}.wav"]
        s3.orders.clear()
        g.start()
        s3.wait(lambda: f"{name}.wav" in s3.objects)
        g.until(lambda: not local(g))


def test_retention_erases_what_is_in_the_bucket():
    with S3() as s3, lab(s3) as g:
        old, young = recorded(g, "old"), recorded(g, "young")
        s3.wait(lambda: len(s3.objects) == 2)
        g.stop()
        with sqlite3.connect(os.path.join(g.state, "voicegw.db")) as db:
            db.execute("UPDATE recordings SET started_at = ? WHERE recording_id = ?", (int((time.time() - 7200) * 1e6), old))
        with open(g.config, "a", encoding="utf-8") as f:
            f.write("\nretention: {recordings: 1h}\n")
        g.start()
        s3.wait(lambda: list(s3.objects) == [f"{young}.wav"])
        g.until(lambda: raw(g, f"/voice/recordings/{old}")[0] == 404)
        assert raw(g, f"/voice/recordings/{young}")[0] == 307
        assert not s3.violations, s3.violations


def test_a_bucket_without_its_keys_is_refused_with_the_place():
    with S3() as s3, lab(s3, start=False) as g:
        with open(g.config, encoding="utf-8") as f:
            text = f.read()
        for key, value in (("bucket", "calls"), ("access_key_id", "AKIDTEST"), ("secret_access_key", "secret/of+tests")):
            g.write(text.replace(f"{key}: {value}, ", ""))
            code, said = g.check()
            assert code == 78 and f"storage: s3 needs {key}" in said and "voicegw.yaml:" in said, (key, said)
        g.write(text.replace("base_url: \"http://", "base_url: \"ftp://"))
        code, said = g.check()
        assert code == 78 and "base_url must begin with" in said, said
        g.write(text)
        assert g.check()[0] == 0


if __name__ == "__main__":
    run(globals())
