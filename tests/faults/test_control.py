"""hivegatectl and the admin server's control: what is listed is what there is, and what is killed,
drained or paused is told to whom it concerns and to nobody else."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority
from support.hivegate import hivegatectl_program

from .kit.admin import Admin, with_admin
from .kit.backend import Backend
from .kit.gate import Gate, eventually
from .kit.http import add_listener, http_peer
from .kit.messages import Reply, execute_fields, fetch_fields, handle_fields, info_fields, open_fields
from .kit.peer import Closed, LoginRefused, Peer

KILLED = "hivegate: this session is lost: an administrator ended it. Connect again to go on."
CANCELLED = "hivegate: an administrator has cancelled this statement."


def change(config: dict) -> None:
    with_admin()(config)
    add_listener(config)


@pytest.fixture
def gate(make_gate: Callable, make_backend: Callable) -> Gate:
    return make_gate(make_backend(), change=change)


@pytest.fixture
def backend(gate: Gate) -> Backend:
    return gate.backends[0]


class Ctl:
    """hivegatectl for a gate."""

    def __init__(self, gate: Gate):
        self.admin = f"unix:{Admin(gate).socket_path()}"

    def run(self, *words: str, code: int = 0) -> str:
        argv = [hivegatectl_program(), *words, "--admin", self.admin]
        done = subprocess.run(argv, text=True, capture_output=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def list(self, what: str) -> list[dict[str, Any]]:
        return json.loads(self.run(what, "--output", "json"))

    def session_of(self, user: str) -> dict[str, Any]:
        (found,) = [s for s in self.list("sessions") if s["user"] == user]
        return found

    def operations_of(self, user: str) -> list[dict[str, Any]]:
        return [o for o in self.list("operations") if o["user"] == user]


def error_of(reply: Reply) -> tuple[str, str]:
    """SQL state and message of an error."""
    return reply.sql_state or "", reply.error


# ---- lists ----


@pytest.mark.smoke
def test_lists(gate: Gate) -> None:
    ctl = Ctl(gate)
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 'ä' " + "x" * 600, run_async=True)
    waiting = gate.peer("carol")
    waits_in = waiting.open()
    waiting.ask("ExecuteStatement", execute_fields(waits_in, "RUN for long"))
    eventually(lambda: ctl.operations_of("carol"), "it waits")
    alice = ctl.session_of("alice")
    assert alice["id"] == session.text
    assert alice["runs_as"] == "alice" and alice["state"] == "open"
    assert alice["client"].startswith("127.0.0.1:") and alice["listener"] == "thrift"
    assert alice["endpoint"] == gate.backends[0].address and alice["operations"] == 1
    (own,) = ctl.operations_of("alice")
    assert own["id"] == operation.text and own["session"] == session.text
    assert own["state"] == "running" and own["statement"].startswith("SELECT 'ä' xxx")
    assert len(own["statement"].encode()) == 500
    peer.operation_state(operation)
    assert ctl.operations_of("alice")[0]["state"] == "finished"
    (other,) = ctl.operations_of("carol")
    assert (other["id"], other["state"]) == (None, "waiting")
    assert other["statement"] == "RUN for long" and other["session"] == waits_in.text
    users = {user["user"]: user for user in ctl.list("users")}
    assert users["alice"]["sessions"] == 1 and users["alice"]["running"] == 0

    def used(name: str) -> int:
        (limit,) = (each for each in ctl.list("limits") if each["limit"] == name)
        return limit["used"]

    # a bystander opens a further session now and then
    eventually(lambda: used("sessions") == 2 + len(gate.bystanders), "the sessions are counted")
    assert used("connections") >= 2 + len(gate.bystanders)
    assert ctl.list("endpoints")[0]["state"] == "up"
    assert ctl.list("pools")[0]["ready"] is True
    table = ctl.run("sessions")
    assert table.splitlines()[0].startswith("ID  ") and session.text in table
    assert "RUN for long" in ctl.run("operations")
    for what in ("users", "limits", "endpoints", "pools"):
        assert len(ctl.run(what).splitlines()) >= 2
    top = ctl.run("top", "--rounds", "2", "--every", "0.2")
    assert "RUN for long" in top and "sessions" in top
    ctl.run("kill", "session", waits_in.text)


def test_config_hides_secrets(make_gate: Callable, make_backend: Callable) -> None:
    def settings(config: dict) -> None:
        with_admin()(config)
        config["session_variables"] = {
            "defaults": [{"set": {"spark.x.secret.key": "do not show", "spark.y": "shown"}}]
        }

    gate = make_gate(make_backend(), change=settings, bystanders=0)
    text = Ctl(gate).run("config")
    config = json.loads(text)
    assert "do not show" not in text
    variables = config["session_variables"]["defaults"][0]["set"]
    assert variables == {"spark.x.secret.key": "(hidden)", "spark.y": "shown"}
    assert config["limits"]["message_size"] == "100MiB"  # a default
    assert config["listeners"][0]["name"] == "thrift"
    assert config["pools"][0]["endpoints"] == [gate.backends[0].address]


# ---- kill session ----


@pytest.mark.smoke
def test_kill_session(gate: Gate, backend: Backend) -> None:
    """Idle: the next call hears of it, closing succeeds, and another session can be opened."""
    ctl = Ctl(gate)
    peer, session = gate.session()
    operation = peer.execute(session, "RUN", run_async=True)
    assert "has ended" in ctl.run("kill", "session", session.text)
    backend.wait_until(lambda: not backend.live_sessions("alice"), "it is closed there")
    assert backend.seen("CancelOperation", "alice")
    assert error_of(peer.call("GetOperationStatus", handle_fields(operation))) == ("08S01", KILLED)
    reply = peer.call("ExecuteStatement", execute_fields(session, "SELECT 1"))
    assert error_of(reply) == ("08S01", KILLED)
    assert ctl.session_of("alice")["state"] == "lost"
    assert "ended already" in ctl.run("kill", "session", session.text, code=1)
    peer.close_session(session).ok()
    assert "there is no session" in ctl.run("kill", "session", session.text, code=1)
    peer.close_session(peer.open()).ok()
    assert 'action="kill session"' in gate.log and 'by="uid ' in gate.log


def test_kill_session_under_way(gate: Gate, backend: Backend) -> None:
    """The call that runs is answered at once, also one that can't be cancelled by name."""
    ctl = Ctl(gate)
    peer, session = gate.session()
    peer.ask("ExecuteStatement", execute_fields(session, "RUN"))
    eventually(lambda: ctl.operations_of("alice"), "it waits")
    ctl.run("kill", "session", session.text)
    assert error_of(peer.receive_message()) == ("08S01", KILLED)
    backend.wait_until(lambda: not backend.live_sessions("alice"), "it is closed there")
    peer.close_session(session).ok()
    peer.close_session(peer.open()).ok()


