#!/usr/bin/python3
"""demo.py --build FOLDER [--stay] - starts the gateway with its embedded defaults and lets a synthesized caller book a hotel room.

The caller speaks real audio, 8 kHz mu-law as on a telephone, and presses a key; the conversation is printed as it happens, with the times
of each answer's stages. Exit 0 when the call was understood, answered and recorded. --stay: then the gateway stays up until Ctrl-C."""
import argparse
import array
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
import wave

HOST, PORT = "127.0.0.1", 8080
INSTALLED = "/etc/voicegw/voicegw.yaml"
READY_SECONDS, CALL_SECONDS, RECORD_SECONDS, END_SECONDS = 60, 180, 60, 30
CALL = {"from": "+15550111", "to": "+15550199", "steps": [
    {"expect": {"text": "help you", "within": "60s"}},
    {"say": {"text": "i would like to book a room for two nights"}},
    {"expect": {"text": "two nights", "within": "60s"}},
    {"pause": {"seconds": 0.3}},
    {"dtmf": {"digits": "1"}},
    {"pause": {"seconds": 60}},  # the gateway says goodbye first
    "hangup"]}
UNDERSTOOD, ANSWERED, BOOKED = "book a room for two nights", "two nights", "reserved"
STAGES = [("speech_end", "end of speech"), ("final", "understood"), ("first_text", "answer"), ("tts_first_byte", "voice"),
          ("first_frame", "first frame"), ("heard", "heard")]


class Failure(Exception):
    pass


def say(text=""):
    print(text, flush=True)


def request(method, path, body=None):
    """(status, document) of one request; the text where it is no JSON."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=READY_SECONDS)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    try:
        return answer.status, json.loads(content)
    except ValueError:
        return answer.status, content


def get(path):
    status, document = request("GET", path)
    if status != 200:
        raise Failure(f"GET {path} answers {status}: {document}")
    return document


class Gateway:
    """voicegwd with its embedded defaults, its state below the build folder."""

    def __init__(self, build):
        self.run = os.path.join(os.path.abspath(build), "run")
        self.state = os.path.join(self.run, "state")
        os.makedirs(self.state, exist_ok=True)
        self.log_path = os.path.join(self.run, "voicegwd.log")
        self.process = None
        self.build = build

    def refuse_taken_port(self):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, PORT)) == 0:
                raise Failure(f"{HOST}:{PORT} is taken: another gateway, or another program; end it first")

    def start(self):
        self.refuse_taken_port()
        notify_path = os.path.join(self.run, "notify")
        if os.path.exists(notify_path):
            os.unlink(notify_path)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(notify_path)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("VOICE_", "WATCHDOG_", "LISTEN_"))}
        env.update(VOICEGW_STATE_DIR=self.state, VOICEGW_RUN_DIR=self.run, NOTIFY_SOCKET=notify_path)
        env.pop("VOICEGW_TOKEN", None)
        command = [os.path.join(self.build, "bin", "voicegwd"), "-p", os.path.join(self.build, "plugins")]
        if os.path.exists(INSTALLED):
            command += ["-c", ""]  # an installed gateway's file is not ours
        begun = time.monotonic()
        with open(self.log_path, "wb") as log:
            # A group of its own: Ctrl-C is ours to pass on.
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        notify.settimeout(0.2)
        try:
            while True:
                if self.process.poll() is not None:
                    raise Failure(f"the gateway did not start; {self.log_path} ends with:\n{self.tail()}")
                if time.monotonic() - begun > READY_SECONDS:
                    raise Failure(f"the gateway was not ready within {READY_SECONDS} s; see {self.log_path}")
                try:
                    if b"READY=1" in notify.recv(4096).split(b"\n"):
                        break
                except socket.timeout:
                    pass
        finally:
            notify.close()
            os.unlink(notify_path)
        return time.monotonic() - begun

    def tail(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-12:])

    def stop(self):
        """Exit code; a second signal ends a drain that takes too long."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        for sign in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            self.process.send_signal(sign)
            try:
                return self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        return self.process.wait()


