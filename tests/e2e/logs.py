"""logs.py [--build FOLDER] [NAME...] - lines that nobody can forge, as text, as JSON and as fields of the journal, whose socket is one of the
test's own."""
import json
import os
import re
import socket
import struct
import threading

from daemon import Stream, base, gateway, run

FORGED = 'Eve"\nAUDIT: voice.mock.session.created session_id=forged from=+1666 provider=mock\nMESSAGE=forged\x1b[31m\x00'
FORGED_PARAMETERS = {"from": FORGED.replace("\x00", ""), "to": "+1555\r\nto=forged"}


class Journal:
    """What systemd-journald does with its socket: datagrams of fields."""

    def __init__(self, path):
        self.entries, self.lock = [], threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except OSError:
                return
            with self.lock:
                self.entries.append(parse(data))

    def find(self, **want):
        with self.lock:
            return [e for e in self.entries if all(e.get(k) == v for k, v in want.items())]


def parse(data):
    """An entry, https://systemd.io/JOURNAL_NATIVE_PROTOCOL/: NAME=value or NAME, length, value."""
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
            data = rest
        else:
            name, (n,) = line, struct.unpack("<Q", rest[:8])
            value, data = rest[8:8 + n], rest[8 + n + 1:]
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]{0,63}", name), name
        assert name not in fields, f"{name} twice"
        fields[name] = value
    return {k.decode(): v.decode() for k, v in fields.items()}


def caller_who_forges(g):
    feed = g.feed()
    s = Stream(g, "forger", parameters=FORGED_PARAMETERS)
    feed.wait("call_answered", session_id="mock-forger")
    s.stop()
    feed.wait("voice.session.stopped", session_id="mock-forger")
    feed.close()


def test_text_lines_are_one_each():
    with gateway(base(more="log: {format: text}\n")) as g:
        caller_who_forges(g)
        lines = g.log().splitlines()
        audit = [x for x in lines if "AUDIT: voice.mock.session.created" in x]
        assert len([x for x in audit if "session_id=mock-forger" in x]) == 1
        for line in lines:
            assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (ERROR|WARNING|INFO|DEBUG) ", line), f"a line that nobody wrote: {line!r}"
            assert "\x1b" not in line and not re.match(r"^\S+ \S+ AUDIT: \S+ session_id=forged", line), line


def test_json_lines_are_objects():
    with gateway(base(more="log: {format: json, target: $DIR/out.log}\n")) as g:
        caller_who_forges(g)
        with open(os.path.join(g.folder, "out.log"), encoding="utf-8") as f:
            entries = [json.loads(line) for line in f.read().splitlines()]
        created = [e for e in entries if "voice.mock.session.created" in json.dumps(e)]
        assert len(created) >= 1 and [e for e in created if e.get("session_id") == "mock-forger"], created
        assert not [e for e in entries if e.get("session_id") == "forged" or e.get("message") == "forged"]


def test_the_journal_gets_fields():
    with gateway(base(more="log: {format: journal, target: $DIR/journal.socket}\n"), stop=False) as g:
        g.stop()
        journal = Journal(os.path.join(g.folder, "journal.socket"))
        g.start()
        caller_who_forges(g)
        entry = g.until(lambda: journal.find(VOICEGW_AUDIT="voice.mock.session.created", VOICEGW_SESSION_ID="mock-forger"))[0]
        assert entry["PRIORITY"] == "6" and entry["SYSLOG_IDENTIFIER"] == "voicegwd", entry
        assert entry["VOICEGW_PROVIDER"] == "mock" and entry["MESSAGE"].startswith("AUDIT: voice.mock.session.created session_id=mock-forger"), entry
        assert entry["VOICEGW_FROM"] == FORGED_PARAMETERS["from"] or "\n" not in entry["VOICEGW_FROM"], entry
        assert not journal.find(VOICEGW_SESSION_ID="forged") and not journal.find(MESSAGE="forged")
        for name in ("stream.connected", "stream.started", "stream.stopped"):
            g.until(lambda name=name: journal.find(VOICEGW_AUDIT=f"voice.mock.{name}", VOICEGW_SESSION_ID="mock-forger"))
        assert "mock-forger" not in g.log(), "nothing is written twice"
        journal.socket.close()
        g.stop()


def test_without_a_journal_lines_go_to_standard_error():
    with gateway(base(more="log: {format: journal, target: $DIR/nobody.socket}\n")) as g:
        g.call("+15551")
        assert "AUDIT: voice.mock.session.created" in g.log()


if __name__ == "__main__":
    run(globals())
