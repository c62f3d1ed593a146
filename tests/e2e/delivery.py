# plain
# budget: 600 s
"""delivery.py - messages to people through the built gateway: taken in by every source, dialled within limits, tried again as the policy
says, settled once."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import daemon

sys.path.insert(0, os.path.join(daemon.ROOT, "tests", "fakes"))
from sqs import Sqs  # noqa: E402

LONG = 180 * daemon.SLOW  # what many calls that speak may take

PROVIDERS = """  lab:
    plugin: mock
    default: true
    initiating_ms: 5
    ringing_ms: 5
    outcomes:
      - {to: "+1555000*", outcome: busy, after: 10ms}
      - {to: "+1555001*", outcome: no_answer, after: 10ms}
      - {to: "+1555002*", outcome: failed, after: 10ms}
"""
DELIVERY = """
voice_configs:
  default: {platform: lab, language: en-US}
delivery:
  retry:
    busy: {max: 2, after: 200ms}
    no_answer: {max: 1, after: 200ms}
    failed: {max: 1, after: 200ms}
"""


def config(delivery=DELIVERY, providers=PROVIDERS, store="{plugin: sqlite, path: $STATE/voicegw.db}", more=""):
    return f"""
http: {{listen: ["127.0.0.1:$PORT"]}}
gateway: {{control_socket: $RUN/control.sock, max_sessions: 1000}}
providers:
{providers}
tts: {{local: {{plugin: flite}}}}
stt: {{local: {{plugin: pocketsphinx}}}}
assistants: {{echo: {{plugin: echo}}}}
routes:
  - {{match: {{}}, assistant: echo, stt: local, tts: local}}
