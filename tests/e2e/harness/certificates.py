"""TLS as clients are told of it: URL settings of the JDBC drivers, transports of the Python ones."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from pyhive.hive import get_installed_sasl
from support.certificates import STORE_PASSWORD, Authority, Certificate
from thrift.transport.TSSLSocket import TSSLSocket
from thrift_sasl import TSaslClientTransport

from e2e.harness.wire import Target


@dataclass
class Papers:
    """Every certificate that these tests need."""

    authority: Authority
    stranger: Authority  # nobody trusts it
    server: Certificate
    alice: Certificate

    @classmethod
    def make(cls, directory: Path) -> Papers:
        authority = Authority(directory / "known")
        stranger = Authority(directory / "unknown")
        alice = authority.issue("alice", "alice", ["email:alice@example.org"])
        return cls(authority, stranger, authority.issue_server(), alice)


def spark_settings(server: Certificate) -> dict[str, str]:
    """What makes a Spark Thrift Server speak TLS, on any transport."""
    return {
        "hive.server2.use.SSL": "true",
        "hive.server2.keystore.path": str(server.key_store()),
        "hive.server2.keystore.password": STORE_PASSWORD,
    }


def jdbc_settings(authority: Authority) -> str:
    """What a JDBC URL needs for TLS."""
    return f"ssl=true;sslTrustStore={authority.trust_store()};trustStorePassword={STORE_PASSWORD}"


def java_options(authority: Authority, own: Certificate) -> list[str]:
    """The JVM's own stores, which a URL that names no trust store takes: over the binary transport
    the drivers know no other way to show a certificate (their twoWay=true is for HTTP)."""
    stores = {"trustStore": authority.trust_store(), "keyStore": own.key_store()}
    return [
        f"-Djavax.net.ssl.{name}{part}={value}"
        for name, path in stores.items()
        for part, value in (("", path), ("Password", STORE_PASSWORD))
    ]


def with_settings(suffix: str, settings: str) -> str:
    """A URL's end (/database;session?conf#vars) with further session settings."""
    cut = min((at for mark in "?#" if (at := suffix.find(mark)) >= 0), default=len(suffix))
    return f"{suffix[:cut] or '/'};{settings}{suffix[cut:]}"


def pyhive_transport(target: Target) -> TSaslClientTransport:
    """SASL PLAIN over TLS, for `hive.connect(thrift_transport=...)`."""
    assert isinstance(target.tls, ssl.SSLContext)
    socket = TSSLSocket(target.host, target.port, ssl_context=target.tls)
    return TSaslClientTransport(
        lambda: get_installed_sasl(
            host=target.host, sasl_auth="PLAIN", username=target.user, password=target.password
        ),
        "PLAIN",
        socket,
    )
