#!/usr/bin/python3
"""sources.py - what the house promises about its sources: who includes whom, which library stands where, which functions and clocks
are used by whom, how long things are. One line a check; 'N passed, N failed' last."""
import glob
import os
import re
import subprocess
import sys

ROOMS = "base loop config event net plugin media store action call talk flow delivery host gateway api".split()
# Each third-party library is known to one file or folder: header prefix -> where it may be included.
LIBRARIES = {
    "event2/": ["core/loop/control.c"], "uv": ["core/loop/worker.c"], "libwebsockets": ["core/net/ws.c"],
    "curl/": ["core/net/client.c", "core/net/curl_late", "core/ctl/"], "openssl/": ["core/net/tls", "plugins/sip/re_tls.c", "plugins/sip/media/dtls.c"], "re.h": ["plugins/sip/re_"], "http_parser": ["core/net/head.c"],
    "json-c/": ["core/base/json.c"], "yaml": ["core/config/yaml.c"], "ltdl": ["core/plugin/load.c"],
    "speex/": ["core/media/resample.c"], "spandsp": ["core/media/dtmf", "plugins/sip/media/codec.c"], "opus/": ["plugins/sip/media/codec.c"],
    "srtp2/": ["plugins/sip/media/srtp.c"], "sqlite3": ["plugins/sqlite/"],
    "pocketsphinx": ["plugins/pocketsphinx/"], "sphinxbase/": ["plugins/pocketsphinx/"], "flite/": ["plugins/flite/"],
    "espeak-ng/": ["plugins/espeak/"], "libpq-fe": ["plugins/postgresql/"],
}
BANNED = "strcpy strcat sprintf vsprintf gets strtok atoi atol atof alloca sleep usleep nanosleep system popen " \
         "tmpnam mktemp setjmp longjmp".split()
RAW_MEMORY = "malloc calloc realloc strdup strndup asprintf vasprintf".split()
# A library that hands out or takes memory of its own.
RAW_MEMORY_IN = ["core/base/alloc.c"]
CLOCKS = "vgw_io_now_us vgw_io_wall_us clock_gettime gettimeofday time ftime times clock".split()
CLOCKS_IN = ["core/loop/", "core/net/", "core/base/time.", "core/base/log"]
FUNCTION_LINES, FILE_LINES = 100, 900
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK|(?<!501, \")[Nn]ot [Ii]mple" r"mented|[Pp]lace" r"holder(?!=)|"
                        r"[Ss]t" r"ub(bed)?)\b")
MACHINE = re.compile(r"(?<![\w.])/(wo" r"rk|ro" r"ot|ho" r"me)/\w")

results = []


def check(promise, problems):
    results.append(not problems)
    print(f"{'not ok' if problems else 'ok'} {promise}")
    for line in problems[:40]:
        print(f"    {line}")
    if len(problems) > 40:
        print(f"    and {len(problems) - 40} more")


