"""Spark's own parser as the judge, and hivegatectl beside it: both read the same statements."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.paths import ROOT, java_home, spark_home

SOURCE = Path(__file__).with_name("SparkOracle.java")
VERSIONS = ("3.5", "4.0")
Request = dict[str, Any]


def program() -> Path:
    """hivegatectl of this build; HIVEGATECTL_BIN names another, such as one with sanitizers."""
    return Path(os.environ.get("HIVEGATECTL_BIN", ROOT / "build" / "hivegatectl"))


def _lines(command: list[str], requests: Iterable[Request]) -> list[dict[str, Any]]:
    text = "".join(json.dumps(request) + "\n" for request in requests)
    run = subprocess.run(command, input=text, capture_output=True, text=True)
    assert run.returncode == 0, f"{command[0]}: exit code {run.returncode}\n{run.stderr[-2000:]}"
    return [json.loads(line) for line in run.stdout.splitlines()]


def ours(verb: str, version: str, requests: Iterable[Request]) -> list[dict[str, Any]]:
    """What hivegatectl sql VERB answers."""
    return _lines([str(program()), "sql", verb, "--engine", f"spark-{version}"], requests)


def printed(version: str, texts: list[str]) -> list[str]:
    """The statements as hivegate prints them; "" for one that it refuses."""
    driver = ROOT / "build" / "tests" / "drivers" / "sql-driver"
    data = "".join(text + "\0" for text in texts).encode()
    run = subprocess.run([driver, version], input=data, stdout=subprocess.PIPE, check=True)
    return run.stdout.decode().split("\0")[:-1]


class Oracle:
    """Spark's parser of one version; each call is a JVM of its own."""

    def __init__(self, version: str, folder: Path):
        self.version = version
        jars = spark_home(version) / "jars"
        self._path = f"{folder}:{jars}/*"
        javac = java_home() / "bin" / "javac"
        command = [str(javac), "-nowarn", "-d", str(folder), "-cp", f"{jars}/*", str(SOURCE)]
        subprocess.run(command, check=True)

    def ask(self, *arguments: str, requests: Iterable[Request] = ()) -> list[dict[str, Any]]:
        """One answer for each request, or what is made without any."""
        java = java_home() / "bin" / "java"
        options = ["-Xss16m", "-Dlog4j2.level=OFF", "-cp", self._path]
        return _lines([str(java), *options, "SparkOracle", *arguments], requests)
