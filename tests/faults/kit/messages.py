"""Requests as bytes, well-formed or not, and replies taken apart."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from e2e.harness import thrift_tree as tree
from e2e.harness.thrift_tree import BOOL, CALL, EXCEPTION, I32, I64, MAP, STRING, STRUCT

Fields = Sequence[tuple[int, int, Any]]

# TApplicationException types, TStatusCode and TOperationState values
UNKNOWN_METHOD, INVALID_MESSAGE_TYPE, INTERNAL_ERROR, PROTOCOL_ERROR = 1, 2, 6, 7
SUCCESS, ERROR_STATUS = 0, 3
RUNNING, FINISHED, CANCELED, FAILED = 1, 2, 3, 5


@dataclass(frozen=True)
class Handle:
    """A session handle, or (type set) an operation handle."""

    guid: bytes
    secret: bytes
    type: int | None = None

    @classmethod
    def random(cls, operation_type: int | None = None) -> Handle:
        return cls(uuid.uuid4().bytes, uuid.uuid4().bytes, operation_type)

    @classmethod
    def read(cls, fields: Fields) -> Handle:
        return cls(tree.get(fields, 1, 1), tree.get(fields, 1, 2), tree.get(fields, 2))

    @property
    def fields(self) -> Fields:
        identifier = [(1, STRUCT, [(1, STRING, self.guid), (2, STRING, self.secret)])]
        if self.type is None:
            return identifier
        return [*identifier, (2, I32, self.type), (3, BOOL, 1)]

    @property
    def text(self) -> str:
        """The guid as a server names it in its errors."""
        return str(uuid.UUID(bytes=self.guid))


def call(
    name: str, fields: Fields | bytes, seqid: int = 1, kind: int = CALL, strict: bool = True
) -> bytes:
    """One call; `fields` are those of the T...Req, or the raw bytes of the args struct."""
    args = fields if isinstance(fields, bytes) else tree.struct_bytes([(1, STRUCT, fields)])
    return tree.head_bytes(name, seqid, kind, strict) + args


def text_map(entries: dict[str, str] | Sequence[tuple[Any, Any]]) -> tree.Mapping:
    items = list(entries.items()) if isinstance(entries, dict) else list(entries)
    return tree.Mapping(STRING, STRING, items)


def open_fields(
    user: str | None = None,
    password: str | None = None,
    conf: dict[str, str] | None = None,
    protocol: int = 9,
) -> Fields:
    fields: list[tuple[int, int, Any]] = [(1, I32, protocol)]
    if user is not None:
        fields.append((2, STRING, user))
    if password is not None:
        fields.append((3, STRING, password))
    if conf is not None:
        fields.append((4, MAP, text_map(conf)))
    return fields


def execute_fields(session: Handle, statement: str | bytes, run_async: bool = False) -> Fields:
    return [
        (1, STRUCT, session.fields),
        (2, STRING, statement),
        (3, MAP, text_map({})),
        (4, BOOL, int(run_async)),
        (5, I64, 0),
    ]


def fetch_fields(operation: Handle, rows: int = 1000) -> Fields:
    return [(1, STRUCT, operation.fields), (2, I32, 0), (3, I64, rows), (4, tree.I16, 0)]


def handle_fields(handle: Handle) -> Fields:
    return [(1, STRUCT, handle.fields)]


def info_fields(session: Handle, info_type: int = 17) -> Fields:
    return [(1, STRUCT, session.fields), (2, I32, info_type)]


class Reply:
    """A whole reply message."""

    def __init__(self, raw: bytes):
        self.raw = raw

    @cached_property
    def message(self) -> tree.Message:
        return tree.decode(self.raw)

    @property
    def name(self) -> str:
        return self.message.name

    @property
    def seqid(self) -> int:
        return self.message.seqid

    @property
    def is_exception(self) -> bool:
        return self.message.type == EXCEPTION

    @property
    def exception(self) -> tuple[int, str]:
        """(type, text) of a TApplicationException."""
        assert self.is_exception, f"{self.name} is no exception: {tree.show(self.message.body)}"
        return tree.get(self.message.body, 2), (tree.get(self.message.body, 1) or b"").decode()

    @property
    def fields(self) -> Any:
        """The fields of the T...Resp."""
        assert not self.is_exception, f"{self.name}: {self.exception}"
        return tree.get(self.message.body, 0)

    @property
    def code(self) -> int:
        return tree.get(self.fields, 1, 1)

    @property
    def sql_state(self) -> str | None:
        state = tree.get(self.fields, 1, 3)
        return None if state is None else state.decode()

    @property
    def error(self) -> str:
        """The text of the error, whichever way it was told."""
        if self.is_exception:
            return self.exception[1]
        assert self.code == ERROR_STATUS, f"{self.name} succeeded: {tree.show(self.fields)}"
        return tree.get(self.fields, 1, 5).decode()

    def ok(self) -> Reply:
        assert not self.is_exception, f"{self.name}: {self.exception}"
        assert self.code in (0, 1), f"{self.name}: {tree.show(self.fields)}"
        return self

    @property
    def session(self) -> Handle:
        return Handle.read(tree.get(self.ok().fields, 3))

    @property
    def operation(self) -> Handle:
        return Handle.read(tree.get(self.ok().fields, 2))


# ---- replies as a server writes them -------------------------------------------------------------


def status(code: int = SUCCESS, text: str | None = None, state: str | None = None) -> Fields:
    fields: list[tuple[int, int, Any]] = [(1, I32, code)]
    if text is not None:
        line = f"*org.apache.hive.service.cli.HiveSQLException:{text}:1:0"
        info = tree.Sequence(tree.LIST, STRING, [line])
        fields.append((2, tree.LIST, info))
    if state is not None:
        fields.append((3, STRING, state))
    if text is not None:
        fields += [(4, I32, 0), (5, STRING, text)]
    return fields


def answer(name: str, seqid: int, response: Fields) -> bytes:
    return tree.head_bytes(name, seqid, tree.REPLY) + tree.struct_bytes([(0, STRUCT, response)])


def error_answer(name: str, seqid: int, text: str, state: str | None = "HY000") -> bytes:
    return answer(name, seqid, [(1, STRUCT, status(ERROR_STATUS, text, state))])


def exception_answer(name: str, seqid: int, kind: int, text: str) -> bytes:
    head = tree.head_bytes(name, seqid, EXCEPTION)
    return head + tree.struct_bytes([(1, STRING, text), (2, I32, kind)])


VALUE_SIZE = 64 * 1024
_PATTERN = bytes(range(256)) * (VALUE_SIZE // 256)


class BigFetch:
    """A FetchResults reply of about `size` bytes that is made as it is sent: one column of values
    of 64 KiB, each beginning with its number, so that nothing can be lost, doubled or moved."""

    def __init__(self, seqid: int, size: int):
        self.count = max(1, size // (VALUE_SIZE + 4))
        column_head = struct.pack(">bh", STRUCT, 7) + struct.pack(">bh", tree.LIST, 1)
        self.head = (
            tree.head_bytes("FetchResults", seqid, tree.REPLY)
            + struct.pack(">bh", STRUCT, 0)
            + struct.pack(">bh", STRUCT, 1)
            + tree.struct_bytes(status())
            + struct.pack(">bhb", BOOL, 2, 0)
            + struct.pack(">bh", STRUCT, 3)
            + struct.pack(">bhq", I64, 1, 0)
            + struct.pack(">bhbi", tree.LIST, 2, STRUCT, 0)
            + struct.pack(">bhbi", tree.LIST, 3, STRUCT, 1)
            + column_head
            + struct.pack(">bi", STRING, self.count)
        )
        # nulls, then the ends of TStringColumn, TColumn, TRowSet, TFetchResultsResp, the result
        self.tail = struct.pack(">bhi", STRING, 2, 1) + b"\0" + b"\0" * 5
        self.size = len(self.head) + self.count * (VALUE_SIZE + 4) + len(self.tail)

    def chunks(self):
        yield self.head
        for number in range(self.count):
            yield struct.pack(">iI", VALUE_SIZE, number) + _PATTERN[4:]
        yield self.tail

    def whole(self) -> bytes:
        return b"".join(self.chunks())
