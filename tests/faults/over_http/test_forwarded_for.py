"""X-Forwarded-For: who the client of each request is, as the proxies on its way say; and nobody else
can say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..kit import proxy_protocol as proxy
from ..kit.backend import Backend
from ..kit.gate import Gate
from ..kit.http import OPEN, HttpPeer, basic, is_refusal
from ..kit.messages import Reply, call, handle_fields, info_fields

PROXY = "127.0.0.2"  # trusted, as is 10.0.0.0/8; 127.0.0.1 is not
CLIENT = "203.0.113.9"


def add_listeners(config: dict) -> None:
    http = {"trusted_proxies": [f"{PROXY}/31", "10.0.0.0/8", "2001:db8::/32"]}
    entry = {"name": "http", "bind": "127.0.0.1:0", "transport": "http", "http": http}
    config["listeners"].append(entry)
    config["listeners"].append(entry | {"name": "both", "proxy_protocol": {"from": ["127.0.0.0/8"]}})
    config["listeners"].append(entry | {"name": "plain", "http": {"path": "cliservice"}})


@pytest.fixture(scope="module")
def shared(
    users_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gate, Backend]]:
    """For the tests of this file `gate` and `backend` are these."""
    with Backend() as backend:
        directory = tmp_path_factory.mktemp("forwarded")
        gate = Gate(directory, users_file, [backend], change=add_listeners)
        try:
            yield gate, backend
            gate.settle_fully()
            gate.stop()
        finally:
            gate.kill()


def dial(gate: Gate, listener: str = "http", source: str = PROXY, user: str = "alice") -> HttpPeer:
    peer = HttpPeer(gate.address(listener), user, source=source)
    gate.adopt(peer)
    return peer


def own_name(peer: HttpPeer) -> str:
    host, port = peer.socket.getsockname()
    return f"{host}:{port}"


def forwarded(*lists: str) -> list[str]:
    return [f"X-Forwarded-For: {text}" for text in lists]


def open_and_close(peer: HttpPeer, *lists: str) -> None:
    """One session, whose every request has these headers."""
    peer.extra = forwarded(*lists)
    peer.close_session(peer.open()).ok()


def clients(gate: Gate, event: str = "session_opened") -> list[str]:
    """What the log says of where those came from whom the event is about."""
    found = [line for line in gate.log.splitlines() if f" {event} " in line and "bob" not in line]
    return [re.search(rf" {event} (client=.*?) (?!via)\w+=", line)[1] for line in found]


SOUND = {
    CLIENT: (CLIENT,),
    f"{CLIENT}:4711": (f"{CLIENT}:4711",),
    "2a00::9": ("2a00::9",),
    "[2a00::9]:4711": ("[2a00::9]:4711, 10.1.2.3",),
    "10.1.2.3": ("10.1.2.3, 10.2.3.4",),
    f"{CLIENT}:1": (f"1.2.3.4, {CLIENT}:1, 10.1.2.3, [2001:db8::1]:80",),
    f"{CLIENT}:2": (f"1.2.3.4, {CLIENT}:2", "10.1.2.3", "", "127.0.0.3"),
    f"{CLIENT}:3": (f"what,ever;it=is, {CLIENT}:3",),
    f"{CLIENT}:4": ("x," * 5000 + f"{CLIENT}:4",),
    f"{CLIENT}:5": (f"::ffff:{CLIENT}:5, ::ffff:10.1.2.3", f"[::ffff:{CLIENT}]:5"),
}


@pytest.mark.smoke
@pytest.mark.parametrize("client", SOUND)
def test_the_client_is_whom_the_proxy_names(gate: Gate, client: str) -> None:
    with dial(gate) as peer:
        open_and_close(peer, *SOUND[client])
        expected = [f"client={client} via={own_name(peer)}"]
    assert clients(gate) == expected
    assert clients(gate, "session_closed") == expected


@pytest.mark.smoke
def test_each_request_has_its_own(gate: Gate) -> None:
    """A proxy sends requests of several clients over one connection; between them, and without
    the header, it is the proxy itself."""
    with dial(gate) as peer:
        own = own_name(peer)
        for turn in range(6):
            open_and_close(peer, f"203.0.113.{turn}") if turn % 3 else open_and_close(peer)
        peer.send(b"non sense\0")
        assert peer.response().status == 400
    expected = [
        f"client=203.0.113.{turn} via={own}" if turn % 3 else f"client={own}" for turn in range(6)
    ]
    assert clients(gate) == expected
    assert clients(gate, "request_refused") == [f"client={own}"]


@pytest.mark.smoke
def test_pipelined_requests(gate: Gate) -> None:
    """Of several clients and users, sent at once: none inherits what is another's."""
    wanted = []
    data = b""
    with dial(gate) as peer:
        own = own_name(peer)
        for turn in range(20):
            user = "alice" if turn % 2 else "carol"
            fields = forwarded(f"203.0.113.{turn}") if turn % 4 else []
            peer.authorization = basic(user)
            data += peer.request(OPEN, fields=fields)
            client = f"client=203.0.113.{turn} via={own}" if turn % 4 else f"client={own}"
            wanted.append((client, user))
        peer.send(data)
        sessions = [peer.receive_message().session for _ in wanted]
        for (_, user), session in zip(wanted, sessions, strict=True):
            peer.authorization = basic(user)
            peer.close_session(session).ok()
    found = [line for line in gate.log.splitlines() if "session_opened" in line]
    for client, user in wanted:
        mine = [line for line in found if f" {client} user={user} " in line]
        assert mine, (client, user)


