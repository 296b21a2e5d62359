"""One cluster for all tests (a control plane of Kubernetes without containers), a namespace for each.

DISCOVERY_DRIVER names another driver, such as one with sanitizers.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.discovery import Discovery
from support.kubernetes import ControlPlane, Kubelet

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("kubernetes")) as made:
        yield made


@pytest.fixture(scope="session")
def node(cluster: ControlPlane) -> Iterator[Kubelet]:
    with Kubelet(cluster) as made:
        yield made
        assert made.problem is None, made.problem


@pytest.fixture
def kubelet(node: Kubelet) -> Iterator[Kubelet]:
    yield node
    node.keep_terminating = False


@pytest.fixture
def namespace(cluster: ControlPlane) -> str:
    """A namespace with a service account that may list and watch EndpointSlices there."""
    name = f"spark-{next(_numbers)}"
    cluster.make_namespace(name)
    cluster.make_account(name)
    return name


@pytest.fixture
def find(cluster: ControlPlane, namespace: str, tmp_path: Path):
    """Makes a source of the Service `sts` in the namespace."""

    def make(**config: Any) -> Discovery:
        token_file = tmp_path / "token"
        if not token_file.exists():
            token_file.write_text(cluster.make_token(namespace))
        settings = {
            "server": cluster.url,
            "ca_file": str(cluster.ca_file),
            "token_file": str(token_file),
            "namespace": namespace,
            "service": "sts",
            "port_name": "thrift",
            **config,
        }
        return Discovery(kind="kubernetes", **settings)

    return make
