"""deepgram.py - a Deepgram that understands the test set: listen v1 over a WebSocket, speak v1 over HTTP."""
import json
import threading
import time

import vendor


class Deepgram(vendor.Vendor):
    language = None  # that it detects, in finals

    def authorized(self, request):
        return request.headers.get("authorization") == f"Token {self.key}"

    def refusal(self, code):
        return {"err_code": "FAKE", "err_msg": f"the fake refuses with {code} {self.key}", "request_id": "r1"}

    def handle(self, handler, request):
        if request.path != "/v1/speak" or request.one("container") != "none":
            self.answer(handler, 404, self.refusal(404))
            return
        self.speak(handler, request.json["text"], request.one("encoding"), int(request.one("sample_rate")))

    def talk(self, channel, request, handler):
        heard, timeline, told = bytearray(), 0.0, ""
        encoding, rate = request.one("encoding"), int(request.one("sample_rate"))
        width = 1 if encoding in ("mulaw", "alaw") else 2
        if self.fault("strange"):
            for text in ("not json", "{", "[]", '{"type": "Nonsense", "x": {}}', '{"type": 5}', '{"type": "Results"}'):
                channel.send(text)
        while (message := channel.recv()) is not None:
            if isinstance(message, bytes):
                if self.fault("drop"):
                    handler.connection.close()
                    return
                heard += message
                if len(heard) // width / rate > 0.6 and not told and not self.faults["mute"]:
                    told = "hello"
                    self.results(channel, "hello", timeline, 0.6, is_final=False)
                continue
            self.note(message)
            kind = json.loads(message)["type"]
            if self.faults["mute"]:
                continue
            if kind == "Finalize":
                time.sleep(self.delay)
                text, sure = self.ears.understand(vendor.decode(bytes(heard), encoding, rate))
                duration = len(heard) / width / rate
                first, _, rest = text.partition(" ")
                if rest:
                    self.results(channel, first, timeline, duration / 2, is_final=True, confidence=sure)
                self.results(channel, rest or first, timeline + duration / 2, duration / 2, is_final=True, from_finalize=True, confidence=sure)
                timeline += duration
                heard, told = bytearray(), ""
            elif kind == "CloseStream":
                channel.send({"type": "Metadata", "request_id": "r1", "duration": round(timeline, 2), "channels": 1})
                channel.close(1000)

    def results(self, channel, text, start, duration, is_final, from_finalize=False, confidence=0.9):
        words = [{"word": w, "punctuated_word": w, "start": start + i * 0.1, "end": start + i * 0.1 + 0.09, "confidence": confidence}
                 for i, w in enumerate(text.split())]
        languages = {"languages": [self.language]} if self.language and is_final else {}
        channel.send({"type": "Results", "channel_index": [0, 1], "start": start, "duration": duration, "is_final": is_final,
                     "speech_final": False, "from_finalize": from_finalize,
                     "channel": {"alternatives": [{"transcript": text, "confidence": confidence if text else 0.0, "words": words, **languages}]}})


if __name__ == "__main__":
    fake = Deepgram()
    print(fake.url, flush=True)
    threading.Event().wait()
