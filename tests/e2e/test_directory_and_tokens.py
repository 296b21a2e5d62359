"""Logins against OpenLDAP and by a real issuer's tokens, with real drivers, in front of Spark; one
chain of all methods on a binary and an HTTP listener."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from impala import dbapi
from pyhive import hive
from support import beeline
from support.issuer import Issuer
from support.slapd import BASE, SERVICE_DN, SERVICE_PASSWORD, Slapd

from e2e.harness.fleet import Gateway, Spark
from e2e.harness.http import PATH, listeners
from e2e.harness.jdbc import DATABRICKS_HTTP, JdbcDrivers
from e2e.harness.wire import Connection, Failed, LoginRefused, Target

PEOPLE = f"ou=people,{BASE}"
USERS = {"dora": "explorer", "erin": "brockovich"}  # of the directory
TREE = f"""
dn: {PEOPLE}
objectClass: organizationalUnit
ou: people
""" + "".join(
    f"""
dn: uid={uid},{PEOPLE}
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: x
userPassword: {password}
"""
    for uid, password in USERS.items()
)
TREE += f"""
dn: cn=analysts,{BASE}
objectClass: groupOfNames
cn: analysts
member: uid=dora,{PEOPLE}
"""
WHO = ["query", "SELECT current_user()"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with Slapd(tmp_path_factory.mktemp("slapd") / "data", TREE) as made:
        yield made


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")) as made:
        yield made


def jwt(issuer: Issuer, **more: Any) -> dict[str, Any]:
    one = {"name": "corporate", "issuer": issuer.url, "audience": ["hivegate"]}
    return {"issuers": [one | {"user_claim": "name"} | more]}


@pytest.fixture
def make_chained(
    make_gateway: Callable[..., Gateway], sparks: dict[str, Spark], directory: Slapd, tmp_path: Path
) -> Callable[..., Gateway]:
    def make(issuer: Issuer, settings: dict[str, Any] | None = None, **more: Any) -> Gateway:
        password_file = tmp_path / "service.password"
        password_file.write_text(SERVICE_PASSWORD + "\n")
        password_file.chmod(0o600)
        authentication = {
            "chain": ["jwt", "ldap", "users"],
            "jwt": jwt(issuer, **more),
            "ldap": {
                "urls": [directory.url],
                "bind_dn": SERVICE_DN,
                "password_file": str(password_file),
                "base": [PEOPLE],
                "groups": {"from": "search", "base": [BASE]},
            },
            "users": {},
        }
        return make_gateway(
            [sparks["3.5"].address],
            listeners=listeners(),
            settings={"authentication": authentication} | (settings or {}),
        )

    return make


@pytest.fixture
def gateway(make_chained: Callable[..., Gateway], issuer: Issuer) -> Gateway:
    return make_chained(issuer)


def who_is(target: Target) -> str:
    with Connection(target) as connection:
        session = connection.open()
        name = session.value("SELECT current_user()")
        session.close()
        return name


# ---- every method of one chain ----


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("typed", "password", "user"),
    [
        ("dora", "explorer", "dora"),
        ("DORA", "explorer", "dora"),
        ("alice", "alice-secret", "alice"),
        ("dora", "wrong", None),
        ("alice", "wrong", None),
        ("nobody", "explorer", None),
        ("dora", "alice-secret", None),
        ("*", "explorer", None),
        ("dora)(uid=*", "explorer", None),
    ],
)
def test_passwords(gateway: Gateway, typed: str, password: str, user: str | None) -> None:
    target = gateway.target().as_user(typed, password)
    if user is not None:
        assert who_is(target) == user
        return
    with pytest.raises(LoginRefused):
        who_is(target)


@pytest.mark.smoke
@pytest.mark.parametrize("name", ["alice", "token", "anonymous", "bearer"])
def test_a_token_as_the_password(gateway: Gateway, issuer: Issuer, name: str) -> None:
    assert who_is(gateway.target().as_user(name, issuer.token("alice"))) == "alice"


def test_tokens_that_are_no_good(gateway: Gateway, issuer: Issuer) -> None:
    token = issuer.token("alice")
    other = token[:-5] + ("AAAAA" if token[-5:] != "AAAAA" else "BBBBB")
    for name, secret in (
        ("bob", token),
        ("dora", token),
        ("alice", other),
        ("alice", issuer.token("alice", "other")),
        ("alice", token + "A"),
    ):
        with pytest.raises(LoginRefused):
            who_is(gateway.target().as_user(name, secret))


def test_two_realms(gateway: Gateway, issuer: Issuer) -> None:
    """alice of the users file isn't alice of the issuer: neither can use the other's session."""
    with (
        Connection(gateway.target()) as file,
        Connection(gateway.target().as_user("alice", issuer.token("alice"))) as token,
    ):
        mine, theirs = file.open(), token.open()
        for session, connection in ((mine, token), (theirs, file)):
            with pytest.raises(Failed):
                session.on(connection).value("SELECT 1")
        assert mine.value("SELECT 1") == theirs.value("SELECT 1") == 1


# ---- real clients ----


@pytest.mark.parametrize("driver", ["2.3.9", "3.1.3", "4.1.0"])
def test_hive_jdbc(gateway: Gateway, issuer: Issuer, drivers: JdbcDrivers, driver: str) -> None:
    """A directory's password over binary and HTTP, and a token as the password over both."""
    token = issuer.token("bob")
    http = f"/default;transportMode=http;httpPath={PATH}"
    for user, password, name in (("dora", "explorer", "dora"), ("bob", token, "bob")):
        for listener, url in (("thrift", "/default"), ("http", http)):
            target = gateway.target(listener=listener).as_user(user, password)
            opened, answer, _ = drivers.run(driver, target, [["connect", url], WHO, ["close"]])
            assert "result" in opened, opened
            assert answer["result"]["rows"] == [[["String", name]]], answer


