"""hivegate itself on sources of discovery: endpoints come and go under open sessions. Real DNS and
ZooKeeper, a scripted API server of Kubernetes, and the scripted backends of tests/faults."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.kit import faults
from faults.kit.admin import Admin, with_admin
from faults.kit.backend import Backend
from faults.kit.gate import Gate, eventually
from faults.kit.messages import execute_fields, info_fields, open_fields
from support.api_server import Answer, ApiServer, Request, endpoint, list_of, slice_of
from support.certificates import Authority, Certificate
from support.hivegate import add_user
from support.knot import Knot
from support.net import free_port
from support.paths import JARS, java_home
from support.zookeeper import Shell, Zookeeper


@pytest.fixture
def make_gate(tmp_path: Path) -> Iterator[Callable[..., Gate]]:
    """Makes a gate whose pool follows a source, without waiting for endpoints."""
    made: list[Gate] = []
    users = tmp_path / "users.txt"
    add_user(users, "alice", "alice-secret")
    add_user(users, "bob", "bob-secret")

    def make(*backends: Backend, pool: dict[str, Any], **top: Any) -> Gate:
        def change(config: dict) -> None:
            with_admin()(config)
            del config["pools"][0]["endpoints"]
            config["pools"][0].update(pool)
            config.update(top)

        made.append(Gate(tmp_path / f"g{len(made)}", users, backends, bystanders=0, change=change))
        return made[-1]

    yield make
    for gate in made:
        gate.close_peers()
        gate.kill()
        gate.check_log()


@pytest.fixture
def backends() -> Iterator[list[Backend]]:
    made = [Backend() for _ in range(3)]
    yield made
    for backend in made:
        backend.stop()


def port_of(backend: Backend) -> int:
    return int(backend.address.rpartition(":")[2])


def pool_of(gate: Gate) -> dict[str, Any]:
    (pool,) = Admin(gate).get("/v1/pools").json()
    return pool


def states(gate: Gate) -> dict[str, str]:
    return {one["endpoint"]: one["state"] for one in Admin(gate).get("/v1/endpoints").json()}


def wait_endpoints(gate: Gate, *backends: Backend) -> None:
    wanted = {backend.address for backend in backends}

    def found() -> set[str]:
        return {name for name, state in states(gate).items() if state not in ("gone", "replaced")}

    eventually(lambda: found() == wanted, lambda: f"{wanted}, not {states(gate)}", 60)


def works(gate: Gate) -> None:
    with gate.peer() as peer:
        session = peer.open()
        peer.call("GetInfo", info_fields(session)).ok()
        peer.close_session(session).ok()


# ---- DNS ----


def srv(*backends: Backend) -> list[str]:
    lines = [f"_thrift._tcp 1 SRV 0 1 {port_of(backend)} here" for backend in backends]
    return [*lines, "here 1 A 127.0.0.1"]


def test_dns(make_gate: Callable, backends: list[Backend], tmp_path: Path) -> None:
    """Endpoints come and go by their records; sessions on one that is gone go on; while the server
    is away the last endpoints stay, and that shows."""
    one, two, three = backends
    with Knot(tmp_path / "knot", srv(one)) as knot:
        dns = {"name": "_thrift._tcp.pool.test.", "records": "service", "servers": knot.servers}
        gate = make_gate(*backends, pool={"discovery": "dns", "dns": dns})
        wait_endpoints(gate, one)
        peer = gate.peer()
        session = peer.open()
        knot.set(*srv(two, three))
        wait_endpoints(gate, two, three)
        assert states(gate)[one.address] == "gone"
        for _ in range(4):
            works(gate)
        assert len(one.seen("OpenSession")) == 1
        peer.call("GetInfo", info_fields(session)).ok()
        peer.close_session(session).ok()
        eventually(lambda: one.address not in states(gate), "the endpoint is forgotten", 60)
        assert pool_of(gate)["source_state"] == "fresh"
        knot.stop()
        gate.wait_log("discovery_failed", 120)
        pool = pool_of(gate)
        assert (pool["source"], pool["source_state"], pool["endpoints"]) == ("dns", "stale", 2)
        assert pool["ready"] and pool["source_problem"]
        assert Admin(gate).metrics()['hivegate_pool_stale{pool="default"}'] == 1
        works(gate)
        gate.forget_log()
        knot.start()
        gate.wait_log("discovery_works", 120)
        gate.stop()


def test_a_source_that_never_answers(make_gate: Callable) -> None:
    """hivegate starts, isn't ready, and says why; it ends at once all the same."""
    dns = {"name": "nothing.test.", "servers": "127.0.0.1:9"}
    gate = make_gate(pool={"discovery": "dns", "dns": dns})
    answer = Admin(gate).get("/readyz")
    assert answer.status == 503 and "hasn't answered yet" in answer.text
    with gate.peer() as peer:
        reply = peer.call("OpenSession", open_fields())
        assert reply.sql_state == "08001"
        assert "its source of endpoints hasn't answered yet" in reply.error
    gate.stop()


