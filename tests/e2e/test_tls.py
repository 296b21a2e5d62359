"""TLS with real drivers and real Spark servers: towards clients, towards servers, and certificates
that change while statements run."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from impala import dbapi
from pyhive import hive
from support.certificates import Certificate, fingerprint
from TCLIService import ttypes
from thrift.transport.TTransport import TTransportException

from e2e import test_impyla, test_pyhive
from e2e.harness import normal
from e2e.harness.certificates import (
    Papers,
    java_options,
    jdbc_settings,
    pyhive_transport,
    with_settings,
)
from e2e.harness.doors import doors
from e2e.harness.fleet import Gateway, Pair, Spark, config, unlike
from e2e.harness.http import HttpConnection
from e2e.harness.jdbc import VERSIONS, JdbcDrivers
from e2e.harness.normal import plain
from e2e.harness.queries import slow
from e2e.harness.shell import Beeline
from e2e.harness.wire import Connection, Failed, LoginRefused, Session, Target
from e2e.test_jdbc import SCRIPT


def listener(name: str, tls: dict[str, Any] | None = None, sasl: str = "plain") -> dict[str, Any]:
    made = {"name": name, "bind": "127.0.0.1:0", "transport": "binary", "sasl": sasl}
    return made | ({"tls": tls} if tls else {})


def listeners(papers: Papers, server: Certificate | None = None) -> list[dict[str, Any]]:
    one_way: dict[str, Any] = {"certificates": [(server or papers.server).pair]}
    two_way = one_way | {
        "client_certificate": "required",
        "client_ca_file": str(papers.authority.ca_file),
    }
    return [
        listener("thrift"),
        listener("tls", one_way),
        listener("tls-nosasl", one_way, "none"),
        listener("two-way", two_way),
    ]


def tls_config(papers: Papers, spark: Spark, users_file: Path, **how: Any) -> dict[str, Any]:
    made = config([spark.address], users_file, listeners=listeners(papers), **how)
    made["authentication"]["chain"] = ["certificate", "users"]
    return made


@dataclass
class TlsPair(Pair):
    """A Spark server directly, and through a hivegate's TLS listener."""

    papers: Papers

    @property
    def via(self) -> Target:
        return self.gateway.target(listener="tls", tls=self.papers.authority.context())

    @property
    def settings(self) -> str:
        return jdbc_settings(self.papers.authority)

    def two_way(self, user: str, password: str = "whatever") -> Target:
        context = self.papers.authority.context(self.papers.alice)
        target = self.gateway.target(listener="two-way", tls=context)
        return target.as_user(user, password)


@pytest.fixture(scope="module")
def tls_pairs(
    sparks: dict[str, Spark],
    users_file: Path,
    papers: Papers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, TlsPair]]:
    made = {}
    for version, spark in sparks.items():
        directory = tmp_path_factory.mktemp(f"tls-{version}-")
        gateway = Gateway(tls_config(papers, spark, users_file), directory=directory)
        made[version] = TlsPair(spark, gateway, papers)
        gateway.start()
    yield made
    for pair in made.values():
        pair.gateway.stop()


@pytest.fixture(params=("3.5", "4.0"))
def tls(request: pytest.FixtureRequest, tls_pairs: dict[str, TlsPair]) -> TlsPair:
    return tls_pairs[request.param]


@pytest.fixture
def tls35(tls_pairs: dict[str, TlsPair]) -> TlsPair:
    return tls_pairs["3.5"]


def program(connection: Connection) -> None:
    session = connection.open({"use:database": "sales"})
    session.rows("SELECT * FROM orders ORDER BY id")
    session.rows("SELECT * FROM default.everything")
    session.execute("SELECT 1", run_async=True).wait()
    session.call("ExecuteStatement", statement="SELECT nosuch")
    session.start("GetTables", schemaName="sales").rows()
    session.call("GetInfo", infoType=17)
    session.close().ok()


# ---- raw connections ----


