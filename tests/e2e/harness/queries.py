"""Statements that several tests run."""

from __future__ import annotations

# One expression of each type that Spark sends, with its edges.
TYPES = (
    "true",
    "cast(null AS BOOLEAN)",
    "127Y",
    "-128Y",
    "32767S",
    "2147483647",
    "-2147483648",
    "9223372036854775807L",
    "float(1.5)",
    "float('NaN')",
    "double('-Infinity')",
    "2.5D",
    "-0.0D",
    "12345678901234567890.123456789BD",
    "cast(0 AS DECIMAL(38,18))",
    "cast(-1.5 AS DECIMAL(5,2))",
    "'text'",
    "''",
    "'Zürich 東京 \U0001f680'",
    "cast('ab' AS CHAR(5))",
    "cast('ab' AS VARCHAR(5))",
    "date'2024-02-29'",
    "date'0001-01-01'",
    "date'9999-12-31'",
    "timestamp'2024-02-29 23:59:59.123456'",
    "timestamp'1969-12-31 23:59:59'",
    "cast(timestamp'2024-02-29 12:00:00' AS TIMESTAMP_NTZ)",
    "X'00FF10'",
    "X''",
    "array(1, null, 3)",
    "array()",
    "array(array('a'), array())",
    "map('a', 1, 'b', null)",
    "map()",
    "named_struct('x', 1, 'y', 'why', 'z', null)",
    "array(named_struct('m', map(1, array(date'2024-01-01'))))",
    "null",
    "interval '1-2' year to month",
    "interval '3 4:05:06.789' day to second",
    "make_interval(1, 2, 3, 4, 5, 6, 7.5)",
    "interval -5 days",
)

# The same in few statements; the intervals, which some drivers don't know, apart.
_GROUPS = [TYPES[start : start + 9] for start in range(0, 36, 9)]
TYPE_QUERIES = [f"SELECT {', '.join(group)}" for group in _GROUPS] + [
    f"SELECT {expression} AS value" for expression in TYPES[36:]
]


def slow(mark: str, seconds: float = 90) -> str:
    """A statement that sleeps this long in one task; the servers interrupt it on a cancel (see
    fleet.Spark). The mark tells its job from others on Spark's page."""
    return (
        f"SELECT /* {mark} */ reflect('java.lang.Thread', 'sleep', {int(seconds * 1000)}L) "
        f"AS slept FROM range(0, 1, 1, 1)"
    )
