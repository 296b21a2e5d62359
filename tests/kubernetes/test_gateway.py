"""hivegate itself behind a real control plane: it follows a Deployment's pods through scaling, an end
of pods and of the API server, and no open session is hurt. In a pod's place is a scripted server."""

import itertools
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.kit.admin import Admin, with_admin
from faults.kit.backend import Backend
from faults.kit.messages import Handle, info_fields
from faults.kit.peer import Peer
from support.hivegate import Hivegate, default_config
from support.kubernetes import ControlPlane, Kubelet, eventually

PODS_SOURCE = Path(__file__).parents[1] / "support" / "pods.c"


@pytest.fixture(scope="module")
def redirect(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that leads hivegate from a pod's address to loopback."""
    library = tmp_path_factory.mktemp("pods") / "pods.so"
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(PODS_SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


class Fleet:
    """hivegate on the Service `sts`, and a server for each pod that it may get."""

    def __init__(self, hivegate: Hivegate):
        self.hivegate = hivegate
        self.servers: dict[str, Backend] = {}
        self.peers: list[Peer] = []

    def serve(self, pods: list[dict[str, Any]]) -> None:
        for pod in pods:
            address = pod["status"].get("podIP")
            if address and address not in self.servers:
                here = address.replace("10.1.", "127.1.")
                self.servers[address] = Backend(host=here, port=10000)

    def address(self, name: str) -> Any:
        text = self.hivegate.addresses[name]
        host, _, port = text.rpartition(":")
        return text.removeprefix("unix:") if text.startswith("unix:") else (host, int(port))

    def states(self) -> dict[str, str]:
        shown = Admin(self).get("/v1/endpoints").json()
        return {one["endpoint"].removesuffix(":10000"): one["state"] for one in shown}

    def ready(self) -> set[str]:
        return {name for name, state in self.states().items() if state in ("up", "untried")}

    def open(self) -> tuple[Peer, Handle, str]:
        """A session, and the pod that it is on."""
        before = {name: len(one.seen("OpenSession")) for name, one in self.servers.items()}
        peer = Peer(self.address("thrift")).login("alice")
        self.peers.append(peer)
        session = peer.open()
        (pod,) = (
            name for name, one in self.servers.items() if len(one.seen("OpenSession")) > before[name]
        )
        return peer, session, pod

    def end(self) -> None:
        for peer in self.peers:
            peer.close()
        self.hivegate.stop()
        for server in self.servers.values():
            server.stop()


@pytest.fixture
def fleet(cluster: ControlPlane, namespace: str, tmp_path: Path, redirect: Path) -> Iterator[Fleet]:
    token_file = tmp_path / "token"
    token_file.write_text(cluster.make_token(namespace))
    config = default_config([])
    with_admin()(config)
    pool = config["pools"][0]
    del pool["endpoints"]
    pool |= {
        "discovery": "kubernetes",
        "kubernetes": {
            "server": cluster.url,
            "ca_file": str(cluster.ca_file),
            "token_file": str(token_file),
            "namespace": namespace,
            "service": "sts",
            "port_name": "thrift",
        },
    }
    hivegate = Hivegate(
        config, {"alice": "alice-secret"}, directory=tmp_path / "g", env={"LD_PRELOAD": str(redirect)}
    )
    made = Fleet(hivegate.start(60))
    yield made
    made.end()


def in_use(of: tuple[Peer, Handle, str]) -> None:
    peer, session, _ = of
    peer.call("GetInfo", info_fields(session)).ok()


def test_a_fleet_that_changes(
    cluster: ControlPlane, kubelet: Kubelet, namespace: str, fleet: Fleet
) -> None:
    def scale(replicas: int) -> None:
        cluster.change_deployment(namespace, "sts", {"spec": {"replicas": replicas}})

    def settled(count: int) -> Callable[[], bool]:
        def check() -> bool:
            pods = kubelet.pods(namespace)
            fleet.serve(pods)
            addresses = {pod["status"].get("podIP") for pod in pods}
            return len(pods) == count and fleet.ready() == addresses

        return check

    cluster.make_service(namespace, "sts")
    cluster.make_deployment(namespace, "sts", 3)
    eventually("three pods", settled(3))
    held = [fleet.open() for _ in range(6)]
    assert sorted(pod for _, _, pod in held) == sorted([*fleet.servers] * 2)

    scale(6)
    eventually("six pods", settled(6))
    new = [fleet.open() for _ in range(6)]
    assert len({pod for _, _, pod in new} - {pod for _, _, pod in held}) == 3

    # a pod is about to end: it gets nothing new, and its sessions go on
    kubelet.keep_terminating = True
    ending = held[0][2]
    (name,) = (
        pod["metadata"]["name"]
        for pod in kubelet.pods(namespace)
        if pod["status"].get("podIP") == ending
    )
    cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}")
    eventually("it drains", lambda: fleet.states().get(ending) == "draining")
    more = [fleet.open() for _ in range(5)]
    assert ending not in {pod for _, _, pod in more}
    in_use(held[0])
    kubelet.keep_terminating = False
    eventually("it is gone", lambda: fleet.states().get(ending) == "gone")
    in_use(held[0])
    eventually("another took its place", settled(6))

    # the API server dies and comes back: nobody notices
    cluster.kill_api_server()
    eventually("that shows", lambda: "discovery_failed" in fleet.hivegate.log_text())
    for one in itertools.chain(held, new, more):
        in_use(one)
    assert fleet.open()[2] != ending
    cluster.start_api_server()
    eventually(
        "it is back",
        lambda: "discovery_works" in fleet.hivegate.log_text().rpartition("discovery_failed")[2],
    )

    scale(1)
    eventually("one pod", settled(1))
    last = {fleet.open()[2] for _ in range(3)}
    assert len(last) == 1
    for one in itertools.chain(held, new, more):
        in_use(one)


def test_how_soon(cluster: ControlPlane, kubelet: Kubelet, namespace: str, fleet: Fleet) -> None:
    """From the change of the Deployment's readiness to a new choice of endpoints."""
    cluster.make_service(namespace, "sts")
    cluster.make_deployment(namespace, "sts", 2)
    eventually("two pods", lambda: len(fleet.ready()) == 2)
    pod = kubelet.pods(namespace)[0]
    uid, address = pod["metadata"]["uid"], pod["status"]["podIP"]
    delays = []
    for turn in range(10):
        before = cluster.slices(namespace)[0]["metadata"]["resourceVersion"]
        wanted = "unready" if turn % 2 == 0 else "untried"
        (kubelet.hold if turn % 2 == 0 else kubelet.unhold)(uid)
        eventually(
            "the slice is written",
            lambda: cluster.slices(namespace)[0]["metadata"]["resourceVersion"] != before,  # noqa: B023
        )
        written = time.monotonic()
        eventually("hivegate knows", lambda: fleet.states()[address] == wanted)  # noqa: B023
        delays.append(time.monotonic() - written)
    print(f"slice written to endpoint changed: median {statistics.median(delays) * 1000:.0f} ms")
