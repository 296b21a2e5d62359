"""A real directory for the tests of the method `ldap`, and drivers of it.

`directory` is shared by tests that change nothing; `ldap` makes a driver from options, with what the
shared directory needs filled in. LDAP_DRIVER names another driver, such as one with sanitizers.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority, Certificate
from support.slapd import BASE, SERVICE_DN, SERVICE_PASSWORD, Slapd

from auth.kit.driver import Driver
from auth.kit.tree import TREE

MakeDriver = Callable[..., Driver]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_certificate(authority: Authority) -> Certificate:
    return authority.issue_server()


@pytest.fixture(scope="session")
def directory(
    authority: Authority,
    server_certificate: Certificate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Slapd]:
    folder = tmp_path_factory.mktemp("slapd")
    with Slapd(folder / "shared", TREE, tls=server_certificate, ca_file=authority.ca_file) as made:
        yield made


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "service.password"
    path.write_text(SERVICE_PASSWORD + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def ldap(directory: Slapd, password_file: Path, tmp_path: Path) -> Iterator[MakeDriver]:
    """Makes drivers: search first with the service account, unless the options say otherwise; an
    option that is None is left out."""
    made: list[Driver] = []

    def make(**options: Any) -> Driver:
        merged = {
            "urls": [directory.url],
            "bind_dn": SERVICE_DN,
            "password_file": str(password_file),
            "base": [f"ou=people,{BASE}"],
            **options,
        }
        chosen = {key: value for key, value in merged.items() if value is not None}
        made.append(Driver(tmp_path / f"driver-{len(made)}", chosen))
        return made[-1]

    yield make
    for driver in made:
        driver.__exit__()
