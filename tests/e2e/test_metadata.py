"""Metadata calls over a raw connection, with patterns that clients really send."""

from __future__ import annotations

import pytest

from e2e.harness.fleet import Pair
from e2e.harness.wire import Connection, Failed, row_count

CALLS = [
    ("GetCatalogs", {}),
    ("GetTypeInfo", {}),
    ("GetTableTypes", {}),
    ("GetSchemas", {}),
    ("GetSchemas", {"schemaName": "%"}),
    ("GetSchemas", {"schemaName": "sal__"}),
    ("GetSchemas", {"schemaName": ".*"}),
    ("GetSchemas", {"schemaName": "*"}),
    ("GetSchemas", {"catalogName": "nosuch", "schemaName": ""}),
    ("GetTables", {}),
    ("GetTables", {"schemaName": "sales", "tableName": "%"}),
    ("GetTables", {"schemaName": "sales", "tableName": "orders", "tableTypes": ["TABLE"]}),
    ("GetTables", {"schemaName": "%", "tableName": "%", "tableTypes": ["VIEW"]}),
    ("GetTables", {"schemaName": "%", "tableName": "%", "tableTypes": ["SYSTEM TABLE"]}),
    ("GetTables", {"schemaName": ".*", "tableName": ".*"}),
    ("GetTables", {"schemaName": "sales", "tableName": "nosuch"}),
    ("GetColumns", {"schemaName": "sales", "tableName": "orders", "columnName": "%"}),
    ("GetColumns", {"schemaName": "default", "tableName": "everything"}),
    ("GetColumns", {"schemaName": "sales", "tableName": "%", "columnName": "i%"}),
    ("GetFunctions", {"functionName": "%"}),
    ("GetFunctions", {"schemaName": "default", "functionName": "con%"}),
    ("GetFunctions", {"functionName": "no_such_function"}),
    ("GetPrimaryKeys", {"schemaName": "sales", "tableName": "orders"}),
    (
        "GetCrossReference",
        {
            "parentSchemaName": "sales",
            "parentTableName": "orders",
            "foreignSchemaName": "sales",
            "foreignTableName": "cheap",
        },
    ),
]


@pytest.mark.smoke
def test_every_metadata_call(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        for name, arguments in CALLS:
            try:
                operation = session.start(name, **arguments)
            except Failed:
                continue  # the reply is in the recording
            operation.wait()
            operation.call("GetResultSetMetadata").ok()
            for _ in operation.batches(rows=5000):
                pass
            operation.close().ok()
        session.close().ok()

    replies = pair.same_replies(scenario)
    assert sum(name == "FetchResults" for name, _ in replies) > len(CALLS)


@pytest.mark.parametrize("protocol", [0, 4, 10])
def test_columns_in_every_layout(pair: Pair, protocol: int) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open(protocol=protocol)
        operation = session.start("GetColumns", schemaName="default", tableName="everything")
        assert row_count(operation.fetch().ok().result.results) == 17
        operation.close().ok()

    pair.same_replies(scenario)


def test_tokens_are_not_supported(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        session.call("GetDelegationToken", owner="alice", renewer="alice")
        session.call("CancelDelegationToken", delegationToken="x")
        session.call("RenewDelegationToken", delegationToken="x")
        assert session.value("SELECT 1") == 1

    pair.same_replies(scenario)
