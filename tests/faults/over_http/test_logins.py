"""Each request says who sends it."""

from __future__ import annotations

import base64
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hivegate import add_user

from ..kit.backend import Backend
from ..kit.gate import Gate, eventually
from ..kit.http import (
    OPEN,
    add_listener,
    basic,
    http_peer,
    is_refusal,
)
from ..kit.messages import (
    Handle,
    call,
    info_fields,
)


@pytest.mark.smoke
def test_no_login(gate: Gate, backend: Backend) -> None:
    """401, and the same connection serves the retry: the body was thrown away."""
    with http_peer(gate) as peer:
        for size in (0, 3):
            peer.chunk = size
            for authorization in (
                None,
                "",
                "Basic",
                "Basic ",
                "Basic !!!!",
                "Basic Zg",
                "Bearer abc",
                "Negotiate abc",
                "Basicx " + basic("alice")[6:],
                "Basic " + base64.b64encode(b"alice").decode(),
                "Basic " + base64.b64encode(b":alice-secret").decode(),
                "Basic " + base64.b64encode(b"\0alice\0alice-secret").decode(),
                basic("alice", ""),
                basic("alice", "wrong"),
                basic("nobody", "alice-secret"),
                basic("alice", "alice-secret "),
                basic("alice", "alice-secret\0"),
                basic("alice\0", "alice-secret"),
                basic("ALICE", "alice-secret"),
            ):
                peer.authorization = authorization
                response = peer.post(OPEN)
                is_refusal(response, 401)
                assert response.head.fields["www-authenticate"].startswith("Basic realm=")
                told = response.head.fields["x-thriftserver-error-message"]
                assert told == response.text.rstrip("\n")  # where Databricks' clients look
                assert not response.head.closes
        peer.chunk = 0
        peer.authorization = basic("alice")
        session = peer.open()
        peer.authorization = None
        assert peer.post(call("GetInfo", info_fields(session))).status == 401
        peer.authorization = basic("alice")
        peer.close_session(session).ok()
    assert len(backend.seen("OpenSession", "alice")) == 1
    assert "alice-secret" not in gate.log


def test_two_logins_in_one_request(gate: Gate) -> None:
    with http_peer(gate) as peer:
        response = peer.post(OPEN, fields=[f"Authorization: {basic('bob')}"])
        is_refusal(response, 401)


@pytest.mark.smoke
def test_basic_in_any_case(gate: Gate) -> None:
    with http_peer(gate) as peer:
        peer.authorization = basic("alice").replace("Basic", "bAsIc")
        peer.close_session(peer.open()).ok()


def test_colons_in_a_password(
    make_backend: Callable, tmp_path: Path, users_file: Path, make_gate: Callable
) -> None:
    """The name ends at the first colon. Spark itself cuts the password at the next one."""
    gate = make_gate(make_backend(), change=add_listener, bystanders=0)
    add_user(gate.hivegate.directory / "users.txt", "colons", "a:b::c:")
    gate.signal(signal.SIGHUP)
    peer = http_peer(gate, "colons", "a:b::c:")

    def gets_in() -> bool:
        return peer.post(call("GetInfo", info_fields(Handle.random()))).status == 200

    eventually(gets_in, "the new user gets in")
    peer.close_session(peer.open()).ok()
    for cut in ("a", "a:b", "a:b::c"):
        peer.authorization = basic("colons", cut)
        assert peer.post(OPEN).status == 401


@pytest.mark.smoke
def test_the_cookie_key_is_changed(make_http: Callable, tmp_path: Path) -> None:
    """Cookies of the old key go on, those of the one before it don't; a file that can't be a key
    changes nothing."""
    key = tmp_path / "cookie.key"

    def write(data: bytes) -> None:
        key.write_bytes(data)
        key.chmod(0o600)

    def change(config: dict) -> None:
        add_listener(config)
        config["authentication"]["cookie"] = {"key_file": str(key)}

    def cookie() -> str:
        with http_peer(gate) as peer:
            response = peer.post(OPEN)
            return response.head.fields["set-cookie"].partition(";")[0]

    def is_good(value: str) -> bool:
        with http_peer(gate) as peer:
            peer.authorization = None
            message = call("GetInfo", info_fields(Handle.random()))
            return peer.post(message, fields=[f"Cookie: {value}"]).status == 200

    def reload(log: str) -> None:
        gate.forget_log()
        gate.signal(signal.SIGHUP)
        gate.wait_log(log)

    write(b"1" * 32)
    gate, _ = make_http(change=change, bystanders=0, limits={"session_idle": "1s"})
    first = cookie()
    assert is_good(first)
    write(b"2" * 32)
    reload("cookie_key_reloaded")
    second = cookie()
    assert is_good(first) and is_good(second)
    for bad in (b"", b"short"):
        write(bad)
        reload("cookie_key_not_reloaded")
    assert is_good(first) and is_good(second)
    write(b"2" * 32)
    reload("users_reloaded")  # the same key: nothing is changed
    assert is_good(first)
    write(b"3" * 32)
    reload("cookie_key_reloaded")
    assert is_good(second) and not is_good(first) and is_good(cookie())
