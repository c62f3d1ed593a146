#!/usr/bin/python3
# plain
# budget: 400 s
"""Assistants at a chat model: a fake that speaks the vendor's protocol, callers who speak real audio and press keys."""
import contextlib
import json
import os
import sys

from daemon import ROOT, Gateway, Stream, base, loud, run, wait

sys.path.append(os.path.join(ROOT, "tests", "fakes"))
from openai import KEY, OpenAI  # noqa: E402

PLUGIN = "openai"  # or openai-responses, by assistants_responses.py
PHRASES = "[i would like to book a room for two nights, thank you, yes please, no thank you]"
ROUTES = "  - {match: {}, assistant: bot, stt: local, tts: local}\n"


@contextlib.contextmanager
def desk(assistant, more="", talk="endpoint_silence: 500ms, no_input_timeout: 120s", environment=None, stop=True, routes=None):
    """A gateway whose calls are answered by this assistant; its events stand as g.events."""
    text = base(routes=routes or ROUTES, more=f"talk: {{{talk}}}\n{more}")
    text = text.replace("assistants: {", f"assistants: {{bot: {assistant}, ", 1)
    text = text.replace("{plugin: pocketsphinx}", "{plugin: pocketsphinx, phrases: " + PHRASES + "}")
    g = Gateway(text, environment=environment)
    try:
        g.start()
        g.events = g.feed(last_id=0)
        yield g
        assert KEY not in g.log(), "the key stands in the log"
        if stop:
            g.stop()
    except BaseException:
        if os.environ.get("VERBOSE"):
            print(g.log()[-12000:])
        raise
    finally:
        g.done()


def chat(model, more="greeting: 'Hi.'"):
    more = more if "greeting:" in more else more + ", greeting: 'Hi.'"
    return f"{{plugin: {PLUGIN}, base_url: '{model.url}/v1', api_key: {KEY}, retry: {{max: 0}}{', ' + more if more else ''}}}"


def incoming(g, steps):
    return g.post("/voice/mock/calls", {"from": "+15550111", "to": "+15550199", "steps": steps}, status=202)


def said(g, text, **want):
    """The answer that holds this, once the caller has heard it."""
    g.events.wait("voice.assistant.text", 1)
    with g.events.changed:
        ok = g.events.changed.wait_for(lambda: [e for e in g.events.find("voice.assistant.text", **want) if text in e["data"]["text"]], wait())
    found = g.events.find("voice.assistant.text", **want)
    assert ok, (text, [e["data"] for e in found], [(e["type"], e["data"]) for e in g.events.events[-12:]], g.log()[-1500:])
    return [e for e in found if text in e["data"]["text"]][0]


def turns_of(g, session):
    return [(t["role"], t["content"]) for t in g.get(f"/voice/sessions/{session}/transcript")["turns"]]


def test_a_chat_model_answers_a_spoken_question():
    with OpenAI() as model:
        model.answer("We have one for two nights. Anything else?", unknown=True, split=3)
        model.answer("Goodbye, and sleep well.", calls=[("end_call", {})])
        bot = chat(model, "greeting: 'Hotel Example, good evening.', prompt: 'You are the hotel.', temperature: 0.25, project_id: proj_1")
        # A caller whose words come haltingly, as on a busy machine, has not finished.
        with desk(bot, talk="endpoint_silence: 2500ms, no_input_timeout: 120s") as g:
            c = incoming(g, [{"expect": {"text": "good evening", "within": 60}}, {"say": {"text": "i would like to book a room for two nights"}},
                             {"expect": {"text": "for two nights", "within": 60}}, {"pause": {"seconds": 0.3}},
                             {"say": {"text": "no thank you"}}, {"pause": {"seconds": 40}}])
            e = g.events.wait("call_ended", call_id=c["call_id"], seconds=180)
            assert e["data"]["cause"] not in ("caller_hangup", "error"), e
            first, second = model.requests
            heard = [e["data"]["text"] for e in g.events.find("voice.stt.final")]
            assert "two nights" in heard[0] and len(heard) == 2, heard
            assert first["model"] == "gpt-4o-mini" and first["temperature"] == 0.25 and first["max_completion_tokens"] == 400, first
            assert first["messages"][0] == {"role": "system", "content": "You are the hotel."} and "+15550111" in first["messages"][1]["content"]
            assert first["messages"][2:] == [{"role": "assistant", "content": "Hotel Example, good evening."},
                                             {"role": "user", "content": heard[0]}], (first["messages"], heard)
            assert second["messages"][4:6] == [{"role": "assistant", "content": "We have one for two nights. Anything else?"},
                                               {"role": "user", "content": heard[1]}], (second["messages"], heard)
            names = [t["function"]["name"] for t in first["tools"]]
            assert "end_call" in names and "transfer_to_human" in names and "hand_off" not in names, names
            turns = turns_of(g, c["session_id"])
            assert ("assistant", "Goodbye, and sleep well.") in turns, turns
        assert not model.violations, model.violations


