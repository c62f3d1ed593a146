#!/usr/bin/python3
# budget: 240 s
"""Telephony by SIP: sipp calls the gateway and is called, and a peer in the tests' own hands does what sipp cannot."""
import glob
import os
import shutil
import subprocess
import time

from daemon import base, gateway, run, wait
from sip_peer import Dialog, Peer, Rtp, sdp, sip_port

SIPP = shutil.which("sipp")


def phones(port, more="", routes=None, core="", assistant="back"):
    """A configuration with one SIP instance on a free port."""
    text = base(gateway=core, routes=routes if routes is not None
                else f"  - {{match: {{provider: phones}}, assistant: {assistant}, stt: local, tts: local}}\n")
    instance = f'  phones: {{plugin: sip, listen: ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"], rtp_ports: 21000-28999{", " + more if more else ""}}}\n'
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
    command = [SIPP, *(("-sf", scenario) if os.path.sep in scenario else ("-sn", scenario)), f"127.0.0.1:{port}", "-i", "127.0.0.1", "-p", str(local),
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
        sent = rtp.speak((address, far), 1.0)
        heard = [p[3] for p in rtp.receive(1.0)]
        # The assistant sends back what it hears, bit for bit; a machine that stalls may lose a frame at either end.
        assert len([f for f in heard if f in sent]) >= 40, (len(sent), len(heard))
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
        sent = rtp.speak((address, far), 0.6, 8)
        assert len([p for p in rtp.receive(0.6) if p[0] == 8 and p[3] in sent]) >= 20
        call.bye()
        late = Dialog(peer, "201")
        answer = peer.status(2, "INVITE", late.call)
        late.to_tag, late.contact, late.routes = answer.tag("To"), answer.get("Contact").strip("<>"), []
        address, far, formats = answer.media()
        assert {0, 8} <= set(formats), answer
        assert not feed.find("call_answered", to="201"), "it is answered when its audio is known"
        late.ack(sdp(rtp.port, "0"))
        feed.wait("call_answered", to="201")
        sent = rtp.speak((address, far), 0.6)
        assert len([p for p in rtp.receive(0.6) if p[3] in sent]) >= 20
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
    bad = {"no codec of ours": sdp(9000, "9"), "port 0": sdp(0), "no stream": head, "1,000 streams": head + lines,
           "a name for an address": sdp(9000, address="attacker.example"), "garbage": "x" * 40, "a huge attribute": sdp(9000, more="a=" + "x" * 8000 + "\r\n"),
           "another profile": sdp(9000).replace("RTP/AVP", "RTP/SAVP "), "video only": sdp(9000).replace("m=audio", "m=video")}
    with gateway(phones(port)) as g:
        peer = Peer(port)
        for what, body in bad.items():
            m = Dialog(peer, "200", body).refused()
            assert m.status == 488, (what, m)
        m = Dialog(peer, "200", "<x/>", ["Content-Type: application/xml"]).refused()
        assert m.status == 415 and m.get("Accept") == "application/sdp", m
        m = Dialog(peer, "200", sdp(9000), ["Require: 100rel"]).refused()
        assert m.status == 420 and m.get("Unsupported") == "100rel", m
        assert g.history(0) == [] and g.metric("voicegw_sessions", 0) == 0
        good = Dialog(peer, "200", sdp(9000).replace("t=0 0\r\n", "t=0 0\r\nb=AS:64\r\n") + "m=video 0 RTP/AVP 96\r\nm=image 9002 udptl t38\r\n")
        answer = good.answered()
        assert answer.body.count("m=") == 3 and "m=image 0" in answer.body, answer
        good.bye()
        one_record_each(g, 1)


def test_messages_that_are_wrong():
    port = sip_port()
    with gateway(phones(port)) as g:
        peer = Peer(port)
        good = peer.request("OPTIONS", f"sip:127.0.0.1:{port}")
        cases = [(good.replace("SIP/2.0\r\n", "SIP/7.0\r\n", 1), 505), (good.replace("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0"), 400),
                 (good.replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"), 400), (good.replace("CSeq: 1 ", "CSeq: 9292394834772304023312 "), 400),
                 (good.replace("Content-Length: 0", "Content-Length: 9999"), 400), (good.replace("Content-Length: 0", "Content-Length: -999"), 400),
                 (good.replace(f"OPTIONS sip:127.0.0.1:{port}", "OPTIONS nobody:x"), 416), (good.replace("OPTIONS sip", "OPTIONS <sip").replace(" SIP/2.0", "> SIP/2.0", 1), 400),
                 (good.replace("OPTIONS", "WHATEVER"), 405), (good, 200), (good.replace("OPTIONS", "BYE"), 481), (good.replace("OPTIONS", "MESSAGE"), 405)]
        for i, (text, status) in enumerate(cases):
            call = text.split("Call-ID: ")[1].split("\r\n")[0]
            peer.send(text.replace(call, f"{call}-{i}").replace("z9hG4bK", f"z9hG4bK{i}x"))
            m = peer.expect(lambda m: m.status and m.get("Call-ID") == f"{call}-{i}")
            assert m.status == status, (status, text, m)
        for junk in (b"", b"\0" * 5, b"\r\n\r\n", b"INVITE", os.urandom(500), b"SIP/2.0 200 OK\r\n\r\n", b"A" * 60000):
            peer.send(junk)
        call = Dialog(peer, "200", sdp(9000))
        call.answered()
        call.bye()
        one_record_each(g, 1)


if __name__ == "__main__":
    run(globals())
