"""Spans of what hivegate does, as a collector with OpenTelemetry's own schema reads them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hivegate import default_config, hivegate_program

from .kit.admin import Admin, with_admin
from .kit.audit import Audit
from .kit.backend import Backend, Turn
from .kit.collector import Collector, Span
from .kit.gate import Gate, eventually
from .kit.http import add_listener, http_peer
from .kit.messages import FINISHED, error_answer, execute_fields
from .kit.peer import LoginRefused

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SERVER, CLIENT, INTERNAL = 2, 3, 1


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def backend(make_backend: Callable) -> Backend:
    return make_backend()


@pytest.fixture
def traced(make_gate: Callable, backend: Backend, collector: Collector) -> Iterator[Callable]:
    """Makes gates, and ends them: exporting opens descriptors that stay."""
    gates: list[Gate] = []

    def make(more: dict[str, Any] | None = None, **settings: Any) -> Gate:
        def change(config: dict) -> None:
            with_admin()(config)
            add_listener(config)
            config["tracing"] = {"url": collector.url, "one_in": 1, "interval": "50ms"} | settings
            config.update(more or {})

        gates.append(make_gate(backend, change=change, bystanders=0))
        return gates[-1]

    yield make
    for gate in gates:
        gate.close_peers()
        gate.stop()


def wait(collector: Collector, name: str, count: int = 1) -> list[Span]:
    eventually(
        lambda: len(collector.named(name)) >= count,
        lambda: f"{count} of {name} among {[span.name for span in collector.spans]}",
    )
    return collector.named(name)


@pytest.mark.smoke
def test_a_statement(traced: Callable, backend: Backend, collector: Collector) -> None:
    gate = traced()
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 'secret'", run_async=True)
    assert peer.operation_state(operation) == FINISHED
    peer.fetch(operation).ok()
    peer.fetch(operation).ok()
    peer.close_operation(operation).ok()
    (statement,) = wait(collector, "statement")
    (execute,) = wait(collector, "execute")
    (fetch,) = wait(collector, "fetch")
    (login,) = wait(collector, "login")
    (opened,) = wait(collector, "open")
    assert [s.kind for s in (login, opened, statement, execute, fetch)] == [
        SERVER,
        SERVER,
        SERVER,
        CLIENT,
        INTERNAL,
    ]
    assert login.parent == opened.parent == statement.parent == ""
    assert len({login.trace, opened.trace, statement.trace}) == 3
    for part in (execute, fetch):
        assert (part.trace, part.parent) == (statement.trace, statement.id)
        assert statement.start <= part.start <= part.end <= statement.end
    assert login.attributes["enduser.id"] == statement.attributes["enduser.id"] == "alice"
    assert statement.attributes["session.id"] == session.text
    assert statement.attributes["db.namespace"] == "default"
    assert "db.query.text" not in statement.attributes
    assert execute.attributes["server.address"] == backend.address
    assert fetch.attributes["db.response.returned_rows"] == 6
    assert fetch.attributes["hivegate.bytes"] > 100
    assert not any(span.failed for span in collector.spans)
    assert collector.resource["service.name"] == "hivegate"
    assert collector.resource["service.instance.id"] and collector.resource["service.version"]


def test_texts_when_asked_for(traced: Callable, backend: Backend, collector: Collector) -> None:
    """Statements and messages are there, but for what `audit: redact` and secrets hide."""

    def fail(turn: Turn) -> None:
        turn.answer(error_answer("ExecuteStatement", turn.call.seqid, "[BAD] no", "42000"))

    gate = traced(statements=True)
    peer, session = gate.session()
    peer.close_operation(peer.execute(session, "SELECT 'x'")).ok()
    peer.close_operation(peer.execute(session, "SET a.password=hidden")).ok()
    backend.on("ExecuteStatement", fail, times=1)
    peer.call("ExecuteStatement", execute_fields(session, "SELECT 2"))
    texts = [span.attributes["db.query.text"] for span in wait(collector, "statement", 3)]
    assert texts[0] == "SELECT 'x'" and texts[2] == "SELECT 2"
    assert texts[1].startswith("SET a.password") and "hidden" not in texts[1]
    failed = collector.named("statement")[2]
    assert failed.failed and "[BAD] no" in failed.message
    assert failed.attributes["db.response.status_code"] == "42000"
    assert collector.named("execute")[2].failed


@pytest.mark.smoke
def test_traces_of_clients(traced: Callable, backend: Backend, collector: Collector) -> None:
    """A header over HTTP, or a variable of the session, says where things belong."""
    gate = traced(one_in=0)
    peer = http_peer(gate)
    peer.extra = (f"traceparent: 00-{TRACE}-{PARENT}-01",)
    session = peer.open()
    peer.close_operation(peer.execute(session, "SELECT 1")).ok()
    (statement,) = wait(collector, "statement")
    (opened,) = wait(collector, "open")
    for span in (statement, opened):
        assert (span.trace, span.parent) == (TRACE, PARENT)
    peer.extra = ()
    peer.close_operation(peer.execute(session, "SELECT 2")).ok()
    peer.close_session(session).ok()

    other = TRACE[::-1]
    binary = gate.peer()
    variables = {"set:hiveconf:traceparent": f"00-{other}-{PARENT}-01", "set:hivevar:a": "1"}
    session = binary.open(conf=variables)
    binary.close_operation(binary.execute(session, "SELECT 3")).ok()
    statement = wait(collector, "statement", 2)[1]
    assert (statement.trace, statement.parent) == (other, PARENT)
    assert len(collector.named("statement")) == 2
    sent = str(backend.seen("OpenSession")[-1].fields)
    assert "traceparent" not in sent and "hivevar:a" in sent
    for wrong in ("nonsense", f"00-{TRACE}-{PARENT}-00"):
        session = binary.open(conf={"traceparent": wrong})
        binary.close_operation(binary.execute(session, "SELECT 4")).ok()
    gate.stop()
    assert len(collector.named("statement")) == 2


def test_clients_that_are_not_followed(
    traced: Callable, backend: Backend, collector: Collector
) -> None:
    gate = traced(follow=False)
    peer = http_peer(gate)
    peer.extra = (f"traceparent: 00-{TRACE}-{PARENT}-01",)
    session = peer.open()
    peer.close_operation(peer.execute(session, "SELECT 1")).ok()
    assert wait(collector, "statement")[0].trace != TRACE


def test_what_fails(traced: Callable, backend: Backend, collector: Collector) -> None:
    gate = traced()
    with pytest.raises(LoginRefused):
        gate.connect().login("alice", "wrong")
    (login,) = wait(collector, "login")
    assert login.failed and login.attributes["enduser.id"] == "alice"
    peer, session = gate.session()
    peer.execute(session, "RUN 1", run_async=True)
    peer.ask("ExecuteStatement", execute_fields(session, "RUN for long"))
    eventually(lambda: len(backend.seen("ExecuteStatement")) == 2, "it runs")
    peer.close()
    spans = wait(collector, "statement", 2)
    assert sorted(span.failed for span in spans) == [False, True]
    backend.stop()
    late = gate.peer()
    with pytest.raises(Exception, match="no endpoint"):
        late.open()
    assert any(span.failed and "no endpoint" in span.message for span in wait(collector, "open", 2))


def test_what_holds_a_statement(traced: Callable, collector: Collector, tmp_path: Path) -> None:
    audit = Audit(tmp_path / "spool")
    gate = traced(more={"audit": audit.config()})
    peer, session = gate.session()
    peer.close_operation(peer.execute(session, "SELECT 1")).ok()
    (held,) = wait(collector, "audit")
    (statement,) = wait(collector, "statement")
    (execute,) = wait(collector, "execute")
    assert (held.trace, held.parent, held.kind) == (statement.trace, statement.id, INTERNAL)
    assert statement.start <= held.start <= held.end <= execute.start


def test_a_statement_that_was_held_is_drawn_once(
    traced: Callable, collector: Collector, tmp_path: Path
) -> None:
    """It is served again when it is let go, and then isn't one more of which one in two is traced."""
    audit = Audit(tmp_path / "spool")
    gate = traced(one_in=2, more={"audit": audit.config()})
    peer, session = gate.session()
    for _ in range(10):
        peer.close_operation(peer.execute(session, "SELECT 1")).ok()
    peer.close()
    gate.stop()
    assert len(collector.named("statement")) == 5


