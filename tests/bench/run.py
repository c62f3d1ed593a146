#!/usr/bin/python3
"""Runs the benchmarks and prints one JSON line each; all of them are kept in BUILD/bench.json.

run.py --build BUILD [--quick] [NAME ...]      names: see BENCHES below; all without any

The server is pinned to core 0, the generator to core 1. A figure of CPU time is given as a ratio to the floor (tests/bench/floor.c)
that ran just before and after it; with three rounds, the median counts. `wait_pct` says how long the server was ready to run
but not running: above a few per cent other work was on its core, and latencies are worth little.
"""
import argparse
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import platform
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, '..', part) for part in ('e2e', 'fakes')]
import vendor  # noqa: E402  (the sentences of the test set)
from daemon import Stream  # noqa: E402

SERVER_CORE, LOAD_CORE = 0, 1
OUT = []


class Bench:
    def __init__(self, build, quick):
        self.build, self.quick = os.path.abspath(build), quick
        self.rounds = 1 if quick else 3
        self.more = 1 if quick else 4  # rounds beyond these, all benchmarks together, in place of rounds that were disturbed
        self.seconds = 2 if quick else 3

    def program(self, name):
        return os.path.join(self.build, 'bench', name)


def say(name, **values):
    line = {'bench': name, **values}
    OUT.append(line)
    print(json.dumps(line), flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else None


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))] if values else None


def pin(core):
    return lambda: os.sched_setaffinity(0, {core})


ECHO = """
providers: {lab: {plugin: mock, open_streams: true}}
assistants: {back: {plugin: loopback}}
routes: [{match: {provider: lab}, assistant: back}]
"""


