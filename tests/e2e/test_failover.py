#!/usr/bin/python3
# budget: 400 s
"""Engines that stall in mid-turn in a gateway that runs: a filler bridges, the next engine goes on, the call stays."""
import contextlib
import os
import re
import sys
import threading

from daemon import ROOT, Gateway, Stream, base, build, clip, loud, run, wait

sys.path.insert(0, os.path.join(ROOT, "tests", "fakes"))
import deepgram  # noqa: E402
import vendor  # noqa: E402

PLUGINS = [os.path.join(build(), "plugins"), os.path.join(build(), "tests", "e2e-plugins")]
ROUTE = "  - {{match: {{}}, assistant: {assistant}, stt: [{stt}], tts: [{tts}]}}\n"
CALLER = """
id: caller
from: "+15551"
to: "+15552"
steps:
  - pause: {seconds: 0.5}
  - say: {text: book a room}
  - expect: {text: one moment, within: 120s}
  - expect: {text: you said, within: 120s}
"""


@contextlib.contextmanager
def lab(assistant="echo", stt="local", tts="local", more=None):
    """Each kind has an engine that never answers, `slow`, beside its real one."""
    text = base(routes=ROUTE.format(assistant=assistant, stt=stt, tts=tts), mock="scripts: [$DIR/mock/*.yaml]")
    slow = "{plugin: sloth, failover_after: 3s, filler_after: 1.5s, filler: \"One moment.\"%s}"
    for real, extra in (("{plugin: pocketsphinx}", ""), ("{plugin: flite}", ""), ("{plugin: loopback}", ", failover: echo")):
        text = text.replace(real, f"{real}, slow: {slow % extra}", 1)
    for old, new in (more or {}).items():
        assert old in text, (old, text)
        text = text.replace(old, new)
    g = Gateway(text, plugins=PLUGINS)
    os.makedirs(os.path.join(g.folder, "mock"))
    with open(os.path.join(g.folder, "mock", "caller.yaml"), "w", encoding="utf-8") as f:
        f.write(CALLER)
    try:
        g.start()
        g.events = g.feed(last_id=0)
        yield g
        g.stop()
    except BaseException:
        if os.environ.get("VERBOSE"):
            print(g.log()[-12000:])
        raise
    finally:
        g.done()


def bridged(g, kind, taker):
    """One conversation, which the scripted caller has to its good end."""
    c = g.post("/voice/mock/calls", {"script": "caller"}, status=202)
    e = g.events.wait("voice.engine.failover", call_id=c["call_id"])
    assert e["data"] == {"kind": kind, "from": "slow", "to": taker}, e
    done = g.events.wait("mock.script_done", call_id=c["call_id"], seconds=2 * wait())
    assert done["data"]["ok"], (done, [(x["type"], x["data"]) for x in g.events.events[-20:]])
    said = [x["data"]["text"] for x in g.events.find("voice.assistant.text") if x["call_id"] == c["call_id"]]
    assert said.index("One moment.") < min(i for i, text in enumerate(said) if text.startswith("You said")), said
    g.events.wait("call_ended", call_id=c["call_id"])
    assert metric(g, "voicegw_engine_failovers_total", kind, "slow", taker) >= 1
    return c


def metric(g, name, *labels):
    found = [line for line in g.get("/metrics").splitlines() if line.startswith(name + "{") and re.findall(r'"([^"]*)"', line) == list(labels)]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0


def test_a_recognizer_that_stalls():
    with lab(stt="slow, local") as g:
        bridged(g, "stt", "local")


def test_a_voice_that_stalls():
    with lab(tts="slow, local") as g:
        bridged(g, "tts", "local")


def test_an_assistant_that_stalls():
    with lab(assistant="slow") as g:
        bridged(g, "assistants", "echo")


def test_a_shadow_is_measured_and_never_heard():
    with lab(more={"local: {plugin: pocketsphinx}": "local: {plugin: pocketsphinx, shadow: other}, other: {plugin: pocketsphinx}",
                   }) as g:
        c = g.post("/voice/mock/calls", {"script": "caller"}, status=202)
        g.events.wait("voice.stt.final", call_id=c["call_id"])
        g.until(lambda: metric(g, "voicegw_shadow_words_total", "other") >= 1)
        assert metric(g, "voicegw_shadow_word_errors_total", "other") == 0, "the same engine understands the same"
        assert len([e for e in g.events.find("voice.stt.final") if e["call_id"] == c["call_id"]]) == 1


