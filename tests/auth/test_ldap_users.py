"""Who comes in, and what they are called: search, patterns, names, domains, strange characters."""

import pytest
from support.slapd import BASE, SERVICE_DN, Slapd

from auth.conftest import MakeDriver
from auth.kit.tree import ODD_NAMES, OTHERS, PEOPLE

PATTERN = f"uid={{user}},{PEOPLE}"


def test_search_first(ldap: MakeDriver) -> None:
    driver = ldap()
    login = driver.check("alice", "wonderland")
    assert login["verdict"] == "accepted", login
    assert (login["realm"], login["name"]) == ("ldap", "alice")
    assert login["groups"] is None, "nobody asked for groups, so they are unknown"
    assert login["attributes"] == []


def test_wrong_password(ldap: MakeDriver) -> None:
    login = ldap().check("alice", "wrong")
    assert login["verdict"] == "denied"
    assert "uid=alice" in login["why"] and "password is wrong" in login["why"]
    assert login["say"] is None


def test_unknown_name_is_somebody_elses(ldap: MakeDriver) -> None:
    login = ldap().check("nobody", "x")
    assert login["verdict"] == "not mine"
    assert "(uid=nobody)" in login["why"]


def test_the_name_is_the_directorys(ldap: MakeDriver) -> None:
    driver = ldap()
    for typed in ("bob", "BOB", "Bob"):
        login = driver.check(typed, "builder")
        assert (login["verdict"], login["name"]) == ("accepted", "bob")
    assert driver.check("caroline", "c")["name"] == "carol", "the uid in the DN counts"


def test_a_name_that_isnt_clear(ldap: MakeDriver) -> None:
    login = ldap().check("two1", "t")
    assert login["verdict"] == "denied"
    assert "several values of uid" in login["why"]


def test_a_name_that_sessions_cant_have(ldap: MakeDriver) -> None:
    login = ldap().check("at@home", "h")
    assert login["verdict"] == "denied"
    assert "Spark cuts names" in login["why"]


def test_another_attribute_is_the_name(ldap: MakeDriver) -> None:
    driver = ldap(user_filter="(mail={user})", user_attribute="cn")
    login = driver.check("a.adams@example.org", "wonderland")
    assert (login["verdict"], login["name"]) == ("accepted", "Alice Adams")


def test_no_such_attribute(ldap: MakeDriver) -> None:
    login = ldap(user_filter="(uid={user})", user_attribute="sAMAccountName").check("bob", "builder")
    assert login["verdict"] == "denied"
    assert "no values of sAMAccountName" in login["why"]


def test_attributes(ldap: MakeDriver) -> None:
    login = ldap(attributes=["MAIL", "departmentNumber", "title"]).check("alice", "wonderland")
    pairs = list(zip(login["attributes"][::2], login["attributes"][1::2], strict=True))
    assert sorted(pairs) == [
        ("MAIL", "a.adams@example.org"),
        ("MAIL", "alice@example.org"),
        ("departmentNumber", "7"),
    ]


def test_two_entries(ldap: MakeDriver) -> None:
    login = ldap().check("dup", "one")
    assert login["verdict"] == "denied"
    assert "more than one entry" in login["why"]


def test_two_bases(ldap: MakeDriver) -> None:
    driver = ldap(base=[PEOPLE, OTHERS])
    assert driver.check("alice", "wonderland")["verdict"] == "accepted"
    assert driver.check("dora", "explorer")["verdict"] == "accepted"
    login = driver.check("both", "1")
    assert (login["verdict"], "more than one entry" in login["why"]) == ("denied", True)


def test_bases_inside_one_another(ldap: MakeDriver) -> None:
    assert ldap(base=[PEOPLE, BASE]).check("alice", "wonderland")["verdict"] == "accepted"


def test_a_base_that_doesnt_exist(ldap: MakeDriver) -> None:
    login = ldap(base=[f"ou=nowhere,{BASE}"]).check("alice", "wonderland")
    assert login["verdict"] == "unavailable"
    assert "the base doesn't exist" in login["why"]
    assert "try again later" in login["say"]


def test_an_empty_password_is_never_sent(ldap: MakeDriver, directory: Slapd) -> None:
    before = directory.log.read_text().count(" BIND dn=")
    for options in ({}, {"user_patterns": [PATTERN], "bind_dn": None, "password_file": None}):
        login = ldap(**options).check("alice", "")
        assert login["verdict"] == "denied"
        assert "no password" in login["why"]
    assert directory.log.read_text().count(" BIND dn=") == before


def test_an_entry_without_a_password(ldap: MakeDriver) -> None:
    assert ldap().check("keyless", "x")["verdict"] == "denied"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(ldap: MakeDriver, name: str) -> None:
    for options in ({}, {"user_patterns": [PATTERN]}):
        driver = ldap(**options)
        login = driver.check(name, "odd")
        assert (login["verdict"], login.get("name")) == ("accepted", name), (options, login)
        assert driver.check(name, "wrong")["verdict"] == "denied"


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "al*",
        "alice)(uid=*",
        "*)(|(uid=*",
        "alice,ou=people",
        "alice+uid=bob",
        "\\61lice",
        "alice\\",
    ],
)
def test_injection(ldap: MakeDriver, name: str) -> None:
    for options in ({}, {"user_patterns": [PATTERN]}):
        assert ldap(**options).check(name, "wonderland")["verdict"] == "not mine", options


