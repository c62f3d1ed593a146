"""ws.py - the frames of RFC 6455 for fakes: a server's side of one WebSocket over a connection whose upgrade was read. Standard library
only."""
import base64
import hashlib
import json
import struct
import threading

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()


def frame(opcode, data, fin=True):
    head = bytes([(0x80 if fin else 0) | opcode])
    if len(data) < 126:
        head += bytes([len(data)])
    elif len(data) < 65536:
        head += struct.pack("!BH", 126, len(data))
    else:
        head += struct.pack("!BQ", 127, len(data))
    return head + data


class ServerSocket:
    """reader: the connection's file; write: a function that sends bytes."""

    def __init__(self, reader, write):
        self.reader, self.write = reader, write
        self.lock = threading.Lock()
        self.closed = None  # (code, reason) once the client said so

    def send(self, value):
        """A message: bytes as binary, text as it is, all else as JSON."""
        if isinstance(value, bytes):
            opcode, data = BINARY, value
        else:
            opcode, data = TEXT, (value if isinstance(value, str) else json.dumps(value)).encode()
        with self.lock:
            self.write(frame(opcode, data))

    def close(self, code=1000, reason=""):
        with self.lock:
            self.write(frame(CLOSE, struct.pack("!H", code) + reason.encode()))

    def take(self, n):
        data = self.reader.read(n)
        if len(data) < n:
            raise ConnectionError("the client is gone")
        return data

    def recv(self):
        """The next message (str or bytes), or None when the client closed; pings are answered."""
        whole, kind = b"", TEXT
        while True:
            a, b = self.take(2)
            n = b & 0x7F
            if n >= 126:
                n = int.from_bytes(self.take(2 if n == 126 else 8), "big")
            assert b & 0x80, "a client's frames are masked"
            key = self.take(4)
            data = self.take(n)
            repeated = (key * (n // 4 + 1))[:n]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(n, "big") if n else b""
            opcode = a & 15
            if opcode == CLOSE:
                self.closed = (int.from_bytes(data[:2], "big") if n > 1 else 1005, data[2:].decode(errors="replace"))
                with self.lock:
                    self.write(frame(CLOSE, data[:2]))
                return None
            if opcode == PING:
                with self.lock:
                    self.write(frame(PONG, data))
                continue
            if opcode == PONG:
                continue
            kind = opcode or kind
            whole += data
            if a & 0x80:
                return whole.decode() if kind == TEXT else whole