@pytest.mark.smoke
def test_every_byte_is_the_same(tls: TlsPair) -> None:
    tls.same_replies(program)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_each_version(tls35: TlsPair, version: ssl.TLSVersion) -> None:
    context = tls35.papers.authority.context()
    context.minimum_version = context.maximum_version = version
    with Connection(replace(tls35.via, tls=context)) as connection:
        assert connection.open().value("SELECT current_user()") == "alice"
        assert connection.socket.version() == version.name.replace("_", ".")


@pytest.mark.smoke
@pytest.mark.parametrize("rows", [10_000, 1_000_000])
def test_large_results(tls35: TlsPair, rows: int) -> None:
    """60 MB, in replies of up to 60 MB, the same to the last byte."""

    def fetch(connection: Connection) -> None:
        session = connection.open()
        operation = session.execute(
            "SELECT id, repeat(concat('row ', id), 30), cast(id AS DOUBLE) / 7 "
            "FROM range(0, 200000, 1, 1)"
        )
        while True:
            # most of the rows are never decoded: it would take longer than all the rest
            reply = operation.fetch(rows=rows)
            if len(reply.raw) < 2000:
                break
        session.close()

    found = []
    for target in tls35.targets:
        with Connection(target) as connection:
            replies: list[bytes] = []
            connection.on_reply = lambda reply, replies=replies: replies.append(reply.raw)
            fetch(connection)
            found.append([raw for raw in replies if b"FetchResults" in raw[:30]])
    direct, via = found
    assert direct == via
    assert sum(map(len, via)) > 50_000_000


@pytest.mark.smoke
def test_cancel_from_another_connection(tls: TlsPair) -> None:
    """Also from one without TLS, and of one without TLS."""
    plain_target = tls.gateway.target()
    for first, second in ((tls.via, tls.via), (tls.via, plain_target), (plain_target, tls.via)):
        with Connection(first) as one, Connection(second) as other:
            mark = f"tls cancel {time.monotonic_ns()}"
            session = one.open()
            operation = session.execute(slow(mark), run_async=True)
            tls.ui.wait_running(mark)
            operation.on(other).call("CancelOperation").ok()
            state = operation.wait().result.operationState
            assert state == ttypes.TOperationState.CANCELED_STATE
            session.close().ok()


def test_a_client_that_leaves_is_cleaned_up(tls35: TlsPair) -> None:
    for end in ("close", "goodbye", "reset"):
        connection = Connection(tls35.via)
        session = connection.open()
        mark = f"tls leaves {end} {time.monotonic_ns()}"
        session.execute(slow(mark), run_async=True)
        tls35.ui.wait_running(mark)
        if end == "goodbye":
            try:
                connection.socket.settimeout(0.2)
                connection.socket.unwrap()
            except (OSError, ssl.SSLError):
                pass
        elif end == "reset":
            hard = (1).to_bytes(4, "little") + bytes(4)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hard)
        connection.close()
        tls35.ui.wait_cancelled(mark)


@pytest.mark.smoke
def test_without_sasl(tls: TlsPair) -> None:
    """JDBC's auth=noSasl with ssl=true: name and password come with OpenSession."""
    context = tls.papers.authority.context()
    target = tls.gateway.target(listener="tls-nosasl", sasl=False, tls=context)
    with Connection(target) as connection:
        opened = connection.open_reply(None, 9, "alice", "alice-secret").ok()
        session = Session(connection, opened.result.sessionHandle)
        assert session.value("SELECT current_user()") == "alice"
        assert len(session.rows("SELECT id FROM range(0, 30000, 1, 1)")) == 30000
        session.close().ok()
    with Connection(target) as connection:
        assert connection.open_reply(None, 9, "alice", "wrong").status["code"] == 3


# ---- drivers ----


@pytest.mark.smoke
def test_beeline(tls: TlsPair) -> None:
    statements = ["SELECT current_user(), current_database()", "SELECT * FROM orders", "SELEC 1"]
    running = [
        Beeline(target, statements=statements, suffix=suffix)
        for target, suffix in (
            (tls.direct, "/sales"),
            (tls.via, f"/sales;{tls.settings}"),
        )
    ]
    direct, via = (beeline.wait() for beeline in running)
    assert "alice,sales" in via.output and "item-100" in via.output
    assert via.plain() == direct.plain()


