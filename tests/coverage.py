#!/usr/bin/python3
"""coverage.py --build FOLDER - runs the unit and plugin suites of a build with --coverage and prints the lines reached, by folder."""
import argparse
import collections
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    for path in glob.glob(f"{build}/**/*.gcda", recursive=True):
        os.unlink(path)
    # Their results are `make test`'s affair.
    subprocess.run([sys.executable, "tests/run.py", "--build", build, "unit-", "plugin-", "replay-", "net"], stdout=subprocess.DEVNULL)
    lines = collections.defaultdict(dict)
    with tempfile.TemporaryDirectory() as where:
        data = sorted(glob.glob(f"{build}/obj/**/*.gcda", recursive=True))
        for at in range(0, len(data), 100):
            subprocess.run(["gcov", "--json-format", *data[at:at + 100]], cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for report in glob.glob(f"{where}/*.gcov.json.gz"):
                with gzip.open(report) as f:
                    for file in json.load(f)["files"]:
                        if file["file"].startswith(("core/", "plugins/")):
                            for line in file["lines"]:
                                seen = lines[file["file"]]
                                seen[line["line_number"]] = max(seen.get(line["line_number"], 0), line["count"])
                os.unlink(report)
    rooms = collections.defaultdict(lambda: [0, 0])
    for file, counts in lines.items():
        for name in ("/".join(file.split("/")[:2]), "all"):
            rooms[name][0] += sum(count > 0 for count in counts.values())
            rooms[name][1] += len(counts)
    for name, (hit, total) in sorted(rooms.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"{name:24} {hit:6} of {total:6} lines  {100 * hit / total:5.1f} %")
    return 0 if rooms else 1


sys.exit(main())
