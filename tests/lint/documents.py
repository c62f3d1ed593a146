#!/usr/bin/python3
"""documents.py --build FOLDER - what the documents and the shipped files promise: man pages are clean, every YAML example passes the
checker and the schema, the unit is confined, set-up installs what is missing. One line a check; 'N passed, N failed' last.

Examples are the yaml blocks of README.md, the displays of the man pages that a comment `.\\" example` announces, and conf/. What an
example is shows in its keys: a workflow has steps, a rule a trigger, a menu options, a caller's script steps of a caller."""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

MAN_PAGES = "voicegwd.8 voicegwctl.1 voicegw-plugin-check.1 voicegw.yaml.5 voicegw-workflow.5 voicegw-events.7 voicegw-plugin.7 " \
            "voicegw_plugin.3".split()
UNIT_EXPOSURE = 13  # tenths
# What a scripted caller does and no workflow knows.
CALLER_STEPS = {"say", "wav", "dtmf", "pause", "noise", "barge_in", "hold", "expect", "hangup"}
MODELINE = "# yaml-language-server: $schema=/usr/share/voicegw/voicegw.schema.json"
VARIABLES = {"VOICEGW_TOKEN": "0123456789abcdef0123456789abcdef", "TWILIO_ACCOUNT_SID": "AC0", "TWILIO_AUTH_TOKEN": "t"}

results = []


def check(promise, problems):
    results.append(not problems)
    print(f"{'not ok' if problems else 'ok'} {promise}")
    for line in problems[:30]:
        print(f"    {line}")


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def check_man(build):
    problems = []
    for page in MAN_PAGES:
        path = f"{build}/man/{page}"
        if not os.path.exists(path):
            problems.append(f"{path} is not built: make man")
            continue
        done = subprocess.run(["mandoc", "-Tlint", "-Wstyle", path], capture_output=True, text=True)
        # Pages of this project name each other before they are installed.
        problems += [line for line in (done.stdout + done.stderr).splitlines() if "referenced manual not found" not in line and "outdated mandoc.db" not in line]
    check("man pages are clean under mandoc -Tlint", problems)


def examples():
    """(place, text) of every example but conf/."""
    readme = text_of("README.md") if os.path.exists("README.md") else ""
    for m in re.finditer(r"^```yaml\n(.*?)^```", readme, re.M | re.S):
        yield f"README.md:{readme.count(chr(10), 0, m.start()) + 1}", m[1]
    for path in sorted(glob.glob("man/*")):
        if path.endswith(".py") or not os.path.isfile(path):
            continue
        page = text_of(path)
        for m in re.finditer(r'^\.\\" example\n\.Bd [^\n]*\n(.*?)^\.Ed', page, re.M | re.S):
            text = m[1].replace("\\e", "\\").replace("\\&", "").replace("\\(dq", '"').replace("\\-", "-")
            yield f"{path}:{page.count(chr(10), 0, m.start()) + 1}", text


def kind_of(text):
    import yaml
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_constructor("!file", lambda loader, node: "from-a-file")
    document = next(iter(yaml.load_all(text, loader)))
    if isinstance(document, list):
        document = document[0]
    if "steps" in document and "trigger" not in document:
        keys = {k for step in document["steps"] for k in (step if isinstance(step, dict) else {step: None})}
        return "script" if keys & CALLER_STEPS and "type" not in keys else "workflow"
    if "trigger" in document:
        return "rule"
    return "menu" if "options" in document else "main"


WRAPPED = {
    "workflow": "workflows: [example.yaml]\nproviders: {lab: {plugin: mock}}\n",
    "rule": "rules: [example.yaml]\nproviders: {lab: {plugin: mock}}\n",
    "menu": "assistants: {desk: {plugin: menu, file: example.yaml}}\nproviders: {lab: {plugin: mock}}\n"
            "departments: {front_desk: \"+15550100\"}\n",
    "script": "providers: {lab: {plugin: mock, scripts: [example.yaml]}}\ntts: {local: {plugin: flite}}\n",
}


