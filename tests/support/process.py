"""A process that was started here and runs in a process group of its own: its log, its end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class ProcessFailed(Exception):
    """A process died or was not ready in time; the text holds the end of its log."""


def tail(path: Path, lines: int = 25) -> str:
    """The last lines of a log, indented, each cut to a readable length."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return "    (no log)"
    return "\n".join("    " + line[:300] for line in text.splitlines()[-lines:])


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot: with the pid it names a process for
    good. None when there is no such process, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    threads, started = int(fields[16]), int(fields[18])
    # Its first thread may be gone while others still hold its sockets and locks.
    return None if state == "Z" and threads < 2 else started


class Process:
    """One process, started by us or (adopt) by an earlier run of ours. It is ended by its pid
    and its own process group, never by name."""

    def __init__(self, pid: int, log: Path, child: subprocess.Popen | None = None):
        self.pid = pid
        self.log = log
        self.started = start_time(pid)
        self.killed = False  # whether it took force to end it
        self._child = child

    @classmethod
    def spawn(
        cls,
        argv: Sequence[str],
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> "Process":
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as out:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        return cls(child.pid, log, child)

    @classmethod
    def adopt(cls, pid: int, started: int, log: Path) -> "Process | None":
        """A process that an earlier run left behind, if it is still that one."""
        return cls(pid, log) if start_time(pid) == started else None

    @property
    def alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return self.started is not None and start_time(self.pid) == self.started

    @property
    def returncode(self) -> int | None:
        """The exit status; None while it runs, and for a process that was adopted."""
        return self._child.poll() if self._child else None

    def wait_until(
        self,
        ready: Callable[[], bool],
        what: str,
        timeout: float,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Waits until ready() holds; progress(seconds) is called about four times a second."""
        begin = time.monotonic()
        turn = 0
        while not ready():
            waited = time.monotonic() - begin
            if not self.alive:
                raise ProcessFailed(
                    f"{what} ended with status {self.returncode} before it was ready; the last "
                    f"lines of {self.log}:\n{tail(self.log)}"
                )
            if waited > timeout:
                raise ProcessFailed(
                    f"{what} was not ready after {timeout:.0f} s; the last lines of {self.log}:\n"
                    f"{tail(self.log)}"
                )
            if progress and turn % 5 == 0:
                progress(waited)
            turn += 1
            time.sleep(0.05)

    def wait(self, timeout: float) -> bool:
        """Waits for its end; False when it still runs after that many seconds."""
        deadline = time.monotonic() + timeout
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to it alone."""
        if self.alive:
            os.kill(self.pid, number)

    def stop(self, grace: float = 10.0) -> int | None:
        """SIGTERM, and after the grace SIGKILL to its process group. Returns the exit status."""
        self.terminate()
        if not self.wait(grace):
            self.kill()
        return self.returncode

    def kill(self) -> None:
        if not self.alive:
            return
        self.killed = True
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.wait(10.0)
