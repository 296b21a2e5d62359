"""The people and groups of the shared directory."""

import base64

from support.slapd import BASE

PEOPLE = f"ou=people,{BASE}"
OTHERS = f"ou=others,{BASE}"
GROUPS = f"ou=groups,{BASE}"
TEAMS = f"ou=teams,{BASE}"

# the login name in a DN, and the uid; each needs escaping somewhere
ODD_NAMES = {
    "smith, john": "smith\\, john",
    "a+b": "a\\+b",
    "star*": "star*",
    "(paren)": "(paren)",
    "back\\slash": "back\\\\slash",
    'quo"te': 'quo\\"te',
    "le<ss>er;": "le\\<ss\\>er\\;",
    "is=equal": "is=equal",
    "jürgen": "jürgen",
}


def _value(name: str, value: str) -> str:
    """A line of LDIF; what LDIF can't hold as it is goes in base64."""
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"


def person(dn: str, uid: str | None, cn: str, *more: str) -> str:
    lines = [_value("dn", dn), "objectClass: inetOrgPerson", _value("cn", cn), "sn: x"]
    if uid is not None:
        lines.append(_value("uid", uid))
    return "\n".join([*lines, *more]) + "\n\n"


def _unit(dn: str) -> str:
    return f"dn: {dn}\nobjectClass: organizationalUnit\n\n"


def _people() -> str:
    text = person(
        f"uid=alice,{PEOPLE}", "alice", "Alice Adams",
        "mail: alice@example.org", "mail: a.adams@example.org", "departmentNumber: 7",
        "userPassword: wonderland",
    )  # fmt: skip
    text += person(f"uid=bob,{PEOPLE}", "bob", "Bob Brown", "userPassword: builder")
    # two values of uid, and the DN says which one counts
    text += person(f"uid=carol,{PEOPLE}", "carol", "C", "uid: caroline", "userPassword: c")
    # two values of uid, and nothing says which one counts
    text += person(f"cn=Two Names,{PEOPLE}", "two1", "Two Names", "uid: two2", "userPassword: t")
    text += person(f"uid=keyless,{PEOPLE}", "keyless", "No Password")
    text += person(f"uid=at@home,{PEOPLE}", "at@home", "At Home", "userPassword: h")
    text += person(f"uid=dup,{PEOPLE}", "dup", "Dup One", "userPassword: one")
    text += person(f"uid=dup,ou=inner,{PEOPLE}", "dup", "Dup Two", "userPassword: two")
    text += person(f"uid=dora,{OTHERS}", "dora", "Dora", "userPassword: explorer")
    text += person(f"uid=both,{PEOPLE}", "both", "Both", "userPassword: 1")
    text += person(f"uid=both,{OTHERS}", "both", "Both", "userPassword: 2")
    for uid, escaped in ODD_NAMES.items():
        text += person(f"uid={escaped},{PEOPLE}", uid, "Odd", "userPassword: odd")
    return text


def _groups() -> str:
    alice, bob = f"uid=alice,{PEOPLE}", f"uid=bob,{PEOPLE}"
    smith = f"uid=smith\\, john,{PEOPLE}"
    return (
        f"dn: cn=analysts,{GROUPS}\nobjectClass: groupOfNames\ncn: analysts\nmember: {alice}\n"
        f"member: {bob}\nmember: {smith}\n\n"
        f"dn: cn=admins,{GROUPS}\nobjectClass: groupOfNames\ncn: admins\nmember: {alice}\n\n"
        f"dn: cn=odd\\, (group),{GROUPS}\nobjectClass: groupOfNames\ncn: odd, (group)\n"
        f"member: {smith}\n\n"
        # of the same name as a group elsewhere
        f"dn: cn=admins,{TEAMS}\nobjectClass: groupOfNames\ncn: admins\nmember: {bob}\n\n"
        # its name isn't in its DN
        f"dn: description=night shift,{TEAMS}\nobjectClass: groupOfNames\ncn: night\n"
        f"description: night shift\nmember: {alice}\n\n"
        f"dn: cn=unique,{GROUPS}\nobjectClass: groupOfUniqueNames\ncn: unique\n"
        f"uniqueMember: {alice}\n\n"
        f"dn: cn=posix,{GROUPS}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 100\n"
        f"memberUid: alice\nmemberUid: star*\n\n"
    )


TREE = (
    "".join(map(_unit, (PEOPLE, f"ou=inner,{PEOPLE}", OTHERS, GROUPS, TEAMS))) + _people() + _groups()
)
