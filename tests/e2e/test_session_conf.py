"""What a client may say when it opens a session, and what must not pass."""

from __future__ import annotations

import pytest

from e2e.harness import thrift_tree as tree
from e2e.harness.fleet import Pair
from e2e.harness.wire import Connection, Reply, Target

PROXY = "hive.server2.proxy.user"

SPELLINGS = [
    PROXY,
    f"set:{PROXY}",
    f"set:hiveconf:{PROXY}",
    f"set:hivevar:{PROXY}",
    f"hiveconf:{PROXY}",
    f"hivevar:{PROXY}",
    "set:HIVECONF:" + PROXY,
    "SET:hiveconf:" + PROXY,
    PROXY.upper(),
    "set:hiveconf:" + PROXY.title(),
]

FORBIDDEN = [
    "set:system:user.name",
    "set:system:java.io.tmpdir",
    "set:env:PATH",
    "set:env:HADOOP_USER_NAME",
    "SET:SYSTEM:user.name",
    "set:System:foo",
    "set:Env:FOO",
]


def opened(target: Target, conf: dict[str, str]) -> Reply:
    with Connection(target) as connection:
        return connection.open_reply(conf)


def refused(reply: Reply, *words: str) -> str:
    """The text of a refusal: an error in the reply's status, with what it is about in it."""
    assert not reply.is_exception, reply.exception
    status = reply.status
    assert status["code"] == 3, f"not refused: {reply.shown}"
    assert reply.result.sessionHandle is None
    for word in words:
        assert word.lower() in status["message"].lower(), status
    return status["message"]


@pytest.mark.smoke
@pytest.mark.parametrize("key", SPELLINGS)
def test_nobody_names_another_user(pair: Pair, key: str) -> None:
    for other in ("bob", "root", "alice2", "Alice", " alice", "alice/host", "alice@REALM"):
        message = refused(opened(pair.via, {key: other}), PROXY)
        assert len(message) > 30, message
    with Connection(pair.via) as connection:  # nobody's name is nobody else's
        reply = connection.open_reply({key: ""})
        if reply.status["code"] == 0:
            assert connection.open({key: ""}).value("SELECT current_user()") == "alice"
    # With other settings around it, and last in the map.
    conf = {"set:hiveconf:a.b": "c", "use:database": "sales", key: "bob"}
    refused(opened(pair.via, conf), PROXY)


@pytest.mark.smoke
@pytest.mark.parametrize("key", [PROXY, f"set:hiveconf:{PROXY}", f"set:{PROXY}"])
def test_ones_own_name_is_accepted(pair: Pair, key: str) -> None:
    """And taken out: the server never sees the setting."""
    with Connection(pair.via) as connection:
        session = connection.open({key: "alice", "set:hiveconf:kept": "yes"})
        assert session.value("SELECT current_user()") == "alice"
        assert session.rows("SET kept") == [("kept", "yes")]
        assert session.rows(f"SET {PROXY}") == [(PROXY, "<undefined>")]


def test_spark_would_have_obeyed(pair: Pair) -> None:
    """The reason for all this: without hivegate anybody is anybody."""
    with Connection(pair.direct) as connection:
        session = connection.open({PROXY: "bob"})
        assert session.value("SELECT current_user()") == "bob"


STATIC = (
    "spark.sql.warehouse.dir",
    "spark.sql.extensions",
    "spark.sql.globalTempDatabase",
    "spark.sql.hive.metastore.jars",
    "spark.sql.queryExecutionListeners",
)


@pytest.mark.parametrize("key", STATIC)
def test_static_settings(pair: Pair, key: str) -> None:
    """Spark refuses them, or doesn't look at them; hivegate says why."""
    with Connection(pair.direct) as connection:
        session = connection.open({key: "x"})
        assert session.rows(f"SET {key}") != [(key, "x")]
    assert "modify" in refused(opened(pair.direct, {f"set:hiveconf:{key}": "x"})).lower()
    for prefix in ("", "set:", "set:hivevar:"):
        refused(opened(pair.via, {prefix + key: "x"}), key, "the server's own")


@pytest.mark.smoke
@pytest.mark.parametrize("key", FORBIDDEN)
def test_the_servers_own_process_is_out_of_reach(pair: Pair, key: str) -> None:
    message = refused(opened(pair.via, {"set:hiveconf:a.b": "c", key: "x"}), key.split(":")[1])
    assert len(message) > 30, message


