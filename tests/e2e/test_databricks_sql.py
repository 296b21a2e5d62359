"""databricks-sql-connector, Databricks' own client for Python, through hivegate to a plain Spark over
HTTP: what works, and what doesn't (see docs/connecting.md)."""

from __future__ import annotations

import datetime
import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from databricks.sql import Error
from databricks.sql.client import Connection
from databricks.sql.exc import RequestError, ServerOperationError
from pyhive import hive

from e2e.harness import databricks_sql
from e2e.harness.certificates import Papers
from e2e.harness.doors import Door
from e2e.harness.fleet import Gateway, Pair, Spark, config
from e2e.harness.http import PATH
from e2e.harness.queries import TYPE_QUERIES, slow
from e2e.harness.wire import Target

HTTP, HTTPS = Door("http", "plain"), Door("http", "tls")


@pytest.fixture(scope="module")
def fronts(
    sparks: dict[str, Spark],
    users_file: Path,
    papers: Papers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Gateway]]:
    made: dict[str, Gateway] = {}
    for version, spark in sparks.items():
        listeners = [door.listener(papers) for door in (HTTP, HTTPS)]
        settings = config([spark.address], users_file, listeners=listeners)
        made[version] = Gateway(settings, directory=tmp_path_factory.mktemp(f"sql-{version}-"))
        made[version].start()
    yield made
    for gateway in made.values():
        gateway.stop()


@pytest.fixture(params=("3.5", "4.0"))
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def target(fronts: dict[str, Gateway], papers: Papers, version: str) -> Target:
    return HTTP.target(fronts[version], papers)


@pytest.fixture
def pair(sparks: dict[str, Spark], fronts: dict[str, Gateway], version: str) -> Pair:
    return Pair(sparks[version], fronts[version])


@pytest.fixture
def connection(target: Target) -> Iterator[Connection]:
    with databricks_sql.connect(target) as made:
        yield made


