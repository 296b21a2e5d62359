"""With and without SASL, towards clients and towards Spark: all four combinations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.net import free_port

from e2e.harness import normal
from e2e.harness.fleet import Gateway, Spark, unlike
from e2e.harness.jdbc import JdbcDrivers
from e2e.harness.wire import Connection, Session, Target


@pytest.fixture(scope="module")
def plain_spark(sparks: dict[str, Spark]) -> Spark:
    return sparks["3.5"]


def gateway_for(
    make_gateway: Callable[..., Gateway], spark: Spark, listener: str, backend: str
) -> Gateway:
    listeners = [
        {
            "name": "thrift",
            "bind": f"127.0.0.1:{free_port()}",
            "transport": "binary",
            "sasl": listener,
        }
    ]
    return make_gateway([spark.address], listeners=listeners, sasl=backend)


def program(connection: Connection, username: str | None, password: str | None) -> None:
    opened = connection.open_reply({"use:database": "default"}, 9, username, password).ok()
    session = Session(connection, opened.result.sessionHandle)
    session.rows("SELECT id, concat('row ', id) FROM range(0, 2000, 1, 1)")
    session.execute("SELECT 1", run_async=True).wait()
    session.call("ExecuteStatement", statement="SELECT nosuch")
    session.start("GetTables", schemaName="default").rows()
    session.call("GetInfo", infoType=17)
    session.close().ok()


@pytest.mark.smoke
@pytest.mark.parametrize("backend", ["plain", "none"])
@pytest.mark.parametrize("listener", ["plain", "none"])
def test_all_four(
    plain_spark: Spark,
    nosasl_spark: Spark,
    make_gateway: Callable[..., Gateway],
    listener: str,
    backend: str,
) -> None:
    spark = plain_spark if backend == "plain" else nosasl_spark
    gateway = gateway_for(make_gateway, spark, listener, backend)
    recordings = []
    for target in (spark.target, gateway.target(sasl=listener == "plain")):
        with Connection(target) as connection:
            recorder = normal.Recorder(connection)
            program(connection, target.user, target.password)
            recordings.append(recorder.replies)
    assert normal.difference(*recordings) is None


@pytest.mark.smoke
@pytest.mark.parametrize("backend", ["plain", "none"])
def test_the_user_without_sasl(
    plain_spark: Spark, nosasl_spark: Spark, make_gateway: Callable[..., Gateway], backend: str
) -> None:
    """A listener without SASL takes name and password from OpenSession, where JDBC sends them."""
    spark = plain_spark if backend == "plain" else nosasl_spark
    gateway = gateway_for(make_gateway, spark, "none", backend)
    target = gateway.target(sasl=False)
    for user in ("alice", "bob"):
        with Connection(target) as connection:
            opened = connection.open_reply(None, 9, user, f"{user}-secret").ok()
            session = Session(connection, opened.result.sessionHandle)
            assert session.value("SELECT current_user()") == user
            session.close().ok()
    for user, password in (
        ("alice", "wrong"),
        ("nobody", "x"),
        ("alice", None),
        (None, None),
        ("", ""),
        ("alice", ""),
    ):
        with Connection(target) as connection:
            reply = connection.open_reply(None, 9, user, password)
            assert reply.is_exception or reply.status["code"] == 3, reply.shown
            if not reply.is_exception:
                assert len(reply.status["message"]) > 20


@pytest.mark.smoke
def test_handles_have_owners_without_sasl(
    plain_spark: Spark, make_gateway: Callable[..., Gateway]
) -> None:
    """A call with a handle needs a login first, even by the handle's owner."""
    gateway = gateway_for(make_gateway, plain_spark, "none", "plain")
    target: Target = gateway.target(sasl=False)
    with Connection(target) as one, Connection(target) as two, Connection(target) as bobs:
        opened = one.open_reply(None, 9, "alice", "alice-secret").ok()
        session = Session(one, opened.result.sessionHandle)
        for connection in (two, bobs):
            reply = session.on(connection).call("ExecuteStatement", statement="SELECT 1")
            assert reply.is_exception or reply.status["code"] == 3, reply.shown
        bobs_reply = bobs.open_reply(None, 9, "bob", "bob-secret").ok()
        assert bobs_reply.result.sessionHandle
        reply = session.on(bobs).call("ExecuteStatement", statement="SELECT 1")
        assert "Invalid SessionHandle" in reply.status["message"]
        two.open_reply(None, 9, "alice", "alice-secret").ok()
        assert session.on(two).value("SELECT current_user()") == "alice"
        assert session.value("SELECT current_user()") == "alice"


def test_jdbc_without_sasl(
    nosasl_spark: Spark, make_gateway: Callable[..., Gateway], drivers: JdbcDrivers
) -> None:
    gateway = gateway_for(make_gateway, nosasl_spark, "none", "none")
    script = [
        ["connect", "/default;auth=noSasl"],
        ["about"],
        ["query", "SELECT id, current_database() FROM range(0, 1200, 1, 1)"],
        ["query", "SELECT nosuch"],
        ["meta", "getTables", None, "default", "%", None],
        ["close"],
    ]
    for driver in ("1.2.2", "2.3.9", "3.1.3", "4.1.0"):
        direct, via = (
            normal.plain(drivers.run(driver, target, script))
            for target in (nosasl_spark.target, gateway.target(sasl=False))
        )
        assert via == direct, f"{driver}: {unlike(direct, via)}"
        assert "result" in via[0], via[0]
