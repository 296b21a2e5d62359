"""The admin server: metrics that count what happens, health that tells the truth, and who may ask."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import re
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.certificates import Authority
from support.hivegate import default_config, hivegate_program
from support.paths import ROOT

from .kit.admin import Admin, with_admin
from .kit.gate import Gate, eventually
from .kit.http import add_listener, http_peer
from .kit.messages import handle_fields
from .kit.peer import LoginRefused

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17  # linux/ptrace.h
WALL = 0x40000000  # __WALL of waitpid(2): threads, too


@pytest.fixture
def gate(make_gate: Callable, make_backend: Callable) -> Gate:
    return make_gate(make_backend(), change=with_admin(), bystanders=0)


def calls(method: str, outcome: str) -> str:
    return f'hivegate_calls_total{{method="{method}",outcome="{outcome}"}}'


@pytest.mark.smoke
def test_metrics_count_what_happens(gate: Gate) -> None:
    admin = Admin(gate)
    before = admin.metrics()
    assert before["hivegate_sessions_open"] == 0
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    for _ in range(100):
        assert peer.operation_state(operation) == 2
    peer.fetch(operation).ok()
    now = admin.metrics()
    assert now[calls("OpenSession", "success")] == 1
    assert now[calls("ExecuteStatement", "success")] == 1
    assert now[calls("GetOperationStatus", "success")] == 100
    assert now[calls("FetchResults", "success")] == 1
    assert now["hivegate_sessions_open"] == 1
    assert now['hivegate_operations{state="ended"}'] == 1
    assert now['hivegate_operations_ended_total{state="finished"}'] == 1
    assert now["hivegate_first_row_seconds_count"] == 1
    assert now['hivegate_open_seconds_count{outcome="success"}'] == 1
    assert now['hivegate_login_seconds_count{method="password",outcome="accepted"}'] == 1
    assert now['hivegate_login_check_seconds_count{method="users",outcome="accepted"}'] == 1
    assert now['hivegate_connections{listener="thrift"}'] == 1
    assert now['hivegate_connections_accepted_total{listener="thrift"}'] == 1
    assert now["hivegate_endpoint_connections"] == 1
    assert now['hivegate_endpoint_connects_total{outcome="done"}'] == 1
    assert 3 <= now["hivegate_call_added_seconds_count"] <= 20  # one in 16 of those that went on
    assert now["hivegate_call_added_seconds_sum"] > 0
    assert now['hivegate_client_bytes_total{direction="received"}'] > 100 * 50
    assert now['hivegate_client_bytes_total{direction="sent"}'] > 100 * 50
    peer.close_session(session).ok()
    peer.close()
    eventually(lambda: admin.metrics()['hivegate_connections{listener="thrift"}'] == 0, "it has left")
    now = admin.metrics()
    assert now["hivegate_sessions_open"] == 0
    assert now['hivegate_operations{state="ended"}'] == 0
    assert now["process_resident_memory_bytes"] > 1e6
    assert now["process_open_fds"] > 5
    assert now["process_cpu_seconds_total"] > 0
    assert any(name.startswith("hivegate_build_info{version=") for name in now)


def test_metrics_count_what_fails(gate: Gate) -> None:
    admin = Admin(gate)
    with pytest.raises(LoginRefused):
        gate.connect().login("alice", "wrong")
    peer, session = gate.session()
    peer.call("Nonsense", handle_fields(session))
    other = gate.peer("bob")
    other.close_session(session)  # not theirs
    other.close_session(session)  # not theirs
    now = admin.metrics()
    assert now['hivegate_login_seconds_count{method="password",outcome="denied"}'] == 1
    assert now['hivegate_login_check_seconds_count{method="users",outcome="denied"}'] == 1
    assert now[calls("other", "refused")] == 1
    assert now[calls("CloseSession", "refused")] == 2
    gate.backends[0].stop()
    peer.call("GetInfo", handle_fields(session))
    with gate.peer() as late:
        with pytest.raises(Exception, match="no endpoint of pool"):
            late.open()
    now = admin.metrics()
    assert now[calls("OpenSession", "unavailable")] == 1
    assert now['hivegate_open_seconds_count{outcome="unavailable"}'] == 1
    assert now["hivegate_sessions_lost"] == 1
    address = gate.backends[0].address
    place = f'pool="default",endpoint="{address}"'
    assert now[f"hivegate_endpoint_failures_total{{{place}}}"] == 1
    assert now[f'hivegate_endpoint_state{{{place},state="down"}}'] == 1
    assert now[f'hivegate_endpoint_state{{{place},state="up"}}'] == 0
    assert now['hivegate_endpoint_connects_total{outcome="failed"}'] == 1


def test_metrics_over_http(make_gate: Callable, make_backend: Callable) -> None:
    """Requests of one connection log in by a password, then by the cookie that came."""

    def change(config: dict) -> None:
        with_admin()(config)
        add_listener(config)

    gate = make_gate(make_backend(), change=change, bystanders=0)
    peer = http_peer(gate, "alice")
    session = peer.open()
    peer.close_session(session)
    now = Admin(gate).metrics()
    logins = sum(
        value
        for name, value in now.items()
        if name.startswith("hivegate_login_seconds_count") and 'outcome="accepted"' in name
    )
    assert logins == 2
    assert now[calls("CloseSession", "success")] == 1


def test_loop_delay_is_measured(gate: Gate) -> None:
    admin = Admin(gate)
    eventually(
        lambda: admin.metrics()["hivegate_loop_delay_seconds_count"] >= 2 * gate.config["workers"],
        "each loop got two letters",
    )


def test_promtool_has_nothing_to_say(gate: Gate) -> None:
    """Of the page when something has happened."""
    peer, session = gate.session()
    peer.fetch(peer.execute(session, "SELECT 1")).ok()
    page = Admin(gate, "metrics").get("/metrics").text
    peer.close()
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, text=True, capture_output=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def names_in(expressions: list[str]) -> set[str]:
    """The metrics that expressions are about, without what a histogram's samples end with."""
    found = {n for e in expressions for n in re.findall(r"\b(?:hivegate|process)_[a-z_]+", e)}
    return {re.sub(r"(?<=_seconds)_(bucket|count|sum)$", "", name) for name in found}


