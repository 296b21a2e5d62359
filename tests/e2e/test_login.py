"""Who gets in: the SASL exchange, byte by byte and as drivers see it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from impala import dbapi
from pyhive import hive
from support.hivegate import add_user
from TCLIService import ttypes
from thrift.transport.TTransport import TTransportException

from e2e.harness.fleet import Gateway, Pair, Spark
from e2e.harness.wire import (
    BAD,
    COMPLETE,
    ERROR,
    OK,
    Connection,
    Failed,
    LoginRefused,
    Target,
    request_bytes,
)


@pytest.mark.smoke
@pytest.mark.parametrize("status", [COMPLETE, OK], ids=["COMPLETE", "OK"])
def test_the_initial_response_under_either_status(pair: Pair, status: int) -> None:
    """Java sends it as COMPLETE, Python, Go and Node as OK."""
    for target in pair.targets:
        with Connection(target, status=status) as connection:
            assert connection.open().value("SELECT current_user()") == "alice"


@pytest.mark.smoke
def test_what_success_looks_like(pair: Pair) -> None:
    """COMPLETE with no payload, and nothing behind it: the same bytes as Spark's."""
    answers = []
    for target in pair.targets:
        with Connection(target, login=False) as connection:
            connection.sasl_send(1, b"PLAIN")
            connection.sasl_send(COMPLETE, f"\0{target.user}\0{target.password}".encode())
            answers.append(connection.receive(5))
    assert answers[0] == answers[1] == b"\x05\0\0\0\0"


@pytest.mark.parametrize("whole", [True, False], ids=["in one write", "byte by byte"])
def test_login_and_first_call_at_once(pair: Pair, whole: bool) -> None:
    """A client may send everything before it hears anything."""
    for target in pair.targets:
        with Connection(target, login=False) as connection:
            secret = f"\0{target.user}\0{target.password}".encode()
            data = b"\x01\0\0\0\x05PLAIN\x05" + len(secret).to_bytes(4, "big") + secret
            data += connection.frame(request_bytes("OpenSession", ttypes.TOpenSessionReq(9), 1))
            if whole:
                connection.send(data)
            else:
                for byte in data:
                    connection.send(bytes([byte]))
            assert connection.sasl_receive() == (COMPLETE, b"")
            assert connection.receive_message().ok().name == "OpenSession"


WRONG = {
    "wrong password": ("alice", "wrong"),
    "another's password": ("alice", "bob-secret"),
    "unknown user": ("nobody", "alice-secret"),
    "empty password": ("alice", ""),
    "empty name": ("", "alice-secret"),
    "name in other case": ("Alice", "alice-secret"),
    "password in other case": ("alice", "ALICE-SECRET"),
    "a part of the password": ("alice", "alice-secre"),
    "more than the password": ("alice", "alice-secret "),
    "name with a realm": ("alice@REALM", "alice-secret"),
    "name with a host": ("alice/host", "alice-secret"),
    "name with a colon": ("alice:x", "alice-secret"),
    "name with a newline": ("alice\n", "alice-secret"),
    "unicode": ("zürich", "東京"),
    "long": ("a" * 1000, "b" * 1000),
}


@pytest.mark.smoke
@pytest.mark.parametrize("who", WRONG.values(), ids=WRONG)
def test_who_does_not_get_in(pair35: Pair, who: tuple[str, str]) -> None:
    """BAD or ERROR with a text, then the connection closes."""
    with pytest.raises(LoginRefused) as refused:
        Connection(pair35.via.as_user(*who))
    assert refused.value.status in (BAD, ERROR)
    assert len(refused.value.text) > 20, refused.value.text
    assert who[1] == "" or who[1] not in refused.value.text


def test_the_refusal_does_not_tell_which_users_exist(pair35: Pair) -> None:
    texts = set()
    for user in ("alice", "nobody"):
        with pytest.raises(LoginRefused) as refused:
            Connection(pair35.via.as_user(user, "wrong"))
        texts.add((refused.value.status, refused.value.text.replace(user, "NAME")))
    assert len(texts) == 1, texts


def test_a_success_is_not_remembered_for_another_password(pair35: Pair) -> None:
    for _ in range(3):
        with Connection(pair35.via.as_user("carol")) as connection:
            assert connection.open().value("SELECT current_user()") == "carol"
        with pytest.raises(LoginRefused):
            Connection(pair35.via.as_user("carol", "wrong"))


