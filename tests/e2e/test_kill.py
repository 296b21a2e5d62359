"""What an administrator ends, as people see it in their clients: the reason, and nothing worse."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyhive import exc, hive
from support.hivegate import hivegatectl_program

from e2e.harness.fleet import Gateway, Spark
from e2e.harness.queries import slow
from e2e.harness.shell import Beeline


@pytest.fixture
def gateway(make_gateway: Callable[..., Gateway], sparks: dict[str, Spark]) -> Gateway:
    admin = {"listen": [{"bind": "unix:admin.sock"}]}
    return make_gateway([sparks["3.5"].address], settings={"admin": admin})


def ctl(gateway: Gateway, *words: str) -> str:
    argv = [hivegatectl_program(), *words, "--admin", gateway.addresses["admin"]]
    return subprocess.run(argv, text=True, capture_output=True, check=True, timeout=60).stdout


def wait_for_statement(gateway: Gateway, state: str) -> dict[str, Any]:
    """The statement that sleeps, once it is in this state."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for operation in json.loads(ctl(gateway, "operations", "--output", "json")):
            if operation["state"] == state and "Thread" in (operation["statement"] or ""):
                return operation
        time.sleep(0.1)
    raise AssertionError(f"no statement is {state}")


@pytest.mark.smoke
def test_killed_session_of_pyhive(gateway: Gateway) -> None:
    """PyHive waits in ExecuteStatement itself, which nobody could cancel by name."""
    target = gateway.target()
    connection = hive.connect(
        host=target.host,
        port=target.port,
        username=target.user,
        password=target.password,
        auth="CUSTOM",
    )
    errors: list[str] = []

    def run() -> None:
        with pytest.raises(exc.OperationalError) as raised:
            connection.cursor().execute(slow("killed session"))
        status = raised.value.args[0].status
        errors.append(f"{status.sqlState} {status.errorMessage}")

    thread = threading.Thread(target=run)
    thread.start()
    operation = wait_for_statement(gateway, "waiting")
    ctl(gateway, "kill", "session", operation["session"])
    thread.join(30)
    assert errors == [
        "08S01 hivegate: this session is lost: an administrator ended it. Connect again to go on."
    ]
    connection.close()


def test_killed_statement_of_beeline(gateway: Gateway, tmp_path: Path) -> None:
    """beeline polls; it shows why its statement ended and goes on with the next one."""
    script = tmp_path / "script.sql"
    script.write_text(f"{slow('killed statement')};\nSELECT 'goes on' AS what;\n")
    beeline = Beeline(gateway.target(), script=script, options=["--force=true"], silent=False)
    operation = wait_for_statement(gateway, "running")
    assert operation["user"] == "alice" and operation["seconds"] > 0
    ctl(gateway, "kill", "operation", operation["id"])
    done = beeline.wait()
    assert "hivegate: an administrator has cancelled this statement." in done.errors
    assert "57014" in done.errors
    assert "goes on" in done.output
