"""This machine once more, to install packages into: its root file system with a layer on top that
takes every change, in namespaces of their own (mounts, network, processes). Nothing that runs there
reaches the machine or outlives the sandbox. Needs root or sudo.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

# $1 is an empty folder, the others are shared. A tmpfs takes the changes, since a layer can't lie on
# another one.
_MAKE = r"""
set -eu
mount -t tmpfs tmpfs "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
made=$1
shift
for shared; do
    mkdir -p "$made/root$shared"
    mount --rbind "$shared" "$made/root$shared"
    mount -o remount,bind,ro "$made/root$shared"
done
ip link set lo up
echo made
exec sleep infinity
"""


class Sandbox:
    """`shared` are folders of the machine, on whatever disk, to be read inside at their place."""

    def __init__(self, shared: Sequence[Path] = ()) -> None:
        self._sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        self._folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self.root = self._folder / "root"
        spaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
        self._process = subprocess.Popen(
            [
                *self._sudo,
                "unshare",
                *spaces,
                "sh",
                "-c",
                _MAKE,
                "sh",
                str(self._folder),
                *map(str, shared),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout
        said = self._process.stdout.readline()
        if said != "made\n":
            rest = self._process.communicate()[0]
            raise RuntimeError(f"no sandbox could be made: {said}{rest}")
        self._first = self._child_of(self._process.pid)

    @staticmethod
    def _child_of(pid: int) -> int:
        """The first process inside: the innermost of sudo and unshare."""
        while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pid = int(children[0])
        return pid

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        # with the first process inside, the kernel ends all others there
        subprocess.run([*self._sudo, "kill", "-KILL", str(self._first)], check=False)
        self._process.communicate()
        self._folder.rmdir()

    def argv(self, argv: Sequence[str]) -> list[str]:
        enter = ["nsenter", f"--target={self._first}", "--mount", "--pid", "--net", "--ipc", "--uts"]
        return [*self._sudo, *enter, "chroot", str(self.root), *argv]

    def run(self, *argv: str, check: bool = True, text: str | None = None) -> str:
        """Runs a program inside, as root; what it prints. `text` is its input."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            self.argv(["env", "-i", *(f"{k}={v}" for k, v in environment.items()), *argv]),
            input=text or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def spawn(self, *argv: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Starts a program inside; its output is for the caller to read."""
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(self.argv(argv), stdin=stdin, text=True, **out)

    def wait_for(self, what: str, *argv: str, seconds: float = 120.0) -> str:
        """Runs a program inside until it succeeds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.run(*argv)
            except AssertionError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"waited in vain for {what}: {error}") from None
            time.sleep(0.1)

    def changes(self) -> set[str]:
        """The paths that were added or changed inside, and still are there."""
        listed = self.run_outside("find", str(self._folder / "changes"), "-not", "-type", "c")
        top = f"{self._folder}/changes"
        return {line.removeprefix(top) for line in listed.splitlines() if line != top}

    def run_outside(self, *argv: str) -> str:
        """Runs a program that sees the sandbox's mounts, but isn't inside."""
        enter = ["nsenter", f"--target={self._first}", "--mount"]
        done = subprocess.run(
            [*self._sudo, *enter, *argv], check=True, capture_output=True, text=True
        )
        return done.stdout

    def put_tree(self, source: Path) -> None:
        """Copies what is in a folder of the machine to the same places inside."""
        packed = subprocess.run(
            ["tar", "-C", str(source), "-c", "."], check=True, capture_output=True
        )
        argv = self.argv(["tar", "-C", "/", "-x", "--no-overwrite-dir", "--no-same-owner"])
        subprocess.run(argv, input=packed.stdout, check=True)

    def put(self, source: Path, target: str) -> None:
        """Copies a file from the machine to a path inside."""
        with open(source, "rb") as file:
            subprocess.run(
                self.argv(["tee", target]), stdin=file, stdout=subprocess.DEVNULL, check=True
            )
