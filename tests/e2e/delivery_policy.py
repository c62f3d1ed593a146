# plain
"""delivery_policy.py [--build FOLDER] [NAME...] - what a message's profile and the operator's policy say: machines that answer, platforms that
fail one after another, text messages, the budget of a day, a profile's own webhook, and a store that is away for a while."""
import contextlib
import os
import sqlite3
import sys

import daemon
from delivery import BIN, DELIVERY, PROVIDERS, Postgres, all_final, config, gateway, nobody_was_called_too_often, pages, settled
from webhooks import SECRET, Receiver

sys.path.insert(0, os.path.join(daemon.ROOT, "tests", "fakes"))
import bland as bland_fake  # noqa: E402
import twilio as twilio_fake  # noqa: E402
from platform_base import Phone  # noqa: E402

TO = "+15559100001"


def send(g, **more):
    return g.post("/voice/messages", {"to": TO, "content": "Your room is ready.", **more}, status=202)["message_id"]


@contextlib.contextmanager
def with_twilio(profiles, amd="sync", delivery="", more=""):
    with twilio_fake.Twilio() as twilio:
        twilio.patience = daemon.wait()
        lines = f"""  twilio:
    plugin: twilio
    default: true
    base_url: {twilio.url}
    account_id: {twilio.account}
    auth_token: {twilio.token}
    default_from: "+15553334444"
    timeout: 3s
    retry: {{max: 1, backoff: 50ms}}
    amd: {amd}
  mute: {{plugin: bland, api_key: sk-none, base_url: "http://127.0.0.1:9"}}
"""
        text = config(providers=lines, delivery=f"voice_configs:\n{profiles}delivery:\n  retry: {{voicemail: {{max: 1, after: 100ms}}, "
                                                f"provider_error: {{max: 3, after: 100ms, factor: 1}}}}\n{delivery}", more=more)
        g = daemon.Gateway(text.replace("http: {listen", 'http: {public_url: "https://localhost", listen'))
        twilio.hosts["localhost"] = g.port
        try:
            yield g.start(), twilio
            for call in list(twilio.calls.values()):
                call.hangup()
                call.wait_over()
            g.until(lambda: not g.get("/voice/sessions")["sessions"])
            g.stop()
            twilio.check()
        finally:
            g.done()


MACHINES = """  default: {platform: twilio}
  leave: {platform: twilio, machine: leave_message}
  again: {platform: twilio, machine: retry}
"""


def a_machine_answers(amd):
    """Found out before the call is answered, or while the content is being said: the outcome is the same."""
    with with_twilio(MACHINES, amd) as (g, twilio):
        twilio.phones[TO] = twilio_fake.Phone(answered_by="machine_end_beep")
        for profile, status, outcome, attempts in (("default", "failed", "voicemail", 1), ("again", "failed", "voicemail", 2),
                                                   ("leave", "delivered", "delivered", 1)):
            m = settled(g, send(g, voice_config=profile))
            assert (m["status"], m["outcome"], len(m["attempts"])) == (status, outcome, attempts), (amd, m)
            assert m["attempts"][0]["answered_by"].startswith("machine"), m
        assert "room is ready" in m["transcript"], m
        twilio.phones[TO] = twilio_fake.Phone(answered_by="human")
        m = settled(g, send(g))
        assert m["status"] == "delivered" and "room is ready" in m["transcript"], m


def test_what_follows_when_a_machine_answers():
    a_machine_answers("sync")


def test_what_follows_when_a_machine_is_found_out_late():
    a_machine_answers("async")