def test_beeline_with_a_wrong_trust_store(tls35: TlsPair) -> None:
    settings = jdbc_settings(tls35.papers.stranger)
    ended = Beeline(tls35.via, statements=["SELECT 1"], suffix=f"/default;{settings}").wait()
    assert ended.status != 0
    assert "PKIX path" in ended.errors, ended.errors[-2000:]


def test_beeline_with_a_certificate(tls35: TlsPair) -> None:
    """Nobody in the URL: the certificate says who it is."""
    ended = Beeline(
        tls35.two_way("", ""),
        statements=["SELECT current_user()"],
        suffix="/default;ssl=true",
        jvm=java_options(tls35.papers.authority, tls35.papers.alice),
    ).wait()
    assert ended.status == 0 and "alice" in ended.output.split(), ended


def secured(calls: list[list[str | None]], settings: str) -> list[list[str | None]]:
    """The script over TLS. Calls in the background make a plain URL: they run in the foreground."""
    made = []
    for call in calls:
        if call[0] == "bg":
            call = call[1:]
        if call[0] == "connect":
            call = ["connect", with_settings(call[1] or "", settings)]
        made.append(call)
    return made


# What changes nothing, and every third of that.
SHORT = [SCRIPT[0], ["query", "SELECT * FROM everything"]]
SHORT += [call for call in SCRIPT if call[0] not in ("bg", "connect", "execute", "close")][::3]


@pytest.mark.parametrize("driver", VERSIONS)
def test_jdbc(tls: TlsPair, drivers: JdbcDrivers, driver: str) -> None:
    """The whole program of test_jdbc; 4.0 runs a part of it."""
    script = SCRIPT if tls.version == "3.5" else SHORT
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(drivers.run, driver, target, secured(script, settings))
            for target, settings in ((tls.direct, "x=y"), (tls.via, tls.settings))
        ]
        direct = plain(runs[0].result())
        via = plain(json.loads(json.dumps(runs[1].result()).replace(tls.settings, "x=y")))
    differences = [
        f"{call}:\n{unlike(left, right)}"
        for call, left, right in zip(script, direct, via, strict=True)
        if left != right
    ]
    assert not differences, "\n\n".join(differences)
    everything = via[script.index(["query", "SELECT * FROM everything"])]
    assert len(everything["result"]["rows"]) == 3


@pytest.mark.smoke
def test_jdbc_in_short(tls35: TlsPair, drivers: JdbcDrivers) -> None:
    calls = secured([["connect", "/sales"], ["query", "SELECT current_user()"]], tls35.settings)
    _, who = drivers.run("4.1.0", tls35.via, calls)
    assert who["result"]["rows"] == [[["String", "alice"]]]


@pytest.mark.parametrize("driver", VERSIONS)
def test_jdbc_refuses_what_it_does_not_trust(
    tls35: TlsPair, drivers: JdbcDrivers, driver: str
) -> None:
    calls = [
        ["connect", f"/default;{jdbc_settings(tls35.papers.stranger)}"],
        ["connect", "/default;ssl=true"],  # Java's own authorities
        ["connect", f"/default;{tls35.settings}"],
        ["query", "SELECT current_user()"],
    ]
    stranger, java, _, who = drivers.run(driver, tls35.via, calls)
    for refused in (stranger, java):
        assert "PKIX path" in str(refused["error"]), refused
    assert who["result"]["rows"] == [[["String", "alice"]]]


@pytest.mark.parametrize("driver", VERSIONS)
def test_jdbc_without_tls_on_a_tls_listener(
    tls35: TlsPair, drivers: JdbcDrivers, driver: str
) -> None:
    (refused,) = drivers.run(driver, tls35.via, [["connect", "/default"]])
    assert "needs TLS: connect with ssl=true" in str(refused["error"]), refused


