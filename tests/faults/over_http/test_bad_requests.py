"""Clients that speak HTTP badly, or not at all: each is told, and nobody else is hurt."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable

import pytest

from ..kit.backend import Backend
from ..kit.gate import Gate
from ..kit.http import (
    OPEN,
    PATH,
    HttpPeer,
    chunked,
    http_peer,
    is_refusal,
    works,
)
from ..kit.messages import (
    Handle,
    Reply,
    call,
    execute_fields,
    info_fields,
)
from ..kit.peer import plain_login


def line(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


def bad_requests() -> dict[str, tuple[int, Callable[[HttpPeer], bytes]]]:
    """Name -> the status that it gets, and its bytes."""
    cl = b"Content-Length: %d\r\n" % len(OPEN)
    te = ["Transfer-Encoding: chunked"]

    def bad_chunks(body: bytes) -> Callable[[HttpPeer], bytes]:
        return lambda p: p.request(fields=te, length=False) + body

    def edited(old: bytes, new: bytes) -> Callable[[HttpPeer], bytes]:
        return lambda p: line(p.request(OPEN), old, new)

    return {
        "an oversized head": (400, lambda p: p.request(OPEN, fields=["X-Big: " + "x" * 33000])),
        "an endless target": (400, lambda p: p.request(OPEN, target=PATH + "?" + "x" * 40000)),
        "101 headers": (400, lambda p: p.request(OPEN, fields=[f"X-{n}: v" for n in range(101)])),
        "length and chunks": (400, edited(cl, cl + b"Transfer-Encoding: chunked\r\n")),
        "chunks and length": (400, edited(cl, b"Transfer-Encoding: chunked\r\n" + cl)),
        "two lengths": (400, edited(cl, cl + b"Content-Length: 3\r\n")),
        "a list of lengths": (400, edited(cl, b"Content-Length: 5, 6\r\n")),
        "a length with a sign": (400, edited(cl, b"Content-Length: +5\r\n")),
        "a negative length": (400, edited(cl, b"Content-Length: -5\r\n")),
        "a huge length": (400, edited(cl, b"Content-Length: 99999999999999999999\r\n")),
        "a length in hex": (400, edited(cl, b"Content-Length: 0x40\r\n")),
        "another coding": (400, edited(cl, b"Transfer-Encoding: gzip, chunked\r\n")),
        "chunked twice": (400, edited(cl, b"Transfer-Encoding: chunked, chunked\r\n")),
        "identity": (400, edited(cl, b"Transfer-Encoding: identity\r\n")),
        "bare LF": (400, lambda p: p.request(OPEN).replace(b"\r\n", b"\n")),
        "one bare LF": (400, edited(b"Host: gate.example\r\n", b"Host: gate.example\n")),
        "a bare CR": (400, edited(b"Host: gate.example\r\n", b"Host: gate\rexample\r\n")),
        "folding": (400, edited(cl, b"X-A: b\r\n c\r\n" + cl)),
        "a space before the colon": (400, edited(b"Host:", b"Host :")),
        "no colon": (400, edited(b"Host: gate.example", b"Host gate.example")),
        "NUL in a header": (400, edited(cl, b"X-A: b\0c\r\n" + cl)),
        "no host": (400, edited(b"Host: gate.example\r\n", b"")),
        "two hosts": (400, edited(cl, b"Host: other.example\r\n" + cl)),
        "HTTP/2.0": (400, edited(b"HTTP/1.1", b"HTTP/2.0")),
        "HTTP/1.10": (400, edited(b"HTTP/1.1", b"HTTP/1.10")),
        "HTTP/0.9": (400, edited(b" HTTP/1.1", b"")),
        "the preface of HTTP/2": (400, lambda p: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        "two spaces": (400, edited(b"POST /", b"POST  /")),
        "lower case": (405, edited(b"POST /", b"post /")),
        "GET": (405, lambda p: p.request(method="GET", length=False)),
        "GET with a body": (405, lambda p: p.request(OPEN, method="GET")),
        "PUT": (405, lambda p: p.request(OPEN, method="PUT")),
        "DELETE": (405, lambda p: p.request(method="DELETE", length=False)),
        "OPTIONS of nothing": (404, lambda p: p.request(method="OPTIONS", target="*", length=False)),
        "CONNECT": (400, lambda p: p.request(method="CONNECT", target="a:80", length=False)),
        "an empty body": (400, lambda p: p.request(b"")),
        "no body": (400, lambda p: p.request(length=False)),
        "no chunks": (400, bad_chunks(b"0\r\n\r\n")),
        "a garbage body": (400, lambda p: p.request(b"hello")),
        "zeros": (400, lambda p: p.request(bytes(100))),
        "high bytes": (400, lambda p: p.request(b"\xff" * 100)),
        "a framed body": (400, lambda p: p.request(len(OPEN).to_bytes(4, "big") + OPEN)),
        "two messages": (400, lambda p: p.request(OPEN + OPEN)),
        "a byte too many": (400, lambda p: p.request(OPEN + b"\0")),
        "a message cut short": (400, lambda p: p.request(OPEN[:-1])),
        "a message cut in its head": (400, lambda p: p.request(OPEN[:6])),
        "two messages in chunks": (400, bad_chunks(chunked(OPEN + OPEN, 9))),
        "a short message in chunks": (400, bad_chunks(chunked(OPEN[:-3], 9))),
        "a chunk of no number": (400, bad_chunks(b"zz\r\nhello\r\n0\r\n\r\n")),
        "an empty chunk line": (400, bad_chunks(b"\r\nhello\r\n0\r\n\r\n")),
        "a negative chunk": (400, bad_chunks(b"-5\r\nhello\r\n0\r\n\r\n")),
        "a chunk with 0x": (400, bad_chunks(b"0x5\r\nhello\r\n0\r\n\r\n")),
        "a chunk larger than a number": (400, bad_chunks(b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n")),
        "a chunk longer than it says": (400, bad_chunks(b"3\r\nhello\r\n0\r\n\r\n")),
        "a chunk that ends in LF": (400, bad_chunks(b"5\r\nhello\n0\r\n\r\n")),
        "a chunk line that ends in LF": (400, bad_chunks(b"5\nhello\r\n0\r\n\r\n")),
        "an endless extension": (400, bad_chunks(b"5;" + b"x" * 300 + b"\r\nhello\r\n0\r\n\r\n")),
        "an endless trailer": (400, bad_chunks(b"0\r\n" + b"X-T: t\r\n" * 101 + b"\r\n")),
    }


BAD_REQUESTS = bad_requests()


@pytest.mark.smoke
@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_requests(gate: Gate, backend: Backend, kind: str) -> None:
    status, data = BAD_REQUESTS[kind]
    with http_peer(gate) as peer:
        response = peer.say(data(peer))
        is_refusal(response, status)
        if response.head.closes:
            assert peer.ended()
        else:
            peer.close_session(peer.open()).ok()
    assert [c.name for c in backend.calls if c.user == "alice"] in (
        [],
        ["OpenSession", "CloseSession"],
    )
    works(gate)


@pytest.mark.smoke
@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_requests_in_drips(gate: Gate, kind: str) -> None:
    """The same answer however the bytes are cut."""
    status, data = BAD_REQUESTS[kind]
    with http_peer(gate) as peer:
        made = data(peer)
        step = max(1, len(made) // 60)
        for at in range(0, len(made), step):
            if not peer.try_send(made[at : at + step]):
                break
            time.sleep(0.0005)
        is_refusal(peer.response(), status)


@pytest.mark.smoke
def test_a_request_hides_no_other(gate: Gate, backend: Backend) -> None:
    """What could be read as one request or as two is never read as two."""
    inner = b"POST /cliservice HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    with http_peer(gate) as peer:
        outer = peer.request(length=False, fields=["Transfer-Encoding: chunked", "Content-Length: 4"])
        response = peer.say(outer + b"0\r\n\r\n" + inner)
        is_refusal(response, 400)
        assert response.head.closes and peer.ended()
    with http_peer(gate) as peer:
        response = peer.say(line(peer.request(b"x" + inner), b"Content-Length", b"Content_Length"))
        is_refusal(response, 400)


def test_many_connections_of_garbage(gate: Gate) -> None:
    chance = random.Random(20240602)
    good = HttpPeer(gate.address("http"))
    gate.adopt(good)
    template = good.request(OPEN)
    for turn in range(150):
        with http_peer(gate) as peer:
            data = bytearray(template)
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            if turn % 3 == 0:
                data = bytearray(chance.randbytes(chance.randrange(1, 2000)))
            peer.try_send(bytes(data))
            peer.end_writing()
            said = peer.rest()
            if said.startswith(b"HTTP/1.1 200"):
                reply = Reply(said.partition(b"\r\n\r\n")[2])
                if not reply.is_exception and reply.code == 0:
                    good.close_session(reply.session).ok()


@pytest.mark.smoke
def test_a_body_that_ends_early(gate: Gate, backend: Backend) -> None:
    """The client says more than it sends, and hangs up."""
    for reset in (False, True):
        peer = http_peer(gate)
        peer.send(peer.request(OPEN)[:-5])
        if reset:
            peer.reset()
        else:
            peer.end_writing()
            assert b"HTTP/1.1 200" not in peer.rest()
    assert not backend.seen("OpenSession", "alice")
    works(gate)


@pytest.mark.smoke
def test_more_than_may_be_sent(make_http: Callable) -> None:
    gate, _ = make_http(limits={"message_size": "64KiB"}, bystanders=1)
    works(gate)
    with http_peer(gate) as peer:
        response = peer.say(peer.request(bytes(70_000)))
        assert "message_size" in is_refusal(response, 413)
        assert response.head.closes
    with http_peer(gate) as peer:
        peer.chunk = 1000
        statement = call("ExecuteStatement", execute_fields(Handle.random(), "x" * 70_000))
        response = peer.say(peer.request(statement))
        assert "message_size" in is_refusal(response, 413)
        assert response.head.closes
    works(gate)


@pytest.mark.smoke
def test_stalled_requests_are_ended(make_http: Callable) -> None:
    """A head or a body that doesn't come to its end, before and after a login."""
    limits = {"login_timeout": "1s", "request_timeout": "1s"}
    gate, _ = make_http(limits=limits, bystanders=1)
    works(gate)
    whole = HttpPeer(gate.address("http"))
    gate.adopt(whole)
    session = whole.open()
    request = whole.request(OPEN)
    head = request.index(b"\r\n\r\n") + 4
    stalled = []
    for at in (0, 1, 30, head - 1, head, head + 5, len(request) - 1):
        for known in (False, True):
            peer = http_peer(gate)
            if known:
                peer.call("GetInfo", info_fields(session)).ok()
            if at == 0 and known:
                continue  # an idle connection: another limit
            peer.send(request[:at])
            stalled.append(peer)
    chunks = http_peer(gate)
    chunks.chunk = 5
    chunks.send(chunks.request(OPEN)[:-7])
    stalled.append(chunks)
    thrown = http_peer(gate)  # a body that nobody wants must come to its end, too
    data = thrown.request(OPEN, target="/elsewhere")
    is_refusal(thrown.say(data[:-3]), 404)
    stalled.append(thrown)
    begin = time.monotonic()
    for peer in stalled:
        assert b"200 OK" not in peer.rest()
    assert time.monotonic() - begin < 5.0
    whole.close_session(session).ok()