class Gateway:
    """One voicegwd with folders of its own."""

    def __init__(self, b, config, tls=False, wait=True, store=''):
        self.b = b
        self.dir = tempfile.mkdtemp(prefix='voicegw-bench-')
        self.port = free_port()
        self.tls = ''
        if tls:
            cert, key = os.path.join(self.dir, 'cert.pem'), os.path.join(self.dir, 'key.pem')
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                            '-subj', '/CN=localhost', '-keyout', key, '-out', cert], check=True, stderr=subprocess.DEVNULL)
            self.tls = f', tls: {{certificate: {cert}, key: {key}}}'
        self.store = store
        self.write(config)
        self.process = None
        self.start(wait)

    def write(self, config, level='warning', name='bench'):
        with open(os.path.join(self.dir, 'voicegw.yaml'), 'w') as f:
            f.write(f"""
gateway: {{name: {name}, max_sessions: 5000, workers: 1, control_socket: {self.dir}/control.sock}}
log: {{level: {level}, target: {self.dir}/log}}
http: {{listen: ["127.0.0.1:{self.port}"]{self.tls}}}
store: {{plugin: sqlite, path: {self.dir}/db{self.store}}}
journal: {{path: {self.dir}/journal}}
recordings: {{path: {self.dir}/recordings}}
""" + config)

    def start(self, wait=True):
        env = {**os.environ, 'VOICEGW_STATE_DIR': self.dir, 'VOICEGW_RUN_DIR': self.dir}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [f'{self.b.build}/bin/voicegwd', '-c', f'{self.dir}/voicegw.yaml', '-p', f'{self.b.build}/plugins', '-p',
             f'{self.b.build}/bench/plugins'], env=env, preexec_fn=pin(SERVER_CORE), stderr=open(f'{self.dir}/stderr', 'w'))
        if wait:
            self.wait_ready()

    def wait_ready(self):
        while time.monotonic() - self.began < 15:
            try:
                if self.tls:
                    with socket.create_connection(('127.0.0.1', self.port), 1):
                        time.sleep(0.5)
                        return
                if self.request('GET', '/voice/health')[0] == 200:
                    return
            except OSError:
                time.sleep(0.002)
            if self.process.poll() is not None:
                break
        with open(f'{self.dir}/stderr') as f:
            why = f.read()
        self.end()
        raise RuntimeError('voicegwd did not start: ' + why)

    def request(self, method, path, body=None):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=20)
        c.request(method, path, json.dumps(body) if body is not None else None, {'Content-Type': 'application/json'} if body is not None else {})
        r = c.getresponse()
        text = r.read()
        c.close()
        return r.status, json.loads(text) if text[:1] in b'{[' else text

    def memory(self):
        with open(f'/proc/{self.process.pid}/status') as f:
            text = f.read()
        return {k: int(re.search(k + r':\s+(\d+)', text).group(1)) for k in ('VmRSS', 'RssAnon')}

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def end(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Floor:
    def __init__(self, b):
        self.port = free_port()
        self.process = subprocess.Popen([b.program('floor'), str(self.port), str(SERVER_CORE)])
        time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class NodeEcho(Floor):
    """The same in Node with the package ws (Debian: node-ws), where that is installed."""
    environment = {**os.environ, 'NODE_PATH': os.pathsep.join(filter(None, (os.environ.get('NODE_PATH'), '/usr/share/nodejs', '/usr/lib/nodejs')))}

    def __init__(self, _b):  # the floor is started by its own
        self.port = free_port()
        self.process = subprocess.Popen(['taskset', '-c', str(SERVER_CORE), 'node', os.path.join(HERE, 'echo_ws.js'), str(self.port)], env=self.environment)
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', self.port), 1):
                return
            time.sleep(0.1)
        raise RuntimeError('Node did not begin to listen')

    @classmethod
    def installed(cls):
        try:
            return subprocess.run(['node', '-e', 'require("ws").WebSocketServer.name'], env=cls.environment, capture_output=True).returncode == 0
        except OSError:
            return False


COUNT = [0]


def load_command(b, target, streams, seconds, extra):
    COUNT[0] += 1
    return [b.program('load'), '--port', str(target.port), '--prefix', f'/voice/mock/stream/b{COUNT[0]}-', '--pid', str(target.process.pid),
            '--core', str(LOAD_CORE), '--streams', str(streams), '--seconds', str(seconds), *extra]


def load(b, target, streams, seconds=None, extra=()):
    done = subprocess.run(load_command(b, target, streams, seconds or b.seconds, extra), stdout=subprocess.PIPE, text=True, timeout=90)
    time.sleep(1)
    if not done.stdout:
        raise RuntimeError(f'the generator measured nothing (exit status {done.returncode})')
    return json.loads(done.stdout)


def keep(run, *names):
    return {n: run[n] for n in names if n in run}


ECHO_FIELDS = ('streams', 'opened', 'sent', 'lost', 'wrong', 'p50_ms', 'p99_ms', 'max_ms', 'cpu_us_a_frame', 'wait_pct', 'late_p99_ms')


QUIET_PCT = 10


def quiet_rounds(b, once):
    """Rounds until enough of them had the core to themselves; the quiet ones, or all when none was."""
    runs, more = [], 0
    while len(runs) < b.rounds + more:
        runs.append(once())
        if runs[-1]['wait_pct'] >= QUIET_PCT and b.more and len(runs) < b.rounds * 2:
            b.more -= 1
            more += 1
    return [r for r in runs if r['wait_pct'] < QUIET_PCT] or runs


def against_floor(b, gateway, streams, extra=()):
    """The gateway between two runs of the floor, which is also the next round's first: the run with the median ratio."""
    def once():
        before = floors[-1]
        run = load(b, gateway, streams, extra=extra)
        floors.append(load(b, floor, streams, extra=extra))
        after = floors[-1]
        run['floor_us_a_frame'] = round((before['cpu_us_a_frame'] + after['cpu_us_a_frame']) / 2, 2)
        run['ratio_to_floor'] = round(run['cpu_us_a_frame'] / run['floor_us_a_frame'], 2)
        run['wait_pct'] = max(r['wait_pct'] for r in (before, run, after))
        return run
    with Floor(b) as floor:
        floors = [load(b, floor, streams, extra=extra)]
        runs = sorted(quiet_rounds(b, once), key=lambda r: r['ratio_to_floor'])
    chosen = runs[len(runs) // 2]
    chosen['ratios'] = [r['ratio_to_floor'] for r in runs]
    return chosen


BATCHED = ('--quantum-us', '1000')


def bench_echo(b):
    """Each call at its own place within the 20 ms, and all that is due within a millisecond at once."""
    with Gateway(b, ECHO) as g:
        load(b, g, 50, 1)
        for name, extra in (('echo_600', ()), ('echo_600_batched', BATCHED)):
            run = against_floor(b, g, 600, extra)
            say(name, **keep(run, *ECHO_FIELDS, 'floor_us_a_frame', 'ratio_to_floor', 'ratios'), limit=1.6, aim=1.3)


def bench_streams(b):
    for streams, limit in ((1500, 20), (2000, 5)):
        def once(n=streams):
            with Gateway(b, ECHO) as g:
                return load(b, g, n, extra=('--ramp', '500', *BATCHED))
        runs = quiet_rounds(b, once)
        run = sorted(runs, key=lambda r: r['p99_ms'])[len(runs) // 2]
        say(f'echo_{streams}', **keep(run, *ECHO_FIELDS, 'cpu_pct'), p99_of_rounds=[r['p99_ms'] for r in runs], p99_limit_ms=limit)


def bench_memory(b):
    """1,000 streams on top of 500 that are open: what the first ones bring once is not counted, nor the store's page cache and the log
    of events, which have limits of their own and are full after the first calls here."""
    with Gateway(b, ECHO + 'events: {keep: 1000}\n', store=', cache_size: 256KiB') as g:
        first = subprocess.Popen(load_command(b, g, 500, 13, ('--ramp', '250', '--quantum-us', '5000')), stdout=subprocess.PIPE, text=True)
        time.sleep(7)
        run = load(b, g, 1000, 2, ('--ramp', '500', '--quantum-us', '5000'))
        first.communicate()
        say('memory_a_stream', **keep(run, 'streams', 'opened', 'rss_idle_kb', 'rss_kb', 'anon_kb', 'kb_a_stream'), limit_kb=16, aim_kb=10)


def bench_relay(b):
    """Decoding, detectors, playout by the gateway's clock, and a stereo recording of each call."""
    config = ECHO.replace('loopback', 'relay').replace('assistant: back', 'assistant: back, record: true')
    with Gateway(b, config) as g:
        load(b, g, 50, 1)
        run = against_floor(b, g, 600)
        say('relay_recorded_600', **keep(run, *ECHO_FIELDS, 'floor_us_a_frame', 'ratio_to_floor', 'ratios'), limit=2.5)


def bench_stall(b):
    for name, config in (('stall_echo', ECHO), ('stall_relay', ECHO.replace('loopback', 'relay'))):
        with Gateway(b, config) as g:
            load(b, g, 20, 1)
            run = load(b, g, 300, extra=('--stalls', '3', '--stall-ms', '50'))
            say(name, **keep(run, 'streams', 'sent', 'lost', 'stall_ms', 'before_p50_ms', 'before_p99_ms', 'after_p50_ms', 'after_p99_ms', 'wait_pct'),
                standing_ms=round(run['after_p50_ms'] - run['before_p50_ms'], 3))


def bench_tls(b):
    streams = 300
    with Gateway(b, ECHO) as plain, Gateway(b, ECHO, tls=True) as tls:
        def once():
            bare = load(b, plain, streams)
            run = load(b, tls, streams, extra=('--tls', '--ramp', '200'))
            run['plain_us_a_frame'] = bare['cpu_us_a_frame']
            run['ratio_to_plain'] = round(run['cpu_us_a_frame'] / bare['cpu_us_a_frame'], 2)
            return run
        runs = sorted(quiet_rounds(b, once), key=lambda r: r['ratio_to_plain'])
        say('echo_tls_300', **keep(runs[len(runs) // 2], *ECHO_FIELDS, 'plain_us_a_frame', 'ratio_to_plain'))


def bench_programs(b):
    """Events and workflow steps, in process and virtual time."""
    for name in ('bench_event', 'bench_rules', 'bench_flow'):
        for line in subprocess.run([b.program(name)], stdout=subprocess.PIPE, text=True).stdout.splitlines():
            values = json.loads(line)
            say(values.pop('bench'), **values)


ALL_PLUGINS = """
providers: {lab: {plugin: mock, open_streams: true, default: true, initiating_ms: 0, ringing_ms: 0}}
stt: {local: {plugin: pocketsphinx}}
tts: {local: {plugin: flite}, other: {plugin: espeak}}
assistants: {back: {plugin: loopback}, echo: {plugin: echo}, desk: {plugin: menu, menu: {id: m, options: [{digits: "1", say: "One."}]}}}
routes: [{match: {provider: lab}, assistant: back}]
"""


def bench_idle(b):
    with Gateway(b, ALL_PLUGINS) as g:
        time.sleep(2)
        memory = g.memory()
        say('idle_memory', plugins=8, rss_mb=round(memory['VmRSS'] / 1024, 2), anonymous_mb=round(memory['RssAnon'] / 1024, 2), limit_mb=16, aim_mb=12)


def answered_ms(g):
    """From exec to the first answer's audio path: an outgoing mock call that reports call_answered."""
    call = None
    while time.monotonic() - g.began < 5:
        try:
            if call is None:
                status, body = g.request('POST', '/voice/calls', {'to': '+15550001', 'assistant': 'back'})
                call = body['call_id'] if status == 202 else None
            elif g.request('GET', f'/voice/calls/{call}')[1]['state'] == 'connected':
                return (time.monotonic() - g.began) * 1000
        except (OSError, KeyError):
            time.sleep(0.0005)
    return None


def bench_start(b):
    with Gateway(b, ALL_PLUGINS) as g:
        took = []
        for _ in range(3 if b.quick else 9):
            g.stop()
            g.start(wait=False)
            took.append(answered_ms(g))
        took = [t for t in took if t]
        say('start_to_answered', runs=len(took), median_ms=round(median(took), 1), best_ms=round(min(took), 1), worst_ms=round(max(took), 1),
            limit_ms=80, aim_ms=40)


def probe(g, stop, gaps):
    """How long control lets a request wait, a few hundred times a second."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with socket.create_connection(('127.0.0.1', g.port)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not stop.is_set():
            at = time.monotonic()
            s.sendall(b'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
            s.recv(65536)
            gaps.append((time.monotonic() - at) * 1000)
            time.sleep(0.001)


def bench_reload(b):
    with Gateway(b, ALL_PLUGINS) as g:
        load(b, g, 20, 1)
        command = load_command(b, g, 200, 6, ())
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        quiet, busy, stop = [], [], threading.Event()
        t = threading.Thread(target=probe, args=(g, stop, quiet))
        t.start()
        time.sleep(1.5)
        stop.set()
        t.join()
        stop.clear()
        t = threading.Thread(target=probe, args=(g, stop, busy))
        t.start()
        took = []
        for i in range(4):
            g.write(ALL_PLUGINS.replace('One.', f'Number {i}.').replace('initiating_ms: 0', f'initiating_ms: {i}'))
            at = time.monotonic()
            status, answer = g.request('POST', '/voice/reload', {})
            took.append((time.monotonic() - at) * 1000)
            time.sleep(0.4)
        stop.set()
        t.join()
        run = json.loads(process.communicate()[0])
        say('reload_200', status=status, changed=answer.get('changed') if isinstance(answer, dict) else None, reloads=len(took),
            reload_ms=round(median(took), 1), held_max_ms=round(max(busy), 2), held_p99_ms=round(percentile(busy, .99), 2),
            quiet_max_ms=round(max(quiet), 2), quiet_p99_ms=round(percentile(quiet, .99), 2),
            **keep(run, 'streams', 'sent', 'lost', 'wrong', 'closed', 'p99_ms', 'max_ms', 'wait_pct'), limit_ms=10)


INSTANT = """
providers: {lab: {plugin: mock, open_streams: true}}
stt: {local: {plugin: instant}}
tts: {local: {plugin: instant}}
assistants: {echo: {plugin: echo}}
talk: {max_turns: 10000}
routes: [{match: {provider: lab}, assistant: echo, stt: local, tts: local}]
"""


def bench_turns(b):
    with Gateway(b, INSTANT) as g:
        run = load(b, g, 100, 8 if b.quick else 20, extra=('--turns',))
        say('turn_own_share', **keep(run, 'streams', 'sent', 'lost', 'p50_ms', 'p90_ms', 'p99_ms', 'max_ms', 'wait_pct'), limit_ms=20, aim_ms=5,
            note='first quiet frame sent to first answered frame received, engines that answer at once')


TALKING = """
providers: {lab: {plugin: mock}}
stt: {local: {plugin: pocketsphinx}}
tts: {local: {plugin: flite}}
assistants:
  desk:
    plugin: menu
    menu:
      id: front-desk
      greeting: "How can I help you?"
      options:
        - {phrases: ["what time is breakfast"], say: "Breakfast is from seven to ten."}
        - {phrases: ["i would like to book a room for {nights}"], slots: {nights: [one night, two nights]}, say: "A room for {nights}."}
routes: [{match: {provider: lab}, assistant: desk, stt: local, tts: local}]
"""
STEPS = [{'expect': {'text': 'help you', 'within': '15s'}}, {'say': {'text': 'what time is breakfast'}},
         {'expect': {'text': 'seven', 'within': '15s'}}, {'pause': {'seconds': 1}},
         {'say': {'text': 'i would like to book a room for two nights'}}, {'expect': {'text': 'two nights', 'within': '15s'}},
         {'pause': {'seconds': 1}}, {'hangup': {}}]


def bench_conversation(b):
    stages, answered = {}, 0
    with Gateway(b, TALKING) as g:
        for _ in range(2 if b.quick else 5):
            status, body = g.request('POST', '/voice/mock/calls', {'from': '+15550111', 'to': '+15550199', 'steps': STEPS})
            if status != 202:
                say('conversation', error=body)
                return
            session, end = body['session_id'], time.monotonic() + 40
            while time.monotonic() < end:
                time.sleep(0.5)
                if g.request('GET', f'/voice/sessions/{session}')[1].get('state') == 'stopped':
                    break
            for turn in g.request('GET', f'/voice/sessions/{session}/transcript')[1].get('turns', []):
                if turn.get('role') == 'assistant' and turn.get('stages'):
                    answered += 1
                    for name, value in turn['stages'].items():
                        stages.setdefault(name, []).append(value)
        say('conversation', turns=answered, stages_ms={n: {'p50': round(median(v), 1), 'max': round(max(v), 1)} for n, v in stages.items()},
            note='from the end of the caller\'s speech; endpoint_silence is 700 ms')


HEARING = """
providers: {lab: {plugin: mock, open_streams: true}}
stt: {local: {plugin: pocketsphinx, phrases: PHRASES}}
tts: {local: {plugin: flite}}
assistants: {echo: {plugin: echo}}
routes: [{match: {}, assistant: echo, stt: local, tts: local}]
"""


def noisy(ulaw, snr_db, seed):
    """Speech in mu-law with silence around, and all along white noise of that ratio to its level (None: none)."""
    linear = [vendor.ULAW[o] for o in ulaw]
    level = (sum(s * s for s in linear) / len(linear)) ** 0.5 * (10 ** (-snr_db / 20) if snr_db is not None else 0)
    noise = random.Random(seed)
    return bytes(vendor.to_ulaw(round(s + noise.gauss(0, level))) for s in [0] * 12000 + linear + [0] * 16000)


def word_errors(said, heard):
    """Substituted, left out and added words (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1]


def hear(g, name, audio):
    """What the gateway understands of it."""
    s = Stream(g, name)
    s.speak(audio)
    end, turns = time.monotonic() + 10, []
    while not turns and time.monotonic() < end:
        turns = [t['content'] for t in g.request('GET', f'/voice/sessions/mock-{name}/transcript')[1].get('turns', []) if t['role'] == 'user']
        time.sleep(0.1)
    s.stop()
    return ' '.join(turns).split()


def bench_noise(b):
    voices = ('rms', 'slt') if b.quick else ('rms', 'slt', 'awb', 'kal16')
    for snr_db in (None, 10) if b.quick else (None, 20, 10, 5):
        words = wrong = 0
        with Gateway(b, HEARING.replace('PHRASES', json.dumps(list(vendor.SENTENCES.values())))) as g:
            g.tls = None
            for voice in voices:
                for number, text in vendor.SENTENCES.items():
                    with open(os.path.join(HERE, '..', 'media', 'set', f'{voice}-{number}.ul'), 'rb') as f:
                        audio = noisy(f.read(), snr_db, f'{voice}{number}')
                    wrong += word_errors(text.split(), hear(g, f'{voice}{number}', audio))
                    words += len(text.split())
        say('noise', snr_db=snr_db, words=words, wrong=wrong, word_error_pct=round(100 * wrong / words, 1), note='embedded recognition, expected phrases')


TOKEN, PUBLIC = 'bench-auth-token', 'localhost'
TWILIO = """
providers: {phone: {plugin: twilio, default: true, account_id: AC00000000000000000000000000000001, auth_token: bench-auth-token,
                    base_url: "http://127.0.0.1:9"}}
assistants: {back: {plugin: loopback}, echo: {plugin: echo}}
stt: {local: {plugin: instant}}
tts: {local: {plugin: instant}}
talk: {max_turns: 10000}
routes: [{match: {provider: phone}, assistant: back}]
"""


class Twilio(Gateway):
    """A gateway that Twilio's webhooks reach under a public address."""

    def write(self, config, level='error', name='bench'):
        super().write(config, level, name)
        path = os.path.join(self.dir, 'voicegw.yaml')
        with open(path) as f:
            text = f.read()
        with open(path, 'w') as f:
            f.write(text.replace('http: {', f'http: {{public_url: "https://{PUBLIC}", ').replace(f'gateway: {{name: {name},', f'gateway: {{name: {name}, session_timeout: 10m,')
                    .replace('max_sessions: 5000', 'max_sessions: 20000'))


def ring(connection, number):
    """One signed webhook, as Twilio sends it when a call comes in: seconds until the TwiML is there."""
    form = {'AccountSid': f'AC{1:032x}', 'ApiVersion': '2010-04-01', 'CallSid': f'CA{number:032x}', 'CallStatus': 'ringing',
            'Called': '+15550002', 'Caller': '+15550001', 'Direction': 'inbound', 'From': '+15550001', 'FromCity': 'SPRINGFIELD',
            'FromCountry': 'US', 'To': '+15550002', 'ToCountry': 'US'}
    text = f'https://{PUBLIC}/voice/twilio/inbound' + ''.join(k + form[k] for k in sorted(form))
    signature = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
    at = time.monotonic()
    connection.request('POST', '/voice/twilio/inbound', urllib.parse.urlencode(form),
                       {'Content-Type': 'application/x-www-form-urlencoded', 'X-Twilio-Signature': signature})
    r = connection.getresponse()
    body = r.read()
    if r.status != 200 or b'<Stream' not in body:
        raise RuntimeError(f'{r.status} {body[:200]!r}')
    return time.monotonic() - at


def rings(g, first, count, pace=None):
    """So many calls from eight connections, each at its moment when there is a pace (a second): the seconds that each took."""
    took, failed, began = [], [], time.monotonic()

    def one(k):
        c = http.client.HTTPConnection('127.0.0.1', g.port, timeout=20)
        c.connect()
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for n in range(k, count, 8):
                if pace:
                    time.sleep(max(0, began + n / pace - time.monotonic()))
                took.append(ring(c, first + n))
        except (OSError, RuntimeError, http.client.HTTPException) as e:
            failed.append(str(e))
    threads = [threading.Thread(target=one, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise RuntimeError(failed[0])
    return took, time.monotonic() - began


def cpu_s(g):
    with open(f'/proc/{g.process.pid}/stat') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def bench_twilio_webhooks(b):
    """From a signed webhook to its TwiML: at 200 a second, and as fast as eight connections of the generator go."""
    with Twilio(b, TWILIO) as g:
        rings(g, 1, 100)
        paced, _ = rings(g, 1000, 600 if b.quick else 2000, 200)
        before = cpu_s(g)
        flat, seconds = rings(g, 10000, 1000 if b.quick else 5000)
        say('twilio_webhook', sent=len(paced), p50_ms=round(median(paced) * 1000, 2), p99_ms=round(percentile(paced, .99) * 1000, 2),
            max_ms=round(max(paced) * 1000, 2), limit_p99_ms=50, flat_out_a_second=round(len(flat) / seconds),
            cpu_us_a_webhook=round((cpu_s(g) - before) * 1e6 / len(flat)), note='eight connections; flat out the generator is the bound')


def twilio_load(b, g, streams, seconds=None, extra=()):
    COUNT[0] += 10000
    rings(g, COUNT[0], streams)
    command = [b.program('load'), '--port', str(g.port), '--prefix', '/voice/twilio/stream/twilio-CA', '--secret', TOKEN, '--public-url', f'wss://{PUBLIC}',
               '--first', str(COUNT[0]), '--pid', str(g.process.pid), '--core', str(LOAD_CORE), '--streams', str(streams), '--seconds',
               str(seconds or b.seconds), *extra]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120)
    time.sleep(1)
    if not done.stdout:
        raise RuntimeError(f'the generator measured nothing (exit status {done.returncode})')
    return json.loads(done.stdout)


def bench_twilio_streams(b):
    """The spine's echo through this plugin, upgrades signed; beside it the mock's, which has neither webhook nor signature."""
    with Twilio(b, TWILIO) as g, Gateway(b, ECHO) as bare, Floor(b) as floor:
        twilio_load(b, g, 20, 1)
        low = load(b, floor, 600)
        echo = load(b, bare, 600)
        run = twilio_load(b, g, 600)
        run['ratio_to_floor'] = round(run['cpu_us_a_frame'] / low['cpu_us_a_frame'], 2)
        run['ratio_to_mock'] = round(run['cpu_us_a_frame'] / echo['cpu_us_a_frame'], 2)
        if NodeEcho.installed():
            with NodeEcho(b) as node:
                run['node_us_a_frame'] = load(b, node, 600)['cpu_us_a_frame']
            run['ratio_to_node'] = round(run['cpu_us_a_frame'] / run['node_us_a_frame'], 2)
        say('twilio_echo_600', **keep(run, *ECHO_FIELDS, 'ratio_to_floor', 'ratio_to_mock', 'node_us_a_frame', 'ratio_to_node'),
            **({} if 'ratio_to_node' in run else {'note': "Node's package ws (node-ws) is not installed: no ratio to it"}))
        run = twilio_load(b, g, 1500, extra=('--ramp', '500', *BATCHED))
        say('twilio_echo_1500', **keep(run, *ECHO_FIELDS, 'cpu_pct'), p99_limit_ms=20)


def bench_twilio_turns(b):
    with Twilio(b, TWILIO.replace('assistant: back', 'assistant: echo, stt: local, tts: local')) as g:
        run = twilio_load(b, g, 50, 8 if b.quick else 20, extra=('--turns',))
        say('twilio_turn', **keep(run, 'streams', 'sent', 'lost', 'p50_ms', 'p90_ms', 'p99_ms', 'max_ms', 'wait_pct'),
            note='first quiet frame sent to first answering media message, engines that answer at once; endpoint_silence is 700 ms')


LONG = ('Good evening and welcome to the hotel by the lake. Breakfast is served from seven to ten in the garden room, the pool is open '
        'until nine, and the front desk is there for you all night. Please tell me what I can do for you, and take your time.')


def cut_in(g, number, voice):
    """Seconds from the first frame of a caller's voice, sent while the assistant speaks, to our `clear`."""
    sys.path.insert(0, os.path.join(HERE, '..', 'e2e'))
    from daemon import WebSocket
    c = http.client.HTTPConnection('127.0.0.1', g.port, timeout=20)
    ring(c, number)
    path = f'/voice/twilio/stream/twilio-CA{number:032x}'
    signature = base64.b64encode(hmac.new(TOKEN.encode(), f'wss://{PUBLIC}{path}'.encode(), hashlib.sha1).digest()).decode()
    ws = WebSocket(g.port, path, headers={'X-Twilio-Signature': signature})
    sid = f'MZ{number:032x}'
    ws.send({'event': 'connected', 'protocol': 'Call', 'version': '1.0.0'})
    ws.send({'event': 'start', 'sequenceNumber': '1', 'streamSid': sid, 'start': {
        'streamSid': sid, 'accountSid': f'AC{1:032x}', 'callSid': f'CA{number:032x}', 'tracks': ['inbound'], 'customParameters': {},
        'mediaFormat': {'encoding': 'audio/x-mulaw', 'sampleRate': 8000, 'channels': 1}}})
    cleared, speaking = [], threading.Event()

    def listen():
        while True:
            try:
                text = ws.recv()
            except (OSError, ValueError):  # the socket is closed under us at the end
                return
            if text is None:
                return
            event = json.loads(text)['event']
            if event == 'media':
                speaking.set()
            elif event == 'clear':
                cleared.append(time.monotonic())
    threading.Thread(target=listen, daemon=True).start()
    speaking.wait(20)
    began, spoke = time.monotonic(), None
    for n in range(150):
        frame = voice[(n - 50) * 160:(n - 49) * 160] if n >= 50 and (n - 49) * 160 <= len(voice) else b'\xff' * 160
        time.sleep(max(0, began + n * 0.02 - time.monotonic()))
        if n == 50:
            spoke = time.monotonic()
        ws.send({'event': 'media', 'streamSid': sid, 'sequenceNumber': str(n + 2), 'media': {
            'track': 'inbound', 'chunk': str(n + 1), 'timestamp': str(n * 20), 'payload': base64.b64encode(frame).decode()}})
        if cleared:
            break
    ws.close()
    return cleared[0] - spoke if cleared else None


def bench_twilio_barge_in(b):
    config = TWILIO.replace('echo: {plugin: echo}', f'echo: {{plugin: echo, greeting: "{LONG}"}}').replace(
        'tts: {local: {plugin: instant}}', 'tts: {local: {plugin: flite}}').replace('assistant: back', 'assistant: echo, stt: local, tts: local')
    with open(os.path.join(HERE, '..', 'media', 'set', 'slt-1.ul'), 'rb') as f:
        voice = f.read()
    loud = next((i for i in range(0, len(voice), 160) if sum((~v & 0x7f) > 0x38 for v in voice[i:i + 160]) > 40), 0)
    with Twilio(b, config) as g:
        took = [cut_in(g, 500 + n, voice[loud:]) for n in range(3 if b.quick else 10)]
        heard = [t for t in took if t is not None]
        say('twilio_barge_in', runs=len(took), cleared=len(heard), **({'median_ms': round(median(heard) * 1000), 'max_ms': round(max(heard) * 1000)} if heard else {}),
            note='first frame of a voice to our clear')


# ---- SIP ----

class Sip(Gateway):
    """A gateway that is called by SIP and sends back what it hears."""

    def __init__(self, b):
        self.sip_port = free_port()
        super().__init__(b, f"""
providers: {{phones: {{plugin: sip, listen: ["udp:127.0.0.1:{self.sip_port}"], rtp_ports: 20000-29999, max_cps: 10000/s, rtp_timeout: 0s}}}}
assistants: {{back: {{plugin: loopback}}}}
routes: [{{match: {{provider: phones}}, assistant: back}}]
""")


class RtpFloor:
    def __init__(self, b, calls):
        self.process = subprocess.Popen([b.program('rtp'), 'floor', str(calls), str(SERVER_CORE)], stdout=subprocess.PIPE, text=True)
        self.sip_port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def rtp_load(b, target, calls, seconds=None):
    command = [b.program('rtp'), 'load', '--port', str(target.sip_port), '--pid', str(target.process.pid), '--calls', str(calls), '--seconds',
               str(seconds or b.seconds), '--core', str(LOAD_CORE), *(['--floor'] if isinstance(target, RtpFloor) else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120)
    time.sleep(1)
    if not done.stdout:
        raise RuntimeError(f'the generator measured nothing (exit status {done.returncode})')
    return json.loads(done.stdout)


RTP_FIELDS = ('calls', 'opened', 'sent', 'lost', 'other', 'p50_ms', 'p99_ms', 'max_ms', 'cpu_us_a_packet', 'cpu_pct', 'cpu_pct_100_calls', 'wait_pct',
              'late_p99_ms')


def bench_sip_echo(b):
    """PCMU by RTP both ways, 50 packets a second, through session, jitter buffer, clock and playout: CPU against the floor, before and after it."""
    with Sip(b) as g:
        rtp_load(b, g, 20, 1)
        for calls in (200, 600):
            with RtpFloor(b, calls) as floor:
                floors = [rtp_load(b, floor, calls)]

                def once():
                    run = rtp_load(b, g, calls)
                    floors.append(rtp_load(b, floor, calls))
                    run['floor_us_a_packet'] = round((floors[-2]['cpu_us_a_packet'] + floors[-1]['cpu_us_a_packet']) / 2, 2)
                    run['ratio_to_floor'] = round(run['cpu_us_a_packet'] / run['floor_us_a_packet'], 2)
                    run['wait_pct'] = max(run['wait_pct'], floors[-1]['wait_pct'], floors[-2]['wait_pct'])
                    return run
                runs = sorted(quiet_rounds(b, once), key=lambda r: r['ratio_to_floor'])
            run = runs[len(runs) // 2]
            say(f'sip_echo_{calls}', **keep(run, *RTP_FIELDS, 'floor_us_a_packet', 'ratio_to_floor'), ratios=[r['ratio_to_floor'] for r in runs],
                ratio_limit=1.6)


def bench_sip_held(b):
    """1,500 calls held on one media core, the audio of all coming back."""
    with Sip(b) as g:
        rtp_load(b, g, 20, 1)
        run = rtp_load(b, g, 1500, 4 if b.quick else 10)
        say('sip_held_1500', **keep(run, *RTP_FIELDS), lost_pct=round(run['lost'] * 100 / max(1, run['sent']), 3), limit_lost_pct=0.1, limit_p99_ms=20,
            note='p99 is the whole round trip: the jitter buffer holds 20 ms, the clock up to 20 more')


def spent(pid):
    """CPU seconds of all threads that live, by the scheduler's own account."""
    out = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        try:
            with open(f'/proc/{pid}/task/{task}/schedstat') as f:
                out += int(f.read().split()[0]) / 1e9
        except OSError:
            pass
    return out


def bench_sip_calls(b):
    """Set-up and tear-down of calls that end at once, made by sipp; and what a held call keeps in memory."""
    if not shutil.which('sipp'):
        raise RuntimeError('sipp is not installed')

    def sipp(g, calls, rate, hold_ms=0):
        command = ['sipp', '-sn', 'uac', f'127.0.0.1:{g.sip_port}', '-i', '127.0.0.1', '-p', str(free_port()), '-m', str(calls), '-r', str(rate), '-d',
                   str(hold_ms), '-l', '5000', '-nostdin']
        return subprocess.Popen(command, cwd=g.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with Sip(b) as g:
        sipp(g, 200, 100).wait()
        for rate in (100, 1000):
            calls = rate * (5 if b.quick else 15)
            time.sleep(2)
            before = spent(g.process.pid)
            status = sipp(g, calls, rate).wait()
            time.sleep(2)
            say(f'sip_calls_{rate}', calls=calls, clean=status == 0, cpu_ms_a_call=round((spent(g.process.pid) - before) * 1e3 / calls, 3), limit_ms=0.35)
    with Sip(b) as g:  # transactions keep their messages for 32 s: both figures are taken after that
        sides = [sipp(g, 300, 100, 300000)]
        time.sleep(3 + 34)
        before = g.memory()['RssAnon']
        sides.append(sipp(g, 1000, 100, 300000))
        time.sleep(10 + 34)
        say('sip_memory', kb_a_call=round((g.memory()['RssAnon'] - before) / 1000, 1), limit_kb=16,
            note='with its audio buffers, about 4 KB; what the allocator keeps of the transactions that are over counts as well')
        for p in sides:
            p.kill()
            p.wait()


MIXED = 300
JOIN_S = 10  # in which all calls are brought together, before anything is measured


def joined(b, g, size):
    """The same load, with each `size` calls joined by the gateway's mixer."""
    before = {c['call_id'] for c in g.request('GET', '/voice/calls?state=connected&limit=500')[1]['calls']}
    loader = subprocess.Popen(load_command(b, g, MIXED, b.seconds, ('--warm', str(JOIN_S))), stdout=subprocess.PIPE, text=True)
    end, calls = time.monotonic() + JOIN_S / 2, []
    while len(calls) < MIXED and time.monotonic() < end:
        calls = [c['call_id'] for c in g.request('GET', '/voice/calls?state=connected&limit=500')[1]['calls'] if c['call_id'] not in before]
    for i, call in enumerate(calls):
        status, answer = g.request('POST', f'/voice/calls/{call}/conference', {'name': f'mix-{COUNT[0]}-{i // size}'})
        if status not in (200, 202):
            raise RuntimeError(f'a call could not be joined: {answer}')
    out = loader.communicate(timeout=90)[0]
    time.sleep(1)
    return json.loads(out), len(calls)


def bench_mix(b):
    """Three calls in each mix: what a frame costs, decoded, mixed and encoded, beside the plain echo of it."""
    def once():
        run, calls = joined(b, g, 3)
        run['mixes'] = calls // 3
        plain = load(b, g, MIXED)
        run['echo_us_a_frame'] = plain['cpu_us_a_frame']
        run['ratio_to_echo'] = round(run['cpu_us_a_frame'] / plain['cpu_us_a_frame'], 2)
        run['wait_pct'] = max(run['wait_pct'], plain['wait_pct'])
        return run
    with Gateway(b, ECHO) as g:
        load(b, g, 50, 1)
        runs = sorted(quiet_rounds(b, once), key=lambda r: r['ratio_to_echo'])
        run = runs[len(runs) // 2]
        say('mix', **keep(run, 'streams', 'mixes', 'sent', 'cpu_us_a_frame', 'echo_us_a_frame', 'ratio_to_echo', 'wait_pct', 'late_p99_ms'),
            ratios=[r['ratio_to_echo'] for r in runs])


BENCHES = {'echo': bench_echo, 'streams': bench_streams, 'memory': bench_memory, 'relay': bench_relay, 'stall': bench_stall, 'tls': bench_tls,
           'programs': bench_programs, 'idle': bench_idle, 'start': bench_start, 'reload': bench_reload, 'turns': bench_turns,
           'conversation': bench_conversation, 'twilio_webhooks': bench_twilio_webhooks, 'twilio_streams': bench_twilio_streams,
           'twilio_turns': bench_twilio_turns, 'twilio_barge_in': bench_twilio_barge_in, 'sip_echo': bench_sip_echo, 'sip_held': bench_sip_held,
           'sip_calls': bench_sip_calls, 'mix': bench_mix}


def machine():
    model = 'unknown'
    with open('/proc/cpuinfo') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
    with open('/proc/meminfo') as f:
        memory = int(f.readline().split()[1]) // 1024
    return {'cpu': model, 'cores': os.cpu_count(), 'memory_mb': memory, 'kernel': platform.release(), 'load': os.getloadavg()[0]}


BENCHES = {'echo': bench_echo, 'streams': bench_streams, 'memory': bench_memory, 'relay': bench_relay, 'stall': bench_stall, 'tls': bench_tls,
           'programs': bench_programs, 'idle': bench_idle, 'start': bench_start, 'reload': bench_reload, 'turns': bench_turns,
           'conversation': bench_conversation, 'noise': bench_noise, 'twilio_webhooks': bench_twilio_webhooks, 'twilio_streams': bench_twilio_streams,
           'twilio_turns': bench_twilio_turns, 'twilio_barge_in': bench_twilio_barge_in, 'sip_echo': bench_sip_echo, 'sip_held': bench_sip_held,
           'sip_calls': bench_sip_calls, 'mix': bench_mix}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', default='build')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('names', nargs='*')
    args = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        print('the benchmarks need two cores: one for the server, one for the generator', file=sys.stderr)
        return 1
    unknown = [n for n in args.names if n not in BENCHES]
    if unknown:
        print(f'no such benchmark: {unknown[0]}; there are {", ".join(BENCHES)}', file=sys.stderr)
        return 64
    b = Bench(args.build, args.quick)
    os.sched_setaffinity(0, {LOAD_CORE})
    say('machine', **machine())
    failed = 0
    for name in args.names or BENCHES:
        try:
            BENCHES[name](b)
        except Exception as e:  # one that fails keeps no other from running
            failed += 1
            say(name, error=f'{type(e).__name__}: {e}')
        with open(os.path.join(b.build, 'bench.json'), 'w') as f:
            json.dump(OUT, f, indent=1)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