def test_kill_session_over_http(gate: Gate, backend: Backend) -> None:
    ctl = Ctl(gate)
    peer = http_peer(gate, "alice")
    session = peer.open()
    peer.ask("ExecuteStatement", execute_fields(session, "RUN"))
    eventually(lambda: ctl.operations_of("alice"), "it waits")
    ctl.run("kill", "session", session.text)
    assert error_of(peer.receive_message()) == ("08S01", KILLED)
    backend.wait_until(lambda: not backend.live_sessions("alice"), "it is closed there")
    other = http_peer(gate, "alice")
    assert error_of(other.call("ExecuteStatement", execute_fields(session, "SELECT 1"))) == (
        "08S01",
        KILLED,
    )
    other.close_session(session).ok()
    idle = other.open()
    ctl.run("kill", "session", idle.text)
    backend.wait_until(lambda: not backend.live_sessions("alice"), "it is closed there")
    other.close_session(idle).ok()


def test_kill_while_a_reply_goes_out(gate: Gate, backend: Backend) -> None:
    """Half a reply is there: only the end of the connection is honest."""
    ctl = Ctl(gate)
    peer, session = gate.session()
    operation = peer.execute(session, "BYTES 50000000")
    peer.ask("FetchResults", fetch_fields(operation))
    peer.receive(1000)
    ctl.run("kill", "session", session.text)
    peer.rest()
    backend.wait_until(lambda: not backend.live_sessions("alice"), "it is closed there")


