"""HiveServer2 itself behind hivegate: Hive 3.1 (as its sessions' users, MapReduce) and 4.0 (as
itself, Tez), directly and through hivegate, over each transport that they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from impala import dbapi
from pyhive import hive as pyhive
from TCLIService import ttypes
from TCLIService.ttypes import TOperationState

from e2e.harness import normal
from e2e.harness import thrift_tree as tree
from e2e.harness.fleet import Gateway, config, unlike
from e2e.harness.hive import Hive, HivePair, HiveRecorder, slow, wait_for
from e2e.harness.http import listeners, way_to_gateway
from e2e.harness.jdbc import DATABRICKS, JdbcDrivers, metadata_calls
from e2e.harness.shell import Beeline
from e2e.harness.wire import Connection, Failed, Operation, Session, row_count, row_tuples

PROXY = "hive.server2.proxy.user"
MAY_PROXY = {
    "hadoop.proxyuser.gate.hosts": "127.0.0.1",
    "hadoop.proxyuser.gate.users": "alice,svc.etl",
}


@pytest.fixture(scope="module")
def hives(request: pytest.FixtureRequest) -> Iterator[dict[str, Hive]]:
    """All servers of this file, started side by side."""
    made = {
        "3.1": Hive("3.1", do_as=True),
        "4.0": Hive("4.0", transport="all"),
        "no sasl": Hive("4.0", authentication="NOSASL", conf=MAY_PROXY),
        "3.1 http": Hive("3.1", transport="http"),
    }
    try:
        for hive in made.values():
            hive.server.start()
        with ThreadPoolExecutor() as pool:
            list(pool.map(Hive.wait_seeded, (made["3.1"], made["4.0"])))
        for hive in made.values():
            hive.server.wait_ready()
        yield made
    finally:
        for hive in made.values():
            hive.server.terminate()
        for hive in made.values():
            hive.server.stop(keep=request.session.testsfailed > 0)


@pytest.fixture(scope="module")
def fronts(
    hives: dict[str, Hive], users_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Gateway]]:
    """A gateway, with listeners of all kinds, for each way to a server."""
    ways: dict[str, tuple[str, dict[str, str]]] = {
        "3.1": (hives["3.1"].address, {}),
        "4.0": (hives["4.0"].address, {}),
        "4.0 over http": (hives["4.0"].server.http_address, {"transport": "http"}),
        "no sasl": (hives["no sasl"].address, {"sasl": "none"}),
    }
    made = {}
    for name, (address, pool) in ways.items():
        settings = config([address], users_file, listeners=listeners(), **pool)
        made[name] = Gateway(settings, directory=tmp_path_factory.mktemp("hive-gateway-"))
        made[name].start()
    yield made
    for gateway in made.values():
        gateway.stop()


@pytest.fixture(params=["3.1", "4.0", "4.0 over http"])
def pair(
    request: pytest.FixtureRequest, hives: dict[str, Hive], fronts: dict[str, Gateway]
) -> HivePair:
    return HivePair(hives[request.param.split()[0]], fronts[request.param])


@pytest.fixture(params=["3.1", "4.0"])
def binary_pair(
    request: pytest.FixtureRequest, hives: dict[str, Hive], fronts: dict[str, Gateway]
) -> HivePair:
    """For what takes jobs to run, and so is slow."""
    return HivePair(hives[request.param], fronts[request.param])


@pytest.fixture
def pair40(hives: dict[str, Hive], fronts: dict[str, Gateway]) -> HivePair:
    return HivePair(hives["4.0"], fronts["4.0"])


STATEMENTS = (
    "SELECT current_user(), logged_in_user(), current_database()",
    "SELECT * FROM everything",
    "SELECT id, item, price, placed, day FROM sales.orders WHERE id > 90",
    "SELECT count(*), sum(price) FROM sales.orders",
    "SELECT interval '1-2' year to month, interval '3 4:05:06.789' day to second",
    "SELECT 1 WHERE false",
    "SELECT CAST(null AS VOID), array(), map('a', null), named_struct('x', 1)",
    "SHOW TABLES IN sales",
    "DESCRIBE sales.orders",
    "EXPLAIN SELECT count(*) FROM sales.orders",
    "SET hive.execution.engine",
    "SET a.b=c",
    "SET a.b",
    "SELECT nosuch",
    "SELEC 1",
    "SELECT * FROM nosuchtable",
    "USE nosuchdatabase",
    "SELECT assert_true(id < 3) FROM sales.orders",
    "ADD JAR /no/such.jar",
    "SET hive.server2.session.check.interval=1",
    "",
    "SELECT 'still usable'",
)


def run(session: Session, statement: str) -> None:
    """Every call that a client makes for a statement."""
    try:
        operation = session.execute(statement)
    except Failed:
        return  # the reply is in the recording
    operation.call("GetOperationStatus").ok()
    if operation.handle.hasResultSet:
        operation.call("GetResultSetMetadata").ok()
        try:
            list(operation.batches(rows=60))
        except Failed:
            pass
    operation.close().ok()


def test_statements(pair: HivePair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open(protocol=10)
        for statement in STATEMENTS:
            run(session, statement)
        assert session.value("SELECT current_user()") == "alice"
        session.close().ok()

    replies = pair.same_replies(scenario)
    assert any(b"item-100" in raw for _, raw in replies)
    assert any(b"nosuchtable" in raw for name, raw in replies if name == "ExecuteStatement")


def test_tables_are_made_and_filled(binary_pair: HivePair) -> None:
    """Each side in a database of its own name, which is taken out before they are compared."""

    def made(name: str) -> Callable[[Any], Any]:
        def rows(target: Any) -> Any:
            database = f"{name}_{'via' if target.label == 'via' else 'direct'}"
            with Connection(target) as connection:
                session = connection.open(protocol=10)
                for statement in (
                    f"CREATE DATABASE {database}",
                    f"USE {database}",
                    "CREATE TABLE t (n INT, word STRING)",
                    "INSERT INTO t VALUES (1, 'one'), (2, 'two')",
                    "INSERT INTO t SELECT n + 10, upper(word) FROM t",
                    "CREATE TABLE summed AS SELECT count(*) AS rows_, sum(n) AS sum_ FROM t",
                ):
                    session.run(statement)
                found = [
                    session.rows("SELECT * FROM t ORDER BY n"),
                    session.rows("SELECT * FROM summed"),
                ]
                session.run(f"DROP DATABASE {database} CASCADE")
                return found

        return rows

    words = [(1, "one"), (2, "two"), (11, "ONE"), (12, "TWO")]
    name = "made_" + binary_pair.gateway.directory.name.replace("-", "_")
    assert binary_pair.same_value(made(name)) == [[list(row) for row in words], [[4, 26]]]


METADATA = (
    ("GetCatalogs", {}),
    ("GetTypeInfo", {}),
    ("GetTableTypes", {}),
    ("GetSchemas", {"schemaName": "sal%"}),
    ("GetSchemas", {"schemaName": "*"}),
    ("GetTables", {"schemaName": "sales", "tableName": "%"}),
    ("GetTables", {"schemaName": "%", "tableName": "%", "tableTypes": ["VIEW"]}),
    ("GetTables", {"schemaName": "sales", "tableName": "nosuch"}),
    ("GetColumns", {"schemaName": "sales", "tableName": "orders", "columnName": "%"}),
    ("GetColumns", {"schemaName": "default", "tableName": "everything"}),
    ("GetFunctions", {"functionName": "con%"}),
    ("GetPrimaryKeys", {"schemaName": "sales", "tableName": "orders"}),
    (
        "GetCrossReference",
        {
            "parentSchemaName": "sales",
            "parentTableName": "orders",
            "foreignSchemaName": "sales",
            "foreignTableName": "lines",
        },
    ),
)


def test_metadata(pair: HivePair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open(protocol=10)
        for name, arguments in METADATA:
            try:
                operation = session.start(name, **arguments)
            except Failed:  # Hive 3.1 can't describe a TIMESTAMP WITH LOCAL TIME ZONE
                assert pair.version == "3.1" and arguments.get("tableName") == "everything"
                continue
            operation.call("GetOperationStatus").ok()
            operation.call("GetResultSetMetadata").ok()
            found = operation.rows()
            operation.close().ok()
            if name in ("GetPrimaryKeys", "GetCrossReference"):  # Spark has none
                assert len(found) == 1 and "orders" in found[0], found

    pair.same_replies(scenario)


@pytest.mark.parametrize("protocol", [*range(11), 11])
def test_every_protocol_version(pair40: HivePair, protocol: int) -> None:
    """From V1 with rows to V11; the one after it is refused."""

    def scenario(connection: Connection) -> None:
        session = connection.open(protocol=protocol)
        run(session, "SELECT * FROM everything")
        operation = session.start("GetColumns", schemaName="default", tableName="everything")
        assert row_count(operation.fetch().ok().result.results) == 18
        session.close().ok()

    if protocol <= 10:
        pair40.same_replies(scenario)
        return
    for target in pair40.targets:
        with Connection(target) as connection:
            kind, text = connection.open_reply(protocol=protocol).exception
            assert kind == 7 and "client_protocol" in text


def test_results_that_the_tasks_have_serialised(binary_pair: HivePair) -> None:
    """V9: the rows come as one blob (TRowSet.binaryColumns), which Spark never sends."""
    blobs = []

    def scenario(connection: Connection) -> None:
        session = connection.open({"set:hiveconf:" + SERIALIZE: "true"}, protocol=10)
        operation = session.execute("SELECT item, count(*) FROM sales.orders GROUP BY item")
        blobs.append(tree.get(operation.fetch(rows=1000).ok().fields, 3, 4))
        operation.close().ok()

    binary_pair.same_replies(scenario)
    direct, via = blobs
    assert via == direct
    if binary_pair.version == "3.1":  # 4.0 with Tez sends columns all the same
        assert b"item-100" in via


SERIALIZE = "hive.server2.thrift.resultset.serialize.in.tasks"


def test_progress_and_log(binary_pair: HivePair) -> None:
    """What beeline shows while a statement runs: progressUpdateResponse, and the statement's log."""

    def answers(target: Any) -> Any:
        with Connection(target) as connection:
            session = connection.open(protocol=10)
            operation = session.execute(slow(1), run_async=True)
            lines = []
            while True:
                reply = operation.call("GetOperationStatus", getProgressUpdate=True).ok()
                lines += log_lines(operation)
                if reply.result.operationState not in UNDER_WAY:
                    break
            # its log's last lines may come after its end
            wait_for(lambda: lines.extend(log_lines(operation)) or ended(lines), "its log")
            assert 0 < reply.result.operationStarted <= reply.result.operationCompleted
            progress = reply.result.progressUpdateResponse
            query = connection.call("GetQueryId", [(1, tree.STRUCT, raw_handle(operation))])
            assert tree.get(query.fields, 1).decode() in "".join(lines)
            lines = steady(lines)[: ended(steady(lines))]
            return [progress.headerNames, progress.rows, operation.rows(), lines]

    headers, progress, rows, lines = binary_pair.same_value(answers)
    assert rows == [[100]]
    assert any("Executing command" in line for line in lines), lines
    if binary_pair.version == "4.0":  # MapReduce reports none
        assert headers[0] == "VERTICES" and len(progress) == 2, progress


