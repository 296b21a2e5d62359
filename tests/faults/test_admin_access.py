"""Who may do what over the admin server's TCP listener: tokens, certificates, and one's own."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority, Certificate
from support.hivegate import default_config, hivegate_program, hivegatectl_program

from .kit.admin import Admin, Answer, with_admin
from .kit.gate import Gate, eventually
from .kit.messages import execute_fields

TOKEN = "0123456789abcdef0123"
OPENED, REFUSED = 200, 401


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "server")


@pytest.fixture
def people(tmp_path: Path) -> Authority:
    """Whose certificates administrators have."""
    return Authority(tmp_path / "people", "people")


def door(authority: Authority, **settings: Any) -> Callable[[dict], None]:
    """A change of the config: one address over TLS."""
    pair = authority.issue_server("admin").pair
    return with_admin(listen=[{"bind": "127.0.0.1:0", **pair, **settings}])


class Asker(Admin):
    """Somebody who asks: with a certificate, a token, a password, or nothing."""

    def __init__(
        self,
        gate: Gate,
        authority: Authority,
        certificate: Certificate | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
    ):
        super().__init__(gate)
        self.tls = authority.context(certificate)
        self.headers: dict[str, str] = {}
        if user is not None:
            pair = f"{user}:{f'{user}-secret' if password is None else password}"
            self.headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        return super().ask(method, path, body, self.headers | (headers or {}))


@pytest.mark.smoke
def test_certificates(
    make_gate: Callable,
    make_backend: Callable,
    authority: Authority,
    people: Authority,
    tmp_path: Path,
) -> None:
    """One of the right authority, with the right name, that is still valid; or the token."""
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    change = door(
        authority,
        token_file=str(token),
        client_ca_file=str(people.ca_file),
        client_names=["ops", "on call"],
    )
    gate = make_gate(make_backend(), change=change, bystanders=0)
    stranger = Authority(tmp_path / "strangers", "people")
    for certificate, status in (
        (people.issue("ops"), OPENED),
        (people.issue("call", "on call"), OPENED),
        (people.issue("dev"), REFUSED),
        (people.issue("old", "ops", days=-1), REFUSED),
        (stranger.issue("ops"), REFUSED),
        (None, REFUSED),
    ):
        for path in ("/v1/sessions", "/v1/limits", "/metrics"):
            answer = Asker(gate, authority, certificate).get(path)
            assert answer.status == status, (certificate, answer)
        assert status == OPENED or "or a client certificate" in answer.text
    assert Asker(gate, authority, token=TOKEN).get("/v1/limits").status == OPENED
    assert Asker(gate, authority, token=TOKEN + "4").get("/v1/limits").status == REFUSED
    by_name = Asker(gate, authority, people.issue("ops2", "ops")).post("/v1/kill", {"user": "x"})
    assert by_name.status == OPENED
    gate.wait_log("admin_action")
    assert 'by="ops at 127.0.0.1:' in gate.log


def test_any_certificate_of_the_authority(
    make_gate: Callable, make_backend: Callable, authority: Authority, people: Authority
) -> None:
    change = door(authority, client_ca_file=str(people.ca_file))
    gate = make_gate(make_backend(), change=change, bystanders=0)
    assert Asker(gate, authority, people.issue("any")).get("/v1/limits").status == OPENED
    answer = Asker(gate, authority, token="").get("/v1/limits")
    assert answer.status == REFUSED and "a client certificate" in answer.text


@pytest.fixture
def own(make_gate: Callable, make_backend: Callable, authority: Authority) -> Gate:
    return make_gate(make_backend(), change=door(authority, own_sessions=True), bystanders=0)


@pytest.mark.smoke
def test_people_see_to_their_own(own: Gate, authority: Authority) -> None:
    peer, session = own.session("alice")
    operation = peer.execute(session, "SELECT 1", run_async=True)
    other, others = own.session("bob")
    waiting = own.peer("carol")
    waits_in = waiting.open()
    waiting.ask("ExecuteStatement", execute_fields(waits_in, "RUN for long"))
    alice = Asker(own, authority, user="alice")
    carol = Asker(own, authority, user="carol")
    assert [s["id"] for s in alice.get("/v1/sessions").json()] == [session.text]
    assert [o["id"] for o in alice.get("/v1/operations").json()] == [operation.text]
    eventually(
        lambda: [o["statement"] for o in carol.get("/v1/operations").json()] == ["RUN for long"],
        "carol sees what she waits for",
    )
    bob = Asker(own, authority, user="bob")
    assert bob.get("/v1/operations").json() == []
    for body, status in (
        ({"session": session.text}, 404),
        ({"operation": operation.text}, 404),
        ({"user": "alice"}, 403),
    ):
        assert bob.post("/v1/kill", body).status == status
    peer.operation_state(operation)
    assert alice.post("/v1/kill", {"session": session.text}).status == 200
    assert alice.get("/v1/sessions").json()[0]["state"] == "lost"
    own.wait_log("admin_action")
    assert 'by="alice at 127.0.0.1:' in own.log
    assert bob.post("/v1/kill", {"user": "bob"}).status == 200
    assert Asker(own, authority, user="carol").post("/v1/kill", {"user": "carol"}).status == 200


def test_nothing_else(own: Gate, authority: Authority) -> None:
    alice = Asker(own, authority, user="alice")
    for path in ("limits", "users", "endpoints", "pools", "config", "status", "nothing"):
        answer = alice.get(f"/v1/{path}")
        assert answer.status == 403 and "only an administrator" in answer.text, answer
    for path in ("drain", "undrain", "pause", "resume", "reload", "unlock"):
        assert alice.post(f"/v1/{path}", {}).status == 403
    assert alice.get("/metrics").status == 403
    assert alice.get("/livez").status == 200


def test_wrong_logins(own: Gate, authority: Authority) -> None:
    """They are refused, noted, and count like a client's."""
    for user, password in (
        ("alice", "wrong"),
        ("nobody", "x"),
        ("alice", ""),
        ("", "x"),
        ("a\tb", "x"),
    ):
        answer = Asker(own, authority, user=user, password=password).get("/v1/sessions")
        assert answer.status == REFUSED and "user and password" in answer.text, answer
    own.wait_log("login_refused")
    assert "listener=admin" in own.log
    assert Asker(own, authority).get("/v1/sessions").status == REFUSED
    assert Asker(own, authority, token="x.y.z").get("/v1/sessions").status == REFUSED
    assert Asker(own, authority, user="alice").get("/v1/sessions").status == OPENED


