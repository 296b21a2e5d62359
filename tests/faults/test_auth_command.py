"""hivegatectl auth test: what each method of a chain says of a login."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.hivegate import add_user, default_config, hivegatectl_program


@pytest.fixture
def config(tmp_path: Path) -> Path:
    add_user(tmp_path / "users.txt", "alice", "alice-secret", ["analysts", "ops"])
    made = default_config(["127.0.0.1:10000"])
    made["listeners"].append(made["listeners"][0] | {"name": "own", "bind": "127.0.0.1:0"})
    made["listeners"][1]["chain"] = ["users"]
    path = tmp_path / "hivegate.yaml"
    path.write_text(json.dumps(made))
    return path


def run(*argv: str | Path, secret: str = "") -> tuple[int, str, str]:
    words = [str(hivegatectl_program()), "auth", "test", *map(str, argv)]
    done = subprocess.run(words, input=secret, text=True, capture_output=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.smoke
@pytest.mark.parametrize("listener", [(), ("--listener", "own"), ("-l", "thrift")])
def test_a_good_login(config: Path, listener: tuple[str, ...]) -> None:
    argv = ("--config", config, *listener, "--password-stdin", "alice")
    code, out, err = run(*argv, secret="alice-secret\n")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines() if line]
    assert ["users", "accepted"] in lines
    assert ["user", "alice"] in lines and ["realm", "users"] in lines
    assert ["groups", "analysts,", "ops"] in lines


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("user", "says"),
    [("alice", "denied wrong password"), ("bob", "not mine no such user"), ("a@b", "not mine")],
)
def test_a_bad_login(config: Path, user: str, says: str) -> None:
    code, out, err = run("-c", config, "--password-stdin", user, secret="wrong\n")
    assert (code, err) == (1, "")
    assert says in " ".join(out.split())


def test_wrong_command_lines(config: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("listeners: 3\n")
    for argv, code, said in (
        (("--config", config), 2, "no user is named"),
        (("alice",), 2, "no configuration is named"),
        (("--config", config, "--bearer", "alice"), 2, "without a user"),
        (("--config", config, "alice", "bob"), 2, "an argument too many"),
        (("--config", config, "-l", "nope", "alice"), 1, "no listener nope"),
        (("--config", tmp_path / "none.yaml", "alice"), 1, "none.yaml"),
        (("--config", tmp_path / "bad.yaml", "alice"), 1, "bad.yaml:1:12"),
    ):
        got, _, err = run(*argv, secret="x\n")
        assert got == code and said in err, (argv, got, err)
    code, out, _ = run("--help")
    assert code == 0 and "Examples:" in out
