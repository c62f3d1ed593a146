#!/usr/bin/python3
# budget: 400 s
"""What the host does for providers of vendors: calls led by documents, calls of an earlier run, prices, recordings, actions and
subscribers of plugins. The vendor is this test: it leads the provider `paper` by HTTP."""
import http.server
import json
import os
import signal
import threading
import wave

from daemon import Gateway, base, build, run, wait

PLUGINS = [os.path.join(build(), "plugins"), os.path.join(build(), "tests", "e2e-plugins")]
MENU = """
id: menu
steps:
  - {type: voice_play_tts, params: {text: "Welcome to {{trigger.to}}."}}
  - {type: gather, params: {prompt: "Which one?", input: [speech, dtmf], num_digits: 1, timeout: 7s, phrases: [one, two]}, output_key: choice}
  - {type: log, params: {message: "chosen {{choice.input}} {{choice.digits}} {{choice.text}}", level: warning}}
  - {type: dial, params: {to: "+15550100", timeout: 20s}, output_key: dialled}
  - {type: log, params: {message: "dialled {{dialled.outcome}}", level: warning}}
  - {type: voice_play_tts, params: {text: "Goodbye."}}
"""


def config(provider="", routes=None, more=""):
    routes = routes or '  - {match: {provider: desk}, media: twiml, workflow: menu, greeting: "Good day.", voice: alice, language: en-GB}\n'
    text = base(routes=routes, more="workflows: [$DIR/menu.yaml]\n" + more)
    return text.replace("stt: {local", "  desk: {plugin: paper" + provider + "}\nstt: {local", 1)


def paper(text, **more):
    g = Gateway(text, plugins=PLUGINS, **more)
    with open(os.path.join(g.folder, "menu.yaml"), "w", encoding="utf-8") as f:
        f.write(MENU)
    return g


class led:
    """A gateway with the provider, started; stopped at the end."""

    def __init__(self, *args, **more):
        self.g = paper(config(*args, **more))

    def __enter__(self):
        try:
            return self.g.start()
        except BaseException:
            self.g.done()
            raise

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.g.stop()
            elif os.environ.get("VERBOSE"):
                print(self.g.log()[-8000:])
        finally:
            self.g.done()


def asked(g, what, count=1):
    """The count-th thing of that kind that was asked of the provider."""
    def look():
        lines = [json.loads(x) for x in g.request("GET", "/voice/desk/log").body.splitlines()]
        found = [x for x in lines if x["what"] == what]
        return found[count - 1] if len(found) >= count else None
    return g.until(look)


def tell(g, path, **body):
    return g.post(f"/voice/desk/{path}", body)


def done(g, op, **result):
    tell(g, "complete", op=op["op"], result=result)


def up(g, ident="CA1", **data):
    """A call that came in and was answered."""
    tell(g, "calls", id=ident, **{"from": "+15557777", "to": "+15551000"})
    asked(g, "answer")
    tell(g, "state", id=ident, state="connected", data=data)


def test_a_workflow_leads_a_call_by_documents():
    with led() as g:
        feed = g.feed()
        up(g)
        about = asked(g, "answer")["call"]
        assert about["media"] == "twiml" and about["greeting"] == "Good day." and about["language"] == "en-GB", about
        assert about["direction"] == "inbound" and about["route"]["workflow"] == "menu", about
        greeting, welcome = asked(g, "say"), asked(g, "say", 2)  # both are there to be put into one document
        assert (welcome["voice"], welcome["language"], greeting["voice"]) == ("alice", "en-GB", "alice"), (greeting, welcome)
        assert (greeting["text"], welcome["text"]) == ("Good day.", "Welcome to +15551000."), (greeting, welcome)
        done(g, greeting)
        done(g, welcome)
        gather = asked(g, "gather")
        p = gather["params"]
        assert p["prompt"] == "Which one?" and p["input"] == ["speech", "dtmf"] and p["num_digits"] == 1, p
        assert p["timeout_ms"] == 7000 and p["finish_on"] == "#" and p["phrases"] == ["one", "two"] and p["language"] == "en-GB" and p["voice"] == "alice", p
        done(g, gather, input="speech", text="number two", confidence=0.8)
        dial = asked(g, "dial")
        assert dial["params"]["to"] == "+15550100" and dial["params"]["timeout_ms"] == 20000, dial
        assert "chosen speech  number two" in g.log(), g.log()
        done(g, dial, outcome="no_answer", duration=0)
        done(g, asked(g, "say", 3))
        feed.wait("workflow_finished")
        feed.wait("call_ended", status="completed")
        assert "dialled no_answer" in g.log()
        record = g.history(1)[0]
        assert record["transcription"].splitlines() == ["assistant: Good day.", "assistant: Welcome to +15551000.",
                                                        "assistant: Which one?", "user: number two", "assistant: Goodbye."], record
        assert feed.find("voice.stt.final")[0]["data"]["text"] == "number two"


