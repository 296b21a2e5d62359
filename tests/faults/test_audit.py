"""The audit log of the gateway: a statement is on the disk before its endpoint sees it, its end
before its client hears of it, and at the bound nothing new begins."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .kit.audit import Audit, audited, preload
from .kit.backend import Backend, Turn
from .kit.gate import eventually, is_sanitized
from .kit.http import HttpPeer, add_listener, http_peer
from .kit.messages import (
    FINISHED,
    call,
    error_answer,
    execute_fields,
    handle_fields,
    info_fields,
    open_fields,
)
from .kit.peer import Closed, LoginRefused, frame


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "spool")


@pytest.fixture
def slow(audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audit]:
    """The same on a disk that can be held; it is let go at the end, or hivegate would wait for it."""
    monkeypatch.setenv("LD_PRELOAD", str(preload(tmp_path)))
    monkeypatch.setenv("HOLD_SYNC", str(audit.held))
    if is_sanitized():
        monkeypatch.setenv("ASAN_OPTIONS", "verify_asan_link_order=0:quarantine_size_mb=8")
    yield audit
    audit.held.unlink(missing_ok=True)


@pytest.fixture
def backend(make_backend: Callable) -> Backend:
    return make_backend()


# ---- what is recorded ----


@pytest.mark.smoke
def test_a_statement_from_login_to_close(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    at_the_endpoint: list[list[tuple[str, str]]] = []

    def look(turn: Turn) -> None:
        at_the_endpoint.append(audit.statements())
        turn.answer()

    backend.on("ExecuteStatement", look)
    gate = audited(make_gate, audit, backend)
    peer, session = gate.session()
    sql = "SELECT a FROM Sales.Orders JOIN items"
    operation = peer.execute(session, sql)
    assert audit.statements() == [(sql, "finished")]
    assert at_the_endpoint == [[(sql, "none")]]
    peer.fetch(operation).ok()
    peer.fetch(operation).ok()
    peer.close_operation(operation).ok()
    peer.close_session(session).ok()
    fetched = audit.wait_for("statement_fetched")[0]
    begun = audit.events("statement_submitted")[0]
    assert begun["tables_read"] == ["sales.orders", "default.items"]
    assert begun["principal"] == begun["effective_user"] == "alice"
    assert begun["session_id"] == session.text and begun["pool"] == "default"
    assert begun["endpoint"] == backend.address and begun["listener"] == "thrift"
    assert begun["client_address"].startswith("127.0.0.1:")
    assert fetched["statement_id"] == begun["id"] and fetched["rows_returned"] == 6
    assert fetched["bytes_returned"] > 100
    done = audit.events("statement_finished")[0]
    assert done["operation_id"] == operation.text and done["run_us"] > 0
    kinds = [event["kind"] for event in audit.events()]
    assert kinds[:4] == ["service_started", "config_loaded", "login_accepted", "session_opened"]
    gate.stop()
    assert audit.events()[-1]["kind"] == "service_stopped"


def test_ends_of_statements(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    gate = audited(make_gate, audit, backend)
    peer, session = gate.session()

    def fail(turn: Turn) -> None:
        turn.answer(error_answer("ExecuteStatement", turn.call.seqid, "[BAD] no", "42000"))

    operation = peer.execute(session, "SELECT 1", run_async=True)
    assert peer.operation_state(operation) == FINISHED
    assert audit.statements() == [("SELECT 1", "finished")]
    backend.on("ExecuteStatement", fail, times=1)
    peer.call("ExecuteStatement", execute_fields(session, "SELECT 2"))
    assert audit.statements()[-1] == ("SELECT 2", "failed")
    failed = audit.events("statement_failed")[0]
    assert failed["sql_state"] == "42000" and "[BAD] no" in failed["message"]
    cancelled = peer.execute(session, "RUN 3", run_async=True)
    peer.call("CancelOperation", handle_fields(cancelled)).ok()
    peer.operation_state(cancelled)
    assert audit.statements()[-1] == ("RUN 3", "cancelled")
    unasked = peer.execute(session, "RUN 4", run_async=True)
    peer.close_operation(unasked).ok()
    assert audit.statements()[-1] == ("RUN 4", "unknown")
    peer.execute(session, "RUN 5", run_async=True)
    peer.close_session(session).ok()
    assert audit.statements()[-1] == ("RUN 5", "cancelled")
    session = peer.open()
    peer.execute(session, "RUN 6", run_async=True)
    peer.close()
    eventually(lambda: audit.statements()[-1] == ("RUN 6", "cancelled"), "it is cancelled")
    peer, session = gate.session()
    peer.execute(session, "RUN 7", run_async=True)
    backend.drop_all()
    eventually(lambda: audit.statements()[-1] == ("RUN 7", "unknown"), "its endpoint is gone")


def test_other_events(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    gate = audited(make_gate, audit, backend)
    with pytest.raises(LoginRefused):
        gate.connect().login("alice", "wrong")
    peer, session = gate.session()
    peer.call("GetTypeInfo", handle_fields(session)).ok()
    assert [event["call"] for event in audit.events("metadata_call")] == ["GetTypeInfo"]
    refused = audit.wait_for("login_refused")[0]
    assert refused["principal"] == "alice" and refused["reason"]
    other = {"hive.server2.proxy.user": "carol"}
    assert peer.call("OpenSession", open_fields(conf=other)).sql_state == "42501"
    no_session = audit.wait_for("session_refused")[0]
    assert no_session["principal"] == "alice" and "may not run" in no_session["reason"]
    gate.signal(signal.SIGHUP)
    audit.wait_for("config_loaded", count=2)
    peer.close()
    closed = audit.wait_for("session_closed")[0]
    assert closed["session_id"] == session.text and closed["reason"] == "the client left"


def test_refused_for_want_of_a_look_up(
    make_gate: Callable, backend: Backend, audit: Audit, tmp_path: Path
) -> None:
    """A statement whose tables can't be looked up is refused, and that is on record."""
    policies = tmp_path / "policies.yaml"
    policy = "{name: a, tables: [hr.emp], masks: {ssn: MASK_NULL}}"
    policies.write_text(f"default_access: allow\npolicies:\n- {policy}\n")

    def add_policies(config: dict[str, Any]) -> None:
        config["policies"] = {"file": str(policies), "user": "hivegate"}

    def fail(turn: Turn) -> None:
        turn.answer(error_answer("OpenSession", turn.call.seqid, "[BAD] no", "42000"))

    backend.on("OpenSession", fail, user="hivegate", times=None)
    gate = audited(make_gate, audit, backend, http=add_policies)
    peer, session = gate.session()
    reply = peer.call("ExecuteStatement", execute_fields(session, "SELECT 1 FROM hr.emp"))
    assert reply.sql_state == "08S01" and "can't be looked up" in reply.error
    refused = audit.wait_for("statement_refused")[0]
    assert refused["statement"] == "SELECT 1 FROM hr.emp" and refused["sql_state"] == "08S01"
    assert "can't be looked up" in refused["reason"] and refused["session_id"] == session.text
    assert not backend.seen("ExecuteStatement")


