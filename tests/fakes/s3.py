#!/usr/bin/python3
"""s3.py - a bucket of one's own for tests: PUT, GET, HEAD and DELETE of objects in the manner of compatible servers (the bucket is the first
part of the path), with signatures checked strictly, in headers and in addresses (Signature Version 4, clock skew, expiry, the body's hash).
On order it misbehaves. Standard library only.

    with S3() as s3:
        s3.misbehave("slow_down", times=2)      # also 500, "hang", "cut"
        s3.wait(lambda: s3.objects)
        assert not s3.violations, s3.violations"""
import calendar
import hashlib
import hmac
import http.server
import threading
import time
import urllib.parse

SKEW = 15 * 60


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def sign(key, *parts):
    for part in parts:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class S3:
    def __init__(self, bucket="calls", region="eu-west-1", access_key="AKIDTEST", secret_key="secret/of+tests", session_token=None):
        self.bucket, self.region, self.access_key, self.secret_key, self.session_token = bucket, region, access_key, secret_key, session_token
        self.objects, self.requests, self.violations, self.orders = {}, [], [], []
        self.changed = threading.Condition()
        self.stopping = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                outer.serve(self)

            do_GET = do_PUT = do_DELETE = do_POST = do_HEAD = serve

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *args):
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def misbehave(self, kind, times=1, method=None):
        with self.changed:
            self.orders.append([kind, times, method])

    def wait(self, condition, seconds=60):
        with self.changed:
            assert self.changed.wait_for(condition, seconds), (self.requests, self.violations)

    def order(self, method):
        with self.changed:
            for o in self.orders:
                if o[1] > 0 and o[2] in (None, method):
                    o[1] -= 1
                    return o[0]
        return None

    # ---- signatures ----

    def check_time(self, stamp, day, expires=None):
        at = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
        if not stamp.startswith(day):
            raise Refused(403, "SignatureDoesNotMatch", "the day of the scope is not that of the request")
        if expires is None and abs(at - time.time()) > SKEW:
            raise Refused(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
        if expires is not None and not 0 < int(expires) <= 604800:
            raise Refused(400, "AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week")
        if expires is not None and time.time() > at + int(expires):
            raise Refused(403, "AccessDenied", "Request has expired")

    def check(self, handler, path, query, names, payload, stamp, credential, signature):
        key_id, day, region, service, end = credential.split("/")
        if (region, service, end) != (self.region, "s3", "aws4_request"):
            raise Refused(400, "AuthorizationHeaderMalformed", f"the region is wrong; expecting '{self.region}'")
        if key_id != self.access_key:
            raise Refused(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        headers = "".join(f"{n}:{' '.join(handler.headers[n].split())}\n" for n in names)
        canonical = "\n".join([handler.command, path, query, headers, ";".join(names), payload])
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{day}/{region}/s3/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()])
        key = sign(("AWS4" + self.secret_key).encode(), day, region, "s3", "aws4_request")
        if not hmac.compare_digest(sign(key, text).hex(), signature):
            raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
        return day

    def check_query(self, handler, path, raw):
        pairs = [p.split("=", 1) for p in raw.split("&")]
        given = {k: urllib.parse.unquote(v) for k, v in pairs}
        rest = "&".join("=".join(p) for p in pairs if p[0] != "X-Amz-Signature")
        if [k for k, _ in pairs if k != "X-Amz-Signature"] != sorted(k for k, _ in pairs if k != "X-Amz-Signature"):
            self.violations.append("the query is not in order")
        if self.session_token and given.get("X-Amz-Security-Token") != self.session_token:
            raise Refused(403, "InvalidToken", "The provided token is malformed or otherwise invalid.")
        day = self.check(handler, path, rest, given["X-Amz-SignedHeaders"].split(";"), "UNSIGNED-PAYLOAD", given["X-Amz-Date"],
                         given["X-Amz-Credential"], given["X-Amz-Signature"])
        self.check_time(given["X-Amz-Date"], day, given["X-Amz-Expires"])

    def check_headers(self, handler, path, raw, body):
        value = handler.headers.get("Authorization", "")
        try:
            scheme, rest = value.split(" ", 1)
            fields = dict(part.strip().split("=", 1) for part in rest.split(","))
            names = fields["SignedHeaders"].split(";")
        except (ValueError, KeyError):
            raise Refused(403, "AccessDenied", "Access Denied") from None
        must = {"host"} | {n.lower() for n in handler.headers if n.lower().startswith("x-amz-")}
        if scheme != "AWS4-HMAC-SHA256" or names != sorted(names) or not must <= set(names):
            raise Refused(403, "AccessDenied", f"headers {must - set(names)} must be signed, in order")
        payload = handler.headers.get("x-amz-content-sha256", "")
        if payload != hashlib.sha256(body).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
        if self.session_token and handler.headers.get("X-Amz-Security-Token") != self.session_token:
            raise Refused(403, "InvalidToken", "The provided token is malformed or otherwise invalid.")
        day = self.check(handler, path, raw, names, payload, handler.headers["X-Amz-Date"], fields["Credential"], fields["Signature"])
        self.check_time(handler.headers["X-Amz-Date"], day)

    # ---- the service ----

    def answer(self, handler, status, body=b"", kind="application/xml", more=()):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in more:
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def refuse(self, handler, status, code, message):
        self.answer(handler, status, f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())

    def object(self, handler, name, body):
        if handler.command == "PUT":
            if handler.headers.get("Content-Length") is None:
                raise Refused(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
            self.objects[name] = (body, handler.headers.get("Content-Type"))
            self.answer(handler, 200, more=[("ETag", f"\"{hashlib.md5(body).hexdigest()}\"")])
        elif name not in self.objects and handler.command != "DELETE":
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        elif handler.command == "DELETE":
            self.objects.pop(name, None)
            self.answer(handler, 204)
        else:
            self.answer(handler, 200, self.objects[name][0], self.objects[name][1])

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path, _, raw = handler.path.partition("?")
        what = self.order(handler.command)
        with self.changed:
            self.requests.append((handler.command, path, what))
            self.changed.notify_all()
        if what == "hang":
            with self.changed:
                self.changed.wait_for(lambda: self.stopping, 120)
        if what in ("hang", "cut"):
            handler.close_connection = True
            handler.connection.close()
            return
        try:
            if what == "slow_down":
                raise Refused(503, "SlowDown", "Please reduce your request rate.")
            if what == 500:
                raise Refused(500, "InternalError", "We encountered an internal error. Please try again.")
            if "X-Amz-Signature=" in raw:
                self.check_query(handler, path, raw)
            else:
                self.check_headers(handler, path, raw, body)
            bucket, _, name = urllib.parse.unquote(path).lstrip("/").partition("/")
            if bucket != self.bucket:
                raise Refused(404, "NoSuchBucket", "The specified bucket does not exist")
            with self.changed:
                self.object(handler, name, body)
                self.changed.notify_all()
        except Refused as e:
            if e.status in (400, 411) or (e.status == 403 and e.code not in ("AccessDenied", "InvalidAccessKeyId")):
                self.violations.append(f"{handler.command} {path}: {e.code}: {e.message}")
            self.refuse(handler, e.status, e.code, e.message)
