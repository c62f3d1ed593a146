#!/usr/bin/python3
"""openai.py - models of one's own for tests: POST /v1/chat/completions and /v1/responses with server-sent events, and the WebSocket /v1/realtime, checked the
way the vendor checks (key, shape of messages, a result for every call). What they answer is told beforehand, so is how they misbehave.
Standard library only.

    with OpenAI() as model:
        model.answer("We have a room.")                              # in pieces, as a model does
        model.answer(calls=[("lookup", {"nights": 2})])              # wants a tool; the next request brings its result
        model.answer("Half a sen", stall=True)                       # also cut=True, status=429, raw=b"...", before=2.0, pace=0.05
        ...                                                          # base_url: model.url + "/v1"
        request = model.wait(1)                                      # its JSON; all are in model.requests
        assert not model.violations, model.violations

Answers that were not told are model.otherwise, unless model.brain is there: a function of the instructions and of what was said and found
out so far, [("user" or "assistant", text), ("result", text of a tool's result), …], that returns an Answer. As a program: openai.py [--listen PORT] serves until it is killed."""
import argparse
import http.server
import json
import os
import re
import sys
import threading
import time
import urllib.parse

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
import openai_realtime  # noqa: E402
import ws  # noqa: E402

WAIT = 60
KEY = "sk-test-4711-secret"
NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


class Answer:
    def __init__(self, text="", calls=(), status=200, raw=None, before=0.0, pace=0.0, stall=False, cut=False, piece=7, headers=None,
                 split=0, usage=(11, 7), finish=None, message="told to fail", unknown=False, done=True,
                 ms=1000, audio=None):
        self.text, self.calls, self.status, self.raw, self.before, self.pace = text, list(calls), status, raw, before, pace
        self.stall, self.cut, self.piece, self.headers, self.split, self.usage = stall, cut, piece, headers or {}, split, usage
        self.finish = finish or ("tool_calls" if self.calls else "stop")
        self.message, self.unknown, self.done = message, unknown, done
        self.ms, self.audio = ms, audio  # of a spoken answer: how long its tone is, or its mu-law

    def chunks(self, number):
        """The data of each event, in order."""
        def chunk(delta, finish=None):
            return {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": "fake",
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        yield chunk({"role": "assistant", "content": ""})
        if self.unknown:
            yield {"object": "chat.completion.rumour", "news": [1, {"deep": None}]}
        for i in range(0, len(self.text), self.piece):
            yield chunk({"content": self.text[i:i + self.piece]})
        for i, (name, arguments) in enumerate(self.calls):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            yield chunk({"tool_calls": [{"index": i, "id": f"call_{number}_{i}", "type": "function", "function": {"name": name, "arguments": ""}}]})
            for at in range(0, len(text), self.piece):
                yield chunk({"tool_calls": [{"index": i, "function": {"arguments": text[at:at + self.piece]}}]})
        if not self.stall and not self.cut:
            yield chunk({}, self.finish)
            yield {"object": "chat.completion.chunk", "choices": [],
                   "usage": {"prompt_tokens": self.usage[0], "completion_tokens": self.usage[1], "total_tokens": sum(self.usage)}}


    def events(self, number):
        """The same answer as events of a response, in order."""
        at = 0

        def event(kind, **more):
            nonlocal at
            at += 1
            return {"type": kind, "sequence_number": at, **more}
        yield event("response.created", response={"id": f"resp_{number}", "status": "in_progress", "error": None})
        if self.unknown:
            yield event("response.rumour", news=[1, {"deep": None}])
        if self.text:
            yield event("response.output_item.added", output_index=0, item={"id": "msg", "type": "message", "role": "assistant", "content": []})
        for i in range(0, len(self.text), self.piece):
            yield event("response.output_text.delta", output_index=0, content_index=0, item_id="msg", delta=self.text[i:i + self.piece])
        for i, (name, arguments) in enumerate(self.calls, 1):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            item = {"id": f"fc_{i}", "type": "function_call", "call_id": f"call_{number}_{i}", "name": name, "arguments": ""}
            yield event("response.output_item.added", output_index=i, item=item)
            for k in range(0, len(text), self.piece):
                yield event("response.function_call_arguments.delta", output_index=i, item_id=f"fc_{i}", delta=text[k:k + self.piece])
            yield event("response.function_call_arguments.done", output_index=i, item_id=f"fc_{i}", arguments=text)
            yield event("response.output_item.done", output_index=i, item={**item, "arguments": text})
        if not self.stall and not self.cut:
            yield event("response.completed", response={"id": f"resp_{number}", "status": "completed", "error": None, "usage": {
                "input_tokens": self.usage[0], "output_tokens": self.usage[1], "total_tokens": sum(self.usage)}})


class Refused(Exception):
    """What the vendor would refuse of a request."""


def as_completion(body):
    """A request for a response as the same request for a chat completion, so that tests read both alike."""
    messages = [{"role": "system", "content": body["instructions"]}] if "instructions" in body else []
    if "messages" in body or body.get("store") is not False:
        raise Refused("messages are none of its members, and nothing is to be stored")
    for item in body["input"]:
        kind = item.get("type", "message")
        if kind == "message":
            messages.append({"role": item["role"], "content": item["content"]})
        elif kind == "function_call_output":
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})
        elif kind == "function_call":
            call = {"id": item["call_id"], "type": "function", "function": {"name": item["name"], "arguments": item["arguments"]}}
            if not messages or messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": "", "tool_calls": []})
            messages[-1].setdefault("tool_calls", []).append(call)
        else:
            raise Refused(f"no such item: {item}")
    for t in body.get("tools", []):
        if "function" in t:
            raise Refused(f"a tool is flat here: {t}")
    tools = [{"type": t["type"], "function": {k: t[k] for k in ("name", "description", "parameters")}} for t in body.get("tools", [])]
    rest = {k: v for k, v in body.items() if k not in ("instructions", "input", "tools", "store", "max_output_tokens")}
    return {**rest, "messages": messages, "tools": tools, "max_completion_tokens": body.get("max_output_tokens")}


