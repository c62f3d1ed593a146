#!/usr/bin/python3
# budget: 400 s
"""A new configuration and new plugins under calls that run."""
import os
import shutil
import signal
import subprocess
import threading

from daemon import ROOT, Feed, Gateway, Stream, base, build, gateway, loud, run

TOKENS = "auth: {tokens: [%s]}"


def tone(value):
    return bytes([value]) * 160


def echoed(s, value):
    """The loopback assistant still gives back what this stream says."""
    for _ in range(5):
        s.media(tone(value))
    s.wait(lambda s: tone(value) in s.heard)


def own_plugins(g):
    """A folder of plugins that this test may change."""
    g.plugins = [os.path.join(g.folder, "plugins")]
    shutil.copytree(os.path.join(build(), "plugins"), g.plugins[0])
    return g.plugins[0]


def variant(source, target, old, new):
    """Another build of a plugin: the same code with another version text."""
    with open(source, "rb") as f:
        data = f.read()
    assert data.count(old) >= 1
    with open(target, "wb") as f:
        f.write(data.replace(old, new))


def version_of(g, plugin):
    return g.get(f"/voice/plugins/{plugin}")["version"]


def instance_of(g, plugin, name):
    return next(i for i in g.get(f"/voice/plugins/{plugin}")["instances"] if i["name"] == name)


def test_new_route_is_for_new_calls():
    first = base(routes="  - {match: {}, assistant: back}\n")
    with gateway(first) as g:
        feed = g.feed()
        a = Stream(g, "a")
        feed.wait("call_answered", session_id="mock-a")
        g.write(base(routes="  - {match: {}, assistant: echo, stt: local, tts: local, greeting: Hello.}\n"))
        answer = g.post("/voice/reload", {})
        assert answer["generation"] == 2 and answer["restart_required"] == [] and answer["waiting"] == [], answer
        assert any("routes" in c for c in answer["changed"]), answer
        b = Stream(g, "b")
        feed.wait("call_answered", session_id="mock-b")
        b.wait(lambda s: loud(s.heard[-1600:]) and len(s.heard) > 1600)  # a greeting, spoken
        echoed(a, 0x33)
        same = g.post("/voice/reload", {})
        assert same["generation"] == 3 and same["changed"] == [], same
        a.stop()
        b.stop()
        feed.wait("call_ended", count=2)
        assert g.metric("voicegw_reloads_total", result="ok") == 2


def test_sighup_reloads():
    with gateway(base(routes="  - {match: {}, assistant: back}\n")) as g:
        g.write(base(more='departments: {desk: "+15550100"}', routes="  - {match: {}, assistant: back}\n"))
        g.process.send_signal(signal.SIGHUP)
        g.until(lambda: g.metric("voicegw_reloads_total", 0, result="ok") == 1)
        g.write("gateway: [")
        g.process.send_signal(signal.SIGHUP)
        g.until(lambda: g.metric("voicegw_reloads_total", 0, result="refused") == 1)
        assert "voicegw.yaml:" in g.log()


def test_what_is_reloadable_is_in_force():
    """Settings that other rooms read once: trusted proxies, the folder of recordings, the log."""
    with gateway(base(assistant="back", more="auth: {tokens: [{name: a, token: t, scopes: [read, call, admin]}]}"), stop=False) as g:
        token = {"Authorization": "Bearer t"}
        log = os.path.join(g.folder, "new.log")
        text = base(assistant="back", more=f"auth: {{tokens: [{{name: a, token: t, scopes: [read, call, admin]}}]}}\nlog: {{target: {log}}}")
        text = text.replace("http: {", "http: {trusted_proxies: [10.0.0.0/8], ").replace("$STATE/recordings", "$STATE/elsewhere")
        assert "10.0.0.0/8" in text and "elsewhere" in text, text
        g.write(text)
        answer = g.post("/voice/reload", {}, headers=token)
        assert answer["restart_required"] == [] and {"http.trusted_proxies", "recordings.path", "log.target"} <= set(answer["changed"]), answer
        folder = next(os.path.join(d, "elsewhere") for d, names, _ in os.walk(g.folder) if "elsewhere" in names)
        assert os.path.isdir(folder)
        g.until(lambda: os.path.exists(log))
        g.write(text.replace("10.0.0.0/8", "10.0.0.0/99"))
        refused = g.request("POST", "/voice/reload", {}, headers=token)
        assert refused.status == 422 and "10.0.0.0/99" in refused.body and "voicegw.yaml:" in refused.body, refused
        code, said = g.check()
        assert code == 78 and "10.0.0.0/99" in said, said
        g.process.send_signal(signal.SIGTERM)
        g.ended()


