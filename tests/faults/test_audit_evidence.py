"""Evidence of the gateway's own audit log: anchors, pseudonyms, and the configuration by its hash."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hivegate import hivegate_program, hivegatectl_program

from .kit.audit import Audit, audited
from .kit.backend import Backend


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "spool")


@pytest.fixture
def backend(make_backend: Callable) -> Backend:
    return make_backend()


def ctl(*words: str) -> str:
    argv = [str(hivegatectl_program()), "audit", *words]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_anchors_of_a_gateway(
    make_gate: Callable, backend: Backend, audit: Audit, tmp_path: Path
) -> None:
    """One at the end at the latest: it stands for service_stopped, too."""
    key, anchors = tmp_path / "anchor.key", tmp_path / "anchors"
    ctl("key", "new", str(key))
    gate = audited(make_gate, audit, backend, anchors={"key_file": str(key), "file": str(anchors)})
    peer, session = gate.session()
    peer.execute(session, "SELECT 1")
    peer.close_session(session).ok()
    peer.close()
    gate.stop()
    text = ctl("verify", "--spool", str(audit.folder), "--anchors", str(anchors),
               "--public-key", f"{key}.pub")
    last = json.loads(anchors.read_text().splitlines()[-1])
    assert "anchors of the file hold" in text
    kinds = [event["kind"] for event in audit.events()]
    assert kinds[last["sequence"] - 1] == "service_stopped" and kinds[-1] == "anchor"


def test_names_are_hidden(
    make_gate: Callable, backend: Backend, audit: Audit, tmp_path: Path
) -> None:
    key = tmp_path / "pseudonyms.key"
    ctl("key", "pseudonyms", str(key))
    gate = audited(make_gate, audit, backend,
                   pseudonyms={"key_file": str(key), "addresses": "hide"})
    peer, session = gate.session()
    peer.execute(session, "SELECT 1")
    peer.close_session(session).ok()
    peer.close()
    gate.stop()
    alice = ctl("pseudonym", "--key", str(key), "alice").strip()
    begun = audit.events("statement_submitted")[0]
    assert begun["principal"] == begun["effective_user"] == alice
    assert begun["client_address"] == ctl("pseudonym", "--key", str(key), "127.0.0.1").strip()
    assert audit.events("login_accepted")[0]["principal"] == alice
    found = ctl("search", "--spool", str(audit.folder), "--user", alice, "--output", "json")
    assert "statement_submitted" in found
    for event in audit.events():
        named = {name: value for name, value in event.items() if name not in ("content", "detail")}
        assert "alice" not in json.dumps(named)


def test_the_configuration_by_its_hash(make_gate: Callable, backend: Backend, audit: Audit) -> None:
    gate = audited(make_gate, audit, backend)
    gate.stop()
    loaded = audit.events("config_loaded")[0]
    assert hashlib.sha256(loaded["content"].encode()).hexdigest() == loaded["content_hash"]
    assert loaded["call"] == "configuration" and str(audit.folder) in loaded["content"]


@pytest.mark.parametrize("section, word", [
    ({"anchors": {"file": "x"}}, "key_file"),
    ({"anchors": {"key_file": "/nonexistent"}}, "audit.anchors.key_file"),
    ({"anchors": {"url": "http://192.0.2.1/"}}, "https"),
    ({"export": {"port": 1}}, "audit.export.host"),
    ({"export": {"host": "x", "key_file": "y"}}, "expected both or none"),
    ({"pseudonyms": {"key_file": "/etc/hostname"}}, "audit.pseudonyms.key_file"),
])
def test_wrong_options(tmp_path: Path, section: dict, word: str) -> None:
    config = tmp_path / "hivegate.yaml"
    config.write_text(json.dumps({"audit": {"spool": str(tmp_path / "spool")} | section}))
    done = subprocess.run([str(hivegate_program()), f"--check-config={config}"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and word in done.stdout + done.stderr