def test_kill_session_used_from_another_connection(gate: Gate, backend: Backend) -> None:
    """A call of the same user over a second connection is answered, too."""
    ctl = Ctl(gate)
    peer, session = gate.session()
    other = gate.peer()
    other.ask("ExecuteStatement", execute_fields(session, "RUN"))
    eventually(lambda: ctl.operations_of("alice"), "it waits")
    ctl.run("kill", "session", session.text)
    assert error_of(other.receive_message()) == ("08S01", KILLED)
    backend.wait_until(lambda: not backend.live_sessions("alice"), "it is closed there")
    other.close_session(other.open()).ok()
    peer.close_session(session).ok()


def test_kill_user(gate: Gate, backend: Backend) -> None:
    ctl = Ctl(gate)
    peers = [gate.session() for _ in range(3)]
    over_http = http_peer(gate, "alice").open()
    carol, session = gate.session("carol")
    assert over_http.text in ctl.run("sessions")
    assert "4 sessions of alice have ended" in ctl.run("kill", "user", "alice")
    backend.wait_until(lambda: not backend.live_sessions("alice"), "all are closed there")
    for peer, own in peers:
        assert error_of(peer.call("GetInfo", info_fields(own)))[0] == "08S01"
        peer.close()
    assert len(backend.live_sessions("carol")) == 1
    carol.close_session(session).ok()
    assert "0 sessions of nobody have ended" in ctl.run("kill", "user", "nobody")
    http_peer(gate, "alice").close_session(over_http).ok()


def test_kill_many_while_they_work(gate: Gate, backend: Backend) -> None:
    """Sessions that come and go on all workers while their user is killed again and again."""
    ctl = Ctl(gate)
    ending = threading.Event()
    problems: list[str] = []

    def work() -> None:
        while not ending.is_set():
            try:
                with Peer(gate.address()).login("carol") as peer:
                    session = peer.open()
                    for _ in range(5):
                        reply = peer.call("ExecuteStatement", execute_fields(session, "SELECT 1"))
                        if reply.code == 3 and "administrator" not in reply.error:
                            problems.append(reply.error)
                    peer.close_session(session)
            except Closed:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        ctl.run("kill", "user", "carol")
    ending.set()
    for thread in threads:
        thread.join()
    assert not problems
    backend.wait_until(lambda: not backend.live_sessions("carol"), "all are closed there")


# ---- kill operation ----


@pytest.mark.smoke
def test_kill_operation(gate: Gate, backend: Backend) -> None:
    """The client hears why, whatever it asks; the session goes on."""
    ctl = Ctl(gate)
    peer, session = gate.session()
    operation = peer.execute(session, "RUN", run_async=True)
    assert "is cancelled" in ctl.run("kill", "operation", operation.text)
    backend.wait_call("CancelOperation", "alice")
    for method in ("GetOperationStatus", "GetResultSetMetadata"):
        assert error_of(peer.call(method, handle_fields(operation))) == ("57014", CANCELLED)
    assert error_of(peer.fetch(operation)) == ("57014", CANCELLED)
    assert ctl.operations_of("alice")[0]["state"] == "killed"
    assert "ended already" in ctl.run("kill", "operation", operation.text, code=1)
    peer.call("CancelOperation", handle_fields(operation)).ok()
    peer.close_operation(operation).ok()
    assert "there is no operation" in ctl.run("kill", "operation", operation.text, code=1)
    peer.fetch(peer.execute(session, "SELECT 1")).ok()
    assert Admin(gate).metrics()['hivegate_operations_ended_total{state="killed"}'] == 1
    peer.close_session(session).ok()


