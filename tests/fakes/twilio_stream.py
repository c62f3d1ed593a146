"""twilio_stream.py - a media stream of the fake Twilio: it opens the WebSocket that the TwiML names, sends connected, start, media
every 20 ms, dtmf and stop, plays out what comes at the pace of a telephone, sends marks back when their audio was heard and all of
them upon a clear, and checks every message that it gets."""
import base64
import binascii
import collections
import json
import os
import sys
import threading
import time
import urllib.parse

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from daemon import WebSocket  # noqa: E402

FRAME = 160  # 20 ms of mu-law at 8000 Hz
SILENCE = b"\xff" * FRAME


class Stream:
    def __init__(self, call, verb, two_way):
        self.call, self.twilio, self.two_way = call, call.twilio, two_way
        self.sid = call.twilio.new_sid("MZ")
        self.url, self.name = verb.get("url"), verb.get("name", self.sid)
        self.track = verb.get("track", "inbound_track")
        url = verb.get("statusCallback")
        self.callback = (verb.get("statusCallbackMethod", "POST"), call.absolute(url) if url else None)
        self.parameters = {p.get("name"): p.get("value") for p in verb.children}
        self.changed = call.twilio.changed
        self.lock = threading.Lock()  # one message at a time on the socket
        self.sequence = self.chunk = self.stamp = 0
        self.queue = collections.deque()  # what is to be played: audio and marks, in order
        self.queued = 0
        self.marks, self.marks_back, self.foreign = [], [], []
        self.clears = []  # (when, octets that were dropped, marks that came back)
        self.media = self.octets = 0
        self.first_media_at = None
        self.ws, self.over, self.closed_by = None, False, None
        self.played = threading.Event()

    # ---- its start ----

    def open(self):
        """Connects; an exception when the gateway refuses. The status of the answer is in self.status."""
        port, path = self.twilio.locate(self.url.replace("wss://", "https://", 1))
        self.status = 0
        headers = {"X-Twilio-Signature": self.twilio.sign(self.url, {})} if self.twilio.stream_signature else {}
        try:
            self.ws = WebSocket(port, path, headers, expect=None)
            self.status = self.ws.status
        except OSError:
            pass
        if self.status != 101:
            if self.ws:
                self.ws.socket.close()
            self.over, self.closed_by = True, "refused"
            return False
        self.ws.socket.settimeout(None)
        self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {"accountSid": self.twilio.account, "streamSid": self.sid, "callSid": self.call.sid,
                 "tracks": {"both_tracks": ["inbound", "outbound"]}.get(self.track, [self.track.removesuffix("_track")]),
                 "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}, "customParameters": self.parameters}
        if self.twilio.short_start:
            del start["accountSid"]
        self.event("start", start=start)
        self.tell("stream-started")
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.pace, daemon=True).start()
        return True

    def tell(self, what, **more):
        if self.callback[1]:
            self.call.courier.put(self.callback[0], self.callback[1], "stream", {
                "AccountSid": self.twilio.account, "CallSid": self.call.sid, "StreamSid": self.sid, "StreamName": self.name, "StreamEvent": what,
                "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), **more})

    # ---- towards the gateway ----

    def send(self, message):
        with self.lock:
            self.ws.send(message)

    def event(self, kind, **more):
        with self.lock:
            self.sequence += 1
            message = {"event": kind, "sequenceNumber": str(self.sequence), **more}
            message["streamSid"] = self.sid
            if self.twilio.short_start and kind in ("start", "stop"):
                del message["streamSid"]
            self.ws.send(message)

    def send_media(self, audio, track="inbound", **change):
        self.chunk += 1
        media = {"track": track, "chunk": str(self.chunk), "timestamp": str(self.stamp), "payload": base64.b64encode(audio).decode()}
        media.update(change)
        self.event("media", media=media)

    def press(self, digit):
        self.event("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def pace(self):
        """Every 20 ms a frame goes out and one is played; a late one is made up for."""
        at = time.monotonic()
        try:
            while not self.over:
                with self.changed:
                    frame = bytes(self.call.microphone[:FRAME])
                    del self.call.microphone[:FRAME]
                    if frame and not self.call.microphone:
                        self.changed.notify_all()
                back, heard = self.play_out()
                if not self.twilio.mute:
                    if self.track != "outbound_track":
                        self.send_media(frame.ljust(FRAME, b"\xff") if frame else SILENCE)
                    if self.track != "inbound_track":
                        self.send_media(heard, "outbound")
                self.stamp += 20
                self.return_marks(back)
                at += 0.02
                self.played.wait(max(0.0, at - time.monotonic()))
        except OSError:
            pass

    def play_out(self):
        """Takes 20 ms off the queue: (the marks that were passed, what was heard)."""
        heard, back = b"", []
        with self.changed:
            while self.queue and (not isinstance(self.queue[0], bytes) or len(heard) < FRAME):
                if not isinstance(self.queue[0], bytes):
                    back.append(self.queue.popleft()[0])
                    continue
                audio = self.queue.popleft()
                take = FRAME - len(heard)
                if len(audio) > take:
                    self.queue.appendleft(audio[take:])
                heard += audio[:take]
            self.queued -= len(heard)
            if heard and self.two_way:
                self.call.heard += heard
                self.call.heard_at = time.monotonic()
                self.changed.notify_all()
        return back, heard.ljust(FRAME, b"\xff")

    def return_marks(self, names):
        for name in names:
            self.event("mark", mark={"name": name})
        if names:
            with self.changed:
                self.marks_back += names
                self.changed.notify_all()

    # ---- from the gateway ----

    def read(self):
        try:
            while (text := self.ws.recv()) is not None:
                self.take(text)
        except (ConnectionError, OSError, ValueError):
            # Gone without a word. As of a host that lost its power, Twilio may not know it for long.
            if self.twilio.notices_loss or self.over:
                self.finish("lost")
            return
        self.finish("gateway")

    def take(self, text):
        def wrong(why):
            self.twilio.violation(f"stream message {text[:120]!r}: {why}")

        try:
            message = json.loads(text)
            kind = message["event"]
        except (ValueError, KeyError, TypeError):
            with self.changed:
                self.foreign.append(text)
                self.changed.notify_all()
            return None if self.twilio.foreign_frames else wrong("not a message of Twilio's")
        if kind not in ("media", "mark", "clear"):
            return wrong(f"unknown event {kind!r}")
        if not self.two_way:
            return wrong("a one-way stream takes nothing")
        if message.get("streamSid") != self.sid:
            return wrong("it is not for this stream")
        allowed = {"media": {"event", "streamSid", "media"}, "mark": {"event", "streamSid", "mark"}, "clear": {"event", "streamSid"}}[kind]
        if set(message) - allowed:
            wrong(f"it has {sorted(set(message) - allowed)}")
        return getattr(self, "on_" + kind)(message, wrong)

    def on_media(self, message, wrong):
        try:
            audio = base64.b64decode(message["media"]["payload"], validate=True)
        except (binascii.Error, KeyError, TypeError, ValueError) as e:
            return wrong(f"its payload is not base64: {e}")
        if not audio or audio[:4] == b"RIFF":
            return wrong("its payload is empty or has a header")
        with self.changed:
            self.first_media_at = self.first_media_at or time.monotonic()
            self.media += 1
            self.octets += len(audio)
            self.queue.append(audio)
            self.queued += len(audio)
            self.changed.notify_all()

    def on_mark(self, message, wrong):
        name = (message.get("mark") or {}).get("name")
        if not isinstance(name, str) or not name:
            return wrong("the mark has no name")
        with self.changed:
            self.marks.append(name)
            now = not self.queue
            if not now:
                self.queue.append((name,))
        if now:
            self.return_marks([name])

    def on_clear(self, _message, _wrong):
        with self.changed:
            names = [m[0] for m in self.queue if not isinstance(m, bytes)]
            self.clears.append((time.monotonic(), self.queued, names))
            self.queue.clear()
            self.queued = 0
            self.changed.notify_all()
        self.return_marks(names)

    # ---- its end ----

    def finish(self, by):
        """Once: by whom it ended."""
        with self.changed:
            if self.over:
                return False
            self.over, self.closed_by = True, by
            self.changed.notify_all()
        self.played.set()
        if by != "refused":
            self.tell("stream-error" if by == "lost" else "stream-stopped", **({"StreamError": "31924"} if by == "lost" else {}))
        return True

    def stop(self):
        """Twilio's own end of it: stop, then the socket is closed."""
        if self.ws and self.finish("twilio"):
            try:
                self.event("stop", stop={"accountSid": self.twilio.account, "callSid": self.call.sid})
                self.ws.close()
            except OSError:
                pass

    def lose(self):
        """The socket goes without a word."""
        if not self.twilio.notices_loss:
            self.ws.socket.shutdown(2)
        elif self.finish("lost"):
            self.ws.socket.shutdown(2)
            self.ws.socket.close()


def path_of(url):
    u = urllib.parse.urlsplit(url)
    return (u.path or "/") + (f"?{u.query}" if u.query else "")
