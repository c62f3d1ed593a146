"""vapi.py - a Vapi of one's own for tests: placing, listing and asking about calls, the control address of each call, recordings, calls that
come in, and the messages to the server with their proof. Each request is checked against the tables below. Standard library only.

    with Vapi(proof={"secret": "…"}) as vapi:                    # requests go to vapi.url
        vapi.phones["+15550001"] = Phone(outcome="busy")
        vapi.messages = "twice"                                   # lost, late, reversed
        call = vapi.ring(url, "+15551234567")                     # a call comes in: asks for an assistant, then lives
        vapi.ask(call, {"type": "tool-calls", …})                 # (status, answer)
        vapi.check()                                              # no violations"""
import base64
import hashlib
import hmac
import os
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from platform_base import Phone, Platform, Refused, check, is_phone, is_url, stamp, tone  # noqa: E402,F401

AGENTS = ("assistantId", "assistant", "squadId", "squad", "workflowId", "workflow")
OVERRIDES = {"*": object, "firstMessage": str, "maxDurationSeconds": (10, 43200), "variableValues": dict, "metadata": dict,
             "server": {"*": object, "url": is_url, "timeoutSeconds": (1, 300), "headers": {"*": str}}, "serverMessages": [str],
             "voice": {"provider": str, "voiceId": str}, "artifactPlan": dict, "voicemailMessage": str, "voicemailDetection": {"*": object, "provider": str}}


def up_to(n, least=1):
    return lambda v: isinstance(v, str) and least <= len(v) <= n


# VapiAI/docs fern/apis/api/openapi.json, CreateCallDTO: name -> rule.
CALL = {
    "assistantId": str, "assistant": dict, "assistantVersion": str, "assistantOverrides": OVERRIDES, "squadId": str, "squad": dict, "squadOverrides": OVERRIDES,
    "workflowId": str, "workflow": dict, "workflowOverrides": OVERRIDES, "phoneNumberId": str, "phoneNumber": dict,
    "customer": {"number": up_to(40, 3), "sipUri": str, "numberE164CheckEnabled": bool, "extension": up_to(10), "name": up_to(40), "email": up_to(40),
                 "externalId": up_to(40), "assistantOverrides": dict, "squadOverrides": dict},
    "name": up_to(40), "schedulePlan": {"earliestAt": str, "latestAt": str}, "transport": dict,
}
NUMBER = {"type": ("number",), "number": up_to(40, 3), "numberE164CheckEnabled": bool, "extension": up_to(10), "callerId": up_to(40), "message": str,
          "description": str, "transferPlan": dict}
SIP = {"type": ("sip",), "sipUri": str, "sipHeaders": dict}
# ClientInboundMessage*: type -> fields.
CONTROLS = {
    "say": {"type": str, "content": str, "endCallAfterSpoken": bool, "interruptionsEnabled": bool, "interruptAssistantEnabled": bool},
    "end-call": {"type": str},
    "control": {"type": str, "control": ("mute-assistant", "unmute-assistant", "mute-customer", "unmute-customer", "say-first-message")},
    "add-message": {"type": str, "message": dict, "triggerResponseEnabled": bool},
    "transfer": {"type": str, "destination": lambda v: check(SIP if v.get("type") == "sip" else NUMBER, v) is None, "content": str},
}
# ServerMessageResponse*: message type -> fields of our answer.
ANSWERS = {
    "assistant-request": {"assistantId": str, "assistant": dict, "assistantOverrides": OVERRIDES, "squadId": str, "squad": dict, "squadOverrides": OVERRIDES,
                          "workflowId": str, "workflow": dict, "workflowOverrides": OVERRIDES, "destination": dict, "error": str},
    "tool-calls": {"results": [{"toolCallId": str, "name": str, "result": lambda v: isinstance(v, str) and "\n" not in v,
                                "error": lambda v: isinstance(v, str) and "\n" not in v}]},
    "transfer-destination-request": {"destination": dict, "message": dict, "error": str},
}
REASONS = {"answered": "assistant-ended-call", "machine": "voicemail", "busy": "customer-busy", "no-answer": "customer-did-not-answer",
           "failed": "call.in-progress.error-providerfault-outbound-sip-503-service-unavailable"}


