"""How hivegate logs in at an endpoint: as the user, or as a service that names the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.harness import normal
from e2e.harness.fleet import Gateway, Spark
from e2e.harness.wire import Connection


@pytest.fixture(params=["3.5", "4.0"])
def spark(request: pytest.FixtureRequest, sparks: dict[str, Spark]) -> Spark:
    return sparks[request.param]


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "service-password.txt"
    path.write_text("the service's own secret\n")
    path.chmod(0o600)
    return path


PROXY = "hive.server2.proxy.user"


def check_users(gateway: Gateway, service: bool) -> None:
    for user in ("alice", "bob", "svc.etl"):
        with Connection(gateway.target(user)) as connection:
            for conf in (
                None,
                {},
                {PROXY: user},
                {"use:database": "sales", "set:hiveconf:a.b": "c"},
            ):
                session = connection.open(conf)
                assert session.value("SELECT current_user()") == user
                if conf and "use:database" in conf:
                    assert session.value("SELECT current_database()") == "sales"
                    assert session.rows("SET a.b") == [("a.b", "c")]
                session.close().ok()
            for key in (PROXY, f"set:hiveconf:{PROXY}", f"set:{PROXY}"):
                refused = connection.open_reply({key: "hive" if service else "bob2"})
                assert refused.status["code"] == 3, refused.shown
            if service:  # a client can't become the service account either
                assert connection.open_reply({PROXY: "hive"}).status["code"] == 3


@pytest.mark.smoke
def test_as_user(spark: Spark, make_gateway: Callable[..., Gateway]) -> None:
    gateway = make_gateway([spark.address], login="as-user")
    check_users(gateway, service=False)
    with Connection(gateway.target("watched")) as connection:
        session = connection.open()
        assert spark.ui.wait_open("watched")
        session.close().ok()


@pytest.mark.smoke
def test_as_service(spark: Spark, make_gateway: Callable[..., Gateway], password_file: Path) -> None:
    gateway = make_gateway(
        [spark.address], login="service", user="hive", password_file=str(password_file)
    )
    check_users(gateway, service=True)
    with Connection(gateway.target("jürgen w.")) as connection:
        assert connection.open().value("SELECT current_user()") == "jürgen w."
    assert "the service's own secret" not in gateway.log_text()


def test_the_service_can_be_a_client_too(
    spark: Spark, make_gateway: Callable[..., Gateway], password_file: Path
) -> None:
    """A principal with the service account's name is that user and no more."""
    gateway = make_gateway(
        [spark.address], login="service", user="svc.etl", password_file=str(password_file)
    )
    with Connection(gateway.target("svc.etl")) as connection:
        assert connection.open().value("SELECT current_user()") == "svc.etl"
        assert connection.open_reply({PROXY: "alice"}).status["code"] == 3


@pytest.mark.parametrize("login", ["as-user", "service"])
def test_replies_are_the_same_either_way(
    spark: Spark, make_gateway: Callable[..., Gateway], password_file: Path, login: str
) -> None:
    service = {"user": "hive", "password_file": str(password_file)} if login == "service" else {}
    gateway = make_gateway([spark.address], login=login, **service)

    recordings = []
    for target in (spark.target, gateway.target()):
        with Connection(target) as connection:
            recorder = normal.Recorder(connection)
            session = connection.open({"use:database": "sales"})
            session.rows("SELECT id, item FROM orders ORDER BY id")
            session.start("GetTables", schemaName="sales").rows()
            session.close().ok()
            recordings.append(recorder.replies)
    assert normal.difference(*recordings) is None


@pytest.mark.smoke
def test_own_handles_work_with_a_service_login(
    spark: Spark, make_gateway: Callable[..., Gateway], password_file: Path
) -> None:
    """On Spark all sessions have the service's login; hivegate still knows whose they are."""
    gateway = make_gateway(
        [spark.address], login="service", user="hive", password_file=str(password_file)
    )
    with (
        Connection(gateway.target("alice")) as alice,
        Connection(gateway.target("alice")) as again,
        Connection(gateway.target("bob")) as bob,
    ):
        session = alice.open()
        assert session.on(again).value("SELECT current_user()") == "alice"
        reply = session.on(bob).call("ExecuteStatement", statement="SELECT current_user()")
        assert "Invalid SessionHandle" in reply.status["message"]
        assert bob.open().value("SELECT current_user()") == "bob"
