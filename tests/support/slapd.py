"""OpenLDAP's slapd on loopback: a directory of its own per test run, as whoever runs the tests.

    with Slapd(folder, LDIF, tls=certificate, ca_file=authority.ca_file) as directory:
        directory.url, directory.tls_url, directory.base

It has the schemas that people use (inetOrgPerson, posixGroup), the overlays memberof and ppolicy, and
a service account. No system service and none of the machine's own configuration is touched.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .certificates import Certificate
from .net import free_port, is_listening
from .paths import SetupError
from .process import Process, ProcessFailed

BASE = "dc=example,dc=org"
ROOT_DN = f"cn=root,{BASE}"
ROOT_PASSWORD = "the root of the tree"
SERVICE_DN = f"cn=gate,ou=services,{BASE}"
SERVICE_PASSWORD = "let me look around"

_SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
_PLACES = ("/usr/sbin/slapd", "/usr/local/sbin/slapd", "/usr/local/libexec/slapd")
_MODULES = ("/usr/lib/ldap", "/usr/lib/openldap", "/usr/local/libexec/openldap")

# What every directory begins with.
TREE = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=services,{BASE}
objectClass: organizationalUnit
ou: services

dn: {SERVICE_DN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: gate
userPassword: {SERVICE_PASSWORD}

dn: ou=policies,{BASE}
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,{BASE}
objectClass: pwdPolicy
objectClass: applicationProcess
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3
"""


def _program(name: str) -> str:
    found = shutil.which(name) or next((at for at in _PLACES if at.endswith(name)), None)
    if found is None or not Path(found).exists():
        raise SetupError(f"no {name} here; run: tools/setup test")
    return found


class Slapd:
    """One server. Its port stays the same when it is stopped and started again."""

    base = BASE
    root_dn = ROOT_DN
    service_dn = SERVICE_DN

    def __init__(
        self,
        directory: Path,
        ldif: str = "",
        *,
        tls: Certificate | None = None,
        ca_file: Path | None = None,
        ask_for_certificate: bool = False,
        anonymous_reads: bool = False,
        before: Sequence[str] = (),
        more: Sequence[str] = (),
    ):
        """
        ldif                 added to TREE
        tls                  what it shows on tls_url and after StartTLS
        ask_for_certificate  clients have to show one that ca_file signed
        anonymous_reads      whether nobody's password is needed to read
        before, more         lines for the beginning and for the end of its configuration
        """
        self.directory = directory
        self.port = free_port()
        self.tls_port = free_port()
        self._tls = tls
        self._ca_file = ca_file
        self._ask_for_certificate = ask_for_certificate
        self._anonymous_reads = anonymous_reads
        self._before = before
        self._more = more
        self._process: Process | None = None
        (directory / "data").mkdir(parents=True)
        self._config = directory / "slapd.conf"
        self._config.write_text(self._configuration())
        self.start()
        try:
            self.add(TREE + "\n" + ldif)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> "Slapd":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"ldap://localhost:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    @property
    def log(self) -> Path:
        return self.directory / "slapd.log"

    def _configuration(self) -> str:
        modules = next((at for at in _MODULES if Path(at).is_dir()), _MODULES[0])
        lines = [f"include /etc/ldap/schema/{name}.schema" for name in _SCHEMAS]
        lines += [f"pidfile {self.directory}/slapd.pid", f"modulepath {modules}"]
        lines += [f"moduleload {name}" for name in ("back_mdb", "memberof", "ppolicy", "retcode")]
        if self._tls:
            lines += [f"TLSCertificateFile {self._tls.certificate}"]
            lines += [f"TLSCertificateKeyFile {self._tls.key}"]
        if self._ca_file:
            lines += [f"TLSCACertificateFile {self._ca_file}"]
        if self._ask_for_certificate:
            lines += ["TLSVerifyClient demand"]
        lines += [
            *self._before,
            "database mdb",
            "maxsize 16777216",
            f'suffix "{BASE}"',
            f'rootdn "{ROOT_DN}"',
            f'rootpw "{ROOT_PASSWORD}"',
            f"directory {self.directory}/data",
            "access to attrs=userPassword by anonymous auth by * none",
            "access to *",
            f'  by dn.exact="{SERVICE_DN}" read',
            "  by self read",
            f"  by anonymous {'read' if self._anonymous_reads else 'none'}",
            "  by * none",
            "overlay memberof",
            "overlay ppolicy",
            f'ppolicy_default "cn=default,ou=policies,{BASE}"',
            "ppolicy_use_lockout",
            *self._more,
        ]
        return "\n".join(lines) + "\n"

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.port}/"
        if self._tls:
            urls += f" ldaps://127.0.0.1:{self.tls_port}/"
        argv = [_program("slapd"), "-f", str(self._config), "-h", urls, "-d", "stats"]
        self._process = Process.spawn(argv, self.log)
        try:
            self._process.wait_until(lambda: is_listening(self.port), "slapd", 30)
        except ProcessFailed:
            self._process.kill()
            raise

    def stop(self) -> None:
        if self._process:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """Ends it as a crash does."""
        if self._process:
            self._process.kill()
            self._process = None

    def _run(self, *argv: str, text: str) -> None:
        words = [*argv, "-x", "-H", self.url, "-D", ROOT_DN, "-w", ROOT_PASSWORD]
        done = subprocess.run(words, input=text, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{argv[0]} failed:\n{done.stdout}{done.stderr}")

    def add(self, ldif: str) -> None:
        """Adds entries."""
        self._run(_program("ldapadd"), text=ldif)

    def modify(self, ldif: str) -> None:
        """Changes entries: LDIF with changetype."""
        self._run(_program("ldapmodify"), text=ldif)

    def set_password(self, dn: str, password: str) -> None:
        self.modify(
            f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n"
        )
