"""The Debian package: it installs, what its unit starts serves, and it leaves as it should. All of it
in a sandbox, so that the machine is left alone. `make deb` comes first."""

import configparser
import os
import select
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import BUILD, ROOT
from support.sandbox import Sandbox

INSIDE = "/tmp/hivegate.deb"
UNIT = "/lib/systemd/system/hivegate.service"
CONFIG = "/etc/hivegate/hivegate.yaml"

# A login over SASL PLAIN as Hive's drivers do it: prints the status of the answer (5 good, 3 wrong).
LOGIN = """
import socket, struct, sys
name, password = sys.argv[1:]
def part(status, body): return struct.pack(">BI", status, len(body)) + body
with socket.create_connection(("127.0.0.1", 10000), 60) as s:
    s.sendall(part(1, b"PLAIN") + part(2, f"\\0{name}\\0{password}".encode()))
    print(s.recv(1)[0])
"""


@pytest.fixture(scope="module")
def package() -> Path:
    version = (ROOT / "VERSION").read_text().strip()
    found = sorted((BUILD / "deb").glob(f"hivegate_{version}_*.deb"))
    assert len(found) == 1, "no package: run `make deb`"
    return found[0]


@pytest.fixture(scope="module")
def sandbox(package: Path) -> Iterator[Sandbox]:
    with Sandbox() as made:
        made.put(package, INSIDE)
        made.run("dpkg", "--install", INSIDE)
        yield made


def unit_of(sandbox: Sandbox) -> dict[str, str]:
    """The unit's section Service."""
    reader = configparser.RawConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment]
    reader.read_string(sandbox.run("cat", UNIT))
    return dict(reader["Service"])


def as_service(unit: dict[str, str], command: str) -> list[str]:
    """What systemd makes of a command of the unit, as far as it can be had without systemd."""
    user = [f"--reuid={unit['User']}", f"--regid={unit['Group']}", "--init-groups"]
    return ["setpriv", *user, "--no-new-privs", "--bounding-set=-all", *shlex.split(command)]


def login(sandbox: Sandbox, name: str, password: str) -> str:
    return sandbox.run("python3", "-c", LOGIN, name, password).strip()


class Service:
    """The unit's ExecStart with the folders that the unit asks for."""

    def __init__(self, sandbox: Sandbox):
        unit = unit_of(sandbox)
        owner = ["-o", unit["User"], "-g", unit["Group"]]
        run, state = f"/run/{unit['RuntimeDirectory']}", f"/var/lib/{unit['StateDirectory']}"
        sandbox.run("install", "-d", *owner, "-m", unit["RuntimeDirectoryMode"], run)
        sandbox.run("install", "-d", *owner, "-m", unit["StateDirectoryMode"], state)
        sandbox.run(*as_service(unit, unit["ExecStartPre"]))
        self._sandbox = sandbox
        self._process = sandbox.spawn(*as_service(unit, unit["ExecStart"]))
        self.log = ""
        self.read_until("ready ")

    def read_until(self, event: str) -> None:
        """Waits until its log has that event. Output is read without a buffer in between."""
        assert self._process.stdout
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + 120
        while f" {event}" not in self.log:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise AssertionError(f"waited in vain for {event}:\n{self.log}")
            if not (got := os.read(descriptor, 65536)):
                raise AssertionError(f"hivegate ended before it said {event}:\n{self.log}")
            self.log += got.decode()

    @property
    def pid(self) -> str:
        return self._sandbox.run("pidof", "hivegate").split()[0]

    def stop(self) -> int:
        self._sandbox.run("kill", "-TERM", self.pid)
        self.log += self._process.communicate()[0]
        return self._process.returncode


