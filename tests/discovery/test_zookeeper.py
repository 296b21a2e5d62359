"""The source `zookeeper` and announcements, with a real ZooKeeper; and Hive's JDBC driver finding an
announcement."""

import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.discovery import Discovery, Line, refusal
from support.kubernetes import eventually
from support.paths import JARS, java_home
from support.relay import Relay
from support.zookeeper import Refused, Shell, Zookeeper

NAMESPACE = "/hiveserver2"
SETTINGS = (
    "hive.server2.instance.uri=hs2-a.example.org:10000;hive.server2.authentication=NONE;"
    "hive.server2.transport.mode={mode};hive.server2.thrift.sasl.qop=auth;"
    "hive.server2.thrift.bind.host=hs2-a.example.org;hive.server2.thrift.port=10000;"
    "hive.server2.thrift.http.port=10001;hive.server2.use.SSL=false"
)
QUICK = {"retry_first_ms": 50, "retry_most_ms": 300, "timeout_ms": 2000}


@pytest.fixture(scope="module")
def shell(zookeeper: Zookeeper) -> Iterator[Shell]:
    with Shell(zookeeper) as made:
        yield made


@pytest.fixture
def namespace(shell: Shell, request: pytest.FixtureRequest) -> str:
    """A namespace of this test's own."""
    return shell.create("/" + re.sub(r"\W", "-", request.node.name))


def find(server: Zookeeper, namespace: str, **config: Any) -> Discovery:
    settings = {"hosts": server.hosts, **QUICK, **config}
    return Discovery(kind="zookeeper", namespace=namespace, **settings)


def announce(server: Zookeeper, namespace: str, **config: Any) -> Discovery:
    settings = {
        "hosts": server.hosts,
        "host": "gate.example.org",
        "port": 10000,
        "version": "1.0",
        "authentication": "NONE",
        **QUICK,
        **config,
    }
    return Discovery(kind="announcement", namespace=namespace, **settings)


def register(shell: Shell, namespace: str, uri: str, data: str) -> str:
    path = f"{namespace}/serverUri={uri};version=3.1.3;sequence="
    return shell.create(path, data, "EPHEMERAL_SEQUENTIAL")