class Call:
    def __init__(self, vapi, body, phone, kind="outboundPhoneCall"):
        self.vapi, self.body, self.phone, self.kind = vapi, body, phone, kind
        self.id, self.made = str(uuid.uuid4()), time.time()
        self.started = self.ended = self.reason = self.destination = None
        self.status, self.order, self.said, self.muted, self.lines = "queued", None, [], False, []

    @property
    def server(self):
        overrides = next((self.body[k] for k in ("assistantOverrides", "squadOverrides", "workflowOverrides") if k in self.body), {})
        return overrides.get("server", {})

    def seen(self, report=False):
        """A Call of the specification."""
        call = {"id": self.id, "orgId": "org-1", "createdAt": stamp(self.made), "updatedAt": stamp(time.time()), "type": self.kind, "status": self.status,
                "phoneCallProvider": "twilio", "cost": self.phone.price if self.ended and self.started else 0,
                "monitor": {"listenUrl": f"wss://127.0.0.1/{self.id}/listen", "controlUrl": f"<{self.vapi.url}/{self.id}/control>"},
                **{k: v for k, v in self.body.items() if k in (*AGENTS, "assistantOverrides", "customer", "name", "phoneNumberId")}}
        if self.started:
            call["startedAt"] = stamp(self.started)
        if self.ended:
            call.update(endedAt=stamp(self.ended), endedReason=self.reason)
        if self.destination:
            call["destination"] = self.destination
        if self.ended and (report or self.vapi.artifact_after <= 0):
            call.update(self.artifact())
        return call

    def artifact(self):
        messages = [{"role": "system", "message": "Be kind.", "time": int(self.made * 1000)}]
        messages += [{"role": "bot" if role == "assistant" else role, "message": text, "time": int((self.made + i) * 1000), "secondsFromStart": i}
                     for i, (role, text) in enumerate(self.lines)]
        artifact = {"messages": messages, "transcript": "".join(f"{'AI' if r == 'assistant' else 'User'}: {t}\n" for r, t in self.lines)}
        if self.started and self.body.get("assistantOverrides", {}).get("artifactPlan", {}).get("recordingEnabled"):
            artifact["recordingUrl"] = f"{self.vapi.url}/recordings/{self.id}.wav"
        return {"artifact": artifact, "analysis": {"summary": "They talked.", "successEvaluation": "true"} if self.lines else {}}


