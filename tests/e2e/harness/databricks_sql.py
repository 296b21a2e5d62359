"""databricks-sql-connector, which speaks HTTP only. What it isn't told to leave, it asks Databricks'
own services for: telemetry is off."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from databricks import sql
from databricks.sql.client import Connection

from e2e.harness.certificates import Papers
from e2e.harness.http import PATH
from e2e.harness.wire import Target


def basic(user: str, password: str) -> Callable[[], Callable[[], dict[str, str]]]:
    """A credentials_provider that logs in by name and password."""
    value = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return lambda: lambda: {"Authorization": value}


def connect(target: Target, papers: Papers | None = None, **how: Any) -> Connection:
    """With papers over TLS; a target without a user leaves the login to alice's certificate."""
    if papers is None:
        how.setdefault("_connection_uri", f"http://{target.host}:{target.port}/{PATH}")
    else:
        how["_tls_trusted_ca_file"] = str(papers.authority.ca_file)
    if target.user:
        how.setdefault("credentials_provider", basic(target.user, target.password))
    elif papers is not None:
        how["_use_cert_as_auth"] = True
        how["_tls_client_cert_file"] = str(papers.alice.certificate)
        how["_tls_client_cert_key_file"] = str(papers.alice.key)
    return sql.connect(
        server_hostname=target.host,
        http_path=PATH,
        _port=target.port,
        enable_telemetry=False,
        **how,
    )