# ---- Kubernetes ----


class Slices:
    """An API server's content: a slice for each backend, told to whoever watches."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.version = 10
        self.slices: dict[str, Any] = {}
        self.events: list[tuple[int, str, Any]] = []

    def put(self, name: str, backend: Backend, uid: str, **conditions: bool) -> None:
        with self.changed:
            self.version += 1
            kind = "MODIFIED" if name in self.slices else "ADDED"
            ports = [{"name": "thrift", "port": port_of(backend), "protocol": "TCP"}]
            one = endpoint("127.0.0.1", uid, **({"ready": True} | conditions))
            self.slices[name] = slice_of(name, one, version=str(self.version), ports=ports)
            self.events.append((self.version, kind, self.slices[name]))
            self.changed.notify_all()

    def delete(self, name: str) -> None:
        with self.changed:
            self.version += 1
            gone = self.slices.pop(name)
            gone["metadata"]["resourceVersion"] = str(self.version)
            self.events.append((self.version, "DELETED", gone))
            self.changed.notify_all()

    def __call__(self, request: Request, out: Answer) -> None:
        if not request.is_watch:
            out.document(list_of(*self.slices.values(), version=str(self.version)))
            return
        out.begin()
        seen = int(request.query["resourceVersion"])
        while not out.ended.is_set():
            with self.changed:
                self.changed.wait(0.2)
                news = [event for event in self.events if event[0] > seen]
            for version, kind, content in news:
                out.event(kind, content)
                seen = version


@pytest.fixture
def slices() -> Slices:
    return Slices()


@pytest.fixture
def kubernetes(
    slices: Slices, certificate: Certificate, authority: Authority, token_file: Path
) -> Iterator[dict[str, Any]]:
    """The pool's part of the configuration."""
    with ApiServer(certificate, slices) as server:
        yield {
            "discovery": "kubernetes",
            "kubernetes": {
                "server": server.url,
                "ca_file": str(authority.ca_file),
                "token_file": str(token_file),
                "namespace": "spark",
                "service": "sts",
            },
        }


def test_kubernetes(
    make_gate: Callable, backends: list[Backend], slices: Slices, kubernetes: dict[str, Any]
) -> None:
    """A pod that ends drains; one that isn't ready gets no sessions; what is gone keeps those that
    it has."""
    one, two, _ = backends
    slices.put("a", one, "uid-1")
    gate = make_gate(*backends, pool=kubernetes)
    wait_endpoints(gate, one)
    peer = gate.peer()
    session = peer.open()
    slices.put("b", two, "uid-2", ready=False)
    wait_endpoints(gate, one, two)
    assert states(gate)[two.address] == "unready"
    for _ in range(3):
        works(gate)
    assert not two.seen("OpenSession")
    slices.put("b", two, "uid-2")
    slices.put("a", one, "uid-1", ready=False, serving=True, terminating=True)
    eventually(lambda: states(gate).get(one.address) == "draining", "it drains", 60)
    eventually(lambda: states(gate).get(two.address) == "untried", "it is ready", 60)
    one.forget()
    for _ in range(3):
        works(gate)
    assert not one.seen("OpenSession") and len(two.seen("OpenSession")) == 3
    slices.delete("a")
    eventually(lambda: states(gate).get(one.address) == "gone", "it is gone", 60)
    operation = peer.execute(session, "SELECT 1")
    peer.fetch(operation).ok()
    (shown,) = [e for e in Admin(gate).get("/v1/endpoints").json() if e["state"] == "gone"]
    assert (shown["sessions"], shown["instance"]) == (1, "pod:uid-1")
    peer.close_session(session).ok()
    gate.stop()


