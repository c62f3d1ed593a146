#!/usr/bin/python3
# budget: 400 s
"""What is wrong is refused with a sentence that says what would be right, and the rest runs on."""
import contextlib
import json
import os
import shutil
import socket
import subprocess

from daemon import ROOT, Feed, Gateway, WebSocket, base, build, gateway, run, wait


def refused_at_start(config, *words, environment=None, **files):
    """The gateway does not start: exit 78, every word is said, each error has its place. The same from --check."""
    g = Gateway(config, environment=environment)
    try:
        for name, text in files.items():
            with open(os.path.join(g.folder, name.replace("_yaml", ".yaml")), "w", encoding="utf-8") as f:
                f.write(text)
        p = g.spawn()
        assert p.wait(wait()) == 78, (p.returncode, g.log())
        said = g.log()
        code, checked = g.check()
        assert code == 78, (code, checked)
        for text in (said, checked):
            for word in words:
                assert word in text, f"{word!r} is not said: {text}"
            for line in text.strip().splitlines():
                assert ".yaml:" in line, f"no place: {line!r}"
    finally:
        g.done()


def test_all_errors_of_a_configuration_at_once():
    refused_at_start(base(gateway="max_sesions: 3, session_timeout: soon, workers: -5", mock="late_callbacks_ms: fast", more="""
departements: {a: b}
media_silence_timeout: 2000h
auth: {tokens: [{name: a, token: x, scopes: [read, everything]}]}
default_provider: nobody
journal_: {}
"""), "max_sessions", "soon", "workers", "fast", "departments", "media_silence_timeout", "everything", "nobody", "journal")


def test_what_cannot_be_parsed():
    refused_at_start("gateway: {a: [1, 2\n", "voicegw.yaml:")
    refused_at_start("gateway: \t{}\n\tx: 1\n", "voicegw.yaml:")
    refused_at_start("a: &a [*a]\n", "voicegw.yaml:")
    refused_at_start("- a\n- b\n", "voicegw.yaml:")
    refused_at_start("x: " + "[" * 500 + "]" * 500 + "\n", "voicegw.yaml:")
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8))
    refused_at_start(bomb, "voicegw.yaml:")


def test_names_that_nobody_bears():
    refused_at_start(base(routes="  - {match: {}, assistant: ecko, stt: locale, tts: local}\n"), "ecko", "echo", "locale")
    refused_at_start(base(routes="  - {match: {provider: labb}, assistant: echo}\n"), "labb")
    refused_at_start(base(more="include: [more.yaml]"), "http", more_yaml="http: {prefix: /v}\n")
    refused_at_start(base(more='departments: {a: "${NOT_SET_ANYWHERE}"}'), "NOT_SET_ANYWHERE")
    refused_at_start(base().replace("  lab: {", "  calls: {"), "calls")
    refused_at_start(base(mock="password: !file nowhere.txt"), "nowhere.txt")


def test_sizes_and_depths_are_bounded():
    fine = base()
    refused_at_start(fine + "# " + "x" * (1 << 20) + "\n", "1048576")
    deep = "{a: " * 70 + "1" + "}" * 70
    refused_at_start(base(more=f"departments: {deep}"), "64")
    chain = base(more="include: [i0.yaml]")
    refused_at_start(chain, "deeper than 8", **{f"i{n}_yaml": f"include: [i{n + 1}.yaml]\n" for n in range(12)})
    refused_at_start(base(more="include: [a.yaml]"), "second time", a_yaml="include: [b.yaml]\n", b_yaml="include: [a.yaml]\n")
    laughs = "departments:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"  {chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8))
    refused_at_start(base(more=laughs), "10000")
    refused_at_start(base(more="departments: &d {a: *d}"), "d")
    refused_at_start(base(more='departments: {a: "${LONG}"}'), "65536", environment={"LONG": "x" * 70000})


