"""Listeners with authentication chains of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.hivegate import add_user

from .kit.http import OPEN, add_listener, http_peer
from .kit.peer import LoginRefused


@pytest.mark.smoke
def test_a_listener_has_its_own_chain(make_gate: Callable, make_backend: Callable) -> None:
    """What is remembered of a login by one chain says nothing to another."""

    def change(config: dict) -> None:
        listener = config["listeners"][0]
        config["listeners"].append(listener | {"name": "users", "chain": ["users"]})
        config["listeners"].append(listener | {"name": "same"})
        add_listener(config)

    gate = make_gate(make_backend(), change=change)
    for name in ("thrift", "users", "same"):
        gate.connect(name).login("alice", "alice-secret").close()
        with pytest.raises(LoginRefused):
            gate.connect(name).login("alice", "wrong")


@pytest.mark.smoke
def test_tokens_where_nobody_takes_them(make_gate: Callable, make_backend: Callable) -> None:
    gate = make_gate(make_backend(), change=add_listener)
    peer = http_peer(gate)
    for value in ("Bearer abc", "bearer  x.y.z", "Bearer", "Bearerabc", "Negotiate abc", "Digest x"):
        peer.authorization = value
        answer = peer.post(OPEN)
        assert answer.status == 401, value
        assert ("takes no tokens" in answer.text) == (
            value.split()[0].lower() == "bearer" and len(value.split()) > 1
        ), answer.text


def test_names_that_nobody_has(make_gate: Callable, make_backend: Callable) -> None:
    """Names that only another directory could know are denied like any wrong one."""
    gate = make_gate(make_backend())
    add_user(gate.hivegate.users_path, "dora", "dora-secret")
    for name in ("alice@example.org", "EXAMPLE/alice", "a:b", "ALICE", "cn=alice,dc=org"):
        with pytest.raises(LoginRefused) as refused:
            gate.connect().login(name, "alice-secret")
        assert "Error validating the login" in str(refused.value)
