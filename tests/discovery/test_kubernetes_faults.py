"""The source `kubernetes` with a scripted API server: what the real one can't be made to do."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.api_server import (
    Answer,
    ApiServer,
    Request,
    endpoint,
    list_of,
    slice_of,
    status,
)
from support.certificates import Authority, Certificate
from support.discovery import Discovery, refusal

FIRST = slice_of("sts-a", endpoint("10.1.0.5", "u5", ready=True))
QUICK = {"retry_first_ms": 20, "retry_most_ms": 100}

Serve = Callable[[Request, Answer], None]


class Api:
    """A server that lists FIRST and holds its watches, until a test says otherwise."""

    def __init__(self) -> None:
        self.on_list: Serve = lambda request, out: out.document(list_of(FIRST))
        self.on_watch: Serve = lambda request, out: (out.begin(), out.hold())

    def __call__(self, request: Request, out: Answer) -> None:
        (self.on_watch if request.is_watch else self.on_list)(request, out)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def server(api: Api, certificate: Certificate):
    with ApiServer(certificate, api) as made:
        yield made


@pytest.fixture
def find(server: ApiServer, authority: Authority, token_file: Path):
    """Makes a source of the Service spark/sts."""

    def make(**config: Any) -> Discovery:
        settings = {
            "kind": "kubernetes",
            "server": server.url,
            "ca_file": str(authority.ca_file),
            "token_file": str(token_file),
            "namespace": "spark",
            "service": "sts",
            **QUICK,
            **config,
        }
        return Discovery(**settings)

    return make


def once(first: Serve, later: Serve) -> Serve:
    """The first request gets `first`, all others `later`."""
    begun = threading.Event()

    def serve(request: Request, out: Answer) -> None:
        if begun.is_set():
            later(request, out)
        else:
            begun.set()
            first(request, out)

    return serve


def hold(request: Request, out: Answer) -> None:
    out.begin()
    out.hold()


def test_requests(find, server: ApiServer) -> None:
    with find(page=7, watch_ms=60000) as found:
        found.wait_hosts("10.1.0.5:10000")
        found.wait("a watch", lambda _: server.watches)
    assert found.stopped_ms < 1000
    path = "/apis/discovery.k8s.io/v1/namespaces/spark/endpointslices"
    assert {request.path for request in server.requests} == {path}
    assert {request.token for request in server.requests} == {"first"}
    selector = {"labelSelector": "kubernetes.io/service-name=sts"}
    assert server.lists[0].query == selector | {"limit": "7"}
    assert server.watches[0].query == selector | {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": "10",
        "timeoutSeconds": "60",
    }


def test_expired_event_lists_anew(api: Api, find, server: ApiServer) -> None:
    def expire(request: Request, out: Answer) -> None:
        api.on_list = lambda request, out: out.document(
            list_of(slice_of("sts-b", endpoint("10.1.0.9")), version="99")
        )
        out.begin()
        out.event("ERROR", status(410, "too old resource version: 10 (98)", "Expired"))
        out.end()

    api.on_watch = once(expire, hold)
    with find() as found:
        found.wait_hosts("10.1.0.9:10000")
        found.wait("a second watch", lambda _: len(server.watches) == 2)
        # the expired version is everyday business, no trouble
        assert all(line["standing"]["kind"] == "fresh" for line in found.lines if "standing" in line)
    assert server.watches[1].query["resourceVersion"] == "99"
    assert [len(found_set) for found_set in found.sets] == [1, 1]


def test_error_event_goes_on_from_the_same_version(api: Api, find, server: ApiServer) -> None:
    def fail(request: Request, out: Answer) -> None:
        out.begin()
        out.event("ERROR", status(500, 'etcd is "leaderless"'))
        out.end()

    api.on_watch = once(fail, hold)
    with find() as found:
        found.wait_standing("stale", 'the error 500: etcd is "leaderless"')
        found.wait("a second watch", lambda _: len(server.watches) == 2)
        found.wait_standing("fresh", after=found.mark() - 1)
    assert server.watches[1].query["resourceVersion"] == "10"
    assert len(server.lists) == 1


def test_bookmark_moves_the_version(api: Api, find, server: ApiServer) -> None:
    def bookmark(request: Request, out: Answer) -> None:
        out.begin()
        out.event("BOOKMARK", {"kind": "EndpointSlice", "metadata": {"resourceVersion": "44"}})
        out.end()

    api.on_watch = once(bookmark, hold)
    with find() as found:
        found.wait("a second watch", lambda _: len(server.watches) == 2)
    assert server.watches[1].query["resourceVersion"] == "44"
    assert len(server.lists) == 1 and len(found.sets) == 1


def test_events(api: Api, find, server: ApiServer) -> None:
    """Added, changed and deleted slices; an address that moves from one slice to another."""
    go_on = threading.Semaphore(0)

    def events(request: Request, out: Answer) -> None:
        out.begin()
        second = slice_of("sts-b", endpoint("10.1.0.6", "u6", ready=True), version="11")
        out.event("ADDED", second)
        go_on.acquire()
        terminating = endpoint("10.1.0.5", "u5", ready=False, serving=True, terminating=True)
        out.event("MODIFIED", slice_of("sts-a", terminating, version="12"))
        go_on.acquire()
        both = [endpoint("10.1.0.6", "u6", ready=True), endpoint("10.1.0.5", "new", ready=True)]
        out.event("MODIFIED", slice_of("sts-b", *both, version="13"))
        go_on.acquire()
        out.event("DELETED", slice_of("sts-b", version="14"))
        out.hold()

    api.on_watch = events

    def instances(found_set: list) -> dict[str, tuple]:
        return {
            one["host"]: (one["instance"], one["ready"], one["serving"], one["terminating"])
            for one in found_set
        }

    other = ("pod:u6", True, True, False)
    ends = ("pod:u5", False, True, True)
    with find() as found:
        found.wait_hosts("10.1.0.5:10000", "10.1.0.6:10000")
        go_on.release()
        found.wait_set("it ends", lambda got: instances(got) == {"10.1.0.5": ends, "10.1.0.6": other})
        go_on.release()
        # the address is in both slices now: that of the pod which is ready counts
        fresh = ("pod:new", True, True, False)
        found.wait_set("reused", lambda got: instances(got) == {"10.1.0.5": fresh, "10.1.0.6": other})
        go_on.release()
        found.wait_set("one", lambda got: instances(got) == {"10.1.0.5": ends})


def test_pages(api: Api, find, server: ApiServer) -> None:
    def pages(request: Request, out: Answer) -> None:
        number = int(request.query.get("continue", "0").removeprefix("a+/=") or 0)
        more = f"a+/={number + 1}" if number < 9 else None
        one = slice_of(f"sts-{number}", endpoint(f"10.1.0.{number + 1}"))
        out.document(list_of(one, more=more))

    api.on_list = pages
    with find(page=1) as found:
        found.wait_hosts(*(f"10.1.0.{number}:10000" for number in range(1, 11)))
    assert len(server.lists) == 10
    assert len(found.sets) == 1, "half a list was taken for a set"


def test_continuation_expires(api: Api, find, server: ApiServer) -> None:
    def pages(request: Request, out: Answer) -> None:
        if "continue" in request.query:
            out.document(status(410, "The provided continue parameter is too old", "Expired"), 410)
        else:
            out.document(list_of(FIRST, more="x" if "limit" in request.query else None))

    api.on_list = pages
    with find(page=1) as found:
        found.wait_hosts("10.1.0.5:10000")
    assert ["limit" in request.query for request in server.lists[:3]] == [True, True, False]


def test_token_rotates(api: Api, find, server: ApiServer, token_file: Path) -> None:
    """The file is read for each request; one that is gone for a moment is waited for."""

    def check(request: Request, out: Answer) -> None:
        if request.token == "first":
            out.document(status(401, "Unauthorized", "Unauthorized"), 401)
        else:
            out.document(list_of(FIRST))

    api.on_list = check
    with find() as found:
        found.wait_standing("stale", "HTTP status 401: Unauthorized; the token may be wrong")
        token_file.unlink()
        found.wait_standing("stale", "token")
        token_file.write_text("two words")
        found.wait_standing("stale", "expected one token")
        token_file.write_text("second")
        found.wait_hosts("10.1.0.5:10000")
        found.wait("a watch", lambda _: server.watches)
    assert server.watches[0].token == "second"
    assert "first" not in json.dumps(found.lines) and "second" not in json.dumps(found.lines)


def test_watch_takes_the_new_token(api: Api, find, server: ApiServer, token_file: Path) -> None:
    def short(request: Request, out: Answer) -> None:
        token_file.write_text("second")
        out.begin()
        out.end()

    api.on_watch = once(short, hold)
    with find() as found:
        found.wait("a second watch", lambda _: len(server.watches) == 2)
    assert [request.token for request in server.watches] == ["first", "second"]


CUTS: dict[str, Serve] = {
    "after the head": lambda request, out: (out.begin(), out.cut()),
    "in an event": lambda request, out: (out.begin(), out.raw(b'{"type": "ADD'), out.cut()),
    "in an event, in order": lambda request, out: (out.begin(), out.raw(b'{"type'), out.end()),
    "busy": lambda request, out: out.document(status(503, "busy"), 503),
}


@pytest.mark.parametrize("where", CUTS)
def test_cut_watches(where: str, api: Api, find, server: ApiServer) -> None:
    """The last set stays, the standing says so, and the watch goes on from where it was."""
    api.on_watch = once(CUTS[where], hold)
    with find() as found:
        found.wait_standing("stale")
        found.wait("a second watch", lambda _: len(server.watches) == 2)
        found.wait_standing("fresh", after=found.mark() - 1)
        assert found.look()["set"][0]["host"] == "10.1.0.5"
    assert len(found.sets) == 1 and len(server.lists) == 1
    assert server.watches[1].query["resourceVersion"] == "10"


def test_cut_before_the_answer(api: Api, find, server: ApiServer) -> None:
    """A kept connection may be closed at any time: the request is simply made again."""
    api.on_watch = once(lambda request, out: out.cut(), hold)
    with find() as found:
        found.wait("a second watch", lambda _: len(server.watches) == 2)
        found.wait_hosts("10.1.0.5:10000")
    assert len(found.sets) == 1 and len(server.lists) == 1


def bad_event(**changes: Any) -> bytes:
    made = slice_of("sts-a", endpoint("10.1.0.7"), version="11") | changes
    return json.dumps({"type": "MODIFIED", "object": made}).encode() + b"\n"


GARBAGE: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"<html>\n", "no event of a watch"),
    "no object": (b"[1, 2]\n", "no event of a watch"),
    "a key twice": (b'{"type":"ADDED","type":"ADDED","object":{}}\n', "no event of a watch"),
    "bad UTF-8": (b'{"type":"\xff","object":{}}\n', "no event of a watch"),
    "NUL": (b'{"type":"ADDED\\u0000","object":{}}\n', "no event of a watch"),
    "deep": (b"[" * 100000 + b"\n", "no event of a watch"),
    "unknown type": (b'{"type":"RENAMED","object":{"metadata":{"resourceVersion":"1"}}}\n', "RENAM"),
    "no version": (b'{"type":"BOOKMARK","object":{"metadata":{}}}\n', "makes no sense"),
    "another kind": (bad_event(kind="Secret"), "of kind EndpointSlice"),
    "no address": (bad_event(endpoints=[{"addresses": []}]), "without an address"),
    "no IPv4": (bad_event(endpoints=[endpoint("fd00::1")]), "isn't of its addressType"),
    "a name": (bad_event(endpoints=[endpoint("example.org")]), "isn't of its addressType"),
    "bad port": (bad_event(ports=[{"port": 65536}]), "from 1 to 65535"),
    "bad condition": (
        bad_event(endpoints=[endpoint("10.1.0.7", ready="yes")]),
        "neither true, false nor null",
    ),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage(what: str, api: Api, find, server: ApiServer) -> None:
    """Bad events keep the last set, are told, and make it list anew."""
    sent, problem = GARBAGE[what]
    api.on_watch = once(lambda request, out: (out.begin(), out.raw(sent), out.hold()), hold)
    with find() as found:
        found.wait_standing("stale", problem)
        found.wait("a second list", lambda _: len(server.lists) == 2)
        found.wait_standing("fresh", after=found.mark() - 1)
    assert len(found.sets) == 1


LISTS: dict[str, tuple[Serve, str]] = {
    "no JSON": (lambda request, out: out.document(b"<html>hello"), "isn't a JSON object"),
    "empty": (lambda request, out: out.document(b""), "isn't a JSON object"),
    "no list": (lambda request, out: out.document({"kind": "Pod"}), "isn't a list"),
    "items": (
        lambda request, out: out.document({"metadata": {"resourceVersion": "1"}, "items": {}}),
        "isn't a list",
    ),
    "forbidden": (
        lambda request, out: out.document(status(403, "no\x1b[2Jno"), 403),
        "HTTP status 403: no\\u001b[2Jno; hivegate's service account needs list and watch",
    ),
    "not found": (lambda request, out: out.document(b"404 page not found", 404), "status 404"),
    "redirect": (lambda request, out: out.document(b"", 302, Location="https://x/"), "status 302"),
    "cut": (lambda request, out: out.cut(), "https://127.0.0.1:"),
    "long refusal": (lambda request, out: out.document(b"x" * 70000, 500), "error message of more"),
    "no end": (
        lambda request, out: out.document(list_of(FIRST, more="again")),
        "list has no end",
    ),
}


@pytest.mark.parametrize("what", LISTS)
def test_bad_lists(what: str, api: Api, find, server: ApiServer) -> None:
    bad, problem = LISTS[what]
    good = api.on_list
    api.on_list = bad
    with find() as found:
        found.wait_standing("stale", problem)
        assert found.look()["set"] is None
        api.on_list = good
        found.wait_hosts("10.1.0.5:10000")
        found.wait_standing("fresh")


def drip(request: Request, out: Answer) -> None:
    """A byte now and then, for ever."""
    out.begin()
    while not out.ended.wait(0.02):
        out.raw(b" ")


SILENCES: dict[str, tuple[Serve, str]] = {
    "no head": (lambda request, out: out.hold(), "didn't answer in time"),
    "half an event": (
        lambda request, out: (out.begin(), out.raw(b'{"type":'), out.hold()),
        "stopped in the middle",
    ),
    "drips": (drip, "stopped in the middle"),
}


@pytest.mark.parametrize("how", SILENCES)
def test_silent_watches(how: str, api: Api, find, server: ApiServer) -> None:
    silent, problem = SILENCES[how]
    api.on_watch = once(silent, hold)
    with find(request_timeout_ms=300) as found:
        found.wait_standing("stale", problem)
        found.wait("a second watch", lambda _: len(server.watches) == 2)
        found.wait_standing("fresh", after=found.mark() - 1)
    assert len(found.sets) == 1 and found.stopped_ms < 1000


def test_silent_list(api: Api, find) -> None:
    api.on_list = lambda request, out: out.hold()
    with find(request_timeout_ms=200) as found:
        found.wait_standing("stale", "didn't answer in time")
    assert found.stopped_ms < 1000


def test_endless_event(api: Api, find, server: ApiServer) -> None:
    """More than any object can have: nothing is kept of it."""

    def flood(request: Request, out: Answer) -> None:
        out.begin()
        while True:
            out.raw(b"x" * 65536)

    api.on_watch = once(flood, hold)
    with find() as found:
        found.wait_standing("stale", "an event of more than 4194304 bytes")
        found.wait_standing("fresh", after=found.mark() - 1)


def test_short_watches_are_no_storm(api: Api, find, server: ApiServer) -> None:
    """A server that ends every watch at once is asked ever more slowly."""
    api.on_watch = lambda request, out: (out.begin(), out.end())
    with find(retry_first_ms=50, retry_most_ms=10000) as found:
        found.wait("five watches", lambda _: len(server.watches) >= 5)
        time.sleep(0.5)
        # waits of 25..50, 50..100, ... ms: in half a second after five of them comes one at most
        assert len(server.watches) <= 7


def test_wrong_authority(find, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "other")
    with find(ca_file=str(other.ca_file)) as found:
        found.wait_standing("stale", "certificate")


def test_wrong_name(api: Api, authority: Authority, token_file: Path, find) -> None:
    """The server's certificate has to name it, as an address where that is what is configured."""
    with ApiServer(authority.issue("elsewhere", names=("DNS:elsewhere",)), api) as server:
        with find(server=server.url) as found:
            found.wait_standing("stale", "127.0.0.1")
    assert not server.requests


