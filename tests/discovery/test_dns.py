"""The source `dns` with a real name server (Knot DNS), and with one that misbehaves."""

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.discovery import Discovery, refusal
from support.knot import Knot, ScriptedServer

WEB = ("web 1 A 10.1.0.5", "web 1 A 10.1.0.6")
QUICK = {"retry_first_ms": 50, "retry_most_ms": 200, "try_timeout_ms": 200, "timeout_ms": 800}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with Knot(tmp_path_factory.mktemp("knot") / "k") as made:
        yield made


@pytest.fixture
def knot(running: Knot) -> Knot:
    """The server with what each test begins with."""
    running.set(*WEB)
    return running


def find(knot: Knot, name: str = "web.pool.test.", **config: Any) -> Discovery:
    settings = {"name": name, "servers": knot.servers, **QUICK, **config}
    if config.get("mode") != "srv":
        settings.setdefault("port", 10000)
    return Discovery(kind="dns", **settings)


def test_addresses_come_and_go(knot: Knot) -> None:
    with find(knot) as found:
        found.wait_hosts("10.1.0.5:10000", "10.1.0.6:10000")
        found.wait_standing("fresh")
        knot.set("web 1 A 10.1.0.6", "web 1 A 10.1.0.7")
        found.wait_hosts("10.1.0.6:10000", "10.1.0.7:10000")
    assert found.stopped_ms < 1000
    assert len(found.sets) == 2, "the same addresses were told twice"


def test_ttl_is_kept(knot: Knot) -> None:
    """Nothing is asked before the TTL has run out, and soon after that it is."""
    knot.set("web 3 A 10.1.0.5")
    with find(knot) as found:
        first = found.wait_hosts("10.1.0.5:10000")["at"]
        knot.set("web 3 A 10.1.0.9")
        second = found.wait_hosts("10.1.0.9:10000")["at"]
    assert second - first >= 3.0


def test_ttl_has_bounds(knot: Knot) -> None:
    knot.set("web 3600 A 10.1.0.5", "zero 0 A 10.1.0.5")
    with find(knot, ttl_most_ms=200) as found:
        found.wait_hosts("10.1.0.5:10000")
        knot.set("web 3600 A 10.1.0.9")
        found.wait_hosts("10.1.0.9:10000")
    # a TTL of 0 is no reason to ask without pause
    with ScriptedServer(lambda query: reply(query, [(1, 0, bytes([10, 1, 0, 5]))])) as server:
        with find(server, family="ipv4", ttl_least_ms=300) as found:
            found.wait_hosts("10.1.0.5:10000")
            asked = server.queries
            time.sleep(1.0)
            assert 1 <= server.queries - asked <= 4


def test_both_families(knot: Knot) -> None:
    knot.set(*WEB, "web 1 AAAA fd00::5", "six 1 AAAA fd00::6")
    with find(knot) as found:
        found.wait_hosts("10.1.0.5:10000", "10.1.0.6:10000")
    with find(knot, family="ipv6") as found:
        found.wait_hosts("fd00::5:10000")
    with find(knot, "six.pool.test.") as found:
        found.wait_hosts("fd00::6:10000")
    with find(knot, "six.pool.test.", family="ipv4") as found:
        found.wait_standing("stale", "it has no A records")


def test_alias(knot: Knot) -> None:
    """The TTL of a CNAME counts, too."""
    knot.set("web 1 CNAME real", "real 3600 A 10.1.0.5")
    with find(knot) as found:
        found.wait_hosts("10.1.0.5:10000")
        knot.set("web 1 CNAME real", "real 3600 A 10.1.0.8")
        found.wait_hosts("10.1.0.8:10000")


def test_many_addresses(knot: Knot) -> None:
    """More than a datagram holds: asked for again over TCP."""
    knot.set(*(f"web 1 A 10.1.{n // 250}.{n % 250 + 1}" for n in range(1500)))
    with find(knot) as found:
        found.wait_set("1500 endpoints", lambda got: len(got) == 1500)


def test_services(knot: Knot) -> None:
    knot.set(
        "_thrift._tcp.web 1 SRV 0 10 10001 sts-0",
        "_thrift._tcp.web 1 SRV 0 30 10002 sts-1",
        "_thrift._tcp.web 1 SRV 1 0 10003 sts-2",
        "_thrift._tcp.web 1 SRV 0 10 10004 gone",
        "sts-0 1 A 10.1.0.5",
        "sts-1 1 A 10.1.0.6",
        "sts-1 1 AAAA fd00::6",
        "sts-2 1 AAAA fd00::7",
    )
    with find(knot, "_thrift._tcp.web.pool.test.", mode="srv") as found:
        got = found.wait_set("three", lambda got: len(got) == 3)["set"]
        names = ("host", "port", "other_host", "name", "weight", "priority")
        assert [tuple(one[name] for name in names) for one in got] == [
            ("10.1.0.5", 10001, None, "sts-0.pool.test", 10, 0),
            ("10.1.0.6", 10002, "fd00::6", "sts-1.pool.test", 30, 0),
            ("fd00::7", 10003, None, "sts-2.pool.test", 0, 1),
        ]
        found.wait_standing("fresh", "1 targets of its SRV records have no address")
        knot.set("_thrift._tcp.web 1 SRV 0 10 10001 sts-9", "sts-9 1 A 10.1.0.9")
        found.wait_hosts("10.1.0.9:10001")
        # "decidedly not available" (RFC 2782)
        knot.set("_thrift._tcp.web 1 SRV 0 0 0 .")
        found.wait_standing("stale", "none of the targets")
        assert found.look()["set"][0]["host"] == "10.1.0.9"


