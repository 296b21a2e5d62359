"""Large results: all of flights, and single replies that must not be held in memory."""

from __future__ import annotations

import hashlib
import re
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import nycflights
from TCLIService import ttypes

from e2e.harness.fleet import Gateway, Pair
from e2e.harness.jdbc import JdbcDrivers
from e2e.harness.wire import Connection, Operation, Session, Target, request_bytes

FLIGHTS = nycflights.ROWS["flights"]


def reply_size(connection: Connection) -> int:
    return struct.unpack(">I", connection.receive(4))[0]


def first_column_rows(message: bytes) -> int:
    """The rows of a FetchResults reply, off its first column's list head: decoding all of it in
    Python would take longer than everything else together."""
    match = re.search(rb"\x0f\x00\x03\x0c....\x0c\x00.\x0f\x00\x01.(....)", message, re.DOTALL)
    assert match, "no column in a FetchResults reply"
    return struct.unpack(">i", match[1])[0]


def fetch_all(target: Target, statement: str, rows: int) -> tuple[int, str, int]:
    """Rows, a checksum over every byte of every reply, and the number of replies."""
    digest = hashlib.sha256()
    count = replies = 0
    with Connection(target) as connection:
        session = connection.open()
        operation = session.execute(statement)
        while True:
            request = ttypes.TFetchResultsReq(operation.handle, 0, rows, 0)
            connection.send_message(request_bytes("FetchResults", request, 1))
            message = connection.receive(reply_size(connection))
            digest.update(message)
            replies += 1
            got = first_column_rows(message)
            if got == 0:
                break
            count += got
        operation.close().ok()
        session.close().ok()
    return count, digest.hexdigest(), replies


@pytest.mark.parametrize("rows", [1000, 10000, 1_000_000])
def test_all_of_flights(pair: Pair, rows: int) -> None:
    """336,776 rows of 19 columns, the same to the last byte."""
    pair.spark.load_flights()
    direct, via = (fetch_all(target, "SELECT * FROM flights", rows) for target in pair.targets)
    assert via == direct
    assert via[0] == FLIGHTS
    assert via[2] == -(-FLIGHTS // rows) + 1


def test_all_of_flights_by_jdbc(pair35: Pair, drivers: JdbcDrivers) -> None:
    pair35.spark.load_flights()
    script = [["connect", "/default"], ["checksum", "SELECT * FROM flights", "10000"]]
    direct, via = (drivers.run("4.1.0", target, script) for target in pair35.targets)
    assert via == direct
    assert via[1]["result"][0] == FLIGHTS


@pytest.mark.smoke
def test_some_of_flights(pair35: Pair) -> None:
    pair35.spark.load_flights()
    statement = "SELECT * FROM flights WHERE month = 1 AND day < 4"
    direct, via = (fetch_all(target, statement, 700) for target in pair35.targets)
    assert via == direct
    assert via[0] > 2000


# -- one reply of more than 100 MB -----------------------------------------------------------

PIECE = 1 << 20
PIECES = 120


@pytest.fixture
def big(pair35: Pair, make_gateway: Callable[..., Gateway]) -> Iterator[tuple[Pair, Gateway]]:
    """A gateway of its own, so that its memory is the test's."""
    yield pair35, make_gateway([pair35.spark.address])


class Growth:
    """How much a gateway's resident memory has grown at its highest since this was made. (A login
    alone takes 16 MB for a moment, so clients log in before.)"""

    def __init__(self, gateway: Gateway):
        self.process = Path(f"/proc/{gateway.pid}")
        (self.process / "clear_refs").write_text("5")  # the highest begins anew at the present
        self.before = self._kb("VmRSS")

    def _kb(self, field: str) -> int:
        status = (self.process / "status").read_text()
        found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
        assert found, status
        return int(found[1])

    @property
    def kb(self) -> int:
        return self._kb("VmHWM") - self.before


def start_big(session: Session) -> Operation:
    return session.execute(
        f"SELECT repeat(cast(id % 10 AS STRING), {PIECE}) AS piece FROM range(0, {PIECES}, 1, 1)"
    )


def fetch_big(connection: Connection, operation: Operation, pause: float = 0) -> tuple[int, str]:
    """Reads the one big reply in pieces, and stops for a while when a little of it is there."""
    request = ttypes.TFetchResultsReq(operation.handle, 0, PIECES, 0)
    connection.send_message(request_bytes("FetchResults", request, 1))
    size = left = reply_size(connection)
    digest = hashlib.sha256()
    while left:
        piece = connection.receive(min(left, PIECE))
        digest.update(piece)
        left -= len(piece)
        if pause and left < size - 4 * PIECE:
            time.sleep(pause)
            pause = 0
    return size, digest.hexdigest()


def test_a_reply_of_120_megabytes(big: tuple[Pair, Gateway]) -> None:
    """It passes through in memory that has nothing to do with its size."""
    pair, gateway = big
    with Connection(pair.direct) as connection:
        direct = fetch_big(connection, start_big(connection.open()))
    with Connection(gateway.target()) as connection:
        session = connection.open()
        session.value("SELECT 1")
        growth = Growth(gateway)
        via = fetch_big(connection, start_big(session))
        grown = growth.kb
        assert session.value("SELECT 'usable'") == "usable"
    assert via == direct
    assert via[0] > 100_000_000
    assert grown < 4 * 1024, f"hivegate grew by {grown} KB"


def test_a_slow_reader_costs_no_memory(big: tuple[Pair, Gateway]) -> None:
    """Two clients stop reading in the middle; meanwhile others work."""
    pair, gateway = big
    with (
        Connection(gateway.target()) as quick,
        Connection(gateway.target("bob")) as one,
        Connection(gateway.target("bob")) as other,
    ):
        session = quick.open()
        growth = Growth(gateway)

        def slow_reader(connection: Connection) -> tuple[int, str]:
            return fetch_big(connection, start_big(connection.open()), pause=4)

        with ThreadPoolExecutor(2) as pool:
            reading = [pool.submit(slow_reader, connection) for connection in (one, other)]
            while not all(reader.done() for reader in reading):
                assert session.value("SELECT 1") == 1
                time.sleep(0.1)
            answers = {reader.result() for reader in reading}
        assert len(answers) == 1 and answers.pop()[0] > 100_000_000
        grown = growth.kb
    assert grown < 8 * 1024, f"hivegate grew by {grown} KB"


def test_a_client_that_leaves_in_the_middle(big: tuple[Pair, Gateway]) -> None:
    """Of a big reply: its session is closed and nobody else is hurt."""
    pair, gateway = big
    before = len(pair.ui.sessions("dropped"))
    with Connection(gateway.target("dropped")) as connection:
        operation = start_big(connection.open())
        request = ttypes.TFetchResultsReq(operation.handle, 0, PIECES, 0)
        connection.send_message(request_bytes("FetchResults", request, 1))
        assert reply_size(connection) > 100_000_000
        connection.receive(PIECE)
    pair.ui.wait_all_closed("dropped", before + 1)
    with Connection(gateway.target()) as connection:
        assert connection.open().value("SELECT 1") == 1


@pytest.mark.smoke
def test_a_big_statement_and_a_big_row(pair35: Pair) -> None:
    """A request of 10 MB and a reply of 10 MB, each in one message."""
    text = "x" * 10_000_000

    def scenario(connection: Connection) -> None:
        session = connection.open()
        assert session.rows(f"SET big.value={text}") == [("big.value", text)]
        assert session.value(f"SELECT repeat('y', {len(text)})") == "y" * len(text)
        session.close().ok()

    pair35.same_replies(scenario)
