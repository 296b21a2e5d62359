"""Servers and gateways shared by the end-to-end tests.

A Spark server of each version is started for the whole run, both at the same time, and in front
of each a hivegate with that one endpoint. `pair` is a version's two ways to the same server.
Tests that need another gateway make one with `make_gateway`; those that break a server have
`spare` ones.

HIVEGATE_BIN runs the tests with another hivegate, such as a build with sanitizers; `-m smoke` is
the part of the suite that passes over every path once.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from e2e.harness.certificates import Papers, spark_settings
from e2e.harness.fleet import SEED, Gateway, Pair, Spark, config, write_users
from e2e.harness.http import HttpConnection
from e2e.harness.jdbc import JdbcDrivers

VERSIONS = ("3.5", "4.0")


def pytest_configure(config: pytest.Config) -> None:
    # A run in the background of a script ignores SIGINT, and so would every beeline it starts.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "smoke: passes over every path once; for sanitizer builds")


@pytest.fixture(scope="session")
def sparks(request: pytest.FixtureRequest) -> Iterator[dict[str, Spark]]:
    """Both main servers, started side by side and seeded."""
    servers = {v: Spark(v, f"e2e-{v}", memory="3g") for v in VERSIONS}
    try:
        for server in servers.values():
            server.server.start()
        with ThreadPoolExecutor() as pool:
            list(pool.map(Spark.wait_seeded, servers.values()))
        yield servers
    finally:
        for server in servers.values():
            server.stop(keep=request.session.testsfailed > 0)


@pytest.fixture(scope="session")
def spare(request: pytest.FixtureRequest) -> Iterator[Callable[..., Spark]]:
    """Starts further Spark servers, for tests that kill one or need other settings."""
    made: list[Spark] = []

    def start(version: str = "3.5", **how: Any) -> Spark:
        server = Spark(version, f"e2e-spare-{len(made)}", **how)
        made.append(server)
        server.server.start()
        server.wait_ready()
        return server

    yield start
    for server in made:
        server.stop(keep=request.session.testsfailed > 0)


@pytest.fixture(scope="session")
def nosasl_spark(spare: Callable[..., Spark]) -> Spark:
    return spare("3.5", authentication="NOSASL")


@pytest.fixture(scope="session")
def http_spark(spare: Callable[..., Spark]) -> Spark:
    """A Spark 3.5 in HTTP mode with the tables that the tests read."""
    spark = spare("3.5", transport="http", memory="2g")
    with HttpConnection(spark.target.as_user("loader")) as connection:
        session = connection.open()
        for statement in SEED:
            session.run(statement)
        session.close()
    return spark


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers.make(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="session")
def tls_spark(spare: Callable[..., Spark], papers: Papers) -> Spark:
    """A Spark Thrift Server that speaks TLS itself."""
    return spare("3.5", hiveconf=spark_settings(papers.server))


@pytest.fixture(scope="session")
def users_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("users") / "users.txt"
    write_users(path)
    return path


@pytest.fixture(scope="session")
def gateways(
    sparks: dict[str, Spark], users_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Gateway]]:
    """The gateway in front of each main server."""
    made: dict[str, Gateway] = {}
    for version, spark in sparks.items():
        directory = tmp_path_factory.mktemp(f"gateway-{version}-")
        made[version] = Gateway(config([spark.address], users_file), directory=directory)
        made[version].start()
    yield made
    for gateway in made.values():
        gateway.stop()


@pytest.fixture(scope="session", params=VERSIONS)
def pair(
    request: pytest.FixtureRequest, sparks: dict[str, Spark], gateways: dict[str, Gateway]
) -> Pair:
    return Pair(sparks[request.param], gateways[request.param])


@pytest.fixture(scope="session")
def pair35(sparks: dict[str, Spark], gateways: dict[str, Gateway]) -> Pair:
    """For what doesn't depend on the server's version."""
    return Pair(sparks["3.5"], gateways["3.5"])


@pytest.fixture
def make_gateway(
    users_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Gateway]]:
    """Starts a gateway for one test; it must end with status 0 and a clean log."""
    made: list[Gateway] = []

    def make(
        endpoints: Sequence[str],
        *,
        users: Path = users_file,
        **how: Any,
    ) -> Gateway:
        made_config = config(endpoints, users, **how)
        gateway = Gateway(made_config, directory=tmp_path_factory.mktemp("gateway-"))
        made.append(gateway)
        gateway.start()
        return gateway

    yield make
    for gateway in made:
        gateway.stop()


@pytest.fixture(scope="session")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> JdbcDrivers:
    return JdbcDrivers(tmp_path_factory.mktemp("jdbc"))
