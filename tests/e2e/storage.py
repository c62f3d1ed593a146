#!/usr/bin/python3
# budget: 300 s
"""A store or a journal that cannot be written: calls go on, health says so, nothing is lost when space returns."""
import contextlib
import os
import shutil
import sqlite3
import subprocess

from daemon import Gateway, base, gateway, run

MOUNT = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size="$2" none "$1" && shift 2 && exec "$@"', "-"]


def may_mount():
    return subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0


def inside(g, *command):
    """Runs a command where the gateway's small disk is mounted."""
    subprocess.run(["nsenter", "-m", "-t", str(g.process.pid), *command], check=True)


def one_call(g, feed, to):
    c = g.call(to)
    feed.wait("call_answered", call_id=c["call_id"])
    g.post(f"/voice/calls/{c['call_id']}/end")
    feed.wait("call_ended", call_id=c["call_id"])
    feed.wait("voice.session.stopped", session_id=c["session_id"])
    return c["session_id"]


def small_disk(name, fill):
    """`name`: the folder of the state that lies on the small disk."""
    g = Gateway(base(assistant="back", store="{plugin: sqlite, path: $DIR/disk/voicegw.db}" if name == "store" else "{plugin: sqlite, path: $STATE/voicegw.db}")
                .replace("journal: {path: $STATE/journal}", "journal: {path: $DIR/disk/journal, max_size: 16MiB}" if name == "journal" else
                         "journal: {path: $STATE/journal}"))
    try:
        disk = os.path.join(g.folder, "disk")
        os.mkdir(disk)
        g.prefix = [*MOUNT, disk, fill]
        g.start()
        feed = g.feed()
        sessions = [one_call(g, feed, "+15550")]
        g.history(1)
        inside(g, "sh", "-c", f"dd if=/dev/zero of={disk}/fill bs=4096 2>/dev/null; true")
        sessions += [one_call(g, feed, f"+1555{i}") for i in range(30)]
        if name == "store":
            g.until(lambda: g.get("/health")["status"] == "degraded")
            assert g.get("/health")["parts"]["store"]["status"] == "degraded"
            assert g.request("GET", "/health/ready").status == 200
        inside(g, "rm", f"{disk}/fill")
        g.until(lambda: g.get("/health")["status"] == "ok")
        sessions.append(one_call(g, feed, "+15559"))
        rows = g.history(len(sessions))
        assert sorted(r["session_id"] for r in rows) == sorted(sessions), (len(rows), len(sessions))
        assert {r["status"] for r in rows} == {"completed"}
        g.stop()
    finally:
        g.done()


def test_events_of_an_older_database_stay_and_are_told_again():
    """Before gateways that share a store told their events apart, the number alone was the key."""
    g = Gateway(base(assistant="back"))
    try:
        g.start()
        feed = g.feed()
        one_call(g, feed, "+15550")
        g.history(1)
        g.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(g.state, "voicegw.db"))) as db:
            columns = "event_id, type, time, session_id, call_id, provider, project_id, provider_call_id, plugin, data"
            before = db.execute(f"SELECT {columns} FROM events ORDER BY event_id").fetchall()
            db.executescript(f"CREATE TABLE old (event_id INTEGER NOT NULL PRIMARY KEY, {columns[10:]});"
                             f"INSERT INTO old SELECT {columns} FROM events; DROP TABLE events; ALTER TABLE old RENAME TO events;"
                             "PRAGMA user_version=3")
        g.start()
        feed = g.feed(last_id=before[0][0])
        assert feed.status == 200
        feed.wait("voice.session.stopped")
        assert [e["id"] for e in feed.events][:len(before) - 1] == [row[0] for row in before[1:]], (feed.events[:3], before[:3])
        one_call(g, feed, "+15551")
        g.history(2)
        g.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(g.state, "voicegw.db"))) as db:
            assert db.execute(f"SELECT {columns} FROM events WHERE node='' ORDER BY event_id").fetchall() == before
            assert db.execute("SELECT count(*) FROM events WHERE node<>''").fetchone()[0] > 0
    finally:
        g.done()


def test_full_disk_under_the_store_loses_nothing():
    if may_mount():
        small_disk("store", "1m")


def test_full_disk_under_the_journal_stops_no_call():
    if may_mount():
        small_disk("journal", "14m")


def test_store_that_is_not_writable_at_start():
    """A folder where the database should be: calls go on, the journal has them, and the next run writes them."""
    g = Gateway(base(assistant="back"))
    try:
        os.mkdir(os.path.join(g.state, "voicegw.db"))
        g.start()
        feed = g.feed()
        g.until(lambda: g.get("/health")["status"] == "degraded")
        assert g.get("/health")["parts"]["store"]["detail"], g.get("/health")
        sessions = [one_call(g, feed, f"+1555{i}") for i in range(5)]
        os.rmdir(os.path.join(g.state, "voicegw.db"))
        g.until(lambda: g.get("/health")["status"] == "ok")
        rows = g.history(5)
        assert sorted(r["session_id"] for r in rows) == sorted(sessions)
        os.rename(os.path.join(g.state, "voicegw.db"), os.path.join(g.state, "kept.db"))
        g.stop()
    finally:
        g.done()


