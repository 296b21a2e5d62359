"""A method for tokens in a process of its own: tests/drivers/tokens_driver.c."""

import itertools
import json
import os
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

from support.paths import BUILD

DRIVER = Path(os.environ.get("TOKENS_DRIVER", BUILD / "tests" / "drivers" / "tokens-driver"))
ANSWER_SECONDS = 120


class TokenDriver:
    """Answers logins by the settings of authentication.METHOD."""

    def __init__(self, folder: Path, method: str, settings: dict[str, Any]):
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{method}.yaml"
        self.file.write_text(json.dumps(settings))  # JSON is YAML
        self._ids = itertools.count()
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._errors = open(folder / f"{method}.log", "w+")
        self._process = subprocess.Popen(
            [str(DRIVER), method, str(self.file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        first = self._process.stdout.readline()
        if not first:
            self._process.wait(ANSWER_SECONDS)
            raise ValueError(Path(self._errors.name).read_text().strip())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            answer = json.loads(line)
            self._answers[answer["id"]].put(answer)

    def __enter__(self) -> "TokenDriver":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        status = self._process.wait(ANSWER_SECONDS)
        self._reader.join(ANSWER_SECONDS)
        self._process.stdout.close()
        self._errors.close()
        assert status == 0, f"the driver ended with status {status}"

    def send(self, **request: Any) -> int:
        """Sends a request; its answer is had by receive()."""
        number = next(self._ids)
        self._answers[number] = queue.Queue()
        self._process.stdin.write(json.dumps({"id": number, **request}) + "\n")
        self._process.stdin.flush()
        return number

    def receive(self, number: int) -> dict[str, Any]:
        answer = self._answers[number].get(timeout=ANSWER_SECONDS)
        del self._answers[number]
        return answer

    def bearer(self, token: str) -> dict[str, Any]:
        return self.receive(self.send(secret=token, bearer=True))

    def password(self, name: str, secret: str) -> dict[str, Any]:
        return self.receive(self.send(name=name, secret=secret))

    def reload(self) -> dict[str, Any]:
        return self.receive(self.send(reload=True))

    def describe(self) -> str:
        return self.receive(self.send(describe=True))["text"]


def accepted(answer: dict[str, Any]) -> str:
    """The user that was let in."""
    assert answer["verdict"] == "accepted", answer
    return answer["user"]


def refused(answer: dict[str, Any], verdict: str, why: str) -> None:
    assert answer["verdict"] == verdict and why in answer["why"], answer
