"""service.py - an operator's own service that answers turns of conversations: it checks each request's signature (Standard Webhooks) and
shape, and answers with what it was told. Standard library only.

    with Service() as service:                       # url: service.url, secret: service.secret
        service.answer(b'{"text": "Good evening."}')  # also parts=[b"…", b"…"] with pauses, status=500, stall=True
        turn = service.wait(1)                       # the data of its request"""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

WAIT = 60
KEY = b"a key of thirty-two octets, nice"


class Service:
    def __init__(self):
        self.secret = "whsec_" + base64.b64encode(KEY).decode()
        self.turns, self.violations, self.answers, self.ids = [], [], [], []
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.serve(self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/turn"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, *parts, status=200, kind="application/json", stall=False):
        with self.changed:
            self.answers.append((parts, status, kind, stall))

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.turns) >= count, WAIT), f"{len(self.turns)} turns, not {count}"
            return self.turns[count - 1]

    def trouble(self, headers, data):
        """What is wrong with a request, or None."""
        name, stamp, signature = (headers.get(h, "") for h in ("webhook-id", "webhook-timestamp", "webhook-signature"))
        signed = hmac.new(KEY, f"{name}.{stamp}.".encode() + data, hashlib.sha256).digest()
        if not name.startswith("msg_") or "." in name or abs(time.time() - int(stamp)) > 300:
            return f"id or time: {name} {stamp}"
        if "v1," + base64.b64encode(signed).decode() not in signature.split():
            return f"signature: {signature}"
        body = json.loads(data)
        if body["type"] != "assistant.turn" or not {"session", "turn", "event", "text", "history"} <= body["data"].keys():
            return f"body: {body}"
        return None

    def serve(self, handler):
        data = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        trouble = self.trouble(handler.headers, data)
        with self.changed:
            if trouble:
                self.violations.append(trouble)
            self.ids.append(handler.headers.get("webhook-id"))
            self.turns.append(json.loads(data)["data"])
            parts, status, kind, stall = self.answers.pop(0) if self.answers else ((b"",), 204, "text/plain", False)
            self.changed.notify_all()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        if status == 204:
            handler.end_headers()
            return
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in filter(None, parts):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.flush()
            time.sleep(0.02)
        if stall and not handler.rfile.read(1):
            return
        handler.wfile.write(b"0\r\n\r\n")
