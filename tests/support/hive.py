"""Real HiveServer2s of Hive 3.1 and 4.0, in one Java process each: with a metastore in memory and
MapReduce (3.1) or Tez (4.0) run inside the server, so without Hadoop, HDFS or YARN."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from .net import free_port, is_listening
from .paths import CACHE, RUN, SetupError, java_home
from .process import Process

VERSIONS = ("3.1", "4.0")

_HERE = Path(__file__).parent
_CLASS = "org.apache.hive.service.server.HiveServer2"

# What Hive's libraries reach for in Java's own packages.
_OPENED = (
    *("lang", "lang.reflect", "lang.invoke", "net", "nio", "util", "util.concurrent"),
    *("util.concurrent.atomic", "util.regex", "io", "math", "text", "time"),
)

# Statements have logs of their own, which clients fetch; they take what is INFO too.
_LOG = """\
status = error
name = hive
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.filter.level.type = ThresholdFilter
appender.console.filter.level.level = WARN
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %p [%t] %c{2}: %m%n
rootLogger.level = INFO
rootLogger.appenderRefs = console
rootLogger.appenderRef.console.ref = console
"""


def hive_jars(version: str) -> Path:
    """The folder with a version's jars."""
    folder = CACHE / f"hive-{version}" / "lib"
    if not folder.is_dir():
        raise SetupError(f"no Hive {version} in {folder}; run: tools/setup test")
    return folder