@contextlib.contextmanager
def pressing(g, name="api-keys"):
    """A caller who presses keys, whose turns need no recognizer."""
    s = Stream(g, name, instance="mock")
    try:
        s.speak(b"\xff" * 1600)
        said(g, "Hi.")
        yield s
    finally:
        s.stop()


def test_tools_are_called_and_their_results_told():
    with OpenAI() as model:
        model.answer("One moment. ", calls=[("format_for_voice", {"format": "list", "data": ["sea", "garden"]}), ("no_such_tool", {}), ("get_caller_history", "{\"limit\": ")])
        model.answer("Room twelve is yours.")
        with desk(chat(model)) as g, pressing(g) as s:
            s.dtmf("1")
            said(g, "Room twelve is yours.")
            messages = model.wait(2)["messages"]
            assert "pressed 1" in messages[-5]["content"], messages
            results = [m["content"] for m in messages if m["role"] == "tool"]
            assert len(results) == 3 and "no such function" in results[1] and "no JSON object" in results[2], results
            told = g.events.wait("voice.tool.finished")["data"]
            assert told["tool"] == "format_for_voice" and json.loads(results[0]) == told.get("result"), (results, told)
        assert not model.violations, model.violations


def test_the_sentence_of_a_tool_that_failed_is_told_to_the_model():
    with OpenAI() as model:
        model.answer(calls=[("away", {}), ("format_for_voice", {"format": "poem", "data": 1})])
        model.answer("I cannot do that now.")
        tools = "tools: {away: {plugin: http, url: \"http://127.0.0.1:9/away\", timeout: 20s}}\n" \
                "agents: {sad: {prompt: You fail., assistant: bot, tools: [away, format_for_voice]}}\n"
        with desk(chat(model), more=tools, routes=ROUTES.replace("assistant: bot", "agent: sad")) as g, pressing(g) as s:
            s.dtmf("1")
            said(g, "I cannot do that now.")
            results = [json.loads(m["content"]) for m in model.wait(2)["messages"] if m["role"] == "tool"]
            failed = {e["data"]["tool"]: e["data"]["error"] for e in g.events.find("voice.tool.finished")}
            assert results == [{"error": failed["away"]}, {"error": failed["format_for_voice"]}], (results, failed)
            assert len(failed["away"]) > 15 and failed["away"] != "the tool failed", failed
        assert not model.violations, model.violations


def summed_up(more, says):
    """A model that asks for a person, without a word of why: what that person is told is asked of it, or not."""
    with OpenAI() as model:
        model.answer("I connect you. ", calls=[("transfer_to_human", {"department": "front_desk", "reason": "wants a person"})])
        if says:
            model.answer(says, stall=says == "stall")
        agents = "agents: {desk: {prompt: You are the desk., assistant: bot, tools: [transfer_to_human]" + more + "}}\n" \
                 "departments: {front_desk: \"+15550100\"}\n"
        with desk(chat(model), more=agents, routes=ROUTES.replace("assistant: bot", "agent: desk")) as g, pressing(g) as s:
            s.dtmf("1")
            e = g.events.wait("transfer_initiated", seconds=60)
            assert e["data"]["to"] == "+15550100" and e["data"]["kind"] == "attended", e
            variables = g.get(f"/voice/sessions/{e['session_id']}")["variables"]
            said_to_caller = [x["data"]["text"] for x in g.events.find("voice.assistant.text")]
            assert not says or all(says not in text for text in said_to_caller), said_to_caller
            return variables, [r for r in model.requests]


def test_an_agent_sums_the_conversation_up_for_who_takes_over():
    variables, requests = summed_up(", summary: true", "The caller wants a person and has said nothing else.")
    assert variables["summary"] == "The caller wants a person and has said nothing else.", variables
    asked = [json.dumps(r) for r in requests if "takes over this call" in json.dumps(r)]
    assert len(asked) == 1 and "You are the desk." in asked[0] and "Hi." in asked[0], requests


def test_a_summary_that_is_not_wanted_or_does_not_come_holds_no_transfer():
    variables, requests = summed_up("", None)
    assert "summary" not in variables and not any("takes over this call" in json.dumps(r) for r in requests), requests
    variables, requests = summed_up(", summary: true", "stall")
    assert "summary" not in variables, variables


