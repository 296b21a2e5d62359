"""A hivegate under attack: with well-behaved clients on it that must never notice, and an eye on
its descriptors, sessions, memory and log."""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.hivegate import Hivegate, default_config, hivegate_program
from support.paths import ROOT
from support.process import tail

from .backend import Backend
from .messages import Handle, info_fields
from .peer import Address, Peer

USERS = ("alice", "bob", "carol")
BYSTANDER = "bob"  # whose clients behave; faults are meant for the others

_BAD_LOG = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|-(CRITICAL|WARNING|ERROR) \*\*"
    r"|Assertion .* failed"
)

# Sanitizers keep freed memory for a while; their own figures would say nothing about hivegate.
_SANITIZER_ENV = {
    "ASAN_OPTIONS": "quarantine_size_mb=8",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tests/tsan.supp",
}


def is_sanitized() -> bool:
    """Whether the hivegate under test is a build with a sanitizer."""
    program = hivegate_program().read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


def eventually(condition: Callable[[], Any], what: Any, seconds: float = 20.0) -> None:
    """Waits until the condition holds. `what` is a text, or a function that makes one at the end."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            said = what() if callable(what) else what
            raise AssertionError(f"not after {seconds:.0f} s: {said}")
        time.sleep(0.01)


class Bystander:
    """A well-behaved client in a thread of its own: status, fetch and info on one session, and
    now and then a further session, opened and closed."""

    def __init__(self, gate: Gate, index: int):
        self.gate = gate
        self.rounds = 0
        self.slowest = 0.0
        self.problem: str | None = None
        self.opens = True
        self._ending = False
        self._name = f"bystander {index}"
        self._peer = Peer(gate.address()).login(BYSTANDER)
        self._session = self._peer.open()
        self._operation = self._peer.execute(self._session, "SELECT 1")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ending = True
        self._thread.join(30.0)
        self._peer.close()

    def _run(self) -> None:
        try:
            while not self._ending:
                begin = time.monotonic()
                self._round()
                self.slowest = max(self.slowest, time.monotonic() - begin)
                self.rounds += 1
                time.sleep(0.02)
        except BaseException as error:
            self.problem = f"{self._name}, round {self.rounds}: {type(error).__name__}: {error}"

    def _round(self) -> None:
        peer = self._peer
        assert peer.operation_state(self._operation) == 2
        assert len(peer.fetch(self._operation).ok().raw) > 50
        peer.call("GetInfo", info_fields(self._session)).ok()
        if self.opens and self.rounds % 8 == 0:
            session = peer.open()
            operation = peer.execute(session, "SELECT 2")
            peer.fetch(operation).ok()
            peer.close_session(session).ok()


class Gate:
    """One hivegate in front of scripted backends.

    change   is given the config to edit before it is written
    raw      adds a second listener without SASL, named raw
    """

    def __init__(
        self,
        directory: Path,
        users_file: Path,
        backends: Sequence[Backend | str],
        *,
        change: Callable[[dict[str, Any]], None] | None = None,
        limits: Mapping[str, Any] | None = None,
        pool: Mapping[str, Any] | None = None,
        raw: bool = False,
        bystanders: int = 2,
        args: Sequence[str] = (),
        descriptors: int | None = None,
        program: Path | None = None,
    ):
        self.backends = [b for b in backends if isinstance(b, Backend)]
        sasl = "plain" if all(b.sasl for b in self.backends) else "none"
        addresses = [b if isinstance(b, str) else b.address for b in backends]
        config = default_config(addresses, sasl=sasl, **(pool or {}))
        config["listeners"][0]["bind"] = "127.0.0.1:0"
        if raw:
            listener = {"name": "raw", "bind": "127.0.0.1:0", "transport": "binary", "sasl": "none"}
            config["listeners"].append(listener)
        config["limits"] = dict(limits or {})
        # tests fail to log in for other ends; test_throttle.py is about this
        config["authentication"]["throttle"] = {"delay_after": 1_000_000, "refuse_after": 0}
        if change:
            change(config)
        self.config = config
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copy(users_file, directory / "users.txt")
        env = {name: os.environ.get(name, value) for name, value in _SANITIZER_ENV.items()}
        self.hivegate = Hivegate(config, args=args, directory=directory, env=env, program=program)
        self._peers: list[Peer] = []
        self._log_from = 0
        self._start(descriptors)
        self.idle_fds = self.fd_count()
        self.bystanders: list[Bystander] = []
        try:
            for index in range(bystanders):
                self.bystanders.append(Bystander(self, index))
        except BaseException:
            self.hivegate.kill()
            raise

    def _start(self, descriptors: int | None) -> None:
        self.hivegate.start(60.0)
        if descriptors is not None:
            resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))

    # ---- clients ----

    @property
    def pid(self) -> int:
        return self.hivegate.pid

    def address(self, listener: str = "thrift") -> Address:
        text = self.hivegate.addresses[listener]
        if text.startswith("unix:"):
            return text.removeprefix("unix:")
        host, _, port = text.rpartition(":")
        return host.strip("[]"), int(port)

    def connect(self, listener: str = "thrift", **how: Any) -> Peer:
        """A connection that hasn't logged in."""
        entry = next(e for e in self.config["listeners"] if e["name"] == listener)
        made = Peer(self.address(listener), framed=entry["sasl"] == "plain", **how)
        self._peers.append(made)
        return made

    def adopt(self, peer: Peer) -> None:
        """Ends this connection, too, when the test is over."""
        self._peers.append(peer)

    def close_peers(self) -> None:
        """Ends what a test that failed left open."""
        for made in self._peers:
            made.close()
        self._peers.clear()

    def peer(self, user: str = "alice", **how: Any) -> Peer:
        """A connection that has logged in."""
        made = self.connect(**how)
        try:
            return made.login(user)
        except BaseException:
            made.close()
            raise

    def session(self, user: str = "alice", **how: Any) -> tuple[Peer, Handle]:
        made = self.peer(user, **how)
        return made, made.open()

    # ---- watching ----

    def fd_count(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss_mb(self) -> float:
        return self.hivegate.rss_kb() / 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def log(self) -> str:
        """What it has logged since forget_log()."""
        return self.hivegate.log_text()[self._log_from :]

    def forget_log(self) -> None:
        self._log_from = len(self.hivegate.log_text())

    def wait_log(self, text: str, seconds: float = 20.0) -> None:
        eventually(
            lambda: text in self.log,
            lambda: f"{text!r} in the log:\n{tail(self.hivegate.log_path)}",
            seconds,
        )

    def check_bystanders(self, rounds: int = 2) -> None:
        """Every bystander makes some more rounds, without an error."""
        before = [b.rounds for b in self.bystanders]
        eventually(
            lambda: all(
                b.problem or b.rounds >= start + rounds
                for b, start in zip(self.bystanders, before, strict=True)
            ),
            "a well-behaved client goes on",
            60.0,
        )
        problems = [b.problem for b in self.bystanders if b.problem]
        assert not problems, f"well-behaved clients were hurt: {problems}\n{self._tail()}"

    def keep_opening(self, on: bool) -> None:
        """Whether the bystanders open sessions; off while an endpoint is out of order."""
        for bystander in self.bystanders:
            bystander.opens = on
        if not on:
            self.check_bystanders()

    def settle(self, seconds: float = 20.0) -> None:
        """Waits until nothing is left of the clients that were here: the sessions of others than
        the bystanders are closed, and all descriptors are gone but those of the bystanders and of
        the kept connections."""
        for backend in self.backends:
            backend.wait_until(
                lambda b=backend: all(s.user == BYSTANDER for s in b.live_sessions()),
                lambda b=backend: f"sessions are closed: {b.live_sessions()}",
                seconds,
            )
        eventually(lambda: self.fd_count() == self._expected_fds(), self._fds_text, seconds)
        complaints = [c for b in self.backends for c in b.complaints]
        assert not complaints, f"hivegate sent nonsense: {complaints}"

    def settle_fully(self) -> None:
        """The same with the kept connections gone too."""
        limit = len(self.bystanders)
        for bystander in self.bystanders:
            bystander.opens = False
        self.settle()
        eventually(
            lambda: sum(b.open_connections for b in self.backends) == limit,
            "hivegate lets go of the connections that it kept",
            30.0,
        )
        self.settle()

    def _expected_fds(self) -> int:
        backends = sum(b.open_connections for b in self.backends)
        return self.idle_fds + len(self.bystanders) + backends

    def _fds_text(self) -> str:
        links = []
        for entry in os.scandir(f"/proc/{self.pid}/fd"):
            try:
                links.append(os.readlink(entry.path))
            except OSError:
                pass
        return f"{len(links)} descriptors, {self._expected_fds()} expected: {sorted(links)}"

    def _tail(self) -> str:
        return tail(self.hivegate.log_path, 40)

    # ---- sockets ----

    def take_socket(self, wanted: Callable[[socket.socket], bool]) -> socket.socket:
        """A copy of one of hivegate's own sockets (pidfd_getfd), to look at its options."""
        libc = ctypes.CDLL(None, use_errno=True)
        pidfd = os.pidfd_open(self.pid)
        try:
            for entry in os.listdir(f"/proc/{self.pid}/fd"):
                fd = libc.syscall(438, pidfd, int(entry), 0)
                if fd < 0:
                    continue
                try:
                    made = socket.socket(fileno=fd)
                except OSError:
                    os.close(fd)
                    continue
                if wanted(made):
                    return made
                made.close()
        finally:
            os.close(pidfd)
        raise AssertionError("hivegate has no such socket")

    # ---- the end ----

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait_exit(self, seconds: float = 60.0) -> int | None:
        """The exit status after a signal that was sent."""
        assert self.hivegate.process
        assert self.hivegate.process.wait(seconds), f"hivegate goes on:\n{self._tail()}"
        return self.hivegate.process.returncode

    def stop(self) -> None:
        """SIGTERM; wants an orderly end and a clean log."""
        try:
            self.check_bystanders(1) if self.hivegate.alive else None
            for bystander in self.bystanders:
                bystander.end()
            self.hivegate.stop(60.0)
        finally:
            self.hivegate.kill()
        self.check_log()

    def check_log(self) -> None:
        bad = [line for line in self.hivegate.log_text().splitlines() if _BAD_LOG.search(line)]
        assert not bad, f"in {self.hivegate.log_path}:\n" + "\n".join(bad[:20])

    def kill(self) -> None:
        for bystander in self.bystanders:
            bystander._ending = True
        self.hivegate.kill()

    def terminate(self) -> None:
        self.signal(signal.SIGTERM)


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(config, indent=2))


@contextmanager
def shared_gate(folder: Path, users_file: Path, **how: Any) -> Iterator[tuple[Gate, Backend]]:
    """A gateway with its backend for many tests, which must have let go of everything at its end."""
    with Backend() as backend:
        gate = Gate(folder, users_file, [backend], **how)
        try:
            yield gate, backend
            gate.settle_fully()
            gate.stop()
        finally:
            gate.kill()
