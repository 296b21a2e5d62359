"""A directory behind hivegate, which takes many spellings for one user: none of them is a way around
the chain, the throttle or a rule of impersonation. And the end while the directory hangs."""

from __future__ import annotations

import base64
import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.relay import Relay
from support.slapd import BASE, SERVICE_DN, SERVICE_PASSWORD, Slapd

from .kit.backend import Backend
from .kit.gate import Gate, eventually
from .kit.http import OPEN, PATH, add_listener, http_peer
from .kit.messages import execute_fields, info_fields, open_fields
from .kit.peer import LoginRefused, plain_login

PEOPLE = f"ou=people,{BASE}"
USERS = {"dora": "explorer", "erin": "brockovich", "alice": "of the directory"}
TREE = f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n" + "".join(
    f"\ndn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: x\n"
    f"userPassword: {password}\n"
    for uid, password in USERS.items()
)
TREE += f"""
dn: cn=analysts,{BASE}
objectClass: groupOfNames
cn: analysts
member: uid=dora,{PEOPLE}
member: uid=alice,{PEOPLE}
"""
RULES = [
    {"principal": "carol", "realm": "users", "may_act_as": {"groups": ["analysts"]}},
    {"principal": "bob", "realm": "users", "may_act_as": {"pattern": "[a-z].*"}},
]
PROXY_USER = "hive.server2.proxy.user"
DORAS = ["DORA", "Dora", "dOrA", "ｄｏｒａ"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with Slapd(tmp_path_factory.mktemp("slapd") / "data", TREE) as made:
        made.modify(  # it locks nobody: failures are to be counted by hivegate
            f"dn: cn=default,ou=policies,{BASE}\nchangetype: modify\n"
            "replace: pwdMaxFailure\npwdMaxFailure: 0\n"
        )
        yield made


@pytest.fixture
def make_directed(
    make_gate: Callable, make_backend: Callable, directory: Slapd, tmp_path: Path
) -> Iterator[Callable[..., tuple[Gate, Backend]]]:
    """A gateway that asks the users file (alice, bob, carol) and then the directory."""
    secret = tmp_path / "service.password"
    secret.write_text(SERVICE_PASSWORD)
    secret.chmod(0o600)

    def make(url: str | None = None, **more: Any) -> tuple[Gate, Backend]:
        def change(config: dict) -> None:
            config["authentication"] |= {"chain": ["users", "ldap"]} | more
            config["authentication"]["ldap"] = {
                "urls": [url or directory.url],
                "bind_dn": SERVICE_DN,
                "password_file": str(secret),
                "base": [PEOPLE],
                "groups": {"from": "search", "base": [BASE]},
                "request_timeout": "1s",
                "timeout": "2s",
            }
            config["impersonation"] = RULES
            add_listener(config)

        backend = make_backend()
        made.append(make_gate(backend, bystanders=0, change=change))
        return made[-1], backend

    made: list[Gate] = []
    yield make
    for gate in made:
        gate.close_peers()
        if gate.hivegate.alive:
            gate.stop()  # its idle connections to the directory are no leak


def refusal(gate: Gate, user: str, password: str) -> str:
    with pytest.raises(LoginRefused) as refused:
        gate.connect().login(user, password)
    return str(refused.value)


@pytest.mark.smoke
def test_spellings_are_one_user(make_directed: Callable) -> None:
    gate, backend = make_directed()
    for name in ("dora", *DORAS, "dora "):
        peer = gate.connect().login(name, "explorer")
        peer.close_session(peer.open()).ok()
    assert {call.user for call in backend.seen("OpenSession")} == {"dora"}


@pytest.mark.smoke
def test_a_user_of_the_file_by_another_spelling(make_directed: Callable) -> None:
    """alice is the file's, whatever the directory calls somebody."""
    gate, backend = make_directed()
    gate.connect().login("alice", "alice-secret").close()
    for name in ("alice", "ALICE", "Alice", "ａｌｉｃｅ"):
        assert "Error validating the login" in refusal(gate, name, "of the directory")
    gate.wait_log("alice is a user of users, which the chain asks before this")
    answer = http_peer(gate, "ALICE", "of the directory").post(OPEN)
    assert answer.status == 401
    assert not backend.seen("OpenSession")


@pytest.mark.smoke
def test_spellings_count_together(make_directed: Callable) -> None:
    """Each spelling is no further guess."""
    throttle = {"delay_after": 100, "refuse_after": len(DORAS)}
    gate, _ = make_directed(throttle=throttle, failure_ttl=0)
    for number, name in enumerate(DORAS):
        assert "Too many" not in refusal(gate, name, f"wrong {number}")
    for name in ("dora", *DORAS, "dora@example.org", "d\u00adora"):
        assert "Too many failed logins" in refusal(gate, name, "explorer"), name
    gate.connect().login("erin", "brockovich").close()
    gate.signal(signal.SIGHUP)
    gate.wait_log("users_reloaded")
    gate.connect().login("DORA", "explorer").close()


@pytest.mark.smoke
@pytest.mark.parametrize("user", ["carol", "bob"])
def test_acting_as_another_spelling(make_directed: Callable, user: str) -> None:
    """By group and by pattern: the session runs as the directory has the name, and may be named in
    both spellings from then on, and in no third."""
    gate, backend = make_directed()
    peer = gate.peer(user)
    for name in DORAS:
        peer.close_session(peer.open(conf={PROXY_USER: name})).ok()
    web = http_peer(gate, user)
    for name in ("DORA", "Dora"):
        web.target = f"{PATH}?doAs={name}"
        session = web.open(conf={PROXY_USER: name})
        for same in (name, "dora"):
            web.target = f"{PATH}?doAs={same}"
            web.call("GetInfo", info_fields(session)).ok()
        for other in ("dOra", "erin"):
            web.target = f"{PATH}?doAs={other}"
            reply = web.call("ExecuteStatement", execute_fields(session, "SELECT 1"))
            assert reply.sql_state == "42501" and "runs as dora" in reply.error
        web.target = PATH
        web.close_session(session).ok()
    assert {call.user for call in backend.seen("OpenSession")} == {"dora"}


@pytest.mark.smoke
def test_acting_as_a_spelling_of_a_user_of_the_file(make_directed: Callable) -> None:
    """The alice of the directory is an analyst, and lends that to no alice of the file."""
    gate, backend = make_directed()
    carol = gate.peer("carol")
    for name in ("alice", "ALICE", "Alice"):
        reply = carol.call("OpenSession", open_fields(conf={PROXY_USER: name}))
        assert reply.sql_state == "42501" and "no impersonation rule allows it" in reply.error
    assert not backend.seen("OpenSession")


@pytest.mark.smoke
def test_acting_as_somebody_whom_nobody_knows(make_directed: Callable) -> None:
    """A pattern names them; a group can't."""
    gate, backend = make_directed()
    bob = gate.peer("bob")
    bob.close_session(bob.open(conf={PROXY_USER: "team-7"})).ok()
    assert len(backend.seen("OpenSession", "team-7")) == 1
    reply = bob.call("OpenSession", open_fields(conf={PROXY_USER: "TEAM-7"}))
    assert reply.sql_state == "42501" and "no impersonation rule allows it" in reply.error
    reply = gate.peer("carol").call("OpenSession", open_fields(conf={PROXY_USER: "team-7"}))
    assert reply.sql_state == "42501"


@pytest.mark.smoke
def test_acting_while_the_directory_is_away(make_directed: Callable, directory: Slapd) -> None:
    """Nobody guesses how it would have written the name; what it said lately is remembered."""
    with Relay(directory.port) as relay:
        gate, backend = make_directed(url=f"ldap://127.0.0.1:{relay.port}")
        carol, bob = gate.peer("carol"), gate.peer("bob")
        carol.close_session(carol.open(conf={PROXY_USER: "Dora"})).ok()
        relay.close()
        for peer in (carol, bob):
            reply = peer.call("OpenSession", open_fields(conf={PROXY_USER: "DORA"}))
            assert reply.sql_state == "42501" and "can't be looked up at the moment" in reply.error
            peer.close_session(peer.open(conf={PROXY_USER: "Dora"})).ok()  # that is remembered
        assert [call.user for call in backend.seen("OpenSession")] == ["dora"] * 3


@pytest.mark.smoke
def test_the_end_while_the_directory_hangs(make_directed: Callable, directory: Slapd) -> None:
    """Logins and look-ups that hang hold nothing up."""
    with Relay(directory.port) as relay:
        gate, _ = make_directed(url=f"ldap://127.0.0.1:{relay.port}")
        gate.connect().login("dora", "explorer").close()
        relay.silent = True
        waiting = [gate.connect() for _ in range(3)]
        for peer in waiting:
            peer.send(plain_login("erin", "brockovich"))
        acting = gate.peer("carol")
        acting.ask("OpenSession", open_fields(conf={PROXY_USER: "erin"}))
        eventually(lambda: relay.accepted >= 2, "hivegate asks the directory")
        gate.terminate()
        assert gate.wait_exit() == 0
        gate.check_log()


@pytest.mark.smoke
def test_the_end_while_issuers_and_token_servers_hang(
    make_gate: Callable, make_backend: Callable, tmp_path: Path
) -> None:
    """The thread that fetches an issuer's keys, a login that waits for them, and one that a token
    server is asked about."""
    secret = tmp_path / "client.secret"
    secret.write_text("hush")
    secret.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connecting works, and that is all
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        def change(config: dict) -> None:
            issuer = {"name": "corporate", "issuer": url, "jwks_url": f"{url}/keys"}
            issuer |= {"audience": ["hivegate"], "timeout": "1s"}
            config["authentication"] |= {
                "chain": ["jwt", "introspection", "users"],
                "jwt": {"issuers": [issuer]},
                "introspection": {
                    "url": f"{url}/introspect",
                    "client_id": "hivegate",
                    "client_secret_file": str(secret),
                    "timeout": "1s",
                },
            }
            add_listener(config)

        gate = make_gate(make_backend(), bystanders=0, change=change)
        header, claims = (
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in ({"alg": "RS256"}, {"iss": url, "sub": "alice"})
        )
        for token in ("opaque", f"{header}.{claims}.AAAA"):
            peer = http_peer(gate)
            peer.authorization = f"Bearer {token}"
            peer.send(peer.request(OPEN))
        gate.connect().login("alice", "alice-secret").close()  # who waits for nobody
        gate.terminate()
        assert gate.wait_exit() == 0
        gate.check_log()
