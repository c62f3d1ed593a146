"""piper.py - piper's HTTP server: a text comes as JSON, a WAV file goes back."""
import struct

import vendor


class Piper(vendor.Vendor):
    def authorized(self, request):
        return True

    def handle(self, handler, request):
        audio = vendor.encode(vendor.tone(request.json["text"], 16000), "linear16")
        head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(audio), b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16, b"data", len(audio))
        self.stream(handler, ((head + audio)[i:i + 3001] for i in range(0, len(head) + len(audio), 3001)), "audio/wav")
