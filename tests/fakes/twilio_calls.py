"""twilio_calls.py - calls, recordings and conferences of the fake Twilio: a call fetches its TwiML from the gateway, carries it out
verb by verb and tells the gateway how it goes on. Seconds of TwiML pass `scale` times as fast as on the telephone."""
import dataclasses
import email.utils
import io
import queue
import struct
import threading
import time
import urllib.parse

import twilio_twiml as twiml
from twilio_facts import OVER, SHAPES
from twilio_stream import Stream


class Over(Exception):
    """The call has ended while a verb was at it."""


class Redirected(Exception):
    """A new document takes the place of the one that runs."""


@dataclasses.dataclass
class Phone:
    """How somebody behaves whom the gateway calls."""
    outcome: str = "answer"  # answer busy no-answer failed, or silent: rings until told or given up
    after: float = 0.02  # seconds until it answers or not
    answered_by: str = "human"
    talk: float = None  # seconds until it hangs up; None: not by itself
    microphone: bytes = b""
    callbacks: str = None  # how its calls' callbacks are brought, in place of Twilio's own way


def stamp(at=None):
    return email.utils.formatdate(at if at is not None else time.time()).replace("-0000", "+0000")


class Courier(threading.Thread):
    """Brings one call's callbacks to the gateway, in the order that the fake was told: normal, twice, reversed (all of them after the
    last), shuffled (the last one first), or lost (those of its state)."""

    def __init__(self, twilio, call):
        super().__init__(daemon=True)
        self.twilio, self.call, self.queue = twilio, call, queue.Queue()
        self.pending = 0
        self.start()

    def put(self, method, url, kind, form, last=False):
        with self.twilio.changed:
            self.pending += 1
        self.queue.put((method, url, kind, form, last))

    def run(self):
        kept = []
        while True:
            item = self.queue.get()
            mode, last = (self.call and self.twilio.phone(self.call.to).callbacks) or self.twilio.callbacks, item[4]
            due = [item] if item[1] else []
            if mode == "lost" and item[2] == "status" and due:
                with self.twilio.changed:
                    self.pending -= 1
                    self.twilio.changed.notify_all()
                continue
            if mode in ("reversed", "shuffled") and item[2] == "status":
                kept += due
                if not last:
                    continue
                due = kept[::-1] if mode == "reversed" else kept[-1:] + kept[:-1]
                kept = []
            for method, url, kind, form, _ in due * (2 if mode == "twice" else 1):
                answer = self.twilio.webhook(method, url, kind, form, call=self.call)
                if answer is not None and not 200 <= answer.status < 300 and not self.twilio.expect_refusals:
                    self.twilio.violation(f"{kind} callback to {url} was answered {answer.status}: {answer.body[:200]!r}")
            with self.twilio.changed:
                self.pending -= len(due) + (not item[1])
                self.twilio.changed.notify_all()


class Recording:
    def __init__(self, twilio, call=None, conference=None, source="StartCallRecordingAPI", channels="1", callback=None, track="both"):
        self.twilio, self.call, self.conference, self.source, self.channels = twilio, call, conference, source, channels
        self.sid, self.status, self.track = twilio.new_sid("RE"), "in-progress", track
        self.callback = callback or (None, None, ("completed",))  # method, url, events
        self.begun, self.ended = time.time(), None
        self.from_octet = len(call.heard) if call else 0
        twilio.recordings[self.sid] = self
        self.tell("in-progress")

    @property
    def path(self):
        return f"/2010-04-01/Accounts/{self.twilio.account}/Recordings/{self.sid}"

    def tell(self, status):
        method, url, events = self.callback
        if not url or status not in (events or ("completed",)):
            return
        form = {"AccountSid": self.twilio.account, "RecordingSid": self.sid, "RecordingUrl": self.twilio.url + self.path, "RecordingStatus": status,
                "RecordingChannels": self.channels, "RecordingSource": self.source, "RecordingTrack": self.track,
                "RecordingStartTime": stamp(self.begun), "ErrorCode": "0"}
        if self.call:
            form["CallSid"] = self.call.sid
        if self.conference:
            form["ConferenceSid"] = self.conference.sid
        if status == "completed":
            form["RecordingDuration"] = self.duration
        (self.call or self.conference).courier.put(method or "POST", url, "recording", form)

    @property
    def duration(self):
        return str(max(1, round((self.ended or time.time()) - self.begun)))

    def update(self, status):
        if self.ended is not None:
            return
        self.status = status
        if status == "stopped":
            self.finish()

    def finish(self):
        if self.ended is None:
            self.ended, self.status = time.time(), "completed"
            self.tell("completed")

    def audio(self):
        """A WAV file of what the caller heard since it began, at least a tenth of a second."""
        data = bytes(self.call.heard[self.from_octet:]) if self.call else b""
        data = data or b"\xff" * 800
        out = io.BytesIO()
        out.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 7, 1, 8000, 8000, 1, 8))
        out.write(b"data" + struct.pack("<I", len(data)) + data)
        return out.getvalue()

    def json(self, shape):
        uri = self.path + ".json"
        if shape == "call.call_recording":
            uri = f"/2010-04-01/Accounts/{self.twilio.account}/Calls/{self.call.sid}/Recordings/{self.sid}.json"
        return fill(shape, sid=self.sid, account_sid=self.twilio.account, api_version="2010-04-01", call_sid=self.call and self.call.sid,
                    conference_sid=self.conference and self.conference.sid, date_created=stamp(self.begun), date_updated=stamp(),
                    start_time=stamp(self.begun), duration=self.duration if self.ended else "-1", price=None, price_unit="USD", status=self.status,
                    channels=int(self.channels), source=self.source, error_code=None, track=self.track, uri=uri,
                    media_url=self.twilio.url + self.path)