def test_kill_operation_during_a_poll(gate: Gate, backend: Backend) -> None:
    """What the endpoint answers to the poll that waits is replaced, too."""
    ctl = Ctl(gate)
    peer, session = gate.session()
    operation = peer.execute(session, "RUN", run_async=True)

    def long_poll(turn: Any) -> None:
        turn.wait(lambda: bool(backend.seen("CancelOperation", "alice")))
        turn.answer()

    backend.on("GetOperationStatus", long_poll, user="alice")
    peer.ask("GetOperationStatus", handle_fields(operation))
    backend.wait_call("GetOperationStatus", "alice")
    ctl.run("kill", "operation", operation.text)
    assert error_of(peer.receive_message()) == ("57014", CANCELLED)
    peer.close_operation(operation).ok()
    peer.close_session(session).ok()


def test_kill_finished_operation(gate: Gate) -> None:
    """Its results are its client's."""
    ctl = Ctl(gate)
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1", run_async=True)
    assert peer.operation_state(operation) == 2
    assert "ended already" in ctl.run("kill", "operation", operation.text, code=1)
    peer.fetch(operation).ok()
    peer.close_session(session).ok()


# ---- drain and pause ----


@pytest.mark.smoke
def test_drain(make_gate: Callable, make_backend: Callable) -> None:
    first, second = make_backend(), make_backend()
    gate = make_gate(first, second, change=with_admin(), bystanders=0)
    ctl = Ctl(gate)
    peers = [gate.session() for _ in range(4)]
    assert len(first.live_sessions()) == len(second.live_sessions()) == 2
    said = ctl.run("drain", "endpoint", first.address)
    assert said == f"{first.address} gets no new sessions; 2 are left there\n"
    states = {e["endpoint"]: e["state"] for e in ctl.list("endpoints")}
    assert states[first.address] == "drained"
    more = [gate.session() for _ in range(4)]
    assert len(first.live_sessions()) == 2 and len(second.live_sessions()) == 6
    for peer, session in peers:  # they go on
        peer.fetch(peer.execute(session, "SELECT 1")).ok()
    ctl.run("drain", "endpoint", second.address)
    ready = Admin(gate).get("/readyz")
    assert (ready.status, ready.text) == (
        503,
        "pool default takes no session: all its endpoints are drained by an administrator\n",
    )
    with gate.peer() as late, pytest.raises(Exception, match="drained by an administrator"):
        late.open()
    ctl.run("undrain", "endpoint", first.address)
    ctl.run("undrain", "endpoint", second.address)
    with gate.peer() as late:
        late.close_session(late.open()).ok()
    assert "there is no endpoint" in ctl.run("drain", "endpoint", "nowhere:1", code=1)
    for peer, _ in peers + more:
        peer.close()


def test_pause(make_gate: Callable, make_backend: Callable) -> None:
    gate = make_gate(make_backend(), change=with_admin(), bystanders=0)
    ctl = Ctl(gate)
    peer, session = gate.session()
    ctl.run("pause", "pool", "default")
    reply = peer.call("OpenSession", open_fields())
    assert error_of(reply)[0] == "57P03" and "has paused pool default" in reply.error
    peer.fetch(peer.execute(session, "SELECT 1")).ok()
    assert Admin(gate).get("/readyz").status == 503
    assert ctl.list("pools")[0]["paused"] is True
    ctl.run("resume", "pool", "default")
    peer.close_session(peer.open()).ok()
    assert Admin(gate).get("/readyz").status == 200
    assert "there is no pool" in ctl.run("pause", "pool", "other", code=1)
    peer.close_session(session).ok()


# ---- reload and unlock ----


def test_reload(gate: Gate) -> None:
    ctl = Ctl(gate)
    users = gate.hivegate.directory / "users.txt"
    good = users.read_text()
    assert "read again" in ctl.run("reload")
    users.write_text("nonsense without a colon\n")
    assert "users" in ctl.run("reload", code=1)
    gate.peer("alice").close()  # what was in use stays
    users.write_text("".join(line for line in good.splitlines(True) if "carol" not in line))
    ctl.run("reload")
    with pytest.raises(LoginRefused):
        gate.connect().login("carol")
    users.write_text(good)
    ctl.run("reload")
    gate.peer("carol").close()
    now = Admin(gate).metrics()
    assert now['hivegate_reloads_total{outcome="done"}'] == 3
    assert now['hivegate_reloads_total{outcome="failed"}'] == 1