def test_secrets_are_hidden(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    gate = audited(make_gate, audit, backend, redact={"patterns": ["[0-9]{3}-[0-9]{4}"]})
    peer, session = gate.session()

    def fail(turn: Turn) -> None:
        text = "[X_Y] hidden thing"
        turn.answer(error_answer("ExecuteStatement", turn.call.seqid, text))

    peer.execute(session, "SET a.password=hidden thing")
    peer.execute(session, "SELECT '555-1234', 'open'")
    backend.on("ExecuteStatement", fail, times=1)
    peer.call("ExecuteStatement", execute_fields(session, "SELECT f(token => 'hidden thing')"))
    assert [text for text, _ in audit.statements()] == [
        "SET a.password=?",
        "SELECT ?, 'open'",
        "SELECT f(token => ?)",
    ]
    assert "hidden thing" not in str(audit.events())
    assert [call.statement for call in backend.seen("ExecuteStatement")][0].endswith("hidden thing")


# ---- what is held ----


def ask_held(slow: Audit, peer: Any, session: Any, sql: str, **how: Any) -> None:
    """Asks for a statement that doesn't reach the disk; all before it has."""
    peer.call("GetTypeInfo", handle_fields(session)).ok()
    slow.hold()
    peer.ask("ExecuteStatement", execute_fields(session, sql, **how))
    slow.wait_for("statement_submitted")


def test_nothing_is_sent_before_it_is_durable(
    make_gate: Callable, backend: Backend, slow: Audit
) -> None:
    gate = audited(make_gate, slow, backend)
    peer, session = gate.session()
    other, _ = gate.session("bob")
    ask_held(slow, peer, session, "SELECT 1")
    other.call("GetInfo", info_fields(other.open(), 18))  # others go on meanwhile
    assert not backend.seen("ExecuteStatement", "alice")
    slow.release()
    assert peer.receive_message().ok().operation


def test_nothing_is_told_before_it_is_durable(
    make_gate: Callable, backend: Backend, slow: Audit
) -> None:
    def hold(turn: Turn) -> None:
        slow.hold()
        turn.answer()

    backend.on("ExecuteStatement", hold)
    gate = audited(make_gate, slow, backend)
    peer, session = gate.session()
    peer.ask("ExecuteStatement", execute_fields(session, "SELECT 1"))
    slow.wait_for("statement_finished")
    assert peer.silent(0.3)
    slow.release()
    operation = peer.receive_message().ok().operation
    peer.fetch(operation).ok()


def test_a_large_first_fetch_is_held(make_gate: Callable, backend: Backend, slow: Audit) -> None:
    """The client asks for rows without asking for the end: that tells it, too."""
    gate = audited(make_gate, slow, backend)
    peer, session = gate.session()
    operation = peer.execute(session, "BYTES 3000000", run_async=True)
    slow.hold()
    peer.ask("FetchResults", [*handle_fields(operation), (2, 8, 0), (3, 10, 1000), (4, 6, 0)])
    slow.wait_for("statement_finished")
    assert peer.silent(0.3)
    slow.release()
    assert len(peer.receive_message().ok().raw) > 2_900_000


@pytest.mark.parametrize("listener", ["thrift", "raw", "http"])
def test_requests_that_come_behind(
    make_gate: Callable, backend: Backend, slow: Audit, listener: str
) -> None:
    """Several in one write, by each transport: they are answered in their order."""

    def more(config: dict[str, Any]) -> None:
        raw = {"name": "raw", "bind": "127.0.0.1:0", "transport": "binary", "sasl": "none"}
        config["listeners"].append(raw)
        add_listener(config)

    gate = audited(make_gate, slow, backend, http=more)
    if listener == "http":
        peer: Any = http_peer(gate)
        session = peer.open()
    elif listener == "raw":
        peer = gate.connect("raw")
        session = peer.open("alice", "alice-secret")
    else:
        peer, session = gate.session()
    peer.call("GetTypeInfo", handle_fields(session)).ok()
    slow.hold()
    messages = [
        call("ExecuteStatement", execute_fields(session, "SELECT 1"), 71),
        call("GetInfo", info_fields(session), 72),
        call("ExecuteStatement", execute_fields(session, "SELECT 2"), 73),
        call("GetInfo", info_fields(session), 74),
    ]
    if isinstance(peer, HttpPeer):
        peer.send(b"".join(peer.request(message) for message in messages))
    else:
        peer.send(b"".join(frame(m) if peer.framed else m for m in messages))
    slow.wait_for("statement_submitted")
    assert not backend.seen("ExecuteStatement")
    slow.release()
    assert [peer.receive_message().ok().seqid for _ in messages] == [71, 72, 73, 74]
    assert [c.statement for c in backend.seen("ExecuteStatement")] == ["SELECT 1", "SELECT 2"]
    peer.close_session(session)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_client_that_leaves(make_gate: Callable, backend: Backend, slow: Audit, end: str) -> None:
    gate = audited(make_gate, slow, backend)
    peer, session = gate.session()
    ask_held(slow, peer, session, "SELECT 1")
    getattr(peer, end)()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "its session is closed")
    slow.release()
    eventually(lambda: slow.statements() == [("SELECT 1", "refused")], slow.events)
    assert not backend.seen("ExecuteStatement")