class Vapi(Platform):
    def __init__(self, key="the-private-key-of-the-tests", proof=None, port=0):
        super().__init__(key, port)
        self.proof, self.calls = proof or {}, {}
        self.messages = "normal"  # lost, late, twice, reversed
        self.artifact_after = 0  # so often is a call that is over told without its artifact
        self.mute_live = False  # no transcripts while it talks
        self.public_key = None

    def error(self, status, message):
        return {"message": [message], "error": "Error", "statusCode": status}

    def answer(self, request):
        parts = request.path.strip("/").split("/")
        if parts[0] == "recordings":
            return 200, tone()
        if len(parts) == 2 and parts[1] == "control" and request.method == "POST":
            return self.control(request, self.calls.get(parts[0]))
        self.authorized(request)
        if request.headers["authorization"] != f"Bearer {self.key}":
            raise Refused(401, "the key must be a bearer token")
        if parts == ["call"] and request.method == "POST":
            return 201, self.place(request.body)
        if parts == ["call"] and request.method == "GET":
            return 200, [c.seen() for c in self.calls.values() if stamp(c.made) > request.query.get("createdAtGt", "")]
        if len(parts) == 2 and parts[0] == "call" and request.method == "GET":
            call = self.calls.get(parts[1])
            if not call:
                raise Refused(404, "Call not found", wrong=False)
            seen = call.seen()
            if call.ended:
                self.artifact_after -= 1
            return 200, seen
        raise Refused(404, "there is no such path")

    def place(self, body):
        check(CALL, body)
        if sum(k in body for k in AGENTS) != 1:
            raise Refused(400, "exactly one of " + ", ".join(AGENTS))
        if ("phoneNumberId" in body) == ("phoneNumber" in body):
            raise Refused(400, "phoneNumberId or phoneNumber")
        customer = body.get("customer", {})
        if ("number" in customer) == ("sipUri" in customer) or ("number" in customer and not is_phone(customer["number"])):
            raise Refused(400, "customer.number must be a valid phone number in the E.164 format")
        call = Call(self, body, self.phone(customer.get("number") or customer["sipUri"]))
        with self.changed:
            self.calls[call.id] = call
            self.changed.notify_all()
        seen = call.seen()
        self.run(self.live, call)
        return seen

    def control(self, request, call):
        if "authorization" in request.headers and request.headers["authorization"] != f"Bearer {self.public_key}":
            raise Refused(400, "the private key is not for the control address")
        if not isinstance(request.body, dict) or request.body.get("type") not in CONTROLS:
            raise Refused(400, "an unknown control message")
        check(CONTROLS[request.body["type"]], request.body)
        if not call or call.ended:
            raise Refused(404, "the call is over", wrong=False)
        kind = request.body["type"]
        with self.changed:
            if kind == "say":
                call.said.append(request.body["content"])
            elif kind == "control":
                call.muted = request.body["control"] == "mute-customer"
            elif kind == "transfer":
                call.destination, call.order = request.body["destination"], "transfer"
            else:
                call.order = "end"
            self.changed.notify_all()
        return 200, {}

    # ---- a call's life ----

    def live(self, call):
        if call.kind == "outboundPhoneCall":
            if self.pause(call.phone.rings):
                return
            self.move(call, "ringing")
            if self.pause(call.phone.rings):
                return
        if call.phone.outcome in ("answered", "machine") and call.order != "end":
            call.started = time.time()
            self.move(call, "in-progress")
            for role, text in call.phone.lines:
                call.lines.append((role, text))
                if not self.mute_live:
                    self.tell(call, {"type": "transcript", "role": role, "transcriptType": "partial", "transcript": text[:3]})
                    self.tell(call, {"type": "transcript", "role": role, "transcriptType": "final", "transcript": text})
            with self.changed:
                self.changed.wait_for(lambda: call.order or self.closing.is_set(), call.phone.talks)
            if call.order == "transfer":
                self.move(call, "forwarding")
        with self.changed:
            call.ended = time.time()
            call.reason = {"transfer": "assistant-forwarded-call", "end": "manually-canceled"}.get(call.order, REASONS[call.phone.outcome])
        self.over(call)

    def over(self, call):
        call.status = "ended"
        status = {"type": "status-update", "status": "ended", "endedReason": call.reason}
        report = {"type": "end-of-call-report", "endedReason": call.reason, "startedAt": call.started and stamp(call.started), "endedAt": stamp(call.ended),
                  "cost": call.phone.price if call.started else 0, "costs": [], **call.artifact()}
        how = call.phone.callbacks or self.messages
        if how == "late" and self.pause(0.3):
            return
        for message in (report, status) if how == "reversed" else (status, report):
            self.tell(call, message)
            if how == "twice":
                self.tell(call, message)

    def move(self, call, status):
        call.status = status
        with self.changed:
            self.changed.notify_all()
        self.tell(call, {"type": "status-update", "status": status, **({"destination": call.destination} if call.destination else {})})

    # ---- messages ----

    def tell(self, call, message):
        if (call.phone.callbacks or self.messages) == "lost" or self.closing.is_set() or not call.server.get("url"):
            return None
        return self.ask(call, message)

    def ask(self, call, message, url=None):
        """Sends a message of this call: (status, answer); an answer that the specification does not know is a violation."""
        whole = {"timestamp": int(time.time() * 1000), "call": call.seen(), "customer": call.body.get("customer"),
                 "phoneNumber": {"number": "+15557654321", "twilioAuthToken": "a-secret-of-the-carrier"}, **message}
        status, answer = self.post(url or call.server["url"], {"message": whole}, lambda raw: {**self.prove(raw), **call.server.get("headers", {})})
        if status == 200 and message["type"] in ANSWERS:
            try:
                check(ANSWERS[message["type"]], answer)
            except Refused as e:
                with self.changed:
                    self.violations.append(f"answer to {message['type']}: {e.message}: {answer}")
        return status, answer

    def prove(self, raw):
        p = self.proof
        if "secret" in p:
            return {"X-Vapi-Secret": p["secret"]}
        if "bearer" in p:
            return {p.get("header", "Authorization"): p.get("prefix", "Bearer ") + p["bearer"]}
        if "hmac" not in p:
            return {}
        at = str(int(p.get("time", time.time())))
        key = base64.b64decode(p["hmac"]) if p.get("secretIsBase64") else p["hmac"].encode()
        signed = p.get("payloadFormat", "{timestamp}.{body}").replace("{timestamp}", at).encode().replace(b"{body}", raw)
        digest = hmac.new(key, signed, getattr(hashlib, p.get("algorithm", "sha256"))).digest()
        text = base64.b64encode(digest).decode() if p.get("signatureEncoding") == "base64" else digest.hex()
        return {p.get("signatureHeader", "X-Signature"): p.get("signaturePrefix", "") + text, p.get("timestampHeader", "X-Timestamp"): at}

    # ---- calls that come in ----

    def ring(self, url, caller, to="+15557654321", phone=None, asks=True):
        """A call comes to a number of ours. It asks for an assistant, and lives if it gets one; `answer` is what came."""
        call = Call(self, {"customer": {"number": caller}}, phone or Phone(), "inboundPhoneCall")
        call.status = "ringing"
        with self.changed:
            self.calls[call.id] = call
        call.answer = self.ask(call, {"type": "assistant-request", "phoneNumber": {"number": to}}, url)[1] if asks else {"assistantId": "own"}
        if not isinstance(call.answer, dict) or "error" in call.answer:
            return call
        call.body.update(call.answer)
        call.body.setdefault("assistantOverrides", {}).setdefault("server", {"url": url})
        self.run(self.live, call)
        return call
