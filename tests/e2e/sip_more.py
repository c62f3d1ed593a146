#!/usr/bin/python3
# plain
# budget: 240 s
"""Telephony by SIP, the finer points: what is reliable before an answer, who proves what by TLS, where names lead, and keys that the media itself agrees on."""
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import baresip
from daemon import build, gateway, run, wait
from sip import USERS, certificates, ended, invited, listening, one_record_each, phones, trunk
from sip_phone import telephone
from sip_peer import Dialog, Message, Peer, Rtp, sdp, sip_port


def called(g, peer, feed, number="555", rtp_port=9000, **more):
    """A call of the gateway's that the peer answers: (the call, its INVITE)."""
    call = g.call(number, provider="phones", **more)
    invite = invited(peer)
    peer.reply(invite, 200, body=sdp(rtp_port))
    peer.request_of("ACK")
    feed.wait("call_answered", call_id=call["call_id"])
    return call, invite


def hang_up(g, peer, feed, call):
    g.post(f"/voice/calls/{call['call_id']}/end")
    peer.reply(peer.request_of("BYE"), 200)
    ended(feed, 1, call_id=call["call_id"])


def test_a_call_that_goes_out_names_its_transport():
    port, peer_port = sip_port(), sip_port()
    with gateway(phones(port, f"trunks: [{trunk('carrier', peer_port)}]")) as g:
        feed, peer = g.feed(), Peer(port, port=peer_port)
        call, _ = called(g, peer, feed)
        assert g.get(f"/voice/sessions/{call['session_id']}")["transport"] == "sip_rtp"
        hang_up(g, peer, feed, call)
        assert one_record_each(g, 1)[0]["transport"] == "sip_rtp"


def test_a_trunk_is_found_by_a_name_of_the_hosts_file():
    port, peer_port = sip_port(), sip_port()
    more = "trunks: [{name: carrier, host: localhost, port: %d, options_ping: 30s}]" % peer_port
    peer = Peer(port, port=peer_port)
    with gateway(phones(port, more)) as g:
        feed = g.feed()
        peer.reply(peer.request_of("OPTIONS"), 200)
        feed.wait("sip.trunk_up", trunk="carrier")
        call, invite = called(g, peer, feed)
        assert invite.first.startswith(f"INVITE sip:555@localhost:{peer_port}") and invite.media()[0] == "127.0.0.1", invite
        hang_up(g, peer, feed, call)


def client_context(folder, name=None):
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    if name:
        context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
    return context


def test_a_trunk_proves_itself_by_its_certificate():
    port, secure = sip_port(), sip_port()
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        more = (f"anonymous: reject, tls: {{certificate: {folder}/good.pem, key: {folder}/good.key, ca: {folder}/ca.pem}}, "
                f"trunks: [{{name: carrier, host: localhost, port: 9, transport: tls, auth: tls, options_ping: 0, tls: {{ca: {folder}/ca.pem}}}}]")
        routes = "  - {match: {provider: phones, trunk: carrier}, assistant: back}\n"
        with gateway(listening([f"udp:127.0.0.1:{port}", f"tls:127.0.0.1:{secure}"], more, routes)) as g:
            feed = g.feed()
            call = Dialog(Peer(secure, "tls", context=client_context(folder, "good")), "200", sdp(9000))
            call.answered()
            call.bye()
            ended(feed, 1)
            # Nothing shown, or a certificate of the right CA that bears another name: a stranger.
            for name in (None, "misnamed"):
                peer = Peer(secure, "tls", context=client_context(folder, name))
                assert Dialog(peer, "200", sdp(9000)).refused().status == 403, name
            assert Dialog(Peer(port), "200", sdp(9000)).refused().status == 403
            try:  # of another CA: no connection at all
                peer = Peer(secure, "tls", context=client_context(folder, "stranger"))
                peer.send(peer.request("OPTIONS", f"sip:127.0.0.1:{secure}"))
                with peer.changed:
                    assert peer.changed.wait_for(lambda: peer.closed, wait()), "it should have been hung up on"
                assert not peer.inbox, peer.inbox
            except OSError:
                pass
            one_record_each(g, 1)


