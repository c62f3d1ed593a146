#!/usr/bin/python3
"""events.py TEMPLATE CATALOGUE.C - voicegw-events(7): the template, with a table of the event types that the catalogue has."""
import re
import sys

import mdoc

TYPES = {"S": "text", "N": "number", "O": "object", "A": "any", "B": "boolean"}


def rows(source):
    """(name, help, [(field, type, help)]) in the catalogue's order; its shorthands for several fields are expanded."""
    source = source.replace("\\\n", " ")
    shorthands = dict(re.findall(r'^#define ([A-Z_]+) ([SNOAB]\(.*)$', source, re.M))
    table = source[source.index("] = {"):source.index("\n};", source.index("] = {"))]
    for name, title, fields in re.findall(r'\[VGW_EVENT_\w+\] = \{"([^"]+)", "([^"]*)",\s*\{(.*?)\}\}', table, re.S):
        for _ in range(2):
            for short, long in shorthands.items():
                fields = re.sub(rf"(?<![\w\"]){short}(?!\w)", lambda m, long=long: long, fields)
        yield name, title, re.findall(r'\b([SNOAB])\("([^"]+)", "([^"]*)"\)', fields)


def events(path):
    with open(path, encoding="utf-8") as f:
        source = f.read()
    out = [".Bl -tag -width 4n"]
    for name, title, fields in rows(source):
        out += [f".It Ic {name}", mdoc.text(title[0].upper() + title[1:] + ".")]
        if fields:
            out.append(".Bl -tag -width 18n -compact")
            for kind, field, about in fields:
                out += [f".It Va {field}", mdoc.text(f"{TYPES[kind]}: {about}.")]
            out.append(".El")
    return "\n".join(out + [".El"])


if __name__ == "__main__":
    mdoc.splice(sys.argv[1], {"EVENTS": lambda: events(sys.argv[2])})