def test_nothing_keeps_the_last_set(knot: Knot) -> None:
    with find(knot) as found:
        found.wait_hosts("10.1.0.5:10000", "10.1.0.6:10000")
        knot.set("other 1 A 10.1.0.1")
        found.wait_standing("stale", "the name doesn't exist")
        knot.set("web 1 TXT here")
        found.wait_standing("stale", "it has no A records")
        assert len(found.look()["set"]) == 2
        knot.set("web 1 A 10.1.0.5")
        found.wait_hosts("10.1.0.5:10000")
        found.wait_standing("fresh", after=found.mark() - 2)


def test_server_is_away(tmp_path: Path) -> None:
    """Silent, gone, or without its zone (SERVFAIL): the last set stays until it is back."""
    with Knot(tmp_path / "k", WEB) as knot, find(knot) as found:
        found.wait_hosts("10.1.0.5:10000", "10.1.0.6:10000")
        knot.freeze()
        found.wait_standing("stale", "A records of ")
        knot.thaw()
        found.wait_standing("fresh", after=found.mark() - 1)
        knot.stop()
        marked = found.mark()
        found.wait_standing("stale", after=marked)
        assert len(found.look()["set"]) == 2
        knot.start()
        found.wait_standing("fresh", after=found.mark() - 1)
        marked = found.mark()
        knot.lose()
        found.wait_standing("stale", after=marked)
        assert len(found.look()["set"]) == 2 and len(found.sets) == 1


def test_stop_while_waiting(tmp_path: Path) -> None:
    with Knot(tmp_path / "k", WEB) as knot:
        knot.freeze()
        with find(knot, try_timeout_ms=20000, timeout_ms=60000) as found:
            time.sleep(0.3)  # it waits for an answer now
        knot.thaw()
    assert found.stopped_ms < 1000


def kind_asked(query: bytes) -> int:
    """The type of the records that a query is for."""
    end = query.index(b"\0", 12) + 1
    return struct.unpack("!H", query[end : end + 2])[0]


def reply(query: bytes, records: list[tuple[int, int, bytes]], code: int = 0) -> bytes:
    """An answer to a query with records (type, TTL, data) of the name asked for."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    fitting = [record for record in records if record[0] == kind_asked(query)]
    head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(fitting), 0, 0)
    rows = (
        b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
        for kind, ttl, data in fitting
    )
    return head + question + b"".join(rows)


A = bytes([10, 1, 0, 5])
V6 = b"\xfd" + b"\0" * 15
BAD = {
    "SERVFAIL": lambda query: reply(query, [], 2),
    "REFUSED": lambda query: reply(query, [], 5),
    "a short address": lambda query: reply(query, [(1, 1, A[:3])]),
    "a long address": lambda query: reply(query, [(1, 1, A + b"x")]),
    "cut": lambda query: reply(query, [(1, 1, A)])[:-2],
    "IPv6 only": lambda query: reply(query, [(28, 1, V6)], 2 if kind_asked(query) == 1 else 0),
    "nothing at all": lambda query: b"\0",
    "noise": lambda query: query[:2] + b"\xff" * 40,
}


@pytest.mark.parametrize("what", BAD)
def test_bad_answers(what: str) -> None:
    """What nobody could answer leaves everything as it was."""
    state = {"answer": lambda query: reply(query, [(1, 1, A), (28, 1, V6)])}
    with ScriptedServer(lambda query: state["answer"](query)) as server:
        with find(server, ttl_most_ms=100, ttl_least_ms=50) as found:
            found.wait_hosts("10.1.0.5:10000")
            good = state["answer"]
            state["answer"] = BAD[what]
            found.wait_standing("stale", "records of ")
            assert found.look()["set"][0]["host"] == "10.1.0.5"
            state["answer"] = good
            found.wait_standing("fresh", after=found.mark() - 2)
        assert len(found.sets) == 1


def test_search_domains(knot: Knot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without a dot at its end is completed. LOCALDOMAIN stands for resolv.conf's search."""
    monkeypatch.setenv("LOCALDOMAIN", "sub.pool.test pool.test")
    with find(knot, "web") as found:
        found.wait_hosts("10.1.0.5:10000", "10.1.0.6:10000")
        # the search for IPv6 ends at a server that refuses: with IPv4 found, that is no matter
        found.wait_standing("fresh")


def test_refused() -> None:
    assert "no list of name servers" in refusal(
        kind="dns", name="web.", port=1, servers="dns.example.org"
    )
    assert "name one" in refusal(kind="dns", name="web.")
    assert "expected a name" in refusal(kind="dns", name="", port=1)
    assert "expected a name" in refusal(kind="dns", name="a b", port=1)