UNDER_WAY = (
    TOperationState.INITIALIZED_STATE,
    TOperationState.PENDING_STATE,
    TOperationState.RUNNING_STATE,
)


def log_lines(operation: Operation) -> list[str]:
    return [line for (line,) in row_tuples(operation.fetch(kind=1).ok().result.results)]


def ended(lines: list[str]) -> int:
    """How many lines there are up to the one that tells the statement's end; 0 without it."""
    return next((n for n, line in enumerate(lines, 1) if "Completed executing" in line), 0)


def steady(lines: list[str]) -> list[str]:
    """A log without what is new each time, and without its lines of progress, which come as often
    as the clock says."""
    return [timeless(line) for line in lines if not PROGRESS.search(line)]


PROGRESS = re.compile(r"map = \d+%|Map \d+: |Reducer \d+: ")


def timeless(text: str) -> str:
    """A line of a log, or what a driver shows of it, without what two runs can't share."""
    for pattern, replacement in (
        (r"\w+?_\d{14}_[0-9a-f-]{36}", "QUERY"),
        (r"\b(job_local|application_|dag_)[\d_]+", r"\1#"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+|\d+\.\d+ seconds|\d+\.\d+ s\b", "TIME"),
    ):
        text = re.sub(pattern, replacement, text)
    return text


def raw_handle(operation: Operation) -> list:
    handle = operation.handle.operationId
    halves = [(1, tree.STRING, handle.guid), (2, tree.STRING, handle.secret)]
    return [(1, tree.STRUCT, halves), (2, tree.I32, 0), (3, tree.BOOL, 1)]


def test_calls_that_few_make(pair: HivePair) -> None:
    """Hive's own GetQueryId, SetClientInfo and list of keywords, and its tokens (Kerberos only)."""

    def scenario(connection: Connection) -> None:
        session = connection.open(protocol=10)
        operation = session.execute("SELECT 1")
        connection.call("GetQueryId", [(1, tree.STRUCT, raw_handle(operation))])
        handle = session.handle.sessionId
        halves = [(1, tree.STRING, handle.guid), (2, tree.STRING, handle.secret)]
        info = tree.Mapping(tree.STRING, tree.STRING, [(b"ApplicationName", b"e2e")])
        mine = (1, tree.STRUCT, [(1, tree.STRUCT, halves)])
        connection.call("SetClientInfo", [mine, (2, tree.MAP, info)]).ok()
        for kind in (13, 17, 18, 10006):
            connection.call("GetInfo", ttypes.TGetInfoReq(session.handle, kind)).ok()
        session.call("GetDelegationToken", owner="alice", renewer="alice")
        session.call("CancelDelegationToken", delegationToken="x")
        session.call("RenewDelegationToken", delegationToken="x")
        for name in ("GetLog", "CloseImpalaOperation", "X"):
            assert connection.call(name, []).exception[0] == 1
        assert session.value("SELECT 1") == 1
        session.close().ok()

    replies = pair.same_replies(scenario)
    assert any(b"Apache Hive" in raw for _, raw in replies)
    assert any(b"ANALYZE" in raw for name, raw in replies if name == "GetInfo")


def test_session_conf(pair: HivePair) -> None:
    conf = {
        "use:database": "sales",
        "set:hiveconf:a.b": "c",
        "set:hivevar:v": "7",
        "hive.fetch.task.conversion": "more",
    }

    def scenario(connection: Connection) -> None:
        session = connection.open(conf, protocol=10)
        assert session.rows("SELECT current_database(), ${hivevar:v}, '${hiveconf:a.b}'") == [
            ("sales", 7, "c")
        ]
        session.rows("SET hive.fetch.task.conversion")
        overlaid = session.execute("SELECT count(*) FROM orders", conf={"hive.query.name": "mine"})
        assert overlaid.rows() == [(100,)]
        connection.open_reply({"use:database": "no_such_database"}, protocol=10)
        connection.open_reply({"set:hiveconf:hive.users.in.admin.role": "alice"}, protocol=10)
        session.close().ok()

    pair.same_replies(scenario)


@pytest.mark.parametrize(
    ("conf", "why"),
    [
        ({PROXY: "bob"}, "may not run a session as"),
        ({f"set:hiveconf:{PROXY}": "bob"}, "may not run a session as"),
        ({"set:system:user.name": "bob"}, "is refused"),
    ],
)
def test_conf_that_does_not_pass(pair40: HivePair, conf: dict[str, str], why: str) -> None:
    with Connection(pair40.via) as connection:
        refused = connection.open_reply(conf, protocol=10)
        assert refused.status["code"] == 3 and why in refused.status["message"]
        assert not refused.status.get("info"), "Hive was asked"
        assert connection.open(protocol=10).value("SELECT current_user()") == "alice"


def test_cancel_and_timeout(binary_pair: HivePair) -> None:
    """On another connection, as Hive JDBC does; Tez, when it runs in the server, ends the cancel
    only when the task has ended, so there the task is short."""
    seconds = 60 if binary_pair.version == "3.1" else 3

    def scenario(connection: Connection) -> None:
        session = connection.open(protocol=10)
        operation = session.execute(slow(seconds), run_async=True)
        wait_for(lambda: operation.state() == TOperationState.RUNNING_STATE, "it to run")
        with Connection(connection.target) as other:
            operation.on(other).call("CancelOperation").ok()
        assert operation.wait().result.operationState == TOperationState.CANCELED_STATE
        operation.fetch()
        operation.close().ok()
        if binary_pair.version == "3.1":
            operation = session.execute(slow(seconds), run_async=True, timeout=1)
            assert operation.wait().result.operationState == TOperationState.TIMEDOUT_STATE
            operation.close().ok()
        assert session.value("SELECT count(*) FROM sales.orders") == 100
        session.close().ok()

    binary_pair.same_replies(scenario)


def test_handles_are_their_owners(pair: HivePair) -> None:
    """Hive's words for a handle that it doesn't know, to anybody but the owner."""
    with Connection(pair.via) as alice, Connection(pair.via.as_user("bob")) as bob:
        session = alice.open(protocol=10)
        operation = session.execute("SELECT 1")
        for reply in (
            session.on(bob).call("ExecuteStatement", statement="SELECT 1"),
            session.on(bob).call("GetDelegationToken", owner="alice", renewer="bob"),
            operation.on(bob).fetch(),
            operation.on(bob).call("CancelOperation"),
        ):
            assert reply.status["message"].startswith("Invalid "), reply.shown
        with Connection(pair.via) as other:  # her own, on another connection
            assert operation.on(other).rows() == [(1,)]
        with Connection(pair.direct) as direct:  # the server knows none of hivegate's handles
            reply = Session(direct, session.handle).call("ExecuteStatement", statement="SELECT 1")
            assert reply.status["message"].startswith("Invalid SessionHandle")


@pytest.mark.parametrize("name", ["3.1", "4.0", "4.0 over http"])
def test_what_a_client_leaves_is_closed(
    hives: dict[str, Hive], fronts: dict[str, Gateway], name: str
) -> None:
    """Seen in the server's own count of its sessions. By itself Hive closes only the last one of
    each connection."""
    hive = hives[name.split()[0]]
    before = hive.open_sessions()
    with Connection(fronts[name].target()) as connection:
        for _ in range(3):
            session = connection.open(protocol=10)
        session.execute("SELECT 1")
        operation = session.execute(slow(60 if name == "3.1" else 3), run_async=True)
        wait_for(lambda: operation.state() == TOperationState.RUNNING_STATE, "it to run")
        wait_for(lambda: hive.open_sessions() == before + 3, "the server to count them")
    wait_for(lambda: hive.open_sessions() == before, "the server to close them")


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "service-password.txt"
    path.write_text("the service's own secret\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("way", ["3.1", "4.0", "4.0 over http", "3.1 http", "no sasl"])
def test_as_service(
    hives: dict[str, Hive],
    make_gateway: Callable[..., Gateway],
    password_file: Path,
    way: str,
) -> None:
    """hivegate logs in as `gate` and names the user. Hive looks at hadoop.proxyuser.* unless its
    authentication is NONE; what it says then reaches the user."""
    hive = hives.get(way) or hives[way.split()[0]]
    pool = {"transport": "http"} if way.endswith("http") else {}
    pool |= {"sasl": "none"} if way == "no sasl" else {}
    gateway = make_gateway(
        [hive.server.http_address if "transport" in pool else hive.address],
        login="service",
        user="gate",
        password_file=str(password_file),
        **pool,
    )
    for user in ("alice", "svc.etl", "jürgen w."):
        with Connection(gateway.target(user)) as connection:
            if way == "no sasl" and user not in MAY_PROXY["hadoop.proxyuser.gate.users"]:
                told = connection.open_reply(protocol=10).status["message"]
                assert told.startswith("Failed to validate proxy privilege of gate for"), told
                continue
            session = connection.open({"set:hivevar:v": "7"}, protocol=10)
            assert session.rows("SELECT current_user(), logged_in_user(), ${hivevar:v}") == [
                (user, user, 7)
            ]
            # not every server has tables; Hadoop's local jobs lose files of users with such names
            if way[:3] in hives and " " not in f"{way}{user}":
                assert session.value("SELECT count(*) FROM sales.orders WHERE id > 10") == 90
            assert connection.open_reply({PROXY: "gate"}, protocol=10).status["code"] == 3
            session.close().ok()


def test_without_sasl(hives: dict[str, Hive], fronts: dict[str, Gateway]) -> None:
    """NOSASL at the server; with and without SASL towards the client."""
    recordings = []
    front = fronts["no sasl"]
    for target in (
        hives["no sasl"].target,
        front.target(listener="raw", sasl=False),
        front.target(),
    ):
        with Connection(target) as connection:
            recorder = HiveRecorder(connection)
            named = {"username": "alice", "password": "alice-secret"}
            opened = connection.open_reply({}, 10, **({} if target.sasl else named)).ok()
            session = Session(connection, opened.result.sessionHandle)
            for statement in (s for s in STATEMENTS if "orders" not in s):
                run(session, statement)
            assert session.value("SELECT current_user()") == "alice"
            session.close().ok()
            recordings.append(recorder.replies)
    direct, *via = recordings
    for replies in via:
        assert (found := normal.difference(direct, replies)) is None, found


def test_over_http_only(
    hives: dict[str, Hive], make_gateway: Callable[..., Gateway], users_file: Path
) -> None:
    """Hive 3.1's HTTP, for clients of each kind."""
    gateway = make_gateway([hives["3.1 http"].address], listeners=listeners(), transport="http")
    for listener in ("thrift", "http"):
        with way_to_gateway(gateway, listener).connect() as connection:
            session = connection.open({"set:hivevar:v": "7"}, protocol=10)
            assert session.rows("SELECT current_user(), ${hivevar:v}") == [("alice", 7)]
            with pytest.raises(Failed, match="nosuchtable"):
                session.execute("SELECT * FROM nosuchtable")
            session.close().ok()


NUMBERS = (
    "SELECT n, concat('row ', n) FROM (SELECT 1) one "
    "LATERAL VIEW posexplode(split(space(9999), ' ')) numbers AS n, nothing"
)

JDBC: list[list[str | None]] = [
    ["connect", "/default"],
    ["about"],
    ["isvalid"],
    ["query", "SELECT current_user()"],
    ["query", "SELECT * FROM everything"],
    ["typed", "SELECT * FROM everything WHERE a_boolean"],
    ["query", "SELECT id, price, placed, day FROM sales.orders LIMIT 7"],
    ["query", "SELECT interval '1-2' year to month, interval '3 4:05:06.789' day to second"],
    ["query", "SELECT 1 WHERE false"],
    ["checksum", NUMBERS, "700"],
    ["two", "SELECT id FROM sales.orders", "SELECT id + 100 FROM sales.orders"],
    ["scroll", "SELECT id FROM sales.orders"],
    ["execute", "USE sales"],
    ["schema", "default"],
    ["update", "SET a.b=c"],
    ["prepare", "SELECT ?, ?, ?", "string:it's", "int:-5", "null:"],
    ["prepare", "SELECT count(*) FROM sales.orders WHERE id > ?", "int:50"],
    ["cancel", slow(4), "1500"],
    ["query", "SELECT nosuch"],
    ["query", "SELEC 1"],
    ["query", "SELECT * FROM nosuchtable"],
    ["query", ""],
    *metadata_calls(schemas="sal%"),
    ["meta", "getImportedKeys", None, "sales", "lines"],
    ["meta", "getCrossReference", None, "sales", "orders", None, "sales", "lines"],
    ["connect", "/sales?hive.fetch.task.conversion=more#my=7"],
    ["query", "SELECT ${my}, current_database()"],
    ["connect", "/no_such_database"],
    ["connect", "/default"],
    ["query", "SELECT 'still usable'"],
    ["close"],
]


@pytest.mark.parametrize(("driver", "server"), [("2.3.9", "4.0"), ("3.1.3", "3.1"), ("4.1.0", "4.0")])
def test_jdbc(
    hives: dict[str, Hive],
    fronts: dict[str, Gateway],
    drivers: JdbcDrivers,
    driver: str,
    server: str,
) -> None:
    targets = (hives[server].target, fronts[server].target())
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(drivers.run, driver, target, JDBC) for target in targets]
        direct, via = (normal.plain(run.result()) for run in runs)
    differences = [
        f"{call}:\n{unlike(left, right)}"
        for call, left, right in zip(JDBC, direct, via, strict=True)
        if timeless(str(left)) != timeless(str(right))
    ]
    assert not differences, "\n\n".join(differences)
    results = {" ".join(map(str, call)): result for call, result in zip(JDBC, via, strict=True)}
    assert results["query SELECT current_user()"]["result"]["rows"] == [[["String", "alice"]]]
    assert len(results["meta getPrimaryKeys None sales orders"]["result"]["rows"]) == 1
    assert "result" in results["query SELECT 'still usable'"]


def test_jdbc_over_http(fronts: dict[str, Gateway], drivers: JdbcDrivers) -> None:
    way = way_to_gateway(fronts["4.0 over http"], "http")
    script = way.script([["connect", "/sales"], JDBC[3], JDBC[4], JDBC[-4], ["close"]])
    opened, who, rows, *_ = drivers.run("4.1.0", way.target, script)
    assert "result" in opened, opened
    assert who["result"]["rows"] == [[["String", "alice"]]]
    assert "error" in rows  # `everything` is not in sales


def test_databricks_jdbc(fronts: dict[str, Gateway], drivers: JdbcDrivers) -> None:
    """The dialect of Simba's family serves Hive's results as it does Spark's: to their end."""
    script: list[list[str | None]] = [
        ["connect", "/sales"],
        ["query", "SELECT current_database(), current_user()"],
        ["checksum", NUMBERS.replace("9999", "24999"), "4000"],
        ["meta", "getColumns", None, "sales", "orders", "%"],
    ]
    opened, who, counted, columns = drivers.run(DATABRICKS, fronts["4.0"].target(), script)
    assert "result" in opened, opened
    assert who["result"]["rows"] == [[["String", "sales"], ["String", "alice"]]]
    assert counted["result"][0] == 25000, counted
    assert len(columns["result"]["rows"]) == 5


def test_beeline(pair40: HivePair) -> None:
    """Beeline 2.3.9 with all that it shows: the statement's log among it."""
    statements = ["SELECT current_user()", "SELECT * FROM everything", "SELECT count(*) FROM orders"]
    running = [
        Beeline(
            target,
            statements=statements,
            suffix="/sales?hive.server2.in.place.progress=false",
            silent=False,
        )
        for target in pair40.targets
    ]
    direct, via = (beeline.wait() for beeline in running)
    assert "alice" in via.output and "Compiling command" in via.errors
    # The last lines of a log may come too late to be shown.
    shown = [
        [line for line in steady(run.plain()[1] + run.plain()[2]) if "Completed exec" not in line]
        for run in (direct, via)
    ]
    assert shown[0] == shown[1]


def test_pyhive_and_impyla(binary_pair: HivePair) -> None:
    def answers(target: Any) -> Any:
        found = []
        how = {"host": target.host, "port": target.port}
        opened = pyhive.connect(
            **how, username=target.user, password=target.password, auth="CUSTOM", database="sales"
        )
        cursor = opened.cursor()
        cursor.execute("SELECT count(*) FROM orders", async_=True)
        while cursor.poll().operationState in UNDER_WAY:
            pass
        found += [cursor.fetchall(), bool(cursor.fetch_logs())]
        opened.close()
        opened = dbapi.connect(
            **how, user=target.user, password=target.password, auth_mechanism="PLAIN", timeout=240
        )
        cursor = opened.cursor()
        cursor.execute("SELECT * FROM sales.orders WHERE id < %(most)s", {"most": 4})
        found += [[list(column) for column in cursor.description], [*map(str, cursor.fetchall())]]
        cursor.execute("SELECT current_user()")
        found.append(cursor.fetchall())
        cursor.get_tables(database_name="sales")
        found.append([*map(str, cursor.fetchall())])
        opened.close()
        return found

    found = binary_pair.same_value(answers)
    assert found[0] == [[100]] and found[4] == [["alice"]] and len(found[3]) == 3
