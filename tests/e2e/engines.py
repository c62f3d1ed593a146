#!/usr/bin/python3
# plain
# budget: 300 s
"""Conversations through each vendor's recognizer and voice, over fakes that speak the vendors' protocols: understood, answered, and what
happens when a vendor fails."""
import concurrent.futures
import contextlib
import os
import sys

from daemon import ROOT, Gateway, Stream, base, clip, loud, run, wait

sys.path.insert(0, os.path.join(ROOT, "tests", "fakes"))
import assemblyai  # noqa: E402
import deepgram  # noqa: E402
import elevenlabs  # noqa: E402
import openai_speech  # noqa: E402
import piper  # noqa: E402
import vendor  # noqa: E402

ROUTE = "  - {match: {}, assistant: echo, stt: [STT], tts: [TTS], greeting: Good morning.}\n"
SAID = vendor.SENTENCES["1"]


def patient(engine, kind):
    """A busy machine is no vendor's fault: nothing is given up for being late but what a test gives a time of its own."""
    option = "stall_timeout: 60s" if kind == "tts" else "answer_timeout: 60s" if "openai" in engine or "whisper" in engine else "final_timeout: 30s"
    return engine[:-1] + ", failover_after: 60s" + ("" if option.split(":", 1)[0] in engine else f", {option}") + "}"


@contextlib.contextmanager
def call(stt=None, tts=None, begin=True, more=""):
    """A gateway whose engines are these (YAML; None: the local ones, which also stand behind as the second choice), and a caller who has
    heard the greeting."""
    # Few phrases are soon looked through, also beside other calls.
    config = base(routes=ROUTE.replace("STT", "ear, local" if stt else "local").replace("TTS", "mouth, local" if tts else "local"), more=more)
    config = config.replace("{plugin: pocketsphinx}", f"{{plugin: pocketsphinx, phrases: [{SAID}, {vendor.SENTENCES['2']}]}}")
    config = config.replace("stt: {local:", f"stt: {{ear: {patient(stt, 'stt')}, local:" if stt else "stt: {local:")
    config = config.replace("tts: {local:", f"tts: {{mouth: {patient(tts, 'tts')}, local:" if tts else "tts: {local:")
    g = Gateway(config)
    try:
        g.start()
        g.events = g.feed()
        if begin:
            g.caller = Stream(g, "one")
            greeted(g)
        yield g
        assert vendor.Vendor.key not in g.log(), "a key stands in the log"
        g.stop()
    finally:
        if os.environ.get("VERBOSE"):
            print(g.log()[-8000:])
        g.done()


def greeted(g):
    g.caller.wait(lambda s: loud(s.heard))
    g.caller.speak(b"", 0.5)
    g.until(lambda: turns(g))


def turns(g):
    return g.get("/voice/sessions/mock-one/transcript")["turns"]


def understood(g, name="rms-1.ul", said=SAID):
    """The caller says it, is understood and hears the answer; returns the answer's turn."""
    before = len(g.events.find("voice.stt.final", text=said))
    count = len(turns(g))
    heard = len(g.caller.heard)
    g.caller.speak(clip(name), 1.0)
    g.events.wait("voice.stt.final", before + 1, text=said)
    g.caller.wait(lambda s: loud(s.heard[heard:]))
    return answered(g, count, said)


def answered(g, count, said=""):
    """The caller listens until an answer to this, behind so many turns, was heard to its end."""
    for _ in range(2 * wait()):
        found = [t for t in turns(g)[count:] if t["role"] == "assistant" and said in t["content"]]
        if found:
            return found[0]
        g.caller.speak(b"", 0.5)
    raise AssertionError(f"no answer: {turns(g)}")


def stages(turn):
    assert turn["latency_ms"] > 0, turn
    assert turn["stages"], turn
    return turn["stages"]


