#!/usr/bin/python3
# budget: 120 s
"""Calls that hear each other through the gateway's own mixer. Each caller is a tone; what the gateway sends to each is searched for the
tones of all."""
import contextlib
import math
import os
import struct
import threading
import time

from daemon import Stream, base, gateway, loud, run, wait
from sip import connected, invited, phones
from sip_peer import Peer, Rtp, sdp, sip_port

TONES = {"a": 500, "b": 900, "c": 1300, "d": 2100}
ALONE = "  - {match: {}}\n"
LOUD, QUIET = 1500, 500  # of 6000 that are sent
WINDOW = 3200


def ulaw_of(sample):
    sign = 0x80 if sample < 0 else 0
    value = min(abs(sample), 32635) + 132
    exponent = max(value.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | (value >> (exponent + 3)) & 0x0F) & 0xFF


def linear_of(octet):
    octet = ~octet & 0xFF
    value = (((octet & 0x0F) << 3) + 132 << (octet >> 4 & 7)) - 132
    return -value if octet & 0x80 else value


LINEAR = [linear_of(o) for o in range(256)]


def amplitude(samples, hz):
    """Goertzel."""
    k = 2 * math.cos(2 * math.pi * hz / 8000)
    s1 = s2 = 0.0
    for x in samples:
        s1, s2 = x + k * s1 - s2, s1
    return 2 * math.sqrt(max(s1 * s1 + s2 * s2 - k * s1 * s2, 0)) / len(samples) if samples else 0


def tones_in(samples):
    """The names of those that are there; None while it is not clear."""
    there = {name: amplitude(samples, hz) for name, hz in TONES.items()}
    if any(QUIET <= a <= LOUD for a in there.values()):
        return None
    return "".join(sorted(n for n, a in there.items() if a > LOUD))


def tone_of(name):
    """100 ms, a whole number of waves."""
    return bytes(ulaw_of(round(6000 * math.sin(2 * math.pi * TONES[name] * i / 8000))) for i in range(800))


class Caller(Stream):
    """Sounds its tone without end."""

    def __init__(self, g, name, parameters=None):
        super().__init__(g, name, parameters or {})
        self.g, self.name, self.silent = g, name, False
        self.tone = tone_of(name[0])
        self.call = g.events.wait("call_answered", session_id=f"mock-{name}")["call_id"]
        threading.Thread(target=self.sound, daemon=True).start()

    def sound(self):
        at, n = time.monotonic(), 0
        while not self.over:
            frame = b"\xff" * 160 if self.silent else self.tone[n % 5 * 160:n % 5 * 160 + 160]
            try:
                self.media(frame)
            except OSError:
                return
            n, at = n + 1, at + 0.02
            time.sleep(max(0.0, at - time.monotonic()))

    def post(self, path, body=None):
        return self.g.post(f"/voice/calls/{self.call}/{path}", body or {})

    def hears(self, names):
        """Nothing but these tones, over a whole window that begins now."""
        with self.changed:
            begin = len(self.heard)
        self.wait(lambda s: len(s.heard) >= begin + WINDOW and self.clear(names))

    def clear(self, names):
        return tones_in([LINEAR[o] for o in self.heard[-WINDOW:]]) == names

    def join(self, name, **more):
        self.post("conference", {"name": name, **more})
        return self.g.events.wait("conference_joined", call_id=self.call)

    def hangs_up(self):
        self.post("end")
        self.g.events.wait("call_ended", call_id=self.call)


@contextlib.contextmanager
def lab(routes=ALONE, **more):
    with gateway(base(gateway="workers: 3", routes=routes, **more)) as g:
        g.events = g.feed()
        yield g
        g.until(lambda: "voicegw_mixes 0" in g.get("/metrics"))
        assert "voicegw_orphans 0" in g.get("/metrics")


