"""Real Spark Thrift Servers, started from the jars of the pyspark package.

A server's embedded Derby metastore belongs to its work dir, so each server has one of its own,
and a lock on it that lasts as long as the server does. The classes a server has loaded are kept in
an archive (class-data sharing of the JVM) when the first one ends: it brings a start from 6 to 9
seconds down to 3.
"""

import fcntl
import os
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .net import free_port, is_listening, port_owner
from .paths import CACHE, RUN, java_build, java_home, spark_home
from .process import Process, ProcessFailed, start_time

_CLASS = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"


class ClassArchive:
    """The archive of loaded classes for one Spark and one JDK. One server at a time makes it:
    the file beside it says which."""

    def __init__(self, name: str):
        self._name = name
        self.path = CACHE / "cds" / f"{name}-jdk-{java_build()}.jsa"
        self._mark = self.path.with_suffix(".making")
        self._draft: Path | None = None

    def option(self) -> str | None:
        """The JVM option to use the archive, or to make it when there is none."""
        if self.path.exists():
            return f"-XX:SharedArchiveFile={self.path}"
        if not self._claim():
            return None
        return f"-XX:ArchiveClassesAtExit={self._draft}"

    @property
    def making(self) -> bool:
        """Whether the server of this object makes the archive, which its end has to wait for."""
        return self._draft is not None

    def claimed_by(self, pid: int) -> None:
        """Hands the claim to the server's process, so that a later run can see when it is void."""
        if self._draft:
            self._mark.write_text(f"{pid} {start_time(pid)} {self._draft.name}")

    def resume(self, pid: int) -> None:
        """Takes over the claim of a server that an earlier run left running."""
        owner, _, draft = self._read_mark()
        if owner == str(pid):
            self._draft = self.path.with_name(draft)

    def finish(self, ended_well: bool) -> None:
        """After the server's end: puts what it wrote in place."""
        if not self._draft:
            return
        if ended_well and self._draft.exists():
            for old in self.path.parent.glob(f"{self._name}-*.jsa"):  # of another JDK
                old.unlink(missing_ok=True)
            self._draft.replace(self.path)
        self._draft.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)
        self._draft = None

    def _read_mark(self) -> tuple[str, str, str]:
        try:
            pid, started, draft = self._mark.read_text().split()
        except (OSError, ValueError):
            return "", "", ""
        return pid, started, draft

    def _claim(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        pid, started, draft = self._read_mark()
        if pid and str(start_time(int(pid))) != started:
            self.path.with_name(draft).unlink(missing_ok=True)
            self._mark.unlink(missing_ok=True)
        me = os.getpid()
        mine = self.path.with_suffix(f".{me}")
        try:
            with open(self._mark, "x") as mark:
                mark.write(f"{me} {start_time(me)} {mine.name}")
        except FileExistsError:
            return False
        self._draft = mine
        return True


class SparkThriftServer:
    """One Spark Thrift Server on 127.0.0.1: start(), wait_ready(), stop().

    version         '3.5' or '4.0'
    port            a free one when None
    work_dir        its metastore, warehouse, temporary files and log; kept after stop(). A new
                    folder under .cache/run/ when None
    conf, hiveconf  further `--conf` and `--hiveconf` settings
    transport       'binary' or 'http' (path /cliservice)
    authentication  'NONE' (SASL PLAIN, any password) or 'NOSASL'
    name            what errors call it, and the Spark application's name: `SET spark.app.name`
    """

    def __init__(
        self,
        version: str = "3.5",
        *,
        port: int | None = None,
        work_dir: Path | None = None,
        conf: Mapping[str, str] | None = None,
        hiveconf: Mapping[str, str] | None = None,
        transport: str = "binary",
        authentication: str = "NONE",
        name: str | None = None,
        memory: str = "1g",
        cores: int = 2,
        jvm_options: Sequence[str] = (),
    ):
        if transport not in ("binary", "http"):
            raise ValueError(f"transport is 'binary' or 'http', not {transport!r}")
        self.home = spark_home(version)
        self.version = version
        self.port = port or free_port()
        self.name = name or f"spark-{version}-{self.port}"
        self.transport = transport
        self.authentication = authentication
        self.work_dir = Path(work_dir) if work_dir else self._new_work_dir()
        self.log_path = self.work_dir / "server.log"
        self.process: Process | None = None
        self._settings = (dict(conf or {}), dict(hiveconf or {}))
        self._memory, self._cores, self._jvm_options = memory, cores, list(jvm_options)
        self._archive = ClassArchive(f"spark-{version}")

    def _new_work_dir(self) -> Path:
        RUN.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=RUN))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process, f"{self.name} was not started"
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    def jdbc_url(self, database: str = "", host: str = "127.0.0.1") -> str:
        """What a Hive JDBC client connects with."""
        url = f"jdbc:hive2://{host}:{self.port}/{database}"
        if self.transport == "http":
            url += ";transportMode=http;httpPath=cliservice"
        if self.authentication == "NOSASL":
            url += ";auth=noSasl"
        return url

    def start(self) -> "SparkThriftServer":
        """Starts it and returns at once; wait_ready() waits until it can be used."""
        if is_listening(self.port):
            owner = port_owner(self.port)
            who = f"process {owner[0]}: {owner[1][:120]}" if owner else "another process"
            raise ProcessFailed(f"{self.name}: port {self.port} is taken by {who}")
        for folder in ("tmp", "scratch", "operation_logs"):
            (self.work_dir / folder).mkdir(parents=True, exist_ok=True)
        with open(self.work_dir / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ProcessFailed(
                    f"{self.name}: {self.work_dir} is in use by another Spark server"
                ) from None
            self.process = Process.spawn(
                self._command(),
                self.log_path,
                cwd=self.work_dir,
                env=self._environment(),
                pass_fds=[lock.fileno()],
            )
        self._archive.claimed_by(self.process.pid)
        return self

    def adopt(self, pid: int, started: int) -> bool:
        """Takes over a server that an earlier run started with the same settings and left."""
        self.process = Process.adopt(pid, started, self.log_path)
        self._archive.resume(pid)
        return self.process is not None

    def wait_ready(
        self, timeout: float = 180.0, progress: Callable[[float], None] | None = None
    ) -> "SparkThriftServer":
        """Waits until it listens; raises ProcessFailed with the end of its log if it doesn't."""
        assert self.process, f"{self.name} was not started"
        what = f"{self.name} (Spark {self.version})"
        self.process.wait_until(lambda: is_listening(self.port), what, timeout, progress)
        return self

    @property
    def makes_archive(self) -> bool:
        """Whether its end takes some seconds more, because it saves its loaded classes then."""
        return self.alive and self._archive.making

    def terminate(self) -> None:
        """Asks it to end, so that several can do so at once; stop() waits for it."""
        if self.process:
            self.process.terminate()

    def stop(self, grace: float = 30.0) -> None:
        """Ends this server and nothing else; by force when it doesn't end within the grace."""
        if self.process:
            status = self.process.stop(60.0 if self._archive.making else grace)
            # None: an adopted process, whose status nobody gets
            self._archive.finish(not self.process.killed and status in (0, 143, None))

    def kill(self) -> None:
        """Ends it without warning, as a crash would."""
        if self.process:
            self.process.kill()
            self._archive.finish(ended_well=False)

    def log_text(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def __enter__(self) -> "SparkThriftServer":
        try:
            return self.start().wait_ready()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_exc) -> None:
        self.stop()

    def _environment(self) -> dict[str, str]:
        """Ours without what would point Spark at another installation or its settings."""
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SPARK_", "PYSPARK_", "HADOOP_", "HIVE_", "_JAVA_", "JDK_JAVA"))
        }
        return env | {
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_HOSTNAME": "localhost",
            "JAVA_HOME": str(java_home()),
        }

    def _command(self) -> list[str]:
        java_options = [f"-Djava.io.tmpdir={self.work_dir / 'tmp'}", *self._jvm_options]
        if option := self._archive.option():
            java_options.append(option)
        extra_conf, extra_hiveconf = self._settings
        conf = {
            "spark.app.name": self.name,
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(self.work_dir / "tmp"),
            "spark.sql.session.timeZone": "UTC",
        } | extra_conf
        argv = [
            str(self.home / "bin" / "spark-submit"),
            "--class",
            _CLASS,
            "--master",
            f"local[{self._cores}]",
            "--driver-memory",
            self._memory,
            "--driver-java-options",
            shlex.join(java_options),
        ]
        for name, value in conf.items():
            argv += ["--conf", f"{name}={value}"]
        argv.append("spark-internal")
        for name, value in (self._hiveconf() | extra_hiveconf).items():
            argv += ["--hiveconf", f"{name}={value}"]
        return argv

    def _hiveconf(self) -> dict[str, str]:
        hiveconf = {
            "hive.server2.thrift.bind.host": "127.0.0.1",
            "hive.server2.authentication": self.authentication,
            "hive.server2.logging.operation.log.location": str(self.work_dir / "operation_logs"),
            "hive.exec.scratchdir": str(self.work_dir / "scratch"),
        }
        if self.transport == "http":
            hiveconf["hive.server2.transport.mode"] = "http"
            hiveconf["hive.server2.thrift.http.port"] = str(self.port)
        else:
            hiveconf["hive.server2.thrift.port"] = str(self.port)
        return hiveconf
