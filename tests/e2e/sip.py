#!/usr/bin/python3
# plain
# budget: 480 s
"""Telephony by SIP: sipp calls the gateway and is called, and a peer in the tests' own hands does what sipp cannot."""
import contextlib
import glob
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from daemon import base, build, gateway, run, wait
from sip_peer import Dialog, Peer, Rtp, digest, rtp_ports, sdp, sip_port, sipp_ports

SIPP = shutil.which("sipp")


def phones(port, more="", routes=None, core="", assistant="back"):
    """A configuration with one SIP instance on a free port."""
    text = base(gateway=core, routes=routes if routes is not None
                else f"  - {{match: {{provider: phones}}, assistant: {assistant}, stt: local, tts: local}}\n")
    instance = f'  phones: {{plugin: sip, listen: ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"], rtp_ports: {rtp_ports()}{", " + more if more else ""}}}\n'
    return text.replace("providers:\n", "providers:\n" + instance)


def ended(feed, count, kind="call_ended", **want):
    events = feed.wait(kind, count, **want) if count > 1 else [feed.wait(kind, **want)]
    return events


def one_record_each(g, count, status="completed"):
    rows = g.until(lambda: (r := g.history(0)) and len([x for x in r if x["status"] != "active"]) >= count and r)
    assert len(rows) == count and all(r["status"] == status for r in rows), rows
    g.until(lambda: g.metric("voicegw_sessions", 0) == 0)
    return rows


def sipp(g, port, *options, scenario="uac", calls=1, more=()):
    local = sip_port()
    command = [SIPP, *(("-sf", scenario) if os.path.sep in scenario else ("-sn", scenario)), f"127.0.0.1:{port}", "-i", "127.0.0.1", "-p", str(local), *sipp_ports(),
               "-m", str(calls), "-nostdin", "-timeout", f"{wait() * 2}s", "-timeout_error", "-trace_err", *options]
    p = subprocess.run(command, cwd=g.folder, capture_output=True, text=True, timeout=wait() * 4, check=False)
    errors = "".join(open(f, encoding="utf-8", errors="replace").read() for f in glob.glob(os.path.join(g.folder, "*_errors.log")))
    assert p.returncode == 0, f"sipp ends with {p.returncode}: {p.stdout[-2500:]}\n{errors[-2500:]}"


def test_sipp_calls_and_hangs_up():
    if not SIPP:
        return "sipp is not installed"
    port = sip_port()
    with gateway(phones(port)) as g:
        feed = g.feed()
        sipp(g, port, "-r", "20", "-d", "300", calls=20)
        events = ended(feed, 20, status="completed")
        assert len({e["call_id"] for e in events}) == 20 and not feed.find("call_failed"), events
        one_record_each(g, 20)


def test_audio_passes_both_ways_and_the_caller_hangs_up():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer, rtp = g.feed(), Peer(port), Rtp()
        call = Dialog(peer, "200", sdp(rtp.port))
        answer = call.answered()
        address, far, formats = answer.media()
        assert formats == [0] and 21000 <= far <= 28999 and far % 2 == 0, answer
        started = feed.wait("call_answered", to="200", **{"from": "peer"})
        rtp.echoed((address, far), 40)  # the assistant sends back what it hears, bit for bit
        call.bye()
        ended(feed, 1, call_id=started["call_id"], cause="hung up by the peer")
        one_record_each(g, 1)
        state = g.get(f"/voice/calls/{started['call_id']}")
        assert state["state"] == "ended" and state["provider_call_id"] == call.call, state
        rtp.close()


def test_the_gateway_hangs_up():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer = g.feed(), Peer(port)
        call = Dialog(peer, "200", sdp(9000))
        call.answered()
        started = feed.wait("call_answered")
        g.post(f"/voice/calls/{started['call_id']}/end")
        bye = peer.request_of("BYE")
        assert bye.get("Call-ID") == call.call and "cause=200" in bye.get("Reason"), bye
        peer.reply(bye, 200)
        ended(feed, 1, call_id=started["call_id"])
        one_record_each(g, 1)


def test_alaw_and_a_late_offer():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer, rtp = g.feed(), Peer(port), Rtp()
        call = Dialog(peer, "200", sdp(rtp.port, "8 101"))
        address, far, formats = call.answered().media()
        assert formats == [8, 101], formats
        rtp.echoed((address, far), 20, 8)
        call.bye()
        late = Dialog(peer, "201")
        answer = peer.status(2, "INVITE", late.call)
        late.to_tag, late.contact, late.routes = answer.tag("To"), answer.get("Contact").strip("<>"), []
        address, far, formats = answer.media()
        assert {0, 8} <= set(formats), answer
        assert not feed.find("call_answered", to="201"), "it is answered when its audio is known"
        late.ack(sdp(rtp.port, "0"))
        feed.wait("call_answered", to="201")
        rtp.echoed((address, far), 20)
        late.bye()
        ended(feed, 2, status="completed")
        one_record_each(g, 2)
        rtp.close()


def test_a_caller_gives_up():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer = g.feed(), Peer(port)
        call = Dialog(peer, "200", sdp(9000))
        call.cancel()
        peer.status(200, "CANCEL", call.call)
        last = peer.expect(lambda m: m.status >= 200 and m.method == "INVITE")
        if last.status == 487:
            feed.wait("call_failed", status="canceled")
        else:  # the answer was quicker
            call.to_tag, call.contact, call.routes = last.tag("To"), last.get("Contact").strip("<>"), []
            call.ack()
            call.bye()
            ended(feed, 1)
        g.until(lambda: g.metric("voicegw_sessions", 0) == 0 and len(g.history(0)) == 1)


def test_full_and_nowhere_to_go():
    port = sip_port()
    with gateway(phones(port, core="max_sessions: 1")) as g:
        feed, peer = g.feed(), Peer(port)
        first = Dialog(peer, "200", sdp(9000))
        first.answered()
        second = Dialog(peer, "201", sdp(9002))
        assert second.refused().status in (486, 503), second
        feed.wait("call_failed", status="busy", to="201")
        first.bye()
        ended(feed, 1, to="200")
        feed.wait("voice.session.stopped", session_id=feed.find("call_ended", to="200")[0]["session_id"])
        third = Dialog(peer, "202", sdp(9000))
        third.answered()
        third.bye()
        ended(feed, 1, to="202")
    port = sip_port()
    with gateway(phones(port, routes="  - {match: {provider: phones, to: \"1*\"}, assistant: back}\n")) as g:
        peer = Peer(port)
        assert Dialog(peer, "200", sdp(9000)).refused().status == 404


