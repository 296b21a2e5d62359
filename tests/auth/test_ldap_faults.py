"""Directories that are away, slow, sick or wrong; passwords that change; locked accounts."""

import time
from pathlib import Path

import pytest
from support.net import free_port
from support.relay import Relay
from support.slapd import BASE, SERVICE_DN, SERVICE_PASSWORD, Slapd

from auth.conftest import MakeDriver
from auth.kit.driver import Driver, open_files
from auth.kit.scripted import (
    BIND,
    BIND_RESPONSE,
    DONE,
    EXTENDED,
    EXTENDED_RESPONSE,
    SEARCH,
    Call,
    Scripted,
    entry,
    message,
    result,
    text,
)
from auth.kit.tree import PEOPLE

EVE = f"dn: uid=eve,{BASE}\nobjectClass: inetOrgPerson\ncn: E\nsn: x\nuid: eve\nuserPassword: e\n"


@pytest.fixture
def own(tmp_path: Path):
    """A directory that a test may change, stop and kill."""
    with Slapd(tmp_path / "own", EVE) as directory:
        yield directory


def until_accepted(driver: Driver, name: str, password: str) -> int:
    """Logs in until it succeeds; how many tries were refused before, all as unavailable."""
    for tries in range(300):
        login = driver.check(name, password)
        if login["verdict"] == "accepted":
            return tries
        assert login["verdict"] == "unavailable", login
        time.sleep(0.1)
    raise AssertionError(f"never accepted: {login}")


# ---- away ----


def test_nobody_listens(ldap: MakeDriver) -> None:
    port = free_port()
    driver = ldap(urls=[f"ldap://127.0.0.1:{port}"])
    login = driver.check("alice", "wonderland")
    assert login["verdict"] == "unavailable"
    assert "Connection refused" in login["why"] and str(port) in login["why"]
    assert str(port) not in login["say"], "clients needn't know where the directory is"
    assert "left alone for" in driver.check("alice", "wonderland")["why"]


def test_a_host_that_doesnt_exist(ldap: MakeDriver) -> None:
    login = ldap(urls=["ldap://no.such.host.invalid"], plaintext=True).check("alice", "x")
    assert login["verdict"] == "unavailable"
    assert "address isn't known" in login["why"]


def test_the_second_server(ldap: MakeDriver, directory: Slapd) -> None:
    with Relay(free_port()) as dead:
        urls = [f"ldap://localhost:{free_port()}", f"ldap://localhost:{dead.port}", directory.url]
        driver = ldap(urls=urls, user_filter="(&(uid={user})(cn=*))")
        for _ in range(5):
            assert driver.check("alice", "wonderland")["verdict"] == "accepted"
        assert dead.accepted <= 2, "a server that failed is left alone"


def test_a_server_that_dies_and_comes_back(ldap: MakeDriver, own: Slapd) -> None:
    driver = ldap(urls=[own.url], base=[BASE])
    assert driver.check("eve", "e")["verdict"] == "accepted"
    own.kill()
    assert driver.check("eve", "e")["verdict"] == "unavailable"
    own.start()
    until_accepted(driver, "eve", "e")
    # restarted between two logins: the dead connections in the pool cost nobody a login
    own.stop()
    own.start()
    assert driver.check("eve", "e")["verdict"] == "accepted"


