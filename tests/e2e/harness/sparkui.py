"""What a Spark Thrift Server itself says about its sessions and jobs, read off its web page.

It is the server's own view: a session that hivegate forgot to close shows here as unfinished.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

# Generous: Spark's listener bus brings the page up to date within a second or so.
PATIENCE = 60.0


@dataclass(frozen=True)
class UiSession:
    user: str
    id: str
    finished: bool


class _Tables(HTMLParser):
    """The tables of a page by their id, as lists of rows by column title."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[dict[str, str]]] = {}
        self._table: str | None = None
        self._titles: list[str] = []
        self._row: list[str] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._table = dict(attrs).get("id") or ""
            self._titles = []
        elif self._table is not None and tag == "tr":
            self._row = []
        elif self._table is not None and tag in ("td", "th"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._table is None:
            return
        if tag in ("td", "th") and self._cell is not None:
            cell = " ".join("".join(self._cell).split()).rstrip(" \u25be\u25b4")
            (self._titles if tag == "th" else self._row).append(cell)
            self._cell = None
        elif tag == "tr" and self._row:
            row = dict(zip(self._titles, self._row, strict=False))
            self.tables.setdefault(self._table, []).append(row)
        elif tag == "table":
            self._table = None


class SparkUi:
    def __init__(self, port: int):
        self.base = f"http://127.0.0.1:{port}"
        self._application: str | None = None

    def _get(self, path: str) -> str:
        """A page; asked for again when a session that ends meanwhile trips Spark's paging (500)."""
        for left in reversed(range(20)):
            try:
                with urllib.request.urlopen(self.base + path, timeout=60) as answer:
                    return answer.read().decode()
            except urllib.error.HTTPError as error:
                if error.code != 500 or not left:
                    page = error.read().decode(errors="replace")
                    raise AssertionError(f"Spark's page {path}: {error}\n{page[:2000]}") from None
                time.sleep(0.2)
        raise AssertionError("unreachable")

    def sessions(self, user: str) -> list[UiSession]:
        """The user's sessions, open and closed."""
        page = _Tables()
        # Of the statements on the same page, which may be megabytes long, only the first.
        first = "sqlstat.pageSize=1&sqlstat.sort=Start+Time&sqlstat.desc=false"
        page.feed(self._get(f"/sqlserver/?sessionstat.pageSize=100000&{first}"))
        rows = page.tables.get("sessionstat", [])
        found = [UiSession(r["User"], r["Session ID"], bool(r["Finish Time"])) for r in rows]
        return [session for session in found if session.user == user]

    def job_states(self, marker: str) -> list[str]:
        """The states of the jobs whose statement has the marker in it: RUNNING, SUCCEEDED, or
        FAILED, which is what a cancelled one is."""
        if self._application is None:
            self._application = json.loads(self._get("/api/v1/applications"))[0]["id"]
        jobs = json.loads(self._get(f"/api/v1/applications/{self._application}/jobs"))
        return [job["status"] for job in jobs if marker in job.get("description", "")]

    def wait_for(self, what: str, look: Callable[[], Any], shown: Callable[[], Any]) -> Any:
        """Looks until something true is seen, and returns it."""
        deadline = time.monotonic() + PATIENCE
        while not (seen := look()):
            if time.monotonic() > deadline:
                raise AssertionError(f"Spark never showed {what}, but: {shown()}")
            time.sleep(0.2)
        return seen

    def wait_complete(self) -> None:
        """Waits until Spark has made all that it needs for sessions: it listens a moment earlier,
        and an OpenSession in between fails with a NullPointerException."""
        self.wait_for(
            "the tab of the Thrift Server",
            lambda: "JDBC/ODBC Server" in self._get("/jobs/"),
            lambda: self._get("/jobs/")[:500],
        )

    def wait_all_closed(self, user: str, count: int) -> None:
        """Waits until Spark shows at least `count` sessions of the user, all of them finished."""
        self.wait_for(
            f"{count} sessions of {user}, all closed",
            lambda: len(found := self.sessions(user)) >= count and all(s.finished for s in found),
            lambda: self.sessions(user),
        )

    def wait_open(self, user: str, count: int = 1) -> list[UiSession]:
        def open_ones() -> list[UiSession] | None:
            found = [session for session in self.sessions(user) if not session.finished]
            return found if len(found) == count else None

        return self.wait_for(
            f"{count} open sessions of {user}", open_ones, lambda: self.sessions(user)
        )

    def wait_running(self, marker: str) -> None:
        self.wait_for(
            f"a running job of the statement with {marker!r}",
            lambda: "RUNNING" in self.job_states(marker),
            lambda: self.job_states(marker),
        )

    def wait_cancelled(self, marker: str) -> None:
        """Waits until the statement's job has ended, and not by being done."""
        self.wait_for(
            f"the job of the statement with {marker!r} cancelled",
            lambda: set(self.job_states(marker)) == {"FAILED"},
            lambda: self.job_states(marker),
        )
