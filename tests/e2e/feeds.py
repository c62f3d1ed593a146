# alone
"""feeds.py [--build FOLDER] [NAME...] - the event feed over its whole reach: from the store through the ring to what is live, over
restarts, and with clients that do not keep up."""
# budget: 600 s
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading

from daemon import WebSocket, base, gateway, run, wait

# A small ring before a store that keeps events by their age: it would keep no more than the ring otherwise.
FLOOD = """events: {keep: 200}
retention: {events: 24h}
workflows:
  - id: flood
    steps:
      - type: for_each
        params:
          items: "{{ trigger.items }}"
          as: n
          steps: [{type: emit_event, params: {type: flood, data: {n: "{{ n }}", round: "{{ trigger.round }}", filling: "{{ trigger.filling }}"}}}]
"""
COUNT = 900  # events of one flood: several pages of the store, several times the ring


def flood(g, number, count=COUNT, filling="", wait_for=True):
    g.post("/voice/workflows/flood/run", {"args": {"items": list(range(count)), "round": number, "filling": filling}}, status=202)
    if wait_for:
        g.until(lambda: not [r for r in g.get("/voice/runs?limit=500")["runs"] if r["status"] == "running"])


def stored(g):
    with contextlib.closing(sqlite3.connect(os.path.join(g.state, "voicegw.db"))) as db:
        return db.execute("SELECT count(*) FROM events WHERE type = 'flood'").fetchone()[0]


def numbers(events):
    return [(e["data"]["round"], e["data"]["n"]) for e in events if e["type"] == "flood"]


def of_rounds(rounds, count=COUNT):
    return [(r, n) for r in rounds for n in range(count)]


def is_whole(g, feed, expected):
    """Waits for the last event, then: each event once, in the order of ids."""
    g.until(lambda: expected[-1] in numbers(feed.events[-50:]) or feed.closed, seconds=3 * wait())
    ids = [e["id"] for e in feed.events]
    assert ids == sorted(set(ids)), "not in order, or doubled"
    got = numbers(feed.events)
    assert got == expected, (len(got), got[:3], got[-3:])


def test_what_the_ring_has_lost_comes_from_the_store():
    with gateway(base(more=FLOOD)) as g:
        first = g.feed()
        flood(g, 1, count=3)
        seen = first.wait("flood", n=2)
        first.close()
        flood(g, 2)
        flood(g, 3)
        feed = g.feed(last_id=seen["id"])
        is_whole(g, feed, of_rounds([2, 3]))
        flood(g, 4, count=5)  # joined: what is live follows
        feed.wait("flood", round=4, n=4)
        got = numbers(feed.events)
        assert got[-5:] == [(4, n) for n in range(5)] and len(got) == 2 * COUNT + 5
        feed.close()
        ws = WebSocket(g.port, f"/voice/events?since={seen['id']}&types=flood")
        over_ws = [json.loads(ws.recv()) for _ in range(2 * COUNT + 5)]
        assert numbers(over_ws) == got
        ws.close()


def test_what_is_replayed_is_what_was_live():
    with gateway(base(more=FLOOD)) as g:
        live = g.feed()
        call = g.call("+15551", project_id="default", variables={"a": "b"})
        live.wait("call_answered", call_id=call["call_id"])
        g.post(f"/voice/calls/{call['call_id']}/end")
        live.wait("voice.session.stopped")
        flood(g, 1)
        live.wait("flood", n=COUNT - 1)
        again = g.feed(last_id=0)
        again.wait("flood", n=COUNT - 1)
        kept = {e["id"]: e for e in again.events}
        for event in live.events:
            if event["type"] != "voice.stt.partial":
                assert kept[event["id"]] == event, (event, kept.get(event["id"]))
        live.close()
        again.close()


def test_events_that_come_while_the_past_is_read():
    with gateway(base(more=FLOOD)) as g:
        flood(g, 1)
        feeds = [g.feed(last_id=0) for _ in range(4)]
        flood(g, 2, wait_for=False)
        feeds += [g.feed(last_id=0) for _ in range(4)]
        for feed in feeds:
            is_whole(g, feed, of_rounds([1, 2]))
            feed.close()


