"""The method `jwt` with a real issuer (dex): its keys come, change, and can't be had."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority
from support.issuer import Issuer

from auth.kit.token_driver import TokenDriver, accepted, refused

MakeDriver = Callable[..., TokenDriver]
PATIENCE = 90  # seconds, until a test gives up


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """An issuer that no test stops."""
    with Issuer(tmp_path_factory.mktemp("issuer")) as made:
        yield made


@pytest.fixture
def jwt(tmp_path: Path) -> Iterator[MakeDriver]:
    """Makes drivers that trust one issuer."""
    made: list[TokenDriver] = []

    def make(trusted: Issuer, **settings: Any) -> TokenDriver:
        one = {
            "name": "corporate",
            "issuer": trusted.url,
            "audience": ["hivegate"],
            "user_claim": "name",
            **settings,
        }
        folder = tmp_path / f"driver-{len(made)}"
        made.append(TokenDriver(folder, "jwt", {"issuers": [one]}))
        return made[-1]

    yield make
    for driver in made:
        driver.__exit__()


def forge(**parts: Any) -> str:
    """A token that nobody signed."""
    header = {"alg": "RS256", "kid": parts.pop("kid", "nobody's")}
    texts = (json.dumps(part).encode() for part in (header, parts))
    return ".".join(base64.urlsafe_b64encode(text).rstrip(b"=").decode() for text in texts) + ".AA"


def until(condition: Callable[[], Any]) -> Any:
    """What the condition says, as soon as it says something."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, "it didn't happen"
        time.sleep(0.1)
    return value


def test_discovery(issuer: Issuer, jwt: MakeDriver) -> None:
    driver = jwt(issuer, attributes=[{"name": "mail", "claim": "email"}])
    answer = driver.bearer(issuer.token("alice"))
    assert accepted(answer) == "alice"
    assert answer["realm"] == "corporate" and answer["groups"] is None
    assert answer["attributes"] == ["mail", "alice@example.org"]
    assert 3500 < answer["good_until"] - time.time() < 3700
    assert accepted(driver.bearer(issuer.token("bob"))) == "bob"
    assert "keys, fetched" in driver.describe()


def test_keys_by_url(issuer: Issuer, jwt: MakeDriver) -> None:
    driver = jwt(issuer, jwks_url=f"{issuer.url}/keys")
    assert accepted(driver.bearer(issuer.token())) == "alice"


def test_keys_from_a_file(issuer: Issuer, jwt: MakeDriver, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(issuer.get("/keys")))
    driver = jwt(issuer, jwks_file=str(keys))
    assert accepted(driver.bearer(issuer.token())) == "alice"


def test_as_a_password(issuer: Issuer, jwt: MakeDriver) -> None:
    driver = jwt(issuer)
    token = issuer.token()
    for name in ("alice", "ALICE", "anonymous", "token"):
        assert accepted(driver.password(name, token)) == "alice"
    answer = driver.password("bob", token)
    refused(answer, "denied", "the token is alice's")
    assert "somebody else's" in answer["say"]
    refused(driver.password("alice", "wonderland"), "not mine", "isn't a signed JWT")


def test_a_name_out_of_an_address(issuer: Issuer, jwt: MakeDriver) -> None:
    driver = jwt(issuer, user_claim="email", user_pattern=r"(.*)@example\.org")
    assert accepted(driver.bearer(issuer.token())) == "alice"
    other = jwt(issuer, user_claim="email", user_pattern=r"(.*)@example\.com")
    refused(other.bearer(issuer.token()), "denied", "user_pattern")


def test_for_another_client(issuer: Issuer, jwt: MakeDriver) -> None:
    answer = jwt(issuer).bearer(issuer.token(client="other"))
    refused(answer, "denied", '"other", none of ours')
    assert answer["say"] == "The token isn't for this audience"


def test_changed_and_cut(issuer: Issuer, jwt: MakeDriver) -> None:
    driver = jwt(issuer)
    token = issuer.token()
    header, payload, signature = token.split(".")
    other = issuer.token("bob").split(".")
    refused(driver.bearer(f"{header}.{other[1]}.{signature}"), "denied", "signature")
    refused(driver.bearer(f"{header}.{payload}."), "denied", "signature")
    refused(driver.bearer(token[:-10]), "denied", "signature")
    refused(driver.bearer(f"{header}.{payload}"), "not mine", "")
    refused(driver.bearer(issuer.tokens()["refresh_token"]), "not mine", "")


def test_expired(tmp_path: Path, jwt: MakeDriver) -> None:
    with Issuer(tmp_path / "issuer", valid="2s") as issuer:
        driver = jwt(issuer, clock_skew="0")
        token = issuer.token()
        driver.bearer(token)
        answer = until(lambda: (a := driver.bearer(token))["verdict"] == "denied" and a)
        refused(answer, "denied", "it expired")
        assert answer["say"] == "The token has expired"


def test_tls(tmp_path: Path, jwt: MakeDriver) -> None:
    authority = Authority(tmp_path / "authority")
    certificate = authority.issue_server()
    with Issuer(tmp_path / "issuer", tls=certificate, ca_file=authority.ca_file) as issuer:
        token = issuer.token()
        driver = jwt(issuer, ca_file=str(authority.ca_file))
        assert accepted(driver.bearer(token)) == "alice"
        stranger = Authority(tmp_path / "stranger")
        refused(jwt(issuer, ca_file=str(stranger.ca_file)).bearer(token), "unavailable", "SSL")
        refused(jwt(issuer).bearer(token), "unavailable", "SSL")