def test_hivegatectl(
    make_gate: Callable,
    make_backend: Callable,
    authority: Authority,
    people: Authority,
    tmp_path: Path,
) -> None:
    change = door(authority, own_sessions=True, client_ca_file=str(people.ca_file))
    gate = make_gate(make_backend(), change=change, bystanders=0)
    _, session = gate.session("alice")
    _, others = gate.session("bob")
    password = tmp_path / "password"
    password.write_text("alice-secret\n")
    password.chmod(0o600)
    host, port = gate.address("admin")

    def run(*words: str | Path, code: int = 0) -> str:
        argv = [hivegatectl_program(), *words, "--ca-file", authority.ca_file]
        argv += ["--admin", f"https://{host}:{port}"]
        done = subprocess.run(argv, text=True, capture_output=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    as_alice = ("--user", "alice", "--password-file", password)
    listed = run("sessions", *as_alice)
    assert session.text in listed and others.text not in listed
    assert "only an administrator" in run("limits", *as_alice, code=1)
    assert "there is no session" in run("kill", "session", others.text, *as_alice, code=1)
    run("kill", "session", session.text, *as_alice)
    ops = people.issue("ops")
    as_ops = ("--certificate-file", ops.certificate, "--key-file", ops.key)
    assert others.text in run("sessions", *as_ops)
    assert "belong together" in run("sessions", *as_ops[:2], code=1)
    argv = [hivegatectl_program(), "sessions", "--user", "alice", "--admin", "unix:x"]
    done = subprocess.run(argv, text=True, capture_output=True, timeout=60)
    assert done.returncode == 1 and "--user is for" in done.stderr


def test_no_tls_no_login(own: Gate) -> None:
    """A password that is sent in clear by mistake gets no answer."""
    with pytest.raises((OSError, http.client.HTTPException)):
        Admin(own).get("/v1/sessions")


def test_settings_that_make_no_sense(tmp_path: Path, users_file: Path) -> None:
    (tmp_path / "users.txt").write_text(users_file.read_text())
    config = default_config(["127.0.0.1:1"])
    config["admin"] = {
        "listen": [
            {"bind": "127.0.0.1:9443", "own_sessions": True, "client_names": ["x"]},
            {"bind": "unix:a.sock", "client_ca_file": "no.pem", "own_sessions": True},
        ]
    }
    path = tmp_path / "hivegate.yaml"
    path.write_text(json.dumps(config))
    argv = [hivegate_program(), "--check-config", path]
    done = subprocess.run(argv, text=True, capture_output=True)
    assert done.returncode == 1
    assert "admin.listen[0] has no TLS" in done.stderr
    assert "admin.listen[0].client_names is of no use without client_ca_file" in done.stderr
    assert "admin.listen[1].client_ca_file is of no use on a Unix socket" in done.stderr
    assert "admin.listen[1].own_sessions is of no use on a Unix socket" in done.stderr


def test_authorities_of_no_use(make_gate: Callable, make_backend: Callable, tmp_path: Path) -> None:
    """hivegate doesn't start, and says where to look."""
    authority = Authority(tmp_path / "a")
    bad = tmp_path / "bad.pem"
    bad.write_text("nonsense\n")
    with pytest.raises(Exception, match="authorities"):
        make_gate(make_backend(), change=door(authority, client_ca_file=str(bad)), bystanders=0)