@pytest.mark.parametrize("driver", VERSIONS)
def test_jdbc_without_sasl(tls35: TlsPair, drivers: JdbcDrivers, driver: str) -> None:
    target = replace(tls35.via, port=tls35.gateway.target(listener="tls-nosasl").port)
    calls = [
        ["connect", f"/sales;auth=noSasl;{tls35.settings}"],
        ["query", "SELECT current_user(), current_database()"],
        ["checksum", "SELECT id, concat('row ', id) FROM range(0, 30000, 1, 1)", "4000"],
    ]
    opened, who, sums = drivers.run(driver, target, calls)
    if driver == "1.2.2":  # with noSasl it takes no notice of ssl=true, so it doesn't come in
        assert "error" in opened, opened
        assert "no TLS on a listener that needs it" in tls35.gateway.log_text()
        return
    assert "result" in opened, opened
    assert who["result"]["rows"] == [[["String", "alice"], ["String", "sales"]]]
    assert "result" in sums


@pytest.mark.parametrize("driver", VERSIONS)
def test_jdbc_two_way(tls35: TlsPair, drivers: JdbcDrivers, driver: str) -> None:
    """With nobody in the URL it is the certificate's owner; another user needs a password."""
    papers = tls35.papers
    alien = papers.stranger.issue(f"alien-{driver}", "alice")
    own = java_options(papers.authority, papers.alice)
    foreign = java_options(papers.authority, alien)
    calls = [["connect", "/default;ssl=true"], ["query", "SELECT current_user()"]]
    for target, jvm, wanted in (
        (tls35.two_way("", ""), own, "alice"),
        (tls35.two_way("alice", "not-her-password"), own, "alice"),
        (tls35.two_way("bob", "bob-secret"), own, "bob"),
        (tls35.two_way("bob", "not-his-password"), own, None),
        (tls35.two_way("alice", "alice-secret"), foreign, None),
    ):
        opened, who = drivers.run(driver, target, calls, jvm)
        if wanted:
            assert who["result"]["rows"] == [[["String", wanted]]], opened
        else:
            assert "error" in opened, opened
    opened, _ = drivers.run(driver, tls35.via.as_user("", ""), calls, own)
    assert "login" in str(opened["error"]).lower(), opened  # it isn't asked for there
    (without,) = drivers.run(
        driver, tls35.two_way("alice", "alice-secret"), [["connect", f"/;{tls35.settings}"]]
    )
    assert "error" in without, without


@pytest.mark.smoke
def test_pyhive_over_tls(tls: TlsPair) -> None:
    def answers(target: Target) -> Any:
        if target.tls:
            made = hive.connect(thrift_transport=pyhive_transport(target))
        else:
            made = hive.connect(
                target.host, target.port, username="alice", password="x", auth="CUSTOM"
            )
        with closing(made) as connection, connection.cursor() as cursor:
            return [test_pyhive.attempt(cursor, s) for s in test_pyhive.STATEMENTS]

    results = tls.same_value(answers)
    assert results[-1][1] == [[["str", "still usable"], ["str", "alice"]]]


def test_pyhive_refuses_what_it_does_not_trust(tls35: TlsPair) -> None:
    target = replace(tls35.via, tls=tls35.papers.stranger.context())
    with pytest.raises(TTransportException) as told:
        pyhive_transport(target).open()
    assert "certificate verify failed" in str(told.value.inner)


