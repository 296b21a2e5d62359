"""Session variables: what clients may set when they open a session, and what is set for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.hivegate import add_user

from .kit.backend import Backend
from .kit.gate import Gate
from .kit.messages import open_fields


def start(
    make_gate: Callable, make_backend: Callable, variables: dict[str, Any], **more: Any
) -> tuple[Gate, Backend]:
    def change(config: dict) -> None:
        config["session_variables"] = variables
        config.update(more)

    backend = make_backend()
    gate = make_gate(backend, bystanders=0, change=change)
    add_user(gate.hivegate.users_path, "erin", "erin-secret", ["analysts"])
    gate.signal(1)
    gate.wait_log("users_reloaded")
    return gate, backend


def conf_of(gate: Gate, backend: Backend, user: str, conf: dict[str, str] | None) -> dict:
    backend.forget()
    peer = gate.peer(user)
    session = peer.open(conf=conf)
    [made] = [s for s in backend.sessions.values() if s.ended_by is None]
    peer.close_session(session).ok()
    peer.close()
    return made.configuration


@pytest.mark.smoke
def test_defaults(make_gate: Callable, make_backend: Callable) -> None:
    """By user and by group; the last entry counts, and what the client sets itself goes first."""
    gate, backend = start(
        make_gate,
        make_backend,
        {
            "defaults": [
                {"set": {"spark.sql.shuffle.partitions": 8, "spark.x": "all"}},
                {"groups": ["analysts"], "set": {"spark.x": "group"}},
                {"users": ["carol", "dora"], "set": {"Spark.X": "user"}},
            ]
        },
        impersonation=[{"principal": "alice", "may_act_as": {"groups": ["analysts"]}}],
    )
    key, other = "set:hiveconf:spark.sql.shuffle.partitions", "set:hiveconf:spark.x"
    assert conf_of(gate, backend, "alice", None) == {key: "8", other: "all"}
    assert conf_of(gate, backend, "erin", {"a": "b"}) == {"a": "b", key: "8", other: "group"}
    assert conf_of(gate, backend, "carol", None) == {key: "8", "set:hiveconf:Spark.X": "user"}
    own = {" set: hivevar:SPARK.X": "mine"}
    assert conf_of(gate, backend, "carol", own) == own | {key: "8"}
    acting = conf_of(gate, backend, "alice", {"hive.server2.proxy.user": "erin"})
    assert acting == {key: "8", other: "group"}


@pytest.mark.smoke
def test_what_clients_may_set(make_gate: Callable, make_backend: Callable) -> None:
    gate, backend = start(
        make_gate, make_backend, {"allow": ["spark.sql.*", "spark.driver.*"], "deny": ["*.legacy.*"]}
    )
    peer = gate.peer("alice")
    for name, why in (
        ("spark.x", "doesn't allow it"),
        ("spark.sql.legacy.x", "denies it"),
        ("spark.driver.memory", "the server's own"),
    ):
        for prefix in ("", "set:", "SET:HiveConf:", "set:hivevar:"):
            reply = peer.call("OpenSession", open_fields(conf={prefix + name: "1"}))
            assert reply.sql_state == "42501" and why in reply.error, reply.error
    assert not backend.seen("OpenSession")
    good = {
        "set:hiveconf:spark.sql.ansi.enabled": "true",
        "set:hiveconf:hive.server2.thrift.resultset.default.fetch.size": "1000",
        "use:database": "default",
    }
    assert conf_of(gate, backend, "alice", good) == good