def checker(build, path, where):
    env = dict(os.environ, VOICEGW_STATE_DIR=where, VOICEGW_RUN_DIR=where, **VARIABLES)
    command = [f"{build}/bin/voicegwd", "--check", "-c", path, "-p", f"{build}/plugins"]
    for examples_of_the_sdk in glob.glob(f"{build}/sdk-dest/**/hello-provider.so", recursive=True):
        command += ["-p", os.path.dirname(examples_of_the_sdk)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def check_events(build):
    """Every type of event that the core writes stands in the catalogue, and with all its fields in voicegw-events(7)."""
    sys.path.insert(0, "man")
    from events import rows
    catalogue = list(rows(text_of("core/event/catalogue.c")))
    known = {name for name, _, _ in catalogue}
    declared = len(re.findall(r"^    VGW_EVENT_\w+,$", text_of("core/event/catalogue.h"), re.M))
    problems = [] if len(catalogue) == declared else [f"catalogue.c shows {len(catalogue)} types, catalogue.h {declared}"]
    found = set()
    for path in sorted(glob.glob("core/*/*.c")):
        source = text_of(path)
        for call in re.findall(r"\b(?:vgw_calls_emit|vgw_gateway_emit|vgw_talk_event|vgw_run_emit|vgw_event_new|emit)\(([^{}]*?)\);", source):
            found |= {(path, word) for word in re.findall(r'(?<!streq\(r->b, )"([a-z_.]+)"', call)}
        for words in re.findall(r"static const char \*const types\[\] = \{(.*?)\};", source, re.S):
            found |= {(path, word) for word in re.findall(r'"([a-z_.]+)"', words)}
    problems += [f"{path} writes the event {word}, which core/event/catalogue.c does not have" for path, word in sorted(found) if word not in known]
    written = {word for _, word in found}
    problems += [f"nothing in core writes the event {name}" for name in sorted(known - written)]
    page = text_of(f"{build}/man/voicegw-events.7").split("\n.It Ic ")
    shown = {block.split("\n")[0]: set(re.findall(r"^\.It Va (\S+)$", block, re.M)) for block in page[1:]}
    problems += [f"voicegw-events(7) does not show {name} {field}".rstrip() for name, _, fields in catalogue
                 for field in [""] + [f for _, f, _ in fields] if name not in shown or (field and field not in shown[name])]
    check("every event of the core stands in the catalogue and in voicegw-events(7), field by field", problems)


def check_examples(build):
    problems, count = [], 0
    for place, text in examples():
        count += 1
        with tempfile.TemporaryDirectory() as where:
            kind = kind_of(text)
            main = os.path.join(where, "voicegw.yaml")
            if kind == "main":
                files = {main: text}
                # Files that it names are conf/'s, and secrets of its own.
                shutil.copytree("conf", where, dirs_exist_ok=True)
                for name in re.findall(r"!file\s+(\S+?)[,}\s]", text) + re.findall(r"(?:certificate|key): ([\w./-]+\.pem)", text):
                    os.makedirs(os.path.dirname(os.path.join(where, name)) or where, exist_ok=True)
                    files[os.path.join(where, name)] = "secret\n"
            else:
                files = {main: WRAPPED[kind], os.path.join(where, "example.yaml"): text}
            for path, content in files.items():
                with open(path, "w", encoding="utf-8") as f:
                    f.write(content)
            code, said = checker(build, main, where)
            if code:
                problems += [f"{place} ({kind}): exit {code}"] + said.splitlines()[:8]
    check(f"the {count} examples of README and man pages pass voicegwd --check", problems if count else ["there is none"])


def check_conf(build):
    problems = []
    with tempfile.TemporaryDirectory() as where:
        code, said = checker(build, "conf/voicegw.yaml", where)
        if code:
            problems = [f"conf/voicegw.yaml: exit {code}"] + said.splitlines()
    check("the shipped configuration passes voicegwd --check", problems)
    check("the shipped main file tells editors its schema",
          [p for p in ["conf/voicegw.yaml"] if text_of(p).splitlines()[0] != MODELINE])


def check_schema(build):
    import jsonschema
    import yaml
    done = subprocess.run([f"{build}/bin/voicegwd", "--print-schema"], capture_output=True, text=True)
    if done.returncode:
        check("the JSON Schema is printed", [f"exit {done.returncode}: {done.stderr}"])
        return
    schema = json.loads(done.stdout)
    validator = jsonschema.Draft202012Validator(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_constructor("!file", lambda loader, node: "from-a-file")
    problems = []
    good = [("conf/voicegw.yaml", text_of("conf/voicegw.yaml"))] + [e for e in examples() if kind_of(e[1]) == "main"]
    for place, text in good:
        for error in validator.iter_errors(yaml.load(text, loader)):
            problems.append(f"{place}: {'/'.join(map(str, error.path))}: {error.message[:200]}")
    check("the JSON Schema takes what the checker takes", problems)
    bad = ["gatewey: {}\n", "gateway: {max_sessions: many}\n", "gateway: {max_sessions: 0}\n", "log: {level: loud}\n",
           "http: {listen: {port: 5}}\n", "providers: {lab: {ringing_ms: 5}}\n", "routes: [{greting: hello}]\n", "talk: {max_turns: -1}\n"]
    problems = []
    for text in bad:
        if validator.is_valid(yaml.load(text, loader)):
            problems.append(f"the schema takes {text.strip()}")
        with tempfile.TemporaryDirectory() as where:
            path = os.path.join(where, "voicegw.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            code, said = checker(build, path, where)
            if code != 78 or f"{path}:1:" not in said:
                problems.append(f"the checker says {code} to {text.strip()}: {said.strip()[:200]}")
    check("the JSON Schema and the checker refuse the same", problems)


def check_unit():
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "voicegw.service")
        # The analysis needs programs that are there.
        with open(path, "w", encoding="utf-8") as f:
            f.write(re.sub(r"^(Exec\w+=).*$", r"\1/bin/true", text_of("packaging/voicegw.service"), flags=re.M))
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={UNIT_EXPOSURE}", path],
                              capture_output=True, text=True)
        check(f"the unit is confined to an exposure of {UNIT_EXPOSURE / 10}",
              [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()[-3:])
        verify = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path], capture_output=True, text=True)
        check("the unit is valid", [line for line in verify.stderr.splitlines() if "voicegw.service" in line])


