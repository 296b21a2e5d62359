"""A real PostgreSQL with the audit's schema, and drivers that put events into spools."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import PASSWORD, Postgres

from audit.kit import ctl, end_all


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """One cluster for all tests: with the schema, and roles as an operator would make them. It loses
    what was committed lately when it is killed, unless a session asks for better."""
    lazy = ["synchronous_commit = off", "wal_writer_delay = 10s"]
    with Postgres(settings=lazy) as made:
        made.run(f"CREATE ROLE gate LOGIN PASSWORD '{PASSWORD}'")
        made.run(f"CREATE ROLE auditor LOGIN PASSWORD '{PASSWORD}'")
        ctl("migrate", "-p", made.conninfo(), "--writer", "gate", "--reader", "auditor")
        yield made


@pytest.fixture
def server(cluster: Postgres) -> Postgres:
    """The cluster, without events, and without the days of those that a test made in the past."""
    tables = ["event", "spool", "dropped", "hold", "archive", "config_load", "config_set"]
    empty = "TRUNCATE " + ", ".join(f"hivegate.{name}" for name in tables)
    cluster.run(empty)  # what is held can't be dropped
    cluster.run("SELECT hivegate.drop_before((now() AT TIME ZONE 'UTC')::date - 1)")
    cluster.run(empty)  # of what says that days were dropped
    return cluster


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture(autouse=True)
def no_driver_stays() -> Iterator[None]:
    yield
    end_all()
