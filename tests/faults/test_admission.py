"""How much there may be: sessions of a pool and of an address, connections a second, bytes
of a statement. Who comes too late is told which limit it was, and every count is back at nothing when
all have left, however they left."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from .kit import faults
from .kit.admin import Admin, with_admin
from .kit.backend import Backend
from .kit.gate import Gate, eventually
from .kit.http import add_listener, http_peer
from .kit.messages import execute_fields, info_fields, open_fields
from .kit.peer import Closed, LoginRefused, Peer


def refused(peer: Peer) -> tuple[str, str]:
    reply = peer.call("OpenSession", open_fields())
    return reply.sql_state or "", reply.error


@pytest.mark.smoke
def test_sessions_of_an_address(make_gate: Callable, make_backend: Callable) -> None:
    """Over all transports together; another address isn't concerned; what is closed makes room."""
    gate = make_gate(
        make_backend(), bystanders=0, limits={"sessions_per_address": 3}, change=add_listener
    )
    peer = gate.peer()
    sessions = [peer.open() for _ in range(2)]
    web = http_peer(gate)
    over_http = web.open()
    state, why = refused(peer)
    assert state == "53300"
    assert "127.0.0.1" in why and "3 (limits: sessions_per_address)" in why
    with gate.peer("carol") as other_user:
        assert refused(other_user)[0] == "53300"
    with gate.peer(source="127.0.0.9") as elsewhere:
        elsewhere.open()
    web.close_session(over_http).ok()
    sessions.append(peer.open())
    peer.close()
    with gate.peer() as again:
        eventually(
            lambda: again.call("OpenSession", open_fields()).sql_state is None, "there is room", 30
        )
    web.close()


def test_sessions_of_a_pool(make_gate: Callable, make_backend: Callable) -> None:
    """A full pool refuses, or its rule's fallback takes over; the other pool isn't concerned."""
    small, large = make_backend(), make_backend()

    def change(config: dict) -> None:
        with_admin()(config)
        (pool,) = config["pools"]
        config["pools"] = [
            {**pool, "name": "small", "endpoints": [small.address], "sessions": 2},
            {**pool, "name": "large", "endpoints": [large.address]},
        ]
        config["routing"] = [
            {"users": ["alice"], "pool": "small"},
            {"pool": "small", "fallback": "large"},
        ]

    gate = make_gate(small, large, bystanders=0, change=change)
    peer = gate.peer()
    held = [peer.open() for _ in range(2)]
    state, why = refused(peer)
    assert state == "53300" and "pool small has as many sessions as it may" in why
    with gate.peer("carol") as other:
        other.close_session(other.open()).ok()
    assert len(large.seen("OpenSession", "carol")) == 1
    peer.close_session(held[0]).ok()
    peer.open()


def test_counts_come_back(make_gate: Callable, make_backend: Callable) -> None:
    """Opens that fail, that are cut off and that are refused: in the end all counts are nothing."""
    good, bad = make_backend(), make_backend()
    gate = make_gate(
        good,
        bad,
        bystanders=0,
        limits={"sessions_per_address": 6, "sessions_per_user": 5},
        pool={"sessions": 4, "open_timeout": "1s"},
        change=with_admin(),
    )
    bad.on("OpenSession", faults.reset, times=None)
    wrong: list[str] = []

    def come_and_go(number: int) -> None:
        try:
            for turn in range(40):
                peer = gate.connect()
                peer.login("alice" if number % 2 else "carol")
                peer.ask("OpenSession", open_fields())
                if (number + turn) % 3 == 0:
                    peer.reset()
                elif (number + turn) % 3 == 1:
                    peer.close()
                else:
                    reply = peer.receive_message()
                    if reply.sql_state not in (None, "53300", "08001"):
                        wrong.append(reply.error)
                    peer.close()
        except BaseException as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not wrong, wrong[:3]
    bad.clear()

    def is_empty() -> bool:
        limits = {one["limit"]: one["used"] for one in Admin(gate).get("/v1/limits").json()}
        endpoints = Admin(gate).get("/v1/endpoints").json()
        return limits["sessions"] == 0 and all(
            one["sessions"] == 0 and one["operations"] == 0 for one in endpoints
        )

    eventually(is_empty, "all counts are nothing", 60)
    peers = [gate.peer("alice"), gate.peer("carol")]
    for index in range(4):  # as many as the pool has room for: none was lost
        peers[index % 2].open()
    assert refused(peers[0])[0] == "53300"


def test_connections_a_second(make_gate: Callable, make_backend: Callable) -> None:
    """Who connects too fast is told so; others, and connections that stand, aren't concerned."""
    gate = make_gate(make_backend(), bystanders=0, limits={"connection_rate": 2})
    standing = gate.peer(source="127.0.0.7")
    session = standing.open()
    texts = []
    for _ in range(200):
        try:
            gate.peer(source="127.0.0.7").close()
        except LoginRefused as error:
            texts.append(str(error))
        except (Closed, ConnectionError):
            texts.append("closed")
        if len(texts) >= 3:
            break
    assert any("limits: connection_rate" in text for text in texts), texts
    standing.call("GetInfo", info_fields(session)).ok()
    gate.peer(source="127.0.0.8").close()
    gate.wait_log("limits: connection_rate is reached")


def test_the_size_of_a_statement(make_gate: Callable, make_backend: Callable) -> None:
    backend: Backend = make_backend()
    gate: Gate = make_gate(backend, bystanders=0, limits={"statement_size": "1KiB"})
    peer, session = gate.session()
    reply = peer.call("ExecuteStatement", execute_fields(session, "SELECT " + "x" * 1018))
    assert reply.sql_state == "54000"
    assert "has 1025 bytes, and may have 1024 (limits: statement_size)" in reply.error
    assert not backend.seen("ExecuteStatement")
    peer.fetch(peer.execute(session, "SELECT " + "x" * 1017)).ok()
    peer.close()


def test_the_wait_before_the_end(make_gate: Callable, make_backend: Callable) -> None:
    """After SIGTERM /readyz says no, and new clients are served; a second signal ends the wait."""

    def change(config: dict) -> None:
        with_admin()(config)
        config["shutdown_wait"] = "10m"

    gate = make_gate(make_backend(), bystanders=0, change=change)
    admin = Admin(gate)
    assert admin.get("/readyz").status == 200
    gate.terminate()
    eventually(lambda: admin.get("/readyz").status == 503, "it isn't ready")
    assert "hivegate is stopping" in admin.get("/readyz").text
    with gate.peer() as peer:
        peer.fetch(peer.execute(peer.open(), "SELECT 1")).ok()
    gate.terminate()
    assert gate.wait_exit() == 0
