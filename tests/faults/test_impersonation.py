"""Principals that act as others: who may, in every way to ask for it, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hivegate import add_user

from .kit.backend import Backend
from .kit.gate import Gate
from .kit.http import PATH, add_listener, http_peer
from .kit.messages import Handle, execute_fields, info_fields, open_fields
from .kit.peer import Peer

RULES = [
    {"principal": "alice", "may_act_as": {"users": ["dora"], "groups": ["analysts"]}},
    {"principal_pattern": "car.*", "realm": "users", "may_act_as": {"pattern": "team-[0-9]+"}},
]
KEYS = (
    "hive.server2.proxy.user",
    "set:hivevar:hive.server2.proxy.user",
    " SET: HiveConf: Hive.Server2.Proxy.User ",
)


@pytest.fixture
def make_acting(make_gate: Callable, make_backend: Callable) -> Callable[..., tuple[Gate, Backend]]:
    """A gateway with the rules, and users erin (analysts) and mallory (ops)."""

    def make(**pool: Any) -> tuple[Gate, Backend]:
        def change(config: dict) -> None:
            config["impersonation"] = RULES
            add_listener(config)

        backend = make_backend()
        gate = make_gate(backend, bystanders=0, change=change, pool=pool)
        add_user(gate.hivegate.users_path, "erin", "erin-secret", ["ops", "analysts"])
        add_user(gate.hivegate.users_path, "mallory", "mallory-secret", ["ops"])
        gate.signal(1)
        gate.wait_log("users_reloaded")
        return gate, backend

    return make


def opens_as(peer: Peer, backend: Backend, user: str, conf: dict[str, str] | None) -> Handle:
    before = len(backend.seen("OpenSession", user))
    session = peer.open(conf=conf)
    assert len(backend.seen("OpenSession", user)) == before + 1
    return session


@pytest.mark.smoke
@pytest.mark.parametrize("key", KEYS)
def test_acting_as_another(make_acting: Callable, key: str) -> None:
    """By name, by group and by pattern; the session is the principal's own, and nobody else's."""
    gate, backend = make_acting()
    peer = gate.peer("alice")
    for other in ("dora", "erin"):
        session = opens_as(peer, backend, other, {key: other, "a": "b"})
        peer.fetch(peer.execute(session, "SELECT 1")).ok()
        with gate.peer("carol") as stranger:
            assert "Invalid" in stranger.call("GetInfo", info_fields(session)).error
        peer.close_session(session).ok()
    for own in ({key: "alice"}, {key: ""}, None):
        peer.close_session(opens_as(peer, backend, "alice", own)).ok()
    carol = gate.peer("carol")
    carol.close_session(opens_as(carol, backend, "team-7", {key: "team-7"})).ok()
    assert "as=erin" in gate.log and "as=team-7" in gate.log


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("bob", 'may not run a session as "bob": no impersonation rule allows it'),
        ("mallory", "no impersonation rule allows it"),
        ("nobody", "no impersonation rule allows it"),
        ("Dora", "no impersonation rule allows it"),
        ("team-7", "no impersonation rule allows it"),
        ("dora ", "nobody can act as such a user"),
        ("dora@x", "nobody can act as such a user"),
        ("dora/x", "nobody can act as such a user"),
    ],
)
def test_acting_as_somebody_whom_no_rule_names(make_acting: Callable, other: str, why: str) -> None:
    gate, backend = make_acting()
    peer = gate.peer("alice")
    for key in KEYS:
        reply = peer.call("OpenSession", open_fields(conf={key: other}))
        assert reply.sql_state in ("42501", "HY000") and why in reply.error
    assert not backend.seen("OpenSession")
    peer.close_session(opens_as(peer, backend, "alice", None)).ok()


def test_several_users(make_acting: Callable) -> None:
    gate, backend = make_acting()
    peer = gate.peer("alice")
    reply = peer.call("OpenSession", open_fields(conf={KEYS[0]: "dora", KEYS[1]: "erin"}))
    assert reply.sql_state == "42501" and "several" in reply.error
    assert not backend.seen("OpenSession")


@pytest.mark.smoke
def test_acting_by_a_service_account(make_acting: Callable, tmp_path: Path) -> None:
    """The endpoint hears whose session it is in hive.server2.proxy.user."""
    secret = tmp_path / "secret"
    secret.write_text("service-secret")
    secret.chmod(0o600)
    gate, backend = make_acting(login="service", user="gateway", password_file=str(secret))
    peer = gate.peer("alice")
    session = peer.open(conf={KEYS[1]: "erin"})
    [made] = backend.sessions.values()
    assert made.user == "gateway"
    named = {k: v for k, v in made.configuration.items() if "proxy" in k.lower()}
    assert named == {KEYS[0]: "erin"}
    peer.close_session(session).ok()


@pytest.mark.smoke
def test_over_http(make_acting: Callable) -> None:
    """By doAs, which each request may carry, or by the variable."""
    gate, backend = make_acting()
    peer = http_peer(gate)
    for query, user in (("doAs=erin", "erin"), ("x=1&doas=dora", "dora"), ("DOAS=alice", "alice")):
        peer.target = f"{PATH}?{query}"
        session = opens_as(peer, backend, user, None)
        peer.fetch(peer.execute(session, "SELECT 1")).ok()
        peer.target = PATH
        peer.call("GetInfo", info_fields(session)).ok()
        peer.target = f"{PATH}?doAs=bob"
        reply = peer.call("ExecuteStatement", execute_fields(session, "SELECT 1"))
        assert reply.sql_state == "42501" and f"runs as {user}" in reply.error
        peer.target = PATH
        peer.close_session(session).ok()
    peer.close_session(opens_as(peer, backend, "dora", {KEYS[0]: "dora"})).ok()
    peer.target = f"{PATH}?doAs=dora"
    peer.close_session(opens_as(peer, backend, "dora", {KEYS[0]: "dora"})).ok()
    reply = peer.call("OpenSession", open_fields(conf={KEYS[0]: "erin"}))
    assert reply.sql_state == "42501" and "different users" in reply.error
    for query in ("doAs=bob", "doAs=%41lice", "do%41s=bob", "x=y&doas=mallory"):
        peer.target = f"{PATH}?{query}"
        reply = peer.call("OpenSession", open_fields())
        assert reply.sql_state == "42501" and "may not run a session as" in reply.error, query
    for query in ("doAs=", "doAs=dora&doAs=alice", "doAs=%zz"):
        response = peer.post(b"x", target=f"{PATH}?{query}")
        assert response.status == 403 and "doAs" in response.text, query


def test_leaving_while_groups_are_looked_up(make_acting: Callable) -> None:
    gate, backend = make_acting()
    for number in range(40):
        peer = gate.peer("alice")
        peer.ask("OpenSession", open_fields(conf={KEYS[0]: "erin"}))
        if number % 2:
            peer.reset()
        else:
            peer.close()
    peer = gate.peer("alice")
    peer.close_session(peer.open(conf={KEYS[0]: "erin"})).ok()
    peer.close()
    backend.wait_until(lambda: not backend.live_sessions(), "all sessions end")


def test_nobody_without_rules(make_gate: Callable, make_backend: Callable) -> None:
    backend = make_backend()
    gate = make_gate(backend, bystanders=0)
    peer = gate.peer("alice")
    for key in KEYS:
        reply = peer.call("OpenSession", open_fields(conf={key: "bob"}))
        assert reply.sql_state == "42501"
        assert reply.error == (
            'hivegate: user alice may not run a session as "bob": no impersonation rule allows it. '
            "Leave out hive.server2.proxy.user (or doAs)."
        )
    assert not backend.seen("OpenSession")
