"""What must differ between two runs of the same calls, and nothing else, made equal.

Handles are new each time, so each gets a name by the order in which it was first seen; the name has
the handle's length, so that bytes can be compared with bytes. In error texts a Java server also
counts tasks and stages and, after some calls, reflects through generated classes.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from e2e.harness import thrift_tree as tree
from e2e.harness.wire import Connection, Reply

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_VOLATILE = [
    # "Task 3 in stage 14.0 failed 1 times, most recent failure: Lost task 3.0 ... (TID 51)"
    (re.compile(r"\b([Tt]ask|[Ss]tage|TID|Job|job) \d+(\.\d+)?"), r"\1 #"),
    (re.compile(r"\(host executor driver\)|\([\w.-]+ executor driver\)"), "(# executor driver)"),
    # Reflection starts in native code and is compiled after some calls of the same method.
    (re.compile(r"\n\tat [^\n]*jdk\.internal\.reflect\.[^\n]*"), ""),
    (re.compile(r"\.\.\. \d+ more"), "... # more"),
    # "*class:message:frames:shared frames": the counts follow the frames taken out above.
    (re.compile(r":\d+:-?\d+$"), ":#:#"),
    # Names of lambdas and proxies are numbered as the JVM meets them.
    (re.compile(r"\$\$Lambda\$\d+/0x[0-9a-f]+|\$\$Lambda/0x[0-9a-f]+"), "$$Lambda"),
    (re.compile(r"\$Proxy\d+"), "$Proxy"),
    # Expression ids in plans: id#123L
    (re.compile(r"#\d+L?\b"), "#n"),
    # What Java prints for an array: its address.
    (re.compile(r"\[B@[0-9a-f]+"), "[B@#"),
    (re.compile(r"jdbc:hive2://[\d.]+:\d+"), "jdbc:hive2://SERVER"),
    (re.compile(r"\b127\.0\.0\.1:\d+|localhost:\d+"), "SERVER"),
]


def text(value: str) -> str:
    """An error text or a cell without the parts that two runs can't share."""
    for pattern, replacement in _VOLATILE:
        value = pattern.sub(replacement, value)
    return value


def plain(value: Any) -> Any:
    """JSON-like data with its texts normalised and each UUID named by its first appearance."""
    return _Plain().walk(value)


class _Plain:
    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return _UUID.sub(self._name, text(value))
        if isinstance(value, list | tuple):
            return [self.walk(item) for item in value]
        if isinstance(value, dict):
            return {key: self.walk(item) for key, item in value.items()}
        return value

    def _name(self, match: re.Match) -> str:
        return self.seen.setdefault(match[0], f"uuid-{len(self.seen) + 1}")


class Recorder:
    """Takes down every reply of a connection, with the handles named."""

    def __init__(self, connection: Connection):
        self.replies: list[tuple[str, bytes]] = []
        self.names: dict[bytes, bytes] = {}
        connection.on_reply = self.add

    def add(self, reply: Reply) -> None:
        if reply.name == "GetOperationStatus" and tree.get(reply.message.body, 0, 2) in _UNDER_WAY:
            return
        self._learn(reply)
        # The echo of name and seqid was checked when the reply came; polls are as many as it takes.
        start = 8 + len(reply.name.encode())
        raw = reply.raw[:start] + b"\0\0\0\0" + reply.raw[start + 4 :]
        for found, name in self.names.items():
            raw = raw.replace(found, name)
        self.replies.append((reply.name, raw))

    def _learn(self, reply: Reply) -> None:
        if reply.is_exception:
            return
        kind, path = ("session", (3, 1)) if reply.name == "OpenSession" else ("operation", (2, 1))
        if reply.name in _NO_HANDLE:
            return
        identifier = tree.get(reply.fields, *path)
        if identifier is None:
            return
        number = len(self.names)
        for half, part in ((1, "guid"), (2, "secret")):
            value = tree.get(identifier, half)
            self.names.setdefault(value, f"{kind[:4]}-{part[:4]}-{number}".ljust(16).encode())
        guid = str(uuid.UUID(bytes=tree.get(identifier, 1))).encode()
        self.names.setdefault(guid, f"<{kind} {number}>".ljust(36).encode())


# Operation states that a poll may or may not catch: initialized, running, pending.
_UNDER_WAY = (0, 1, 7)

# Replies whose field 2 is something else than an operation handle.
_NO_HANDLE = {
    "CloseSession",
    "GetInfo",
    "GetOperationStatus",
    "CancelOperation",
    "CloseOperation",
    "GetResultSetMetadata",
    "FetchResults",
    "GetDelegationToken",
    "CancelDelegationToken",
    "RenewDelegationToken",
    "GetQueryId",
    "SetClientInfo",
}


def _quiet(value: Any) -> Any:
    """A tree with the texts normalised and reflection's frames taken out of lists of texts."""
    if isinstance(value, bytes):
        try:
            return text(value.decode())
        except UnicodeDecodeError:
            return value
    if isinstance(value, tree.Field):
        return (value.id, value.type, _quiet(value.value))
    if isinstance(value, tree.Sequence):
        values = [v for v in value.values if b"jdk.internal.reflect" not in _as_bytes(v)]
        return (value.kind, value.element, [_quiet(v) for v in values])
    if isinstance(value, tree.Mapping):
        return (value.key, value.value, [(_quiet(k), _quiet(v)) for k, v in value.items])
    if isinstance(value, list):
        return [_quiet(v) for v in value]
    return value


def _as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _without_stack(value: Any) -> Any:
    """A quiet reply body whose info messages keep only the errors' own lines ("*class:text...")."""
    if isinstance(value, tuple) and len(value) == 3 and value[:2] == (tree.LIST, tree.STRING):
        if any(isinstance(entry, str) and entry.startswith("*") for entry in value[2]):
            return (*value[:2], [entry for entry in value[2] if entry.startswith("*")])
    if isinstance(value, tuple | list):
        return type(value)(_without_stack(item) for item in value)
    return value


def difference(direct: list[tuple[str, bytes]], via: list[tuple[str, bytes]]) -> str | None:
    """What differs first between two recordings, in words; None when nothing does.

    An answer that hivegate writes itself in Spark's place is marked in its info messages; it has no
    Java stack to show, so there the error's class and text are compared and the stack is not.
    """
    if [name for name, _ in direct] != [name for name, _ in via]:
        return f"calls answered\ndirect: {[n for n, _ in direct]}\nvia:    {[n for n, _ in via]}"
    for index, ((name, left), (_, right)) in enumerate(zip(direct, via, strict=True)):
        if left == right:
            continue
        messages = [tree.decode(raw) for raw in (left, right)]
        quiet = [(m.type, m.name, _quiet(m.body)) for m in messages]
        if b"hivegate:" in right:
            quiet = [_without_stack(body) for body in quiet]
        if quiet[0] != quiet[1]:
            shown = [f"type {m.type} {tree.show(m.body)}" for m in messages]
            return f"reply {index} ({name})\n" + _around_difference(*shown)
    return None


def _around_difference(direct: str, via: str) -> str:
    """Two long texts, cut to where they begin to differ."""
    pairs = enumerate(zip(direct, via, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(direct), len(via)))
    start = max(0, at - 200)
    return f"direct: ...{direct[start : at + 400]}\nvia:    ...{via[start : at + 400]}"