def test_dashboard_and_alerts_use_what_there_is(gate: Gate, tmp_path: Path) -> None:
    """Every metric is one of hivegate's, every label has such values, and promtool takes it."""
    rules = ROOT / "contrib/prometheus-rules.yaml"
    panels = json.loads((ROOT / "contrib/grafana-dashboard.json").read_text())["panels"]
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    page = Admin(gate).get("/metrics").text
    there = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
    assert len(shown) > 20 and names_in(shown) <= there
    alerts = re.sub(r"#.*|job=\S+|alert: \w+", "", rules.read_text())
    assert len(names_in([alerts])) > 10 and names_in([alerts]) <= there
    reference = (ROOT / "docs/metrics.md").read_text()
    for value in re.findall(r'(?:state|outcome)!?=~?"([^"]+)"', " ".join([*shown, alerts])):
        assert all(re.search(rf"\b{word}\b", reference) for word in value.split("|")), value
    made = {
        "groups": [
            {
                "name": "dashboard",
                "rules": [
                    {"record": f"panel:{i}", "expr": e.replace("$__rate_interval", "5m")}
                    for i, e in enumerate(shown)
                ],
            }
        ]
    }
    (tmp_path / "dashboard.yaml").write_text(json.dumps(made))
    for path in (rules, tmp_path / "dashboard.yaml"):
        done = subprocess.run(["promtool", "check", "rules", path], text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr


# ---- health ----


def test_health(gate: Gate) -> None:
    admin = Admin(gate)
    assert admin.get("/livez").text == "ok\n"
    ready = admin.get("/readyz")
    assert (ready.status, ready.text) == (200, "ok\n")


def test_readiness_follows_the_endpoints(gate: Gate) -> None:
    admin = Admin(gate)
    gate.backends[0].stop()
    with gate.peer() as peer, pytest.raises(Exception, match="no endpoint of pool"):
        peer.open()
    ready = admin.get("/readyz")
    assert ready.status == 503
    assert ready.text == "pool default takes no session: all its endpoints have just failed\n"
    assert admin.get("/livez").status == 200
    eventually(lambda: admin.get("/readyz").status == 200, "it may be tried again")


def test_readiness_follows_the_limits(make_gate: Callable, make_backend: Callable) -> None:
    gate = make_gate(
        make_backend(),
        change=with_admin(),
        limits={"sessions": 2, "sessions_per_user": 2},
        bystanders=0,
    )
    admin = Admin(gate)
    peer, session = gate.session()
    assert admin.get("/readyz").status == 200
    second = peer.open()
    ready = admin.get("/readyz")
    assert (ready.status, ready.text) == (503, "all sessions are taken (limits: sessions)\n")
    peer.close_session(second).ok()
    assert admin.get("/readyz").status == 200
    peer.close_session(session).ok()


@contextmanager
def stopped_worker(gate: Gate, name: str) -> Iterator[None]:
    """One thread of hivegate stands still, as far as a debugger can do that."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    tasks = Path(f"/proc/{gate.pid}/task")
    (tid,) = [int(t.name) for t in tasks.iterdir() if (t / "comm").read_text() == f"{name}\n"]
    assert libc.ptrace(PTRACE_SEIZE, tid, None, None) == 0, os.strerror(ctypes.get_errno())
    assert libc.ptrace(PTRACE_INTERRUPT, tid, None, None) == 0
    os.waitpid(tid, WALL)
    try:
        yield
    finally:
        assert libc.ptrace(PTRACE_DETACH, tid, None, None) == 0


def test_a_loop_that_stands_still_is_told(gate: Gate) -> None:
    """Everything that doesn't need that worker is answered; so is it when the loop turns again."""
    admin = Admin(gate)
    peers = [gate.session() for _ in range(2)]  # one on each worker
    with stopped_worker(gate, "worker-1"):
        live = admin.get("/livez")
        assert live.status == 503 and "hasn't turned" in live.text
        assert admin.get("/readyz").status == 200
        assert admin.metrics()["hivegate_sessions_open"] == 2
        assert len(admin.get("/v1/sessions").json()) == 2
        assert admin.get("/v1/operations").json() == []
        killed = [admin.post("/v1/kill", {"session": s.text}).status for _, s in peers]
        assert sorted(killed) == [200, 503]
    eventually(lambda: admin.get("/livez").status == 200, "it lives again")
    eventually(lambda: admin.metrics()["hivegate_sessions_lost"] == 2, "both are killed by then")
    for peer, session in peers:
        peer.close_session(session).ok()
        peer.close()


def test_stopping(make_gate: Callable, make_backend: Callable) -> None:
    """While work is left: not ready, and alive; afterwards the socket is gone."""
    gate = make_gate(make_backend(), change=with_admin(), bystanders=0)
    admin = Admin(gate)
    peer, session = gate.session()
    operation = peer.execute(session, "SELECT 1")
    gate.terminate()
    eventually(lambda: admin.get("/readyz").status == 503, "it isn't ready")
    assert "hivegate is stopping\n" in admin.get("/readyz").text
    assert admin.get("/livez").status == 200
    assert admin.metrics()["hivegate_stopping"] == 1
    peer.call("CloseOperation", handle_fields(operation)).ok()
    assert gate.wait_exit() == 0
    assert not Path(admin.socket_path()).exists()


# ---- who may ----


def test_unix_socket_is_private(gate: Gate) -> None:
    mode = os.stat(Admin(gate).socket_path()).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_mode_of_the_socket(make_gate: Callable, make_backend: Callable) -> None:
    listen = [{"bind": "unix:admin.sock", "mode": "0660"}]
    gate = make_gate(make_backend(), change=with_admin(listen=listen), bystanders=0)
    assert stat.S_IMODE(os.stat(Admin(gate).socket_path()).st_mode) == 0o660


def test_metrics_listener_has_nothing_else(gate: Gate) -> None:
    plain = Admin(gate, "metrics")
    assert plain.get("/livez").status == 200
    assert plain.get("/readyz").status == 200
    answer = plain.get("/metrics")
    assert answer.type == "text/plain; version=0.0.4; charset=utf-8"
    for path in ("/v1/sessions", "/v1/config", "/", "/metrics/x"):
        assert plain.get(path).status == 404
    assert plain.post("/metrics").status == 404
    assert plain.ask("HEAD", "/livez").status == 200


@pytest.mark.smoke
def test_tcp_needs_the_token(make_gate: Callable, make_backend: Callable, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue_server("admin")
    token = tmp_path / "admin.token"
    token.write_text("0123456789abcdef0123\n")
    token.chmod(0o600)
    listen = [
        {
            "bind": "127.0.0.1:0",
            "certificate_file": str(pair.certificate),
            "key_file": str(pair.key),
            "token_file": str(token),
        }
    ]
    gate = make_gate(make_backend(), change=with_admin(listen=listen), bystanders=0)
    admin = Admin(gate, authority=authority.ca_file)
    right = "Bearer 0123456789abcdef0123"
    for path in ("/metrics", "/livez", "/v1/sessions", "/nothing"):
        for wrong in ({}, {"Authorization": right[:-1]}, {"Authorization": right + "4"}):
            assert admin.get(path, **wrong).status == 401
        assert admin.get(path, Authorization=right[7:]).status == 401
    assert admin.get("/livez", Authorization=right).status == 200
    clear = Admin(gate)
    with pytest.raises((OSError, http.client.HTTPException)):
        clear.get("/livez", Authorization=right)


def test_default_socket_is_no_must(make_gate: Callable, make_backend: Callable) -> None:
    """Nobody asked for it: hivegate serves without it."""
    if Path("/run/hivegate").exists():
        pytest.skip("this machine has a folder for hivegate's own socket")
    gate = make_gate(make_backend(), change=lambda config: config.pop("admin"), bystanders=0)
    gate.wait_log("admin_not_started")
    gate.session()


# ---- rude clients ----


def test_rude_clients_hurt_nobody(gate: Gate) -> None:
    """Half requests, nonsense and many connections: the server answers, hivegate serves."""
    admin = Admin(gate)
    rude = []
    for data in (b"", b"GET /metrics HT", b"\x00\xff" * 500, b"POST /v1/kill HTTP/1.1\r\n"):
        for _ in range(8):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.connect(admin.socket_path())
            made.sendall(data)
            rude.append(made)
    assert admin.get("/livez").status == 200
    huge = admin.ask("POST", "/v1/kill", {"x": "y" * 100_000})
    assert huge.status == 413
    peer, session = gate.session()
    peer.close_session(session).ok()
    for made in rude:
        made.close()
    peer.close()


def test_wrong_settings_are_told(tmp_path: Path, users_file: Path) -> None:
    (tmp_path / "users.txt").write_text(users_file.read_text())
    (tmp_path / "token").write_text("short\n")
    (tmp_path / "token").chmod(0o600)
    config = default_config(["127.0.0.1:1"])
    config["admin"] = {
        "listen": [
            {"bind": "127.0.0.1:9443"},
            {"bind": "unix:a.sock", "token_file": "token"},
        ]
    }
    path = tmp_path / "hivegate.yaml"
    path.write_text(json.dumps(config))

    def problems() -> str:
        argv = [hivegate_program(), "--check-config", path]
        done = subprocess.run(argv, text=True, capture_output=True)
        assert done.returncode == 1
        return done.stderr

    text = problems()
    assert "admin.listen[0].token_file is missing" in text
    assert "admin.listen[0] has no TLS" in text
    assert "admin.listen[1].token_file is of no use on a Unix socket" in text
    config["admin"] = {
        "listen": [
            {
                "bind": "127.0.0.1:9443",
                "certificate_file": "no.pem",
                "key_file": "no.key",
                "token_file": "token",
            }
        ]
    }
    path.write_text(json.dumps(config))
    text = problems()
    assert "admin.listen[0].certificate_file" in text
    assert "the token could be guessed" in text
