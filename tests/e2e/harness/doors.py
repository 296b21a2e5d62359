"""The nine ways into a hivegate, each a listener, and what clients are told to take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.certificates import STORE_PASSWORD

from e2e.harness.certificates import Papers
from e2e.harness.fleet import Gateway
from e2e.harness.http import Way
from e2e.harness.wire import Target

TRANSPORTS = ("binary", "raw", "http")  # raw: without SASL
SECURITIES = ("plain", "tls", "two-way")


@dataclass(frozen=True)
class Door:
    transport: str
    security: str

    @property
    def name(self) -> str:
        return f"{self.transport}-{self.security}"

    @property
    def password(self) -> str:
        """Through a two-way door the certificate is the login."""
        return "not-looked-at" if self.security == "two-way" else "alice-secret"

    def listener(self, papers: Papers) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.name, "bind": "127.0.0.1:0"}
        if self.transport == "http":
            made["transport"] = "http"
        else:
            made["sasl"] = "plain" if self.transport == "binary" else "none"
        if self.security != "plain":
            made["tls"] = {"certificates": [papers.server.pair]}
        if self.security == "two-way":
            ca_file = str(papers.authority.ca_file)
            made["tls"] |= {"client_certificate": "required", "client_ca_file": ca_file}
        return made

    def target(self, gateway: Gateway, papers: Papers) -> Target:
        """By the name in the server's certificate, as alice."""
        context = None
        if self.security != "plain":
            shown = papers.alice if self.security == "two-way" else None
            context = papers.authority.context(shown)
        _, _, port = gateway.addresses[self.name].rpartition(":")
        sasl = self.transport == "binary"
        return Target("localhost", int(port), "alice", self.password, sasl, self.name, context)

    def way(self, gateway: Gateway, papers: Papers) -> Way:
        return Way(self.target(gateway, papers), self.transport)

    def hive_url(self, gateway: Gateway, papers: Papers, database: str = "default") -> str:
        """Through a two-way door nobody is named. The binary transport takes the stores of the JVM
        for it: certificates.java_options()."""
        port = self.target(gateway, papers).port
        parts = [f"jdbc:hive2://localhost:{port}/{database}"]
        if self.transport == "raw":
            parts.append("auth=noSasl")
        if self.transport == "http":
            parts.append("transportMode=http;httpPath=cliservice")
        if self.security != "two-way":
            parts.append("user=alice;password=alice-secret")
        if self.security != "plain":
            parts.append("ssl=true")
        if self.security == "tls" or self.name == "http-two-way":
            trusted = papers.authority.trust_store()
            parts.append(f"sslTrustStore={trusted};trustStorePassword={STORE_PASSWORD}")
        if self.name == "http-two-way":
            own = papers.alice.key_store()
            parts.append(f"twoWay=true;sslKeyStore={own};keyStorePassword={STORE_PASSWORD}")
        return ";".join(parts)

    def databricks_url(self, gateway: Gateway, papers: Papers, database: str = "default") -> str:
        port = self.target(gateway, papers).port
        mode = {"binary": "sasl", "raw": "binary", "http": "http;httpPath=cliservice"}
        parts = [
            f"jdbc:databricks://localhost:{port}/{database}",
            f"transportMode={mode[self.transport]}",
            f"AuthMech=3;UID=alice;PWD={self.password}",
            f"SSL={0 if self.security == 'plain' else 1}",
        ]
        if self.security != "plain":
            trusted = papers.authority.trust_store()
            parts.append(f"SSLTrustStore={trusted};SSLTrustStorePwd={STORE_PASSWORD}")
        if self.security == "two-way":
            parts.append(f"SSLKeyStore={papers.alice.key_store()};SSLKeyStorePwd={STORE_PASSWORD}")
        return ";".join(parts)


DOORS = tuple(Door(transport, security) for transport in TRANSPORTS for security in SECURITIES)


def doors(transports: str, securities: str = "plain tls two-way") -> tuple[Door, ...]:
    """Some of them, by the words of their names."""
    return tuple(
        door
        for door in DOORS
        if door.transport in transports.split() and door.security in securities.split()
    )
