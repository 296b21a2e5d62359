"""A real ZooKeeper on loopback (Debian's package), and a client: ZooKeeper's own, in Java."""

import subprocess
from pathlib import Path

from .net import free_port, is_listening
from .paths import SetupError, java_home
from .process import Process

_JARS = "/usr/share/java"
_SERVER = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


_LIBRARIES = ("zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-simple", "netty-all")
_LIBRARIES += ("metrics-core", "snappy-java", "commons-io")


def _class_path() -> str:
    found = [f"{_JARS}/{name}.jar" for name in _LIBRARIES]
    if not all(Path(path).exists() for path in found):
        raise SetupError("no ZooKeeper here; run: tools/setup discovery")
    return ":".join(found)


class Zookeeper:
    """One server. Its port and its data stay when it is stopped and started again.

    tick_ms  the unit of its time: sessions expire after 2 to 20 of them
    """

    def __init__(self, folder: Path, tick_ms: int = 500):
        self.port = free_port()
        self.hosts = f"127.0.0.1:{self.port}"
        self.folder = folder
        self._process: Process | None = None
        (folder / "data").mkdir(parents=True)
        (folder / "zoo.cfg").write_text(
            f"tickTime={tick_ms}\ndataDir={folder}/data\nclientPort={self.port}\n"
            "clientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n"
            "snapshot.trust.empty=true\n"
        )
        self.start()

    def __enter__(self) -> "Zookeeper":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def java(self, *options: str) -> list[str]:
        java = str(java_home() / "bin" / "java")
        return [java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *options]

    def start(self) -> None:
        argv = self.java("-cp", _class_path(), _SERVER, str(self.folder / "zoo.cfg"))
        self._process = Process.spawn(argv, self.folder / "zookeeper.log")
        self._process.wait_until(lambda: is_listening(self.port), "ZooKeeper", 60)

    def stop(self) -> None:
        if self._process:
            self._process.stop()
            self._process = None


class Refused(Exception):
    """ZooKeeper refused a command; the text is its code."""


class Shell:
    """A client that stays: ephemeral nodes live as long as it does."""

    def __init__(self, server: Zookeeper, timeout_ms: int = 5000):
        options = ["-cp", _class_path(), str(Path(__file__).parent / "ZookeeperShell.java")]
        self._log = open(server.folder / "shell.log", "ab")
        self._process = subprocess.Popen(
            server.java(*options, server.hosts, str(timeout_ms)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout.readline() == "ok ready\n"

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *_: object) -> None:
        self.quit()

    def run(self, *words: str) -> str:
        """Runs a command of ZookeeperShell.java and returns its answer."""
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        verdict, _, answer = self._process.stdout.readline().rstrip("\n").partition(" ")
        if verdict != "ok":
            raise Refused(answer)
        return answer

    def create(self, path: str, data: str = "", mode: str = "PERSISTENT") -> str:
        return self.run("create", mode, path, data)

    def children(self, path: str) -> list[str]:
        return self.run("ls", path).split()

    def quit(self) -> None:
        """Closes its session, and so removes its ephemeral nodes."""
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(30)
        self._process.stdout.close()
        self._log.close()