def test_hive_jdbc_with_auth_jwt(gateway: Gateway, issuer: Issuer, drivers: JdbcDrivers) -> None:
    """`auth=jwt`, which only the newest driver knows, and only over HTTP: Authorization: Bearer."""
    target = gateway.target(listener="http").as_user("", "")
    for token, good in ((issuer.token("alice"), True), (issuer.token("alice", "other"), False)):
        url = f"/default;transportMode=http;httpPath={PATH};auth=jwt;jwt={token}"
        opened, *rest = drivers.run("4.1.0", target, [["connect", url], WHO, ["close"]])
        assert ("result" in opened) == good, opened
        if good:
            assert rest[0]["result"]["rows"] == [[["String", "alice"]]], rest


def test_databricks_jdbc(gateway: Gateway, issuer: Issuer, drivers: JdbcDrivers) -> None:
    """Which says `token` where others have a user."""
    target = gateway.target(listener="http").as_user("token", issuer.token("alice"))
    script = [["connect", "/default"], WHO, ["close"]]
    opened, answer, _ = drivers.run(DATABRICKS_HTTP, target, script)
    assert "result" in opened, opened
    assert answer["result"]["rows"] == [[["String", "alice"]]], answer


def test_beeline(gateway: Gateway, issuer: Issuer) -> None:
    url = f"jdbc:hive2://127.0.0.1:{gateway.target().port}/default"
    for user, password, name in (
        ("erin", USERS["erin"], "erin"),
        ("alice", issuer.token("alice"), "alice"),
    ):
        out = beeline.run(url, user, password, statements=["SELECT concat('<', current_user(), '>')"])
        assert f"<{name}>" in out


