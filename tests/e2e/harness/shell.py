"""beeline 2.3.9 as a user starts it, with what it printed and how it ended."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support import beeline

from e2e.harness import normal
from e2e.harness.wire import Target

# Only to end a beeline that hangs.
_TIMEOUT = 300


@dataclass
class Ended:
    status: int
    output: str
    errors: str

    def plain(self) -> list:
        """What two runs of the same script have in common."""
        return [self.status, _plain(self.output), _plain(self.errors)]


def _plain(text: str) -> list[str]:
    lines = []
    for line in normal.text(text).splitlines():
        if "WARN" in line or line.startswith(("SLF4J", "log4j:", "Picked up")):
            continue
        # Times, the address in the prompt (and the padding that follows from its length), and the
        # running number in the log of a driver.
        line = re.sub(r"\(?\d+\.\d+ seconds\)?", "# seconds", line)
        line = re.sub(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d\.\d+ ", "", line)
        line = re.sub(r"^0: jdbc:hive2://\S*>", "0: SERVER>", line)
        lines.append(line.rstrip())
    return lines


def url(target: Target, suffix: str = "/default") -> str:
    return f"jdbc:hive2://{target.host}:{target.port}{suffix}"


class Beeline:
    """A running beeline. A target without a user leaves out -n and -p; without a target the script
    connects. `jvm` are further options of the JVM."""

    def __init__(
        self,
        target: Target | None,
        *,
        script: Path | None = None,
        statements: Sequence[str] = (),
        suffix: str = "/default",
        options: Sequence[str] = (),
        outputformat: str = "csv2",
        silent: bool = True,
        jvm: Sequence[str] = (),
    ):
        argv = [
            str(beeline.beeline_program()),
            *(("-u", url(target, suffix)) if target else ()),
            *(("-n", target.user, "-p", target.password) if target and target.user else ()),
            *(f"--outputformat={outputformat}", f"--silent={str(silent).lower()}", *options),
            *(("-f", str(script)) if script else ()),
        ]
        for statement in statements:
            argv += ["-e", statement]
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=beeline.environment() | ({"JAVA_TOOL_OPTIONS": shlex.join(jvm)} if jvm else {}),
            start_new_session=True,
        )

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def wait(self) -> Ended:
        try:
            output, errors = self.process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, errors = self.process.communicate()
            raise AssertionError(
                f"beeline never ended:\n{output[-2000:]}\n{errors[-2000:]}"
            ) from None
        return Ended(self.process.returncode, output, errors)
