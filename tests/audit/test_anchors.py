"""Anchors: what somebody who can write the spool or the database can't hide from them."""

import base64
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from support.postgres import Postgres

from audit.kit import Driver, ctl, run, wait_for


@pytest.fixture
def key(tmp_path: Path) -> Path:
    ctl("key", "new", str(tmp_path / "anchor.key"))
    return tmp_path / "anchor.key"


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


def public(key: Path) -> str:
    return f"{key}.pub"


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def record(spool: Path, key: Path, anchors: Path, *words: str) -> None:
    run(spool, "--anchor-key", str(key), "--anchor-file", str(anchors), *words)


@pytest.fixture
def shipped(server: Postgres, spool: Path, key: Path, anchors: Path) -> Postgres:
    """Two runs of 40 events, each with an anchor at its end; the file has both."""
    for _ in range(2):
        record(spool, key, anchors, "--postgres", server.conninfo("gate"), "--drain",
               "--threads", "2", "--statements", "10", "--segment", "8")
    return server


def verify(server: Postgres, key: Path, *words: str, status: int = 0) -> str:
    return ctl("verify", "-p", server.conninfo("auditor"), "--public-key", public(key), *words,
               status=status)


def test_a_key(tmp_path: Path, key: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600 and "PRIVATE" in key.read_text()
    known = Path(public(key))
    assert "PRIVATE" not in known.read_text()
    # the id is that of the raw key, which is the end of the DER
    der = base64.b64decode("".join(known.read_text().splitlines()[1:-1]))
    identity = hashlib.sha256(der[-32:]).hexdigest()[:16]
    assert ctl("key", "show", str(key)).strip() == identity
    assert ctl("key", "show", public(key)).strip() == identity
    assert "there already" in ctl("key", "new", str(key), status=1)
    assert "no Ed25519 key" in ctl("key", "show", "/etc/passwd", status=1)
    assert "expected new FILE" in ctl("key", "sell", str(key), status=2)


def test_an_open_key_is_refused(spool: Path, key: Path) -> None:
    key.chmod(0o644)
    driver = Driver(spool, "--anchor-key", str(key), "--statements", "1")
    assert driver.process.wait(60) == 3
    driver._finish()
    assert "chmod 600" in driver.error


def test_all_is_well(shipped: Postgres, key: Path, anchors: Path) -> None:
    assert [one["sequence"] for one in lines(anchors)] == [40, 81]
    text = verify(shipped, key, "--anchors", str(anchors))
    assert "2 anchors of the file hold, 2 of the chain's own; 0 are" in text
    assert shipped.value("SELECT count(*) FROM hivegate.event WHERE kind = 'anchor'") == "2"
    assert "0 anchors of the file hold, 2 of the chain's own" in verify(shipped, key)
    # without keys nothing is said of them
    assert "anchors" not in ctl("verify", "-p", shipped.conninfo("auditor"))


def test_a_spool_alone(spool: Path, key: Path, anchors: Path) -> None:
    record(spool, key, anchors, "--statements", "30", "--anchor-interval", "1")
    count = len(lines(anchors))
    words = ["verify", "--spool", str(spool), "--public-key", public(key)]
    assert count > 0
    text = ctl(*words, "--anchors", str(anchors))
    assert f"{count} anchors of the file hold, {count} of the chain's own" in text
    segments = sorted(at for at in spool.iterdir() if at.suffix == ".seg")
    data = segments[-1].read_bytes()
    end = len(data)
    for _ in range(20):  # the last anchor's own event is behind what it stands for
        end = data.rindex(b"HGR1", 0, end)
    segments[-1].write_bytes(data[:end])
    ctl("verify", "--spool", str(spool))  # an end cut off is no fault alone
    assert "cut off" in ctl(*words, "--anchors", str(anchors), status=1)


def remake(server: Postgres, first: int, last: int, drop: str = "false") -> None:
    """What an owner of the tables can do: leaves records out, and computes the chain behind anew."""
    server.run(f"""
    DO $$
    DECLARE
        row record; place bigint := 0; before bytea := decode(repeat('00', 32), 'hex'); link bytea;
    BEGIN
        DELETE FROM hivegate.event WHERE sequence BETWEEN {first} AND {last} OR ({drop});
        FOR row IN SELECT id, sequence, body::text AS body FROM hivegate.event ORDER BY sequence LOOP
            place := place + 1;
            link := sha256(before || (SELECT string_agg(set_byte('\\x00'::bytea, 0,
                ((place >> (8 * i)) & 255)::int), ''::bytea ORDER BY i)
                FROM generate_series(0, 7) AS i) || convert_to(row.body, 'UTF8'));
            UPDATE hivegate.event SET sequence = place, hash = link WHERE id = row.id;
            before := link;
        END LOOP;
        UPDATE hivegate.spool SET next_sequence = place + 1, hash = before;
    END $$""")


def test_a_chain_made_anew(shipped: Postgres, key: Path, anchors: Path) -> None:
    remake(shipped, 20, 20)
    ctl("verify", "-p", shipped.conninfo("auditor"))  # by itself it is sound
    assert "FAULT" in verify(shipped, key, status=1)
    text = verify(shipped, key, "--anchors", str(anchors), status=1)
    assert "an anchor has another hash" in text


def test_its_anchors_left_out_too(shipped: Postgres, key: Path, anchors: Path) -> None:
    remake(shipped, 20, 20, "kind = 'anchor'")
    assert "0 of the chain's own" in verify(shipped, key)
    text = verify(shipped, key, "--anchors", str(anchors), status=1)
    assert "an anchor has another hash" in text and "cut off" in text


def test_a_tail_cut_off(shipped: Postgres, key: Path, anchors: Path) -> None:
    remake(shipped, 81, 1000)
    ctl("verify", "-p", shipped.conninfo("auditor"))
    assert "1 of the chain's own" in verify(shipped, key)
    text = verify(shipped, key, "--anchors", str(anchors), status=1)
    assert "records 81 to 81: there is an anchor, but the records up to it are missing" in text


def test_two_change_places(shipped: Postgres, key: Path, anchors: Path) -> None:
    shipped.run("UPDATE hivegate.event SET sequence = 17 - sequence WHERE sequence IN (8, 9)")
    remake(shipped, 1000, 1000)
    ctl("verify", "-p", shipped.conninfo("auditor"))
    assert "another hash" in verify(shipped, key, "--anchors", str(anchors), status=1)


def test_all_of_a_spool_is_gone(shipped: Postgres, key: Path, anchors: Path) -> None:
    shipped.run("TRUNCATE hivegate.event, hivegate.spool")
    ctl("verify", "-p", shipped.conninfo("auditor"))
    assert "nothing else of it" in verify(shipped, key, "--anchors", str(anchors), status=1)


def test_what_retention_drops(shipped: Postgres, spool: Path, key: Path, anchors: Path) -> None:
    shipped.run("SELECT hivegate.drop_before((now() AT TIME ZONE 'UTC')::date + 1)")
    text = verify(shipped, key, "--anchors", str(anchors))
    assert "0 anchors of the file hold, 0 of the chain's own; 2 are on records" in text
    record(spool, key, anchors, "--postgres", shipped.conninfo("gate"), "--drain",
           "--statements", "5")
    assert "1 anchors of the file hold, 1 of" in verify(shipped, key, "--anchors", str(anchors))


def test_what_isnt_shipped_yet(shipped: Postgres, spool: Path, key: Path, anchors: Path) -> None:
    record(spool, key, anchors, "--statements", "5")
    words = ["--anchors", str(anchors)]
    assert "aren't shipped yet" in verify(shipped, key, *words, status=1)
    text = verify(shipped, key, *words, "--spool", str(spool))
    assert "database: 2 anchors of the file hold" in text and re.search("spool: [12] anchors", text)


def test_another_key_takes_over(tmp_path: Path, spool: Path, key: Path, anchors: Path) -> None:
    """The key's file is exchanged while it runs; both public keys together check the whole."""
    driver = Driver(spool, "--anchor-key", str(key), "--anchor-file", str(anchors),
                    "--anchor-interval", "20", "--statements", "0", "--limit", "16384")
    wait_for(lambda: anchors.exists() and anchors.read_text().count("\n") > 0)
    ctl("key", "new", str(tmp_path / "second.key"))
    old = Path(public(key))
    (tmp_path / "second.key").rename(key)
    first = lines(anchors)[0]["key"]
    # the second by the new key comes when the first one's event is on the disk
    wait_for(lambda: sum(first not in line for line in anchors.read_text().splitlines()) > 1)
    driver.kill()
    second = Path(f"{tmp_path}/second.key.pub")
    words = ["verify", "--spool", str(spool), "--anchors", str(anchors), "--public-key", str(old)]
    assert "name the keys that were in use" in ctl(*words, status=1)
    assert "anchors of the file hold" in ctl(*words, "--public-key", str(second))
    both = tmp_path / "ring.pub"
    both.write_text(old.read_text() + second.read_text())
    assert "anchors of the file hold" in ctl(*words[:-1], str(both))
    assert "unknown key" in ctl("verify", "--spool", str(spool), "--public-key", str(old), status=1)


@pytest.mark.parametrize("change, word", [
    (lambda one: one | {"sequence": 7}, "wrong signature"),
    (lambda one: one | {"hash": "0" * 64}, "wrong signature"),
    (lambda one: one | {"at": "2020-01-01T00:00:00.000000Z"}, "wrong signature"),
    (lambda one: one | {"key": "0" * 16}, "isn't among those named"),
    (lambda one: one | {"anchor": 2}, "is no anchor"),
    (lambda one: {"anchor": 1}, "is no anchor"),
])
def test_forged_anchors(spool: Path, key: Path, anchors: Path, change, word: str) -> None:
    record(spool, key, anchors, "--statements", "1")
    one = change(lines(anchors)[0])
    anchors.write_text(json.dumps(one, separators=(",", ":")) + "\n")
    words = ["verify", "--spool", str(spool), "--anchors", str(anchors)]
    assert word in ctl(*words, "--public-key", public(key), status=1)
    assert "--public-key" in ctl(*words, status=2)


def test_by_a_url(spool: Path, key: Path, anchors: Path) -> None:
    """Anchors are posted; an answer that says no, or nobody there, stops nothing."""
    got: list[bytes] = []

    class Store(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(body)
            self.send_response(500 if len(got) == 1 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as store:
        Thread(target=store.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{store.server_port}/anchors"
        driver = Driver(spool, "--anchor-key", str(key), "--anchor-url", url, "--statements", "0",
                        "--anchor-interval", "5", "--limit", "16384")
        wait_for(lambda: len(got) > 2)
        driver.kill()
        store.shutdown()
    anchors.write_bytes(b"\n".join(got) + b"\n")
    words = ["verify", "--spool", str(spool), "--anchors", str(anchors)]
    text = ctl(*words, "--public-key", public(key))
    assert f"{len(got)} anchors of the file hold" in text


@pytest.mark.parametrize("url", ["http://anchors.example/", "ftp://127.0.0.1/", "nonsense"])
def test_wrong_urls(spool: Path, key: Path, url: str) -> None:
    driver = Driver(spool, "--anchor-key", str(key), "--anchor-url", url, "--statements", "1")
    assert driver.process.wait(60) == 3
    driver._finish()
    assert "http" in driver.error


def test_a_file_that_cant_be_written(spool: Path, key: Path, tmp_path: Path) -> None:
    """The anchor stands in the chain anyway, and the spool goes on."""
    driver = Driver(spool, "--anchor-key", str(key), "--anchor-file", str(tmp_path / "no" / "file"),
                    "--anchor-interval", "1", "--statements", "300")
    driver.finish()
    assert "can't open the file of anchors" in driver.error
    text = ctl("verify", "--spool", str(spool), "--public-key", public(key))
    assert re.search("hold, [1-9][0-9]* of the chain's own", text)
