"""TLS towards the directory: ldaps, StartTLS, what certificates must be, and no way around it."""

import socket
import ssl
import warnings
from pathlib import Path

import pytest
from support.certificates import Authority, Certificate
from support.relay import Relay
from support.slapd import Slapd

from auth.conftest import MakeDriver
from auth.kit.driver import Driver
from auth.kit.scripted import BIND, EXTENDED, EXTENDED_RESPONSE, Scripted, message, result


@pytest.mark.parametrize("start_tls", [False, True])
def test_tls(ldap: MakeDriver, directory: Slapd, authority: Authority, start_tls: bool) -> None:
    driver = ldap(
        urls=[directory.url if start_tls else directory.tls_url],
        start_tls=start_tls,
        tls={"ca_file": str(authority.ca_file)},
    )
    assert driver.check("alice", "wonderland")["verdict"] == "accepted"
    assert driver.check("alice", "wrong")["verdict"] == "denied"
    many = driver.many(8, 10, "bob", "builder")
    assert many["accepted"] == 80, many
    log = directory.log.read_text().splitlines()
    bind = next(line for line in reversed(log) if 'BIND dn="uid=bob' in line and "mech" in line)
    connection = bind.split("conn=")[1].split()[0]
    assert any(f"conn={connection} " in line and "TLS established" in line for line in log)


@pytest.mark.parametrize("start_tls", [False, True])
def test_another_authority(ldap: MakeDriver, directory: Slapd, tmp_path, start_tls: bool) -> None:
    stranger = Authority(tmp_path / "stranger", "stranger")
    where = {"urls": [directory.url if start_tls else directory.tls_url], "start_tls": start_tls}
    login = ldap(**where, tls={"ca_file": str(stranger.ca_file)}).check("alice", "wonderland")
    assert login["verdict"] == "unavailable" and "TLS" in login["why"]
    login = ldap(**where).check("alice", "wonderland")
    assert login["verdict"] == "unavailable", "the system's authorities don't know it either"
    login = ldap(**where, tls={"verify": "none"}).check("alice", "wonderland")
    assert login["verdict"] == "accepted"


def test_another_name(ldap: MakeDriver, authority: Authority, tmp_path) -> None:
    elsewhere = authority.issue("elsewhere", "ldap.example.org", ("DNS:ldap.example.org",))
    with Slapd(tmp_path / "elsewhere", tls=elsewhere, ca_file=authority.ca_file) as server:
        driver = ldap(urls=[server.tls_url], tls={"ca_file": str(authority.ca_file)})
        login = driver.check("alice", "wonderland")
    assert login["verdict"] == "unavailable"
    assert "hostname" in login["why"].lower() or "name" in login["why"].lower()


def test_an_address_in_the_certificate(ldap: MakeDriver, directory: Slapd, authority: Authority):
    url = f"ldaps://127.0.0.1:{directory.tls_port}"
    driver = ldap(urls=[url], tls={"ca_file": str(authority.ca_file)})
    assert driver.check("alice", "wonderland")["verdict"] == "accepted"


def test_expired(ldap: MakeDriver, authority: Authority, tmp_path) -> None:
    old = authority.issue_server("old", days=-1)
    with Slapd(tmp_path / "old", tls=old, ca_file=authority.ca_file) as server:
        driver = ldap(urls=[server.tls_url], tls={"ca_file": str(authority.ca_file)})
        assert driver.check("alice", "wonderland")["verdict"] == "unavailable"


def test_a_client_certificate(ldap: MakeDriver, authority: Authority, tmp_path, server_certificate):
    own = authority.issue("gate", "hivegate")
    with Slapd(
        tmp_path / "strict", tls=server_certificate, ca_file=authority.ca_file,
        ask_for_certificate=True,
    ) as server:  # fmt: skip
        where = {"urls": [server.tls_url], "base": [server.base]}
        trust = {"ca_file": str(authority.ca_file)}
        assert ldap(**where, tls=trust).check("nobody", "x")["verdict"] == "unavailable"
        assert ldap(**where, tls={**trust, **own.pair}).check("nobody", "x")["verdict"] == "not mine"


VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def speaks(port: int, version: str) -> bool:
    """Whether a server takes that version from a client that isn't particular."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = context.maximum_version = VERSIONS[version]
    try:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            return context.wrap_socket(sock).version() is not None
    except ssl.SSLError:
        return False


@pytest.mark.parametrize("version", VERSIONS)
def test_versions(
    ldap: MakeDriver,
    authority: Authority,
    server_certificate: Certificate,
    tmp_path: Path,
    version: str,
) -> None:
    """A server that speaks one version only."""
    only = f"TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS{version}:%COMPAT"
    with Slapd(
        tmp_path / "only", tls=server_certificate, ca_file=authority.ca_file, before=[only]
    ) as server:
        assert [name for name in VERSIONS if speaks(server.tls_port, name)] == [version]
        where = {"urls": [server.tls_url], "base": [server.base]}
        trust = {"ca_file": str(authority.ca_file)}
        login = ldap(**where, tls=trust).check("nobody", "x")
        assert (login["verdict"] == "not mine") == (version in ("1.2", "1.3")), login
        login = ldap(**where, tls={**trust, "min_version": "1.3"}).check("nobody", "x")
        assert (login["verdict"] == "not mine") == (version == "1.3"), login


def test_starttls_that_is_refused(ldap: MakeDriver) -> None:
    """No password goes out when a server doesn't want TLS."""

    def answer(call, sock):
        if call.kind == EXTENDED:
            return message(call.number, result(EXTENDED_RESPONSE, 2, "no TLS here"))
        return None

    with Scripted(answer) as server:
        login = ldap(urls=[server.url], start_tls=True).check("alice", "wonderland")
        assert login["verdict"] == "unavailable"
        assert "StartTLS" in login["why"] and "no TLS here" in login["why"]
        assert all(call.kind != BIND for call in server.calls)


def test_a_handshake_that_hangs(ldap: MakeDriver, directory: Slapd, authority: Authority) -> None:
    for start_tls, port in ((False, directory.tls_port), (True, directory.port)):
        with Relay(port) as relay:
            relay.silent = True
            scheme = "ldap" if start_tls else "ldaps"
            driver = ldap(
                urls=[f"{scheme}://localhost:{relay.port}"],
                start_tls=start_tls, connect_timeout="300ms",
                tls={"ca_file": str(authority.ca_file)},
            )  # fmt: skip
            login = driver.check("alice", "wonderland")
            assert login["verdict"] == "unavailable", login


def test_a_record_that_stops_half_way(ldap: MakeDriver, directory: Slapd, authority: Authority):
    """A connection that is up, and then brings a part of a TLS record and no more."""
    with Relay(directory.tls_port) as relay:
        driver = ldap(
            urls=[f"ldaps://localhost:{relay.port}"], request_timeout="300ms", timeout="2s",
            tls={"ca_file": str(authority.ca_file)},
        )  # fmt: skip
        assert driver.check("alice", "wonderland")["verdict"] == "accepted"
        relay.most = 7
        assert driver.check("alice", "wonderland")["verdict"] == "unavailable"


def test_files_that_are_no_use(ldap: MakeDriver, directory: Slapd, tmp_path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no certificate\n")
    for tls, what in (
        ({"ca_file": str(nothing)}, "nothing.pem"),
        ({"ca_file": str(tmp_path / "absent.pem")}, "absent.pem"),
        ({"certificate_file": str(nothing), "key_file": str(nothing)}, "nothing.pem"),
    ):
        driver = ldap(urls=[directory.tls_url], tls=tls)
        assert what in driver.receive()["error"]


def test_what_ldaprc_says_doesnt_count(
    directory: Slapd, authority: Authority, tmp_path, password_file, monkeypatch
) -> None:
    """libldap reads files and variables of its own; none of them makes TLS weaker."""
    (tmp_path / "ldaprc").write_text("TLS_REQCERT never\nURI ldap://127.0.0.1:1\nREFERRALS on\n")
    monkeypatch.setenv("LDAPCONF", str(tmp_path / "ldaprc"))
    monkeypatch.setenv("LDAPTLS_REQCERT", "never")
    options = {
        "urls": [directory.tls_url], "bind_dn": directory.service_dn,
        "password_file": str(password_file), "base": [directory.base],
    }  # fmt: skip
    with Driver(tmp_path / "a", options) as driver:
        assert driver.check("alice", "wonderland")["verdict"] == "unavailable"
    options["tls"] = {"ca_file": str(authority.ca_file)}
    with Driver(tmp_path / "b", options) as driver:
        assert driver.check("alice", "wonderland")["verdict"] == "accepted"