def test_a_platform_that_fails_is_left_alone_and_another_calls():
    with bland_fake.Bland() as bland:
        providers = PROVIDERS + f"""  bland: {{plugin: bland, base_url: "{bland.url}", api_key: "{bland.key}", poll_interval: 200ms, timeout: 1s, retry: {{max: 0}},
    webhook_url: "http://127.0.0.1:$PORT/voice/bland/webhook"}}
"""
        g = gateway(providers=providers, delivery="""voice_configs: {default: {platform: [bland, lab]}, alone: {platform: bland}}
delivery:
  breaker: {failures: 3, open: 2s, max_open: 4s}
  retry: {provider_error: {max: 5, after: 50ms, factor: 1}}
  limits: {providers: {bland: {concurrent: 1}}}
""")
        try:
            bland.misbehave(503, times=1000, method="POST", path="/v1/calls")
            ids = [send(g, to=f"+1555900{i:04}") for i in range(12)]
            for m in (settled(g, i) for i in ids):
                assert m["status"] == "delivered" and m["provider"] == "lab", m
                assert [a["provider"] for a in m["attempts"]] in (["bland", "lab"], ["lab"]), m
                assert [a["error_class"] for a in m["attempts"][:-1]] in ([], ["provider"]), m
            assert g.metric("voicegw_delivery_breaker", provider="bland") == 1
            tried = len(bland.asked("POST", "/v1/calls"))
            assert 3 <= tried <= 6, f"{tried} requests to a platform that is left alone after 3"
            last = send(g, to="+15559009999", voice_config="alone")  # it has to wait for that platform, and is not lost
            bland.orders.clear()
            m = settled(g, last)
            assert m["status"] == "delivered" and m["provider"] == "bland", m
            g.until(lambda: g.metric("voicegw_delivery_breaker", provider="bland") == 0)
            m = settled(g, send(g, to="+15559001000"))
            assert m["provider"] == "bland" and len(m["attempts"]) == 1, m
            g.stop()
            bland.check()
        finally:
            g.done()


def test_text_messages_go_out_where_they_can():
    with with_twilio("  default: {platform: twilio}\n  both: {platform: [mute, twilio]}\n  mute: {platform: mute}\n") as (g, twilio):
        m = settled(g, send(g, channel="sms", content="Hello {{ name }}.", lead={"name": "Ada"}))
        assert m["status"] == "delivered" and m["channel"] == "sms" and m["provider"] == "twilio" and not m["call_id"], m
        sent = list(twilio.messages.values())
        assert [(s["to"], s["from"], s["body"]) for s in sent] == [(TO, "+15553334444", "Hello Ada.")], sent
        m = settled(g, send(g, channel="sms", voice_config="both"))
        assert m["status"] == "delivered" and [a["provider"] for a in m["attempts"]] == ["mute", "twilio"], m
        assert m["attempts"][0]["error_class"] == "unsupported", m
        m = settled(g, send(g, channel="sms", voice_config="mute"))
        assert m["status"] == "failed" and m["error_class"] == "unsupported" and len(m["attempts"]) == 1, m
        twilio.misbehave(500, "POST", "/Messages.json", times=1)
        m = settled(g, send(g, channel="sms"))
        assert m["status"] == "delivered" and len(m["attempts"]) == 2 and m["attempts"][0]["error_class"] == "provider", m
        a = g.request("POST", "/voice/messages", {"to": TO, "content": "x" * 1601, "channel": "sms"})
        assert a.status == 422 and "1600" in a.body, a
        assert not twilio.calls and len(twilio.messages) == 3, (twilio.calls, twilio.messages)


def test_the_budget_of_a_day_holds_all_messages():
    priced = PROVIDERS + '    rates: [{prefix: "+1555", per_minute: 1.0, currency: USD}]\n'
    rest = DELIVERY + "  limits: {provider: {concurrent: 1}}\n  budget: {per: day, amount: %d}\n"
    g = gateway(providers=priced, delivery=rest % 3)
    try:
        g.post("/voice/messages/bulk", {"content": "Hi.", "messages": [{"to": f"+1555900{i:04}"} for i in range(8)]}, status=202)
        g.until(lambda: "budget of the day is spent" in g.log())

        def statuses():
            return [m["status"] for m in pages(g, "/voice/messages", "messages")]
        g.until(lambda: "calling" not in statuses())
        assert 3 <= statuses().count("delivered") <= 4 and "retrying" not in statuses(), statuses()  # one may have begun before the third was told
        g.kill()
        g.start()  # what was spent is known again
        g.until(lambda: "budget of the day is spent" in g.log())
        assert statuses().count("queued") >= 4, statuses()
        g.write(config(providers=priced, delivery=rest % 100))
        g.post("/voice/reload")
        assert all(m["status"] == "delivered" for m in all_final(g, 8))
        g.stop()
    finally:
        g.done()


