"""A handle works for the user it was given to, on any connection, and for nobody else.

To everyone else it must be as if it didn't exist: the answer is the one that a random handle gets,
in Spark's own words.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import pytest
from TCLIService import ttypes

from e2e.harness import thrift_tree as tree
from e2e.harness.fleet import Pair
from e2e.harness.queries import slow
from e2e.harness.wire import Connection, Operation, Reply, Session

SESSION_CALLS: dict[str, list] = {
    "CloseSession": [],
    "GetInfo": [(2, tree.I32, 17)],
    "ExecuteStatement": [(2, tree.STRING, b"SELECT current_user()")],
    "GetTypeInfo": [],
    "GetCatalogs": [],
    "GetSchemas": [],
    "GetTables": [],
    "GetTableTypes": [],
    "GetColumns": [],
    "GetFunctions": [(4, tree.STRING, b"%")],
    "GetPrimaryKeys": [],
    "GetCrossReference": [],
    "GetDelegationToken": [(2, tree.STRING, b"alice"), (3, tree.STRING, b"alice")],
    "CancelDelegationToken": [(2, tree.STRING, b"token")],
    "RenewDelegationToken": [(2, tree.STRING, b"token")],
    "SetClientInfo": [],
    "UploadData": [(4, tree.STRING, b"1")],
    "DownloadData": [(3, tree.STRING, b"SELECT 1")],
}
OPERATION_CALLS: dict[str, list] = {
    "GetOperationStatus": [],
    "CancelOperation": [],
    "CloseOperation": [],
    "GetResultSetMetadata": [],
    "FetchResults": [(2, tree.I32, 0), (3, tree.I64, 10)],
    "GetQueryId": [],
}

# Where Spark doesn't look at the handle (it answers GetInfo and SetClientInfo to anybody, and says
# of tokens only that there are none) or ends in an internal error, hivegate may say instead what
# the other methods say.
SPARK_DOES_NOT_LOOK = {
    "GetInfo",
    "SetClientInfo",
    "GetDelegationToken",
    "CancelDelegationToken",
    "RenewDelegationToken",
    "GetQueryId",
    "UploadData",
    "DownloadData",
}


def identifier(guid: bytes, secret: bytes) -> list:
    return [(1, tree.STRUCT, [(1, tree.STRING, guid), (2, tree.STRING, secret)])]


def ask(connection: Connection, name: str, guid: bytes, secret: bytes, kind: int = 0) -> dict:
    """Calls a method with a handle and shows the answer with the handle's id taken out."""
    if name in SESSION_CALLS:
        handle, rest = identifier(guid, secret), SESSION_CALLS[name]
    else:
        handle = [*identifier(guid, secret), (2, tree.I32, kind), (3, tree.BOOL, 1)]
        rest = OPERATION_CALLS[name]
    reply = connection.call(name, [(1, tree.STRUCT, handle), *rest])
    return shown(reply, guid)


def shown(reply: Reply, guid: bytes) -> dict:
    """An answer, field by field. Of the info messages only the first, which is the error's class
    and text; the rest is the stack of a Java program."""
    text = str(uuid.UUID(bytes=guid))

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(text, "<id>")
        if isinstance(value, list):
            return [walk(item) for item in value]
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items()}
        return value

    answer = walk(reply.shown)
    status = answer["body"].get(0, {}).get(1) if reply.message.type == tree.REPLY else None
    if isinstance(status, dict) and 2 in status:
        first = status.pop(2)[0]
        answer["first info"] = first.rsplit(":", 2)[0]  # without the stack's depths
    return answer


class Owned:
    """A session and an operation of alice through hivegate, and what belongs to them."""

    def __init__(self, connection: Connection):
        self.session = connection.open()
        self.operation = self.session.execute("SELECT id FROM range(0, 5, 1, 1)")

    def halves(self, name: str) -> tuple[bytes, bytes]:
        if name in SESSION_CALLS:
            found = self.session.handle.sessionId
        else:
            found = self.operation.handle.operationId
        return found.guid, found.secret

    def check_unharmed(self) -> None:
        assert self.session.value("SELECT 'mine'") == "mine"
        self.operation.fetch(orientation=4).ok()
        assert self.operation.fetch(orientation=4).ok().result.results.startRowOffset == 0
        assert self.operation.rows() == []


ALL = [*SESSION_CALLS, *OPERATION_CALLS]


@pytest.fixture(scope="module")
def sparks_words(pair: Pair) -> dict[str, dict]:
    """What Spark says, to every method, of a handle that it never gave out."""
    found = {}
    for name in ALL:
        with Connection(pair.direct) as connection:
            found[name] = ask(connection, name, os.urandom(16), os.urandom(16))
    return found


