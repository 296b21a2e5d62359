"""The methods `introspection` and `tokeninfo`, with the introspection of a real issuer (dex) and with
a token server of our own: what it says, what it fails to say, and what it never gets to hear."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.issuer import Issuer
from support.token_server import TokenServer

from auth.kit.token_driver import TokenDriver, accepted, refused

MakeDriver = Callable[..., TokenDriver]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TokenServer]:
    with TokenServer(tmp_path / "server") as made:
        yield made


@pytest.fixture
def secret_file(tmp_path: Path, server: TokenServer) -> Path:
    path = tmp_path / "client.secret"
    path.write_text(server.state["client_secret"] + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def drivers() -> Iterator[list[TokenDriver]]:
    made: list[TokenDriver] = []
    yield made
    for driver in made:
        driver.__exit__()


@pytest.fixture
def introspection(
    server: TokenServer, secret_file: Path, tmp_path: Path, drivers: list[TokenDriver]
) -> MakeDriver:
    def make(**settings: Any) -> TokenDriver:
        merged = {
            "url": f"{server.url}/introspect",
            "client_id": server.state["client_id"],
            "client_secret_file": str(secret_file),
            **settings,
        }
        drivers.append(TokenDriver(tmp_path / f"driver-{len(drivers)}", "introspection", merged))
        return drivers[-1]

    return make


@pytest.fixture
def tokeninfo(server: TokenServer, tmp_path: Path, drivers: list[TokenDriver]) -> MakeDriver:
    def make(**settings: Any) -> TokenDriver:
        merged = {"url": f"{server.url}/tokeninfo", **settings}
        drivers.append(TokenDriver(tmp_path / f"driver-{len(drivers)}", "tokeninfo", merged))
        return drivers[-1]

    return make


# ---- introspection ----


def test_introspection_of_a_real_issuer(
    tmp_path: Path, introspection: MakeDriver
) -> None:
    with Issuer(tmp_path / "issuer") as issuer:
        driver = introspection(
            url=f"{issuer.url}/token/introspect",
            issuer=issuer.url,
            audience=["hivegate"],
            user_claim="ext.name",
        )
        tokens = issuer.tokens()
        answer = driver.bearer(tokens["access_token"])
        assert accepted(answer) == "alice" and answer["realm"] == "introspection"
        assert 3500 < answer["good_until"] - time.time() < 3700
        refused(driver.bearer(tokens["access_token"][:-9]), "denied", "isn't active")
        refused(driver.bearer("nonsense"), "denied", "isn't active")
        refused(driver.bearer(tokens["refresh_token"]), "denied", "refresh token")
        other = issuer.tokens(client="other")["access_token"]
        refused(driver.bearer(other), "denied", '"other", none of ours')


@pytest.mark.parametrize("how", ["basic", "post"])
def test_client_credentials(server: TokenServer, introspection: MakeDriver, how: str) -> None:
    server.set(tokens={"tok+en/=1": {"username": "alice"}})
    driver = introspection(client_auth=how)
    assert accepted(driver.bearer("tok+en/=1")) == "alice"
    (request,) = server.requests()
    assert request["headers"]["Accept"] == "application/json"
    assert ("Authorization" in request["headers"]) == (how == "basic")
    assert ("client_secret" in request["body"]) == (how == "post")


def test_a_new_client_secret(
    server: TokenServer, secret_file: Path, introspection: MakeDriver
) -> None:
    server.set(tokens={"t": {"username": "alice"}})
    driver = introspection()
    assert accepted(driver.bearer("t")) == "alice"
    server.set(client_secret="another")
    refused(driver.bearer("t"), "unavailable", "client_secret_file")
    secret_file.write_text("another\n")
    assert accepted(driver.bearer("t")) == "alice"
    secret_file.write_text("")
    answer = driver.reload()
    assert not answer["ok"] and str(secret_file) in answer["why"]
    assert accepted(driver.bearer("t")) == "alice"


def test_what_is_checked(server: TokenServer, introspection: MakeDriver) -> None:
    now = int(time.time())
    good = {
        "username": "alice",
        "iss": "https://login.example.org",
        "aud": ["hive", "x"],
        "client_id": "console",
        "scope": "sql openid",
        "exp": now + 600,
        "groups": "a, b c",
        "department": "sales",
    }
    wrong = {
        "issuer": ({"iss": "https://login.example.com"}, "of the issuer"),
        "no-issuer": ({"iss": None}, "of the issuer"),
        "audience": ({"aud": "y"}, "audience"),
        "party": ({"client_id": "tool"}, "made out to"),
        "scope": ({"scope": "openid"}, "lacks the scope sql"),
        "expired": ({"exp": now - 600}, "expired"),
        "text": ({"exp": str(now + 600)}, '"exp" is not a time'),
        "early": ({"nbf": now + 600}, "is good only in"),
        "department": ({"department": "it"}, "must have one of"),
        "nobody": ({"username": None}, "is not a text"),
        "strange": ({"username": "a/b"}, "Spark cuts names"),
        "refresh": ({"token_use": "refresh_token"}, "refresh token"),
    }
    server.set(
        tokens={"good": good, **{name: {**good, **bad} for name, (bad, _) in wrong.items()}}
    )
    driver = introspection(
        name="sso",
        issuer=good["iss"],
        audience=["hive"],
        authorized_parties=["console"],
        required_scopes=["sql"],
        required_claims=[{"claim": "department", "values": ["sales", "hr"]}],
        groups_claim="groups",
        attributes=[{"name": "dept", "claim": "department"}],
    )
    answer = driver.bearer("good")
    assert accepted(answer) == "alice" and answer["realm"] == "sso"
    assert answer["groups"] == ["a", "b c"] and answer["attributes"] == ["dept", "sales"]
    assert answer["good_until"] == now + 600 + 30
    for name, (_, why) in wrong.items():
        refused(driver.bearer(name), "denied", why)
    refused(driver.bearer("unknown"), "denied", "isn't active")


BROKEN = {
    "500": "HTTP status 500",
    "503": "HTTP status 503",
    "429": "HTTP status 429",
    "403": "HTTP status 403",
    "404": "HTTP status 404",
    "400": "HTTP status 400",
    "redirect": "HTTP status 302",
    "nonsense": "not JSON",
    "twice": "twice",
    "huge": "more than 65536 bytes",
    "close": "127.0.0.1",
    "hang": "127.0.0.1",
}


@pytest.mark.parametrize("mode", BROKEN)
def test_a_broken_server_refuses_nobody(
    server: TokenServer, introspection: MakeDriver, mode: str
) -> None:
    server.set(tokens={"t": {"username": "alice"}}, mode=mode)
    driver = introspection(timeout="1s")
    answer = driver.bearer("t")
    refused(answer, "unavailable", BROKEN[mode])
    assert "try again" in answer["say"]


def test_a_server_that_is_away_is_left_alone(
    server: TokenServer, introspection: MakeDriver
) -> None:
    server.set(tokens={"t": {"username": "alice"}}, mode="500")
    driver = introspection()
    for _ in range(20):
        refused(driver.bearer("t"), "unavailable", "HTTP status 500")
    assert len(server.requests()) < 10
    server.set(mode="")
    deadline = time.monotonic() + 60
    while driver.bearer("t")["verdict"] != "accepted":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert accepted(driver.bearer("t")) == "alice"


def test_one_finds_out_whether_a_server_is_back(
    server: TokenServer, introspection: MakeDriver
) -> None:
    server.set(tokens={"t": {"username": "alice"}}, mode="500")
    driver = introspection(timeout="1m")
    for _ in range(3):
        refused(driver.bearer("t"), "unavailable", "HTTP status 500")
    server.set(mode="slow")
    time.sleep(2.2)  # the first pause
    answers = [driver.receive(n) for n in [driver.send(secret="t", bearer=True) for _ in range(8)]]
    verdicts = [answer["verdict"] for answer in answers]
    assert verdicts.count("accepted") == 1 and verdicts.count("unavailable") == 7
    assert len(server.requests()) == 4
    assert accepted(driver.bearer("t")) == "alice"


def test_few_requests_at_once_on_connections_that_are_kept(
    server: TokenServer, introspection: MakeDriver
) -> None:
    server.set(tokens={"t": {"username": "alice"}}, mode="slow")
    driver = introspection(requests=2, timeout="1m")
    numbers = [driver.send(secret="t", bearer=True) for _ in range(10)]
    for number in numbers:
        assert accepted(driver.receive(number)) == "alice"
    requests = server.requests()
    assert len(requests) == 10
    assert len({request["port"] for request in requests}) == 2


@pytest.mark.parametrize("method", ["introspection", "tokeninfo"])
def test_no_password_reaches_the_server(
    request: pytest.FixtureRequest, server: TokenServer, method: str
) -> None:
    make = request.getfixturevalue(method)
    tokens = {"tok_1": {"username": "alice", "uid": "alice"}}
    server.set(tokens=tokens)
    driver = make()
    for secret in ("wonderland", "tok_1"):
        refused(driver.password("alice", secret), "not mine", "isn't Bearer")
    assert server.requests() == []
    driver = make(token_pattern=r"tok_\d+")
    refused(driver.password("alice", "wonderland"), "not mine", "token_pattern")
    refused(driver.password("alice", "my tok_1"), "not mine", "token_pattern")
    assert server.requests() == []
    assert accepted(driver.password("alice", "tok_1")) == "alice"
    refused(driver.password("bob", "tok_1"), "denied", "the token is alice's")
    assert "wonderland" not in server.log.read_text()


@pytest.mark.parametrize("method", ["introspection", "tokeninfo"])
def test_what_is_no_token(
    request: pytest.FixtureRequest, server: TokenServer, method: str
) -> None:
    driver = request.getfixturevalue(method)()
    for secret in ("two words", "a\r\nX-Evil: 1", "ü", "x" * 20000):
        refused(driver.bearer(secret), "not mine", "")
    assert server.requests() == []


# ---- tokeninfo ----


@pytest.mark.parametrize("send", ["header", "query"])
def test_tokeninfo(server: TokenServer, tokeninfo: MakeDriver, send: str) -> None:
    claims = {
        "uid": "alice",
        "cn": "Alice L.",
        "realm": "/employees",
        "scope": ["uid", "sql.read"],
        "expires_in": 600,
    }
    server.set(
        tokens={
            "a+b/c=": claims,
            "service": {**claims, "realm": "/services"},
            "few": {**claims, "scope": ["uid"]},
            "over": {**claims, "expires_in": 0},
            "odd": {**claims, "expires_in": "600"},
            "nobody": {**claims, "uid": None},
        }
    )
    driver = tokeninfo(
        send=send,
        required_scopes=["sql.read"],
        required_claims=[{"claim": "realm", "values": ["/employees"]}],
        attributes=[{"name": "full_name", "claim": "cn"}],
    )
    answer = driver.bearer("a+b/c=")
    assert accepted(answer) == "alice" and answer["realm"] == "tokeninfo"
    assert answer["attributes"] == ["full_name", "Alice L."]
    assert 590 < answer["good_until"] - time.time() < 610
    assert ("access_token=" in server.requests()[0]["path"]) == (send == "query")
    refused(driver.bearer("service"), "denied", "realm")
    refused(driver.bearer("few"), "denied", "lacks the scope sql.read")
    refused(driver.bearer("over"), "denied", "expires_in")
    refused(driver.bearer("odd"), "denied", "expires_in")
    refused(driver.bearer("nobody"), "denied", "uid")
    answer = driver.bearer("unknown")
    refused(answer, "denied", "HTTP status 400")
    assert answer["say"] == "The token isn't good, or not any more"


@pytest.mark.parametrize("mode", ["401", "400"])
def test_tokeninfo_refuses(server: TokenServer, tokeninfo: MakeDriver, mode: str) -> None:
    server.set(mode=mode)
    refused(tokeninfo().bearer("t"), "denied", f"HTTP status {mode}")


@pytest.mark.parametrize("mode", ["500", "503", "404", "403", "nonsense", "close", "hang"])
def test_tokeninfo_is_broken(server: TokenServer, tokeninfo: MakeDriver, mode: str) -> None:
    server.set(tokens={"t": {"uid": "alice"}}, mode=mode)
    refused(tokeninfo(timeout="1s").bearer("t"), "unavailable", BROKEN[mode])


def test_nobody_listens(server: TokenServer, tokeninfo: MakeDriver) -> None:
    server.set(tokens={"t": {"uid": "alice"}})
    driver = tokeninfo()
    server.stop()
    refused(driver.bearer("t"), "unavailable", "127.0.0.1")
    server.start()
    assert accepted(driver.bearer("t")) == "alice"


def test_settings_of_no_use(tokeninfo: MakeDriver) -> None:
    with pytest.raises(ValueError, match="plain text"):
        tokeninfo(url="http://tokens.example.org/tokeninfo")
    with pytest.raises(ValueError, match="token_pattern"):
        tokeninfo(token_pattern="(")
    with pytest.raises(ValueError, match="user_pattern"):
        tokeninfo(user_pattern="(")