def test_a_trunk_with_tls_is_believed_by_tls_only():
    port, secure = sip_port(), sip_port()
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        more = (f"anonymous: reject, tls: {{certificate: {folder}/good.pem, key: {folder}/good.key}}, "
                f"trunks: [{{name: carrier, host: 127.0.0.1, port: 9, transport: tls, options_ping: 0, tls: {{ca: {folder}/ca.pem}}}}]")
        routes = "  - {match: {provider: phones, trunk: carrier}, assistant: back}\n"
        with gateway(listening([f"udp:127.0.0.1:{port}", f"tls:127.0.0.1:{secure}"], more, routes)) as g:
            feed = g.feed()
            m = Dialog(Peer(port), "200", sdp(9000)).refused()
            assert m.status == 403 and "TLS" in m.first, m
            call = Dialog(Peer(secure, "tls", context=client_context(folder)), "200", sdp(9000))
            call.answered()
            call.bye()
            ended(feed, 1)
            assert g.metric("voicegw_plugin_calls_without_tls_total", 0) == 1
            one_record_each(g, 1)


def test_a_provisional_answer_is_acknowledged_both_ways():
    port, peer_port = sip_port(), sip_port()
    with gateway(phones(port, f"trunks: [{trunk('carrier', peer_port)}]")) as g:
        feed, peer = g.feed(), Peer(port, port=peer_port)
        # Theirs: each is told apart by its RSeq, and what comes twice is acknowledged once.
        call = g.call("555", provider="phones")
        invite = invited(peer)
        assert "100rel" in invite.get("Supported") and "PRACK" in invite.get("Allow"), invite
        for code, rseq in ((180, 7), (180, 7), (183, 9), (183, 8)):
            peer.reply(invite, code, headers=["Require: 100rel", f"RSeq: {rseq}"])
        first, second = peer.request_of("PRACK"), peer.request_of("PRACK")
        assert [m.get("RAck") for m in (first, second)] == [f"{r} {invite.get('CSeq').split()[0]} INVITE" for r in (7, 8)], (first, second)
        for m in (first, second):
            assert m.tag("To") == "peertag" and m.get("Call-ID") == invite.get("Call-ID"), m
            peer.reply(m, 200)
        peer.reply(invite, 200, body=sdp(9000))
        assert peer.request_of("ACK").get("CSeq").split()[0] == invite.get("CSeq").split()[0]
        feed.wait("call_answered", call_id=call["call_id"])
        g.post(f"/voice/calls/{call['call_id']}/end")
        bye = peer.request_of("BYE")
        assert int(bye.get("CSeq").split()[0]) > int(second.get("CSeq").split()[0]) > int(first.get("CSeq").split()[0]), bye
        peer.reply(bye, 200)
        ended(feed, 1)
        peer.never(lambda m: m.first.startswith("PRACK") and m.get("RAck").startswith("9 "), 0.1)
        # Ours, whose PRACK may come behind the answer: it must name it, once.
        caller = Dialog(peer, "200", sdp(9000), ["Require: 100rel"])
        ring = peer.status(180, "INVITE", caller.call)
        assert ring.get("Require") == "100rel" and int(ring.get("RSeq")) > 0, ring
        rseq = int(ring.get("RSeq"))
        answer = caller.answered()
        assert answer.tag("To") == ring.tag("To"), answer
        for rack, code in ((f"{rseq + 1} 1 INVITE", 481), (f"{rseq} 2 INVITE", 481), (f"{rseq} 1 INVITE", 200), (f"{rseq} 1 INVITE", 481)):
            caller.ask("PRACK", [f"RAck: {rack}"], code=code)
        caller.bye()
        ended(feed, 2)
        # Who leaves the offer to us gets it by the first response that is reliable: the answer.
        late = Dialog(peer, "201", None, ["Require: 100rel"])
        answer = peer.expect(lambda m: m.status > 100 and m.get("Call-ID") == late.call)
        assert answer.status == 200 and "m=audio" in answer.body, answer
        late.to_tag, late.contact, late.routes = answer.tag("To"), answer.get("Contact").strip("<>"), []
        late.ack(sdp(9000))
        feed.wait("call_answered", to="201")
        late.bye()
        ended(feed, 3)
        one_record_each(g, 3)