def check_setup():
    """setup.sh with a package manager of our own: what is missing is named, fetched once, and nothing else."""
    problems = []
    with tempfile.TemporaryDirectory() as where:
        def program(name, text):
            path = os.path.join(where, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write("#!/bin/sh\n" + text)
            os.chmod(path, 0o755)

        program("dpkg-query", 'shift 3; for p; do case "$p" in mandoc|sox) ;; *) echo "ii  $p";; esac; done; exit 1\n')
        program("apt-get", f'echo "$*" >> {where}/log; case "$*" in *-s*) test -e {where}/known;; *update*) touch {where}/known;; esac\n')
        program("id", "echo 0\n")
        env = dict(os.environ, PATH=f"{where}:{os.environ['PATH']}")
        done = subprocess.run(["packaging/setup.sh", "build", "test"], env=env, capture_output=True, text=True)
        log = text_of(f"{where}/log").splitlines() if os.path.exists(f"{where}/log") else []
        if done.returncode or "mandoc" not in done.stdout or "gcc" in done.stdout:
            problems.append(f"exit {done.returncode}: {done.stdout} {done.stderr}")
        if [line.split()[0] for line in log] != ["install", "update", "install"] or not log[-1].endswith(" mandoc sox"):
            problems.append(f"it ran {log}")
        done = subprocess.run(["packaging/setup.sh", "--missing", "build"], env=env, capture_output=True, text=True)
        if done.returncode or done.stdout:
            problems.append(f"missing for a build: {done.stdout}")
    check("set-up installs only what is missing, and says so", problems)
    listed = {line.split()[1] for line in text_of("packaging/packages.txt").splitlines() if line and not line.startswith("#")}
    with_why = [line for line in text_of("packaging/packages.txt").splitlines()
                if line and not line.startswith("#") and (line.split()[0] not in ("build", "run", "test") or len(line.split()) < 3)]
    readme = text_of("README.md") if os.path.exists("README.md") else ""
    check("each package that is needed has its reason", with_why + [f"README.md does not name {p}" for p in sorted(listed)
                                                                    if f"`{p}`" not in readme])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    check_setup()
    check_unit()
    check_man(build)
    check_events(build)
    if not os.path.exists(f"{build}/bin/voicegwd"):
        check("voicegwd is built", [f"{build}/bin/voicegwd is not there: make"])
    else:
        check_conf(build)
        check_examples(build)
        check_schema(build)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


sys.exit(main())
