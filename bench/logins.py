#!/usr/bin/env python3
"""What logging in costs those who are logged in: status calls beside a stream of logins that are
remembered, and beside logins that wait for a directory which doesn't answer. hivegate has one
worker; the directory is OpenLDAP's slapd behind a relay that can fall silent."""

import argparse
import json
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from measure import load_command, run_load
from report import table
from support.hivegate import Hivegate, default_config
from support.relay import Relay
from support.slapd import BASE, SERVICE_DN, SERVICE_PASSWORD, Slapd
from targets import PASSWORD, ROOT, USER, Bench, Programs, Target

PEOPLE = f"ou=people,{BASE}"
DIRECTORY_USER = "remembered"
TREE = f"""
dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: uid={DIRECTORY_USER},{PEOPLE}
objectClass: inetOrgPerson
uid: {DIRECTORY_USER}
cn: {DIRECTORY_USER}
sn: x
userPassword: {PASSWORD}
"""
STATUS_SESSIONS = 4
SILENCE = 10  # seconds of a directory that doesn't answer
START, COMPLETE = 1, 5  # SASL


def login(port: int, user: str, password: str) -> int:
    """Logs in by SASL PLAIN, hangs up, and returns the status of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as sock:
        secret = f"\0{user}\0{password}".encode()
        frames = struct.pack(">BI", START, 5) + b"PLAIN"
        sock.sendall(frames + struct.pack(">BI", COMPLETE, len(secret)) + secret)
        answer = b""
        while len(answer) < 5:
            more = sock.recv(4096)
            if not more:
                raise ConnectionError("hung up in a login")
            answer += more
        return answer[0]


def make_gateway(bench: Bench, backend: Target, relay: Relay) -> tuple[Hivegate, Target]:
    directory = bench.directory / "logins"
    directory.mkdir()
    secret = directory / "service.password"
    secret.write_text(SERVICE_PASSWORD + "\n")
    secret.chmod(0o600)
    config = default_config([f"127.0.0.1:{backend.port}"])
    config["workers"] = 1
    config["authentication"] |= {
        "chain": ["ldap", "users"],
        "ldap": {
            "urls": [f"ldap://localhost:{relay.port}"],
            "bind_dn": SERVICE_DN,
            "password_file": str(secret),
            "base": [PEOPLE],
        },
    }
    program = bench.programs.hivegate
    gateway = Hivegate(config, users={USER: PASSWORD}, directory=directory, program=program)
    gateway.start(timeout=60)
    return gateway, Target("hivegate", gateway.port, pid=gateway.pid, backend_pid=backend.backend_pid)


def status_calls(bench: Bench, target: Target, seconds: float) -> dict[str, Any]:
    more = ("--warmup", "0.2", "--seconds", str(seconds))
    return run_load(bench, target, "status", STATUS_SESSIONS, *more)


class Logins:
    """A stream of logins of one remembered user, until it is stopped: connect, log in, open and
    close a session, by the load generator."""

    def __init__(self, bench: Bench, target: Target, seconds: float):
        more = ("--warmup", "0", "--seconds", str(seconds))
        argv = load_command(bench, target, "session", 2, *more)
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)

    def rate(self) -> float:
        out, _ = self._process.communicate(timeout=300)
        return json.loads(out.splitlines()[-1])["ops_per_s"]


def hang(target: Target, relay: Relay, until: threading.Event) -> int:
    """Logins of users that nobody knows yet, while the directory is silent; how many were tried."""

    def one(number: int) -> int:
        tried = 0
        while not until.is_set():
            login(target.port, f"new-{number}-{tried}", "whatever")
            tried += 1
        return tried

    relay.silent = True
    try:
        with ThreadPoolExecutor(32) as pool:
            return sum(pool.map(one, range(32)))
    finally:
        relay.silent = False


def one_round(bench: Bench, target: Target, relay: Relay, seconds: float) -> dict[str, Any]:
    alone = status_calls(bench, target, seconds)
    stream = Logins(bench, target, seconds + 1)
    time.sleep(0.3)
    beside = status_calls(bench, target, seconds)
    rate = stream.rate()
    until = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        tried = pool.submit(hang, target, relay, until)
        time.sleep(0.5)
        hanging = status_calls(bench, target, SILENCE)
        until.set()
        count = tried.result()
    return {"alone": alone, "logins": beside, "hang": hanging, "rate": rate, "tried": count}


def show(rounds: list[dict[str, Any]]) -> None:
    rows = [["status calls", "calls/s", "p50 us", "p99 us", "p99.9 us", "p99 to alone"]]
    for name, what in (
        ("alone", "alone"),
        ("logins", "beside remembered logins"),
        ("hang", "while the directory hangs"),
    ):
        middle = {
            key: statistics.median(one[name][key] for one in rounds)
            for key in ("ops_per_s", "p50_us", "p99_us", "p999_us")
        }
        ratio = statistics.median(one[name]["p99_us"] / one["alone"]["p99_us"] for one in rounds)
        rows.append(
            [
                what,
                f"{middle['ops_per_s']:.0f}",
                f"{middle['p50_us']:.0f}",
                f"{middle['p99_us']:.0f}",
                f"{middle['p999_us']:.0f}",
                f"{ratio:.2f} x",
            ]
        )
    print(table(rows))
    rate = statistics.median(one["rate"] for one in rounds)
    print(f"remembered logins, with a session opened and closed: {rate:.0f} a second")
    print(f"logins tried while the directory hung: {[one['tried'] for one in rounds]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build-release")
    parser.add_argument("--hivegate", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    arguments = parser.parse_args()
    programs = Programs.find(arguments.build, arguments.hivegate)
    with Bench(programs) as bench, Slapd(bench.directory / "slapd", TREE) as slapd:
        with Relay(slapd.port) as relay:
            gateway, target = make_gateway(bench, bench.backend(1000), relay)
            try:
                assert login(target.port, DIRECTORY_USER, PASSWORD) == COMPLETE
                rounds = [
                    one_round(bench, target, relay, arguments.seconds)
                    for _ in range(arguments.rounds)
                ]
            finally:
                gateway.kill()
    show(rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