class Listener(deepgram.Deepgram):
    """Understands by the length of what it is given alone, so that a busy machine is not late: all of the clip, or nothing."""

    class ears:
        @staticmethod
        def understand(samples):
            whole = len(samples) >= 0.9 * len(clip("rms-1.ul"))
            return (vendor.SENTENCES["1"], 0.9) if whole else ("", 0)

    def __init__(self):
        super().__init__()
        self.ears = Listener.ears


@contextlib.contextmanager
def remote(**talk):
    """A caller whose only recognizer is a vendor that refuses every connection, until it is told not to."""
    with vendor.running(Listener) as fake:
        fake.faults["503"] = 100000
        options = "".join(f", {k}: {v}" for k, v in talk.items())
        text = base(routes="  - {match: {}, assistant: echo, stt: [ear], tts: local}\n", more=f"talk: {{no_input_timeout: 600s{options}}}\n")
        ear = f"{{plugin: deepgram, base_url: {fake.url}, api_key: {fake.key}, retry: {{max: 0}}}}"
        g = Gateway(text.replace("stt: {local:", f"stt: {{ear: {ear}, local:"))
        try:
            g.start()
            g.events = g.feed()
            g.caller = Stream(g, "one")
            yield g, fake
            g.stop()
        finally:
            if os.environ.get("VERBOSE"):
                print(g.log()[-8000:])
            g.done()


def test_a_recognizer_that_comes_back_is_opened_again_and_hears_what_was_said_meanwhile():
    with remote(deaf_timeout="600s", deaf_prompt='"I cannot hear you."') as (g, fake):
        e = g.events.wait("voice.stt.deaf")
        assert e["data"] == {"engine": "ear", "timeout": 600}, e
        g.until(lambda: loud(g.caller.heard))  # the prompt
        quiet = threading.Event()

        def line():  # what the caller sends, on and on
            g.caller.speak(clip("rms-1.ul"), 1.0)
            while not quiet.is_set() and not g.caller.over:
                g.caller.speak(b"", 0.2)
        caller = threading.Thread(target=line)
        caller.start()
        try:
            assert g.metric("voicegw_deaf_calls") == 1
            g.events.wait("speech_detected")
            g.until(lambda: g.metric("voicegw_stt_reopens_total", 0, result="opened") >= 1)
            fake.faults["503"] = 0
            e = g.events.wait("voice.stt.restored", seconds=90)
            assert e["data"]["engine"] == "ear" and e["data"]["tries"] >= 1, e
            g.events.wait("voice.stt.final", text=vendor.SENTENCES["1"], seconds=60)
            assert g.metric("voicegw_deaf_calls") == 0
        finally:
            quiet.set()
            caller.join()
        g.caller.stop()
        g.events.wait("call_ended")


def test_a_call_that_stays_deaf_is_ended_with_the_reason():
    with remote(deaf_timeout="2s") as (g, fake):
        e = g.events.wait("call_ended", seconds=90)
        assert "no recognizer could be reached" in e["data"]["cause"], e
        assert len(g.events.find("voice.stt.deaf")) == 1 and not g.events.find("voice.stt.restored"), g.events.events
        assert g.events.find("error")[-1]["data"]["where"] == "stt"


def test_names_of_engines_that_are_not_there_are_refused():
    for old, new, key in (("{plugin: echo}", "{plugin: echo, failover: [echo, nobody]}", "assistants"),
                          ("{plugin: pocketsphinx}", "{plugin: pocketsphinx, shadow: nobody}", "stt")):
        g = Gateway(base().replace(old, new))
        try:
            code, said = g.check()
            assert code == 78 and "nobody" in said and f"`{key}:`" in said, (code, said)
        finally:
            g.done()


if __name__ == "__main__":
    run({k: v for k, v in globals().items() if getattr(v, "__module__", "") == "__main__"})
