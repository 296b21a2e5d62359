"""The Hive and Databricks JDBC drivers, each in a JVM of its own that runs a script of calls."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.paths import JARS, SetupError, java_home, spark_home

from e2e.harness.wire import Target

VERSIONS = ("1.2.2", "2.3.9", "3.1.3", "4.1.0")

# Made by Simba; also the nearest to what Tableau and others bring along.
DATABRICKS = "databricks-2.6.40"
DATABRICKS_HTTP = "databricks-2.6.40-http"
DATABRICKS_URLS = "databricks-2.6.40-urls"  # for scripts whose URLs say everything


@dataclass(frozen=True)
class _Driver:
    """How a driver is named in Java and in a URL, and what each URL ends with."""

    java_class: str
    scheme: str
    settings: str = ""
    java_options: tuple[str, ...] = ()


_HIVE = _Driver("org.apache.hive.jdbc.HiveDriver", "hive2")


def _databricks(settings: str) -> _Driver:
    return _Driver(
        "com.databricks.client.jdbc.Driver",
        "databricks",
        settings,
        # its Arrow library wants it
        ("--add-opens=java.base/java.nio=ALL-UNNAMED",),
    )


_DATABRICKS = {
    DATABRICKS: _databricks(";AuthMech=3;ssl=0;transportMode=sasl"),
    DATABRICKS_HTTP: _databricks(";AuthMech=3;ssl=0;transportMode=http;httpPath=cliservice"),
    DATABRICKS_URLS: _databricks(""),
}

# What the standalone jars leave to the caller; taken from Spark's own jars.
_BESIDE = (
    "hadoop-client-api-*.jar",
    "hadoop-client-runtime-*.jar",
    "commons-logging-*.jar",
    "slf4j-api-*.jar",
)

# Only to end a JVM that hangs.
_TIMEOUT = 420

Call = Sequence[str | None]


def metadata_calls(schemas: str) -> list[Call]:
    """A call of each kind of DatabaseMetaData; `schemas` is the pattern for getSchemas."""
    return [
        ["meta", "getCatalogs"],
        ["meta", "getSchemas", None, schemas],
        ["meta", "getTables", None, "sales", "%", None],
        ["meta", "getColumns", None, "default", "everything", "%"],
        ["meta", "getFunctions", None, "default", "con%"],
        ["meta", "getTypeInfo"],
        ["meta", "getTableTypes"],
        ["meta", "getPrimaryKeys", None, "sales", "orders"],
    ]


def script_text(calls: Sequence[Call]) -> str:
    def field(value: str | None) -> str:
        if value is None:
            return "\\N"
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")

    return "".join("\t".join(field(f) for f in call) + "\n" for call in calls)


def _jar(name: str) -> Path:
    path = JARS / name
    if not path.exists():
        raise SetupError(f"no {path}; run: tools/setup jdbc")
    return path


# For scripts whose URLs say everything.
NOWHERE = Target("none.example.org", 0, "", "")


class JdbcDrivers:
    """The compiled probe and the class path of each driver."""

    def __init__(self, directory: Path):
        self.directory = directory
        source = Path(__file__).parents[1] / "java" / "JdbcProbe.java"
        javac = java_home() / "bin" / "javac"
        subprocess.run(
            [str(javac), "-Xlint:all", "-Werror", "-d", str(directory), str(source)], check=True
        )

    def class_path(self, driver: str) -> str:
        jars = spark_home("3.5") / "jars"
        if driver in _DATABRICKS:
            return f"{self.directory}:{_jar('databricks-jdbc-2.6.40.jar')}"
        if driver == "2.3.9":
            return f"{self.directory}:{jars}/*"
        own = _jar(f"hive-jdbc-{driver}-standalone.jar")
        beside = [str(path) for name in _BESIDE for path in sorted(jars.glob(name))]
        return ":".join([str(self.directory), str(own), *beside])

    def run(
        self, driver: str, target: Target, calls: Sequence[Call], jvm: Sequence[str] = ()
    ) -> list[dict]:
        """Runs the calls in a new JVM, with these further options; one result per call. A target
        without a user leaves user and password to the URLs."""
        host = f"[{target.host}]" if ":" in target.host else target.host
        how = _DATABRICKS.get(driver, _HIVE)
        log = self.directory / f"{driver}-{target.port}.log"
        with open(log, "wb") as errors:
            done = subprocess.run(
                [
                    str(java_home() / "bin" / "java"),
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-Duser.timezone=UTC",
                    *how.java_options,
                    *jvm,
                    "-cp",
                    self.class_path(driver),
                    "JdbcProbe",
                    how.java_class,
                    f"jdbc:{how.scheme}://{host}:{target.port}",
                    how.settings,
                    target.user,
                    target.password,
                ],
                input=script_text(calls),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        said = log.read_text(errors="replace")[-3000:]
        assert done.returncode == 0, f"the probe ended with {done.returncode}:\n{said}"
        results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert len(results) == len(calls), f"{len(results)} results of {len(calls)} calls:\n{said}"
        return results