def test_both_forms(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    with find(zookeeper, namespace) as found:
        found.wait_hosts()
        plain = register(shell, namespace, "hs2-b.example.org:10002", "hs2-b.example.org:10002")
        found.wait_hosts("hs2-b.example.org:10002")
        published = SETTINGS.format(mode="binary")
        register(shell, namespace, "hs2-a.example.org:10000", published)
        found.wait_hosts("hs2-a.example.org:10000", "hs2-b.example.org:10002")
        shell.run("delete", plain)
        found.wait_hosts("hs2-a.example.org:10000")
        register(shell, namespace, "hs2-a.example.org:10001", SETTINGS.format(mode="http"))
        found.wait_hosts("hs2-a.example.org:10000", "hs2-a.example.org:10001")
        # without data, the name tells; without either, the node is left out
        register(shell, namespace, "hs2-c.example.org:10003", "")
        shell.create(f"{namespace}/leader", "somebody")
        found.wait_standing("fresh", 'node "leader" tells no host and port')
        found.wait_hosts(
            "hs2-a.example.org:10000", "hs2-a.example.org:10001", "hs2-c.example.org:10003"
        )


def test_new_registration_is_a_new_instance(
    zookeeper: Zookeeper, shell: Shell, namespace: str
) -> None:
    def instance(line: Line) -> str:
        return line["set"][0]["instance"]

    with find(zookeeper, namespace) as found:
        one = register(shell, namespace, "a:10000", "a:10000")
        before = instance(found.wait_hosts("a:10000"))
        register(shell, namespace, "a:10000", "a:10000")
        after = instance(found.wait_set("another", lambda got: got[0]["instance"] != before))
        shell.run("delete", one)
        time.sleep(0.3)
        assert found.look()["set"][0]["instance"] == after != before


def test_changed_data(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    node = register(shell, namespace, "a:10000", "a:10000")
    with find(zookeeper, namespace) as found:
        found.wait_hosts("a:10000")
        shell.run("set", node, "a:10009")
        found.wait_hosts("a:10009")


def test_many(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    for number in range(300):
        register(shell, namespace, f"a:{number + 1}", f"a:{number + 1}")
    with find(zookeeper, namespace) as found:
        found.wait_set("300", lambda got: len(got) == 300)


def test_too_much_data(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    register(shell, namespace, "a:1", "x" * 70000)
    register(shell, namespace, "b:1", "b:1")
    with find(zookeeper, namespace) as found:
        found.wait_hosts("b:1")
        found.wait_standing("fresh", "more than hivegate takes")


def test_namespace_comes_and_goes(zookeeper: Zookeeper, shell: Shell) -> None:
    """A namespace that isn't there (any more) says nothing: the last set stays."""
    with find(zookeeper, "/late/hive") as found:
        found.wait_standing("stale", "there is no /late/hive in ZooKeeper")
        shell.create("/late")
        shell.create("/late/hive")
        node = register(shell, "/late/hive", "a:1", "a:1")
        found.wait_hosts("a:1")
        found.wait_standing("fresh")
        with find(zookeeper, "late/hive/") as other:
            other.wait_hosts("a:1")
        shell.run("delete", node)
        found.wait_hosts()
        register(shell, "/late/hive", "b:1", "b:1")
        found.wait_hosts("b:1")


def test_server_restarts(tmp_path: Path) -> None:
    """The session outlives a short restart of the server; nothing is told but the standing."""
    with Zookeeper(tmp_path / "z") as server, Shell(server, 20000) as shell:
        shell.create(NAMESPACE)
        shell.create(f"{NAMESPACE}/serverUri=a:1;version=1;sequence=1", "a:1")
        with find(server, NAMESPACE, timeout_ms=10000) as found:
            found.wait_hosts("a:1")
            server.stop()
            found.wait_standing("stale", "no server of ZooKeeper can be reached")
            assert found.look()["set"][0]["host"] == "a"
            server.start()
            found.wait_standing("fresh", after=found.mark() - 1)
        assert len(found.sets) == 1


def test_session_expires(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    """Cut off for longer than the session lasts: ZooKeeper has forgotten it. A new one is opened, and
    hivegate announces itself anew."""
    relay = Relay(zookeeper.port)
    through: Any = {"hosts": f"127.0.0.1:{relay.port}", "timeout_ms": 1000}
    with (
        announce(zookeeper, namespace, **through) as announced,
        find(zookeeper, namespace, **through) as found,
    ):
        announced.wait_standing("fresh")
        before = found.wait_hosts("gate.example.org:10000")["set"][0]["instance"]
        relay.close()
        found.wait_standing("stale", "no server of ZooKeeper can be reached")
        announced.wait_standing("stale")
        eventually("it is forgotten", lambda: shell.children(namespace) == [])
        with Relay(zookeeper.port, port=relay.port):
            found.wait_set("another", lambda got: bool(got) and got[0]["instance"] != before)
            eventually("fresh", lambda: announced.look()["standing"]["kind"] == "fresh")
            assert len(shell.children(namespace)) == 1
    told = [line["standing"]["problem"] for line in announced.lines if "standing" in line]
    assert "the session with ZooKeeper has expired" in told


def test_server_is_away(tmp_path: Path) -> None:
    with Zookeeper(tmp_path / "z") as server:
        server.stop()
        with find(server, NAMESPACE, timeout_ms=500) as found:
            found.wait_standing("stale", "no server of ZooKeeper can be reached")
            assert found.look()["set"] is None
        assert found.stopped_ms < 5000


def test_unknown_server() -> None:
    with Discovery(
        kind="zookeeper", hosts="no-such-host.invalid:2181", namespace="a", **QUICK
    ) as found:
        found.wait_standing("stale")


# ---- announcements ----


def data_of(shell: Shell, namespace: str) -> list[str]:
    return [shell.run("get", f"{namespace}/{node}") for node in shell.children(namespace)]


def test_announcement(zookeeper: Zookeeper, shell: Shell) -> None:
    with announce(zookeeper, "/deep/gates") as announced:
        announced.wait_standing("fresh")
        (node,) = shell.children("/deep/gates")
        assert node == "serverUri=gate.example.org:10000;version=1.0;sequence=0000000000"
        assert data_of(shell, "/deep/gates") == [
            "hive.server2.thrift.bind.host=gate.example.org;hive.server2.transport.mode=binary;"
            "hive.server2.thrift.port=10000;hive.server2.thrift.sasl.qop=auth;"
            "hive.server2.authentication=NONE;hive.server2.use.SSL=false"
        ]
    assert shell.children("/deep/gates") == []
    assert announced.stopped_ms < 5000


def test_http_announcement(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    with announce(zookeeper, namespace, http_path="cliservice", tls=True) as announced:
        announced.wait_standing("fresh")
        (data,) = data_of(shell, namespace)
        assert "mode=http;hive.server2.thrift.http.port=10000;" in data
        assert "http.path=cliservice;" in data and data.endswith("use.SSL=true")
        with find(zookeeper, namespace) as found:
            found.wait_hosts("gate.example.org:10000")


def test_removed_by_somebody(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    """It comes back."""
    with announce(zookeeper, namespace) as announced:
        announced.wait_standing("fresh")
        (node,) = shell.children(namespace)
        shell.run("delete", f"{namespace}/{node}")
        eventually("it is back", lambda: shell.children(namespace) not in ([], [node]))


def test_login(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    """With a login nobody else can remove the node, and everybody can read it."""
    with announce(zookeeper, namespace, login="gate:secret") as announced:
        announced.wait_standing("fresh")
        (node,) = shell.children(namespace)
        assert shell.run("get", f"{namespace}/{node}").startswith("hive.server2.")
        acl = shell.run("acl", f"{namespace}/{node}")
        assert "'world,'anyone" in acl and "'digest,'gate:" in acl
        with pytest.raises(Refused, match="NOAUTH"):
            shell.run("set", f"{namespace}/{node}", "evil:1")


def test_crash_withdraws(zookeeper: Zookeeper, shell: Shell, namespace: str) -> None:
    announced = announce(zookeeper, namespace)
    announced.wait_standing("fresh")
    announced.kill()
    eventually("it is gone", lambda: shell.children(namespace) == [])


BAD = {
    "host": ("a;b", "can't be announced"),
    "version": ("1;2", "can't be announced"),
    "http_path": ("a b", "can't be announced"),
    "hosts": ("zk", "names no servers of ZooKeeper"),
    "namespace": ("/", "no namespace of ZooKeeper"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    value, said = BAD[name]
    settings = {
        "hosts": "zk:2181",
        "namespace": "a",
        "host": "gate",
        "port": 1,
        "version": "1",
        "authentication": "NONE",
        name: value,
    }
    assert said in refusal(kind="announcement", **settings)


@pytest.mark.parametrize("version", ["3.1.3", "4.1.0"])
def test_jdbc_driver_finds_it(
    version: str, zookeeper: Zookeeper, shell: Shell, namespace: str, tmp_path: Path
) -> None:
    """Hive's own driver, told nothing but where ZooKeeper is, connects to what was announced and
    begins with SASL's PLAIN."""
    greeted: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.settimeout(30)
                greeted.append(client.recv(10))

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        with announce(zookeeper, namespace, host="127.0.0.1", port=port) as announced:
            announced.wait_standing("fresh")
            url = (
                f"jdbc:hive2://{zookeeper.hosts}/;serviceDiscoveryMode=zooKeeper;"
                f"zooKeeperNamespace={namespace[1:]};retries=1"
            )
            source = Path(__file__).parent / "JdbcConnect.java"
            jar = JARS / f"hive-jdbc-{version}-standalone.jar"
            assert jar.exists(), "run: tools/setup jdbc"
            done = subprocess.run(
                [java_home() / "bin" / "java", "-cp", jar, source, url],
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert greeted, done.stdout + done.stderr
    assert greeted[0] == b"\x01\x00\x00\x00\x05PLAIN"