def test_a_key_twice(pair: Pair) -> None:
    """Java keeps the last of two; a filter that looked at the first would be fooled."""
    for first, second in ((b"alice", b"bob"), (b"bob", b"alice"), (b"alice", b"alice")):
        conf = tree.Mapping(
            tree.STRING, tree.STRING, [(PROXY.encode(), first), (PROXY.encode(), second)]
        )
        with Connection(pair.via) as connection:
            reply = connection.call("OpenSession", [(1, tree.I32, 9), (4, tree.MAP, conf)])
            assert reply.is_exception or reply.status["code"] == 3, reply.shown
            assert connection.open().value("SELECT current_user()") == "alice"


def test_the_map_twice(pair: Pair) -> None:
    """The same with the whole field."""
    harmless = tree.Mapping(tree.STRING, tree.STRING, [(b"a", b"b")])
    other = tree.Mapping(tree.STRING, tree.STRING, [(PROXY.encode(), b"bob")])
    for maps in ((harmless, other), (other, harmless)):
        with Connection(pair.via) as connection:
            fields = [(1, tree.I32, 9), *((4, tree.MAP, found) for found in maps)]
            reply = connection.call("OpenSession", fields)
            assert reply.is_exception or reply.status["code"] == 3, reply.shown
            assert connection.open().value("SELECT current_user()") == "alice"


def test_keys_that_are_no_text(pair: Pair) -> None:
    for key in (PROXY.encode() + b"\0", b"\0" + PROXY.encode(), b"\xff\xfe", PROXY.encode() + b" "):
        conf = tree.Mapping(tree.STRING, tree.STRING, [(key, b"bob")])
        with Connection(pair.via) as connection:
            reply = connection.call("OpenSession", [(1, tree.I32, 9), (4, tree.MAP, conf)])
            if not reply.is_exception and reply.status["code"] == 0:
                session = connection.open()
                assert session.value("SELECT current_user()") == "alice"


def test_user_and_password_fields_decide_nothing(pair: Pair) -> None:
    """With SASL the login says who one is; impyla sends the operating system's user here."""
    with Connection(pair.via) as connection:
        reply = connection.open_reply(username="root", password="secret").ok()
        assert reply.name == "OpenSession"
        session = connection.open(username="bob")
        assert session.value("SELECT current_user()") == "alice"


@pytest.mark.smoke
def test_settings_that_work_work_alike(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open(
            {
                "use:database": "sales",
                "set:hiveconf:spark.sql.shuffle.partitions": "3",
                "set:spark.sql.session.timeZone": "America/New_York",
                "set:hivevar:x": "7",
                "hivevar:ignored": "1",
                "spark.sql.ansi.enabled": "true",
                "set:hiveconf:with.unicode": "Zürich \U0001f680",
                "set:hiveconf:empty": "",
            }
        )
        for statement in (
            "SELECT current_database()",
            "SET spark.sql.shuffle.partitions",
            "SELECT current_timezone(), ${x}",
            "SET spark.sql.ansi.enabled",
            "SET with.unicode",
            "SET empty",
        ):
            session.rows(statement)
        session.close().ok()

    pair.same_replies(scenario)


@pytest.mark.parametrize(
    "conf",
    [
        {"use:database": "no_such_database"},
        {"set:hiveconf:hive.no.such": "1"},
        {"set:hiveconf:spark.sql.shuffle.partitions": "many"},
    ],
    ids=lambda conf: next(iter(conf)),
)
def test_settings_that_spark_refuses(pair: Pair, conf: dict[str, str]) -> None:
    """The refusal is Spark's own, and the connection can open a session yet."""

    def scenario(connection: Connection) -> None:
        connection.open_reply(conf)
        assert connection.open().value("SELECT 1") == 1

    pair.same_replies(scenario)


def test_many_settings(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        conf = {f"set:hiveconf:my.key.{n}": "v" * (n % 100) for n in range(1000)}
        session = connection.open(conf)
        assert session.rows("SET my.key.999") == [("my.key.999", "v" * 99)]
        session.close().ok()

    pair.same_replies(scenario)
