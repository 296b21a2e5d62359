"""The source `static`."""

from support.discovery import Discovery, refusal


def test_one_set() -> None:
    endpoints = [
        {"host": "b.example.org", "port": 10000, "weight": 3, "zone": "west"},
        {"host": "10.1.0.5", "port": 10001},
        {"host": "10.1.0.5", "port": 10000},
    ]
    with Discovery(kind="static", endpoints=endpoints) as found:
        line = found.wait_hosts("10.1.0.5:10000", "10.1.0.5:10001", "b.example.org:10000")
        assert [one["weight"] for one in line["set"]] == [1, 1, 3]
        assert [one["zone"] for one in line["set"]] == [None, None, "west"]
        found.wait_standing("fresh")
        look = found.look()
    assert look["set"] == line["set"] and look["standing"]["kind"] == "fresh"
    assert len(found.sets) == 1 and found.stopped_ms < 1000


def test_named_twice() -> None:
    same = {"host": "10.1.0.5", "port": 10000}
    assert "named twice" in refusal(kind="static", endpoints=[same, same])
