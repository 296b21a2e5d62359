"""A real HiveServer2 under test, and what two runs of the same calls on one can't share."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.hive import HiveServer

from e2e.harness import normal
from e2e.harness import thrift_tree as tree
from e2e.harness.fleet import Pair
from e2e.harness.wire import Connection, Reply, Target


class Hive:
    """A HiveServer2 with the tables that the tests read."""

    def __init__(self, version: str, **how: Any):
        self.server = HiveServer(version, **how)
        self.version = version

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def target(self) -> Target:
        sasl = self.server.authentication != "NOSASL"
        return Target("127.0.0.1", self.server.port, sasl=sasl, label=self.server.name)

    def wait_seeded(self) -> None:
        """Waits until it is up and makes the tables."""
        self.server.wait_ready()
        with Connection(self.target.as_user("loader")) as connection:
            session = connection.open(username="loader")
            for statement in SEED:
                session.run(statement)
            session.close()

    def open_sessions(self) -> int:
        """How many sessions the server counts, some tenths of a second ago."""
        try:
            text = (self.server.work_dir / "metrics.json").read_text()
            return json.loads(text)["gauges"]["hs2_open_sessions"]["value"]
        except (OSError, ValueError):  # it is just being written
            return -1


def wait_for(done: Callable[[], Any], what: str) -> None:
    """Generous: it only keeps a broken server from hanging the run."""
    end = time.monotonic() + 120
    while not done():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


_QUERY_ID = re.compile(rb"\w+?_\d{14}_[0-9a-f-]{36}")

# In GetOperationStatus: what each task did when, as JSON; when it all began and ended; progress.
_TIMED = (6, 7, 8, 10)


class HiveRecorder(normal.Recorder):
    """Leaves out what is about time: query ids hold it, and an operation's status tells of it. The
    parts that are left out must be there, or not, on both sides."""

    def add(self, reply: Reply) -> None:
        if reply.name == "GetOperationStatus" and not reply.is_exception:
            reply = _edited(reply, lambda f: tree.Field(f.id, tree.BYTE, 1) if f.id in _TIMED else f)
        elif reply.name == "GetQueryId" and not reply.is_exception:
            assert _QUERY_ID.fullmatch(tree.get(reply.fields, 1)), reply.shown
            reply = _edited(reply, lambda f: tree.Field(f.id, f.type, b"query"))
        super().add(reply)


def _edited(reply: Reply, edit: Callable[[tree.Field], tree.Field]) -> Reply:
    message = reply.message
    answer = tree.Field(0, tree.STRUCT, [edit(field) for field in reply.fields])
    return Reply(tree.encode(tree.Message(message.type, message.name, message.seqid, [answer])))


@dataclass
class HivePair(Pair):
    """The same HiveServer2 twice, as Pair is the same Spark twice."""

    spark: Hive
    recorder = HiveRecorder


def slow(seconds: float = 60) -> str:
    """A statement whose one task sleeps in a hundred steps."""
    step = int(seconds * 10)
    return (
        f"SELECT count(reflect('java.lang.Thread', 'sleep', CAST({step} + id % 2 AS BIGINT))) "
        "FROM sales.orders"
    )


SEED = (
    "CREATE DATABASE sales",
    "CREATE TABLE sales.orders (id INT COMMENT 'the key', item STRING, price DECIMAL(10,2), "
    "placed TIMESTAMP, day DATE, PRIMARY KEY (id) DISABLE NOVALIDATE) "
    "COMMENT 'orders of a small shop'",
    "CREATE TABLE sales.lines (order_id INT, item STRING, CONSTRAINT of_order "
    "FOREIGN KEY (order_id) REFERENCES sales.orders(id) DISABLE NOVALIDATE)",
    "INSERT INTO sales.orders SELECT n + 1, concat('item-', n + 1), "
    "CAST((n + 1) * 1.25 AS DECIMAL(10,2)), CAST('2024-01-01 00:00:00' AS TIMESTAMP), "
    "date_add(date'2024-01-01', n) FROM (SELECT 1 AS one) one "
    "LATERAL VIEW posexplode(split(space(99), ' ')) numbers AS n, nothing",
    "CREATE VIEW sales.cheap AS SELECT id, item FROM sales.orders WHERE price < 10",
    "CREATE TABLE everything (a_boolean BOOLEAN, a_tinyint TINYINT, a_smallint SMALLINT, "
    "an_int INT, a_bigint BIGINT, a_float FLOAT, a_double DOUBLE, a_decimal DECIMAL(20,4), "
    "a_string STRING, a_char CHAR(6), a_varchar VARCHAR(9), a_date DATE, a_timestamp TIMESTAMP, "
    "a_local TIMESTAMP WITH LOCAL TIME ZONE, a_binary BINARY, an_array ARRAY<INT>, "
    "a_map MAP<STRING,INT>, a_struct STRUCT<x:INT,y:STRING>) STORED AS SEQUENCEFILE",
    "INSERT INTO everything SELECT true, 127Y, 32767S, 2147483647, 9223372036854775807L, "
    "CAST(1.5 AS FLOAT), 2.25D, 12345.6789BD, 'Zürich 東京', CAST('ch' AS CHAR(6)), "
    "CAST('varchar' AS VARCHAR(9)), date'2024-02-29', timestamp'2024-02-29 23:59:59.123456', "
    "CAST('2024-02-29 23:59:59.5 UTC' AS TIMESTAMP WITH LOCAL TIME ZONE), unhex('00FF10'), "
    "array(1,2,3), map('a',1), named_struct('x',7,'y','why')",
    # a row of nulls
    "INSERT INTO everything SELECT e.* FROM (SELECT 1 AS one) o LEFT JOIN everything e "
    "ON e.an_int = o.one",
)