def test_restart_is_asked_for_where_it_must_be():
    with gateway(base()) as g:
        g.write(base(gateway="max_sessions: 7, workers: 2"))
        answer = g.post("/voice/reload", {})
        assert any("max_sessions" in c for c in answer["changed"]), answer
        assert any("workers" in c for c in answer["restart_required"]), answer


def test_instances_come_and_go():
    with gateway(base(assistant="back")) as g:
        feed = g.feed()
        text = base(assistant="back").replace("  lab: {plugin: mock,", "  second: {plugin: mock, initiating_ms: 10, ringing_ms: 10}\n  lab: {plugin: mock,")
        g.write(text)
        answer = g.post("/voice/reload", {})
        assert "providers.second" in answer["changed"], answer
        call = g.call("+1555", provider="second")
        feed.wait("call_answered", call_id=call["call_id"])
        g.write(base(assistant="back"))
        answer = g.post("/voice/reload", {})
        assert "providers.second" in answer["changed"], answer
        refused = g.request("POST", "/voice/calls", {"to": "+1555", "provider": "second"})
        assert refused.status in (404, 422), refused
        # its call runs on, and ends as it should
        assert g.get(f"/voice/calls/{call['call_id']}")["state"] == "connected"
        g.post(f"/voice/calls/{call['call_id']}/hold")
        feed.wait("hold_started", call_id=call["call_id"])
        g.post(f"/voice/calls/{call['call_id']}/end")
        feed.wait("call_ended", call_id=call["call_id"])
        assert "providers.second" not in g.get("/health")["parts"]


def test_broken_configuration_is_refused_whole():
    with gateway(base(assistant="back")) as g:
        feed = g.feed()
        s = Stream(g, "a")
        feed.wait("call_answered")
        g.write(base(gateway="max_sesions: 3", mock="initiating_ms: fast", more="departements: {}\nmedia_silence_timeout: 1y"))
        refused = g.request("POST", "/voice/reload", {})
        assert refused.status == 422, refused
        errors = refused.json["errors"]
        assert len(errors) >= 4, errors
        text = str(errors)
        assert "voicegw.yaml:" in text and "max_sessions" in text and "departments" in text, text
        g.write("a: [1, 2\nb: }")
        refused = g.request("POST", "/voice/reload", {})
        assert refused.status == 422 and "voicegw.yaml:" in refused.body, refused
        echoed(s, 0x44)
        assert g.get("/health")["status"] == "ok"
        g.write(base(assistant="back"))
        assert g.post("/voice/reload", {})["generation"] == 2
        s.stop()
        feed.wait("call_ended")


def test_missing_plugin_at_reload_is_refused_and_at_start_degrades():
    missing = base(assistant="back").replace("echo: {plugin: echo}", "echo: {plugin: nowhere}")
    with gateway(base(assistant="back")) as g:
        g.write(missing)
        refused = g.request("POST", "/voice/reload", {})
        assert refused.status == 422 and "nowhere" in refused.body, refused
        g.write(base(assistant="back"))
        code, said = 0, ""
    with gateway(missing) as g:
        health = g.get("/health")
        assert health["status"] == "degraded" and health["parts"]["assistants.echo"]["status"] == "degraded", health
        assert "nowhere" in health["parts"]["assistants.echo"]["detail"], health
        g.call("+1555")
    g = Gateway(missing)
    try:
        code, said = g.check()
        assert code == 78 and "nowhere" in said and "voicegw.yaml:" in said, (code, said)
    finally:
        g.done()


