#!/usr/bin/python3
"""run.py --build FOLDER [--threads FOLDER] [--sanitized FOLDER] [NAME...] - runs the test suites, one line each; NAMEs run those alone (a
prefix will do). The last line is 'N passed, N failed' (', N skipped') over all suites. The output of a suite that fails is shown.

A suite is a program that says how many of its tests passed: a Criterion program by its summary, any other by 'N passed, N failed'
as its last line. Each has a time budget; one that exceeds it has failed, and so has one that crashes or leaks. End-to-end suites wait
more than they work: two run side by side, but for those that say `# alone` in a line of their own. Those that say `# plain` are run
with the sanitizers' build when they are named only (SUITES=asan-e2e, `make test-long`): the whole must stay short."""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SIDE_BY_SIDE = 2
COUNT = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
SYNTHESIS = re.compile(r"Synthesis:.*Tested:.*?(\d+).*Passing:.*?(\d+).*Failing:.*?(\d+).*Crashing:.*?(\d+)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Suite:
    def __init__(self, name, command, seconds=240, whole=False, build=None, alone=True):
        self.name, self.command, self.seconds, self.build, self.alone = name, command, seconds, build, alone
        self.whole = whole  # one test: its exit code tells


def in_order(pattern):
    return sorted(glob.glob(pattern))


def names(build, prefix):
    """Suites NAME whose program build/tests/PREFIX-NAME was built."""
    for path in in_order(f"{build}/tests/{prefix}-*"):
        if os.access(path, os.X_OK) and not path.endswith((".a", ".o", ".d")):
            yield os.path.basename(path), path


def programs_of(build, prefix, slow):
    """The suites that a build folder holds as programs; `slow`: how much longer they may take there."""
    for name, path in names(build, "unit"):
        if glob.glob(f"tests/unit/{name.split('-', 1)[1]}_*.c"):
            yield Suite(prefix + name, [path], 300 * slow)
    for name, path in names(build, "plugin"):
        source = f"tests/plugins/test_{name.split('-', 1)[1]}.c"
        if os.path.exists(source):
            # A Criterion program knows its plugins' folder; a plain one is told.
            plain = "criterion" not in open(source, encoding="utf-8").read()
            yield Suite(prefix + name, [path, f"{build}/plugins"] if plain else [path], 300 * slow)
    for name, path in names(build, "replay"):
        corpus = in_order(f"tests/fuzz/corpus/{name.split('-', 1)[1]}/*")
        if corpus and os.path.exists(f"tests/fuzz/fuzz_{name.split('-', 1)[1]}.c"):
            yield Suite(prefix + name, [path, *corpus], 120 * slow)
    # Thread orders of the whole gateway in virtual time; instrumented, fewer of them find as much.
    yield Suite(prefix + "virtual", [f"{build}/tests/virtual-explore", "--plugins", f"{build}/plugins", "--chaos", f"{build}/tests/virtual-plugins",
                                     "--seeds", "200" if prefix else "1000"], 600 * slow)
    yield Suite(prefix + "net", [sys.executable, "tests/net/run.py", f"{build}/tests/net-server"], 240 * slow)


def end_to_end(build, prefix, slow):
    """The suites that talk to a built daemon; the rest of their folder is what they share."""
    for path in in_order("tests/e2e/*.py"):
        text = open(path, encoding="utf-8").read()
        if os.path.basename(path) == "run.py":  # runs them all, for a person
            continue
        if os.access(path, os.X_OK) or "__main__" in text:
            if prefix and re.search(r"^# plain$", text, re.M) and not any(n.startswith(prefix) for n in ARGS.names):
                continue
            budget = re.search(r"^# budget: (\d+) s", text, re.M)
            name = os.path.basename(path)[:-3].removeprefix("test_")
            yield Suite(f"{prefix}e2e-{name}", [sys.executable, path, "--build", build], (int(budget[1]) if budget else 300) * slow, build=build,
                        alone=bool(re.search(r"^# alone$", text, re.M)))


def suites_of(args):
    build = args.build
    yield from programs_of(build, "", 1)
    if args.sanitized:
        yield from programs_of(args.sanitized, "asan-", 3)
    if args.threads:
        for name, path in names(args.threads, "thread"):
            if os.path.exists(f"tests/threads/{name.split('-', 1)[1]}.c"):
                yield Suite("tsan-" + name, [path], 300)
    make = ["make", "-s", "--no-print-directory", f"BUILD={build}"]
    for part in ("headers", "examples", "teeth"):
        yield Suite(f"sdk-{part}", [*make, f"sdk-test-{part}"], 900, whole=True)
    yield Suite("lint-fast", [sys.executable, "tests/lint/run.py", "--fast", "--build", build], 400)
    yield from end_to_end(build, "", 1)
    if args.sanitized:
        yield from end_to_end(args.sanitized, "asan-", 3)
    yield Suite("demo", [sys.executable, "packaging/demo.py", "--build", build], 400, whole=True)


def environment_of(where, suite):
    env = dict(os.environ)
    log = os.path.join(where, "report")
    env["ASAN_OPTIONS"] = f"detect_leaks=1:log_path={log}:abort_on_error=0:allocator_may_return_null=1:" + env.get("ASAN_OPTIONS", "")
    env["UBSAN_OPTIONS"] = f"print_stacktrace=1:log_path={log}:" + env.get("UBSAN_OPTIONS", "")
    env["TSAN_OPTIONS"] = f"halt_on_error=0:exitcode=66:log_path={log}:" + env.get("TSAN_OPTIONS", "")
    env["LSAN_OPTIONS"] = "print_suppressions=0:" + env.get("LSAN_OPTIONS", "")
    env["BUILD"] = os.path.abspath(suite.build or ARGS.build)
    # The jobs and the variables of the make that runs us are not those of a make that a suite runs.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES"):
        env.pop(name, None)
    return env


def run(suite):
    """(passed, failed, skipped, seconds, output when something failed)"""
    where = tempfile.mkdtemp(prefix="voicegw-test-")
    begun = time.monotonic()
    try:
        with open(os.path.join(where, "output"), "wb+") as output:
            # A group of its own, so that what a suite leaves behind ends with it.
            process = subprocess.Popen(suite.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                       start_new_session=True, env=environment_of(where, suite))
            try:
                code = process.wait(suite.seconds)
            except subprocess.TimeoutExpired:
                code = None
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            output.seek(0)
            text = COLOUR.sub("", output.read().decode(errors="replace"))
        took = time.monotonic() - begun
        reports = [open(p, encoding="utf-8", errors="replace").read() for p in sorted(glob.glob(os.path.join(where, "report.*")))]
    finally:
        shutil.rmtree(where, ignore_errors=True)
    passed, failed, skipped = count(suite, text, code)
    if code is None:
        text += f"\n{suite.name}: did not end within its {suite.seconds} s\n"
        failed = max(failed, 1)
    elif code != 0 and failed == 0:
        text += f"\n{suite.name}: ended with {code}\n"
        failed = 1
    if reports:
        text += "\n" + "\n".join(reports)
        failed += 1
    return passed, failed, skipped, took, text if failed else ""


def count(suite, text, code):
    if suite.whole:
        return (1, 0, 0) if code == 0 else (0, 1, 0)
    found = SYNTHESIS.findall(text)
    if found:
        return (sum(int(f[1]) for f in found), sum(int(f[2]) + int(f[3]) for f in found), 0)
    lines = text.strip().splitlines()
    match = COUNT.match(lines[-1].strip()) if lines else None
    if match:
        return int(match[1]), int(match[2]), int(match[3] or 0)
    return 0, 1, 0


def groups_of(suites):
    """Suites in order, those that follow one another and may run side by side in one group."""
    groups = []
    for suite in suites:
        if groups and not suite.alone and not groups[-1][-1].alone:
            groups[-1].append(suite)
        else:
            groups.append([suite])
    return groups


def tell(suite, result):
    passed, failed, skipped, took, text = result
    if text:
        lines = text.rstrip().splitlines()
        print(f"---- {suite.name}")
        print("\n".join(lines if len(lines) <= 300 else lines[:100] + ["..."] + lines[-199:]))
        print(f"---- end of {suite.name}")
    print(f"{'not ok' if failed else 'ok':6} {suite.name:28} {passed:5} passed {failed:3} failed"
          f"{f' {skipped} skipped' if skipped else ''} {took:7.1f} s", flush=True)
    return passed, failed, skipped


def main():
    global ARGS
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--threads")
    parser.add_argument("--sanitized")
    parser.add_argument("names", nargs="*")
    args = ARGS = parser.parse_args()
    chosen = [s for s in suites_of(args) if not args.names or any(s.name.startswith(n) for n in args.names)]
    total = [0, 0, 0]
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for group in groups_of(chosen):
            waiting = {pool.submit(run, s): s for s in group}
            for done in concurrent.futures.as_completed(waiting):
                total = [a + b for a, b in zip(total, tell(waiting[done], done.result()))]
    if not chosen:
        print(f"no suite is named {' or '.join(args.names)}")
        total[1] = 1
    print(f"{len(chosen)} suites in {time.monotonic() - begun:.0f} s")
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    return 1 if total[1] else 0


sys.exit(main())
