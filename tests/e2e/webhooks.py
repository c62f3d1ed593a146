"""webhooks.py [--build FOLDER] [NAME...] - events as signed webhooks to receivers: in order for each call, again when they fail, kept over
kill -9, given up and sent again, and only to whom the configuration names."""
import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import threading
import time

from daemon import Gateway, Stream, base, gateway, run, wait

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Receiver:
    """Checks each request's signature; answers as told, 204 by itself."""

    def __init__(self):
        self.got, self.bad, self.answers = [], [], collections.deque()
        self.refuse = None  # a status for everything
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.take(self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        want = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        with self.changed:
            if path != "/unsigned" and (want not in headers.get("webhook-signature", "").split() or
                                        abs(int(headers["webhook-timestamp"]) - time.time()) > 300):
                self.bad.append((path, dict(headers), body))
            status = self.refuse or (self.answers.popleft() if self.answers else 204)
            document = json.loads(body)
            if status // 100 == 2:
                self.got.append((path, headers["webhook-id"], document))
            self.changed.notify_all()
            return status

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, wait()), [d["type"] for _, _, d in self.got]

    def types(self, path="/"):
        return [d["type"] for p, _, d in self.got if p == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def config(receiver, more=""):
    return base(assistant="back", more=f"webhooks:\n  - {{url: \"{receiver.url}/\", secret: {SECRET}, events: [\"call_*\", voice.session.stopped]}}\n{more}")


def call(g, name):
    s = Stream(g, name)
    s.stop()
    return f"mock-{name}"


def test_events_of_a_call_arrive_signed_and_in_order():
    r = Receiver()
    with gateway(config(r)) as g:
        for n in range(5):
            call(g, f"c{n}")
        r.wait(lambda: r.types().count("voice.session.stopped") == 5)
        assert not r.bad, r.bad
        for n in range(5):
            mine = [d for _, _, d in r.got if d["data"]["session_id"] == f"mock-c{n}"]
            types = [d["type"] for d in mine]
            assert types.index("call_initiated") < types.index("call_answered") < types.index("call_ended"), types
            assert "voice.session.created" not in types, "not asked for"
            ids = [d["data"]["id"] for d in mine if d["type"] != "voice.session.stopped"]
            assert ids == sorted(ids), ids
        assert len({i for _, i, _ in r.got}) == len(r.got), "each once"
        assert all(d["timestamp"].endswith("Z") for _, _, d in r.got)
        g.until(lambda: g.metric("voicegw_webhook_pending") == 0)
        assert g.get("/voice/webhooks")["count"] == 0
    r.close()


def test_a_receiver_that_fails_is_tried_again_and_one_that_is_slow_holds_no_other():
    r, other = Receiver(), Receiver()
    r.answers.append(500)
    with gateway(config(r, f"  - {{url: \"{other.url}/unsigned\"}}\n")) as g:
        call(g, "first")
        other.wait(lambda: "voice.session.stopped" in other.types("/unsigned"))
        r.wait(lambda: "call_ended" in r.types())
        types = [t for t in r.types() if t.startswith("call_")]
        assert types == ["call_initiated", "call_answered", "call_ended"] or types.index("call_answered") < types.index("call_ended"), types
        assert g.metric("voicegw_webhook_attempts_total", outcome="failed") == 1
    r.close()
    other.close()


def test_what_waits_outlives_kill_9():
    r = Receiver()
    r.refuse = 503
    with gateway(config(r), stop=False) as g:
        call(g, "lost")
        g.until(lambda: g.metric("voicegw_webhook_pending", 0) >= 4)
        waiting = g.get("/voice/webhooks?status=queued")["webhooks"]
        assert {w["type"] for w in waiting} >= {"call_initiated", "call_ended"} and all(w["url"] == r.url + "/" for w in waiting), waiting
        g.kill()
        r.refuse = None
        g.start()
        r.wait(lambda: "voice.session.stopped" in r.types())
        mine = [d["type"] for _, _, d in r.got if d["data"]["session_id"] == "mock-lost"]
        assert mine.index("call_initiated") < mine.index("call_ended"), mine
        assert not r.bad
    r.close()


def test_a_receiver_that_is_gone_gets_nothing_more_until_it_is_asked_for_again():
    r = Receiver()
    r.answers.append(410)
    with gateway(config(r)) as g:
        call(g, "gone")
        g.until(lambda: g.get("/voice/webhooks?status=dead")["count"] >= 1)
        dead = g.get("/voice/webhooks?status=dead")["webhooks"][-1]
        assert "410" in dead["last_error"], dead
        assert g.request("POST", "/voice/webhooks/msg-nobody/replay").status == 404
        a = g.request("POST", f"/voice/webhooks/{dead['webhook_id']}/replay")
        assert a.status == 202 and a.json == {"webhook_id": dead["webhook_id"], "status": "queued"}, a
        r.wait(lambda: any(i == dead["webhook_id"] for _, i, _ in r.got))
        g.until(lambda: g.request("POST", f"/voice/webhooks/{dead['webhook_id']}/replay").status == 404)
    r.close()


def test_a_providers_own_receiver_hears_its_calls_alone():
    r = Receiver()
    text = base(assistant="back").replace("open_streams: true", f"open_streams: true, status_callback_url: \"{r.url}/status\", status_callback_secret: {SECRET}", 1)
    assert "status_callback_url" in text
    with gateway(text) as g:
        call(g, "mine")
        r.wait(lambda: "voice.session.stopped" in r.types("/status"))
        assert not r.bad and "voice.session.created" in r.types("/status")
        assert {d["data"]["provider"] for _, _, d in r.got} == {"lab"}
    r.close()


def test_a_reload_changes_receivers_under_way():
    r = Receiver()
    with gateway(base(assistant="back")) as g:
        call(g, "before")
        assert g.history(session_id="mock-before")
        g.write(config(r))
        assert g.request("POST", "/voice/reload").status == 200
        call(g, "after")
        r.wait(lambda: "voice.session.stopped" in r.types())
        assert all(d["data"]["session_id"] == "mock-after" for _, _, d in r.got), "nothing of the time before"
    r.close()


def test_receivers_that_are_wrong_are_told_with_their_place():
    for rows, parts in ((["{url: \"http://a.example/\", secret: hush}", "{url: \"http://b.example/\"}", "{url: \"http://b.example/\"}"],
                         ("whsec_$(openssl rand -base64 32)", "join the two")),
                        (["{url: \"ftp://a.example/\"}", "{secret: whsec_AAAA}", "{url: \"http://c.example/\", event: [x]}"],
                         ("http or https", "'url' is missing", "events"))):
        g = Gateway(base(assistant="back", more="webhooks:\n" + "".join(f"  - {r}\n" for r in rows)))
        try:
            code, text = g.check()
            assert code == 78, text
            for part in parts:
                assert part in text, (part, text)
            assert "hush" not in text, text
        finally:
            g.done()


if __name__ == "__main__":
    run(globals())
