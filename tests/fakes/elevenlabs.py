"""elevenlabs.py - an ElevenLabs that understands the test set: realtime recognition over a WebSocket, streamed synthesis over HTTP."""
import base64
import json
import time

import vendor


class ElevenLabs(vendor.Vendor):
    def authorized(self, request):
        return request.headers.get("xi-api-key") == self.key

    def refusal(self, code):
        return {"detail": {"status": "fake", "message": f"the fake refuses with {code}"}}

    def handle(self, handler, request):
        parts = request.path.split("/")
        if parts[:3] != ["", "v1", "text-to-speech"] or parts[4:] != ["stream"]:
            self.answer(handler, 404, self.refusal(404))
            return
        kind, rate = request.one("output_format").split("_")
        self.speak(handler, request.json["text"], "mulaw" if kind == "ulaw" else "linear16", int(rate))

    def talk(self, channel, request, handler):
        kind, rate = request.one("audio_format").split("_")
        encoding = "mulaw" if kind == "ulaw" else "linear16"
        heard, told = bytearray(), False
        channel.send({"message_type": "session_started", "session_id": "s1", "config": {"model_id": request.one("model_id")}})
        while (message := channel.recv()) is not None:
            m = json.loads(message)
            assert m["message_type"] == "input_audio_chunk", m
            heard += base64.b64decode(m["audio_base_64"], validate=True)
            if m["commit"]:
                self.note("commit")
                time.sleep(self.delay)
                text, _ = self.ears.understand(vendor.decode(bytes(heard), encoding, int(rate)))
                if len(heard) < 2400:
                    channel.send({"message_type": "commit_throttled", "error": "too little audio"})
                else:
                    channel.send({"message_type": "committed_transcript", "text": text})
                heard, told = bytearray(), False
            elif len(heard) > 8000 and not told:
                told = True
                channel.send({"message_type": "partial_transcript", "text": "i would"})
