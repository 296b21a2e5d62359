"""The way to a collector: JSON lines and syslog over TLS, also after outages, with a real rsyslog."""

import json
import re
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificates import Authority
from support.net import free_port
from support.postgres import Postgres
from support.process import Process

from audit.kit import Driver, ctl, run, wait_for


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Collector:
    """Takes bytes by TLS; each connection's are kept apart."""

    def __init__(self, authority: Authority, name: str = "localhost", port: int = 0):
        pair = authority.issue(name, name, (f"DNS:{name}",))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.certificate, pair.key)
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.streams: list[bytearray] = []
        self.open: list[socket.socket] = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(plain,), daemon=True).start()

    def _read(self, plain: socket.socket) -> None:
        stream = bytearray()
        try:
            with self.context.wrap_socket(plain, server_side=True) as peer:
                self.open.append(peer)
                self.streams.append(stream)
                while data := peer.recv(65536):
                    stream += data
        except OSError:
            pass

    def drop(self) -> None:
        for peer in self.open:
            try:
                # the socket's own: that of SSLSocket would give the reader what is encrypted
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
            except OSError:
                pass
        self.open.clear()

    def close(self) -> None:
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        self.drop()
        self.thread.join()

    def ids(self) -> list[str]:
        """Each once, in the order in which they came first."""
        return in_order([one["id"] for one in self.events()])

    def events(self) -> list[dict]:
        lines = [line for stream in list(self.streams) for line in bytes(stream).split(b"\n")[:-1]]
        return [json.loads(line) for line in lines]


def words(authority: Authority, port: int) -> list[str]:
    return ["--export", f"localhost:{port}", "--export-ca", str(authority.ca_file)]


def recorded(spool: Path) -> list[str]:
    lines = ctl("search", "--spool", str(spool), "-o", "json", "-n", "100000").splitlines()
    return [json.loads(line)["id"] for line in lines]


@pytest.fixture
def collector(authority: Authority) -> Iterator[Collector]:
    made = Collector(authority)
    yield made
    made.close()


def in_order(ids: list[str]) -> list[str]:
    return list(dict.fromkeys(ids))


def test_lines(spool: Path, authority: Authority, collector: Collector) -> None:
    """All events, in order; another run goes on where the first one came to."""
    for turn in (1, 2):
        driver = Driver(spool, *words(authority, collector.port), "--statements", "20", "--linger")
        wait_for(lambda turn=turn: len(collector.ids()) >= 160 * turn)
        driver.kill()
    assert collector.ids() == recorded(spool) and len(collector.ids()) == 320


def test_a_collector_that_goes(spool: Path, authority: Authority, collector: Collector) -> None:
    driver = Driver(spool, *words(authority, collector.port), "--statements", "2000", "--linger")
    for _ in range(3):
        before = len(collector.events())
        wait_for(lambda before=before: len(collector.events()) > before or driver.report)
        collector.drop()
    port = collector.port
    collector.close()
    again = Collector(authority, port=port)
    wait_for(lambda: driver.report)
    ids = recorded(spool)
    wait_for(lambda: again.events() and again.events()[-1]["id"] == ids[-1])
    driver.kill()
    got = [one["id"] for one in collector.events() + again.events()]
    again.close()
    assert in_order(got) == ids


def test_postgres_doesnt_wait(
    server: Postgres, spool: Path, authority: Authority, collector: Collector
) -> None:
    """While the collector is away all is shipped, and the spool keeps it for the collector."""
    port = free_port()
    report = run(spool, *words(authority, port), "--postgres", server.conninfo("gate"), "--drain",
                 "--statements", "300", "--segment", "16")
    assert report["shipped"] == 2400
    assert len(list(spool.glob("*.seg"))) > 10
    driver = Driver(spool, *words(authority, collector.port), "--postgres", server.conninfo("gate"),
                    "--statements", "1", "--segment", "16", "--linger")
    wait_for(lambda: len(collector.ids()) >= 2408)
    wait_for(lambda: len(list(spool.glob("*.seg"))) < 4)
    driver.kill()
    assert len(collector.ids()) == 2408


def test_half_of_the_spool_is_kept(server: Postgres, spool: Path, authority: Authority) -> None:
    """A collector that never comes back doesn't fill the spool."""
    more = [*words(authority, free_port()), "--postgres", server.conninfo("gate"), "--drain",
            "--segment", "64"]

    def size() -> int:
        return sum(at.stat().st_size for at in spool.glob("*.seg"))

    run(spool, *more, "--statements", "500")
    kept = size()
    assert kept > 1 << 20
    run(spool, *more, "--statements", "1")
    assert size() > kept
    report = run(spool, *more, "--statements", "1", "--limit", str(kept // 700))
    assert report["refused"] == 0 and size() < kept // 2


@pytest.mark.parametrize("name", ["other.example", "localhost"])
def test_who_it_isnt(spool: Path, tmp_path: Path, authority: Authority, name: str) -> None:
    """A certificate for another name, or of another authority: nothing is sent."""
    (tmp_path / "other").mkdir()
    signer = authority if name != "localhost" else Authority(tmp_path / "other")
    collector = Collector(signer, name)
    driver = Driver(spool, *words(authority, collector.port), "--statements", "1", "--linger")
    wait_for(lambda: driver.report)
    wait_for(lambda: "certificate" in driver.exporting or "hostname" in driver.exporting)
    driver.kill()
    collector.close()
    assert collector.events() == []


def test_rsyslog(spool: Path, tmp_path: Path, authority: Authority) -> None:
    """RFC 5424 in RFC 5425's frames, taken apart by rsyslog."""
    program = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
    pair = authority.issue_server("rsyslog")
    port = free_port()
    out = tmp_path / "out"
    config = tmp_path / "rsyslog.conf"
    config.write_text(f"""
global(workDirectory="{tmp_path}" maxMessageSize="64k"
       defaultNetstreamDriverCAFile="{authority.ca_file}"
       defaultNetstreamDriverCertFile="{pair.certificate}"
       defaultNetstreamDriverKeyFile="{pair.key}")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="{port}")
template(name="all" type="string"
         string="%pri%|%protocol-version%|%timereported:::date-rfc3339%|%app-name%|%msgid%|%msg%\\n")
action(type="omfile" file="{out}" template="all")
""")
    argv = [program, "-n", "-f", str(config), "-i", str(tmp_path / "pid")]
    process = Process.spawn(argv, tmp_path / "log")
    try:
        driver = Driver(spool, *words(authority, port), "--export-syslog", "--statements", "20",
                        "--linger")
        wait_for(lambda: out.exists() and out.read_text().count("statement_finished") >= 160)
        driver.kill()
    finally:
        process.stop()
    lines = [line.split("|", 5) for line in out.read_text().splitlines()]
    events = [json.loads(line[5]) for line in lines]
    assert in_order([one["id"] for one in events]) == recorded(spool)
    assert {line[0] for line in lines} == {"110"} and {line[1] for line in lines} == {"1"}
    assert {line[3] for line in lines} == {"hivegate"}
    for line, event in zip(lines, events, strict=True):
        assert line[4] == event["kind"] and re.match(r"\d{4}-\d\d-\d\dT", line[2])