def test_pyhive_two_way(tls35: TlsPair) -> None:
    for user, password in (("alice", "whatever"), ("bob", "bob-secret")):
        transport = pyhive_transport(tls35.two_way(user, password))
        with closing(hive.connect(thrift_transport=transport)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT current_user()")
            assert cursor.fetchall() == [(user,)]
    with pytest.raises(TTransportException):
        hive.connect(thrift_transport=pyhive_transport(tls35.two_way("bob")))


@pytest.mark.smoke
def test_impyla_over_tls(tls: TlsPair) -> None:
    def answers(target: Target) -> Any:
        how: dict[str, Any] = {}
        if target.tls:
            how = {"use_ssl": True, "ca_cert": str(tls.papers.authority.ca_file)}
        with test_impyla.connected(target, **how) as connection:
            with connection.cursor() as cursor:
                return [test_impyla.attempt(cursor, s) for s in test_impyla.STATEMENTS]

    results = tls.same_value(answers)
    assert results[-1][1] == [[["str", "still usable"], ["str", "alice"]]]


def test_impyla_refuses_what_it_does_not_trust(tls35: TlsPair) -> None:
    with pytest.raises(TTransportException) as told:
        dbapi.connect(
            tls35.via.host,
            tls35.via.port,
            user="alice",
            password="alice-secret",
            auth_mechanism="PLAIN",
            use_ssl=True,
            ca_cert=str(tls35.papers.stranger.ca_file),
            retries=1,
        ).cursor()
    assert "certificate verify failed" in str(told.value.inner)


# ---- login by certificate ----


@pytest.mark.smoke
def test_who_a_certificate_makes_one(tls: TlsPair) -> None:
    for user, password in (("alice", "x"), ("anonymous", "x"), ("bob", "bob-secret")):
        with Connection(tls.two_way(user, password)) as connection:
            who = connection.open().value("SELECT current_user()")
            assert who == ("bob" if user == "bob" else "alice")
    for user in ("bob", "Alice", "nobody"):
        with pytest.raises(LoginRefused):
            Connection(tls.two_way(user))


def test_no_certificate(tls35: TlsPair) -> None:
    target = replace(tls35.two_way("alice"), tls=tls35.papers.authority.context())
    with Connection(target, login=False) as connection:
        with pytest.raises(ssl.SSLError, match="(?i)certificate required"):
            connection.receive(1)


# ---- towards servers ----


@pytest.fixture
def make_tls_gateway(
    make_gateway: Callable[..., Gateway], papers: Papers, tls_spark: Spark
) -> Callable[..., Gateway]:
    """A gateway with this `tls` of its pool, in front of the server with TLS."""

    def make(tls: dict[str, str] | None, spark: Spark = tls_spark) -> Gateway:
        pool = {"tls": tls} if tls else {}
        return make_gateway([spark.address], listeners=listeners(papers)[:2], **pool)

    return make


GOOD = {
    "full": ("full", "known", None),
    "full, by name": ("full", "known", "localhost"),
    "chain, wrong name": ("chain", "known", "other.example.org"),
    "none": ("none", None, None),
    "none, wrong name": ("none", None, "other.example.org"),
}


def pool_tls(papers: Papers, verify: str, ca: str | None, name: str | None) -> dict[str, str]:
    made = {"verify": verify}
    if ca:
        made["ca_file"] = str((papers.authority if ca == "known" else papers.stranger).ca_file)
    if name:
        made["server_name"] = name
    return made


@pytest.mark.smoke
@pytest.mark.parametrize("how", GOOD.values(), ids=GOOD)
def test_a_server_with_tls(
    make_tls_gateway: Callable[..., Gateway], tls_spark: Spark, papers: Papers, how: tuple
) -> None:
    """From plain clients and from TLS clients; every byte is the server's."""
    gateway = make_tls_gateway(pool_tls(papers, *how))
    context = papers.authority.context()
    recordings = []
    for target in (
        replace(tls_spark.target.as_user("alice"), tls=context),
        gateway.target(),
        gateway.target(listener="tls", tls=context),
    ):
        with Connection(target) as connection:
            recorder = normal.Recorder(connection)
            session = connection.open()
            assert session.value("SELECT current_user()") == "alice"
            session.rows("SELECT id, repeat('x', 1000) FROM range(0, 5000, 1, 1)")
            session.call("ExecuteStatement", statement="SELECT nosuch")
            session.close().ok()
            recordings.append(recorder.replies)
    for other in recordings[1:]:
        assert (found := normal.difference(recordings[0], other)) is None, found


def test_cancel_on_a_server_with_tls(
    make_tls_gateway: Callable[..., Gateway], tls_spark: Spark, papers: Papers
) -> None:
    gateway = make_tls_gateway(pool_tls(papers, "full", "known", None))
    with Connection(gateway.target()) as one, Connection(gateway.target()) as other:
        operation = one.open().execute(slow("tls server cancel"), run_async=True)
        tls_spark.ui.wait_running("tls server cancel")
        operation.on(other).call("CancelOperation").ok()
        assert operation.wait().result.operationState == ttypes.TOperationState.CANCELED_STATE
    connection = Connection(gateway.target())
    connection.open().execute(slow("tls server leaves"), run_async=True)
    tls_spark.ui.wait_running("tls server leaves")
    connection.close()
    tls_spark.ui.wait_cancelled("tls server leaves")


BAD = {
    "wrong authority": ("full", "unknown", None, "certificate"),
    "wrong authority, chain": ("chain", "unknown", None, "certificate"),
    "the system's authorities": ("full", None, None, "certificate"),
    "wrong name": ("full", "known", "other.example.org", "ostname mismatch"),
    "wrong address": ("full", "known", "192.0.2.1", "IP address mismatch"),
}


@pytest.mark.smoke
@pytest.mark.parametrize("how", BAD.values(), ids=BAD)
def test_a_server_that_is_not_who_it_should_be(
    make_tls_gateway: Callable[..., Gateway], tls_spark: Spark, papers: Papers, how: tuple
) -> None:
    """The user hears why, and of which endpoint; so does the log."""
    *wanted, why = how
    gateway = make_tls_gateway(pool_tls(papers, *wanted))
    with Connection(gateway.target()) as connection, pytest.raises(Failed) as refused:
        connection.open()
    told = refused.value.status["message"]
    assert tls_spark.address in told and why in told, told
    assert "certificate" in told or "mismatch" in told, told
    assert why in gateway.log_text()


def test_tls_on_one_side_only(
    make_tls_gateway: Callable[..., Gateway],
    sparks: dict[str, Spark],
    tls_spark: Spark,
    papers: Papers,
) -> None:
    """A pool with TLS in front of a plain server, and the other way round."""
    for tls, spark, why in (
        (pool_tls(papers, "full", "known", None), sparks["3.5"], "doesn't speak TLS"),
        (None, tls_spark, ""),
    ):
        gateway = make_tls_gateway(tls, spark)
        with Connection(gateway.target()) as connection, pytest.raises(Failed) as refused:
            connection.open()
        told = refused.value.status["message"]
        assert spark.address in told and why in told, told


@pytest.mark.parametrize("driver", ["2.3.9", "4.1.0"])
def test_tls_on_both_sides_with_jdbc(
    make_tls_gateway: Callable[..., Gateway], drivers: JdbcDrivers, papers: Papers, driver: str
) -> None:
    gateway = make_tls_gateway(pool_tls(papers, "full", "known", None))
    settings = jdbc_settings(papers.authority)
    calls = [
        ["connect", f"/default;{settings}"],
        ["query", "SELECT current_user()"],
        ["checksum", "SELECT id, concat('row ', id) FROM range(0, 30000, 1, 1)", "4000"],
        ["cancel", slow("tls both sides", 60), "2000"],
        ["meta", "getTypeInfo"],
    ]
    results = drivers.run(driver, gateway.target(listener="tls"), calls)
    assert results[1]["result"]["rows"] == [[["String", "alice"]]]
    assert all("result" in result for result in results), results


# ---- certificates that change ----


class Load:
    """Connections that run statements, each in a thread, until they are told to end."""

    def __init__(self, target: Target, count: int):
        self.rounds = [0] * count
        self.problems: list[str] = []
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(target, number)) for number in range(count)
        ]

    def _run(self, target: Target, number: int) -> None:
        try:
            with Connection(target) as connection:
                session = connection.open()
                while not self._ending.is_set():
                    value = session.value(f"SELECT {number} * 1000 + {self.rounds[number] % 7}")
                    assert value == number * 1000 + self.rounds[number] % 7
                    self.rounds[number] += 1
                session.close().ok()
        except Exception as error:
            self.problems.append(f"{number}, round {self.rounds[number]}: {error!r}")

    def more(self, rounds: int = 2) -> None:
        """Waits until every connection has made some more rounds."""
        before = list(self.rounds)
        deadline = time.monotonic() + 60
        while any(now < then + rounds for now, then in zip(self.rounds, before, strict=True)):
            assert not self.problems, self.problems
            assert time.monotonic() < deadline, f"no progress: {before} -> {self.rounds}"
            time.sleep(0.02)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()