def test_half_closed(make_gate: Callable, backend: Backend, slow: Audit) -> None:
    """Who only sends no more still gets its answer, when that comes in time."""
    gate = audited(make_gate, slow, backend)
    peer, session = gate.session()
    ask_held(slow, peer, session, "SELECT 1")
    peer.socket.shutdown(socket.SHUT_WR)
    slow.release()
    try:
        assert peer.receive_message().ok().operation
    except Closed:  # the moment was over on a slow machine
        pass
    eventually(lambda: slow.statements()[0][1] != "none", slow.events)


def test_a_session_that_is_closed_meanwhile(
    make_gate: Callable, backend: Backend, slow: Audit
) -> None:
    """Over HTTP another connection may close it."""
    gate = audited(make_gate, slow, backend, http=add_listener)
    peer, other = http_peer(gate), http_peer(gate)
    session = peer.open()
    ask_held(slow, peer, session, "SELECT 1")
    other.close_session(session).ok()
    slow.release()
    assert "Invalid SessionHandle" in peer.receive_message().error
    eventually(lambda: slow.statements() == [("SELECT 1", "refused")], slow.events)
    assert not backend.seen("ExecuteStatement")


def test_an_endpoint_that_goes_while_a_reply_is_held(
    make_gate: Callable, backend: Backend, slow: Audit
) -> None:
    def hold(turn: Turn) -> None:
        slow.hold()
        turn.answer()

    backend.on("ExecuteStatement", hold)
    gate = audited(make_gate, slow, backend)
    peer, session = gate.session()
    peer.ask("ExecuteStatement", execute_fields(session, "SELECT 1"))
    slow.wait_for("statement_finished")
    backend.drop_all()
    gate.wait_log("session_lost")
    slow.release()
    operation = peer.receive_message().ok().operation
    assert "this session is lost" in peer.fetch(operation).error
    assert slow.statements() == [("SELECT 1", "finished")]


