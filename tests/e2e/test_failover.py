#!/usr/bin/python3
# budget: 400 s
"""Engines that stall in mid-turn in a gateway that runs: a filler bridges, the next engine goes on, the call stays."""
import contextlib
import os
import re

from daemon import Gateway, base, build, run, wait

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
