#!/usr/bin/python3
# budget: 400 s
"""Workflows and rules of a gateway that runs: steps, actions on calls, runs, rules."""
import contextlib
import http.server
import json
import os
import threading
import time

from daemon import Gateway, base, run

OUTBOUND = """
id: outbound_call_workflow
name: Outbound Call Workflow
trigger_command: /call
steps:
  - {type: voice_make_call, params: {to_number: "{{trigger.phone}}", from_number: "+1800555000"}, output_key: call_result}
  - {type: delay, params: {seconds: 0.5}}
  - {type: voice_play_tts, params: {call_id: "{{call_result.call_id}}", text: "Hello, this is an automated message."}}
  - {type: delay, params: {seconds: 0.1}}
  - {type: voice_end_call, params: {call_id: "{{call_result.call_id}}"}}
"""
NOTIFICATION = """
id: call_ended_notification
name: Notify on Call End
trigger: {type: voice_event, event_type: call_ended}
conditions:
  - {field: duration, operator: gt, value: 0.2}
actions:
  - {type: log, params: {message: "Long call ended: {{trigger.call_id}}"}}
"""
# A callee who says nothing and stays on the line.
QUIET = """
id: quiet
to: "+1555*"
steps:
  - pause: {seconds: 300}
"""


@contextlib.contextmanager
def lab(workflows="", rules="", scripts="", routes=None, mock="", more="", stop=True, **options):
    """A gateway with these documents; its event feed stands as g.events."""
    lists = "workflows: [workflows/*.yaml]\nrules: [rules/*.yaml]\n"
    if scripts:
        mock += (", " if mock else "") + "scripts: [mock/*.yaml]"
    g = Gateway(base(mock=mock, routes=routes, more=lists + more, **options))
    for folder, text in (("workflows", workflows), ("rules", rules), ("mock", scripts)):
        os.makedirs(os.path.join(g.folder, folder))
        if text:
            write(g, f"{folder}/all.yaml", text)
    try:
        g.start()
        g.events = g.feed(last_id=0)
        yield g
        if stop and g.process.poll() is None:
            g.stop()
    except BaseException:
        if os.environ.get("VERBOSE"):
            print(g.log()[-12000:])
        raise
    finally:
        g.done()


def write(g, name, text):
    with open(os.path.join(g.folder, name), "w", encoding="utf-8") as f:
        f.write(text)


def start(g, workflow, args=None, **more):
    return g.post(f"/voice/workflows/{workflow}/run", {"args": args or {}, **more}, status=202)["run_id"]


def ended(g, run_id, seconds=None):
    """The run once it is over."""
    try:
        g.until(lambda: g.get(f"/voice/runs/{run_id}")["status"] != "running", seconds)
    except AssertionError as e:
        raise AssertionError(f"{json.dumps(g.get(f'/voice/runs/{run_id}'), indent=1)}\n{e}") from None
    return g.get(f"/voice/runs/{run_id}")


def completed(g, run_id, seconds=None):
    r = ended(g, run_id, seconds)
    assert r["status"] == "completed", json.dumps(r, indent=1)
    return r


def outputs(r):
    return [s["output"] for s in r["steps"]]


def step(r, kind, nth=0):
    return [s for s in r["steps"] if s["type"] == kind][nth]


# ---- the contract's own examples ----

