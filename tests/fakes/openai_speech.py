"""openai_speech.py - OpenAI's transcriptions and speech, and the server of whisper.cpp, which understand the test set."""
import email.parser
import json
import struct
import time

import vendor


def form(request):
    """The fields of a multipart body: {name: bytes}."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode("latin-1")
    message = email.parser.BytesParser().parsebytes(head + request.body)
    return {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in message.get_payload()}


def wav(data):
    """(rate, samples at 8000 Hz) of a WAV file; what is none raises."""
    riff, size, wave, fmt, length, kind, channels, rate, _, _, bits, name, bytes_ = struct.unpack("<4sI4s4sIHHIIHH4sI", data[:44])
    assert (riff, wave, fmt, length, kind, channels, bits, name) == (b"RIFF", b"WAVE", b"fmt ", 16, 1, 1, 16, b"data"), data[:44]
    assert size == len(data) - 8 and bytes_ == len(data) - 44, (size, bytes_, len(data))
    return rate, vendor.decode(data[44:], "linear16", rate)


class OpenAISpeech(vendor.Vendor):
    def authorized(self, request):
        return request.headers.get("authorization") == f"Bearer {self.key}"

    def handle(self, handler, request):
        if request.path == "/v1/audio/speech":
            ask = request.json
            assert ask["response_format"] == "pcm" and len(ask["input"]) <= 4096, ask
            self.speak(handler, ask["input"], "linear16", 24000)
        elif request.path == "/v1/audio/transcriptions":
            self.transcribe(handler, form(request))
        else:
            self.answer(handler, 404, self.refusal(404))

    def transcribe(self, handler, fields):
        rate, samples = wav(fields["file"])
        text, _ = self.ears.understand(samples)
        self.note({**{k: v.decode() for k, v in fields.items() if k != "file"}, "rate": rate, "text": text, "seconds": len(samples) / 8000})
        if self.fault("garbage"):
            self.answer(handler, 200, b"{half an answer")
        elif fields.get("stream") != b"true":
            self.answer(handler, 200, {"text": text, "usage": {"type": "duration", "seconds": round(len(samples) / 8000)}})
        else:
            self.events(handler, text)

    def events(self, handler, text):
        """Server-sent events, cut where nobody would cut them; between them what a reader has to pass over."""
        events = [{"type": "transcript.text.delta", "delta": f" {word}" if i else word} for i, word in enumerate(text.split())]
        events += [{"type": "something.new"}, {"type": "transcript.text.done", "text": text, "usage": {"type": "tokens", "total_tokens": 7}}]
        data = b": a comment\n\n" + b"".join(b"data: " + json.dumps(e).encode() + b"\r\n\r\n" for e in events) + b"data: [DONE]\n\n"
        if self.fault("half"):
            data = data[:len(data) // 2]

        def pieces():
            for i in range(0, len(data), 23):
                yield data[i:i + 23]
                time.sleep(0.001)
        self.stream(handler, pieces(), "text/event-stream")


class Whisper(vendor.Vendor):
    def authorized(self, request):
        return True

    def handle(self, handler, request):
        assert request.path == "/inference", request.path
        fields = form(request)
        rate, samples = wav(fields["file"])
        assert rate == 16000, rate
        text, sure = self.ears.understand(samples)
        self.note({**{k: v.decode() for k, v in fields.items() if k != "file"}, "text": text, "seconds": len(samples) / 8000})
        segments = [{"id": 0, "text": f" {text}" if text else " [BLANK_AUDIO]", "start": 0, "end": len(samples) / 8000,
                     "avg_logprob": -0.1 if text else -1.5, "no_speech_prob": 0.01 if text else 0.99}]
        self.answer(handler, 200, {"task": "transcribe", "language": "english", "text": f" {text}\n", "segments": segments})
