"""Legal holds, what is recorded of drops and reads, and the configurations that took effect."""

import json
import subprocess
from pathlib import Path

import pytest
from support.postgres import Postgres

from audit.kit import CTL, ctl, run


def events(server: Postgres, kind: str) -> list[dict]:
    rows = server.run(f"SELECT body FROM hivegate.event WHERE kind = '{kind}' ORDER BY sequence")
    return [json.loads("|".join(row)) for row in rows]


def make_days(server: Postgres, *ages: int) -> list[str]:
    """Partitions of days that are so old, without events."""
    days = []
    for age in ages:
        days.append(server.value(f"SELECT (now() AT TIME ZONE 'UTC')::date - {age}"))
        server.run(f"SELECT hivegate.make_partitions(ARRAY['{days[-1]}'::date])")
    return days


@pytest.fixture
def old(server: Postgres) -> list[str]:
    return make_days(server, 400, 300, 200)


def left(server: Postgres) -> set[str]:
    return {row[0] for row in server.run(
        "SELECT to_date(right(c.relname, -6), 'YYYYMMDD') FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'hivegate.event'::regclass")}


def test_what_is_held_stays(server: Postgres, old: list[str]) -> None:
    owner = ["-p", server.conninfo()]
    text = ctl("hold", "add", *owner, "--from", old[1], "--to", old[1], "--reason", 'case "7"\n')
    number = text.split()[1].rstrip(":")
    listed = ctl("hold", "list", "-p", server.conninfo("auditor"))
    assert f"hold {number}: {old[1]} to {old[1]}, made" in listed
    assert 'by root_of_tests: "case \\"7\\"\\n"; held' in listed
    text = ctl("prune", *owner, "--keep", "100d")
    assert "days dropped: 2" in text and f"day kept: {old[1]}, there is a legal hold" in text
    assert left(server) & set(old) == {old[1]}
    assert "is released" in ctl("hold", "release", number, *owner, "--reason", "closed")
    assert "there is no hold" in ctl("hold", "release", number, *owner, "--reason", "x", status=1)
    assert "released" in ctl("hold", "list", *owner)
    text = ctl("prune", *owner, "--keep", "100d")
    assert "days dropped: 1" in text and "kept" not in text
    held = events(server, "hold")
    assert [one["call"] for one in held] == ["hold add", "hold release"]
    assert [one["reason"] for one in held] == ['case "7"\n', "closed"]
    assert {one["principal"] for one in held} == {"root_of_tests"}
    dropped = [one["detail"] for one in events(server, "dropped")]
    assert dropped == [f"day {day}, 0 events, not archived" for day in (old[0], old[2], old[1])]
    assert "5 records read" in ctl("verify", *owner)


def test_only_what_is_archived(server: Postgres, old: list[str]) -> None:
    """An empty day has nothing to lose; one with events has to be in the archive as it is."""
    owner = ["-p", server.conninfo()]
    server.run("SELECT hivegate.note('hold', 'x', 'y')")
    drop = "SELECT hivegate.drop_before((now() AT TIME ZONE 'UTC')::date + 1, true)"
    server.value(drop)
    assert not left(server) & set(old)
    today = server.value("SELECT max(day) FROM hivegate.event")
    insert = "INSERT INTO hivegate.archive (day, location, sha256, size, events) VALUES"
    server.run(f"{insert} ('{today}', 'x', 'x', 1, 99)")
    assert server.value(drop) == "0"
    server.run("UPDATE hivegate.archive SET events = (SELECT count(*) FROM hivegate.event)")
    assert server.value(drop) == "1"
    assert events(server, "dropped")[-1]["detail"].endswith("archived")
    ctl("verify", *owner)