def shown(target: Target) -> str:
    """The fingerprint of the certificate that a new connection is shown."""
    with Connection(target, login=False) as connection:
        return fingerprint(connection.socket.getpeercert(True))


def put(source: Path, place: Path) -> None:
    """As those who renew certificates do: a new file under the old name."""
    new = place.with_suffix(".new")
    new.write_bytes(source.read_bytes())
    new.replace(place)


@dataclass
class Rotation:
    gateway: Gateway
    target: Target
    used: Certificate

    def hang_up(self) -> None:
        os.kill(self.gateway.pid, signal.SIGHUP)

    def count(self, event: str) -> int:
        return sum(f" {event} " in line for line in self.gateway.log_text().splitlines())

    def wait_event(self, event: str, before: int, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while self.count(event) <= before:
            assert time.monotonic() < deadline, f"no {event} in the log"
            time.sleep(0.02)


@pytest.fixture
def rotation(
    make_gateway: Callable[..., Gateway], sparks: dict[str, Spark], papers: Papers
) -> Rotation:
    used = papers.authority.issue_server(f"used-{time.monotonic_ns()}")
    gateway = make_gateway([sparks["3.5"].address], listeners=listeners(papers, used)[:2])
    context = papers.authority.context()
    return Rotation(gateway, gateway.target(listener="tls", tls=context), used)


@pytest.mark.smoke
def test_rotation_under_load(rotation: Rotation, papers: Papers) -> None:
    """Files replaced and SIGHUP, five times, with eight connections at work: none is lost, and
    each new one sees the new certificate."""
    with Load(rotation.target, 8) as load:
        load.more()
        assert shown(rotation.target) == rotation.used.fingerprint
        for turn in range(5):
            new = papers.authority.issue_server(f"turn-{turn}")
            before = rotation.count("certificates_reloaded")
            put(new.certificate, rotation.used.certificate)
            put(new.key, rotation.used.key)
            rotation.hang_up()
            rotation.wait_event("certificates_reloaded", before)
            for _ in range(3):
                assert shown(rotation.target) == new.fingerprint
            with Connection(rotation.target) as connection:
                assert connection.open().value("SELECT 1") == 1
            load.more()
        load.more()
    assert not load.problems, load.problems
    assert min(load.rounds) > 10, load.rounds
    assert "login_failed" not in rotation.gateway.log_text()


class Newcomers:
    """Threads that come in by TLS and leave again, over and over, until they are told to end. Each
    notes the certificates it was shown, in turn."""

    def __init__(self, come: Callable[[], str], count: int):
        self.shown: list[list[str]] = [[] for _ in range(count)]
        self.problems: list[str] = []
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(come, shown)) for shown in self.shown
        ]

    def _run(self, come: Callable[[], str], shown: list[str]) -> None:
        try:
            while not self._ending.is_set():
                shown.append(come())
        except Exception as error:
            self.problems.append(f"after {len(shown)}: {error!r}")

    def wait_all_see(self, wanted: str) -> None:
        deadline = time.monotonic() + 60
        while any(not shown or shown[-1] != wanted for shown in self.shown):
            assert not self.problems, self.problems
            assert time.monotonic() < deadline, "not everybody was shown the new certificate"
            time.sleep(0.02)

    def __enter__(self) -> Newcomers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()


