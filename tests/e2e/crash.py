#!/usr/bin/python3
# budget: 400 s
"""kill -9 in the middle of calls: nothing that was finished is lost or doubled, what was live is closed as interrupted, once."""
import contextlib
import glob
import os
import sqlite3
import struct

from daemon import Gateway, Stream, base, clip, gateway, run

TERMINAL = ("call_ended", "call_failed")


def stored_events(g):
    """Events as the store has them."""
    with contextlib.closing(sqlite3.connect(os.path.join(g.state, "voicegw.db"), timeout=30)) as db:
        return db.execute("SELECT event_id, type, call_id, session_id, data FROM events ORDER BY event_id").fetchall()


def stores(g):
    """Has an event reached the disk?"""
    with contextlib.suppress(sqlite3.OperationalError):  # it has no tables yet
        return stored_events(g)


def test_five_crashes_lose_and_double_nothing():
    g = Gateway(base(gateway="max_sessions: 500"))
    finished, interrupted, highest = set(), set(), 0
    try:
        for round_number in range(5):
            g.start()
            feed = g.feed(last_id=highest)
            assert feed.status == 200, feed.status
            if round_number:
                told = {}
                for c in last_live:
                    e = feed.wait("call_ended", call_id=c["call_id"])
                    assert e["data"]["status"] == "interrupted", e
                    feed.wait("voice.session.stopped", session_id=c["session_id"])
                for e in feed.events:
                    if e["type"] in TERMINAL and e["id"] > highest:
                        told[e["call_id"]] = told.get(e["call_id"], 0) + 1
                assert told == {c["call_id"]: 1 for c in last_live}, told
            assert min((e["id"] for e in feed.events), default=highest + 1) > highest, "event ids must grow"
            done = [g.call(f"+1555{round_number}00{i}") for i in range(4)]
            live = [g.call(f"+1555{round_number}10{i}") for i in range(4)]
            for c in done + live:
                feed.wait("call_answered", call_id=c["call_id"])
            # What a feed has shown is stored a moment later, and 410 is the answer where the store goes not back to a client's event at all.
            # Before the first crash the disk must have begun to take the past; what comes from here on is cut off wherever it is.
            g.until(lambda: stores(g))
            ringing = g.call(f"+1555{round_number}200")
            for c in done:
                g.post(f"/voice/calls/{c['call_id']}/end")
            for c in done:
                feed.wait("call_ended", call_id=c["call_id"])
            g.kill()
            highest = max(e["id"] for e in feed.events)
            finished |= {c["session_id"] for c in done}
            last_live = live + [ringing]
            interrupted |= {c["session_id"] for c in last_live}
        g.start()
        rows = g.until(lambda: (lambda r: r if len(r) >= 45 and not any(x["status"] == "active" for x in r) else None)(g.history(0)))
        by = {}
        for r in rows:
            assert r["session_id"] not in by, "a session stands twice"
            by[r["session_id"]] = r["status"]
        assert {s for s, st in by.items() if st == "completed"} == finished, [(s in finished, by.get(s)) for s in finished]
        assert {s for s, st in by.items() if st == "interrupted"} == interrupted, by
        assert len(by) == 45
        for r in rows:
            assert r["end_time"] and len(r["calls"] or []) == 1, r
        calls = g.get("/voice/calls?limit=500")["calls"]
        assert len(calls) == 45 and all(c["status"] for c in calls), calls
        ends = {}
        for _, kind, call, _, _ in stored_events(g):
            if kind in TERMINAL:
                ends[call] = ends.get(call, 0) + 1
        assert set(ends.values()) == {1}, ends
        g.stop()
    finally:
        g.done()


def wav_of(path):
    with open(path, "rb") as f:
        data = f.read()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE", data[:16]
    at, found = 12, {}
    while at + 8 <= len(data):
        name, size = data[at:at + 4], struct.unpack("<I", data[at + 4:at + 8])[0]
        found[name] = (at + 8, size)
        at += 8 + size + (size & 1)
    code, channels, rate = struct.unpack("<HHI", data[found[b"fmt "][0]:found[b"fmt "][0] + 8])
    start, size = found[b"data"]
    assert start + size <= len(data), (start, size, len(data))
    assert struct.unpack("<I", data[4:8])[0] + 8 <= len(data)
    return channels, rate, data[start:start + size]


def test_recording_of_a_killed_process_is_playable():
    config = base(routes="  - {match: {}, assistant: echo, stt: local, tts: local, record: true, greeting: Hello there.}\n")
    with gateway(config, stop=False) as g:
        feed = g.feed()
        s = Stream(g, "rec")
        feed.wait("recording_started")
        s.speak(clip("rms-1.ul")[:8000 * 3])
        path = g.until(lambda: glob.glob(g.state + "/recordings/*.wav"))[0]
        g.until(lambda: os.path.getsize(path) > 16000)
        g.kill()
        channels, rate, data = wav_of(path)
        assert (channels, rate) == (2, 8000), (channels, rate)
        assert len(data) > 8000 and any(data), len(data)
        g.start()
        row = g.until(lambda: next((r for r in g.history(0, session_id="mock-rec") if r["status"] == "interrupted" and r["recording_url"]), None))
        audio = g.request("GET", row["recording_url"].split(f":{g.port}", 1)[1])
        assert audio.status == 200, audio
        g.stop()


def test_start_after_a_crash_in_the_journal_itself():
    """A torn and a damaged journal: what can be read is settled, the gateway starts."""
    g = Gateway(base(store="{plugin: sqlite, path: $STATE/voicegw.db}"))
    try:
        g.start()
        feed = g.feed()
        c = g.call("+15550001")
        feed.wait("call_answered")
        g.kill()
        newest = max(glob.glob(g.state + "/journal/*"), key=os.path.getmtime)
        with open(newest, "r+b") as f:
            data = f.read()
            end = len(data.rstrip(b"\0"))
            f.seek(max(0, end - 5))
            f.write(b"\xff" * 5)
        g.start()
        row = g.until(lambda: next((r for r in g.history(0, session_id=c["session_id"]) if r["status"] == "interrupted"), None))
        assert row["end_time"]
        g.stop()
    finally:
        g.done()


def test_second_gateway_on_the_same_folders_is_refused():
    with gateway(base()) as g:
        other = Gateway(base(), folder=g.folder)
        other.started = 100
        p = other.spawn()
        assert p.wait(20) != 0
        assert "another" in other.log() or "in use" in other.log(), other.log()
        assert g.get("/health")["status"] == "ok"


if __name__ == "__main__":
    run(globals())
