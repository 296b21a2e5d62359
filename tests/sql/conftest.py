"""Spark's parsers, compiled once for the whole run.

HIVEGATE_SQL_SAMPLE may name a file of JSON lines (maybe gzipped) with statements and settings; then
they are judged beside those that the tests bring and make.
"""

from __future__ import annotations

import pytest

from sql.oracle import VERSIONS, Oracle


@pytest.fixture(scope="session")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Oracle]:
    return {v: Oracle(v, tmp_path_factory.mktemp(f"oracle-{v}")) for v in VERSIONS}


@pytest.fixture(params=VERSIONS)
def oracle(request: pytest.FixtureRequest, oracles: dict[str, Oracle]) -> Oracle:
    return oracles[request.param]