@pytest.mark.smoke
def test_authzid(pair: Pair) -> None:
    """Empty or one's own name. Spark ignores another; hivegate refuses what it won't do."""
    with Connection(pair.via, authzid="alice") as connection:
        assert connection.open().value("SELECT current_user()") == "alice"
    for authzid in ("bob", "root", "Alice", "alice2"):
        with pytest.raises(LoginRefused) as refused:
            Connection(pair.via, authzid=authzid)
        assert refused.value.status in (BAD, ERROR)
        assert len(refused.value.text) > 20


@pytest.mark.parametrize("mechanism", ["GSSAPI", "DIGEST-MD5", "ANONYMOUS", "", "plain", "X" * 200])
def test_other_mechanisms(pair35: Pair, mechanism: str) -> None:
    answers = []
    for target in pair35.targets:
        with Connection(target, login=False) as connection:
            connection.sasl_send(1, mechanism.encode())
            status, text = connection.sasl_receive()
            answers.append(status)
            assert text
            assert connection.closed_by_server()
    assert answers[1] in (BAD, ERROR) and answers[0] in (BAD, ERROR)


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"alice",
        b"\0alice",
        b"\0alice\0",
        b"\0\0alice-secret",
        b"\0\0",
        b"\xff\0alice\0alice-secret",
        b"\0alice\0alice-secret\0",
        b"\0alice\0alice-secret\0more",
        b"alice\0alice-secret",
        b"\0alice\0\0alice-secret",
    ],
)
def test_responses_that_are_no_credentials(pair35: Pair, response: bytes) -> None:
    with Connection(pair35.via, login=False) as connection:
        with pytest.raises(LoginRefused) as refused:
            connection.login_with("PLAIN", response)
        assert len(refused.value.text) > 10
        assert connection.closed_by_server()


def test_names_beyond_ascii(pair: Pair) -> None:
    """Spark spoils such a name when it reads a login, so a session as the user would be somebody
    else's: it is refused. (With a service login the name arrives whole: see test_service_login.)"""
    with Connection(pair.direct.as_user("jürgen w.")) as connection:
        assert connection.open().value("SELECT current_user()") != "jürgen w."
    with Connection(pair.via.as_user("jürgen w.")) as connection:
        with pytest.raises(Failed) as refused:
            connection.open()
    assert refused.value.status["sqlstate"] == "HY000"
    assert "jürgen w." in refused.value.status["message"]
    assert "login: service" in refused.value.status["message"]


@pytest.mark.smoke
def test_a_changed_users_file(
    sparks: dict[str, Spark], make_gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    """Read again on SIGHUP: a new password, a new user and a deleted one count from then on."""
    users = tmp_path / "users.txt"
    add_user(users, "alice", "first")
    add_user(users, "bob", "bobs")
    gateway = make_gateway([sparks["3.5"].address], users=users)
    target = gateway.target()
    for user, password in (("alice", "first"), ("bob", "bobs")):
        Connection(target.as_user(user, password)).close()
    users.unlink()
    add_user(users, "alice", "second")
    add_user(users, "carol", "carols")
    os.kill(gateway.pid, signal.SIGHUP)
    deadline = time.monotonic() + 60
    while True:
        try:
            Connection(target.as_user("carol", "carols")).close()
            break
        except LoginRefused:
            assert time.monotonic() < deadline, "the users file was never read again"
            time.sleep(0.1)
    with Connection(target.as_user("alice", "second")) as connection:
        assert connection.open().value("SELECT current_user()") == "alice"
    for user, password in (("alice", "first"), ("bob", "bobs")):
        with pytest.raises(LoginRefused):
            Connection(target.as_user(user, password))


def test_pyhive_shows_the_reason(pair35: Pair) -> None:
    with pytest.raises(TTransportException) as told:
        hive.connect("127.0.0.1", pair35.via.port, username="alice", password="x", auth="CUSTOM")
    text = str(told.value).lower()
    assert "bad status" in text
    assert "password" in text or "login" in text, text


def test_impyla_shows_the_reason(pair35: Pair) -> None:
    with pytest.raises(TTransportException) as told:
        connection = dbapi.connect(
            "127.0.0.1",
            pair35.via.port,
            user="alice",
            password="x",
            auth_mechanism="PLAIN",
            retries=1,
        )
        connection.cursor()
    text = str(told.value).lower()
    assert "password" in text or "login" in text, text


def test_a_password_is_never_passed_on(pair35: Pair) -> None:
    """Nor written down: neither hivegate's log nor Spark's has it."""
    target: Target = pair35.via.as_user("bob")
    with Connection(target) as connection:
        connection.open_reply(username="bob", password=target.password).ok()
    with pytest.raises(LoginRefused):
        Connection(target.as_user("bob", "wrong-but-secret"))
    for log in (pair35.gateway.log_text(), pair35.spark.server.log_text()):
        assert target.password not in log
        assert "wrong-but-secret" not in log