def fill(shape, **values):
    """An answer of that shape: every property that the description names, null where nothing is known."""
    out = {name: None for name in SHAPES[shape].split()}
    unknown = set(values) - set(out)
    for name in unknown:
        del values[name]
    out.update(values)
    return out


class Call:
    def __init__(self, twilio, direction, from_, to, status, parent=None, **settings):
        self.twilio, self.direction, self.from_, self.to, self.status, self.parent = twilio, direction, from_, to, status, parent
        self.sid = twilio.new_sid("CA")
        self.changed = twilio.changed
        self.created, self.began, self.ended = time.time(), None, None
        self.url, self.method, self.twiml, self.fallback = None, "POST", None, (None, "POST")
        self.callback, self.events, self.sequence = ("POST", None), ("completed",), 0
        self.answered_by, self.async_amd, self.sip_code, self.time_limit = None, None, None, None
        self.more_form = {}  # CallerName and the like
        self.documents, self.executed, self.error = [], [], None
        self.said, self.played, self.digits_sent = [], [], []
        self.microphone, self.heard, self.heard_at = bytearray(), b"", None
        self.digits, self.speech = "", None  # what a <Gather> or <Record> is waiting for
        self.gathering = self.recording_verb = False
        self.stream, self.streams, self.one_way = None, [], []
        self.pending, self.conference, self.queue, self.dequeued = None, None, None, None
        self.children, self.price_asked, self.record, self.here, self.refused = [], 0, None, None, None
        self.courier = Courier(twilio, self)
        for name, value in settings.items():
            setattr(self, name, value)
        twilio.calls[self.sid] = self

    # ---- what a test has it do ----

    def speak(self, ulaw, silence=0.0):
        """The caller says that, then nothing for some seconds; returns at once."""
        with self.changed:
            self.microphone += ulaw + b"\xff" * int(silence * 8000)

    def press(self, digits):
        """Keys: on a two-way stream dtmf messages, else for <Gather> and <Record>."""
        for digit in digits:
            with self.changed:
                stream = self.stream
                if not stream:
                    self.digits += digit
                    self.changed.notify_all()
            if stream:
                stream.press(digit)

    def reply(self, text, confidence=0.91):
        """Words that Twilio's recognizer understands in a <Gather>."""
        with self.changed:
            self.speech = (text, confidence)
            self.changed.notify_all()

    def hangup(self):
        self.finish("completed" if self.began else "no-answer" if self.direction == "inbound" else "canceled")

    def wait(self, what, seconds=None):
        """Until what(call) holds; it must."""
        with self.changed:
            if self.changed.wait_for(lambda: what(self), seconds or self.twilio.patience):
                return what(self)
        raise AssertionError(f"it did not come about on {self!r}; carried out: {[e[0] for e in self.executed]}, stream: "
                             f"{self.stream and (self.stream.octets, self.stream.marks, self.stream.clears)}, error {self.error}, "
                             f"violations: {self.twilio.violations[-5:]}, webhooks: {[(s.kind, s.answer) for s in self.twilio.sent[-8:]]}")

    def wait_stream(self, count=1):
        """Its so-manieth two-way stream, once that is up."""
        return self.wait(lambda c: len(c.streams) >= count and c.streams[count - 1].media >= 0 and c.streams[count - 1])

    def wait_over(self):
        """The call has ended and every callback was brought."""
        return self.wait(lambda c: c.status in OVER and not c.courier.pending and not any(x.courier.pending for x in c.children))

    @property
    def over(self):
        return self.status in OVER

    def did(self, name):
        return [e for e in self.executed if e[0] == name]

    def __repr__(self):
        return f"<{self.direction} call {self.sid} {self.from_} to {self.to}: {self.status}>"

    # ---- its states ----

    def form(self, **more):
        form = {"CallSid": self.sid, "AccountSid": self.twilio.account, "From": self.from_, "To": self.to, "Caller": self.from_, "Called": self.to,
                "CallStatus": self.status, "ApiVersion": "2010-04-01", "Direction": self.direction}
        if self.parent:
            form["ParentCallSid"] = self.parent.sid
        if self.answered_by and self.began and not self.async_amd:
            form["AnsweredBy"] = self.answered_by
        form.update(self.more_form)
        form.update(more)
        return form

    def tell(self, event):
        if event not in self.events or not self.callback[1]:
            if event == "completed":  # nothing to bring, but nothing follows either
                self.courier.put(None, None, "status", None, last=True)
            return
        status = {"initiated": "initiated", "ringing": "ringing", "answered": "in-progress"}.get(event, self.status)
        form = self.form(CallStatus=status, Timestamp=stamp(), CallbackSource="call-progress-events", SequenceNumber=str(self.sequence))
        self.sequence += 1
        if event == "completed":
            seconds = self.seconds()
            form.update(CallDuration=str(seconds), Duration=str(-(-seconds // 60)))
            if self.sip_code:
                form["SipResponseCode"] = str(self.sip_code)
        self.courier.put(self.callback[0], self.callback[1], "status", form, last=event == "completed")

    def seconds(self):
        return max(1, round(self.ended - self.began)) if self.began and self.ended else 0

    def answer(self):
        with self.changed:
            if self.began or self.over:
                return
            self.began, self.status = time.time(), "in-progress"
            self.changed.notify_all()
        self.tell("answered")
        if self.record:
            Recording(self.twilio, self, **self.record)
        if self.time_limit:
            threading.Timer(self.time_limit * self.twilio.scale, self.finish, ("completed",)).start()

    def finish(self, status):
        with self.changed:
            if self.over:
                return False
            self.status, self.ended = status, time.time()
            self.changed.notify_all()
        for s in [self.stream, *self.one_way]:
            if s:
                s.stop()
        for child in self.children:
            child.hangup()
        for r in list(self.twilio.recordings.values()):
            if r.call is self:
                r.finish()
        if self.conference:
            self.conference.leave(self)
        self.tell("completed")
        return True

    def interrupt(self, url=None, method="POST", text=None):
        """The REST interface gives it another document."""
        with self.changed:
            self.pending = (url, method, text)
            stream = self.stream
            self.changed.notify_all()
        if stream:
            stream.stop()

    def pause(self, what, seconds=None):
        """Waits until that holds (True) or the seconds of the document are over (False)."""
        with self.changed:
            came = self.changed.wait_for(lambda: self.over or self.pending or what(), None if seconds is None else seconds * self.twilio.scale)
            if self.over:
                raise Over
            if self.pending:
                raise Redirected
            return bool(came)

    # ---- an outgoing call ----

    def dial(self, phone, timeout=60):
        """Rings somebody: True when that one answered."""
        self.tell("initiated")
        with self.changed:
            if self.over:
                return False
            self.status = "ringing"
            self.changed.notify_all()
        if phone.outcome == "failed":
            self.sip_code = 404
            return not self.finish("failed")
        self.tell("ringing")
        after = phone.after if phone.outcome != "silent" else timeout * self.twilio.scale
        with self.changed:
            self.changed.wait_for(lambda: self.over or self.pending, after)
            if self.over:
                return False
        if phone.outcome in ("busy", "no-answer", "silent"):
            self.sip_code = 486 if phone.outcome == "busy" else 487
            self.finish("busy" if phone.outcome == "busy" else "no-answer")
            return False
        if phone.answered_by and self.answered_by is not None:
            self.answered_by = phone.answered_by
        self.microphone += phone.microphone
        self.answer()
        if phone.talk is not None:
            threading.Timer(phone.talk, self.hangup).start()
        if self.async_amd and self.async_amd[1]:
            self.courier.put(*self.async_amd, "amd", {"CallSid": self.sid, "AccountSid": self.twilio.account, "AnsweredBy": phone.answered_by,
                                                       "MachineDetectionDuration": "2400"})
        return not self.over

    def place(self, timeout):
        """The thread of a call that was made by the REST interface."""
        with self.changed:
            self.changed.wait_for(lambda: self.over, self.twilio.queued)
        if not self.over and self.dial(self.twilio.phone(self.to), timeout):
            self.lead()

    # ---- documents ----

    def lead(self):
        """Carries out documents until one ends without another, then hangs up."""
        source, params = (self.url, self.method, self.twiml), {}
        while source and not self.over:
            try:
                source, params = self.run_document(*source, params) or (None, None)
            except Redirected:
                source = None
            except Over:
                return
            with self.changed:
                if self.pending:
                    source, params, self.pending = self.pending, {}, None
        self.finish("completed")

    def fetch(self, url, method, text, params):
        """The document as a Verb; None when there is none, which was told."""
        if not url:
            return self.read(text, "the Twiml parameter")
        answer = self.twilio.webhook(method, url, "voice", self.form(**params), call=self)
        root = self.judge(answer, url)
        if root is None and self.fallback[0] and url != self.fallback[0]:
            more = {"ErrorCode": "11200", "ErrorUrl": url}
            answer = self.twilio.webhook(self.fallback[1], self.fallback[0], "fallback", self.form(**params, **more), call=self)
            root = self.judge(answer, self.fallback[0])
        return root

    def judge(self, answer, url):
        if answer is None:
            self.error = f"{url} cannot be reached (11205)"
            return None
        kind = answer.headers.get("content-type", "").split(";")[0]
        if answer.status != 200 or kind not in ("text/xml", "application/xml"):
            self.error = f"{url} answered {answer.status} {kind}: {answer.body[:200]!r} (11200)"
            if not self.twilio.expect_refusals:
                self.twilio.violation(self.error)
            return None
        return self.read(answer.body, url)

    def read(self, text, where):
        root, problems = twiml.parse(text)
        for p in problems:
            self.twilio.violation(f"TwiML of {where}: {p}; {text[:300]!r}")
        with self.changed:
            self.documents.append(text if isinstance(text, str) else text.decode(errors="replace"))
            self.changed.notify_all()
        if root is not None:
            self.twilio.documents.append((text, root))
        return root

    def run_document(self, url, method, text, params):
        """Returns what comes after it: (source, params), or None."""
        self.here = url
        root = self.fetch(url, method, text, params)
        if root is None:
            self.said.append("an application error has occurred")
            return None
        self.pause(lambda: True)
        for verb in root.children:
            if verb.name not in ("Reject", "Pause") and self.direction == "inbound":
                self.answer()
            # When a test waits for the verb, it has begun.
            with self.changed:
                self.executed.append((verb.name, verb.attributes, verb.text.strip(), verb))
                self.changed.notify_all()
            after = getattr(self, "do_" + verb.name)(verb)
            if after is not None:
                return after
        return None

    def go(self, verb, params, attribute="action", default=None):
        """The document that a verb's action names."""
        url = verb.get(attribute, default)
        if url is None:
            return None
        return (self.absolute(url), verb.get("method", "POST"), None), params

    def absolute(self, url):
        return urllib.parse.urljoin(self.here or "", url)

    # ---- verbs ----

    def do_Say(self, verb):
        with self.changed:
            self.said.append(verb.text.strip())
            self.changed.notify_all()
        self.pause(lambda: False, self.twilio.speech_seconds(verb.text))

    def do_Play(self, verb):
        if verb.get("digits"):
            self.digits_sent.append(verb.get("digits"))
            return
        url = self.absolute(verb.text.strip())
        answer = self.twilio.get(url)
        with self.changed:
            self.played.append((url, answer))
            self.changed.notify_all()
        if answer is None or answer.status != 200 or not answer.headers.get("content-type", "").startswith("audio/"):
            self.twilio.violation(f"<Play> of {url}: {answer}")
        if verb.get("loop") == "0":
            self.pause(lambda: False)
        self.pause(lambda: False, self.twilio.play_seconds)

    def do_Pause(self, verb):
        self.pause(lambda: False, verb.number("length", 1))

    def do_Gather(self, verb):
        kinds = verb.get("input", "dtmf").replace("_", " ").split()
        finish, count = verb.get("finishOnKey", "#"), verb.number("numDigits", 0)
        with self.changed:
            self.gathering, self.digits, self.speech = True, "", None
            self.changed.notify_all()

        def begun():
            return ("dtmf" in kinds and self.digits) or ("speech" in kinds and self.speech)

        def complete():
            if "speech" in kinds and self.speech:
                return True
            return "dtmf" in kinds and ((count and len(self.digits) >= count) or (finish and any(c in finish for c in self.digits)))

        try:
            for prompt in verb.children:
                if begun() and verb.get("bargeIn", "true") == "true":
                    break
                self.executed.append((prompt.name, prompt.attributes, prompt.text.strip(), prompt))
                getattr(self, "do_" + prompt.name)(prompt)
            timeout = verb.number("timeout", 5)
            while not complete():
                had = len(self.digits)
                if not self.pause(lambda: complete() or len(self.digits) != had, timeout):
                    break
        finally:
            with self.changed:
                self.gathering = False
                digits, speech = self.digits, self.speech
                self.changed.notify_all()
        params = {}
        if "speech" in kinds and speech:
            params = {"SpeechResult": speech[0], "Confidence": str(speech[1]), "Language": verb.get("language", "en-US")}
        elif "dtmf" in kinds and digits:
            key = next((c for c in digits if c in finish), "")
            digits = digits.split(key)[0] if key else digits
            params = {"Digits": digits[:count] if count else digits, "FinishedOnKey": key, "msg": "Gather End"}
        elif verb.get("actionOnEmptyResult") != "true":
            return None
        else:
            params = {"Digits": "", "FinishedOnKey": "", "msg": "Gather End"}
        return self.go(verb, params, default=self.here)

    def do_Record(self, verb):
        with self.changed:
            self.recording_verb, self.digits = True, ""
            self.changed.notify_all()
        finish = verb.get("finishOnKey", "1234567890*#")
        recording = Recording(self.twilio, self, source="RecordVerb", callback=self.callback_of(verb, "recordingStatusCallback"))
        try:
            self.pause(lambda: any(c in finish for c in self.digits), min(verb.number("maxLength", 3600), verb.number("timeout", 5) + 3))
        finally:
            self.recording_verb = False
        recording.finish()
        return self.go(verb, {"RecordingUrl": self.twilio.url + recording.path, "RecordingSid": recording.sid, "RecordingDuration": recording.duration,
                              "Digits": next((c for c in self.digits if c in finish), "")}, default=self.here)

    def callback_of(self, verb, name):
        url = verb.get(name)
        return (verb.get(name + "Method", "POST"), self.absolute(url) if url else None, tuple(verb.get(name + "Event", "completed").split()))

    def do_Redirect(self, verb):
        return (self.absolute(verb.text.strip()), verb.get("method", "POST"), None), {}

    def do_Hangup(self, _verb):
        self.finish("completed")
        raise Over

    def do_Leave(self, _verb):
        return None

    def do_Reject(self, verb):
        self.finish("busy" if verb.get("reason") == "busy" else "failed")
        raise Over

    def do_Refer(self, verb):
        return self.go(verb, {"ReferCallStatus": "completed", "ReferSipResponseCode": "202"})

    def do_Enqueue(self, verb):
        with self.changed:
            self.queue, self.dequeued = verb.text.strip(), None
            self.changed.notify_all()
        begun = time.time()
        if verb.get("waitUrl"):
            answer = self.twilio.webhook(verb.get("waitUrlMethod", "POST"), self.absolute(verb.get("waitUrl")), "wait", self.form(QueuePosition="1"), call=self)
            self.judge(answer, verb.get("waitUrl"))
        try:
            self.pause(lambda: self.dequeued)
        finally:
            self.queue = None
        return self.go(verb, {"QueueResult": self.dequeued, "QueueSid": self.twilio.new_sid("QU"), "QueueTime": str(round(time.time() - begun))})

    def dequeue(self, result="bridged"):
        with self.changed:
            self.dequeued = result
            self.changed.notify_all()

    def do_Dial(self, verb):
        noun = verb.children[0] if verb.children else None
        if noun and noun.name == "Conference":
            return self.do_conference(verb, noun)
        if noun and noun.name == "Queue":
            return self.go(verb, {"DialCallStatus": "completed"})
        targets = [n.text.strip() for n in verb.children] or [verb.text.strip()]
        noun = noun or twiml.Verb("Number", {}, targets[0], [])
        child = Call(self.twilio, "outbound-dial", verb.get("callerId", self.from_), targets[0], "queued", parent=self,
                     callback=(noun.get("statusCallbackMethod", "POST"), noun.get("statusCallback") and self.absolute(noun.get("statusCallback"))),
                     events=tuple(noun.get("statusCallbackEvent", "completed").split()))
        self.children.append(child)
        recording = None
        if child.dial(self.twilio.phone(targets[0]), verb.number("timeout", 30)):
            if noun.get("sendDigits"):
                child.digits_sent.append(noun.get("sendDigits"))
            if verb.get("record", "do-not-record") not in ("do-not-record", "false"):
                recording = Recording(self.twilio, self, source="DialVerb", callback=self.callback_of(verb, "recordingStatusCallback"))
            try:
                if not self.pause(lambda: child.over, verb.number("timeLimit", None) if verb.get("timeLimit") else None):
                    child.hangup()
            except (Over, Redirected):
                child.hangup()
                raise
            finally:
                if recording:
                    recording.finish()
        if self.over:
            raise Over
        form = {"DialCallStatus": child.status, "DialCallSid": child.sid, "DialCallDuration": str(child.seconds()), "DialBridged": str(bool(child.began)).lower()}
        if recording:
            form.update(RecordingUrl=self.twilio.url + recording.path, RecordingSid=recording.sid)
        return self.go(verb, form)

    def do_conference(self, verb, noun):
        url = noun.get("statusCallback")
        conference = self.twilio.conference(noun.text.strip(), (noun.get("statusCallbackMethod", "POST"), self.absolute(url) if url else None,
                                                                tuple(noun.get("statusCallbackEvent", "").split())))
        conference.join(self, muted=noun.get("muted") == "true", label=noun.get("participantLabel"), start=noun.get("startConferenceOnEnter", "true") == "true",
                        end=noun.get("endConferenceOnExit") == "true")
        begun = time.time()
        try:
            self.pause(lambda: self.conference is None)
        except Redirected:
            conference.leave(self)
            raise
        return self.go(verb, {"DialCallStatus": "answered", "DialCallDuration": str(round(time.time() - begun)), "ConferenceSid": conference.sid})

    def do_Connect(self, verb):
        if verb.children[0].name != "Stream":
            return self.go(verb, {"SessionStatus": "ended"})
        stream = Stream(self, verb.children[0], two_way=True)
        if stream.open():
            with self.changed:
                self.stream = stream
                self.streams.append(stream)
                self.changed.notify_all()
        else:
            self.refused = stream
            stream.tell("stream-error", StreamError="31920")
        try:
            self.pause(lambda: stream.over)
        finally:
            stream.stop()
            with self.changed:
                self.stream = None
                self.changed.notify_all()
        return self.go(verb, {"StreamSid": stream.sid, "StreamName": stream.name})

    def do_Start(self, verb):
        stream = Stream(self, verb.children[0], two_way=False)
        if stream.open():
            with self.changed:
                self.one_way.append(stream)
                self.changed.notify_all()

    def do_Stop(self, verb):
        for s in self.one_way:
            if s.name == verb.children[0].get("name"):
                s.stop()

    def json(self):
        base = f"/2010-04-01/Accounts/{self.twilio.account}/Calls/{self.sid}"
        price = None
        if self.over and self.began:
            self.price_asked += 1
            price = f"-{0.0085 * -(-self.seconds() // 60):.5f}" if self.price_asked > self.twilio.price_after else None
        return fill("call", **{
            "sid": self.sid, "account_sid": self.twilio.account, "api_version": "2010-04-01", "to": self.to, "to_formatted": self.to, "from": self.from_,
            "from_formatted": self.from_, "parent_call_sid": self.parent and self.parent.sid, "status": self.status, "direction": self.direction,
            "start_time": self.began and stamp(self.began), "end_time": self.ended and stamp(self.ended), "duration": str(self.seconds()) if self.over else None,
            "price": price, "price_unit": "USD", "answered_by": self.answered_by or None, "caller_name": self.more_form.get("CallerName"),
            "queue_time": "0", "date_created": stamp(self.created), "date_updated": stamp(), "uri": base + ".json",
            "subresource_uris": {"recordings": base + "/Recordings.json", "streams": base + "/Streams.json"}})


class Conference:
    """A room: who is in it, who is held or muted, and its own callbacks."""

    def __init__(self, twilio, name, callback):
        self.twilio, self.name, self.callback = twilio, name, callback
        self.sid, self.status, self.created = twilio.new_sid("CF"), "init", time.time()
        self.people, self.sequence, self.reason = {}, 0, None
        self.courier = Courier(twilio, None)

    def tell(self, event, person=None, **more):
        method, url, events = self.callback
        word = event.split("-")[1] if "-" in event else event
        word = {"unhold": "hold", "unmute": "mute"}.get(word, word)
        if not url or word not in events:
            return
        form = {"AccountSid": self.twilio.account, "ConferenceSid": self.sid, "FriendlyName": self.name, "StatusCallbackEvent": event,
                "Timestamp": stamp(), "SequenceNumber": str(self.sequence), **more}
        self.sequence += 1
        if person:
            form.update(CallSid=person["call"].sid, Muted=str(person["muted"]).lower(), Hold=str(person["hold"]).lower(),
                        EndConferenceOnExit=str(person["end"]).lower(), StartConferenceOnEnter=str(person["start"]).lower(), Coaching="false")
            if person["label"]:
                form["ParticipantLabel"] = person["label"]
        self.courier.put(method, url, "conference", form)

    def join(self, call, muted=False, label=None, start=True, end=False):
        with self.twilio.changed:
            person = {"call": call, "muted": muted, "hold": False, "label": label, "start": start, "end": end, "at": time.time()}
            self.people[call.sid] = person
            call.conference = self
            begins = self.status == "init" and start
            if begins:
                self.status = "in-progress"
            self.twilio.changed.notify_all()
        if begins:
            self.tell("conference-start")
        self.tell("participant-join", person)

    def leave(self, call):
        with self.twilio.changed:
            person = self.people.pop(call.sid, None)
            call.conference = None
            ends = person and self.status != "completed" and (person["end"] or not self.people)
            self.twilio.changed.notify_all()
        if person:
            self.tell("participant-leave", person)
        if ends:
            self.end("last-participant-left" if not self.people else "participant-with-end-conference-on-exit-left")

    def end(self, reason="conference-ended-via-api"):
        with self.twilio.changed:
            if self.status == "completed":
                return
            self.status, self.reason = "completed", reason
            rest = list(self.people.values())
        for p in rest:
            self.leave(p["call"])
        self.tell("conference-end", ReasonConferenceEnded=reason)

    def change(self, person, name, value):
        if person[name] != value:
            person[name] = value
            self.tell("participant-" + ("" if value else "un") + {"muted": "mute", "hold": "hold"}[name], person)
        with self.twilio.changed:
            self.twilio.changed.notify_all()

    @property
    def path(self):
        return f"/2010-04-01/Accounts/{self.twilio.account}/Conferences/{self.sid}"

    def json(self):
        return fill("conference", sid=self.sid, account_sid=self.twilio.account, api_version="2010-04-01", friendly_name=self.name, region="us1",
                    status=self.status, date_created=stamp(self.created), date_updated=stamp(), uri=self.path + ".json",
                    reason_conference_ended=self.reason, subresource_uris={"participants": self.path + "/Participants.json"})

    def person_json(self, p):
        return fill("conference.participant", account_sid=self.twilio.account, call_sid=p["call"].sid, label=p["label"], coaching=False,
                    conference_sid=self.sid, date_created=stamp(p["at"]), date_updated=stamp(), end_conference_on_exit=p["end"], muted=p["muted"],
                    hold=p["hold"], start_conference_on_enter=p["start"], status="connected" if p["call"].began else "ringing", queue_time="0",
                    uri=f"{self.path}/Participants/{p['call'].sid}.json")