def test_ports(api: Api, find) -> None:
    ports = [{"name": "thrift", "port": 10001}, {"name": "ui", "port": 4040}]
    api.on_list = lambda request, out: out.document(
        list_of(slice_of("sts-a", endpoint("10.1.0.5"), ports=ports))
    )
    with find(port_name="thrift") as found:
        found.wait_hosts("10.1.0.5:10001")
    with find(port_number=4040) as found:
        found.wait_hosts("10.1.0.5:4040")
    with find() as found:
        found.wait_standing("stale", '"thrift" (10001), "ui" (4040); name one of these')


def test_dual_stack(api: Api, find) -> None:
    both = list_of(
        slice_of("sts-4", endpoint("10.1.0.5", "u5", ready=True), endpoint("10.1.0.6", "u6")),
        slice_of(
            "sts-6", endpoint("fd00::5", "u5", ready=False), endpoint("fd00::7", "u7"), family="IPv6"
        ),
        slice_of("sts-n", endpoint("pod.example.org"), family="FQDN"),
    )
    api.on_list = lambda request, out: out.document(both)
    with find() as found:
        got = found.wait_set("three", lambda got: len(got) == 3)["set"]
        brief = [(one["host"], one["other_host"], one["ready"]) for one in got]
        assert brief == [
            ("10.1.0.5", "fd00::5", False),
            ("10.1.0.6", None, True),
            ("fd00::7", None, True),
        ]
    with find(family="ipv4") as found:
        found.wait_hosts("10.1.0.5:10000", "10.1.0.6:10000")
    with find(family="ipv6") as found:
        found.wait_hosts("fd00::5:10000", "fd00::7:10000")