def test_what_stands_twice_is_told_with_both_places():
    refused_at_start(base(more="log: {level: info}\nlog: {level: debug}"), "log", "voicegw.yaml:")
    refused_at_start(base(more="departments: {a: '1', a: '2'}"), "'a'")
    fragment = "providers:\n  lab: {plugin: mock}\nlog: {level: info}\n"
    g = Gateway(base(more="include: [one.yaml, two.yaml]"))
    try:
        for name, text in (("one.yaml", fragment), ("two.yaml", "stt: {local: {plugin: pocketsphinx}, other: {plugin: pocketsphinx}}\nlog: {level: debug}\n")):
            with open(os.path.join(g.folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        code, said = g.check()
        assert code == 78 and said.count("stands at") == 3, said
        assert "one.yaml:2:3: 'lab' in 'providers' stands at" in said and "two.yaml:1:7: 'local' in 'stt' stands at" in said, said
        assert "two.yaml:2:1: key 'log' stands at" in said and "one.yaml:3:" in said, said
    finally:
        g.done()


def test_variables_and_secrets_that_are_not_there():
    refused_at_start(base(more='departments: {a: "${NOT_SET_ANYWHERE}", b: "${ALSO_NOT_SET}", c: "${}", d: "${NAME", e: "${NAME:-fine}"}'),
                     "NOT_SET_ANYWHERE", "ALSO_NOT_SET")
    refused_at_start(base(more="auth: {tokens: [{name: a, token: !file absent.txt, scopes: [read]}]}"), "absent.txt")
    refused_at_start(base(more="departments: {a: !foo bar}"), "!foo")
    g = Gateway(base(more='departments: {desk: "${DESK:-+1555}", two: "${DESK2:-}", four: "$${X}"}'), environment={"DESK": "+1777"})
    try:
        code, said = g.check()
        assert code == 0, said
        g.start()
        g.stop()
    finally:
        g.done()


def test_workflows_and_rules_that_are_wrong():
    refused_at_start(base(more="workflows: [wf.yaml]"), "voice_make_cal", "wf.yaml:",
                     wf_yaml="id: a\nsteps:\n  - {type: voice_make_cal, params: {}}\n")
    refused_at_start(base(more="rules: [rule.yaml]"), "rule.yaml:",
                     rule_yaml="id: a\ntrigger: {type: voice_event, event_type: call_ended}\nconditions: [{field: duration, operator: gtt, value: 1}]\nactions: [{type: log, params: {message: x}}]\n")


def test_without_tokens_only_loopback():
    config = base().replace('listen: ["127.0.0.1:$PORT"]', 'listen: ["0.0.0.0:$PORT"]')
    refused_at_start(config, "token")
    refused_at_start(base().replace('listen: ["127.0.0.1:$PORT"]', 'listen: ["127.0.0.1:$PORT"], public_url: "https://voice.example.com"'), "token")
    with gateway(config, stop=False, environment={"VOICEGW_TOKEN": "a-secret-token"}) as g:
        assert g.request("GET", "/voice/calls").status == 401
        a = g.request("GET", "/voice/calls")
        assert a.headers["www-authenticate"].startswith("Bearer")
        g.get("/voice/calls", headers={"Authorization": "Bearer a-secret-token"})
        assert "a-secret-token" not in g.log()
        import signal
        g.process.send_signal(signal.SIGTERM)
        g.ended()


def test_a_port_that_is_taken():
    with gateway(base()) as g:
        other = Gateway(base())
        try:
            with open(other.config, encoding="utf-8") as f:
                text = f.read().replace(f"127.0.0.1:{other.port}", f"127.0.0.1:{g.port}")
            other.write(text)
            p = other.spawn()
            assert p.wait(wait()) not in (0, 78) and str(g.port) in other.log(), (p.returncode, other.log())
        finally:
            other.done()


def compile_plugin(folder, name, *defines):
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-shared", "-fPIC", f"-I{ROOT}/plugin-sdk/include", f'-DSUBJECT_NAME="{name}"', *defines,
                    "-o", os.path.join(folder, f"{name}.so"), f"{ROOT}/tests/abi/plugins/subject.c"], check=True)