def channels(path):
    with open(path, "rb") as f:
        data = f.read()
    data = data[data.index(b"data") + 8:]
    samples = struct.unpack(f"<{len(data) // 2}h", data[:len(data) // 2 * 2])
    return samples[0::2], samples[1::2]


def test_three_hear_the_others_and_never_themselves():
    with lab() as g:
        a, b, c = (Caller(g, n) for n in "abc")
        for one in (a, b, c):
            one.join("team")
        a.hears("bc")
        b.hears("ac")
        c.hears("ab")
        rooms = g.get("/voice/conferences")["conferences"]
        assert [r["conference"] for r in rooms] == ["team"] and len(rooms[0]["participants"]) == 3, rooms
        a.post("recording/start")
        started = g.events.wait("recording_started", call_id=a.call)["data"]["recording_id"]
        a.hears("bc")
        a.hears("bc")
        a.post("recording/stop")
        g.events.wait("recording_stopped", call_id=a.call)
        g.post(f"/voice/conferences/team/participants/{b.call}/mute")
        a.hears("c")
        b.hears("ac")
        g.post(f"/voice/conferences/team/participants/{b.call}/unmute")
        g.post(f"/voice/conferences/team/participants/{c.call}/hold")
        a.hears("b")
        g.post(f"/voice/conferences/team/participants/{c.call}/resume")
        c.hears("ab")
        g.post(f"/voice/conferences/team/participants/{c.call}/kick")
        g.events.wait("conference_kicked", call_id=c.call)
        g.events.wait("call_ended", call_id=c.call)
        b.hears("a")
        b.hangs_up()
        a.wait(lambda s: loud(s.heard[-1600:]))  # music
        a.hangs_up()
        g.events.wait("conference_ended")
        path = os.path.join(g.folder, "state", "recordings", f"{started}.wav")
        left, right = channels(path if os.path.exists(path) else find(g.folder, started))
        middle = len(left) // 2
        assert tones_in(left[middle - 2400:middle + 2400]) == "a", "the participant is on the left"
        assert tones_in(right[middle - 2400:middle + 2400]) == "bc", "all the others on the right"
        assert len(g.history(3)) == 3


def find(folder, name):
    return next(os.path.join(d, f) for d, _, files in os.walk(folder) for f in files if f == f"{name}.wav")


def test_a_supervisor_listens_whispers_and_breaks_in():
    with lab() as g:
        a, b, s = (Caller(g, n) for n in "abd")
        for one in (a, b):
            one.join("desk")
        s.post("monitor", {"call": b.call})
        assert g.events.wait("monitor_started", call_id=s.call)["data"]["monitored"] == b.call
        s.hears("ab")
        a.hears("b")
        b.hears("a")
        s.post("monitor", {"call": b.call, "mode": "whisper"})
        b.hears("ad")
        a.hears("b")
        s.post("monitor", {"call": b.call, "mode": "barge"})
        a.hears("bd")
        b.hears("ad")
        s.hangs_up()
        g.events.wait("monitor_stopped", call_id=s.call)
        a.hears("b")
        a.hangs_up()
        b.hangs_up()


def test_who_listens_to_a_call_of_an_assistant_hears_both():
    with lab(routes="  - {match: {}, tts: local}\n") as g:
        a, s = Caller(g, "a"), Caller(g, "d")
        s.post("monitor", {"call": a.call, "mode": "listen"})
        s.hears("a")
        a.silent = True
        s.hears("")
        a.post("say", {"text": "Good evening. You are speaking with the hotel, and somebody listens in.", "interruptible": False})
        s.wait(lambda c: loud(c.heard[-1600:]))
        a.wait(lambda c: loud(c.heard[-1600:]))
        a.hangs_up()  # and nobody is left to listen to
        e = g.events.wait("call_ended", call_id=s.call)
        assert e["data"]["cause"] == "monitored_call_over", e


def test_the_gateway_transfers_by_itself():
    with lab() as g:
        a = Caller(g, "a")
        a.post("transfer", {"to": "+15557770001", "kind": "attended", "bridge": True, "summary": "A guest wants a room."})
        g.events.wait("transfer_initiated", call_id=a.call)
        a.wait(lambda s: loud(s.heard[-1600:]))  # music meanwhile
        e = g.events.wait("transfer_completed", call_id=a.call)
        assert e["data"]["outcome"] == "completed" and e["data"]["kind"] == "attended", e
        target = next(e for e in g.events.events if e["type"] == "call_answered" and e["data"]["to"] == "+15557770001")
        assert target["session_id"] != f"mock-{a.name}", target
        assert g.get(f"/voice/calls/{a.call}")["state"] == "connected"
        a.hears("")  # the music is over
        g.post(f"/voice/calls/{target['call_id']}/end")
        g.events.wait("call_ended", call_id=target["call_id"])
        e = g.events.wait("call_ended", call_id=a.call)
        assert e["data"]["cause"] == "bridge_over", e
        assert len(g.history(2)) == 2


class Phone:
    """A telephone's audio by RTP: sounds its tone, keeps the newest that comes."""

    def __init__(self, name):
        self.rtp, self.tone, self.heard, self.over = Rtp(), tone_of(name), b"", False
        self.thread = None

    def ring(self, to):
        self.thread = threading.Thread(target=self.sound, args=(to,), daemon=True)
        self.thread.start()

    def sound(self, to):
        at, n = time.monotonic(), 0
        while not self.over:
            self.rtp.send(to, self.tone[n % 5 * 160:n % 5 * 160 + 160])
            n, at = n + 1, at + 0.02
            self.heard = (self.heard + b"".join(p[3] for p in self.rtp.receive(max(0.0, at - time.monotonic()))))[-WINDOW:]

    def hears(self, names):
        self.heard, end = b"", time.monotonic() + wait()
        while len(self.heard) < WINDOW or tones_in([LINEAR[o] for o in self.heard]) != names:
            assert time.monotonic() < end, f"{tones_in([LINEAR[o] for o in self.heard])} is heard, not {names}"
            time.sleep(0.05)

    def close(self):
        self.over = True
        if self.thread:
            self.thread.join(wait())
        self.rtp.close()


def test_two_sip_calls_are_joined_and_the_gateway_carries_their_audio():
    port = sip_port()
    with gateway(phones(port, routes=ALONE)) as g:
        feed, peer, desk, a, b = g.feed(), Peer(port), Peer(port), Phone("a"), Phone("b")
        call = connected(g, peer, rtp=a.rtp, feed=feed)
        a.ring(call.answer.media()[:2])
        g.post(f"/voice/calls/{call.id}/transfer", {"to": f"sip:desk@127.0.0.1:{desk.port}", "bridge": True})
        invite = invited(desk)
        desk.reply(invite, 200, body=sdp(b.rtp.port))
        desk.request_of("ACK")
        b.ring(invite.media()[:2])
        feed.wait("transfer_completed", call_id=call.id, outcome="completed")
        a.hears("b")
        b.hears("a")
        assert not [m for m in peer.inbox if m.first.startswith("REFER")]
        call.bye()
        desk.reply(desk.request_of("BYE"), 200)  # the end of one is the end of the other
        feed.wait("call_ended", 2)
        g.until(lambda: len([r for r in g.history(0) if r["status"] == "completed"]) == 2)
        g.until(lambda: "voicegw_mixes 0" in g.get("/metrics"))
        a.close()
        b.close()


def test_a_transfer_that_is_not_answered_brings_the_caller_back():
    with lab(mock='outcomes: [{to: "+1666*", outcome: busy}]') as g:
        a = Caller(g, "a")
        a.post("transfer", {"to": "+16660001", "bridge": True})
        e = g.events.wait("transfer_completed", call_id=a.call)
        assert e["data"]["outcome"] == "busy", e
        g.until(lambda: g.get(f"/voice/calls/{a.call}")["state"] == "connected")
        a.hangs_up()


ROOM = """workflows:
  - id: room
    steps:
      - {type: conference, params: {name: lobby}}
"""


def test_a_workflow_brings_callers_together_and_its_end_does_not_end_them():
    with lab(routes="  - {match: {}, workflow: room}\n", more=ROOM) as g:
        a, b = Caller(g, "a"), Caller(g, "b")
        for one in (a, b):
            g.events.wait("conference_joined", call_id=one.call)
        a.hears("b")
        b.hears("a")
        b.hangs_up()
        a.hangs_up()


if __name__ == "__main__":
    run(globals())
