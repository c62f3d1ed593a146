#!/usr/bin/python3
"""sqs.py - an Amazon SQS of one's own for tests: AWS JSON 1.0 over HTTP with signatures checked strictly (Signature Version 4, clock
skew, session tokens), standard queues with visibility, receive counts, redrive to a dead-letter queue, and long polling. On order it
misbehaves. Standard library only.

    with Sqs() as sqs:
        url = sqs.create("jobs", dead="dead", max_receive=3)     # the queues' URLs; requests go to sqs.url
        sqs.send("jobs", '{"to": "+15550001"}')
        sqs.misbehave(500, times=2)                              # also 429, "throttle", "expired", "skew", "slow", "html", "cut"
        sqs.wait(lambda: sqs.empty("jobs"))
        assert not sqs.violations, sqs.violations

As a program: sqs.py [--listen PORT] prints its address and serves until it is killed."""
import argparse
import hashlib
import hmac
import http.server
import json
import threading
import time
import uuid

ACCOUNT = "123456789012"
SKEW = 15 * 60
# Parameters of each action: name -> type, required ones first; from AWS's service model of 2012-11-05.
ACTIONS = {
    "SendMessage": ({"QueueUrl": str, "MessageBody": str}, {"DelaySeconds": int, "MessageAttributes": dict}),
    "ReceiveMessage": ({"QueueUrl": str}, {"MaxNumberOfMessages": int, "WaitTimeSeconds": int, "VisibilityTimeout": int,
                                            "AttributeNames": list, "MessageSystemAttributeNames": list, "MessageAttributeNames": list,
                                            "ReceiveRequestAttemptId": str}),
    "DeleteMessage": ({"QueueUrl": str, "ReceiptHandle": str}, {}),
    "ChangeMessageVisibility": ({"QueueUrl": str, "ReceiptHandle": str, "VisibilityTimeout": int}, {}),
    "GetQueueAttributes": ({"QueueUrl": str}, {"AttributeNames": list}),
    "GetQueueUrl": ({"QueueName": str}, {}),
}
RANGES = {"MaxNumberOfMessages": (1, 10), "WaitTimeSeconds": (0, 20), "VisibilityTimeout": (0, 43200), "DelaySeconds": (0, 900)}


class Refused(Exception):
    def __init__(self, status, name, message):
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


class Message:
    def __init__(self, body, attributes=None):
        self.id, self.body, self.attributes = str(uuid.uuid4()), body, attributes or {}
        self.sent, self.received, self.visible_at, self.receipt = time.time(), 0, 0.0, None


class Queue:
    def __init__(self, name, url, dead, max_receive, visibility):
        self.name, self.url, self.dead, self.max_receive, self.visibility = name, url, dead, max_receive, visibility
        self.messages, self.deleted = [], []