def test_broken_plugins_are_refused_and_the_rest_runs():
    g = Gateway()
    try:
        folder = g.plugins[0] = os.path.join(g.folder, "plugins")
        shutil.copytree(os.path.join(build(), "plugins"), folder)
        compile_plugin(folder, "crashes", "-DCRASH_IN_CONSTRUCTOR")
        compile_plugin(folder, "leaves", "-DEXIT_IN_CONSTRUCTOR")
        compile_plugin(folder, "symbol", "-DMISSING_SYMBOL")
        compile_plugin(folder, "major", "-DSUBJECT_MAJOR=99")
        compile_plugin(folder, "good")
        os.rename(os.path.join(folder, "good.so"), os.path.join(folder, "othername.so"))
        with open(os.path.join(folder, "text.so"), "w", encoding="utf-8") as f:
            f.write("no plugin")
        with open(os.path.join(build(), "plugins", "echo.so"), "rb") as f:
            data = bytearray(f.read())
        data[18:20] = b"\xb7\x00"  # AArch64
        with open(os.path.join(folder, "arch.so"), "wb") as f:
            f.write(data)
        with open(os.path.join(folder, "cut.so"), "wb") as f:
            f.write(data[:100])
        broken = ["absent", "crashes", "leaves", "symbol", "major", "othername", "text", "arch", "cut"]
        g.write(base().replace("echo: {plugin: echo}", "echo: {plugin: echo}, " + ", ".join(f"{b}: {{plugin: {b}}}" for b in broken)))
        g.start()
        health = g.get("/health")
        assert health["status"] == "degraded", health
        for b in broken:
            part = health["parts"][f"assistants.{b}"]
            assert part["status"] == "degraded" and len(part["detail"]) > 20, (b, part)
        assert health["parts"]["assistants.echo"]["status"] == "ok"
        feed = g.feed()
        call = g.call("+1555")
        feed.wait("call_answered", call_id=call["call_id"])
        for b in broken[1:]:
            a = g.request("GET", f"/voice/plugins/{b}")
            assert a.status in (200, 404), a
        g.stop()
        code, said = g.check()
        assert code == 78 and all(b in said for b in broken), (code, said)
    finally:
        g.done()