def wrong(body):
    """What the vendor would refuse of a request, as a sentence; None: nothing."""
    if not isinstance(body.get("model"), str) or not body.get("stream"):
        return "model and stream are needed"
    waiting = []
    for m in body.get("messages", []):
        if m.get("role") not in ("system", "user", "assistant", "tool"):
            return f"no such role: {m}"
        if m["role"] == "tool":
            if m.get("tool_call_id") not in waiting or not isinstance(m.get("content"), str):
                return f"a result without its call: {m}"
            waiting.remove(m["tool_call_id"])
            continue
        if waiting:
            return f"calls without results: {waiting}"
        waiting = [c["id"] for c in m.get("tool_calls") or []]
        for c in m.get("tool_calls") or []:
            if not isinstance(json.loads(c["function"]["arguments"]), dict):
                return f"arguments that are no object: {c}"
        if not isinstance(m.get("content"), str) and not waiting:
            return f"a message without content: {m}"
    if waiting:
        return f"calls without results: {waiting}"
    for t in body.get("tools", []):
        f = t.get("function", {})
        if t.get("type") != "function" or not NAME.match(f.get("name", "")) or f.get("parameters", {}).get("type") != "object":
            return f"a tool that cannot be: {t}"
    return None


def conversation(body):
    """(instructions, what was said) of a request, as a brain is asked."""
    system = " ".join(m["content"] for m in body["messages"] if m["role"] == "system")
    return system, [("result" if m["role"] == "tool" else m["role"], m["content"]) for m in body["messages"] if m["role"] != "system" and m.get("content")]


