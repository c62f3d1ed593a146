# plain
# alone
# budget: 240 s
"""leads.py [--build FOLDER] - 200 leads from three sources at once (HTTP, an SQS queue, a file by voicegwctl), delivered through Bland, Vapi,
Twilio and the mock, each with limits of its own. The platforms answer 429 and 5xx, hang, take calls whose answer is lost, lose callbacks,
bring them twice, late and in another order; the gateway is killed in the middle and started again. In the end each lead was called as
often as the policy says and no more, and every message has its status, its cost and its transcript."""
import contextlib
import json
import math
import os
import subprocess
import sys
import threading
import time

import daemon

sys.path.insert(0, os.path.join(daemon.ROOT, "tests", "fakes"))
import bland as bland_fake  # noqa: E402
import twilio as twilio_fake  # noqa: E402
import vapi as vapi_fake  # noqa: E402
from platform_base import Phone  # noqa: E402
from sqs import Sqs  # noqa: E402

LEADS = 200
PLATFORMS = ("bland", "vapi", "twilio", "lab")
MOST = {"busy": 2, "no_answer": 1, "voicemail": 1, "failed": 1, "provider_error": 8}  # further attempts after one that came out so
LIMITS = {"bland": 6, "vapi": 5, "twilio": 6, "lab": 8}
FINAL = ("delivered", "failed", "canceled")
SECRET = "the-secret-of-the-webhooks"


def config(bland, vapi, twilio, sqs):
    retry = ", ".join(f"{o}: {{max: {n}, after: 200ms, factor: 1}}" for o, n in MOST.items())
    limits = ", ".join(f"{p}: {{concurrent: {n}, rate: 40/s}}" for p, n in LIMITS.items())
    return f"""
http: {{listen: ["127.0.0.1:$PORT"], public_url: "https://localhost"}}
gateway: {{control_socket: $RUN/control.sock, max_sessions: 200}}
providers:
  bland: {{plugin: bland, base_url: "{bland.url}", api_key: "{bland.key}", poll_interval: 300ms, timeout: 1s, retry: {{max: 2, backoff: 50ms}},
    webhook_secret: {SECRET}, webhook_url: "http://127.0.0.1:$PORT/voice/bland/webhook"}}
  vapi: {{plugin: vapi, base_url: "{vapi.url}", api_key: "{vapi.key}", poll_interval: 300ms, timeout: 1s, retry: {{max: 2, backoff: 50ms}},
    assistant_id: helper, phone_number_id: number-1, server_secret: {SECRET}, webhook_url: "http://127.0.0.1:$PORT/voice/vapi/webhook"}}
  twilio: {{plugin: twilio, base_url: "{twilio.url}", account_id: {twilio.account}, auth_token: {twilio.token}, default_from: "+15553334444",
    timeout: 1s, retry: {{max: 2, backoff: 50ms}}, amd: sync}}
  lab: {{plugin: mock, initiating_ms: 5, ringing_ms: 5, rates: [{{prefix: "+1555", per_minute: 0.02, currency: USD}}],
    outcomes: [{{to: "+15551*", outcome: busy, after: 10ms}}, {{to: "+15552*", outcome: no_answer, after: 10ms}},
               {{to: "+15553*", outcome: failed, after: 10ms}}]}}
tts: {{local: {{plugin: flite}}}}
stt: {{local: {{plugin: pocketsphinx}}}}
assistants: {{echo: {{plugin: echo}}}}
routes: [{{match: {{}}, assistant: echo, stt: local, tts: local}}]
store: {{plugin: sqlite, path: $STATE/voicegw.db}}
journal: {{path: $STATE/journal}}
queues:
  jobs: {{plugin: sqs, url: "{sqs.create('jobs', dead='dead', max_receive=10)}", base_url: "{sqs.url}", region: {sqs.region},
    dead_letter_url: "{sqs.queues['dead'].url}", wait: 1s, visibility: 30s, access_key_id: "{sqs.access_key}", secret_access_key: "{sqs.secret_key}"}}
voice_configs:
  bland: {{platform: [bland, vapi]}}
  vapi: {{platform: [vapi, bland]}}
  twilio: {{platform: [twilio, lab]}}
  lab: {{platform: lab}}
delivery:
  machine: retry
  lease: 5s
  breaker: {{failures: 6, open: 500ms, max_open: 1s}}
  retry: {{{retry}}}
  limits: {{providers: {{{limits}}}}}
"""


