"""docs/behind-a-balancer.md, run as it stands: the real HAProxy and nginx in front of two hivegates.
Whatever way a client comes, the log has its own address, and no header of its own changes that."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.balancers import start_haproxy, start_nginx
from support.certificates import Authority
from support.hivegate import Hivegate, add_user
from support.net import free_port
from support.paths import ROOT

from .kit.backend import Backend
from .kit.gate import USERS, eventually
from .kit.http import HttpPeer
from .kit.messages import info_fields
from .kit.peer import Peer
from .kit.tls import secure

PAGE = (ROOT / "docs" / "behind-a-balancer.md").read_text()
BLOCKS = {
    match[1]: match[2]
    for match in re.finditer(r"^```\w+ run=(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
}
STARTERS = {"haproxy": start_haproxy, "nginx": start_nginx}


def test_every_block_is_run() -> None:
    assert len(BLOCKS) == PAGE.count("```") / 2
    assert BLOCKS.keys() == {"hivegate", *STARTERS}


class Site:
    """Two hivegates and one balancer, as on the page. `change` edits a block before it is used."""

    def __init__(self, directory: Path, backend: Backend, balancer: str, change: Callable):
        self.backend = backend
        self.gates: list[Hivegate] = []
        self.ports = {10000: free_port(), 10001: free_port()}
        self._stack = ExitStack()
        names = {}
        for number in (1, 2):
            folder = directory / f"gate-{number}"
            folder.mkdir(parents=True)
            for user in USERS:
                add_user(folder / "users.txt", user, f"{user}-secret")
            ports = {10000: free_port(), 10001: free_port()}
            names |= {f"gate-{number}.example.org:{p}": f"127.0.0.1:{ports[p]}" for p in ports}
            text = change("hivegate", BLOCKS["hivegate"]).replace("10.0.0.0/28", "127.0.0.1/32")
            text = text.replace("/etc/hivegate", str(folder))
            text = text.replace("spark-1.example.org:10000", backend.address)
            for port, mine in ports.items():
                text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:{mine}")
            gate = Hivegate(text, directory=folder)
            self._stack.callback(gate.kill)
            self.gates.append(gate.start(60))
        text = change(balancer, BLOCKS[balancer])
        for name, address in names.items():
            text = text.replace(name, address)
        for port, mine in self.ports.items():
            text = re.sub(rf"bind :{port}\b", f"bind 127.0.0.1:{mine}", text)
            text = re.sub(rf"listen {port};", f"listen 127.0.0.1:{mine};", text)
        assert "example.org" not in text
        process = STARTERS[balancer](text, directory, list(self.ports.values()))
        self._stack.callback(process.stop)

    def end(self) -> None:
        """Everything ends in good order."""
        try:
            for gate in self.gates:
                gate.stop()
        finally:
            self._stack.close()

    @property
    def log(self) -> str:
        return "".join(gate.log_text() for gate in self.gates)

    def opened(self, user: str) -> list[tuple[str, str]]:
        """From where that user's sessions were opened, and what they came through."""
        pattern = rf"session_opened client=(\S+) via=(\S+) user={user} "
        return re.findall(pattern, self.log)

    def binary(self, source: str) -> Peer:
        return Peer(("127.0.0.1", self.ports[10000]), source=source)

    def http(self, source: str, user: str = "alice") -> HttpPeer:
        return HttpPeer(("127.0.0.1", self.ports[10001]), user, source=source)


Make = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path, make_backend: Callable) -> Iterator[Make]:
    made: list[Site] = []

    def make(balancer: str, change: Callable = lambda block, text: text) -> Site:
        made.append(Site(tmp_path, make_backend(), balancer, change))
        return made[-1]

    yield make
    for site in made:
        site.end()


def own_name(peer: Peer) -> str:
    host, port = peer.socket.getsockname()[:2]
    return f"{host}:{port}"


def use(peer: Peer) -> None:
    session = peer.open()
    operation = peer.execute(session, "SELECT 1")
    peer.fetch(operation).ok()
    peer.call("GetInfo", info_fields(session)).ok()
    peer.close_session(session).ok()


def through_tcp(site: Site, context: ssl.SSLContext | None = None) -> None:
    """Twenty clients, each of whom the log must know."""
    expected = set()
    for number in range(1, 21):
        with site.binary(f"127.0.0.{10 + number}") as peer:
            expected.add(own_name(peer))
            if context:
                secure(peer, context)
            use(peer.login("alice"))
    opened = site.opened("alice")
    assert {client for client, _ in opened} == expected
    assert all(via.startswith("127.0.0.1:") for _, via in opened)
    if context is None:
        for gate in site.gates:
            assert "session_opened" in gate.log_text(), "one of the gateways had nothing to do"


@pytest.mark.smoke
@pytest.mark.parametrize("balancer", STARTERS)
def test_tcp(make_site: Make, balancer: str) -> None:
    through_tcp(make_site(balancer))