class OpenAI:
    def __init__(self, port=0, key=KEY):
        self.key = key
        self.requests, self.violations, self.answers, self.cancelled = [], [], [], 0
        self.otherwise = Answer("All right.")
        self.brain = None
        self.sessions, self.responses, self.notes, self.heard_as = [], [], [], []  # of realtime conversations
        self.ears = None  # understand(samples) of what was said to a realtime model, where heard_as says nothing
        self.changed = threading.Condition()
        self.stopping = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.serve(self)

            def do_GET(self):
                outer.talk(self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # clients that give up are what some tests are about

        self.server = Server(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    # ---- for tests ----

    def answer(self, text="", **how):
        with self.changed:
            self.answers.append(Answer(text, **how))

    def wait(self, count):
        """The count-th request, once it has come."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, WAIT), f"{len(self.requests)} requests, not {count}"
            return self.requests[count - 1]

    def wait_cancelled(self, count=1):
        with self.changed:
            assert self.changed.wait_for(lambda: self.cancelled >= count, WAIT), "no request was given up"

    def wait_note(self, kind, count=1):
        """The count-th note of that kind of a realtime conversation: session, heard, told, result, truncated, deleted, cancel, refused."""
        def found():
            return [v for k, v in self.notes if k == kind]
        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count, WAIT), (kind, count, [n for n in self.notes if n[0] != "heard"])
            return found()[count - 1]

    def wait_response(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.responses) >= count, WAIT), (len(self.responses), count)

    # ---- serving ----

    def talk(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        beta = handler.headers.get("OpenAI-Beta") == "realtime=v1"
        if handler.headers.get("Authorization") != f"Bearer {self.key}":
            self.refuse(handler, 401, f"Incorrect API key provided: {handler.headers.get('Authorization')}")
        elif url.path != "/v1/realtime" or not urllib.parse.parse_qs(url.query).get("model") or not ws.Socket.asked(handler):
            self.refuse(handler, 404, "no such path")
        else:
            session = openai_realtime.Session(self, ws.Socket(handler), beta)
            with self.changed:
                self.sessions.append(session)
                self.changed.notify_all()
            session.run()

    def serve(self, handler):
        data = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if handler.path not in ("/v1/chat/completions", "/v1/responses"):
            self.refuse(handler, 404, "no such path")
            return
        if handler.headers.get("Authorization") != f"Bearer {self.key}":
            self.refuse(handler, 401, f"Incorrect API key provided: {handler.headers.get('Authorization')}")
            return
        body = json.loads(data)
        newer = handler.path == "/v1/responses"
        try:
            body = as_completion(body) if newer else body
            trouble = wrong(body)
        except (Refused, KeyError) as e:
            trouble = repr(e)
        with self.changed:
            if trouble:
                self.violations.append(trouble)
            self.requests.append(body)
            number = len(self.requests)
            a = self.next_answer(*conversation(body))
            self.changed.notify_all()
        if trouble or a.status != 200:
            self.pause(a.before)
            self.refuse(handler, 400 if trouble else a.status, trouble or a.message, a.headers)
            return
        try:
            self.stream(handler, a, number, newer)
        except OSError:
            with self.changed:
                self.cancelled += 1
                self.changed.notify_all()

    def next_answer(self, instructions, said):
        if self.answers:
            return self.answers.pop(0)
        return self.brain(instructions, said) if self.brain else self.otherwise

    def pause(self, seconds):
        if seconds:
            with self.changed:
                self.changed.wait_for(lambda: self.stopping, seconds)

    def refuse(self, handler, status, message, headers=None):
        data = json.dumps({"error": {"message": message, "type": "fake", "param": None, "code": None}}).encode()
        try:
            handler.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:
            pass

    def stream(self, handler, a, number, newer=False):
        self.pause(a.before)
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()

        def write(data):
            for i in range(0, len(data), a.split or len(data)):
                part = data[i:i + (a.split or len(data))]
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                handler.wfile.flush()
        write(b": welcome\n\n")
        if a.raw is not None:
            write(a.raw)
        else:
            for chunk in a.events(number) if newer else a.chunks(number):
                write((f"event: {chunk['type']}\n".encode() if newer else b"") + b"data: " + json.dumps(chunk).encode() + b"\n\n")
                self.pause(a.pace)
        if a.stall:
            # Nothing more comes, but the line stays open until the other end has had enough.
            handler.connection.settimeout(WAIT)
            if not handler.rfile.read(1):
                raise ConnectionError("given up")
        if a.cut:
            handler.wfile.write(b"5\r\nda")
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(2)
            return
        if a.done and a.raw is None and not newer:
            write(b"data: [DONE]\n\n")
        handler.wfile.write(b"0\r\n\r\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", type=int, default=0)
    with OpenAI(parser.parse_args().listen) as model:
        print(f"{model.url}/v1 (key {KEY})", flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
