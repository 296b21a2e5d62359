"""Archives of days: what is written is read back, what was changed is found, a day comes back."""

import gzip
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import CACHE, ROOT, SetupError
from support.postgres import Postgres

from audit.kit import ctl, run


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    return tmp_path / "archive"


@pytest.fixture
def shipped(server: Postgres, spool: Path, tmp_path: Path) -> Postgres:
    """Two days of one spool's chain: 41 events each, an anchor among them. Days can't be waited for:
    the clock of the second run is a day ahead."""
    key = tmp_path / "anchor.key"
    ctl("key", "new", str(key))
    for day in (0, 1):
        run(spool, "--postgres", server.conninfo("gate"), "--drain", "--threads", "2",
            "--statements", "10", "--segment", "8", "--anchor-key", str(key),
            "--anchor-file", str(tmp_path / "anchors"), "--days", str(day - 40))
    return server


def owner(server: Postgres) -> list[str]:
    return ["-p", server.conninfo()]


def days(server: Postgres) -> list[str]:
    return [row[0] for row in server.run(
        "SELECT DISTINCT day FROM hivegate.event WHERE day < now()::date - 30 ORDER BY 1")]


def write(server: Postgres, archive: Path) -> list[str]:
    named = days(server)
    text = ctl("archive", *owner(server), "--to", str(archive), "--older", "30d")
    assert f"days archived: {len(named)}" in text
    return named


def verify(archive: Path, tmp_path: Path, status: int = 0) -> str:
    return ctl("verify", "--archive", str(archive), "--anchors", str(tmp_path / "anchors"),
               "--public-key", str(tmp_path / "anchor.key.pub"), status=status)


def test_days_are_archived_and_dropped(shipped: Postgres, archive: Path, tmp_path: Path) -> None:
    named = write(shipped, archive)
    names = {f"event-{day}.{end}" for day in named for end in ("json", "jsonl.gz")}
    assert {at.name for at in archive.iterdir()} == names
    before = ctl("verify", *owner(shipped))
    bodies = shipped.run(
        f"SELECT body FROM hivegate.event WHERE day = '{named[0]}' ORDER BY sequence")
    lines = gzip.open(archive / f"event-{named[0]}.jsonl.gz").read().decode().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [json.loads("|".join(b)) for b in bodies]
    text = verify(archive, tmp_path)
    assert "82 records read" in text and "2 anchors of the file hold, 2 of the chain's own" in text
    # the archive ends where the chain did; the database's own, with what was archived, isn't in it
    (chain,) = [line for line in before.splitlines() if line.split("hash ")[-1] in text]
    assert "82 records read" in chain
    again = ctl("archive", *owner(shipped), "--to", str(archive), "--older", "30d")
    assert "days archived: 0" in again
    text = ctl("prune", *owner(shipped), "--keep", "30d", "--archived-only")
    assert f"days dropped: {len(named)}" in text and days(shipped) == []
    ctl("verify", *owner(shipped))
    kinds = shipped.run("SELECT kind FROM hivegate.event WHERE kind IN ('archived', 'dropped')"
                        " ORDER BY sequence")
    assert kinds == [["archived"]] * 2 + [["dropped"]] * 2
    assert shipped.value("SELECT sum(events) FROM hivegate.archive") == "82"


def test_only_what_is_archived_as_it_is(shipped: Postgres, archive: Path) -> None:
    named = write(shipped, archive)
    shipped.run(f"UPDATE hivegate.archive SET events = events - 1 WHERE day = '{named[0]}'")
    text = ctl("prune", *owner(shipped), "--keep", "30d", "--archived-only")
    assert "days dropped: 1" in text and f"day kept: {named[0]}, it isn't in the archive" in text
    text = ctl("archive", *owner(shipped), "--to", str(archive), "--older", "30d")
    assert "days archived: 1" in text
    assert "days dropped: 1" in ctl("prune", *owner(shipped), "--keep", "30d", "--archived-only")


