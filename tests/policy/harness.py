"""What the tests of meaning share: a Spark Thrift Server, and hivegatectl's rewriting before it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyhive import hive
from support.hivegate import Hivegate, default_config
from support.net import free_port
from support.paths import ROOT
from support.relay import Relay
from support.spark import SparkThriftServer
from TCLIService import ttypes

HERE = Path(__file__).parent


def program() -> Path:
    """hivegatectl of this build; HIVEGATECTL_BIN names another, such as one with sanitizers."""
    return Path(os.environ.get("HIVEGATECTL_BIN", ROOT / "build" / "hivegatectl"))


@dataclass
class Rows:
    """What a statement answered: headings, types, rows; or the error's text."""

    names: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]
    error: str | None = None

    def text(self) -> str:
        """All that a client receives, for searching."""
        return f"{self.names} {self.rows} {self.error}"


class Session:
    """One session of a Spark Thrift Server."""

    def __init__(self, server: SparkThriftServer, database: str = "default"):
        self._connection = hive.connect("127.0.0.1", server.port, username="test")
        self.use(database)

    def use(self, database: str) -> None:
        self.must(f"USE {database}")

    def run(self, sql: str) -> Rows:
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql)
            names = [column[0] for column in cursor.description or []]
            types = [column[1] for column in cursor.description or []]
            return Rows(names, types, self._rows(cursor))
        except Exception as error:  # whatever the server or the driver says
            return Rows([], [], [], str(error))
        finally:
            cursor.close()

    @staticmethod
    def _rows(cursor: Any) -> list[tuple[Any, ...]]:
        """PyHive trips over the answers of statements like USE, which have no columns."""
        try:
            return cursor.fetchall()
        except TypeError:
            return []

    def must(self, sql: str) -> Rows:
        answer = self.run(sql)
        assert answer.error is None, f"{sql}\n{answer.error[:2000]}"
        return answer


USERS = {
    "bob": ("bob-secret", ["analysts"]),
    "alice": ("alice-secret", ["analysts"]),
    "carl": ("carl-secret", []),
    "root": ("root-secret", ["admins"]),
}


def gateway(server: SparkThriftServer, policies: Path, **sections: Any) -> Hivegate:
    """A gateway in front of the server that enforces a policies file; to be started. Further
    sections of its config by name."""
    config = default_config([f"127.0.0.1:{server.port}"])
    http = {"name": "http", "bind": f"127.0.0.1:{free_port()}", "transport": "http"}
    config["listeners"].append(http)
    config["audit"] = {"spool": "spool"}
    config["policies"] = {"file": str(policies), "user": "hivegate"}
    config |= sections
    return Hivegate(config, USERS)


class Through(Session):
    """A session of one user through the gateway; `heard` is every byte that came back."""

    def __init__(self, port: int, user: str, database: str = "default"):
        self.relay = Relay(port)
        self.heard = self.relay.keep()
        self._connection = hive.connect(
            "127.0.0.1",
            self.relay.port,
            username=user,
            password=USERS[user][0],
            auth="CUSTOM",
            database=database,
        )

    def close(self) -> None:
        self._connection.close()
        self.relay.close()

    def __enter__(self) -> Through:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def cursor(self) -> Any:
        return self._connection.cursor()

    def tables(self) -> Any:
        """The status of the answer to GetTables."""
        request = ttypes.TGetTablesReq(sessionHandle=self._connection.sessionHandle)
        return self._connection.client.GetTables(request).status

    def refused(self, sql: str) -> str:
        error = self.run(sql).error
        assert error is not None and "hivegate" in error, f"{sql}\n{error}"
        return error


@dataclass
class Who:
    """The user of a rewriting."""

    user: str
    groups: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    database: str = "default"

    def options(self) -> list[str]:
        words = ["--user", self.user, "--database", self.database]
        if self.groups:
            words += ["--groups", ",".join(self.groups)]
        for attribute in self.attributes:
            words += ["--attr", attribute]
        return words


def rewrite(
    policies: Path,
    schemas: Path,
    who: Who,
    statements: Iterable[str],
    conf: dict[str, str] | None = None,
    engine: str = "spark-3.5",
) -> list[dict[str, Any]]:
    """What hivegatectl sql rewrite answers, one for each statement."""
    command = [str(program()), "sql", "rewrite", "--policies", str(policies)]
    command += ["--schemas", str(schemas), "--engine", engine, *who.options()]
    lines = [{"id": n, "sql": sql, "conf": conf or {}} for n, sql in enumerate(statements)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    run = subprocess.run(command, input=text, capture_output=True, text=True)
    assert run.returncode == 0, f"exit code {run.returncode}\n{run.stderr[-2000:]}"
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == list(range(len(lines)))
    return answers


def schemas_of(session: Session, databases: Iterable[str]) -> dict[str, list[list[str]]]:
    """All tables of these databases with their columns, as the server describes them."""
    found: dict[str, list[list[str]]] = {}
    for database in databases:
        for _, table, _ in session.must(f"SHOW TABLES IN {database}").rows:
            rows = session.must(f"DESCRIBE {database}.{table}").rows
            columns = []
            for name, kind, _ in rows:
                if name.startswith("#") or not name:
                    break
                columns.append([name, kind])
            found[f"spark_catalog.{database}.{table}"] = columns
    return found


def blocks(path: Path) -> list[str]:
    """The statements of a file, with empty lines between. Lines of -- alone say what comes; one
    that ends in a backslash belongs to the statement."""
    found = []
    for part in path.read_text().split("\n\n"):
        lines = [x for x in part.splitlines() if not x.startswith("-- ") or x.endswith("\\")]
        if lines:
            found.append("\n".join(lines))
    return found


def key(row: tuple[Any, ...]) -> str:
    return "\x1f".join("" if v is None else f"{type(v).__name__}:{v}" for v in row)


def same(expected: Rows, found: Rows, ordered: bool) -> str | None:
    """None, or how the two differ."""
    if (expected.error is None) != (found.error is None):
        return f"error: {expected.error} / {found.error}"
    if expected.error is not None:
        return None
    if expected.names != found.names or expected.types != found.types:
        return f"headings: {expected.names} {expected.types} / {found.names} {found.types}"
    one, other = expected.rows, found.rows
    if not ordered:
        one, other = sorted(one, key=key), sorted(other, key=key)
    if len(one) != len(other):
        return f"{len(one)} rows / {len(other)} rows"
    for a, b in zip(one, other, strict=True):
        if not all(close(x, y) for x, y in zip(a, b, strict=True)):
            return f"rows: {a} / {b}"
    return None


def close(a: Any, b: Any) -> bool:
    """Sums of doubles depend on the order of the rows."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b)) or (a != a and b != b)
    return a == b
