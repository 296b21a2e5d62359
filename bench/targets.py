"""What the benchmark puts load on: the stand-in backend, and what can stand in front of it
(nothing, HAProxy in TCP mode, the minimal relay, hivegate). Each is a process of ours, ended by
its pid."""

import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.hivegate import Hivegate, default_config  # noqa: E402
from support.net import free_port, is_listening  # noqa: E402
from support.process import Process  # noqa: E402
from support.process import ProcessFailed as ProcessFailed  # noqa: E402

USER = "bench"
PASSWORD = "one-two-three-bench"
THREADS = 2  # of each thing that stands in between

# Every connection takes two descriptors; 9,000 of them stay under a hard limit of 20,000.
HAPROXY_CONFIG = """\
global
    nbthread {threads}
    maxconn 9000
defaults
    mode tcp
    maxconn 9000
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{port}
    server backend 127.0.0.1:{backend}
"""


class MissingProgram(Exception):
    """Something that the benchmark runs isn't there."""


@dataclass(frozen=True)
class Programs:
    """Where the programs are."""

    backend: Path
    load: Path
    relay: Path
    hivegate: Path
    haproxy: Path

    @classmethod
    def find(cls, build: Path, hivegate: Path | None) -> "Programs":
        """Those of a build folder, and the system's HAProxy."""
        haproxy = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not haproxy:
            raise MissingProgram("no haproxy; install it: apt-get install haproxy")
        found = cls(
            backend=build / "bench" / "bench-backend",
            load=build / "bench" / "bench-load",
            relay=build / "bench" / "bench-relay",
            hivegate=hivegate or build / "hivegate",
            haproxy=Path(haproxy),
        )
        for program in (found.backend, found.load, found.relay, found.hivegate):
            if not program.exists():
                raise MissingProgram(f"no {program}; build it: make bench")
        return found


@dataclass(frozen=True)
class Target:
    """Something to put load on: a port, how to speak to it, and the process in between."""

    name: str
    port: int
    transport: str = "sasl"  # the client's side: sasl or raw
    pid: int | None = None
    backend_pid: int | None = None
    baseline: str = "haproxy"  # the target that its figures are held against
    floor: str = "relay"
    process: Process | None = field(default=None, compare=False)


class Bench:
    """The processes of one benchmark: a context manager; what it started ends with it."""

    def __init__(self, programs: Programs):
        self.programs = programs
        self.directory = Path(tempfile.mkdtemp(prefix="hivegate-bench-"))
        self._stack = ExitStack()
        self._started = 0

    def __enter__(self) -> "Bench":
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        return self

    def __exit__(self, *exc) -> None:
        self._stack.__exit__(*exc)

    def _spawn(self, what: str, port: int, argv: list[str]) -> Process:
        self._started += 1
        process = Process.spawn(argv, self.directory / f"{what}-{self._started}.log")
        self._stack.callback(process.stop)
        process.wait_until(lambda: is_listening(port), what, 60)
        return process

    def backend(self, fetch_bytes: int) -> Target:
        """A stand-in backend of its own, and the target that is nothing but it."""
        port = free_port()
        argv = [str(self.programs.backend), "--port", str(port)]
        process = self._spawn("backend", port, [*argv, "--fetch-bytes", str(fetch_bytes)])
        return Target("direct", port, backend_pid=process.pid)

    def haproxy(self, backend: Target) -> Target:
        port = free_port()
        config = self.directory / f"haproxy-{port}.cfg"
        config.write_text(HAPROXY_CONFIG.format(threads=THREADS, port=port, backend=backend.port))
        argv = [str(self.programs.haproxy), "-db", "-f", str(config)]
        return self._proxy("haproxy", port, argv, backend)

    def relay(self, backend: Target) -> Target:
        port = free_port()
        argv = [str(self.programs.relay), "--listen", str(port), "--backend", str(backend.port)]
        return self._proxy("relay", port, [*argv, "--threads", str(THREADS)], backend)

    def _proxy(self, name: str, port: int, argv: list[str], backend: Target) -> Target:
        process = self._spawn(name, port, argv)
        return Target(name, port, pid=process.pid, backend_pid=backend.backend_pid, process=process)

    def hivegate(self, backend: Target, listener: str = "plain", pool: str = "plain") -> Target:
        """hivegate with one user; `listener` and `pool` say plain or none, for SASL towards the
        client and towards the backend."""
        config = default_config([f"127.0.0.1:{backend.port}"], sasl=pool)
        config["workers"] = THREADS
        config["listeners"][0]["sasl"] = listener
        self._started += 1
        gateway = Hivegate(
            config,
            users={USER: PASSWORD},
            directory=self.directory / f"hivegate-{self._started}",
            program=self.programs.hivegate,
        )
        self._stack.callback(gateway.kill)
        gateway.start(timeout=60)
        suffix = "" if listener == "plain" else " raw"
        return Target(
            "hivegate" if listener == pool == "plain" else f"hivegate {listener}/{pool}",
            gateway.port,
            transport="sasl" if listener == "plain" else "raw",
            pid=gateway.pid,
            backend_pid=backend.backend_pid,
            baseline=f"haproxy{suffix}",
            floor=f"relay{suffix}",
            process=gateway.process,
        )
