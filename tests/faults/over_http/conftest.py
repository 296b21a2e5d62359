"""The gateway that these tests share has an HTTP listener, too. Over HTTP sessions don't end with a
connection: tests close those that they open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..kit.backend import Backend
from ..kit.gate import Gate, shared_gate
from ..kit.http import add_listener


@pytest.fixture(scope="session")
def shared(
    users_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gate, Backend]]:
    with shared_gate(tmp_path_factory.mktemp("http"), users_file, change=add_listener) as shared:
        yield shared


@pytest.fixture
def make_http(make_gate: Callable, make_backend: Callable) -> Callable[..., tuple[Gate, Backend]]:
    """A gateway with other settings, in front of a backend of its own."""

    def make(sasl: bool = True, **how: Any) -> tuple[Gate, Backend]:
        backend = make_backend(sasl=sasl)
        how.setdefault("change", add_listener)
        return make_gate(backend, **how), backend

    return make
