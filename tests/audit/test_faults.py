"""What was told to be durable is in PostgreSQL once, whatever was killed, full or away meanwhile."""

import os
import random
import time
from pathlib import Path

import pytest
from support.postgres import PASSWORD, Postgres
from support.relay import Relay

from audit.kit import Driver, ctl, run, wait_for

SEED = random.randrange(1 << 32)


def check_all(server: Postgres, begun: set[str], ended: set[str], refused: set[str]) -> None:
    """Each statement that was told of is there once, with one end, and none that was refused."""
    rows = server.run(
        "SELECT statement_id, count(*) FILTER (WHERE kind = 'statement_submitted'),"
        " count(*) FILTER (WHERE kind = 'statement_finished'),"
        " count(*) FILTER (WHERE kind = 'statement_unknown')"
        " FROM hivegate.event WHERE statement_id IS NOT NULL GROUP BY 1"
    )
    table = {row[0]: tuple(map(int, row[1:])) for row in rows}
    assert begun <= table.keys(), f"{len(begun - table.keys())} statements are missing"
    assert not refused & table.keys(), "a refused statement is there"
    for identity in ended:
        assert table[identity] == (1, 1, 0), (identity, table[identity])
    for identity, (submitted, finished, unknown) in table.items():
        assert submitted == 1, (identity, submitted)
        assert finished + unknown == 1, (identity, finished, unknown)
    states = dict(server.run("SELECT state, count(*) FROM hivegate.query GROUP BY 1"))
    assert sum(map(int, states.values())) == len(table)
    holes = server.value(
        "SELECT count(*) FROM (SELECT max(sequence) - min(sequence) + 1 - count(*) AS n"
        " FROM hivegate.event GROUP BY spool) AS s WHERE n <> 0"
    )
    assert holes == "0"


@pytest.mark.parametrize("way", ["statement", "interval"])
@pytest.mark.timeout(180)
def test_kills(server: Postgres, spool: Path, way: str) -> None:
    """kill -9 of the process and of PostgreSQL at random moments. (With `interval` the driver is told
    before the disk has it; a killed process loses nothing that it wrote, only a killed machine.)"""
    rng = random.Random(SEED)
    print("seed", SEED)
    begun: set[str] = set()
    ended: set[str] = set()
    words = ["--postgres", server.conninfo("gate"), "--print", "--segment", "64"]
    if way == "interval":  # a producer that never waits has to be bounded by the spool
        words += ["--interval", "20", "--limit", "8192"]
    for turn in range(8):
        driver = Driver(spool, *words)
        time.sleep(rng.uniform(0.05, 0.9))
        if turn % 2:
            server.kill()
            time.sleep(rng.uniform(0, 0.4))
            server.start()
            time.sleep(rng.uniform(0, 0.5))
        driver.kill()
        if way == "statement":
            begun |= set(driver.begun)
            ended |= set(driver.ended)
    report = run(spool, *words, "--statements", "1", "--drain")
    assert report["damaged"] == 0 and report["holes"] == 0
    assert way == "interval" or len(ended) > 100
    check_all(server, begun, ended, set())
    ctl("verify", "-p", server.conninfo("auditor"), "--spool", str(spool))


@pytest.mark.timeout(180)
def test_a_network_that_is_cut(server: Postgres, spool: Path) -> None:
    """Connections end, or fall silent, at random moments: also between COMMIT and its answer."""
    rng = random.Random(SEED)
    print("seed", SEED)
    with Relay(server.port) as relay:
        to = server.conninfo("gate").replace(f"port={server.port}", f"port={relay.port}")
        words = ["--postgres", to, "--print", "--drain", "--timeout", "1000", "--statements", "250"]
        driver = Driver(spool, *words)
        for turn in range(16):
            time.sleep(rng.uniform(0.02, 0.3))
            if turn % 4 == 3:
                relay.silent = True
                time.sleep(rng.uniform(0.2, 1.2))
                relay.silent = False
            relay.cut()
        report = driver.finish()
    assert report["failures"] > 0 and report["holes"] == 0
    check_all(server, set(driver.begun), set(driver.ended), set())