def test_new_build_of_a_plugin_is_for_new_calls():
    g = Gateway(base(assistant="back"))
    try:
        folder = own_plugins(g)
        target = os.path.join(folder, "loopback.so")
        g.start()
        feed = g.feed()
        old = instance_of(g, "loopback", "back")["generation"]
        a = Stream(g, "a")
        feed.wait("call_answered", session_id="mock-a")
        echoed(a, 0x21)
        # another build, written over the file that is loaded, as cp does
        variant(os.path.join(build(), "plugins", "loopback.so"), target, b"0.1.0\0", b"0.1.9\0")
        echoed(a, 0x22)
        answer = g.post("/voice/reload", {})
        assert answer["changed"] == ["assistants.back"], answer
        assert version_of(g, "loopback") == "0.1.9"
        new = instance_of(g, "loopback", "back")["generation"]
        assert new > old, (new, old)
        assert g.metric("voicegw_plugin_generation", plugin="loopback") == new
        b = Stream(g, "b")
        feed.wait("call_answered", session_id="mock-b")
        echoed(b, 0x23)
        echoed(a, 0x24)
        # rubbish over it: refused, all runs on
        with open(target, "wb") as f:
            f.write(b"\x7fELF rubbish")
        refused = g.request("POST", "/voice/reload", {})
        assert refused.status == 422 and "loopback" in refused.body, refused
        echoed(a, 0x25)
        echoed(b, 0x26)
        os.unlink(target)
        echoed(b, 0x27)
        for s, name in ((a, "mock-a"), (b, "mock-b")):
            s.stop()
            feed.wait("call_ended", session_id=name)
        g.stop()
    finally:
        g.done()


def test_new_build_of_a_provider_under_a_call():
    g = Gateway(base(assistant="back"))
    try:
        folder = own_plugins(g)
        g.start()
        feed = g.feed()
        a = Stream(g, "a")
        call = g.call("+1555")
        feed.wait("call_answered", count=2)
        variant(os.path.join(build(), "plugins", "mock.so"), os.path.join(folder, "mock.so.new"), b"0.1.0\0", b"0.1.9\0")
        os.replace(os.path.join(folder, "mock.so.new"), os.path.join(folder, "mock.so"))
        answer = g.post("/voice/reload", {})
        assert answer["changed"] == ["providers.lab"], answer
        echoed(a, 0x31)
        b = Stream(g, "b")
        feed.wait("call_answered", session_id="mock-b")
        echoed(b, 0x32)
        g.post(f"/voice/calls/{call['call_id']}/hold")
        feed.wait("hold_started", call_id=call["call_id"])
        g.post(f"/voice/calls/{call['call_id']}/end")
        feed.wait("call_ended", call_id=call["call_id"])
        a.stop()
        feed.wait("call_ended", session_id="mock-a")
        echoed(b, 0x34)
        b.stop()
        feed.wait("call_ended", session_id="mock-b")
        g.stop()
    finally:
        g.done()


def test_exclusive_plugin_waits_until_it_is_idle():
    def make(path, version):
        subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-shared", "-fPIC", f"-I{ROOT}/plugin-sdk/include",
                        '-DSUBJECT_NAME="alone"', f'-DSUBJECT_VERSION="{version}"',
                        "-DSUBJECT_FLAGS=(VOICEGW_PLUGIN_CLOSABLE|VOICEGW_PLUGIN_EXCLUSIVE)", "-o", path,
                        f"{ROOT}/tests/abi/plugins/subject.c"], check=True)
    with_it = base(assistant="back", more="actions: {alone: {plugin: alone, count: 1}}")
    g = Gateway(with_it)
    try:
        folder = own_plugins(g)
        make(os.path.join(folder, "alone.so"), "1")
        g.start()
        assert g.get("/health")["status"] == "ok", g.get("/health")
        make(os.path.join(folder, "alone.so.new"), "2")
        os.replace(os.path.join(folder, "alone.so.new"), os.path.join(folder, "alone.so"))
        answer = g.post("/voice/reload", {})
        assert answer["waiting"] == ["alone"], answer
        g.until(lambda: "start 2" in g.log())
        assert g.log().index("destroy 1") < g.log().index("start 2")
        g.stop()
    finally:
        g.done()


