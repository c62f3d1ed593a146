"""openai_realtime.py - the vendor's side of a realtime conversation: server-side turns by the loudness of real audio, answers as real
audio that is sent faster than it is spoken, strict about events that the vendor would refuse. The generation (ga or beta) decides names
and shapes. Used by openai.py."""
import base64
import json
import math
import threading
import time

BETA = {"response.output_audio.delta": "response.audio.delta", "response.output_audio.done": "response.audio.done",
        "response.output_audio_transcript.delta": "response.audio_transcript.delta",
        "response.output_audio_transcript.done": "response.audio_transcript.done"}
STEP = 800  # octets of audio that the ears look at, 100 ms


def encode(sample):
    """One sample as mu-law (ITU-T G.711)."""
    sign = 0x80 if sample < 0 else 0
    value = min(abs(int(sample)), 32635) + 132
    segment = value.bit_length() - 8
    return ~(sign | segment << 4 | value >> segment + 3 & 15) & 0xFF


def tone(ms, hz=440, level=9000):
    """A tone as mu-law, 8 octets a millisecond."""
    one = bytes(encode(level * math.sin(2 * math.pi * hz * i / 8000)) for i in range(800))  # a whole number of waves for hz % 10 == 0
    return (one * (ms // 100 + 1))[:ms * 8]


def loud(audio):
    return sum(1 for b in audio if (b & 0x7F) < 0x50) > len(audio) // 8


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Session:
    """One socket. What the test ordered is in model.answers (Answer: text, calls, ms, stall, cut, unknown)."""

    def __init__(self, model, socket, beta):
        self.model, self.socket, self.beta = model, socket, beta
        self.settings, self.items, self.audio = None, {}, bytearray()
        self.appended, self.heard, self.quiet, self.speaking, self.number = 0, 0, 0, False, 0
        self.cancelled, self.responding, self.closed = threading.Event(), False, False
        self.lock = threading.RLock()
        self.waiting = []  # calls whose results are still to come
        self.said, self.spoken = [], {}  # the conversation; where in it an item's text stands

    def send(self, kind, **more):
        self.number += 1
        try:
            self.socket.send({"type": BETA.get(kind, kind) if self.beta else kind, "event_id": f"event_{self.number}", **more})
        except OSError:
            self.closed = True

    def note(self, kind, value):
        with self.model.changed:
            self.model.notes.append((kind, value))
            self.model.changed.notify_all()

    def run(self):
        self.send("session.created", session={"id": "sess_1", "object": "realtime.session"})
        try:
            while (text := self.socket.recv()) is not None:
                event = json.loads(text)
                try:
                    with self.lock:
                        self.take(event)
                except Refused as e:
                    self.note("refused", f"{e.code}: {e}")
                    self.send("error", error={"type": "invalid_request_error", "code": e.code, "message": str(e), "param": None,
                                              "event_id": event.get("event_id")})
        except (OSError, ValueError):
            pass
        self.closed = True
        self.cancelled.set()

    # ---- what a client sends ----

    def take(self, event):
        kind = event.get("type", "")
        take = getattr(self, "take_" + kind.replace(".", "_"), None)
        if not take:
            raise Refused("unknown_event", kind)
        if kind != "session.update" and self.settings is None:
            raise Refused("not_set_up", f"{kind} before session.update")
        take(event)

    def take_session_update(self, event):
        s = event["session"]
        if self.beta:
            law, self.turns = s["input_audio_format"] == "g711_ulaw" == s["output_audio_format"], s.get("turn_detection")
        else:
            audio = s["audio"]
            law = audio["input"]["format"] == {"type": "audio/pcmu"} == audio["output"]["format"]
            self.turns = audio["input"].get("turn_detection")
            if s.get("type") != "realtime" or s.get("output_modalities") != ["audio"] or "temperature" in s:
                raise Refused("invalid_session", json.dumps(s))
        if not law:
            raise Refused("invalid_format", "this telephone speaks mu-law")
        for t in s.get("tools", []):
            if t.get("type") != "function" or "function" in t or t["parameters"].get("type") != "object":
                raise Refused("invalid_tool", json.dumps(t))
        self.settings = s
        self.note("session", s)
        self.send("session.updated", session=s)
        self.send("conversation.rumour", news={"nobody": ["knows this"]})

    def take_input_audio_buffer_append(self, event):
        self.audio += base64.b64decode(event["audio"], validate=True)
        while self.turns and len(self.audio) - self.heard >= STEP:
            self.listen(bytes(self.audio[self.heard:self.heard + STEP]))
            self.heard += STEP

    def listen(self, step):
        ms = self.heard // 8
        if loud(step):
            self.quiet = 0
            if not self.speaking:
                self.speaking, self.begun = True, self.heard
                self.send("input_audio_buffer.speech_started", audio_start_ms=ms, item_id=f"user_{ms}")
                if self.turns.get("interrupt_response"):
                    self.cancelled.set()
        elif self.speaking:
            self.quiet += 100
            if self.quiet >= self.turns.get("silence_duration_ms", 500):
                self.speaking = False
                self.send("input_audio_buffer.speech_stopped", audio_end_ms=ms, item_id=f"user_{self.begun}")
                self.user_item(bytes(self.audio[max(0, self.begun - 2400):self.heard]))
                if self.turns.get("create_response"):
                    self.respond()

    def user_item(self, audio):
        self.note("heard", audio)
        item = f"user_{len(self.items)}"
        self.items[item] = None
        self.send("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        self.send("conversation.item.added", item={"id": item, "type": "message", "role": "user"})
        said = self.model.heard_as.pop(0) if self.model.heard_as else self.understand(audio)
        self.said.append(("user", said))
        self.send("conversation.item.input_audio_transcription.completed", item_id=item, content_index=0, transcript=said)

    def understand(self, audio):
        return self.model.ears(audio) if self.model.ears else "hello"

    def take_input_audio_buffer_commit(self, event):
        if not self.audio:
            raise Refused("input_audio_buffer_commit_empty", "nothing to commit")
        self.user_item(bytes(self.audio))
        self.audio.clear()

    def take_input_audio_buffer_clear(self, event):
        self.audio.clear()
        self.heard = 0

    def take_conversation_item_create(self, event):
        item = event["item"]
        if item["type"] == "function_call_output":
            if item["call_id"] not in self.waiting or not isinstance(item["output"], str):
                raise Refused("invalid_call", item["call_id"])
            self.waiting.remove(item["call_id"])
            self.said.append(("result", item["output"]))
            self.note("result", item["output"])
            return
        text = item["content"][0]
        want = "input_text" if item["role"] != "assistant" else "text" if self.beta else "output_text"
        if item["type"] != "message" or text["type"] != want:
            raise Refused("invalid_item", json.dumps(item))
        self.said.append((item["role"], text["text"]))
        self.note("told", (item["role"], text["text"]))

    def take_conversation_item_delete(self, event):
        if event["item_id"] not in self.items:
            raise Refused("item_delete_invalid_item_id", event["item_id"])
        self.note("deleted", event["item_id"])

    def take_conversation_item_truncate(self, event):
        ms = self.items.get(event["item_id"])
        if ms is None or event["content_index"] != 0:
            raise Refused("item_truncate_invalid_item_id", event["item_id"])
        if not 0 < event["audio_end_ms"] <= ms:
            raise Refused("invalid_value", f"{event['audio_end_ms']} of {ms} ms")
        at = self.spoken[event["item_id"]]
        words = self.said[at][1].split(" ")
        self.said[at] = ("assistant", " ".join(words[:len(words) * event["audio_end_ms"] // ms]))
        self.note("truncated", (event["item_id"], event["audio_end_ms"], ms))

    def take_response_create(self, event):
        if self.waiting:
            raise Refused("results_missing", str(self.waiting))
        self.respond(event.get("response", {}).get("instructions"))

    def take_response_cancel(self, event):
        if not self.responding:
            raise Refused("response_cancel_not_active", "nothing to cancel")
        self.note("cancel", None)
        self.cancelled.set()

    # ---- answers ----

    def respond(self, instructions=None):
        if self.responding:
            raise Refused("conversation_already_has_active_response", "one at a time")
        self.responding = True
        self.cancelled = threading.Event()
        with self.model.changed:
            self.model.responses.append(instructions)
            answer = self.model.next_answer(instructions or self.settings.get("instructions", ""), self.said)
            number = len(self.model.responses)
            self.model.changed.notify_all()
        threading.Thread(target=self.speak, args=(answer, number), daemon=True).start()

    def speak(self, answer, number):
        response, item = f"resp_{number}", f"item_{number}"
        output = []
        self.send("response.created", response={"id": response, "status": "in_progress"})
        self.model.pause(answer.before)
        if answer.text:
            self.say(answer, response, item)
        if answer.cut:
            with self.lock:
                self.socket.socket.shutdown(2)
            return
        status = "cancelled" if self.cancelled.is_set() else answer.finish if answer.finish == "failed" else "completed"
        with self.lock:
            for i, (name, arguments) in enumerate(answer.calls if status == "completed" else ()):
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                output.append({"id": f"{item}_{i}", "type": "function_call", "status": "completed", "name": name, "call_id": f"call_{number}_{i}",
                               "arguments": text})
                self.waiting.append(f"call_{number}_{i}")
                self.send("response.function_call_arguments.done", response_id=response, item_id=f"{item}_{i}", call_id=f"call_{number}_{i}",
                          name=name, arguments=text)
            self.responding = False
            self.send("response.done", response={"id": response, "status": status, "output": output,
                                                 "usage": {"total_tokens": 30, "input_tokens": 20, "output_tokens": 10}})

    def say(self, answer, response, item):
        audio = answer.audio or tone(answer.ms)
        self.items[item] = 0
        words = answer.text.split(" ")
        self.spoken[item] = len(self.said)
        self.said.append(("assistant", answer.text))
        for at in range(0, len(audio), 1600):  # 200 ms at a time, four times as fast as it is spoken
            if self.cancelled.is_set() or self.closed:
                break
            part = audio[at:at + 1600]
            self.items[item] += len(part) // 8
            self.send("response.output_audio.delta", response_id=response, item_id=item, output_index=0, content_index=0,
                      delta=base64.b64encode(part).decode())
            first, last = at * len(words) // len(audio), (at + 1600) * len(words) // len(audio)
            if words[first:last]:
                self.send("response.output_audio_transcript.delta", response_id=response, item_id=item,
                          delta=(" " if first else "") + " ".join(words[first:last]))
            time.sleep(len(part) / 8000 / 4)
        if answer.cut:
            return
        self.send("response.output_audio.done", response_id=response, item_id=item)
        if not self.cancelled.is_set():
            self.send("response.output_audio_transcript.done", response_id=response, item_id=item, transcript=answer.text)
        if self.cancelled.is_set():  # a last one that was on its way already
            self.send("response.output_audio.delta", response_id=response, item_id=item, delta=base64.b64encode(tone(20)).decode())

    def expire(self):
        """The vendor's limit of a session."""
        self.send("error", error={"type": "invalid_request_error", "code": "session_expired",
                                  "message": "Your session hit the maximum duration of 60 minutes.", "param": None, "event_id": None})
        self.socket.close(1001, "Your session hit the maximum duration of 60 minutes.")
