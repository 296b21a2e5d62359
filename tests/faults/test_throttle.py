"""Clients that fail to log in again and again: they are slowed down, then refused, and nobody else
notices."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from .kit.gate import Gate
from .kit.http import OPEN, add_listener, http_peer
from .kit.peer import LoginRefused, plain_login

REFUSED = "Too many failed logins; try again in"


def throttled(**settings: Any) -> Callable[[dict], None]:
    def change(config: dict) -> None:
        config["authentication"]["throttle"] = settings
        config["authentication"]["failure_ttl"] = 0
        add_listener(config)

    return change


def refusal(gate: Gate, user: str, password: str) -> str:
    with pytest.raises(LoginRefused) as refused:
        gate.connect().login(user, password)
    return str(refused.value)


@pytest.mark.smoke
def test_failures_shut_out(make_gate: Callable, make_backend: Callable) -> None:
    """The right password doesn't help then; somebody else from the same address comes in, and a
    reload lets everybody try again."""
    gate = make_gate(make_backend(), change=throttled(delay_after=100, refuse_after=5))
    gate.peer("alice").close()  # remembered, so it goes on coming in with the right password
    for number in range(5):
        assert REFUSED not in refusal(gate, "carol", f"wrong {number}")
    for password in ("wrong", "carol-secret"):
        assert REFUSED in refusal(gate, "carol", password)
    answer = http_peer(gate, "carol").post(OPEN)
    assert answer.status == 401 and REFUSED in answer.text
    gate.peer("alice").close()
    gate.wait_log("too many failed logins")
    gate.signal(signal.SIGHUP)
    gate.wait_log("users_reloaded")
    gate.peer("carol").close()


@pytest.mark.smoke
def test_failures_are_answered_late(make_gate: Callable, make_backend: Callable) -> None:
    """Later and later; who waits for an answer may leave, and a success ends it."""
    gate = make_gate(make_backend(), change=throttled(delay_after=1, refuse_after=0))
    waits = []
    for number in range(4):
        begin = time.monotonic()
        refusal(gate, "alice", f"wrong {number}")
        waits.append(time.monotonic() - begin)
    assert waits[1] >= 0.5 and waits[2] >= 1.0 and waits[3] >= 2.0
    peers = [gate.connect() for _ in range(4)]
    for peer in peers:
        peer.send(plain_login("alice", "wrong"))
    peers[0].reset()
    peers[1].close()
    gate.peer("alice").close()
    assert peers[2].sasl_answer() and peers[3].sasl_answer()


@pytest.mark.smoke
def test_the_end_while_an_answer_is_late(make_gate: Callable, make_backend: Callable) -> None:
    gate = make_gate(make_backend(), bystanders=0, change=throttled(delay_after=0, refuse_after=0))
    for number in range(3):
        refusal(gate, "alice", f"wrong {number}")
    peers = [gate.connect() for _ in range(3)]
    for peer in peers:
        peer.send(plain_login("alice", "wrong"))
    time.sleep(0.3)
    gate.terminate()
    assert gate.wait_exit() == 0
    gate.check_log()


@pytest.mark.smoke
def test_the_same_wrong_password(make_gate: Callable, make_backend: Callable) -> None:
    """A tool with an old password counts once while its failure is remembered."""

    def change(config: dict) -> None:
        throttled(delay_after=1, refuse_after=2)(config)
        config["authentication"]["failure_ttl"] = "1h"

    gate = make_gate(make_backend(), change=change)
    for _ in range(20):
        assert REFUSED not in refusal(gate, "alice", "old")
    gate.peer("alice").close()


def test_an_address_is_shut_out(make_gate: Callable, make_backend: Callable) -> None:
    """When wanted: whoever guesses names from there, too."""
    settings = throttled(delay_after=100, refuse_after=0, address_refuse_after=6, refuse_for="1s")
    gate = make_gate(make_backend(), bystanders=0, change=settings)
    for number in range(6):
        refusal(gate, f"user{number}", "wrong")
    assert REFUSED in refusal(gate, "alice", "alice-secret")
    time.sleep(1.1)
    gate.peer("alice").close()