def check_refused(name: str, answer: dict, sparks: dict) -> None:
    """Spark's own answer, or, where Spark wouldn't refuse, the one it gives to other methods."""
    if name in SPARK_DOES_NOT_LOOK:
        kind = "SessionHandle" if name in SESSION_CALLS else "OperationHandle"
        refused = (
            f"Invalid {kind}" in str(answer) and answer["body"].get(0, {}).get(1, {}).get(1) == 3
        )
        assert refused or without_info(answer) == without_info(sparks), f"{answer}\nSpark: {sparks}"
        return
    assert without_info(answer) == without_info(sparks)
    if "first info" in answer:
        assert answer["first info"] == sparks["first info"]


def without_info(answer: dict) -> dict:
    return {key: value for key, value in answer.items() if key != "first info"}


@pytest.mark.smoke
@pytest.mark.parametrize("name", ALL)
def test_every_method_refuses(pair: Pair, sparks_words: dict[str, dict], name: str) -> None:
    """A random handle, another user's, the right id with a wrong secret and the other way round:
    one and the same answer, Spark's; and nothing happens to the owner."""
    with Connection(pair.via) as owners, Connection(pair.via.as_user("mallory")) as other:
        owned = Owned(owners)
        guid, secret = owned.halves(name)
        random = ask(owners, name, os.urandom(16), os.urandom(16))
        check_refused(name, random, sparks_words[name])
        assert ask(other, name, guid, secret) == random, "another user's handle"
        assert ask(owners, name, guid, os.urandom(16)) == random, "a wrong secret"
        assert ask(owners, name, os.urandom(16), secret) == random, "a wrong id"
        assert ask(other, name, secret, guid) == random, "halves swapped"
        wrong_kind = owned.halves("GetOperationStatus" if name in SESSION_CALLS else "CloseSession")
        assert ask(owners, name, *wrong_kind) == random, "a handle of the other kind"
        owned.check_unharmed()


@pytest.mark.smoke
@pytest.mark.parametrize("name", list(OPERATION_CALLS))
def test_the_operation_type_belongs_to_the_handle(pair: Pair, name: str) -> None:
    """Spark compares it too: a statement's handle that claims to be of GetTables is unknown."""

    def answer(target) -> dict:
        with Connection(target) as connection:
            operation = connection.open().execute("SELECT 1")
            ids = operation.handle.operationId
            answers = [ask(connection, name, ids.guid, ids.secret, kind) for kind in (1, 4, 8)]
            assert operation.rows() == [(1,)]
            return answers

    direct, via = (answer(target) for target in pair.targets)
    for mine, sparks in zip(via, direct, strict=True):
        check_refused(name, mine, sparks)


@pytest.mark.parametrize("kind", [9, 77, -1])
def test_an_operation_type_that_does_not_exist(pair: Pair, kind: int) -> None:
    with Connection(pair.via) as connection:
        operation = connection.open().execute("SELECT 1")
        ids = operation.handle.operationId
        answer = ask(connection, "FetchResults", ids.guid, ids.secret, kind)
        assert answer["type"] == tree.EXCEPTION or answer["body"][0][1][1] == 3, answer
        assert operation.rows() == [(1,)]


@pytest.mark.smoke
def test_the_same_user_on_another_connection(pair: Pair) -> None:
    """Every call that makes sense there works."""
    with Connection(pair.via) as one, Connection(pair.via) as two:
        session = one.open()
        session.run("SET from.one=yes")
        elsewhere = session.on(two)
        assert elsewhere.rows("SET from.one") == [("from.one", "yes")]
        assert elsewhere.call("GetInfo", infoType=17).ok().result.infoValue.stringValue
        operation = session.execute("SELECT id FROM range(0, 5, 1, 1)")
        there = operation.on(two)
        there.call("GetOperationStatus").ok()
        there.call("GetResultSetMetadata").ok()
        assert there.rows() == [(n,) for n in range(5)]
        tables = elsewhere.start("GetTables", schemaName="sales")
        assert len(tables.on(one).rows()) == 2
        there.close().ok()
        assert operation.call("GetOperationStatus").status["code"] == 3
        elsewhere.close().ok()
        assert session.call("GetInfo", infoType=17).status["code"] == 3
        assert one.open().value("SELECT 1") == 1


def test_another_user_cannot_end_what_runs(pair: Pair) -> None:
    with Connection(pair.via) as owners, Connection(pair.via.as_user("bob")) as other:
        session = owners.open()
        operation = session.execute(slow("not yours", 3), run_async=True)
        for name in ("CancelOperation", "CloseOperation", "FetchResults"):
            ids = operation.handle.operationId
            assert "Invalid OperationHandle" in str(ask(other, name, ids.guid, ids.secret))
        ids = session.handle.sessionId
        assert "does not exist" in str(ask(other, "CloseSession", ids.guid, ids.secret))
        assert operation.wait().result.operationState == ttypes.TOperationState.FINISHED_STATE
        assert len(operation.rows()) == 1