def test_descriptions_that_cannot_be_taken():
    port = sip_port()
    lines = "".join(f"m=audio {9000 + i} RTP/AVP 0\r\n" for i in range(1000))
    head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    bad = {"no codec of ours": sdp(9000, "18"), "port 0": sdp(0), "no stream": head, "1,000 streams": head + lines,
           "a name for an address": sdp(9000, address="attacker.example"), "garbage": "x" * 40, "a huge attribute": sdp(9000, more="a=" + "x" * 8000 + "\r\n"),
           "another profile": sdp(9000).replace("RTP/AVP", "RTP/SAVP "), "video only": sdp(9000).replace("m=audio", "m=video")}
    with gateway(phones(port)) as g:
        peer = Peer(port)
        for what, body in bad.items():
            m = Dialog(peer, "200", body).refused()
            assert m.status == 488, (what, m)
        m = Dialog(peer, "200", "<x/>", ["Content-Type: application/xml"]).refused()
        assert m.status == 415 and m.get("Accept") == "application/sdp", m
        m = Dialog(peer, "200", sdp(9000), ["Require: 100rel, teleport"]).refused()
        assert m.status == 420 and m.get("Unsupported") == "teleport", m
        assert g.history(0) == [] and g.metric("voicegw_sessions", 0) == 0
        good = Dialog(peer, "200", sdp(9000).replace("t=0 0\r\n", "t=0 0\r\nb=AS:64\r\n") + "m=video 0 RTP/AVP 96\r\nm=image 9002 udptl t38\r\n")
        answer = good.answered()
        assert answer.body.count("m=") == 3 and "m=image 0" in answer.body, answer
        good.bye()
        one_record_each(g, 1)


def wrong_messages(peer, port):
    """(a message, the status that it must get): the faults that RFC 4475 tells of, and some more."""
    good = peer.request("OPTIONS", f"sip:127.0.0.1:{port}")
    line = f"OPTIONS sip:127.0.0.1:{port} SIP/2.0"
    yield good, 200
    yield good.replace("SIP/2.0\r\n", "SIP/7.0\r\n", 1), 505
    yield good.replace("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0"), 400
    yield good.replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"), 400
    yield good.replace("CSeq: 1 ", "CSeq: 9292394834772304023312 "), 400
    yield good.replace("Max-Forwards: 70", "Max-Forwards: 300"), 400
    yield good.replace("Max-Forwards: 70\r\n", "Max-Forwards: 0\r\n"), 200
    yield good.replace("\r\nFrom:", "\r\nFram:"), 400
    yield good.replace("\r\nFrom:", "\r\nFrom: <sip:twice@127.0.0.1>;tag=1\r\nFrom:"), 400
    yield good.replace(line, "OPTIONS nobodyKnowsThisScheme:opaque SIP/2.0"), 416
    yield good.replace(line, f"OPTIONS <sip:127.0.0.1:{port}> SIP/2.0"), 400
    yield good.replace(line, f"OPTIONS sip:127.0.0.1:{port}; lr SIP/2.0"), 400
    yield good.replace(line, f"OPTIONS sip:127.0.0.1?Route=%3Csip:example.com%3E SIP/2.0"), 400
    yield good.replace("From: <", 'From: "unbalanced <'), 400
    yield good.replace("Contact: <", "Contact: <sip:a@127.0.0.1>,,<"), 400
    yield good.replace("OPTIONS", "!interesting-Method0123456789_*+`.%indeed'~"), 405
    yield good.replace("OPTIONS", "MESSAGE"), 405
    yield good.replace("OPTIONS", "BYE"), 481
    yield good.replace("Max-Forwards", "Require: nothingSupportsThis\r\nMax-Forwards"), 420
    yield good.replace("From: <", 'From: "a \\" quote, and; separators" <').replace("Call-ID", "i").replace("Via", "v"), 200
    yield good.replace("Content-Length", "Content-Encoding: gzip\r\nContent-Length").replace("OPTIONS", "INVITE"), 415
    yield good.replace("Max-Forwards: 70", "X-Long: " + "x" * 20000), 200


def test_messages_that_are_wrong():
    port = sip_port()
    with gateway(phones(port)) as g:
        udp = Peer(port)
        for peer in (udp, Peer(port, "tcp")):
            for i, (text, status) in enumerate(wrong_messages(peer, port)):
                call = re.search(r"(?:Call-ID|i): (\S+)", text)[1]
                peer.send(text.replace(call, f"{call}-{i}").replace("z9hG4bK", f"z9hG4bK{i}x"))
                m = peer.expect(lambda m: m.status and f"{call}-{i}" in (m.get("Call-ID"), m.get("i")))
                assert m.status == status, (status, text[:2000], m)
        for bad in ("9999", "-999", "1 1"):
            text = udp.request("OPTIONS", f"sip:127.0.0.1:{port}").replace("Content-Length: 0", f"Content-Length: {bad}")
            udp.send(text)
            assert udp.status(400, "OPTIONS")
        refused = g.metric("voicegw_plugin_messages_refused_total")
        for junk in (b"", b"\0" * 5, b"\r\n\r\n", b"INVITE", os.urandom(500), b"SIP/2.0 200 OK\r\n\r\n", b"A" * 60000,
                     b"SIP/2.0 4294967301 big\r\nVia: SIP/2.0/UDP x\r\n\r\n", b"ACK sip:x SIP/2.0\r\n\r\n"):
            udp.send(junk)
        g.until(lambda: g.metric("voicegw_plugin_messages_refused_total") >= refused + 5)
        call = Dialog(udp, "200", sdp(9000))
        call.answered()
        call.bye()
        one_record_each(g, 1)


def trunk(name, port, more=""):
    return f"{{name: {name}, host: 127.0.0.1, port: {port}, options_ping: 0{', ' + more if more else ''}}}"