def test_revoked_token_loses_its_feed():
    one, two = "{name: a, token: token-of-a-1, scopes: [read, call, admin]}", "{name: b, token: token-of-b-1, scopes: [read]}"
    with gateway(base(more=TOKENS % f"{one}, {two}"), stop=False) as g:
        a = {"Authorization": "Bearer token-of-a-1"}
        kept, cut = Feed(g.port, token="token-of-a-1"), Feed(g.port, token="token-of-b-1")
        assert kept.status == cut.status == 200
        g.write(base(more=TOKENS % one))
        answer = g.post("/voice/reload", {}, headers=a)
        assert any("auth" in c for c in answer["changed"]), answer
        cut.wait_closed()
        g.post("/voice/calls", {"to": "+1555"}, headers=a)
        kept.wait("call_answered")
        assert g.request("GET", "/voice/calls", headers={"Authorization": "Bearer token-of-b-1"}).status == 401
        g.process.send_signal(signal.SIGTERM)
        g.until(lambda: "draining" in g.log())  # two signals at once are one
        g.process.send_signal(signal.SIGTERM)
        g.ended()


def test_outbound_urls_follow_the_reload():
    config = base(assistant="back", more="workflows: [wf.yaml]")
    g = Gateway(config)
    try:
        with open(os.path.join(g.folder, "wf.yaml"), "w", encoding="utf-8") as f:
            f.write("id: ask\nsteps:\n  - {type: http_request, params: {url: \"{{trigger.url}}\"}}\n")
        url = {"url": f"http://127.0.0.1:{g.port}/health/live"}
        g.start()
        feed = g.feed()
        g.post("/voice/workflows/ask/run", {"args": url})
        feed.wait("workflow_failed")
        g.write(base(assistant="back", more="workflows: [wf.yaml]\noutbound_urls: {allow: [127.0.0.1]}"))
        answer = g.post("/voice/reload", {})
        assert any("outbound_urls" in c for c in answer["changed"]), answer
        g.post("/voice/workflows/ask/run", {"args": url})
        feed.wait("workflow_finished")
        g.write(base(assistant="back", more="workflows: [wf.yaml]\noutbound_urls: {allow: ['not a host!']}"))
        assert g.request("POST", "/voice/reload", {}).status == 422
        g.stop()
    finally:
        g.done()


def test_fifty_streams_live_through_reloads():
    with gateway(base(assistant="back")) as g:
        feed = g.feed()
        streams = [Stream(g, f"s{i}") for i in range(50)]
        feed.wait("call_answered", count=50)
        for turn in range(4):
            g.write(base(assistant="back", more=f'departments: {{desk: "+1555010{turn}"}}', mock=f"late_callbacks_ms: {turn}"))
            g.post("/voice/reload", {})
            for s in streams:
                for _ in range(5):
                    s.media(tone(0x20 + turn))
            for s in streams:
                s.wait(lambda s: tone(0x20 + turn) in s.heard)
        assert g.metric("voicegw_orphans") == 0
        assert len(g.get("/voice/sessions?limit=500")["sessions"]) == 50
        for s in streams:
            s.stop()
        feed.wait("call_ended", count=50)
        assert len(g.history(50)) == 50


def hang(g, folder, name):
    """A plugin whose constructor never returns, and a configuration that names it."""
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-shared", "-fPIC", f"-I{ROOT}/plugin-sdk/include", f'-DSUBJECT_NAME="{name}"',
                    "-DHANG_IN_CONSTRUCTOR", "-o", os.path.join(folder, name + ".so"), f"{ROOT}/tests/abi/plugins/subject.c"], check=True)
    g.write(base(assistant="back", more=f"actions: {{a: {{plugin: {name}, count: 1}}}}"))


def asked(g, answers):
    t = threading.Thread(target=lambda: answers.append(g.request("POST", "/voice/reload", {})))
    t.start()
    return t


