"""GetInfo: Spark answers four types and hangs up on the rest; hivegate answers them all."""

from __future__ import annotations

import pytest
from TCLIService import ttypes

from e2e.harness import thrift_tree as tree
from e2e.harness.fleet import Pair
from e2e.harness.wire import Closed, Connection

ANSWERED = (13, 17, 18, 10006)
OTHERS = sorted(set(ttypes.TGetInfoType._VALUES_TO_NAMES) - set(ANSWERED))


@pytest.mark.smoke
def test_what_spark_answers(pair: Pair) -> None:
    def scenario(connection: Connection) -> None:
        session = connection.open()
        for kind in ANSWERED:
            assert session.call("GetInfo", infoType=kind).ok().name == "GetInfo"
        session.close().ok()

    pair.same_replies(scenario)


@pytest.mark.smoke
def test_what_spark_hangs_up_on(pair: Pair) -> None:
    """One connection and one session live through all of them."""
    assert len(OTHERS) > 40
    with Connection(pair.via) as connection:
        session = connection.open()
        session.run("SET still.here=yes")
        for kind in OTHERS:
            reply = session.call("GetInfo", infoType=kind)
            assert not reply.is_exception, f"{kind}: {reply.exception}"
            status = reply.status
            assert status["code"] == 0 or status.get("message"), f"{kind}: {reply.shown}"
            values = tree.get(reply.fields, 2)
            assert values is not None and len(values) == 1, f"{kind}: {reply.shown}"
            assert reply.result.infoValue is not None
        assert session.rows("SET still.here") == [("still.here", "yes")]
        session.close().ok()


def test_spark_really_hangs_up(pair: Pair) -> None:
    """If a later Spark answered, hivegate should let it."""
    for kind in (OTHERS[0], OTHERS[-1]):
        with Connection(pair.direct) as connection:
            session = connection.open()
            with pytest.raises((Closed, ConnectionError)):
                session.call("GetInfo", infoType=kind)


@pytest.mark.parametrize("kind", [-1, 5, 99999, 0x7FFFFFFF])
def test_a_type_that_does_not_exist(pair: Pair, kind: int) -> None:
    with Connection(pair.via) as connection:
        session = connection.open()
        reply = session.call("GetInfo", infoType=kind)
        if reply.is_exception:
            assert reply.exception[0] == 7 and reply.exception[1]
        else:
            assert reply.status["code"] == 3 and reply.status["message"]
        assert session.value("SELECT 1") == 1