def test_outbound_call_workflow_by_command_and_by_id():
    with lab(OUTBOUND, NOTIFICATION) as g:
        a = g.post("/voice/commands", {"command": "/call", "args": {"phone": "+1234567890"}}, status=202)["run_id"]
        r = completed(g, a)
        made, _, said, _, end = outputs(r)
        assert made["state"] == "initiating" and made["call_id"] and made["session_id"], made
        assert said["heard_ms"] > 500 and said["interrupted"] is False, said
        assert end["state"] == "ended" and end["duration"] > 0.5, end
        e = g.events.wait("call_ended", call_id=made["call_id"])
        assert e["data"]["to"] == "+1234567890" and e["data"]["from"] == "+1800555000" and e["data"]["status"] == "completed", e
        g.until(lambda: f"Long call ended: {made['call_id']}" in g.log())
        assert r["workflow"] == "outbound_call_workflow" and r["error"] is None and r["call_id"] == made["call_id"], r
        assert [s["index"] for s in r["steps"]] == [0, 1, 2, 3, 4] and all(s["started_at"] <= s["ended_at"] for s in r["steps"]), r
        b = completed(g, start(g, "outbound_call_workflow", {"phone": "+15551234"}))
        assert outputs(b)[0]["call_id"] != made["call_id"]
        c = completed(g, g.post("/voice/commands", {"command": "call", "args": {"phone": "+15551235"}}, status=202)["run_id"])
        assert c["steps"][0]["output"]["call_id"]
        wrong = g.request("POST", "/voice/commands", {"command": "/cal"})
        assert wrong.status == 404 and "did you mean /call" in wrong.body, wrong
        wrong = g.request("POST", "/voice/workflows/outbound_call_workfl/run", {})
        assert wrong.status == 404 and "outbound_call_workflow" in wrong.body, wrong
        g.events.wait("workflow_finished", run_id=a)
        kinds = [e["type"] for e in g.events.events if e["data"].get("run_id") == a]
        assert kinds == ["workflow_started"] + ["workflow_step"] * 5 + ["workflow_finished"], kinds
        turns = g.get(f"/voice/sessions/{made['session_id']}/transcript")["turns"]
        assert [(t["role"], t["content"]) for t in turns] == [("assistant", "Hello, this is an automated message.")], turns


LASTS = """---
id: lasts
steps:
  - {type: delay, params: {seconds: 600}}
"""


def test_listings():
    with lab(OUTBOUND + LASTS, NOTIFICATION) as g:
        w = g.get("/voice/workflows")
        assert w["count"] == 2 and [x["id"] for x in w["workflows"]] == ["outbound_call_workflow", "lasts"], w
        assert w["workflows"][0]["trigger_command"] == "/call" and w["workflows"][0]["name"] == "Outbound Call Workflow", w
        rules = g.get("/voice/rules")
        assert rules["count"] == 1 and rules["rules"][0]["id"] == "call_ended_notification", rules
        ids = [start(g, "lasts") for _ in range(5)]
        page = g.get("/voice/runs?limit=2")
        assert page["count"] == 2 and page["next_cursor"], page
        seen, cursor = [], None
        while True:
            page = g.get(f"/voice/runs?limit=2&status=running{f'&cursor={cursor}' if cursor else ''}")
            seen += [r["run_id"] for r in page["runs"]]
            cursor = page.get("next_cursor")
            if not cursor:
                break
        assert sorted(seen) == sorted(ids) and seen == ids[::-1], (seen, ids)
        assert g.get("/voice/runs?workflow=nothing")["count"] == 0
        done = g.post(f"/voice/runs/{ids[0]}/cancel")
        assert done["status"] == "canceled" and done["ended_at"], done
        assert g.request("POST", f"/voice/runs/{ids[0]}/cancel", {}).status == 409
        assert g.request("GET", "/voice/runs/run-none").status == 404
        assert g.get("/voice/runs?status=canceled")["count"] == 1
        for i in ids[1:]:
            g.post(f"/voice/runs/{i}/cancel")
        assert g.get("/voice/runs?status=running")["count"] == 0


# ---- actions on calls ----

ACTIONS = """
id: all_actions
steps:
  - {type: voice_make_call, params: {to_number: "+15550100", wait: connected, timeout: 60s, variables: {guest: Ada}}, output_key: call}
  - {type: voice_get_status, output_key: status}
  - {type: voice_get_status, params: {call_id: "{{ call.call_id }}"}}
  - {type: voice_start_recording, output_key: rec}
  - {type: voice_play_audio, params: {audio_url: "file://@DIR@/tone.wav"}}
  - {type: voice_play_tts, params: {text: "Good morning {{ variables.guest | default(\\"guest\\") }}.", voice: slt}}
  - {type: voice_hold, params: {hold: true}}
  - {type: voice_hold, params: {hold: false}}
  - {type: voice_send_dtmf, params: {digits: "12#"}}
  - {type: voice_stop_recording}
  - {type: voice_transfer, params: {department: housekeeping, kind: attended}}
"""


