"""Pools of endpoints: sessions are spread, dead endpoints skipped, killed ones told of."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from support.net import free_port

from e2e.harness.fleet import Gateway, Spark
from e2e.harness.queries import slow
from e2e.harness.wire import Closed, Connection, Failed, Session


@pytest.fixture(scope="module")
def two(sparks: dict[str, Spark], spare: Callable[..., Spark]) -> tuple[Spark, Spark]:
    """Two servers that nobody else minds: a pool of them may lose one."""
    return sparks["3.5"], spare("3.5")


def name_of_server(session: Session) -> str:
    return session.rows("SET spark.app.name")[0][1]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


@pytest.mark.smoke
def test_sessions_are_spread(two: tuple[Spark, Spark], make_gateway: Callable[..., Gateway]) -> None:
    """Each new session goes to the endpoint with the fewest."""
    gateway = make_gateway([spark.address for spark in two])
    with Connection(gateway.target()) as connection:
        sessions = [connection.open() for _ in range(10)]
        servers = [name_of_server(session) for session in sessions]
        assert {servers.count(spark.server.name) for spark in two} == {5}, servers
        # Every session goes on where it began, and what is closed makes room.
        assert [name_of_server(session) for session in sessions] == servers
        left = two[0].server.name
        for session, server in zip(sessions, servers, strict=True):
            if server == left:
                session.close().ok()
        again = [connection.open() for _ in range(5)]
        assert [name_of_server(session) for session in again] == [left] * 5


@pytest.mark.smoke
def test_a_dead_endpoint_is_skipped(
    two: tuple[Spark, Spark], make_gateway: Callable[..., Gateway]
) -> None:
    """Nothing listens on two of three endpoints; no client hears of it."""
    dead = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    gateway = make_gateway([dead[0], two[0].address, dead[1]])
    for _ in range(6):
        with Connection(gateway.target()) as connection:
            session = connection.open()
            assert name_of_server(session) == two[0].server.name
            session.close().ok()


def test_an_endpoint_that_hangs_up_is_skipped(
    two: tuple[Spark, Spark], make_gateway: Callable[..., Gateway]
) -> None:
    """It takes the connection and closes it, as a server that is about to end does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]

        def hang_up() -> None:
            while True:
                try:
                    taken, _ = listener.accept()
                except OSError:
                    return
                taken.close()

        threading.Thread(target=hang_up, daemon=True).start()
        gateway = make_gateway([f"127.0.0.1:{port}", two[0].address])
        for _ in range(4):
            with Connection(gateway.target()) as connection:
                assert name_of_server(connection.open()) == two[0].server.name
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.smoke
def test_no_endpoint_at_all(make_gateway: Callable[..., Gateway]) -> None:
    """The client hears which pool had none, and may try again on the same connection."""
    gateway = make_gateway([f"127.0.0.1:{free_port()}" for _ in range(3)])
    with Connection(gateway.target()) as connection:
        for _ in range(3):
            reply = connection.open_reply()
            assert reply.status["code"] == 3, reply.shown
            assert len(reply.status["message"]) > 30 and "default" in reply.status["message"]
            assert reply.result.sessionHandle is None


def test_an_endpoint_that_comes_back(
    two: tuple[Spark, Spark], make_gateway: Callable[..., Gateway]
) -> None:
    """The only endpoint is away, then there: the next session works (it is a relay to a server)."""
    port = free_port()
    gateway = make_gateway([f"127.0.0.1:{port}"])
    with Connection(gateway.target()) as connection:
        assert connection.open_reply().status["code"] == 3
        with Relay(port, two[0].server.port):
            assert connection.open().value("SELECT 1") == 1
        assert connection.open_reply().status["code"] == 3
        with Relay(port, two[0].server.port) as relay:
            session = connection.open()
            relay.cut()
            reply_or_closed(session)
            assert connection.open().value("SELECT 2") == 2


def reply_or_closed(session: Session) -> str:
    """What a lost session says, which has to be an error that one can read."""
    reply = session.call("ExecuteStatement", statement="SELECT 1")
    assert not reply.is_exception, reply.exception
    assert reply.status["code"] == 3, reply.shown
    assert len(reply.status["message"]) > 20
    return reply.status["message"]


class Relay:
    """A port that leads to a server and can be cut."""

    def __init__(self, port: int, to: int):
        self.to = to
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self) -> None:
        for pair in self.pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()


