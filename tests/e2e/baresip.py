"""baresip.py - Debian's baresip as a telephone without a person: it speaks a WAV file, is told what to do over its control socket, and
says what happened."""
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import wave

from daemon import wait
from sip_peer import sip_port

PROGRAM = shutil.which("baresip")
MODULES = next((d for d in ("/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules") if os.path.isdir(d)), None)
READY = PROGRAM and MODULES


def ulaw_to_wav(ulaw, path, before=0.5, after=30.0):
    """mu-law octets as a WAV of 8 kHz, with silence around: a phone that plays a file to its end would begin anew."""
    def linear(octet):
        octet = ~octet & 0xFF
        value = (((octet & 0x0F) << 3) + 0x84) << ((octet & 0x70) >> 4)
        return (0x84 - value if octet & 0x80 else value - 0x84).to_bytes(2, "little", signed=True)
    with wave.open(path, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(b"\0\0" * int(8000 * before) + b"".join(linear(o) for o in ulaw) + b"\0\0" * int(8000 * after))


class Phone:
    """account: '<sip:user@host>;auth_user=…;auth_pass=…;regint=…'."""

    def __init__(self, folder, wav, account, codecs="PCMU/8000/1", more=()):
        self.folder = os.path.join(folder, f"phone-{sip_port()}")
        os.makedirs(self.folder)
        self.port, self.control_port = sip_port(), sip_port()
        modules = "".join(f"module {m}.so\n" for m in ("g711", "g722", "opus", "aufile", "aubridge", "sndfile", "uuid", *more))
        with open(os.path.join(self.folder, "config"), "w", encoding="utf-8") as f:
            f.write(f"poll_method epoll\nsip_listen 127.0.0.1:{self.port}\ncall_local_timeout 60\ncall_max_calls 4\n"
                    f"audio_player aubridge,x\naudio_source aufile,{wav}\naudio_alert aufile,/dev/null\n"
                    "ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\naudio_level no\n"
                    f"snd_path {self.folder}\nrtp_ports 30000-31000\nmodule_path {MODULES}\n{modules}module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n"
                    f"ctrl_tcp_listen 127.0.0.1:{self.control_port}\n")
        with open(os.path.join(self.folder, "accounts"), "w", encoding="utf-8") as f:
            f.write(f"{account};audio_codecs={codecs}\n")
        with open(os.path.join(self.folder, "contacts"), "w", encoding="utf-8") as f:
            f.write("")
        self.events, self.changed = [], threading.Condition()
        self.log = open(os.path.join(self.folder, "log"), "wb+")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen([PROGRAM, "-f", self.folder], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        cwd=self.folder, env={**os.environ, "HOME": self.folder})
        self.socket = self.connect()
        threading.Thread(target=self.read, daemon=True).start()

    def connect(self):
        end = time.monotonic() + wait()
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.control_port), 1)
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, "baresip does not start: " + self.said()
                time.sleep(0.05)

    def said(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            return f.read()[-3000:]

    def read(self):
        self.socket.settimeout(None)
        buffer = b""
        try:
            while data := self.socket.recv(65536):
                buffer += data
                while b":" in buffer:
                    n, _, rest = buffer.partition(b":")
                    if len(rest) < int(n) + 1:
                        break
                    with self.changed:
                        self.events.append(json.loads(rest[:int(n)]))
                        self.changed.notify_all()
                    buffer = rest[int(n) + 1:]
        except (OSError, ValueError):
            pass

    def tell(self, command, params=""):
        text = json.dumps({"command": command, "params": params}).encode()
        self.socket.sendall(str(len(text)).encode() + b":" + text + b",")

    def wait(self, kind, count=1):
        """The event of that type (CALL_ESTABLISHED, REGISTER_OK, …)."""
        def found():
            return [e for e in self.events if e.get("type") == kind]
        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count, wait()), (kind, self.events[-10:], self.said())
        return found()[count - 1]

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.socket.close()
        self.log.close()