@pytest.mark.smoke
def test_a_collector_that_is_away(traced: Callable, backend: Backend, collector: Collector) -> None:
    """Nobody waits for it; what finds no room is counted, the rest comes when it is back."""
    collector.status = 503
    gate = traced(queue=16)
    peer, session = gate.session()
    gate.wait_log("traces_not_exported")
    for _ in range(40):
        peer.close_operation(peer.execute(session, "SELECT 1")).ok()
    admin = Admin(gate)

    def spans(outcome: str) -> float:
        return admin.metrics()[f'hivegate_trace_spans_total{{outcome="{outcome}"}}']

    assert spans("dropped") > 0 and spans("exported") == 0
    assert admin.metrics()["hivegate_trace_spans_waiting"] == 16
    collector.status = 200
    gate.wait_log("traces_exported_again", 60)
    wait(collector, "statement")
    eventually(lambda: spans("exported") == len(collector.spans), "they are counted")


def test_a_collector_that_hangs(traced: Callable, backend: Backend, collector: Collector) -> None:
    """Statements go on, and hivegate ends in the time that one request may take."""
    collector.gone_on.clear()
    gate = traced(timeout="1s")
    peer, session = gate.session()
    for _ in range(20):
        peer.close_operation(peer.execute(session, "SELECT 1")).ok()
    peer.close_session(session).ok()
    gate.stop()
    assert "stopped" in gate.hivegate.log_text()


