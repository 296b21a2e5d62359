"""Clients that speak HTTP well, in all the ways that there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ..kit.backend import Backend
from ..kit.gate import Gate
from ..kit.http import (
    OPEN,
    PATH,
    add_listener,
    basic,
    http_peer,
    is_refusal,
    works,
)
from ..kit.messages import (
    Handle,
    Reply,
    call,
    handle_fields,
    info_fields,
)


@pytest.mark.smoke
def test_a_connection_is_kept(gate: Gate, backend: Backend) -> None:
    with http_peer(gate) as peer:
        session = peer.open()
        for turn in range(200):
            reply = peer.call("GetInfo", info_fields(session), seqid=turn * 7)
            assert reply.ok().seqid == turn * 7
        response = peer.post(call("CloseSession", handle_fields(session)))
    assert response.status == 200 and not response.head.closes
    assert response.head.fields["content-type"] == "application/x-thrift"
    assert backend.seen("OpenSession", "alice")[0].user == "alice"
    assert len({c.connection for c in backend.calls if c.user == "alice"}) == 1


@pytest.mark.smoke
def test_http_1_0(gate: Gate) -> None:
    """Each request on a connection of its own, unless the client asks for more."""
    peer = http_peer(gate)
    peer.version = "1.0"
    head = peer.post(OPEN)
    assert head.status == 200 and head.head.closes and not head.head.is_chunked
    assert peer.ended()
    session = Reply(head.body).session
    again = http_peer(gate)
    again.version = "1.0"
    response = again.post(call("CloseSession", handle_fields(session)))
    Reply(response.body).ok()
    assert response.head.closes and again.ended()
    for status, fields in ((404, {"target": "/"}), (405, {"method": "GET"})):
        peer = http_peer(gate)
        peer.version = "1.0"
        assert peer.post(OPEN, **fields).status == status
        assert peer.ended()


@pytest.mark.smoke
def test_a_client_may_end_the_connection(gate: Gate) -> None:
    with http_peer(gate) as peer:
        session = peer.open()
        response = peer.post(
            call("CloseSession", handle_fields(session)), fields=["Connection: close"]
        )
        Reply(response.body).ok()
        assert response.head.closes and peer.ended()


@pytest.mark.smoke
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_chunked_requests(gate: Gate, backend: Backend, size: int) -> None:
    statement = "SELECT '" + "x" * 5000 + "'"
    with http_peer(gate) as peer:
        peer.chunk = size
        session = peer.open()
        for _ in range(3):
            peer.fetch(peer.execute(session, statement)).ok()
        peer.close_session(session).ok()
    assert [c.statement for c in backend.seen("ExecuteStatement", "alice")] == [statement] * 3


@pytest.mark.smoke
@pytest.mark.parametrize("size", [0, 1])
def test_drips(gate: Gate, size: int) -> None:
    """Byte after byte, head and body, with and without chunks."""
    with http_peer(gate) as peer:
        peer.chunk = size
        data = peer.request(OPEN)
        for at in range(0, len(data), 3):
            peer.send(data[at : at + 3])
            time.sleep(0.001)
        session = peer.receive_message().session
        data = peer.request(call("GetInfo", info_fields(session), seqid=9))
        for at in range(len(data)):
            peer.send(data[at : at + 1])
        assert peer.receive_message().ok().seqid == 9
        peer.close_session(session).ok()


def test_extensions_and_trailers(gate: Gate) -> None:
    with http_peer(gate) as peer:
        size = len(OPEN)
        body = b'%x;a=b;c="d"\r\n%s\r\n0;z\r\nX-Trailer: t\r\n\r\n' % (size, OPEN)
        data = peer.request(fields=["Transfer-Encoding: chunked"], length=False) + body
        peer.send(data)
        session = peer.receive_message().session
        peer.close_session(session).ok()


@pytest.mark.smoke
@pytest.mark.parametrize("login", ["new", "known"])
def test_leave_to_send_a_body(make_http: Callable, login: str) -> None:
    gate, _ = make_http(bystanders=0)
    if login == "known":
        works(gate)
    peer = http_peer(gate)
    data = peer.request(OPEN, fields=["Expect: 100-continue"])
    head, body = data[: -len(OPEN)], data[-len(OPEN) :]
    peer.send(head)
    assert peer.head().status == 100
    peer.send(body)
    session = peer.receive_message().session
    peer.chunk = 10  # and the same in chunks, with a body that doesn't wait
    peer.send(peer.request(call("GetInfo", info_fields(session), 5), fields=["Expect: 100-continue"]))
    assert peer.head().status == 100
    assert peer.receive_message().seqid == 5
    peer.close_session(session).ok()


@pytest.mark.smoke
def test_no_leave_for_a_body_that_is_refused(gate: Gate) -> None:
    """The body isn't asked for; whether it comes is not known, so the connection ends."""
    for authorization, status in ((None, 401), (basic("alice", "wrong"), 401)):
        peer = http_peer(gate)
        peer.authorization = authorization
        data = peer.request(OPEN, fields=["Expect: 100-continue"])
        response = peer.say(data[: -len(OPEN)])
        is_refusal(response, status)
        assert response.head.closes and peer.ended()
    peer = http_peer(gate)
    data = peer.request(OPEN, target="/elsewhere", fields=["Expect: 100-continue"])
    response = peer.say(data[: -len(OPEN)])
    is_refusal(response, 404)
    assert response.head.closes and peer.ended()