def test_a_document_of_another_issuer(issuer: Issuer, jwt: MakeDriver) -> None:
    url = issuer.url.replace("127.0.0.1", "localhost")
    answer = jwt(issuer, issuer=url).bearer(forge(iss=url))
    refused(answer, "unavailable", "must be the same to the letter")


def test_no_plain_text_to_another_machine(issuer: Issuer, jwt: MakeDriver) -> None:
    url = "http://login.example.org"
    refused(jwt(issuer, issuer=url).bearer(forge(iss=url)), "unavailable", "plain http")


def test_away_at_the_start(tmp_path: Path, jwt: MakeDriver) -> None:
    issuer = Issuer(tmp_path / "issuer")
    driver = jwt(issuer)
    answer = driver.bearer(forge(iss=issuer.url))
    refused(answer, "unavailable", "never fetched")
    assert "try again" in answer["say"]
    with issuer:
        token = issuer.token()
        until(lambda: driver.bearer(token)["verdict"] == "accepted")


def test_away_later(tmp_path: Path, jwt: MakeDriver) -> None:
    with Issuer(tmp_path / "issuer") as issuer:
        driver = jwt(issuer, keys_refresh="1s", keys_refetch="1s")
        token = issuer.token()
        assert accepted(driver.bearer(token)) == "alice"
        issuer.stop()
        until(lambda: "the last fetch failed" in driver.describe())
        assert accepted(driver.bearer(token)) == "alice"
        # nobody knows whether the issuer has that key by now
        refused(driver.bearer(forge(iss=issuer.url)), "unavailable", "can't be fetched")


def test_away_for_too_long(tmp_path: Path, jwt: MakeDriver) -> None:
    with Issuer(tmp_path / "issuer") as issuer:
        driver = jwt(issuer, keys_refresh="1s", keys_max_age="3s")
        token = issuer.token()
        assert accepted(driver.bearer(token)) == "alice"
        issuer.stop()
        answer = until(lambda: (a := driver.bearer(token))["verdict"] != "accepted" and a)
        refused(answer, "unavailable", "s old")
        issuer.start()
        fresh = issuer.token()
        until(lambda: driver.bearer(fresh)["verdict"] == "accepted")


def test_new_keys(tmp_path: Path, jwt: MakeDriver) -> None:
    with Issuer(tmp_path / "issuer") as issuer:
        driver = jwt(issuer, keys_refresh="1h", keys_refetch="1s")
        old = issuer.token()
        assert accepted(driver.bearer(old)) == "alice"
        issuer.stop()
        issuer.start()
        time.sleep(1.1)  # keys_refetch
        assert accepted(driver.bearer(issuer.token())) == "alice"
        refused(driver.bearer(old), "denied", 'no key of its "kid"')


def test_rotation(tmp_path: Path, jwt: MakeDriver) -> None:
    with Issuer(tmp_path / "issuer", rotate="1s") as issuer:
        driver = jwt(issuer, keys_refresh="1h", keys_refetch="1s")
        old, before = issuer.token(), issuer.key_ids()
        assert accepted(driver.bearer(old)) == "alice"
        until(lambda: issuer.key_ids() - before)  # dex looks twice a minute
        assert accepted(driver.bearer(issuer.token())) == "alice"
        assert accepted(driver.bearer(old)) == "alice"


class Keys:
    """The issuer's keys at another place, which counts its visitors and can make them wait."""

    def __init__(self, content: Any):
        self.visits = 0
        self.open = threading.Event()
        self.open.set()
        keys = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.visits += 1
                body = json.dumps(content).encode()
                keys.open.wait(PATIENCE)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def keys(issuer: Issuer) -> Iterator[Keys]:
    made = Keys(issuer.get("/keys"))
    yield made
    made.open.set()
    made.server.shutdown()
    made.server.server_close()


def test_unknown_keys_fetch_at_most_once_in_a_while(
    issuer: Issuer, jwt: MakeDriver, keys: Keys
) -> None:
    driver = jwt(issuer, jwks_url=keys.url, keys_refetch="1h")
    assert accepted(driver.bearer(issuer.token())) == "alice"
    assert keys.visits == 1
    for number in range(20):
        answer = driver.bearer(forge(iss=issuer.url, kid=f"k{number}"))
        refused(answer, "denied", 'no key of its "kid"')
    assert keys.visits == 1


def test_many_ask_once(issuer: Issuer, jwt: MakeDriver, keys: Keys) -> None:
    driver = jwt(issuer, jwks_url=keys.url, keys_refetch="1s", timeout="1m")
    assert accepted(driver.bearer(issuer.token())) == "alice"
    time.sleep(1.1)  # keys_refetch
    keys.open.clear()
    waiting = [driver.send(secret=forge(iss=issuer.url, kid=f"k{n}"), bearer=True) for n in range(20)]
    until(lambda: keys.visits == 2)
    # who is known needn't wait for them
    assert accepted(driver.bearer(issuer.token())) == "alice"
    keys.open.set()
    for number in waiting:
        refused(driver.receive(number), "denied", 'no key of its "kid"')
    assert keys.visits == 2


def test_nobody_waits_for_ever(issuer: Issuer, jwt: MakeDriver, keys: Keys) -> None:
    keys.open.clear()
    driver = jwt(issuer, jwks_url=keys.url, timeout="500ms")
    refused(driver.bearer(issuer.token()), "unavailable", "never fetched")


def test_settings_of_no_use(issuer: Issuer, jwt: MakeDriver, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="HS256"):
        jwt(issuer, algorithms=["RS256", "HS256"])
    with pytest.raises(ValueError, match="plain http"):
        jwt(issuer, jwks_url="http://login.example.org/keys")
    with pytest.raises(ValueError, match="keys.json"):
        jwt(issuer, jwks_file=str(tmp_path / "keys.json"))
