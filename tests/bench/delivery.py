#!/usr/bin/python3
"""delivery.py --build FOLDER [--jobs 3000] [--rows 100000] [--gateways 3] [NAME...] - how fast messages come from the store to the dial, and what
many of them take. One JSON line a figure:
  sqlite, postgresql, shared   jobs a second: one gateway, one with PostgreSQL 15, and several that share it
  csv                          a file of so many lines by voicegwctl: lines a second, memory of both programs, bytes a job on disk
The telephone is the mock, whose lines are all busy: an attempt is claimed, begun in the store, dialled, ended and settled, with its records."""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import daemon  # noqa: E402
import delivery  # noqa: E402

LINES = """  lab: {plugin: mock, default: true, initiating_ms: 0, ringing_ms: 0, outcomes: [{to: "+1555*", outcome: busy, after: 0ms}]}
"""
POLICY = """
voice_configs: {default: {platform: lab}}
delivery: {retry: {busy: {max: 0}}, window: 2000}
"""


def say(name, **values):
    print(json.dumps({"bench": name, **values}), flush=True)


def memory_kb(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as f:
        fields = dict(line.split(":", 1) for line in f if ":" in line)
    return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0])


def gateway(store=None, name="a"):
    text = delivery.config(providers=LINES, delivery=POLICY, **({"store": store} if store else {}))
    return daemon.Gateway(text.replace("gateway: {", f"gateway: {{name: {name}, ")).start()


def fill(g, jobs):
    campaign = g.post("/voice/campaigns", {"name": "bench", "content": "Hello.", "paused": True}, status=201)["campaign_id"]
    for at in range(0, jobs, 500):
        part = [{"to": f"+1555{n:07}"} for n in range(at, min(at + 500, jobs))]
        g.post("/voice/messages/bulk", {"campaign_id": campaign, "messages": part}, status=202)
    return campaign


def dialled(gateways):
    return sum(g.metric("voicegw_delivery_attempts_total", 0, outcome="busy") for g in gateways)


def rate(name, jobs, store=None, count=1):
    gateways = [gateway(store, chr(ord("a") + n)) for n in range(count)]
    try:
        campaign = fill(gateways[0], jobs)
        begun = time.monotonic()
        gateways[0].post(f"/voice/campaigns/{campaign}/resume")
        while dialled(gateways) < jobs:
            if time.monotonic() - begun > 600:
                raise SystemExit(f"{name}: {dialled(gateways)} of {jobs} after ten minutes")
            time.sleep(0.05)  # between looks
        took = time.monotonic() - begun
        say(name, jobs=jobs, gateways=count, jobs_a_second=round(jobs / took), seconds=round(took, 2))
    finally:
        for g in gateways:
            g.done()


def on_disk(g):
    return sum(os.path.getsize(os.path.join(g.state, f)) for f in os.listdir(g.state) if f.startswith("voicegw.db"))


def csv(rows):
    g = gateway()
    try:
        campaign = g.post("/voice/campaigns", {"name": "bench", "content": "Hello {{ name }}.", "paused": True}, status=201)["campaign_id"]
        path = os.path.join(g.folder, "leads.csv")
        with open(path, "w", encoding="utf-8") as f:
            f.write("phone,name,lead_id\n")
            f.writelines(f"+1555{n:07},N{n},l{n}\n" for n in range(rows))
        before, disk = memory_kb(g.process)[0], on_disk(g)
        begun = time.monotonic()
        r = subprocess.run([os.path.join(daemon.build(), "bin", "voicegwctl"), "--socket", os.path.join(g.run, "control.sock"), "send", "--csv", path,
                            "--campaign", campaign, "--key", "bench"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        took = time.monotonic() - begun
        assert r.returncode == 0 and f"{rows} accepted" in r.stdout, r.stderr[-2000:]
        after, most = memory_kb(g.process)
        say("csv", rows=rows, lines_a_second=round(rows / took), seconds=round(took, 1), gateway_grew_kb=after - before, gateway_most_kb=most,
            ctl_most_kb=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, bytes_a_job=round((on_disk(g) - disk) / rows))
        assert g.get(f"/voice/campaigns/{campaign}")["progress"]["messages"] == rows
        g.post(f"/voice/campaigns/{campaign}/resume")
        begun = time.monotonic()
        g.until(lambda: dialled([g]) >= min(rows, 2000), 120)
        say("csv_dial", of=rows, jobs_a_second=round(dialled([g]) / (time.monotonic() - begun)), gateway_most_kb=memory_kb(g.process)[1])
    finally:
        g.done()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--gateways", type=int, default=3)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    wanted = args.names or ["sqlite", "postgresql", "shared", "csv"]
    if "sqlite" in wanted:
        rate("sqlite", args.jobs)
    for name, count in (("postgresql", 1), ("shared", args.gateways)):
        if name in wanted:
            pg = delivery.Postgres()
            try:
                rate(name, args.jobs, pg.store, count)
            finally:
                pg.close()
    if "csv" in wanted:
        csv(args.rows)


if __name__ == "__main__":
    main()
