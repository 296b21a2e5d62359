"""What the benchmark puts load on: the stand-in backend, and what can stand in front of it
(nothing, HAProxy, the minimal relay, hivegate), by any door through which clients come. Each is a
process of ours, ended by its pid."""

import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.certificates import Authority, Certificate  # noqa: E402
from support.hivegate import Hivegate, default_config  # noqa: E402
from support.net import free_port, is_listening  # noqa: E402
from support.process import Process  # noqa: E402
from support.process import ProcessFailed as ProcessFailed  # noqa: E402

USER = "bench"
PASSWORD = "one-two-three-bench"
THREADS = 2  # of each thing that stands in between


@dataclass(frozen=True)
class Door:
    """How clients come in, and how they are passed on."""

    name: str
    transport: str  # as the load generator calls it: sasl, raw, http
    tls: bool = False
    pool: str = "sasl"  # towards the backend, always without TLS

    @property
    def suffix(self) -> str:
        """Behind the name of what serves it; the plain binary door is the usual one."""
        return "" if self.name == "sasl" else f" {self.name}"

    @property
    def floor(self) -> str:
        """The target that does the least one could do; none does that with TLS or HTTP."""
        return "" if self.tls or self.transport == "http" else f"relay{self.suffix}"


SASL = Door("sasl", "sasl")
RAW = Door("raw", "raw", pool="raw")
TLS = Door("tls", "sasl", tls=True)
HTTP = Door("http", "http", pool="http")
HTTPS = Door("https", "http", tls=True, pool="http")
PLAIN_OR_NONE = {"sasl": "plain", "raw": "none"}  # as hivegate's configuration calls them
DOORS = {door.name: door for door in (SASL, RAW, TLS, HTTP, HTTPS)}

# Every connection takes two descriptors; 9,000 of them stay under a hard limit of 20,000.
HAPROXY_CONFIG = """\
global
    nbthread {threads}
    maxconn 9000
defaults
    mode {mode}
    maxconn 9000
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{port}{tls}
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
    door: Door = SASL
    pid: int | None = None
    backend_pid: int | None = None
    baseline: str = "haproxy"  # the target that its figures are held against
    floor: str = "relay"
    cases: tuple[str, ...] = ()  # the only ones that it is measured in; all when empty
    process: Process | None = field(default=None, compare=False)


class Bench:
    """The processes of one benchmark: a context manager; what it started ends with it."""

    def __init__(self, programs: Programs):
        self.programs = programs
        self.directory = Path(tempfile.mkdtemp(prefix="hivegate-bench-"))
        self._stack = ExitStack()
        self._started = 0
        self._certificate: Certificate | None = None

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

    def certificate(self) -> Certificate:
        """Whatever speaks TLS shows the same one, on the curve P-256."""
        if not self._certificate:
            self._certificate = Authority(self.directory / "tls").issue_server()
        return self._certificate

    def backend(self, fetch_bytes: int, *more: str) -> Target:
        """A stand-in backend of its own, and the target that is nothing but it."""
        port = free_port()
        argv = [str(self.programs.backend), "--port", str(port)]
        process = self._spawn("backend", port, [*argv, "--fetch-bytes", str(fetch_bytes), *more])
        return Target("direct", port, backend_pid=process.pid)

    def front(self, program: str, backend: Target, door: Door = SASL) -> Target:
        """A program by its name: haproxy, relay or hivegate."""
        if program == "relay":
            return self.relay(backend)
        return {"haproxy": self.haproxy, "hivegate": self.hivegate}[program](backend, door)

    def haproxy(self, backend: Target, door: Door = SASL) -> Target:
        """In HTTP mode for HTTP, else in TCP mode; it ends the clients' TLS."""
        port = free_port()
        config = self.directory / f"haproxy-{port}.cfg"
        tls = ""
        if door.tls:
            both = self.directory / "haproxy.pem"
            shown = self.certificate()
            both.write_text(shown.certificate.read_text() + shown.key.read_text())
            tls = f" ssl crt {both}"
        config.write_text(
            HAPROXY_CONFIG.format(
                mode="http" if door.transport == "http" else "tcp",
                threads=THREADS,
                port=port,
                tls=tls,
                backend=backend.port,
            )
        )
        argv = [str(self.programs.haproxy), "-db", "-f", str(config)]
        return self._proxy("haproxy", port, argv, backend, door)

    def relay(self, backend: Target) -> Target:
        port = free_port()
        argv = [str(self.programs.relay), "--listen", str(port), "--backend", str(backend.port)]
        return self._proxy("relay", port, [*argv, "--threads", str(THREADS)], backend, SASL)

    def _proxy(self, name: str, port: int, argv: list[str], backend: Target, door: Door) -> Target:
        process = self._spawn(name, port, argv)
        return Target(
            name + door.suffix,
            port,
            door=door,
            pid=process.pid,
            backend_pid=backend.backend_pid,
            baseline="haproxy" + door.suffix,
            floor=door.floor,
            process=process,
        )

    def hivegate(self, backend: Target, door: Door = SASL, pool: str | None = None) -> Target:
        """hivegate with one user. `pool`: another way to the backend than the door's own."""
        pool = pool or door.pool
        how = {"transport": "http"} if pool == "http" else {"sasl": PLAIN_OR_NONE[pool]}
        config = default_config([f"127.0.0.1:{backend.port}"], **how)
        config["workers"] = THREADS
        # sessions over HTTP are left behind with a statement each: nobody waits for those
        config["shutdown_timeout"] = "1s"
        listener = config["listeners"][0]
        if door.transport == "http":
            listener["transport"] = "http"
            del listener["sasl"]
        else:
            listener["sasl"] = PLAIN_OR_NONE[door.transport]
        if door.tls:
            listener["tls"] = {"certificates": [self.certificate().pair]}
        self._started += 1
        gateway = Hivegate(
            config,
            users={USER: PASSWORD},
            directory=self.directory / f"hivegate-{self._started}",
            program=self.programs.hivegate,
        )
        self._stack.callback(gateway.kill)
        gateway.start(timeout=60)
        own = pool == door.pool
        return Target(
            "hivegate" + door.suffix if own else f"hivegate {door.name}/{pool}",
            gateway.port,
            door=door,
            pid=gateway.pid,
            backend_pid=backend.backend_pid,
            baseline="haproxy" + door.suffix,
            floor=door.floor,
            process=gateway.process,
        )
