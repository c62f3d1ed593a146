#!/usr/bin/python3
"""twilio.py - a Twilio of one's own for tests: its REST interface of 2010-04-01 with the calls, recordings, conferences, media streams and
messages behind it. It rings a gateway by signed webhooks, carries out the TwiML that comes back, opens media streams, tells of
everything by callbacks, and checks each request and document against the tables of twilio_facts.py; what is wrong it keeps as
violations. On order it misbehaves. Standard library only.

In a test:

    with Twilio({"localhost": gateway_port}) as twilio:      # which host of a URL is which local port
        call = twilio.ring("https://localhost/voice/twilio/inbound", "+15551112222", "+15553334444")
        call.speak(ulaw); call.press("1"); call.wait_stream(); call.hangup(); call.wait_over()
        twilio.phones["+15550001"] = Phone(outcome="busy")   # how those behave whom the gateway calls
        twilio.misbehave(429, "POST", "/Calls.json", times=2)
        twilio.check()                                       # no violations

As a program: twilio.py --gateway PORT --public-url URL [--listen PORT] [--account SID] [--token TOKEN]. It prints its address and what
happens as JSON lines, and takes orders as JSON lines: {"do": "ring", "from": "+1…", "to": "+1…", "url": "https://…"},
{"do": "speak", "call": "CA…", "file": "hello.ul"}, {"do": "press", "call", "digits"}, {"do": "reply", "call", "text"},
{"do": "hangup", "call"}, {"do": "phone", "number", "outcome"}, {"do": "misbehave", "kind", "method", "path", "times"}, {"do": "violations"}."""
import argparse
import base64
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import random
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from twilio_calls import Call, Conference, Phone, Recording, fill, stamp  # noqa: E402
from twilio_facts import CALL_EVENTS, CONFERENCE_EVENTS, ERRORS, OPERATIONS, OVER, RECORDING_EVENTS  # noqa: E402
import twilio_twiml as twiml  # noqa: E402

API = "/2010-04-01/Accounts/"
LIMIT = 15  # seconds that a webhook may take, all in all


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {self.body[:200]!r}"


class Sent:
    """A webhook that went to the gateway, and what came back (None: nothing)."""

    def __init__(self, kind, method, url, form, headers, body):
        self.kind, self.method, self.url, self.form, self.headers, self.body = kind, method, url, form, headers, body
        self.answer, self.began, self.took = None, time.monotonic(), None


class Request:
    """A request that the gateway made of the REST interface."""

    def __init__(self, method, path, params, operation=None, status=None):
        self.method, self.path, self.params, self.operation, self.status = method, path, params, operation, status
        self.at = time.monotonic()

    def __getitem__(self, name):
        return self.params[name][0]

    def get(self, name, default=None):
        return self.params.get(name, [default])[0]

    def __repr__(self):
        return f"{self.method} {self.path} {self.params} -> {self.status}"


class Refused(Exception):
    def __init__(self, code, more="", wrong=True):
        super().__init__(more)
        self.code, self.more, self.wrong = code, more, wrong


