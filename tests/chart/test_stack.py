"""What the chart describes, as plain processes from the files that it renders: PostgreSQL, a Spark
Thrift Server and hivegate with their ConfigMaps and Secrets at the paths of their pods, the chart's
own probes, the Job for the audit log, and the login of `helm test`. In a sandbox, so that addresses
and paths are those of the pods."""

import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.chart import NAME, content, lay_out, pick, pod_templates, render
from support.hivegate import hivegate_program, hivegatectl_program
from support.paths import CACHE, java_home, spark_home
from support.postgres import programs
from support.sandbox import Sandbox

# One machine has each port once: hivegate's is another one than Spark's.
VALUES = {
    "replicas": 1,
    "listeners": {"binary": {"port": 10500}},
    "spark": {"replicas": 1, "driverMemory": "1g", "discovery": "static"},
    "metastore": {"enabled": False},
}
HOST = f"{NAME}.data.svc.cluster.local"
SPARK = f"{NAME}-spark-0.{NAME}-spark.data.svc.cluster.local"


class Stack:
    """The pods of the chart, as processes in one sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path):
        self.sandbox = sandbox
        objects = render(VALUES)
        self.templates = pod_templates(objects)
        self.secrets = content(pick(objects, "Secret", f"{NAME}-postgresql"))
        for component in ("gateway", "spark", "postgresql", "test", "audit-schema"):
            # the Job's folder is one of hivegate's, with another file in it
            lay_out(objects, self.templates[component], folder, {})
        sandbox.put_tree(folder)
        sandbox.run("ln", "-sfn", str(spark_home()), "/opt/spark")
        for program in (hivegate_program(), hivegatectl_program()):
            sandbox.put(program, f"/usr/bin/{program.name}")
            sandbox.run("chmod", "0755", f"/usr/bin/{program.name}")
        hosts = f"127.0.0.1 localhost {HOST} {SPARK} {NAME}-postgresql {os.uname().nodename}\n"
        sandbox.run("tee", "/etc/hosts", text=hosts)

    def container(self, component: str) -> dict[str, Any]:
        return self.templates[component]["spec"]["containers"][0]

    def argv(self, component: str) -> list[str]:
        """The command of a container with its variables, and those that its image would set."""
        variables = {"JAVA_HOME": str(java_home()), "HOME": "/tmp"}
        variables["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
        fields = {"status.podIP": "127.0.0.1", "metadata.name": f"{NAME}-{component}-0"}
        for one in self.container(component).get("env", []):
            source = one.get("valueFrom", {})
            if "secretKeyRef" in source:
                variables[one["name"]] = self.secrets[source["secretKeyRef"]["key"]].decode()
            elif "fieldRef" in source:
                variables[one["name"]] = fields[source["fieldRef"]["fieldPath"]]
            else:
                variables[one["name"]] = one["value"]
        command = self.container(component).get("command", [])
        for name, value in variables.items():
            command = [part.replace(f"$({name})", value) for part in command]
        return ["env", "-i", "-C", "/tmp", *(f"{k}={v}" for k, v in variables.items()), *command]

    def start(self, component: str, argv: Sequence[str]) -> None:
        line = f"exec {shlex.join(argv)} > /var/log/{component}.log 2>&1 < /dev/null"
        self.wait_probe(component, self.sandbox.spawn("sh", "-c", line))

    def start_postgresql(self) -> None:
        """What the image's entry point does with an empty volume, then the chart's script."""
        given = {one["name"]: one.get("value", "") for one in self.container("postgresql")["env"]}
        self.sandbox.run("install", "-d", "-o", "postgres", "/var/run/postgresql", "/srv/data")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        options = ["-D", "/srv/data", "-U", "postgres", *shlex.split(given["POSTGRES_INITDB_ARGS"])]
        self.sandbox.run(*as_user, str(programs() / "initdb"), *options)
        self.start("postgresql", [*as_user, str(programs() / "postgres"), "-D", "/srv/data"])
        script = ["PGHOST=/var/run/postgresql", "bash", "/docker-entrypoint-initdb.d/databases.sh"]
        self.sandbox.run(*as_user, *self.argv("postgresql"), *script)

    def start_hivegate(self) -> None:
        self._make_hivegate_s_folders()
        self.start("gateway", [*self.rights(), *self.argv("gateway")])

    def rights(self) -> list[str]:
        """What runs a program as hivegate's containers do."""
        context = self.templates["gateway"]["spec"]["securityContext"]
        user, group = context["runAsUser"], context["runAsGroup"]
        rights = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        return [*rights, "--no-new-privs", "--bounding-set=-all"]

    def _make_hivegate_s_folders(self) -> None:
        """As the user and group of the pod, whose group reads the Secrets."""
        context = self.templates["gateway"]["spec"]["securityContext"]
        user, group = context["runAsUser"], context["runAsGroup"]
        self.sandbox.run("chgrp", "-R", str(context["fsGroup"]), "/etc/hivegate")
        self.sandbox.run("chmod", "-R", "u=rwX,g=rX,o=", "/etc/hivegate")
        for folder in ("/run/hivegate", "/var/lib/hivegate"):
            self.sandbox.run("install", "-d", "-o", str(user), "-g", str(group), folder)

    def wait_probe(self, component: str, process: subprocess.Popen[str]) -> None:
        """Runs the startup probe of the chart until it succeeds."""
        argv = self.probe(component, self.container(component)["startupProbe"])
        deadline = time.monotonic() + 900
        while True:
            try:
                self.sandbox.run(*argv)
                return
            except AssertionError as error:
                if process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.2)
                    continue
                log = self.sandbox.run("tail", "-n", "60", f"/var/log/{component}.log")
                raise AssertionError(f"{component} didn't start: {error}\n{log}") from None

    def probe(self, component: str, probe: dict[str, Any]) -> list[str]:
        if "exec" in probe:
            return probe["exec"]["command"]
        ports = {one["name"]: one["containerPort"] for one in self.container(component)["ports"]}
        url = f"http://127.0.0.1:{ports[probe['httpGet']['port']]}{probe['httpGet']['path']}"
        return ["python3", "-c", f"import urllib.request as u; u.urlopen({url!r}, timeout=60)"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Sandbox(shared=[CACHE.resolve(), java_home()]) as sandbox:
        made = Stack(sandbox, tmp_path_factory.mktemp("files"))
        made.start_postgresql()
        sandbox.run(*made.argv("audit-schema"))
        made.start("spark", made.argv("spark"))
        made.start_hivegate()
        yield made


def test_helm_test_logs_in_and_queries(stack: Stack) -> None:
    """The command of the chart's test pod: beeline over TLS, as the first user."""
    ready = stack.probe("gateway", stack.container("gateway")["readinessProbe"])
    stack.sandbox.wait_for("hivegate to be ready", *ready)
    told = stack.sandbox.run(*stack.argv("test"))
    assert "| 42 " in told, told


def test_the_query_is_on_record(stack: Stack) -> None:
    """hivegate ships it to the database with the rights it has there; the owner reads it."""
    sql = "SELECT state FROM hivegate.query WHERE statement = 'SELECT 40 + 2' AND principal = 'admin'"
    line = "host=127.0.0.1 dbname=audit user=audit"
    word = f"PGPASSWORD={stack.secrets['audit-password'].decode()}"
    ask = shlex.join(["psql", "-X", "-At", line, "-c", sql])
    shell = f'test "$({ask})" = finished'
    stack.sandbox.wait_for("the statement's row", "env", word, "sh", "-c", shell)


def test_spark_is_the_one_that_the_chart_sets_up(stack: Stack) -> None:
    """Its settings are those of the ConfigMap, and sessions run as the user."""
    query = "SELECT current_user(), '${spark.driver.port}', '${spark.sql.catalogImplementation}'"
    argv = [part.replace("QUERY=SELECT 40 + 2", f"QUERY={query}") for part in stack.argv("test")]
    stack.sandbox.run("rm", "-f", "/tmp/trust.p12")  # a pod's own folder is empty at each start
    rows = [line.split() for line in stack.sandbox.run(*argv).splitlines() if line.startswith("|")]
    assert rows[1:] == [["|", "admin", "|", "7078", "|", "hive", "|"]]


def test_changed_files_are_read_again(stack: Stack) -> None:
    """By the container beside hivegate's: a new user can log in without anybody's doing."""
    beside = stack.templates["gateway"]["spec"]["containers"][1]
    assert {one["mountPath"] for one in beside["volumeMounts"]} > {"/run/hivegate"}
    process = stack.sandbox.spawn(*stack.rights(), *beside["command"])
    file = "/etc/hivegate/users/users.txt"
    add = ["hivegatectl", "user", "add", "--file", file, "--password-stdin", "bob"]
    check = "grep -q users_reloaded /var/log/gateway.log"
    for _ in range(60):  # it begins by looking: a change before that isn't one
        stack.sandbox.run(*add, text="a password\n")
        try:
            stack.sandbox.wait_for("a reload", "sh", "-c", check, seconds=30)
            break
        except AssertionError:
            assert process.poll() is None
    stack.sandbox.run("sh", "-c", check)
    (pid,) = stack.sandbox.run("pgrep", "-f", "^/bin/sh /etc/hivegate/config/reload").split()
    stack.sandbox.run("kill", "-TERM", pid)
    told = process.communicate(timeout=600)[0]
    assert process.returncode == 0, told


def test_a_server_waits_for_its_sessions(stack: Stack) -> None:
    """The preStop hook ends when nobody is connected to the server any more."""
    connect = "import socket; s = socket.create_connection(('127.0.0.1', 10000)); "
    connect += "print('connected', flush=True); input()"
    client = stack.sandbox.spawn("python3", "-c", connect, stdin=subprocess.PIPE)
    assert client.stdout and client.stdout.readline() == "connected\n"
    hook = stack.container("spark")["lifecycle"]["preStop"]["exec"]["command"]
    traced = [hook[0], "-x", hook[1], "86400"]
    drain = stack.sandbox.spawn(*traced)
    seen: list[str] = []
    while seen.count("+ sleep 3\n") < 2:  # it has looked once, and goes on
        assert drain.stdout
        line = drain.stdout.readline()
        assert line, f"it ended beside a client: {seen}"
        seen.append(line)
    client.communicate("\n")
    drain.communicate(timeout=600)
    assert drain.returncode == 0
    assert stack.sandbox.run(*hook[:2], "0") == "", "and it doesn't wait for ever"
