"""HAProxy and nginx as Debian ships them, run with a configuration of ours. Each is a process of its
own, ended by its pid; nothing of the system's own service is touched."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from .net import is_listening
from .paths import SetupError
from .process import Process

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def program(name: str) -> str:
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        raise SetupError(f"no {name}; run: tools/setup test")
    return found


def start_haproxy(config: str, directory: Path, ports: Sequence[int]) -> Process:
    """Runs HAProxy until it listens on these ports."""
    path = directory / "haproxy.cfg"
    path.write_text(config)
    argv = [program("haproxy"), "-db", "-f", str(path)]
    return _wait(Process.spawn(argv, directory / "haproxy.log"), "haproxy", ports)


def start_nginx(config: str, directory: Path, ports: Sequence[int]) -> Process:
    """The same for nginx. What it would write into the system's folders goes to `directory`."""
    folders = "".join(
        f"{kind}_temp_path {directory}/{kind}; "
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = re.sub(r"^http \{$", f"http {{ access_log off; {folders}", config, flags=re.MULTILINE)
    path = directory / "nginx.conf"
    path.write_text(config)
    settings = f"daemon off; pid {directory}/nginx.pid; error_log stderr;"
    argv = [program("nginx"), "-c", str(path), "-g", settings]
    return _wait(Process.spawn(argv, directory / "nginx.log"), "nginx", ports)


def _wait(process: Process, what: str, ports: Sequence[int]) -> Process:
    try:
        process.wait_until(lambda: all(map(is_listening, ports)), what, 60)
    except BaseException:
        process.kill()
        raise
    return process
