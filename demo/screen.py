"""What the demo prints: steps, progress and tables. Colour and a moving line on a terminal only."""

import os
import shutil
import sys
import threading
import time

_BOLD, _GREEN, _RED = "1", "32", "31"


class Screen:
    """The only writer to standard output; may be used from several threads."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._colour = self._terminal and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()
        self._live = False
        self._last_live = 0.0

    def title(self, text: str) -> None:
        self._print(f"\n{self._paint(_BOLD, text)}")

    def text(self, text: str = "") -> None:
        self._print(text)

    def done(self, text: str) -> None:
        self._print(f"  {self._paint(_GREEN, 'ok')}  {text}")

    def failed(self, text: str) -> None:
        self._print(f"\n{self._paint(_RED, 'The demo failed.')} {text}")

    def table(self, title: str, lines: list[str]) -> None:
        """A table as beeline printed it."""
        self._print(f"\n  {title}")
        for line in lines:
            self._print(f"  {line}")

    def live(self, text: str) -> None:
        """A line that the next one replaces; without a terminal, a line every five seconds."""
        with self._lock:
            if self._terminal:
                width = shutil.get_terminal_size().columns - 1
                self._write(f"\r\033[K{('  ..  ' + text)[:width]}")
                self._live = True
            elif time.monotonic() - self._last_live > 5:
                self._write(f"  ..  {text}\n")
                self._last_live = time.monotonic()

    def _print(self, text: str) -> None:
        with self._lock:
            if self._live:
                self._write("\r\033[K")
                self._live = False
            self._write(text + "\n")
            self._last_live = time.monotonic()

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:  # nobody reads on (`| head`): end in order, silently
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _paint(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colour else text