def test_handles_of_odd_sizes(pair: Pair) -> None:
    """An error, and the connection lives on. (Spark answers a short one with a Java exception.)"""
    with Connection(pair.via) as connection:
        session = connection.open()
        for guid, secret in (
            (b"", b""),
            (b"12345678", b"12345678"),
            (b"x" * 17, b"y" * 16),
            (b"x" * 16, b"y" * 4096),
        ):
            for name in ("GetInfo", "GetTables", "CloseSession", "FetchResults", "CloseOperation"):
                full = {**SESSION_CALLS, **OPERATION_CALLS}[name]
                handle = identifier(guid, secret)
                if name in OPERATION_CALLS:
                    handle += [(2, tree.I32, 0), (3, tree.BOOL, 1)]
                reply = connection.call(name, [(1, tree.STRUCT, handle), *full])
                assert reply.is_exception or reply.status["code"] == 3, reply.shown
        assert session.value("SELECT 1") == 1


@pytest.mark.smoke
def test_sparks_handles_stay_behind_the_gateway(pair: Pair) -> None:
    """Nothing that a client ever receives has the id under which Spark knows its session."""
    with Connection(pair.via.as_user("watched")) as connection:
        connection.keep = True
        before = {session.id for session in pair.ui.sessions("watched")}
        session = connection.open()
        (known,) = [s for s in pair.ui.wait_open("watched") if s.id not in before]
        operation = session.execute("SELECT 1")
        operation.rows()
        operation.close()
        operation.fetch()
        session.call("ExecuteStatement", statement="SELECT nosuch")
        session.execute("SELECT nosuch", run_async=True).wait()
        session.close()
        session.call("ExecuteStatement", statement="SELECT 1")
        received = bytes(connection.received)
    sparks = uuid.UUID(known.id)
    assert sparks.bytes not in received
    assert str(sparks).encode() not in received.lower()
    # What Spark's handle says of its secret isn't on its page; ours isn't Spark's anyway.
    assert session.handle.sessionId.guid != sparks.bytes
    # And Spark's own id opens no door.
    with Connection(pair.via.as_user("watched")) as connection:
        assert "Invalid" in str(ask(connection, "GetTables", sparks.bytes, os.urandom(16)))


def test_error_texts_name_the_clients_handle(pair: Pair) -> None:
    """Spark's texts have its own ids in them; a client must find the one it knows."""
    with Connection(pair.via) as connection:
        session = connection.open()
        operation = session.execute("SELECT 1")
        mine = str(uuid.UUID(bytes=operation.handle.operationId.guid))
        operation.close().ok()
        assert mine in operation.fetch().status["message"]
        session_id = str(uuid.UUID(bytes=session.handle.sessionId.guid))
        session.close().ok()
        assert session_id in session.call("GetTables").status["message"]


def test_handles_are_not_guessable(pair: Pair) -> None:
    """Each new, and no part of one the same as in another."""
    with Connection(pair.via) as connection:
        seen: list[bytes] = []
        for _ in range(20):
            session = connection.open()
            operation = Operation(connection, session.execute("SELECT 1").handle)
            ids = (session.handle.sessionId, operation.handle.operationId)
            seen += [half for found in ids for half in (found.guid, found.secret)]
            session.close().ok()
        assert len(set(seen)) == len(seen)
        assert all(len(half) == 16 for half in seen)
        secrets = seen[1::2]
        for start in range(0, 16, 4):
            assert len({secret[start : start + 4] for secret in secrets}) == len(secrets)


def test_a_session_of_one_user_is_not_anothers_after_reuse(pair: Pair) -> None:
    """hivegate may keep backend connections; the next user on one must be the next user."""
    for turn in range(6):
        user = ("alice", "bob", "carol")[turn % 3]
        with Connection(pair.via.as_user(user)) as connection:
            session: Session = connection.open()
            assert session.value("SELECT current_user()") == user
            session.run(f"SET left.by={user}")
            session.run("USE sales")
            session.close().ok()
        with Connection(pair.via.as_user("mallory")) as connection:
            session = connection.open()
            assert session.value("SELECT current_user()") == "mallory"
            assert session.value("SELECT current_database()") == "default"
            assert session.rows("SET left.by") == [("left.by", "<undefined>")]


def test_what_is_closed_is_gone_at_once(pair35: Pair) -> None:
    """When one connection has heard that a session is closed, the other finds it gone: with Spark's
    words for it, not as a session lost by accident."""
    with Connection(pair35.via) as one, Connection(pair35.via) as two:
        for turn in range(250):
            session = one.open()
            session.on(two).close().ok()
            reply = session.call("GetTables")
            assert "Invalid SessionHandle" in reply.status["message"], f"{turn}: {reply.shown}"
