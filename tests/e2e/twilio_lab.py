"""twilio_lab.py - a gateway with a Twilio of its own, for the suites: what both are told of each other, and that nothing is left over."""
import contextlib
import http.client
import os
import sys
import time
import urllib.parse

import daemon
from daemon import ROOT, Answer, Gateway

sys.path.insert(0, os.path.join(ROOT, "tests", "fakes"))
import twilio as fake  # noqa: E402

PUBLIC = "https://localhost"
INBOUND, STATUS = PUBLIC + "/voice/twilio/inbound", PUBLIC + "/voice/twilio/status"
CALLER, NUMBER = "+15551112222", "+15553334444"
DOCUMENTS = []  # every TwiML document that was carried out: (text, as a Verb)
GREETED = "  - {match: {}, assistant: echo, stt: local, tts: local}\n"
TOKEN = "a-token-of-the-operator"


def instance(twilio, more="", name="twilio"):
    """The lines of a provider's instance for this Twilio."""
    timeout = "" if "timeout:" in more else "    timeout: 30s\n"
    return f"""  {name}:
    plugin: twilio
    account_id: {twilio.account}
    auth_token: {twilio.token}
    base_url: {twilio.url}
    default_from: "{NUMBER}"
    retry: {{max: 3, backoff: 50ms}}
{timeout}{''.join('    ' + line + chr(10) for line in more.splitlines() if line.strip())}"""


def config(providers, routes=GREETED, gateway="", more="", public=PUBLIC, tokens=False):
    auth = f"auth: {{tokens: [{{name: ops, token: {TOKEN}, scopes: [read, call, admin]}}]}}\n" if tokens else ""
    return f"""
gateway: {{control_socket: $RUN/control.sock{", " + gateway if gateway else ""}}}
http: {{listen: ["127.0.0.1:$PORT"], public_url: "{public}"}}
{auth}providers:
{providers}
stt: {{local: {{plugin: pocketsphinx}}}}
tts: {{local: {{plugin: flite}}}}
assistants: {{echo: {{plugin: echo}}, back: {{plugin: loopback}}, desk: {{plugin: menu, file: menu.yaml}}}}
store: {{plugin: sqlite, path: $STATE/voicegw.db}}
recordings: {{storage: local, path: $STATE/recordings}}
journal: {{path: $STATE/journal}}
workflows: [workflows/*.yaml]
rules: [rules/*.yaml]
departments: {{front_desk: "+15550100"}}
{more}
routes:
{routes}"""


MENU = """
id: desk
greeting: Welcome.
prompt: Say breakfast.
options:
  - {digits: "1", say: One it is. Goodbye., hangup: true}
no_match: Sorry.
"""


class TokenGateway(Gateway):
    """One that wants its token of everybody."""

    def request(self, method, path, body=None, headers=None, **more):
        return super().request(method, path, body, {"Authorization": f"Bearer {TOKEN}", **(headers or {})}, **more)

    def feed(self, last_id=None, token=TOKEN):
        return super().feed(last_id, token)


@contextlib.contextmanager
def world(twilio_more="", routes=GREETED, workflows="", gateway="", more="", public=PUBLIC, tokens=False, providers=None, stop=True, setup=None,
          scale=1.0, **behaviour):
    """(gateway, Twilio, event feed). At the end nothing is left over on either side, and Twilio found nothing wrong."""
    twilio = fake.Twilio(scale=scale)
    twilio.patience = daemon.wait() * 1.5
    for name, value in behaviour.items():
        setattr(twilio, name, value)
    g = (TokenGateway if tokens else Gateway)(config(providers(twilio) if providers else instance(twilio, twilio_more), routes, gateway, more, public, tokens))
    try:
        twilio.hosts[urllib.parse.urlsplit(public).netloc] = g.port
        for folder, text in (("workflows", workflows), ("rules", "")):
            os.makedirs(os.path.join(g.folder, folder))
            if text:
                with open(os.path.join(g.folder, folder, "all.yaml"), "w", encoding="utf-8") as f:
                    f.write(text)
        with open(os.path.join(g.folder, "menu.yaml"), "w", encoding="utf-8") as f:
            f.write(MENU)
        if setup:
            setup(g, twilio)
        g.start()
        g.events = g.feed(last_id=0)
        yield g, twilio, g.events
        if stop:
            if g.process.poll() is None:
                settled(g, twilio)
                g.stop()
            twilio.check()
    except BaseException:
        if os.environ.get("VERBOSE"):
            print(g.log()[-12000:])
            print("\n".join(map(repr, twilio.requests)))
        raise
    finally:
        DOCUMENTS.extend(twilio.documents)
        twilio.close()
        g.done()