def test_reading_is_recorded(server: Postgres, spool: Path) -> None:
    run(spool, "--postgres", server.conninfo("gate"), "--drain", "--statements", "1")
    auditor = ["-p", server.conninfo("auditor"), "-o", "json"]
    first = ctl("search", *auditor, "--user", 'a "b"\\\n\u00e9', "--since", "1d")
    assert first == ""
    text = ctl("search", *auditor, "--kind", "audit_read")
    found = [json.loads(line) for line in text.splitlines()]
    assert len(found) == 1  # not the search itself
    assert found[0]["principal"] == "auditor" and found[0]["call"] == "audit search"
    assert found[0]["detail"] == '--user a "b"\\\n\u00e9 --since 1d --most 1000'
    assert len(events(server, "audit_read")) == 2
    assert "2 records read" in ctl("verify", "-p", server.conninfo("auditor"))


def test_what_cant_be_recorded_isnt_shown(server: Postgres, spool: Path) -> None:
    run(spool, "--postgres", server.conninfo("gate"), "--drain", "--statements", "1")
    server.run("REVOKE EXECUTE ON FUNCTION hivegate.note_read FROM hivegate_reader")
    try:
        text = ctl("search", "-p", server.conninfo("auditor"), status=1)
    finally:
        server.run("GRANT EXECUTE ON FUNCTION hivegate.note_read TO hivegate_reader")
    assert "can't be recorded, so nothing is shown" in text and "statement" not in text


def test_many_note_at_once(server: Postgres) -> None:
    argv = [str(CTL), "audit", "search", "-p", server.conninfo("auditor")]
    runs = [subprocess.Popen(argv, stdout=subprocess.DEVNULL) for _ in range(5)]
    assert [one.wait(60) for one in runs] == [0] * 5
    assert "5 records read" in ctl("verify", "-p", server.conninfo("auditor"))


def test_changes_of_the_databases_own_chain(server: Postgres) -> None:
    for _ in range(3):
        ctl("search", "-p", server.conninfo("auditor"))
    server.run("UPDATE hivegate.event SET body = replace(body::text, '1000', '10')::json"
               " WHERE sequence = 2")
    assert "was changed" in ctl("verify", "-p", server.conninfo("auditor"), status=1)


def test_configurations(server: Postgres, spool: Path, tmp_path: Path) -> None:
    """Each time that one takes effect is kept, its text once, also when the events are gone."""
    texts = {"one": 'a: 1\nb: "\u00e9\\"\n', "two": 'a: 2\nb: "\u00e9\\"\n'}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    words = ["--postgres", server.conninfo("gate"), "--drain", "--statements", "1"]
    for name, before in [("one", ""), ("two", "one"), ("one", "two")]:
        more = ["--before", str(tmp_path / before)] if before else []
        run(spool, *words, "--config", str(tmp_path / name), *more)
    server.run("SELECT hivegate.drop_before((now() AT TIME ZONE 'UTC')::date + 1)")
    assert server.value("SELECT count(*) FROM hivegate.config_set") == "2"
    assert server.run("SELECT what, loaded_by, to_json(difference) FROM hivegate.config_load"
                      " ORDER BY loaded_at", user="auditor") == [
        ["configuration", "root", ""], ["configuration", "root", '"-a: 1\\n+a: 2\\n"'],
        ["configuration", "root", '"-a: 2\\n+a: 1\\n"']]
    right = server.run("SELECT hash = encode(sha256(convert_to(text, 'UTF8')), 'hex'), to_json(text)"
                       " FROM hivegate.config_set ORDER BY text")
    assert right == [["t", json.dumps(text, ensure_ascii=False)] for text in texts.values()]


@pytest.mark.parametrize("words, word", [
    (("hold", "add"), "--postgres"),
    (("hold", "-p", "host=x"), "expected add"),
    (("hold", "add", "-p", "host=x"), "--from"),
    (("hold", "add", "-p", "host=x", "--from", "2026-01-02", "--to", "2026-01-01"), "behind"),
    (("hold", "add", "-p", "host=x", "--from", "2026-02-30", "--to", "2026-03-01"), "--from"),
    (("hold", "add", "-p", "host=x", "--from", "2026-01-02", "--to", "2026-01-02"), "--reason"),
    (("hold", "release", "x", "-p", "host=x", "--reason", "y"), "number"),
    (("hold", "release", "1", "-p", "host=x"), "--reason"),
])
def test_wrong_commands(words: tuple[str, ...], word: str) -> None:
    assert word in ctl(*words, status=2)