def tone(path, seconds=0.6):
    import math
    import struct
    import wave
    with wave.open(path, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(i * 0.35))) for i in range(int(8000 * seconds))))


def test_every_action_of_the_table():
    with lab(scripts=QUIET, more='departments: {housekeeping: "+15550101"}\n', workflows=OUTBOUND) as g:
        tone(os.path.join(g.folder, "tone.wav"))
        write(g, "workflows/more.yaml", ACTIONS.replace("@DIR@", g.folder))
        g.post("/voice/reload")
        r = completed(g, start(g, "all_actions"))
        made, all_calls, one, rec, played, said, held, back, digits, stopped, moved = outputs(r)
        assert made["state"] == "connected" and made["call_id"].startswith("call"), made
        assert all_calls["count"] == 1 and all_calls["calls"][0]["call_id"] == made["call_id"], all_calls
        assert one["state"] == "connected" and one["to"] == "+15550100", one
        assert rec["recording_id"], rec
        assert 500 <= played["heard_ms"] <= 700 and played["interrupted"] is False, played
        assert said["heard_ms"] > 300, said
        assert held == {"state": "on_hold"} and back == {"state": "connected"}, (held, back)
        assert stopped["duration"] > 1 and rec["recording_id"] in stopped["url"], stopped
        assert moved == {"outcome": "completed"}, moved
        for kind in ("recording_started", "recording_stopped", "hold_started", "hold_ended", "transfer_initiated", "transfer_completed"):
            g.events.wait(kind, call_id=made["call_id"])
        e = g.events.wait("transfer_completed", call_id=made["call_id"])
        assert e["data"]["to"] == "+15550101" and e["data"]["kind"] == "attended" and e["data"]["outcome"] == "completed", e
        audio = g.request("GET", stopped["url"].split(str(g.port), 1)[1])
        assert audio.status == 200, audio


GIVEN_UP = """
id: gives_up
steps:
  - {type: gather, params: {input: [dtmf], num_digits: 4, timeout: 20s}, timeout: 500ms, on_error: continue, output_key: first}
  - {type: gather, params: {input: "speech, dtmf", num_digits: 1, timeout: 300ms}, output_key: second}
  - {type: voice_transfer, params: {to_number: "+15550999"}}
  - {type: log, params: {message: "first {{ first.error_class }} second {{ second.input }}, and gone"}}
"""


def test_a_gather_that_is_given_up_makes_way_and_a_transfer_is_no_hang_up():
    with lab(GIVEN_UP, scripts=QUIET, routes="  - {match: {}, workflow: gives_up}\n") as g:
        c = incoming(g, **{"from": "+1", "to": "+2", "steps": [{"pause": 60}]})
        e = g.events.wait("call_ended", call_id=c["call_id"])
        assert e["data"]["cause"] == "transferred", e
        r = completed(g, g.get("/voice/runs")["runs"][0]["run_id"])
        assert [x["status"] for x in r["steps"]] == ["failed", "completed", "completed", "completed"], r
        assert r["steps"][1]["output"]["input"] == "none", r
        g.until(lambda: "first network second none, and gone" in g.log())


FAILING = """
id: refused
steps:
  - {type: voice_make_call, params: {to_number: "+15559000", wait: connected}, output_key: call, on_error: continue}
  - {type: log, params: {message: "told: {{ call.error_class }} {{ error.message }}"}}
  - {type: voice_end_call, on_error: continue, params: {call_id: call-none}}
  - {type: voice_transfer, on_error: continue, params: {department: kitchen, call_id: "{{ call.call_id }}"}}
"""


def test_calls_that_fail_fail_their_steps():
    with lab(FAILING, mock='outcomes: [{to: "+15559*", outcome: busy}]') as g:
        r = completed(g, start(g, "refused"))
        assert [s["status"] for s in r["steps"]] == ["failed", "completed", "failed", "failed"], r
        assert "busy" in r["steps"][0]["error"], r
        assert "there is no live call call-none" in r["steps"][2]["error"], r
        g.until(lambda: "told: busy" in g.log())


