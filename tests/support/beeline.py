"""The real beeline of Spark's jars, as a process: what a user types at a shell."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .paths import java_home, spark_home
from .spark import ClassArchive

_PROMPTS = re.compile(r"^(?:\d+: jdbc:[^ >]*> |\.[ .]*> )+")
_STACK_TRACE = re.compile(r"\s+(?:at |\.\.\. \d+ more)")


class BeelineFailed(Exception):
    """beeline ended with an error; the text holds what it printed."""


def beeline_program(version: str = "3.5") -> Path:
    return spark_home(version) / "bin" / "beeline"


def environment(version: str = "3.5") -> dict[str, str]:
    """The environment beeline runs in: this Spark, this JDK, and a quick start."""
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    archive = ClassArchive(f"spark-{version}")
    if archive.path.exists():
        options.append(f"-XX:SharedArchiveFile={archive.path}")
    return os.environ | {
        "SPARK_HOME": str(spark_home(version)),
        "JAVA_HOME": str(java_home()),
        "SPARK_BEELINE_OPTS": shlex.join(options),
    }


def command(
    url: str,
    user: str,
    password: str = "",
    *,
    script: Path | None = None,
    statements: Sequence[str] = (),
    outputformat: str = "table",
    version: str = "3.5",
    options: Sequence[str] = (),
) -> list[str]:
    """The command line of beeline for a script file or some statements."""
    argv = [str(beeline_program(version)), "-u", url, "-n", user, "-p", password]
    argv += [f"--outputformat={outputformat}", *options]
    if script:
        argv += ["-f", str(script)]
    for statement in statements:
        argv += ["-e", statement]
    return argv


def without_prompt(line: str) -> str:
    """A line of beeline's output without the prompts it prints when nobody types."""
    return _PROMPTS.sub("", line)


def without_stack_trace(text: str) -> str:
    """What beeline says of an error, without Java's lines of it."""
    return "\n".join(line for line in text.splitlines() if not _STACK_TRACE.match(line))


def run(url: str, user: str, password: str = "", *, timeout: float = 300.0, **how) -> str:
    """Runs beeline to its end and returns its standard output, without prompts; `how` goes to
    command()."""
    version = how.get("version", "3.5")
    done = subprocess.run(
        command(url, user, password, **how),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment(version),
        timeout=timeout,
        start_new_session=True,
    )
    if done.returncode:
        said = without_stack_trace(done.stderr + done.stdout).strip()[-3000:]
        raise BeelineFailed(f"beeline as {user} on {url} ended with {done.returncode}:\n{said}")
    return "".join(map(without_prompt, done.stdout.splitlines(keepends=True)))


def main() -> None:
    """Becomes beeline with our arguments: `python -m support.beeline -u URL ...`."""
    program = str(beeline_program())
    os.execve(program, [program, *sys.argv[1:]], environment())


if __name__ == "__main__":
    main()