def test_a_collector_that_wants_nothing(
    traced: Callable, backend: Backend, collector: Collector
) -> None:
    collector.status = 400
    gate = traced()
    admin = Admin(gate)
    gate.session()
    rejected = 'hivegate_trace_spans_total{outcome="rejected"}'
    eventually(lambda: admin.metrics()[rejected] == 2, "both are rejected")
    collector.status = 200
    collector.answer = json.dumps({"partialSuccess": {"rejectedSpans": "1"}})
    gate.session()
    eventually(lambda: admin.metrics()[rejected] >= 3, "one more is")


def test_the_token(traced: Callable, collector: Collector, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("collect-me\n")
    token.chmod(0o600)
    gate = traced(token_file=str(token))
    gate.session()
    wait(collector, "open")
    assert collector.tokens[0] == "Bearer collect-me"
    assert "collect-me" not in gate.hivegate.log_text()


def test_wrong_settings(tmp_path: Path, users_file: Path) -> None:
    (tmp_path / "users.txt").write_text(users_file.read_text())
    path = tmp_path / "hivegate.yaml"
    for tracing, why in (
        ({"url": "collector:4318"}, "tracing.url"),
        ({"url": "ftp://collector/"}, "tracing.url"),
        ({"url": "http://collector/v1/traces", "token_file": "no"}, "in clear"),
        ({"url": "http://localhost/v1/traces", "token_file": "no"}, "tracing.token_file"),
    ):
        config = default_config(["127.0.0.1:1"]) | {"tracing": tracing}
        path.write_text(json.dumps(config))
        argv = [hivegate_program(), "--check-config", path]
        done = subprocess.run(argv, text=True, capture_output=True)
        assert done.returncode == 1 and why in done.stderr, done.stderr