WAITING = """
id: waits_for_answer
steps:
  - {type: voice_make_call, params: {to_number: "{{trigger.to}}"}}
  - {type: voice_play_tts, params: {text: "I waited."}}
"""


def test_an_action_waits_for_the_connection_and_a_run_that_ends_hangs_up():
    with lab(WAITING, mock="") as g:
        r = completed(g, start(g, "waits_for_answer", {"to": "+15550001"}))
        call = r["call_id"]
        e = g.events.wait("call_ended", call_id=call)
        assert e["data"]["cause"] == "run_ended" and e["data"]["status"] == "completed", e
        order = [x["type"] for x in g.events.events if x["call_id"] == call and x["type"] in ("call_answered", "workflow_finished", "call_ended")]
        assert order == ["call_answered", "workflow_finished", "call_ended"], order


def test_a_call_that_is_never_answered_fails_the_action():
    with lab(WAITING, mock='outcomes: [{to: "+15558*", outcome: no_answer, after: 300ms}]') as g:
        r = ended(g, start(g, "waits_for_answer", {"to": "+15558001"}))
        assert r["status"] in ("failed", "canceled") and "ended" in r["error"], r


HANGUP = """
id: stays
steps:
  - {type: delay, params: {seconds: 60}}
---
id: goes_on
on_hangup: continue
steps:
  - {type: wait_for, params: {event_type: call_ended}, output_key: end}
  - {type: voice_play_tts, params: {text: "Too late."}, on_error: continue}
  - {type: log, params: {message: "the caller was there {{ end.duration | duration }}"}}
"""
HANGS_UP = """
id: hangs_up
to: "+100*"
steps:
  - pause: {seconds: 0.6}
  - hangup
"""


def incoming(g, **order):
    return g.post("/voice/mock/calls", order, status=202)


def test_the_caller_hangs_up():
    routes = '  - {match: {to: "+1001"}, workflow: stays}\n  - {match: {to: "+1002"}, workflow: goes_on}\n'
    with lab(HANGUP, scripts=HANGS_UP, routes=routes) as g:
        a = incoming(g, **{"from": "+19", "to": "+1001", "script": "hangs_up"})
        b = incoming(g, **{"from": "+19", "to": "+1002", "script": "hangs_up"})
        g.events.wait("call_ended", call_id=a["call_id"])
        g.events.wait("call_ended", call_id=b["call_id"])
        runs = {r["workflow"]: r["run_id"] for r in g.get("/voice/runs")["runs"]}
        first = ended(g, runs["stays"])
        assert first["status"] == "canceled" and first["error"] == "the call has ended" and first["steps"][0]["status"] == "failed", first
        second = completed(g, runs["goes_on"])
        assert [s["status"] for s in second["steps"]] == ["completed", "failed", "completed"], second
        g.until(lambda: "the caller was there" in g.log())


# ---- steps ----