@pytest.mark.smoke
def test_pipelined_requests(gate: Gate) -> None:
    """Are answered in order, whoever answers them."""
    with http_peer(gate) as peer:
        session = peer.open()
        data = b""
        wanted: list[tuple[int, int]] = []
        for turn in range(120):
            kind = turn % 5
            if kind == 0:
                data += peer.request(call("GetInfo", info_fields(session), turn))
            elif kind == 1:
                data += peer.request(call("GetInfo", info_fields(session, 1), turn))
            elif kind == 2:
                data += peer.request(OPEN, target="/nowhere")
            elif kind == 3:
                other = Handle.random()
                data += peer.request(call("GetInfo", info_fields(other), turn))
            else:
                data += peer.request(call("NoSuchMethod", [], turn))
            wanted.append((404 if kind == 2 else 200, turn))
        sender = threading.Thread(target=peer.try_send, args=(data,))
        sender.start()
        for status, turn in wanted:
            response = peer.response()
            assert response.status == status, (turn, response)
            if status == 200:
                assert Reply(response.body).seqid == turn
        sender.join()
        peer.close_session(session).ok()


def test_pipelined_before_the_login_is_known(make_http: Callable) -> None:
    """The first password takes a while to check; what came behind it waits."""
    gate, backend = make_http(bystanders=0)
    peer = http_peer(gate)
    request = peer.request(OPEN)
    peer.send(request * 5)
    sessions = [peer.receive_message().session for _ in range(5)]
    assert len(set(sessions)) == 5
    for session in sessions:
        peer.close_session(session).ok()
    assert len(backend.seen("OpenSession")) == 5


@pytest.mark.smoke
def test_where_it_is_served(gate: Gate) -> None:
    for target in (PATH, f"{PATH}/", f"{PATH}/x/y", f"{PATH}?a=b", f"http://gate.example{PATH}"):
        with http_peer(gate) as peer:
            peer.target = target
            peer.close_session(peer.open()).ok()
    for target in ("/", "/cliservic", "/cliservicex", "/CLISERVICE", "/x/cliservice", "//cliservice"):
        with http_peer(gate) as peer:
            assert "httpPath=cliservice" in is_refusal(peer.post(OPEN, target=target), 404)
            assert peer.close_session(peer.open()).ok()  # the connection goes on


def test_another_path(make_http: Callable) -> None:
    def change(config: dict) -> None:
        add_listener(config)
        config["listeners"][-1]["http"] = {"path": "sql/hive"}

    gate, _ = make_http(bystanders=0, change=change)
    peer = http_peer(gate)
    assert "httpPath=sql/hive" in is_refusal(peer.post(OPEN), 404)
    peer.target = "/sql/hive"
    peer.close_session(peer.open()).ok()