def test_what_only_create_refuses_is_told_with_its_place():
    menus = "id: a\ngreeting: hi\noptions:\n  - phrases: [hello]\n    sayy: hi\n---\nid: b\noptions: [{digits: '1', hangup: true}]\n"
    script = "id: one\nsteps:\n  - say: {text: hi}\n  - hangupp\n"
    config = base(mock="scripts: script.yaml", more="""
departments: {desk: "+15550100"}
""").replace("assistants: {echo: {plugin: echo}, back: {plugin: loopback}}",
                "assistants:\n  echo: {plugin: echo}\n  desk: {plugin: menu, file: menu.yaml}\n  none: {plugin: menu}")
    assert "  desk: {plugin: menu" in config, config
    outcome = base().replace("providers:\n", "providers:\n  second:\n    plugin: mock\n    outcomes:\n      - {to: '+1', outcome: busy}\n      - to: '+2'\n        outcome: bussy\n")
    assert "  second:" in outcome, outcome
    g = Gateway(config)
    try:
        for name, text in (("menu.yaml", menus), ("script.yaml", script)):
            with open(os.path.join(g.folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        code, said = g.check()
        assert code == 78, said
        assert "menu.yaml:5:5: assistants.desk: " in said and '"sayy"' in said, said
        assert "script.yaml:4:5: providers.lab: script_documents[0]: steps[1]" in said, said
        line = next(n for n, text in enumerate(open(g.config, encoding="utf-8"), 1) if "  none: {plugin: menu}" in text)
        assert f"voicegw.yaml:{line}:3: assistants.none: there is no menu" in said, said
        assert "assistants.desk: assistants.desk" not in said, said
        g.write(outcome)
        code, said = g.check()
        line = next(n for n, text in enumerate(open(g.config, encoding="utf-8"), 1) if "bussy" in text)
        assert code == 78 and f"voicegw.yaml:{line}:9: providers.second: outcomes[1]: outcome must be" in said, said
        # the same by a reload, and what runs is not touched
        g.write(base())
        g.start()
        g.write(config)
        refused = g.request("POST", "/voice/reload", {})
        assert refused.status == 422, refused
        fields = [e["field"] for e in refused.json["errors"]]
        assert any(f.endswith("menu.yaml:5:5") for f in fields) and any(f.endswith("script.yaml:4:5") for f in fields), refused
        assert "assistants.desk: assistants.desk" not in refused.body, refused
        g.call("+1555")
        g.write(base())
        assert g.post("/voice/reload", {})["generation"] == 2
        g.stop()
    finally:
        g.done()


def test_a_create_that_crashes_hangs_or_leaves_harms_nothing():
    g = Gateway()
    try:
        folder = g.plugins[0] = os.path.join(g.folder, "plugins")
        shutil.copytree(os.path.join(build(), "plugins"), folder)
        ways = {"crash": "crashed with SIGABRT", "hang": "hung", "exit": "exit code 7", "refuse": "count must be prime", "destroys": "its destroy()"}
        for way, define in zip(ways, ("CRASH_IN_CREATE", "HANG_IN_CREATE", "EXIT_IN_CREATE", "REFUSE_IN_CREATE", "CRASH_IN_DESTROY")):
            compile_plugin(folder, way, "-D" + define)
        compile_plugin(folder, "fine")
        bad = base(more="actions:\n" + "".join(f"  my-{way}: {{plugin: {way}, count: 4}}\n" for way in [*ways, "fine"]))
        g.write(bad)
        code, said = g.check()
        assert code == 78, said
        for way, words in ways.items():
            line = next(text for text in said.splitlines() if f"actions.my-{way}: " in text)
            assert words in line and "voicegw.yaml:" in line, (way, said)
        assert "my-fine" not in said, said
        g.write(base())
        g.start()
        g.write(bad)
        feed = g.feed()
        refused = g.request("POST", "/voice/reload", {})
        assert refused.status == 422 and all(words in refused.body for words in ways.values()), refused
        call = g.call("+1555")
        feed.wait("call_answered", call_id=call["call_id"])
        assert g.get("/health")["status"] == "ok"
        g.stop()
    finally:
        g.done()


def test_a_create_that_crashes_hangs_or_leaves_at_start_costs_its_instance_alone():
    g = Gateway()
    try:
        folder = g.plugins[0] = os.path.join(g.folder, "plugins")
        shutil.copytree(os.path.join(build(), "plugins"), folder)
        ways = {"crash": "crashed with SIGABRT", "hang": "hung", "exit": "exit code 7", "refuse": "count must be prime"}
        for way, define in zip(ways, ("CRASH_IN_CREATE", "HANG_IN_CREATE", "EXIT_IN_CREATE", "REFUSE_IN_CREATE")):
            compile_plugin(folder, way, "-D" + define)
        compile_plugin(folder, "fine")
        g.write(base(more="actions:\n" + "".join(f"  my-{way}: {{plugin: {way}, count: 4}}\n" for way in [*ways, "fine"])))
        with open(g.config, encoding="utf-8") as f:
            lines = f.read().splitlines()
        for _ in range(2):  # what failed is tried again at the next start, and told again
            g.start()
            health = g.get("/health")
            assert health["status"] == "degraded", health
            parts = {name.rpartition("my-")[2]: part for name, part in health["parts"].items() if "my-" in name}
            for way, words in ways.items():
                line = next(n for n, text in enumerate(lines, 1) if f"my-{way}:" in text)
                place = f"{g.config}:{line}:"
                assert parts[way]["status"] == "degraded" and words in parts[way]["detail"] and place in parts[way]["detail"], parts[way]
                assert any(place in text and words in text and "ERROR" in text for text in g.log().splitlines()), (way, g.log())
            assert parts["fine"]["status"] == "ok", parts
            feed = g.feed()
            call = g.call("+1555")
            feed.wait("call_answered", call_id=call["call_id"])
            g.stop()
    finally:
        g.done()


def test_what_went_well_at_a_start_is_not_tried_out_at_the_next():
    g = Gateway()
    try:
        folder = g.plugins[0] = os.path.join(g.folder, "plugins")
        shutil.copytree(os.path.join(build(), "plugins"), folder)
        compile_plugin(folder, "fine")

        def trials():
            with open(os.path.join(g.state, "plugin-cache.json"), encoding="utf-8") as f:
                return {k for k in json.load(f)["plugins"] if k.startswith("trial:")}

        def start(count):
            g.write(base(more=f"actions: {{my: {{plugin: fine, count: {count}}}}}\n"))
            g.start()
            g.stop()
            return trials()
        first = start(3)
        assert len(first) == 7, first  # lab, two engines, two assistants, the store, and this
        stamp = os.stat(os.path.join(g.state, "plugin-cache.json")).st_mtime_ns
        assert start(3) == first and os.stat(os.path.join(g.state, "plugin-cache.json")).st_mtime_ns == stamp
        assert len(start(5) - first) == 1, "other options are tried out"
    finally:
        g.done()


def test_what_a_provider_cannot_do_is_refused_before_a_call():
    """A route or step that wants what its provider's capabilities lack, and a match by plugin."""
    g = Gateway()
    try:
        folder = g.plugins[0] = os.path.join(g.folder, "plugins")
        shutil.copytree(os.path.join(build(), "plugins"), folder)
        compile_plugin(folder, "mute", '-DSUBJECT_KIND="voicegw.provider/1"', "-DSUBJECT_CAPS=VOICEGW_CAP_ANSWER|VOICEGW_CAP_END")

        def check(routes, steps="", more="", **files):
            files = {"wf.yaml": "id: w\nsteps:\n  - {type: log, params: {message: hi}}\n" + steps, **files}
            for name, text in files.items():
                with open(os.path.join(g.folder, name), "w", encoding="utf-8") as f:
                    f.write(text)
            config = base(routes=routes, more="workflows: [wf.yaml]\n" + more)
            g.write(config.replace("providers:\n", "providers:\n  dumb: {plugin: mute, count: 3}\n"))
            return g.check()

        fine = "  - {match: {}, assistant: echo, stt: local, tts: local}\n"
        say = "  - {type: if, params: {condition: {field: x, operator: exists}, then: [{type: voice_play_tts, params: {text: hi}}]}}\n"
        code, said = check(fine)
        assert code == 0, said
        for key, words in (("assistant: echo, stt: local, tts: local", "talk"), ("greeting: hi", "say a greeting"), ("record: true", "record")):
            for provider in ("dumb", "mute", "du*"):
                code, said = check(f"  - {{match: {{provider: {provider}}}, {key}}}\n{fine}")
                assert code == 78 and "voicegw.yaml:" in said and "'dumb' (mute) cannot" in said and words in said, (key, provider, said)
            assert check(f"  - {{match: {{provider: lab}}, {key}}}\n  - {{match: {{provider: mock}}, {key}}}\n")[0] == 0
        # steps, where it can be told: those of a route's workflow, after a call that is placed, and by name
        code, said = check("  - {match: {provider: dumb}, workflow: w}\n" + fine, say)
        assert code == 78 and "wf.yaml:4:" in said and "'dumb' (mute) cannot say text" in said, said
        assert check("  - {match: {provider: lab}, workflow: w}\n" + fine, say)[0] == 0
        assert check(fine, say)[0] == 0
        code, said = check(fine, "  - {type: voice_make_call, params: {to_number: '+1', provider: dumb}}\n")
        assert code == 78 and "wf.yaml:4:" in said and "cannot place calls" in said, said
        code, said = check(fine, "  - {type: send_sms, params: {to: '+1', message: x, provider: dumb}}\n")
        assert code == 78 and "cannot send text messages" in said, said
        code, said = check(fine, "  - {type: voice_make_call, params: {to_number: '+1', provider: nobody}}\n")
        assert code == 78 and "no provider 'nobody'" in said, said
        transfer = "  - {type: voice_transfer, params: {to_number: '+1', kind: attended}}\n"
        code, said = check("  - {match: {provider: mute}, workflow: w}\n", transfer)
        assert code == 78 and "transfer a call" in said, said
        code, said = check("  - {match: {provider: mock}, workflow: w}\n", transfer)
        assert code == 0, said
        code, said = check("  - {match: {provider: mocc}, assistant: echo}\n")
        assert code == 78 and "did you mean 'mock'" in said, said
    finally:
        g.done()


def raw(g, data):
    """What is answered to raw octets until the other end closes."""
    with socket.create_connection(("127.0.0.1", g.port), wait()) as s:
        out = b""
        with contextlib.suppress(ConnectionError):  # it need not take all that is wrong; what it answered is there all the same
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := s.recv(65536):
                out += part
        return out


def test_malformed_http_and_json():
    with gateway(base()) as g:
        host = b"Host: localhost\r\n"
        for data, expected in (
                (b"NONSENSE\r\n\r\n", b"400"), (b"GET / HTTP/9.9\r\n" + host + b"\r\n", b"505"),
                (b"GET / HTTP/1.1\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\n" + host + host + b"\r\n", b"400"),
                (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n" + host + b"\r\n", b"4"),
                (b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 100000 + b"\r\n\r\n", b"4"),
                (b"POST /voice/calls HTTP/1.1\r\n" + host + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", b"400"),
                (b"POST /voice/calls HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n", b"400"),
                (b"POST /voice/calls HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", b"400"),
                (b"POST /voice/calls HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", b"400"),
                (b"GET /%zz HTTP/1.1\r\n" + host + b"\r\n", b"4"), (b"GET /voice/../etc HTTP/1.1\r\n" + host + b"\r\n", b"4"),
                (b"GET / HTTP/1.1\r\n" + host + b" folded: x\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\n" + host + b"A\x00B: x\r\n\r\n", b"400")):
            answer = raw(g, data)
            status = answer.split(b" ", 2)[1] if answer.startswith(b"HTTP/") else b""
            assert status.startswith(expected), (data[:80], answer[:200])
        for body in (b"{", b"[]", b"null", b"\xff\xfe", b'{"to": "\xff"}', b'{"to": 5}', b'{"to": "+1", "unknown": 1}', b'{"to": ""}',
                     b'{"to": "+1", "variables": []}', b"[" * 5000, b'{"to":"+1","provider":"nobody"}', b'{"to":"+1","assistant":"nobody"}',
                     b'{"to":"+1","workflow":"nobody"}', b'{"to":"+1","timeout_seconds":-1}', b'{"to":"+1","to":'):
            a = g.request("POST", "/voice/calls", raw=body, headers={"Content-Type": "application/json"})
            assert a.status in (400, 404, 422), (body[:60], a)
            problem = a.json
            assert problem["status"] == a.status and problem["title"] and a.headers["content-type"] == "application/problem+json", a
        assert g.request("POST", "/voice/calls", raw=b"to=1", headers={"Content-Type": "text/plain"}).status in (400, 415, 422)
        for path in ("/voice/calls/nobody", "/voice/sessions/nobody", "/voice/sessions/nobody/transcript", "/voice/runs/nobody", "/voice/nowhere",
                     "/voice/recordings/nobody", "/voice/plugins/nobody"):
            assert g.request("GET", path).status == 404, path
        assert g.request("DELETE", "/voice/calls").status == 405
        assert g.request("GET", "/voice/history?limit=x").status in (400, 422)
        assert g.request("GET", "/voice/history?cursor=rubbish").status in (400, 422)
        assert g.request("DELETE", "/voice/records").status == 400
        big = g.request("POST", "/voice/calls", raw=b'{"to":"' + b"1" * 3_000_000 + b'"}', headers={"Content-Type": "application/json"})
        assert big.status == 413, big.status
        assert g.get("/health")["status"] == "ok"
        assert g.get("/voice/calls")["count"] == 0


def test_feed_that_is_bent():
    with gateway(base()) as g:
        assert Feed(g.port, last_id="12").status == 410
        assert g.request("GET", "/voice/events", headers={"Last-Event-ID": "abc"}).status in (400, 422)
        w = WebSocket(g.port, "/voice/events")
        w.send_frame(1, b"\xff\xff\xff")
        assert w.close_code() in (0, 1007), w.closed
        w = WebSocket(g.port, "/voice/events")
        w.send("x" * 2_000_000)
        assert w.close_code() in (0, 1009, 1008, 1003), w.closed
        feed = g.feed()
        g.call("+1555")
        feed.wait("call_answered")


def test_queues_that_are_full():
    """Sessions beyond the limit are refused in one turn, and none is left over."""
    with gateway(base(gateway="max_sessions: 20", assistant="back")) as g:
        feed = g.feed()
        answers = [g.request("POST", "/voice/calls", {"to": f"+1555{i}"}).status for i in range(60)]
        assert answers.count(202) == 20 and answers.count(503) == 40, answers
        feed.wait("call_failed", count=40, status="busy")
        feed.wait("call_answered", count=20)
        for s in g.get("/voice/sessions?limit=500")["sessions"]:
            g.post(f"/voice/sessions/{s['session_id']}/end", {})
        feed.wait("call_ended", count=20)
        rows = g.history(60)
        statuses = [r["status"] for r in rows]
        assert statuses.count("busy") == 40 and statuses.count("completed") == 20, statuses


if __name__ == "__main__":
    run(globals())
