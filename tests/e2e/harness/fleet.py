"""The servers under test: real Spark Thrift Servers, and hivegates in front of them."""

from __future__ import annotations

import json
import shutil
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from support import nycflights
from support.hivegate import Hivegate, add_user, default_config
from support.net import free_port
from support.process import ProcessFailed, tail
from support.spark import SparkThriftServer

from e2e.harness import normal
from e2e.harness.sparkui import SparkUi
from e2e.harness.wire import Connection, Target

# Everyone's password is the name and "-secret". The last ones are for tests that watch a user's
# sessions on Spark and want nobody else's among them.
USERS = (
    *("alice", "bob", "carol", "mallory", "svc.etl", "jürgen w."),
    *("watched", "dropped", "many", "drained"),
)


def password_of(user: str) -> str:
    return f"{user}-secret"


class Spark:
    """A Spark Thrift Server with its web page on, which shows what it thinks of its sessions."""

    def __init__(self, version: str, name: str, *, memory: str = "1g", **how: Any):
        ui_port = free_port()
        conf = {
            "spark.ui.enabled": "true",
            "spark.ui.port": str(ui_port),
            "spark.ui.retainedJobs": "20000",
            "spark.ui.retainedStages": "20000",
            "spark.sql.thriftserver.ui.retainedSessions": "20000",
            "spark.sql.thriftserver.ui.retainedStatements": "20000",
            "spark.sql.thriftServer.interruptOnCancel": "true",
        }
        # More task slots than CPUs: the tests' long queries sleep, and must not hold up others.
        self.server = SparkThriftServer(version, name=name, conf=conf, memory=memory, cores=6, **how)
        self.version = version
        self.ui = SparkUi(ui_port)
        self._flights = False

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def target(self) -> Target:
        sasl = self.server.authentication != "NOSASL"
        return Target("127.0.0.1", self.server.port, sasl=sasl, label=self.server.name)

    def stop(self, keep: bool) -> None:
        self.server.stop()
        if not keep:
            shutil.rmtree(self.server.work_dir, ignore_errors=True)

    def wait_ready(self) -> None:
        """Waits until sessions can be opened."""
        self.server.wait_ready()
        self.ui.wait_complete()

    def wait_seeded(self) -> None:
        """Waits until it is up and makes the tables that the tests read."""
        self.wait_ready()
        with Connection(self.target.as_user("loader")) as connection:
            session = connection.open()
            for statement in SEED:
                session.run(statement)
            session.close()

    def load_flights(self) -> None:
        """The table of 336,776 flights; once per server."""
        if self._flights:
            return
        script = nycflights.load_script(nycflights.csv_files())
        statements = [s.strip() for s in script.split(";\n") if "flights" in s]
        with Connection(self.target.as_user("loader")) as connection:
            session = connection.open()
            for statement in statements:
                session.run(statement)
            count = session.value("SELECT count(*) FROM flights")
            session.close()
        assert count == nycflights.ROWS["flights"], f"{count} flights loaded"
        self._flights = True


