"""bland.py - a Bland of one's own for tests: placing, listing, asking about, stopping and transferring calls, recordings, and webhooks with
their signature, second part and repetitions. Each request is checked against the tables below. Standard library only.

    with Bland(secret="…") as bland:                  # requests go to bland.url
        bland.phones["+15550001"] = Phone(outcome="busy")
        bland.webhooks = "twice"                      # lost, late, twice, second
        bland.misbehave(429, method="POST")
        bland.check()                                 # no violations"""
import hashlib
import hmac
import os
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from platform_base import MP3, Phone, Platform, Refused, check, is_phone, is_url, stamp, tone  # noqa: E402,F401

EVENTS = ("queue", "call", "latency", "webhook", "tool", "dynamic_data", "citations", "evals", "post_transfer_transcript")
VOICEMAIL = ("hangup", "leave_message", "leave_message_and_sms", "ignore")
# docs.bland.ai/api-v1/post/calls: name -> rule.
CALL = {
    "phone_number": lambda v: is_phone(v) or (v.isdigit() and len(v) == 10), "task": str, "pathway_id": str, "pathway_version": int,
    "persona_id": str, "first_sentence": str, "voice": str, "model": ("base", "turbo"), "language": str, "temperature": (0, 1),
    "wait_for_greeting": bool, "interruption_threshold": int, "interruptibility": (0, 4), "block_interruptions": bool, "from": is_phone,
    "dialing_strategy": {"type": ("local", "custom_pooling", "custom_pool"), "pool_id": str}, "timezone": str, "start_time": str,
    "max_duration": (1, 1440), "transfer_phone_number": is_phone, "transfer_list": {"*": is_phone}, "record": bool,
    "background_track": ("none", "office", "cafe", "restaurant"), "noise_cancellation": bool, "ivr_mode": bool,
    "voicemail": {"action": VOICEMAIL, "message": str, "sms": {"message": str, "from": is_phone}, "sensitive": bool},
    "retry": {"wait": int, "voicemail_action": VOICEMAIL, "voicemail_message": str}, "precall_dtmf_sequence": str,
    "ignore_button_press": bool, "keywords": [str],
    "pronunciation_guide": [{"word": str, "pronunciation": str, "case_sensitive": object, "spaced": object}], "request_data": dict,
    "dynamic_data": [{"url": is_url, "method": str, "headers": object, "query": object, "body": object, "cache": bool, "response_data": list}],
    "tools": list, "webhook": is_url, "webhook_events": [EVENTS], "metadata": dict, "summary_prompt": lambda v: len(v) <= 2000,
    "dispositions": [str], "analysis_schema": dict, "citation_schema_ids": [str], "guard_rails": object, "post_call_evals": object,
    "stream_post_transfer_transcript": bool,
}
OUTCOMES = {"answered": ("completed", "human"), "machine": ("completed", "voicemail"), "busy": ("busy", None), "no-answer": ("no-answer", "no-answer"),
            "failed": ("failed", None)}


class Call:
    def __init__(self, bland, body, phone):
        self.bland, self.body, self.phone = bland, body, phone
        self.id, self.made = str(uuid.uuid4()), time.time()
        self.started = self.ended = None
        self.queue_status, self.status, self.answered_by, self.ended_by, self.error = "queued", None, None, None, None
        self.stopped, self.transferred, self.lines, self.webhook_answers = False, None, [], []

    def seen(self):
        """The call object of the documentation, section 6 of the notes."""
        return {"call_id": self.id, "c_id": self.id, "to": self.body["phone_number"], "from": self.body.get("from"), "inbound": False,
                "created_at": stamp(self.made), "started_at": self.started and stamp(self.started), "end_at": self.ended and stamp(self.ended),
                "call_length": (self.ended - self.started) / 60 if self.ended and self.started else None,
                "corrected_duration": str(round(self.ended - self.started, 3)) if self.ended and self.started else None,
                "queue_status": self.queue_status, "status": self.status, "completed": self.ended is not None, "answered_by": self.answered_by,
                "call_ended_by": self.ended_by, "error_message": self.error, "record": self.body.get("record", False),
                "recording_url": f"{self.bland.url}/recordings/{self.id}.wav" if self.ended and self.body.get("record") and self.started and
                not self.bland.private_recordings else None,
                "transcripts": [{"id": i, "created_at": stamp(self.made + i), "user": user, "text": text} for i, (user, text) in enumerate(self.lines)],
                "concatenated_transcript": " ".join(text for _, text in self.lines), "summary": "They talked." if self.ended and self.lines else None,
                "variables": {}, "request_data": self.body.get("request_data", {}), "metadata": self.body.get("metadata", {}),
                "price": self.phone.price if self.ended and self.started else 0, "transferred_to": self.transferred,
                "disposition_tag": (self.body.get("dispositions") or [None])[0]}