def in_and_out(made: Connection) -> str:
    with made as connection:
        session = connection.open()
        assert session.value("SELECT current_user()") == "alice"
        session.close().ok()
        return fingerprint(connection.socket.getpeercert(True))


@pytest.mark.smoke
def test_rotation_while_others_come(
    make_gateway: Callable[..., Gateway], sparks: dict[str, Spark], papers: Papers
) -> None:
    """Over both transports, beside an HTTP connection that is kept: nobody is turned away, and nobody
    who was shown a certificate is shown an older one later."""
    used = papers.authority.issue_server(f"used-{time.monotonic_ns()}")
    entries = [door.listener(replace(papers, server=used)) for door in doors("binary http", "tls")]
    gateway = make_gateway([sparks["3.5"].address], listeners=entries)
    binary, http = (door.target(gateway, papers) for door in doors("binary http", "tls"))
    rotation = Rotation(gateway, binary, used)
    order = [used.fingerprint]
    with (
        HttpConnection(http) as kept,
        Newcomers(lambda: in_and_out(Connection(binary)), 3) as by_binary,
        Newcomers(lambda: in_and_out(HttpConnection(http)), 3) as by_http,
    ):
        session = kept.open()
        for turn in range(5):
            for newcomers in (by_binary, by_http):
                newcomers.wait_all_see(order[-1])
            new = papers.authority.issue_server(f"coming-{turn}")
            before = rotation.count("certificates_reloaded")
            put(new.certificate, used.certificate)
            put(new.key, used.key)
            rotation.hang_up()
            rotation.wait_event("certificates_reloaded", before)
            order.append(new.fingerprint)
            assert session.value(f"SELECT {turn}") == turn
        for newcomers in (by_binary, by_http):
            newcomers.wait_all_see(order[-1])
        session.close().ok()
    assert not by_binary.problems + by_http.problems
    for shown in (*by_binary.shown, *by_http.shown):
        turns = [order.index(one) for one in shown]
        assert turns == sorted(turns) and turns[-1] == 5, turns
    assert "tls_failed" not in gateway.log_text()