def test_the_api_commands_such_a_call_and_a_said_greeting_is_not_said_again():
    routes = '  - {match: {provider: desk}, media: twiml, greeting: "Good day."}\n  - {match: {}, assistant: echo}\n'
    with led(routes=routes) as g:
        feed = g.feed()
        up(g, greeting_said=True)
        call = feed.wait("call_answered")["call_id"]
        g.post(f"/voice/calls/{call}/say", {"text": "One moment."}, status=202)
        say = asked(g, "say")
        assert say["text"] == "One moment.", say
        done(g, say)
        feed.wait("voice.assistant.text", text="One moment.")
        g.post(f"/voice/calls/{call}/transfer", {"to": "+15550100"}, status=202)
        dial = asked(g, "dial")
        done(g, dial, outcome="completed", duration=3)
        assert feed.wait("transfer_completed")["data"]["outcome"] == "completed"
        feed.wait("call_ended", status="completed")
        assert g.history(1)[0]["transcription"].splitlines() == ["assistant: Good day.", "assistant: One moment."]


def test_the_configuration_is_refused_where_nobody_has_documents():
    for routes, word in (("  - {match: {provider: lab}, media: twiml}\n", "media: twiml"),
                         ("  - {match: {provider: desk}, media: twiml, assistant: echo}\n", "an assistant needs the call's audio"),
                         ("  - {match: {provider: desk}, media: paper}\n", "media")):
        g = paper(config(routes=routes))
        try:
            code, said = g.check()
            assert code == 78 and word in said, (routes, said)
        finally:
            g.done()
    g = paper(config(provider=', rates: [{prefix: "+1", per_minutes: 1, currency: USD}]'))
    try:
        code, said = g.check()
        assert code == 78 and "did you mean per_minute" in said, said
    finally:
        g.done()


def crashed(how):
    """A gateway that was killed with a call up, and is started again."""
    g = paper(config(provider=f", up: CA1, on_restart: {how}", routes="  - {match: {provider: desk}, media: twiml}\n"))
    g.start()
    feed = g.feed()
    up(g)
    feed.wait("call_answered")
    up(g, "CA2")
    feed.wait("call_answered", count=2)
    g.until(lambda: len(g.history(0)) == 2)
    g.kill()
    g.start()
    return g


def test_after_a_restart_calls_that_are_up_are_ended():
    g = crashed("end")
    try:
        settled = asked(g, "settle")
        assert settled["id"] == "CA1" and settled["how"] == "end" and settled["session"] == "paper-CA1", settled
        g.until(lambda: g.metric("voicegw_restart_calls_total", provider="desk", result="ended") == 1)
        g.until(lambda: g.metric("voicegw_restart_calls_total", provider="desk", result="gone") == 1)
        assert {r["status"] for r in g.history(2)} == {"interrupted"}
        g.stop()
    finally:
        g.done()


