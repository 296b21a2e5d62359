"""The cookie that an HTTP client gets with its session and sends instead of name and password: as
Hive's JDBC drivers use it, seen by a tap between them and hivegate; and what becomes of cookies that
are no good."""

from __future__ import annotations

import http.client
import os
import re
import signal
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.hivegate import add_user
from TCLIService import ttypes

from e2e.harness.certificates import Papers, jdbc_settings
from e2e.harness.fleet import Gateway, Spark, write_users
from e2e.harness.http import PATH, authorization
from e2e.harness.jdbc import JdbcDrivers
from e2e.harness.tap import HttpTap
from e2e.harness.wire import Target, request_bytes

DRIVERS = ("1.2.2", "2.3.9", "3.1.3", "4.1.0")
NAME = "hive.server2.auth"
HTTP = {"name": "http", "bind": "127.0.0.1:0", "transport": "http"}
QUERIES = [["query", f"SELECT current_user(), {number}"] for number in range(3)]

MakeGateway = Callable[..., Gateway]


@pytest.fixture
def http_gateway(make_gateway: MakeGateway, sparks: dict[str, Spark]) -> Callable[..., Gateway]:
    """A gateway with these settings of its cookies."""

    def make(listener: dict = HTTP, **cookie: str) -> Gateway:
        authentication = {"chain": ["users"], "users": {}, "cookie": cookie}
        settings = {"authentication": authentication}
        return make_gateway([sparks["3.5"].address], listeners=[listener], settings=settings)

    return make


def key_file(path: Path, text: str) -> str:
    path.write_text(text * 32)
    return str(path)


# ---- Hive's JDBC drivers ----


def run(drivers: JdbcDrivers, driver: str, tap: HttpTap, settings: str = "") -> list[dict]:
    """Connects through the tap and makes three queries; each must be alice's."""
    url = f"/default;transportMode=http;httpPath={PATH}{settings}"
    target = Target("localhost", tap.port)
    opened, *rest = drivers.run(driver, target, [["connect", url], *QUERIES, ["close"]])
    assert "result" in opened, opened
    for number, answer in enumerate(rest[:-1]):
        assert answer["result"]["rows"] == [[["String", "alice"], ["Integer", str(number)]]], answer
    return rest


def edited(pattern: str, replacement: str) -> Callable[[bytes], bytes]:
    return lambda response: re.sub(pattern.encode(), replacement.encode(), response, count=1)


def outlasted(response: bytes) -> bytes:
    """The client takes the cookie for one that lasts a day, and gets it when it is over."""
    if b"Max-Age=1;" in response:
        time.sleep(2)
    return response.replace(b"Max-Age=1;", b"Max-Age=86400;")


@pytest.mark.parametrize("driver", DRIVERS)
def test_name_and_password_go_once(
    http_gateway: MakeGateway, drivers: JdbcDrivers, driver: str
) -> None:
    gateway = http_gateway()
    with HttpTap(gateway.target(listener="http")) as tap:
        run(drivers, driver, tap)
        first, *others = [request.login for request in tap.requests]
        assert first == "credentials" and len(others) > 6
        assert set(others) == {"cookie"}, others
        given = [request.set_cookie for request in tap.requests if request.set_cookie]
    assert len(given) == 1 and given[0].startswith(f"{NAME}=")
    assert "Secure" not in given[0] and "HttpOnly" in given[0]


@pytest.mark.parametrize("driver", DRIVERS)
def test_over_tls_the_cookie_is_secure(
    http_gateway: MakeGateway, drivers: JdbcDrivers, papers: Papers, driver: str
) -> None:
    gateway = http_gateway(HTTP | {"tls": {"certificates": [papers.server.pair]}})
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(papers.server.certificate, papers.server.key)
    target = gateway.target(listener="http", tls=papers.authority.context())
    with HttpTap(target, context) as tap:
        run(drivers, driver, tap, f";{jdbc_settings(papers.authority)}")
        logins = [request.login for request in tap.requests]
        given = [request.set_cookie for request in tap.requests if request.set_cookie]
    assert logins[0] == "credentials" and set(logins[1:]) == {"cookie"}, logins
    assert len(given) == 1 and "Secure" in given[0].split("; ")


@pytest.mark.parametrize("driver", DRIVERS)
def test_without_cookies_the_password_goes_each_time(
    http_gateway: MakeGateway, drivers: JdbcDrivers, driver: str
) -> None:
    """By the client's wish, and by the gateway's."""
    with HttpTap(http_gateway().target(listener="http")) as tap:
        run(drivers, driver, tap, ";cookieAuth=false")
        assert all("credentials" in request.login for request in tap.requests)
    with HttpTap(http_gateway(max_age="0s").target(listener="http")) as tap:
        run(drivers, driver, tap)
        assert {request.login for request in tap.requests} == {"credentials"}
        assert not any(request.set_cookie for request in tap.requests)