@pytest.mark.timeout(120)
def test_a_full_disk(server: Postgres, tmp_path: Path) -> None:
    """The spool's disk is full while PostgreSQL is away: new statements are refused, what was begun
    gets its end, and when PostgreSQL comes back, all of it arrives."""
    folder = tmp_path / "disk"
    folder.mkdir()
    prefix = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "-r", "--mount")
    prefix += ("sh", "-c", f'mount -t tmpfs -o size=1m tmpfs {folder} && exec "$@"', "sh")
    server.stop()
    words = ["--postgres", server.conninfo("gate"), "--print", "--drain", "--segment", "64"]
    driver = Driver(folder / "spool", *words, "--statements", "1500", prefix=prefix)
    try:
        wait_for(lambda: len(driver.refused) > 100 or driver.process.poll() is not None)
        assert driver.process.poll() is None, driver.finish()
    finally:
        server.start()
    report = driver.finish()
    assert report["refused"] >= 100 and report["lost"] == 0
    check_all(server, set(driver.begun), set(driver.ended), set(driver.refused))


@pytest.mark.timeout(180)
def test_the_disk_of_postgres_is_full(spool: Path) -> None:
    """Its disk fills up while events arrive; room is made, and all of them are there."""
    with Postgres(small_disk=32) as server:
        server.run(f"CREATE TABLESPACE small LOCATION '{server.small}'")
        server.run("CREATE DATABASE audit TABLESPACE small")
        server.database = "audit"
        ctl("migrate", "-p", server.conninfo())
        server.run("CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 19000)")
        words = ["--postgres", server.conninfo(), "--print", "--drain", "--segment", "64"]
        driver = Driver(spool, *words, "--statements", "1000", "--size", "1000")
        full = "No space left on device"
        wait_for(lambda: full in server.log.read_text() or driver.process.poll() is not None)
        assert driver.process.poll() is None, driver.finish()
        server.run("DROP TABLE filler")
        report = driver.finish()
        assert report["failures"] > 0 and report["refused"] == 0
        check_all(server, set(driver.begun), set(driver.ended), set())
        ctl("verify", "-p", server.conninfo(), "--spool", str(spool))


@pytest.mark.timeout(120)
def test_the_bound(server: Postgres, spool: Path) -> None:
    server.stop()
    words = ["--postgres", server.conninfo("gate"), "--print", "--drain", "--segment", "16"]
    driver = Driver(spool, *words, "--limit", "256", "--statements", "500")
    try:
        wait_for(lambda: len(driver.refused) > 50 or driver.process.poll() is not None)
        size = sum(at.stat().st_size for at in spool.iterdir())
    finally:
        server.start()
    report = driver.finish()
    assert size <= 256 * 1024
    assert report["lost"] == 0
    check_all(server, set(driver.begun), set(driver.ended), set(driver.refused))


@pytest.mark.timeout(120)
def test_dropping_at_the_bound_is_counted(server: Postgres, spool: Path) -> None:
    words = ["--drop", "--limit", "256", "--segment", "16"]
    report = run(spool, *words, "--statements", "500")
    assert report["lost"] > 0 and report["refused"] == 0
    more = ["--postgres", server.conninfo("gate"), "--drain", "--segment", "16"]
    run(spool, *more, "--statements", "1")
    gaps = server.value(
        "SELECT sum((body ->> 'lost')::bigint) FROM hivegate.event WHERE kind = 'gap'"
    )
    assert int(gaps or 0) == report["lost"]


def test_the_lag_is_told(server: Postgres, spool: Path) -> None:
    nobody = server.conninfo("gate").replace(f"port={server.port}", "port=1")
    assert run(spool, "--postgres", nobody, "--statements", "5")["lag_ms"] > 0
    there = ["--postgres", server.conninfo("gate"), "--drain"]
    assert run(spool, *there, "--statements", "5")["lag_ms"] == 0