def test_records_wait_in_the_journal_for_the_next_run():
    g = Gateway(base(assistant="back"))
    try:
        os.mkdir(os.path.join(g.state, "voicegw.db"))
        g.start()
        feed = g.feed()
        sessions = [one_call(g, feed, f"+1555{i}") for i in range(5)]
        g.stop()
        os.rmdir(os.path.join(g.state, "voicegw.db"))
        g.start()
        rows = g.history(5)
        assert sorted(r["session_id"] for r in rows) == sorted(sessions) and {r["status"] for r in rows} == {"completed"}, rows
        assert all(r["calls"] for r in rows)
        g.stop()
    finally:
        g.done()


def test_journal_that_cannot_be_made():
    g = Gateway(base(assistant="back"))
    try:
        with open(os.path.join(g.state, "journal"), "w", encoding="utf-8") as f:
            f.write("a file where a folder should be")
        g.start()
        feed = g.feed()
        health = g.get("/health")
        assert health["status"] == "degraded" and health["parts"]["journal"]["status"] == "degraded", health
        session = one_call(g, feed, "+1555")
        assert g.history(1)[0]["session_id"] == session
        g.stop()
    finally:
        g.done()


def test_folder_of_recordings_that_cannot_be_written():
    g = Gateway(base(assistant="back", routes="  - {match: {}, assistant: back, record: true}\n"))
    try:
        with open(os.path.join(g.state, "recordings"), "w", encoding="utf-8") as f:
            f.write("a file where a folder should be")
        g.start()
        feed = g.feed()
        session = one_call(g, feed, "+1555")
        assert g.history(1)[0]["session_id"] == session
        g.stop()
    finally:
        g.done()


def test_the_store_keeps_as_many_events_as_memory():
    import sqlite3

    def rows():
        with contextlib.closing(sqlite3.connect(os.path.join(g.state, "voicegw.db"))) as db:
            return db.execute("SELECT count(*), min(event_id), max(event_id) FROM events").fetchone()
    g = Gateway(base(assistant="back", more="events: {keep: 100}"))
    try:
        g.start()
        one_call(g, g.feed(), "+15551")
        g.stop()
        with sqlite3.connect(os.path.join(g.state, "voicegw.db")) as db:
            first = db.execute("SELECT min(event_id) FROM events").fetchone()[0]
            for i in range(1234):
                db.execute("INSERT INTO events (event_id, node, type, time, data) VALUES (?, '', 'old', ?, '{}')", (first - 2000 + i, first - 2000 + i))
        g.start()
        g.until(lambda: rows()[0] <= 100)
        count, oldest, newest = rows()
        assert count == 100 and first - 2000 + 1233 < newest and oldest > first - 2000 + 1000, (rows(), first)
        g.until(lambda: g.metric("voicegw_stored_events_removed_total", 0) > 1100)
        gone = g.feed(last_id=first - 2000)
        assert gone.status == 410, gone.status
        kept = g.feed(last_id=oldest)
        kept.wait("call_ended")
        g.stop()
    finally:
        g.done()


def test_retention_removes_what_is_old():
    import sqlite3
    import time
    g = Gateway(base(assistant="back", more="retention: {records: 1h, recordings: 1h, events: 1h}"))
    try:
        g.start()
        feed = g.feed()
        old, young = one_call(g, feed, "+15551"), one_call(g, feed, "+15552")
        g.history(2)
        g.stop()
        with sqlite3.connect(os.path.join(g.state, "voicegw.db")) as db:
            past = int((time.time() - 7200) * 1e6)
            db.execute("UPDATE sessions SET start_time = ? WHERE session_id = ?", (past, old))
            db.execute("UPDATE calls SET created_at = ? WHERE session_id = ?", (past, old))
            db.execute("UPDATE events SET time = ? WHERE session_id = ?", (past, old))
        for name, age in (("rec-old.wav", 7200), ("rec-young.wav", 10)):
            path = os.path.join(g.state, "recordings", name)
            with open(path, "wb") as f:
                f.write(b"RIFF")
            os.utime(path, (time.time() - age,) * 2)
        g.start()
        g.until(lambda: [r["session_id"] for r in g.history(0)] == [young])
        g.until(lambda: os.listdir(os.path.join(g.state, "recordings")) == ["rec-young.wav"])

        def left():  # events go last
            with contextlib.closing(sqlite3.connect(os.path.join(g.state, "voicegw.db"))) as db:
                return db.execute("SELECT count(*) FROM events WHERE session_id = ?", (old,)).fetchone()[0]
        g.until(lambda: not left())
        g.stop()
        with sqlite3.connect(os.path.join(g.state, "voicegw.db")) as db:
            for table in ("sessions", "calls", "events"):
                assert not db.execute(f"SELECT count(*) FROM {table} WHERE session_id = ?", (old,)).fetchone()[0], table
                assert db.execute(f"SELECT count(*) FROM {table} WHERE session_id = ?", (young,)).fetchone()[0], table
    finally:
        g.done()


if __name__ == "__main__":
    run(globals())
