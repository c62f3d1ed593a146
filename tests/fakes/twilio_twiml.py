"""twilio_twiml.py - TwiML, read as strictly as its documentation is written: the verbs, what may stand in them, their attributes and
those attributes' values, by the tables of twilio_facts.py. What is wrong is told as sentences."""
import re
import urllib.parse
import xml.etree.ElementTree as ET

from twilio_facts import TWIML


class Verb:
    """An element: its name, attributes, text and what stands in it."""

    def __init__(self, name, attributes, text, children):
        self.name, self.attributes, self.text, self.children = name, attributes, text, children

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    def number(self, name, default):
        return int(self.attributes[name]) if name in self.attributes else default

    def child(self, name):
        return next((c for c in self.children if c.name == name), None)

    def find(self, name):
        """Itself and all below that bear the name."""
        return ([self] if self.name == name else []) + [f for c in self.children for f in c.find(name)]

    def tree(self):
        """As plain lists, for other programs: [name, attributes, text, children]."""
        return [self.name, self.attributes, self.text, [c.tree() for c in self.children]]

    def __repr__(self):
        return f"<{self.name} {self.attributes} {self.text!r} {self.children}>"


def url_problem(value, schemes):
    try:
        u = urllib.parse.urlsplit(value)
    except ValueError as e:
        return str(e)
    if re.search(r"[\s<>\"{}|\\^`\x00-\x1f\x7f]", value):
        return "has characters that no URL has"
    if u.scheme not in schemes:
        return f"its scheme is not {' or '.join(schemes)}"
    if not u.hostname:
        return "has no host"
    if "_" in u.hostname:
        return "its host has a _"
    return None


def value_problem(kind, value):
    """What is wrong with an attribute's value, or None."""
    if kind == "bool":
        return None if value in ("true", "false") else "is not true or false"
    if kind == "+int":
        return None if re.fullmatch(r"\d{1,6}", value) else "is not a number"
    if kind == "uri":  # relative ones are resolved against the document's own
        return None if not value or value.startswith("/") or re.fullmatch(r"[\w./?=&%-]+", value) else url_problem(value, ("http", "https"))
    if kind == "wss":
        if "?" in value:
            return "has a query string, which Twilio drops (31920)"
        return url_problem(value, ("wss",))
    if kind == "dtmf":
        return None if re.fullmatch(r"[0-9A-Da-d#*wW]{1,32}", value) else "is not 1 to 32 of 0-9 A-D # * w W"
    if kind == "events":
        return None if re.fullmatch(r"[a-z-]+( [a-z-]+)*", value) else "is not a list of events"
    if "|" in kind:
        return None if value in kind.replace("+", " ").split("|") else f"is none of {kind}"
    return None


def attribute_table(name):
    table = {}
    for word in TWIML[name][2].split():
        key, _, kind = word.partition(":")
        table[key.rstrip("!")] = (kind or "any", key.endswith("!"))
    return table


def check(verb, problems):
    children, text, _ = TWIML[verb.name]
    table = attribute_table(verb.name)
    for name, value in verb.attributes.items():
        if name not in table:
            problems.append(f"<{verb.name}> has no attribute {name}")
        elif (wrong := value_problem(table[name][0], value)):
            problems.append(f"<{verb.name} {name}=\"{value}\">: {wrong}")
    problems += [f"<{verb.name}> needs {n}" for n, (_, needed) in table.items() if needed and n not in verb.attributes]
    if verb.text.strip() and not text:
        problems.append(f"<{verb.name}> has the text {verb.text.strip()[:60]!r}")
    for c in verb.children:
        if c.name not in children.split():
            problems.append(f"<{c.name}> may not stand in <{verb.name}>")
        elif c.name in TWIML:
            check(c, problems)


def check_sense(root, problems):
    """What the tables cannot say."""
    for i, v in enumerate(root.children):
        if v.name == "Reject" and i:
            problems.append("<Reject> is not the first verb")
        if v.name in ("Hangup", "Reject", "Redirect", "Leave") and i + 1 < len(root.children):
            problems.append(f"what follows <{v.name}> is never reached")
    for v in root.find("Say"):
        if not v.text.strip() and not v.children:
            problems.append("<Say> says nothing")
        if len(v.text) > 4096:
            problems.append("<Say> has more than 4096 characters")
    for v in root.find("Play"):
        if v.text.strip() and (wrong := url_problem(v.text.strip(), ("http", "https"))):
            problems.append(f"<Play> of {v.text.strip()!r}: {wrong}")
        if not v.text.strip() and "digits" not in v.attributes:
            problems.append("<Play> has neither a URL nor digits")
    for v in root.find("Redirect"):
        if (wrong := value_problem("uri", v.text.strip()) if v.text.strip() else "which is itself"):
            problems.append(f"<Redirect> to {v.text.strip()!r}: {wrong}")
    for name in ("Number", "Client", "Sip", "Conference", "Queue", "Enqueue"):
        problems += [f"<{name}> is empty" for v in root.find(name) if not v.text.strip() and not v.get("workflowSid")]
    for v in root.find("Number"):
        if not re.fullmatch(r"\+?[0-9() .-]{3,20}", v.text.strip()):
            problems.append(f"<Number> {v.text.strip()!r} is no telephone number")
    for v in root.find("Dial"):
        if not v.children and not re.fullmatch(r"\+?[0-9() .-]{3,20}", v.text.strip()):
            problems.append("<Dial> names nobody")
        if len(v.children) > 1 and any(c.name in ("Conference", "Queue") for c in v.children):
            problems.append("<Dial> of a conference or queue and of more")
    for v in root.find("Connect") + root.find("Start"):
        if len(v.children) != 1:
            problems.append(f"<{v.name}> has {len(v.children)} nouns, not one")
    for v in root.find("Connect"):
        for s in v.find("Stream"):
            if s.get("track", "inbound_track") != "inbound_track":
                problems.append("a two-way <Stream> has the inbound track only")
    for v in root.find("Stream"):
        if v not in [s for stop in root.find("Stop") for s in stop.children] and not v.get("url"):
            problems.append("<Stream> needs url")
        for p in v.find("Parameter"):
            if len(p.get("name", "")) + len(p.get("value", "")) >= 500:
                problems.append("a <Parameter>'s name and value have 500 characters or more")


def parse(data):
    """(the document as a Verb or None, what is wrong with it)"""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        if re.search(r"<!DOCTYPE|<!ENTITY", text):
            return None, ["it has a document type"]
        top = ET.fromstring(text.encode())
    except (UnicodeDecodeError, ET.ParseError) as e:
        return None, [f"it is not XML (12100): {e}"]
    problems = []

    def verb_of(e):
        mixed = "".join(e.itertext()) if e.tag == "Say" else (e.text or "") + "".join(c.tail or "" for c in e)
        children = [] if e.tag == "Say" else [verb_of(c) for c in e]  # what stands in <Say> is SSML
        return Verb(e.tag, dict(e.attrib), mixed, children)

    root = verb_of(top)
    if root.name != "Response":
        return None, [f"its root is <{root.name}>"]
    check(root, problems)
    if not any("may not stand" in p for p in problems):
        check_sense(root, problems)
    return root, problems
