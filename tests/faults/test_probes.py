"""Probes: what doesn't answer is found before a user finds it, and taken again when it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .kit import faults
from .kit.admin import Admin, with_admin
from .kit.backend import Backend, Call, Fault, Turn
from .kit.gate import Gate, eventually
from .kit.http import HttpBackend
from .kit.messages import error_answer, info_fields

PROBER = "hivegate"
HEALTH = {"interval": "100ms", "timeout": "500ms"}


def probed(make_gate: Callable, *backends: Backend, **pool: Any) -> Gate:
    return make_gate(*backends, bystanders=0, change=with_admin(), pool={"health": HEALTH, **pool})


def error(text: str) -> Fault:
    def fault(turn: Turn) -> None:
        assert turn.call
        turn.answer(error_answer(turn.call.name, turn.call.seqid, text))

    return fault


def states(gate: Gate) -> dict[str, str]:
    return {one["endpoint"]: one["state"] for one in Admin(gate).get("/v1/endpoints").json()}


def wait_state(gate: Gate, backend: Backend, state: str) -> None:
    eventually(
        lambda: states(gate)[backend.address] == state,
        lambda: f"{backend.address} is {state}, not {states(gate)}",
        60,
    )


def end(gate: Gate) -> None:
    """The probes' sessions are closed when hivegate ends."""
    gate.terminate()
    assert gate.wait_exit() == 0
    for backend in gate.backends:
        backend.wait_until(lambda b=backend: not b.live_sessions(), "the probe's is closed", 30)


@pytest.mark.smoke
@pytest.mark.parametrize("kind", [Backend, HttpBackend])
def test_one_session_is_kept(make_gate: Callable, make_backend: Callable, kind: type) -> None:
    """Many probes, one session; users aren't counted beside them."""
    backend = make_backend(kind)
    gate = probed(make_gate, backend, **({"transport": "http"} if kind is HttpBackend else {}))
    backend.wait_call("GetInfo", PROBER, 10)
    assert len(backend.seen("OpenSession", PROBER)) == 1
    assert states(gate) == {backend.address: "up"}
    (shown,) = Admin(gate).get("/v1/endpoints").json()
    assert shown["sessions"] == 0 and shown["latency_ms"] > 0
    assert Admin(gate).metrics()['hivegate_probes_total{outcome="done"}'] >= 10
    end(gate)


@pytest.mark.smoke
def test_silence_is_found(make_gate: Callable, make_backend: Callable) -> None:
    """It takes connections and says nothing: no user's session goes there, and none waits."""
    good, bad = make_backend(), make_backend()
    gate = probed(make_gate, good, bad)
    bad.wait_call("GetInfo", PROBER)
    for name in ("connect", "GetInfo"):
        bad.on(name, faults.silence, times=None)
    wait_state(gate, bad, "down")
    assert "it is silent" in gate.log
    for _ in range(6):
        with gate.peer() as peer:
            session = peer.open()
            peer.call("GetInfo", info_fields(session)).ok()
            peer.close_session(session).ok()
    assert not bad.seen("OpenSession", "alice")
    bad.clear()
    bad.drop_all()
    wait_state(gate, bad, "up")
    gate.wait_log("endpoint_recovered")
    end(gate)


def test_a_session_that_is_forgotten(make_gate: Callable, make_backend: Callable) -> None:
    """An error to GetInfo leads to a full open, not to a failure."""
    backend = make_backend()
    gate = probed(make_gate, backend)
    backend.wait_call("GetInfo", PROBER)
    backend.on("GetInfo", error("Invalid SessionHandle"), user=PROBER)
    backend.wait_call("OpenSession", PROBER, 2)
    backend.forget()
    backend.wait_call("GetInfo", PROBER, 3)
    assert states(gate) == {backend.address: "up"}
    assert "endpoint_failed" not in gate.log
    gate.terminate()
    assert gate.wait_exit() == 0


def test_opens_that_fail(make_gate: Callable, make_backend: Callable) -> None:
    """A server that answers but opens no sessions is ejected; a user's session clears that, too."""
    good, bad = make_backend(), make_backend()

    def of_the_probe(call: Call) -> bool:
        return call.user == PROBER

    bad.on("OpenSession", error("no more threads"), times=None, wanted=of_the_probe)
    gate = probed(make_gate, good, bad)
    wait_state(gate, bad, "down")
    wait_state(gate, good, "up")
    assert "it doesn't open a session for the probe" in gate.log
    end(gate)


def test_a_drained_endpoint_is_left_alone(make_gate: Callable, make_backend: Callable) -> None:
    """The probe's session there is closed: the server can end."""
    one, two = make_backend(), make_backend()
    gate = probed(make_gate, one, two)
    for backend in (one, two):
        backend.wait_call("GetInfo", PROBER)
    assert Admin(gate).post("/v1/drain", {"endpoint": one.address}).status == 200
    one.wait_until(lambda: not one.live_sessions(), "the probe's session is closed", 30)
    two.forget()
    two.wait_call("GetInfo", PROBER, 2)
    assert Admin(gate).post("/v1/undrain", {"endpoint": one.address}).status == 200
    one.wait_call("OpenSession", PROBER, 2)
    end(gate)