def test_user_filter(ldap: MakeDriver) -> None:
    only_7 = "(&(objectClass=person) (departmentNumber=7) (uid={user}))"
    for options in ({}, {"user_patterns": [PATTERN]}):
        driver = ldap(user_filter=only_7, **options)
        assert driver.check("alice", "wonderland")["verdict"] == "accepted"
        assert driver.check("bob", "builder")["verdict"] == "not mine"


# ---- patterns ----


def test_patterns_in_order(ldap: MakeDriver) -> None:
    driver = ldap(user_patterns=[PATTERN, f"uid={{user}},{OTHERS}"], base=None)
    assert driver.check("BOB", "builder")["name"] == "bob"
    assert driver.check("dora", "explorer")["name"] == "dora"
    assert driver.check("nobody", "x")["verdict"] == "not mine"
    # the first that exists decides: what comes behind it is somebody else of the same name
    assert driver.check("both", "1")["verdict"] == "accepted"
    assert driver.check("both", "2")["verdict"] == "denied"


def test_patterns_without_a_service_account(ldap: MakeDriver) -> None:
    driver = ldap(
        user_patterns=[PATTERN, f"uid={{user}},{OTHERS}"],
        base=None, bind_dn=None, password_file=None,
    )  # fmt: skip
    login = driver.check("ALICE", "wonderland")
    assert (login["verdict"], login["name"]) == ("accepted", "alice")
    assert driver.check("dora", "explorer")["name"] == "dora"
    login = driver.check("alice", "wrong")
    assert login["verdict"] == "denied"
    assert PEOPLE in login["why"] and OTHERS in login["why"], "all that was tried is told"
    assert driver.check("nobody", "x")["verdict"] == "denied", "nobody can tell"
    # a connection that was bound as alice serves the next login as whoever that is
    assert driver.check("bob", "wonderland")["verdict"] == "denied"
    login = driver.look_up("alice")
    assert not login["found"] and "bind_dn" in login["error"]


# ---- domains ----


def test_domain(ldap: MakeDriver) -> None:
    driver = ldap(domain="example.org")
    for typed in ("alice", "alice@example.org", "ALICE@EXAMPLE.ORG"):
        assert driver.check(typed, "wonderland")["name"] == "alice"
    login = driver.check("alice@example.com", "wonderland")
    assert (login["verdict"], "domain" in login["why"]) == ("not mine", True)
    assert driver.check("@example.org", "x")["verdict"] == "not mine"


def test_without_a_domain_the_name_is_whole(ldap: MakeDriver) -> None:
    assert ldap().check("alice@example.org", "wonderland")["verdict"] == "not mine"


# ---- who may ----


def test_allow_users(ldap: MakeDriver) -> None:
    driver = ldap(allow_users=["Alice", "dora"])
    assert driver.check("alice", "wonderland")["verdict"] == "accepted"
    login = driver.check("bob", "builder")
    assert (login["verdict"], "allow_users" in login["why"]) == ("denied", True)
    assert driver.check("bob", "wrong")["why"] != login["why"], "the password comes first"


# ---- without a login ----


def test_look_up(ldap: MakeDriver) -> None:
    for options in ({}, {"user_patterns": [PATTERN]}):
        driver = ldap(attributes=["departmentNumber"], domain="example.org", **options)
        found = driver.look_up("ALICE@example.org")
        assert (found["found"], found["name"], found["error"]) == (True, "alice", None)
        assert found["attributes"] == ["departmentNumber", "7"]
        assert driver.look_up("nobody") == {"error": None, "found": False}
        assert driver.look_up("alice@example.com") == {"error": None, "found": False}
    refused = ldap(allow_users=["bob"]).look_up("alice")
    assert not refused["found"] and "allow_users" in refused["error"]


# ---- searching without an account ----


def test_anonymous_search(ldap: MakeDriver, tmp_path, directory: Slapd) -> None:
    login = ldap(bind_dn=None, password_file=None).check("alice", "wonderland")
    assert login["verdict"] == "unavailable", "this directory shows nothing to strangers"
    tree = f"dn: uid=eve,{BASE}\nobjectClass: inetOrgPerson\ncn: Eve\nsn: x\nuid: eve\n"
    tree += "userPassword: e\n"
    with Slapd(tmp_path / "open", tree, anonymous_reads=True) as open_directory:
        driver = ldap(urls=[open_directory.url], base=[BASE], bind_dn=None, password_file=None)
        assert driver.check("eve", "e")["verdict"] == "accepted"
        assert driver.check("eve", "wrong")["verdict"] == "denied"
        assert driver.check("mallory", "x")["verdict"] == "not mine"
        assert driver.look_up("eve")["found"]


def test_the_service_accounts_own_name_is_no_user(ldap: MakeDriver) -> None:
    assert ldap().check(SERVICE_DN, "let me look around")["verdict"] == "not mine"


def test_many_at_once(ldap: MakeDriver) -> None:
    many = ldap(connections=3).many(12, 25, "alice", "wonderland")
    assert (many["accepted"], many["others"]) == (300, 0), many