def test_what_is_held_isnt_dropped(shipped: Postgres, archive: Path) -> None:
    named = write(shipped, archive)
    ctl("hold", "add", *owner(shipped), "--from", named[1], "--to", named[1], "--reason", "case 7")
    text = ctl("prune", *owner(shipped), "--keep", "30d", "--archived-only")
    assert "days dropped: 1" in text and f"day kept: {named[1]}, there is a legal hold" in text


def test_a_day_comes_back(shipped: Postgres, archive: Path) -> None:
    named = write(shipped, archive)
    table = f"hivegate.restored_{named[0].replace('-', '')}"
    shipped.run(f"DROP TABLE IF EXISTS {table}")
    count = f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY sequence)) FROM %s t" \
            f" WHERE day = '{named[0]}'"
    before = shipped.run(count % "hivegate.event")
    ctl("prune", *owner(shipped), "--keep", "30d", "--archived-only")
    words = ["restore", *owner(shipped), "--from", str(archive), "--day", named[0]]
    assert f"{table}: 41 events" in ctl(*words)
    assert shipped.run(count % table) == before
    assert "already exists" in ctl(*words, status=1)
    shipped.run(f"DROP TABLE {table}")
    assert shipped.value("SELECT body ->> 'call' FROM hivegate.event WHERE kind = 'audit_read'") \
        == "audit restore"
    assert "can't open" in ctl(*words[:-1], "2020-01-01", status=1)


def rewrite(path: Path, change, fix_manifest: bool) -> None:
    """Changes a file's text, and when wanted its manifest, so that it fits again."""
    lines = change(gzip.open(path).read().decode().splitlines(True))
    path.write_bytes(gzip.compress("".join(lines).encode()))
    if fix_manifest:
        manifest = path.with_name(path.name.replace(".jsonl.gz", ".json"))
        told = json.loads(manifest.read_text())
        data = path.read_bytes()
        told |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "events": len(lines)}
        manifest.write_text(json.dumps(told, separators=(",", ":")))


@pytest.mark.parametrize("change, word", [
    (lambda lines: lines[:5] + lines[6:], "manifest has"),
    (lambda lines: lines[:-1], "records are missing in the file"),
    (lambda lines: [line.replace("alice", "mallory") for line in lines], "was changed"),
    (lambda lines: [lines[1], lines[0], *lines[2:]], "manifest has"),
    (lambda lines: lines + lines[-1:], "manifest has"),
])
@pytest.mark.parametrize("fix_manifest", [False, True])
def test_changes_are_found(
    shipped: Postgres, archive: Path, tmp_path: Path, change, word: str, fix_manifest: bool
) -> None:
    named = write(shipped, archive)
    rewrite(archive / f"event-{named[0]}.jsonl.gz", change, fix_manifest)
    text = verify(archive, tmp_path, status=1)
    assert "FAULT" in text
    if fix_manifest:
        assert re.search(word, text), text
    else:
        assert "a file isn't the one that its manifest has" in text
    assert ctl("restore", *owner(shipped), "--from", str(archive), "--day", named[0], status=1)


def test_a_day_is_missing(shipped: Postgres, archive: Path, tmp_path: Path) -> None:
    named = write(shipped, archive)
    (archive / f"event-{named[0]}.jsonl.gz").rename(tmp_path / "away")
    assert "can't open" in verify(archive, tmp_path, status=1)
    for at in archive.iterdir():
        at.unlink()
    assert "there is no archive" in verify(archive, tmp_path, status=1)


def test_an_archive_that_cant_be_written(shipped: Postgres, archive: Path) -> None:
    words = ["archive", *owner(shipped), "--older", "30d", "--to"]
    assert "is no folder" in ctl(*words, str(archive / "no"), status=1)
    (archive / f"event-{days(shipped)[0]}.jsonl.gz").mkdir()
    assert "can't write" in ctl(*words, str(archive), status=1)
    assert shipped.value("SELECT count(*) FROM hivegate.archive") == "0"