class Lead:
    """One person. The number tells how the line behaves, on every platform: 0 answers, 1 busy, 2 nobody, 3 fails, 4 a machine."""

    def __init__(self, n):
        self.n, self.platform, at = n, PLATFORMS[n % 4], n // 4
        line = {0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 6: 4, 7: 4}.get(at, 0)
        self.line = 0 if line == 4 and self.platform in ("lab", "twilio") else line  # the mock knows no machines, and Twilio's calls may go to it
        self.to = f"+1555{self.line}{n:06}"
        self.callbacks = {9: "lost", 10: "late", 11: "twice", 12: "lost", 13: "twice", 1: "lost", 3: "twice", 14: "odd"}.get(at)

    def body(self, campaign, content="Hello {{ name }}, your room is ready."):
        return {"to": self.to, "lead": {"id": f"l{self.n}", "name": f"N{self.n}"}, "content": content, "voice_config": self.platform, "campaign_id": campaign}


def people(bland, vapi, twilio):
    """How everybody behaves, on every platform."""
    odd = {bland: "second", vapi: "reversed"}
    for lead in (Lead(n) for n in range(LEADS)):
        outcome = ("answered", "busy", "no-answer", "failed", "machine")[lead.line]
        for platform in (bland, vapi):
            how = odd[platform] if lead.callbacks == "odd" else lead.callbacks
            platform.phones[lead.to] = Phone(outcome, rings=0.05, talks=0.15 + 0.01 * (lead.n % 7), price=0.01 * (1 + lead.n % 5), callbacks=how)
        twilio.phones[lead.to] = twilio_fake.Phone(
            "answer" if lead.line in (0, 4) else outcome, answered_by="human",
            callbacks={"odd": "reversed", "late": None}.get(lead.callbacks, lead.callbacks if lead.n % 8 < 4 or lead.callbacks != "lost" else None))


def storms(bland, vapi, twilio):
    for platform, path in ((bland, "/v1/calls"), (vapi, "/call")):
        for kind, times in ((429, 4), ("lost", 2), (500, 3), (429, 2), ("hang", 2), (503, 2), ("html", 1)):
            platform.misbehave(kind, times=times, method="POST", path=path)
        platform.misbehave(500, times=3, method="GET")
    for kind, times in ((429, 4), ("timeout-after", 2), (500, 2), ("timeout", 1), (503, 2), ("html", 1)):
        twilio.misbehave(kind, "POST", "/Calls.json", times=times)


# ---- the three sources: each is asked again until it was heard ----

def again(what, seconds=120):
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, AssertionError, ValueError):
            return what()
        assert time.monotonic() < end, "nobody took it in"
        time.sleep(0.05)


def by_http(g, campaign, leads):
    for n, lead in enumerate(leads):
        g.post("/voice/messages", {**lead.body(campaign), "idempotency_key": f"http-{n}"}, status=202)


def by_queue(sqs, campaign, leads):
    for lead in leads:
        sqs.send("jobs", json.dumps(lead.body(campaign)))