def sign(key, *parts):
    for part in parts:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class Sqs:
    def __init__(self, port=0, region="eu-west-1", access_key="AKIDTEST", secret_key="secret/of+tests", session_token=None):
        self.region, self.access_key, self.secret_key, self.session_token = region, access_key, secret_key, session_token
        self.queues, self.requests, self.violations, self.orders = {}, [], [], []
        self.changed = threading.Condition()
        self.stopping = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.serve(self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that went away

        self.server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *args):
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    # ---- for tests ----

    def create(self, name, dead=None, max_receive=5, visibility=30):
        if dead and dead not in self.queues:
            self.create(dead)
        url = f"{self.url}/{ACCOUNT}/{name}"
        self.queues[name] = Queue(name, url, dead, max_receive, visibility)
        return url

    def send(self, name, body, attributes=None):
        with self.changed:
            message = Message(body, attributes)
            self.queues[name].messages.append(message)
            self.changed.notify_all()
        return message

    def empty(self, name):
        return not self.queues[name].messages

    def bodies(self, name):
        with self.changed:
            return [m.body for m in self.queues[name].messages]

    def misbehave(self, kind, times=1, action=None):
        with self.changed:
            self.orders.append([kind, times, action])

    def wait(self, condition, seconds=120):
        with self.changed:
            return self.changed.wait_for(condition, seconds)

    def count(self, action):
        with self.changed:
            return sum(1 for a, _ in self.requests if a == action)

    # ---- the service ----

    def order(self, action):
        with self.changed:
            for o in self.orders:
                if o[1] > 0 and o[2] in (None, action):
                    o[1] -= 1
                    return o[0]
        return None

    def check_signature(self, handler, body):
        value = handler.headers.get("Authorization", "")
        try:
            scheme, rest = value.split(" ", 1)
            fields = dict(part.strip().split("=", 1) for part in rest.split(","))
            key_id, day, region, service, end = fields["Credential"].split("/")
            names = fields["SignedHeaders"].split(";")
        except (ValueError, KeyError):
            raise Refused(403, "MissingAuthenticationToken", "Missing Authentication Token") from None
        stamp = handler.headers.get("X-Amz-Date", "")
        if (scheme, region, service, end) != ("AWS4-HMAC-SHA256", self.region, "sqs", "aws4_request") or not stamp.startswith(day):
            raise Refused(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region.")
        if key_id != self.access_key:
            raise Refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if self.session_token and handler.headers.get("X-Amz-Security-Token") != self.session_token:
            raise Refused(403, "ExpiredToken", "The security token included in the request is expired")
        must = {"host", "x-amz-date"} | {n.lower() for n in handler.headers if n.lower().startswith("x-amz-")}
        if names != sorted(names) or not must <= set(names):
            raise Refused(403, "SignatureDoesNotMatch", f"headers {must - set(names)} must be signed, in order")
        headers = "".join(f"{n}:{' '.join(handler.headers[n].split())}\n" for n in names)
        canonical = "\n".join(["POST", handler.path, "", headers, ";".join(names), hashlib.sha256(body).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{day}/{region}/sqs/aws4_request",
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = sign(("AWS4" + self.secret_key).encode(), day, region, "sqs", "aws4_request")
        if not hmac.compare_digest(sign(key, text).hex(), fields.get("Signature", "")):
            raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match")
        at = time.mktime(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - time.timezone
        if abs(at - time.time()) > SKEW:
            raise Refused(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")

    def check_parameters(self, action, given):
        if action not in ACTIONS:
            raise Refused(400, "InvalidAction", f"The action {action} is not valid")
        required, optional = ACTIONS[action]
        known = {**required, **optional}
        for name, value in given.items():
            if name not in known or not isinstance(value, known[name]) or isinstance(value, bool):
                self.violations.append(f"{action}: {name}={value!r}")
                raise Refused(400, "SerializationException", f"{name} is unknown or of another type")
            low, high = RANGES.get(name, (None, None))
            if low is not None and not low <= value <= high:
                self.violations.append(f"{action}: {name}={value!r} is out of range")
                raise Refused(400, "InvalidParameterValue", f"{name} must be between {low} and {high}")
        for name in required:
            if name not in given:
                self.violations.append(f"{action} lacks {name}")
                raise Refused(400, "MissingParameter", f"The request must contain the parameter {name}.")

    def queue_of(self, given):
        name = given["QueueUrl"].rsplit("/", 1)[-1]
        if name not in self.queues or self.queues[name].url != given["QueueUrl"]:
            raise Refused(400, "com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
        return self.queues[name]

    def held(self, queue, receipt):
        for m in queue.messages:
            if m.receipt == receipt:
                return m
        return None

    def due(self, queue, now, most):
        found = []
        for m in list(queue.messages):
            if m.visible_at > now or len(found) == most:
                continue
            if queue.dead and m.received >= queue.max_receive:  # the move comes with the receive after the last
                queue.messages.remove(m)
                m.visible_at = 0.0
                self.queues[queue.dead].messages.append(m)
                continue
            found.append(m)
        return found

    def do_ReceiveMessage(self, given):
        queue = self.queue_of(given)
        until = time.monotonic() + given.get("WaitTimeSeconds", 0)
        most, hidden = given.get("MaxNumberOfMessages", 1), given.get("VisibilityTimeout", queue.visibility)
        with self.changed:
            while True:
                found = self.due(queue, time.time(), most)
                left = until - time.monotonic()
                if found or left <= 0 or self.stopping:
                    break
                self.changed.wait(min(left, 0.2))  # visibility runs out without a notice
            for m in found:
                m.received += 1
                m.receipt = str(uuid.uuid4())
                m.visible_at = time.time() + hidden
            self.changed.notify_all()
            if not found:
                return {}
            return {"Messages": [{"MessageId": m.id, "ReceiptHandle": m.receipt, "MD5OfBody": hashlib.md5(m.body.encode()).hexdigest(),
                                  "Body": m.body, "Attributes": {"ApproximateReceiveCount": str(m.received),
                                                                 "SentTimestamp": str(int(m.sent * 1000))},
                                  "MessageAttributes": m.attributes} for m in found]}

    def do_SendMessage(self, given):
        queue = self.queue_of(given)
        if len(given["MessageBody"].encode()) > 1 << 20:
            raise Refused(400, "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.")
        message = self.send(queue.name, given["MessageBody"], given.get("MessageAttributes"))
        return {"MessageId": message.id, "MD5OfMessageBody": hashlib.md5(message.body.encode()).hexdigest()}

    def do_DeleteMessage(self, given):
        queue = self.queue_of(given)
        with self.changed:
            m = self.held(queue, given["ReceiptHandle"])
            if m:
                queue.messages.remove(m)
                queue.deleted.append(m)
            self.changed.notify_all()
        return {}

    def do_ChangeMessageVisibility(self, given):
        queue = self.queue_of(given)
        with self.changed:
            m = self.held(queue, given["ReceiptHandle"])
            if not m:
                raise Refused(400, "com.amazonaws.sqs#ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
            m.visible_at = time.time() + given["VisibilityTimeout"]
            self.changed.notify_all()
        return {}

    def do_GetQueueAttributes(self, given):
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.queue_of(given).messages))}}

    def do_GetQueueUrl(self, given):
        return {"QueueUrl": f"{self.url}/{ACCOUNT}/{given['QueueName']}"}

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        action = handler.headers.get("X-Amz-Target", "").removeprefix("AmazonSQS.")
        kind = self.order(action)
        try:
            if handler.headers.get("Content-Type") != "application/x-amz-json-1.0":
                self.violations.append(f"{action}: Content-Type {handler.headers.get('Content-Type')}")
            self.check_signature(handler, body)
            given = json.loads(body)
            with self.changed:
                self.requests.append((action, given))
            self.check_parameters(action, given)
            if kind:
                return self.act_up(handler, kind)
            self.answer(handler, 200, getattr(self, "do_" + action)(given))
        except Refused as r:
            self.answer(handler, r.status, {"__type": r.name, "message": r.message})
        except (ConnectionError, ValueError) as e:
            if not isinstance(e, ConnectionError):
                self.violations.append(f"{action}: {e}")
                self.answer(handler, 400, {"__type": "SerializationException", "message": "no JSON"})
        with self.changed:
            self.changed.notify_all()

    def act_up(self, handler, kind):
        if kind == "throttle":
            raise Refused(400, "com.amazonaws.sqs#RequestThrottled", "The request was denied due to request throttling.")
        if kind == "expired":
            raise Refused(403, "ExpiredToken", "The security token included in the request is expired")
        if kind == "skew":
            raise Refused(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
        if kind == "cut":
            handler.close_connection = True
            return None
        if kind == "slow":
            with self.changed:
                self.changed.wait_for(lambda: self.stopping, 60)
            return None
        if kind == "html":
            return self.answer(handler, 200, None, b"<html>a proxy's page</html>")
        return self.answer(handler, kind, None, b"")

    def answer(self, handler, status, document, raw=None):
        body = raw if raw is not None else json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/x-amz-json-1.0")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--listen", type=int, default=0)
    p.add_argument("--queue", action="append", default=["jobs"])
    given = p.parse_args()
    with Sqs(given.listen) as sqs:
        for name in given.queue:
            print(sqs.create(name), flush=True)
        sqs.thread.join()


if __name__ == "__main__":
    main()