def test_a_plugin_that_hangs_holds_nobody():
    g = Gateway(base(assistant="back"))
    try:
        folder = own_plugins(g)
        g.start()
        feed = g.feed()
        a = Stream(g, "a")
        feed.wait("call_answered", session_id="mock-a")
        hang(g, folder, "hangs")
        first, later = [], []
        waiting = [asked(g, first)]
        g.until(lambda: probing(g))
        # while the probe hangs, which is 5 s: others ask for a reload too, audio goes on, calls come and go
        g.write(base(assistant="back", more='departments: {desk: "+15550100"}'))
        g.process.send_signal(signal.SIGHUP)
        waiting += [asked(g, later) for _ in range(3)]
        echoed(a, 0x41)
        calls = 0
        while not first and calls < 5:
            call = g.call("+1555")
            feed.wait("call_answered", call_id=call["call_id"])
            g.post(f"/voice/calls/{call['call_id']}/end")
            feed.wait("call_ended", call_id=call["call_id"])
            calls += not first
        assert calls, "no call came and went before the probe was over"
        for t in waiting:
            t.join()
        assert first[0].status == 422 and "hung" in first[0].body and "voicegw.yaml:" in first[0].body, first
        # all who asked meanwhile got one reload, of what was written meanwhile
        assert [x.status for x in later] == [200] * 3, later
        assert {x.json["generation"] for x in later} == {2} and "departments" in later[0].json["changed"][0], later
        g.until(lambda: g.metric("voicegw_reloads_total", 0, result="ok") == 1)
        assert g.metric("voicegw_reloads_total", result="refused") == 1
        echoed(a, 0x42)
        a.stop()
        feed.wait("call_ended", session_id="mock-a")
        g.stop()
    finally:
        g.done()


def probing(g):
    """Does the gateway have a helper now?"""
    with open(f"/proc/{g.process.pid}/task/{g.process.pid}/children", encoding="ascii") as f:
        if f.read().strip():
            return True
    for task in os.listdir(f"/proc/{g.process.pid}/task"):
        try:
            with open(f"/proc/{g.process.pid}/task/{task}/children", encoding="ascii") as f:
                if f.read().strip():
                    return True
        except FileNotFoundError:
            pass
    return False


def test_the_end_comes_while_a_reload_is_under_way():
    g = Gateway(base(assistant="back"))
    try:
        folder = own_plugins(g)
        g.start()
        hang(g, folder, "hangs")
        answers = []
        t = asked(g, answers)
        g.until(lambda: probing(g))
        g.stop()
        t.join()
        assert answers[0].status in (409, 503) and "ends" in answers[0].body, answers
        assert "hung" not in g.log(), "the end waited for a probe that hung"
    finally:
        g.done()


def test_looking_at_a_plugin_that_hangs_holds_nobody():
    g = Gateway(base(assistant="back"))
    try:
        folder = own_plugins(g)
        hang(g, folder, "hangs")
        g.write(base(assistant="back"))
        g.start()
        answers = []
        t = threading.Thread(target=lambda: answers.append(g.get("/voice/plugins/hangs")))
        t.start()
        g.until(lambda: probing(g))
        feed = g.feed()
        call = g.call("+1555")
        feed.wait("call_answered", call_id=call["call_id"])
        assert not answers
        t.join()
        assert answers[0]["status"] == "available" and "hung" in answers[0]["problem"], answers
        assert g.get("/voice/plugins/espeak")["factories"], "a plugin that nobody has configured tells its options"
        assert g.request("GET", "/voice/plugins/nowhere").status == 404
        g.stop()
    finally:
        g.done()


def test_wrong_certificate_is_refused_with_its_place():
    with gateway(base(assistant="back")) as g:
        pem = os.path.join(g.folder, "wrong.pem")
        with open(pem, "w", encoding="utf-8") as f:
            f.write("no certificate")
        text = base(assistant="back").replace("http: {", f"http: {{tls: {{certificate: {pem}, key: {pem}}}, ")
        assert "tls:" in text, text
        g.write(text)
        refused = g.request("POST", "/voice/reload", {})
        assert refused.status == 422 and "voicegw.yaml:" in refused.body and "wrong.pem" in refused.body, refused
        code, said = g.check()
        assert code == 78 and "wrong.pem" in said, said
        g.write(base(assistant="back"))


if __name__ == "__main__":
    run(globals())
