"""limits.py [--build FOLDER] [NAME...] - how often one may ask, who may know which paths there are, and who is named for it."""
import re
import socket

from daemon import WebSocket, base, gateway, run

TOKENS = """auth:
  tokens:
    - {name: ops, token: the-token-of-ops, scopes: [read, call, admin]}
    - {name: desk, token: the-token-of-desk, scopes: [read]}
  rate_limit: {api: 20/m, failures: 5/m}
"""
OPS, DESK = ({"Authorization": f"Bearer the-token-of-{name}"} for name in ("ops", "desk"))


def proxied(text):
    return text.replace('["127.0.0.1:$PORT"]', '["127.0.0.1:$PORT"], trusted_proxies: [127.0.0.1]')


def from_address(address, headers=None):
    """Headers of a request that a trusted proxy passes on."""
    return {"X-Forwarded-For": address, **(headers or {})}


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = s.getsockname()[0]
        return None if address.startswith(("127.", "0.")) else address


def dropped(g, what):
    for line in g.get("/metrics", headers=OPS).splitlines():
        if line.startswith(f'voicegw_dropped_total{{what="{what}"}}'):
            return float(line.split()[-1])
    return 0


def is_refused(answer):
    assert answer.status == 429, answer
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    assert 1 <= int(answer.headers["retry-after"]) <= 60, answer.headers
    assert answer.json["status"] == 429 and answer.json["detail"], answer
    return True


def ask_until_refused(ask, most):
    """How many requests are answered before the first 429."""
    for n in range(most + 1):
        if (answer := ask()).status == 429:
            return n, answer
    raise AssertionError(f"{most} requests and no end")


def test_a_token_that_asks_too_often_waits_alone():
    with gateway(proxied(base(more=TOKENS)), stop=False) as g:
        n, answer = ask_until_refused(lambda: g.request("GET", "/voice/calls", headers=from_address("203.0.113.1", DESK)), 60)
        assert n >= 20 and is_refused(answer), (n, answer)
        # A token of the bucket comes back every 3 s; an address that counted by itself would have 20 of them.
        n, elsewhere = ask_until_refused(lambda: g.request("GET", "/voice/calls", headers=from_address("203.0.113.9", DESK)), 19)
        assert is_refused(elsewhere), "the token is counted, not the address"
        assert g.request("GET", "/voice/calls", headers=from_address("203.0.113.1", OPS)).status == 200, "another token has a pace of its own"
        for _ in range(60):
            assert g.request("GET", "/voice/calls", headers=DESK).status == 200, "this machine is exempt"
        assert dropped(g, "api_rate") >= 2


def test_wrong_tokens_lock_an_address_out():
    with gateway(proxied(base(more=TOKENS)), stop=False) as g:
        wrong = {"Authorization": "Bearer guess"}
        n, answer = ask_until_refused(lambda: g.request("GET", "/voice/calls", headers=from_address("203.0.113.2", wrong)), 30)
        assert n == 5 and is_refused(answer), n
        assert is_refused(g.request("GET", "/voice/calls", headers=from_address("203.0.113.2", OPS))), "nor may it try on with the right one"
        assert g.request("GET", "/voice/calls", headers=from_address("203.0.113.3", OPS)).status == 200
        assert g.request("GET", "/voice/calls", headers=from_address("203.0.113.4", wrong)).status == 401
        for _ in range(30):
            assert g.request("GET", "/voice/calls", headers=wrong).status == 401, "this machine is exempt"
        n, answer = ask_until_refused(lambda: g.request("GET", "/voice/events?ticket=guess", headers=from_address("203.0.113.5")), 30)
        assert n == 5 and is_refused(answer), n
        assert dropped(g, "auth_rate") >= 3


def test_an_address_without_a_token_is_paced():
    with gateway(proxied(base(more=TOKENS)), stop=False) as g:
        n, answer = ask_until_refused(lambda: g.request("GET", "/voice/calls", headers=from_address("203.0.113.6")), 60)
        assert n >= 20 and is_refused(answer), n
        n, answer = ask_until_refused(lambda: g.request("GET", "/voice/health", headers=from_address("203.0.113.6")), 19)
        assert is_refused(answer), "every path counts"
        assert g.request("GET", "/voice/health", headers=from_address("203.0.113.7")).status == 200


def test_an_address_of_the_machines_own_is_no_loopback():
    address = own_address()
    if not address:
        print("       (this machine has no address besides loopback)")
        return
    config = base(more=TOKENS).replace('["127.0.0.1:$PORT"]', f'["127.0.0.1:$PORT", "{address}:$PORT"]')
    with gateway(config, stop=False) as g:
        def ask():
            with socket.create_connection((address, g.port), 20) as s:
                s.sendall(b"GET /voice/calls HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer guess\r\n\r\n")
                return s.makefile("rb").read().decode()
        answers = [ask() for _ in range(6)]
        assert all(" 401 " in a[:20] for a in answers[:5]), answers
        assert " 429 " in answers[5][:20] and re.search(r"(?mi)^retry-after: \d+\r$", answers[5]), answers[5]
        assert g.request("GET", "/voice/calls", headers=OPS).status == 200


def test_without_a_token_no_path_is_told():
    with gateway(base(more=TOKENS), stop=False) as g:
        there, nowhere = "/voice/calls", "/voice/nothing/here"
        for method in ("GET", "POST", "DELETE", "PUT", "OPTIONS"):
            a, b = (g.request(method, path) for path in (there, nowhere))
            assert a.status == b.status == 401 and a.headers["www-authenticate"] == b.headers["www-authenticate"] == "Bearer", (method, a, b)
            assert a.json == b.json, "the answers differ"
        for path in ("/nothing", "/voice/lab/nothing", "/voice/lab", "/api/voice/nothing"):
            assert g.request("GET", path).status == 401, path
            assert g.request("GET", path, headers=DESK).status == 404, path
        assert WebSocket(g.port, "/voice/nothing", expect=None).status == 401
        assert WebSocket(g.port, "/voice/nothing", headers=DESK, expect=None).status == 404
        a = g.request("PUT", there, headers=DESK)
        assert a.status == 405 and "GET" in a.headers["allow"], a
        assert g.request("POST", "/voice/health").status == 405, "what everybody may see hides nothing"
        assert g.request("GET", "/voice/health").status == 200


def erase(g, headers=None, by_socket=False):
    """A record that is there, erased; the line of the log."""
    before = g.log().count("records were erased")
    session = g.post("/voice/sessions", {"channel": "phone", "caller_id": "+15550001"}, headers=headers)["session_id"]
    g.post(f"/voice/sessions/{session}/end", headers=headers)
    g.until(lambda: [r for r in g.get("/voice/history?caller=%2B15550001", headers=headers)["records"] if r["status"] == "completed"])
    if by_socket:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(g.run + "/control.sock")
            s.sendall(b"DELETE /voice/records?caller=%2B15550001 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b" 200 " in s.makefile("rb").read()[:20]
    else:
        assert g.request("DELETE", "/voice/records?caller=%2B15550001", headers=headers).status == 200
    g.until(lambda: g.log().count("records were erased") > before)
    return [x for x in g.log().splitlines() if "records were erased" in x][-1]


def test_who_erased_is_named():
    with gateway(base()) as g:
        assert "by=127.0.0.1" in erase(g)
        assert 'by="control socket"' in erase(g, by_socket=True)
    with gateway(base(more=TOKENS), stop=False) as g:
        assert "by=ops" in erase(g, headers=OPS)


if __name__ == "__main__":
    run(globals())