def test_sipp_is_called_through_a_trunk():
    if not SIPP:
        return "sipp is not installed"
    port, far = sip_port(), sip_port()
    with gateway(phones(port, f"trunks: [{trunk('carrier', far)}]")) as g:
        feed = g.feed()
        uas = subprocess.Popen([SIPP, "-sn", "uas", "-i", "127.0.0.1", "-p", str(far), *sipp_ports(), "-m", "5", "-nostdin", "-timeout", f"{wait() * 2}s"],
                               cwd=g.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            calls = [g.call(f"+1555010{i}", provider="phones") for i in range(5)]
            for c in calls:
                feed.wait("call_ringing", call_id=c["call_id"])
                feed.wait("call_answered", call_id=c["call_id"])
                state = g.get(f"/voice/calls/{c['call_id']}")
                assert state["state"] == "connected" and state["provider_call_id"], state
                g.post(f"/voice/calls/{c['call_id']}/end")
            ended(feed, 5, status="completed")
            assert uas.wait(wait()) == 0
        finally:
            uas.kill()
            uas.wait()
        one_record_each(g, 5)


def invited(peer, seconds=None):
    return peer.request_of("INVITE", seconds)


def test_outcomes_of_calls_that_go_out():
    port = sip_port()
    peer = Peer(port)
    with gateway(phones(port, f"trunks: [{trunk('carrier', peer.port)}]")) as g:
        feed = g.feed()
        for code, status in ((486, "busy"), (600, "busy"), (480, "no_answer"), (404, "failed"), (403, "failed"), (302, "failed"), (503, "failed")):
            call = g.call("+1555", provider="phones")
            invite = invited(peer)
            peer.reply(invite, 100)
            peer.reply(invite, code)
            peer.request_of("ACK")
            e = feed.wait("call_failed", call_id=call["call_id"])
            assert e["data"]["status"] == status and str(code) in e["data"]["cause"], e
        call = g.call("+1555", provider="phones", timeout_seconds=1)  # nobody answers
        invite = invited(peer)
        peer.reply(invite, 180)
        feed.wait("call_ringing", call_id=call["call_id"])
        cancel = peer.request_of("CANCEL")
        assert cancel.get("Call-ID") == invite.get("Call-ID")
        peer.reply(cancel, 200)
        peer.reply(invite, 487)
        peer.request_of("ACK")
        feed.wait("call_failed", call_id=call["call_id"], status="no_answer")
        call = g.call("+1555", provider="phones")  # we hang up while it rings, and the answer crosses the CANCEL
        invite = invited(peer)
        peer.reply(invite, 180)
        feed.wait("call_ringing", call_id=call["call_id"])
        g.post(f"/voice/calls/{call['call_id']}/end")
        cancel = peer.request_of("CANCEL")
        peer.reply(invite, 200, body=sdp(9000))
        peer.reply(cancel, 200)
        peer.request_of("ACK")
        peer.reply(peer.request_of("BYE"), 200)
        feed.wait("call_failed", call_id=call["call_id"], status="canceled")
        call = g.call("+1555", provider="phones")  # an answer that cannot be taken
        invite = invited(peer)
        peer.reply(invite, 200, body=sdp(9000, "18"))
        peer.request_of("ACK")
        bye = peer.request_of("BYE")
        assert "488" in bye.get("Reason"), bye
        peer.reply(bye, 200)
        feed.wait("call_failed", call_id=call["call_id"], status="failed")
        g.until(lambda: len([r for r in g.history(0) if r["status"] != "active"]) == 10)


def test_a_challenge_is_answered_and_a_second_trunk_takes_over():
    port = sip_port()
    first, second = Peer(port), Peer(port)
    carriers = ", ".join([trunk("first", first.port), trunk("second", second.port, "username: alice, password: secret, from: '+18005550'")])
    with gateway(phones(port, f"trunks: [{carriers}]")) as g:
        feed, rtp = g.feed(), Rtp()
        call = g.call("+1555", provider="phones", variables={"sip_headers": {"X-Campaign": "7", "Via": "forged", "X-Bad": "a\r\nVia: b"}})
        invite = invited(first)
        assert invite.get("X-Campaign") == "7" and len(invite.all("Via")) == 1 and invite.get("X-Bad") is None, invite
        first.reply(invite, 503)
        invite = invited(second)
        assert "sip:+18005550@" in invite.get("From") and invite.get("Authorization") is None, invite
        second.reply(invite, 401, headers=['WWW-Authenticate: Digest realm="carrier", nonce="abc123", qop="auth", algorithm=MD5'])
        second.request_of("ACK")
        again = invited(second)
        given = dict(x.strip().split("=", 1) for x in again.get("Authorization").removeprefix("Digest ").split(",") if "=" in x)
        nc, cnonce, uri = given["nc"].strip('"'), given["cnonce"].strip('"'), given["uri"].strip('"')
        wanted = digest('realm="carrier", nonce="abc123", qop="auth"', "INVITE", uri, "alice", "secret", int(nc, 16), cnonce)
        assert given["response"].strip('"') in wanted, again
        second.reply(again, 183, body=sdp(rtp.port))
        feed.wait("call_ringing", call_id=call["call_id"])
        second.reply(again, 200, body=sdp(rtp.port))
        second.request_of("ACK")
        feed.wait("call_answered", call_id=call["call_id"])
        address, far, formats = again.media()
        assert formats[:4] == [0, 8, 9, 107] and 101 in formats, again
        rtp.speak((address, far), 0.2)
        g.post(f"/voice/calls/{call['call_id']}/end")
        bye = second.request_of("BYE")
        second.reply(bye, 200)
        ended(feed, 1, call_id=call["call_id"])
        rtp.close()


def test_registration_is_made_kept_and_withdrawn():
    port = sip_port()
    peer = Peer(port)
    with gateway(phones(port, f"trunks: [{trunk('pbx', peer.port, 'username: alice, password: secret, register: true')}]")) as g:
        feed = g.feed()
        first = peer.request_of("REGISTER")
        assert first.get("Expires") == "3600" and f"alice@127.0.0.1:{port}" in first.get("Contact"), first
        challenge = 'Digest realm="pbx", nonce="n1", algorithm=MD5'
        peer.reply(first, 401, headers=[f"WWW-Authenticate: {challenge}"], contact=False)
        second = peer.request_of("REGISTER")
        uri = second.first.split()[1]
        wanted = digest(challenge, "REGISTER", uri, "alice", "secret").rsplit("response=", 1)[1]
        assert wanted in second.get("Authorization"), second
        peer.reply(second, 200, headers=[f"Contact: {second.get('Contact')};expires=2"], contact=False)
        feed.wait("sip.trunk_up", trunk="pbx")
        refresh = peer.request_of("REGISTER")
        assert refresh.get("Call-ID") == first.get("Call-ID"), refresh
        peer.reply(refresh, 403, contact=False)
        feed.wait("sip.trunk_down", trunk="pbx")
        g.until(lambda: g.get("/health")["status"] == "degraded")
        again = peer.request_of("REGISTER")
        peer.reply(again, 200, headers=[f"Contact: {again.get('Contact')};expires=600"], contact=False)
        feed.wait("sip.trunk_up", 2, trunk="pbx")
        g.until(lambda: g.get("/health")["status"] == "ok")
        g.stop()
        gone = peer.request_of("REGISTER")
        assert gone.get("Expires") == "0", gone


def test_a_trunk_that_does_not_answer_is_down_until_it_does():
    port = sip_port()
    peer = Peer(port)
    silent = sip_port()
    pings = f"{{name: quick, host: 127.0.0.1, port: {peer.port}, options_ping: 1s}}"
    with gateway(phones(port, f"trunks: [{pings}, {trunk('other', silent, 'max_calls: 1')}]")) as g:
        feed = g.feed()
        peer.reply(peer.request_of("OPTIONS"), 404)
        feed.wait("sip.trunk_up", trunk="quick")
        for _ in range(2):
            peer.reply(peer.request_of("OPTIONS"), 503)
        feed.wait("sip.trunk_down", trunk="quick")
        parts = g.get("/health")["parts"]
        assert any("trunk.quick" in k and v["status"] != "ok" for k, v in parts.items()), parts
        peer.reply(peer.request_of("OPTIONS"), 200)
        feed.wait("sip.trunk_up", 2, trunk="quick")


USERS = "users: [{name: alice, password: wonder}, {name: bob, password: builder}]"


def challenged(peer, call):
    m = call.refused()
    assert m.status == 401 and "nonce" in m.get("WWW-Authenticate"), m
    return m.get("WWW-Authenticate")


def with_password(peer, challenge, sender="alice", password="wonder", user="200", nc=1, uri=None):
    uri = uri or f"sip:{user}@127.0.0.1:{peer.gateway[1]}"
    return Dialog(peer, user, sdp(9000), [f"Authorization: {digest(challenge, 'INVITE', uri, sender, password, nc)}"], sender=sender)


def test_callers_prove_who_they_are():
    port = sip_port()
    with gateway(phones(port, f"anonymous: reject, {USERS}")) as g:
        feed, peer = g.feed(), Peer(port)
        challenge = challenged(peer, Dialog(peer, "200", sdp(9000), sender="alice"))
        call = with_password(peer, challenge)
        call.answered()
        feed.wait("call_answered", **{"from": "alice"})
        call.bye()
        assert 'stale=TRUE' in challenged(peer, with_password(peer, challenge)), "a count that was used is refused"
        again = with_password(peer, challenge, nc=2)
        again.answered()
        again.bye()
        old = challenge.replace(re.search(r'nonce="([^"]+)"', challenge)[1], "0" * 32)
        assert 'stale=TRUE' in challenged(peer, with_password(peer, old)), "a nonce that nobody gave is refused"
        assert with_password(peer, challenge, password="guess", nc=3).refused().status == 403
        assert with_password(peer, challenge, sender="nobody", nc=4).refused().status == 403
        other = re.sub('realm="[^"]+"', 'realm="elsewhere"', challenge)
        challenged(peer, with_password(peer, other))
        ended(feed, 2)
        one_record_each(g, 2)


def test_guessing_is_slowed():
    port = sip_port()
    with gateway(phones(port, f"anonymous: reject, {USERS}")) as g:
        peer = Peer(port)
        challenge = challenged(peer, Dialog(peer, "200", sdp(9000)))
        for i in range(5):
            assert with_password(peer, challenge, password=f"guess{i}", nc=i + 1).refused().status == 403
        m = with_password(peer, challenge, nc=9).refused()
        assert m.status == 403 and 50 <= int(m.get("Retry-After")) <= 60, m
        assert "passwords are guessed" in g.log(), g.log()
        assert g.metric("voicegw_plugin_guesses_throttled_total", 0) == 1


def test_addresses_and_strangers():
    port = sip_port()
    trunks = "trunks: [{name: carrier, host: 192.0.2.1, options_ping: 0, addresses: [127.0.0.1/32], max_calls: 1}]"
    routes = "  - {match: {provider: phones, trunk: carrier}, assistant: back}\n"
    with gateway(phones(port, f"anonymous: reject, {trunks}", routes=routes)) as g:
        feed, peer = g.feed(), Peer(port)
        call = Dialog(peer, "200", sdp(9000))
        call.answered()
        m = Dialog(peer, "201", sdp(9002)).refused()
        assert m.status == 503 and m.get("Retry-After"), m
        call.bye()
        ended(feed, 1)
        row = one_record_each(g, 1)[0]
        assert row["transport"] == "sip_rtp", row
    port = sip_port()
    with gateway(phones(port, "anonymous: reject")) as g:
        assert Dialog(Peer(port), "200", sdp(9000)).refused().status == 403
    port = sip_port()
    with gateway(phones(port, "max_cps: 1/m")) as g:
        peer = Peer(port)
        calls = [Dialog(peer, "200", sdp(9000)) for _ in range(8)]
        codes = [peer.expect(lambda m, c=c: m.status >= 200 and m.get("Call-ID") == c.call).status for c in calls]
        assert sorted(codes) == [200] + [503] * 7, codes


def register(peer, user="alice", password="wonder", headers=("Expires: 600",), contact=True, code=None):
    uri, call = f"sip:127.0.0.1:{peer.gateway[1]}", f"{random.getrandbits(64):x}"
    aor = f"sip:{user}@127.0.0.1:{peer.gateway[1]}"
    peer.send(peer.request("REGISTER", uri, headers, call=call, sender=user, to=aor, contact=contact))
    m = peer.status(401, "REGISTER", call)
    auth = digest(m.get("WWW-Authenticate"), "REGISTER", uri, user, password)
    peer.send(peer.request("REGISTER", uri, [*headers, f"Authorization: {auth}"], call=call, cseq=2, sender=user, to=aor, contact=contact))
    return peer.expect(lambda m: m.status and m.status != 401 and m.get("Call-ID") == call)


def test_phones_register_and_are_called():
    port = sip_port()
    with gateway(phones(port, f"max_registrations: 2, {USERS}")) as g:
        feed, phone, second, third = g.feed(), Peer(port), Peer(port), Peer(port)
        m = register(phone)
        assert m.status == 200 and f"sip:alice@127.0.0.1:{phone.port}" in m.get("Contact") and "expires=600" in m.get("Contact"), m
        assert register(phone, password="wrong").status == 403
        assert register(phone, headers=("Expires: 10",)).status == 423
        assert len(register(second).all("Contact")) == 2
        assert register(third, "bob", "builder").status == 503
        assert register(second, headers=("Expires: 0",)).status == 200
        assert register(third, "bob", "builder").status == 200
        call = g.call("alice", provider="phones")
        invite = invited(phone)
        assert invite.first.startswith(f"INVITE sip:alice@127.0.0.1:{phone.port}"), invite
        phone.reply(invite, 200, body=sdp(9000))
        phone.request_of("ACK")
        feed.wait("call_answered", call_id=call["call_id"])
        g.post(f"/voice/calls/{call['call_id']}/end")
        phone.reply(phone.request_of("BYE"), 200)
        ended(feed, 1, call_id=call["call_id"])
        assert register(phone, headers=("Expires: 0", "Contact: *"), contact=False).all("Contact") == []
        call = g.call("alice", provider="phones")
        feed.wait("call_failed", call_id=call["call_id"], status="failed")


def certificates(folder):
    """A CA, a certificate of 127.0.0.1 and localhost, and one that a stranger made."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    with open(os.path.join(folder, "san"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost")
    with open(os.path.join(folder, "other"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=DNS:elsewhere.example")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    for name, san in (("good", "san"), ("misnamed", "other")):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={'127.0.0.1' if name == 'good' else name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", "2",
                "-extfile", san)
    openssl("req", "-x509", *key, "-keyout", "stranger.key", "-out", "stranger.pem", "-subj", "/CN=127.0.0.1", "-days", "2", "-addext",
            "subjectAltName=IP:127.0.0.1")


def listening(listen, more="", routes="  - {match: {provider: phones}, assistant: back}\n"):
    text = base(routes=routes)
    instance = f'  phones: {{plugin: sip, listen: [{", ".join(chr(34) + x + chr(34) for x in listen)}], rtp_ports: {rtp_ports()}{", " + more if more else ""}}}\n'
    return text.replace("providers:\n", "providers:\n" + instance)


def whole_call(feed, peer, rtp=None, address=None, user="200"):
    call = Dialog(peer, user, sdp(rtp.port if rtp else 9000, address=address or "127.0.0.1").replace("IP4", "IP6" if address else "IP4"))
    answer = call.answered()
    if rtp:
        far = answer.media()
        rtp.echoed((far[0], far[1]), 20)
    call.bye()
    feed.wait("call_ended", to=user)
    return answer


def test_tcp_tls_and_ipv6():
    port, secure = sip_port(), sip_port()
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        tls = f"tls: {{certificate: {folder}/good.pem, key: {folder}/good.key}}"
        with gateway(listening([f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}", f"tls:127.0.0.1:{secure}", f"udp:[::1]:{port}"], tls)) as g:
            feed, rtp = g.feed(), Rtp()
            tcp = Peer(port, "tcp")
            answer = whole_call(feed, tcp, rtp, user="201")
            assert f"sip:voicegw@127.0.0.1:{port};transport=tcp" in answer.get("Contact"), answer
            tcp.send("\r\n\r\n")  # a keepalive is answered, and a message in pieces is one
            invite = tcp.request("OPTIONS", f"sip:127.0.0.1:{port}")
            for i in range(0, len(invite), 40):
                tcp.send(invite[i:i + 40])
            tcp.status(200, "OPTIONS")
            tcp.send(invite.replace("z9hG4bK", "z9hG4bKa") + invite.replace("z9hG4bK", "z9hG4bKb"))
            tcp.status(200, "OPTIONS")
            tcp.status(200, "OPTIONS")
            context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
            answer = whole_call(feed, Peer(secure, "tls", context=context), rtp, user="202")
            assert ";transport=tls" in answer.get("Contact"), answer
            six = Peer(port, family=socket.AF_INET6, host="::1")
            answer = whole_call(feed, six, address="::1", user="203")
            assert f"[::1]:{port}" in answer.get("Contact") and "c=IN IP6 ::1" in answer.body, answer
            broken = Peer(port, "tcp")
            broken.send("INVITE sip:x SIP/2.0\r\nno colon\r\n\r\n")
            with broken.changed:
                assert broken.changed.wait_for(lambda: broken.closed, wait()), "a stream that cannot be read is closed"
            one_record_each(g, 3)
            rtp.close()


def tls_server(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
    server = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                plain, _ = server.accept()
                try:
                    with context.wrap_socket(plain, server_side=True) as s:
                        heard.append(s.recv(4096).decode())
                except OSError as e:
                    heard.append(f"refused: {e}")
    threading.Thread(target=serve, daemon=True).start()
    return server, heard


def test_a_trunk_must_show_the_right_certificate():
    port = sip_port()
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        servers = {name: tls_server(folder, name) for name in ("good", "misnamed", "stranger")}
        trunks = ", ".join(f"{{name: {n}, host: 127.0.0.1, port: {s[0].getsockname()[1]}, transport: tls, options_ping: 1s, tls: {{ca: {folder}/ca.pem}}}}"
                           for n, s in servers.items())
        with gateway(phones(port, f"trunks: [{trunks}]")) as g:
            g.until(lambda: any(h.startswith("OPTIONS") for h in servers["good"][1]))
            for name in ("misnamed", "stranger"):
                heard = servers[name][1]
                g.until(lambda h=heard: h)
                assert not any("OPTIONS" in h for h in heard), (name, heard)
            g.until(lambda: "TLS handshake" in g.log())
        for server, _ in servers.values():
            server.close()


def test_a_reload_moves_listeners_and_calls_live_on():
    first, second = sip_port(), sip_port()
    with gateway(listening([f"udp:127.0.0.1:{first}"])) as g:
        feed, peer, rtp = g.feed(), Peer(first), Rtp()
        call = Dialog(peer, "200", sdp(rtp.port))
        far = call.answered().media()
        g.write(listening([f"udp:127.0.0.1:{first}", f"udp:127.0.0.1:{second}"]))
        answer = g.post("/voice/reload")
        assert not answer["restart_required"] and not answer["waiting"], answer
        other = Peer(second)
        g.until(lambda: (other.send(other.request("OPTIONS", f"sip:127.0.0.1:{second}", branch=f"{random.getrandbits(40):x}")), time.sleep(0.1)) and
                [m for m in other.inbox if m.status == 200])
        whole_call(feed, other, user="201")
        rtp.echoed((far[0], far[1]), 20)  # the first call speaks on
        call.bye()
        g.write(listening([f"udp:127.0.0.1:{second}"]))
        g.post("/voice/reload")
        whole_call(feed, other, user="202")
        g.until(lambda: (peer.send(peer.request("OPTIONS", f"sip:127.0.0.1:{first}", call="gone")), time.sleep(0.2)) and
                not [peer.inbox.pop() for m in list(peer.inbox) if m.get("Call-ID") == "gone"])
        g.write(listening([f"udp:127.0.0.1:{second}"], "max_cps: [1]"))
        assert g.request("POST", "/voice/reload", {}).status == 422
        whole_call(feed, other, user="203")
        one_record_each(g, 4)
        rtp.close()


def connected(g, peer, rtp=None, feed=None, user="200"):
    call = Dialog(peer, user, sdp(rtp.port if rtp else 9000), ["Supported: timer, replaces", "Allow: INVITE, ACK, BYE, UPDATE, INFO, REFER, NOTIFY"])
    call.answer = call.answered()
    call.id = feed.wait("call_answered", to=user)["call_id"]
    return call


def respond(peer, code, body="", method="INVITE", headers=()):
    m = peer.request_of(method)
    peer.reply(m, code, body=body, headers=headers, tag="x")
    if method == "INVITE":
        peer.request_of("ACK")
    return m


def background(fn, *arguments, **more):
    """Runs fn beside the test; join() gives its result."""
    out = []
    t = threading.Thread(target=lambda: out.append(fn(*arguments, **more)), daemon=True)
    t.start()

    def join():
        t.join(wait())
        assert out, "it did not end"
        return out[0]
    return join


def test_hold_and_resume_from_either_side():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer = g.feed(), Peer(port)
        call = connected(g, peer, feed=feed)
        g.post(f"/voice/calls/{call.id}/hold")
        m = respond(peer, 200, sdp(9000, direction="recvonly"))
        assert "a=sendonly" in m.body and int(re.search(r"o=\S+ \d+ (\d+)", m.body)[1]) > 1, m
        feed.wait("hold_started", call_id=call.id, by="gateway")
        g.post(f"/voice/calls/{call.id}/resume")
        m = respond(peer, 200, sdp(9000))
        assert "a=sendrecv" in m.body, m
        feed.wait("hold_ended", call_id=call.id)
        answer = call.ask("INVITE", body=sdp(9000, direction="sendonly"))
        assert "a=recvonly" in answer.body, answer
        feed.wait("hold_started", 2, call_id=call.id)
        answer = call.ask("INVITE", body=sdp(9000, address="0.0.0.0"))  # as phones of old did
        assert answer.status == 200
        answer = call.ask("INVITE", body=sdp(9000))
        assert "a=sendrecv" in answer.body, answer
        feed.wait("hold_ended", 2, call_id=call.id)
        assert call.ask("INVITE", body=sdp(9000, "18"), code=4).status == 488
        assert call.ask("UPDATE", body=sdp(9000)).status == 200
        assert call.ask("OPTIONS").status == 200
        g.post(f"/voice/calls/{call.id}/hold")
        respond(peer, 488)
        g.until(lambda: g.get(f"/voice/calls/{call.id}")["state"] == "connected")
        call.bye()
        one_record_each(g, 1)


def test_session_timers_are_agreed_on():
    port, peer = sip_port(), None
    peer = Peer(port)
    with gateway(phones(port, f"session_timer: 600s, trunks: [{trunk('carrier', peer.port)}]")) as g:
        feed = g.feed()
        m = Dialog(peer, "200", sdp(9000), ["Session-Expires: 60", "Supported: timer"]).refused()
        assert m.status == 422 and m.get("Min-SE") == "90", m
        for asked, agreed in (("1800;refresher=uac", "600;refresher=uac"), ("120", "120;refresher=uac"), ("300;refresher=uas", "300;refresher=uas")):
            call = Dialog(peer, "200", sdp(9000), [f"Session-Expires: {asked}", "Supported: timer"])
            assert call.answered().get("Session-Expires") == agreed
            again = call.ask("UPDATE", ["Session-Expires: 120;refresher=uac", "Supported: timer"])
            assert again.get("Session-Expires") == "120;refresher=uac", again
            call.bye()
        call = Dialog(peer, "200", sdp(9000))
        assert call.answered().get("Session-Expires") is None
        call.bye()
        placed = g.call("+1555", provider="phones")
        first = invited(peer)
        assert first.get("Session-Expires") == "600" and first.get("Min-SE") == "90", first
        peer.reply(first, 422, headers=["Min-SE: 1200"])
        peer.request_of("ACK")
        second = invited(peer)
        assert second.get("Session-Expires") == "1200" and second.get("Min-SE") == "1200", second
        peer.reply(second, 200, body=sdp(9000), headers=["Session-Expires: 1200;refresher=uac", "Require: timer"])
        peer.request_of("ACK")
        feed.wait("call_answered", call_id=placed["call_id"])
        g.post(f"/voice/calls/{placed['call_id']}/end")
        peer.reply(peer.request_of("BYE"), 200)
        one_record_each(g, 5)


def test_the_gateway_sends_its_peer_elsewhere():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer = g.feed(), Peer(port)
        call = connected(g, peer, feed=feed)
        g.post(f"/voice/calls/{call.id}/transfer", {"to": "sip:desk@192.0.2.7", "kind": "blind"})
        refer = respond(peer, 202, method="REFER")
        assert refer.get("Refer-To") == "<sip:desk@192.0.2.7>" and refer.get("Referred-By"), refer
        fragment = ["Event: refer", "Content-Type: message/sipfrag;version=2.0"]
        call.ask("NOTIFY", [*fragment, "Subscription-State: active"], "SIP/2.0 100 Trying\r\n")
        call.ask("NOTIFY", [*fragment, "Subscription-State: terminated"], "SIP/2.0 200 OK\r\n")
        peer.reply(peer.request_of("BYE"), 200)
        feed.wait("transfer_completed", call_id=call.id, outcome="completed")
        ended(feed, 1, call_id=call.id)
        call = connected(g, peer, feed=feed, user="201")
        for code, outcome in ((486, "busy"), (480, "no_answer")):
            g.post(f"/voice/calls/{call.id}/transfer", {"to": "100"})
            respond(peer, 202, method="REFER")
            call.ask("NOTIFY", [*fragment, "Subscription-State: terminated"], f"SIP/2.0 {code} No\r\n")
            feed.wait("transfer_completed", call_id=call.id, outcome=outcome)
        g.post(f"/voice/calls/{call.id}/transfer", {"to": "100"})
        respond(peer, 603, method="REFER")
        feed.wait("transfer_completed", call_id=call.id, outcome="failed")
        g.until(lambda: g.get(f"/voice/calls/{call.id}")["state"] == "connected")
        assert call.ask("NOTIFY", ["Event: presence", "Subscription-State: active"], code=4).status == 489
        call.bye()
        one_record_each(g, 2)


def test_an_attended_transfer_asks_the_target_first():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer, desk = g.feed(), Peer(port), Peer(port)
        call = connected(g, peer, feed=feed)
        for code, outcome in ((486, "busy"), (480, "no_answer"), (404, "failed")):
            g.post(f"/voice/calls/{call.id}/transfer", {"to": f"sip:desk@127.0.0.1:{desk.port}", "kind": "attended"})
            desk.reply(invited(desk), code)
            desk.request_of("ACK")
            feed.wait("transfer_completed", call_id=call.id, outcome=outcome)
        g.post(f"/voice/calls/{call.id}/transfer", {"to": f"sip:desk@127.0.0.1:{desk.port}", "kind": "attended"})
        invite = invited(desk)
        desk.reply(invite, 200, body=sdp(9000))
        desk.request_of("ACK")
        refer = respond(peer, 202, method="REFER")
        replaces = f"Replaces={invite.get('Call-ID')}%3Bto-tag%3Dpeertag%3Bfrom-tag%3D{invite.tag('From')}"
        assert replaces in refer.get("Refer-To"), refer
        desk.send(desk.request("BYE", f"sip:127.0.0.1:{port}", call=invite.get("Call-ID"), from_tag="peertag", to_tag=invite.tag("From"), contact=False))
        desk.status(200, "BYE")
        call.ask("NOTIFY", ["Event: refer", "Content-Type: message/sipfrag", "Subscription-State: terminated"], "SIP/2.0 200 OK\r\n")
        peer.reply(peer.request_of("BYE"), 200)
        feed.wait("transfer_completed", call_id=call.id, outcome="completed")
        ended(feed, 1, call_id=call.id)
        one_record_each(g, 1)


def test_whoever_takes_a_call_over_hears_why_first():
    port = sip_port()
    why = "Ms Miller would like to book a double room."
    with gateway(phones(port)) as g:
        feed, peer, desk, rtp = g.feed(), Peer(port), Peer(port), Rtp()
        call = connected(g, peer, feed=feed)
        ask = {"to": f"sip:desk@127.0.0.1:{desk.port}", "kind": "attended", "summary": why}
        g.post(f"/voice/calls/{call.id}/transfer", ask)
        invite = invited(desk)
        desk.reply(invite, 200, body=sdp(rtp.port))
        desk.request_of("ACK")
        told = rtp.voice()
        bye = desk.request("BYE", f"sip:127.0.0.1:{port}", call=invite.get("Call-ID"), from_tag="peertag", to_tag=invite.tag("From"), contact=False)
        assert told and not [m for m in peer.inbox if m.first.startswith("REFER")], "the caller was sent there before anybody was told"
        desk.send(bye)  # who hangs up meanwhile does not take it over
        desk.status(200, "BYE")
        feed.wait("transfer_completed", call_id=call.id, outcome="failed")
        assert g.get(f"/voice/calls/{call.id}")["state"] == "connected"
        g.post(f"/voice/calls/{call.id}/transfer", ask)
        desk.reply(invited(desk), 200, body=sdp(rtp.port))
        desk.request_of("ACK")
        refer = respond(peer, 202, method="REFER")  # once it was told to the end
        assert len(rtp.speech()) * 20 > len(why) * 40, "it was not told to the end"
        assert "Replaces=" in refer.get("Refer-To"), refer
        call.ask("NOTIFY", ["Event: refer", "Content-Type: message/sipfrag", "Subscription-State: terminated"], "SIP/2.0 200 OK\r\n")
        peer.reply(peer.request_of("BYE"), 200)
        feed.wait("transfer_completed", call_id=call.id, outcome="completed")
        ended(feed, 1, call_id=call.id)
        one_record_each(g, 1)
        rtp.close()


def test_a_peer_sends_the_gateway_elsewhere():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer, desk, rtp = g.feed(), Peer(port), Peer(port), Rtp()
        call = connected(g, peer, feed=feed)
        replaces = "a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2"
        answer = call.ask("REFER", [f"Refer-To: <sip:desk@127.0.0.1:{desk.port}?Replaces={replaces}>"])
        assert answer.status == 202, answer
        invite = invited(desk)
        assert invite.get("Replaces") == "a@b;to-tag=1;from-tag=2" and "replaces" in invite.get("Require"), invite
        trying = peer.request_of("NOTIFY")
        assert "100" in trying.body and "active" in trying.get("Subscription-State") and trying.get("Event") == "refer", trying
        peer.reply(trying, 200)
        desk.reply(invite, 200, body=sdp(rtp.port))
        desk.request_of("ACK")
        done = peer.request_of("NOTIFY")
        assert done.body.startswith("SIP/2.0 200") and "terminated" in done.get("Subscription-State"), done
        peer.reply(done, 200)
        peer.reply(peer.request_of("BYE"), 200)
        address, far, _ = invite.media()
        rtp.echoed((address, far), 20)  # the conversation goes on with the new peer
        assert g.get(f"/voice/calls/{call.id}")["state"] == "connected"
        bye = desk.request("BYE", f"sip:127.0.0.1:{port}", call=invite.get("Call-ID"), from_tag="peertag", to_tag=invite.tag("From"), contact=False)
        desk.send(bye)
        desk.status(200, "BYE")
        ended(feed, 1, call_id=call.id)
        call = connected(g, peer, feed=feed, user="201")
        call.ask("REFER", [f"Refer-To: <sip:desk@127.0.0.1:{desk.port}>"])
        desk.reply(invited(desk), 486)
        trying = peer.expect(lambda m: m.first.startswith("NOTIFY ") and m.get("Call-ID") == call.call)
        peer.reply(trying, 200)
        busy = peer.expect(lambda m: m.first.startswith("NOTIFY ") and m.get("Call-ID") == call.call)
        assert "486" in busy.body, (trying, busy)
        peer.reply(busy, 200)
        assert call.ask("REFER", ["Refer-To: <http://x>"], code=4).status == 400
        call.bye()
        one_record_each(g, 2)
        rtp.close()


def test_a_dialog_replaces_another():
    port = sip_port()
    with gateway(phones(port)) as g:
        feed, peer, other, rtp = g.feed(), Peer(port), Peer(port), Rtp()
        call = connected(g, peer, feed=feed)
        wrong = Dialog(other, "200", sdp(rtp.port), ["Replaces: nothing;to-tag=1;from-tag=2"])
        assert wrong.refused().status == 481
        takes = Dialog(other, "200", sdp(rtp.port), [f"Replaces: {call.call};to-tag={call.to_tag};from-tag={call.tag}", "Require: replaces"])
        address, far, _ = takes.answered().media()
        peer.reply(peer.request_of("BYE"), 200)
        rtp.echoed((address, far), 20)
        assert g.get(f"/voice/calls/{call.id}")["state"] == "connected"
        takes.bye()
        ended(feed, 1, call_id=call.id)
        one_record_each(g, 1)
        rtp.close()


def test_digits_by_info_and_headers_become_variables():
    port = sip_port()
    with gateway(phones(port, "dtmf: info")) as g:
        feed, peer = g.feed(), Peer(port)
        call = Dialog(peer, "200", sdp(9000), ["X-Customer: 4711", "P-Asserted-Identity: <sip:+1555@carrier.example>"])
        call.answered()
        started = feed.wait("call_answered")
        call.ask("INFO", ["Content-Type: application/dtmf-relay"], "Signal=5\r\nDuration=120\r\n")
        call.ask("INFO", ["Content-Type: application/dtmf"], "#")
        assert call.ask("INFO", ["Content-Type: text/plain"], "x", code=4).status == 415
        assert feed.wait("dtmf_received", digit="5")["data"]["source"] == "info"
        feed.wait("dtmf_received", digit="#")
        g.post(f"/voice/calls/{started['call_id']}/dtmf", {"digits": "1*"})
        for digit in "1*":
            info = peer.request_of("INFO")
            assert f"Signal={digit}" in info.body, info
            peer.reply(info, 200, tag="x")
        session = g.get(f"/voice/sessions/{started['session_id']}")
        assert session["variables"]["sip_headers"] == {"P-Asserted-Identity": "<sip:+1555@carrier.example>", "X-Customer": "4711"}, session
        call.bye()
        one_record_each(g, 1)


def test_two_gateways_agree_on_codec_and_keys():
    near, far = sip_port(), sip_port()
    with gateway(phones(far, "srtp: optional")) as b:
        heard = b.feed()
        for i, (codec, srtp) in enumerate((("pcmu", "off"), ("pcma", "required"), ("g722", "off"), ("opus", "required"), ("pcmu", "optional"))):
            with gateway(phones(near, f"codecs: [{codec}], srtp: {srtp}, trunks: [{trunk('far', far)}]")) as a:
                feed = a.feed()
                call = a.call(f"+1555{i}", provider="phones")
                feed.wait("call_answered", call_id=call["call_id"])
                heard.wait("call_answered", to=f"+1555{i}")
                a.post(f"/voice/calls/{call['call_id']}/dtmf", {"digits": "42#"})
                for digit in "42#":
                    e = heard.wait("dtmf_received", i + 1, digit=digit)
                    e = e[-1] if isinstance(e, list) else e
                    assert e["data"]["source"] == "rfc4733", e
                said = a.post(f"/voice/calls/{call['call_id']}/say", {"text": "one two three"})
                assert said, said
                a.post(f"/voice/calls/{call['call_id']}/end")
                ended(feed, 1, call_id=call["call_id"])
                heard.wait("call_ended", to=f"+1555{i}")
                for g in (a, b):
                    for what in ("srtp_refused", "rtp_refused", "rtp_strangers"):
                        assert g.metric(f"voicegw_plugin_{what}_total", 0) == 0, (codec, srtp, what)
        one_record_each(b, 5)
    with gateway(phones(far, "srtp: required")) as b:
        assert Dialog(Peer(far), "200", sdp(9000)).refused().status == 488


def packets_of(data):
    """How many UDP packets a capture holds that is whole; -1: its end is not written yet."""
    at, packets = 24, 0
    while at + 16 <= len(data):
        n = int.from_bytes(data[at + 8:at + 12], "little")
        whole = at + 16 + n <= len(data)
        assert not whole or (data[at + 16] == 0x45 and data[at + 25] == 17 and int.from_bytes(data[at + 18:at + 20], "big") == n)
        at, packets = at + 16 + n, packets + 1
    return packets if at == len(data) else -1


def test_a_person_may_ask():
    port = sip_port()
    peer = Peer(port)
    with tempfile.TemporaryDirectory() as folder:
        pcap = os.path.join(folder, "calls.pcap")
        more = f"trunks: [{trunk('carrier', peer.port, 'username: u, password: hidden')}], {USERS}, srtp: optional, pcap: {{calls: 10, path: {pcap}}}"
        with gateway(phones(port, more)) as g:
            feed = g.feed()
            register(peer)
            call = Dialog(peer, "200", sdp(9000, more="a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "QUJD" * 10 + "\r\n"))
            assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in call.answered().body
            started = feed.wait("call_answered")
            call.bye()
            ended(feed, 1)
            trunks = g.get("/voice/sip/trunks")["trunks"]
            assert trunks[0]["name"] == "carrier" and trunks[0]["state"] == "unknown" and "hidden" not in str(trunks), trunks
            phones_there = g.get("/voice/phones/registrations")["registrations"]
            assert phones_there[0]["user"] == "alice" and 500 < phones_there[0]["expires"] <= 600, phones_there
            for name in (started["call_id"], call.call):
                trace = g.get(f"/voice/sip/trace/{name}")
                lines = [m["line"].split(" SIP/")[0].split(" sip:")[0] for m in trace["messages"]]
                assert lines[0] == "INVITE" and "SIP/2.0 200 OK" in [m["line"] for m in trace["messages"]] and lines[-2] == "BYE", trace
                assert len(trace["ladder"]) == len(lines) and "<--" in trace["ladder"][0], trace
            g.get("/voice/sip/trace/nothing", status=404)
            ctl = subprocess.run([os.path.join(build(), "bin", "voicegwctl"), "--socket", f"{g.run}/control.sock", "sip", "trace", started["call_id"]],
                                 capture_output=True, text=True, check=True).stdout
            assert "INVITE" in ctl and "BYE" in ctl, ctl
            g.until(lambda: os.path.exists(pcap) and (b"BYE sip" in (d := open(pcap, "rb").read())) and packets_of(d) == len(trace["messages"]))
            data = open(pcap, "rb").read()
            assert data[:4] == bytes.fromhex("d4c3b2a1") and b"inline:****" in data and b"QUJDQUJD" not in data


def descriptors(g):
    return len(os.listdir(f"/proc/{g.process.pid}/fd"))


def held_until_info(folder):
    """sipp's own caller, but for one thing: it hangs up when an INFO comes, not after a time."""
    text = subprocess.run([SIPP, "-sd", "uac"], capture_output=True, text=True, check=False).stdout
    info = """<recv request="INFO"></recv>
  <send><![CDATA[

      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]></send>"""
    assert text.count("<pause/>") == 1, text
    path = os.path.join(folder, "held.xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("<pause/>", info))
    return path


def test_two_hundred_calls_live_through_a_reload():
    if not SIPP:
        return "sipp is not installed"
    port = sip_port()
    core = "max_sessions: 300"
    with gateway(phones(port, "dtmf: info", core=core)) as g:
        feed = g.feed()
        before = descriptors(g)
        join = background(sipp, g, port, "-r", "100", "-l", "200", calls=200, scenario=held_until_info(g.folder))
        feed.wait("call_answered", 200)
        assert descriptors(g) <= before + 200 * 2 + 10, "two descriptors a call"
        g.write(phones(port, "dtmf: info, codecs: [pcma, pcmu], max_cps: 50", core=core))
        answer = g.post("/voice/reload")
        assert not answer["waiting"], answer
        assert len(feed.find("call_ended")) == 0, "all of them were up"
        for e in feed.find("call_answered"):
            g.post(f"/voice/calls/{e['call_id']}/dtmf", {"digits": "1"})
        with contextlib.suppress(AssertionError):
            join()
        ended(feed, 200, status="completed", cause="hung up by the peer")
        assert not feed.find("call_failed")
        g.until(lambda: descriptors(g) <= before + 4)
        assert len(g.history(200, status="completed")) == 200


def test_short_calls_leave_nothing_behind():
    if not SIPP:
        return "sipp is not installed"
    port = sip_port()
    with gateway(phones(port, "max_cps: 1000, trace_calls: 10", core="max_sessions: 700")) as g:
        feed = g.feed()
        whole_call(feed, Peer(port), user="201")
        before = descriptors(g)
        sipp(g, port, "-r", "150", "-l", "100", "-d", "0", calls=600)
        g.until(lambda: g.metric("voicegw_sessions", 0) == 0 and len(g.history(601, status="completed")) == 601)
        g.until(lambda: descriptors(g) <= before + 2)


def test_a_peer_that_falls_silent_and_one_that_is_not_the_peer():
    port = sip_port()
    routes = "  - {match: {provider: phones}, assistant: back, variables: {desk: one, sip_headers: none}}\n"
    with gateway(phones(port, "rtp_timeout: 6s", routes=routes)) as g:
        feed, peer, rtp, stranger = g.feed(), Peer(port), Rtp(), Rtp()
        call = Dialog(peer, "200", sdp(rtp.port), ["X-Room: 12"])
        address, far, _ = call.answered().media()
        started = feed.wait("call_answered")
        session = g.get(f"/voice/sessions/{started['session_id']}")
        assert session["variables"] == {"desk": "one", "sip_headers": {"X-Room": "12"}}, session
        rtp.echoed((address, far), 10)
        noise = stranger.speak((address, far), 0.4, make=lambda i: bytes([0x90 | (i & 7)]) * 160)
        heard = rtp.echoed((address, far), 10)
        assert not [f for f in heard if f in noise] and not stranger.receive(0.2), "who comes second is not believed"
        g.until(lambda: g.metric("voicegw_plugin_rtp_strangers_total") >= 15)
        for junk in (b"", b"x", b"\x80\x00", b"\x90" + b"\xff" * 20, rtp.packet(b"x" * 1400), rtp.packet(b"y" * 160, 77), b"\x80\xc8" + b"\0" * 30):
            rtp.socket.sendto(junk, (address, far))
        bye = peer.request_of("BYE")
        peer.reply(bye, 200)
        ended(feed, 1, call_id=started["call_id"], cause="no RTP came")
        one_record_each(g, 1)
        rtp.close()
        stranger.close()


def test_lost_messages_are_sent_again():
    if not SIPP:
        return "sipp is not installed"
    port = sip_port()
    with gateway(phones(port)) as g:
        feed = g.feed()
        with contextlib.suppress(AssertionError):  # sipp counts a call whose BYE it lost as failed; ours ends either way
            sipp(g, port, "-lost", "10", "-r", "10", "-d", "200", calls=20)
        feed.wait("call_answered", 12)
        g.until(lambda: g.metric("voicegw_sessions", 0) == 0 or  # one may end by itself before it is told to
                [g.request("POST", f"/voice/calls/{c['call_id']}/end", {}) for c in g.get("/voice/calls")["calls"] if c["state"] == "connected"] and
                time.sleep(1), 3 * wait())
        feed.wait("voice.session.stopped", len(feed.find("call_initiated")))
        ends = [e["call_id"] for e in feed.events if e["type"] in ("call_ended", "call_failed")]
        assert len(ends) == len(set(ends)) == len(feed.find("call_initiated")), ends


if __name__ == "__main__":
    run(globals())
