"""Gateways and scripted backends of the fault tests.

`gate` and `backend` are shared by the tests that need nothing special; around each such test the
bystanders must go on and everything that it opened must be gone. Tests that need another
configuration use `make_gate` and `make_backend`. HIVEGATE_BIN names another hivegate, such as a build
with sanitizers; `-m smoke` is a part that passes over every path once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hivegate import add_user

from faults.kit.backend import Backend
from faults.kit.gate import BYSTANDER, USERS, Gate, shared_gate


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "smoke: passes over every path once; for sanitizer builds")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    item.stash.setdefault(_REPORTS, {})[report.when] = report
    return report


_REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()


def _failed(request: pytest.FixtureRequest) -> bool:
    reports = request.node.stash.get(_REPORTS, {})
    return any(report.failed for report in reports.values())


@pytest.fixture(scope="session")
def users_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("users") / "users.txt"
    for name in USERS:
        add_user(path, name, f"{name}-secret")
    return path


@pytest.fixture(scope="session")
def shared(
    users_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gate, Backend]]:
    with shared_gate(tmp_path_factory.mktemp("shared"), users_file, raw=True) as shared:
        yield shared


@pytest.fixture
def gate(shared: tuple[Gate, Backend], request: pytest.FixtureRequest) -> Iterator[Gate]:
    made, backend = shared
    made.check_bystanders(1)
    backend.forget()
    made.forget_log()
    yield made
    backend.clear()
    made.close_peers()
    made.keep_opening(True)
    made.check_bystanders(1)
    if _failed(request):  # the test's own error says more
        backend.write_off(BYSTANDER)
    else:
        made.settle()


@pytest.fixture
def backend(gate: Gate, shared: tuple[Gate, Backend]) -> Backend:
    return shared[1]


@pytest.fixture
def make_backend() -> Iterator[Callable[..., Backend]]:
    made: list[Backend] = []

    def make(kind: type[Backend] = Backend, **how: Any) -> Backend:
        made.append(kind(**how))
        return made[-1]

    yield make
    for backend in made:
        backend.stop()


@pytest.fixture
def make_gate(
    users_file: Path,
    tmp_path: Path,
    make_backend: Callable[..., Backend],
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Gate]]:
    """Makes gateways; each must end in good order after the test, with a clean log."""
    made: list[Gate] = []

    def make(*backends: Backend | str, **how: Any) -> Gate:
        made.append(Gate(tmp_path / f"gate-{len(made)}", users_file, backends, **how))
        return made[-1]

    yield make
    try:
        for gate in made:
            gate.close_peers()
            if not _failed(request) and gate.hivegate.alive:
                gate.settle()
                gate.stop()
            elif not _failed(request):
                gate.check_log()
    finally:
        for gate in made:
            gate.kill()