def sources(*folders):
    found = []
    for folder in folders:
        found += [p for p in glob.glob(f"{folder}/**/*.[ch]", recursive=True)]
    return sorted(found)


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def code_of(path):
    """The text with comments, strings and characters blanked, line numbers kept."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text_of(path))


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def uses(path, words):
    code = code_of(path)
    for m in re.finditer(r"(?<![\w.>])(" + "|".join(words) + r")[ \t]*\(", code):
        yield f"{path}:{line_of(code, m.start())}: {m[1]}()"


def check_arrows():
    wrong = []
    for path in sources("core"):
        parts = path.split("/")
        room = parts[1] if len(parts) > 2 else None
        known = ROOMS if room is None else ROOMS[:1] + ["ctl"] if room == "ctl" else ROOMS[:ROOMS.index(room) + 1] if room in ROOMS else None
        if known is None:
            wrong.append(f"{path}: core/{room} is no room")
            continue
        for m in INCLUDE.finditer(text_of(path)):
            if m[1] != '"' or m[2].startswith("voicegw/"):
                continue
            to = m[2].split("/")[0] if "/" in m[2] else room
            if to not in known or not (os.path.exists("core/" + m[2]) or "/" not in m[2]):
                wrong.append(f"{path}: includes {m[2]}, which {room or 'main'} may not know")
    check("a room of core includes itself, earlier rooms and the SDK's headers", wrong)
    wrong = []
    for path in sources("plugins"):
        own = "/".join(path.split("/")[:2])
        for m in INCLUDE.finditer(text_of(path)):
            if m[1] == '"' and not m[2].startswith("voicegw/") and not any(
                    os.path.exists(os.path.join(folder, m[2])) for folder in (os.path.dirname(path), own, "plugins/common")):
                wrong.append(f"{path}: includes {m[2]}")
            if m[1] == '"' and ".." in m[2].split("/") and not os.path.normpath(
                    os.path.join(os.path.dirname(path), m[2])).startswith(("plugins/common", own)):
                wrong.append(f"{path}: includes {m[2]}, which is not its own")
    check("a plugin includes the SDK's headers and its own", wrong)
    wrong = []
    for path in sources("core", "plugins", "plugin-sdk"):
        for m in INCLUDE.finditer(text_of(path)):
            for prefix, places in LIBRARIES.items():
                hit = m[2].startswith(prefix) if prefix.endswith("/") else m[2] == prefix + ".h"
                if hit and not path.startswith(tuple(places)):
                    wrong.append(f"{path}: includes {m[2]}, which belongs to {' '.join(places)}")
    check("each third-party library is included by one file or folder", wrong)


def check_functions():
    everywhere = sources("core", "plugins", "plugin-sdk", "tests")
    check("no function is used that the house does without", [u for p in everywhere for u in uses(p, BANNED)
                                                            if not (p.startswith("tests/") and u.endswith((" system()", " popen()")))
                                                            and not p.startswith("tests/plugins/mutants/")])  # they break rules on purpose
    check("core allocates through base/alloc.h", [u for p in sources("core") if p not in RAW_MEMORY_IN for u in uses(p, RAW_MEMORY)])
    check("only loops, net and the log read a clock", [u for p in sources("core", "plugins") if not p.startswith(tuple(CLOCKS_IN))
                                                       for u in uses(p, CLOCKS)])


def check_sizes():
    wrong = [f"{p}: {n} lines" for p in sources("core", "plugins", "plugin-sdk", "tests") if (n := text_of(p).count("\n")) > FILE_LINES]
    check(f"no source has more than {FILE_LINES} lines", wrong)
    tags = subprocess.run(["ctags", "-L", "-", "-f", "-", "--kinds-C=f", "--fields=+ne"], text=True, capture_output=True, check=True,
                          input="\n".join(p for p in sources("core", "plugins", "plugin-sdk") if p.endswith(".c")))
    wrong, over = [], 0
    for line in tags.stdout.splitlines():
        first, last = re.search(r"\tline:(\d+)", line), re.search(r"\tend:(\d+)", line)
        lines = int(last[1]) - int(first[1]) + 1 if first and last else 0
        over += lines > 60
        if lines > FUNCTION_LINES:
            wrong.append(f"{line.split()[1]}:{first[1]}: {line.split()[0]} has {lines} lines")
    check(f"no function has more than {FUNCTION_LINES} lines ({over} have more than 60)", wrong)


def check_texts():
    tracked = [p for folder in ("core", "plugins", "plugin-sdk", "tests", "conf", "man", "packaging", ".ci")
               for p in glob.glob(f"{folder}/**/*", recursive=True) + glob.glob(f"{folder}/*")
               if os.path.isfile(p) and not p.startswith(("tests/fuzz/corpus/", "tests/media/set/")) and "__pycache__" not in p]
    unfinished, machine, odd = [], [], []
    for path in sorted(set(tracked)) + [p for p in ("README.md", "Makefile") if os.path.exists(p)]:
        try:
            text = text_of(path)
        except UnicodeDecodeError:
            continue
        for n, line in enumerate(text.splitlines(), 1):
            if path.startswith(("core/", "plugins/", "plugin-sdk/", "tests/")) and UNFINISHED.search(line):
                unfinished.append(f"{path}:{n}: {line.strip()[:90]}")
            if MACHINE.search(line):
                machine.append(f"{path}:{n}: {line.strip()[:90]}")
            if path.endswith((".c", ".h", ".py", ".sh", ".yaml", ".md")) and line != line.rstrip():
                odd.append(f"{path}:{n}: blanks at the end of the line")
        if text and not text.endswith("\n"):
            odd.append(f"{path}: its last line does not end")
    check("nothing says of itself that it is unfinished", unfinished)
    check("no path of one machine stands in the tree", machine)
    check("lines end where they end", odd)


def main():
    check_arrows()
    check_functions()
    check_sizes()
    check_texts()
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


sys.exit(main())
