"""The benchmark's tables, for reading."""

import os
import platform
from pathlib import Path

from goals import Spread, Verdict, ratio, spread
from measure import Case, IdleMemory, Sample, Stream
from targets import Target


def machine() -> str:
    """The machine in one line."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = os.cpu_count()
    return f"{model}, {cores} core{'s' if cores != 1 else ''}, Linux {platform.release()}"


def table(rows: list[list[str]], left: tuple[int, ...] = (0,)) -> str:
    """Rows in columns; those numbered in `left` are aligned to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def _times(found: Spread | None) -> str:
    return f"{found.median:.2f} ({found.low:.2f}-{found.high:.2f})" if found else "-"


def _short(found: Spread | None) -> str:
    return f"{found.median:.2f}" if found else "-"


def case_table(case: Case, targets: list[Target], samples: list[Sample]) -> str:
    """One case: medians over the rounds, and ratios as median (lowest-highest)."""
    rows = [
        ["", case.unit, "", "p50", "p99", "CPU", "cores used by"]
        + ["|", "beside HAProxy", "", "", "|", "floor", ""],
        ["", "/s", "MB/s", "µs", "µs", "µs", "load/backend/it"]
        + ["|", "rate ×", "p50 ×", "CPU ×", "|", "rate ×", "CPU ×"],
    ]
    for target in targets:
        figure = {
            metric: spread(samples, case.name, metric, target.name)
            for metric in Sample.__dataclass_fields__
            if metric not in ("round", "case", "target")
        }
        if not figure["ops_per_s"]:
            continue
        shares = [figure[name] for name in ("load_share", "backend_share", "proxy_share")]

        def beside(metric: str, base: str, target: Target = target) -> Spread | None:
            return ratio(samples, case.name, metric, target.name, base)

        rows.append(
            [
                target.name,
                f"{figure['ops_per_s'].median:,.0f}",
                f"{figure['mb_per_s'].median:,.1f}",
                f"{figure['p50_us'].median:,.0f}",
                f"{figure['p99_us'].median:,.0f}",
                f"{figure['cpu_us'].median:.2f}" if target.pid else "-",
                " / ".join(f"{share.median:.2f}" for share in shares),
                "|",
                _times(beside("ops_per_s", target.baseline)),
                _short(beside("p50_us", target.baseline)),
                _times(beside("cpu_us", target.baseline)) if target.pid else "-",
                "|",
                _short(beside("ops_per_s", target.floor)),
                _short(beside("cpu_us", target.floor)) if target.pid else "-",
            ]
        )
    return f"{case.title}\n{table(rows)}"


def _kb(size: float) -> str:
    return f"{size / 1024:,.0f}"


def idle_table(idle: list[IdleMemory]) -> str:
    rows = [["", "KB a session (range)", "RSS KB: without", "with", "after they left"]]
    for name in dict.fromkeys(entry.target for entry in idle):
        entries = [entry for entry in idle if entry.target == name]
        per = Spread.of([entry.per_session / 1024 for entry in entries])
        last = entries[-1]
        rows.append(
            [
                name,
                f"{per.median:.2f} ({per.low:.2f}-{per.high:.2f})",
                _kb(last.before),
                _kb(last.during),
                _kb(last.after),
            ]
        )
    return f"memory with {idle[0].sessions:,} idle sessions\n{table(rows)}"


def stream_table(streams: list[Stream]) -> str:
    rows = [["", "reply MB", "MB/s", "RSS KB: before", "at the peak", "growth"]]
    for entry in streams:
        rows.append(
            [
                entry.target,
                f"{entry.reply_bytes / 1e6:,.1f}",
                f"{entry.mb_per_s:,.0f}",
                _kb(entry.before),
                _kb(entry.peak),
                _kb(entry.growth),
            ]
        )
    return f"{streams[0].total_bytes / 1e9:.1f} GB through one session\n{table(rows)}"


def verdict_table(verdicts: list[Verdict]) -> str:
    rows = [["goal", "", "", ""]]
    for verdict in verdicts:
        word = "reached" if verdict.reached else "NOT reached"
        rows.append([verdict.title, verdict.bound, verdict.found, word])
    return table(rows, left=(0, 1, 2, 3))
