#!/usr/bin/python3
# budget: 400 s
"""voicegwctl against a gateway that runs: every command, for people and with --json, what it says when it is refused, and its exit codes."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

from daemon import base, build, gateway, run, wait

PROGRAM = os.path.join(build(), "bin", "voicegwctl")
FLOWS = """workflows:
  - id: note
    name: A note
    trigger_command: /note
    steps:
      - {type: log, params: {message: "for {{trigger.phone}}"}}
      - {type: delay, params: {seconds: 600}}
rules:
  - id: ended
    trigger: {type: voice_event, event_type: call_ended}
    actions: [{type: log, params: {message: "a call ended"}}]
departments: {front_desk: "+15550100"}
"""


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("VOICEGW_")}
    env.update({k: v for k, v in more.items() if v is not None})
    return env


def bare(*words, **env):
    done = subprocess.run([PROGRAM, *words], env=environment(**env), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3 * wait())
    return Done(done.returncode, done.stdout, done.stderr)


def ctl(g, *words, code=0):
    done = bare(*words, VOICEGW_SOCKET=os.path.join(g.run, "control.sock"))
    assert done.code == code, f"{words}: {done}"
    assert code or not done.err, f"{words}: {done}"
    return done


def asked(g, *words):
    return ctl(g, "--json", *words).json


def in_state(g, call, state):
    g.until(lambda: asked(g, "calls", call)["state"] == state)


_shared = contextlib.ExitStack()
_gateway = []


def shared():
    """One gateway for the tests that leave it as it was."""
    if not _gateway:
        _gateway.append(_shared.enter_context(gateway(base(more=FLOWS))))
    return _gateway[0]


def placed(g, to, *more):
    call = asked(g, "call", to, *more)["call_id"]
    in_state(g, call, "connected")
    return call


def test_status_shows_parts_counts_and_version():
    g = shared()
    out = ctl(g, "status").out
    for line in (r"status +ok", r"version +\d+\.\d+", r"draining +no", r"calls +\d+", r"sessions +\d+", r"providers\.lab +ok"):
        assert re.search(f"^{line}", out, re.M), (line, out)
    status = asked(g, "status")
    assert status["status"] == "ok" and status["draining"] is False and status["parts"]["providers.lab"]["status"] == "ok"
    assert isinstance(status["calls"], int) and isinstance(status["sessions"], int)


def test_call_carries_its_options():
    g = shared()
    call = asked(g, "call", "+15550123", "--from", "+1222", "--provider=lab", "--assistant", "echo", "--greeting", "Good day",
                 "--var", "guest=Ada", "--var", "room=12=a", "--lead", "L1", "--reservation", "R1", "--timeout", "20")
    assert (call["to"], call["from"], call["provider"]) == ("+15550123", "+1222", "lab"), call
    in_state(g, call["call_id"], "connected")
    session = g.get(f"/voice/sessions/{call['session_id']}")
    assert session["variables"] == {"guest": "Ada", "room": "12=a"} and session["lead_id"] == "L1" and session["reservation_id"] == "R1"
    table = ctl(g, "calls", "--state", "connected").out.splitlines()
    assert table[0].split() == "CALL STATE STATUS DIRECTION FROM TO PROVIDER SINCE LASTED".split()
    row = [line for line in table if line.startswith(call["call_id"])]
    assert len(row) == 1 and row[0].index("connected") == table[0].index("STATE")
    assert [c["call_id"] for c in asked(g, "calls", "--to", "+15550123")["calls"]] == [call["call_id"]]
    assert call["session_id"] in ctl(g, "sessions").out
    assert call["session_id"] in [s["session_id"] for s in asked(g, "sessions")["sessions"]]
    ctl(g, "hangup", call["call_id"])


def test_calls_are_commanded():
    g = shared()
    call = placed(g, "+15550124")
    said = ctl(g, "hold", call).out
    assert said.startswith(call + ": accepted"), said
    in_state(g, call, "on_hold")
    ctl(g, "resume", call)
    in_state(g, call, "connected")
    for words in (("mute", call), ("unmute", call), ("say", call, "good", "morning"), ("say", call, "--interruptible=no", "--", "-40 degrees"),
                  ("dtmf", call, "12#"), ("record", call), ("record", call, "pause"), ("record", call, "resume"), ("record", call, "stop")):
        assert asked(g, *words)["call_id"] == call, words
        if words == ("record", call):  # it is accepted at once, and begun a moment later
            g.until(lambda: "recording_started" in ctl(g, "events", "--call", call).out)
    g.until(lambda: "good morning" in ctl(g, "transcript", call).out)
    other = placed(g, "+15550130")
    ctl(g, "hangup", other, "--reason", "test")
    in_state(g, other, "ended")
    ctl(g, "transfer", call, "--department", "front_desk")
    in_state(g, call, "ended")
    late = ctl(g, "answer", call, code=1)
    assert "ended" in late.err and not late.out, late


def test_a_transcript_is_a_dialogue_with_latencies():
    g = shared()
    session = g.post("/voice/sessions", {"caller_id": "+1777"}, status=201)["session_id"]
    g.post(f"/voice/sessions/{session}/messages", {"role": "user", "content": "a \x1b[31mroom\nplease"})
    g.post(f"/voice/sessions/{session}/messages", {"role": "assistant", "content": "For one night?", "latency_ms": 812.4})
    lines = ctl(g, "transcript", session).out.splitlines()
    assert lines[0] == session, lines
    assert re.match(r"\w{3} \d\d \d\d:\d\d:\d\d  caller     a \?\[31mroom please$", lines[1]), lines
    assert re.search(r"  assistant  For one night\?  \[812 ms\]$", lines[2]), lines
    assert lines[3] == "2 turns; latency 812 ms on average, 812 ms at most", lines
    assert [t["role"] for t in asked(g, "transcript", session)["turns"]] == ["user", "assistant"]
    assert "there is no session nope" in ctl(g, "transcript", "nope", code=1).err
    g.post(f"/voice/sessions/{session}/end")


def test_history_and_erasure_of_a_caller():
    g = shared()
    call = placed(g, "+15550125")
    assert "end it first" in ctl(g, "erase", "--call", call, code=1).err
    ctl(g, "hangup", call)
    g.until(lambda: [r for r in asked(g, "history", "+15550125")["records"] if r["status"] == "completed"])
    assert re.search(r"completed +\+15550125 +outbound", ctl(g, "history", "+15550125").out)
    assert asked(g, "history", "+15550125", "--to", "2001-01-01")["count"] == 0
    assert ctl(g, "erase", "--caller", "+15550125").out.startswith("erased: 1 session,")
    assert ctl(g, "history", "+15550125").out == "no records\n"
    assert ctl(g, "erase", "--caller", "+15550125", code=1).err


def test_erase_wants_one_thing_named():
    g = shared()
    for words in ((), ("--call", "x", "--caller", "y"), ("--call", "")):
        assert "either --call ID or --caller NUMBER" in ctl(g, "erase", *words, code=2).err


def test_events_end_with_what_is_kept():
    g = shared()
    call = placed(g, "+15550126")
    ctl(g, "hangup", call)
    g.until(lambda: "call_ended" in ctl(g, "events", "--call", call).out)
    events = [json.loads(line) for line in ctl(g, "--json", "events", "--call", call, "--types", "call_*").out.splitlines()]
    assert [e["type"] for e in events] == ["call_initiated", "call_ringing", "call_answered", "call_ended"]
    rest = [json.loads(line) for line in ctl(g, "--json", "events", "--call", call, "--types=call_*", "--since", str(events[2]["id"])).out.splitlines()]
    assert [e["type"] for e in rest] == ["call_ended"]
    assert re.search(rf"  call_ended +{call} .*status=completed .*id={events[3]['id']}$", ctl(g, "events", "--call", call).out, re.M)
    assert ctl(g, "events", "--since", "x", code=1).err


def test_events_are_followed_and_resumed_after_a_restart():
    with gateway(base()) as g:
        socket = os.path.join(g.run, "control.sock")
        with subprocess.Popen([PROGRAM, "--json", "--socket", socket, "events", "--follow", "--since=0", "--types", "call_*"],
                              env=environment(), stdout=subprocess.PIPE, text=True) as follower:
            try:
                first = asked(g, "call", "+15550127")["call_id"]
                seen = json.loads(follower.stdout.readline())
                assert (seen["type"], seen["call_id"]) == ("call_initiated", first), seen
                g.stop()
                g.start()
                second = asked(g, "call", "+15550128")["call_id"]
                while json.loads(line := follower.stdout.readline())["call_id"] != second:
                    pass
                assert json.loads(line)["type"] == "call_initiated", line
            finally:
                follower.send_signal(signal.SIGTERM)


def test_a_command_starts_its_workflow():
    g = shared()
    run_id = asked(g, "run", "note", "--phone=+1234567890", "--nights", "2")["run_id"]
    shown = ctl(g, "runs", run_id).out
    assert re.search(r"^workflow +note", shown, re.M) and re.search(r"^0 +log ", shown, re.M), shown
    g.until(lambda: "for +1234567890" in g.log())
    assert run_id in ctl(g, "runs", "--workflow", "note").out
    assert re.search(r"^status +cancel", ctl(g, "run-cancel", run_id).out, re.M)
    assert asked(g, "runs", run_id)["status"].startswith("cancel")
    assert ctl(g, "run", "/note").out.startswith("run-")
    assert ctl(g, "run", "nothing", code=1).err
    assert "there is no run nope" in ctl(g, "run-cancel", "nope", code=1).err
    for r in asked(g, "runs", "--status", "running")["runs"]:
        ctl(g, "run-cancel", r["run_id"])


def test_definitions_are_listed():
    g = shared()
    assert re.search(r"^note +/note +2 +A note$", ctl(g, "workflows").out, re.M)
    assert [w["id"] for w in asked(g, "workflows")["workflows"]] == ["note"]
    assert re.search(r"^ended +call_ended +yes ", ctl(g, "rules").out, re.M)
    assert [r["id"] for r in asked(g, "rules")["rules"]] == ["ended"]


def test_plugins_are_listed_and_described():
    g = shared()
    assert re.search(r"^mock +\S+ +configured +providers\.lab ", ctl(g, "plugins").out, re.M)
    assert "mock" in [p["name"] for p in asked(g, "plugins")["plugins"]]
    shown = ctl(g, "plugin", "describe", "mock").out
    assert re.search(r"^kind +voicegw\.provider/1$", shown, re.M) and re.search(r"^ringing_ms +int +1500 ", shown, re.M), shown
    assert asked(g, "plugin", "describe", "mock")["name"] == "mock"
    assert "there is no plugin nope" in ctl(g, "plugin", "describe", "nope", code=1).err
    assert ctl(g, "plugin", "show", "mock", code=2).err


def test_the_log_level_is_changed():
    g = shared()
    assert ctl(g, "log-level", "debug").out == "log level  debug\n"
    assert asked(g, "log-level", "info") == {"level": "info"}
    assert "error|warning|info|debug" in ctl(g, "log-level", "loud", code=1).err


def test_reload_tells_what_changed_or_every_error_with_its_place():
    with gateway(base()) as g:
        g.write(base(mock="ringing_ms: 40").replace("ringing_ms: 30, ", ""))
        assert "providers.lab" in ctl(g, "reload", "--wait").out
        answer = asked(g, "reload")
        assert answer["generation"] == 3 and answer["restart_required"] == [], answer
        g.write(base(gateway="drain_timout: 5s", mock="colour: red"))
        refused = ctl(g, "reload", "--wait", code=1)
        places = re.findall(rf"^{re.escape(g.config)}:(\d+):(\d+): (.+)$", refused.err, re.M)
        assert len(places) == 2 and "did you mean" in places[0][2] and "colour" in places[1][2], refused
        assert not refused.out
        refused = ctl(g, "reload", "--json", code=1)
        assert [e["field"].startswith(g.config + ":") for e in refused.json["errors"]] == [True, True] and "drain_timout" in refused.err
        assert asked(g, "status")["status"] == "ok"
        g.write(base())


def test_drain_refuses_calls_until_undrain():
    with gateway(base()) as g:
        call = placed(g, "+15550129")
        assert ctl(g, "drain", "--timeout", "10m").out == "draining: new calls are refused; 1 session live\n"
        assert re.search(r"^draining +yes", ctl(g, "status").out, re.M)
        assert ctl(g, "call", "+1555", code=1).err
        assert asked(g, "undrain")["status"] == "ok"
        ctl(g, "hangup", call)
        in_state(g, call, "ended")
        assert ctl(g, "drain", "--timeout", "soon", code=1).err
        ctl(g, "drain", "--exit", "--timeout", "5")
        g.ended()


def test_an_instances_own_routes():
    g = shared()
    for name in ("lab", "mock"):
        refused = ctl(g, name, "no-such", "thing", "--key=value", code=1)
        assert f"/voice/{name}/no-such/thing" in refused.err, refused
    assert "nor a provider of that name" in ctl(g, "tts", "voices", code=2).err


def test_usage_errors_exit_2_and_name_what_would_be_right():
    g = shared()
    for words, said in ((("cals",), "did you mean calls?"), (("call",), "usage: voicegwctl call"), (("call", "a", "b"), "a word too many"),
                        (("call", "+1", "--grreting", "x"), "did you mean --greeting?"), (("call", "+1", "--timeout", "long"), "takes a number"),
                        (("call", "+1", "--var", "x"), "KEY=VALUE"), (("call", "+1", "--from"), "needs a value"), (("--jsn",), "no option --jsn"),
                        (("events", "--follow=yes"), "takes no value"), (("record", "x", "play"), "start, pause, resume or stop"),
                        (("say", "x", "y", "--interruptible", "maybe"), "yes or no"), (("--socket",), "--socket needs"),
                        (("status", "-x"), "behind --"), (("completion", "fish"), "bash"), (("help", "nope"), "no command nope")):
        done = ctl(g, *words, code=2)
        assert said in done.err and not done.out, (words, done)
    assert "usage: voicegwctl" in ctl(g, code=2).err


def test_refusals_name_their_fields_and_are_json_on_demand():
    g = shared()
    refused = ctl(g, "call", "+1555", "--timeout", "100000", code=1)
    assert "timeout_seconds" in refused.err and not refused.out, refused
    assert ctl(g, "--json", "hold", "nope", code=1).json["status"] == 404


def test_without_a_gateway_it_says_what_helps_and_exits_3():
    g = shared()
    gone = bare("status", "--socket", os.path.join(g.folder, "none.sock"))
    assert gone.code == 3 and "none.sock" in gone.err and "VOICEGW_SOCKET" in gone.err, gone
    gone = bare("status", VOICEGW_RUN_DIR=g.state)
    assert gone.code == 3 and g.state + "/control.sock" in gone.err, gone
    gone = bare("status", VOICEGW_URL="http://127.0.0.1:1")
    assert gone.code == 3 and "VOICEGW_URL" in gone.err, gone
    for url in ("ftp://x", "::"):
        assert bare("status", VOICEGW_URL=url).code == 2
    assert bare("sip", "trunks", VOICEGW_SOCKET="/nonexistent").code == 3


def test_over_http_a_token_is_sent():
    tokens = "auth: {tokens: [{name: ops, token: ops-secret, scopes: [read, call, admin]}, {name: eye, token: eye-secret, scopes: [read]}]}\n"
    with gateway(base(more=tokens), stop=False) as g:
        url = f"http://127.0.0.1:{g.port}"
        for where in (url, url + "/", url + "/voice", url + "/api/voice/"):
            done = bare("--json", "workflows", VOICEGW_URL=where, VOICEGW_TOKEN="ops-secret", http_proxy="http://127.0.0.1:1")
            assert done.code == 0 and done.json["workflows"] == [], (where, done)
        done = bare("reload", VOICEGW_URL=url, VOICEGW_TOKEN="eye-secret")
        assert done.code == 1 and "admin" in done.err and "eye-secret" not in done.err + done.out, done
        done = bare("calls", VOICEGW_URL=url)
        assert done.code == 1 and "VOICEGW_TOKEN" in done.err, done
        done = bare("status", VOICEGW_URL=url)
        assert done.code == 0 and "version" in done.out and "calls" not in done.out, done
        done = bare("calls", "--socket", os.path.join(g.run, "control.sock"), VOICEGW_URL="http://127.0.0.1:1")
        assert done.code == 0, done


def test_check_is_the_daemons_own():
    g = shared()
    plugins = ("--plugin-path", g.plugins[0])
    assert "fine" in ctl(g, "check", g.config, *plugins).out
    assert asked(g, "check", g.config, *plugins)["ok"] is True
    bad = os.path.join(g.folder, "bad.yaml")
    with open(bad, "w", encoding="utf-8") as f:
        f.write("gateway: {drain_timout: 5s}\n")
    done = ctl(g, "check", bad, *plugins, code=78)
    assert re.search(rf"^{re.escape(bad)}:1:\d+: .*drain_timeout", done.out + done.err, re.M), done
    errors = ctl(g, "check", "--json", bad, *plugins, code=78).json["errors"]
    assert errors[0]["field"].startswith(bad + ":1:") and "drain_timeout" in errors[0]["detail"]


def test_help_lists_every_command_and_its_options():
    text = bare("help").out
    names = re.findall(r"^  ([a-z][a-z-]*) ", text, re.M)
    for name in ("status calls call answer hold resume transfer say play dtmf mute unmute record hangup sessions transcript history events run "
                 "runs run-cancel workflows rules webhooks webhook-replay plugins plugin reload drain undrain log-level erase check completion help").split():
        assert name in names, name
        done = bare("help", name)
        assert done.code == 0 and done.out.startswith(f"usage: voicegwctl {name}"), done
        assert bare(name, "--help").out == done.out
    assert "--greeting TEXT" in bare("help", "call").out
    assert re.match(r"voicegwctl \d", bare("--version").out)


def test_bash_completes_commands_and_options():
    bash = shutil.which("bash")
    script = bare("completion", "bash").out

    def complete(*words):
        line = " ".join(f"'{w}'" for w in ("voicegwctl", *words))
        ask = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}; _voicegwctl; echo \"${{COMPREPLY[@]}}\""
        return subprocess.run([bash, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
    assert complete("tr") == ["transfer", "transcript"]
    assert complete("--socket", "/x", "und") == ["undrain"]
    assert complete("call", "+1", "--gr") == ["--greeting"]
    assert complete("record", "x", "s") == ["start", "stop"]


def test_zz_the_shared_gateway_ends_well():
    if _gateway:
        for s in _gateway[0].get("/voice/sessions?limit=500")["sessions"]:
            _gateway[0].request("POST", f"/voice/sessions/{s['session_id']}/end", {})
        _shared.close()


if __name__ == "__main__":
    run(globals())