@pytest.mark.smoke
def test_the_connection_to_the_server_breaks(
    two: tuple[Spark, Spark], make_gateway: Callable[..., Gateway]
) -> None:
    """During a call, between calls, in the middle of a poll: an error each time, never a hang; the
    client's connection and its other sessions live on."""
    port = free_port()
    with Relay(port, two[0].server.port) as relay:
        gateway = make_gateway([f"127.0.0.1:{port}"])
        with Connection(gateway.target()) as connection:
            session = connection.open()
            operation = session.execute("SELECT 1")
            relay.cut()
            first = reply_or_closed(session)
            assert reply_or_closed(session)
            assert operation.fetch().status["code"] == 3
            assert session.close().status["code"] in (0, 3)
            assert first
            # In the middle of a call.
            session = connection.open()
            operation = session.execute(slow("relay cut", 20), run_async=True)
            cutter = threading.Timer(1.0, relay.cut)
            cutter.start()
            with pytest.raises(Failed) as failed:
                operation.wait()
            assert len(failed.value.status["message"]) > 20
            cutter.join()
            assert connection.open().value("SELECT 'again'") == "again"


@pytest.mark.smoke
def test_a_spark_is_killed(
    spare: Callable[..., Spark], two: tuple[Spark, Spark], make_gateway: Callable[..., Gateway]
) -> None:
    """Its sessions answer a clear error, those on the other server don't notice, and new ones go
    there."""
    doomed = spare("3.5")
    gateway = make_gateway([two[0].address, doomed.address])
    names = {two[0].server.name: "kept", doomed.server.name: "lost"}
    with Connection(gateway.target()) as connection, Connection(gateway.target()) as second:
        sessions: dict[str, list[Session]] = {"kept": [], "lost": []}
        for _ in range(6):
            session = connection.open()
            sessions[names[name_of_server(session)]].append(session)
        assert len(sessions["kept"]) == len(sessions["lost"]) == 3
        running = sessions["lost"][0].execute(slow("doomed"), run_async=True)
        ended: list[object] = []

        def poll() -> None:
            try:
                ended.append(running.on(second).wait().status)
            except (Failed, Closed) as error:
                ended.append(error)

        poller = threading.Thread(target=poll)
        poller.start()
        doomed.ui.wait_running("doomed")
        doomed.server.kill()
        poller.join(120)
        assert ended and isinstance(ended[0], Failed), ended
        assert len(ended[0].status["message"]) > 20
        for session in sessions["lost"]:
            reply_or_closed(session)
            assert session.call("GetTables").status["code"] == 3
        assert running.fetch().status["code"] == 3
        for session in sessions["kept"]:
            assert session.value("SELECT 'alive'") == "alive"
        for _ in range(4):
            session = connection.open()
            assert names[name_of_server(session)] == "kept"
        for session in sessions["lost"]:
            session.close()


@pytest.mark.smoke
def test_a_spark_is_stopped(two: tuple[Spark, Spark], make_gateway: Callable[..., Gateway]) -> None:
    """SIGSTOP: it takes connections and says nothing. A probe finds that; new sessions go to the
    other at once, and the session there goes on when it does."""
    health = {"interval": "500ms", "timeout": "3s"}
    gateway = make_gateway([spark.address for spark in two], health=health)
    kept, stopped = two
    with Connection(gateway.target()) as connection:
        sessions = {name_of_server(session): session for session in [connection.open() for _ in "ab"]}
        assert sorted(sessions) == sorted(spark.server.name for spark in two)
        os.kill(stopped.server.pid, signal.SIGSTOP)
        try:
            wait_for(lambda: f"endpoint={stopped.address} by=probe" in gateway.log_text())
            for _ in range(4):
                session = connection.open()
                assert name_of_server(session) == kept.server.name
                session.close().ok()
        finally:
            os.kill(stopped.server.pid, signal.SIGCONT)
        wait_for(lambda: "endpoint_recovered" in gateway.log_text())
        for name, session in sessions.items():
            assert name_of_server(session) == name
        assert name_of_server(connection.open()) in sessions


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_silent_endpoint_does_not_stop_the_others(
    two: tuple[Spark, Spark], silent_port: int, make_gateway: Callable[..., Gateway]
) -> None:
    """It takes connections and says nothing. The session that waits for it ends in an error or on
    another endpoint, and clients beside it don't wait."""
    gateway = make_gateway([f"127.0.0.1:{silent_port}", two[0].address], login_timeout="3s")
    opened: list[str] = []

    def open_one() -> None:
        with Connection(gateway.target()) as connection:
            reply = connection.open_reply()
            opened.append("ok" if reply.status["code"] == 0 else reply.status["message"])

    waiting = [threading.Thread(target=open_one) for _ in range(4)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(200)
    assert len(opened) == 4, "an OpenSession hangs"
    assert "ok" in opened
    assert all(answer == "ok" or len(answer) > 20 for answer in opened)