def test_a_profile_tells_its_own_webhook_of_its_messages_only():
    receiver = Receiver()
    g = gateway(delivery=f"""voice_configs:
  default: {{platform: lab}}
  told: {{platform: lab, webhook_config: {{url: "{receiver.url}/told", secret: "{SECRET}", events: ["message_*"]}}}}
  all: {{platform: lab, webhook_config: {{url: "{receiver.url}/all", secret: "{SECRET}"}}}}
delivery: {{retry: {{busy: {{max: 1, after: 100ms}}}}}}
""")
    try:
        settled(g, send(g))
        told = send(g, to="+15550000001", voice_config="told")
        assert settled(g, told)["outcome"] == "busy"
        kinds = ["message_accepted", "message_sent", "message_retrying", "message_sent", "message_failed"]
        receiver.wait(lambda: len(receiver.types("/told")) >= len(kinds))
        told_of = sorted((d["data"]["id"], d["type"]) for p, _, d in receiver.got if p == "/told")  # order is kept for each call, and one has none
        assert [kind for _, kind in told_of] == kinds, receiver.got
        assert all(d["data"]["data"]["message_id"] == told for p, _, d in receiver.got if p == "/told"), receiver.got
        every = send(g, voice_config="all")
        settled(g, every)
        receiver.wait(lambda: "message_delivered" in receiver.types("/all"))
        assert all(d["data"]["data"].get("voice_config", "all") == "all" for p, _, d in receiver.got if p == "/all"), receiver.got
        assert len(receiver.types("/told")) == len(kinds) and not receiver.bad, (receiver.got, receiver.bad)
        assert SECRET not in g.log()
        g.stop()
    finally:
        g.done()
        receiver.close()


PEOPLE = [f"+1555900{i:04}" for i in range(30)] + [f"+1555000{i:04}" for i in range(6)]


def held_while_away(g, away, back):
    """Messages wait while the store is away, and nobody is called twice or forgotten when it is back."""
    a = g.post("/voice/messages/bulk", {"content": "Hello.", "messages": [{"to": p} for p in PEOPLE]}, status=202)
    ids = a["message_ids"]
    assert len(ids) == len(PEOPLE), a
    g.until(lambda: g.metric("voicegw_delivery_attempts_total", 0, outcome="delivered") >= 3)
    away()
    g.until(lambda: g.get("/health")["parts"]["store"]["status"] == "degraded", 60)
    assert g.request("POST", "/voice/messages", {"to": TO, "content": "Hi."}).status in (503, 504)
    back()
    g.until(lambda: g.get("/health")["parts"]["store"]["status"] == "ok", 60)
    rows = [settled(g, i, 60) for i in ids]
    nobody_was_called_too_often(rows, pages(g, "/voice/calls", "calls"))
    assert sum(m["status"] == "delivered" for m in rows) == 30, [m["status"] for m in rows]
    assert sum(m["outcome"] == "busy" and len(m["attempts"]) == 3 for m in rows) == 6, rows
    g.stop()


FEW = DELIVERY + "  limits: {provider: {concurrent: 3}}\n"


def test_a_file_that_is_locked_for_a_while_holds_messages_and_loses_none():
    g = gateway(delivery=FEW)
    lock = sqlite3.connect(os.path.join(g.state, "voicegw.db"), isolation_level=None, check_same_thread=False)
    try:
        held_while_away(g, lambda: lock.execute("BEGIN EXCLUSIVE"), lambda: lock.execute("ROLLBACK"))
    finally:
        lock.close()
        g.done()


def test_a_server_that_is_away_for_a_while_holds_messages_and_loses_none():
    if not os.path.exists(BIN):
        raise daemon.Skip("there is no PostgreSQL 15 here")
    pg = Postgres()
    g = None
    try:
        g = gateway(store=pg.store, delivery=FEW)
        held_while_away(g, pg.stop, pg.start)
    finally:
        if g:
            g.done()
        pg.close()


if __name__ == "__main__":
    daemon.run(dict(globals()))
