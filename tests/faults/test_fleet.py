"""A fleet whose replicas die, hang and come back at random while clients work: nothing hangs, no
answer goes astray, sessions are lost only where a replica was disturbed, and none is left behind."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest
from support.relay import Relay

from .kit.admin import Admin, with_admin
from .kit.backend import Backend
from .kit.gate import Gate, eventually
from .kit.messages import execute_fields, fetch_fields, info_fields, open_fields
from .kit.peer import Closed

REPLICAS = 3
CLIENTS = 16
DISTURBANCES = 14
SEED = 8


class Replica:
    """A server behind a relay, which is what is disturbed: the server keeps its books."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self.relay = Relay(backend.port)
        self.port = self.relay.port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """As SIGKILL and a restart: its connections break, then they are refused for a while."""
        self.relay.close()
        time.sleep(0.3)
        self.relay = Relay(self.backend.port, port=self.port)

    def freeze(self) -> None:
        """As SIGSTOP and SIGCONT: it takes connections and says nothing."""
        self.relay.silent = True
        time.sleep(0.7)
        self.relay.silent = False

    def cut(self) -> None:
        """Its connections break; it takes new ones."""
        self.relay.cut()
        time.sleep(0.1)


class Client:
    """Opens a session, uses it, closes it, over and over; what goes wrong is kept."""

    def __init__(self, gate: Gate, number: int):
        self.gate = gate
        self.number = number
        self.rounds = 0
        self.lost: list[str] = []
        self.wrong: list[str] = []
        self.ending = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def progress(self) -> int:
        return self.rounds + len(self.lost)

    def _run(self) -> None:
        while not self.ending and not self.wrong:
            try:
                self._round()
                self.rounds += 1
            except Closed as error:
                self.wrong.append(f"hivegate hung up: {error}")
            except BaseException as error:
                self.wrong.append(repr(error))

    def _round(self) -> None:
        with self.gate.peer("alice" if self.number % 2 else "carol") as peer:
            reply = peer.call("OpenSession", open_fields(conf={"number": str(self.number)}))
            if reply.sql_state is not None:  # there is always a replica that works
                self.wrong.append(f"open: {reply.error}")
                return
            session = reply.session
            for turn in range(4):
                fields = execute_fields(session, f"SELECT {self.number}, {turn}")
                reply = peer.call("ExecuteStatement", fields)
                if self._is_lost(reply):
                    return
                reply = peer.call("FetchResults", fetch_fields(reply.operation))
                if self._is_lost(reply) or self._is_lost(peer.call("GetInfo", info_fields(session))):
                    return
            if self.rounds % 2 == 0:
                self._is_lost(peer.close_session(session))

    def _is_lost(self, reply) -> bool:
        if reply.sql_state is None:
            return False
        if reply.sql_state != "08S01":
            self.wrong.append(reply.error)
        self.lost.append(reply.error)
        return True


@pytest.mark.parametrize("policy", ["least-sessions", "affinity"])
def test_replicas_come_and_go(make_gate: Callable, make_backend: Callable, policy: str) -> None:
    replicas = [Replica(make_backend()) for _ in range(REPLICAS)]
    spared = replicas[-1]
    gate = make_gate(
        *(replica.address for replica in replicas),
        bystanders=0,
        change=with_admin(),
        pool={
            "balancing": {"policy": policy},
            "health": {"interval": "100ms", "timeout": "500ms"},
        },
    )
    chance = random.Random(SEED)
    clients = [Client(gate, number) for number in range(CLIENTS)]
    for _ in range(DISTURBANCES):
        replica = chance.choice(replicas[:-1])
        chance.choice([replica.kill, replica.freeze, replica.cut])()
        before = [client.progress() for client in clients]
        eventually(
            lambda: all(  # noqa: B023
                client.wrong or client.progress() > start
                for client, start in zip(clients, before, strict=True)  # noqa: B023
            ),
            "all clients go on",
            120,
        )
    for client in clients:
        client.ending = True
    for client in clients:
        client.thread.join(120)
        assert not client.thread.is_alive(), "a client hangs"
    wrong = [text for client in clients for text in client.wrong]
    assert not wrong, wrong[:3]
    lost = [text for client in clients for text in client.lost]
    assert not [text for text in lost if spared.address in text]
    check_books(replicas)

    def states() -> dict[str, tuple[str, int, int]]:
        shown = Admin(gate).get("/v1/endpoints").json()
        return {one["endpoint"]: (one["state"], one["sessions"], one["operations"]) for one in shown}

    eventually(
        lambda: states() == {replica.address: ("up", 0, 0) for replica in replicas},
        lambda: f"all are up and empty: {states()}",
        60,
    )
    gate.stop()
    for replica in replicas:
        replica.backend.wait_until(
            lambda r=replica: not r.backend.live_sessions(), "no session is left", 30
        )
        replica.relay.close()


def check_books(replicas: list[Replica]) -> None:
    """Each session got the statements of its own client, and no other's."""
    statements = 0
    for replica in replicas:
        sessions = replica.backend.sessions
        for call in replica.backend.seen("ExecuteStatement"):
            session = sessions[call.handle.guid]
            assert call.statement.startswith(f"SELECT {session.configuration['number']},")
            assert call.user == session.user
            statements += 1
    assert statements > DISTURBANCES * CLIENTS