def answer(connection: Connection, statement: str, parameters: Any = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [tuple(row) for row in cursor.fetchall()]


# ---- rows ----


def test_values(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM everything")
        kinds = [(name, kind, *rest) for name, kind, _, _, *rest, _ in cursor.description]
        first, second, third = (tuple(row) for row in cursor.fetchall())
    assert [kind for _, kind, *_ in kinds] == (
        "boolean tinyint smallint int bigint float double decimal string char varchar date timestamp "
        "binary array map struct".split()
    )
    assert kinds[7] == ("a_decimal", "decimal", 20, 4)
    assert first == (
        *(True, 127, 32767, 2147483647, 9223372036854775807, 1.5, 2.25, Decimal("12345.6789")),
        *("text", "ch    ", "varchar", datetime.date(2024, 2, 29)),
        datetime.datetime(2024, 2, 29, 23, 59, 59, 123456),
        *(b"\x00\xff\x10", "[1,2,3]", '{"a":1}', '{"x":7,"y":"why"}'),
    )
    assert second[8] == "Zürich 東京 \U0001f680"
    assert second[5] == -math.inf and math.isnan(second[6])
    assert second[11] == datetime.date(1600, 2, 29)
    assert second[12] == datetime.datetime(1969, 12, 31)
    assert third == (None,) * 17


def test_the_same_values_as_hives_clients(connection: Connection, pair: Pair) -> None:
    """Every type of Spark's, beside PyHive without hivegate. Intervals, which have no type of their
    own in Python, are texts for both."""
    direct = pair.direct
    made = hive.connect(direct.host, direct.port, username="alice", password="x", auth="CUSTOM")
    with closing(made), closing(made.cursor()) as cursor:
        for statement in [*TYPE_QUERIES, "SELECT * FROM sales.orders ORDER BY id"]:
            cursor.execute(statement)
            expected = [tuple(map(shown, row)) for row in cursor.fetchall()]
            found = [tuple(map(shown, row)) for row in answer(connection, statement)]
            assert found == expected, statement


def shown(value: Any) -> str:
    """PyHive leaves dates as texts, and has a decimal without its zeros."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


@pytest.mark.smoke
def test_large_results_are_whole(connection: Connection) -> None:
    statement = "SELECT id, concat('row ', id) AS name FROM range(0, 250000, 1, 1)"
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
        assert len(rows) == 250_000 and rows[-1].name == "row 249999"
        assert sum(row.id for row in rows) == 249_999 * 125_000
    for size, batch in ((1000, 777), (10_000, 10_000), (100_000, 33_333)):
        with connection.cursor(arraysize=size) as cursor:
            cursor.execute("SELECT id FROM range(0, 30000, 1, 1)")
            seen: list[int] = []
            while rows := cursor.fetchmany(batch):
                seen += [row.id for row in rows]
            assert seen == list(range(30_000)), (size, batch)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 AS one WHERE false")
        assert cursor.fetchall() == [] and cursor.description[0][0] == "one"
        cursor.execute(statement)
        table = cursor.fetchall_arrow()
        assert table.num_rows == 250_000 and table.column_names == ["id", "name"]


def test_without_pyarrow(target: Target) -> None:
    """An option of the connector's installation."""
    url = f"http://{target.host}:{target.port}/{PATH}"
    script = f"""
import sys
sys.modules["pyarrow"] = None
from e2e.harness.databricks_sql import basic
from databricks import sql
with sql.connect("localhost", "{PATH}", _connection_uri="{url}", enable_telemetry=False,
                 credentials_provider=basic("alice", "alice-secret")) as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT id, cast(id AS DECIMAL(9,2)) FROM range(0, 12000, 1, 1)")
    rows = cursor.fetchall()
    cursor.execute("USE sales")
    print(len(rows), tuple(rows[-1]), cursor.fetchall())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "12000 (11999, Decimal('11999.00')) []", done.stderr


# ---- statements ----


@pytest.mark.smoke
def test_statements_without_a_result(connection: Connection, version: str) -> None:
    """Spark's batch has no columns then; the connector can't do without."""
    table = f"sales.connector_{version.replace('.', '_')}"
    with connection.cursor() as cursor:
        for statement in (
            "USE sales",
            f"CREATE TABLE {table} (n INT) USING parquet",
            f"INSERT INTO {table} VALUES (1), (2)",
            f"CREATE OR REPLACE TEMPORARY VIEW twice AS SELECT n * 2 AS n FROM {table}",
        ):
            cursor.execute(statement)
            assert cursor.fetchall() == [], statement
        assert answer(connection, "SELECT sum(n) FROM twice") == [(6,)]
        assert answer(connection, "SELECT current_database()") == [("sales",)]
        cursor.execute(f"DROP TABLE {table}")
        cursor.execute("SET spark.sql.shuffle.partitions=3")
        assert [tuple(row) for row in cursor.fetchall()] == [("spark.sql.shuffle.partitions", "3")]


ERRORS = {
    "SELECT nosuch": "UNRESOLVED_COLUMN",
    "SELEC 1": "PARSE_SYNTAX_ERROR",
    "SELECT * FROM nosuchtable": "TABLE_OR_VIEW_NOT_FOUND",
    "USE nosuchdatabase": "SCHEMA_NOT_FOUND",
    "SELECT raise_error('with intent')": "with intent",
}


def test_errors(connection: Connection) -> None:
    for statement, told in ERRORS.items():
        with pytest.raises(ServerOperationError, match=told):
            answer(connection, statement)
        assert answer(connection, "SELECT 'still usable'") == [("still usable",)]


def test_parameters(target: Target) -> None:
    """Those that the connector puts into the statement work; Spark's Thrift Server has no other."""
    with databricks_sql.connect(target, use_inline_params="silent") as connection:
        values = {"a": 1, "b": "it's", "c": None, "d": Decimal("2.50")}
        found = answer(connection, "SELECT %(a)s, %(b)s, %(c)s, %(d)s", values)
        assert found == [(1, "it's", None, Decimal("2.50"))]
    with databricks_sql.connect(target) as connection:
        with pytest.raises(ServerOperationError, match="UNBOUND_SQL_PARAMETER"):
            answer(connection, "SELECT :a", {"a": 1})


@pytest.mark.parametrize("version", ["3.5"], indirect=True)
def test_cancel(connection: Connection, pair: Pair) -> None:
    mark = f"connector cancel {pair.version}"
    with connection.cursor() as cursor:
        ended: list[Exception] = []

        def work() -> None:
            try:
                cursor.execute(slow(mark))
            except Error as error:
                ended.append(error)

        running = threading.Thread(target=work)
        running.start()
        pair.ui.wait_running(mark)
        cursor.cancel()
        running.join()
    assert len(ended) == 1, ended
    pair.ui.wait_cancelled(mark)
    assert answer(connection, "SELECT 1") == [(1,)]


# ---- metadata ----


def names(cursor: Any, *columns: str) -> list[tuple]:
    return [tuple(getattr(row, column) for column in columns) for row in cursor.fetchall()]


def test_metadata(connection: Connection) -> None:
    """What a tool that browses sees. Catalogs are Spark's answer: none, where there is only one; and
    whatever is asked of one is answered for that one."""
    with connection.cursor() as cursor:
        assert cursor.catalogs().fetchall() == []
        schemas = names(cursor.schemas(), "TABLE_SCHEM")
        assert {("default",), ("sales",)} <= set(schemas)
        assert names(cursor.schemas(schema_name="sal%"), "TABLE_SCHEM") == [("sales",)]
        every = {("sales", "orders", "TABLE"), ("sales", "cheap", "VIEW")}
        columns = ("TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE")
        for catalog in (None, "spark_catalog", "hive_metastore"):
            assert set(names(cursor.tables(catalog, "sales"), *columns)) == every
        views = cursor.tables(None, "sales", "%", ["VIEW"])
        assert names(views, "TABLE_NAME") == [("cheap",)]
        assert names(cursor.tables(None, "sales", "o%"), "TABLE_NAME") == [("orders",)]
        assert names(cursor.tables(None, "sales", "nosuch"), "TABLE_NAME") == []
        found = names(
            cursor.columns(None, "sales", "orders"),
            *("COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "ORDINAL_POSITION", "REMARKS"),
        )
        assert found == [
            ("id", 4, "INT", 0, "the key"),
            ("item", 12, "STRING", 1, ""),
            ("price", 3, "DECIMAL(10,2)", 2, ""),
            ("placed", 93, "TIMESTAMP", 3, ""),
            ("day", 91, "DATE", 4, ""),
        ]
        some = cursor.columns(None, "sales", "%", "i%")
        assert len(names(some, "COLUMN_NAME")) == 4


# ---- sessions ----

STARTS: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "default"),
    ({"schema": "sales"}, "sales"),
    ({"catalog": "spark_catalog", "schema": "sales"}, "sales"),
    ({"catalog": "hive_metastore"}, "default"),
)


def test_where_a_session_starts(target: Target) -> None:
    for how, database in STARTS:
        with databricks_sql.connect(target, **how) as connection:
            found = answer(connection, "SELECT current_catalog(), current_database()")
            assert found == [("spark_catalog", database)], how
    for how in ({"schema": "nosuch"}, {"catalog": "nosuch"}):
        with pytest.raises(Error, match="SCHEMA_NOT_FOUND"):
            databricks_sql.connect(target, **how)


def test_settings_of_a_session(target: Target) -> None:
    """Spark takes no notice of them where this client puts them; a statement sets them."""
    setting = {"spark.sql.shuffle.partitions": "7"}
    with databricks_sql.connect(target, session_configuration=setting) as connection:
        statement = "SET spark.sql.shuffle.partitions"
        assert answer(connection, statement) == [("spark.sql.shuffle.partitions", "200")]
        answer(connection, "SET spark.sql.shuffle.partitions=7")
        assert answer(connection, statement) == [("spark.sql.shuffle.partitions", "7")]


def test_who_it_is(target: Target) -> None:
    for user in ("alice", "bob"):
        with databricks_sql.connect(target.as_user(user)) as connection:
            assert answer(connection, "SELECT current_user()") == [(user,)]
    with pytest.raises(RequestError, match="Error validating the login"):
        databricks_sql.connect(target.as_user("alice", "wrong"))
    with pytest.raises(RequestError, match="takes no tokens here"):
        databricks_sql.connect(target.as_user("", ""), access_token="dapi-of-another-world")
    elsewhere = f"http://{target.host}:{target.port}/sql/1.0/warehouses/abc"
    with pytest.raises(RequestError, match="set httpPath=cliservice"):
        databricks_sql.connect(target, _connection_uri=elsewhere)


@pytest.mark.smoke
def test_over_https(fronts: dict[str, Gateway], papers: Papers, version: str) -> None:
    """Without any address of its own making: host, port and path are enough."""
    target = HTTPS.target(fronts[version], papers)
    with databricks_sql.connect(target, papers) as connection:
        assert answer(connection, "SELECT current_user()") == [("alice",)]
        rows = answer(connection, "SELECT id FROM range(0, 150000, 1, 1)")
        assert len(rows) == 150_000
    unknown = Papers(papers.stranger, papers.authority, papers.server, papers.alice)
    patience = {"_retry_stop_after_attempts_count": 1}
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        databricks_sql.connect(target, unknown, **patience)


def test_spark_alone_is_not_enough(http_spark: Spark) -> None:
    """Else the tests above would show nothing of hivegate."""
    with pytest.raises(Error, match="protocol version"):
        databricks_sql.connect(http_spark.target)