def test_after_a_restart_calls_come_back_under_a_session_that_names_the_old():
    g = crashed("recover")
    try:
        feed = g.feed(last_id=0)
        assert asked(g, "settle")["how"] == "recover"
        g.until(lambda: g.metric("voicegw_restart_calls_total", provider="desk", result="recovered") == 1)
        tell(g, "calls", id="CA1", recovers="paper-CA1", answered=True, **{"from": "+15557777", "to": "+15551000"})
        created = feed.wait("voice.session.created", session_id="paper-CA1-r2")
        assert created["data"]["recovered_from"] == "paper-CA1", created
        feed.wait("call_answered", session_id="paper-CA1-r2")
        assert "recovered_from=paper-CA1" in g.log()
        tell(g, "state", id="CA1", state="ended")
        feed.wait("voice.session.stopped", session_id="paper-CA1-r2")
        rows = {r["session_id"]: r["status"] for r in g.history(3)}
        assert rows == {"paper-CA1": "interrupted", "paper-CA2": "interrupted", "paper-CA1-r2": "completed"}, rows
        g.stop()
    finally:
        g.done()


def test_a_price_comes_from_the_table_and_later_from_the_vendor():
    routes = "  - {match: {provider: desk}, media: twiml}\n"
    rates = ', rates: [{prefix: "+1", per_minute: 0.6, currency: USD, increment: 60s}, {prefix: "+1555", per_minute: 3, currency: USD}]'
    with led(rates, routes) as g:
        feed = g.feed()
        up(g)
        feed.wait("call_answered")
        tell(g, "state", id="CA1", state="ended")
        feed.wait("voice.session.stopped")
        record = g.history(1)[0]
        assert record["cost"] == 3 and record["calls"][0]["currency"] == "USD", record
        tell(g, "state", id="CA1", state="ended", data={"cost": 0.0125, "currency": "EUR"})
        record = g.until(lambda: (lambda r: r if r["cost"] == 0.0125 else None)(g.history(1)[0]))
        assert record["calls"][0]["cost"] == 0.0125 and record["calls"][0]["currency"] == "EUR", record
        cost = g.until(lambda: g.get("/voice/analytics")["cost"])
        assert cost == 0.0125, cost