def test_a_day_that_lost_events_isnt_overwritten(shipped: Postgres, archive: Path) -> None:
    named = write(shipped, archive)
    shipped.run(f"DELETE FROM hivegate.event WHERE day = '{named[1]}' AND kind = 'anchor'")
    words = ["archive", *owner(shipped), "--older", "30d", "--to", str(archive)]
    assert "the archive isn't overwritten" in ctl(*words, status=1)


@pytest.mark.parametrize("words, word", [
    (("archive",), "--postgres"),
    (("archive", "-p", "host=x"), "no archive is named"),
    (("archive", "-p", "host=x", "--to", "/x"), "--older"),
    (("restore", "-p", "host=x", "--from", "/x"), "--day"),
    (("restore", "-p", "host=x", "--from", "/x", "--day", "2026-1-1"), "--day"),
])
def test_wrong_commands(words: tuple[str, ...], word: str) -> None:
    assert word in ctl(*words, status=2)


# ---- S3 ----


class S3:
    """A store with a key that may use it and one that may not."""

    def __init__(self) -> None:
        target = CACHE / "moto"
        if not target.exists():
            raise SetupError("no S3 server here; run: tools/setup s3")
        script = ROOT / "tests" / "support" / "s3_server.py"
        argv = [str(CACHE / "venv" / "bin" / "python"), str(script), "audit"]
        environment = os.environ | {"PYTHONPATH": str(target)}
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=environment, text=True)
        told = json.loads(self.process.stdout.readline())
        self.keys = told["keys"]
        self.words = ["--s3-endpoint", told["url"]]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    made = S3()
    yield made
    made.close()


@pytest.fixture
def key(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.keys[0][0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.keys[0][1])


def test_s3(shipped: Postgres, s3: S3, key: None, tmp_path: Path) -> None:
    named = days(shipped)
    to = ["s3://audit/some/where", *s3.words]
    words = ["archive", *owner(shipped), "--older", "30d", "--to", *to]
    assert "days archived: 2" in ctl(*words)
    text = ctl("verify", "--archive", *to, "--anchors", str(tmp_path / "anchors"),
               "--public-key", str(tmp_path / "anchor.key.pub"))
    assert "82 records read" in text and "2 anchors of the file hold" in text
    assert "days dropped: 2" in ctl("prune", *owner(shipped), "--keep", "30d", "--archived-only")
    table = f"hivegate.restored_{named[0].replace('-', '')}"
    text = ctl("restore", *owner(shipped), "--from", *to, "--day", named[0])
    shipped.run(f"DROP TABLE {table}")
    assert f"{table}: 41 events" in text
    text = ctl("restore", *owner(shipped), "--from", *to, "--day", "2020-01-01", status=1)
    assert "status 404" in text
    text = ctl("verify", "--archive", "s3://audit/other", *s3.words, status=1)
    assert "there is no archive" in text


def test_s3_refuses(shipped: Postgres, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong key, one that may not, no key, nobody there: the day isn't archived."""
    words = ["archive", *owner(shipped), "--older", "30d", "--to", "s3://audit/refused", *s3.words]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    assert "AWS_ACCESS_KEY_ID" in ctl(*words, status=1)
    for name, secret in [(s3.keys[0][0], "wrong"), s3.keys[1], ("nobody", "x")]:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", name)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        assert "the key may not do this, or is wrong" in ctl(*words, status=1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.keys[0][0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.keys[0][1])
    assert "status 404" in ctl(*words[:-3], "s3://nobucket/x", *s3.words, status=1)
    away = [*words[:-1], "http://127.0.0.1:1"]
    assert "the S3 store: writing event-" in ctl(*away, status=1)
    assert "isn't understood" in ctl(*words[:-3], "s3://a b/", status=1)
    assert shipped.value("SELECT count(*) FROM hivegate.archive") == "0"