STEPS = """
id: steps
strict: true
steps:
  - {type: set, params: {count: 0, names: [ada, grace], table: {a: 1, b: 2}, who: "{{ trigger.who | upper }}"}}
  - {type: if, params: {condition: {field: who, operator: eq, value: ADA}, then: [{type: set, params: {path: then}}], else: [{type: set, params: {path: else}}]}}
  - type: switch
    params:
      value: "{{ trigger.digit }}"
      cases:
        "1": [{type: set, params: {chosen: one}}]
        "2": [{type: set, params: {chosen: two}}]
      default: [{type: set, params: {chosen: none}}]
  - type: for_each
    params:
      items: "{{ names }}"
      as: name
      steps:
        - {type: log, params: {message: "name {{ loop.index }} is {{ name }}, last {{ loop.last }}"}}
  - {type: for_each, params: {items: "{{ table }}", as: pair, steps: [{type: log, params: {message: "{{ pair.key }}={{ pair.value }}"}}]}}
  - {type: log, params: {message: "path={{ path }} chosen={{ chosen }} who={{ who | lower }}", level: warning}}
  - {type: delay, params: {seconds: 10ms}, when: {field: chosen, operator: eq, value: nothing}}
  - {type: emit_event, params: {type: order_placed, data: {item: "{{ chosen }}", n: 3}}}
  - {type: run_workflow, params: {id: child, trigger: {number: 7}}, output_key: inner}
  - {type: stop, params: {reason: enough, result: {inner: "{{ inner.result }}", who: "{{ who }}"}}}
  - {type: log, params: {message: never}}
---
id: child
steps:
  - {type: stop, params: {result: "{{ trigger.number }} times"}}
---
id: filters
steps:
  - {type: stop, params: {result: ["{{ trigger.none | default(\\"x\\") | upper }}", "{{ trigger.t.u.0.v }}", "{{ trigger.t | json }}", "{{ 3725 | duration }}", "{{ trigger.p | number }}", "{{ 42 | spoken }}", "{{ trigger.none }}"]}}
---
id: strict
strict: true
steps:
  - {type: log, params: {message: "{{ trigger.guest.name }}"}}
---
id: retries
steps:
  - {type: http_request, params: {url: "http://127.0.0.1:@HTTP@/flaky"}, retry: {max: 3, backoff: 50ms}, output_key: answer}
  - {type: http_request, params: {url: "http://127.0.0.1:@HTTP@/json", method: POST, headers: {X-Key: "k {{ answer.status }}"}, body: {a: [1, 2]}}, output_key: second}
  - {type: http_request, params: {url: "http://127.0.0.1:@HTTP@/slow"}, timeout: 200ms, on_error: {steps: [{type: set, params: {why: "{{ error.error_class }}"}}]}}
  - {type: http_request, params: {url: "{{ trigger.url }}"}, on_error: continue, output_key: refused}
  - {type: stop, params: {result: {first: "{{ answer.status }}", body: "{{ second.body.echo }}", key: "{{ second.body.key }}", why: "{{ why }}", refused: "{{ refused.error_class }}"}}}
---
id: fails
steps:
  - {type: http_request, params: {url: "http://127.0.0.1:@HTTP@/missing"}}
---
id: waits
steps:
  - {type: wait_for, params: {event_type: [order_placed, order_canceled], conditions: [{field: item, operator: eq, value: tea}], timeout: 60s}, output_key: order}
  - {type: wait_for, params: {event_type: never, timeout: 100ms}, on_error: continue, output_key: second}
  - {type: stop, params: {result: {n: "{{ order.n }}", type: "{{ order.type }}", second: "{{ second.error_class }}"}}}
---
id: emits
steps:
  - {type: emit_event, params: {type: order_placed, data: {item: "{{ trigger.item }}", n: 9}}}
---
id: endless
steps:
  - {type: run_workflow, params: {id: endless}}
"""


