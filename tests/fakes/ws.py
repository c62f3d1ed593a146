"""ws.py - the server's side of a WebSocket (RFC 6455) for fakes of vendors, on a request of http.server. Strict: what a client may not
send ends the connection and stands in `violation`. Standard library only."""
import base64
import hashlib
import json
import struct
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Socket:
    """Accepts the upgrade that a BaseHTTPRequestHandler has read; recv() and send() until closed."""

    def __init__(self, handler, protocol=None):
        key = handler.headers.get("Sec-WebSocket-Key", "")
        accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        head = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
        head += f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        self.reader, self.socket = handler.rfile, handler.connection
        self.lock = threading.Lock()
        self.closed, self.violation = None, None
        handler.close_connection = True
        self.socket.sendall((head + "\r\n").encode())

    @staticmethod
    def asked(handler):
        return handler.headers.get("Upgrade", "").lower() == "websocket"

    def take(self, n):
        data = self.reader.read(n)
        if len(data) < n:
            raise ConnectionError("the client went without a word")
        return data

    def frame(self):
        """(opcode, final, payload) of one frame, unmasked."""
        a, b = self.take(2)
        n = b & 0x7F
        if n >= 126:
            n = int.from_bytes(self.take(2 if n == 126 else 8), "big")
        if not b & 0x80:
            self.violation = "a frame of the client is not masked"
            raise ConnectionError(self.violation)
        key = self.take(4)
        data = self.take(n)
        repeated = (key * (n // 4 + 1))[:n]
        return a & 15, bool(a & 0x80), (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(n, "big") if n else b""

    def recv(self):
        """A message: text as str, binary as bytes; None when the client closed (self.closed: code and reason)."""
        whole, kind = b"", 1
        while True:
            opcode, final, data = self.frame()
            if opcode == 8:
                self.closed = (int.from_bytes(data[:2], "big") if len(data) > 1 else 1005, data[2:].decode(errors="replace"))
                self.send_frame(8, data[:2])
                return None
            if opcode == 9:
                self.send_frame(10, data)
            elif opcode in (0, 1, 2):
                kind = opcode or kind
                whole += data
                if final:
                    return whole.decode() if kind == 1 else whole

    def send_frame(self, opcode, data, final=True):
        head = bytes([(0x80 if final else 0) | opcode])
        if len(data) < 126:
            head += bytes([len(data)])
        elif len(data) < 65536:
            head += struct.pack("!BH", 126, len(data))
        else:
            head += struct.pack("!BQ", 127, len(data))
        with self.lock:
            self.socket.sendall(head + data)

    def send(self, value):
        """Text for a str, binary for bytes, JSON text for the rest."""
        if isinstance(value, bytes):
            self.send_frame(2, value)
        else:
            self.send_frame(1, (value if isinstance(value, str) else json.dumps(value)).encode())

    def close(self, code=1000, reason=""):
        self.send_frame(8, struct.pack("!H", code) + reason.encode())
