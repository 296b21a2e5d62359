"""One user's job: a script of SQL that the real beeline runs, read as it prints."""

import hashlib
import re
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from support import beeline

_BORDER = re.compile(r"^\+-[-+]*\+$")


class JobFailed(Exception):
    """beeline ended with an error, or printed something else than the script asks for."""


def titles(script: Path) -> list[str]:
    """The comment above each of a script's statements: the title of its result."""
    found, title = [], ""
    for line in script.read_text().splitlines():
        if line.startswith("-- "):
            title = line[3:]
        elif line.endswith(";"):
            found.append(title)
    return found


class Job(threading.Thread):
    """Runs a script as one user, in one beeline, in one session. The script prints tables and
    at its end, after `!set outputformat csv2`, the rows of flights as CSV."""

    def __init__(self, url: str, user: str, password: str, script: Path):
        super().__init__(name=f"job-{user}", daemon=True)
        self.user = user
        self.script = script
        self.tables: list[list[str]] = []  # each as the lines that beeline printed
        self.rows = 0  # of flights, counted here, at the client
        self.bytes = 0
        self.fetch_seconds = 0.0
        self.error: str | None = None
        self._header = b""
        self._digest = hashlib.sha256()
        self._command = beeline.command(
            url, user, password, script=script, options=["--incremental=true"]
        )
        self._child: subprocess.Popen | None = None

    @property
    def digest(self) -> str:
        """Of all fetched rows, to compare two users' answers."""
        return self._digest.hexdigest()

    def value(self, table: int, column: int = 0) -> str:
        """A cell of the first row of a table."""
        return self.tables[table][3].strip("|").split("|")[column].strip()

    def progress(self) -> str:
        if self.rows:
            return f"{self.user}: {self.rows:,} rows"
        return f"{self.user}: {len(self.tables)} of {len(titles(self.script)) - 1} results"

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:  # shown by the main thread
            self.error = f"{type(error).__name__}: {error}"

    def kill(self) -> None:
        if self._child and self._child.poll() is None:
            self._child.kill()

    def _run(self) -> None:
        with tempfile.TemporaryFile() as messages:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=messages,
                env=beeline.environment(),
                start_new_session=True,
            )
            assert self._child.stdout
            with self._child.stdout as output:
                self._read(output)
            status = self._child.wait()
            messages.seek(0)
            said = messages.read().decode(errors="replace")
        if status:
            self.error = f"beeline ended with status {status}:\n" + "\n".join(
                "    " + line for line in beeline.without_stack_trace(said).splitlines()[-12:]
            )

    def _read(self, output) -> None:
        expected = len(titles(self.script)) - 1
        table: list[str] = []
        for line in output:
            if len(self.tables) == expected:
                self._read_row(line)
                continue
            text = beeline.without_prompt(line.decode(errors="replace").rstrip("\n"))
            if text.startswith(("+", "|")):
                table.append(text)
            if sum(1 for row in table if _BORDER.match(row)) == 3:
                self.tables.append(table)
                table = []
                begin = time.monotonic()
        if self.rows:
            self.fetch_seconds = time.monotonic() - begin

    def _read_row(self, line: bytes) -> None:
        if not self._header:
            self._header = line
            return
        if line.count(b",") != self._header.count(b","):
            text = beeline.without_prompt(line.decode(errors="replace")).strip()
            if text:
                raise JobFailed(f"not a row of flights: {text[:200]}")
            return
        self.rows += 1
        self.bytes += len(line)
        self._digest.update(line)
