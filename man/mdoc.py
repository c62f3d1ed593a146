"""mdoc.py - what the makers of man pages share."""
import re
import sys


def text(words):
    """Running text: one sentence a line, nothing that the formatter would take for a request."""
    words = re.sub(r"\s+", " ", words.strip()).replace("\\", "\\e")
    lines = []
    for sentence in re.split(r"(?<=[.;:]) (?=[A-Z`\"0-9*])", words):
        while len(sentence) > 72:  # room for escapes
            cut = sentence.rfind(" ", 0, 72)
            if cut <= 0:
                break
            lines.append(sentence[:cut])
            sentence = sentence[cut + 1:]
        lines.append(sentence)
    lines = [re.sub(r"(\w)\(\)", r"\1\\&()", line) for line in lines]  # no call, but a name
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in lines)


def word(value):
    """A macro's argument."""
    value = str(value).replace("\\", "\\e").replace('"', "\\(dq")
    if value[:1] in ".'":
        value = "\\&" + value
    return f'"{value}"' if " " in value or value == "" else value


def literal(block):
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in block.replace("\\", "\\e").splitlines())


def splice(path, parts):
    """Prints the template with each line .\\" @NAME@ replaced by parts[NAME]()."""
    with open(path, encoding="utf-8") as f:
        page = f.read()
    for name, made in parts.items():
        mark = f'.\\" @{name}@\n'
        if page.count(mark) != 1:
            raise SystemExit(f"{path}: the line {mark.strip()} must stand there once")
        page = page.replace(mark, made().rstrip("\n") + "\n")
    sys.stdout.write(page)
