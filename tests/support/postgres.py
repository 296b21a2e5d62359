"""PostgreSQL on loopback: a cluster of its own per test run, as a user without rights.

    with Postgres() as server:
        server.conninfo(), server.run("SELECT 1")

Nothing of the machine's own clusters is touched. As root, its programs run as the user `postgres`
of Debian's package (PostgreSQL refuses root). The port stays the same over stop and start.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .net import free_port, is_listening
from .paths import SetupError
from .process import Process, ProcessFailed

USER = "gate"
PASSWORD = "a password of the tests"


def programs() -> Path:
    """The folder of the server's programs: the newest version that is there."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda at: int(at.parts[4]))
    if found:
        return found[-1].parent
    if at := shutil.which("initdb"):
        return Path(at).parent
    raise SetupError("no PostgreSQL server here; run: tools/setup test")


class Postgres:
    """One cluster."""

    def __init__(self, *, settings: Sequence[str] = (), small_disk: int = 0):
        """`settings` are lines of postgresql.conf; `small_disk` is the size in MB of a disk of memory
        that its first start, which takes root, finds under self.small."""
        # A folder that its user can reach, as those of pytest can't be: each run of it closes them.
        self.folder = folder = Path(tempfile.mkdtemp(prefix="hivegate-postgres-"))
        self.port = free_port()
        self.database = "postgres"
        self._data = folder / "data"
        self._process: Process | None = None
        self._prefix: list[str] = []
        self.small = folder / "small"
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            self._prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
            self._prefix += ["--clear-groups"]
            os.chown(folder, user.pw_uid, user.pw_gid)
        password = folder / "password"
        password.write_text(PASSWORD + "\n")
        password.chmod(0o644)
        command = [str(programs() / "initdb"), "-D", str(self._data), "-U", "root_of_tests"]
        command += ["--auth=scram-sha-256", f"--pwfile={password}", "--no-sync", "--encoding=UTF8"]
        command += ["--locale=C.UTF-8"]
        done = subprocess.run(self._prefix + command, capture_output=True, text=True, cwd="/")
        if done.returncode:
            raise AssertionError(f"initdb failed:\n{done.stdout}{done.stderr}")
        with open(self._data / "postgresql.conf", "a") as file:
            file.write("\n".join([
                "listen_addresses = '127.0.0.1'", f"port = {self.port}",
                "unix_socket_directories = ''", "max_connections = 20", "shared_buffers = 32MB",
                "wal_level = minimal", "max_wal_senders = 0",
                # What a killed process wrote is in the page cache: only machines lose power.
                "fsync = off", *settings]) + "\n")
        if small_disk:
            self.small.mkdir()
            mount = f"mount -t tmpfs -o size={small_disk}m,uid=$(id -u postgres),mode=700 tmpfs"
            shell = f'{mount} {self.small} && exec "$@"'
            self._prefix = ["unshare", "--mount", "sh", "-c", shell, "sh", *self._prefix]
        self.start()

    def __enter__(self) -> "Postgres":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    def start(self) -> None:
        argv = [*self._prefix, str(programs() / "postgres"), "-D", str(self._data)]
        self._process = Process.spawn(argv, self.log, cwd=Path("/"))
        try:
            self._process.wait_until(self._answers, "PostgreSQL", 60)
        except ProcessFailed:
            self._process.kill()
            raise

    def _answers(self) -> bool:
        if not is_listening(self.port):
            return False
        argv = [str(programs() / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        return subprocess.run(argv).returncode == 0

    def stop(self) -> None:
        if self._process:
            os.kill(self._process.pid, 2)  # SIGINT: without waiting for clients
            if not self._process.wait(30):
                self._process.kill()
            self._process = None

    def kill(self) -> None:
        """Ends it, and all processes of it, as a crash does."""
        if self._process:
            pid = self._process.pid
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            self._process.kill()
            for child in children:  # each is in a process group of its own
                try:
                    os.kill(int(child), 9)
                except ProcessLookupError:
                    pass
            self._process = None

    def conninfo(self, user: str = "root_of_tests", password: str | None = PASSWORD) -> str:
        text = f"host=127.0.0.1 port={self.port} dbname={self.database} user={user}"
        return text if password is None else f"{text} password='{password}'"

    def psql(self, *argv: str, text: str = "", user: str = "root_of_tests") -> str:
        done = subprocess.run(
            ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", self.conninfo(user), *argv],
            input=text, capture_output=True, text=True,
        )
        if done.returncode:
            raise AssertionError(f"psql failed:\n{done.stderr}")
        return done.stdout

    def run(self, sql: str, user: str = "root_of_tests") -> list[list[str]]:
        """The rows of the result, as texts."""
        return [line.split("|") for line in self.psql(text=sql, user=user).splitlines()]

    def value(self, sql: str) -> str:
        return self.run(sql)[0][0]

    def begin(self, sql: str) -> "Transaction":
        """A transaction that has run the SQL and stays open until it is closed."""
        return Transaction(self.conninfo(), sql)


class Transaction:
    def __init__(self, conninfo: str, sql: str):
        self._psql = subprocess.Popen(
            ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", conninfo],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self._psql.stdin.write(f"BEGIN; {sql}; SELECT 'done';\n")
        self._psql.stdin.flush()
        assert self._psql.stdout.readline() == "done\n"

    def close(self) -> None:
        self._psql.communicate("COMMIT;\n", timeout=30)