class Conversation:
    """Follows the event feed from before the call and prints what belongs to it."""

    def __init__(self):
        self.session, self.pressed = None, False
        self.begun = time.monotonic()
        self.events, self.over, self.lost = [], threading.Event(), None
        self.changed = threading.Condition()
        self.connection = http.client.HTTPConnection(HOST, PORT, timeout=CALL_SECONDS + READY_SECONDS)
        self.connection.request("GET", "/voice/events", headers={"Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            raise Failure(f"GET /voice/events answers {self.answer.status}: {self.answer.read()[:300]}")
        self.waiting = []
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self):
        try:
            while True:
                line = self.answer.readline()
                if not line:
                    break
                if line.startswith(b"data:"):
                    self.take(json.loads(line[5:]))
        except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
            self.lost = error
        self.over.set()

    def belongs_to(self, session):
        """From now on the events of this session are printed; what came before it is known is, too."""
        with self.changed:
            self.session = session
            early, self.waiting = self.waiting, []
            for event in early:
                self.show(event)

    def take(self, event):
        with self.changed:
            if self.session is None:
                self.waiting.append(event)
            else:
                self.show(event)

    def show(self, event):
        if event.get("session_id") != self.session:
            return
        self.events.append(event)
        kind, data = event["type"], event.get("data") or {}
        at = f"{time.monotonic() - self.begun:6.2f} s  "
        if kind in ("voice.stt.final", "dtmf_received"):
            self.pressed = kind == "dtmf_received"
        if kind == "call_initiated":
            say(f"{at}{data.get('from')} calls {data.get('to')}")
        elif kind == "call_answered":
            say(f"{at}the gateway answers")
        elif kind == "voice.stt.final":
            say(f"{at}caller   \"{data.get('text')}\"" + (f"  (confidence {data['confidence']:.2f})" if data.get("confidence") else ""))
        elif kind == "dtmf_received":
            say(f"{at}caller   presses {data.get('digit')}")
        elif kind == "voice.assistant.text":
            say(f"{at}gateway  \"{data.get('text')}\"")
            self.show_stages(data)
        elif kind == "voice.assistant.interrupted":
            say(f"{at}         (interrupted after {data.get('heard_ms')} ms)")
        elif kind in ("call_ended", "call_failed"):
            say(f"{at}the call is over: {data.get('status')}, {data.get('cause')}, {data.get('duration') or 0:.1f} s")
        elif kind == "error":
            say(f"{at}error    {data.get('error')}")
        if kind == "voice.session.stopped":
            self.over.set()

    def show_stages(self, data):
        stages = data.get("stages") or {}
        parts = [f"{title} {stages[name]:.0f}" for name, title in STAGES if isinstance(stages.get(name), (int, float))]
        if isinstance(data.get("latency_ms"), (int, float)):
            since = "the key" if self.pressed else "the end of speech"
            say(f"{'':10}         {data['latency_ms']:.0f} ms after {since}" + (f"; ms: {', '.join(parts)}" if parts else ""))
        elif parts:
            say(f"{'':10}         ms: {', '.join(parts)}")

    def texts(self, kind):
        with self.changed:
            return [(e.get("data") or {}).get("text") or "" for e in self.events if e["type"] == kind]


def place_call():
    say("A caller books a room at the hotel's front desk.")
    conversation = Conversation()
    status, answer = request("POST", "/voice/mock/calls", CALL)
    if status != 202:
        raise Failure(f"POST /voice/mock/calls answers {status}: {answer}")
    conversation.belongs_to(answer["session_id"])
    if not conversation.over.wait(CALL_SECONDS):
        raise Failure(f"the call was not over after {CALL_SECONDS} s")
    if conversation.lost:
        raise Failure(f"the event feed broke: {conversation.lost}")
    return answer, conversation


def wait_for_record(session):
    """The record follows the end of the call within a moment: the recording's last block is written first."""
    deadline = time.monotonic() + RECORD_SECONDS
    path = f"/voice/history?caller={urllib.parse.quote(CALL['from'])}&limit=5"
    while True:
        records = get(path)
        rows = records.get("records") or records.get("history") or records.get("sessions") or []
        for record in rows:
            if record.get("session_id") == session and record.get("end_time"):
                return record
        if time.monotonic() > deadline:
            raise Failure(f"no record of {session} after {RECORD_SECONDS} s: {json.dumps(records)[:500]}")
        threading.Event().wait(0.1)


def check_audio(path):
    """(seconds, loudest sample of the caller, of the gateway) of a stereo recording at 8 kHz."""
    with wave.open(path, "rb") as recording:
        channels, rate, width, frames = recording.getnchannels(), recording.getframerate(), recording.getsampwidth(), recording.getnframes()
        if (channels, rate, width) != (2, 8000, 2):
            raise Failure(f"{path} has {channels} channels of {8 * width} bits at {rate} Hz; it must have 2 of 16 at 8000")
        samples = array.array("h", recording.readframes(frames))
    if sys.byteorder == "big":
        samples.byteswap()
    left, right = samples[0::2], samples[1::2]
    return frames / rate, max(map(abs, left), default=0), max(map(abs, right), default=0)


def check_all(gateway, answer, conversation):
    """Prints a line a check; True when all hold."""
    session, good = answer["session_id"], True

    def check(holds, text, otherwise=""):
        nonlocal good
        good = good and bool(holds)
        say(f"  {'ok    ' if holds else 'FAILED'} {text}" + (f": {otherwise}" if not holds and otherwise else ""))

    say("\nWhat is left of it:")
    ended = [e["data"] for e in conversation.events if e["type"] in ("call_ended", "call_failed")]
    check(len(ended) == 1 and ended[0].get("status") == "completed", "the call completed, once", str(ended))
    heard = conversation.texts("voice.stt.final")
    check(any(UNDERSTOOD in text.lower() for text in heard), f"the caller was understood: \"{' / '.join(heard)}\"")
    answers = " ".join(conversation.texts("voice.assistant.text"))
    check(ANSWERED in answers and BOOKED in answers, "the gateway answered speech and key", answers)

    record = wait_for_record(session)
    check(record.get("status") == "completed" and record.get("duration_seconds"), "its record stands in the history", json.dumps(record)[:300])
    transcript = get(f"/voice/sessions/{session}/transcript")
    turns = transcript.get("turns") or []
    check({"user", "assistant"} <= {t.get("role") for t in turns}, f"its transcript has {len(turns)} turns", json.dumps(turns)[:300])
    database = os.path.join(gateway.state, "voicegw.db")
    check_rows(check, database, session)
    path = os.path.join(gateway.run, "transcript.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(transcript, f, indent=2)
    recording = recording_of(gateway, record)
    if recording:
        seconds, caller, ours = check_audio(recording)
        check(seconds > 3 and caller > 500 and ours > 500, f"a stereo recording of {seconds:.1f} s, both sides audible",
              f"loudest sample of the caller {caller}, of the gateway {ours}")
    else:
        check(False, "there is a recording", f"recording_url is {record.get('recording_url')}")
    say(f"\n  transcript  {path}\n  recording   {recording}\n  database    {database}\n  log         {gateway.log_path}")
    return good


def check_rows(check, database, session):
    with sqlite3.connect(f"file:{urllib.parse.quote(database)}?mode=ro", uri=True) as db:
        tables = {name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        counts = {}
        for table in sorted(tables):
            columns = {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}
            if "session_id" in columns:
                counts[table] = db.execute(f'SELECT count(*) FROM "{table}" WHERE session_id = ?', (session,)).fetchone()[0]
    check(all(counts.get(t) for t in ("calls", "turns", "metrics")), "calls, turns and metrics stand in SQLite",
          ", ".join(f"{t} {n}" for t, n in counts.items()))


def recording_of(gateway, record):
    """The path of the call's WAV file; fetched by its address when it lies elsewhere."""
    url = record.get("recording_url")
    if not url:
        return None
    name = urllib.parse.urlparse(url).path.rsplit("/", 1)[-1].removesuffix(".wav")
    for folder, _, files in os.walk(os.path.join(gateway.state, "recordings")):
        for file in files:
            if file.startswith(name) and file.endswith(".wav"):
                return os.path.join(folder, file)
    status, content = request("GET", urllib.parse.urlparse(url).path)
    if status != 200 or not isinstance(content, bytes):
        return None
    path = os.path.join(gateway.run, f"{name}.wav")
    with open(path, "wb") as f:
        f.write(content)
    return path


def stay(gateway):
    say(f"\nThe gateway is up: http://{HOST}:{PORT}/voice (health, calls, events, openapi.json), http://{HOST}:{PORT}/voice/dashboard")
    say(f"  VOICEGW_SOCKET={gateway.run}/control.sock {gateway.build}/bin/voicegwctl status")
    say("Ctrl-C ends it.")
    try:
        code = gateway.process.wait()
        say(f"The gateway ended by itself ({code}); {gateway.log_path} ends with:\n{gateway.tail()}")
        return 1
    except KeyboardInterrupt:
        say("\nThe gateway ends ...")
        return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--stay", action="store_true")
    args = parser.parse_args()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.default_int_handler)
    gateway, code = Gateway(args.build), 1
    try:
        took = gateway.start()
        say(f"The gateway is ready after {took * 1000:.0f} ms.")
        good = check_all(gateway, *place_call())
        say("\nUnderstood, answered, recorded." if good else "\nThe demo failed.")
        code = 0 if good else 1
        if args.stay:
            code = stay(gateway) or code
    except Failure as failure:
        say(f"demo: {failure}")
        if gateway.process and gateway.process.poll() is None:
            say(f"{gateway.log_path} ends with:\n{gateway.tail()}")
    except KeyboardInterrupt:
        say("\nInterrupted.")
        code = 130
    finally:
        ended = gateway.stop()
    if ended != 0:
        say(f"demo: the gateway ended with {ended}; see {gateway.log_path}")
        code = code or 1
    return code


sys.exit(main())
