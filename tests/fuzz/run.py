#!/usr/bin/python3
"""run.py --build FOLDER [--seconds N] NAME... - runs fuzzers one after the other; 'N passed, N failed' last.

New inputs that reach further are kept in FOLDER/corpus/NAME, crashes in FOLDER/crashes."""
import argparse
import os
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    crashes = os.path.join(args.build, "crashes")
    os.makedirs(crashes, exist_ok=True)
    failed = 0
    for name in args.names:
        found = os.path.join(args.build, "corpus", name)
        os.makedirs(found, exist_ok=True)
        command = [os.path.join(args.build, "fuzz", name), found]
        kept = os.path.join("tests", "fuzz", "corpus", name)
        if os.path.isdir(kept):
            command.append(kept)
        command += [f"-max_total_time={args.seconds}", "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={crashes}/{name}-"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        lines = done.stdout.splitlines()
        if done.returncode:
            failed += 1
            print("\n".join(lines[-40:]))
        print(f"{'not ok' if done.returncode else 'ok'} {name}: {lines[-1] if lines else ''}", flush=True)
    print(f"{len(args.names) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
