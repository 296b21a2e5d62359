"""Groups by search and by attribute, and who is let in by them."""

import pytest
from support.slapd import BASE, Slapd

from auth.conftest import MakeDriver
from auth.kit.scripted import (
    BIND,
    BIND_RESPONSE,
    DONE,
    SEARCH,
    Scripted,
    entry,
    message,
    named,
    result,
)
from auth.kit.tree import GROUPS, PEOPLE, TEAMS

SEARCH_GROUPS = {"from": "search", "base": [GROUPS]}
ATTRIBUTE = {"from": "attribute"}


def test_search(ldap: MakeDriver) -> None:
    driver = ldap(groups=SEARCH_GROUPS)
    assert driver.check("alice", "wonderland")["groups"] == ["admins", "analysts"]
    assert driver.check("bob", "builder")["groups"] == ["analysts"]
    assert driver.check("carol", "c")["groups"] == [], "in none, which is known"
    # the DN of the user and the name of a group need escaping
    assert driver.check("smith, john", "odd")["groups"] == ["analysts", "odd, (group)"]
    assert driver.look_up("alice")["groups"] == ["admins", "analysts"]


def test_search_below_the_users_base(ldap: MakeDriver) -> None:
    login = ldap(base=[BASE], groups={"from": "search"}).check("alice", "wonderland")
    assert login["groups"] == ["admins", "analysts", "night"]


def test_posix_and_unique_groups(ldap: MakeDriver) -> None:
    posix = {**SEARCH_GROUPS, "class": "posixGroup", "member": "memberUid"}
    assert ldap(groups=posix).check("ALICE", "wonderland")["groups"] == ["posix"]
    assert ldap(groups=posix).check("star*", "odd")["groups"] == ["posix"]
    assert ldap(groups=posix).check("bob", "builder")["groups"] == []
    unique = {**SEARCH_GROUPS, "class": "groupOfUniqueNames", "member": "uniqueMember"}
    assert ldap(groups=unique).check("alice", "wonderland")["groups"] == ["unique"]


def test_a_filter_of_ones_own(ldap: MakeDriver) -> None:
    groups = {**SEARCH_GROUPS, "filter": "(|(member={dn})(uniqueMember={dn})(memberUid={user}))"}
    expected = ["admins", "analysts", "posix", "unique"]
    assert ldap(groups=groups).check("alice", "wonderland")["groups"] == expected


def test_member_of(ldap: MakeDriver) -> None:
    driver = ldap(groups=ATTRIBUTE)
    # the name of one group is only in its entry
    assert driver.check("alice", "wonderland")["groups"] == ["admins", "analysts", "night"]
    assert driver.check("bob", "builder")["groups"] == ["admins", "analysts"]
    assert driver.check("carol", "c")["groups"] == []


def test_a_group_of_the_same_name_elsewhere(ldap: MakeDriver) -> None:
    for groups in (SEARCH_GROUPS, {**ATTRIBUTE, "base": [f"OU=Groups, {BASE}"]}):
        driver = ldap(groups=groups)
        assert driver.check("bob", "builder")["groups"] == ["analysts"], "not admins of the teams"
    both = {**ATTRIBUTE, "base": [GROUPS, TEAMS]}
    assert ldap(groups=both).check("bob", "builder")["groups"] == ["admins", "analysts"]


def test_a_user_who_may_not_see_groups(ldap: MakeDriver) -> None:
    """Without a service account groups are searched as the user, who sees none of them here."""
    login = ldap(
        user_patterns=[f"uid={{user}},{PEOPLE}"], bind_dn=None, password_file=None,
        groups=SEARCH_GROUPS,
    ).check("alice", "wonderland")  # fmt: skip
    assert login["verdict"] == "unavailable", "no groups are not the same as unknown ones"
    assert "search for the groups" in login["why"]


def test_as_the_user(ldap: MakeDriver, password_file) -> None:
    login = ldap(
        user_patterns=[f"uid={{user}},{PEOPLE}"], bind_dn=None, password_file=None,
        groups={**ATTRIBUTE, "base": [GROUPS]},
    ).check("alice", "wonderland")  # fmt: skip
    assert login["groups"] == ["admins", "analysts"]


def test_a_group_base_that_doesnt_exist(ldap: MakeDriver) -> None:
    login = ldap(groups={"from": "search", "base": [f"ou=x,{BASE}"]}).check("alice", "wonderland")
    assert login["verdict"] == "unavailable"
    assert "search for the groups under ou=x" in login["why"]


def test_a_filter_the_server_refuses(ldap: MakeDriver) -> None:
    """An unknown matching rule finds nothing in slapd: Active Directory's is none of its."""
    groups = {**SEARCH_GROUPS, "filter": "(member:1.2.840.113556.1.4.1941:={dn})"}
    login = ldap(groups=groups).check("alice", "wonderland")
    assert login["verdict"] == "accepted" and login["groups"] == []