BAD = {
    "tampered": ({}, edited(r"(hive\.server2\.auth=v=1&cu=)[^&]*", r"\1Ym9i")),
    "cut": ({}, edited(r"(hive\.server2\.auth=[^;]{20})[^;]*", r"\1")),
    "garbage": ({}, edited(r"hive\.server2\.auth=[^;]*", "hive.server2.auth=x")),
    "expired": ({"max_age": "1s"}, outlasted),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("bad", BAD)
def test_a_cookie_that_is_no_good(
    http_gateway: MakeGateway, drivers: JdbcDrivers, bad: str, driver: str
) -> None:
    """401, never 500; the driver logs in anew, and its user sees nothing of it."""
    cookie, edit = BAD[bad]
    with HttpTap(http_gateway(**cookie).target(listener="http"), edit=edit) as tap:
        run(drivers, driver, tap)
        seen = [(request.login, request.status) for request in tap.requests]
    refused = [login for login, status in seen if status == 401]
    assert refused and set(refused) == {"cookie"}, seen
    assert {status for _, status in seen} == {200, 401}, seen
    served = [login for login, status in seen if status == 200]
    assert all("credentials" in login for login in served), seen


# ---- any client ----


@dataclass
class Visitor:
    """Requests over a connection each, with nothing but what is given."""

    target: Target

    def ask(self, **fields: str) -> http.client.HTTPResponse:
        host, port = self.target.host, self.target.port
        if self.target.tls:
            made = http.client.HTTPSConnection(host, port, context=self.target.tls)
        else:
            made = http.client.HTTPConnection(host, port)
        with closing(made) as connection:
            body = request_bytes("OpenSession", ttypes.TOpenSessionReq(9), 1)
            headers = {name.capitalize(): value for name, value in fields.items()}
            connection.request("POST", f"/{PATH}", body, headers)
            response = connection.getresponse()
            response.read()
            return response

    def log_in(self) -> str:
        response = self.ask(authorization=authorization(self.target))
        assert response.status == 200
        return (response.getheader("Set-Cookie") or "").partition(";")[0]


def test_who_accepts_whose_cookies(http_gateway: MakeGateway, tmp_path: Path) -> None:
    """Those with the same key file each other's; others nobody's, nor does one that was restarted
    without a key file take its own."""
    key, other = key_file(tmp_path / "key", "k"), key_file(tmp_path / "other", "o")
    gateways = {
        "one": http_gateway(key_file=key),
        "two": http_gateway(key_file=key),
        "other": http_gateway(key_file=other),
        "none": http_gateway(),
        "nor this": http_gateway(),
    }
    visitors = {n: Visitor(g.target(listener="http")) for n, g in gateways.items()}
    cookies = {name: visitor.log_in() for name, visitor in visitors.items()}
    assert all(cookie.startswith(f"{NAME}=") for cookie in cookies.values())
    family = {"one", "two"}
    for of, cookie in cookies.items():
        for at, visitor in visitors.items():
            status = visitor.ask(cookie=cookie).status
            assert status == (200 if of == at or {of, at} == family else 401), (of, at)


def test_a_cookie_expires(http_gateway: MakeGateway) -> None:
    visitor = Visitor(http_gateway(max_age="2s").target(listener="http"))
    cookie = visitor.log_in()
    while visitor.ask(cookie=cookie).status == 200:
        time.sleep(0.1)
    assert visitor.ask(cookie=cookie).status == 401
    assert visitor.ask(cookie=cookie, authorization=authorization(visitor.target)).status == 200


def test_a_cookie_ends_with_its_password(make_gateway: MakeGateway, tmp_path: Path, sparks) -> None:
    users = tmp_path / "users.txt"
    write_users(users)
    gateway = make_gateway([sparks["3.5"].address], users=users, listeners=[HTTP])
    alice = Visitor(gateway.target(listener="http"))
    bob = Visitor(alice.target.as_user("bob"))
    alices, bobs = alice.log_in(), bob.log_in()
    assert alice.ask(cookie=alices).status == bob.ask(cookie=bobs).status == 200
    add_user(users, "alice", "another")
    os.kill(gateway.pid, signal.SIGHUP)
    while alice.ask(cookie=alices).status == 200:
        time.sleep(0.05)
    assert alice.ask(cookie=alices).status == 401
    assert bob.ask(cookie=bobs).status == 200
    again = Visitor(replace(alice.target, password="another")).log_in()
    assert alice.ask(cookie=again).status == 200


def test_among_other_cookies(http_gateway: MakeGateway) -> None:
    """As a proxy in between adds them. Of several of hivegate's name one that is good is enough."""
    visitor = Visitor(http_gateway().target(listener="http"))
    cookie = visitor.log_in()
    assert visitor.ask(cookie=f'lb=7; {cookie}; quoted="a b"').status == 200
    for bad in (f"x{cookie}", f"{NAME}=", f"{NAME}", "lb=7", f"{cookie[:-1]}", f"{cookie}0", ";;="):
        response = visitor.ask(cookie=bad)
        assert response.status == 401, bad
        assert response.getheader("WWW-Authenticate", "").startswith("Basic ")
