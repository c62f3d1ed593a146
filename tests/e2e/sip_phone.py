#!/usr/bin/python3
# plain
# budget: 400 s
"""A telephone that others wrote calls the gateway and is called by it: Debian's baresip, alone and with kamailio in between."""
import contextlib
import glob
import os
import shutil
import struct
import subprocess
import tempfile

import baresip
from daemon import clip, gateway, run
from sip import USERS, ended, one_record_each, phones, trunk
from sip_peer import Peer, sdp, sip_port

KAMAILIO = shutil.which("kamailio") or next((p for p in ("/usr/sbin/kamailio",) if os.path.exists(p)), None)


# Whose words come haltingly, as from a phone on a busy machine, has not finished.
PATIENT = "talk: {endpoint_silence: 2500ms, no_input_timeout: 120s}\n"


@contextlib.contextmanager
def telephone(folder, account, codecs="PCMU/8000/1", more=()):
    wav = os.path.join(folder, "spoken.wav")
    baresip.ulaw_to_wav(clip("rms-1.ul"), wav)
    phone = baresip.Phone(folder, wav, account, codecs, more)
    try:
        yield phone
    finally:
        phone.close()


def heard_speech(phone):
    """Does what the phone wrote of the far side hold more than silence?"""
    for path in glob.glob(os.path.join(phone.folder, "dump-*-dec.wav")):
        with open(path, "rb") as f:
            data = f.read()[44:]
        samples = struct.unpack(f"<{len(data) // 2}h", data[:len(data) // 2 * 2])
        if sum(1 for s in samples if abs(s) > 1000) > 1000:
            return True
    return False


def speaks_and_is_understood(g, feed, phone, target):
    phone.tell("dial", target)
    phone.wait("CALL_ESTABLISHED")
    final = feed.wait("voice.stt.final")
    assert "three nights" in final["data"]["text"], final
    call = final["call_id"]
    g.until(lambda: any(e["data"]["text"].lower().startswith("you said") for e in feed.find("voice.assistant.text")))
    return call


def test_a_phone_registers_speaks_holds_presses_keys_and_is_transferred():
    if not baresip.READY:
        return "baresip is not installed"
    port = sip_port()
    with tempfile.TemporaryDirectory() as folder, gateway(phones(port, USERS, assistant="echo") + PATIENT) as g:
        account = f"<sip:alice@127.0.0.1:{port}>;auth_user=alice;auth_pass=wonder;regint=600"
        with telephone(folder, account) as phone:
            feed, desk = g.feed(), Peer(port)
            g.until(lambda: g.get("/voice/sip/registrations")["registrations"])
            call = speaks_and_is_understood(g, feed, phone, f"sip:200@127.0.0.1:{port}")
            phone.tell("hold")
            feed.wait("hold_started", call_id=call)
            phone.tell("resume")
            feed.wait("hold_ended", call_id=call)
            phone.tell("sndcode", "5")
            assert feed.wait("dtmf_received", digit="5")["data"]["source"] == "rfc4733"
            g.post(f"/voice/calls/{call}/hold")
            feed.wait("hold_started", 2, call_id=call)
            g.post(f"/voice/calls/{call}/resume")
            feed.wait("hold_ended", 2, call_id=call)
            phone.tell("transfer", f"sip:desk@127.0.0.1:{desk.port}")
            invite = desk.request_of("INVITE")
            desk.reply(invite, 200, body=sdp(9000))
            desk.request_of("ACK")
            phone.wait("CALL_CLOSED")
            assert g.get(f"/voice/calls/{call}")["state"] == "connected", "the conversation goes on with the desk"
            g.post(f"/voice/calls/{call}/end")
            desk.reply(desk.request_of("BYE"), 200)
            ended(feed, 1, call_id=call)
            g.until(lambda: heard_speech(phone))
        one_record_each(g, 1)


def test_a_phone_is_called_and_sent_elsewhere():
    if not baresip.READY:
        return "baresip is not installed"
    port = sip_port()
    with tempfile.TemporaryDirectory() as folder, gateway(phones(port, f"{USERS}, codecs: [opus, g722, pcmu]", assistant="echo") + PATIENT) as g:
        account = f"<sip:bob@127.0.0.1:{port}>;auth_user=bob;auth_pass=builder;regint=600;answermode=auto"
        with telephone(folder, account, "opus/48000/2,G722/16000/1,PCMU/8000/1") as phone:
            feed, desk = g.feed(), Peer(port)
            g.until(lambda: g.get("/voice/sip/registrations")["registrations"])
            call = g.call("bob", provider="phones", assistant="echo")["call_id"]
            phone.wait("CALL_ESTABLISHED")
            assert feed.wait("voice.stt.final", call_id=call)["data"]["text"], "it is understood in Opus too"
            g.post(f"/voice/calls/{call}/transfer", {"to": f"sip:desk@127.0.0.1:{desk.port}"})
            invite = desk.request_of("INVITE")
            desk.reply(invite, 200, body=sdp(9000))
            desk.request_of("ACK")
            feed.wait("transfer_completed", call_id=call, outcome="completed")
            ended(feed, 1, call_id=call)
        one_record_each(g, 1)


PROXY = """
listen=udp:127.0.0.1:%(port)d
children=1
disable_tcp=yes
log_stderror=yes
debug=1
auto_aliases=no
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "pv.so"
modparam("usrloc", "db_mode", 0)
request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (has_totag()) {
        if (loose_route()) { t_relay(); exit; }
        if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
        sl_send_reply("404", "Not here"); exit;
    }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    record_route();
    if (lookup("location")) { t_relay(); exit; }
    sl_send_reply("404", "Not Found");
}
"""


@contextlib.contextmanager
def proxy(folder):
    port = sip_port()
    path = os.path.join(folder, "kamailio.cfg")
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!KAMAILIO\n" + PROXY % {"port": port})
    with open(os.path.join(folder, "kamailio.log"), "wb") as log:
        process = subprocess.Popen([KAMAILIO, "-DD", "-E", "-f", path, "-m", "16", "-M", "8", "-Y", folder, "-w", folder], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_kamailio_is_registrar_and_proxy_in_between():
    if not KAMAILIO or not baresip.READY:
        return "kamailio or baresip is not installed"
    port = sip_port()
    with tempfile.TemporaryDirectory() as folder, proxy(folder) as between:
        gate = trunk("pbx", between, "username: gateway, password: x, register: true")
        with gateway(phones(port, f"trunks: [{gate}]", assistant="echo") + PATIENT) as g, \
                telephone(folder, f"<sip:carol@127.0.0.1:{between}>;regint=600;answermode=auto") as phone:
            feed = g.feed()
            g.until(lambda: g.get("/voice/sip/trunks")["trunks"][0]["registered"])
            call = speaks_and_is_understood(g, feed, phone, f"sip:gateway@127.0.0.1:{between}")
            g.post(f"/voice/calls/{call}/end")
            ended(feed, 1, call_id=call)
            phone.wait("CALL_CLOSED")
            placed = g.call("carol", provider="phones", assistant="echo")["call_id"]
            phone.wait("CALL_ESTABLISHED", 2)
            feed.wait("call_answered", call_id=placed)
            phone.tell("hangup")
            ended(feed, 1, call_id=placed)
            trace = "\n".join(g.get(f"/voice/sip/trace/{placed}")["ladder"])
            assert f"127.0.0.1:{between}" in trace and "BYE" in trace, trace
            one_record_each(g, 2)


if __name__ == "__main__":
    run(globals())