def test_python_clients(gateway: Gateway, issuer: Issuer) -> None:
    for user, password, name in (
        ("dora", "explorer", "dora"),
        ("alice", issuer.token("alice"), "alice"),
    ):
        target = gateway.target()
        with (
            closing(
                hive.connect(
                    target.host, target.port, username=user, password=password, auth="CUSTOM"
                )
            ) as connection,
            closing(connection.cursor()) as cursor,
        ):
            cursor.execute("SELECT current_user()")
            assert cursor.fetchall() == [(name,)]
        with (
            closing(
                dbapi.connect(
                    target.host, target.port, user=user, password=password, auth_mechanism="PLAIN"
                )
            ) as connection,
            closing(connection.cursor()) as cursor,
        ):
            cursor.execute("SELECT current_user()")
            assert cursor.fetchall() == [(name,)]


def test_impyla_with_jwt(gateway: Gateway, issuer: Issuer) -> None:
    target = gateway.target(listener="http")
    with (
        closing(
            dbapi.connect(
                target.host,
                target.port,
                auth_mechanism="JWT",
                jwt=issuer.token("alice"),
                use_http_transport=True,
                http_path=PATH,
            )
        ) as connection,
        closing(connection.cursor()) as cursor,
    ):
        cursor.execute("SELECT current_user()")
        assert cursor.fetchall() == [("alice",)]


# ---- what follows from it ----


def test_acting_as_a_member_of_a_directory_group(
    make_chained: Callable[..., Gateway], issuer: Issuer
) -> None:
    rules = [{"principal": "bob", "realm": "users", "may_act_as": {"groups": ["analysts"]}}]
    gateway = make_chained(issuer, {"impersonation": rules})
    with Connection(gateway.target("bob")) as connection:
        for typed in ("dora", "DORA"):  # the directory's own way to write it counts
            session = connection.open({"hive.server2.proxy.user": typed})
            assert session.value("SELECT current_user()") == "dora"
            session.close()
        for other in ("erin", "alice", "nobody"):
            with pytest.raises(Failed, match="no impersonation rule allows it"):
                connection.open({"hive.server2.proxy.user": other})
    with (
        Connection(gateway.target().as_user("bob", issuer.token("bob"))) as connection,
        pytest.raises(Failed, match="no impersonation rule allows it"),
    ):
        connection.open({"hive.server2.proxy.user": "dora"})


@pytest.mark.smoke
def test_a_token_that_expires(
    make_chained: Callable[..., Gateway], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No new statement and no new session; what runs goes on to its end."""
    with Issuer(tmp_path_factory.mktemp("short"), valid="12s") as short:
        gateway = make_chained(short, clock_skew=0)
        begin = time.monotonic()
        token = short.token("alice")
        with Connection(gateway.target().as_user("alice", token)) as connection:
            session = connection.open()
            running = session.execute("SELECT id FROM range(0, 3000)", run_async=True)
            running.wait()
            while time.monotonic() - begin < 13:
                time.sleep(0.2)
            assert len(running.rows()) == 3000
            running.close()
            with pytest.raises(Failed, match="has expired; connect again"):
                session.value("SELECT 1")
            with pytest.raises(Failed, match="has expired; connect again"):
                connection.open()
            session.close()
        with pytest.raises(LoginRefused, match="expired"):
            who_is(gateway.target().as_user("alice", token))


@pytest.mark.smoke
def test_a_directory_that_is_away(gateway: Gateway, directory: Slapd, issuer: Issuer) -> None:
    """Who was known stays known, tokens go on, and others are told to try again."""
    assert who_is(gateway.target().as_user("dora", "explorer")) == "dora"
    directory.stop()
    try:
        assert who_is(gateway.target().as_user("dora", "explorer")) == "dora"
        assert who_is(gateway.target().as_user("alice", issuer.token("alice"))) == "alice"
        with pytest.raises(LoginRefused, match="can't be asked at the moment"):
            who_is(gateway.target().as_user("erin", USERS["erin"]))
    finally:
        directory.start()
    deadline = time.monotonic() + 60
    while True:  # the server is left alone for a while
        try:
            assert who_is(gateway.target().as_user("erin", USERS["erin"])) == "erin"
            return
        except LoginRefused:
            assert time.monotonic() < deadline
            time.sleep(0.5)
