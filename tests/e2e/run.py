"""run.py [--build FOLDER] - every file of end-to-end tests, one after another; the last line is 'N passed, N failed' over all."""
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    total = [0, 0, 0]
    for path in sorted(glob.glob(os.path.join(HERE, "*.py"))):
        if os.path.basename(path) == "run.py" or "__main__" not in open(path, encoding="utf-8").read():
            continue
        print(f"---- {os.path.basename(path)}", flush=True)
        text = subprocess.run([sys.executable, path, *sys.argv[1:]], stdout=subprocess.PIPE, text=True, check=False).stdout
        print(text, end="", flush=True)
        found = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", text, re.M)
        total = [a + int(b or 0) for a, b in zip(total, found[-1])] if found else [total[0], total[1] + 1, total[2]]
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
