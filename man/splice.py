#!/usr/bin/python3
"""splice.py TEMPLATE VOICEGWD PLUGINS - voicegw.yaml(5): the template, with the reference and the limits that the core prints from its
tables, and the options that each plugin declares."""
import glob
import json
import os
import subprocess
import sys

import mdoc

KINDS = {"voicegw.provider/1": "providers", "voicegw.stt/1": "stt", "voicegw.tts/1": "tts", "voicegw.assistant/1": "assistants",
         "voicegw.assistant.audio/1": "assistants", "voicegw.store/1": "store", "voicegw.action/1": "actions",
         "voicegw.subscriber/1": "subscribers", "voicegw.queue/1": "queues"}


def printed(program, what):
    done = subprocess.run([program, what], capture_output=True, text=True, check=True)
    return done.stdout


def describe(program, file):
    done = subprocess.run([program, "--probe-plugin", file], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        document = json.loads(line)
        if "plugin" in document:
            return document["plugin"]
    raise SystemExit(f"{file}: {done.stdout} {done.stderr}")


def bounds(option):
    said = [option["type"] + (f" ({option['unit']})" if option.get("unit") else "")]
    if option.get("choices"):
        choices = option["choices"]
        said.append("one of " + (", ".join(choices) if isinstance(choices, list) else choices))
    if option.get("default") not in (None, ""):
        said.append(f"default {option['default']}")
    if option.get("min") is not None or option.get("max") is not None:
        said.append(f"{option.get('min', 0):g} to {option['max']:g}" if option.get("max") else f"at least {option.get('min', 0):g}")
    if option.get("required"):
        said.append("required")
    if not option.get("reloadable"):
        said.append("a change needs a restart")
    return "; ".join(said) + "."


def plugin_options(program, folder):
    out = []
    for file in sorted(glob.glob(os.path.join(folder, "*.so"))):
        plugin = describe(program, file)
        out.append(f".Ss Plugin {mdoc.word(plugin['name'])}")
        out.append(mdoc.text(plugin["description"].rstrip(".") + "."))
        for factory in plugin["factories"]:
            section = KINDS.get(factory["kind"], factory["kind"])
            out.append(f"Licence {plugin['license']}; an instance stands under\n.Ic {section} .")
            if not factory["options"]:
                out.append("It has no options.")
                continue
            out.append(".Bl -tag -width 4n")
            for option in factory["options"]:
                out.append(f".It Ic {mdoc.word(option['name'])}")
                out.append(mdoc.text(option["description"].rstrip(".") + "."))
                out.append(mdoc.text(bounds(option)))
            out.append(".El")
    return "\n".join(out)


def main():
    template, program, folder = sys.argv[1:]
    mdoc.splice(template, {"OPTIONS": lambda: printed(program, "--print-mdoc"), "LIMITS": lambda: printed(program, "--print-limits"),
                           "PLUGINS": lambda: plugin_options(program, folder)})


main()