def test_a_model_that_calls_tools_without_an_end_is_stopped():
    with OpenAI() as model:
        for _ in range(5):
            model.answer(calls=[("no_such_tool", {"again": True})])
        with desk(chat(model, "max_rounds: 3, rounds_text: 'I give up.'")) as g, pressing(g) as s:
            s.dtmf("1")
            said(g, "I give up.")
            assert len(model.requests) == 3, len(model.requests)
        assert not model.violations, model.violations


def test_failures_of_a_model_are_heard_as_one_sentence():
    failures = [dict(status=401), dict(status=429, headers={"Retry-After": "60"}), dict(status=500), dict(before=30),
                dict(text="We have", stall=True), dict(text="We have a", cut=True), dict(raw=b"data: {\"choices\": [\n\n"),
                dict(raw=b"data: {\"choices\":[{\"delta\":{\"content\":\"half"), dict(raw=b"data: {\"error\":{\"message\":\"no\"}}\n\n"),
                dict(text=" " * 40000, piece=5000), dict(text="", done=True), dict(raw=b"\x00\xff\xfe\n\n\n<html>")]
    with OpenAI() as model:
        bot = chat(model, "first_byte_timeout: 5s, stall_timeout: 5s, error_text: 'No.'")
        with desk(bot) as g, pressing(g) as s:
            for i, how in enumerate(failures):
                model.answer(**how)
                s.dtmf(str(i % 10))
                g.events.wait("error", i + 1)
                said(g, "No.", turn=i + 2)
            errors = [e["data"] for e in g.events.wait("error", len(failures))]
            for e, want in zip(errors, ("refused the key", "slow down", "failed", "first_byte_timeout", "stall_timeout", "cut the connection",
                                        "no JSON object", "", "failed in the middle", "longer than is taken in", "answered nothing", "")):
                assert want in e["error"], (want, errors)
            assert errors[0]["error_class"] == "authentication" and errors[1]["error_class"] == "rate_limit", errors
            model.answer("All is well again.")
            s.dtmf("9")
            said(g, "All is well again.")
        assert not model.violations, model.violations


def test_a_busy_model_is_asked_again_before_its_first_word():
    with OpenAI() as model:
        model.answer(status=503)
        model.answer(status=429, headers={"Retry-After": "0"})
        model.answer("At your service.")
        bot = chat(model).replace("{max: 0}", "{max: 2, backoff: 50ms}")
        with desk(bot) as g, pressing(g) as s:
            s.dtmf("1")
            said(g, "At your service.")
            assert len(model.requests) == 3 and not g.events.find("error")


def test_what_was_not_heard_is_not_remembered():
    story = "One. Our first room looks over the sea. Our second room has a bath. Our third room is on the ground floor beside the kitchen. " * 2
    with OpenAI() as model:
        model.answer(story, pace=0.01)
        model.answer("As you wish.")
        model.answer("So it is.")
        with desk(chat(model)) as g, pressing(g) as s:
            before = len(s.heard)
            s.dtmf("1")
            s.wait(lambda x: loud(x.heard[before:]))
            s.dtmf("2")
            said(g, "As you wish.")
            cut = g.events.wait("voice.assistant.interrupted")["data"]
            s.dtmf("3")
            said(g, "So it is.")
            told = [m for m in model.wait(3)["messages"] if m["role"] == "assistant"]
            heard = [m["content"] for m in told]
            assert heard[-1] == "As you wish." and len(cut["heard_text"]) < len(story), (heard, cut)
            assert heard[:-1] == ["Hi."] + ([cut["heard_text"]] if cut["heard_text"] else []), (heard, cut)
        assert not model.violations, model.violations


def test_an_answer_that_is_not_wanted_any_more_is_given_up():
    with OpenAI() as model:
        model.answer("First", stall=True)
        model.answer("The second answer.")
        with desk(chat(model)) as g, pressing(g) as s:
            s.dtmf("1")
            model.wait(1)
            s.dtmf("2")
            said(g, "The second answer.")
            model.wait_cancelled()
            assert not g.events.find("error")


def test_a_conversation_has_limits():
    with OpenAI() as model:
        bot = chat(model, "max_turns: 1, limit_text: 'That was all.'")
        with desk(bot) as g, pressing(g) as s:
            s.dtmf("1")
            said(g, "All right.")
            s.dtmf("2")
            said(g, "That was all.")
            g.events.wait("call_ended")
            assert len(model.requests) == 1


if __name__ == "__main__":
    run(globals())