@pytest.mark.smoke
@pytest.mark.parametrize("listener", ["http", "plain"])
def test_from_anybody_else_it_doesnt_count(gate: Gate, listener: str) -> None:
    """Not even whether it is sound."""
    source = "127.0.0.1" if listener == "http" else PROXY
    for lists in ((CLIENT,), ("10.1.2.3",), ("unknown",), (CLIENT, "127.0.0.2"), (f"{PROXY},",)):
        gate.forget_log()
        with dial(gate, listener, source) as peer:
            own = own_name(peer)
            open_and_close(peer, *lists)
        assert clients(gate) == [f"client={own}"]
        assert CLIENT not in gate.log


@pytest.mark.smoke
@pytest.mark.parametrize(
    "text",
    ["unknown", "_hidden", "1.2.3.4 5.6.7.8", f"{CLIENT}, unix:", f"{CLIENT}, x, 10.1.2.3", "1.2.3"],
)
def test_what_no_proxy_should_write(gate: Gate, backend: Backend, text: str) -> None:
    """Isn't guessed at; the next request on the connection may be another client's."""
    with dial(gate) as peer:
        own = own_name(peer)
        for fields in (forwarded(text), forwarded(CLIENT, text)):
            response = peer.post(OPEN, fields=fields)
            assert "X-Forwarded-For" in is_refusal(response, 400)
            assert not response.head.closes
        assert not backend.seen("OpenSession", "alice")
        open_and_close(peer, CLIENT)
    assert clients(gate, "request_refused") == [f"client={own}"] * 2
    assert clients(gate) == [f"client={CLIENT} via={own}"]


def test_too_many_proxies(gate: Gate) -> None:
    with dial(gate) as peer:
        response = peer.post(OPEN, fields=forwarded(", ".join([CLIENT] + ["10.1.2.3"] * 32)))
        assert "32" in is_refusal(response, 400)
        response = peer.post(OPEN, fields=forwarded(*["10.1.2.3"] * 60))
        assert "32" in is_refusal(response, 400)
        open_and_close(peer, ", ".join([CLIENT] + ["10.1.2.3"] * 31))
    assert clients(gate) == [f"client={CLIENT} via={own_name_in(gate)}"]


def own_name_in(gate: Gate) -> str:
    return re.search(rf"via=({PROXY}:\d+)", gate.log)[1]


@pytest.mark.smoke
def test_headers_that_only_look_like_it(gate: Gate) -> None:
    """A proxy that lets them pass mustn't be a way to be somebody else."""
    with dial(gate) as peer:
        own = own_name(peer)
        peer.extra = [
            "X_Forwarded_For: 1.2.3.4",
            "X-Forwarded-For2: 1.2.3.4",
            *forwarded(CLIENT),
            "Forwarded: for=1.2.3.4",
            "X-Real-IP: 1.2.3.4",
            "X-Forwarded-Fo: 1.2.3.4",
        ]
        peer.close_session(peer.open()).ok()
        for line in ("X-Forwarded-For : 1.2.3.4", " X-Forwarded-For: 1.2.3.4"):
            other = dial(gate)
            response = other.post(OPEN, fields=[*forwarded(CLIENT), line])
            assert response.status == 400 and response.head.closes
    assert clients(gate) == [f"client={CLIENT} via={own}"]


def test_a_trailer_is_no_header(gate: Gate) -> None:
    with dial(gate) as peer:
        own = own_name(peer)
        body = b"%x\r\n%s\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n" % (len(OPEN), OPEN)
        head = peer.request(fields=["Transfer-Encoding: chunked"], length=False)
        peer.send(head + body)
        peer.close_session(peer.receive_message().session).ok()
    assert clients(gate) == [f"client={own}"]


def test_lines_that_name_a_user(gate: Gate) -> None:
    """Refused before its login, a request is nobody's: not the last one's on the connection."""
    with dial(gate) as peer:
        session = peer.open()
        peer.authorization = None
        assert peer.post(OPEN, fields=forwarded(CLIENT), target="/elsewhere").status == 404
        assert peer.post(OPEN, fields=forwarded("unknown")).status == 400
        assert peer.post(OPEN, fields=forwarded(CLIENT)).status == 401
        peer.authorization = basic("carol", "wrong")
        assert peer.post(OPEN, fields=forwarded(CLIENT)).status == 401
        peer.authorization = basic("alice")
        message = call("CloseSession", handle_fields(session))
        Reply(peer.post(message, fields=forwarded(CLIENT)).body).ok()
    refused = [line for line in gate.log.splitlines() if "request_refused" in line]
    assert len(refused) == 3 and all(' user="" ' in line for line in refused), refused
    assert "login_refused client=203.0.113.9 via=" in gate.log
    assert "user=carol" in gate.log


