"""What the chart expects to be there when its values say so: Secrets of the examples."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.certificates import Authority


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, bytes]]:
    authority = Authority(tmp_path_factory.mktemp("pki"))
    issued = authority.issue_server("sql.example.org")
    certificate = {
        "tls.crt": Path(issued.certificate).read_bytes(),
        "tls.key": Path(issued.key).read_bytes(),
        "ca.crt": authority.ca_file.read_bytes(),
    }
    hashed = b"alice:$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\n"
    return {
        "demo-hivegate-tls": certificate,  # cert-manager's
        "my-certificate": certificate,
        "hivegate-users": {"users.txt": hashed},
        "hivegate-ldap": {"password": b"secret\n", "ca.crt": certificate["ca.crt"]},
        "hivegate-spark": {"password": b"secret\n"},
        "audit-database": {"gateway-password": b"secret"},
        "hadoop-site": {"core-site.xml": b"<configuration/>"},
    }
