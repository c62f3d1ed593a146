"""piper_program.py - piper as a program: a line of text on standard input, raw audio at 16 kHz on standard output."""
import sys

import vendor

if __name__ == "__main__":
    assert sys.argv[1:] == ["--output_raw"], sys.argv
    audio = vendor.encode(vendor.tone(sys.stdin.readline().strip(), 16000), "linear16")
    for at in range(0, len(audio), 3001):  # halves of samples too
        sys.stdout.buffer.write(audio[at:at + 3001])
        sys.stdout.buffer.flush()