class Bland(Platform):
    def __init__(self, key="sk-the-key-of-the-tests", secret=None, port=0):
        super().__init__(key, port)
        self.secret, self.calls = secret, {}
        self.webhooks = "normal"  # lost, late, twice, second
        self.transcript_after = 0  # so often is a call that is over told without its transcript
        self.late_by = 0.3
        self.tells_first = False  # how a call goes on is told before the request for it is answered
        self.private_recordings = False  # they are asked for by the call's id and with the key, and are MP3 files

    def error(self, status, message):
        return {"status": "error", "message": message, "errors": [message]}

    def answer(self, request):
        if request.path.startswith("/recordings/"):
            return 200, tone()
        self.authorized(request)
        parts = request.path.strip("/").split("/")
        if parts[:2] == ["v1", "recordings"]:
            return 200, MP3
        if parts[:2] != ["v1", "calls"]:
            raise Refused(404, "there is no such path")
        rest = parts[2:]
        if request.method == "POST" and not rest:
            return 200, self.place(request.body)
        if request.method == "GET" and not rest:
            calls = [c.seen() for c in self.calls.values() if c.body["phone_number"] == request.query.get("to_number", c.body["phone_number"])]
            return 200, {"total_count": len(calls), "count": len(calls), "calls": calls[-int(request.query.get("limit", 1000)):]}
        if request.method == "POST" and rest == ["active", "transfer"]:
            return 200, self.transfer(request.body)
        call = self.calls.get(rest[0]) if rest else None
        if not call:
            raise Refused(404, "SID not found for the given c_id.", wrong=False)
        if request.method == "GET" and len(rest) == 1:
            seen = call.seen()
            if call.ended and self.transcript_after > 0:
                self.transcript_after -= 1
                seen.update(transcripts=[], concatenated_transcript="", summary=None)
            return 200, seen
        if request.method == "POST" and rest[1:] == ["stop"]:
            with self.changed:
                call.stopped = True
                self.changed.notify_all()
            return 200, {"status": "success", "message": "Call ended successfully."}
        raise Refused(404, "there is no such path")

    def place(self, body):
        if not isinstance(body, dict) or "phone_number" not in body:
            raise Refused(400, "phone_number is missing")
        check(CALL, body)
        if not any(body.get(k) for k in ("task", "pathway_id", "persona_id")):
            raise Refused(400, "task or pathway_id is missing")
        call = Call(self, body, self.phone(body["phone_number"]))
        with self.changed:
            self.calls[call.id] = call
            self.changed.notify_all()
        self.run(self.live, call)
        if self.tells_first:
            self.wait(lambda: any(url == body["webhook"] for url, *_ in self.sent))
        return {"status": "success", "message": "Call successfully queued.", "call_id": call.id, "batch_id": None}

    def transfer(self, body):
        check({"call_id": str, "transfer_number": is_phone}, body)
        call = self.calls.get(body["call_id"])
        if not call or call.queue_status != "started":
            raise Refused(400, "the call is not live", wrong=False)
        with self.changed:
            call.transferred = body["transfer_number"]
            call.stopped = True
            self.changed.notify_all()
        return {"data": {"message": f"Call {call.id} transferred to {call.transferred} successfully"}, "errors": None}

    # ---- a call's life ----

    def live(self, call):
        if self.pause(call.phone.rings):
            return
        status, who = OUTCOMES[call.phone.outcome]
        with self.changed:
            call.queue_status = "started"
            self.changed.notify_all()
            answered = status == "completed" and not call.stopped
            if answered:
                call.started, call.lines = time.time(), list(call.phone.lines)
        if "call" in call.body.get("webhook_events", ()):
            self.send(call, {"category": "call", "level": "call", "message": "the call goes on", "call_id": call.id, "timestamp": stamp(time.time())})
        with self.changed:
            if answered:
                self.changed.wait_for(lambda: call.stopped or self.closing.is_set(), call.phone.talks)
            call.ended, call.answered_by, call.queue_status = time.time(), who if not call.stopped or answered else None, "complete"
            call.status = "canceled" if call.stopped and not answered else status
            call.ended_by = "ASSISTANT" if answered else None
            call.error = "the carrier refused the call" if status == "failed" else None
            self.changed.notify_all()
        self.tell_end(call)

    def tell_end(self, call):
        how = call.phone.callbacks or self.webhooks
        if how == "lost" or self.closing.is_set() or not call.body.get("webhook"):
            return
        if how == "late" and self.pause(self.late_by):
            return
        call.webhook_answers.append(self.send(call, call.seen()))
        if how == "twice":
            call.webhook_answers.append(self.send(call, call.seen()))
        if how == "second":
            self.pause(self.late_by)
            call.webhook_answers.append(self.send(call, {"call_id": call.id, "event_type": "citations", "citations": [{"key": "room", "value": "12"}],
                                                         "corrected_transcript": [{"user": "user", "text": "Hello, who is there please?"}]}))

    def send(self, call, body, secret=None, url=None):
        def headers(raw):
            key = secret or self.secret
            return {"X-Webhook-Signature": hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()} if key else {}
        return self.post(url or call.body["webhook"], body, headers)