def keyed(port_near, port_far, keys, srtp, codec):
    """Two gateways, one of which calls the other: digits and speech pass, and nothing is refused."""
    with gateway(phones(port_far, "srtp: optional")) as b, \
            gateway(phones(port_near, f"codecs: [{codec}], srtp: {srtp}, srtp_keys: {keys}, trunks: [{trunk('far', port_far)}]")) as a:
        feed, heard = a.feed(), b.feed()
        call = a.call("+1555", provider="phones")
        feed.wait("call_answered", call_id=call["call_id"])
        other = heard.wait("call_answered")["call_id"]
        a.post(f"/voice/calls/{call['call_id']}/dtmf", {"digits": "42#"})
        for digit in "42#":
            assert heard.wait("dtmf_received", digit=digit)["data"]["source"] == "rfc4733"
        a.post(f"/voice/calls/{call['call_id']}/end")
        ended(feed, 1, call_id=call["call_id"])
        heard.wait("call_ended", call_id=other)
        for g in (a, b):
            for what in ("srtp_refused", "rtp_refused", "rtp_strangers", "dtls_refused"):
                assert g.metric(f"voicegw_plugin_{what}_total", 0) == 0, (keys, srtp, codec, what)


def test_keys_by_a_handshake_between_two_gateways():
    for srtp, codec, profile in (("required", "opus", "UDP/TLS/RTP/SAVP"), ("optional", "pcmu", "RTP/AVP")):
        port, peer_port = sip_port(), sip_port()
        with gateway(phones(port, f"srtp: {srtp}, srtp_keys: dtls, trunks: [{trunk('carrier', peer_port)}]")) as g:
            feed, peer = g.feed(), Peer(port, port=peer_port)
            call = g.call("555", provider="phones")
            invite = invited(peer)
            assert all(x in invite.body for x in (f" {profile} ", "a=setup:actpass", "a=fingerprint:sha-256 ", "a=rtcp-mux")), invite
            assert "a=crypto" not in invite.body, invite
            peer.reply(invite, 486)
            feed.wait("call_failed", call_id=call["call_id"])
        keyed(sip_port(), sip_port(), "dtls", srtp, codec)


def test_keys_by_a_handshake_with_a_telephone():
    if not baresip.READY:
        return "baresip is not installed"
    port = sip_port()
    with tempfile.TemporaryDirectory() as folder, gateway(phones(port, f"srtp: required, srtp_keys: dtls, {USERS}", assistant="echo")) as g:
        account = f"<sip:alice@127.0.0.1:{port}>;auth_user=alice;auth_pass=wonder;regint=600;mediaenc=dtls_srtp;answermode=auto"
        with telephone(folder, account, more=("srtp", "dtls_srtp")) as phone:
            feed = g.feed()
            g.until(lambda: g.get("/voice/sip/registrations")["registrations"])
            phone.tell("dial", f"sip:200@127.0.0.1:{port}")
            phone.wait("CALL_ESTABLISHED")
            # That speech came out of the packets, and one went back; how well it was understood is another suite's affair.
            call = feed.wait("voice.stt.final")["call_id"]
            feed.wait("voice.assistant.text")
            phone.tell("hold")
            feed.wait("hold_started", call_id=call)
            phone.tell("resume")
            feed.wait("hold_ended", call_id=call)
            phone.tell("sndcode", "5")
            assert feed.wait("dtmf_received", digit="5")["data"]["source"] == "rfc4733"
            phone.tell("hangup")
            ended(feed, 1, call_id=call)
            call = g.call("alice", provider="phones")["call_id"]
            feed.wait("call_answered", call_id=call)
            feed.wait("voice.stt.final", call_id=call)
            g.post(f"/voice/calls/{call}/end")
            ended(feed, 1, call_id=call)
            for what in ("srtp_refused", "rtp_refused", "dtls_refused"):
                assert g.metric(f"voicegw_plugin_{what}_total", 0) == 0, what
    return None