def test_a_request_that_never_ends(make_gate: Callable, make_backend: Callable) -> None:
    """Its log line names its client; one whose head isn't whole is the connection's own."""
    limits = {"request_timeout": "1s", "login_timeout": "1s"}
    gate = make_gate(make_backend(), change=add_listeners, limits=limits)
    for what in ("body", "head"):
        gate.forget_log()
        with dial(gate) as peer:
            own = own_name(peer)
            session = peer.open()
            assert session
            data = peer.request(call("GetInfo", info_fields(session)), fields=forwarded(CLIENT))
            peer.send(data[:-3] if what == "body" else data[:60])
            peer.rest()
        gate.wait_log("request_timed_out")
        found = clients_at_end(gate, "request_timed_out")
        assert found == ([f"client={CLIENT} via={own}"] if what == "body" else [f"client={own}"])
        with dial(gate) as peer:
            peer.close_session(session).ok()


def clients_at_end(gate: Gate, event: str) -> list[str]:
    """As clients(), of lines that end there."""
    return re.findall(rf" {event} (client=.*)", gate.log)


# ---- what goes by address ----


@pytest.fixture
def throttled(make_gate: Callable, make_backend: Callable) -> Gate:
    """A gateway that refuses a user's logins from an address after three failures there."""

    def change(config: dict) -> None:
        add_listeners(config)
        config["authentication"] |= {
            "throttle": {"delay_after": 100, "refuse_after": 3},
            "failure_ttl": 0,
        }

    return make_gate(make_backend(), change=change)


def is_shut_out(peer: HttpPeer, *lists: str) -> bool:
    """Whether not even the right password is looked at; the wrong ones are tried three times."""
    for number in range(3):
        peer.authorization = basic("carol", f"wrong {number}")
        assert peer.post(OPEN, fields=forwarded(*lists)).status == 401
    peer.authorization = basic("carol")
    response = peer.post(OPEN, fields=forwarded(*lists))
    if response.status == 200:
        message = call("CloseSession", handle_fields(Reply(response.body).session))
        Reply(peer.post(message, fields=forwarded(*lists)).body).ok()
        return False
    assert "Too many failed logins" in is_refusal(response, 401)
    return True


@pytest.mark.smoke
def test_failures_are_their_clients(throttled: Gate) -> None:
    """Who guesses behind a proxy shuts out itself: not the proxy, not another client of it."""
    with dial(throttled, user="carol") as peer:
        assert is_shut_out(peer, f"{CLIENT}:1")
        open_and_close(peer, "203.0.113.10")
        open_and_close(peer)
        peer.authorization = basic("carol", "another")
        response = peer.post(OPEN, fields=forwarded(f"1.2.3.4, ::ffff:{CLIENT}"))
        assert "Too many failed logins" in is_refusal(response, 401)
        response = peer.post(OPEN, fields=forwarded("203.0.113.10"))
        assert "Too many" not in is_refusal(response, 401)


def test_failures_cant_be_anothers(throttled: Gate) -> None:
    """Each from an address of its own, as the client says: it is believed by nobody."""
    with dial(throttled, source="127.0.0.9", user="carol") as peer:
        for number in range(3):
            peer.authorization = basic("carol", "wrong")
            assert peer.post(OPEN, fields=forwarded(f"203.0.113.{number}")).status == 401
        peer.authorization = basic("carol")
        response = peer.post(OPEN, fields=forwarded("203.0.113.99"))
        assert "Too many failed logins" in is_refusal(response, 401)
    with dial(throttled, source="127.0.0.9", user="carol") as peer:  # nor by a PROXY header
        peer.try_send(proxy.v1("203.0.113.98") + peer.request(OPEN))
        assert peer.response().status == 400
    with dial(throttled, "both", "127.0.0.9", "carol") as peer:
        peer.send(proxy.v1("203.0.113.98"))
        open_and_close(peer)


# ---- with a PROXY header in front ----


@pytest.mark.smoke
def test_behind_a_balancer_and_a_proxy(gate: Gate) -> None:
    """Whether the header counts depends on whom the balancer names."""
    cases = [
        ("10.9.9.9", CLIENT),  # the proxy, which the balancer passes on
        ("198.51.100.8", "198.51.100.8:4711"),  # a client that adds the header itself
        ("2001:db8::99", CLIENT),
    ]
    for named, client in cases:
        gate.forget_log()
        with dial(gate, "both", "127.0.0.9") as peer:
            own = own_name(peer)
            peer.send(proxy.v2(named))
            open_and_close(peer, f"1.2.3.4, {CLIENT}")
        assert clients(gate) == [f"client={client} via={own}"]


def test_a_balancer_that_names_nobody(gate: Gate) -> None:
    """Then it is itself, and its address decides."""
    for source, client in ((PROXY, f"client={CLIENT} via="), ("127.0.0.9", "client=127.0.0.9:")):
        gate.forget_log()
        with dial(gate, "both", source) as peer:
            peer.send(proxy.binary(proxy.LOCAL, proxy.UNSPEC))
            open_and_close(peer, CLIENT)
        assert clients(gate)[0].startswith(client)