def test_deepgram_understands_and_speaks():
    with vendor.running(deepgram.Deepgram) as fake:
        engine = f"{{plugin: deepgram, base_url: {fake.url}, api_key: {fake.key}}}"
        with call(engine, engine) as g:
            turn = understood(g)
            stages(turn)
            assert g.events.find("voice.stt.partial"), "no partial text"
            ask = next(r for r in fake.requests if r.path == "/v1/listen")
            assert (ask.one("encoding"), ask.one("sample_rate"), ask.one("model")) == ("mulaw", "8000", "nova-3"), ask.query
            speak = next(r for r in fake.requests if r.path == "/v1/speak")
            assert (speak.one("encoding"), speak.one("sample_rate"), speak.json) == ("mulaw", "8000", {"text": "Good morning."}), speak.json
            understood(g, "slt-2.ul", vendor.SENTENCES["2"])
            assert fake.sockets == 1
            g.caller.stop()
            g.events.wait("call_ended")
            fake.wait(lambda f: any("CloseStream" in m for m in f.messages))


def test_the_language_changes_by_detection_and_by_tool():
    with vendor.running(deepgram.Deepgram) as ears, vendor.running(elevenlabs.ElevenLabs) as mouth:
        def spoken_in():
            return [r.json["language_code"] for r in mouth.requests if r.path.startswith("/v1/text-to-speech/")][-1]

        def heard_in():
            return [r.one("language") for r in ears.requests if r.path == "/v1/listen"][-1]

        with call(f"{{plugin: deepgram, base_url: {ears.url}, api_key: {ears.key}}}", f"{{plugin: elevenlabs, base_url: {mouth.url}, api_key: {mouth.key}}}",
                  more="talk: {follow_language: true}\n") as g:
            assert (heard_in(), spoken_in()) == ("en-US", "en"), (heard_in(), spoken_in())
            ears.language = "de"
            understood(g)
            told = g.events.wait("voice.language.changed")["data"]
            assert told == {"language": "de", "by": "detection"} and spoken_in() == "de", (told, spoken_in())
            g.until(lambda: heard_in() == "de")
            understood(g, "slt-2.ul", vendor.SENTENCES["2"])
            assert len(g.events.find("voice.language.changed")) == 1, "it was that language already"
            ears.language = None
            g.post("/voice/tools/set_language", {"session_id": "mock-one", "language": "fr-FR"})
            told = g.events.wait("voice.language.changed", 2)[1]["data"]
            assert told == {"language": "fr-FR", "by": "tool"} and g.get("/voice/sessions/mock-one")["language"] == "fr-FR", told
            g.until(lambda: heard_in() == "fr-FR")
            understood(g)
            assert spoken_in() == "fr"
            refused = g.request("POST", "/voice/tools/set_language", {"session_id": "mock-one", "language": "../x"})
            assert refused.status == 422 and "en-GB" in refused.body, refused


def test_openai_understands_and_speaks():
    with vendor.running(openai_speech.OpenAISpeech) as fake:
        engine = f"{{plugin: openai, base_url: {fake.url}/v1, api_key: {fake.key}}}"
        with call(engine, engine) as g:
            stages(understood(g))
            asked = fake.messages[0]
            assert (asked["model"], asked["language"], asked["stream"]) == ("gpt-4o-mini-transcribe", "en", "true"), asked
            speak = next(r for r in fake.requests if r.path == "/v1/audio/speech")
            assert speak.json == {"model": "gpt-4o-mini-tts", "input": "Good morning.", "voice": "marin", "response_format": "pcm"}, speak.json


def test_whisper_understands():
    with vendor.running(openai_speech.Whisper) as fake, call(f"{{plugin: whisper, base_url: {fake.url}/, prompt: A hotel.}}") as g:
        stages(understood(g))
        assert fake.messages[0]["prompt"] == "A hotel." and fake.messages[0]["language"] == "en", fake.messages