class Gateway(Hivegate):
    """A hivegate whose log must be free of sanitizer reports when it stops."""

    def target(
        self,
        user: str = "alice",
        listener: str = "thrift",
        sasl: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> Target:
        address = self.addresses[listener]
        if address.startswith("unix:"):
            return Target(address, 0, user, password_of(user), sasl, "via", tls)
        host, _, port = address.rpartition(":")
        return Target(host.strip("[]"), int(port), user, password_of(user), sasl, "via", tls)

    def stop(self, grace: float = 60.0) -> None:
        super().stop(grace)
        self.check_log()

    def check_log(self) -> None:
        log = self.log_text()
        for sign in ("Sanitizer", "runtime error:", "assertion failed", "CRITICAL **"):
            if sign in log:
                raise ProcessFailed(
                    f"hivegate's log has {sign!r}; its last lines:\n{tail(self.log_path, 100)}"
                )


def write_users(path: Path) -> None:
    for user in USERS:
        add_user(path, user, password_of(user))


def config(
    endpoints: Sequence[str],
    users_file: Path,
    *,
    listeners: Sequence[Mapping[str, Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    **pool: Any,
) -> dict[str, Any]:
    """A config with one pool; `listeners` replaces the one binary listener with SASL PLAIN, and
    `settings` are further keys of the file."""
    made = default_config(endpoints, **pool) | dict(settings or {})
    made["authentication"]["users"]["file"] = str(users_file)
    if listeners is not None:
        made["listeners"] = [dict(listener) for listener in listeners]
    return made


@dataclass
class Pair:
    """The same Spark server twice: directly, and through a hivegate that has no other endpoint."""

    spark: Spark
    gateway: Gateway

    recorder: ClassVar[type[normal.Recorder]] = normal.Recorder

    @property
    def version(self) -> str:
        return self.spark.version

    @property
    def ui(self) -> SparkUi:
        return self.spark.ui

    @property
    def direct(self) -> Target:
        return self.spark.target

    @property
    def via(self) -> Target:
        return self.gateway.target()

    @property
    def targets(self) -> tuple[Target, Target]:
        return self.direct, self.via

    def same_replies(self, scenario: Any, user: str = "alice") -> list[tuple[str, bytes]]:
        """Runs scenario(connection) on both sides; every reply message must be the same, byte for
        byte, but for the handles' names. Returns the recording."""
        recordings = []
        for target in self.targets:
            with Connection(target.as_user(user)) as connection:
                recorder = self.recorder(connection)
                scenario(connection)
                recordings.append(recorder.replies)
        found = normal.difference(*recordings)
        assert found is None, found
        assert recordings[0], "the scenario made no call"
        return recordings[0]

    def same_value(self, action: Any) -> Any:
        """Runs action(target) on both sides; the JSON-like results must be equal. Returns one."""
        direct, via = (normal.plain(action(target)) for target in self.targets)
        assert via == direct, unlike(direct, via)
        return direct


def unlike(direct: Any, via: Any, where: str = "") -> str:
    """The first place where two JSON-like values differ."""
    if isinstance(direct, dict) and isinstance(via, dict) and direct.keys() == via.keys():
        for key in direct:
            if direct[key] != via[key]:
                return unlike(direct[key], via[key], f"{where}.{key}")
    if isinstance(direct, list) and isinstance(via, list) and len(direct) == len(via):
        for index, (left, right) in enumerate(zip(direct, via, strict=True)):
            if left != right:
                return unlike(left, right, f"{where}[{index}]")
    shown = [json.dumps(value, default=str)[:3000] for value in (direct, via)]
    return f"differs at {where or 'the top'}\ndirect: {shown[0]}\nvia:    {shown[1]}"


SEED = (
    "CREATE DATABASE IF NOT EXISTS sales",
    "DROP TABLE IF EXISTS sales.orders",
    "CREATE TABLE sales.orders (id INT COMMENT 'the key', item STRING, price DECIMAL(10,2), "
    "placed TIMESTAMP, day DATE) USING parquet COMMENT 'orders of a small shop'",
    "INSERT INTO sales.orders SELECT /*+ COALESCE(1) */ id, concat('item-', id), "
    "cast(id * 1.25 AS DECIMAL(10,2)), timestamp'2024-01-01 00:00:00' + make_interval(0,0,0,0,id), "
    "date'2024-01-01' + cast(id / 24 AS INT) FROM range(1, 101)",
    "CREATE OR REPLACE VIEW sales.cheap AS SELECT id, item FROM sales.orders WHERE price < 10",
    "DROP TABLE IF EXISTS everything",
    "CREATE TABLE everything (a_boolean BOOLEAN, a_tinyint TINYINT, a_smallint SMALLINT, "
    "an_int INT, a_bigint BIGINT, a_float FLOAT, a_double DOUBLE, a_decimal DECIMAL(20,4), "
    "a_string STRING, "
    "a_char CHAR(6), a_varchar VARCHAR(9), a_date DATE, a_timestamp TIMESTAMP, a_binary BINARY, "
    "an_array ARRAY<INT>, a_map MAP<STRING,INT>, a_struct STRUCT<x:INT,y:STRING>) USING parquet",
    "INSERT INTO everything SELECT /*+ COALESCE(1) */ * FROM VALUES "
    "(true, 127Y, 32767S, 2147483647, 9223372036854775807L, float(1.5), 2.25D, 12345.6789BD, "
    "'text', 'ch', 'varchar', date'2024-02-29', timestamp'2024-02-29 23:59:59.123456', X'00FF10', "
    "array(1,2,3), map('a',1), named_struct('x',7,'y','why')), "
    "(false, -128Y, -32768S, -2147483648, -9223372036854775808L, float('-Infinity'), "
    "double('NaN'), -0.0001BD, 'Zürich 東京 \U0001f680', '', '', date'1600-02-29', "
    "timestamp'1969-12-31 00:00:00', X'', array(), map(), "
    "named_struct('x',cast(null as int),'y','')), "
    "(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, "
    "null, null)",
)
