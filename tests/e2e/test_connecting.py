"""docs/connecting.md, run as it stands: every URL, command, program and configuration in it, with
real clients. What says `run=` behind a block's language tells what is to be done with it."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from impala import dbapi
from impala.error import HttpError
from pyhive import hive
from support import beeline
from support.certificates import Authority
from support.net import free_port
from support.paths import ROOT, java_home
from thrift.transport.TTransport import TTransportException

from e2e.harness.certificates import pyhive_transport
from e2e.harness.fleet import Gateway, Spark, password_of
from e2e.harness.jdbc import DATABRICKS_URLS, NOWHERE, VERSIONS, JdbcDrivers
from e2e.harness.wire import Target

PAGE = (ROOT / "docs" / "connecting.md").read_text()


@dataclass(frozen=True)
class Block:
    language: str
    run: str
    text: str
    place: str  # the heading it stands under, and its number there

    def __str__(self) -> str:
        return self.place


def read_blocks(page: str) -> list[Block]:
    found: list[Block] = []
    heading, number = "", 0
    pattern = r"^## ([^\n]*)$|^```(\w+)(?: run=([\w-]+))?\n(.*?)^```$"
    for match in re.finditer(pattern, page, re.MULTILINE | re.DOTALL):
        if match[1]:
            heading, number = match[1], 0
            continue
        number += 1
        found.append(Block(match[2], match[3] or "", match[4], f"{heading}, block {number}"))
    return found


BLOCKS = read_blocks(PAGE)
KINDS = {
    *("hivegate", "stores", "shell", "verify", "python", "dbt"),
    *("jdbc", "jvm", "jdbc-two-way", "databricks-jdbc"),
}
PORTS = tuple(str(port) for port in range(10000, 10007))


def blocks(*kinds: str) -> pytest.MarkDecorator:
    chosen = [block for block in BLOCKS if block.run in kinds]
    return pytest.mark.parametrize("block", chosen, ids=str)


def test_every_block_is_run() -> None:
    """None is left out, and the reader of blocks hasn't lost one."""
    assert len(BLOCKS) == PAGE.count("```") / 2
    assert {block.run for block in BLOCKS} == KINDS, [b.place for b in BLOCKS if not b.run]
    assert len([block for block in BLOCKS if block.run == "python"]) >= 16
    for listener in PORTS:  # each is somebody's
        assert any(listener in block.text for block in BLOCKS if block.run != "hivegate")


@dataclass
class World:
    """The page's gateway, and what its names stand for here."""

    gateway: Gateway
    home: Path  # /home/alice, and /etc/hivegate too
    ports: dict[str, int]
    stranger: Authority

    def real(self, text: str) -> str:
        """The text with this machine's hosts, ports, paths and passwords."""
        return real(text, self.home, self.ports)

    def target(self, port: str, context: ssl.SSLContext) -> Target:
        return Target("localhost", self.ports[port], "alice", password_of("alice"), tls=context)


def real(text: str, home: Path, ports: dict[str, int]) -> str:
    for written, meant in {
        "/home/alice/": f"{home}/",
        "/etc/hivegate/": f"{home}/",
        "0.0.0.0": "127.0.0.1",
        "gateway.example.org": "localhost",
        "her-password": password_of("alice"),
    }.items():
        text = text.replace(written, meant)
    return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda match: str(ports[match[0]]), text)


def tool_path() -> dict[str, str]:
    """The environment of a user who has Java, beeline and openssl."""
    folders = [java_home() / "bin", beeline.beeline_program().parent]
    path = ":".join([*map(str, folders), os.environ["PATH"]])
    return beeline.environment() | {"PATH": path}