@pytest.mark.parametrize(
    "words",
    ["send-proxy", "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority,ssl"],
    ids=["version-1", "with-a-checksum"],
)
def test_other_headers_of_haproxy(make_site: Make, words: str) -> None:
    through_tcp(make_site("haproxy", lambda _, text: text.replace("send-proxy-v2", words)))


@pytest.mark.parametrize("balancer", STARTERS)
def test_tls_passes_through(make_site: Make, tmp_path: Path, balancer: str) -> None:
    """The header is in front of the handshake, which is between client and hivegate."""
    authority = Authority(tmp_path / "ca")
    pair = authority.issue_server().pair
    tls = f"certificates: [{{certificate_file: {pair['certificate_file']}, "
    tls += f"key_file: {pair['key_file']}}}]"

    def change(block: str, text: str) -> str:
        line = "    bind: 0.0.0.0:10000\n"
        assert block != "hivegate" or line in text
        return text.replace(line, f"{line}    tls: {{{tls}}}\n")

    through_tcp(make_site(balancer, change), authority.context())


@pytest.mark.smoke
@pytest.mark.parametrize("balancer", STARTERS)
def test_http(make_site: Make, balancer: str) -> None:
    """Clients that take turns over connections which the proxy shares among them, some of whom say
    that they are another."""
    site = make_site(balancer)
    peers = [site.http(f"127.0.0.{20 + at}", USERS[at % 3]) for at in range(6)]
    claims = [[], ["X-Forwarded-For: 1.2.3.4"], ["X-Forwarded-For: 127.0.0.1, unknown"]]
    for turn in range(3):
        for at, peer in enumerate(peers):
            peer.extra = claims[(turn + at) % 3]
            use(peer)
    for peer in peers:
        peer.close()
    for at, user in enumerate(USERS):
        opened = site.opened(user)
        assert len(opened) == 6
        assert {client for client, _ in opened} == {f"127.0.0.{20 + at}", f"127.0.0.{23 + at}"}
        assert all(via.startswith("127.0.0.1:") for _, via in opened)


def test_requests_of_many_over_few_connections(make_site: Make) -> None:
    """HAProxy shares connections between clients (http-reuse always)."""
    site = make_site(
        "haproxy", lambda _, text: text.replace("option forwardfor", "option forwardfor\n"
        "    http-reuse always")
    )  # fmt: skip
    problems: list[BaseException] = []

    def client(at: int) -> None:
        try:
            with site.http(f"127.0.0.{100 + at}", USERS[at % 3]) as peer:
                for _ in range(10):
                    use(peer)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=client, args=(at,)) for at in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    ways = set()
    for at, user in enumerate(USERS):
        opened = site.opened(user)
        assert len(opened) == 40
        mine = {f"127.0.0.{100 + number}" for number in range(at, 12, 3)}
        assert {client for client, _ in opened} == mine
        ways |= {via for _, via in opened}
    assert len(ways) < 120, "no connection was used twice"


@pytest.mark.parametrize("balancer", STARTERS)
def test_past_the_balancer(make_site: Make, balancer: str) -> None:
    """Whoever reaches a gateway from elsewhere is only itself."""
    site = make_site(balancer)
    for gate in site.gates:
        host, _, port = gate.addresses["thrift"].rpartition(":")
        with Peer((host, int(port)), source="127.0.0.77") as peer:
            own = own_name(peer)
            use(peer.login("alice"))
        assert f"session_opened client={own} user=alice" in gate.log_text()
        host, _, port = gate.addresses["http"].rpartition(":")
        with HttpPeer((host, int(port)), source="127.0.0.78") as peer:
            own = own_name(peer)
            peer.extra = ["X-Forwarded-For: 1.2.3.4"]
            use(peer)
        assert f"session_opened client={own} user=alice" in gate.log_text()
    assert "1.2.3.4" not in site.log


def test_checks_of_haproxy(make_site: Make) -> None:
    """By TCP and with LOCAL headers: no line in the log, however often."""
    site = make_site(
        "haproxy",
        lambda _, text: text.replace("default-server check", "default-server check inter 20"),
    )
    before = site.log
    time.sleep(2.0)
    assert site.log == before
    for number in range(10):  # both are in service
        with site.binary(f"127.0.0.{10 + number}") as peer:
            use(peer.login("alice"))
    eventually(
        lambda: all("session_opened" in gate.log_text() for gate in site.gates),
        "both gateways are used",
    )


def test_a_balancer_that_was_forgotten(make_site: Make) -> None:
    """It doesn't send the header: nobody gets in, and the log says why."""
    site = make_site("haproxy", lambda _, text: text.replace(" send-proxy-v2", ""))
    with site.binary("127.0.0.10") as peer:
        peer.try_send(b"\1\0\0\0\5PLAIN")
        assert peer.rest() == b""
    eventually(lambda: "doesn't begin with a PROXY header" in site.log, "a line in the log")
