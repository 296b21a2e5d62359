"""Figures held against each other, and the goals they have to reach.

A ratio is taken within a round, where both sides ran one right after the other; what counts is
the median over the rounds."""

import statistics
from dataclasses import dataclass

from measure import IdleMemory, Sample, Stream
from targets import HTTP, HTTPS, SASL, TLS, Door

IDLE_LIMIT = 4 * 1024  # bytes for one idle session
IDLE_TLS_LIMIT = 1.0  # times what HAProxy needs for one
STREAM_LIMIT = 2 * 1024 * 1024  # bytes by which memory may grow


@dataclass(frozen=True)
class Spread:
    """Median and range of a figure over the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Goal:
    """A bound on hivegate's ratio to HAProxy, by one door."""

    title: str
    case: str
    metric: str
    bound: float
    at_least: bool
    door: Door = SASL


def door_goals(door: Door, name: str) -> list[Goal]:
    """What holds by every door that ends TLS or reads HTTP."""
    cases = {
        "status": ("status calls/s", "status CPU per call"),
        "fetch": ("fetch of 100 KB, calls/s", "fetch of 100 KB, CPU per call"),
        "session": ("session open + close, per s", "session open + close, CPU"),
    }
    return [
        goal
        for case, (rate, cost) in cases.items()
        for goal in (
            Goal(f"{name}: {rate}", case, "ops_per_s", 0.90, True, door),
            Goal(f"{name}: {cost}", case, "cpu_us", 1.10, False, door),
        )
    ]


GOALS = (
    Goal("status calls/s", "status", "ops_per_s", 0.95, True),
    Goal("status CPU per call", "status", "cpu_us", 1.05, False),
    Goal("fetch of 100 KB, MB/s", "fetch", "mb_per_s", 1.25, True),
    Goal("fetch of 100 KB, CPU per call", "fetch", "cpu_us", 0.75, False),
    Goal("session open + close, per s", "session", "ops_per_s", 0.90, True),
    Goal("status p50 at one connection", "status-1", "p50_us", 1.15, False),
    *door_goals(TLS, "TLS"),
    *door_goals(HTTP, "HTTP"),
    *door_goals(HTTPS, "HTTPS"),
)


@dataclass(frozen=True)
class Verdict:
    """Whether a goal is reached, in words and figures."""

    title: str
    bound: str
    found: str
    value: float
    reached: bool


def ratio(samples: list[Sample], case: str, metric: str, target: str, base: str) -> Spread | None:
    """`target`'s figure over `base`'s, round by round; None when one of them has none."""
    figures = {
        (sample.target, sample.round): getattr(sample, metric)
        for sample in samples
        if sample.case == case
    }
    ratios = [
        value / figures[base, turn]
        for (name, turn), value in figures.items()
        if name == target and figures.get((base, turn))
    ]
    return Spread.of(ratios) if ratios and base != target else None


def spread(samples: list[Sample], case: str, metric: str, target: str) -> Spread | None:
    values = [getattr(s, metric) for s in samples if s.case == case and s.target == target]
    return Spread.of(values) if values else None


def judge_ratios(samples: list[Sample]) -> list[Verdict]:
    verdicts = []
    for goal in GOALS:
        suffix = goal.door.suffix
        found = ratio(samples, goal.case, goal.metric, f"hivegate{suffix}", f"haproxy{suffix}")
        if not found:
            continue
        reached = found.median >= goal.bound if goal.at_least else found.median <= goal.bound
        verdicts.append(
            Verdict(
                title=f"{goal.title}, beside HAProxy",
                bound=f"{'≥' if goal.at_least else '≤'} {goal.bound:.2f} ×",
                found=f"{found.median:.2f} × ({found.low:.2f} to {found.high:.2f})",
                value=found.median,
                reached=reached,
            )
        )
    return verdicts


def idle_sessions(idle: list[IdleMemory], target: str) -> list[float]:
    """Bytes of a session on that target, round by round."""
    return [entry.per_session for entry in idle if entry.target == target]


def judge_idle_tls(idle: list[IdleMemory]) -> list[Verdict]:
    """Nearly all of it is OpenSSL's own state: HAProxy, which uses OpenSSL too, is the measure."""
    ours, theirs = (idle_sessions(idle, f"{name}{TLS.suffix}") for name in ("hivegate", "haproxy"))
    if not ours or not theirs:
        return []
    size = Spread.of(ours)
    found = Spread.of([a / b for a, b in zip(ours, theirs, strict=True)])
    return [
        Verdict(
            title="memory of an idle TLS session, beside HAProxy",
            bound=f"≤ {IDLE_TLS_LIMIT:.2f} ×",
            found=f"{found.median:.2f} × ({found.low:.2f} to {found.high:.2f}); "
            f"{size.median / 1024:.2f} KB",
            value=found.median,
            reached=found.median <= IDLE_TLS_LIMIT,
        )
    ]


def judge_memory(idle: list[IdleMemory], streams: list[Stream]) -> list[Verdict]:
    verdicts = []
    per_session = idle_sessions(idle, "hivegate")
    if per_session:
        found = Spread.of(per_session)
        verdicts.append(
            Verdict(
                title=f"memory of an idle session, with {idle[0].sessions:,} of them",
                bound=f"≤ {IDLE_LIMIT / 1024:.0f} KB",
                found=f"{found.median / 1024:.2f} KB "
                f"({found.low / 1024:.2f} to {found.high / 1024:.2f})",
                value=found.median,
                reached=found.median <= IDLE_LIMIT,
            )
        )
    verdicts += judge_idle_tls(idle)
    for entry in streams:
        if entry.target == "hivegate":
            verdicts.append(
                Verdict(
                    title=f"memory growth while {entry.total_bytes / 1e9:.1f} GB pass through one "
                    f"session in replies of {entry.reply_bytes / 1e6:,.1f} MB",
                    bound=f"≤ {STREAM_LIMIT / 1024 / 1024:.0f} MB",
                    found=f"{entry.growth / 1024 / 1024:.2f} MB",
                    value=entry.growth,
                    reached=entry.growth <= STREAM_LIMIT,
                )
            )
    return verdicts