def shell(text: str, cwd: Path) -> str:
    done = subprocess.run(
        ["bash", "-e", "-c", text],
        cwd=cwd,
        env=tool_path(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def world(
    sparks: dict[str, Spark], users_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    home = tmp_path_factory.mktemp("connecting")
    authority = Authority(home)
    authority.issue("server", "localhost", ["DNS:localhost"])
    authority.issue("alice", "alice")
    shutil.copy(users_file, home / "users.txt")
    ports = {name: free_port() for name in PORTS}
    for block in BLOCKS:
        if block.run == "stores":
            shell(real(block.text, home, ports), home)
    (text,) = (block.text for block in BLOCKS if block.run == "hivegate")
    text = text.replace("spark-1.example.org:10000", sparks["3.5"].address)
    directory = tmp_path_factory.mktemp("connecting-gateway")
    # over HTTP what the page's programs leave open stays, and its end would be waited for
    text = f"shutdown_timeout: 1s\n{real(text, home, ports)}"
    gateway = Gateway(text, directory=directory)
    gateway.start()
    yield World(gateway, home, ports, Authority(home / "stranger"))
    gateway.stop()


@blocks("shell")
def test_shell(world: World, block: Block) -> None:
    lines = shell(world.real(block.text), world.home).splitlines()
    assert [line for line in lines if re.match(r"\|\s*alice\s*\|", line)], lines


@blocks("verify")
def test_verify(world: World, block: Block) -> None:
    assert "Verify return code: 0 (ok)" in shell(world.real(block.text), world.home)
    mistaken = block.text.replace("/home/alice/ca.pem", "/home/alice/stranger/ca.pem")
    with pytest.raises(AssertionError, match="(?i)verif"):
        shell(world.real(mistaken), world.home)


def jdbc(drivers: JdbcDrivers, driver: str, url: str, jvm: list[str]) -> None:
    match = re.fullmatch(r"jdbc:hive2://([^:/]+):(\d+)(/.*)", url.strip())
    assert match, url
    nobody = Target(match[1], int(match[2]), "", "")  # the URL has all of it
    calls = [["connect", match[3]], ["query", "SELECT current_user()"]]
    opened, who = drivers.run(driver, nobody, calls, jvm)
    assert "result" in opened, opened
    assert who["result"]["rows"] == [[["String", "alice"]]]


@pytest.mark.parametrize("driver", VERSIONS)
@blocks("jdbc")
def test_jdbc(world: World, drivers: JdbcDrivers, block: Block, driver: str) -> None:
    jdbc(drivers, driver, world.real(block.text), [])


@pytest.mark.parametrize("driver", VERSIONS)
@blocks("jdbc-two-way")
def test_jdbc_two_way(world: World, drivers: JdbcDrivers, block: Block, driver: str) -> None:
    (options,) = (other.text for other in BLOCKS if other.run == "jvm")
    jdbc(drivers, driver, world.real(block.text), world.real(options).split())


@blocks("databricks-jdbc")
def test_databricks_jdbc(world: World, drivers: JdbcDrivers, block: Block) -> None:
    calls = [["connect", world.real(block.text).strip()], ["query", "SELECT current_user()"]]
    opened, who = drivers.run(DATABRICKS_URLS, NOWHERE, calls)
    assert "result" in opened, opened
    assert who["result"]["rows"] == [[["String", "alice"]]]


@blocks("python")
def test_python(world: World, block: Block) -> None:
    done = subprocess.run(
        [sys.executable, "-c", world.real(block.text)],
        cwd=world.home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "[('alice',)]"


@blocks("dbt")
def test_dbt(world: World, block: Block) -> None:
    """The connection as dbt-spark 1.9 makes it of such a profile: PyHive, with TLS over a socket that
    checks nothing."""
    profile = dict(re.findall(r"^ {6}(\w+): (\S+)$", world.real(block.text), re.MULTILINE))
    assert profile.pop("type") == "spark" and profile.pop("method") == "thrift"
    port = int(profile["port"])
    if profile.get("use_ssl") == "true":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        target = Target(profile["host"], port, profile["user"], profile["password"], tls=context)
        made = hive.connect(thrift_transport=pyhive_transport(target))
    else:
        made = hive.connect(
            profile["host"],
            port,
            username=profile["user"],
            auth=profile["auth"],
            password=profile["password"],
        )
    with closing(made) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT current_user()")
        assert cursor.fetchall() == [("alice",)]


def test_what_clients_say(world: World, drivers: JdbcDrivers) -> None:
    """The page's last table: each text is what a client really shows."""
    trusting = world.real(";ssl=true;sslTrustStore=/home/alice/trust.p12;trustStorePassword=changeit")
    mistaken = trusting.replace("/trust.p12", "/stranger/ca-trust.p12")
    world.stranger.trust_store()
    http = ";transportMode=http;httpPath=cliservice"
    nobody = Target("localhost", 0, "", "")
    hints = [
        ("localhost", "10001", "", "This hivegate listener needs TLS: connect with ssl=true."),
        ("localhost", "10001", mistaken, "PKIX path validation failed"),
        ("localhost", "10001", ";ssl=true", "PKIX path building failed"),
        ("127.0.0.1", "10001", trusting, "No subject alternative"),
        ("localhost", "10000", trusting, "Unsupported or unrecognized SSL message"),
        ("localhost", "10001", trusting + ";user=alice;password=x", "Error validating the login"),
        (
            "localhost",
            "10003",
            "",
            "This hivegate listener speaks HTTP: connect with transportMode=http.",
        ),
        ("localhost", "10006", "", "This hivegate listener has no SASL: connect with auth=noSasl."),
        ("localhost", "10003", f"{http};user=alice;password=x", "HTTP Response code: 401"),
        ("localhost", "10003", ";transportMode=http;httpPath=other", "HTTP Response code: 404"),
        ("localhost", "10000", http, "HTTP Response code: 400"),
        ("localhost", "10004", http, "HTTP Response code: 400"),
    ]
    for host, port, settings, said in hints:
        assert said.split("…")[0] in PAGE, said
        target = Target(host, world.ports[port], nobody.user, nobody.password)
        driver = "2.3.9" if host == "127.0.0.1" else "4.1.0"  # which checks no names
        (refused,) = drivers.run(driver, target, [["connect", f"/default{settings}"]])
        assert said in str(refused["error"]), refused
    known = ssl.create_default_context(cafile=str(world.home / "ca.pem"))
    other_name = Target("127.0.0.1", world.ports["10001"], "alice", "x", tls=known)
    for target in (
        world.target("10001", world.stranger.context()),
        world.target("10000", known),
        other_name,
    ):
        with pytest.raises(AttributeError, match="has no attribute 'settimeout'") as hidden:
            hive.connect(thrift_transport=pyhive_transport(target))
        assert "Could not connect to any of" in str(hidden.value.__context__)
    for said in ("has no attribute 'settimeout'", "Could not connect to any of"):
        assert said in PAGE
    what_python_says_of_http(world)


def what_python_says_of_http(world: World) -> None:
    port = world.ports["10003"]
    with pytest.raises(TTransportException, match="Length exceeded max allowed"):
        hive.connect("localhost", port, "http", username="alice", password="x", auth="BASIC")
    assert "Length exceeded max allowed" in PAGE
    for password, path, said in (
        ("x", "cliservice", "HTTP code 401"),
        (password_of("alice"), "other", "HTTP code 404"),
    ):
        assert said in PAGE
        with pytest.raises(HttpError, match=said):
            dbapi.connect(
                "localhost",
                port,
                user="alice",
                password=password,
                auth_mechanism="PLAIN",
                use_http_transport=True,
                http_path=path,
            ).cursor()
