"""HTTP: clients that speak it, Spark servers that speak it, and both mixed with the binary
transport. What comes back is what the same server answers without hivegate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from impala import dbapi
from pyhive import hive
from TCLIService.ttypes import TOperationState
from thrift.transport.THttpClient import THttpClient

from e2e.harness import normal
from e2e.harness.fleet import Gateway, Spark, config, unlike
from e2e.harness.http import (
    PATH,
    HttpConnection,
    HttpPair,
    Way,
    authorization,
    listeners,
    way_to_gateway,
    way_to_spark,
)
from e2e.harness.jdbc import JdbcDrivers, metadata_calls
from e2e.harness.normal import plain
from e2e.harness.queries import TYPE_QUERIES, slow
from e2e.harness.shell import Beeline
from e2e.harness.wire import Connection, Operation, Session
from e2e.test_beeline import SCRIPT as BEELINE_SCRIPT
from e2e.test_impyla import STATEMENTS as IMPYLA_STATEMENTS
from e2e.test_impyla import attempt as impyla_attempt
from e2e.test_pyhive import STATEMENTS as PYHIVE_STATEMENTS
from e2e.test_pyhive import attempt as pyhive_attempt

LARGE = "SELECT id, id * 3, concat('row ', id) FROM range(0, 300000, 1, 1)"


@pytest.fixture(scope="module")
def front(
    sparks: dict[str, Spark],
    http_spark: Spark,
    users_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Gateway]]:
    """The gateway in front of a server (3.5, 4.0, or http), with listeners of all kinds."""
    made: dict[str, Gateway] = {}

    def get(name: str) -> Gateway:
        if name not in made:
            pool = {"transport": "http"} if name == "http" else {}
            spark = http_spark if name == "http" else sparks[name]
            settings = config([spark.address], users_file, listeners=listeners(), **pool)
            made[name] = Gateway(settings, directory=tmp_path_factory.mktemp(f"http-{name}-"))
            made[name].start()
        return made[name]

    yield get
    for gateway in made.values():
        gateway.stop()


@pytest.fixture(scope="module")
def pairs(
    sparks: dict[str, Spark], http_spark: Spark, front: Callable[[str], Gateway]
) -> Callable[[str], HttpPair]:
    """By name: `http to 3.5` is HTTP clients in front of the binary Spark 3.5."""

    def get(name: str) -> HttpPair:
        listener, _, server = name.partition(" to ")
        spark = http_spark if server == "http" else sparks[server]
        return HttpPair(spark, way_to_spark(spark), way_to_gateway(front(server), listener))

    return get


HTTP_CLIENTS = ("http to 3.5", "http to http")
ALL = (*HTTP_CLIENTS, "http to 4.0", "thrift to http", "raw to http")


def run_jdbc(drivers: JdbcDrivers, driver: str, way: Way, program: list) -> list[dict]:
    """What each call gave. The two ways connect with different URLs, which errors repeat: those
    settings are left out."""
    results = drivers.run(driver, way.target, way.script(program))
    return json.loads(json.dumps(results).replace(way.settings or "\0", ""))


def both(pair: HttpPair, action: Callable[[Way], Any]) -> tuple[Any, Any]:
    with ThreadPoolExecutor(2) as pool:
        direct, via = (run.result() for run in [pool.submit(action, w) for w in pair.ways])
    return plain(direct), plain(via)


# ---- JDBC and beeline ----

PROGRAM: list[list[str | None]] = [
    ["connect", "/default"],
    ["about"],
    ["isvalid"],
    *(["query", statement] for statement in TYPE_QUERIES),
    ["query", "SELECT * FROM everything"],
    ["typed", "SELECT * FROM everything WHERE a_boolean"],
    ["query", "SELECT id, price, placed, day FROM sales.orders ORDER BY id LIMIT 7"],
    ["query", "SELECT 1 WHERE false"],
    ["query", "SELECT id FROM range(0, 2500, 1, 1)"],
    ["two", "SELECT id FROM range(0, 5, 1, 1)", "SELECT id + 100 FROM range(0, 9, 1, 1)"],
    ["checksum", LARGE, "10000"],
    ["execute", "USE sales"],
    ["query", "SELECT current_database(), current_user()"],
    ["prepare", "SELECT ?, ?, ?", "string:it's", "int:-5", "date:2024-02-29"],
    ["logs", "SELECT count(*) FROM sales.orders"],
    ["query", "SELECT nosuch"],
    ["query", "SELEC 1"],
    ["query", "SELECT * FROM nosuchtable"],
    ["query", "SELECT raise_error('with intent')"],
    ["execute", "USE nosuchdatabase"],
    ["query", "SELECT 'still usable'"],
    *metadata_calls(schemas="%"),
    ["connect", "/sales;a.session.variable=1?spark.sql.shuffle.partitions=3;my.conf=x#my.var=7"],
    ["query", "SET spark.sql.shuffle.partitions"],
    ["query", "SELECT ${my.var}, current_database()"],
    ["connect", "/no_such_database"],
    ["close"],
]


@pytest.mark.parametrize("driver", ["3.1.3", "4.1.0"])
@pytest.mark.parametrize("pair", ALL)
def test_a_jdbc_program(
    pairs: Callable[[str], HttpPair], drivers: JdbcDrivers, pair: str, driver: str
) -> None:
    ways = pairs(pair)
    direct, via = both(ways, lambda way: run_jdbc(drivers, driver, way, PROGRAM))
    differences = [
        f"{' '.join(str(field) for field in call)}:\n{unlike(left, right)}"
        for call, left, right in zip(PROGRAM, direct, via, strict=True)
        if left != right
    ]
    assert not differences, "\n\n".join(differences)
    by_call = dict(zip((" ".join(map(str, call[:2])) for call in PROGRAM), via, strict=True))
    assert by_call[f"checksum {LARGE}"]["result"][0] == 300_000
    assert len(by_call["query SELECT * FROM everything"]["result"]["rows"]) == 3
    assert by_call["query SELECT nosuch"]["error"]["state"] == "42703"
    assert by_call["query SELECT 'still usable'"]["result"]["rows"] == [[["String", "still usable"]]]
    assert "error" in by_call["connect /no_such_database"]


@pytest.mark.smoke
@pytest.mark.parametrize("pair", HTTP_CLIENTS)
def test_a_short_jdbc_program(
    pairs: Callable[[str], HttpPair], drivers: JdbcDrivers, pair: str
) -> None:
    program = [call for call in PROGRAM if call[0] in ("connect", "query", "meta")][::4]
    program.insert(0, PROGRAM[0])
    direct, via = both(pairs(pair), lambda way: run_jdbc(drivers, "4.1.0", way, program))
    assert via == direct, unlike(direct, via)
    assert "result" in via[0], via[0]


@pytest.mark.parametrize("pair", [*HTTP_CLIENTS, "thrift to http"])
def test_jdbc_cancels(pairs: Callable[[str], HttpPair], drivers: JdbcDrivers, pair: str) -> None:
    """Statement.cancel() from another thread, and a query timeout."""
    way, spark = pairs(pair).via, pairs(pair).spark
    marks = [f"jdbc {kind} {pair}" for kind in ("cancel", "timeout")]
    program: list[list[str | None]] = [
        ["connect", "/default"],
        ["cancel", slow(marks[0], 60), "3000"],
        ["timeout", slow(marks[1], 60), "1"],
        ["query", "SELECT 'still usable'"],
    ]
    _, cancelled, timed_out, after = drivers.run("3.1.3", way.target, way.script(program))
    assert "cancel" in str(cancelled["result"]["statement"]).lower(), cancelled
    assert "error" in timed_out or "class" in timed_out["result"]["statement"], timed_out
    assert after["result"]["rows"] == [[["String", "still usable"]]]
    for mark in marks:
        spark.ui.wait_cancelled(mark)


def test_jdbc_hears_about_a_wrong_password(
    front: Callable[[str], Gateway], drivers: JdbcDrivers
) -> None:
    way = way_to_gateway(front("3.5"), "http").as_user("alice", "wrong")
    for driver in ("2.3.9", "3.1.3", "4.1.0"):
        (result,) = drivers.run(driver, way.target, way.script([["connect", "/default"]]))
        assert "401" in str(result["error"]), result


def test_jdbc_may_not_act_as_another(front: Callable[[str], Gateway], drivers: JdbcDrivers) -> None:
    way = way_to_gateway(front("3.5"), "http")
    script = way.script(
        [
            ["connect", "/default;hive.server2.proxy.user=bob"],
            ["connect", "/default;hive.server2.proxy.user=alice"],
            ["query", "SELECT current_user()"],
        ]
    )
    refused, _, who = drivers.run("3.1.3", way.target, script)
    assert "error" in refused
    assert who["result"]["rows"] == [[["String", "alice"]]]


@pytest.mark.parametrize("pair", ALL)
def test_beeline(pairs: Callable[[str], HttpPair], pair: str, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text(BEELINE_SCRIPT + "\n")
    running = [
        Beeline(
            way.target,
            script=script,
            suffix=way.suffix("/default"),
            options=["--force=true"],
            silent=False,
        )
        for way in pairs(pair).ways
    ]
    direct, via = (beeline.wait() for beeline in running)
    assert "2147483647" in via.output and "with intent" in via.errors
    assert _without_url(via.plain()) == _without_url(direct.plain())


def _without_url(ended: list) -> list:
    """A beeline that connects another way says so, and shows the URL."""
    found = []
    for part in ended:
        if isinstance(part, list):
            part = [line for line in part if "jdbc:hive2://" not in line]
        found.append(part)
    return found


@pytest.mark.smoke
@pytest.mark.parametrize("pair", [*HTTP_CLIENTS, "thrift to http"])
def test_a_few_statements_by_beeline(pairs: Callable[[str], HttpPair], pair: str) -> None:
    running = [
        Beeline(
            way.target,
            statements=["SELECT current_user(), current_database()", "SELECT * FROM nosuch"],
            suffix=way.suffix("/sales?spark.sql.shuffle.partitions=3#x=7"),
        )
        for way in pairs(pair).ways
    ]
    direct, via = (beeline.wait() for beeline in running)
    assert via.status != 0 and "alice,sales" in via.output
    assert _without_url(via.plain()) == _without_url(direct.plain())


@pytest.mark.parametrize("pair", [*HTTP_CLIENTS, "thrift to http"])
def test_ctrl_c_in_beeline(pairs: Callable[[str], HttpPair], pair: str) -> None:
    way, ui = pairs(pair).via, pairs(pair).spark.ui
    mark = f"ctrl-c {pair}"
    beeline = Beeline(way.target, statements=[slow(mark)], suffix=way.suffix("/default"))
    try:
        ui.wait_running(mark)
    finally:
        beeline.interrupt()
    beeline.wait()
    ui.wait_cancelled(mark)


# ---- Python ----


@contextmanager
def by_pyhive(way: Way, **how: Any) -> Iterator[hive.Connection]:
    """Its HTTP transport makes a connection for each call."""
    target = way.target
    if way.kind != "http":
        connection = hive.connect(
            host=target.host,
            port=target.port,
            username=target.user,
            password=target.password,
            auth="CUSTOM",
            **how,
        )
    else:
        transport = THttpClient(f"http://{target.host}:{target.port}/{PATH}")
        transport.setCustomHeaders({"Authorization": authorization(target)})
        connection = hive.connect(thrift_transport=transport, username=target.user, **how)
    try:
        yield connection
    finally:
        connection.close()


@pytest.mark.smoke
@pytest.mark.parametrize("pair", [*HTTP_CLIENTS, "http to 4.0"])
def test_pyhive(pairs: Callable[[str], HttpPair], pair: str) -> None:
    def answers(way: Way) -> Any:
        with by_pyhive(way, database="sales") as connection:
            with connection.cursor() as cursor:
                cursor.execute("USE default")
                return [pyhive_attempt(cursor, statement) for statement in PYHIVE_STATEMENTS]

    direct, via = both(pairs(pair), answers)
    assert via == direct, unlike(direct, via)
    assert via[-1][1] == [[["str", "still usable"], ["str", "alice"]]]
    assert via[PYHIVE_STATEMENTS.index("SELECT nosuch")][1] == "42703"


@pytest.mark.smoke
@pytest.mark.parametrize("pair", HTTP_CLIENTS)
def test_pyhive_cancels(pairs: Callable[[str], HttpPair], pair: str) -> None:
    ways = pairs(pair)
    mark = f"pyhive over http {pair}"
    with by_pyhive(ways.via) as connection:
        cursor = connection.cursor()
        cursor.execute(slow(mark), async_=True)
        ways.spark.ui.wait_running(mark)
        cursor.cancel()
        assert cursor.poll().operationState == TOperationState.CANCELED_STATE
        cursor.close()
        again = connection.cursor()
        again.execute("SELECT 1")
        assert again.fetchall() == [(1,)]
    ways.spark.ui.wait_cancelled(mark)


@contextmanager
def by_impyla(way: Way) -> Iterator[Any]:
    over_http = {"use_http_transport": True, "http_path": PATH} if way.kind == "http" else {}
    connection = dbapi.connect(
        host=way.target.host,
        port=way.target.port,
        user=way.target.user,
        password=way.target.password,
        auth_mechanism="PLAIN",
        timeout=240,
        **over_http,
    )
    try:
        yield connection
    finally:
        connection.close()


@pytest.mark.smoke
@pytest.mark.parametrize("pair", [*HTTP_CLIENTS, "http to 4.0"])
def test_impyla(pairs: Callable[[str], HttpPair], pair: str) -> None:
    def answers(way: Way) -> Any:
        with by_impyla(way) as connection:
            with connection.cursor() as cursor:
                found = [impyla_attempt(cursor, statement) for statement in IMPYLA_STATEMENTS]
                cursor.get_tables(database_name="sales")
                return [*found, cursor.fetchall()]

    direct, via = both(pairs(pair), answers)
    assert via == direct, unlike(direct, via)
    assert via[-2][1] == [[["str", "still usable"], ["str", "alice"]]]


@pytest.mark.smoke
@pytest.mark.parametrize("pair", HTTP_CLIENTS)
def test_twenty_clients_at_once(pairs: Callable[[str], HttpPair], pair: str) -> None:
    """Of two users; each sees its own session's settings and its own rows."""
    way = pairs(pair).via

    def work(number: int) -> None:
        user = ("alice", "bob")[number % 2]
        with by_pyhive(way.as_user(user)) as connection:
            cursor = connection.cursor()
            cursor.execute(f"SET my.number={number}")
            for turn in range(5):
                cursor.execute(
                    f"SELECT current_user(), {number}, id FROM range({turn}, {turn + 50}, 1, 1)"
                )
                wanted = [(user, number, row) for row in range(turn, turn + 50)]
                assert cursor.fetchall() == wanted
            cursor.execute("SET my.number")
            assert cursor.fetchall() == [("my.number", str(number))]

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))


