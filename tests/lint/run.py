#!/usr/bin/python3
"""run.py --build FOLDER [--fast] - every lint; 'N passed, N failed' last. --fast leaves out what analyses each source for long."""
import argparse
import concurrent.futures
import glob
import os
import platform
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ANALYSIS_SECONDS = 900
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", '-DVGW_VERSION="0"', '-DVGW_PLUGINDIR="/usr/lib/voicegw"', '-DVGW_SYSCONFDIR="/etc"',
         '-DVGW_STATEDIR="/var/lib/voicegw"', '-DVGW_RUNDIR="/run/voicegw"', '-DVOICEGW_PLUGIN_VERSION="0"', "-Icore", "-Iplugin-sdk/include",
         "-Iplugins/common", "-I/usr/include/re", "-I/usr/include/postgresql", "-I/usr/include/pocketsphinx", "-I/usr/include/sphinxbase", "-I/usr/include/x86_64-linux-gnu/sphinxbase"]
passed = failed = skipped = 0


def report(name, problems):
    global passed, failed
    passed, failed = passed + (not problems), failed + bool(problems)
    print(f"{'not ok' if problems else 'ok'} {name}")
    for line in problems[:60]:
        print(f"    {line}")
    sys.stdout.flush()


def sources(suffix, *folders):
    return sorted(p for folder in folders for p in glob.glob(f"{folder}/**/*{suffix}", recursive=True))


def in_parallel(command_of, paths, keep):
    """Lines of the runs' output that `keep` takes, over all paths."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        def one(path):
            done = subprocess.run(command_of(path), capture_output=True, text=True, timeout=ANALYSIS_SECONDS)
            lines = [line for line in (done.stdout + done.stderr).splitlines() if keep(line)]
            return lines or ([f"{path}: exit {done.returncode}"] if done.returncode else [])
        return [line for lines in pool.map(one, paths) for line in lines]


def count_of(command):
    """A lint of several checks."""
    global passed, failed
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    *lines, last = done.stdout.rstrip().splitlines() or [""]
    print("\n".join(lines), flush=True)
    words = last.split()
    if len(words) >= 4 and words[1].startswith("passed"):
        passed, failed = passed + int(words[0]), failed + int(words[2])
    else:
        report(command[1], [last or "said nothing"])


def check_headers():
    headers = sources(".h", "core")
    report(f"each of {len(headers)} headers of core compiles alone",
           in_parallel(lambda h: ["cc", *FLAGS, "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-fsyntax-only", "-include", h, "-x",
                                  "c", "/dev/null"], headers, lambda line: "error" in line))


def check_tidy(build, paths):
    """What was found clean is not looked at again until it, a header or the list of checks changes."""
    newest = max(os.stat(p).st_mtime for p in sources(".h", "core", "plugins", "plugin-sdk") + [".clang-tidy"])
    clean = {p: os.path.join(build, "lint", p + ".clean") for p in paths}
    due = [p for p in paths if not os.path.exists(clean[p]) or os.stat(clean[p]).st_mtime < max(newest, os.stat(p).st_mtime)]

    def command(path):
        return ["clang-tidy", "--quiet", path, "--", *FLAGS, "-iquote", os.path.dirname(path)]

    found = in_parallel(command, due, lambda line: "warning:" in line or "error:" in line)
    bad = " ".join(found)
    for path in due:
        if path not in bad:
            os.makedirs(os.path.dirname(clean[path]), exist_ok=True)
            with open(clean[path], "w", encoding="utf-8"):
                pass
    report(f"clang-tidy ({len(due)} of {len(paths)} sources are new to it)", found)


def check_format():
    everything = sources(".[ch]", "core", "plugins", "plugin-sdk", "tests")
    report("clang-format changes nothing",
           in_parallel(lambda p: ["clang-format", "--dry-run", "-Werror", p], everything, lambda line: "error:" in line))


def check_analysis(build):
    compiled = sources(".c", "core", "plugins", "plugin-sdk/check", "plugin-sdk/examples")
    check_tidy(build, compiled)
    done = subprocess.run(["cppcheck", "--quiet", "--enable=warning,portability,performance", "--inline-suppr", "--std=c11", "-j2",
                           "--suppress=missingIncludeSystem", "--suppress=normalCheckLevelMaxBranches", "--suppressions-list=tests/lint/cppcheck.txt",
                           "--error-exitcode=1", "-Icore", "-Iplugin-sdk/include", "-Iplugins/common", "core", "plugins", "plugin-sdk/check"],
                          capture_output=True, text=True)
    report("cppcheck", done.stderr.splitlines() if done.returncode else [])


def check_abi(build):
    """What the SDK's settled headers hold, against what was kept when the major version was cut."""
    global skipped
    kept = "tests/abi/voicegw-0.abi"
    if not shutil.which("abidiff") or platform.machine() != "x86_64":
        skipped += 1
        print("skipped the plugin ABI only grows: that takes abidiff on x86-64", flush=True)
        return
    library = os.path.join(build, "lint", "surface.so")
    os.makedirs(os.path.dirname(library), exist_ok=True)

    def compare(include):
        subprocess.run(["cc", "-std=c17", "-g", "-shared", "-fPIC", f"-I{include}", "tests/abi/surface.c", "-o", library], check=True)
        done = subprocess.run(["abidiff", "--suppr", "tests/abi/grows.ini", kept, library], capture_output=True, text=True)
        return (done.stdout + done.stderr).splitlines() or [f"exit {done.returncode}"] if done.returncode else []

    report("the plugin ABI only grows", compare("plugin-sdk/include"))
    with tempfile.TemporaryDirectory() as folder:
        include = shutil.copytree("plugin-sdk/include", os.path.join(folder, "include"))
        path = os.path.join(include, "voicegw", "plugin.h")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace("    uint32_t factory_count;\n", ""))
        report("a field that goes is noticed", [] if compare(include) else ["abidiff finds nothing"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--fast", action="store_true")
    args = parser.parse_args()
    count_of([sys.executable, os.path.join(HERE, "sources.py")])
    count_of([sys.executable, os.path.join(HERE, "limits.py")])
    count_of([sys.executable, os.path.join(HERE, "documents.py"), "--build", args.build])
    check_headers()
    check_abi(args.build)
    check_format()
    if not args.fast:
        check_analysis(args.build)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


sys.exit(main())