store: {store}
journal: {{path: $STATE/journal}}
recordings: {{path: $STATE/recordings}}
{delivery}{more}
"""


def settled(g, message_id, seconds=None):
    """The message once it has its final status."""
    def look():
        m = g.get(f"/voice/messages/{message_id}")
        return m if m["status"] in ("delivered", "failed", "canceled") else None
    return g.until(look, seconds)


def gateway(**more):
    return daemon.Gateway(config(**more)).start()


def test_a_message_is_said_to_who_answers():
    g = gateway()
    try:
        m = g.post("/voice/messages", {"to": "+15559000001", "content": "Hello {{ name }}, this is a reminder.",
                                       "lead": {"id": "l1", "name": "Ada"}, "user": "u1", "message_type": "reminder",
                                       "metadata": {"a": 1}}, status=202)
        assert m["status"] == "queued" and m["content"] == "Hello Ada, this is a reminder." and m["thread_id"], m
        done = settled(g, m["message_id"])
        assert done["status"] == "delivered" and done["outcome"] == "delivered", done
        assert len(done["attempts"]) == 1 and done["attempts"][0]["call_id"] == done["call_id"], done
        assert "Hello Ada" in (done["transcript"] or ""), done
        t = g.get(f"/voice/threads/{m['thread_id']}")
        assert t["lead_id"] == "l1" and t["messages"][0]["message_id"] == m["message_id"], t
        assert g.get(f"/voice/calls/{done['call_id']}")["status"] == "completed"
        g.stop()
    finally:
        g.done()


def test_each_outcome_is_tried_again_as_the_policy_says():
    g = gateway()
    try:
        sent = {to: g.post("/voice/messages", {"to": to, "content": "Hello."}, status=202)["message_id"]
                for to in ("+15550000001", "+15550010001", "+15550020001")}
        for to, outcome, attempts in (("+15550000001", "busy", 3), ("+15550010001", "no_answer", 2), ("+15550020001", "failed", 2)):
            m = settled(g, sent[to])
            assert m["status"] == "failed" and m["outcome"] == outcome and len(m["attempts"]) == attempts, m
            assert len(g.get(f"/voice/calls?to=%2B{to[1:]}")["calls"]) == attempts
        g.stop()
    finally:
        g.done()


def refused(g, body):
    a = g.request("POST", "/voice/messages", body)
    assert a.status == 422, a
    return {e["field"]: e["detail"] for e in a.json["errors"]}


def test_what_is_wrong_is_named_and_nothing_is_sent():
    g = gateway()
    try:
        assert "E.164" in refused(g, {"to": "0815", "content": "x"})["to"]
        assert "lead" in refused(g, {"lead": {"phone": "12"}, "content": "x"})
        assert "name" in refused(g, {"to": "+15559000001", "content": "Hello {{ name }}"})["content"]
        assert "10000" in refused(g, {"to": "+15559000001", "content": "x" * 10001})["content"]
        assert "did you mean default" in refused(g, {"to": "+15559000001", "content": "x", "voice_config": "defualt"})["voice_config"]
        assert "channel" in refused(g, {"to": "+15559000001", "content": "x", "channel": "fax"})
        assert "contents" in refused(g, {"to": "+15559000001", "contents": "x"})
        assert g.get("/voice/messages")["count"] == 0
        g.stop()
    finally:
        g.done()


def test_what_is_asked_for_twice_is_one_message():
    g = gateway()
    try:
        body = {"to": "+15559000002", "content": "Hello.", "idempotency_key": "k1"}
        a, b = (g.post("/voice/messages", body, status=202)["message_id"] for _ in range(2))
        assert a == b
        settled(g, a)
        assert g.post("/voice/messages", body, status=202)["status"] == "delivered"
        g.until(lambda: g.get("/voice/calls?to=%2B15559000002")["count"] == 1)
        assert g.get("/voice/messages")["count"] == 1
        g.stop()
    finally:
        g.done()


def test_many_at_once_keep_the_good_ones():
    g = gateway()
    try:
        a = g.post("/voice/messages/bulk", {"content": "Hello.", "messages": [{"to": f"+1555900{i:04}"} for i in range(50)] + [{"to": "x"}]},
                   status=202)
        assert a["accepted"] == 50 and a["refused"] == 1 and a["errors"][0]["index"] == 50, a
        for i in a["message_ids"]:
            assert settled(g, i, LONG)["status"] == "delivered"
        g.stop()
    finally:
        g.done()


def finished(g, campaign_id, status="finished"):
    def look():
        c = g.get(f"/voice/campaigns/{campaign_id}")
        return c if c["status"] == status else None
    return g.until(look, LONG)


def test_a_campaign_calls_its_leads_and_its_report_adds_up():
    g = gateway()
    try:
        c = g.post("/voice/campaigns", {"name": "spring", "content": "Hello {{ name }}.", "do_not_call": ["+1 555 900 0003"],
                                        "limits": {"rate": "50/s", "concurrent": 5}}, status=201)
        lead = [{"lead": {"id": f"l{i}", "name": f"N{i}", "phone": f"+1555900{i:04}"}} for i in range(20)]
        lead += [{"to": "+15550000001", "lead": {"name": "busy"}}, {"lead": {"phone": "+15559001000"}}]
        a = g.post("/voice/messages/bulk", {"campaign_id": c["campaign_id"], "messages": lead}, status=202)
        assert a["accepted"] == 21 and "name" in a["errors"][0]["detail"], a
        done = finished(g, c["campaign_id"])
        assert done["progress"] == {"messages": 21, "open": 0, "finished": 21, "done": 1}, done
        assert done["by_outcome"] == {"delivered": 19, "busy": 1, "refused": 1}, done
        assert done["attempts"] == 19 + 3, done
        csv = g.get(f"/voice/campaigns/{c['campaign_id']}/report?format=csv").splitlines()
        assert len(csv) == 22 and csv[0].startswith("message_id,to,lead_id,status"), csv[:2]
        assert sum(",delivered,delivered," in line for line in csv) == 19
        g.stop()
    finally:
        g.done()


def test_a_campaign_rests_goes_on_and_is_given_up():
    g = gateway()
    try:
        c = g.post("/voice/campaigns", {"name": "a", "content": "Hello.", "paused": True, "limits": {"rate": "10/m"}}, status=201)
        cid = c["campaign_id"]
        g.post("/voice/messages/bulk", {"campaign_id": cid, "messages": [{"to": f"+1555900{i:04}"} for i in range(30)]}, status=202)
        assert g.get(f"/voice/campaigns/{cid}")["by_status"] == {"queued": 30}
        g.post(f"/voice/campaigns/{cid}/resume", status=200)
        g.until(lambda: g.get(f"/voice/campaigns/{cid}")["by_status"].get("delivered", 0) >= 1)
        assert g.post(f"/voice/campaigns/{cid}/pause", status=200)["status"] == "paused"
        over = g.post(f"/voice/campaigns/{cid}/cancel", status=200)
        assert over["status"] == "canceled" and over["by_status"]["canceled"] >= 20, over
        assert g.request("POST", f"/voice/campaigns/{cid}/resume", {}).status == 409
        assert g.request("POST", "/voice/messages", {"to": "+15559000001", "campaign_id": cid}).status == 409
        g.until(lambda: not {"queued", "calling", "retrying"} & set(g.get(f"/voice/campaigns/{cid}")["by_status"]))
        g.stop()
    finally:
        g.done()


QUEUES = """queues:
  jobs: {{plugin: sqs, url: "{url}", base_url: "{base}", region: {region}, dead_letter_url: "{dead}", wait: 1s, visibility: 30s,
         access_key_id: "{key}", secret_access_key: "{secret}"}}
