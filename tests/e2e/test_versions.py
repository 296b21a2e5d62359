"""Protocol versions: each of the eleven, and what isn't one."""

from __future__ import annotations

import pytest

from e2e.harness import thrift_tree as tree
from e2e.harness.fleet import Pair
from e2e.harness.wire import Connection, Target, row_count, row_tuples


@pytest.mark.parametrize("protocol", range(11))
def test_each_version_reads_every_type_alike(pair: Pair, protocol: int) -> None:
    """Up to V5 results travel as rows, from V6 as columns; hivegate keeps to what was agreed."""

    def scenario(connection: Connection) -> None:
        session = connection.open(protocol=protocol)
        assert session.opened.result.serverProtocolVersion == protocol
        operation = session.execute("SELECT * FROM everything")
        operation.call("GetResultSetMetadata").ok()
        batch = operation.fetch().ok().result.results
        assert row_count(batch) == 3
        assert (batch.columns is None) == (protocol < 5)
        assert not row_count(operation.fetch().ok().result.results)
        operation.close().ok()
        tables = session.start("GetTables", schemaName="sales")
        assert len(row_tuples(tables.fetch().ok().result.results)) == 2
        tables.close().ok()
        session.close().ok()

    pair.same_replies(scenario)


@pytest.mark.smoke
@pytest.mark.parametrize("protocol", [11, -7, 0x7FFFFFFF, -0x80000000])
def test_a_version_that_does_not_exist(pair: Pair, protocol: int) -> None:
    """Spark reads an unknown enum value as unset and answers with an exception. Having thrown in
    the middle of the arguments it loses its place, and fails at the next call; hivegate goes on."""

    for target in pair.targets:
        with Connection(target) as connection:
            reply = connection.open_reply(protocol=protocol)
            assert reply.exception[0] == 7
            assert "Required field 'client_protocol' is unset" in reply.exception[1]
    with Connection(pair.via) as connection:
        assert connection.open_reply(protocol=protocol).is_exception
        assert connection.open(protocol=5).value("SELECT 1") == 1


@pytest.mark.parametrize("protocol", [0xA501, 0xA503, 0xA50A])
def test_a_version_of_databricks(pair: Pair, protocol: int) -> None:
    """Spark refuses it like any that it doesn't know; hivegate speaks that dialect."""
    with Connection(pair.direct) as connection:
        assert connection.open_reply(protocol=protocol).exception[0] == 7
    with Connection(pair.via) as connection:
        session = connection.open(protocol=protocol)
        assert 0xA501 <= session.opened.result.serverProtocolVersion <= min(protocol, 0xA504)
        assert session.value("SELECT 1") == 1


@pytest.mark.parametrize("fields", [[], [(1, tree.STRING, b"9")]], ids=["absent", "a string"])
def test_no_version_at_all(pair: Pair, fields: list) -> None:
    """Without field 1 Spark takes its default. A wrong type in it is no version either, but there
    hivegate may refuse what Java would skip."""

    def answer(target: Target) -> tuple[bool, int | None]:
        with Connection(target) as connection:
            reply = connection.call("OpenSession", fields)
            if reply.is_exception:
                return True, None
            return False, tree.get(reply.fields, 2)

    direct, via = (answer(target) for target in pair.targets)
    if fields and via[0]:
        return
    assert via == direct


def test_the_agreed_version_is_never_above_the_asked(pair: Pair) -> None:
    """Hive's drivers know only the versions up to their own and refuse a higher answer."""
    for protocol in range(11):
        with Connection(pair.via) as connection:
            assert connection.open(protocol=protocol).opened.result.serverProtocolVersion == protocol
