"""Sources of discovery in the driver, against real servers and scripted ones.

DISCOVERY_DRIVER names another driver, such as one with sanitizers.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificates import Authority, Certificate
from support.zookeeper import Zookeeper


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Certificate:
    return authority.issue_server()


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zookeeper]:
    """A server that no test stops."""
    with Zookeeper(tmp_path_factory.mktemp("zookeeper") / "shared") as made:
        yield made


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first\n")
    return path