def test_pieces_are_understood_while_the_caller_still_speaks():
    script = ["I would like", "to book", "a double room", "for three nights", "please", "thank you", "bye"]
    with vendor.running(openai_speech.Whisper) as fake, call(f"{{plugin: whisper, base_url: {fake.url}, chunk: 1s}}") as g:
        fake.ears.script = list(script)
        g.caller.speak(clip("rms-1.ul"), 1.0)
        said = g.events.wait("voice.stt.final")["data"]["text"]
        assert said == " ".join(script[:len(fake.messages)]) and len(fake.messages) >= 2, (said, fake.messages)


def test_half_an_answer_costs_one_utterance():
    with vendor.running(openai_speech.OpenAISpeech) as fake:
        fake.faults["half"] = 1
        with call(f"{{plugin: openai, base_url: {fake.url}/v1, api_key: {fake.key}, retry: {{max: 0}}}}") as g:
            g.caller.speak(clip("rms-2.ul"), 1.0)
            error = g.events.wait("error")["data"]
            assert error["error_class"] == "provider" and "holds no text" in error["error"], error
            g.caller.speak(b"", 2.0)
            g.until(lambda: g.get("/voice/sessions/mock-one"))
            before = len(turns(g))
            g.caller.speak(clip("rms-1.ul"), 1.0)
            g.until(lambda: any(SAID in t["content"] for t in turns(g)[before:] if t["role"] == "user"))


def test_elevenlabs_understands_and_speaks():
    with vendor.running(elevenlabs.ElevenLabs) as fake:
        engine = f"{{plugin: elevenlabs, base_url: {fake.url}, api_key: {fake.key}}}"
        with call(engine, engine) as g:
            stages(understood(g))
            assert g.events.find("voice.stt.partial"), "no partial text"
            ask = next(r for r in fake.requests if r.path == "/v1/speech-to-text/realtime")
            assert (ask.one("audio_format"), ask.one("commit_strategy"), ask.one("language_code")) == ("ulaw_8000", "manual", "en"), ask.query
            speak = next(r for r in fake.requests if r.path.startswith("/v1/text-to-speech/"))
            assert speak.one("output_format") == "ulaw_8000", speak.query
            assert speak.json == {"text": "Good morning.", "model_id": "eleven_flash_v2_5", "language_code": "en"}, speak.json


def test_assemblyai_understands():
    with vendor.running(assemblyai.AssemblyAI) as fake, call(f"{{plugin: assemblyai, base_url: {fake.url}, api_key: {fake.key}}}") as g:
        stages(understood(g))
        assert g.events.find("voice.stt.partial"), "no partial text"
        g.caller.stop()
        g.events.wait("call_ended")
        fake.wait(lambda f: any("Terminate" in m for m in f.messages))


def test_piper_speaks_by_its_server_and_by_its_program():
    with vendor.running(piper.Piper) as fake, call(tts=f"{{plugin: piper, base_url: {fake.url}}}"):
        assert fake.requests[0].json == {"text": "Good morning."}, fake.requests[0].body
    program = os.path.join(ROOT, "tests", "fakes", "piper_program.py")
    with call(tts=f"{{plugin: piper, rate: 16000, command: [{sys.executable}, {program}, --output_raw]}}") as g:
        assert not g.events.find("voice.error"), g.events.find("voice.error")
        assert "could not be spoken" not in g.log()


def spoken(g):
    """What the caller says is understood by whichever engine, and answered."""
    g.caller.speak(clip("rms-1.ul"), 1.0)
    g.events.wait("voice.stt.final")


def test_refused_keys_lead_to_the_second_engine():
    with vendor.running(deepgram.Deepgram) as fake:
        engine = f"{{plugin: deepgram, base_url: {fake.url}, api_key: wrong-key-nobody-may-log}}"
        with call(engine, engine) as g:  # the second voice greets
            spoken(g)
            assert "wrong-key" not in g.log()
            assert "the key is refused" in g.log() and "Deepgram came about: answered 401" in g.log(), g.log()
            assert len([r for r in fake.requests if r.path == "/v1/listen"]) == 1, "a refused key was tried again"


