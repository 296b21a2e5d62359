"""What ends because its time is over: statements that run too long, sessions on an endpoint that is
being drained."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .kit.admin import Admin, with_admin
from .kit.gate import eventually
from .kit.http import add_listener, http_peer
from .kit.messages import execute_fields, fetch_fields, handle_fields, info_fields

TOO_LONG = "ran longer than statements may (limits: run_time)"
DRAINED = "its server is being taken out of service"


@pytest.mark.smoke
@pytest.mark.parametrize("way", ["binary", "http"])
def test_a_statement_that_runs_too_long(
    make_gate: Callable, make_backend: Callable, way: str
) -> None:
    """It is cancelled on its server; what is asked of it says why, and the session goes on."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0, limits={"run_time": "1s"}, change=add_listener)
    peer = http_peer(gate) if way == "http" else gate.peer()
    session = peer.open()
    quick = peer.execute(session, "SELECT 1")
    slow = peer.execute(session, "RUN for ever", run_async=True)
    backend.wait_call("CancelOperation", "alice")
    for name, fields in (("GetOperationStatus", handle_fields), ("FetchResults", fetch_fields)):
        reply = peer.call(name, fields(slow))
        assert reply.sql_state == "57014" and TOO_LONG in reply.error
    peer.fetch(quick).ok()
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close_session(session).ok()
    peer.close()


@pytest.mark.parametrize("way", ["binary", "http"])
def test_a_statement_without_a_handle_runs_too_long(
    make_gate: Callable, make_backend: Callable, way: str
) -> None:
    """The call is answered, and its session is closed on the server."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0, limits={"run_time": "1s"}, change=add_listener)
    peer = http_peer(gate) if way == "http" else gate.peer()
    session = peer.open()
    reply = peer.call("ExecuteStatement", execute_fields(session, "RUN for ever"))
    assert reply.sql_state == "08S01" and TOO_LONG in reply.error
    backend.wait_until(lambda: not backend.live_sessions(), "the session is closed", 30)
    assert TOO_LONG in peer.call("GetInfo", info_fields(session)).error
    peer.close()


@pytest.mark.smoke
def test_draining_has_an_end(make_gate: Callable, make_backend: Callable) -> None:
    """At the deadline the sessions there end with a clear error, those elsewhere don't; the log says
    when the endpoint is empty."""
    one, two = make_backend(), make_backend()
    gate = make_gate(one, two, bystanders=0, change=with_admin(), pool={"drain_timeout": "1s"})
    admin = Admin(gate)
    held = [gate.session() for _ in range(4)]
    assert len(one.live_sessions()) == len(two.live_sessions()) == 2
    assert admin.post("/v1/drain", {"endpoint": one.address}).status == 200
    one.wait_until(lambda: not one.live_sessions(), "its sessions are closed", 60)
    gate.wait_log(f"endpoint_empty pool=default endpoint={one.address} state=drained")
    replies = [peer.call("GetInfo", info_fields(session)) for peer, session in held]
    lost = [reply.error for reply in replies if reply.sql_state is not None]
    assert len(lost) == 2 and all(DRAINED in text for text in lost)
    assert len(two.live_sessions()) == 2
    assert admin.post("/v1/undrain", {"endpoint": one.address}).status == 200
    gate.session("carol")
    assert one.live_sessions("carol")


def test_draining_without_an_end(make_gate: Callable, make_backend: Callable) -> None:
    """Without a deadline sessions stay as long as they like."""
    backend = make_backend()
    gate = make_gate(backend, bystanders=0, change=with_admin())
    admin = Admin(gate)
    peer, session = gate.session()
    assert admin.post("/v1/drain", {"endpoint": backend.address}).status == 200
    for _ in range(30):
        peer.call("GetInfo", info_fields(session)).ok()
    assert "endpoint_empty" not in gate.log
    peer.close_session(session).ok()
    peer.close()
    eventually(lambda: "endpoint_empty" in gate.log, "it says so")