@pytest.mark.timeout(120)
def test_password_changed(server: Postgres, spool: Path, tmp_path: Path) -> None:
    """The password is read again for each connection."""
    secret = tmp_path / "password"
    secret.write_text("an old one\n")
    secret.chmod(0o600)
    bare = server.conninfo("gate", password=None)
    words = ["--postgres", bare, "--password-file", str(secret), "--drain"]
    driver = Driver(spool, *words, "--statements", "20")
    time.sleep(0.5)
    assert driver.process.poll() is None
    assert server.value("SELECT count(*) FROM hivegate.event") == "0"
    secret.write_text(PASSWORD + "\n")
    report = driver.finish()
    assert report["failures"] > 0
    assert server.value("SELECT count(*) FROM hivegate.event") == "160"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("change, undo", [
    ("INSERT INTO hivegate.migration VALUES (99, 'later')",
     "DELETE FROM hivegate.migration WHERE version = 99"),
    ("CREATE TABLE kept AS SELECT * FROM hivegate.migration; DELETE FROM hivegate.migration",
     "INSERT INTO hivegate.migration SELECT * FROM kept; DROP TABLE kept"),
    ("ALTER SCHEMA hivegate RENAME TO away", "ALTER SCHEMA away RENAME TO hivegate"),
    ("ALTER ROLE gate NOLOGIN", "ALTER ROLE gate LOGIN"),
    ("ALTER DATABASE postgres CONNECTION LIMIT 0", "ALTER DATABASE postgres CONNECTION LIMIT -1"),
], ids=["newer", "older", "missing", "no login", "no connections"])
def test_a_database_that_wont_have_it(
    server: Postgres, spool: Path, change: str, undo: str
) -> None:
    server.run(change)
    try:
        driver = Driver(spool, "--postgres", server.conninfo("gate"), "--drain", "--statements", "5")
        time.sleep(0.6)
        assert driver.process.poll() is None
    finally:
        server.run(undo)
    assert driver.finish()["failures"] > 0
    assert server.value("SELECT count(*) FROM hivegate.event") == "40"


@pytest.mark.timeout(120)
def test_a_table_that_is_locked(server: Postgres, spool: Path) -> None:
    """The spool goes on while PostgreSQL waits, and catches up."""
    words = ["--postgres", server.conninfo("gate"), "--drain", "--print"]
    locker = server.begin("LOCK TABLE hivegate.event IN ACCESS EXCLUSIVE MODE")
    driver = Driver(spool, *words, "--statements", "100")
    wait_for(lambda: len(driver.ended) == 400)
    assert driver.process.poll() is None
    locker.close()
    driver.finish()
    check_all(server, set(driver.begun), set(driver.ended), set())


@pytest.mark.timeout(120)
def test_a_database_put_back(server: Postgres, spool: Path) -> None:
    """Its memory of the spool is older than its events: none of them is there twice afterwards."""
    words = ["--postgres", server.conninfo("gate"), "--drain"]
    run(spool, *words, "--statements", "10")
    server.run("UPDATE hivegate.spool SET next_sequence = 31")
    report = run(spool, *words, "--statements", "10")
    assert report["duplicates"] == 50
    assert server.value("SELECT count(*) FROM hivegate.event") == "160"
    ctl("verify", "-p", server.conninfo("auditor"))


@pytest.mark.timeout(120)
def test_a_spool_put_back(server: Postgres, spool: Path, tmp_path: Path) -> None:
    """An older copy of a spool would use sequences again that the database has: it isn't shipped."""
    words = ["--postgres", server.conninfo("gate"), "--statements", "5"]
    run(spool, *words, "--drain")
    server.run("UPDATE hivegate.spool SET next_sequence = 1000")
    driver = Driver(spool, *words, "--drain")
    time.sleep(0.6)
    still_waits = driver.process.poll() is None
    driver.kill()
    assert still_waits
    assert server.value("SELECT count(*) FROM hivegate.event") == "40"