def test_rotation_without_a_signal(rotation: Rotation, papers: Papers) -> None:
    """The files are looked at every now and then."""
    new = papers.authority.issue_server("unannounced")
    with Load(rotation.target, 4) as load:
        load.more()
        put(new.certificate, rotation.used.certificate)
        put(new.key, rotation.used.key)
        deadline = time.monotonic() + 45
        while shown(rotation.target) != new.fingerprint:
            assert time.monotonic() < deadline, "the new certificate was never seen"
            time.sleep(0.25)
        load.more()
    assert not load.problems, load.problems


@pytest.mark.smoke
def test_half_a_rotation_leaves_the_old_pair_in_use(rotation: Rotation, papers: Papers) -> None:
    """The certificate is there and its key isn't yet: an error in the log, and the old pair goes on
    until the new one is whole."""
    old = rotation.used.fingerprint
    new = papers.authority.issue_server("half")
    whole = new.certificate.read_bytes()
    with Load(rotation.target, 4) as load:
        load.more()
        for written in (whole[: len(whole) // 2], whole):
            before = rotation.count("certificates_not_reloaded")
            rotation.used.certificate.write_bytes(written)
            rotation.hang_up()
            rotation.wait_event("certificates_not_reloaded", before)
            assert shown(rotation.target) == old
            load.more()
        line = next(
            line
            for line in rotation.gateway.log_text().splitlines()
            if "certificates_not_reloaded" in line
        )
        assert "error" in line.lower() and rotation.used.certificate.name in line, line
        before = rotation.count("certificates_reloaded")
        put(new.key, rotation.used.key)
        rotation.hang_up()
        rotation.wait_event("certificates_reloaded", before)
        assert shown(rotation.target) == new.fingerprint
        load.more()
    assert not load.problems, load.problems


def test_rotation_towards_servers(
    make_gateway: Callable[..., Gateway],
    tls_spark: Spark,
    papers: Papers,
    tmp_path: Path,
) -> None:
    """The authority of a pool's servers changes: new connections are made by the new one."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(papers.stranger.ca_file.read_bytes())
    gateway = make_gateway([tls_spark.address], tls={"verify": "full", "ca_file": str(ca_file)})
    rotation = Rotation(gateway, gateway.target(), papers.server)
    with Connection(gateway.target()) as connection:
        with pytest.raises(Failed):
            connection.open()
        put(papers.authority.ca_file, ca_file)
        rotation.hang_up()
        rotation.wait_event("certificates_reloaded", 0)
        assert connection.open().value("SELECT 1") == 1
