"""Every client over every transport that it knows, in front of every transport of Spark's, with and
without TLS on either side.

A test here is a client, a door (how it comes in) and a backend (how hivegate reaches Spark), and two
queries. Six Spark servers, each behind a gateway with nine doors. The drivers in Java visit all doors
of all gateways in one JVM each; their tests look at what it brought back.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from impala import dbapi
from pyhive import hive
from support.certificates import STORE_PASSWORD
from thrift.transport.THttpClient import THttpClient

from e2e.harness import databricks_sql
from e2e.harness.certificates import Papers, java_options, pyhive_transport, spark_settings
from e2e.harness.doors import DOORS, Door, doors
from e2e.harness.fleet import Gateway, Spark, config, unlike
from e2e.harness.http import PATH, authorization, way_to_spark
from e2e.harness.jdbc import DATABRICKS_URLS, NOWHERE, Call, JdbcDrivers
from e2e.harness.normal import plain
from e2e.harness.shell import Beeline
from e2e.harness.wire import Session, Target
from e2e.test_http import PROGRAM, run_jdbc

BACKENDS = tuple(
    f"{way}-{security}" for way in ("binary", "raw", "http") for security in ("plain", "tls")
)
PLAIN_BACKENDS = tuple(name for name in BACKENDS if name.endswith("-plain"))

# Two batches and a half for most clients.
ROWS = 2500
WHO = "SELECT '{mark}', current_user(), current_database()"
MANY = f"SELECT id, concat('{{mark}} ', id) FROM range(0, {ROWS}, 1, 1)"


@dataclass(frozen=True)
class Answer:
    who: list[str]
    rows: int
    checksum: str

    @classmethod
    def of(cls, who: Iterable[Any], rows: list[Any]) -> Answer:
        crc = 0
        for row in rows:
            for cell in row:
                crc = zlib.crc32(f"{cell}\1".encode(), crc)
        return cls([str(cell) for cell in who], len(rows), f"{crc:x}")

    @classmethod
    def wanted(cls, mark: str) -> Answer:
        return cls.of([mark, "alice", "default"], [(n, f"{mark} {n}") for n in range(ROWS)])


@dataclass
class World:
    gateways: dict[str, Gateway]  # by backend
    papers: Papers
    drivers: JdbcDrivers
    tours: dict[str, dict[str, Any]] = field(default_factory=dict)  # client -> mark -> Answer

    def target(self, door: Door, backend: str) -> Target:
        return door.target(self.gateways[backend], self.papers)


@pytest.fixture(scope="module")
def servers(
    sparks: dict[str, Spark],
    nosasl_spark: Spark,
    http_spark: Spark,
    tls_spark: Spark,
    spare: Callable[..., Spark],
    papers: Papers,
) -> Iterator[dict[str, Spark]]:
    secured = spark_settings(papers.server)
    own = {
        "raw-tls": spare("3.5", authentication="NOSASL", hiveconf=secured),
        "http-tls": spare("3.5", transport="http", hiveconf=secured),
    }
    yield {
        "binary-plain": sparks["3.5"],
        "binary-tls": tls_spark,
        "raw-plain": nosasl_spark,
        "http-plain": http_spark,
    } | own
    for spark in own.values():
        spark.server.stop()


@pytest.fixture(scope="module")
def world(
    servers: dict[str, Spark],
    users_file: Path,
    papers: Papers,
    drivers: JdbcDrivers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    made: dict[str, Gateway] = {}
    for backend in BACKENDS:
        transport, _, security = backend.partition("-")
        pool: dict[str, Any] = {"transport": "http"} if transport == "http" else {}
        if transport == "raw":
            pool["sasl"] = "none"
        if security == "tls":
            pool["tls"] = {"verify": "full", "ca_file": str(papers.authority.ca_file)}
        listeners = [door.listener(papers) for door in DOORS]
        settings = config([servers[backend].address], users_file, listeners=listeners, **pool)
        settings["authentication"]["chain"] = ["certificate", "users"]
        made[backend] = Gateway(settings, directory=tmp_path_factory.mktemp(f"matrix-{backend}-"))
        made[backend].start()
    yield World(made, papers, drivers)
    for gateway in made.values():
        gateway.stop()


# ---- clients in Python ----

Visit = Callable[[World, Door, str, str], Answer]


def raw_client(world: World, door: Door, backend: str, mark: str) -> Answer:
    with door.way(world.gateways[backend], world.papers).connect() as connection:
        target = connection.target
        opened = connection.open_reply(None, 9, target.user, target.password).ok()
        session = Session(connection, opened.result.sessionHandle)
        (who,) = session.rows(WHO.format(mark=mark))
        rows = session.rows(MANY.format(mark=mark))
        session.close().ok()
    return Answer.of(who, rows)


def by_cursor(connection: Any, mark: str) -> Answer:
    with closing(connection), closing(connection.cursor()) as cursor:
        cursor.execute(WHO.format(mark=mark))
        (who,) = cursor.fetchall()
        cursor.execute(MANY.format(mark=mark))
        return Answer.of(who, cursor.fetchall())


def pyhive(world: World, door: Door, backend: str, mark: str) -> Answer:
    target = world.target(door, backend)
    login = {"username": target.user, "password": target.password}
    if door.transport == "http" and door.security == "plain":
        made = hive.connect(target.host, target.port, scheme="http", auth="BASIC", **login)
    elif door.transport == "http":
        url = f"https://{target.host}:{target.port}/{PATH}"
        transport = THttpClient(url, ssl_context=target.tls)
        if door.security == "tls":  # else the certificate is all there is
            transport.setCustomHeaders({"Authorization": authorization(target)})
        made = hive.connect(thrift_transport=transport)
    elif door.security == "plain":
        made = hive.connect(target.host, target.port, auth="CUSTOM", **login)
    else:
        made = hive.connect(thrift_transport=pyhive_transport(target))
    return by_cursor(made, mark)


def impyla(world: World, door: Door, backend: str, mark: str) -> Answer:
    target = world.target(door, backend)
    how: dict[str, Any] = {}
    if door.transport == "http":
        how |= {"use_http_transport": True, "http_path": PATH}
    if door.security == "tls":
        how |= {"use_ssl": True, "ca_cert": str(world.papers.authority.ca_file)}
    made = dbapi.connect(
        target.host,
        target.port,
        user=target.user,
        password=target.password,
        auth_mechanism="PLAIN",
        **how,
    )
    return by_cursor(made, mark)


def connector(world: World, door: Door, backend: str, mark: str) -> Answer:
    target = world.target(door, backend)
    if door.security == "two-way":
        target = target.as_user("", "")
    papers = None if door.security == "plain" else world.papers
    return by_cursor(databricks_sql.connect(target, papers), mark)


# ---- clients in Java: one tour through all doors ----


def marks(backends: Iterable[str] = BACKENDS) -> dict[str, tuple[Door, str]]:
    return {mark_of(door, backend): (door, backend) for door in DOORS for backend in backends}


def mark_of(door: Door, backend: str) -> str:
    return f"{door.name} to {backend}"


def jdbc_tour(world: World, driver: str, urls: dict[str, str]) -> dict[str, Answer | str]:
    """What the driver found behind each URL, or why it found nothing."""
    calls: list[Call] = []
    for mark, url in urls.items():
        calls.append(["connect", url])
        calls.append(["query", WHO.format(mark=mark)])
        calls.append(["checksum", MANY.format(mark=mark), "1000"])
    own = java_options(world.papers.authority, world.papers.alice)
    results = world.drivers.run(driver, NOWHERE, calls, own)
    found: dict[str, Answer | str] = {}
    for index, mark in enumerate(urls):
        visit = results[3 * index : 3 * index + 3]
        if errors := [result["error"] for result in visit if "error" in result]:
            found[mark] = json.dumps(errors[0])
            continue
        _, who, sums = (result["result"] for result in visit)
        count, crc = sums
        found[mark] = Answer([cell[1] for cell in who["rows"][0]], count, crc)
    return found


def hive_jdbc(version: str) -> Visit:
    def visit(world: World, door: Door, backend: str, mark: str) -> Answer:
        if version not in world.tours:
            urls = {
                name: there.hive_url(world.gateways[behind], world.papers)
                for name, (there, behind) in marks().items()
            }
            world.tours[version] = jdbc_tour(world, version, urls)
        return world.tours[version][mark]

    return visit


def databricks_jdbc(world: World, door: Door, backend: str, mark: str) -> Answer:
    if DATABRICKS_URLS not in world.tours:
        urls = {
            name: there.databricks_url(world.gateways[behind], world.papers)
            for name, (there, behind) in marks().items()
        }
        world.tours[DATABRICKS_URLS] = jdbc_tour(world, DATABRICKS_URLS, urls)
    return world.tours[DATABRICKS_URLS][mark]


def beeline_tour(world: World) -> dict[str, Answer]:
    """One beeline that connects by !connect again and again. Its rows come with their marks."""
    lines = []
    for mark, (door, backend) in marks(PLAIN_BACKENDS).items():
        url = door.hive_url(world.gateways[backend], world.papers)
        lines += [
            f'!connect "{url}" alice {door.password}',
            WHO.format(mark=mark) + ";",
            MANY.format(mark=mark) + ";",
            "!close",
        ]
    script = world.drivers.directory / "tour.sql"
    script.write_text("\n".join(lines) + "\n")
    ended = Beeline(
        None,
        script=script,
        options=["--force=true", "--showHeader=false"],
        jvm=java_options(world.papers.authority, world.papers.alice),
    ).wait()
    # started without a URL, it has the prompt "null"
    lines = [line.removeprefix("null") for line in ended.output.splitlines()]
    rows = [line.split(",") for line in lines if "," in line]
    assert rows, ended
    found: dict[str, Answer] = {}
    for mark in marks(PLAIN_BACKENDS):
        who = [row for row in rows if row[0] == mark]
        many = [row for row in rows if row[1].rpartition(" ")[0] == mark]
        found[mark] = Answer.of(who[0] if who else [], many)
    return found


def beeline(world: World, door: Door, backend: str, mark: str) -> Answer:
    if "beeline" not in world.tours:
        world.tours["beeline"] = beeline_tour(world)
    return world.tours["beeline"][mark]


# ---- who knows which door ----

CLIENTS: dict[str, tuple[Visit, Sequence[Door]]] = {
    "raw": (raw_client, DOORS),
    "hive-jdbc-2.3.9": (hive_jdbc("2.3.9"), DOORS),
    "hive-jdbc-3.1.3": (hive_jdbc("3.1.3"), DOORS),
    "hive-jdbc-4.1.0": (hive_jdbc("4.1.0"), DOORS),
    "beeline": (beeline, DOORS),
    "databricks-jdbc": (databricks_jdbc, DOORS),
    "databricks-sql": (connector, doors("http")),
    # sends no password without SASL
    "pyhive": (pyhive, doors("binary http")),
    # the same, and has no certificate of its own
    "impyla": (impyla, doors("binary http", "plain tls")),
}


@pytest.mark.parametrize(
    ("client", "door", "backend"),
    [
        pytest.param(client, door, backend, id=f"{client}, {mark_of(door, backend)}")
        for client, (_, known) in CLIENTS.items()
        for door in known
        # beeline is the driver 2.3.9 with a shell around it
        for backend in (PLAIN_BACKENDS if client == "beeline" else BACKENDS)
    ],
)
def test_each_pair(world: World, client: str, door: Door, backend: str) -> None:
    mark = mark_of(door, backend)
    visit, _ = CLIENTS[client]
    assert visit(world, door, backend, mark) == Answer.wanted(mark)


# ---- the whole program over HTTPS ----


@pytest.mark.parametrize(("driver", "backend"), [("2.3.9", "http-plain"), ("4.1.0", "binary-plain")])
def test_a_jdbc_program_over_https(
    world: World, servers: dict[str, Spark], driver: str, backend: str
) -> None:
    """What the same server answers without hivegate and without TLS."""
    spark = servers[backend]
    trusted = world.papers.authority.trust_store()
    secure = f";ssl=true;sslTrustStore={trusted};trustStorePassword={STORE_PASSWORD}"
    way = Door("http", "tls").way(world.gateways[backend], world.papers)
    program: list[Any] = [
        [call[0], way.suffix(call[1]).replace(way.settings, way.settings + secure)]
        if call[0] == "connect"
        else call
        for call in PROGRAM
    ]
    results = world.drivers.run(driver, way.target, program)
    shown = json.dumps(results).replace(way.settings + secure, "")
    direct = plain(run_jdbc(world.drivers, driver, way_to_spark(spark), PROGRAM))
    via = plain(json.loads(shown))
    differences = [
        f"{' '.join(map(str, call))}:\n{unlike(left, right)}"
        for call, left, right in zip(PROGRAM, direct, via, strict=True)
        if left != right
    ]
    assert not differences, "\n\n".join(differences)
    assert "result" in via[0], via[0]