def signature(token, url, params):
    """X-Twilio-Signature: the URL and every parameter's name and values, sorted by name, each value once."""
    text = url
    for name in sorted(params):
        values = params[name] if isinstance(params[name], list) else [params[name]]
        text += "".join(name + v for v in sorted(set(values)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def signed_json(token, url, body):
    """The URL with bodySHA256, and its signature."""
    url += ("&" if "?" in url else "?") + "bodySHA256=" + hashlib.sha256(body).hexdigest()
    return url, signature(token, url, {})


class Twilio:
    def __init__(self, hosts=None, account="AC" + "0123456789abcdef" * 2, token="the-auth-token-of-the-account", api_key=None, api_secret=None,
                 scale=1.0, listen=0):
        self.hosts = dict(hosts or {})  # host, or host:port, of a URL -> local port
        self.account, self.token = account, token
        self.users = {account: token}
        if api_key:
            self.users[api_key] = api_secret
        self.scale, self.patience = scale, 30
        self.changed = threading.Condition(threading.RLock())
        self.signer = signature  # or another's
        # What there is.
        self.calls, self.recordings, self.conferences, self.messages, self.phones = {}, {}, {}, {}, {}
        self.requests, self.sent, self.violations, self.documents, self.faults = [], [], [], [], []
        # How it behaves.
        self.callbacks = "normal"  # twice, reversed, shuffled
        self.queued = 0.0  # seconds until a call leaves the queue
        self.price_after = 0  # so many times is a finished call's price not known yet
        self.play_seconds = 0.0
        self.characters_per_second = None  # of <Say>; None: at once
        self.media_after = 0  # so many times is a recording's audio not there yet
        self.sms_outcome = ("sent", "delivered")
        self.stream_signature, self.short_start, self.foreign_frames, self.expect_refusals = True, False, False, False
        self.mute = False  # streams send no audio
        self.notices_loss = True  # a stream's socket that just went is known to be lost
        self.numbers = None  # the account's own, when From is to be checked
        self.web = {}  # URL -> (status, content type, body), for what is not the gateway's
        self.random = random.Random(account)  # SIDs of two accounts differ
        self.closing = threading.Event()
        self.server = None
        self.open(listen)

    # ---- its life ----

    def open(self, port=0):
        """The REST interface can be reached (again, at the same address)."""
        twilio = self

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass  # a client that went away

        class Bound(Handler):
            owner = twilio

        self.server = Server(("127.0.0.1", port), Bound)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def go_away(self):
        """Nothing listens there any more; connections that are up end with their next request."""
        self.server.shutdown()
        self.server.server_close()
        self.server = None

    def come_back(self):
        self.open(self.port)

    def close(self):
        self.closing.set()
        for call in list(self.calls.values()):
            call.finish("completed")
        if self.server:
            self.go_away()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def check(self):
        assert not self.violations, "\n".join(self.violations[:20])

    def violation(self, text):
        with self.changed:
            self.violations.append(text)
            self.changed.notify_all()

    def new_sid(self, kind):
        with self.changed:
            return kind + f"{self.random.getrandbits(128):032x}"

    def phone(self, number):
        return self.phones.get(number) or Phone()

    def speech_seconds(self, text):
        return len(text) / self.characters_per_second if self.characters_per_second else 0

    def wait(self, what, seconds=None):
        with self.changed:
            if self.changed.wait_for(lambda: what(self), seconds or self.patience):
                return what(self)
        raise AssertionError(f"it did not come about; requests: {self.requests[-6:]}, webhooks: {[(s.kind, s.answer) for s in self.sent[-6:]]}, "
                             f"violations: {self.violations[-5:]}")

    def wait_request(self, operation, count=1, **params):
        """The so-manieth request of that operation with those parameters, once it was answered."""
        def found(_):
            r = [r for r in self.requests if r.operation == operation and r.status and all(r.get(k) == v for k, v in params.items())]
            return r[count - 1] if len(r) >= count else None
        return self.wait(found)

    # ---- towards the gateway ----

    def sign(self, url, params):
        return self.signer(self.token, url, params)

    def locate(self, url):
        """(local port, path) of a URL; ConnectionError when it is nobody's."""
        u = urllib.parse.urlsplit(url)
        port = self.hosts.get(u.netloc) or self.hosts.get(u.hostname)
        if not port and u.hostname == "127.0.0.1":
            port = u.port
        if not port:
            raise ConnectionError(f"nobody is at {url}")
        return port, (u.path or "/") + (f"?{u.query}" if u.query else "")

    def exchange(self, method, url, headers, body=None):
        try:
            port, path = self.locate(url)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
            try:
                connection.request(method, path, body=body, headers=headers)
                r = connection.getresponse()
                return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
            finally:
                connection.close()
        except (OSError, http.client.HTTPException):
            return None

    def get(self, url):
        if url in self.web:
            status, kind, body = self.web[url]
            return Answer(status, {"content-type": kind}, body)
        return self.exchange("GET", url, {"User-Agent": "TwilioProxy/1.1"})

    def webhook(self, method, url, kind, form, call=None):
        """A signed request to the gateway; its Answer, or None."""
        url = url.split("#")[0]
        if url in self.web:
            return self.get(url)
        headers = {"User-Agent": "TwilioProxy/1.1", "Accept": "*/*", "I-Twilio-Idempotency-Token": self.new_sid("")}
        body = None
        if method == "GET":
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(form)
            headers["X-Twilio-Signature"] = self.sign(url, {})
        else:
            body = urllib.parse.urlencode(form, doseq=True).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
            headers["X-Twilio-Signature"] = self.sign(url, form)
        return self.bring(Sent(kind, method, url, form, headers, body))

    def bring(self, sent):
        with self.changed:
            self.sent.append(sent)
        answer = self.exchange(sent.method, sent.url, sent.headers, sent.body)
        with self.changed:
            sent.answer, sent.took = answer, time.monotonic() - sent.began
            self.changed.notify_all()
        return answer

    def replay(self, sent):
        """The same request again, to the octet."""
        return self.bring(Sent(sent.kind, sent.method, sent.url, sent.form, sent.headers, sent.body))

    def ring(self, url, from_, to, status_url=None, begin=True, events=("completed",), method="POST", **more_form):
        """Somebody calls one of the account's numbers, whose voice URL that is."""
        call = Call(self, "inbound", from_, to, "ringing", url=url, method=method, callback=("POST", status_url), events=events, more_form=more_form)
        if begin:
            threading.Thread(target=call.lead, daemon=True).start()
        return call

    def text(self, url, from_, to, body):
        """An SMS to one of the account's numbers."""
        form = {"MessageSid": self.new_sid("SM"), "AccountSid": self.account, "From": from_, "To": to, "Body": body, "NumMedia": "0", "NumSegments": "1",
                "SmsStatus": "received", "ApiVersion": "2010-04-01"}
        return self.webhook("POST", url, "sms", form)

    def conference(self, name, callback=(None, None, ())):
        with self.changed:
            found = next((c for c in self.conferences.values() if c.name == name and c.status != "completed"), None)
            if not found:
                found = Conference(self, name, callback)
                self.conferences[found.sid] = found
            return found

    # ---- misbehaviour ----

    def misbehave(self, kind, method="*", path="", times=1, seconds=2.0):
        """The next requests so made are answered wrongly. kind: a status, timeout, timeout-after (it was carried out), slow, empty, html,
        truncated, garbage, reset. `path`: what stands in the path, or in the form as it was sent."""
        self.faults.append({"kind": kind, "method": method, "path": path, "times": times, "seconds": seconds})

    def fault_for(self, method, path, form):
        with self.changed:
            for f in self.faults:
                if f["times"] > 0 and f["method"] in ("*", method) and (f["path"] in path or f["path"] in form):
                    f["times"] -= 1
                    return f
        return None

    # ---- the REST interface: one method an operation ----

    def checked(self, operation, params):
        """Everything that the description says about parameters."""
        table = {}
        for word in OPERATIONS[operation][2].split():
            m = re.fullmatch(r"([A-Za-z]+[<>]?)(!?)(?::(\*?)(.*))?", word)
            table[m[1]] = (m[4] or "str", bool(m[3]), bool(m[2]))
        for name, values in params.items():
            if name not in table and not (operation == "CreateStream" and re.fullmatch(r"Parameter\d+\.(Name|Value)", name)):
                raise Refused(20001, f"{operation} has no parameter {name}")
            kind, many, _ = table.get(name, ("str", False, False))
            if len(values) > 1 and not many:
                raise Refused(20001, f"{name} stands {len(values)} times")
            for v in values:
                wrong = parameter_problem(kind, v)
                if wrong:
                    raise Refused(21205 if name == "Url" else 20001, f"{name}={v!r} {wrong}")
        for name, (_, _, needed) in table.items():
            if needed and name not in params:
                raise Refused({"To": 21604 if "Message" in operation else 21201, "From": 21213}.get(name, 20001), f"{operation} needs {name}")

    def address(self, name, value):
        if re.fullmatch(r"\+[1-9]\d{6,14}|sip:[^@\s]+@[^\s]+|client:[\w.+-]+", value):
            return
        raise Refused(21211 if name == "To" else 21212, f"{name}={value!r} is no address")

    def call_of(self, sid):
        call = self.calls.get(sid)
        if not call:
            raise Refused(20404, f"no call {sid}", wrong=False)
        return call

    def do_CreateCall(self, p):
        self.address("To", p["To"])
        self.address("From", p["From"])
        if self.numbers is not None and p["From"] not in self.numbers:
            raise Refused(21212, f"From {p['From']} is not the account's")
        if not any(n in p for n in ("Url", "Twiml", "ApplicationSid")):
            raise Refused(21218)
        events = tuple(p.all("StatusCallbackEvent")) or ("completed",)
        if any(e not in CALL_EVENTS for e in events):
            raise Refused(21626, f"{events}")
        for name, allowed in (("MachineDetection", "Enable|DetectMessageEnd"), ("AsyncAmd", "true|false"), ("Trim", "trim-silence|do-not-trim"),
                              ("RecordingChannels", "mono|dual"), ("RecordingTrack", "inbound|outbound|both")):
            if name in p and p[name] not in allowed.split("|"):
                raise Refused(20001, f"{name}={p[name]}")
        if not 1 <= int(p.get("Timeout", "60")) <= 600:
            raise Refused(20001, f"Timeout={p['Timeout']}")
        if "SendDigits" in p and not re.fullmatch(r"[0-9A-Da-d#*wW]{1,32}", p["SendDigits"]):
            raise Refused(20001, f"SendDigits={p['SendDigits']}")
        self.check_twiml(p)
        call = Call(self, "outbound-api", p["From"], p["To"], "queued", url=p.get("Url"), method=p.get("Method", "POST"), twiml=p.get("Twiml"),
                    fallback=(p.get("FallbackUrl"), p.get("FallbackMethod", "POST")), events=events,
                    callback=(p.get("StatusCallbackMethod", "POST"), p.get("StatusCallback")), time_limit=int(p["TimeLimit"]) if "TimeLimit" in p else None)
        if "MachineDetection" in p:
            call.answered_by = ""
            if p.get("AsyncAmd") == "true":
                call.async_amd = (p.get("AsyncAmdStatusCallbackMethod", "POST"), p.get("AsyncAmdStatusCallback"))
        if "SendDigits" in p:
            call.digits_sent.append(p["SendDigits"])
        if p.get("Record") == "true":
            call.record = {"source": "OutboundAPI", "channels": "2" if p.get("RecordingChannels") == "dual" else "1", "callback": self.recording_callback(p)}
        answer = call.json()
        threading.Thread(target=call.place, args=(int(p.get("Timeout", "60")),), daemon=True).start()
        return 201, answer

    def recording_callback(self, p):
        events = tuple(p.all("RecordingStatusCallbackEvent")) or ("completed",)
        events = tuple(w for e in events for w in e.split())
        if any(e not in RECORDING_EVENTS for e in events):
            raise Refused(20001, f"RecordingStatusCallbackEvent={events}")
        return p.get("RecordingStatusCallbackMethod", "POST"), p.get("RecordingStatusCallback"), events

    def check_twiml(self, p):
        if "Twiml" in p:
            if len(p["Twiml"]) > 4000:
                raise Refused(20001, "Twiml has more than 4000 characters")
            _, problems = twiml.parse(p["Twiml"])
            if problems:
                raise Refused(20001, f"Twiml: {problems}")

    def do_UpdateCall(self, p):
        call = self.call_of(p.sid("Sid"))
        if ("Url" in p) and ("Twiml" in p):
            raise Refused(20001, "Url and Twiml exclude each other")
        self.check_twiml(p)
        if "StatusCallback" in p:
            call.callback = (p.get("StatusCallbackMethod", "POST"), p["StatusCallback"])
        if "Url" in p or "Twiml" in p:
            if call.status != "in-progress":
                raise Refused(21220, wrong=False)
            call.interrupt(p.get("Url"), p.get("Method", "POST"), p.get("Twiml"))
        if p.get("Status") == "completed":
            call.finish("completed" if call.began else "canceled")
        if p.get("Status") == "canceled" and call.status in ("queued", "ringing"):
            call.finish("canceled")
        return 200, call.json()

    def do_FetchCall(self, p):
        return 200, self.call_of(p.sid("Sid")).json()

    def do_DeleteCall(self, p):
        del self.calls[self.call_of(p.sid("Sid")).sid]
        return 204, None

    def page(self, p, name, rows):
        size, page = int(p.get("PageSize", "50")), int(p.get("Page", "0"))
        part = rows[page * size:(page + 1) * size]
        rest = {k: v[0] for k, v in p.params.items() if k not in ("Page", "PageToken")}
        def uri(n):
            return p.path + "?" + urllib.parse.urlencode({**rest, "PageSize": size, "Page": n})
        return 200, {name: part, "page": page, "page_size": size, "start": page * size, "end": page * size + max(0, len(part) - 1), "uri": uri(page),
                     "first_page_uri": uri(0), "previous_page_uri": uri(page - 1) if page else None,
                     "next_page_uri": uri(page + 1) if (page + 1) * size < len(rows) else None}

    def do_ListCall(self, p):
        rows = [c for c in list(self.calls.values())[::-1] if all(p.get(n, v) == v for n, v in (
            ("To", c.to), ("From", c.from_), ("Status", c.status), ("ParentCallSid", c.parent and c.parent.sid)))]
        return self.page(p, "calls", [c.json() for c in rows])

    # ---- recordings ----

    def recording_of(self, p):
        sid = p.sid("Sid")
        if sid == "Twilio.CURRENT":
            live = [r for r in self.recordings.values() if r.call and r.call.sid == p.sid("CallSid") and r.ended is None]
            if len(live) != 1:
                raise Refused(20404, f"{len(live)} recordings are current", wrong=False)
            return live[0]
        if sid not in self.recordings:
            raise Refused(20404, f"no recording {sid}", wrong=False)
        return self.recordings[sid]

    def do_CreateCallRecording(self, p):
        call = self.call_of(p.sid("CallSid"))
        callback = self.recording_callback(p)
        if p.get("RecordingChannels", "mono") not in ("mono", "dual") or p.get("RecordingTrack", "both") not in ("inbound", "outbound", "both"):
            raise Refused(20001, "RecordingChannels, RecordingTrack")
        if call.status != "in-progress":
            raise Refused(21220, "Requested resource is not eligible for recording", wrong=False)
        r = Recording(self, call, channels="2" if p.get("RecordingChannels") == "dual" else "1", callback=callback, track=p.get("RecordingTrack", "both"))
        return 201, r.json("call.call_recording")

    def do_UpdateCallRecording(self, p):
        if p["Status"] not in ("paused", "in-progress", "stopped") or p.get("PauseBehavior", "silence") not in ("skip", "silence"):
            raise Refused(20001, f"Status={p['Status']}")
        r = self.recording_of(p)
        if r.ended is not None:
            raise Refused(21220, "the recording has ended", wrong=False)
        r.update(p["Status"])
        return 200, r.json("call.call_recording")

    def do_FetchCallRecording(self, p):
        return 200, self.recording_of(p).json("call.call_recording")

    def do_FetchRecording(self, p):
        return 200, self.recording_of(p).json("recording")

    def do_DeleteCallRecording(self, p):
        del self.recordings[self.recording_of(p).sid]
        return 204, None

    do_DeleteRecording = do_DeleteCallRecording

    def do_ListCallRecording(self, p):
        rows = [r for r in self.recordings.values() if r.call and r.call.sid == p.sid("CallSid")]
        return self.page(p, "recordings", [r.json("call.call_recording") for r in rows])

    def do_ListRecording(self, p):
        return self.page(p, "recordings", [r.json("recording") for r in self.recordings.values() if p.get("CallSid") in (None, r.call and r.call.sid)])

    # ---- conferences ----

    def conference_of(self, sid, make=False):
        found = self.conferences.get(sid) or next((c for c in self.conferences.values() if c.name == sid and c.status != "completed"), None)
        if not found and make and not re.fullmatch(r"CF[0-9a-f]{32}", sid):
            return self.conference(sid)
        if not found:
            raise Refused(20404, f"no conference {sid}", wrong=False)
        return found

    def person_of(self, p):
        conference, who = self.conference_of(p.sid("ConferenceSid")), p.sid("CallSid")
        person = conference.people.get(who) or next((x for x in conference.people.values() if x["label"] == who), None)
        if not person:
            raise Refused(20404, f"nobody is {who} in {conference.name}", wrong=False)
        return conference, person

    def do_FetchConference(self, p):
        return 200, self.conference_of(p.sid("Sid")).json()

    def do_ListConference(self, p):
        rows = [c for c in self.conferences.values() if p.get("FriendlyName", c.name) == c.name and p.get("Status", c.status) == c.status]
        return self.page(p, "conferences", [c.json() for c in rows])

    def do_UpdateConference(self, p):
        conference = self.conference_of(p.sid("Sid"))
        if p.get("Status") == "completed":
            conference.end()
        return 200, conference.json()

    def do_CreateParticipant(self, p):
        self.address("To", p["To"])
        self.address("From", p["From"])
        for name, allowed in (("StatusCallbackEvent", CALL_EVENTS), ("ConferenceStatusCallbackEvent", CONFERENCE_EVENTS)):
            for e in p.all(name):
                if any(w not in allowed for w in e.split()):
                    raise Refused(20001, f"{name}={e}")
        conference = self.conference_of(p.sid("ConferenceSid"), make=True)
        if p.get("ConferenceStatusCallback") and not conference.callback[1]:
            conference.callback = (p.get("ConferenceStatusCallbackMethod", "POST"), p["ConferenceStatusCallback"],
                                   tuple(w for e in p.all("ConferenceStatusCallbackEvent") for w in e.split()))
        call = Call(self, "outbound-api", p["From"], p["To"], "queued", events=tuple(p.all("StatusCallbackEvent")) or ("completed",),
                    callback=(p.get("StatusCallbackMethod", "POST"), p.get("StatusCallback")))
        person = {"call": call, "muted": p.get("Muted") == "true", "hold": False, "label": p.get("Label"), "start": p.get("StartConferenceOnEnter") != "false",
                  "end": p.get("EndConferenceOnExit") == "true", "at": time.time()}

        def dial():
            if call.dial(self.phone(call.to), int(p.get("Timeout", "60"))):
                conference.join(call, person["muted"], person["label"], person["start"], person["end"])
                with contextlib.suppress(Exception):
                    call.pause(lambda: call.conference is None)
                    call.finish("completed")
                if call.pending:
                    conference.leave(call)
                    call.url, call.method, call.twiml = call.pending
                    call.pending = None
                    call.lead()
        threading.Thread(target=dial, daemon=True).start()
        return 201, {**conference.person_json(person), "status": "queued"}

    def do_UpdateParticipant(self, p):
        conference, person = self.person_of(p)
        for name, key in (("Hold", "hold"), ("Muted", "muted")):
            if name in p:
                conference.change(person, key, p[name] == "true")
        if "EndConferenceOnExit" in p:
            person["end"] = p["EndConferenceOnExit"] == "true"
        for name in ("HoldUrl", "AnnounceUrl", "WaitUrl"):
            if p.get(name):
                person[name] = p[name]
                person["call"].played.append((p[name], self.get(p[name])))
        return 200, conference.person_json(person)

    def do_FetchParticipant(self, p):
        conference, person = self.person_of(p)
        return 200, conference.person_json(person)

    def do_DeleteParticipant(self, p):
        conference, person = self.person_of(p)
        conference.leave(person["call"])
        return 204, None

    def do_ListParticipant(self, p):
        conference = self.conference_of(p.sid("ConferenceSid"))
        return self.page(p, "participants", [conference.person_json(x) for x in conference.people.values()])

    # ---- messages, streams, queues ----

    def do_CreateMessage(self, p):
        self.address("To", p["To"])
        if "From" not in p and "MessagingServiceSid" not in p:
            raise Refused(21213, "From or MessagingServiceSid")
        if not any(n in p for n in ("Body", "MediaUrl", "ContentSid")):
            raise Refused(21602)
        if len(p.get("Body", "")) > 1600:
            raise Refused(21617)
        sid = self.new_sid("SM")
        m = self.messages[sid] = {"sid": sid, "to": p["To"], "from": p.get("From"), "body": p.get("Body", ""), "status": "queued",
                                  "messaging_service_sid": p.get("MessagingServiceSid"), "error_code": None}
        threading.Thread(target=self.deliver, args=(m, p.get("StatusCallback")), daemon=True).start()
        return 201, self.message_json(m)

    def deliver(self, m, url):
        outcome = self.sms_outcome if self.callbacks in ("normal", "twice") else self.sms_outcome[::-1]
        for status in outcome:
            m["status"] = self.sms_outcome[-1]
            form = {"MessageSid": m["sid"], "SmsSid": m["sid"], "AccountSid": self.account, "From": m["from"] or "", "To": m["to"], "MessageStatus": status,
                    "SmsStatus": status, "ApiVersion": "2010-04-01"}
            if status in ("failed", "undelivered"):
                m["error_code"] = 30003
                form["ErrorCode"] = "30003"
            for _ in range(2 if self.callbacks == "twice" else 1):
                if url:
                    answer = self.webhook("POST", url, "sms-status", form)
                    if (answer is None or answer.status >= 300) and not self.expect_refusals:
                        self.violation(f"SMS callback to {url} was answered {answer}")

    def message_json(self, m):
        return fill("message", **m, account_sid=self.account, api_version="2010-04-01", direction="outbound-api", num_segments="1", num_media="0",
                    date_created=stamp(), date_updated=stamp(), price_unit="USD", uri=f"{API}{self.account}/Messages/{m['sid']}.json", subresource_uris={})

    def do_FetchMessage(self, p):
        if p.sid("Sid") not in self.messages:
            raise Refused(20404, wrong=False)
        return 200, self.message_json(self.messages[p.sid("Sid")])

    def do_ListMessage(self, p):
        return self.page(p, "messages", [self.message_json(m) for m in self.messages.values() if p.get("To", m["to"]) == m["to"]])

    def stream_json(self, call, stream):
        return fill("call.stream", sid=stream.sid, account_sid=self.account, call_sid=call.sid, name=stream.name,
                    status="stopped" if stream.over else "in-progress", date_updated=stamp(), uri=f"{API}{self.account}/Calls/{call.sid}/Streams/{stream.sid}.json")

    def do_CreateStream(self, p):
        call = self.call_of(p.sid("CallSid"))
        if call.status != "in-progress":
            raise Refused(21220, wrong=False)
        parameters = [twiml.Verb("Parameter", {"name": p[f"Parameter{i}.Name"], "value": p.get(f"Parameter{i}.Value", "")}, "", [])
                      for i in range(1, 100) if f"Parameter{i}.Name" in p]
        attributes = {"url": p["Url"], "track": p.get("Track", "inbound_track")}
        if "Name" in p:
            attributes["name"] = p["Name"]
        if "StatusCallback" in p:
            attributes["statusCallback"] = p["StatusCallback"]
        verb = twiml.Verb("Start", {}, "", [twiml.Verb("Stream", attributes, "", parameters)])
        call.do_Start(verb)
        return 201, self.stream_json(call, call.one_way[-1])

    def do_UpdateStream(self, p):
        call = self.call_of(p.sid("CallSid"))
        stream = next((s for s in call.one_way if p.sid("Sid") in (s.sid, s.name)), None)
        if not stream:
            raise Refused(20404, wrong=False)
        stream.stop()
        return 200, self.stream_json(call, stream)


class Parameters:
    """A request's parameters and the SIDs in its path."""

    def __init__(self, path, params, sids):
        self.path, self.params, self.sids = path, params, sids

    def __contains__(self, name):
        return name in self.params

    def __getitem__(self, name):
        return self.params[name][0]

    def get(self, name, default=None):
        return self.params.get(name, [default])[0]

    def all(self, name):
        return self.params.get(name, [])

    def sid(self, name):
        return self.sids[name]


def parameter_problem(kind, value):
    if "\0" in value:
        return "holds a NUL"
    if kind == "bool":
        return None if value in ("true", "false") else "is not true or false"
    if kind == "int":
        return None if re.fullmatch(r"-?\d{1,9}", value) else "is no integer"
    if kind == "num":
        return None if re.fullmatch(r"-?\d+(\.\d+)?", value) else "is no number"
    if kind == "uri":
        return twiml.url_problem(value, ("http", "https", "wss"))
    if kind == "time":
        return None if re.match(r"\d{4}-\d\d-\d\d", value) else "is no date"
    if re.fullmatch(r"[A-Z]{2}", kind):
        return None if re.fullmatch(kind + "[0-9a-fA-F]{32}", value) else f"is no {kind} SID"
    if "|" in kind or kind in ("completed", "canceled", "stopped", "free", "fixed"):
        return None if value in kind.split("|") else f"is none of {kind}"
    return None


ROUTES = [(method, re.compile("/2010-04-01/Accounts/(?P<AccountSid>[^/]+)" + re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), name)
          for name, (method, path, _) in OPERATIONS.items()]


class Handler(http.server.BaseHTTPRequestHandler):
    """The REST interface's front: who asks, what is asked, and misbehaviour."""
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *_):
        pass

    def handle_any(self):
        twilio = self.owner
        if twilio.server is not self.server:  # it is away
            self.close_connection = True
            return
        u = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = twilio.fault_for(self.command, u.path, body.decode("latin-1"))
        request = Request(self.command, u.path, {})
        with twilio.changed:
            twilio.requests.append(request)
        try:
            if fault and self.misbehave_before(fault, request):
                return
            status, answer = self.answer(twilio, u, body, request)
        except Refused as e:
            status, answer = self.error(e.code, e.more)
            if e.wrong:
                twilio.violation(f"{self.command} {u.path} {request.params}: {e.code} {e.more}")
        if fault and self.misbehave_after(fault, status, answer, request):
            return
        self.reply(status, answer, request)

    def error(self, code, more=""):
        status, text = ERRORS[code]
        text = f"{text}: {more}" if more else text
        return status, {"code": code, "message": text, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}

    def misbehave_before(self, fault, request):
        kind = fault["kind"]
        if kind == "timeout":
            self.told(request, "timeout")
            self.owner.closing.wait(60)
        elif kind == "reset":
            self.told(request, "reset")
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif isinstance(kind, int):
            code = {429: 20429, 401: 20003, 404: 20404, 500: 20500, 503: 20503}.get(kind, 20001)
            _, answer = self.error(code)
            answer["status"] = kind
            self.reply(kind, answer, request)
            return True
        elif kind == "slow":
            self.owner.closing.wait(fault["seconds"])
            return False
        else:
            return False
        self.close_connection = True
        return True

    def misbehave_after(self, fault, status, answer, request):
        kind, text = fault["kind"], json.dumps(answer).encode()
        if kind == "timeout-after":
            self.told(request, "timeout")
            self.owner.closing.wait(60)
            self.close_connection = True
        elif kind == "empty":
            self.reply(status, b"", request)
        elif kind == "html":
            self.reply(502, b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", request, "text/html")
        elif kind == "html-200":
            self.reply(200, b"<html><body>Welcome to the captive portal</body></html>", request, "text/html")
        elif kind == "truncated":
            self.reply(status, text[:len(text) // 2], request)
        elif kind == "garbage":
            self.reply(status, bytes(range(128, 256)) * 8, request)
        else:
            return False
        return True

    def answer(self, twilio, u, body, request):
        user, _, password = base64.b64decode((self.headers.get("Authorization") or "").removeprefix("Basic ") or b"").decode(errors="replace").partition(":")
        if not user or twilio.users.get(user) != password:
            twilio.violation(f"{self.command} {u.path}: the credentials of {user!r} are wrong")
            return self.error(20003)
        media = re.fullmatch(re.escape(API) + r"(AC[0-9a-f]{32})(?:/Calls/CA[0-9a-f]{32})?/Recordings/(RE[0-9a-f]{32})(\.wav|\.mp3)?", u.path)
        if media and self.command == "GET":
            request.operation = "Media"
            return self.media(twilio, media[2])
        for method, pattern, name in ROUTES:
            m = pattern.fullmatch(u.path)
            if not m or method != self.command:
                continue
            request.operation = name
            if m["AccountSid"] != twilio.account and m["AccountSid"] not in twilio.users:
                raise Refused(20404, f"account {m['AccountSid']}")
            try:
                request.params = urllib.parse.parse_qs((body.decode("ascii") if method == "POST" else u.query), keep_blank_values=True, strict_parsing=True,
                                                       errors="strict") if (body if method == "POST" else u.query) else {}
            except (ValueError, UnicodeError) as e:
                raise Refused(20001, f"the form cannot be read: {e}") from None
            if method == "POST" and body and self.headers.get("Content-Type", "").split(";")[0] != "application/x-www-form-urlencoded":
                raise Refused(20001, f"Content-Type {self.headers.get('Content-Type')}")
            if method == "POST" and u.query:
                raise Refused(20001, "a POST with a query")
            twilio.checked(name, request.params)
            sids = {k: urllib.parse.unquote(v) for k, v in m.groupdict().items()}
            operation = getattr(twilio, "do_" + name, None)
            if not operation:
                raise Refused(20404, f"{name} is nothing that this Twilio does")
            return operation(Parameters(u.path, request.params, sids))
        raise Refused(20404, f"{self.command} {u.path} is no operation")

    def media(self, twilio, sid):
        if sid not in twilio.recordings:
            raise Refused(20404, wrong=False)
        if twilio.media_after > 0:
            twilio.media_after -= 1
            raise Refused(20404, wrong=False)
        return 200, twilio.recordings[sid].audio()

    def told(self, request, status):
        with self.owner.changed:
            request.status = status
            self.owner.changed.notify_all()

    def reply(self, status, answer, request, kind=None):
        data = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
        kind = kind or ("audio/x-wav" if data[:4] == b"RIFF" else "application/json")
        with contextlib.suppress(OSError):
            self.send_response(status)
            if data or status != 204:
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
            if status == 429:
                self.send_header("Twilio-Concurrent-Requests", "100")
            self.end_headers()
            self.wfile.write(data)
        self.told(request, status)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = handle_any


# ---- as a program ----

SAYING = threading.Lock()


def say(what):
    with SAYING:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def order(twilio, args, line):
    """Carries out one order: what is to be said of it."""
    o = json.loads(line)
    call = twilio.calls.get(o.get("call"))
    what = o["do"]
    if what == "ring":
        call = twilio.ring(o.get("url", args.public_url + "/voice/twilio/inbound"), o["from"], o["to"], o.get("status_url"))
        return {"call": call.sid}
    if what == "phone":
        twilio.phones[o["number"]] = Phone(outcome=o.get("outcome", "answer"), answered_by=o.get("answered_by", "human"))
    elif what == "misbehave":
        twilio.misbehave(o["kind"], o.get("method", "*"), o.get("path", ""), o.get("times", 1))
    elif what == "violations":
        return {"violations": twilio.violations}
    elif what == "calls":
        return {"calls": [{"call": c.sid, "status": c.status, "heard": len(c.heard), "said": c.said} for c in twilio.calls.values()]}
    elif not call:
        return {"error": f"no call {o.get('call')}"}
    elif what == "speak":
        with open(o["file"], "rb") as f:
            call.speak(f.read(), o.get("silence", 0))
    elif what == "press":
        call.press(o["digits"])
    elif what == "reply":
        call.reply(o["text"])
    elif what == "hangup":
        call.hangup()
    else:
        return {"error": f"unknown order {what}"}
    return {"done": what}


def main():
    parser = argparse.ArgumentParser(description="A Twilio of one's own.")
    parser.add_argument("--gateway", type=int, required=True, help="the gateway's port on 127.0.0.1")
    parser.add_argument("--public-url", default="https://localhost", help="the gateway's public_url")
    parser.add_argument("--listen", type=int, default=0)
    parser.add_argument("--account", default="AC" + "0123456789abcdef" * 2)
    parser.add_argument("--token", default="the-auth-token-of-the-account")
    args = parser.parse_args()
    host = urllib.parse.urlsplit(args.public_url)
    with Twilio({host.netloc: args.gateway, host.hostname: args.gateway}, args.account, args.token, listen=args.listen) as twilio:
        say({"base_url": twilio.url, "account_id": twilio.account})

        def report():
            seen = [0, 0, 0]
            while not twilio.closing.is_set():
                with twilio.changed:
                    twilio.changed.wait(1)
                    news = [{"request": repr(r)} for r in twilio.requests[seen[0]:]] + [{"violation": v} for v in twilio.violations[seen[1]:]] + \
                        [{"webhook": s.kind, "url": s.url, "answer": repr(s.answer)} for s in twilio.sent[seen[2]:] if s.took is not None]
                    seen = [len(twilio.requests), len(twilio.violations), len([s for s in twilio.sent if s.took is not None])]
                for n in news:
                    say(n)

        threading.Thread(target=report, daemon=True).start()
        for line in sys.stdin:
            try:
                say(order(twilio, args, line))
            except (KeyError, ValueError, OSError) as e:
                say({"error": repr(e)})
    return 1 if twilio.violations else 0


if __name__ == "__main__":
    sys.exit(main())
