"""A hivegate process of its own: its config and users file in a temporary folder, its log."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .net import free_port
from .paths import BUILD
from .process import Process, ProcessFailed, tail


def hivegate_program() -> Path:
    """build/hivegate, or what HIVEGATE_BIN names (a build with sanitizers, say)."""
    return Path(os.environ.get("HIVEGATE_BIN") or BUILD / "hivegate")


def hivegatectl_program() -> Path:
    """hivegatectl beside that hivegate."""
    return hivegate_program().with_name("hivegatectl")


def add_user(users_file: Path, name: str, password: str, groups: Sequence[str] = ()) -> None:
    """Adds a user to a users file, or replaces it, with hivegatectl."""
    argv = [str(hivegatectl_program()), "user", "add", "--file", str(users_file), name]
    if groups:
        argv += ["--group", ",".join(groups)]
    done = subprocess.run(
        [*argv, "--password-stdin"], input=f"{password}\n", text=True, capture_output=True
    )
    if done.returncode:
        raise ProcessFailed(f"{' '.join(argv)} failed:\n{done.stderr or done.stdout}")


def default_config(endpoints: Sequence[str], **pool: Any) -> dict[str, Any]:
    """A config with one binary listener on a free port, a users file and one static pool.
    Further keys of the pool (sasl, login ...) by name; with transport="http" it has no sasl."""
    made_pool = {
        "name": "default",
        "discovery": "static",
        "endpoints": list(endpoints),
        "transport": "binary",
        "sasl": "plain",
        "login": "as-user",
    } | pool
    if made_pool["transport"] == "http":
        del made_pool["sasl"]
    return {
        "workers": 2,
        "listeners": [
            {
                "name": "thrift",
                "bind": f"127.0.0.1:{free_port()}",
                "transport": "binary",
                "sasl": "plain",
            }
        ],
        "authentication": {"chain": ["users"], "users": {"file": "users.txt"}},
        "pools": [made_pool],
        "admin": {"enabled": False},  # the default socket is the machine's own hivegate's
    }


class Hivegate:
    """One hivegate: start(), then .port, .log_text(), .rss_kb(), and stop(), which wants it to
    end with status 0.

    config  a dict or the text of a YAML file, written to `directory`; relative paths in it are
            looked up there. A Path is an existing file, used where it is
    users   name -> password, or name -> (password, [group, ...]); made into users.txt
    args    further arguments, such as ["--log-level", "debug"]
    program another hivegate than build/hivegate or HIVEGATE_BIN
    """

    def __init__(
        self,
        config: Mapping[str, Any] | str | Path,
        users: Mapping[str, Any] | None = None,
        args: Sequence[str] = (),
        *,
        directory: Path | None = None,
        env: Mapping[str, str] | None = None,
        program: Path | None = None,
    ):
        self._temporary = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="hivegate-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_path = self.directory / "hivegate.yaml"
        self.log_path = self.directory / "hivegate.log"
        self.users_path = self.directory / "users.txt"
        self.process: Process | None = None
        self._program = Path(program) if program else hivegate_program()
        self._args = list(args)
        self._env = dict(os.environ) | dict(env or {})
        if isinstance(config, Path):
            self.config_path = config
        else:  # JSON is YAML, so a dict needs no YAML library
            text = config if isinstance(config, str) else json.dumps(config, indent=2)
            self.config_path.write_text(text)
        for name, value in (users or {}).items():
            password, groups = (value, ()) if isinstance(value, str) else value
            add_user(self.users_path, name, password, groups)

    @property
    def pid(self) -> int:
        assert self.process, "hivegate was not started"
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    @property
    def addresses(self) -> dict[str, str]:
        """What each listener is bound to, as its log says: name -> '127.0.0.1:10000'."""
        found = {}
        for line in self.log_text().splitlines():
            if line.startswith("{"):
                record = _json(line)
                if record.get("event") == "listening":
                    found[record["listener"]] = record["address"]
            elif match := re.search(r"\blistening\b.* listener=(\S+) address=(\S+)", line):
                found[match[1]] = match[2]
        return found

    @property
    def port(self) -> int:
        """The TCP port of the first listener that has one."""
        return int(self.address.rpartition(":")[2])

    @property
    def address(self) -> str:
        """The address of the first listener that has a TCP port."""
        for address in self.addresses.values():
            if not address.startswith("unix:"):
                return address
        raise ProcessFailed(f"hivegate has no TCP listener:\n{tail(self.log_path)}")

    def jdbc_url(self, database: str = "", host: str = "127.0.0.1") -> str:
        return f"jdbc:hive2://{host}:{self.port}/{database}"

    def start(self, timeout: float = 20.0) -> "Hivegate":
        """Starts it and waits until it says that it is ready."""
        self.spawn()
        self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout: float = 20.0) -> None:
        assert self.process, "hivegate was not started"
        self.process.wait_until(self._ready, "hivegate", timeout)

    def spawn(self) -> None:
        """Starts it without waiting."""
        if not self._program.exists():
            raise ProcessFailed(f"no {self._program}; run: make")
        argv = [str(self._program), "--config", str(self.config_path), *self._args]
        self.process = Process.spawn(argv, self.log_path, cwd=self.directory, env=self._env)

    def adopt(self, pid: int, started: int) -> bool:
        """Takes over a hivegate that an earlier run started in this directory and left."""
        self.process = Process.adopt(pid, started, self.log_path)
        return self.process is not None

    def stop(self, grace: float = 30.0) -> None:
        """SIGTERM; fails unless it ends in time and with status 0. A sanitizer's report and a
        leak both end it with another one."""
        if not self.process:
            return
        was_alive = self.alive
        self.process.stop(grace)
        status = self.process.returncode
        if status not in (0, None):
            when = "on SIGTERM" if was_alive else "before it was asked to"
            raise ProcessFailed(
                f"hivegate ended {when} with status {status}; the last lines of "
                f"{self.log_path}:\n{tail(self.log_path, 60)}"
            )
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        if self.process:
            self.process.kill()

    def log_text(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def rss_kb(self) -> int:
        """Its resident memory in kilobytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        assert match, f"no VmRSS in /proc/{self.pid}/status"
        return int(match[1])

    def __enter__(self) -> "Hivegate":
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, kind, *_exc) -> None:
        if kind is None:
            self.stop()
        else:  # a failing test's own error matters more; the folder stays for a look
            self.kill()

    def _ready(self) -> bool:
        for line in self.log_text().splitlines():
            if line.startswith("{"):
                if _json(line).get("event") == "ready":
                    return True
            elif re.search(r"\bready\b", line):
                return True
        return False


def _json(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
