"""assemblyai.py - an AssemblyAI that understands the test set: streaming version 3."""
import json
import time

import vendor


class AssemblyAI(vendor.Vendor):
    def authorized(self, request):
        return request.headers.get("authorization") == self.key

    def talk(self, channel, request, handler):
        if not request.one("speech_model"):
            channel.close(3006, "speech_model is required")
            return
        rate, encoding = int(request.one("sample_rate")), "mulaw" if request.one("encoding") == "pcm_mulaw" else "linear16"
        width = 1 if encoding == "mulaw" else 2
        heard, begun, turn, told = bytearray(), time.monotonic(), 0, False
        channel.send({"type": "Begin", "id": "b1", "expires_at": 0})
        while (message := channel.recv()) is not None:
            if isinstance(message, bytes):
                if not 0.05 <= len(message) / width / rate <= 1:
                    channel.close(3007, "Input duration violation: between 50 and 1000 ms are taken")
                    return
                heard += message
                if len(heard) / width / rate > 0.6 and not told:
                    told = True
                    channel.send(self.turn(turn, "i would", end=False))
                continue
            self.note(message)
            kind = json.loads(message)["type"]
            if kind == "ForceEndpoint":
                time.sleep(self.delay)
                text, _ = self.ears.understand(vendor.decode(bytes(heard), encoding, rate))
                channel.send(self.turn(turn, text, end=True))
                heard, turn, told = bytearray(), turn + 1, False
            elif kind == "Terminate":
                spent = round(time.monotonic() - begun, 2)
                channel.send({"type": "Termination", "audio_duration_seconds": 1, "session_duration_seconds": spent})
                channel.close(1000)

    @staticmethod
    def turn(order, text, end):
        words = [{"text": w, "start": i * 100, "end": i * 100 + 90, "confidence": 0.9, "word_is_final": end} for i, w in enumerate(text.split())]
        return {"type": "Turn", "turn_order": order, "turn_is_formatted": False, "end_of_turn": end, "transcript": text if end else "",
                "end_of_turn_confidence": 0.5, "words": words}