def test_the_end_of_hivegate(make_gate: Callable, backend: Backend, slow: Audit) -> None:
    """It waits for what is held, which begins no more."""
    gate = audited(make_gate, slow, backend)
    peer, session = gate.session()
    ask_held(slow, peer, session, "SELECT 1")
    gate.terminate()
    gate.wait_log("stopping")
    slow.release()
    assert "stopping" in peer.receive_message().error
    assert gate.wait_exit() == 0
    assert slow.statements() == [("SELECT 1", "refused")]
    assert slow.events()[-1]["kind"] == "service_stopped"


def test_refused_at_the_end_of_hivegate(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    gate = audited(make_gate, audit, backend)
    peer, session = gate.session()
    peer.execute(session, "RUN 1", run_async=True)
    gate.terminate()
    gate.wait_log("stopping")
    eventually(
        lambda: peer.call("ExecuteStatement", execute_fields(session, "SELECT 2")).code != 0,
        "it takes no new work",
    )
    refused = audit.wait_for("statement_refused")[-1]
    assert refused["statement"] == "SELECT 2" and refused["statement_id"] == refused["id"]
    peer.close()
    assert gate.wait_exit() == 0
    assert audit.statements()[0] == ("RUN 1", "cancelled")


def test_killed_while_it_runs(make_gate: Callable, backend: Backend, slow: Audit) -> None:
    gate = audited(make_gate, slow, backend)
    peer, session = gate.session()
    peer.execute(session, "RUN 1", run_async=True)
    finished = peer.execute(session, "SELECT 2")
    peer.fetch(finished).ok()
    gate.kill()
    gate.hivegate.start()
    gate.idle_fds = gate.fd_count()
    slow.wait_for("statement_unknown")
    assert slow.statements() == [("RUN 1", "unknown"), ("SELECT 2", "finished")]


# ---- the bound ----


def fill(peer: Any, session: Any) -> str:
    """Large statements, then small ones and metadata calls until they are refused; what that is
    told."""
    for size in (100_000, 10_000, 100):
        sql = f"SELECT '{'x' * size}'"
        while (reply := peer.call("ExecuteStatement", execute_fields(session, sql))).code == 0:
            pass
    while (reply := peer.call("GetTypeInfo", handle_fields(session))).code == 0:
        pass
    assert reply.sql_state == "53100"
    return reply.error


def test_a_full_spool_refuses(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    gate = audited(make_gate, audit, backend, limit="1MiB")
    peer, session = gate.session()
    running = peer.execute(session, "RUN 1", run_async=True)
    assert "audit log takes no more events" in fill(peer, session)
    seen = len(backend.seen("ExecuteStatement"))
    fill(peer, session)
    assert len(backend.seen("ExecuteStatement")) == seen
    assert gate.peer("bob").call("OpenSession", [(1, 8, 9)]).sql_state == "53100"
    peer.call("CancelOperation", handle_fields(running)).ok()
    peer.operation_state(running)  # the end of what runs has its place
    ends = [end for _, end in audit.statements()]
    assert ends[0] == "cancelled" and set(ends[1:]) == {"finished"} and len(ends) == seen


def test_a_full_spool_drops(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    gate = audited(make_gate, audit, backend, limit="1MiB", when_full="drop")
    peer, session = gate.session()
    for _ in range(15):
        peer.execute(session, f"SELECT '{'x' * 100_000}'")
    assert len(backend.seen("ExecuteStatement")) == 15
    assert 0 < len(audit.events("statement_submitted")) < 15


def test_a_disk_that_fails(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    """Nothing new begins; what has begun goes on; with the disk all comes back."""
    gate = audited(make_gate, audit, backend)
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1", run_async=True)
    size = max(path.stat().st_size for path in audit.folder.iterdir())
    unlimited = resource.prlimit(gate.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gate.pid, resource.RLIMIT_FSIZE, (size, unlimited[1]))
    reply = peer.call("ExecuteStatement", execute_fields(session, "SELECT 2"))
    assert reply.sql_state == "53100"
    assert peer.operation_state(operation) == FINISHED  # isn't kept back for ever
    resource.prlimit(gate.pid, resource.RLIMIT_FSIZE, unlimited)

    def works() -> bool:
        return peer.call("ExecuteStatement", execute_fields(session, "SELECT 3")).code == 0

    eventually(works, "it goes on when the disk does")
    statements = audit.statements()
    assert statements[0] == ("SELECT 1", "finished") and statements[-1] == ("SELECT 3", "finished")
    assert len(backend.seen("ExecuteStatement")) == 2


# ---- the start ----


def test_one_spool_one_hivegate(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    audited(make_gate, audit, backend)
    with pytest.raises(Exception, match="another process"):
        audited(make_gate, audit, backend)
