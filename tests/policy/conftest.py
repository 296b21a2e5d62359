"""One Spark 3.5 server for all tests of meaning, with the tables of world.sql."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.spark import SparkThriftServer

from policy.harness import HERE, Session, blocks, schemas_of


@pytest.fixture(scope="session")
def server() -> Iterator[SparkThriftServer]:
    conf = {"spark.sql.shuffle.partitions": "2", "spark.sql.variable.substitute": "false"}
    with SparkThriftServer("3.5", name="policy", conf=conf, memory="2g") as running:
        yield running


@pytest.fixture(scope="session")
def world(server: SparkThriftServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas file of the tables of world.sql."""
    session = Session(server)
    for statement in blocks(HERE / "world.sql"):
        session.must(statement)
    path = tmp_path_factory.mktemp("world") / "schemas.json"
    path.write_text(json.dumps(schemas_of(session, ["hr", "pub"])))
    return path
