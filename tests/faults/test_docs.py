"""The examples of configuration in the documentation: each is one that hivegate takes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificates import Authority
from support.hivegate import hivegate_program
from support.paths import ROOT

# What an example that shows only a part leaves out.
REST = {
    "listeners": "listeners: [{name: thrift, bind: '127.0.0.1:0'}]",
    "authentication": "authentication: {chain: [users], users: {file: users.txt}}",
    "pools": "pools: [{name: default, endpoints: ['127.0.0.1:10000']}]",
}
# A key that can be read: the base point of P-256.
PUBLIC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
    "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
}
PAGES = ("README.md", "docs/authentication.md", "docs/operations.md")


def examples() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = (ROOT / page).read_text()
        for match in re.finditer(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 2
            yield f"{page}:{line}", match.group(1)


EXAMPLES = dict(examples())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, users_file: Path) -> Path:
    """With every file that the examples name."""
    made = tmp_path_factory.mktemp("docs")
    authority = Authority(made)
    pair = authority.issue_server("issued")
    for name in ("server", "gate", "people"):
        (made / f"{name}.pem").write_bytes(pair.certificate.read_bytes())
        (made / f"{name}.key").write_bytes(pair.key.read_bytes())
        (made / f"{name}.key").chmod(0o600)
    (made / "users.txt").write_text(users_file.read_text())
    (made / "admin.token").write_text("0123456789abcdef\n")
    (made / "collector.token").write_text("collect\n")
    (made / "cookie.key").write_bytes(bytes(range(64)))
    (made / "ldap.password").write_text("secret\n")
    (made / "client.secret").write_text("secret\n")
    (made / "batch-keys.json").write_text(json.dumps({"keys": [PUBLIC_KEY]}))
    secrets = ["users.txt", "admin.token", "collector.token", "cookie.key"]
    for secret in (*secrets, "ldap.password", "client.secret"):
        (made / secret).chmod(0o600)
    return made


@pytest.mark.parametrize("where", list(EXAMPLES))
def test_examples_are_good(folder: Path, where: str) -> None:
    text = EXAMPLES[where]
    rest = [part for key, part in REST.items() if not re.search(rf"^{key}:", text, re.MULTILINE)]
    path = folder / "hivegate.yaml"
    path.write_text("\n".join([text, *rest]) + "\n")
    argv = [hivegate_program(), "--check-config", path]
    done = subprocess.run(argv, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_examples() -> None:
    assert {where.partition(":")[0] for where in EXAMPLES} == set(PAGES)
