"""TCP ports of this machine: a free one, who listens on one."""

import os
import random
import socket
from pathlib import Path

_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on. It is below the range that the kernel hands
    to outgoing connections, so it stays free until it is used."""
    for _ in range(200):
        port = random.randrange(20000, 32000)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free TCP port found between 20000 and 32000")


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(fields[9])
    return inodes


def end(*socks: socket.socket) -> None:
    """Closes sockets that other threads may be waiting on: shutdown() is what wakes these."""
    for sock in socks:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


def is_listening(port: int) -> bool:
    """Whether something listens on the port, found without connecting to it."""
    return bool(_listening_inodes(port))


def port_owner(port: int) -> tuple[int, str] | None:
    """The process that listens on the port, as (pid, command line), where it can be seen."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*") if wanted else ():
        try:
            for entry in os.scandir(process / "fd"):
                if os.readlink(entry.path) in wanted:
                    words = (process / "cmdline").read_bytes().split(b"\0")
                    return int(process.name), b" ".join(words).decode(errors="replace").strip()
        except OSError:
            continue
    return None