def with_handshake(rtp, setup="actpass"):
    text = sdp(rtp.port, more=f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=setup:{setup}\r\na=rtcp-mux\r\n")
    return text.replace("RTP/AVP", "UDP/TLS/RTP/SAVP")


def test_no_audio_without_the_handshake_that_was_promised():
    port = sip_port()
    with gateway(phones(port, "srtp: required")) as g:
        feed, peer, rtp = g.feed(), Peer(port), Rtp()
        call = Dialog(peer, "200", with_handshake(rtp))
        answer = call.answered()
        assert "UDP/TLS/RTP/SAVP" in answer.body and "a=setup:active" in answer.body and "a=fingerprint:sha-256" in answer.body, answer
        address, far, _ = answer.media()
        rtp.speak((address, far), 0.6)  # in clear: nobody listens, and nothing comes back but the handshake
        kinds = set()
        end = time.monotonic() + wait()
        rtp.socket.settimeout(0.2)
        while not kinds & {22} and time.monotonic() < end:
            try:
                kinds.add(rtp.socket.recv(2048)[0])
            except TimeoutError:
                continue
        assert kinds == {22}, kinds
        ended(feed, 1, cause="no keys were agreed on by DTLS")
        peer.reply(peer.request_of("BYE"), 200)
        rtp.close()
    port = sip_port()
    with gateway(phones(port)) as g:  # srtp: off
        assert Dialog(Peer(port), "200", with_handshake(Rtp())).refused().status == 488


def accepted(folder, server):
    """The connection of a caller by TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/good.pem", f"{folder}/good.key")
    server.settimeout(wait())
    plain, _ = server.accept()
    s = context.wrap_socket(plain, server_side=True)
    s.settimeout(wait())
    return s


def read_request(s, method):
    """The next request of that method; others are passed over."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            data += s.recv(65536)
        head, _, rest = data.partition(b"\r\n\r\n")
        n = int(re.search(rb"content-length:\s*(\d+)", head, re.I)[1])
        while len(rest) < n:
            rest += s.recv(65536)
        data = rest[n:]
        m = Message((head + b"\r\n\r\n" + rest[:n]).decode())
        if m.first.startswith(method + " "):
            return m


def reply_to(s, m, code, contact=None, body=""):
    lines = [f"SIP/2.0 {code} X"] + [f"{n}: {v}" + (";tag=there" if n == "To" and ";tag=" not in v else "")
                                     for n, v in m.headers if n in ("Via", "From", "To", "Call-ID", "CSeq")]
    lines += [f"Contact: {contact}"] if contact else []
    lines += ["Content-Type: application/sdp"] if body else []
    s.sendall(("\r\n".join(lines) + f"\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())


def test_sips_asks_for_tls_all_the_way():
    port, secure, far = sip_port(), sip_port(), sip_port()
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        more = (f"tls: {{certificate: {folder}/good.pem, key: {folder}/good.key}}, "
                f"trunks: [{{name: carrier, host: 127.0.0.1, port: {far}, transport: tls, options_ping: 0, tls: {{ca: {folder}/ca.pem}}}}]")
        with gateway(listening([f"udp:127.0.0.1:{port}", f"tls:127.0.0.1:{secure}"], more)) as g:
            feed = g.feed()
            # In: the Contacts of both sides are of that kind, and what the gateway sends within the dialog finds its way.
            peer = Peer(secure, "tls", context=client_context(folder))
            peer.send(peer.request("INVITE", f"sips:200@127.0.0.1:{secure}", body=sdp(9000), call="in")
                      .replace(f"<sip:peer@127.0.0.1:{peer.port};transport=tls>", f"<sips:peer@127.0.0.1:{peer.port}>"))
            answer = peer.status(200, "INVITE", "in")
            assert f"<sips:voicegw@127.0.0.1:{secure}>" in answer.get("Contact"), answer
            peer.send(peer.request("ACK", f"sips:voicegw@127.0.0.1:{secure}", call="in", to=f"sips:200@127.0.0.1:{secure}", to_tag=answer.tag("To")))
            call = feed.wait("call_answered")["call_id"]
            g.post(f"/voice/calls/{call}/end")
            peer.reply(peer.request_of("BYE"), 200)
            ended(feed, 1, call_id=call)
            # Not by a transport that everybody can read.
            assert Dialog(Peer(port), uri=f"sips:200@127.0.0.1:{port}", body=sdp(9000)).refused().status == 403
            # Out.
            server = socket.create_server(("127.0.0.1", far))
            call = g.call(f"sips:555@127.0.0.1:{far}", provider="phones")["call_id"]
            with server, accepted(folder, server) as s:
                invite = read_request(s, "INVITE")
                assert invite.first == f"INVITE sips:555@127.0.0.1:{far} SIP/2.0" and "<sips:" in invite.get("Contact"), invite
                reply_to(s, invite, 200, f"<sips:555@127.0.0.1:{far}>", sdp(9000))
                read_request(s, "ACK")
                feed.wait("call_answered", call_id=call)
                g.post(f"/voice/calls/{call}/end")
                reply_to(s, read_request(s, "BYE"), 200)
                ended(feed, 1, call_id=call)
            one_record_each(g, 2)


def loud(rtp, frames):
    """Waits until so many frames of mu-law came that are more than silence."""
    end, count = time.monotonic() + wait(), 0
    while count < frames and time.monotonic() < end:
        count += sum(1 for p in rtp.receive(0.5) if p[0] == 0 and sum(1 for octet in p[3] if octet & 0x7F < 0x60) > 40)
    assert count >= frames, count


def test_who_is_held_hears_music():
    port, peer_port = sip_port(), sip_port()
    with gateway(phones(port, f"trunks: [{trunk('carrier', peer_port)}]")) as g:
        feed, peer, rtp = g.feed(), Peer(port, port=peer_port), Rtp()
        call, _ = called(g, peer, feed, rtp_port=rtp.port)
        assert not [p for p in rtp.receive(0.3) if len(set(p[3])) > 4], "nobody speaks yet"
        g.post(f"/voice/calls/{call['call_id']}/hold")
        m = peer.request_of("INVITE")
        assert "a=sendonly" in m.body, m
        peer.reply(m, 200, body=sdp(rtp.port, direction="recvonly"))
        peer.request_of("ACK")
        feed.wait("hold_started", call_id=call["call_id"])
        loud(rtp, 25)
        g.post(f"/voice/calls/{call['call_id']}/resume")
        peer.reply(peer.request_of("INVITE"), 200, body=sdp(rtp.port))
        peer.request_of("ACK")
        feed.wait("hold_ended", call_id=call["call_id"])
        hang_up(g, peer, feed, call)
        one_record_each(g, 1)
        rtp.close()


def test_a_redirection_is_followed_where_that_is_wanted():
    for policy in ("reject", "follow"):
        port, first_port, second_port = sip_port(), sip_port(), sip_port()
        with gateway(phones(port, f"redirects: {policy}, trunks: [{trunk('carrier', first_port)}]")) as g:
            feed, first, second = g.feed(), Peer(port, port=first_port), Peer(port, port=second_port)
            call = g.call("555", provider="phones")
            first.reply(invited(first), 302, headers=[f"Contact: <sip:556@127.0.0.1:{second_port}>"], contact=False)
            first.request_of("ACK")
            if policy == "reject":
                assert "302" in feed.wait("call_failed", call_id=call["call_id"])["data"]["cause"]
                continue
            invite = invited(second)
            assert invite.first.startswith("INVITE sip:556@"), invite
            # Whoever sends us round and round is not followed for ever.
            for _ in range(5):
                second.reply(invite, 302, headers=[f"Contact: <sip:556@127.0.0.1:{second_port}>"], contact=False)
                second.request_of("ACK")
                if feed.find("call_failed"):
                    break
                try:
                    invite = invited(second, 2)
                except AssertionError:
                    break
            feed.wait("call_failed", call_id=call["call_id"])
            one_record_each(g, 1, "failed")


def test_a_session_that_nobody_refreshes_ends():
    port, peer_port = sip_port(), sip_port()
    with gateway(phones(port, f"trunks: [{trunk('carrier', peer_port)}]")) as g:
        feed, peer = g.feed(), Peer(port, port=peer_port)

        def timed(refresher):
            call = g.call("555", provider="phones")
            peer.reply(invited(peer), 200, body=sdp(9000), headers=[f"Session-Expires: 3;refresher={refresher}", "Require: timer", "Allow: UPDATE"])
            peer.request_of("ACK")
            return call["call_id"]
        call = timed("uas")  # the peer's turn, which it misses
        bye = peer.request_of("BYE")
        assert "408" in bye.get("Reason"), bye
        peer.reply(bye, 200)
        ended(feed, 1, call_id=call, cause="the peer did not refresh the session")
        call = timed("uac")  # ours: by UPDATE, as the peer can, and again; a peer that has forgotten the call ends it
        peer.reply(peer.request_of("UPDATE"), 200, headers=["Session-Expires: 3;refresher=uac"])
        update = peer.request_of("UPDATE")
        assert update.get("Session-Expires") == "3;refresher=uac", update
        peer.reply(update, 481)
        ended(feed, 1, call_id=call)
        one_record_each(g, 2)


PUBLIC, OUTSIDE = "203.0.113.5", "198.51.100.9"  # of documentation: a peer's, in a network of the test's own; and what a router shows for us


def names_its_address():
    """Within that network: who is outside is told the external address, who is not the real one."""
    port, peer_port = sip_port(), sip_port()
    more = f"anonymous: accept, external_address: {OUTSIDE}, trunks: [{{name: carrier, host: {PUBLIC}, port: {peer_port}, options_ping: 0}}]"
    with gateway(listening([f"udp:0.0.0.0:{port}"], more)) as g:
        feed, near, far = g.feed(), Peer(port), Peer(port, port=peer_port, host=PUBLIC)
        for peer, address in ((near, "127.0.0.1"), (far, OUTSIDE)):
            call = Dialog(peer, "200", sdp(9000))
            answer = call.answered()
            assert answer.media()[0] == address and f"@{address}:{port}" in answer.get("Contact"), answer
            call.contact = f"sip:200@{peer.host}:{port}"  # the router's part
            call.bye()
        ended(feed, 2)
        call, invite = called(g, far, feed)
        assert invite.media()[0] == OUTSIDE and all(f"{OUTSIDE}:{port}" in invite.get(h) for h in ("Contact", "Via")), invite
        hang_up(g, far, feed, call)


def test_a_peer_outside_is_told_the_external_address():
    inside = ["unshare", "-Urn", "sh", "-c", 'ip link set lo up && ip addr add "$1/32" dev lo && shift && exec "$@"', "-", PUBLIC]
    try:
        if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
            return "no network of its own may be made here"
    except OSError:
        return "unshare is not installed"
    p = subprocess.run([*inside, sys.executable, os.path.abspath(__file__), "--build", build(), "names_its_address"], capture_output=True, text=True,
                       timeout=wait() * 4, check=False)
    assert p.returncode == 0, p.stdout + p.stderr
    return None


if __name__ == "__main__":
    if sys.argv[-1] == "names_its_address":
        names_its_address()
    else:
        run(globals())
