#!/usr/bin/python3
"""limits.py - the registry of limits (core/gateway/limits.c), which voicegw.yaml(5) is printed from, held against the sources. One line a
check; 'N passed, N failed' last."""
import glob
import os
import re

REGISTRY = "core/gateway/limits.c"
ROW = re.compile(r'FIXED\(\s*"([^"]+)",\s*(\w+),\s*(.+?),\s*(COUNT|BYTES|US|MS|SECONDS),\s*"([^"]*)",\s*(NONE|REFUSED|WS_CLOSED|'
                 r'(?:DROPPED|QUEUE)\("[^"]+"\)|"[^"]+")\)', re.S)
SETTING = re.compile(r'\bSET\("([^"]+)",\s*"([^"]*)",\s*(NULL|"[^"]+")\)', re.S)
LIMIT = re.compile(r"^\s*(?:#define\s+|enum \{.*?)(\w*(?:MAX|LIMIT|TIMEOUT)\w*)(?:\s|\s*=)", re.M)
# Sizes that nothing from outside can meet: of what is ours, of one expression, of a signal's range, of a message to people.
INTERNAL = {
    "core/base/buf.c": "BUF_FIRST_BYTES", "core/base/error.h": "VGW_ERROR_TEXT_MAX", "core/base/id.h": "VGW_ID_MAX",
    "core/base/str.c": "EDIT_LEN_MAX", "core/base/map.c": "MAP_CAP_MAX", "core/base/metric.c": "LABELS_MAX",
    "core/base/json_write.c": "WRITE_DEPTH_MAX", "core/loop/control.c": "SIGNALS_MAX", "core/loop/driver.c": "POOLS_MAX HOLD_LIMIT_S",
    "core/config/convert.c": "WORDS_MAX", "core/config/check.c": "NAMES_MAX", "core/action/validate.c": "NAMES_MAX",
    "core/event/catalogue.h": "VGW_EVENT_FIELDS_MAX", "core/event/journal_impl.h": "VGW_SYNC_MAX VGW_RETIRE_MAX",
    "core/event/journal.h": "VGW_JOURNAL_MAX_SIZE",  # journal.max_size sets it
    "core/net/tls.h": "VGW_DIGEST_MAX", "core/net/outbox.c": "KEY_MAX", "core/media/vad.c": "SPREAD_MAX_DB BAND_EXCESS_MAX",
    "core/media/wav.h": "VGW_WAV_HEADER_MAX", "core/media/clip.c": "CLIP_SAMPLES_MAX", "core/media/dtmf_rx.c": "RUN_MAX",
    "core/media/playout.c": "FADE_SAMPLES_MAX", "core/media/record.c": "MAX_MS_BOUND", "core/call/inside.h": "VGW_PROVIDER_KEY_MAX",
    "core/talk/ear.c": "RATE_MAX", "core/flow/source.c": "KEYS_MAX", "core/gateway/describe.c": "PLUGINS_MAX",
    "core/gateway/gateway.h": "VGW_GATEWAY_LOOPS_MAX", "core/api/dispatch.c": "ALLOW_MAX", "core/api/routes.c": "LIMIT",
}

results = []


def check(promise, problems):
    results.append(not problems)
    print(f"{'not ok' if problems else 'ok'} {promise}")
    for line in problems[:40]:
        print(f"    {line}")


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def squeezed(text):
    return re.sub(r"\s+", "", text)


def written(path, name, expression):
    if not os.path.exists(path):
        return False
    text = text_of(path).replace("\\\n", " ")
    return any(re.search(rf"\b{name}\b", line) and squeezed(expression) in squeezed(line) for line in text.splitlines())


def main():
    registry = text_of(REGISTRY)
    registry = registry[registry.index("static const struct limit calls[]"):]
    rows, settings = ROW.findall(registry), SETTING.findall(registry)
    check(f"each of {len(rows) + len(settings)} rows of the registry can be read",
          [] if len(rows) == registry.count("FIXED(") and len(settings) == len(re.findall(r"\bSET\(", registry)) else
          [f"{len(rows)} of {registry.count('FIXED(')} fixed limits, {len(settings)} settings"])
    check("a fixed limit is written where its row says, with the same expression",
          [f"{REGISTRY}: core/{file} does not give {name} the value {expression}" for file, name, expression, *_ in rows
           if not written(f"core/{file}", name, expression)])
    options = "".join(text_of(p) for p in sorted(glob.glob("core/config/*_table.c")))
    check("a setting is an option", [f"{REGISTRY}: there is no option {path}" for path, *_ in settings
                                     if f'.name = "{path.split(".")[-1]}"' not in options])
    core = sorted(p for p in glob.glob("core/**/*.[ch]", recursive=True) if not p.startswith("core/ctl/"))
    everything = "\n".join(text_of(p) for p in core if p != REGISTRY)
    problems = []
    for what, metric in [(r[4], r[5]) for r in rows] + [(s[1], s[2]) for s in settings]:
        dropped, queue, plain = (re.fullmatch(p, metric) for p in (r'DROPPED\("(\w+)"\)', r'QUEUE\("(\w+)"\)', r'"(\w+)"'))
        if dropped and not re.search(rf'vgw_metric_dropped\([^)]*"{dropped[1]}"', everything):
            problems.append(f"{what}: nothing counts {dropped[1]} as dropped")
        if queue and f'"{queue[1]}"' not in everything or plain and f'"{plain[1]}"' not in everything:
            problems.append(f"{what}: there is no metric {metric}")
    check("a limit's metric is counted somewhere", problems)
    known = {(f"core/{file}", name) for file, name, *_ in rows}
    missing = []
    for path in core:
        text = text_of(path)
        for m in LIMIT.finditer(text):
            if m[1].endswith("_H") or (path, m[1]) in known or m[1] in INTERNAL.get(path, "").split():
                continue
            missing.append(f"{path}:{text.count(chr(10), 0, m.start(1)) + 1}: {m[1]} stands in no row of {REGISTRY}")
    check("each limit of the core stands in the registry", missing)
    stale = [f"{path} has no {name}" for path, names in INTERNAL.items() for name in names.split()
             if not os.path.exists(path) or not re.search(rf"\b{name}\b", text_of(path))]
    check("what is left out is there", stale)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return not all(results)


raise SystemExit(main())
