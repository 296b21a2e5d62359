"""Where clients may connect: IPv4, IPv6 and a Unix socket, several at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.net import free_port

from e2e.harness.fleet import Gateway, Spark
from e2e.harness.jdbc import JdbcDrivers
from e2e.harness.wire import Connection, LoginRefused, Session


@pytest.mark.smoke
def test_four_listeners(
    sparks: dict[str, Spark], make_gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    listeners = [
        {"name": "four", "bind": f"127.0.0.1:{free_port()}", "sasl": "plain"},
        {"name": "six", "bind": f"[::1]:{free_port()}", "sasl": "plain"},
        {"name": "path", "bind": f"unix:{tmp_path}/thrift.sock", "sasl": "plain"},
        {"name": "open", "bind": f"127.0.0.1:{free_port()}", "sasl": "none"},
    ]
    for listener in listeners:
        listener["transport"] = "binary"
    gateway = make_gateway([sparks["4.0"].address], listeners=listeners)
    assert set(gateway.addresses) == {"four", "six", "path", "open"}
    first: Session | None = None
    with Connection(gateway.target(listener="four")) as owner:
        first = owner.open()
        first.run("SET from.four=yes")
        for name in ("six", "path"):
            with Connection(gateway.target(listener=name)) as connection:
                assert connection.open().value("SELECT current_user()") == "alice"
                assert first.on(connection).rows("SET from.four") == [("from.four", "yes")]
            with pytest.raises(LoginRefused):
                Connection(gateway.target(listener=name).as_user("alice", "wrong"))
        with Connection(gateway.target(listener="open", sasl=False)) as connection:
            opened = connection.open_reply(None, 9, "bob", "bob-secret").ok()
            session = Session(connection, opened.result.sessionHandle)
            assert session.value("SELECT current_user()") == "bob"


def test_jdbc_over_ipv6(
    sparks: dict[str, Spark], make_gateway: Callable[..., Gateway], drivers: JdbcDrivers
) -> None:
    listeners = [
        {"name": "six", "bind": f"[::1]:{free_port()}", "transport": "binary", "sasl": "plain"}
    ]
    gateway = make_gateway([sparks["3.5"].address], listeners=listeners)
    target = gateway.target(listener="six")
    _, rows = drivers.run("3.1.3", target, [["connect", "/default"], ["query", "SELECT 6"]])
    assert rows["result"]["rows"] == [[["Integer", "6"]]], rows


@pytest.mark.smoke
def test_a_bare_connect_leaves_no_trace(
    sparks: dict[str, Spark], make_gateway: Callable[..., Gateway]
) -> None:
    """A balancer's health check, thousands of times a day."""
    gateway = make_gateway([sparks["3.5"].address])
    with Connection(gateway.target()) as connection:
        connection.open().value("SELECT 1")
    time.sleep(0.5)
    before = gateway.log_text()
    for _ in range(50):
        Connection(gateway.target(), login=False).close()
    with Connection(gateway.target("bob")) as connection:
        assert connection.open().value("SELECT 1") == 1
    added = gateway.log_text().removeprefix(before)
    assert len(added.splitlines()) < 10, added