def test_allow_groups(ldap: MakeDriver) -> None:
    driver = ldap(groups=SEARCH_GROUPS, allow_groups=["Admins"])
    assert driver.check("alice", "wonderland")["verdict"] == "accepted"
    login = driver.check("bob", "builder")
    assert (login["verdict"], "allow_groups" in login["why"]) == ("denied", True)
    assert not driver.look_up("bob")["found"]


@pytest.mark.parametrize(
    "allow_filter, alice, bob",
    [
        ("(departmentNumber=7)", True, False),
        ("(&(objectClass=groupOfNames)(cn=analysts))", True, True),
        ("(&(objectClass=groupOfNames)(|(cn=admins)(cn=night))(!(ou=x)))", True, True),
        ("(cn=night)", True, False),
        ("(cn=nobody's group)", False, False),
        ("(uid={user})", True, True),
        ("(member={dn})", True, True),
    ],
)
def test_allow_filter(ldap: MakeDriver, allow_filter: str, alice: bool, bob: bool) -> None:
    driver = ldap(base=[PEOPLE, GROUPS, TEAMS], allow_filter=allow_filter)
    for name, password, may in (("alice", "wonderland", alice), ("bob", "builder", bob)):
        login = driver.check(name, password)
        assert (login["verdict"] == "accepted") == may, login
        if not may:
            assert login["verdict"] == "denied" and "allow_filter" in login["why"]


def test_too_many_groups(ldap: MakeDriver, tmp_path) -> None:
    """What the server doesn't give whole is unknown."""
    ldif = "".join(
        f"dn: cn=g{i},{BASE}\nobjectClass: groupOfNames\ncn: g{i}\nmember: uid=eve,{BASE}\n\n"
        for i in range(30)
    )
    eve = f"dn: uid=eve,{BASE}\nobjectClass: inetOrgPerson\ncn: E\nsn: x\nuid: eve\n"
    eve += "userPassword: e\n\n"
    with Slapd(tmp_path / "many", eve + ldif, more=["limits * size=10"]) as directory:
        driver = ldap(urls=[directory.url], base=[BASE], groups={"from": "search"})
        login = driver.check("eve", "e")
        assert login["verdict"] == "unavailable"
        assert "Size limit exceeded" in login["why"]
        driver = ldap(urls=[directory.url], base=[BASE], groups=ATTRIBUTE)
        assert len(driver.check("eve", "e")["groups"]) == 30


def _scripted(attributes: dict[str, list]):
    def answer(call, sock):
        if call.kind == BIND:
            return message(call.number, result(BIND_RESPONSE))
        if call.kind == SEARCH:
            found = message(call.number, named("uid=u,dc=x", {"uid": ["u"], **attributes}))
            return found + message(call.number, result(DONE))
        return None

    return Scripted(answer)


def test_a_part_of_the_values(ldap: MakeDriver) -> None:
    """Active Directory gives 1,500 values at once."""
    values = {"memberOf;range=0-1499": [f"cn=g{i},dc=x" for i in range(1500)], "memberOf": []}
    with _scripted(values) as server:
        login = ldap(urls=[server.url], groups=ATTRIBUTE).check("u", "p")
    assert login["verdict"] == "unavailable"
    assert "more values of memberOf" in login["why"]


def test_group_names_that_no_rule_can_mean(ldap: MakeDriver) -> None:
    names = ["good", "bad\\0aCNF:1", "x" * 300]
    values = [*(f"cn={name},dc=x" for name in names), "cn=good,dc=y"]
    with _scripted({"memberOf": values}) as server:
        login = ldap(urls=[server.url], groups=ATTRIBUTE).check("u", "p")
    assert login["groups"] == ["good"]


def test_binary_values_are_left_out(ldap: MakeDriver) -> None:
    with _scripted({"objectGUID": [b"\xff\xfe\x00\x01"], "title": ["boss"]}) as server:
        login = ldap(urls=[server.url], attributes=["objectGUID", "title"]).check("u", "p")
    assert login["attributes"] == ["title", "boss"]


def test_more_entries_than_asked_for(ldap: MakeDriver) -> None:
    """A server that never ends isn't listened to for long."""

    def answer(call, sock):
        if call.kind == BIND:
            return message(call.number, result(BIND_RESPONSE))
        if call.kind == SEARCH:
            while True:
                sock.sendall(message(call.number, entry("uid=u,dc=x", uid=["u"])) * 100)
        return None

    with Scripted(answer) as server:
        login = ldap(urls=[server.url]).check("u", "p")
    assert login["verdict"] == "denied" and "more than one entry" in login["why"]
