"""Several pools: the first rule whose conditions hold decides, a pool's fallback steps in while it
takes no sessions, and what no rule takes is refused."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hivegate import add_user

from .kit import faults
from .kit.admin import Admin, with_admin
from .kit.backend import Backend
from .kit.gate import Gate
from .kit.messages import Reply, info_fields, open_fields
from .test_endpoints import dead_address


def routed(
    make_gate: Callable,
    pools: dict[str, Backend | str],
    rules: list[dict[str, Any]],
    users: dict[str, list[str]] | None = None,
    **how: Any,
) -> Gate:
    """A gate with a pool of one endpoint for each name."""

    def change(config: dict) -> None:
        with_admin()(config)
        (pool,) = config["pools"]
        config["pools"] = [
            {**pool, "name": name, "endpoints": [getattr(backend, "address", backend)]}
            for name, backend in pools.items()
        ]
        config["routing"] = rules

    gate = make_gate(*pools.values(), bystanders=0, change=change, **how)
    for name, groups in (users or {}).items():
        add_user(gate.hivegate.users_path, name, f"{name}-secret", groups)
        gate.forget_log()
        gate.signal(1)
        gate.wait_log("users_reloaded")
    return gate


def lands_on(gate: Gate, user: str, conf: dict[str, str] | None = None, **how: Any) -> Backend:
    """Opens a session, uses it, and tells where it was."""
    before = [len(backend.seen("OpenSession")) for backend in gate.backends]
    with gate.peer(user, **how) as peer:
        session = peer.open(conf=conf)
        peer.call("GetInfo", info_fields(session)).ok()
        peer.close_session(session).ok()
    (found,) = [
        backend
        for backend, count in zip(gate.backends, before, strict=True)
        if len(backend.seen("OpenSession")) > count
    ]
    return found


def refusal(gate: Gate, user: str, conf: dict[str, str] | None = None) -> Reply:
    with gate.peer(user) as peer:
        return peer.call("OpenSession", open_fields(conf=conf))


@pytest.mark.smoke
def test_rules_in_order(make_gate: Callable, make_backend: Callable) -> None:
    """By user, by group, by database, by what the client asks for; the last rule takes the rest."""
    etl, bi, rest = (make_backend() for _ in range(3))
    rules = [
        {"asks_for": ["etl"], "groups": ["engineers"], "pool": "etl"},
        {"users": ["carol"], "pool": "bi"},
        {"databases": ["sales", "stock"], "pool": "bi"},
        {"pool": "rest"},
    ]
    pools = {"etl": etl, "bi": bi, "rest": rest}
    gate = routed(make_gate, pools, rules, {"erin": ["engineers"]})
    assert lands_on(gate, "alice") is rest
    assert lands_on(gate, "carol") is bi
    assert lands_on(gate, "alice", {"use:database": "sales"}) is bi
    assert lands_on(gate, "alice", {"use:database": "other"}) is rest
    assert lands_on(gate, "erin") is rest
    for key in ("hivegate.pool", "set:hiveconf:hivegate.pool", "set:hivevar:HiveGate.Pool"):
        assert lands_on(gate, "erin", {key: "etl", "a": "b"}) is etl
    # hivegate's own variable is for hivegate alone
    assert all(s.configuration == {"a": "b"} for s in etl.sessions.values())
    for user, asked in (("alice", "etl"), ("erin", "bi"), ("carol", "rest")):
        reply = refusal(gate, user, {"hivegate.pool": asked})
        assert reply.sql_state == "42501"
        assert f'no rule lets user {user} into pool "{asked}"' in reply.error
    reply = refusal(gate, "erin", {"hivegate.pool": "etl", "set:hivegate.pool": "bi"})
    assert "names several pools" in reply.error


def test_no_rule_is_an_error(make_gate: Callable, make_backend: Callable) -> None:
    backend = make_backend()
    gate = routed(make_gate, {"one": backend}, [{"users": ["alice"], "pool": "one"}])
    assert lands_on(gate, "alice") is backend
    reply = refusal(gate, "carol", {"use:database": "x"})
    assert reply.sql_state == "42501"
    assert "no rule says which pool a session of user carol with database" in reply.error
    assert not backend.seen("OpenSession", "carol")


def test_listeners_and_times(make_gate: Callable, make_backend: Callable) -> None:
    raw, now, later = (make_backend() for _ in range(3))
    start = datetime.datetime.now() - datetime.timedelta(hours=2)
    times = [(start + datetime.timedelta(hours=n)).strftime("%H:%M") for n in (0, 6, 12)]
    rules = [
        {"listeners": ["raw"], "pool": "raw"},
        {"between": times[1:], "pool": "later"},
        {"between": times[:2], "client": "hive", "pool": "now"},
    ]
    gate = routed(make_gate, {"raw": raw, "now": now, "later": later}, rules, raw=True)
    assert lands_on(gate, "alice") is now
    with gate.connect("raw") as peer:
        peer.open("alice", "alice-secret")
        assert raw.seen("OpenSession")


def test_shares(make_gate: Callable, make_backend: Callable) -> None:
    """Blue and green: a share is kept over any stretch of sessions."""
    green, blue = make_backend(), make_backend()
    rules = [{"share": 25, "pool": "green"}, {"pool": "blue"}]
    gate = routed(make_gate, {"green": green, "blue": blue}, rules)
    for _ in range(40):
        lands_on(gate, "alice")
    assert len(green.seen("OpenSession")) == 10
    assert len(blue.seen("OpenSession")) == 30


@pytest.mark.smoke
def test_fallback(make_gate: Callable, make_backend: Callable) -> None:
    """The first session finds the pool dead and goes on to the fallback, as those after it do; a
    pool that insists gets an error, and the others never notice."""
    spare = make_backend()
    rules = [
        {"users": ["carol"], "pool": "dead"},
        {"users": ["alice"], "pool": "dead", "fallback": "spare"},
        {"pool": "spare"},
    ]
    gate = routed(make_gate, {"dead": dead_address(), "spare": spare}, rules)
    for _ in range(3):
        assert lands_on(gate, "alice") is spare
    reply = refusal(gate, "carol")
    assert reply.sql_state == "08001"
    assert "no endpoint of pool dead could open the session" in reply.error
    assert lands_on(gate, "bob") is spare
    answers = {pool["pool"]: pool for pool in Admin(gate).get("/v1/pools").json()}
    assert answers["spare"]["ready"] and not answers["dead"]["ready"]
    assert Admin(gate).get("/readyz").status == 200


def test_fallback_with_another_login(
    make_gate: Callable, make_backend: Callable, tmp_path: Path
) -> None:
    """The OpenSession is made anew for the fallback: it may be spoken to in another name."""
    first, spare = make_backend(), make_backend()
    secret = tmp_path / "secret"
    secret.write_text("abc\n")
    secret.chmod(0o600)

    def change(config: dict) -> None:
        (pool,) = config["pools"]
        service = {"login": "service", "user": "hivegate", "password_file": str(secret)}
        config["pools"] = [
            {**pool, "name": "first", "endpoints": [first.address]},
            {**pool, "name": "spare", "endpoints": [spare.address], **service},
        ]
        config["routing"] = [{"pool": "first", "fallback": "spare"}]

    gate = make_gate(first, spare, bystanders=0, change=change)
    first.on("OpenSession", faults.reset, times=None)
    with gate.peer() as peer:
        peer.open(conf={"x": "y"})
        (made,) = [s for s in spare.sessions.values() if s.ended_by is None]
        assert made.configuration == {"x": "y", "hive.server2.proxy.user": "alice"}


def test_pools_are_drained_and_paused_by_name(make_gate: Callable, make_backend: Callable) -> None:
    one, two = make_backend(), make_backend()
    rules = [{"users": ["carol"], "pool": "two"}, {"pool": "one"}]
    gate = routed(make_gate, {"one": one, "two": two}, rules)
    admin = Admin(gate)
    assert admin.post("/v1/pause", {"pool": "two"}).status == 200
    reply = refusal(gate, "carol")
    assert reply.sql_state == "57P03" and "pool two" in reply.error
    assert lands_on(gate, "alice") is one
    assert admin.post("/v1/resume", {"pool": "two"}).status == 200
    assert lands_on(gate, "carol") is two
    assert admin.post("/v1/drain", {"endpoint": two.address}).status == 200
    reply = refusal(gate, "carol")
    assert "drained by an administrator" in reply.error
    states = {e["endpoint"]: (e["pool"], e["state"]) for e in admin.get("/v1/endpoints").json()}
    assert states == {one.address: ("one", "up"), two.address: ("two", "drained")}
