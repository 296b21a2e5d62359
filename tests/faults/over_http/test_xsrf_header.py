"""`xsrf_header: true`: requests that a page in a browser could have sent are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..kit.backend import Backend
from ..kit.gate import Gate
from ..kit.http import OPEN, add_listener, http_peer, is_refusal
from ..kit.messages import Reply, call, handle_fields


@pytest.fixture
def strict(make_http: Callable) -> tuple[Gate, Backend]:
    def change(config: dict) -> None:
        add_listener(config)
        config["listeners"][-1]["http"] = {"xsrf_header": True}

    return make_http(change=change)


@pytest.mark.smoke
def test_requests_without_it(strict: tuple[Gate, Backend]) -> None:
    """400, as from Hive, whatever their login; the connection goes on."""
    gate, backend = strict
    with http_peer(gate) as peer:
        for chunk in (0, 5):
            peer.chunk = chunk
            for fields in ([], ["X-XSRF-HEADE: true"], ["X-CSRF-TOKEN: true"], ["Origin: null"]):
                response = peer.post(OPEN, fields=fields)
                assert "X-XSRF-HEADER" in is_refusal(response, 400)
                assert not response.head.closes
        peer.authorization = None
        assert peer.post(OPEN).status == 400
        assert not backend.seen("OpenSession", "alice")
        assert peer.post(OPEN, fields=["X-XSRF-HEADER: true"]).status == 401
    assert "without X-XSRF-HEADER" in gate.log


@pytest.mark.smoke
@pytest.mark.parametrize("line", ["X-XSRF-HEADER: true", "x-xsrf-header:", "X-Xsrf-Header: any"])
def test_requests_with_it(strict: tuple[Gate, Backend], line: str) -> None:
    """As Hive's driver sends it; only that it is there counts."""
    gate, backend = strict
    with http_peer(gate) as peer:
        peer.extra = [line]
        peer.close_session(peer.open()).ok()
    assert len(backend.seen("OpenSession", "alice")) == 1


def test_a_cookie_alone_doesnt_do(strict: tuple[Gate, Backend]) -> None:
    """It is what a browser would send by itself."""
    gate, backend = strict
    with http_peer(gate) as peer:
        peer.extra = ["X-XSRF-HEADER: true"]
        response = peer.post(OPEN)
        cookie = response.head.fields["set-cookie"].partition(";")[0]
        session = Reply(response.body).session
        peer.authorization = None
        peer.extra = [f"Cookie: {cookie}"]
        is_refusal(peer.post(call("CloseSession", handle_fields(session))), 400)
        peer.extra = [f"Cookie: {cookie}", "X-XSRF-HEADER: true"]
        peer.close_session(session).ok()
    assert len(backend.seen("OpenSession", "alice")) == 1


def test_other_refusals_come_first(strict: tuple[Gate, Backend]) -> None:
    gate, _ = strict
    with http_peer(gate) as peer:
        assert peer.post(OPEN, target="/elsewhere").status == 404
        assert peer.post(OPEN, method="GET").status == 405
        assert peer.post(OPEN, fields=["Expect: 100-continue"]).status == 400


def test_off_unless_asked_for(gate: Gate) -> None:
    with http_peer(gate) as peer:
        peer.close_session(peer.open()).ok()