class HiveServer:
    """One HiveServer2 on 127.0.0.1: start(), wait_ready(), stop().

    version         '3.1' or '4.0'
    transport       'binary', 'http' (path /cliservice), or 'all': both, with 4.0 only
    authentication  'NONE' (SASL PLAIN, any password) or 'NOSASL'
    do_as           whether statements run as the session's user (hive.server2.enable.doAs)
    conf            further settings of hive-site.xml
    """

    def __init__(
        self,
        version: str,
        *,
        transport: str = "binary",
        authentication: str = "NONE",
        do_as: bool = False,
        conf: Mapping[str, str] | None = None,
        memory: str = "768m",
    ):
        self.version = version
        self.jars = hive_jars(version)
        self.port = free_port()
        self.http_port = free_port() if transport == "all" else self.port
        self.name = f"hive-{version}-{self.port}"
        self.transport = transport
        self.authentication = authentication
        RUN.mkdir(parents=True, exist_ok=True)
        self.work_dir = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=RUN))
        self.log_path = self.work_dir / "server.log"
        self.process: Process | None = None
        self._do_as = do_as
        self._conf = dict(conf or {})
        self._memory = memory

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def http_address(self) -> str:
        return f"127.0.0.1:{self.http_port}"

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    def start(self) -> "HiveServer":
        """Starts it and returns at once; wait_ready() waits until it can be used."""
        for folder in ("conf", "tmp", "warehouse", "scratch", "local"):
            (self.work_dir / folder).mkdir()
        (self.work_dir / "scratch").chmod(0o777)  # Hive wants it so, as users share it
        (self.work_dir / "conf" / "hive-site.xml").write_text(_site(self._settings()))
        (self.work_dir / "conf" / "hive-log4j2.properties").write_text(_LOG)
        self.process = Process.spawn(
            self._command(),
            self.log_path,
            cwd=self.work_dir,
            env=self._environment(),
        )
        return self

    def wait_ready(self, timeout: float = 180.0) -> "HiveServer":
        """Waits until it listens; raises ProcessFailed with the end of its log if it doesn't."""
        assert self.process, f"{self.name} was not started"
        for port in {self.port, self.http_port}:
            listening = lambda port=port: is_listening(port)  # noqa: E731
            self.process.wait_until(listening, f"{self.name} (Hive {self.version})", timeout)
        return self

    def terminate(self) -> None:
        """Asks it to end, so that several can do so at once; stop() waits for it."""
        if self.process:
            self.process.terminate()

    def stop(self, keep: bool = False) -> None:
        """Ends this server and nothing else; its folder stays with `keep`."""
        if self.process:
            self.process.stop(30.0)
        if not keep:
            shutil.rmtree(self.work_dir, ignore_errors=True)

    def kill(self) -> None:
        """Ends it without warning, as a crash would."""
        if self.process:
            self.process.kill()

    def _environment(self) -> dict[str, str]:
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HADOOP_", "HIVE_", "TEZ_", "_JAVA_", "JDK_JAVA"))
        }
        return env | {"LD_PRELOAD": str(_loopback_only(self.work_dir))}

    def _command(self) -> list[str]:
        conf = f"{self.work_dir / 'conf'}"
        argv = [str(java_home() / "bin" / "java"), f"-Xmx{self._memory}", "-Duser.timezone=UTC"]
        argv += ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"]
        argv += [f"-Djava.io.tmpdir={self.work_dir / 'tmp'}"]
        argv += [f"-Dderby.stream.error.file={self.work_dir / 'derby.log'}"]
        for package in _OPENED:
            argv += ["--add-opens", f"java.base/java.{package}=ALL-UNNAMED"]
        if self.version == "3.1":
            return [*argv, str(_HERE / "HiveLauncher.java"), _CLASS, conf, str(self.jars)]
        return [*argv, "-cp", f"{conf}:{self.jars}/*", _CLASS]

    def _settings(self) -> dict[str, str]:
        folder = str(self.work_dir)
        tez = self.version != "3.1"
        return {
            "hive.server2.authentication": self.authentication,
            "hive.server2.enable.doAs": str(self._do_as).lower(),
            "hive.server2.transport.mode": self.transport,
            "hive.server2.thrift.bind.host": "127.0.0.1",
            "hive.server2.thrift.port": str(self.port),
            "hive.server2.thrift.http.port": str(self.http_port),
            "hive.server2.webui.port": "0",
            "hive.server2.metrics.enabled": "true",
            "hive.service.metrics.file.location": f"{folder}/metrics.json",
            "hive.service.metrics.file.frequency": "100ms",
            "hive.server2.max.start.attempts": "1",
            # current_user() is the session's user, not the server's
            "hive.security.authenticator.manager": (
                "org.apache.hadoop.hive.ql.security.SessionStateUserAuthenticator"
            ),
            # one process, one metastore in memory, no transactions
            "javax.jdo.option.ConnectionURL": "jdbc:derby:memory:metastore;create=true",
            "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
            "datanucleus.schema.autoCreateAll": "true",
            "hive.metastore.schema.verification": "false",
            "hive.metastore.event.db.notification.api.auth": "false",
            "hive.support.concurrency": "false",
            "hive.txn.manager": "org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager",
            "hive.server2.materializedviews.registry.impl": "DUMMY",
            "hive.execution.engine": "tez" if tez else "mr",
            "hive.stats.autogather": "false",
            "tez.local.mode": "true",
            "tez.local.mode.without.network": "true",
            "tez.ignore.lib.uris": "true",
            "tez.runtime.optimize.local.fetch": "true",
            "tez.staging-dir": f"{folder}/tez",
            # a task takes its sort buffer whole, however small its input is
            "tez.runtime.io.sort.mb": "8",
            "mapreduce.task.io.sort.mb": "8",
            "hive.exec.submit.local.task.via.child": "false",
            "mapreduce.framework.name": "local",
            "mapreduce.jobtracker.staging.root.dir": f"{folder}/mapreduce",
            # everything stays in the server's folder
            "fs.defaultFS": "file:///",
            "hadoop.tmp.dir": f"{folder}/tmp",
            "hive.metastore.warehouse.dir": f"file://{folder}/warehouse",
            "hive.metastore.warehouse.external.dir": f"file://{folder}/warehouse",
            "hive.exec.scratchdir": f"file://{folder}/scratch",
            "hive.exec.local.scratchdir": f"{folder}/local",
            "hive.downloaded.resources.dir": f"{folder}/local/resources",
            "hive.user.install.directory": f"file://{folder}/install",
            "hive.jar.directory": f"file://{folder}/install",
            "hive.query.results.cache.enabled": "false",
            "hive.query.results.cache.directory": f"file://{folder}/local/results",
            "hive.server2.logging.operation.log.location": f"{folder}/operation_logs",
        } | self._conf


def _site(settings: Mapping[str, str]) -> str:
    rows = (
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in settings.items()
    )
    return f"<configuration>\n{''.join(rows)}</configuration>\n"


def _loopback_only(directory: Path) -> Path:
    """The library to preload: Hive 3.1 ignores hive.server2.thrift.bind.host, and both versions do
    over HTTP, so they would listen on every address, and let anybody in."""
    library = directory / "loopback.so"
    if not library.exists():
        source = str(_HERE / "loopback.c")
        subprocess.run(
            ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), source, "-ldl"], check=True
        )
    return library