class Shelf(http.server.BaseHTTPRequestHandler):
    """A vendor's recordings: with credentials, and not there the first time."""
    asked = []

    def do_GET(self):
        Shelf.asked.append((self.path, self.headers.get("Authorization")))
        if self.path == "/rec/moved":
            self.send_response(302)
            self.send_header("Location", Shelf.other + "/rec/away")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        there = self.path.startswith("/rec/") and len([a for a in Shelf.asked if a[0] == self.path]) > 1
        body = Shelf.audio if there and "html" not in self.path else b"<html>no</html>"
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_vendors_recording_is_fetched_into_our_storage():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    second = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    threading.Thread(target=second.serve_forever, daemon=True).start()
    Shelf.other = f"http://127.0.0.1:{second.server_address[1]}"
    root = f"http://127.0.0.1:{server.server_address[1]}/rec"
    with led(f', base_url: "{root}"', "  - {match: {provider: desk}, media: twiml}\n", "outbound_urls: {allow: [127.0.0.1]}\n") as g:
        path = os.path.join(g.folder, "a.wav")
        with wave.open(path, "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(2)
            w.setframerate(8000)
            w.writeframes(bytes(16000))
        with open(path, "rb") as f:
            Shelf.audio = f.read()
        feed = g.feed()
        up(g)
        feed.wait("call_answered")
        tell(g, "state", id="CA1", state="ended")
        feed.wait("voice.session.stopped")
        url = root.replace("://", "://AC1:s%3Acret@") + "/RE1"
        tell(g, "recording", id="CA1", recording_id="RE1", state="available", url=url, duration=1)
        event = feed.wait("recording_available")
        assert event["data"]["recording_id"] == "RE1" and event["session_id"] == "paper-CA1", event
        assert Shelf.asked[0][1] == "Basic QUMxOnM6Y3JldA==", Shelf.asked
        a = g.request("GET", "/voice/recordings/RE1")
        assert a.status == 200 and a.headers["content-type"] == "audio/wav", a
        record = g.until(lambda: (lambda r: r if r["recording_url"] else None)(g.history(1)[0]))
        assert record["recording_url"].endswith("/voice/recordings/RE1"), record
        tell(g, "recording", id="CA1", recording_id="RE2", state="available", url=root + "/html")
        g.until(lambda: g.metric("voicegw_recordings_fetched_total", result="failed") == 1)
        tell(g, "recording", id="CA1", recording_id="../x", state="available", url=root + "/RE3")
        g.until(lambda: g.metric("voicegw_dropped_total", what="recording") == 1)
        moved = root.replace("://", "://AC1:s%3Acret@") + "/moved"
        tell(g, "recording", id="CA1", recording_id="RE4", state="available", url=moved)
        feed.wait("recording_available", recording_id="RE4")
        away = [a for a in Shelf.asked if a[0] == "/rec/away"]
        assert len(away) == 2 and all(a[1] is None for a in away), "credentials do not follow a redirect to elsewhere"
        assert "cret" not in g.log() and "cret" not in json.dumps(feed.events)
    server.shutdown()
    second.shutdown()


def test_a_lost_answer_is_asked_for():
    with led(", silent: make_call") as g:
        feed = g.feed()
        call = g.call("+15551234", provider="desk", timeout_seconds=300)
        op = asked(g, "make_call")
        tell(g, "complete", op=op["op"], status=-8, sentence="the vendor did not answer")
        assert asked(g, "reconcile")["id"] == ""
        failed = feed.wait("call_failed", call_id=call["call_id"])
        assert failed["data"]["error_class"] == "network", failed


def test_a_vendor_whose_callbacks_are_lost_is_asked_every_half_minute():
    with led(routes="  - {match: {provider: desk}, media: twiml}\n") as g:
        up(g)
        g.until(lambda: any(json.loads(x)["what"] == "poll" for x in g.request("GET", "/voice/desk/log").body.splitlines()), 2 * wait())


def test_actions_and_subscribers_of_plugins():
    more = """actions: {greeter: {plugin: hello-action, greeting: "Good day"}}
subscribers: {ear: {plugin: ear}}
"""
    flow = "id: greet\ntrigger_command: /greet\nsteps:\n  - {type: hello_greet, params: {name: \"{{trigger.name}}\"}, output_key: words}\n"
    flow += '  - {type: log, params: {message: "words: {{words.text}}", level: warning}}\n'
    g = paper(config(more=more))
    try:
        with open(os.path.join(g.folder, "menu.yaml"), "a", encoding="utf-8") as f:
            f.write("---\n" + flow)
        g.start()
        feed = g.feed()
        run_id = g.post("/voice/commands", {"command": "/greet", "args": {"name": "Ada"}}, status=202)["run_id"]
        feed.wait("workflow_finished", run_id=run_id)
        g.until(lambda: "words: Good day, Ada" in g.log())
        call = g.call("+15550001")
        feed.wait("call_answered", call_id=call["call_id"])
        g.post(f"/voice/calls/{call['call_id']}/end")
        feed.wait("call_ended", call_id=call["call_id"])
        g.until(lambda: "heard call_ended" in g.log())
        heard = [line.split("heard ")[1].split()[0] for line in g.log().splitlines() if "heard " in line]
        assert heard == ["call_initiated", "call_ringing", "call_answered", "call_ended"], heard
        g.write(config(more=more.replace("Good day", "Hello").replace("subscribers: {ear: {plugin: ear}}\n", "")))
        g.post("/voice/reload")
        run_id = g.post("/voice/commands", {"command": "/greet", "args": {"name": "Bob"}}, status=202)["run_id"]
        feed.wait("workflow_finished", run_id=run_id)
        g.until(lambda: "words: Hello, Bob" in g.log())
        g.stop()
    finally:
        g.done()


def test_work_that_outlives_the_end_does_not_keep_the_process():
    g = paper(config())
    try:
        g.start()
        tell(g, "busy")
        up(g)
        g.until(lambda: g.history(0))
        g.process.send_signal(signal.SIGTERM)
        g.until(lambda: "draining" in g.log())
        g.process.send_signal(signal.SIGTERM)
        assert g.process.wait(2 * wait()) == 0, g.log()[-2000:]
        assert "its code is left as it is" in g.log() and not g.reports(), g.log()[-2000:]
        g.start()
        assert [r["status"] for r in g.history(1)] == ["interrupted"]
        g.stop()
    finally:
        g.done()


if __name__ == "__main__":
    run({k: v for k, v in globals().items() if getattr(v, "__module__", "") == "__main__"})