def test_an_address_that_has_another_pod(
    make_gate: Callable, backends: list[Backend], slices: Slices, kubernetes: dict[str, Any]
) -> None:
    """The session lives on its own connection; what needs another one (a cancel beside a call that
    is stuck) never goes to the new pod, which has the address now."""
    one = backends[0]
    release = threading.Event()
    slices.put("a", one, "uid-1")
    gate = make_gate(one, pool=kubernetes)
    wait_endpoints(gate, one)
    peer = gate.peer()
    session = peer.open()
    slices.put("a", one, "uid-2")
    gate.wait_log("endpoints_changed pool=default endpoints=1 added=1 gone=1", 60)
    peer.call("GetInfo", info_fields(session)).ok()
    entries = [(e["state"], e["sessions"]) for e in Admin(gate).get("/v1/endpoints").json()]
    assert entries == [("untried", 0), ("replaced", 1)]
    one.on("ExecuteStatement", faults.held(release))
    peer.ask("ExecuteStatement", execute_fields(session, "SELECT 2"))
    one.wait_call("ExecuteStatement")
    before = one.connections_made
    peer.close()
    gate.wait_log("session_not_closed", 60)
    assert "another server has this endpoint's address now" in gate.log
    assert one.connections_made == before
    release.set()
    works(gate)  # on the new one
    eventually(
        lambda: [e["state"] for e in Admin(gate).get("/v1/endpoints").json()] == ["up"],
        "the old one is forgotten",
        60,
    )
    gate.stop()


# ---- ZooKeeper ----


@pytest.fixture(scope="module")
def shell(zookeeper: Zookeeper) -> Iterator[Shell]:
    with Shell(zookeeper) as made:
        yield made


def register(shell: Shell, namespace: str, backend: Backend) -> str:
    node = f"{namespace}/serverUri={backend.address};version=3.1.3;sequence="
    return shell.create(node, backend.address, "EPHEMERAL_SEQUENTIAL")


def test_zookeeper(
    make_gate: Callable, backends: list[Backend], zookeeper: Zookeeper, shell: Shell
) -> None:
    one, two, _ = backends
    namespace = shell.create("/gateway-finds")
    node = register(shell, namespace, one)
    section = {"hosts": zookeeper.hosts, "namespace": namespace}
    gate = make_gate(*backends, pool={"discovery": "zookeeper", "zookeeper": section})
    wait_endpoints(gate, one)
    works(gate)
    register(shell, namespace, two)
    shell.run("delete", node)
    wait_endpoints(gate, two)
    works(gate)
    assert len(one.seen("OpenSession")) == 1 and len(two.seen("OpenSession")) == 1
    gate.stop()


def test_announcement(
    make_gate: Callable, backends: list[Backend], zookeeper: Zookeeper, shell: Shell
) -> None:
    """Hive's JDBC driver finds hivegate in the namespace and opens a session through it; when
    hivegate ends it is there no longer."""
    one = backends[0]
    port = free_port()
    announcement = {
        "hosts": zookeeper.hosts,
        "namespace": "/gateway-announces",
        "listener": "jdbc",
        "host": "127.0.0.1",
    }
    listener = {"bind": f"127.0.0.1:{port}", "name": "jdbc"}
    gate = make_gate(
        one,
        pool={"discovery": "static", "endpoints": [one.address]},
        announcement=announcement,
        listeners=[{"bind": "127.0.0.1:0", "name": "thrift"}, listener],
    )
    gate.wait_log("announced", 60)
    (node,) = shell.children("/gateway-announces")
    assert re.fullmatch(rf"serverUri=127\.0\.0\.1:{port};version=[^;]+;sequence=\d+", node)
    url = (
        f"jdbc:hive2://{zookeeper.hosts}/;serviceDiscoveryMode=zooKeeper;"
        "zooKeeperNamespace=gateway-announces;retries=1"
    )
    jar = JARS / "hive-jdbc-3.1.3-standalone.jar"
    source = Path(__file__).parent / "JdbcConnect.java"
    done = subprocess.run(
        [java_home() / "bin" / "java", "-cp", jar, source, url, "alice-secret"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "connected" in done.stdout.splitlines(), done.stdout + done.stderr
    assert len(one.seen("OpenSession", "alice")) == 1
    gate.stop()
    assert shell.children("/gateway-announces") == []