def test_unlock(make_gate: Callable, make_backend: Callable) -> None:
    def throttled(config: dict) -> None:
        with_admin()(config)
        config["authentication"]["throttle"] = {"delay_after": 100, "refuse_after": 3}

    gate = make_gate(make_backend(), change=throttled, bystanders=0)
    ctl = Ctl(gate)

    def fail(user: str) -> None:
        for number in range(3):
            with pytest.raises(LoginRefused):
                gate.connect().login(user, f"wrong {number}")

    def comes_in(user: str) -> bool:
        try:
            gate.connect().login(user).close()
        except LoginRefused as refused:
            assert "Too many failed logins" in str(refused)
            return False
        return True

    for user in ("alice", "bob", "carol"):
        fail(user)
        assert not comes_in(user)
    assert Admin(gate).metrics()["hivegate_logins_throttled"] == 3
    ctl.run("auth", "unlock", "alice")
    assert [comes_in(user) for user in ("alice", "bob")] == [True, False]
    ctl.run("auth", "unlock", "bob", "--address", "192.0.2.1")
    assert not comes_in("bob")
    ctl.run("auth", "unlock", "bob", "--address", "127.0.0.1")
    assert [comes_in(user) for user in ("bob", "carol")] == [True, False]
    assert "not an address" in ctl.run("auth", "unlock", "--address", "here", code=1)
    ctl.run("auth", "unlock")
    assert comes_in("carol")


# ---- requests ----


def test_wrong_requests(gate: Gate) -> None:
    admin = Admin(gate)
    for path, body, status in (
        ("/v1/kill", {}, 400),
        ("/v1/kill", {"session": "x", "user": "y"}, 400),
        ("/v1/kill", {"session": 7}, 400),
        ("/v1/kill", [], 400),
        ("/v1/kill", None, 400),
        ("/v1/kill", {"session": "x"}, 404),
        ("/v1/drain", {}, 400),
        ("/v1/pause", {}, 400),
        ("/v1/nothing", {}, 404),
    ):
        answer = admin.post(path, body)
        assert answer.status == status, (path, body, answer)
    assert admin.get("/v1/kill").status == 404
    assert admin.post("/v1/sessions", {}).status == 404


def test_over_tls(make_gate: Callable, make_backend: Callable, tmp_path: Path) -> None:
    """hivegatectl from afar: the server's certificate and the token both have to be right."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    pair = authority.issue_server("admin")
    for name, text in (("right", "0123456789abcdef"), ("wrong", "0123456789abcdeX")):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    listen = [{"bind": "127.0.0.1:0", **pair.pair, "token_file": str(tmp_path / "right")}]
    gate = make_gate(make_backend(), change=with_admin(listen=listen), bystanders=0)
    host, port = gate.address("admin")

    def ask(token: str, ca_file: Path) -> subprocess.CompletedProcess[str]:
        argv = [hivegatectl_program(), "limits", "--admin", f"https://{host}:{port}"]
        argv += ["--token-file", tmp_path / token, "--ca-file", ca_file]
        return subprocess.run(argv, text=True, capture_output=True, timeout=60)

    done = ask("right", authority.ca_file)
    assert done.returncode == 0 and "limits: sessions" in done.stdout, done.stderr
    assert "right token" in ask("wrong", authority.ca_file).stderr
    assert "certificate" in ask("right", other.ca_file).stderr


def test_no_hivegate(tmp_path: Path) -> None:
    argv = [hivegatectl_program(), "sessions", "--admin", f"unix:{tmp_path}/none"]
    done = subprocess.run(argv, text=True, capture_output=True)
    assert done.returncode == 1 and "can't ask hivegate" in done.stderr
    argv[-1] = "nonsense"
    done = subprocess.run(argv, text=True, capture_output=True)
    assert done.returncode == 1 and "expected unix:PATH" in done.stderr