def settled(g, twilio):
    """Every call is over, every callback was brought, and neither calls nor streams nor sessions are left in the gateway."""
    for call in list(twilio.calls.values()):
        if not call.over:
            call.hangup()
    for call in list(twilio.calls.values()):
        call.wait_over()
    g.until(lambda: not g.get("/voice/sessions")["sessions"])
    g.until(lambda: g.metric("voicegw_streams", 0) == 0 and g.metric("voicegw_sessions", 0) == 0)
    g.until(lambda: not [c for c in g.get("/voice/calls?limit=500")["calls"] if c["state"] not in ("ended", "failed")])
    assert g.metric("voicegw_orphans") == 0


def post_form(g, path, form, signature=None, url=None, twilio=None, kind="application/x-www-form-urlencoded", method="POST", headers=None):
    """A webhook by hand. `form`: octets, or what urlencode() takes; signed by `twilio` unless a signature is given (False: none)."""
    body = form if isinstance(form, bytes) else urllib.parse.urlencode(form, doseq=True).encode()
    if signature is None:
        fields = {}
        for name, value in urllib.parse.parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="surrogateescape"):
            fields.setdefault(name, []).append(value)
        signature = sign_octets(twilio.token, url or PUBLIC + path, fields)
    head = {"Content-Type": kind, **(headers or {})}
    if signature:
        head["X-Twilio-Signature"] = signature
    connection = http.client.HTTPConnection("127.0.0.1", g.port, timeout=daemon.wait())
    try:
        connection.request(method, path, body, head)
        r = connection.getresponse()
        return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read().decode(errors="replace"))
    finally:
        connection.close()


def sign_octets(token, url, fields):
    """As Twilio signs, also for text that is no UTF-8."""
    import base64
    import hashlib
    import hmac
    text = url.encode()
    for name in sorted(fields, key=lambda n: n.encode("utf-8", "surrogateescape")):
        for value in sorted(set(fields[name])):
            text += (name + value).encode("utf-8", "surrogateescape")
    return base64.b64encode(hmac.new(token.encode(), text, hashlib.sha1).digest()).decode()


def form_of(twilio, sid=None, **more):
    return {"CallSid": sid or twilio.new_sid("CA"), "AccountSid": twilio.account, "From": CALLER, "To": NUMBER, "CallStatus": "ringing", "ApiVersion": "2010-04-01",
            "Direction": "inbound", **more}


def record_of(g, session_id, status):
    """The session's one record."""
    rows = g.until(lambda: [r for r in g.history(0, session_id=session_id) if r["status"] != "active"])
    assert len(rows) == 1 and rows[0]["status"] == status, rows
    return rows[0]


def ended_once(feed, session_id, kind="call_ended", **want):
    """The call's one terminal event."""
    e = feed.wait(kind, session_id=session_id, **want)
    feed.wait("voice.session.stopped", session_id=session_id)
    ends = [x for x in feed.events if x["type"] in ("call_ended", "call_failed") and x["call_id"] == e["call_id"]]
    assert len(ends) == 1, ends
    assert len(feed.find("voice.session.stopped", session_id=session_id)) == 1
    return e


def since(t):
    return time.monotonic() - t