def test_empty(api: Api, find) -> None:
    """No endpoints is an answer, too: the set becomes empty."""
    go_on = threading.Event()

    def delete(request: Request, out: Answer) -> None:
        out.begin()
        go_on.wait(60)
        out.event("DELETED", slice_of("sts-a", version="11"))
        out.hold()

    api.on_watch = delete
    with find() as found:
        found.wait_hosts("10.1.0.5:10000")
        go_on.set()
        found.wait_hosts()
        found.wait_standing("fresh", "there is no EndpointSlice of the Service spark/sts")


REFUSED = {
    "http://10.1.2.3:6443": "expected https",
    "ftp://localhost": "isn't one of http or https",
    "https://u:p@localhost": "holds a user name",
}


@pytest.mark.parametrize("url", REFUSED)
def test_refused_servers(url: str) -> None:
    said = refusal(kind="kubernetes", server=url, namespace="spark", service="sts")
    assert REFUSED[url] in said


@pytest.mark.parametrize("name", ["", "Sts", "a/b", "a?b", "-a", "a" * 64])
def test_refused_names(name: str) -> None:
    where = {"kind": "kubernetes", "server": "https://localhost"}
    assert "expected up to 63" in refusal(namespace="spark", service=name, **where)
    assert "expected up to 63" in refusal(namespace=name, service="sts", **where)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_inside_of_a_cluster(
    host: str, find, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server's URL, the pod's environment tells it."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    with find(server=None) as found:
        found.wait_hosts("10.1.0.5:10000")


def test_outside_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    said = refusal(kind="kubernetes", namespace="spark", service="sts")
    assert "doesn't run in a cluster" in said
