#!/usr/bin/python3
"""headers.py TEMPLATE INCLUDE - voicegw_plugin(3): the template, with each header of the SDK: what it is for, and its declarations with
their comments as they stand there."""
import glob
import os
import re
import sys

import mdoc


def about(source):
    """The comment at the head, without the line that names the file and the licence."""
    comment = re.match(r"/\*(.*?)\*/", source, re.S)[1]
    lines = [re.sub(r"^\s*\*? ?", "", line).rstrip() for line in comment.splitlines()]
    words = " ".join(line for line in lines).strip()
    return re.sub(r"^\S+\.h - ", "", words).replace("Part of the voicegw plugin SDK (MIT).", "")


def body(source):
    """Between the guard's lines, without inline functions' bodies."""
    source = source[source.index("*/") + 2:]
    source = re.sub(r"\A\s*#ifndef \w+\n#define \w+\n", "", source)
    source = re.sub(r"\n#endif[^\n]*\s*\Z", "\n", source)
    source = re.sub(r"^#include [^\n]*\n", "", source, flags=re.M)
    source = re.sub(r"^#ifdef __cplusplus.*?^#endif\n", "", source, flags=re.M | re.S)
    source = re.sub(r"^(static (?:inline )?[^;{}]*?\))\n\{.*?^\}", r"\1;", source, flags=re.M | re.S)
    return re.sub(r"\n{3,}", "\n\n", source).strip("\n")


def headers(folder):
    out = []
    paths = sorted(glob.glob(f"{folder}/voicegw/*.h")) + sorted(glob.glob(f"{folder}/voicegw/draft/*.h"))
    first = ["plugin.h", "host.h", "option.h", "audio.h", "status.h"]
    paths.sort(key=lambda p: (first.index(os.path.basename(p)) if os.path.basename(p) in first else len(first), p))
    for path in paths:
        with open(path, encoding="utf-8") as f:
            source = f.read()
        name = os.path.relpath(path, folder)
        out += [f".Ss {name}", mdoc.text(about(source)), ".Bd -literal", mdoc.literal(body(source).expandtabs(8)), ".Ed"]
    return "\n".join(out)


mdoc.splice(sys.argv[1], {"HEADERS": lambda: headers(sys.argv[2])})