def by_file(g, campaign, leads):
    path = os.path.join(g.folder, "leads.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("phone,lead_id,name,content,voice_config\n")
        for lead in leads:
            f.write(f'{lead.to},l{lead.n},N{lead.n},"Hello {{{{ name }}}}, your room is ready.",{lead.platform}\n')
    r = subprocess.run([os.path.join(daemon.build(), "bin", "voicegwctl"), "--socket", os.path.join(g.run, "control.sock"), "send", "--csv", path,
                        "--campaign", campaign, "--key", "the-file"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=daemon.wait() * 3, check=False)
    assert r.returncode == 0 and f"{len(leads)} accepted" in r.stdout, r


def queue_all(g, sqs, campaign):
    """Everything from three sources at once; returns a function that waits until all of it was taken in."""
    leads, failed = [Lead(n) for n in range(LEADS)], []
    parts = ((by_http, g, leads[0:80]), (by_queue, sqs, leads[80:140]), (by_file, g, leads[140:200]))

    def bring(how, to, part):
        try:
            again(lambda: how(to, campaign, part) or True) if how is not by_queue else how(to, campaign, part)
        except Exception as e:  # told by the one that waits
            failed.append(e)

    threads = [threading.Thread(target=bring, args=p, daemon=True) for p in parts]
    for t in threads:
        t.start()

    def joined():
        for t in threads:
            t.join(daemon.wait() * 6)
        assert not failed and not any(t.is_alive() for t in threads), failed
    return joined


# ---- what is held against what ----

def pages(g, path, plural):
    rows, cursor = [], ""
    while cursor is not None:
        page = g.get(f"{path}{'&' if '?' in path else '?'}limit=500{f'&cursor={cursor}' if cursor else ''}")
        rows += page[plural]
        cursor = page["next_cursor"]
    return rows


def rung(g, bland, vapi, twilio):
    """number -> the calls that platforms made to it: (platform, begun, ended, price or None)."""
    made = {}
    for c in bland.calls.values():
        made.setdefault(c.body["phone_number"], []).append(("bland", c.made, c.ended, c.phone.price if c.started else 0))
    for c in vapi.calls.values():
        made.setdefault(c.body["customer"]["number"], []).append(("vapi", c.made, c.ended, c.phone.price if c.started else 0))
    for c in twilio.calls.values():
        made.setdefault(c.to, []).append(("twilio", c.created, c.ended, 0.0085 * -(-c.seconds() // 60) if c.began else 0))
    for c in pages(g, "/voice/calls?provider=lab", "calls"):
        made.setdefault(c["to"], []).append(("lab", None, None, None))
    return made


def as_often_as_the_policy_says(m, calls):
    attempts = m["attempts"]
    outcomes = [a["outcome"] for a in attempts]
    lost = [a for a in attempts if "was lost" in (a.get("error") or "")]
    rang = [a for a in attempts if a["outcome"] not in ("provider_error",) and a not in lost]
    assert len(rang) <= len(calls) <= len(rang) + len(lost), (m, calls)
    for outcome, most in MOST.items():
        assert outcomes.count(outcome) <= most + 1, m
    if m["status"] == "delivered":
        assert outcomes.count("delivered") == 1 and outcomes[-1] == "delivered", m
    else:
        assert m["status"] == "failed" and outcomes.count(outcomes[-1]) == MOST[outcomes[-1]] + 1 and outcomes[-1] == m["outcome"], m


def the_line_was_heard(lead, m):
    """What came out is how the line behaves, unless the gateway was lost or every platform refused."""
    told = [a["outcome"] for a in m["attempts"] if a["outcome"] != "provider_error" and "was lost" not in (a.get("error") or "")]
    right = ("delivered", "busy", "no_answer", "failed", "voicemail")[lead.line]
    assert set(told) <= {right}, (lead.line, m)
    if lead.line == 0:
        assert m["status"] == "delivered", m


def cost_and_transcript(m, calls):
    """What the platforms charged is what the message costs; of a call that was under way when the gateway was lost nobody told it."""
    charged = [price for _, _, _, price in calls if price]
    known = sum(a.get("cost") or 0 for a in m["attempts"])
    if m["status"] == "delivered":
        last = m["attempts"][-1]
        assert m["transcript"] and m["cost"] and m["currency"] == "USD", m
        assert "room is ready" in m["transcript"] if last["provider"] in ("twilio", "lab") else "who is there" in m["transcript"], m
    assert math.isclose(m["cost"] or 0, known, abs_tol=1e-9), (m, calls)
    if not any("was lost" in (a.get("error") or "") for a in m["attempts"]) and all(p != "lab" for p, _, _, _ in calls):
        assert math.isclose(m["cost"] or 0, sum(charged), abs_tol=1e-9), (m, calls)


def limits_were_kept(made, killed):
    """Calls of one run of the gateway at one time; those that were up when it was killed are another run's."""
    for platform, most in LIMITS.items():
        for begins, ends in ((0, killed), (killed, math.inf)):
            edges = []
            for p, begun, ended, _ in (c for calls in made.values() for c in calls):
                if p == platform and begun and begins <= begun < ends:
                    edges += [(begun, 1), (min(ended or ends, ends), -1)]
            up = peak = 0
            for _, step in sorted(edges):
                up += step
                peak = max(peak, up)
            assert peak <= most, f"{platform}: {peak} calls at one time, {most} are allowed"


def the_report_adds_up(g, campaign, messages):
    c = g.until(lambda: (c := g.get(f"/voice/campaigns/{campaign}"))["status"] == "finished" and c, 60)
    assert c["progress"] == {"messages": LEADS, "open": 0, "finished": LEADS, "done": 1}, c
    for field in ("status", "outcome"):
        counted = {}
        for m in messages:
            counted[m[field]] = counted.get(m[field], 0) + 1
        assert c[f"by_{field}"] == counted, (field, c, counted)
    assert c["attempts"] == sum(len(m["attempts"]) for m in messages), c
    # The price of a call that was cut off may come while this is read.
    g.until(lambda: math.isclose(g.get(f"/voice/campaigns/{campaign}")["cost"], sum(m["cost"] or 0 for m in pages(g, "/voice/messages", "messages")),
                                 abs_tol=1e-6))
    lines = g.get(f"/voice/campaigns/{campaign}/report?format=csv").splitlines()
    assert len(lines) == LEADS + 1 and sum(",delivered,delivered," in line for line in lines) == c["by_status"]["delivered"], lines[:3]


def show(messages, made):
    """For whoever reads a failure."""
    by = {}
    for m in messages:
        by[(m["voice_config"], m["status"], m["outcome"])] = by.get((m["voice_config"], m["status"], m["outcome"]), 0) + 1
    print(sorted(by.items()), sum(len(c) for c in made.values()), "calls")


def wait_for(g, count, statuses, seconds):
    def look():
        rows = pages(g, "/voice/messages", "messages")
        return rows if sum(m["status"] in statuses for m in rows) >= count else None
    return g.until(look, seconds)


def test_200_leads_from_three_sources_through_four_platforms_and_a_crash():
    with bland_fake.Bland(secret=SECRET) as bland, vapi_fake.Vapi(proof={"secret": SECRET}) as vapi, Sqs() as sqs, twilio_fake.Twilio() as twilio:
        twilio.patience = daemon.wait()
        g = daemon.Gateway(config(bland, vapi, twilio, sqs))
        try:
            twilio.hosts["localhost"] = g.port
            people(bland, vapi, twilio)
            storms(bland, vapi, twilio)
            g.start()
            campaign = g.post("/voice/campaigns", {"name": "spring", "content": "Hello."}, status=201)["campaign_id"]
            joined = queue_all(g, sqs, campaign)
            wait_for(g, 60, FINAL, 60)
            g.until(lambda: any(c.started and not c.ended for c in [*bland.calls.values(), *vapi.calls.values()]))
            g.kill()
            killed = time.time()
            with sqs.changed:  # the queue shows again what it had hidden, once its time is over
                for m in sqs.queues["jobs"].messages:
                    m.visible_at = 0
            g.start()
            joined()
            messages = wait_for(g, LEADS, FINAL, 120)
            assert len(messages) == LEADS and len({m["to"] for m in messages}) == LEADS, len(messages)
            # Twilio knows a price some time after the end.
            with contextlib.suppress(AssertionError):  # below they are told by name
                g.until(lambda: all(m["cost"] for m in pages(g, "/voice/messages?status=delivered", "messages")))
            g.until(lambda: not [c for c in pages(g, "/voice/calls", "calls") if c["state"] not in ("ended", "failed")])
            leads = {lead.to: lead for lead in (Lead(n) for n in range(LEADS))}
            made = rung(g, bland, vapi, twilio)
            if os.environ.get("VERBOSE"):
                show(messages, made)
            messages = [g.get(f"/voice/messages/{m['message_id']}") for m in messages]
            for m in messages:
                calls = made.get(m["to"], [])
                as_often_as_the_policy_says(m, calls)
                the_line_was_heard(leads[m["to"]], m)
                cost_and_transcript(m, calls)
            limits_were_kept(made, killed)
            the_report_adds_up(g, campaign, messages)
            assert sqs.wait(lambda: sqs.empty("jobs"), daemon.wait() * 3), sqs.bodies("jobs")
            assert sqs.empty("dead") and not sqs.violations, (sqs.bodies("dead"), sqs.violations)
            for platform in (bland, vapi, twilio):
                platform.check()
            g.stop()
        finally:
            if os.environ.get("VERBOSE"):
                print(g.log()[-6000:])
            g.done()


if __name__ == "__main__":
    daemon.run(dict(globals()))