"""


def queues(sqs):
    return QUEUES.format(url=sqs.create("jobs", dead="dead", max_receive=5), base=sqs.url, dead=sqs.create("dead"),
                         region=sqs.region, key=sqs.access_key, secret=sqs.secret_key)


def test_a_queue_brings_messages_and_keeps_what_is_not_ours():
    with Sqs() as sqs:
        g = gateway(more=queues(sqs))
        try:
            for i in range(12):
                sqs.send("jobs", json.dumps({"to": f"+1555900{i:04}", "content": "Hello."}))
            sqs.send("jobs", "this is no JSON")
            sqs.send("jobs", json.dumps({"to": "12", "content": "Hello."}))
            g.until(lambda: g.get("/voice/messages?status=delivered")["count"] == 12, LONG)
            sqs.wait(lambda: sqs.empty("jobs"), LONG)
            dead = {m.body: json.dumps(m.attributes) for m in sqs.queues["dead"].messages}
            assert len(dead) == 2 and "no JSON" in dead["this is no JSON"], dead
            assert not sqs.violations, sqs.violations
            assert g.metric("voicegw_queue_messages_total", queue="jobs", result="processed") == 12
            assert g.metric("voicegw_queue_messages_total", queue="jobs", result="buried") == 2
            m = g.get("/voice/messages")["messages"][0]
            assert m["source"] == "queue" and m["source_ref"], m
            g.stop()
        finally:
            g.done()


def sent_while_away(g, sqs, bodies):
    """Messages that wait when the gateway begins. The one that was killed may still have a request at the queue, which hands them to nobody:
    the time for which it hides them is over then."""
    g.kill()
    messages = [sqs.send("jobs", b) for b in bodies]
    g.start()
    assert sqs.wait(lambda: all(m.received for m in messages))
    with sqs.changed:
        for m in messages:
            m.visible_at = 0
        sqs.changed.notify_all()


def test_a_queue_s_messages_find_their_campaign_right_after_a_start_and_when_it_was_finished():
    with Sqs() as sqs:
        g = gateway(more=queues(sqs))
        try:
            c = g.post("/voice/campaigns", {"name": "a", "content": "Hello."}, status=201)["campaign_id"]
            send = [json.dumps({"to": f"+1555900{i:04}", "campaign_id": c}) for i in range(3)]

            def delivered(count):
                return g.get(f"/voice/campaigns/{c}")["by_status"].get("delivered") == count
            sent_while_away(g, sqs, send[:1])
            g.until(lambda: delivered(1))
            finished(g, c)
            sqs.send("jobs", send[1])
            g.until(lambda: delivered(2))
            finished(g, c)
            sent_while_away(g, sqs, [send[2], json.dumps({"to": "+15559000009", "campaign_id": "cmp-none"})])
            g.until(lambda: delivered(3))
            assert sqs.wait(lambda: sqs.empty("jobs"), LONG) and set(sqs.bodies("dead")) == {json.dumps({"to": "+15559000009", "campaign_id": "cmp-none"})}
            g.stop()
        finally:
            g.done()


FINAL = ("delivered", "failed", "canceled")


def pages(g, path, plural):
    rows, cursor = [], ""
    while cursor is not None:
        page = g.get(f"{path}{'&' if '?' in path else '?'}limit=500{f'&cursor={cursor}' if cursor else ''}")
        rows += page[plural]
        cursor = page["next_cursor"]
    return rows


def all_final(g, count, seconds=None):
    def look():
        rows = pages(g, "/voice/messages", "messages")
        return rows if len(rows) == count and all(m["status"] in FINAL for m in rows) else None
    return g.until(look, seconds or LONG)


def nobody_was_called_too_often(messages, calls, busy=3, other=2):
    """Each call belongs to an attempt that was begun before it, and there are no more attempts than the policy allows."""
    made = {}
    for c in calls:
        made[c["to"]] = made.get(c["to"], 0) + 1
    for m in messages:
        most = busy if m["to"].startswith("+1555000") else other
        assert made.get(m["to"], 0) <= len(m["attempts"]) <= most, (m, made.get(m["to"]))
        assert all(a.get("outcome") for a in m["attempts"]), m
        assert sum(a["outcome"] == "delivered" for a in m["attempts"]) == (m["status"] == "delivered"), m


def test_kill_9_in_the_middle_calls_nobody_too_often():
    # So few at a time that three crashes, however slow the calls are, cut off less than half of them.
    g = daemon.Gateway(config(DELIVERY + "  limits: {provider: {concurrent: 5}}\n"))
    try:
        g.start()
        people = [f"+1555900{i:04}" for i in range(40)] + [f"+1555000{i:04}" for i in range(10)]
        a = g.post("/voice/messages/bulk", {"content": "Hello.", "messages": [{"to": p} for p in people]}, status=202)
        assert a["accepted"] == 50
        for _ in range(3):
            g.until(lambda: g.get("/voice/calls?state=connected")["count"] >= 1 or g.get("/voice/messages?status=calling")["count"] >= 1)
            g.kill()
            g.start()
        messages = all_final(g, 50)
        nobody_was_called_too_often(messages, pages(g, "/voice/calls", "calls"), busy=5, other=2)
        assert sum(m["status"] == "delivered" for m in messages) >= 30, [m["status"] for m in messages]
        g.stop()
    finally:
        g.done()


def test_a_budget_stops_a_campaign():
    priced = PROVIDERS + '    rates: [{prefix: "+1555", per_minute: 1.0, currency: USD}]\n'
    g = gateway(providers=priced, delivery=DELIVERY + "  budget: {amount: 3}\n  limits: {provider: {concurrent: 1}}\n")
    try:
        c = g.post("/voice/campaigns", {"name": "dear", "content": "Hi."}, status=201)["campaign_id"]
        g.post("/voice/messages/bulk", {"campaign_id": c, "messages": [{"to": f"+1555900{i:04}"} for i in range(12)]}, status=202)
        over = finished(g, c, "paused")
        assert over["reason"] == "budget" and 3 <= over["cost"] <= 5, over
        assert over["by_status"].get("queued", 0) >= 6, over
        m = g.get(f"/voice/messages?campaign_id={c}&status=delivered")["messages"][0]
        assert m["cost"] == 1 and m["currency"] == "USD", m
        g.stop()
    finally:
        g.done()


def ctl(g, *words):
    r = subprocess.run([os.path.join(daemon.build(), "bin", "voicegwctl"), "--socket", os.path.join(g.run, "control.sock"), *words],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=daemon.wait() * 5, check=False)
    return r.returncode, r.stdout, r.stderr


def test_a_file_is_sent_in_chunks_and_its_errors_are_named_by_line():
    g = gateway()
    try:
        code, out, err = ctl(g, "--json", "campaign", "create", "file", "--content", "Hello {{ name }}.", "--paused", "--rate", "100/s")
        assert code == 0, err
        campaign = json.loads(out)["campaign_id"]
        path = os.path.join(g.folder, "leads.csv")
        with open(path, "wb") as f:
            f.write(b"\xef\xbb\xbfphone,name,lead_id\r\n")
            for i in range(3000):
                f.write(f'+1555{i:07},"N, {i}",l{i}\r\n'.encode())
            f.write(b"+15550000000,too,many,fields\n")        # 3002
            f.write(b"+15550000001,\xff\xfe,latin\n")        # 3003
            f.write(b"12345,short,l\n")                        # 3004
            f.write(b"+15559000001,,nameless\n")               # 3005
            f.write(b'"+15559000002,unclosed,l\n')             # 3006
        code, out, err = ctl(g, "send", "--csv", path, "--campaign", campaign, "--key", "k1")
        assert code == 1 and "3000 accepted, 5 refused" in out, (code, out, err[-2000:])
        for line, word in ((3002, "4 fields"), (3003, "UTF-8"), (3004, "E.164"), (3005, "name"), (3006, "not closed")):
            assert any(e.startswith(f"{path}:{line}:") and word in e for e in err.splitlines()), (line, err)
        assert ctl(g, "send", "--csv", path, "--campaign", campaign, "--key", "k1")[1].startswith("3000 accepted")
        c = json.loads(ctl(g, "--json", "campaign", "show", campaign)[1])
        assert c["progress"]["messages"] == 3000, "what was sent again under the same key is there twice"
        assert len(ctl(g, "campaign", "report", campaign, "--csv")[1].splitlines()) == 3001
        assert ctl(g, "campaign", "cancel", campaign)[0] == 0
        with open(path, "w", encoding="utf-8") as f:
            f.write("name,mail\nAda,a@b\n")
        code, out, err = ctl(g, "send", "--csv", path)
        assert code == 2 and "no column is called to, phone" in err, (code, err)
        code, out, err = ctl(g, "send", "+15559000009", "Hello", "there.")
        assert code == 0 and "Hello there." in out, (code, out, err)
        g.stop()
    finally:
        g.done()


BIN = "/usr/lib/postgresql/15/bin/"


class Postgres:
    """A server of one's own, without a port, as the user postgres."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="voicegw-pg-")
        self.root = os.geteuid() == 0
        if self.root:
            shutil.chown(self.folder, "postgres")
        self.run(f"{BIN}initdb -N -A trust -E UTF8 --locale=C.UTF-8 -D {self.folder}/data")
        self.start()

    def start(self):
        self.run(f'{BIN}pg_ctl -w -t 60 -D {self.folder}/data -o "-k {self.folder} -F -c listen_addresses= -c max_connections=50" start')

    def stop(self):
        self.run(f"{BIN}pg_ctl -w -t 60 -m fast -D {self.folder}/data stop")

    def run(self, command):
        whole = ["runuser", "-u", "postgres", "--", "sh", "-c", command] if self.root else ["sh", "-c", command]
        subprocess.run(whole, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def store(self):
        return f'{{plugin: postgresql, url: "host={self.folder} dbname=postgres{" user=postgres" if self.root else ""}"}}'

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def test_three_gateways_share_one_queue_and_one_is_killed():
    pg = Postgres()
    gateways = []
    try:
        text = config(store=pg.store, delivery=DELIVERY + "  lease: 5s\n  limits: {provider: {concurrent: 12}}\n")
        gateways = [daemon.Gateway(text).start() for _ in range(3)]
        people = [f"+1555900{i:04}" for i in range(150)] + [f"+1555000{i:04}" for i in range(15)]
        a = gateways[0].post("/voice/messages/bulk", {"content": "Hello.", "messages": [{"to": p} for p in people]}, status=202)
        assert a["accepted"] == 165, a
        gateways[2].until(lambda: gateways[2].metric("voicegw_delivery_attempts_total", 0, outcome="delivered") >= 3)
        gateways[2].until(lambda: gateways[2].get("/voice/calls?state=connected")["count"] >= 1)
        gateways[2].kill()
        messages = all_final(gateways[0], 165, 2 * LONG)
        nobody_was_called_too_often(messages, pages(gateways[0], "/voice/calls", "calls"), busy=5)
        assert sum(m["status"] == "delivered" for m in messages) >= 140, [m["status"] for m in messages]
        nodes = {g.metric("voicegw_delivery_attempts_total", 0, outcome="delivered") > 0 for g in gateways[:2]}
        assert nodes == {True}, "a gateway has delivered nothing"
        for g in gateways[:2]:
            g.stop()
    finally:
        for g in gateways:
            g.done()
        pg.close()


def test_a_gateway_that_starts_leaves_the_calls_of_others_alone():
    pg = Postgres()
    gateways = []
    try:
        text = config(store=pg.store)
        gateways = [daemon.Gateway(text.replace("gateway: {", f"gateway: {{name: {name}, ")).start() for name in "ab"]
        a, b = gateways
        feed = a.feed()
        mine, lost = a.call("+15559000001"), b.call("+15559000002")
        feed.wait("call_answered", call_id=mine["call_id"])
        b.until(lambda: b.get(f"/voice/calls/{lost['call_id']}")["state"] == "connected")
        b.kill()
        b.start()

        def status(g, call):
            return g.get(f"/voice/calls/{call['call_id']}").get("status")
        b.until(lambda: status(b, lost) == "interrupted")
        assert a.get(f"/voice/calls/{mine['call_id']}")["state"] == "connected" and not feed.find("call_ended", call_id=mine["call_id"])
        assert status(b, mine) is None, "another gateway's call is still up"
        a.post(f"/voice/calls/{mine['call_id']}/end")
        assert feed.wait("call_ended", call_id=mine["call_id"])["data"]["status"] == "completed"
        b.until(lambda: status(b, mine) == "completed")
        for g in gateways:
            g.stop()
    finally:
        for g in gateways:
            g.done()
        pg.close()


if __name__ == "__main__":
    daemon.run(dict(globals()))
