#!/usr/bin/python3
# budget: 400 s
"""Assistants of one's own at a URL, and speech to speech: fakes that speak the real protocols, callers who speak real audio."""
import contextlib

from daemon import Stream, clip, loud, run, wait
from assistants import desk, pressing, said
from openai import KEY, OpenAI  # the fake; assistants.py has made its folder known
from openai_realtime import tone
from service import Service


def own(service, more="first_byte_timeout: 60s, stall_timeout: 60s"):
    return f"{{plugin: http, url: '{service.url}', secret: {service.secret}, error_text: 'No.'{', ' + more if more else ''}}}"


def test_a_service_of_ones_own_answers_in_every_form():
    forms = [((b'{"text": "One', b'.", "actions": []}'), "application/json", "One."),
             ((b'{"text": "Two."}\n{"te', b'xt": " And a half."}\n'), "application/x-ndjson", "Two. And a half."),
             ((b"data: Three,\n\nda", b'ta: {"text": " by name."}\n\ndata: [DONE]\n\n'), "text/event-stream", "Three, by name."),
             ((b"Four, caf\xc3", b"\xa9."), "text/plain", "Four, caf\u00e9.")]
    with Service() as service:
        service.answer(b"Hi.", kind="text/plain")
        with desk(own(service)) as g, pressing(g) as s:
            start = service.wait(1)
            assert start["event"] == "start" and start["session"]["session_id"] and start["history"] == [], start
            for i, (parts, kind, text) in enumerate(forms):
                service.answer(*parts, kind=kind)
                s.dtmf(str(i))
                said(g, text, turn=i + 2)
            told = service.wait(5)
            assert told["event"] == "dtmf" and told["text"] == "3" and told["turn"] == 5, told
            assert [m["content"] for m in told["history"]] == ["Hi.", "[pressed 0]", "One.", "[pressed 1]", "Two. And a half.", "[pressed 2]",
                                                               "Three, by name.", "[pressed 3]"], told["history"]
            service.answer(b'{"text": "Goodbye.", "actions": [{"action": "end"}]}')
            s.dtmf("9")
            said(g, "Goodbye.")
            g.events.wait("call_ended")
            assert service.secret not in g.log() and len(set(service.ids)) == len(service.ids)
        assert not service.violations, service.violations


def test_a_service_that_fails_is_heard_as_one_sentence_and_told_what_was_cut():
    failures = [(dict(status=500), (b"",), "failed"), (dict(stall=True), (b"So",), "stall_timeout"), (dict(), (b'{"text": 4',), "ends in the middle"),
                (dict(), (b"<html>no</html>",), "a page"), (dict(), (b'{"error": "no"}',), "says that it has failed"),
                (dict(), (b"ab\xff\xfe, that is no text",), "no UTF-8")]
    with Service() as service:
        service.answer(b"Hi.", kind="text/plain")
        with desk(own(service, "first_byte_timeout: 60s, stall_timeout: 4s")) as g, pressing(g) as s:
            for i, (how, parts, want) in enumerate(failures):
                service.answer(*parts, **how)
                s.dtmf("1")
                said(g, "No.", turn=i + 2)
                g.events.wait("error", i + 1)
                error = g.events.find("error")[i]["data"]["error"]
                assert want in error, (want, error)
            service.answer(b"It is a long way to the sea from here, and it is a longer way to the mountains behind the town.")
            before = len(s.heard)
            s.dtmf("1")
            s.wait(lambda x: loud(x.heard[before:]))
            service.answer(b"Yes.")
            s.dtmf("2")
            said(g, "Yes.")
            cut = service.wait(len(failures) + 3)["interrupted"]
            told = g.events.wait("voice.assistant.interrupted")["data"]
            assert cut == {"turn": told["turn"], "heard_text": told["heard_text"], "heard_ms": told["heard_ms"]}, (cut, told)
        assert not service.violations, service.violations


def realtime(model, more="", secret=KEY):
    return f"{{plugin: openai-realtime, base_url: '{model.url}/v1', api_key: {secret}, retry: {{max: 2, backoff: 50ms}}{', ' + more if more else ''}}}"


@contextlib.contextmanager
def speaking(g):
    """A caller with a microphone."""
    s = Stream(g, "api-voice", instance="mock")
    try:
        yield s
    finally:
        s.stop()


def heard_ms(s, since=0):
    """Milliseconds of sound that the caller has heard."""
    return sum(1 for i in range(since, len(s.heard), 160) if loud(s.heard[i:i + 160])) * 20


def no_refusals(model):
    refused = [v for k, v in model.notes if k == "refused" and "already_has_active" not in v]
    assert not refused, refused