def test_a_restart_loses_nothing():
    for end in (signal.SIGTERM, signal.SIGKILL):
        with gateway(base(more=FLOOD), stop=False) as g:
            feed = g.feed()
            flood(g, 1)
            feed.wait("flood", n=COUNT - 1)
            middle = feed.find("flood", n=COUNT // 2)[0]
            # What a feed has shown is stored a moment later; a killed process may lose that moment, nothing older.
            g.until(lambda: stored(g) == COUNT)
            if end == signal.SIGKILL:
                g.kill()
            else:
                g.process.send_signal(end)
                g.ended()
            g.start()
            again = g.feed(last_id=middle["id"])
            flood(g, 2, count=3)
            again.wait("flood", round=2, n=2)
            assert numbers(again.events) == [(1, n) for n in range(COUNT // 2 + 1, COUNT)] + [(2, n) for n in range(3)]
            ids = [e["id"] for e in again.events]
            assert ids == sorted(set(ids))
            again.close()
            ws = WebSocket(g.port, f"/voice/events?since={middle['id']}&types=flood")
            assert json.loads(ws.recv())["data"]["n"] == COUNT // 2 + 1
            ws.close()
            g.stop()


def test_what_nobody_keeps_is_gone():
    with gateway(base(more=FLOOD)) as g:
        flood(g, 1)
        for header in ("7", "1"):
            a = g.request("GET", "/voice/events", headers={"Last-Event-ID": header})
            assert a.status == 410 and a.headers["content-type"] == "application/problem+json", a
        assert WebSocket(g.port, "/voice/events?since=7", expect=None).status == 410
        assert g.request("GET", "/voice/events", headers={"Last-Event-ID": str(2 ** 62)}).status == 410, "an id that nobody gave"
        whole = g.request("GET", "/voice/events?follow=false&types=flood", headers={"Last-Event-ID": "0"})
        assert whole.body.count("event: flood") == COUNT, "what is kept ends with what is newest"


ROUNDS = 8  # more than what the kernel holds for a client that does not read and has little room
FIRST = 500  # events that the ring holds all and no way to a client does: it waits before anything is older than the ring
SLOW = base(more=FLOOD.replace("keep: 200", "keep: 1500"))  # a flood is more events than it sends: its run tells of each step


def everything():
    return of_rounds([0], FIRST) + of_rounds(range(1, ROUNDS + 1))


def flood_until_cut(g):
    """A client that waits already when the ring overtakes it is cut soon; one that is still behind would be given the store first, and a
    WebSocket that says nothing for 40 s is taken for dead."""
    flood(g, 0, count=FIRST, filling="x" * 2000)
    for i in range(ROUNDS):
        flood(g, i + 1, filling="x" * 2000)
    g.until(lambda: g.metric("voicegw_dropped_total", 0, what="slow_feed") == 1, seconds=3 * wait())
    # Whoever resumes is answered once what was written before is stored, and an answer has its time.
    g.until(lambda: stored(g) == len(everything()), seconds=3 * wait())


def rest_of(g, last):
    text = g.request("GET", "/voice/events?follow=false&types=flood", headers={"Last-Event-ID": str(last)}).body
    assert text.endswith("\n\n") and not text.split("\n\n")[-2].startswith(":"), text[-300:]
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


class Fast:
    """A feed that a process of its own takes, which does nothing else: it keeps up whatever this one is busy with."""

    TAKE = """import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"GET /voice/events HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
while part := s.recv(1 << 20):
    sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()
"""

    def __init__(self, g):
        path = os.path.join(g.folder, "fast")
        with open(path, "wb") as out:
            self.process = subprocess.Popen([sys.executable, "-S", "-c", self.TAKE, str(g.port)], stdout=out, stdin=subprocess.DEVNULL)
        self.file, self.rest, self.taken = open(path, "rb"), b"", []
        g.until(lambda: os.path.getsize(path) > 0)

    @property
    def events(self):
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        self.taken += [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
        return self.taken

    @property
    def closed(self):
        return self.process.poll() is not None

    def close(self):
        self.process.kill()
        self.process.wait()
        self.file.close()


class Reader(threading.Thread):
    """Takes what there is for a WebSocket from when its feed is cut: the close must be taken within the time that a close has, so that it is
    all read first and looked at later."""

    def __init__(self, g, ws):
        super().__init__(daemon=True)
        self.g, self.ws, self.took = g, ws, []
        self.start()

    def run(self):
        self.g.until(lambda: self.g.metric("voicegw_dropped_total", 0, what="slow_feed") == 1, seconds=5 * wait())
        with contextlib.suppress(OSError):
            while part := self.ws.socket.recv(1 << 20):
                self.took.append(part)
                if part[-200:].find(b"last id ") >= 0:  # the close: it is answered
                    self.ws.send_frame(8, b"\x03\xe8")

    def events(self):
        """Those that came, and what the close said stands in the WebSocket."""
        self.join(5 * wait())
        self.ws.buffer += b"".join(self.took)
        events = []
        with contextlib.suppress(OSError):
            while (text := self.ws.recv()) is not None:
                events.append(json.loads(text))
        return events


def test_a_slow_websocket_is_cut_off_and_resumes():
    """One that reads nothing: the fast one beside it misses nothing meanwhile, and the slow one goes on where it was."""
    with gateway(SLOW) as g:
        fast = Fast(g)
        slow = WebSocket(g.port, "/voice/events?types=flood")
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        reader = Reader(g, slow)
        flood_until_cut(g)
        got = reader.events()
        assert slow.closed, "closed without a word"
        code, reason = slow.closed
        last = int(reason.split()[2].rstrip(":"))
        assert code == 1013 and reason.startswith("last id ") and last == got[-1]["id"], (code, reason, got[-1]["id"])
        assert numbers(got) + numbers(rest_of(g, last)) == everything()
        is_whole(g, fast, everything())
        fast.close()


def test_a_slow_event_source_is_cut_off_and_resumes():
    with gateway(SLOW) as g:
        fast = Fast(g)
        slow = socket.create_connection(("127.0.0.1", g.port), wait())
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.sendall(b"GET /voice/events?types=flood HTTP/1.1\r\nHost: localhost\r\n\r\n")
        flood_until_cut(g)
        text = b""
        with contextlib.suppress(ConnectionResetError):
            while part := slow.recv(65536):
                text += part
        slow.close()
        assert not text.endswith(b"0\r\n\r\n"), "a stream that was cut looks as if it had ended"
        whole = text[:text.rfind(b"\n\n")]  # what is torn does not count, as a browser has it
        last = int(re.findall(rb"^id: (\d+)$", whole, re.M)[-1])
        got = len(re.findall(rb"^event: flood$", whole, re.M))
        rest = numbers(rest_of(g, last))
        assert got and rest == everything()[got:], (got, len(rest), rest[:1], rest[-1:])
        is_whole(g, fast, everything())
        fast.close()


if __name__ == "__main__":
    run(globals())
