"""Certificates for tests: an authority of its own, what it signs, and the stores Java wants.

Made with the openssl program, the Java trust stores with the JDK's keytool. Keys are on the curve
P-256, which takes milliseconds.
"""

import hashlib
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .paths import SetupError, java_home

STORE_PASSWORD = "changeit"


def _run(*argv: str | Path) -> None:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, argv))} failed:\n{done.stdout}{done.stderr}")


def _openssl(*argv: str | Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise SetupError("no openssl program; run: tools/setup test")
    _run(program, *argv)


def fingerprint(der: bytes) -> str:
    """A certificate's, from its DER form, as `SSLSocket.getpeercert(True)` has it."""
    return hashlib.sha256(der).hexdigest()


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        return fingerprint(ssl.PEM_cert_to_DER_cert(self.certificate.read_text()))

    @property
    def pair(self) -> dict[str, str]:
        """The two keys of hivegate's configuration."""
        return {"certificate_file": str(self.certificate), "key_file": str(self.key)}

    def key_store(self) -> Path:
        """Both in one file for Java (PKCS12)."""
        path = self.certificate.with_suffix(".p12")
        if not path.exists():
            _openssl(
                *("pkcs12", "-export", "-name", "own", "-passout", f"pass:{STORE_PASSWORD}"),
                *("-in", self.certificate, "-inkey", self.key, "-out", path),
            )
        return path


class Authority:
    """A certificate authority whose files are in `directory`: `ca_file`, and what it issued."""

    def __init__(self, directory: Path, name: str = "ca"):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.name = name
        self.ca_file = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        _openssl(
            *("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-subj", f"/O=Test/CN={name}", "-days", "30", "-keyout", self._key),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.ca_file),
        )

    def issue(
        self,
        file_name: str,
        common_name: str | None = None,
        names: Sequence[str] = (),
        *,
        days: int = 30,
    ) -> Certificate:
        """Signs a certificate, good for both ends of a connection, in file_name.pem and .key.

        names  alternative names as OpenSSL writes them: DNS:localhost, IP:127.0.0.1, email:…
        days   how long it is valid; a negative number makes one that has expired
        """
        made = Certificate(self.directory / f"{file_name}.pem", self.directory / f"{file_name}.key")
        request = self.directory / f"{file_name}.csr"
        extensions = self.directory / f"{file_name}.ext"
        lines = ["basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth,clientAuth"]
        if names:
            lines.append(f"subjectAltName={','.join(names)}")
        extensions.write_text("\n".join(lines) + "\n")
        _openssl(
            *("req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-utf8", "-subj", f"/O=Test/CN={common_name or file_name}"),
            *("-keyout", made.key, "-out", request),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self._key),
            *("-CAserial", self.directory / f"{self.name}.srl", "-CAcreateserial"),
            *("-days", str(days), "-extfile", extensions, "-out", made.certificate),
        )
        request.unlink()
        extensions.unlink()
        return made

    def issue_server(self, file_name: str = "server", **how) -> Certificate:
        """For a server on this machine, under any name that it has."""
        return self.issue(file_name, "localhost", ("DNS:localhost", "IP:127.0.0.1", "IP:::1"), **how)

    def trust_store(self) -> Path:
        """The authority alone in a file for Java (PKCS12)."""
        path = self.directory / f"{self.name}-trust.p12"
        if not path.exists():
            _run(
                *(java_home() / "bin" / "keytool", "-importcert", "-noprompt", "-alias", self.name),
                *("-file", self.ca_file, "-keystore", path, "-storetype", "PKCS12"),
                *("-storepass", STORE_PASSWORD),
            )
        return path

    def context(self, certificate: Certificate | None = None) -> ssl.SSLContext:
        """For a client that trusts this authority only, and shows this certificate if asked."""
        made = ssl.create_default_context(cafile=str(self.ca_file))
        if certificate:
            made.load_cert_chain(certificate.certificate, certificate.key)
        return made