def test_a_realtime_model_hears_and_speaks():
    with OpenAI() as model:
        model.answer("Good evening.", ms=400)
        speech = clip("rms-1.ul")[8000:16000]
        model.answer("We have a room for two nights.", audio=speech)
        model.heard_as = ["i would like a room"]
        with desk(realtime(model, "greeting: 'Good evening.', voice: cedar")) as g, speaking(g) as s:
            s.speak(b"\xff" * 8000)
            said(g, "Good evening.")
            before = len(s.heard)
            s.speak(tone(600, 300), 1.0)
            s.wait(lambda x: speech[:4000] in x.heard[before:])  # the model's audio comes through unchanged
            s.speak(b"", 0.5)
            said(g, "We have a room for two nights.")
            assert tone(600, 300)[800:3200] in b"".join(v for k, v in model.notes if k == "heard"), "and so does the caller's"
            settings = model.wait_note("session")
            assert settings["audio"]["output"]["voice"] == "cedar" and settings["audio"]["input"]["transcription"]["language"] == "en", settings
            assert "Good evening." in model.responses[0] and model.responses[1] is None, model.responses
            assert g.events.wait("voice.stt.final")["data"]["text"] == "i would like a room"
            no_refusals(model)


def test_a_realtime_model_is_cut_to_what_was_heard():
    with OpenAI() as model:
        model.answer("one two three four five six seven eight nine ten", ms=5000)
        model.answer("As you wish.", ms=300)
        with desk(realtime(model)) as g, speaking(g) as s:
            s.speak(tone(400, 300), 0.7)
            s.wait(lambda x: heard_ms(x) >= 600)
            s.speak(tone(400, 300), 0.7)
            said(g, "As you wish.")
            item, cut, whole = model.wait_note("truncated")
            assert 300 < cut < 4000, (cut, whole)
            told = g.events.wait("voice.assistant.interrupted")["data"]
            assert "one two three four five six seven eight nine ten".startswith(told["heard_text"]) and told["heard_text"], told
            assert 300 < told["heard_ms"] < 4000 and len(told["heard_text"]) < 40, told
            no_refusals(model)


def test_a_realtime_model_with_the_gateways_own_turns():
    with OpenAI() as model:
        model.answer("one two three four five six seven eight nine ten", ms=5000)
        model.answer("As you wish.", ms=300)
        with desk(realtime(model, "turns: gateway, dialect: beta")) as g, speaking(g) as s:
            speech = tone(500, 300)
            s.speak(b"\xff" * 4000)
            model.wait_note("session")
            s.speak(speech, 1.2)
            s.wait(lambda x: heard_ms(x) >= 600)
            s.speak(speech, 1.2)
            said(g, "As you wish.")
            assert model.wait_note("session")["turn_detection"] is None
            model.wait_note("truncated")
            assert len([1 for k, _ in model.notes if k == "heard"]) == 2
            no_refusals(model)


def test_a_realtime_model_calls_tools_and_ends_the_call():
    with OpenAI() as model:
        model.answer("One moment.", ms=300, calls=[("no_such_tool", {}), ("get_caller_history", {}), ("get_caller_history", "{\"x\": ")])
        model.answer("Goodbye.", ms=600, calls=[("end_call", {})])
        with desk(realtime(model)) as g, speaking(g) as s:
            s.speak(tone(400, 300), 1.0)
            e = g.events.wait("call_ended")
            results = [v for k, v in model.notes if k == "result"]
            assert "no such function" in results[0] and "no JSON object" in " ".join(results), results
            assert len(results) == 4 and heard_ms(s) >= 800, (results, heard_ms(s))
            assert e["data"]["cause"] not in ("caller_hangup",), e
            no_refusals(model)


def test_a_realtime_session_is_renewed_and_survives_a_loss():
    with OpenAI() as model:
        model.answer("The first answer.", ms=300)
        model.answer("The second", ms=900, cut=True)
        model.answer("The second answer, whole.", ms=300)
        model.heard_as = ["my name is alice", "how are you"]
        with desk(realtime(model, "session_limit: 2s")) as g, speaking(g) as s:
            s.speak(tone(400, 300), 0.8)
            said(g, "The first answer.")
            model.wait_note("session", 2)  # renewed in a pause
            assert model.wait_note("told") == ("user", "my name is alice") and model.wait_note("told", 2) == ("assistant", "The first answer.")
            s.speak(tone(400, 300), 0.8)
            said(g, "The second answer, whole.")
            with model.changed:
                count = len(model.sessions)
                session = model.sessions[-1]
            session.expire()
            with model.changed:
                assert model.changed.wait_for(lambda: len(model.sessions) > count, wait()), "no new session after the vendor's limit"
            assert ("user", "how are you") in [v for k, v in model.notes if k == "told"]
            no_refusals(model)


def test_a_realtime_model_that_cannot_be_had_is_told_to_the_caller():
    with OpenAI() as model:
        with desk(realtime(model, "error_text: 'Nobody is here.'", secret="sk-wrong-4712")) as g, speaking(g) as s:
            s.speak(b"\xff" * 4000)
            said(g, "Nobody is here.")
            g.events.wait("call_ended")
            assert g.events.find("error") and "sk-wrong-4712" not in g.log()


if __name__ == "__main__":
    run(globals())