def test_a_client_that_drips_for_ever_is_ended(make_http: Callable) -> None:
    gate, _ = make_http(limits={"login_timeout": "1s", "request_timeout": "1s"}, bystanders=1)
    works(gate)
    with http_peer(gate) as peer:
        data = peer.request(OPEN, fields=[f"X-{n}: v" for n in range(90)])
        begin = time.monotonic()
        for at in range(len(data)):
            if not peer.try_send(data[at : at + 1]):
                break
            time.sleep(0.05)
        assert 0.5 < time.monotonic() - begin < 10.0


@pytest.mark.smoke
def test_who_speaks_another_language(gate: Gate) -> None:
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="example.org")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with http_peer(gate) as peer:
        peer.send(outgoing.read())
        _, text = peer.sasl_answer()
        assert "TLS" in text and "ssl=true" in text and peer.rest() == b""
    with http_peer(gate) as peer:
        peer.send(plain_login("alice", "alice-secret"))
        _, text = peer.sasl_answer()
        assert "transportMode=http" in text and peer.rest() == b""
    for data in (OPEN, b"\0\0\0\x50" + OPEN):  # bare Thrift, and a frame without a login
        with http_peer(gate) as peer:
            peer.send(data)
            said = peer.rest()
            assert b"HTTP" in said and len(said) > 30, said
    with gate.connect("thrift") as binary:
        binary.send(HttpPeer.request(http_peer(gate), OPEN))
        said = binary.rest()
        assert said.startswith(b"HTTP/1.1 400") and b"transportMode=http" in said
