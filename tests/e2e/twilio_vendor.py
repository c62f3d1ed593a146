"""twilio_vendor.py - Twilio's own npm library, for the tests: installed once into the build folder, then asked by JSON lines."""
import fcntl
import json
import os
import shutil
import subprocess
import threading

from daemon import HERE, Skip, build

SOURCE = os.path.join(HERE, "twilio_npm")
INSTALL_SECONDS = 180


def install():
    """The folder where the library is; Skip with the reason when it cannot be had."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    where = os.path.join(build(), "twilio-npm")
    os.makedirs(where, exist_ok=True)
    with open(where + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = "".join(open(os.path.join(SOURCE, n), encoding="utf-8").read() for n in ("package.json", "package-lock.json"))
        stamp = os.path.join(where, "installed")
        if not os.path.exists(stamp) or open(stamp, encoding="utf-8").read() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(os.path.join(SOURCE, name), where)
            try:
                done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], cwd=where, capture_output=True,
                                      text=True, timeout=INSTALL_SECONDS)
            except subprocess.TimeoutExpired:
                raise Skip("the npm registry does not answer") from None
            if done.returncode:
                raise Skip("npm cannot install the library: " + " ".join(done.stderr.split())[-300:])
            with open(stamp, "w", encoding="utf-8") as f:
                f.write(wanted)
        shutil.copy(os.path.join(SOURCE, "vendor.js"), where)
    return where


class Vendor:
    """A process with the library."""
    one, lock = None, threading.Lock()

    def __init__(self):
        where = install()
        self.process = subprocess.Popen(["node", "vendor.js"], cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @classmethod
    def get(cls):
        with cls.lock:
            if not cls.one:
                cls.one = cls()
            return cls.one

    def ask(self, **order):
        with self.lock:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, (order, answer)
        return answer

    def sign(self, token, url, params):
        return self.ask(do="sign", token=token, url=url, params=params)["signature"]

    def sign_json(self, token, url, body):
        a = self.ask(do="sign_json", token=token, url=url, body=body)
        return a["url"], a["signature"]
