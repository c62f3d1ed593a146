#!/usr/bin/env python3
"""check_teeth.py CHECK SDK_INCLUDE GOOD.so... - voicegw-plugin-check passes what is sound and catches each mutant by the rule it breaks."""
import os
import subprocess
import sys
import tempfile

MUTANTS = {
    "action": {
        "LOADS_CRASH": "loads", "EXPORTS": "exports", "ENTRY_MAJOR": "entry-major", "ENTRY_MINOR": "entry-minor",
        "EFFECT_THREAD": "entry-effects", "EFFECT_FD": "entry-effects", "EFFECT_SIGNAL": "entry-effects", "LOAD_TIME": "load-time",
        "SIZE": "descriptor", "MAJOR": "descriptor", "VERSION": "descriptor", "FACTORIES": "descriptor", "CAPS": "descriptor",
        "NAME": "name", "LICENSE": "texts",
        "OPTION_DEFAULT": "options", "OPTION_DESCRIPTION": "options", "OPTION_RELOADABLE": "options", "OPTION_BOUNDS": "options",
        "OPTION_DUPLICATE": "descriptor", "OPTION_TYPE": "descriptor",
        "CREATE_POSITIVE": "create-destroy", "DESTROY_CRASH": "create-destroy",
        "EXTENSION_UNKNOWN": "extensions", "EXTENSION_OWN": "extensions",
        "DRAINED_EARLY": "lifecycle", "DRAINED_NEVER": "lifecycle", "DRAINED_TWICE": "lifecycle",
        "BAD_CONFIG_CRASH": "bad-config", "BAD_CONFIG_SENTENCE": "bad-config", "NO_SERVICES": "no-services", "RECONFIGURE": "reconfigure",
        "LEAK_MEMORY": "leaks", "LEAK_FD": "leaks", "LEAK_THREAD": "leaks",
        "RESULT_JSON": "works", "ACTION_NAME": "works", "ACTION_SCHEMA": "works",
        "COMPLETE_TWICE": "completes-once", "COMPLETE_NEVER": "completes-once", "COMPLETE_INSIDE": "never-inside",
        "THREAD": "threads", "RUN_SENTENCE": "statuses", "RUN_POSITIVE": "statuses", "COMPLETE_STATUS": "statuses",
        "CANCEL": "cancel", "LIMITS": "limits",
    },
    "stt": {
        "FORMAT": "works", "FINAL_TEXT": "works", "FINAL_NEVER": "completes-once", "FINAL_TWICE": "completes-once",
        "CLOSED_INSIDE": "never-inside", "CLOSED_NEVER": "completes-once", "AFTER_CLOSED": "silent-after",
    },
    "tts": {
        "FRAME": "works", "SILENT": "works", "CACHE_KEY": "works", "DONE_NEVER": "completes-once", "DONE_TWICE": "completes-once",
        "AUDIO_AFTER_DONE": "silent-after", "CANCEL": "cancel",
    },
    "provider": {
        "COMPLETE_TWICE": "completes-once", "COMPLETE_NEVER": "completes-once", "COMPLETE_INSIDE": "never-inside", "UNKNOWN_OP": "works",
        "STATE": "works", "CAPS": "works", "CAP_IVR": "works", "SENTENCE": "statuses", "CANCEL": "cancel", "LIMITS": "limits", "MEDIA_THREAD": "threads",
        "MARK": "completes-once", "DETACH_NEVER": "completes-once", "AFTER_DETACH": "silent-after",
    },
    "assistant": {
        "ACTION_JSON": "works", "TURN_NEVER": "completes-once", "TURN_TWICE": "completes-once", "CLOSED_NEVER": "completes-once",
        "AFTER_CLOSED": "silent-after",
    },
    "subscriber": {"FILTER": "works", "STATUS": "statuses", "LIMITS": "limits"},
}
# Slow by nature: each of its rules runs into the time limit.
SLOW = {"stt": {"PUSH_BLOCKS": "works"}}


def check(program, file):
    done = subprocess.run([program, file], capture_output=True, text=True, timeout=600)
    lines = done.stdout.splitlines()
    failed = {line.split(":")[0][5:].split()[-1]: line for line in lines if line.startswith("FAIL ")}
    if not lines or not lines[-1].endswith(f" passed, {len(failed)} failed"):
        raise SystemExit(f"{file}: the last line does not count: {lines[-1:]} {done.stderr}")
    if done.returncode != (1 if failed else 0):
        raise SystemExit(f"{file}: exit code {done.returncode} with {len(failed)} failed")
    return failed


def build(source, define, out, include):
    here = os.path.dirname(os.path.abspath(__file__))
    command = [os.environ.get("CC", "cc"), "-std=gnu17", "-O1", "-w", "-shared", "-fPIC", "-fvisibility=hidden", "-fstack-protector-strong",
               "-I", include, "-o", out, os.path.join(here, "mutants", source + ".c"), "-lpthread"]
    subprocess.run(command + ([f"-DBREAK_{define}"] if define else []), check=True)


def main():
    program, include, good = sys.argv[1], sys.argv[2], sys.argv[3:]
    wrong = caught = sound = 0
    mutants = {k: dict(v) for k, v in MUTANTS.items()}
    if os.environ.get("TEETH_SLOW"):
        for kind, rows in SLOW.items():
            mutants[kind].update(rows)
    with tempfile.TemporaryDirectory() as where:
        for source, rows in mutants.items():
            file = os.path.join(where, source + ".so")
            for define, rule in [("", None), *rows.items()]:
                build(source, define, file, include)
                os.chmod(file, 0o644)
                failed = check(program, file)
                if rule is None and failed:
                    print(f"not ok {source}: sound, but {list(failed.values())}")
                elif rule is not None and rule not in failed:
                    print(f"not ok {source} {define}: rule {rule} did not catch it, but {list(failed.values())}")
                else:
                    caught += rule is not None
                    sound += rule is None
                    continue
                wrong += 1
    for file in good:
        failed = check(program, file)
        if failed:
            print(f"not ok {file}: {list(failed.values())}")
            wrong += 1
        else:
            sound += 1
    print(f"{caught} mutants caught, {sound} sound plugins passed, {wrong} wrong")
    return 1 if wrong else 0


sys.exit(main())