def test_files(sandbox: Sandbox) -> None:
    """Who may read what, what is a file of the administrator's, and that nothing was started."""
    assert sandbox.run("dpkg-query", "-W", "-f", "${Status}", "hivegate") == "install ok installed"
    modes = {
        "/etc/hivegate": "750 root hivegate",
        "/etc/hivegate/users.txt": "640 root hivegate",
        "/var/lib/hivegate": "700 hivegate hivegate",
        "/var/lib/hivegate/audit": "700 hivegate hivegate",
        "/usr/bin/hivegate": "755 root root",
        "/usr/bin/hivegatectl": "755 root root",
        UNIT: "644 root root",
    }
    for path, wanted in modes.items():
        assert sandbox.run("stat", "-c", "%a %U %G", path).strip() == wanted, path
    assert sandbox.run("dpkg-query", "-W", "-f", "${Conffiles}", "hivegate").split()[0] == CONFIG
    listed = sandbox.run("dpkg", "--listfiles", "hivegate").split()
    for path in (
        "/usr/share/man/man1/hivegate.1.gz",
        "/usr/share/man/man1/hivegatectl.1.gz",
        "/usr/share/bash-completion/completions/hivegate",
        "/usr/share/bash-completion/completions/hivegatectl",
        "/usr/share/doc/hivegate/copyright",
    ):
        assert path in listed
    assert not any(path.startswith("/usr/include") or path.endswith(".a") for path in listed)
    assert sandbox.run("pidof", "hivegate", check=False) == ""
    version = (ROOT / "VERSION").read_text().strip()
    assert version in sandbox.run("hivegate", "--version")


def test_unit(sandbox: Sandbox) -> None:
    """systemd understands the unit and finds it tight."""
    assert sandbox.run("systemd-analyze", "verify", "--man=no", UNIT) == ""
    limit = ["--threshold=15"]  # of 100: tenths of what it prints as the exposure
    told = sandbox.run("systemd-analyze", "security", "--offline=true", "--no-pager", *limit, UNIT)
    assert "Overall exposure level" in told


def test_service(sandbox: Sandbox) -> None:
    """The unit's commands start it, make it read its users again, and end it."""
    service = Service(sandbox)
    try:
        assert sandbox.run("stat", "-c", "%U", f"/proc/{service.pid}").strip() == "hivegate"
        assert login(sandbox, "alice", "wonderland") == "3"
        add = ["hivegatectl", "user", "add", "--file", "/etc/hivegate/users.txt"]
        sandbox.run(*add, "--password-stdin", "alice", text="wonderland\n")
        assert sandbox.run("stat", "-c", "%a %G", "/etc/hivegate/users.txt") == "640 hivegate\n"
        reload = unit_of(sandbox)["ExecReload"].replace("$MAINPID", service.pid)
        sandbox.run(*shlex.split(reload))
        service.read_until("users_reloaded")
        assert login(sandbox, "alice", "wonderland") == "5"
        assert login(sandbox, "alice", "looking-glass") == "3"
        assert "127.0.0.1:10010" in sandbox.run("hivegatectl", "endpoints")
    finally:
        status = service.stop()
    assert status == 0, service.log


def test_again_and_away(sandbox: Sandbox) -> None:
    """The administrator's changes outlive an upgrade and a removal, and only a purge takes them."""
    sandbox.run("sed", "-i", "s/127.0.0.1:10010/spark.example.org:10010/", CONFIG)
    sandbox.run("sh", "-c", "echo bob:hash >> /etc/hivegate/users.txt")
    sandbox.run("chmod", "0755", "/etc/hivegate")
    sandbox.run("dpkg", "--install", INSIDE)
    assert "spark.example.org" in sandbox.run("cat", CONFIG)
    assert sandbox.run("stat", "-c", "%a", "/etc/hivegate").strip() == "755"
    sandbox.run("dpkg", "--remove", "hivegate")
    assert sandbox.run("sh", "-c", "command -v hivegate", check=False) == ""
    assert "spark.example.org" in sandbox.run("cat", CONFIG)
    assert "bob:hash" in sandbox.run("cat", "/etc/hivegate/users.txt")
    sandbox.run("dpkg", "--purge", "hivegate")
    left = {path for path in sandbox.changes() - {INSIDE} if "hivegate" in path}
    assert not left, left
    assert sandbox.run("dpkg", "--audit") == ""


def test_the_machine_is_left_alone(sandbox: Sandbox) -> None:
    """What happens inside isn't seen outside."""
    sandbox.run("sh", "-c", "echo x > /etc/hivegate-sandbox")
    assert not Path("/etc/hivegate-sandbox").exists()
    listen = "import os, socket; s = socket.create_server(('127.0.0.1', 0)); "
    listen += "print(s.getsockname()[1], os.getpid(), flush=True); s.accept()"
    listener = sandbox.spawn("python3", "-c", listen)
    assert listener.stdout
    port, pid = listener.stdout.readline().split()
    try:
        with (
            pytest.raises(ConnectionRefusedError),
            socket.create_connection(("127.0.0.1", int(port))),
        ):
            pass
    finally:
        sandbox.run("kill", pid)
        listener.communicate()


def test_lintian(package: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on=error,warning", str(package)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