def test_the_first_dies_under_load(ldap: MakeDriver, own: Slapd, directory: Slapd) -> None:
    own.add(f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n")
    alice = f"dn: uid=alice,{PEOPLE}\nobjectClass: inetOrgPerson\ncn: A\nsn: x\nuid: alice\n"
    own.add(alice + "userPassword: wonderland\n")
    driver = ldap(urls=[own.url, directory.url], connections=4)
    driver.send("many", "6", "300", "alice", "wonderland")
    time.sleep(0.2)
    own.kill()
    many = driver.receive()
    assert (many["accepted"], many["others"]) == (1800, 0), many


# ---- slow ----


def test_a_slow_server(ldap: MakeDriver, directory: Slapd) -> None:
    with Relay(directory.port) as relay:
        urls = [f"ldap://localhost:{relay.port}"]
        driver = ldap(urls=urls, request_timeout="10s")
        relay.delay = 0.2
        assert driver.check("alice", "wonderland")["verdict"] == "accepted", "slow is no fault"
        relay.delay, relay.silent = 0, True
        driver = ldap(urls=urls, request_timeout="200ms")
        login = driver.check("alice", "wonderland")
        assert (login["verdict"], "no answer in time" in login["why"]) == ("unavailable", True)
        login = driver.check("alice", "wonderland")
        assert "left alone" in login["why"], "and the next isn't kept waiting"
        relay.silent = False
        until_accepted(driver, "alice", "wonderland")


def test_a_slow_server_and_a_good_one(ldap: MakeDriver, directory: Slapd) -> None:
    with Relay(directory.port) as relay:
        relay.silent = True
        driver = ldap(urls=[f"ldap://localhost:{relay.port}", directory.url], request_timeout="300ms")
        for _ in range(3):
            assert driver.check("alice", "wonderland")["verdict"] == "accepted"
        many = driver.many(4, 20, "bob", "builder")
        assert many["accepted"] == 80, many


def test_all_of_a_login_has_a_limit(ldap: MakeDriver, directory: Slapd) -> None:
    """Each answer comes in time, all of them together don't."""
    with Relay(directory.port) as relay:
        driver = ldap(
            urls=[f"ldap://localhost:{relay.port}"], request_timeout="10s", timeout="1s",
            groups={"from": "search", "base": [BASE]},
        )  # fmt: skip
        relay.delay = 0.35
        login = driver.check("alice", "wonderland")
        assert login["verdict"] == "unavailable", login


def test_half_a_message(ldap: MakeDriver) -> None:
    def answer(call: Call, sock):
        if call.kind == BIND:
            return message(call.number, result(BIND_RESPONSE))
        return message(call.number, entry("uid=u,dc=x", uid=["u"]))[:-3]

    with Scripted(answer) as server:
        login = ldap(urls=[server.url], request_timeout="200ms").check("u", "p")
    assert (login["verdict"], "no answer in time" in login["why"]) == ("unavailable", True)


def test_garbage(ldap: MakeDriver) -> None:
    for garbage in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x84\xff\xff\xff\xff", b"\x00" * 64):
        with Scripted(lambda call, sock, garbage=garbage: garbage) as server:
            login = ldap(urls=[server.url], request_timeout="200ms").check("u", "p")
        assert login["verdict"] == "unavailable", login


def test_all_connections_in_use(ldap: MakeDriver, directory: Slapd) -> None:
    with Relay(directory.port) as relay:
        driver = ldap(
            urls=[f"ldap://localhost:{relay.port}"], connections=1, request_timeout="20s",
            timeout="600ms",
        )  # fmt: skip
        relay.delay = 0.25
        many = driver.many(8, 1, "alice", "wonderland")
        assert many["accepted"] + many["unavailable"] == 8 and many["unavailable"] > 0, many
        relay.delay = 0
        until_accepted(driver, "alice", "wonderland")


def test_connections_are_bounded(ldap: MakeDriver, directory: Slapd) -> None:
    with Relay(directory.port) as relay:
        driver = ldap(urls=[f"ldap://localhost:{relay.port}"], connections=2)
        before = open_files(driver)
        assert driver.many(16, 20, "alice", "wonderland")["accepted"] == 320
        assert open_files(driver) - before <= 4, "two for searches, two for logins"
        assert relay.accepted <= 4, "and they are used again"


# ---- sick ----


@pytest.mark.parametrize("code", [51, 52])
def test_a_busy_server(ldap: MakeDriver, directory: Slapd, code: int) -> None:
    def answer(call: Call, sock):
        kind = BIND_RESPONSE if call.kind == BIND else DONE
        return message(call.number, result(kind, code, "come back later"))

    with Scripted(answer) as server:
        driver = ldap(urls=[server.url, directory.url])
        assert driver.check("alice", "wonderland")["verdict"] == "accepted"
        login = ldap(urls=[server.url]).check("alice", "wonderland")
        assert (login["verdict"], "come back later" in login["why"]) == ("unavailable", True)


def test_referrals_arent_followed(ldap: MakeDriver, tmp_path: Path, directory: Slapd) -> None:
    """What the server refers to would take the password: a trap, for all that anybody knows."""
    away = f"dn: ou=away,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\n"
    with Scripted(lambda call, sock: None) as trap:
        with Slapd(tmp_path / "refers", EVE + f"\n{away}ref: {trap.url}/{BASE}\n") as server:
            driver = ldap(urls=[server.url], base=[BASE], request_timeout="1s")
            assert driver.check("eve", "e")["verdict"] == "accepted", "references are passed over"
            assert driver.check("mallory", "x")["verdict"] == "not mine"
            login = ldap(urls=[server.url], base=[f"ou=away,{BASE}"]).check("eve", "e")
            assert (login["verdict"], "Referral" in login["why"]) == ("unavailable", True), login
            login = ldap(
                urls=[server.url], base=None, user_patterns=[f"uid={{user}},ou=away,{BASE}"],
                bind_dn=None, password_file=None,
            ).check("eve", "e")  # fmt: skip
            assert login["verdict"] in ("unavailable", "denied"), login
        assert trap.calls == []


# ---- passwords and accounts ----


def test_a_wrong_service_password(ldap: MakeDriver, own: Slapd, password_file: Path) -> None:
    password_file.write_text("something else\n")
    driver = ldap(urls=[own.url], base=[BASE])
    login = driver.check("eve", "e")
    assert login["verdict"] == "unavailable"
    assert SERVICE_DN in login["why"] and "Invalid credentials" in login["why"]
    assert "credentials" not in login["say"]
    for _ in range(20):
        assert driver.check("eve", "e")["verdict"] == "unavailable"
    binds = own.log.read_text().count(f'BIND dn="{SERVICE_DN}"')
    assert binds < 6, "the account isn't locked by trying again and again"
    password_file.write_text(SERVICE_PASSWORD)
    assert driver.check("eve", "e")["verdict"] == "accepted", "a new password counts at once"


def test_the_service_password_changes(ldap: MakeDriver, own: Slapd, password_file: Path) -> None:
    driver = ldap(urls=[own.url], base=[BASE])
    assert driver.check("eve", "e")["verdict"] == "accepted"
    own.set_password(SERVICE_DN, "the next one")
    password_file.write_text("the next one\n")
    own.stop()
    own.start()
    assert driver.check("eve", "e")["verdict"] == "accepted"
    password_file.unlink()
    own.stop()
    own.start()
    assert driver.check("eve", "e")["verdict"] == "accepted", "what was read last stays"
    assert "password" in driver.reload()["error"]
    password_file.write_text("two\nlines\n")
    assert "more than one line" in driver.reload()["error"]
    password_file.write_text("the next one\n")
    assert driver.reload()["error"] is None
    assert driver.check("eve", "e")["verdict"] == "accepted"


def test_no_password_file(ldap: MakeDriver, tmp_path: Path) -> None:
    assert "absent" in ldap(password_file=str(tmp_path / "absent")).receive()["error"]


def test_lockout(ldap: MakeDriver, own: Slapd) -> None:
    driver = ldap(urls=[own.url], base=[BASE])
    for _ in range(3):
        assert "password is wrong" in driver.check("eve", "wrong")["why"]
    login = driver.check("eve", "e")
    assert (login["verdict"], login["say"]) == ("denied", None)
    assert "the account is locked" in login["why"]


def test_a_password_to_be_changed(ldap: MakeDriver, own: Slapd) -> None:
    own.modify(
        f"dn: cn=default,ou=policies,{BASE}\nchangetype: modify\nadd: pwdMustChange\n"
        "pwdMustChange: TRUE\n"
    )
    own.set_password(f"uid=eve,{BASE}", "e")  # by somebody else than eve
    login = ldap(urls=[own.url], base=[BASE]).check("eve", "e")
    assert login["verdict"] == "denied"
    assert "changed" in login["why"] and "changed" in login["say"]


def test_an_expired_password(ldap: MakeDriver, own: Slapd) -> None:
    policy = f"dn: cn=default,ou=policies,{BASE}\nchangetype: modify\nadd: pwdMaxAge\npwdMaxAge: 1\n"
    driver = ldap(urls=[own.url], base=[BASE])
    assert driver.check("eve", "e")["verdict"] == "accepted"
    own.modify(policy)
    own.modify(  # the service account's password doesn't expire
        f"dn: cn=none,ou=policies,{BASE}\nchangetype: add\nobjectClass: pwdPolicy\n"
        "objectClass: applicationProcess\ncn: none\npwdAttribute: userPassword\n"
    )
    own.modify(
        f"dn: {SERVICE_DN}\nchangetype: modify\nadd: pwdPolicySubentry\n"
        f"pwdPolicySubentry: cn=none,ou=policies,{BASE}\n"
    )
    own.set_password(f"uid=eve,{BASE}", "e")  # its age counts from now
    time.sleep(2.1)
    login = driver.check("eve", "e")
    assert login["verdict"] == "denied", login
    assert "expired" in login["why"] and "expired" in login["say"]


def test_a_password_that_changed(ldap: MakeDriver, own: Slapd) -> None:
    driver = ldap(urls=[own.url], base=[BASE])
    assert driver.check("eve", "e")["verdict"] == "accepted"
    own.set_password(f"uid=eve,{BASE}", "new")
    assert driver.check("eve", "e")["verdict"] == "denied"
    assert driver.check("eve", "new")["verdict"] == "accepted"


# ---- as Active Directory does it: what it says is scripted, the real one can't be run here ----

AD = "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data {}, v3839"
AD_OPTIONS = {
    "user_patterns": ["{user}@example.org"], "domain": "example.org", "bind_dn": None,
    "password_file": None, "base": ["dc=x"], "user_attribute": "sAMAccountName",
    "groups": {"from": "attribute"},
}  # fmt: skip


def active_directory(who: str = "u:EXAMPLE\\alice", code: str | None = None) -> Scripted:
    def answer(call: Call, sock):
        if call.kind == BIND:
            if code or call.name != "alice@example.org" or call.password != "wonderland":
                return message(call.number, result(BIND_RESPONSE, 49, AD.format(code or "52e")))
            return message(call.number, result(BIND_RESPONSE))
        if call.kind == EXTENDED:
            return message(call.number, result(EXTENDED_RESPONSE, 0, "", text(who, 0x8B)))
        if call.kind == SEARCH:
            found = entry(
                "CN=Alice Adams,CN=Users,dc=x", sAMAccountName=["Alice"],
                memberOf=["CN=Domain Admins,CN=Users,dc=x", "CN=BI,OU=Groups,dc=x"],
            )  # fmt: skip
            return message(call.number, found) + message(call.number, result(DONE))
        return None

    return Scripted(answer)


def test_a_pattern_that_is_no_dn(ldap: MakeDriver) -> None:
    with active_directory() as server:
        driver = ldap(urls=[server.url], **AD_OPTIONS)
        for typed in ("alice", "alice@EXAMPLE.org"):
            login = driver.check(typed, "wonderland")
            assert (login["verdict"], login["name"]) == ("accepted", "Alice"), login
            assert login["groups"] == ["BI", "Domain Admins"]
        assert driver.check("alice", "wrong")["verdict"] == "denied"


def test_somebody_else_is_found(ldap: MakeDriver) -> None:
    """Who logs in as alice@example.org need not be whom the filter finds for alice."""
    for who in ("u:EXAMPLE\\mallory", "dn:cn=mallory,dc=x", "", "alice"):
        with active_directory(who) as server:
            login = ldap(urls=[server.url], **AD_OPTIONS).check("alice", "wonderland")
        assert login["verdict"] == "denied" and "user_filter" in login["why"], (who, login)
    with active_directory("dn:cn=alice adams, CN=users,DC=X") as server:
        login = ldap(urls=[server.url], **AD_OPTIONS).check("alice", "wonderland")
    assert login["verdict"] == "accepted"


@pytest.mark.parametrize(
    "code, verdict, word, said",
    [
        ("52e", "denied", "wrong", False),
        ("525", "not mine", "no such user", False),
        ("532", "denied", "expired", True),
        ("533", "denied", "disabled", False),
        ("701", "denied", "account has expired", False),
        ("773", "denied", "changed", True),
        ("775", "denied", "locked", False),
        ("999", "denied", "wrong", False),
    ],
)
def test_sub_codes(ldap: MakeDriver, code: str, verdict: str, word: str, said: bool) -> None:
    with active_directory(code=code) as server:
        login = ldap(urls=[server.url], **AD_OPTIONS).check("alice", "wonderland")
    assert login["verdict"] == verdict and word in login["why"], login
    assert (login["say"] is not None) == said