class Web(http.server.BaseHTTPRequestHandler):
    flaky = 0
    over = threading.Event()

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(body)

    def do_GET(self):
        if self.path == "/flaky":
            Web.flaky += 1
            self.answer(503 if Web.flaky < 3 else 200, {"tries": Web.flaky})
        elif self.path == "/slow":
            Web.over.wait()  # whoever asks gives up
            self.answer(200, {})
        else:
            self.answer(404, {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(200, {"echo": body["a"], "key": self.headers["X-Key"], "type": self.headers["Content-Type"]})

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def web():
    Web.over.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        Web.over.set()
        server.shutdown()
        server.server_close()


def test_every_kind_of_step():
    with lab(STEPS) as g:
        r = completed(g, start(g, "steps", {"who": "ada", "digit": 2}))
        assert r["result"] == {"inner": "7 times", "who": "ADA"}, r
        statuses = [(s["type"], s["status"]) for s in r["steps"]]
        assert ("delay", "skipped") in statuses and statuses[-1] == ("stop", "completed"), statuses
        for line in ("name 0 is ada, last false", "name 1 is grace, last true", "a=1", "b=2", "path=then chosen=two who=ada"):
            assert line in g.log(), line
        assert "never" not in g.log().replace("never answered", "")
        e = g.events.wait("order_placed")
        assert e["data"] == {"item": "two", "n": 3}, e
        inner = [x for x in g.get("/voice/runs")["runs"] if x["workflow"] == "child"]
        assert len(inner) == 1 and inner[0]["status"] == "completed" and inner[0]["result"] == "7 times", inner
        other = completed(g, start(g, "steps", {"who": "bob", "digit": 5}))
        assert other["result"]["who"] == "BOB", other


def test_filters_strict_mode_and_bounds():
    with lab(STEPS) as g:
        args = {"t": {"u": [{"v": "deep"}]}, "p": "17.5"}
        r = completed(g, start(g, "filters", args))
        x, deep, text, duration, number, spoken, none = r["result"]
        assert x == "X" and deep == "deep" and json.loads(text) == args["t"], r
        assert number == 17.5 and "forty" in spoken and none in ("", None), r
        assert "1" in duration and "2" in duration, duration
        r = ended(g, start(g, "strict"))
        assert r["status"] == "failed" and "trigger.guest" in r["error"], r
        r = ended(g, start(g, "endless"))
        assert r["status"] == "failed" and "deep" in r["error"], r


def test_retries_timeouts_and_what_follows_an_error():
    with web() as port, lab(STEPS.replace("@HTTP@", str(port))) as g:
        Web.flaky = 0
        r = completed(g, start(g, "retries", {"url": f"http://127.0.0.1:{port}/json"}))
        assert r["result"] == {"first": 200, "body": [1, 2], "key": "k 200", "why": "network", "refused": "validation"}, r["result"]
        assert r["steps"][0]["tries"] == 3, r
        r = ended(g, start(g, "fails"))
        assert r["status"] == "failed" and "404" in r["error"] and r["steps"][0]["tries"] == 1, r
        assert g.events.wait("workflow_failed")["data"]["workflow"] == "fails"


def test_wait_for_an_event():
    with lab(STEPS) as g:
        r = start(g, "waits")
        completed(g, start(g, "emits", {"item": "coffee"}))
        assert g.get(f"/voice/runs/{r}")["status"] == "running"
        completed(g, start(g, "emits", {"item": "tea"}))
        assert completed(g, r)["result"] == {"n": 9, "type": "order_placed", "second": "network"}


SENSITIVE = """
id: secret
steps:
  - {type: set, sensitive: true, params: {card: "411173650928{{ trigger.tail }}"}, output_key: a}
  - {type: log, sensitive: true, params: {message: "card {{ card }}"}}
  - type: if
    params:
      condition: {field: card, operator: exists}
      then:
        - {type: http_request, sensitive: true, params: {url: "http://nowhere.invalid/{{ card }}"}, output_key: b, on_error: continue}
  - {type: gather, sensitive: true, params: {prompt: "Your card number, please.", input: dtmf, num_digits: 12}, output_key: typed}
  - {type: voice_play_tts, sensitive: true, params: {text: "You typed seven three five nine."}}
  - {type: set, params: {same: "{{ typed.digits == \\"735904682815\\" }}"}, on_error: continue, when: {field: typed.digits, operator: eq, value: "735904682815"}}
  - {type: stop, sensitive: true, params: {result: done}}
"""
TYPES = """
id: types
to: "+1003"
steps:
  - expect: {event: call_answered}
  - expect: {event: voice.assistant.text, within: 60s}
  - dtmf: {digits: "735904682815"}  # so many that no time of day and no id holds them by chance
  - pause: {seconds: 60}
"""


def test_sensitive_values_show_nowhere():
    steps = SENSITIVE.replace('params: {same: "{{ typed.digits == \\"735904682815\\" }}"}', "params: {same: yes}")
    with lab(steps, scripts=TYPES, routes='  - {match: {}, workflow: secret}\n', more="log: {level: debug}\n") as g:
        c = incoming(g, **{"from": "+19", "to": "+1003", "script": "types"})
        g.events.wait("call_ended", call_id=c["call_id"])
        run_id = g.get("/voice/runs")["runs"][0]["run_id"]
        r = completed(g, run_id)
        assert step(r, "gather")["output"] == "***" and step(r, "set", 1)["status"] == "completed", r
        transcript = json.dumps(g.get(f"/voice/sessions/{c['session_id']}/transcript"))
        events = json.dumps(g.events.events)
        typed = "".join(e["data"]["digit"] for e in g.events.find("dtmf_received", call_id=c["call_id"]))
        assert "735904682815" not in typed, typed
        for where, text in (("run", json.dumps(r)), ("events", events), ("log", g.log()), ("transcript", transcript)):
            for secret in ("411173650928", "735904682815", "seven three five nine"):
                assert secret not in text, (where, secret)


# ---- many runs, reloads ----

MANY = """
id: many
steps:
  - {type: set, params: {mine: "{{ trigger.n }}"}}
  - {type: delay, params: {seconds: 0.2}}
  - {type: voice_make_call, params: {to_number: "+1555{{ mine }}", wait: connected}, output_key: call}
  - {type: delay, params: {seconds: 0.2}}
  - {type: voice_get_status, output_key: status, params: {call_id: "{{ call.call_id }}"}}
  - {type: voice_end_call, output_key: end}
  - {type: stop, params: {result: {mine: "{{ mine }}", to: "{{ status.to }}", state: "{{ end.state }}"}}}
"""


def test_two_hundred_runs_do_not_disturb_one_another():
    with lab(MANY, gateway="max_sessions: 300") as g:
        ids = [start(g, "many", {"n": 1000 + i}) for i in range(200)]
        for i, run_id in enumerate(ids):
            r = completed(g, run_id)
            assert r["result"] == {"mine": 1000 + i, "to": f"+1555{1000 + i}", "state": "ended"}, r
        g.until(lambda: g.metric("voicegw_sessions") == 0)


RELOADED = """
id: reloaded
steps:
  - {type: wait_for, params: {event_type: go, timeout: 120s}}
  - {type: stop, params: {result: @WHAT@}}
---
id: go
steps:
  - {type: emit_event, params: {type: go}}
"""


def test_a_run_keeps_its_definition_over_a_reload():
    with lab(RELOADED.replace("@WHAT@", "old")) as g:
        old = start(g, "reloaded")
        write(g, "workflows/all.yaml", RELOADED.replace("@WHAT@", "new"))
        g.post("/voice/reload")
        new = start(g, "reloaded")
        completed(g, start(g, "go"))
        assert completed(g, old)["result"] == "old" and completed(g, new)["result"] == "new"
        write(g, "workflows/all.yaml", "id: broken\nsteps: [{type: nonsense}]\n")
        a = g.request("POST", "/voice/reload", {})
        assert a.status == 422 and "nonsense" in a.body, a
        completed(g, start(g, "go"))


# ---- rules ----

RULES = """
id: grouped
trigger: {type: voice_event, event_type: [order_placed, order_changed]}
conditions:
  any:
    - {field: item, operator: in, value: [tea, coffee]}
    - all:
        - {field: n, operator: gte, value: 10}
        - not: {field: item, operator: starts_with, value: x}
actions:
  - {type: log, params: {message: "grouped saw {{ trigger.item }} {{ trigger.type }}"}}
---
id: debounced
trigger: bell
debounce: 2s
actions:
  - {type: emit_event, params: {type: bell_rang, data: {n: "{{ trigger.n }}"}}}
---
id: limited
trigger: {type: voice_event, event_type: knock}
rate_limit: 2/h
actions:
  - {type: emit_event, params: {type: door_opened}}
---
id: feeds_itself
trigger: {type: voice_event, event_type: loop}
actions:
  - {type: emit_event, params: {type: loop}}
---
id: runs_a_workflow
trigger: {type: voice_event, event_type: begin}
actions:
  - {type: run_workflow, params: {id: emit, trigger: {type: loop2, data: {n: 1}}}}
---
id: speaks
trigger: {type: voice_event, event_type: call_answered}
conditions: {field: to, operator: matches, value: "^\\\\+1777"}
actions:
  - {type: voice_play_tts, params: {text: "Hello from a rule."}}
  - {type: voice_end_call}
"""
EMIT = """
id: emit
steps:
  - {type: emit_event, params: {type: "{{ trigger.type }}", data: "{{ trigger.data }}"}}
---
id: rings
steps:
  - {type: for_each, params: {items: [0, 1, 2, 3, 4], as: n, steps: [{type: emit_event, params: {type: bell, data: {n: "{{ n }}"}}}]}}
"""


def emit(g, kind, **data):
    completed(g, start(g, "emit", {"type": kind, "data": data}))


def rule(g, name):
    return [r for r in g.get("/voice/rules")["rules"] if r["id"] == name][0]


def test_rules():
    with lab(EMIT, RULES) as g:
        emit(g, "order_placed", item="tea", n=1)
        emit(g, "order_changed", item="milk", n=12)
        emit(g, "order_placed", item="milk", n=2)
        emit(g, "order_placed", item="xylophone", n=20)
        g.until(lambda: rule(g, "grouped")["fired"] == 2)
        assert "grouped saw tea order_placed" in g.log() and "grouped saw milk order_changed" in g.log()
        assert "xylophone" not in g.log()
        completed(g, start(g, "rings"))
        e = g.events.wait("bell_rang")
        assert e["data"]["n"] == 4 and rule(g, "debounced")["fired"] == 1, e
        for _ in range(4):
            emit(g, "knock")
        g.until(lambda: rule(g, "limited")["suppressed"] == 2)
        g.events.wait("door_opened", count=2)
        emit(g, "loop")
        g.until(lambda: rule(g, "feeds_itself")["suppressed"] >= 1)
        assert len(g.events.find("door_opened")) == 2 and rule(g, "limited")["fired"] == 2, rule(g, "limited")
        g.events.wait("loop", count=2)
        assert 2 <= len(g.events.find("loop")) <= 10, len(g.events.find("loop"))
        emit(g, "begin")
        g.events.wait("loop2")
        call = g.call("+17770001")
        g.events.wait("call_ended", call_id=call["call_id"])


# ---- what --check says ----

WRONG = """id: wrong
steps:
  - {type: voice_make_cal, params: {to_number: "+1"}}
  - type: voice_play_tts
    params: {txt: hello, text: hello}
  - {type: delay}
  - {type: run_workflow, params: {id: outbond}}
  - {type: log, params: {message: "{{ trigger.x | uper }}"}}
  - {type: emit_event, params: {type: call_ended}}
  - {type: gather, params: {input: voice}}
---
id: outbound
stepz: []
steps: [{type: stop}]
"""


def test_errors_stand_with_their_place_and_remedy():
    g = Gateway(base(more="workflows: [workflows/*.yaml]\nrules: [rules/*.yaml]\n"))
    try:
        for folder in ("workflows", "rules"):
            os.makedirs(os.path.join(g.folder, folder))
        write(g, "workflows/wrong.yaml", WRONG)
        write(g, "rules/wrong.yaml", "id: r\ntrigger: {type: voice_event, event_type: call_ended}\nconditions: [{field: a, operator: gtt, value: 1}]\n"
              "actions: [{type: lgo, params: {message: x}}]\n")
        code, text = g.check()
        assert code == 78, (code, text)
        for place, words in (("workflows/wrong.yaml:3:", "voice_make_call"), ("workflows/wrong.yaml:5:", "text"), ("workflows/wrong.yaml:6:", "seconds"),
                             ("workflows/wrong.yaml:8:", "upper"), ("workflows/wrong.yaml:9:", "call_ended"), ("workflows/wrong.yaml:10:", "input"), ("workflows/wrong.yaml:13:", "steps"),
                             ("rules/wrong.yaml:3:", "gt"), ("rules/wrong.yaml:4:", "log")):
            lines = [x for x in text.splitlines() if place in x and words in x]
            assert lines, (place, words, text)
        write(g, "workflows/wrong.yaml", "id: a\nsteps:\n  - {type: run_workflow, params: {id: outbond}}\n---\nid: outbound\nsteps: [{type: stop}]\n")
        write(g, "rules/wrong.yaml", "id: r\ntrigger: {type: voice_event, event_type: call_ended}\nactions:\n  - {type: run_workflow, params: {id: outbond}}\n")
        code, text = g.check()
        assert code == 78 and "workflows/wrong.yaml:3:" in text and "rules/wrong.yaml:4:" in text and "did you mean outbound" in text, (code, text)
    finally:
        g.done()


if __name__ == "__main__":
    run(globals())