def test_a_recognizer_that_refuses_more_calls_leads_to_the_second_engine():
    with vendor.running(deepgram.Deepgram) as fake:
        fake.faults["429"] = 9
        with call(f"{{plugin: deepgram, base_url: {fake.url}, api_key: {fake.key}}}") as g:
            error = g.events.wait("error")["data"]
            assert error["error_class"] == "rate_limit" and "answered 429" in error["error"], error
            spoken(g)
            assert len(fake.requests) == 1, "a limit was run against again"


def test_stalls_cuts_and_nonsense_of_a_voice_lead_to_the_second():
    for fault, say in (("late", "did not begin to answer"), ("mp3", "no audio which can be heard"), ("empty", "without any audio"), ("cut", "cannot be reached"),
                       ("429", "slow down"), ("500", "it failed")):
        with vendor.running(elevenlabs.ElevenLabs) as fake:
            fake.faults[fault] = 9
            stall = "300ms" if fault == "late" else "20s"
            with call(tts=f"{{plugin: elevenlabs, base_url: {fake.url}, api_key: {fake.key}, stall_timeout: {stall}, retry: {{max: 1, backoff: 1ms}}}}") as g:
                assert say in g.log(), (fault, g.log())


def test_a_socket_that_is_cut_is_opened_again():
    with vendor.running(deepgram.Deepgram) as fake:
        fake.faults.update(drop=1, strange=2)
        with call(f"{{plugin: deepgram, base_url: {fake.url}, api_key: {fake.key}}}") as g:
            g.caller.speak(clip("rms-2.ul"), 1.0)
            fake.wait(lambda f: f.sockets == 2 and any("Finalize" in m for m in f.messages))
            g.caller.speak(b"", 1.0)
            if g.events.find("voice.stt.final"):  # enough of it was left to be understood
                answered(g, 1)
            understood(g)
            assert fake.sockets == 2


def test_a_recognizer_that_says_nothing_is_given_up():
    with vendor.running(deepgram.Deepgram) as fake:
        fake.faults["mute"] = 1
        with call(f"{{plugin: deepgram, base_url: {fake.url}, api_key: {fake.key}, final_timeout: 300ms}}") as g:
            g.caller.speak(clip("rms-1.ul")[:16000], 1.0)
            g.until(lambda: "has said nothing" in g.log())
            spoken(g)  # the local one hears


def test_an_interruption_ends_the_request_and_a_cache_saves_the_next():
    with vendor.running(deepgram.Deepgram) as fake:
        fake.faults["stall"] = 1
        mouth = f"{{plugin: deepgram, base_url: {fake.url}, api_key: {fake.key}, stall_timeout: 30s, cache: {{path: $DIR/cache}}}}"
        with call(tts=mouth, begin=False) as g:
            g.caller = Stream(g, "zero")
            g.caller.wait(lambda s: loud(s.heard))
            g.caller.speak(clip("rms-2.ul")[:16000])
            fake.wait(lambda f: f.cut)
            g.caller.stop()
            g.events.wait("call_ended", session_id="mock-zero")
            assert not os.listdir(os.path.join(g.folder, "cache")), "half a sound is kept"
            g.caller = Stream(g, "one")
            greeted(g)
            g.until(lambda: [f for f in os.listdir(os.path.join(g.folder, "cache")) if not f.startswith("part-")])
            asked = len(fake.requests)
            again = Stream(g, "two")
            again.wait(lambda s: loud(s.heard))
            assert len(fake.requests) == asked, "a sound that is kept was asked for"
            again.stop()


def together(names):
    """The tests wait for callers to speak most of the time: four at once, each reported for itself."""
    pool = concurrent.futures.ThreadPoolExecutor(4)
    chosen = [a for a in sys.argv[1:] if a.startswith("test_")]
    tests = {n: f for n, f in names.items() if n.startswith("test_") and (not chosen or any(c in n for c in chosen))}
    begun = {name: pool.submit(fn) for name, fn in tests.items()}
    run({name: future.result for name, future in begun.items()})


if __name__ == "__main__":
    together(globals())