# ---- every byte ----


def calls(connection: Connection) -> None:
    target = connection.target
    opened = connection.open_reply({"use:database": "sales"}, 9, target.user, target.password)
    session = Session(connection, opened.ok().result.sessionHandle)
    session.rows("SELECT id, concat('row ', id) FROM range(0, 2000, 1, 1)")
    session.execute("SELECT 1", run_async=True).wait()
    for statement in TYPE_QUERIES:
        session.call("ExecuteStatement", statement=statement)
    session.call("ExecuteStatement", statement="SELECT nosuch")
    session.start("GetTables", schemaName="sales").rows()
    session.start("GetTypeInfo").rows()
    session.call("GetInfo", infoType=17)
    session.close().ok()


@pytest.mark.smoke
@pytest.mark.parametrize("pair", ALL)
def test_the_same_bytes(pairs: Callable[[str], HttpPair], pair: str) -> None:
    recordings = []
    for way in pairs(pair).ways:
        with way.connect() as connection:
            recorder = normal.Recorder(connection)
            calls(connection)
            recordings.append(recorder.replies)
    assert recordings[0]
    assert normal.difference(*recordings) is None


@pytest.mark.smoke
@pytest.mark.parametrize("pair", ALL)
def test_a_large_reply(pairs: Callable[[str], HttpPair], pair: str) -> None:
    """All rows in one reply of some megabytes, the same to the last byte."""
    raws = []
    for way in pairs(pair).ways:
        with way.connect() as connection:
            opened = connection.open_reply(None, 9, way.target.user, way.target.password).ok()
            session = Session(connection, opened.result.sessionHandle)
            operation: Operation = session.execute(LARGE)
            raws.append(operation.fetch(rows=300_000).raw)
            session.close().ok()
    assert len(raws[0]) > 5_000_000
    assert raws[0] == raws[1]


@pytest.mark.smoke
@pytest.mark.parametrize("server", ["3.5", "http"])
def test_sessions_outlive_their_connections(front: Callable[[str], Gateway], server: str) -> None:
    gateway = front(server)
    target = gateway.target(listener="http", sasl=False)
    with HttpConnection(target) as one:
        session = one.open()
        session.run("SET kept=yes")
    with HttpConnection(target) as two, HttpConnection(target) as three:
        assert session.on(two).rows("SET kept") == [("kept", "yes")]
        assert session.on(three).value("SELECT current_user()") == "alice"
        with HttpConnection(target.as_user("mallory")) as other:
            reply = session.on(other).call("ExecuteStatement", statement="SELECT 1")
            assert "Invalid SessionHandle" in reply.status["message"]
        session.on(three).close().ok()
        reply = session.on(two).call("ExecuteStatement", statement="SELECT 1")
        assert "Invalid SessionHandle" in reply.status["message"]
